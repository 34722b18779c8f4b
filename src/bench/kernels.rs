//! The price of bytes that do not depend on the processor: the training bench with Tandem's kernels and with libtorch's
//! own ([`tandem_learning::libtorch`]).
//!
//! The kernels of a process are fixed when it starts, so each measurement is a process of its own. The two kinds take
//! turns, and what counts is the median of the ratios of neighbours: the speed of a shared machine drifts.

use std::fmt;
use std::process::{Command, Stdio};

use serde::Deserialize;
use tandem_learning::libtorch::{CHOICE, ENVIRONMENT, NATIVE};

use super::Entry;
use crate::error::Error;
use crate::statistics::{median, quantile};

/// Speeds of a case, environment steps/s, one of each kind per round.
pub struct Price {
    case: &'static str,
    ours: Vec<f64>,
    native: Vec<f64>,
}

/// Measures a case of [`super::training::CASES`].
///
/// # Errors
/// A process that cannot be started or prints no result.
pub fn measure(case: &'static str, rounds: usize) -> Result<Price, Error> {
    let (mut ours, mut native) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let ours_first = round % 2 == 0;
        for ours_now in [ours_first, !ours_first] {
            let speed = speed(case, ours_now)?;
            if ours_now { &mut ours } else { &mut native }.push(speed);
        }
    }
    Ok(Price { case, ours, native })
}

/// What is read of `tandem bench training --json`.
#[derive(Deserialize)]
struct Measured {
    results: Vec<MeasuredCase>,
}

#[derive(Deserialize)]
struct MeasuredCase {
    name: String,
    value: f64,
}

/// Environment steps/s of a case in a process of its own.
fn speed(case: &str, ours: bool) -> Result<f64, Error> {
    let cannot = |error: &dyn fmt::Display| Error::Run(format!("cannot measure {case}: {error}"));
    let program = std::env::current_exe().map_err(|error| cannot(&error))?;
    let threads = rayon::current_num_threads().to_string();
    let mut command = Command::new(program);
    command.args(["bench", "training", "--json", "--only", case, "--threads", &threads]);
    for (name, _) in ENVIRONMENT {
        command.env_remove(name);
    }
    match ours {
        true => command.env_remove(CHOICE),
        false => command.env(CHOICE, NATIVE),
    };
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| cannot(&error))?;
    let measured: Measured = serde_json::from_slice(&output.stdout).map_err(|error| cannot(&error))?;
    let result = measured.results.iter().find(|result| result.name == case);
    result.map(|result| result.value).ok_or_else(|| cannot(&"no result"))
}

impl Price {
    /// Speed with Tandem's kernels by speed with libtorch's, round by round: 1 costs nothing.
    fn ratios(&self) -> Vec<f64> {
        let pairs = self.ours.iter().zip(&self.native);
        pairs.map(|(ours, native)| ours / native).collect()
    }

    /// `CASE_reproducible` and `CASE_native` in environment steps/s, and `CASE_ratio`, all medians.
    pub fn entries(&self) -> Vec<Entry> {
        let unit = "environment steps/s";
        [
            ("reproducible", &self.ours, unit),
            ("native", &self.native, unit),
            ("ratio", &self.ratios(), "1"),
        ]
        .into_iter()
        .filter_map(|(name, values, unit)| Some(Entry::new(format!("{}_{name}", self.case), median(values)?, unit)))
        .collect()
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |values: &[f64]| median(values).unwrap_or(f64::NAN);
        let ratios = self.ratios();
        let at = |q| quantile(&ratios, q).unwrap_or(f64::NAN);
        write!(
            f,
            "{:14} {:>9.0} environment steps/s reproducible, {:>9.0} native; ratio {:.3} [{:.3}, {:.3}] (median and quartiles of {} pairs)",
            self.case,
            of(&self.ours),
            of(&self.native),
            at(0.5),
            at(0.25),
            at(0.75),
            ratios.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_neighbours() {
        let price = Price {
            case: "case",
            ours: vec![10.0, 1.0, 30.0],
            native: vec![10.0, 2.0, 20.0],
        };
        assert_eq!(price.ratios(), [1.0, 0.5, 1.5]);
        let entries = price.entries();
        assert_eq!(entries[2].name, "case_ratio");
        assert_eq!(entries[2].value, 1.0);
    }
}
