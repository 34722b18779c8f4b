//! SVG elements of the report.

use std::fmt::Write;

/// Width of every drawing, in its own units.
pub const WIDTH: f64 = 1100.0;
/// Room for names on the left.
pub const LEFT: f64 = 150.0;

/// A drawing under construction.
pub struct Svg {
    height: f64,
    body: String,
}

impl Svg {
    pub fn new(height: f64) -> Self {
        Self {
            height,
            body: String::new(),
        }
    }

    /// A filled box with a text that shows when the pointer rests on it.
    pub fn rect(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], color: &str, title: &str) {
        let _ = write!(
            self.body,
            "<rect x=\"{x:.2}\" y=\"{y:.1}\" width=\"{:.2}\" height=\"{height:.1}\" fill=\"{color}\">",
            width.max(0.3)
        );
        if !title.is_empty() {
            let _ = write!(self.body, "<title>{}</title>", escape(title));
        }
        self.body += "</rect>";
    }

    /// A line.
    pub fn line(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], color: &str, width: f64) {
        let _ = write!(
            self.body,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{color}\" stroke-width=\"{width}\"/>"
        );
    }

    /// A dot.
    pub fn dot(&mut self, [x, y]: [f64; 2], radius: f64, color: &str, title: &str) {
        let _ = write!(
            self.body,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{color}\" fill-opacity=\"0.75\" stroke=\"#fff\">\
             <title>{}</title></circle>",
            escape(title)
        );
    }

    /// A text; `anchor` is `start`, `middle` or `end`.
    pub fn text(&mut self, [x, y]: [f64; 2], anchor: &str, class: &str, text: &str) {
        let _ = write!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{}</text>",
            escape(text)
        );
    }

    pub fn finish(self) -> String {
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\">{}</svg>",
            self.height, self.body
        )
    }
}

/// A text in HTML; control characters are left out.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A name that fits beside a row.
pub fn short(name: &str, longest: usize) -> String {
    let count = name.chars().count();
    match count > longest {
        true => {
            let tail: String = name.chars().skip(count + 1 - longest).collect();
            format!("…{tail}")
        }
        false => name.to_owned(),
    }
}

/// A time with a unit that suits it.
pub fn seconds(seconds: f64) -> String {
    let (factor, unit) = match seconds {
        s if s >= 1.0 => (1.0, "s"),
        s if s >= 1e-3 => (1e3, "ms"),
        s if s >= 1e-6 => (1e6, "us"),
        _ => (1e9, "ns"),
    };
    format!("{:.4} {unit}", factor * seconds).replace(".0000", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place() {
        assert_eq!(escape("<b a=\"1\">&\n"), "&lt;b a=&quot;1&quot;&gt;&amp; ");
        assert_eq!(short("abcdef", 4), "…def");
        assert_eq!(short("abc", 4), "abc");
    }

    #[test]
    fn times_have_units() {
        assert_eq!(seconds(0.25), "250 ms");
        assert_eq!(seconds(1.5e-6), "1.5000 us");
    }
}
