//! What flows through the scalers of one layer, measured without gradients.

use tandem_attention::Activity;
use tch::{Kind, Tensor};

/// The scaled signals of a layer, in this order everywhere.
pub const SIGNALS: [&str; 4] = ["query", "key", "value", "output"];

/// Means and deviations of a layer's four scaled signals before they are clipped, per head, and what the circuit does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signals {
    /// Mean over batch, tokens and components: four signals, heads inside.
    pub mean: [Vec<f64>; 4],
    /// Standard deviation over the same.
    pub deviation: [Vec<f64>; 4],
    /// Currents of freshly written cells, mean over heads and all pairs inside the window.
    pub activity: Option<Activity>,
    /// Share of the attention pulses inside the window that are absent.
    pub zero: f64,
    /// Share of them that are clipped.
    pub full: f64,
}

impl Signals {
    /// Notes signal number `index` of `[batch, heads, tokens, dimension]`.
    pub(crate) fn note(&mut self, index: usize, signal: &Tensor) {
        let signal = signal.detach().to_kind(Kind::Double);
        let over = [0, 2, 3];
        let mean = signal.mean_dim(&over[..], false, Kind::Double);
        let deviation = signal.std_dim(&over[..], false, false);
        self.mean[index] = numbers(&mean);
        self.deviation[index] = numbers(&deviation);
    }
}

/// A tensor's numbers in row-major order.
pub(crate) fn numbers(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.detach().to_kind(Kind::Double).contiguous().view(-1);
    let mut out = vec![0.0; flat.numel()];
    let count = out.len();
    flat.copy_data(&mut out, count);
    out
}
