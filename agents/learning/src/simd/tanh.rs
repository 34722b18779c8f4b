//! The hyperbolic tangent of single precision.

use super::Level;
use super::vector::{Single, Vector};

/// Rational approximation by the Eigen library (`ptanh_float`): odd polynomial of degree 13 over an even one of
/// degree 6, absolute error below 5e-7. Beyond ± this bound it is ±1 in single precision.
const BOUND: f32 = 7.905_311;
const ODD: [f32; 7] = [
    -2.760_768_5e-16,
    2.000_188e-13,
    -8.604_672e-11,
    5.122_297e-8,
    1.485_722_4e-5,
    6.372_619_3e-4,
    4.893_524_6e-3,
];
const EVEN: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];

/// Replaces every number by its tanh: the same bits on every processor, several times faster than libm's. NaN
/// stays NaN.
pub(crate) fn tanh_all(numbers: &mut [f32]) {
    tanh_at(Level::best(), numbers);
}

pub(super) fn tanh_at(level: Level, numbers: &mut [f32]) {
    // SAFETY: the level says that the instructions exist.
    unsafe {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512(numbers),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2(numbers),
            Level::Plain => all::<Single<f32>>(numbers),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(numbers: &mut [f32]) {
    // SAFETY: this function's features.
    unsafe { all::<std::arch::x86_64::__m512>(numbers) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(numbers: &mut [f32]) {
    // SAFETY: this function's features.
    unsafe { all::<std::arch::x86_64::__m256>(numbers) }
}

/// # Safety
/// The processor has the vector's instructions.
#[inline(always)]
unsafe fn all<V: Vector<Number = f32>>(numbers: &mut [f32]) {
    let mut chunks = numbers.chunks_exact_mut(V::LANES);
    for chunk in &mut chunks {
        // SAFETY: a chunk is one vector long.
        unsafe { tanh(V::load(chunk.as_ptr())).store(chunk.as_mut_ptr()) };
    }
    let rest = chunks.into_remainder();
    let mut last = [0.0; 16];
    last[..rest.len()].copy_from_slice(rest);
    // SAFETY: no vector is longer than 16 numbers.
    unsafe { tanh(V::load(last.as_ptr())).store(last.as_mut_ptr()) };
    rest.copy_from_slice(&last[..rest.len()]);
}

#[inline(always)]
unsafe fn tanh<V: Vector<Number = f32>>(x: V) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let x = x.clamp(V::splat(-BOUND), V::splat(BOUND));
        let x2 = x.mul(x);
        let mut odd = V::splat(ODD[0]);
        for &c in &ODD[1..] {
            odd = odd.fma(x2, V::splat(c));
        }
        let mut even = V::splat(EVEN[0]);
        for &c in &EVEN[1..] {
            even = even.fma(x2, V::splat(c));
        }
        x.mul(odd).div(even)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_within_5e_7_on_every_level_and_keeps_nan() {
        let inputs: Vec<f32> = (-1000..=1000).map(|i| i as f32 * 0.01).collect();
        for level in Level::all() {
            let mut outputs = inputs.clone();
            tanh_at(level, &mut outputs);
            for (x, y) in inputs.iter().zip(outputs) {
                let error = (f64::from(y) - f64::from(*x).tanh()).abs();
                assert!(error < 5e-7, "{level:?}: tanh {x} is not {y}");
            }
            let mut nan = [f32::NAN; 19];
            tanh_at(level, &mut nan);
            assert!(nan.iter().all(|x| x.is_nan()), "{level:?}");
        }
    }

    #[test]
    fn all_levels_give_the_same_bits() {
        let inputs: Vec<f32> = (0..1999).map(|i| (i as f32 - 999.0) * 0.009_31).collect();
        let bits = |level| {
            let mut numbers = inputs.clone();
            tanh_at(level, &mut numbers);
            numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        for level in Level::all() {
            assert_eq!(bits(level), bits(Level::Plain), "{level:?}");
        }
    }
}
