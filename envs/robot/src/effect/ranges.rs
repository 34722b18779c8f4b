//! Ranges and sizes of numbers as they occur.

/// Where numbers were seen to lie.
#[derive(Clone, Debug, Default)]
pub struct Ranges {
    lows: Vec<f64>,
    highs: Vec<f64>,
    squares: Vec<f64>,
    seen: usize,
}

impl Ranges {
    /// Of so many numbers, none seen yet.
    pub fn new(len: usize) -> Self {
        Self {
            lows: vec![f64::INFINITY; len],
            highs: vec![f64::NEG_INFINITY; len],
            squares: vec![0.0; len],
            seen: 0,
        }
    }

    /// Takes in a row of numbers; one that holds a number that is not finite is left out.
    pub fn see<T: Copy + Into<f64>>(&mut self, row: &[T]) {
        if !row.iter().all(|&x| x.into().is_finite()) {
            return;
        }
        self.seen += 1;
        for (i, &x) in row.iter().enumerate() {
            let x = x.into();
            self.lows[i] = self.lows[i].min(x);
            self.highs[i] = self.highs[i].max(x);
            self.squares[i] += x * x;
        }
    }

    /// The ranges, widened by half their width at each end, so that other designs and better policies lie inside too.
    pub fn widened(&self) -> Vec<[f32; 2]> {
        let widen = |(&low, &high): (&f64, &f64)| {
            if low > high {
                return [-1.0, 1.0];
            }
            let margin = 0.5 * (high - low).max(1e-3);
            [(low - margin) as f32, (high + margin) as f32]
        };
        self.lows.iter().zip(&self.highs).map(widen).collect()
    }

    /// Root mean squares, at least 1e-6: what never moved still has a size.
    pub fn sizes(&self) -> Vec<f32> {
        let n = self.seen.max(1) as f64;
        self.squares.iter().map(|s| (s / n).sqrt().max(1e-6) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_widened_and_sizes_are_root_mean_squares() {
        let mut ranges = Ranges::new(2);
        ranges.see(&[3.0, 0.0]);
        ranges.see(&[f64::NAN, 0.0]);
        ranges.see(&[4.0, 0.0]);
        assert_eq!(ranges.widened()[0], [2.5, 4.5]);
        assert!((f64::from(ranges.sizes()[0]) - 12.5f64.sqrt()).abs() < 1e-6);
        assert_eq!(ranges.sizes()[1], 1e-6);
    }
}
