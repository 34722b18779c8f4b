//! How Gemmini's reader fetches a row of memory: aligned requests of 16, 32 or 64 bytes, each the one that brings
//! most of what is left (StreamReader in Gemmini's `DMA.scala`).

/// Bytes that the bus brings in a cycle.
pub(super) const BEAT: u64 = 16;
/// Bytes of a line of the caches, and of the largest request.
pub(super) const LINE: u64 = 64;

/// What rows of memory cost the reader, on average over the places at which they can start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Requests {
    /// Requests of a row.
    pub requests: f64,
    /// Beats of the bus for a row.
    pub beats: f64,
}

/// The cost of a row of `bytes` out of an array whose rows lie `stride` bytes apart and that starts `base` bytes
/// behind a line's beginning.
pub(super) fn row(bytes: u64, stride: u64, base: u64) -> Requests {
    let (whole, rest) = (bytes / LINE, bytes % LINE);
    let (line, end) = (piece(LINE, stride, base), piece(rest, stride, base));
    Requests {
        requests: whole as f64 * line.requests + end.requests,
        beats: whole as f64 * line.beats + end.beats,
    }
}

/// The same for at most a line.
fn piece(bytes: u64, stride: u64, base: u64) -> Requests {
    if bytes == 0 {
        return Requests::default();
    }
    let step = gcd(gcd(stride, bytes), LINE);
    let places = LINE / step;
    let mut total = Requests::default();
    for place in 0..places {
        let (mut at, mut left) = ((base + step * place) % LINE, bytes);
        while left > 0 {
            let brings = |size: u64| left.min(size - at % size);
            let mut best = BEAT;
            for size in [2 * BEAT, 4 * BEAT] {
                if brings(size) > brings(best) {
                    best = size;
                }
            }
            let got = brings(best);
            total.requests += 1.0;
            total.beats += (best / BEAT) as f64;
            left -= got;
            at = (at + got) % LINE;
        }
    }
    Requests {
        requests: total.requests / places as f64,
        beats: total.beats / places as f64,
    }
}

pub(super) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_rows_need_one_request_each() {
        let one = |beats| Requests { requests: 1.0, beats };
        assert_eq!(row(64, 256, 0), one(4.0));
        assert_eq!(row(16, 256, 0), one(1.0));
        assert_eq!(row(8, 256, 8), one(1.0));
        let two_lines = row(128, 256, 0);
        assert_eq!((two_lines.requests, two_lines.beats), (2.0, 8.0));
    }

    #[test]
    fn a_line_that_starts_late_takes_a_second_request() {
        // 56 bytes with one request of a line, the other 8 with one beat
        let late = row(64, 64, 8);
        assert_eq!((late.requests, late.beats), (2.0, 5.0));
        // 16 bytes from 8, 24, 40 and 56: 32, 64, 32 bytes, and twice 16
        let late = row(16, 64, 8);
        assert_eq!((late.requests, late.beats), (1.25, 2.5));
    }
}
