//! What of the traffic misses a cache, in closed form.
//!
//! The loops of software around the calls are taken from the inside out. A line that an outer loop touches again is
//! still there if everything touched in between fits; how sharply that ends is one constant, since the caches replace
//! at random. Rows whose stride holds a high power of two fall on few sets, so that a region takes up as much room
//! as its stride says, not as its lines say.

use super::dma::LINE;

/// Part of a tensor in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Region {
    /// Lines that it touches.
    pub lines: f64,
    /// Bytes of a cache that it takes up.
    pub room: f64,
}

impl Region {
    /// `rows` rows of `stride` bytes, of each of which `bytes` are used.
    pub fn new(rows: f64, bytes: u64, stride: u64) -> Self {
        let line = LINE as f64;
        if stride < LINE {
            return Self {
                lines: (rows * stride as f64 / line).max(1.0),
                room: (rows * stride as f64).max(line),
            };
        }
        let used = bytes.div_ceil(LINE) as f64 * line;
        let lines = if bytes < stride {
            rows * used / line
        } else {
            rows * stride as f64 / line
        };
        let power = 1_u64 << stride.trailing_zeros().min(62);
        Self {
            lines,
            room: rows * used.max(power as f64),
        }
    }
}

/// One loop of software.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Loop {
    /// How often it runs.
    pub trips: f64,
    /// Whether it sums up outputs, which then leave the accelerator only at its end.
    pub reduces: bool,
}

/// What the loops touch: weights, inputs, outputs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Nest {
    /// The loops, inner ones first.
    pub loops: Vec<Loop>,
    /// What a call touches, and all runs of each loop: one more than there are loops.
    pub regions: Vec<[Region; 3]>,
}

impl Nest {
    /// Lines of weights, inputs and outputs that miss a cache of `bytes`, summed over all calls; the caches are warm,
    /// as after a run of the same layer.
    pub fn misses(&self, bytes: f64, sharpness: f64) -> [f64; 3] {
        let Some((first, last)) = self.regions.first().zip(self.regions.last()) else {
            return [0.0; 3];
        };
        let kept = |room: f64| 1.0 / (1.0 + (room / bytes).powf(sharpness));
        let rooms = self.rooms();
        let mut misses = first.map(|region| region.lines);
        for (at, one) in self.loops.iter().enumerate() {
            let kept = kept(rooms[at]);
            for (tensor, misses) in misses.iter_mut().enumerate() {
                let trips = if tensor == 2 && one.reduces { 1.0 } else { one.trips };
                let inside = self.regions[at][tensor].lines;
                let lines = self.regions[at + 1][tensor].lines.max(inside);
                let thrashed = (*misses - inside).max(0.0);
                if trips > 1.0 {
                    *misses = kept * (lines + trips * thrashed) + (1.0 - kept) * trips * *misses;
                }
            }
        }
        let kept = kept(rooms[self.loops.len()]);
        std::array::from_fn(|tensor| {
            let thrashed = (misses[tensor] - last[tensor].lines).max(0.0);
            kept * thrashed + (1.0 - kept) * misses[tensor]
        })
    }

    /// Room that a call and all runs of each loop take up; outputs count as often as they leave.
    pub fn rooms(&self) -> Vec<f64> {
        let mut outside: f64 = self.sums().map(|one| one.trips).product();
        let mut rooms = Vec::with_capacity(self.regions.len());
        for (at, [weights, inputs, outputs]) in self.regions.iter().enumerate() {
            rooms.push(weights.room + inputs.room + outputs.room / outside);
            if let Some(one) = self.loops.get(at).filter(|one| one.reduces) {
                outside /= one.trips;
            }
        }
        rooms
    }

    fn sums(&self) -> impl Iterator<Item = &Loop> {
        self.loops.iter().filter(|one| one.reduces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nest(trips: f64) -> Nest {
        let tile = Region::new(64.0, 64, 64);
        let grown = Region::new(64.0 * trips, 64, 64);
        Nest {
            loops: vec![
                Loop { trips, reduces: false },
                Loop {
                    trips: 10.0,
                    reduces: false,
                },
            ],
            // weights stay for the inner loop, inputs and outputs move on; the outer loop touches the same again
            regions: vec![[tile; 3], [tile, grown, grown], [tile, grown, grown]],
        }
    }

    #[test]
    fn what_fits_is_fetched_never_and_what_does_not_every_time() {
        let nest = nest(8.0);
        let roomy = nest.misses(1e9, 5.0);
        assert!(roomy.iter().all(|&lines| lines < 1e-6), "{roomy:?}");
        let tight = nest.misses(1.0, 5.0);
        for lines in tight {
            assert!((lines - 64.0 * 80.0).abs() < 1e-6, "{tight:?}");
        }
    }

    #[test]
    fn powers_of_two_between_rows_take_up_room() {
        let dense = Region::new(100.0, 64, 64);
        let sparse = Region::new(100.0, 64, 1024);
        assert_eq!((dense.lines, sparse.lines), (100.0, 100.0));
        assert_eq!((dense.room, sparse.room), (6400.0, 102_400.0));
        // 1000 = 8 x 125: no conflicts to speak of
        assert_eq!(Region::new(100.0, 64, 1000).room, 6400.0);
        assert_eq!(Region::new(1000.0, 3, 3).lines, 3000.0 / 64.0);
    }

    #[test]
    fn sums_keep_outputs_away_from_the_caches() {
        let mut nest = nest(8.0);
        nest.loops[1].reduces = true;
        let [_, _, outputs] = nest.misses(1.0, 5.0);
        assert!((outputs - 64.0 * 8.0).abs() < 1e-6, "{outputs}");
    }
}
