//! Names by pattern, and the name that was probably meant.

/// Whether a name fits a pattern in which `*` stands for any text and `?` for one character.
pub fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Where the last `*` stood and how much of the name it has swallowed so far.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, swallowed)) => {
                    star = Some((at, swallowed + 1));
                    (p, n) = (at + 1, swallowed + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// The known name that is most like this one, if one is alike at all.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // As likely as in the experiment's other keys.
    let rated = known
        .into_iter()
        .map(|k| (strsim::normalized_damerau_levenshtein(name, k), k));
    let best = rated.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness >= 0.5).map(|(_, k)| k)
}

/// What is to be said about an unknown name: what was probably meant, or what there is.
pub fn hint(name: &str, known: &[&str]) -> String {
    match (nearest(name, known.iter().copied()), known.len()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, 0) => "there is none".into(),
        (None, n) if n > 12 => format!("there are {} and {} more", known[..12].join(", "), n - 12),
        (None, _) => format!("there are: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text_and_question_marks_for_one_character() {
        for (pattern, name) in [
            ("*", ""),
            ("*_knee", "left_knee"),
            ("?_hip", "l_hip"),
            ("a*b*c", "aXbYbc"),
            ("*a*b", "xaxbxb"),
            ("", ""),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*_knee", "knee"),
            ("?_hip", "ll_hip"),
            ("a*b", "abc"),
            ("*a*b", "xbxa"),
            ("", "a"),
            ("a?", "a"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn the_nearest_name_is_offered_and_else_what_there_is() {
        assert_eq!(hint("tigh", &["foot", "thigh"]), "did you mean `thigh`?");
        assert_eq!(hint("xyz", &["foot", "thigh"]), "there are: foot, thigh");
        assert_eq!(hint("xyz", &[]), "there is none");
    }
}
