//! Faults in a robot's file, for the tests of its reader and of the program.

use tandem_core::Stream;

/// Numbers and texts that nobody expects in a robot's file.
const ODD: [&str; 20] = [
    "NaN",
    "inf",
    "-1",
    "0",
    "1e308",
    "-1e308",
    "1e-300",
    "99999999999",
    "2147483647",
    "-2147483648",
    "1e18",
    "a",
    "",
    "0 0 0",
    "1 2 3 4 5 6 7 8 9",
    "<",
    "/>",
    "1000000",
    "true",
    "🦀",
];

/// Changes a robot's file: a value, an attribute's or element's name, a line, a byte. What holds no value any more, because an
/// earlier change cut it off, stays as it is.
pub fn mutate(text: &str, stream: &mut Stream) -> String {
    let quotes: Vec<usize> = text.match_indices('"').map(|(at, _)| at).collect();
    let equals: Vec<usize> = text.match_indices('=').map(|(at, _)| at).collect();
    if quotes.len() < 2 || equals.is_empty() {
        return text.into();
    }
    let pair = 2 * stream.below(quotes.len() / 2);
    let value = quotes[pair] + 1..*quotes.get(pair + 1).unwrap_or(&text.len());
    let mut lines: Vec<&str> = text.lines().collect();
    let (from, to) = (stream.below(lines.len()), stream.below(lines.len()));
    let mut mutant = text.to_string();
    match stream.below(8) {
        0 => lines[to] = lines[from],
        1 => drop(lines.remove(from)),
        2 => lines.insert(to, lines[from]),
        3 => {
            let at = (0..=stream.below(text.len()))
                .rfind(|&at| text.is_char_boundary(at))
                .unwrap();
            mutant.truncate(at);
            return mutant;
        }
        4 => {
            mutant.insert(equals[stream.below(equals.len())], 'x');
            return mutant;
        }
        _ => {
            mutant.replace_range(value, ODD[stream.below(ODD.len())]);
            return mutant;
        }
    }
    lines.join("\n")
}
