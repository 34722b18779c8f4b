//! How long stored voltages last, and what it costs to keep them.

use super::cost::{latency_s, write_j};
use super::gain_cell::GainCell;

impl GainCell {
    /// Time in which a stored voltage decays to 1/e, s: `τ = C V / I`.
    pub fn retention_s(&self) -> f64 {
        self.capacitor_f * self.supply_v / self.process().leakage_a
    }

    /// Decay per token in the exponent: all layers take their turn between two tokens.
    pub fn decay(&self) -> f64 {
        let token = f64::from(self.layers) * latency_s(self) + self.timing.other_s;
        token / self.retention_s()
    }

    /// What is left of a stored voltage after so many tokens.
    pub fn keep(&self, age: f64) -> f64 {
        (-self.decay() * age).exp()
    }

    /// Longest time between two refreshes, s, for an error of `share` of full scale (0 to 1).
    pub fn refresh_interval_s(&self, share: f64) -> f64 {
        -self.retention_s() * (1.0 - share).ln()
    }

    /// Power of one head, W, that is refreshed so often instead of letting its window expire.
    pub fn refresh_power_w(&self, share: f64) -> f64 {
        let values = 2.0 * f64::from(self.head_dimension) * f64::from(self.window);
        values * write_j(self) / self.refresh_interval_s(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gain_cell::Technology;

    #[test]
    fn decay_of_the_paper() {
        let circuit = GainCell::default();
        assert!((circuit.retention_s() / 5e-3 - 1.0).abs() < 1e-12);
        assert!((circuit.decay() / 1.56e-4 - 1.0).abs() < 1e-9);
        assert!(((-1024.0 * 1.6e-4_f64).exp() - 0.849).abs() < 5e-4);
        assert!((circuit.keep(1024.0) - 0.852).abs() < 5e-4);
        let xl = GainCell { layers: 48, ..circuit };
        assert!((xl.decay() - 6.24e-4).abs() < 1e-6 && (xl.keep(1024.0) - 0.528).abs() < 1e-3);
    }

    #[test]
    fn an_oxide_cell_needs_no_refresh_where_silicon_does() {
        let silicon = GainCell::default();
        let oxide = GainCell {
            technology: Technology::Oxide,
            ..silicon.clone()
        };
        // 1 % of full scale: -τ ln 0.99 = 50 µs, not τ/2
        assert!((silicon.refresh_interval_s(0.01) - 50.25e-6).abs() < 0.01e-6);
        assert!(oxide.refresh_power_w(0.01) < 1e-3 * silicon.refresh_power_w(0.01));
        assert!(oxide.keep(1e4) > 0.99);
    }
}
