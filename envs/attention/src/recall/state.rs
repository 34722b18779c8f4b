//! What changes during an episode of the recall task.

use serde::{Deserialize, Serialize};

use super::code::{COMMANDS, ROWS, Token, VALUES};
use crate::{GainCell, Head};

/// What changes during an episode.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    /// The episode's text.
    pub(super) tokens: Vec<Token>,
    /// Tokens that have been answered.
    pub(super) step: usize,
    /// What has gone to the hardware: query, key and value of each token.
    pub(super) sent: Vec<[f32; COMMANDS]>,
    /// The latest scores, nat, where the chip has given them.
    pub(super) scores: [f32; VALUES],
    /// Sum of the losses so far, nat.
    pub(super) loss: f32,
    /// Sum of energies over the reference so far.
    pub(super) energy: f32,
    /// Seed of the chip.
    pub(super) seed: u64,
    /// The chip of an episode in full fidelity; its state is what it has been told.
    #[serde(skip)]
    pub(super) chip: Option<Chip>,
}

impl State {
    /// The token to be answered next, the key that it asks for and the right value; the last one after the end.
    pub(super) fn now(&self) -> (Token, u8, usize) {
        let at = self.step.min(self.tokens.len() - 1);
        let token = self.tokens[at];
        let key = self.tokens[at - usize::from(token.asked)].key;
        (token, key, self.right(at))
    }

    /// The value that token `at` asks for.
    pub(super) fn right(&self, at: usize) -> usize {
        let token = self.tokens[at];
        usize::from(self.tokens[at - usize::from(token.asked)].value)
    }

    /// Mean loss so far, nat, and mean energy over the reference's.
    pub(super) fn means(&self) -> [f32; 2] {
        let count = self.step.max(1) as f32;
        [self.loss / count, self.energy / count]
    }
}

/// A circuit as it was made, cell for cell.
pub(super) struct Chip {
    pub(super) circuit: GainCell,
    pub(super) head: Head,
}

impl Chip {
    /// Sends a token to the head; its scores, nat.
    pub(super) fn play(&mut self, sent: &[f32; COMMANDS]) -> [f32; VALUES] {
        let numbers = sent.map(f64::from);
        let (query, rest) = numbers.split_at(ROWS);
        let (key, value) = rest.split_at(ROWS);
        let scores = self.head.step(query, key, value);
        std::array::from_fn(|at| scores[at] as f32)
    }
}
