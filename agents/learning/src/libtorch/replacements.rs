//! What runs in place of libtorch's own kernels, so that bits do not depend on the processor.
//!
//! libtorch multiplies matrices, and takes the tanh, with the libraries that it carries. These sum and round in
//! another way on every family of processors; the one way that they promise on all of them is that of SSE2, about
//! five times slower. [`crate::simd`] gives the same bits everywhere at about the speed of the fastest.

use crate::simd::{Strided, gemm, tanh_all};

/// `c [m, n] = a [m, k] b [k, n] (+ c where add)`, with the strides of rows and columns, as replacements.cpp passes
/// them: m, k, n, a, its strides, b, its strides, add, c, its stride.
type Gemm<T> = unsafe extern "C" fn(i64, i64, i64, *const T, i64, i64, *const T, i64, i64, bool, *mut T, i64);

/// Replaces each of `n` numbers by a function of it.
type Map = unsafe extern "C" fn(*mut f32, i64);

unsafe extern "C" {
    fn tandem_replace_kernels(f32: Gemm<f32>, f64: Gemm<f64>, tanh: Map);
}

macro_rules! gemm {
    ($name:ident, $number:ty) => {
        unsafe extern "C" fn $name(
            m: i64,
            k: i64,
            n: i64,
            a: *const $number,
            a_row: i64,
            a_column: i64,
            b: *const $number,
            b_row: i64,
            b_column: i64,
            add: bool,
            c: *mut $number,
            c_row: i64,
        ) {
            let strided = |data, row: i64, column: i64| Strided {
                data,
                row: row as isize,
                column: column as isize,
            };
            let (a, b) = (strided(a, a_row, a_column), strided(b, b_row, b_column));
            let sizes = [m, k, n].map(|size| size as usize);
            // SAFETY: libtorch's tensors own what their sizes and strides reach; `c` is fresh and not shared.
            unsafe { gemm(sizes, a, b, add, c, c_row as isize) }
        }
    };
}

gemm!(gemm_f32, f32);
gemm!(gemm_f64, f64);

unsafe extern "C" fn tanh_f32(numbers: *mut f32, n: i64) {
    if n > 0 {
        // SAFETY: `n` numbers of a fresh tensor without gaps.
        tanh_all(unsafe { std::slice::from_raw_parts_mut(numbers, n as usize) });
    }
}

/// Replaces the products (of single and double precision) and the tanh (of single precision) of all CPU tensors
/// in this process.
///
/// # Safety
/// Called once, before the first of them.
pub(super) unsafe fn replace() {
    // SAFETY: the signatures are those of replacements.cpp; the caller's promise for the rest.
    unsafe { tandem_replace_kernels(gemm_f32, gemm_f64, tanh_f32) }
}
