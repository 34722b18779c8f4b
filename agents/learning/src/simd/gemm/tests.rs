use super::*;
use tandem_core::Stream;

/// The chain of the module's first lines.
fn chain<T: Number>(k: usize, a: impl Fn(usize) -> T, b: impl Fn(usize) -> T, start: T) -> T {
    (0..k).fold(start, |sum, p| a(p).fma(b(p), sum))
}

/// Holds random products of all layouts against the chain, to the bit, on every level.
fn is_the_chain<T: Product + PartialEq + std::fmt::Debug>(from: impl Fn(f64) -> T) {
    let mut stream = Stream::new(0, "gemm", 0);
    for round in 0..400 {
        let most = [4, 9, 40, 70][round % 4];
        let [m, n] = [(); 2].map(|()| 1 + stream.below(most));
        let k = match round % 40 {
            0 => 0,
            1 => 700, // cut twice
            _ => 1 + stream.below(most),
        };
        let mut draw = |n: usize| -> Vec<T> { (0..n).map(|_| from(stream.normal())).collect() };
        let (a, b, c) = (draw(m * k + 1), draw(k * n + 1), draw(m * (n + 3)));
        let [a_strides, b_strides] = [(m, k, round & 1), (k, n, round & 2)]
            .map(|(rows, columns, t)| if t == 0 { (columns, 1) } else { (1, rows) });
        let strided = |data: &[T], (row, column): (usize, usize)| Strided {
            data: data.as_ptr(),
            row: row as isize,
            column: column as isize,
        };
        let add = round & 4 == 0;
        for level in Level::all() {
            let mut out = c.clone();
            let to = (out.as_mut_ptr(), (n + 3) as isize, add);
            let (a_matrix, b_matrix) = (strided(&a, a_strides), strided(&b, b_strides));
            // SAFETY: the level is one of this processor's; sizes and strides are those of the vectors.
            unsafe { T::product(level, [m, k, n], a_matrix, b_matrix, to) };
            for (i, (row, before)) in out.chunks(n + 3).zip(c.chunks(n + 3)).enumerate() {
                for j in 0..n {
                    let start = if add { before[j] } else { T::default() };
                    let a = |p| a[i * a_strides.0 + p * a_strides.1];
                    let b = |p| b[p * b_strides.0 + j * b_strides.1];
                    let expected = chain(k, a, b, start);
                    assert_eq!(row[j], expected, "{level:?} {m}x{k}x{n} at {i}, {j}");
                }
                assert_eq!(row[n..], before[n..], "{level:?}: beyond the row");
            }
        }
    }
}

#[test]
fn every_element_is_one_chain_on_every_level() {
    is_the_chain(|x| x as f32);
    is_the_chain(|x| x);
}
