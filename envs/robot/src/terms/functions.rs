//! What formulas are made of. NaN stays NaN through every operator and function, so that it is seen and named at the end; `if`
//! alone leaves it out where it stands in the branch that is not taken.

/// A function of one number, by name.
pub type One = (&'static str, fn(f64) -> f64);
/// A function of two.
pub type Two = (&'static str, fn(f64, f64) -> f64);
/// A function of three.
pub type Three = (&'static str, fn(f64, f64, f64) -> f64);
/// An operator between two formulas: how tightly it binds, how it is written and what it does.
pub type Binary = (usize, &'static str, fn(f64, f64) -> f64);

/// Functions of one number.
pub const ONE: &[One] = &[
    ("abs", f64::abs),
    ("sign", |x| if x == 0.0 { 0.0 } else { x.signum() }),
    ("sqrt", f64::sqrt),
    ("exp", f64::exp),
    ("ln", f64::ln),
    ("log10", f64::log10),
    ("sin", f64::sin),
    ("cos", f64::cos),
    ("tan", f64::tan),
    ("asin", f64::asin),
    ("acos", f64::acos),
    ("atan", f64::atan),
    ("sinh", f64::sinh),
    ("cosh", f64::cosh),
    ("tanh", f64::tanh),
    ("floor", f64::floor),
    ("ceil", f64::ceil),
    ("round", f64::round),
    ("square", |x| x * x),
];

/// Functions of two numbers.
pub const TWO: &[Two] = &[
    ("min", min),
    ("max", max),
    ("atan2", f64::atan2),
    ("pow", power),
    ("hypot", |a, b| known(a, b, f64::hypot)),
];

/// Functions of three numbers.
pub const THREE: &[Three] = &[
    ("clamp", |x, low, high| min(max(x, low), high)),
    ("if", |condition, yes, no| {
        if condition.is_nan() {
            condition
        } else if condition != 0.0 {
            yes
        } else {
            no
        }
    }),
];

/// Numbers that have a name.
pub const CONSTANTS: &[(&str, f64)] = &[("pi", std::f64::consts::PI), ("e", std::f64::consts::E)];

/// The value of a function of two numbers, NaN if either is NaN. (The standard library's differ: 1 to the power of NaN is 1.)
fn known(a: f64, b: f64, of: fn(f64, f64) -> f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { of(a, b) }
}

/// The first to the power of the second.
pub fn power(a: f64, b: f64) -> f64 {
    known(a, b, f64::powf)
}

/// The lesser; unlike the standard library's, NaN if either is NaN.
fn min(a: f64, b: f64) -> f64 {
    if a.is_nan() || a < b { a } else { b }
}

/// The greater, likewise.
fn max(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

/// How tightly comparisons bind.
pub const COMPARING: usize = 0;

/// A comparison's answer.
fn answer(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// The operators. Longer ones come first.
pub const BINARY: &[Binary] = &[
    (COMPARING, "<=", |a, b| known(a, b, |a, b| answer(a <= b))),
    (COMPARING, ">=", |a, b| known(a, b, |a, b| answer(a >= b))),
    (COMPARING, "<", |a, b| known(a, b, |a, b| answer(a < b))),
    (COMPARING, ">", |a, b| known(a, b, |a, b| answer(a > b))),
    (1, "+", |a, b| a + b),
    (1, "-", |a, b| a - b),
    (2, "*", |a, b| a * b),
    (2, "/", |a, b| a / b),
    (2, "%", f64::rem_euclid),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A user finds them in the page on robots of one's own, which says them all.
    #[test]
    fn the_page_lists_every_function_operator_and_constant() {
        let page = include_str!("../../../../docs/own-robot.md");
        let (_, list) = page.split_once("A formula is made of").expect("the page has the list");
        let rows = list.lines().filter(|line| line.starts_with('|')).take(7);
        let text = rows.collect::<Vec<_>>().join(" ");
        let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || "`(),".contains(c)).collect();
        let functions = (ONE.iter().map(|f| f.0))
            .chain(TWO.iter().map(|f| f.0))
            .chain(THREE.iter().map(|f| f.0));
        let others = (CONSTANTS.iter().map(|c| c.0)).chain(BINARY.iter().map(|b| b.1));
        for name in functions.chain(others) {
            assert!(words.contains(&name), "{name}");
        }
    }
}
