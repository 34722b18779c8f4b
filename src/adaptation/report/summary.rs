//! What adaptations with several seeds have in common.

use serde::Serialize;

use super::{AdaptationReport, DirectGap, ScalerReport};
use crate::statistics::mean_interval;

/// Mean, 95 % interval and range over the seeds of the figures that an adaptation is judged by.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    recovered_after: Figure,
    reset_above_linear: Figure,
    perplexity_over_control: Figure,
    via_linear_minus_direct_equal_nonlinear: Figure,
    via_linear_minus_direct_equal_total: Figure,
    energy_j: Figure,
    seeds: usize,
}

/// A figure over those of the runs that have it; not finite where none has.
#[derive(Clone, Debug, Serialize)]
struct Figure {
    mean: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    least: f64,
    most: f64,
    of: usize,
}

impl Figure {
    fn over(reports: &[AdaptationReport], of: impl Fn(&AdaptationReport) -> Option<f64>) -> Self {
        let all: Vec<f64> = reports.iter().filter_map(of).collect();
        let mean = mean_interval(&all);
        Self {
            mean: mean.map(|m| m.value),
            low: mean.map(|m| m.low),
            high: mean.map(|m| m.high),
            least: all.iter().copied().fold(f64::INFINITY, f64::min),
            most: all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            of: all.len(),
        }
    }

    fn line(&self, name: &str, factor: f64) -> String {
        let part = |value: Option<f64>| factor * value.unwrap_or(f64::NAN);
        format!(
            "  {:9.4} [{:.4}, {:.4}] ({:.4}, {:.4}) of {}  {name}",
            part(self.mean),
            part(self.low),
            part(self.high),
            factor * self.least,
            factor * self.most,
            self.of
        )
    }
}

impl Summary {
    /// The summary of these runs.
    pub fn new(reports: &[AdaptationReport]) -> Self {
        let scalers = |of: fn(&ScalerReport) -> Option<f64>| {
            Figure::over(reports, |report| report.adaptation.as_ref().and_then(of))
        };
        let direct =
            |of: fn(&DirectGap) -> f64| Figure::over(reports, |report| report.via_linear_minus_direct.as_ref().map(of));
        Self {
            recovered_after: scalers(|it| it.recovered_after.map(|updates| updates as f64)),
            reset_above_linear: scalers(|it| it.reset_above_linear),
            perplexity_over_control: Figure::over(reports, |report| report.perplexity_over_control),
            via_linear_minus_direct_equal_nonlinear: direct(|gap| gap.equal_nonlinear_iterations),
            via_linear_minus_direct_equal_total: direct(|gap| gap.equal_iterations),
            energy_j: Figure::over(reports, |report| report.hardware.as_ref().map(|it| it.energy_j)),
            seeds: reports.len(),
        }
    }

    /// The same for people, without the stages that the experiment leaves out.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("over {} seeds, mean [95 %] (least, most):", self.seeds)];
        let via = "nat, via linear minus direct, equal";
        let rows = [
            (&self.recovered_after, "updates until adapted".to_owned(), 1.0),
            (
                &self.reset_above_linear,
                "nat above linear at the reset start".into(),
                1.0,
            ),
            (
                &self.perplexity_over_control,
                "% perplexity over the softmax control".into(),
                100.0,
            ),
            (
                &self.via_linear_minus_direct_equal_nonlinear,
                format!("{via} nonlinear iterations"),
                1.0,
            ),
            (
                &self.via_linear_minus_direct_equal_total,
                format!("{via} iterations in all"),
                1.0,
            ),
            (&self.energy_j, "pJ per head and token".into(), 1e12),
        ];
        let present = rows.into_iter().filter(|(figure, ..)| figure.of > 0);
        lines.extend(present.map(|(figure, name, factor)| figure.line(&name, factor)));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(over: f64, gap: Option<f64>) -> AdaptationReport {
        AdaptationReport {
            title: String::new(),
            seed: 0,
            characters: [9, 1],
            unit: "character".into(),
            weights: 1,
            stages: vec![],
            adaptation: None,
            perplexity_over_control: Some(over),
            via_linear_minus_direct: gap.map(|gap| DirectGap {
                equal_nonlinear_iterations: gap,
                equal_iterations: -gap,
            }),
            perplexity_on_noisy_chip: None,
            hardware: None,
        }
    }

    #[test]
    fn a_figure_counts_the_runs_that_have_it_and_is_left_out_where_none_has() {
        let summary = Summary::new(&[report(0.01, Some(0.5)), report(0.03, None)]);
        let document = serde_json::json!(summary);
        assert_eq!(document["perplexity_over_control"]["mean"], 0.02);
        assert_eq!(document["via_linear_minus_direct_equal_total"]["least"], -0.5);
        assert_eq!(document["via_linear_minus_direct_equal_total"]["of"], 1);
        assert!(document["energy_j"]["least"].is_null() && document["energy_j"]["of"] == 0);
        let lines = summary.lines();
        assert_eq!(lines[0], "over 2 seeds, mean [95 %] (least, most):");
        assert_eq!(lines.len(), 1 + 3, "{lines:?}");
        assert!(
            lines[1].trim_start().starts_with("2.0000 ["),
            "in percent: {}",
            lines[1]
        );
    }
}
