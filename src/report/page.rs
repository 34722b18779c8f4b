//! A page of HTML that opens without a network: headings, tables, notices; styles and scripts inside.

use std::fmt::Write;

/// How the page looks, in light, in dark and on paper.
const STYLE: &str = include_str!("assets/report.css");
/// Bodies as triangles, and a rasteriser with depth.
const SCRIPTS: [&str; 4] = [
    include_str!("assets/decode.js"),
    include_str!("assets/plane.js"),
    include_str!("assets/space.js"),
    include_str!("assets/replay.js"),
];

/// Text as HTML shows it, also within quoted attributes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() && c != '\n' => {}
            c => safe.push(c),
        }
    }
    safe
}

/// A page that is being written. What is given as HTML is put in as it is; all else is escaped.
pub struct Page {
    title: String,
    body: String,
    /// Whether something moves on it.
    replay: bool,
}

impl Page {
    /// A page with this title, a line of facts below it, and one sentence that says what was found.
    pub fn new(title: &str, facts: &[String], lead: &str) -> Self {
        let facts: Vec<String> = facts.iter().map(|fact| escape(fact)).collect();
        let body = format!(
            "<header><h1>{}</h1><p class=\"facts\">{}</p><p class=\"lead\">{}</p></header>\n",
            escape(title),
            facts.join(" &middot; "),
            escape(lead)
        );
        Self {
            title: title.into(),
            body,
            replay: false,
        }
    }

    /// Something that the reader must know before the rest.
    pub fn notice(&mut self, text: &str) {
        let _ = writeln!(self.body, "<p class=\"notice\" role=\"note\">{}</p>", escape(text));
    }

    /// The most important numbers, large: name and value.
    pub fn cards(&mut self, cards: &[(&str, String)]) {
        self.body += "<dl class=\"cards\">";
        for (name, value) in cards {
            let _ = write!(
                self.body,
                "<div><dt>{}</dt><dd>{}</dd></div>",
                escape(name),
                escape(value)
            );
        }
        self.body += "</dl>\n";
    }

    /// A section with a heading, a sentence about it, and its content as HTML.
    pub fn section(&mut self, title: &str, caption: &str, content: &str) {
        let id: String = title
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '-'
                }
            })
            .collect();
        let caption = match caption.is_empty() {
            true => String::new(),
            false => format!("<p class=\"caption\">{}</p>", escape(caption)),
        };
        let _ = writeln!(
            self.body,
            "<section id=\"{id}\" aria-labelledby=\"{id}-title\"><h2 id=\"{id}-title\">{}</h2>{caption}{content}</section>",
            escape(title)
        );
    }

    /// A section in which recorded episodes can be watched; `data` is the replay's JSON, `still` the HTML that stands for it where
    /// no script runs.
    pub fn replay(&mut self, caption: &str, data: &str, still: &str) {
        let content = format!(
            "{}<noscript><p class=\"notice\">The replay needs JavaScript; nothing else on this page does.</p>{still}</noscript>\
             <script type=\"application/json\" id=\"replay-data\">{}</script>",
            include_str!("assets/replay.html"),
            data.replace('<', "\\u003c") // nothing in a string may end the element
        );
        self.section("Replay", caption, &content);
        self.replay = true;
    }

    /// The whole document.
    pub fn finish(self) -> String {
        let script = match self.replay {
            true => format!(
                "<script>\"use strict\";(() => {{\n{}}})();</script>\n",
                SCRIPTS.concat()
            ),
            false => String::new(),
        };
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\">\
             <title>{}</title><style>\n{STYLE}</style></head>\n<body><main>\n{}</main>\n{script}</body></html>\n",
            escape(&self.title),
            self.body
        )
    }
}

/// A table; the first column names the row. Cells are text.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut html = String::from("<div class=\"wide\"><table><thead><tr>");
    for name in head {
        let _ = write!(html, "<th scope=\"col\">{}</th>", escape(name));
    }
    html += "</tr></thead><tbody>";
    for row in rows {
        html += "<tr>";
        for (i, cell) in row.iter().enumerate() {
            let _ = match i {
                0 => write!(html, "<th scope=\"row\">{}</th>", escape(cell)),
                _ => write!(html, "<td>{}</td>", escape(cell)),
            };
        }
        html += "</tr>";
    }
    html + "</tbody></table></div>"
}

/// A PNG inside the page, with what it shows for those who cannot see it.
pub fn picture(png: &[u8], alternative: &str) -> String {
    format!(
        "<img class=\"picture\" alt=\"{}\" src=\"data:image/png;base64,{}\">",
        escape(alternative),
        super::base64::encode(png)
    )
}

/// Figures side by side where there is room.
pub fn side_by_side(figures: &[String]) -> String {
    let cells: String = figures
        .iter()
        .map(|figure| format!("<figure>{figure}</figure>"))
        .collect();
    format!("<div class=\"figures\">{cells}</div>")
}

/// Lines that can be typed.
pub fn commands(lines: &[String]) -> String {
    format!("<pre tabindex=\"0\"><code>{}</code></pre>", escape(&lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_files_cannot_become_markup() {
        let evil = "</script><img src=x onerror=\"alert(1)\">'";
        let mut page = Page::new(evil, &[evil.into()], evil);
        page.notice(evil);
        page.cards(&[(evil, evil.into())]);
        page.section(evil, evil, &table(&[evil], &[vec![evil.into(), evil.into()]]));
        page.replay("", &serde_json::json!({ "caption": evil }).to_string(), "");
        let html = page.finish();
        assert!(!html.contains("<img") && !html.contains("onerror=\"alert"), "{html}");
        assert_eq!(html.matches("</script>").count(), 2, "data and program, nothing else");
    }
}
