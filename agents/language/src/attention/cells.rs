//! The circuit of `tandem_attention::head` in a model's place: every cell by itself, with noise and mismatch. No
//! gradients, and slow: for final judgements.

use rayon::prelude::*;
use tandem_attention::head::Affine;
use tandem_attention::{CircuitError, GainCell, Head, Scalers};
use tch::Tensor;

use super::signals::numbers;
use super::{Circuit, Signals};

/// Takes scaled signals as they are.
const PLAIN: Affine = Affine { gain: 1.0, offset: 0.0 };

/// A chip with a head for every head of every layer.
#[derive(Clone, Debug)]
pub struct CellForCell {
    circuit: GainCell,
    seed: u64,
}

impl CellForCell {
    /// A chip of this circuit; `seed` decides its mismatch and its noise.
    ///
    /// # Errors
    /// A circuit that cannot be built.
    pub fn new(circuit: &GainCell, seed: u64) -> Result<Self, CircuitError> {
        circuit.check()?;
        Ok(Self {
            circuit: circuit.clone(),
            seed,
        })
    }

    /// Outputs of one head for one sequence, `[tokens · dimension]`; nothing where the circuit cannot be built.
    fn run(&self, seed: u64, [query, key, value]: [&[f64]; 3]) -> Vec<f64> {
        let scalers = Scalers {
            query: PLAIN,
            key: PLAIN,
            value: PLAIN,
            output: PLAIN,
        };
        let Ok(mut head) = Head::new(&self.circuit, scalers, self.circuit.decay(), seed) else {
            return vec![];
        };
        let rows = self.circuit.head_dimension as usize;
        let [keys, values] = [key, value].map(|all| all.chunks(rows));
        let tokens = query.chunks(rows).zip(keys).zip(values);
        tokens.flat_map(|((q, k), v)| head.step(q, k, v)).collect()
    }
}

impl Circuit for CellForCell {
    fn attend(&self, layer: usize, inputs: [&Tensor; 3], _: Option<&mut Signals>) -> Tensor {
        let size = inputs[0].size();
        let (heads, length) = (size[1] as usize, (size[2] * size[3]) as usize);
        let [query, key, value] = inputs.map(numbers);
        let one = |place: usize| {
            // sequences of a batch meet the same head of the chip
            let index = (layer * heads + place % heads) as u64;
            let seed = self.seed.wrapping_mul(1 << 20).wrapping_add(index);
            let range = place * length..(place + 1) * length;
            self.run(seed, [&query, &key, &value].map(|all| &all[range.clone()]))
        };
        let count = size[0] as usize * heads;
        let outputs: Vec<Vec<f64>> = (0..count).into_par_iter().map(one).collect();
        let outputs = Tensor::from_slice(&outputs.concat()).view(&size[..]);
        outputs.to_kind(inputs[0].kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::{Backward, Hardware, Mode};
    use tandem_core::Stream;
    use tch::Kind;

    fn inputs(stream: &mut Stream) -> [Tensor; 3] {
        [1.0, 0.9, 0.9].map(|high| {
            let values: Vec<f64> = (0..2 * 3 * 20 * 8).map(|_| stream.uniform(0.0, high)).collect();
            Tensor::from_slice(&values).view([2, 3, 20, 8]).to_kind(Kind::Float)
        })
    }

    #[test]
    fn without_noise_it_is_the_tensor_model_and_with_noise_a_chip_of_its_own() {
        let mut circuit = GainCell {
            head_dimension: 8,
            window: 12,
            columns: 5,
            score_saturation_ua: 20.0,
            quantise: false,
            ..GainCell::default()
        };
        let [q, k, v] = inputs(&mut Stream::new(0, "cells", 0));
        let attend = |circuit: &GainCell, seed| {
            let chip = CellForCell::new(circuit, seed).unwrap();
            chip.attend(1, [&q, &k, &v], None)
        };
        let gap = |a: &Tensor, b: &Tensor| (a - b).abs().max().double_value(&[]);
        let hardware = Hardware::new(&circuit, Mode::Nonlinear, Backward::Surrogate, 20).unwrap();
        let tensors = Circuit::attend(&hardware, 1, [&q, &k, &v], None);
        assert!(gap(&attend(&circuit, 0), &tensors) < 1e-5);
        circuit.noise.gain = 0.05;
        circuit.noise.storage_v = 0.01;
        let chip = attend(&circuit, 0);
        assert_eq!(gap(&chip, &attend(&circuit, 0)), 0.0);
        assert!(gap(&chip, &tensors) > 1e-3);
        assert!(gap(&chip, &attend(&circuit, 1)) > 1e-3);
    }
    #[test]
    fn chips_of_tensors_deviate_as_chips_of_cells_do() {
        let quiet = GainCell {
            head_dimension: 8,
            window: 12,
            columns: 5,
            score_saturation_ua: 20.0,
            output_saturation_ua: 10.0,
            quantise: false,
            ..GainCell::default()
        };
        let [q, k, v] = inputs(&mut Stream::new(0, "cells", 0));
        let inputs = [&q, &k, &v];
        for change in [
            (|n| n.storage_v = 0.02) as fn(&mut tandem_attention::Noise),
            |n| n.gain = 0.05,
            |n| n.offset_ua = 1.0,
            |n| n.jitter_s = 1e-9,
        ] {
            let mut circuit = quiet.clone();
            change(&mut circuit.noise);
            let hardware = |c: &GainCell| Hardware::new(c, Mode::Nonlinear, Backward::Surrogate, 20).unwrap();
            let plain = hardware(&quiet).attend(inputs, None);
            let spread = |outputs: &[Tensor]| {
                let squares = outputs.iter().map(|o| (o - &plain).square().mean(Kind::Double));
                let sum: f64 = squares.map(|s| s.double_value(&[])).sum();
                (sum / outputs.len() as f64).sqrt()
            };
            let tensors: Vec<Tensor> = (0..20)
                .map(|seed| hardware(&circuit).on_chip(&circuit, seed).attend(inputs, None))
                .collect();
            let cells: Vec<Tensor> = (0..20)
                .map(|seed| {
                    let chip = CellForCell::new(&circuit, seed).unwrap();
                    chip.attend(0, inputs, None)
                })
                .collect();
            let ratio = spread(&tensors) / spread(&cells);
            assert!((ratio - 1.0).abs() < 0.15, "{ratio} {:?}", circuit.noise);
        }
    }
}
