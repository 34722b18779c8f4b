//! Formats of numbers: their widths, and what it takes to multiply them.

use serde::{Deserialize, Serialize};

/// How numbers are stored and multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberFormat {
    /// 8-bit integers, 32-bit sums.
    Int8,
    /// 16-bit integers, 64-bit sums.
    Int16,
    /// 16-bit floating point, 32-bit sums.
    Fp16,
    /// 32-bit floating point, 32-bit sums.
    Fp32,
}

impl NumberFormat {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Int8, Self::Int16, Self::Fp16, Self::Fp32];

    /// Bytes of an input, a weight and a finished output.
    pub fn word_bytes(self) -> u64 {
        match self {
            Self::Int8 => 1,
            Self::Int16 | Self::Fp16 => 2,
            Self::Fp32 => 4,
        }
    }

    /// Bytes of a partial sum.
    pub fn sum_bytes(self) -> u64 {
        match self {
            Self::Int16 => 8,
            Self::Int8 | Self::Fp16 | Self::Fp32 => 4,
        }
    }

    /// Energy and area of a multiply-accumulate against that of 8-bit integers: bits squared for integers; for
    /// floating point the ratio of Horowitz's energies (multiplication and addition, 1.5 and 4.6 pJ against 0.3).
    pub fn multiplier(self) -> f64 {
        match self {
            Self::Int8 => 1.0,
            Self::Int16 => 4.0,
            Self::Fp16 => 5.0,
            Self::Fp32 => 15.3,
        }
    }
}
