//! Watching runs in a terminal: a picture is drawn again over the last one. Nothing of the terminal is changed, no mode, no
//! cursor, no screen, so that nothing has to be put right at the end, however that comes.

pub mod chart;
pub mod run;
pub mod sweep;

/// The characters that draw this picture over the last one, which had so many lines: lines are cut to `width` characters,
/// and to `height` lines.
pub fn redraw(lines: &[String], last: usize, [width, height]: [usize; 2]) -> (String, usize) {
    let cut = |line: &String| line.chars().take(width).collect::<String>();
    let shown: Vec<String> = lines.iter().take(height.max(1)).map(cut).collect();
    // up to the first line of the last picture, and clear from there
    let back = if last > 0 {
        format!("\x1b[{last}A\r\x1b[J")
    } else {
        String::new()
    };
    (back + &shown.join("\n") + "\n", shown.len())
}

#[cfg(test)]
mod tests {
    use super::redraw;

    #[test]
    fn a_picture_covers_the_last_one_and_fits_the_terminal() {
        let lines = ["abcdef".to_owned(), "ghi".into(), "jkl".into()];
        assert_eq!(redraw(&lines, 0, [4, 2]), ("abcd\nghi\n".into(), 2));
        assert_eq!(redraw(&lines[..1], 2, [80, 24]), ("\x1b[2A\r\x1b[Jabcdef\n".into(), 1));
    }
}
