//! A small multi-layer perceptron's forward pass for roll-outs: plain numbers, `Send + Sync`, no libtorch.
//!
//! One observation costs a fraction of a microsecond, ten to thirty times less than through libtorch.
//! Weights lie as `[in][out]`, so that the inner loop `y += x_i W[i]` runs over neighbouring outputs;
//! outputs are padded to whole vectors. Each output is summed in the order of the inputs whatever the number
//! of rows and the processor (`simd`), so that rows computed together and one by one have the same bits.

use crate::simd::{Strided, gemm, tanh_all};

/// Outputs are padded to multiples of this: the widest vector.
const WIDTH: usize = 16;
/// Rows that share each load of the weights.
const TILE: usize = 24;

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

    /// The same with its last inputs fixed at these numbers: a constant is as good as a bias.
    pub fn with_fixed(&self, last: &[f32]) -> Self {
        let mut layers = self.layers();
        if let Some((weights, bias)) = layers.first_mut() {
            let fixed = weights.split_off(weights.len() - last.len() * bias.len());
            for (row, &x) in fixed.chunks_exact(bias.len().max(1)).zip(last) {
                bias.iter_mut().zip(row).for_each(|(b, w)| *b += w * x);
            }
        }
        Self::from_layers(layers)
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
            let tile = TILE.min(rows - row);
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
                layer.run(rows, input, layer.inputs, to);
            } else {
                let stride = self.layers[index - 1].padded;
                layer.run(rows, from, stride, to);
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

impl Layer {
    /// `rows` inputs, `stride` numbers apart, to outputs `[rows][padded]`.
    fn run(&self, rows: usize, input: &[f32], stride: usize, output: &mut [f32]) {
        assert!(input.len() >= (rows - 1) * stride + self.inputs && output.len() >= rows * self.padded);
        let output = &mut output[..rows * self.padded];
        for row in output.chunks_exact_mut(self.padded) {
            row.copy_from_slice(&self.bias);
        }
        let matrix = |data: &[f32], row: usize| Strided {
            data: data.as_ptr(),
            row: row as isize,
            column: 1,
        };
        let (x, w) = (matrix(input, stride), matrix(&self.weights, self.padded));
        let (sizes, to) = ([rows, self.inputs, self.padded], output.as_mut_ptr());
        // SAFETY: the lengths were checked above; weights are `[inputs][padded]`.
        unsafe { gemm(sizes, x, w, true, to, self.padded as isize) };
        if self.tanh {
            tanh_all(output);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mlp::Mlp;
    use tandem_core::Stream;
    use tch::Tensor;

    fn normals(n: usize, stream: &mut Stream) -> Vec<f32> {
        let mut out = vec![0.0; n];
        stream.fill_normal(&mut out);
        out
    }

    #[test]
    fn has_the_bits_of_the_network_that_is_trained() {
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
            let mut y = vec![0.0; 13 * outputs];
            net.kernel().forward_rows(13, &x, &mut Scratch::default(), &mut y);
            let expected = Vec::<f32>::try_from(expected.flatten(0, 1)).unwrap();
            if crate::libtorch::kernels().products == "MKL" {
                // another order of summing, and another tanh, whose error is 5e-7 at most
                let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
                assert!(y.iter().zip(&expected).all(near), "{hidden:?}");
            } else {
                assert_eq!(y, expected, "{hidden:?}");
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
    fn nan_stays_nan() {
        let kernel = Kernel::from_layers(vec![(vec![1.0; 8], vec![0.0; 8]), (vec![1.0; 8], vec![0.0])]);
        let mut y = [0.0];
        kernel.forward(&[f32::NAN], &mut Scratch::default(), &mut y);
        assert!(y[0].is_nan());
    }
}
