//! The default text: stories made by rule from a seed, the same everywhere and without a network.
//!
//! People carry things between places. Each scene ends with questions whose answers stand some sentences before, so that
//! a model needs attention over tens of characters to predict them; names, verbs and order are drawn, so that the rest
//! has entropy that no model removes.

use tandem_core::Stream;

const PEOPLE: [&str; 12] = [
    "Ada", "Bruno", "Clara", "Dario", "Elena", "Felix", "Greta", "Hugo", "Irene", "Jonas", "Karla", "Luca",
];
const THINGS: [&str; 12] = [
    "lamp", "coin", "book", "rope", "bell", "knife", "apple", "mirror", "drum", "letter", "stone", "cup",
];
const PLACES: [&str; 10] = [
    "harbour", "mill", "garden", "tower", "market", "bridge", "cellar", "orchard", "chapel", "forge",
];
const MOVES: [&str; 4] = ["went to", "walked to", "ran to", "came to"];
const TAKES: [&str; 3] = ["took", "found", "bought"];
const MOODS: [&str; 6] = [
    "It was raining.",
    "Nobody spoke.",
    "The wind was cold.",
    "A dog barked.",
    "Night fell.",
    "The sun was high.",
];

fn one<'a>(stream: &mut Stream, words: &[&'a str]) -> &'a str {
    words[stream.below(words.len())]
}

/// Two different indices below `n`.
fn pair(stream: &mut Stream, n: usize) -> [usize; 2] {
    let first = stream.below(n);
    let second = (first + 1 + stream.below(n - 1)) % n;
    [first, second]
}

/// A text of at least `length` characters (all of them ASCII), cut after a scene.
pub fn story(seed: u64, length: usize) -> String {
    let mut stream = Stream::new(seed, "language/story", 0);
    let mut text = String::new();
    while text.len() < length {
        scene(&mut stream, &mut text);
    }
    text
}

fn scene(stream: &mut Stream, text: &mut String) {
    let people = pair(stream, PEOPLE.len()).map(|i| PEOPLE[i]);
    let things = pair(stream, THINGS.len()).map(|i| THINGS[i]);
    let places = pair(stream, PLACES.len()).map(|i| PLACES[i]);
    for i in 0..2 {
        let travel = one(stream, &MOVES);
        let take = one(stream, &TAKES);
        *text += &format!(
            "{} {travel} the {} and {take} the {}. ",
            people[i], places[i], things[i]
        );
        if stream.below(3) == 0 {
            *text += &format!("{} ", one(stream, &MOODS));
        }
    }
    let mut owner = [0, 1];
    if stream.below(2) == 0 {
        let giver = stream.below(2);
        *text += &format!(
            "{} gave the {} to {}. ",
            people[giver],
            things[giver],
            people[1 - giver]
        );
        owner[giver] = 1 - giver;
    }
    let asked = stream.below(2);
    *text += &match stream.below(2) {
        0 => format!("Who has the {}? {}.\n", things[asked], people[owner[asked]]),
        _ => format!("Where was {}? In the {}.\n", people[asked], places[asked]),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_tells_the_same_story() {
        assert_eq!(story(0, 5000), story(0, 5000));
        assert_ne!(story(0, 5000), story(1, 5000));
        assert!(story(0, 5000).starts_with(&story(0, 1000)));
        assert!(story(3, 1).is_ascii() && story(3, 4000).len() >= 4000);
    }

    #[test]
    fn answers_follow_from_the_scene() {
        for line in story(2, 50_000).lines() {
            let (scene, question) = line.rsplit_once(". ").map_or((line, ""), |(_, q)| (line, q));
            if let Some(rest) = question.strip_prefix("Where was ") {
                let (who, answer) = rest.split_once("? In the ").unwrap();
                let place = answer.trim_end_matches('.');
                let said = scene.split(". ").find(|s| s.starts_with(who)).unwrap();
                assert!(said.contains(&format!("the {place} and")), "{line}");
            }
            if let Some(rest) = question.strip_prefix("Who has the ") {
                let (thing, answer) = rest.split_once("? ").unwrap();
                let who = answer.trim_end_matches('.');
                let last = scene
                    .split(". ")
                    .filter(|s| s.contains(&format!("the {thing}")) && !s.contains('?'));
                let last = last.last().unwrap();
                assert!(last.starts_with(who) || last.ends_with(&format!("to {who}")), "{line}");
            }
        }
    }
}
