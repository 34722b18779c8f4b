//! Formulas that users write.

use tandem_robot::terms::expression::Expression;

fn value(text: &str) -> f64 {
    Expression::parse(text, &["x", "speed"])
        .unwrap()
        .value(|i| [3.0, -0.5][i])
}

#[test]
fn operators_bind_as_in_mathematics() {
    assert_eq!(value("1 + 2 * x"), 7.0);
    assert_eq!(value("-x^2"), -9.0);
    assert_eq!(value("2^-1"), 0.5);
    assert_eq!(value("2^3^2"), 512.0);
    assert_eq!(value("2 * -x"), -6.0);
    assert_eq!(value("10 / 5 / 2 - 1 - 1"), -1.0);
    assert_eq!(value("exp(-(x - 3)^2 / 0.25)"), 1.0);
    assert_eq!(value("1e-1 + .5 + 2.E0"), 2.6);
    assert_eq!(value("-7 % 4"), 1.0);
}

#[test]
fn functions_and_comparisons() {
    assert_eq!(value("if(speed < 0, max(x, 1), 9)"), 3.0);
    assert_eq!(value("clamp(x, 0, 1) + min(x, speed)"), 0.5);
    assert_eq!(value("abs(speed) >= 0.5"), 1.0);
    assert_eq!(value("square(x) + sign(speed) + sign(0)"), 8.0);
    assert_eq!(value("cos(pi)"), -1.0);
    assert_eq!(value("if(x > 0, 1, sqrt(speed))"), 1.0, "the other branch is left out");
    assert_eq!(value("(0 < x) * (x < 1)"), 0.0);
}

#[test]
fn what_is_no_number_stays_none() {
    for text in [
        "max(sqrt(speed), 1)",
        "min(1, sqrt(speed))",
        "sqrt(speed) > 0",
        "if(sqrt(speed), 1, 2)",
        "1 ^ sqrt(speed)",
        "pow(sqrt(speed), 0)",
        "hypot(exp(1000), sqrt(speed))",
        "0 % 0",
    ] {
        assert!(value(text).is_nan(), "{text}");
    }
}

#[test]
fn errors_name_line_column_and_the_nearest_name() {
    let message = |text: &str| Expression::parse(text, &["x", "speed"]).unwrap_err().to_string();
    assert_eq!(
        message("1 +\n  sped"),
        "line 2, column 3: `sped` is no variable; did you mean `speed`?"
    );
    assert_eq!(
        message("sqr(x)"),
        "line 1, column 1: `sqr` is no function; did you mean `sqrt`?"
    );
    assert_eq!(message("(x + 1"), "line 1, column 1: this parenthesis is not closed");
    assert_eq!(
        message("x + 1)"),
        "line 1, column 6: a parenthesis is closed that was not opened"
    );
    assert_eq!(
        message("x x"),
        "line 1, column 3: an operator is expected here, not `x`"
    );
    assert_eq!(
        message("x *"),
        "line 1, column 4: the formula ends where a number or name is expected"
    );
    assert_eq!(message("max(x)"), "line 1, column 1: `max` takes 2 numbers, not 1");
    let chained = "comparisons cannot be chained: instead of a < b < c, write (a < b) * (b < c)";
    assert_eq!(message("0 < x < 1"), format!("line 1, column 7: {chained}"));
    assert_eq!(
        message("max(1, 0 < x + 1\n>= 1)"),
        format!("line 2, column 1: {chained}")
    );
    assert!(message(&"1 + 1 * 1 ^ (".repeat(40)).contains("nested deeper"));
    assert!(message(&format!("{}1{}", "1 + 1 * 1 ^ (".repeat(25), ")".repeat(25))).contains("nested too deeply"));
    assert!(message(&"(".repeat(1000)).contains("nested deeper"));
    assert!(message(&"-".repeat(100_000)).contains("nested deeper"));
}
