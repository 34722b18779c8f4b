//! The matrix product that a layer is lowered to.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A count does not fit 64 bits: the layer is far larger than anything that could be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what} does not fit 64 bits; the layer is too large")]
pub struct TooLarge {
    /// Which count.
    pub what: &'static str,
}

/// The product of counts.
///
/// # Errors
/// A product beyond 64 bits.
pub(super) fn product(what: &'static str, factors: &[u64]) -> Result<u64, TooLarge> {
    let mut product = 1_u64;
    for &factor in factors {
        product = product.checked_mul(factor).ok_or(TooLarge { what })?;
    }
    Ok(product)
}

/// The sum of counts.
///
/// # Errors
/// A sum beyond 64 bits.
pub(super) fn sum(what: &'static str, terms: impl IntoIterator<Item = u64>) -> Result<u64, TooLarge> {
    let mut sum = 0_u64;
    for term in terms {
        sum = sum.checked_add(term).ok_or(TooLarge { what })?;
    }
    Ok(sum)
}

/// A product of an `m` x `k` matrix and a `k` x `n` matrix.
///
/// A convolution becomes one with `m` output pixels, `k` = kernel height x kernel width x input channels, and `n`
/// output channels (accelerators that unroll windows do exactly that).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gemm {
    /// Rows of the input and the output.
    pub m: u64,
    /// Columns of the weights and the output.
    pub n: u64,
    /// Length of the sums.
    pub k: u64,
}

impl Gemm {
    /// Multiply-accumulate operations.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn macs(&self) -> Result<u64, TooLarge> {
        product("the number of multiply-accumulates", &[self.m, self.n, self.k])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macs_are_counted_and_never_wrap() {
        let gemm = Gemm { m: 3, n: 5, k: 7 };
        assert_eq!(gemm.macs(), Ok(105));
        let huge = Gemm {
            m: u64::MAX,
            n: 2,
            k: 1,
        };
        assert!(huge.macs().unwrap_err().to_string().contains("64 bits"));
        assert!(sum("x", [u64::MAX, 1]).is_err());
    }
}
