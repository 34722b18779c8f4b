//! Product of matrices.
//!
//! Every element is one chain, in the order of `k`, whatever the processor and the shape:
//!
//! ```text
//! s = c_ij where the product is added, else 0
//! s = fma(a_ik, b_kj, s)   for k = 0, 1, ...
//! ```
//!
//! Columns go by panels of `N` vectors, rows by tiles of `R`, whose sums stay in registers; a long `k` is cut so
//! that a panel of `b` stays in the first cache, with the sums kept in `c` meanwhile, which rounds nothing.

use std::cell::RefCell;

use super::Level;
use super::vector::{Number, Single, Vector};

/// A matrix in memory: the element in row `i` and column `j` lies at `data + i row + j column`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strided<T> {
    /// The first element.
    pub data: *const T,
    /// Distance between rows.
    pub row: isize,
    /// Distance between columns.
    pub column: isize,
}

impl<T> Strided<T> {
    /// The matrix from row `i` and column `j` on.
    ///
    /// # Safety
    /// The element is within the matrix, or one row or column behind it.
    #[inline(always)]
    unsafe fn from(self, i: usize, j: usize) -> Self {
        // SAFETY: the caller's promise.
        let data = unsafe { self.data.offset(i as isize * self.row + j as isize * self.column) };
        Self { data, ..self }
    }
}

/// Where the product goes: rows of neighbouring numbers.
#[derive(Clone, Copy, Debug)]
struct Output<T> {
    data: *mut T,
    /// Distance between rows.
    row: isize,
    /// Whether the product is added to what is there.
    add: bool,
}

/// Sizes of a product: `c [m, n] = a [m, k] b [k, n]`.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    m: usize,
    k: usize,
    n: usize,
}

/// Rows of `b` that a panel has at most: 256 by two vectors of 64 bytes are 32 kB.
const DEPTH: usize = 256;

/// A number whose products are known.
pub(crate) trait Product: Number {
    /// # Safety
    /// As [`gemm`]; the processor has the level's instructions.
    unsafe fn product(level: Level, sizes: [usize; 3], a: Strided<Self>, b: Strided<Self>, c: (*mut Self, isize, bool));
}

/// 64 bytes: a cache line, and the widest vector.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u64; 8]);

thread_local! {
    /// Working memory of [`pack`].
    static PANEL: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

macro_rules! product {
    ($number:ty, $avx512:ident, $avx2:ident) => {
        impl Product for $number {
            unsafe fn product(
                level: Level,
                [m, k, n]: [usize; 3],
                a: Strided<Self>,
                b: Strided<Self>,
                (data, row, add): (*mut Self, isize, bool),
            ) {
                let (sizes, c) = (Sizes { m, k, n }, Output { data, row, add });
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx512f")]
                unsafe fn avx512(sizes: Sizes, a: Strided<$number>, b: Strided<$number>, c: Output<$number>) {
                    // SAFETY: this function's features.
                    unsafe {
                        match sizes.m {
                            1 => panels::<std::arch::x86_64::$avx512, 1, 4>(sizes, a, b, c),
                            _ => panels::<std::arch::x86_64::$avx512, 8, 2>(sizes, a, b, c),
                        }
                    }
                }
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx2,fma")]
                unsafe fn avx2(sizes: Sizes, a: Strided<$number>, b: Strided<$number>, c: Output<$number>) {
                    // SAFETY: this function's features.
                    unsafe {
                        match sizes.m {
                            1 => panels::<std::arch::x86_64::$avx2, 1, 8>(sizes, a, b, c),
                            _ => panels::<std::arch::x86_64::$avx2, 6, 2>(sizes, a, b, c),
                        }
                    }
                }
                // SAFETY: the caller's promise.
                unsafe {
                    match level {
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx512 => avx512(sizes, a, b, c),
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx2 => avx2(sizes, a, b, c),
                        Level::Plain => panels::<Single<$number>, 2, 4>(sizes, a, b, c),
                    }
                }
            }
        }
    };
}

product!(f32, __m512, __m256);
product!(f64, __m512d, __m256d);

/// `c [m, n] = a [m, k] b [k, n]`, added to `c` where `add`; `c` is given by its first element and the distance
/// between its rows.
///
/// # Safety
/// `a` and `b` reach all their elements; `c` has `m` rows of `n` numbers that nothing else reads or writes.
pub(crate) unsafe fn gemm<T: Product>(
    [m, k, n]: [usize; 3],
    a: Strided<T>,
    b: Strided<T>,
    add: bool,
    c: *mut T,
    c_row: isize,
) {
    // SAFETY: the caller's promise; the level is this processor's.
    unsafe { T::product(Level::best(), [m, k, n], a, b, (c, c_row, add)) }
}

/// # Safety
/// As [`gemm`]; the processor has the vector's instructions. The same holds for the functions below.
#[inline(always)]
unsafe fn panels<V: Vector, const R: usize, const N: usize>(
    Sizes { m, k, n }: Sizes,
    a: Strided<V::Number>,
    b: Strided<V::Number>,
    c: Output<V::Number>,
) {
    let mut j = 0;
    while j < n {
        let wide = n - j > V::LANES * (N - 1);
        let width = (n - j).min(if wide { V::LANES * N } else { V::LANES });
        let mut p = 0;
        while p < k || p == 0 {
            let depth = DEPTH.min(k - p);
            let sizes = Sizes { m, k: depth, n: width };
            // SAFETY: `p <= k` and `j < n`.
            unsafe {
                let (a, b) = (a.from(0, p), b.from(p, j));
                let c = Output {
                    data: c.data.add(j),
                    add: c.add || p > 0,
                    ..c
                };
                if wide {
                    tiles::<V, R, N>(sizes, a, b, c);
                } else {
                    tiles::<V, R, 1>(sizes, a, b, c);
                }
            }
            p += depth.max(1);
        }
        j += width;
    }
}

/// One panel: `n` is at most `N` vectors.
#[inline(always)]
unsafe fn tiles<V: Vector, const R: usize, const N: usize>(
    Sizes { m, k, n }: Sizes,
    a: Strided<V::Number>,
    mut b: Strided<V::Number>,
    c: Output<V::Number>,
) {
    let width = N * V::LANES;
    if n < width || b.column != 1 {
        // SAFETY: `b` has `k` rows and `n` columns.
        b = unsafe { pack(k, n, width, b) };
    }
    let mut i = 0;
    while i < m {
        // SAFETY: `i < m`.
        unsafe {
            let a = a.from(i, 0);
            let c = Output {
                data: c.data.offset(i as isize * c.row),
                ..c
            };
            i += match m - i {
                left if left >= R => tile::<V, R, N>(k, n, a, b, c),
                4.. => tile::<V, 4, N>(k, n, a, b, c),
                2.. => tile::<V, 2, N>(k, n, a, b, c),
                _ => tile::<V, 1, N>(k, n, a, b, c),
            };
        }
    }
}

/// Numbers of the widest panel.
const WIDEST: usize = 64;

/// `R` rows of a panel. Returns `R`.
#[inline(always)]
unsafe fn tile<V: Vector, const R: usize, const N: usize>(
    k: usize,
    n: usize,
    a: Strided<V::Number>,
    b: Strided<V::Number>,
    c: Output<V::Number>,
) -> usize {
    let whole = n == N * V::LANES;
    let mut edge = [V::Number::default(); WIDEST];
    // SAFETY: pointers stay within the rows and columns that the caller promises; a part of a panel goes by `edge`.
    unsafe {
        let mut sum = [[V::splat(V::Number::default()); N]; R];
        if c.add {
            for (i, row) in sum.iter_mut().enumerate() {
                let mut from = c.data.offset(i as isize * c.row).cast_const();
                if !whole {
                    std::ptr::copy_nonoverlapping(from, edge.as_mut_ptr(), n);
                    from = edge.as_ptr();
                }
                for (v, sum) in row.iter_mut().enumerate() {
                    *sum = V::load(from.add(v * V::LANES));
                }
            }
        }
        // a pointer for each row: counting one up from row to row makes a chain of additions
        let rows: [_; R] = std::array::from_fn(|i| a.data.offset(i as isize * a.row));
        let (mut at, mut from) = (0, b.data);
        for _ in 0..k {
            let b_k: [V; N] = std::array::from_fn(|v| V::load(from.add(v * V::LANES)));
            for (row, sums) in rows.iter().zip(&mut sum) {
                let a_ik = V::splat(*row.offset(at));
                for (sum, b_kj) in sums.iter_mut().zip(b_k) {
                    *sum = a_ik.fma(b_kj, *sum);
                }
            }
            at += a.column;
            from = from.offset(b.row);
        }
        for (i, sums) in sum.iter().enumerate() {
            let to = c.data.offset(i as isize * c.row);
            let at = if whole { to } else { edge.as_mut_ptr() };
            for (v, sum) in sums.iter().enumerate() {
                sum.store(at.add(v * V::LANES));
            }
            if !whole {
                std::ptr::copy_nonoverlapping(edge.as_ptr(), to, n);
            }
        }
    }
    R
}

/// A copy of `b [k, n]` in this thread's working memory, whose rows are `width` neighbouring numbers, padded with
/// zeros. It holds until the next call.
unsafe fn pack<T: Number>(k: usize, n: usize, width: usize, b: Strided<T>) -> Strided<T> {
    const BLOCK: usize = 4;
    let lines = (k * width * size_of::<T>()).div_ceil(size_of::<Line>());
    let data = PANEL.with_borrow_mut(|panel| {
        if panel.len() < lines {
            panel.resize(lines, Line([0; 8]));
        }
        panel.as_mut_ptr().cast::<T>()
    });
    // SAFETY: the memory has `k` rows of `width` numbers, `b` has `k` rows and `n` columns.
    unsafe {
        let (blocks_k, blocks_n) = match b.row {
            1 => (k / BLOCK * BLOCK, n / BLOCK * BLOCK),
            _ => (0, 0),
        };
        for j in (0..blocks_n).step_by(BLOCK) {
            for p in (0..blocks_k).step_by(BLOCK) {
                let read = |x| b.from(p, j + x).data.cast::<[T; BLOCK]>().read();
                let columns: [[T; BLOCK]; BLOCK] = std::array::from_fn(read);
                for y in 0..BLOCK {
                    let row: [T; BLOCK] = std::array::from_fn(|x| columns[x][y]);
                    data.add((p + y) * width + j).cast::<[T; BLOCK]>().write(row);
                }
            }
        }
        for p in 0..k {
            let first = if p < blocks_k { blocks_n } else { 0 };
            for j in first..width {
                *data.add(p * width + j) = if j < n { *b.from(p, j).data } else { T::default() };
            }
        }
    }
    Strided {
        data,
        row: width as isize,
        column: 1,
    }
}

#[cfg(test)]
mod tests;
