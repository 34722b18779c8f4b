//! Whether a circuit can be built, and if not, why.

use super::gain_cell::{GainCell, Technology};
use super::quantity::{CircuitError, QUANTITIES};

impl GainCell {
    /// Whether the circuit can be built.
    ///
    /// # Errors
    /// The first parameter that is outside its bounds, or does not go with the others, and why.
    pub fn check(&self) -> Result<(), CircuitError> {
        QUANTITIES.iter().try_for_each(|q| q.check(self))?;
        let fail = |key, reason| Err(CircuitError::Constraint { key, reason });
        if self.read_v > self.supply_v {
            return fail(
                "read_v",
                format!("{} V is above the supply of {} V", self.read_v, self.supply_v),
            );
        }
        if self.stack > 1 && self.technology == Technology::Silicon {
            return fail(
                "stack",
                format!("{} layers: silicon cells cannot be stacked, oxide can", self.stack),
            );
        }
        self.check_counter()?;
        self.check_write()
    }

    /// A counter counts clocks while the output pulse lasts.
    fn check_counter(&self) -> Result<(), CircuitError> {
        let (highest, clocks) = (
            2_f64.powi(self.output_bits as i32 - 1) - 1.0,
            2_f64.powi(self.query_bits as i32) - 1.0,
        );
        if highest <= clocks {
            return Ok(());
        }
        Err(CircuitError::Constraint {
            key: "output_bits",
            reason: format!(
                "a counter of {} bits counts to {highest}, and the longest pulse of {} query bits has {clocks} clocks; \
                 use at most {} output bits",
                self.output_bits,
                self.query_bits,
                self.query_bits + 1
            ),
        })
    }

    /// A write must settle to half a level: `ln(2^(bits + 1))` time constants.
    fn check_write(&self) -> Result<(), CircuitError> {
        let process = self.process();
        let settled = self.settling_s();
        if settled <= process.write_s * (1.0 + 1e-9) {
            return Ok(());
        }
        Err(CircuitError::Constraint {
            key: "capacitor_f",
            reason: format!(
                "writing {} bits into {:.3e} F through {:.3e} Ohm takes {settled:.3e} s, and the write phase has {:.3e} s",
                self.stored_bits, self.capacitor_f, process.write_ohm, process.write_s
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_built_is_refused_with_the_reason() {
        let refused = |change: fn(&mut GainCell)| {
            let mut circuit = GainCell::default();
            change(&mut circuit);
            let error = circuit.check().unwrap_err();
            format!("{}|{error}", error.key())
        };
        assert_eq!(GainCell::default().check(), Ok(()));
        assert!(refused(|c| c.output_bits = 6).starts_with("output_bits|output_bits: a counter of 6 bits"));
        assert!(refused(|c| c.capacitor_f = 30e-15).contains("takes"));
        assert!(refused(|c| c.stack = 12).contains("silicon"));
        assert!(refused(|c| c.supply_v = 0.7).contains("above the supply"));
        assert!(refused(|c| c.columns = 0).contains("between 1 and 1024"));
        assert!(refused(|c| c.clock_hz = f64::NAN).contains("NaN"));
        assert!(refused(|c| c.noise.storage_v = -1.0).contains("noise.storage_v"));
    }
}
