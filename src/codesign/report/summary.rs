//! What several co-designs have in common.

use serde::Serialize;

use super::{CodesignReport, RevertedEffect};
use crate::statistics::{Estimate, mean, mean_interval};

/// Mean and 95 % interval over co-designs of the figures that they are judged by.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    codesigns: usize,
    energy_saving: Option<Estimate>,
    time_saving: Option<Estimate>,
    area_saving: Option<Estimate>,
    perplexity_over_control: Option<Estimate>,
    perplexity_over_control_on_noisy_chips: Option<Estimate>,
    reverted: Vec<RevertedSummary>,
}

/// What a parameter bought: geometric means over the co-designs that moved it; `None` where none can be built without it.
#[derive(Clone, Debug, Serialize)]
struct RevertedSummary {
    parameter: String,
    moved_in: usize,
    found: Vec<f64>,
    energy_factor: Option<f64>,
    seconds_factor: Option<f64>,
    area_factor: Option<f64>,
    perplexity_factor: Option<f64>,
}

impl Summary {
    /// The summary of these co-designs.
    pub fn new(reports: &[CodesignReport]) -> Self {
        let over = |of: fn(&CodesignReport) -> Option<f64>| {
            let all: Vec<f64> = reports.iter().filter_map(of).collect();
            mean_interval(&all)
        };
        Self {
            codesigns: reports.len(),
            energy_saving: over(|r| Some(r.energy_saving)),
            time_saving: over(|r| Some(r.time_saving)),
            area_saving: over(|r| Some(r.area_saving)),
            perplexity_over_control: over(|r| Some(r.perplexity_over_control)),
            perplexity_over_control_on_noisy_chips: over(|r| r.perplexity_over_control_on_noisy_chips),
            reverted: reverted(reports),
        }
    }

    /// The same for people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("over {} co-designs, mean [95 %]:", self.codesigns)];
        for (figure, name, scale, unit) in [
            (self.energy_saving, "less energy", 1.0, "times"),
            (self.time_saving, "faster", 1.0, "times"),
            (self.area_saving, "smaller", 1.0, "times"),
            (self.perplexity_over_control, "perplexity", 100.0, "%"),
            (
                self.perplexity_over_control_on_noisy_chips,
                "on noisy chips",
                100.0,
                "%",
            ),
        ] {
            if let Some(Estimate { value, low, high }) = figure {
                let [value, low, high] = [value, low, high].map(|end| scale * end);
                lines.push(format!("  {name:16} {value:.2} [{low:.2}, {high:.2}] {unit}"));
            }
        }
        lines.push("  put back to its published value, a parameter alone changes".into());
        lines.extend(self.reverted.iter().map(RevertedSummary::line));
        lines
    }
}

impl RevertedSummary {
    fn line(&self) -> String {
        let start = format!("  {:18} in {}", self.parameter, self.moved_in);
        let factors = [
            self.energy_factor,
            self.seconds_factor,
            self.area_factor,
            self.perplexity_factor,
        ];
        let [Some(energy), Some(seconds), Some(area), Some(perplexity)] = factors else {
            return format!("{start}  cannot be built alone");
        };
        format!("{start}  energy x {energy:.2}  time x {seconds:.2}  area x {area:.2}  perplexity x {perplexity:.4}")
    }
}

fn reverted(reports: &[CodesignReport]) -> Vec<RevertedSummary> {
    let rows = || reports.iter().flat_map(|report| &report.reverted);
    let mut names: Vec<&str> = Vec::new();
    for row in rows() {
        if !names.contains(&row.parameter.as_str()) {
            names.push(&row.parameter);
        }
    }
    let summary = |name: &str| {
        let own = || rows().filter(|row| row.parameter == name);
        let factors = own().filter_map(|row| match row.effect {
            RevertedEffect::Built {
                energy_factor,
                seconds_factor,
                area_factor,
                perplexity_factor,
                ..
            } => Some([energy_factor, seconds_factor, area_factor, perplexity_factor]),
            RevertedEffect::NotBuilt { .. } => None,
        });
        let factors: Vec<[f64; 4]> = factors.collect();
        let geometric = |of: usize| {
            let logs: Vec<f64> = factors.iter().map(|row| row[of].ln()).collect();
            mean(&logs).map(f64::exp)
        };
        RevertedSummary {
            parameter: name.to_owned(),
            moved_in: own().count(),
            found: own().map(|row| row.found).collect(),
            energy_factor: geometric(0),
            seconds_factor: geometric(1),
            area_factor: geometric(2),
            perplexity_factor: geometric(3),
        }
    };
    names.into_iter().map(summary).collect()
}
