//! Arithmetic on plain numbers whose bits do not depend on the processor.
//!
//! BLAS libraries sum in another order on every family of processors. Here every element is computed by one chain
//! of fused multiply-adds, whatever the width of the vectors it is computed in, so that each processor uses the
//! widest vectors it has and all of them give the same bits.

mod gemm;
mod tanh;
mod vector;

pub(crate) use gemm::{Strided, gemm};
pub(crate) use tanh::tanh_all;

/// What the processor offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Vectors of 512 bits.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// Vectors of 256 bits with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Nothing is known: one number at a time, by the same chains. Slow where the processor has no fused
    /// multiply-add.
    Plain,
}

impl Level {
    /// The best level of this processor.
    pub(crate) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Plain
    }

    /// All levels that this processor can run.
    #[cfg(test)]
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![Self::Plain];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f") {
                all.push(Self::Avx512);
            }
        }
        all
    }

    /// Its name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "AVX2",
            Self::Plain => "plain",
        }
    }
}
