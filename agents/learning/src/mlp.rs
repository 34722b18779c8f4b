//! Multi-layer perceptron on libtorch tensors: tanh hidden layers, linear output.

use nalgebra::DMatrix;
use tandem_core::Stream;
use tch::Tensor;

use crate::archive::{Archive, ArchiveError};
use crate::kernel::Kernel;
use crate::raw;

/// A perceptron whose parameters autograd follows.
#[derive(Debug)]
pub struct Mlp {
    /// `(weight [out, in], bias [out])` of each layer.
    layers: Vec<(Tensor, Tensor)>,
    inputs: usize,
    outputs: usize,
}

impl Mlp {
    /// A perceptron with orthogonal weights (gain √2 in hidden layers, `output_gain` in the last one) and
    /// zero biases ([`crate::ppo`], row 2), all drawn from `stream`.
    pub fn new(inputs: usize, hidden: &[usize], outputs: usize, output_gain: f64, stream: &mut Stream) -> Self {
        let sizes: Vec<usize> = [&[inputs], hidden, &[outputs]].concat();
        let last = sizes.len() - 2;
        let layer = |(index, pair): (usize, &[usize])| {
            let gain = if index == last {
                output_gain
            } else {
                std::f64::consts::SQRT_2
            };
            let weight = orthogonal(pair[1], pair[0], gain, stream);
            let weight = Tensor::from_slice(&weight).view([pair[1] as i64, pair[0] as i64]);
            let bias = Tensor::from_slice(&vec![0f32; pair[1]]);
            (weight.set_requires_grad(true), bias.set_requires_grad(true))
        };
        Self {
            layers: sizes.windows(2).enumerate().map(layer).collect(),
            inputs,
            outputs,
        }
    }

    /// The same with further inputs at the end, which have no weight yet.
    #[must_use]
    pub fn with_inputs(mut self, more: usize) -> Self {
        if more > 0 {
            let first = &mut self.layers[0].0;
            let [outputs, inputs] = [first.size()[0] as usize, self.inputs];
            let rows = raw::floats(first).chunks_exact(inputs);
            let wider: Vec<f32> = rows.flat_map(|row| [row, &vec![0.0; more]].concat()).collect();
            self.inputs += more;
            let wider = Tensor::from_slice(&wider).view([outputs as i64, self.inputs as i64]);
            *first = wider.set_requires_grad(true);
        }
        self
    }

    /// Length of an input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Length of an output.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Outputs `[M, outputs]` of inputs `[M, inputs]`.
    pub fn forward(&self, input: &Tensor) -> Tensor {
        let mut x = input.shallow_clone();
        for (index, (weight, bias)) in self.layers.iter().enumerate() {
            x = x.linear(weight, Some(bias));
            if index + 1 < self.layers.len() {
                x = x.tanh();
            }
        }
        x
    }

    /// The trainable tensors: weight and bias of each layer, first layer first.
    pub fn parameters(&self) -> Vec<Tensor> {
        let pairs = self.layers.iter();
        pairs
            .flat_map(|(w, b)| [w.shallow_clone(), b.shallow_clone()])
            .collect()
    }

    /// The numbers of each layer: `(weights [in][out], bias [out])`, as [`Kernel::from_layers`] takes them.
    pub fn layers(&self) -> Vec<(Vec<f32>, Vec<f32>)> {
        let numbers = |(weight, bias): &(Tensor, Tensor)| {
            let (weight, bias) = (raw::floats(weight), raw::floats(bias).to_vec());
            let (outputs, inputs) = (bias.len(), weight.len() / bias.len().max(1));
            let transposed = (0..inputs).flat_map(|i| (0..outputs).map(move |o| weight[o * inputs + i]));
            (transposed.collect(), bias)
        };
        self.layers.iter().map(numbers).collect()
    }

    /// Takes these numbers, of a perceptron with as many inputs or fewer: those that it lacks get no weight.
    pub(crate) fn set_layers(&mut self, layers: Vec<(Vec<f32>, Vec<f32>)>) {
        for ((weight, bias), (mut rows, biases)) in self.layers.iter_mut().zip(layers) {
            rows.resize(weight.numel(), 0.0); // [in][out]: missing inputs are missing rows
            let (outputs, inputs) = (biases.len(), rows.len() / biases.len().max(1));
            let transposed = (0..outputs).flat_map(|o| (0..inputs).map(move |i| (i, o)));
            let transposed: Vec<f32> = transposed.map(|(i, o)| rows[i * outputs + o]).collect();
            raw::set(weight, &transposed);
            raw::set(bias, &biases);
        }
    }

    /// A frozen copy for roll-outs.
    pub fn kernel(&self) -> Kernel {
        Kernel::from_layers(self.layers())
    }

    /// A second handle on the same parameters, which another thread can own.
    pub fn share(&self) -> Self {
        let share = |(w, b): &(Tensor, Tensor)| (w.shallow_clone(), b.shallow_clone());
        Self {
            layers: self.layers.iter().map(share).collect(),
            ..*self
        }
    }

    /// Stores the parameters under `prefix`.
    pub fn save(&self, archive: &mut Archive, prefix: &str) {
        for (index, (weight, bias)) in self.layers.iter().enumerate() {
            archive.put_f32(&format!("{prefix}.{index}.weight"), raw::floats(weight));
            archive.put_f32(&format!("{prefix}.{index}.bias"), raw::floats(bias));
        }
    }

    /// Loads what [`Mlp::save`] stored, in place: every handle sees the new numbers.
    ///
    /// # Errors
    /// Missing entries or other sizes; nothing is changed then.
    pub fn load(&mut self, archive: &Archive, prefix: &str) -> Result<(), ArchiveError> {
        let mut loaded = Vec::new();
        for (index, (weight, bias)) in self.layers.iter().enumerate() {
            let get = |name, tensor: &Tensor| archive.get_f32_len(&format!("{prefix}.{index}.{name}"), tensor.numel());
            loaded.push((get("weight", weight)?, get("bias", bias)?));
        }
        for ((weight, bias), (w, b)) in self.layers.iter_mut().zip(&loaded) {
            raw::set(weight, w);
            raw::set(bias, b);
        }
        Ok(())
    }
}

/// A random matrix `[rows, columns]` (row-major) whose shorter side is orthonormal times `gain`, uniform over
/// such matrices: QR of a Gaussian matrix with the signs of R's diagonal moved to Q (Saxe et al. 2014).
fn orthogonal(rows: usize, columns: usize, gain: f64, stream: &mut Stream) -> Vec<f32> {
    let (long, short) = (rows.max(columns), rows.min(columns));
    let gaussian = DMatrix::from_fn(long, short, |_, _| stream.normal());
    let (mut q, r) = gaussian.qr().unpack();
    for (j, mut column) in q.column_iter_mut().enumerate() {
        column *= gain * r[(j, j)].signum();
    }
    let at = |row: usize, column: usize| {
        if rows >= columns {
            q[(row, column)]
        } else {
            q[(column, row)]
        }
    };
    (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (row, column)))
        .map(|(row, column)| at(row, column) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_orthogonal_with_the_asked_gain() {
        let mut stream = Stream::new(0, "mlp", 0);
        for (rows, columns, gain) in [(64, 16, 2f64.sqrt()), (4, 64, 0.01), (8, 8, 1.0)] {
            let w: Vec<f64> = orthogonal(rows, columns, gain, &mut stream)
                .iter()
                .map(|&x| x.into())
                .collect();
            let w = DMatrix::from_row_slice(rows, columns, &w);
            let gram = if rows >= columns {
                w.transpose() * &w
            } else {
                &w * w.transpose()
            };
            let expected = DMatrix::identity(gram.nrows(), gram.nrows()) * gain * gain;
            assert!((gram - expected).amax() < 1e-6 * gain);
        }
    }

    #[test]
    fn a_head_of_gain_0_01_starts_near_zero() {
        let mut stream = Stream::new(0, "mlp", 0);
        let net = Mlp::new(16, &[64, 64], 4, 0.01, &mut stream);
        let x = Tensor::from_slice(&[1f32; 16]).view([1, 16]);
        assert!(net.forward(&x).abs().max().double_value(&[]) < 0.05);
    }

    #[test]
    fn load_reaches_every_handle_and_refuses_other_shapes() {
        let mut stream = Stream::new(0, "mlp", 0);
        let (a, mut b) = (
            Mlp::new(3, &[8], 2, 1.0, &mut stream),
            Mlp::new(3, &[8], 2, 1.0, &mut stream),
        );
        let shared = b.share();
        let mut archive = Archive::new();
        a.save(&mut archive, "net");
        b.load(&archive, "net").unwrap();
        assert_eq!(a.layers(), shared.layers());
        let mut other = Mlp::new(3, &[9], 2, 1.0, &mut stream);
        let error = other.load(&archive, "net").unwrap_err();
        assert!(error.to_string().contains("net.0.weight"));
    }
}
