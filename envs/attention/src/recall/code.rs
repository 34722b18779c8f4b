//! Sizes of the task, and the code that commands correct.

/// Rows of the arrays: components of query and key, and columns of values.
pub const ROWS: usize = 8;
/// Different keys: rows of a Hadamard matrix of [`ROWS`], without the one of all ones.
pub const KEYS: usize = ROWS - 1;
/// Different values, a column each.
pub const VALUES: usize = ROWS;
/// Tokens that a window may hold at most.
pub const SLOTS: usize = 12;
/// Numbers of a command: query, key and value.
pub const COMMANDS: usize = 3 * ROWS;
/// Size of a code's numbers.
const AMPLITUDE: f32 = 0.4;
/// What a full command adds.
const CORRECTION: f32 = 1.0;

/// A token: a fact, and a question about one of the latest facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Token {
    /// Key of the fact.
    pub key: u8,
    /// Its value.
    pub value: u8,
    /// How many tokens ago the fact was stated that is asked for; 0 for the token's own.
    pub asked: u8,
}

/// Number `column` of a row of the Hadamard matrix, ±1.
fn hadamard(row: usize, column: usize) -> f32 {
    match (row & column).count_ones() % 2 {
        0 => 1.0,
        _ => -1.0,
    }
}

/// What goes to the hardware, in [-1, 1]: query, key, value.
pub fn encode(token: Token, asked_key: u8, command: &[f32]) -> [f32; COMMANDS] {
    let code = |at: usize| {
        let column = at % ROWS;
        match at / ROWS {
            0 => hadamard(usize::from(asked_key) + 1, column),
            1 => hadamard(usize::from(token.key) + 1, column),
            _ if column == usize::from(token.value) => 1.0,
            _ => -1.0,
        }
    };
    std::array::from_fn(|at| {
        let correction = command.get(at).copied().unwrap_or(0.0).clamp(-1.0, 1.0);
        (AMPLITUDE * code(at) + CORRECTION * correction).clamp(-1.0, 1.0)
    })
}

/// The tokens of an episode: two facts of a key lie at least `reach` tokens apart, questions go back fewer than that.
pub fn text(tokens: &mut Vec<Token>, count: usize, reach: usize, stream: &mut tandem_core::Stream) {
    tokens.clear();
    for at in 0..count {
        let since = at.saturating_sub(reach - 1);
        let free = |key: &u8| tokens[since..].iter().all(|token| token.key != *key);
        let choice = stream.below((0..KEYS as u8).filter(free).count());
        let key = (0..KEYS as u8).filter(free).nth(choice).unwrap_or(0);
        tokens.push(Token {
            key,
            value: stream.below(VALUES) as u8,
            asked: stream.below(reach.min(at + 1)) as u8,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_core::Stream;

    #[test]
    fn a_query_meets_its_own_key_and_no_other() {
        let part = |at: usize, key: u8| -> Vec<f32> {
            let token = Token {
                key,
                ..Token::default()
            };
            encode(token, key, &[])[at * ROWS..(at + 1) * ROWS].to_vec()
        };
        for a in 0..KEYS as u8 {
            for b in 0..KEYS as u8 {
                // pulses have no sign: (1 + x) / 2
                let both = part(0, a).into_iter().zip(part(1, b));
                let score: f32 = both.map(|(q, k)| 0.5 * (1.0 + q) * k).sum();
                let expected = if a == b {
                    0.5 * AMPLITUDE * AMPLITUDE * ROWS as f32
                } else {
                    0.0
                };
                assert!((score - expected).abs() < 1e-5, "{a} {b}: {score}");
            }
        }
    }

    #[test]
    fn a_fact_that_is_asked_for_is_the_latest_of_its_key() {
        let mut tokens = vec![];
        let mut changed = 0;
        for seed in 0..50 {
            text(&mut tokens, 24, 6, &mut Stream::new(seed, "text", 0));
            for (at, token) in tokens.iter().enumerate() {
                let asked = at - usize::from(token.asked);
                let key = tokens[asked].key;
                assert!(tokens[asked + 1..=at].iter().all(|later| later.key != key));
                changed += usize::from(tokens[..asked].iter().any(|old| old.key == key));
            }
        }
        assert!(changed > 500, "facts change: {changed}");
    }
}
