//! Messages that stay legible, whatever an input's names and values are: no message quotes more than about 80
//! characters of one, and none hands a terminal a control character.

/// Most characters of a quotation that are kept.
const QUOTED: usize = 80;
/// Most characters of a line: lists of everything there is are shorter.
const LINE: usize = 2000;
/// What ends a word besides white space.
const ENDS: [char; 12] = ['/', '`', '"', '\'', ',', ';', '(', ')', '[', ']', '=', ':'];

/// `text` with every quotation, word and line that is too long cut in its middle, and with control characters and
/// those that turn the direction of writing escaped, but for the ends of lines.
pub fn legible(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| if is_harmful(c) { escape(c) } else { c.into() })
        .collect();
    let lines: Vec<String> = escaped.split('\n').map(line).collect();
    lines.join("\n")
}

fn is_harmful(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c != '\n' && (c.is_control() || turns)
}

fn escape(c: char) -> String {
    c.escape_default().to_string()
}

fn line(text: &str) -> String {
    let mut short = text.to_owned();
    for mark in ['`', '"'] {
        short = quotations(&short, mark);
    }
    cut(&words(&short), LINE)
}

/// Cuts what stands between two marks. Commands to type (`tandem train --resume RUN`) are left whole.
fn quotations(text: &str, mark: char) -> String {
    let parts: Vec<&str> = text.split(mark).collect();
    let closed = parts.len() - usize::from(parts.len().is_multiple_of(2)); // a mark without a partner quotes nothing
    let short = parts
        .iter()
        .enumerate()
        .map(|(at, part)| match at % 2 == 1 && at < closed && !part.contains(" --") {
            true => cut(part, QUOTED),
            false => (*part).to_owned(),
        });
    short.collect::<Vec<String>>().join(&mark.to_string())
}

/// Cuts every word; the parts of a path are words.
fn words(text: &str) -> String {
    let ends = |c: char| c.is_whitespace() || ENDS.contains(&c);
    text.split_inclusive(ends)
        .map(|word| match word.char_indices().next_back() {
            Some((at, end)) if ends(end) => cut(&word[..at], QUOTED) + &word[at..],
            _ => cut(word, QUOTED),
        })
        .collect()
}

/// At most `most` characters of `text`: its beginning and its end.
fn cut(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let (start, end) = (most * 2 / 3, most / 4);
    let from = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    format!("{}...{}", &text[..from(start)], &text[from(count - end)..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_messages_stay_as_they_are() {
        for text in [
            "experiments/far.json:12:5: ppo.rat: unknown key `rat`; did you mean `rate`? Valid keys: rate, clip, epochs",
            "stopped; `tandem train --resume /a/very/long/path/that/is/longer/than/eighty/characters/and/has/to/stay/whole` \
             goes on",
            "two\nlines, a ` alone, größer als ½",
            "",
        ] {
            assert_eq!(legible(text), text);
        }
    }

    #[test]
    fn long_names_are_cut_wherever_they_stand() {
        let long = "x".repeat(5000);
        let wordy = "many words ".repeat(500);
        for text in [
            format!("there is no problem `{long}`"),
            format!("--set {long}=1: unknown key"),
            format!("a/{long}/b: cannot be read"),
            format!("got the text \"{wordy}\""),
            format!("unknown key `{wordy}`; there is none"),
        ] {
            let short = legible(&text);
            assert!(short.chars().count() < 140, "{short}");
            assert!(short.contains("..."), "{short}");
        }
        assert!(legible(&wordy).chars().count() <= LINE);
    }

    #[test]
    fn nothing_commands_the_terminal() {
        assert_eq!(
            legible("name `\u{1b}[2J\u{7}\t\u{202e}é`"),
            "name `\\u{1b}[2J\\u{7}\\t\\u{202e}é`"
        );
    }

    #[test]
    fn many_byte_characters_are_cut_between_characters() {
        let short = legible(&format!("`{}`", "名".repeat(200)));
        assert_eq!(short.chars().count(), 2 + 53 + 3 + 20);
    }
}
