//! The name that was probably meant by one that there is not.

/// How alike two names must be, 0 (nothing in common) to 1 (the same).
const ALIKE: f64 = 0.5;

/// The known name that is most like this one, whatever its case, if one is alike at all.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_by(name, known, |known| known)
}

/// The same of things that have a name.
pub fn nearest_by<T>(name: &str, known: impl IntoIterator<Item = T>, name_of: impl Fn(&T) -> &str) -> Option<T> {
    let name = name.to_lowercase();
    let rated = known.into_iter().map(|one| {
        let likeness = strsim::normalized_damerau_levenshtein(&name, &name_of(&one).to_lowercase());
        (likeness, one)
    });
    let best = rated.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness >= ALIKE).map(|(_, one)| one)
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
    fn the_nearest_name_is_offered_and_else_what_there_is() {
        assert_eq!(hint("tigh", &["foot", "thigh"]), "did you mean `thigh`?");
        assert_eq!(hint("xyz", &["foot", "thigh"]), "there are: foot, thigh");
        assert_eq!(hint("xyz", &[]), "there is none");
        assert_eq!(nearest("PPO", ["cma", "ppo"]), Some("ppo"));
        assert_eq!(
            nearest_by("two", [(1, "one"), (2, "twoo")], |pair| pair.1),
            Some((2, "twoo"))
        );
    }
}
