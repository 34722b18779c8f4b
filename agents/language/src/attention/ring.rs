//! One token at a time over a ring of stored keys and values: what the circuit does while it generates.

use tch::{Kind, Tensor, no_grad};

use super::hardware::Hardware;

/// The stored keys and values of a batch of heads, `[batch, heads, window, dimension]`.
#[derive(Debug)]
pub struct Ring {
    keys: Tensor,
    values: Tensor,
    tokens: i64,
}

impl Ring {
    /// An empty ring for this circuit.
    pub fn new(hardware: &Hardware, batch: i64, heads: i64, dimension: i64, kind: Kind) -> Self {
        let zeros = || {
            let size = [batch, heads, hardware.window, dimension];
            Tensor::zeros(size, (kind, tch::Device::Cpu))
        };
        Self {
            keys: zeros(),
            values: zeros(),
            tokens: 0,
        }
    }

    /// Tokens so far.
    pub fn tokens(&self) -> u64 {
        self.tokens as u64
    }

    /// Writes one token's scaled key and value over the oldest, and attends with its scaled query; all
    /// `[batch, heads, 1, dimension]`. The output is not scaled yet.
    pub fn step(&mut self, hardware: &Hardware, [query, key, value]: [&Tensor; 3]) -> Tensor {
        no_grad(|| self.attend(hardware, query, key, value))
    }

    fn attend(&mut self, hardware: &Hardware, query: &Tensor, key: &Tensor, value: &Tensor) -> Tensor {
        let window = hardware.window;
        let slot = self.tokens % window;
        for (store, new) in [(&self.keys, key), (&self.values, value)] {
            store.narrow(2, slot, 1).copy_(&hardware.stored(new));
        }
        let kind = self.keys.kind();
        let kept = self.kept(hardware, kind);
        // never written slots are switched off; before the first wrap they are the last ones
        let count = window.min(self.tokens + 1);
        let live = |store: &Tensor| store.narrow(2, 0, count) * &kept.narrow(0, 0, count);
        let currents = hardware.current(&live(&self.keys));
        let charge = hardware.pulse(query).matmul(&currents.transpose(-2, -1));
        let pulses = (charge / hardware.saturation[0]).clamp(0.0, 1.0);
        let currents = hardware.current(&live(&self.values));
        let mut sum = Tensor::zeros_like(query);
        for start in (0..count).step_by(hardware.columns as usize) {
            let length = hardware.columns.min(count - start);
            let part = |t: &Tensor, dimension| t.narrow(dimension, start, length);
            sum += hardware.counted(&part(&pulses, -1).matmul(&part(&currents, -2)));
        }
        self.tokens += 1;
        sum
    }

    /// What is left of each slot's voltages, as a column.
    fn kept(&self, hardware: &Hardware, kind: Kind) -> Tensor {
        let window = hardware.window;
        let slot = self.tokens % window;
        let kept: Vec<f64> = (0..window)
            .map(|s| (-hardware.decay * (slot - s).rem_euclid(window) as f64).exp())
            .collect();
        Tensor::from_slice(&kept).to_kind(kind).unsqueeze(-1)
    }
}
