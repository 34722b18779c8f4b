//! Vectors of numbers: what [`mod@super::gemm`] and [`super::tanh_all`] are written in.

/// A number that vectors are made of.
pub(crate) trait Number: Copy + Default + 'static {
    /// `self * b + c`, rounded once.
    fn fma(self, b: Self, c: Self) -> Self;
}

impl Number for f32 {
    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        self.mul_add(b, c)
    }
}

impl Number for f64 {
    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        self.mul_add(b, c)
    }
}

/// A vector register.
///
/// # Safety of its methods
/// The processor has the instructions; pointers reach [`Vector::LANES`] numbers.
pub(super) trait Vector: Copy {
    /// What it holds.
    type Number: Number;
    /// How many numbers.
    const LANES: usize;
    unsafe fn load(from: *const Self::Number) -> Self;
    unsafe fn store(self, to: *mut Self::Number);
    unsafe fn splat(number: Self::Number) -> Self;
    /// `self * b + c`, rounded once.
    unsafe fn fma(self, b: Self, c: Self) -> Self;
    unsafe fn mul(self, b: Self) -> Self;
    unsafe fn div(self, b: Self) -> Self;
    /// `self`, but at least `low` and at most `high`; NaN stays NaN.
    unsafe fn clamp(self, low: Self, high: Self) -> Self;
}

/// One number, for processors of which nothing is known.
#[derive(Clone, Copy)]
pub(super) struct Single<T>(T);

macro_rules! single {
    ($number:ty) => {
        impl Vector for Single<$number> {
            type Number = $number;
            const LANES: usize = 1;
            #[inline(always)]
            unsafe fn load(from: *const $number) -> Self {
                // SAFETY: the caller's promise.
                Self(unsafe { *from })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $number) {
                // SAFETY: the caller's promise.
                unsafe { *to = self.0 }
            }
            #[inline(always)]
            unsafe fn splat(number: $number) -> Self {
                Self(number)
            }
            #[inline(always)]
            unsafe fn fma(self, b: Self, c: Self) -> Self {
                Self(self.0.fma(b.0, c.0))
            }
            #[inline(always)]
            unsafe fn mul(self, b: Self) -> Self {
                Self(self.0 * b.0)
            }
            #[inline(always)]
            unsafe fn div(self, b: Self) -> Self {
                Self(self.0 / b.0)
            }
            #[inline(always)]
            unsafe fn clamp(self, low: Self, high: Self) -> Self {
                Self(self.0.clamp(low.0, high.0))
            }
        }
    };
}

single!(f32);
single!(f64);

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::x86_64::*;

    use super::Vector;

    macro_rules! vector {
        ($vector:ty, $number:ty, $lanes:literal, $load:ident, $store:ident, $splat:ident, $fma:ident,
            $mul:ident, $div:ident, $min:ident, $max:ident) => {
            impl Vector for $vector {
                type Number = $number;
                const LANES: usize = $lanes;
                #[inline(always)]
                unsafe fn load(from: *const $number) -> Self {
                    // SAFETY: the caller's promise, here and below.
                    unsafe { $load(from) }
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut $number) {
                    unsafe { $store(to, self) }
                }
                #[inline(always)]
                unsafe fn splat(number: $number) -> Self {
                    unsafe { $splat(number) }
                }
                #[inline(always)]
                unsafe fn fma(self, b: Self, c: Self) -> Self {
                    unsafe { $fma(self, b, c) }
                }
                #[inline(always)]
                unsafe fn mul(self, b: Self) -> Self {
                    unsafe { $mul(self, b) }
                }
                #[inline(always)]
                unsafe fn div(self, b: Self) -> Self {
                    unsafe { $div(self, b) }
                }
                #[inline(always)]
                unsafe fn clamp(self, low: Self, high: Self) -> Self {
                    // These instructions return their second operand where one is NaN.
                    unsafe { $min(high, $max(low, self)) }
                }
            }
        };
    }

    vector!(
        __m256,
        f32,
        8,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_set1_ps,
        _mm256_fmadd_ps,
        _mm256_mul_ps,
        _mm256_div_ps,
        _mm256_min_ps,
        _mm256_max_ps
    );
    vector!(
        __m256d,
        f64,
        4,
        _mm256_loadu_pd,
        _mm256_storeu_pd,
        _mm256_set1_pd,
        _mm256_fmadd_pd,
        _mm256_mul_pd,
        _mm256_div_pd,
        _mm256_min_pd,
        _mm256_max_pd
    );
    vector!(
        __m512,
        f32,
        16,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_fmadd_ps,
        _mm512_mul_ps,
        _mm512_div_ps,
        _mm512_min_ps,
        _mm512_max_ps
    );
    vector!(
        __m512d,
        f64,
        8,
        _mm512_loadu_pd,
        _mm512_storeu_pd,
        _mm512_set1_pd,
        _mm512_fmadd_pd,
        _mm512_mul_pd,
        _mm512_div_pd,
        _mm512_min_pd,
        _mm512_max_pd
    );
}
