//! What a co-design came to: `evaluation/final.json`, its lines for people, its pictures.

mod figures;
mod summary;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tandem_attention::GainCell;
use tandem_core::DesignSpace;
use tandem_language::codesign::{Codesign, Origin, Outcome, Point, Reverted, Round};

use crate::adaptation::LanguageExperiment;

pub use figures::figures;
pub use summary::Summary;

/// The result of a co-design. Keys are those that scripts read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CodesignReport {
    /// Name of the problem.
    pub problem: String,
    /// Title of the adaptation's experiment.
    pub title: String,
    /// Seed of the model's adaptation.
    pub model_seed: u64,
    /// Circuits judged.
    pub judged: usize,
    /// How many times less energy the winner needs than the published circuit.
    pub energy_saving: f64,
    /// How many times faster it is.
    pub time_saving: f64,
    /// How many times smaller it is.
    pub area_saving: f64,
    /// Its perplexity over the control's, minus 1.
    pub perplexity_over_control: f64,
    /// The same, mean over chips with noise and mismatch; `None` without chips.
    pub perplexity_over_control_on_noisy_chips: Option<f64>,
    /// The published circuit with the control.
    pub control: CircuitReport,
    /// The winner.
    pub winner: CircuitReport,
    /// All numbers of the winner's circuit.
    pub winner_circuit: GainCell,
    /// Perplexities chip by chip.
    pub chips: Vec<ChipReport>,
    /// The winner with one parameter put back.
    pub reverted: Vec<RevertedReport>,
    /// Circuits that none beats in perplexity, energy, time and area.
    pub front: Vec<CircuitReport>,
    /// Round by round.
    pub rounds: Vec<RoundReport>,
}

/// A judged circuit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CircuitReport {
    /// Perplexity of the language model on it.
    pub perplexity: f64,
    /// The same over the control's, minus 1.
    pub perplexity_over_control: f64,
    /// Energy per head and token, J.
    pub energy_j: f64,
    /// Time per token, s.
    pub seconds: f64,
    /// Area of a head, mm².
    pub area_mm2: f64,
    /// Who proposed it.
    pub proposed_by: Origin,
    /// Values of the design's parameters, by name.
    pub parameters: Map<String, Value>,
}

/// Perplexities on one chip, cell for cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChipReport {
    /// The control on the published circuit.
    pub control: f64,
    /// The model on the winner.
    pub winner: f64,
}

/// The winner with one parameter put back to its published value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RevertedReport {
    /// Name of the parameter.
    pub parameter: String,
    /// Its published value.
    pub published: f64,
    /// Its value in the winner.
    pub found: f64,
    /// What that does.
    #[serde(flatten)]
    pub effect: RevertedEffect,
}

/// What putting a parameter back does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RevertedEffect {
    /// The circuit can be built: its figures over the winner's.
    Built {
        /// Other parameters that had to follow.
        with: Vec<String>,
        /// Energy.
        energy_factor: f64,
        /// Time.
        seconds_factor: f64,
        /// Area.
        area_factor: f64,
        /// Perplexity.
        perplexity_factor: f64,
    },
    /// It cannot.
    NotBuilt {
        /// Why.
        cannot_be_built: String,
    },
}

/// A round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundReport {
    /// Rounds so far.
    pub round: u32,
    /// Circuits judged so far.
    pub judged: usize,
    /// Error of the proxy, see [`Round::proxy_gap`].
    pub proxy_gap: Option<[f64; 2]>,
    /// Energy of the best circuit, J.
    pub energy_j: f64,
    /// Its perplexity over the control's, minus 1.
    pub perplexity_over_control: f64,
}

/// A round in one line.
pub fn round(round: &Round) -> String {
    let gap = round.proxy_gap.map_or(String::new(), |[energy, loss]| {
        format!(
            "; proxy off by {:.0} % in energy, {loss:.2} in compressed loss",
            100.0 * energy
        )
    });
    format!(
        "round {:2}: {} circuits judged; best {:.1} pJ at {:+.2} % perplexity{gap}",
        round.round,
        round.judged,
        1e12 * round.best.cost.energy_j,
        100.0 * round.best.excess.exp_m1()
    )
}

impl CodesignReport {
    /// The report of a co-design that has ended.
    pub fn new(experiment: &LanguageExperiment, codesign: &Codesign, outcome: &Outcome) -> Self {
        let (control, winner) = (&outcome.control, &outcome.winner);
        let circuit = |point: &Point| CircuitReport::new(codesign.space(), point);
        let chip = |[control, winner]: &[f64; 2]| ChipReport {
            control: control.exp(),
            winner: winner.exp(),
        };
        Self {
            problem: "attention".to_owned(),
            title: experiment.title.clone(),
            model_seed: experiment.language.seed,
            judged: codesign.rounds().last().map_or(0, |r| r.judged),
            energy_saving: control.cost.energy_j / winner.cost.energy_j,
            time_saving: control.cost.seconds / winner.cost.seconds,
            area_saving: control.cost.area_m2 / winner.cost.area_m2,
            perplexity_over_control: winner.excess.exp_m1(),
            perplexity_over_control_on_noisy_chips: on_chips(outcome),
            control: circuit(control),
            winner: circuit(winner),
            winner_circuit: outcome.circuit.clone(),
            chips: outcome.chips.iter().map(chip).collect(),
            reverted: outcome
                .reverted
                .iter()
                .map(|r| RevertedReport::new(r, winner))
                .collect(),
            front: outcome.front.iter().map(circuit).collect(),
            rounds: codesign.rounds().iter().map(RoundReport::new).collect(),
        }
    }

    /// The report for people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{:16} {:>10} {:>10} {:>8} {:>9}",
            "", "perplexity", "pJ", "ns", "mm²"
        )];
        lines.push(self.control.line("as published"));
        lines.push(self.winner.line("found"));
        lines.push(format!(
            "{:.2} times less energy, {:.2} times faster, {:.2} times smaller, at {:+.2} % perplexity",
            self.energy_saving,
            self.time_saving,
            self.area_saving,
            100.0 * self.perplexity_over_control
        ));
        if let Some(over) = self.perplexity_over_control_on_noisy_chips {
            lines.push(format!(
                "cell for cell, with the circuit's noise and mismatch: {:+.2} % perplexity",
                100.0 * over
            ));
        }
        lines.push("put back to its published value, a parameter alone changes".into());
        lines.extend(self.reverted.iter().map(RevertedReport::line));
        lines.push("circuits that none beats in perplexity, energy, time and area:".into());
        lines.extend(self.front.iter().map(|circuit| circuit.line("")));
        lines
    }
}

impl CircuitReport {
    fn new(space: &DesignSpace, point: &Point) -> Self {
        let pairs = space.parameters.iter().zip(&point.design);
        Self {
            perplexity: point.loss.exp(),
            perplexity_over_control: point.excess.exp_m1(),
            energy_j: point.cost.energy_j,
            seconds: point.cost.seconds,
            area_mm2: 1e6 * point.cost.area_m2,
            proposed_by: point.origin,
            parameters: pairs
                .map(|(parameter, value)| (parameter.name.clone(), json!(value)))
                .collect(),
        }
    }

    fn line(&self, name: &str) -> String {
        format!(
            "{name:16} {:>10.4} {:>10.1} {:>8.1} {:>9.5}",
            self.perplexity,
            1e12 * self.energy_j,
            1e9 * self.seconds,
            self.area_mm2
        )
    }
}

/// Mean over chips of the winner's perplexity over the control's, minus 1; `None` without chips.
fn on_chips(outcome: &Outcome) -> Option<f64> {
    let gaps = outcome.chips.iter().map(|[control, winner]| winner - control);
    let count = outcome.chips.len();
    (count > 0).then(|| (gaps.sum::<f64>() / count as f64).exp_m1())
}

impl RevertedReport {
    fn new(one: &Reverted, winner: &Point) -> Self {
        let effect = match &one.point {
            Ok(point) => RevertedEffect::Built {
                with: one.with.clone(),
                energy_factor: point.cost.energy_j / winner.cost.energy_j,
                seconds_factor: point.cost.seconds / winner.cost.seconds,
                area_factor: point.cost.area_m2 / winner.cost.area_m2,
                perplexity_factor: (point.loss - winner.loss).exp(),
            },
            Err(reason) => RevertedEffect::NotBuilt {
                cannot_be_built: reason.clone(),
            },
        };
        Self {
            parameter: one.parameter.clone(),
            published: one.values[0],
            found: one.values[1],
            effect,
        }
    }

    fn line(&self) -> String {
        let values = format!("{} -> {}", short(self.found), short(self.published));
        let start = format!("  {:18} {values:22}", self.parameter);
        match &self.effect {
            RevertedEffect::NotBuilt { cannot_be_built } => format!("{start} cannot be built: {cannot_be_built}"),
            RevertedEffect::Built {
                with,
                energy_factor,
                seconds_factor,
                area_factor,
                perplexity_factor,
            } => {
                let with = match with.is_empty() {
                    true => String::new(),
                    false => format!("  (with {})", with.join(", ")),
                };
                format!(
                    "{start} energy x {energy_factor:.2}  time x {seconds_factor:.2}  area x {area_factor:.2}  \
                     perplexity x {perplexity_factor:.4}{with}"
                )
            }
        }
    }
}

impl RoundReport {
    fn new(round: &Round) -> Self {
        Self {
            round: round.round,
            judged: round.judged,
            proxy_gap: round.proxy_gap,
            energy_j: round.best.cost.energy_j,
            perplexity_over_control: round.best.excess.exp_m1(),
        }
    }
}

fn short(value: f64) -> String {
    match value == 0.0 || (1e-3..1e4).contains(&value.abs()) {
        true => format!("{:.4}", value)
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
        false => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reverted(effect: RevertedEffect) -> RevertedReport {
        RevertedReport {
            parameter: "stack".into(),
            published: 1.0,
            found: 4e-5,
            effect,
        }
    }

    #[test]
    fn a_parameter_put_back_stands_in_one_object_whether_its_circuit_can_be_built_or_not() {
        let built = reverted(RevertedEffect::Built {
            with: vec!["window".into()],
            energy_factor: 2.0,
            seconds_factor: 1.0,
            area_factor: 0.5,
            perplexity_factor: 1.01,
        });
        let not_built = reverted(RevertedEffect::NotBuilt {
            cannot_be_built: "it leaks".into(),
        });
        let documents = [
            json!({
                "parameter": "stack", "published": 1.0, "found": 4e-5, "with": ["window"], "energy_factor": 2.0,
                "seconds_factor": 1.0, "area_factor": 0.5, "perplexity_factor": 1.01,
            }),
            json!({"parameter": "stack", "published": 1.0, "found": 4e-5, "cannot_be_built": "it leaks"}),
        ];
        for (report, document) in [&built, &not_built].into_iter().zip(documents) {
            assert_eq!(json!(report).to_string(), document.to_string(), "keys in this order");
            assert_eq!(&serde_json::from_value::<RevertedReport>(document).unwrap(), report);
        }
        let lines = [built.line(), not_built.line()].map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        assert_eq!(
            lines[0],
            "stack 4.00e-5 -> 1 energy x 2.00 time x 1.00 area x 0.50 perplexity x 1.0100 (with window)"
        );
        assert_eq!(lines[1], "stack 4.00e-5 -> 1 cannot be built: it leaks");
    }
}
