//! What the systolic array does in a call: blocks of rows, one set of them for each block of weights.

/// Rows below which a block takes no less time on an array of four: its rows alone.
const SMALL_SIDE: u64 = 4;

/// Blocks of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Blocks {
    /// Blocks of weights.
    sets: f64,
    /// Blocks with as many rows as the array, and those that are left over, with their rows.
    full: f64,
    rest: f64,
    rest_rows: f64,
    /// Rows of a set's first block.
    first: f64,
    side: u64,
}

impl Blocks {
    /// `sets` blocks of weights, under each of which go `lines` times `rows` rows of inputs.
    pub fn new(sets: f64, lines: f64, rows: u64, side: u64) -> Self {
        let (full, rest) = (rows / side, rows % side);
        Self {
            sets,
            full: sets * lines * full as f64,
            rest: if rest > 0 { sets * lines } else { 0.0 },
            rest_rows: rest as f64,
            first: side.min(rows) as f64,
            side,
        }
    }

    /// Cycles: rows and `overhead` per block but no less than `shortest`, and the loading of weights where a set's
    /// first block does not hide it.
    pub fn cycles(&self, overhead: f64, shortest: f64) -> f64 {
        let side = self.side as f64;
        let shortest = match self.side <= SMALL_SIDE {
            true => SMALL_SIDE as f64,
            false => shortest,
        };
        let block = |rows: f64| (rows + overhead).max(shortest);
        let loading = (side - self.first.max(shortest)).max(0.0);
        self.full * block(side) + self.rest * block(self.rest_rows) + self.sets * loading
    }

    /// Mean rows of a block.
    pub fn mean_rows(&self) -> f64 {
        let rows = self.full * self.side as f64 + self.rest * self.rest_rows;
        rows / (self.full + self.rest).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_take_their_rows_and_weights_are_loaded_under_them() {
        // 27 rows on an array of 16: 16 and 11
        assert_eq!(Blocks::new(1.0, 1.0, 27, 16).cycles(0.0, 4.0), 27.0);
        // one row: the weights' 16 rows set the time
        assert_eq!(Blocks::new(2.0, 1.0, 1, 16).cycles(0.0, 4.0), 32.0);
        // 7 rows on an array of 4: 4 and 3, which takes 4
        assert_eq!(Blocks::new(1.0, 10.0, 7, 4).cycles(0.0, 6.0), 80.0);
    }
}
