//! What an adaptation came to: `evaluation/final.json`, its lines for people, its pictures.

mod figures;
mod summary;

use serde::{Deserialize, Serialize};
use tandem_attention::{Activity, cost};
use tandem_language::attention::adaptation::Pass;
use tandem_language::pipeline::Adapted;
use tandem_language::{Pipeline, Stage};

use super::LanguageExperiment;

pub use figures::figures;
pub use summary::Summary;

/// How near to the linear model's loss counts as recovered, nat.
pub const MARGIN: f64 = 0.02;

const STAGES: [Stage; 6] = [
    Stage::Softmax,
    Stage::Linear,
    Stage::Adapt,
    Stage::Nonlinear,
    Stage::Control,
    Stage::Direct,
];

/// The result of an adaptation. Keys are those that scripts read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdaptationReport {
    /// The experiment's title.
    pub title: String,
    /// Seed of the run.
    pub seed: u64,
    /// Tokens to learn from, tokens held back.
    pub characters: [usize; 2],
    /// What a token is.
    pub unit: String,
    /// Number of the model's weights.
    pub weights: usize,
    /// The stages that ran, in order.
    pub stages: Vec<StageReport>,
    /// What moving the scalers did, where they were moved.
    pub adaptation: Option<ScalerReport>,
    /// Perplexity of nonlinear hardware over that of the softmax control, minus 1.
    pub perplexity_over_control: Option<f64>,
    /// The way via the linear stage against the direct one, where both were gone.
    pub via_linear_minus_direct: Option<DirectGap>,
    /// Perplexity on a chip with the circuit's noise and mismatch, where it has any.
    pub perplexity_on_noisy_chip: Option<f64>,
    /// The circuit's cost, where the data's activity is known.
    pub hardware: Option<HardwareReport>,
}

/// How a stage ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageReport {
    /// Name of the stage.
    pub stage: String,
    /// Name of its attention.
    pub attention: String,
    /// Its iterations.
    pub iterations: u64,
    /// Cross-entropy on the text held back, nat per token.
    pub validation_loss: f64,
    /// Its exponential.
    pub perplexity: f64,
    /// Iteration of the stage and validation loss, over the stage.
    pub curve: Vec<(u64, f64)>,
}

/// What moving the scalers did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalerReport {
    /// Loss of the linear model on the adaptation's batch.
    pub linear_loss: f64,
    /// Loss of nonlinear hardware with the linear model's scalers.
    pub carried_loss: f64,
    /// Update by update.
    pub passes: Vec<Pass>,
    /// Updates until the loss came within `margin` of the linear model's for good.
    pub recovered_after: Option<usize>,
    /// How near counts as recovered, nat.
    pub margin: f64,
    /// Loss at the start of the adaptation less the linear model's, nat.
    pub reset_above_linear: Option<f64>,
}

/// Loss of nonlinear hardware minus that of the direct way, nat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectGap {
    /// At as many nonlinear iterations.
    pub equal_nonlinear_iterations: f64,
    /// At as many iterations in all.
    pub equal_iterations: f64,
}

/// Cost of a head and token with the activity of this model's own data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HardwareReport {
    /// The data's activity.
    pub activity: Activity,
    /// Time of a token, s.
    pub seconds: f64,
    /// Energy of a token, J.
    pub energy_j: f64,
    /// Area of a head, mm².
    pub area_mm2: f64,
    /// Share of a stored value that is lost per token.
    pub decay_per_token: f64,
    /// Share of a stored value that is left at the window's end.
    pub kept_at_window_end: f64,
}

/// The published curve's form: a line per pass.
pub fn passes(adapted: &Adapted) -> Vec<String> {
    let mut lines = vec![format!(
        "adaptation: linear hardware {:.4} nat; nonlinear with the same scalers {:.4}",
        adapted.linear_loss, adapted.carried_loss
    )];
    for (number, pass) in adapted.passes.iter().enumerate() {
        lines.push(format!(
            "  after {number:2} updates  loss {:.4}  worst mean {:.1e}  worst deviation {:.1e}",
            pass.loss, pass.mean_error, pass.deviation_error
        ));
    }
    lines
}

impl AdaptationReport {
    /// The report of a pipeline that has ended.
    pub fn new(experiment: &LanguageExperiment, pipeline: &Pipeline) -> Self {
        Self {
            title: experiment.title.clone(),
            seed: experiment.language.seed,
            characters: pipeline.corpus().lengths(),
            unit: pipeline.corpus().vocabulary().unit().to_owned(),
            weights: pipeline.model().parameters(),
            stages: STAGES
                .into_iter()
                .filter_map(|s| StageReport::new(pipeline, s))
                .collect(),
            adaptation: pipeline.adapted().map(ScalerReport::new),
            perplexity_over_control: over_control(pipeline),
            via_linear_minus_direct: DirectGap::new(experiment, pipeline),
            perplexity_on_noisy_chip: pipeline.on_chip().map(f64::exp),
            hardware: HardwareReport::new(experiment, pipeline),
        }
    }

    /// The table and figures of a finished run, for people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{:10} {:>10} {:>10} {:>16} {:>11}",
            "stage", "attention", "iterations", "validation, nat", "perplexity"
        )];
        for stage in &self.stages {
            lines.push(format!(
                "{:10} {:>10} {:>10} {:>16.4} {:>11.4}",
                stage.stage, stage.attention, stage.iterations, stage.validation_loss, stage.perplexity
            ));
        }
        if let Some(adaptation) = &self.adaptation {
            lines.push(match adaptation.recovered_after {
                Some(updates) => {
                    format!("adaptation   within {MARGIN} nat of the linear model after {updates} updates")
                }
                None => format!("adaptation   never came within {MARGIN} nat of the linear model"),
            });
        }
        if let Some(over) = self.perplexity_over_control {
            lines.push(format!(
                "nonlinear    {:+.2} % perplexity against the softmax control",
                100.0 * over
            ));
        }
        if let Some(gap) = &self.via_linear_minus_direct {
            lines.push(format!(
                "via linear   {:+.4} nat against direct at equal nonlinear iterations, {:+.4} at equal iterations in all",
                gap.equal_nonlinear_iterations, gap.equal_iterations
            ));
        }
        if let Some(perplexity) = self.perplexity_on_noisy_chip {
            lines.push(format!(
                "on a chip    perplexity {perplexity:.4}, cell for cell with the circuit's noise and mismatch"
            ));
        }
        if let Some(hardware) = &self.hardware {
            lines.push(format!(
                "hardware     {:.1} ns, {:.1} pJ and {:.4} mm² per head and token, with this text's activity",
                1e9 * hardware.seconds,
                1e12 * hardware.energy_j,
                hardware.area_mm2
            ));
        }
        lines
    }
}

impl StageReport {
    fn new(pipeline: &Pipeline, stage: Stage) -> Option<Self> {
        let curve = pipeline.curve(stage);
        let &(iterations, loss) = curve.last()?;
        Some(Self {
            stage: stage.name().to_owned(),
            attention: stage.mode().name().to_owned(),
            iterations,
            validation_loss: loss,
            perplexity: loss.exp(),
            curve,
        })
    }
}

impl ScalerReport {
    fn new(adapted: &Adapted) -> Self {
        Self {
            linear_loss: adapted.linear_loss,
            carried_loss: adapted.carried_loss,
            passes: adapted.passes.clone(),
            recovered_after: adapted.recovered_after(MARGIN),
            margin: MARGIN,
            reset_above_linear: adapted.passes.first().map(|first| first.loss - adapted.linear_loss),
        }
    }
}

fn last(pipeline: &Pipeline, stage: Stage) -> Option<f64> {
    pipeline.curve(stage).last().map(|point| point.1)
}

/// Perplexity of nonlinear hardware over that of the softmax control, minus 1.
fn over_control(pipeline: &Pipeline) -> Option<f64> {
    let gap = last(pipeline, Stage::Nonlinear)? - last(pipeline, Stage::Control)?;
    Some(gap.exp_m1())
}

impl DirectGap {
    fn new(experiment: &LanguageExperiment, pipeline: &Pipeline) -> Option<Self> {
        let own = last(pipeline, Stage::Nonlinear)?;
        let direct = pipeline.curve(Stage::Direct);
        let total = direct.last()?.1;
        let nonlinear = experiment.language.stages.nonlinear;
        let early = direct.iter().find(|point| point.0 >= nonlinear)?.1;
        Some(Self {
            equal_nonlinear_iterations: own - early,
            equal_iterations: own - total,
        })
    }
}

impl HardwareReport {
    fn new(experiment: &LanguageExperiment, pipeline: &Pipeline) -> Option<Self> {
        let activity = pipeline.activity()?;
        let circuit = experiment.language.circuit();
        let cost = cost::cost(&circuit, &activity);
        Some(Self {
            activity,
            seconds: cost.seconds,
            energy_j: cost.energy_j,
            area_mm2: 1e6 * cost.area_m2,
            decay_per_token: circuit.decay(),
            kept_at_window_end: circuit.keep(f64::from(circuit.window)),
        })
    }
}
