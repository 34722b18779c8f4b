//! Rows of whole numbers, as differences in a few bytes.

use serde::Serialize;

use crate::report::base64;

/// Rows of numbers over time.
#[derive(Debug, Serialize)]
pub struct Stream {
    /// The first row.
    first: Vec<i32>,
    /// The numbers that change, by their place in the row.
    moving: Vec<usize>,
    /// Their differences, row after row: zigzag (0, -1, 1, -2, ... as 0, 1, 2, 3, ...), seven bits to a byte with the lowest
    /// first and the highest bit set where more follow; Base64.
    data: String,
}

impl Stream {
    /// Rows of equal length.
    pub fn new(rows: &[Vec<i32>]) -> Self {
        let first = rows.first().cloned().unwrap_or_default();
        let moving: Vec<usize> = (0..first.len())
            .filter(|&i| rows.iter().any(|row| row[i] != first[i]))
            .collect();
        let mut bytes = Vec::new();
        for pair in rows.windows(2) {
            for &i in &moving {
                put(pair[1][i].wrapping_sub(pair[0][i]), &mut bytes);
            }
        }
        Self {
            first,
            moving,
            data: base64::encode(&bytes),
        }
    }
}

fn put(difference: i32, bytes: &mut Vec<u8>) {
    let mut rest = (difference << 1 ^ difference >> 31) as u32;
    while rest >= 128 {
        bytes.push(rest as u8 | 128);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_of_what_moves() {
        let stream = Stream::new(&[vec![7, 1], vec![7, 0], vec![7, 100]]);
        assert_eq!((&stream.first[..], &stream.moving[..]), (&[7, 1][..], &[1][..]));
        // -1 is 1; 100 is 200, which takes two bytes
        assert_eq!(stream.data, base64::encode(&[1, 200, 1]));
    }
}
