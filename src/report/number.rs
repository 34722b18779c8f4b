//! Numbers as people read them.

use crate::evaluation::Interval;

/// Between groups of three digits: does not break a line, and no reader takes it for a point.
const GAP: char = '\u{202f}';

/// Four significant digits; `-` for what is no finite number.
pub fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if !value.is_finite() => "-".into(),
        0.0 => "0".into(),
        _ if size >= 1e15 => format!("{value:.3e}"),
        _ if size >= 9999.5 => {
            let sign = if value < 0.0 { "-" } else { "" };
            format!("{sign}{}", count(size.round() as u64))
        }
        _ if size < 1e-3 => format!("{value:.3e}"),
        _ => {
            let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
            let text = format!("{value:.decimals$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
    }
}

/// A whole number with gaps between groups of three digits, from ten thousand on.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(GAP);
        }
        text.push(digit);
    }
    text
}

/// A time given in seconds: `0.8 s`, `72 s`, `12 min`, `3 h 05 min`.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() => "-".into(),
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h {:02.0} min", (s / 3600.0).floor(), (s % 3600.0 / 60.0).floor()),
    }
}

/// A share in per cent; no line breaks before its sign.
pub fn percent(share: f64) -> String {
    format!("{}\u{a0}%", number((1000.0 * share).round() / 10.0))
}

/// A share with its interval in per cent.
pub fn percents(share: &Interval) -> String {
    let [low, high] = [share.low, share.high].map(|end| number((1000.0 * end).round() / 10.0));
    format!("{} [{low}, {high}]", percent(share.mean))
}

/// A number with its interval.
pub fn interval(value: &Interval) -> String {
    format!("{} [{}, {}]", number(value.mean), number(value.low), number(value.high))
}

/// A parameter's name with its unit in brackets; a ratio has none.
pub fn with_unit(name: &str, unit: &str) -> String {
    match unit {
        "1" | "" => name.into(),
        unit => format!("{name} ({unit})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_and_no_negative_zero() {
        let said = [0.0, -0.0, 0.25, 1234.5678, 614_400.0, -12_345.6, 2.5e-7, f64::NAN].map(number);
        let gap = |text: &str| text.replace(' ', "\u{202f}");
        let wanted = [
            "0",
            "0",
            "0.25",
            "1235",
            &gap("614 400"),
            &gap("-12 346"),
            "2.500e-7",
            "-",
        ];
        assert_eq!(said, wanted);
    }

    #[test]
    fn times_and_shares_are_short() {
        let said = [0.84, 72.4, 720.0, 11_100.0].map(duration);
        assert_eq!(said, ["0.8 s", "72 s", "12 min", "3 h 05 min"]);
        let share = Interval {
            mean: 0.97656,
            low: 0.933,
            high: 1.0,
        };
        assert_eq!(percents(&share), "97.7\u{a0}% [93.3, 100]");
        assert_eq!(["m", "1"].map(|unit| with_unit("link", unit)), ["link (m)", "link"]);
    }
}
