//! Shapes of convolutions and how their loops are split.

use std::fmt;

use thiserror::Error;

use crate::gemm::product;
use crate::input::quote;

/// A loop of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dim {
    /// Kernel width.
    R,
    /// Kernel height.
    S,
    /// Output width.
    P,
    /// Output height.
    Q,
    /// Input channels.
    C,
    /// Output channels.
    K,
    /// Batch.
    N,
}

impl Dim {
    /// All loops, in the order of [`Shape::sizes`].
    pub const ALL: [Self; 7] = [Self::R, Self::S, Self::P, Self::Q, Self::C, Self::K, Self::N];

    fn named(letter: char) -> Option<Self> {
        let at = "RSPQCKN".find(letter)?;
        Some(Self::ALL[at])
    }

    /// Direction in which the loop slides the window: 0 for width, 1 for height.
    pub(crate) fn axis(self) -> Option<usize> {
        match self {
            Self::P | Self::R => Some(0),
            Self::Q | Self::S => Some(1),
            Self::C | Self::K | Self::N => None,
        }
    }
}

/// A convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Length of each loop, by `Dim as usize`.
    pub sizes: [u64; 7],
    /// Steps of the window in width and height.
    pub stride: [u64; 2],
    /// Distances between the kernel's taps in width and height.
    pub dilation: [u64; 2],
}

/// One loop of a nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loop {
    /// Which loop it is a part of.
    pub dim: Dim,
    /// How often it runs.
    pub factor: u64,
    /// Unrolled in space: all its runs happen at once.
    pub spatial: bool,
}

/// How the loops are split over the levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Loops of each level, level 0 (registers) first, outer loops first.
    pub levels: [Vec<Loop>; 4],
}

/// What is wrong with a mapping.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MappingError {
    /// It is not written as it should be.
    #[error("mapping {mapping}: {reason}")]
    Syntax {
        /// The text, shortened.
        mapping: String,
        /// What is wrong.
        reason: String,
    },
    /// The parts of a loop do not make its length.
    #[error("mapping: {dim:?} runs {product} times, the layer needs {size}")]
    Product {
        /// The loop.
        dim: Dim,
        /// Product of its parts.
        product: u64,
        /// Its length.
        size: u64,
    },
    /// The array cannot unroll this loop here.
    #[error("mapping: {dim:?} cannot be unrolled in space at level {level}; only C at level 1 and K at level 2 can")]
    Spatial {
        /// The loop.
        dim: Dim,
        /// The level.
        level: usize,
    },
    /// More is unrolled than the array has cells.
    #[error("mapping: {factor} values of {dim:?} at once do not fit the array's side of {side}")]
    Side {
        /// The loop.
        dim: Dim,
        /// How many.
        factor: u64,
        /// Cells of a side.
        side: u64,
    },
}

/// How Timeloop's short form names the levels and what they hold, outer ones first.
const HEADS: [&str; 4] = ["L3[WIO]", "L2[WI]", "L1[O]", "L0[W]"];

impl Mapping {
    /// Reads Timeloop's short form, outer levels first, `X` for space:
    /// `L3[WIO] K48 - L2[WI] N1 K16X - L1[O] C48 P16 C16X - L0[W] P8`.
    ///
    /// # Errors
    /// A text that is not of this form, or a loop that cannot be unrolled where it stands.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let fail = |reason: String| MappingError::Syntax {
            mapping: quote(text),
            reason,
        };
        let parts: Vec<&str> = text.split(" - ").map(str::trim).collect();
        if parts.len() != HEADS.len() {
            return Err(fail(format!("expected the levels {}", HEADS.join(", "))));
        }
        let mut levels: [Vec<Loop>; 4] = Default::default();
        for (part, (head, level)) in parts.iter().zip(HEADS.iter().zip((0..4).rev())) {
            let loops = part
                .strip_prefix(head)
                .ok_or_else(|| fail(format!("expected {head}, got {}", quote(part))))?;
            for word in loops.split_whitespace() {
                let part = parse_loop(word)
                    .ok_or_else(|| fail(format!("expected a loop like K16 or K16X, got {}", quote(word))))?;
                levels[level].push(part);
            }
        }
        let mapping = Self { levels };
        mapping.check_space()?;
        Ok(mapping)
    }

    fn check_space(&self) -> Result<(), MappingError> {
        for (level, loops) in self.levels.iter().enumerate() {
            for part in loops.iter().filter(|part| part.spatial) {
                if !matches!((level, part.dim), (1, Dim::C) | (2, Dim::K)) {
                    let dim = part.dim;
                    return Err(MappingError::Spatial { dim, level });
                }
            }
        }
        Ok(())
    }

    /// Checks that the loops make up the layer and fit an array of `side` x `side` cells.
    ///
    /// # Errors
    /// A loop whose parts do not make its length, or more unrolled than there are cells.
    pub fn check(&self, shape: &Shape, side: u64) -> Result<(), MappingError> {
        for dim in Dim::ALL {
            let size = shape.sizes[dim as usize];
            let parts = self.levels.iter().flatten().filter(|part| part.dim == dim);
            let factors = parts.map(|part| part.factor);
            let product = factors.fold(1_u64, |product, factor| product.saturating_mul(factor));
            if product != size {
                return Err(MappingError::Product { dim, product, size });
            }
        }
        for (level, dim) in [(1, Dim::C), (2, Dim::K)] {
            let factor = self.spatial(level);
            if factor > side {
                return Err(MappingError::Side { dim, factor, side });
            }
        }
        Ok(())
    }

    /// Number of copies at a level: rows used at level 1, columns used at level 2.
    pub fn spatial(&self, level: usize) -> u64 {
        let loops = self.levels[level].iter().filter(|part| part.spatial);
        loops.fold(1_u64, |product, part| product.saturating_mul(part.factor))
    }

    /// Loops in time outside a level, inner loops first; loops that run once are left out.
    pub(super) fn outside(&self, level: usize) -> impl Iterator<Item = &Loop> {
        self.levels[level + 1..]
            .iter()
            .flat_map(|loops| loops.iter().rev())
            .filter(|part| !part.spatial && part.factor > 1)
    }

    /// How much of each loop runs at a level and inside it, space included.
    pub(crate) fn extents(&self, level: usize) -> [u64; 7] {
        let mut extents = [1; 7];
        for part in self.levels[..=level].iter().flatten() {
            extents[part.dim as usize] *= part.factor;
        }
        extents
    }
}

impl fmt::Display for Mapping {
    /// Timeloop's short form, which [`Mapping::parse`] reads; a level without loops says `N1`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (at, (head, loops)) in HEADS.iter().zip(self.levels.iter().rev()).enumerate() {
            let sign = if at == 0 { "" } else { " - " };
            write!(f, "{sign}{head}")?;
            if loops.is_empty() {
                write!(f, " N1")?;
            }
            for &Loop { dim, factor, spatial } in loops {
                write!(f, " {dim:?}{factor}{}", if spatial { "X" } else { "" })?;
            }
        }
        Ok(())
    }
}

impl Shape {
    /// Multiply-accumulate operations; `None` beyond 64 bits.
    pub fn macs(&self) -> Option<u64> {
        product("multiply-accumulates", &self.sizes).ok()
    }

    /// Inputs that the window moves on per step of a loop.
    pub(crate) fn slide(&self, dim: Dim) -> f64 {
        let inputs = match dim {
            Dim::P => self.stride[0],
            Dim::Q => self.stride[1],
            Dim::R => self.dilation[0],
            Dim::S => self.dilation[1],
            Dim::C | Dim::K | Dim::N => 0,
        };
        inputs as f64
    }
}

fn parse_loop(word: &str) -> Option<Loop> {
    let mut letters = word.chars();
    let dim = Dim::named(letters.next()?)?;
    let rest = letters.as_str();
    let number = rest.strip_suffix('X');
    let factor = number.unwrap_or(rest).parse().ok().filter(|&factor| factor > 0)?;
    Some(Loop {
        dim,
        factor,
        spatial: number.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "L3[WIO] K48 - L2[WI] N1 K16X - L1[O] C48 P16 C16X - L0[W] P8";

    fn shape() -> Shape {
        Shape {
            sizes: [1, 1, 128, 1, 768, 768, 1],
            stride: [1, 1],
            dilation: [1, 1],
        }
    }

    #[test]
    fn timeloops_short_form_is_read() {
        let mapping = Mapping::parse(TEXT).unwrap();
        mapping.check(&shape(), 16).unwrap();
        assert_eq!((mapping.spatial(1), mapping.spatial(2)), (16, 16));
        let outside: Vec<u64> = mapping.outside(0).map(|part| part.factor).collect();
        assert_eq!(outside, [16, 48, 48]); // P, C, K: inner loops first
        assert_eq!(mapping.extents(1)[Dim::P as usize], 128);
        assert_eq!(shape().macs(), Some(128 * 768 * 768));
        assert_eq!(mapping.to_string(), TEXT);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mapping = Mapping::parse(TEXT).unwrap();
        let error = mapping.check(&shape(), 8).unwrap_err();
        assert!(error.to_string().contains("side of 8"), "{error}");
        let mut other = shape();
        other.sizes[Dim::K as usize] = 700;
        let error = mapping.check(&other, 16).unwrap_err();
        assert!(error.to_string().contains("K runs 768 times"), "{error}");
    }

    #[test]
    fn broken_texts_are_refused() {
        for (from, to) in [
            ("L2[WI]", "L2[W]"),
            ("K48", "J48"),
            ("K48", "K0"),
            ("K48", "K"),
            ("K48", "K99999999999999999999999"),
            (" - L0[W] P8", ""),
            ("K16X", "P16X"),
            ("P8", "C8X"),
        ] {
            assert!(Mapping::parse(&TEXT.replace(from, to)).is_err(), "{to}");
        }
    }
}
