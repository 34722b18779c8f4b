//! A small multi-layer perceptron's forward pass for roll-outs: plain numbers, `Send + Sync`, no libtorch.
//!
//! One observation costs a fraction of a microsecond, ten to thirty times less than through libtorch.
//! Weights lie as `[in][out]`, so that the inner loop `y += x_i W[i]` runs over neighbouring outputs;
//! outputs are padded to whole vectors. Each output is summed in the order of the inputs whatever the number
//! of rows, so that rows computed together and one by one have the same bits. Machines without AVX2 and FMA
//! take a plain path, which rounds differently in the last bits.

/// Numbers per vector register.
const WIDTH: usize = 8;
/// Rows that share each load of the weights.
const TILE: usize = 4;

#[derive(Clone, Debug)]
struct Layer {
    inputs: usize,
    outputs: usize,
    /// `outputs`, rounded up to whole vectors.
    padded: usize,
    /// `[inputs][padded]`
    weights: Vec<f32>,
    /// `[padded]`
    bias: Vec<f32>,
    /// Hidden layers have a tanh, the last one is linear.
    tanh: bool,
}

/// A frozen perceptron: tanh hidden layers, linear output.
#[derive(Clone, Debug)]
pub struct Kernel {
    layers: Vec<Layer>,
    /// The widest padded layer.
    width: usize,
    fast: bool,
}

/// Working memory of [`Kernel`]; grows once and is then reused.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    front: Vec<f32>,
    back: Vec<f32>,
    /// For callers that have to put an input together: take it, fill it, put it back.
    pub input: Vec<f32>,
    /// For callers that draw noise or need a second output.
    pub noise: Vec<f32>,
}

impl Kernel {
    /// A kernel of these layers, each `(weights [in][out], bias [out])`.
    pub fn from_layers(layers: Vec<(Vec<f32>, Vec<f32>)>) -> Self {
        let count = layers.len();
        let build = |(index, (weights, bias)): (usize, (Vec<f32>, Vec<f32>))| {
            let outputs = bias.len();
            let padded = outputs.next_multiple_of(WIDTH);
            let pad = |row: &[f32]| {
                let mut row = row.to_vec();
                row.resize(padded, 0.0);
                row
            };
            Layer {
                inputs: weights.len() / outputs.max(1),
                outputs,
                padded,
                weights: weights.chunks_exact(outputs.max(1)).flat_map(pad).collect(),
                bias: pad(&bias),
                tanh: index + 1 < count,
            }
        };
        let layers: Vec<Layer> = layers.into_iter().enumerate().map(build).collect();
        Self {
            width: layers.iter().map(|l| l.padded).max().unwrap_or(0),
            layers,
            fast: fast_path(),
        }
    }

    /// Length of an input.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |l| l.inputs)
    }

    /// Length of an output.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |l| l.outputs)
    }

    /// The layers as [`Kernel::from_layers`] takes them, first to last.
    pub fn layers(&self) -> Vec<(Vec<f32>, Vec<f32>)> {
        let unpadded = |l: &Layer| {
            let rows = l.weights.chunks_exact(l.padded.max(1));
            let weights = rows.flat_map(|row| row[..l.outputs].to_vec()).collect();
            (weights, l.bias[..l.outputs].to_vec())
        };
        self.layers.iter().map(unpadded).collect()
    }

    /// One forward pass: `input [inputs]` to `out [outputs]`.
    pub fn forward(&self, input: &[f32], scratch: &mut Scratch, out: &mut [f32]) {
        self.forward_rows(1, input, scratch, out);
    }

    /// Forward passes of `rows` inputs: `input [rows, inputs]` to `out [rows, outputs]`. Every row has the
    /// same bits as [`Kernel::forward`] gives.
    pub fn forward_rows(&self, rows: usize, input: &[f32], scratch: &mut Scratch, out: &mut [f32]) {
        let (inputs, outputs) = (self.inputs(), self.outputs());
        assert_eq!(input.len(), rows * inputs, "length of the kernel's input");
        assert_eq!(out.len(), rows * outputs, "length of the kernel's output");
        let room = TILE * self.width;
        if scratch.front.len() < room {
            scratch.front.resize(room, 0.0);
            scratch.back.resize(room, 0.0);
        }
        let mut row = 0;
        while row < rows {
            let tile = if rows - row >= TILE { TILE } else { 1 };
            let x = &input[row * inputs..(row + tile) * inputs];
            let y = &mut out[row * outputs..(row + tile) * outputs];
            self.tile(tile, x, &mut scratch.front, &mut scratch.back, y);
            row += tile;
        }
    }

    /// Takes one tile of rows through all layers, between two buffers.
    fn tile(&self, rows: usize, input: &[f32], a: &mut [f32], b: &mut [f32], out: &mut [f32]) {
        let (mut from, mut to) = (a, b);
        for (index, layer) in self.layers.iter().enumerate() {
            if index == 0 {
                layer.run(rows, input, layer.inputs, to, self.fast);
            } else {
                let stride = self.layers[index - 1].padded;
                layer.run(rows, from, stride, to, self.fast);
            }
            std::mem::swap(&mut from, &mut to);
        }
        if let Some(last) = self.layers.last() {
            for (y, padded) in out
                .chunks_exact_mut(last.outputs.max(1))
                .zip(from.chunks_exact(last.padded))
            {
                y.copy_from_slice(&padded[..last.outputs]);
            }
        }
    }
}

/// Whether this machine has the vector instructions of the fast path.
fn fast_path() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

impl Layer {
    /// `rows` (1 or [`TILE`]) inputs, `stride` numbers apart, to outputs `[rows][padded]`.
    fn run(&self, rows: usize, input: &[f32], stride: usize, output: &mut [f32], fast: bool) {
        assert!(
            input.len() >= (rows - 1) * stride + self.inputs && output.len() >= rows * self.padded
        );
        #[cfg(target_arch = "x86_64")]
        if fast {
            // SAFETY: `fast` says that the instructions exist; the lengths were checked above.
            return unsafe { avx2::layer(self, rows, input, stride, output) };
        }
        let _ = fast;
        for row in 0..rows {
            let y = &mut output[row * self.padded..(row + 1) * self.padded];
            y.copy_from_slice(&self.bias);
            let x = &input[row * stride..row * stride + self.inputs];
            for (x, weights) in x.iter().zip(self.weights.chunks_exact(self.padded)) {
                for (y, w) in y.iter_mut().zip(weights) {
                    *y += x * w;
                }
            }
            if self.tanh {
                y.iter_mut().for_each(|y| *y = tanh(*y));
            }
        }
    }
}

/// Rational approximation of tanh by the Eigen library (`ptanh_float`): odd polynomial of degree 13 over an
/// even one of degree 6, absolute error below 5e-7. Beyond ± this bound it is ±1 in single precision.
const TANH_BOUND: f32 = 7.905_311;
const TANH_ODD: [f32; 7] = [
    -2.760_768_5e-16,
    2.000_188e-13,
    -8.604_672e-11,
    5.122_297e-8,
    1.485_722_4e-5,
    6.372_619_3e-4,
    4.893_524_6e-3,
];
const TANH_EVEN: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];

/// The plain form; NaN stays NaN.
fn tanh(x: f32) -> f32 {
    let x = x.clamp(-TANH_BOUND, TANH_BOUND);
    let x2 = x * x;
    let horner = |c: &[f32]| c.iter().fold(0.0, |sum, c| sum * x2 + c);
    x * horner(&TANH_ODD) / horner(&TANH_EVEN)
}

/// Replaces every number by its tanh, with the same approximation, and so the same bits, as [`Kernel`]'s
/// layers: libtorch's own takes about five times as long.
pub(crate) fn tanh_all(values: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if fast_path() {
        // SAFETY: the instructions exist.
        unsafe { avx2::tanh_all(values) };
        return;
    }
    values.iter_mut().for_each(|x| *x = tanh(*x));
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Layer, TANH_BOUND, TANH_EVEN, TANH_ODD, TILE, WIDTH};
    use std::arch::x86_64::*;

    /// One layer; see [`Layer::run`].
    ///
    /// # Safety
    /// `input` holds `(rows - 1) stride + inputs` numbers, `output` holds `rows padded`; `rows` is 1 or [`TILE`].
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn layer(
        l: &Layer,
        rows: usize,
        input: &[f32],
        stride: usize,
        output: &mut [f32],
    ) {
        let (x, y) = (input.as_ptr(), output.as_mut_ptr());
        let mut first = 0;
        while first < l.padded {
            let vectors = (l.padded - first) / WIDTH;
            // SAFETY: the caller's promise; `first + N WIDTH` stays within `padded`.
            first += WIDTH
                * unsafe {
                    match (rows, vectors) {
                        (TILE, 2..) => block::<TILE, 2>(l, x, stride, first, y),
                        (TILE, _) => block::<TILE, 1>(l, x, stride, first, y),
                        (_, 8..) => block::<1, 8>(l, x, stride, first, y),
                        (_, 4..) => block::<1, 4>(l, x, stride, first, y),
                        (_, 2..) => block::<1, 2>(l, x, stride, first, y),
                        _ => block::<1, 1>(l, x, stride, first, y),
                    }
                };
        }
    }

    /// `R` rows times `N` vectors of outputs, all sums in registers. Returns `N`.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn block<const R: usize, const N: usize>(
        l: &Layer,
        x: *const f32,
        stride: usize,
        first: usize,
        y: *mut f32,
    ) -> usize {
        let mut sum = [[_mm256_setzero_ps(); N]; R];
        // SAFETY: see `layer`; weights are `[inputs][padded]`, the bias is `[padded]`.
        unsafe {
            for n in 0..N {
                let bias = _mm256_loadu_ps(l.bias.as_ptr().add(first + n * WIDTH));
                sum.iter_mut().for_each(|row| row[n] = bias);
            }
            for i in 0..l.inputs {
                let w = l.weights.as_ptr().add(i * l.padded + first);
                let w: [__m256; N] = std::array::from_fn(|n| _mm256_loadu_ps(w.add(n * WIDTH)));
                for (r, row) in sum.iter_mut().enumerate() {
                    let x = _mm256_set1_ps(*x.add(r * stride + i));
                    for n in 0..N {
                        row[n] = _mm256_fmadd_ps(x, w[n], row[n]);
                    }
                }
            }
            for (r, row) in sum.iter().enumerate() {
                for (n, &value) in row.iter().enumerate() {
                    let value = if l.tanh { tanh(value) } else { value };
                    _mm256_storeu_ps(y.add(r * l.padded + first + n * WIDTH), value);
                }
            }
        }
        N
    }

    /// See [`super::tanh_all`].
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn tanh_all(values: &mut [f32]) {
        let (vectors, rest) = values.as_chunks_mut::<WIDTH>();
        let apply = |chunk: &mut [f32; WIDTH]| {
            // SAFETY: a chunk is one vector long.
            unsafe {
                let x = _mm256_loadu_ps(chunk.as_ptr());
                _mm256_storeu_ps(chunk.as_mut_ptr(), tanh(x));
            }
        };
        vectors.iter_mut().for_each(apply);
        let mut last = [0.0; WIDTH];
        last[..rest.len()].copy_from_slice(rest);
        apply(&mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }

    #[target_feature(enable = "avx2,fma")]
    fn tanh(x: __m256) -> __m256 {
        let bound = _mm256_set1_ps(TANH_BOUND);
        let low = _mm256_set1_ps(-TANH_BOUND);
        // the second operand is what these instructions return for NaN
        let x = _mm256_min_ps(bound, _mm256_max_ps(low, x));
        let x2 = _mm256_mul_ps(x, x);
        let odd = TANH_ODD[1..]
            .iter()
            .fold(_mm256_set1_ps(TANH_ODD[0]), |sum, &c| {
                _mm256_fmadd_ps(sum, x2, _mm256_set1_ps(c))
            });
        let even = TANH_EVEN[1..]
            .iter()
            .fold(_mm256_set1_ps(TANH_EVEN[0]), |sum, &c| {
                _mm256_fmadd_ps(sum, x2, _mm256_set1_ps(c))
            });
        _mm256_div_ps(_mm256_mul_ps(x, odd), even)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mlp::Mlp;
    use tandem_envs::Stream;
    use tch::Tensor;

    fn normals(n: usize, stream: &mut Stream) -> Vec<f32> {
        let mut out = vec![0.0; n];
        stream.fill_normal(&mut out);
        out
    }

    #[test]
    fn agrees_with_libtorch_on_both_paths() {
        let mut stream = Stream::new(0, "kernel", 0);
        for (inputs, hidden, outputs) in [
            (16, vec![64, 64], 4),
            (3, vec![5], 1),
            (7, vec![], 9),
            (40, vec![100, 24, 8], 17),
        ] {
            let net = Mlp::new(inputs, &hidden, outputs, 1.0, &mut stream);
            let x = normals(13 * inputs, &mut stream);
            let expected = net.forward(&Tensor::from_slice(&x).view([13, inputs as i64]));
            for fast in [fast_path(), false] {
                let kernel = Kernel {
                    fast,
                    ..net.kernel()
                };
                let mut y = vec![0.0; 13 * outputs];
                kernel.forward_rows(13, &x, &mut Scratch::default(), &mut y);
                let difference = (Tensor::from_slice(&y).view_as(&expected) - &expected)
                    .abs()
                    .max();
                assert!(difference.double_value(&[]) < 1e-5, "{hidden:?} {fast}");
            }
        }
    }

    #[test]
    fn rows_together_have_the_bits_of_rows_alone() {
        let mut stream = Stream::new(1, "kernel", 0);
        let kernel = Mlp::new(11, &[40, 24], 5, 1.0, &mut stream).kernel();
        let x = normals(23 * 11, &mut stream);
        let (mut together, mut alone) = (vec![0.0; 23 * 5], vec![0.0; 23 * 5]);
        let mut scratch = Scratch::default();
        kernel.forward_rows(23, &x, &mut scratch, &mut together);
        for (x, y) in x.chunks(11).zip(alone.chunks_mut(5)) {
            kernel.forward(x, &mut scratch, y);
        }
        assert_eq!(together, alone);
    }

    #[test]
    fn tanh_is_within_5e_7_and_keeps_nan() {
        for i in -1000..=1000 {
            let x = i as f32 * 0.01;
            assert!(
                (f64::from(tanh(x)) - f64::from(x).tanh()).abs() < 5e-7,
                "{x}"
            );
        }
        assert!(tanh(f32::NAN).is_nan());
        let inputs: Vec<f32> = (-45..46).map(|i| i as f32 * 0.2).collect();
        let mut all = inputs.clone();
        tanh_all(&mut all);
        for (x, y) in inputs.iter().zip(all) {
            assert!(
                (f64::from(y) - f64::from(*x).tanh()).abs() < 5e-7,
                "tanh {x} is not {y}"
            );
        }
        let kernel = Kernel::from_layers(vec![
            (vec![1.0; 8], vec![0.0; 8]),
            (vec![1.0; 8], vec![0.0]),
        ]);
        let mut y = [0.0];
        kernel.forward(&[f32::NAN], &mut Scratch::default(), &mut y);
        assert!(y[0].is_nan());
    }
}
