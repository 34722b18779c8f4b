//! The accelerator's closed form in tensors: values of the true model, slopes of its form with real numbers.

use tandem_accelerator::codesign::{AcceleratorHardware, EFFECTS, Settings};
use tandem_core::Hardware;
use tandem_core::{DesignError, Parameter};
use tandem_learning::design::TensorHardware;
use tch::{Kind, Tensor};

/// The accelerator's hardware model in tensors; the formulas are [`tandem_accelerator::codesign`]'s.
///
/// The true model rounds cells and passes to whole numbers, so its slopes by them are zero almost everywhere. Slopes are
/// those of the same formulas with real numbers, by forward differentiation; values are the true ones.
#[derive(Debug)]
pub struct TensorAccelerator {
    hardware: AcceleratorHardware,
}

impl TensorAccelerator {
    /// The tensor form of this accelerator.
    ///
    /// # Errors
    /// Bounds that make no design space.
    pub fn new(settings: &Settings) -> Result<Self, DesignError> {
        let hardware = AcceleratorHardware::new(settings)?;
        Ok(Self { hardware })
    }
}

impl TensorHardware for TensorAccelerator {
    fn respond(&self, design: &Tensor, queries: &Tensor) -> Tensor {
        let parameters: &[Parameter] = &self.hardware.space().parameters;
        let (rows, width) = (queries.size()[0] as usize, self.hardware.query_channels().len());
        let mut values = vec![0f64; parameters.len()];
        let mut numbers = vec![0f32; rows * width];
        let flat = queries.to_kind(Kind::Float).contiguous();
        flat.copy_data(&mut numbers, rows * width);
        let detached = design.detach().to_kind(Kind::Double);
        detached.copy_data(&mut values, parameters.len());
        let mut effects = vec![0f32; rows * EFFECTS];
        let mut slopes = Vec::with_capacity(rows * EFFECTS * parameters.len());
        for (query, effect) in numbers.chunks_exact(width).zip(effects.chunks_exact_mut(EFFECTS)) {
            self.hardware.respond(&values, query, effect);
            let relaxed = self.hardware.relaxed(&values, query);
            slopes.extend(relaxed.iter().flat_map(|dual| dual.slopes));
        }
        let shape = [rows as i64, EFFECTS as i64];
        let effects = Tensor::from_slice(&effects).view(shape);
        let slopes = Tensor::from_slice(&slopes).view([-1, parameters.len() as i64]);
        // zero in value, the slopes in gradient
        let moved = design.to_kind(Kind::Double) - detached;
        let shift = slopes.mv(&moved).view(shape).to_kind(Kind::Float);
        effects + shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_accelerator::codesign::Config;
    use tandem_core::Stream;

    #[test]
    fn values_are_the_true_ones_and_slopes_those_of_the_relaxed_form() {
        let settings = Settings::new(&Config::default()).unwrap();
        let tensors = TensorAccelerator::new(&settings).unwrap();
        let hardware = &tensors.hardware;
        let mut stream = Stream::new(0, "tensor-accelerator", 0);
        for _ in 0..50 {
            let design = hardware.space().sample(&mut stream);
            let bounds = hardware.query_bounds().iter();
            let query: Vec<f32> = bounds
                .map(|&(low, high)| stream.uniform(low.into(), high.into()) as f32)
                .collect();
            let leaf = Tensor::from_slice(&design).set_requires_grad(true);
            let queries = Tensor::from_slice(&query).view([1, -1]);
            let effect = tensors.respond(&leaf, &queries);
            let mut expected = [0.0; EFFECTS];
            hardware.respond(&design, &query, &mut expected);
            let found: Vec<f32> = effect.view([-1]).try_into().unwrap();
            assert_eq!(found, expected);
            effect.get(0).get(1).backward();
            let gradient: Vec<f64> = leaf.grad().try_into().unwrap();
            let slopes = hardware.relaxed(&design, &query)[1].slopes;
            for (a, b) in gradient.iter().zip(slopes) {
                assert!((a - b).abs() <= 1e-6 * b.abs().max(1e-9), "{a} {b}");
            }
        }
    }
}
