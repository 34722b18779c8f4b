//! Graphics processors that the paper compares with: 12 heads of dimension 64 that generate 1024 tokens with a cache,
//! batch 64; time and energy per token of one sequence, idle power subtracted.
//!
//! Time is spread over the batch of 64: one step takes 64 times longer. The loop is made of plain framework calls.

/// Heads of the comparison.
pub const HEADS: f64 = 12.0;

/// A measured processor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gpu {
    /// Name of the device.
    pub name: &'static str,
    /// Time per token, s.
    pub seconds: f64,
    /// Energy per token, J.
    pub energy_j: f64,
    /// Whether the figures were measured by the authors, or follow from the rounded ratios that they print.
    pub measured: bool,
}

/// The devices of the paper.
pub const GPUS: [Gpu; 3] = [
    Gpu {
        name: "RTX 4090",
        seconds: 22.37e-6,
        energy_j: 7.178e-3,
        measured: true,
    },
    Gpu {
        name: "Jetson Nano",
        seconds: 488.9e-6,
        energy_j: 3.246e-3,
        measured: true,
    },
    Gpu {
        name: "H100",
        seconds: 6.5e-6,
        energy_j: 5.2e-3,
        measured: false,
    },
];

impl Gpu {
    /// How many times longer the device takes than heads that work side by side, each in `seconds`.
    pub fn latency_ratio(&self, seconds: f64) -> f64 {
        self.seconds / seconds
    }

    /// How many times more energy the device takes than [`HEADS`] heads of `energy_j` each.
    pub fn energy_ratio(&self, energy_j: f64) -> f64 {
        self.energy_j / (HEADS * energy_j)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_of_the_paper() {
        let expected = [(344.0, 97.266e3), (7521.0, 43.981e3)];
        for (gpu, (latency, energy)) in GPUS.iter().zip(expected) {
            assert!((gpu.latency_ratio(65e-9) / latency - 1.0).abs() < 1e-3);
            assert!((gpu.energy_ratio(6.15e-9) / energy - 1.0).abs() < 1e-3);
        }
    }
}
