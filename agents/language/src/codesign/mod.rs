//! Circuit and language model, designed together.
//!
//! ```text
//! repeat: propose circuits   the proxy's gradient, random changes
//!         judge them         true circuit (whole bits, clipping, noise), scalers adapted, loss on the search text
//!         fit the proxy      design -> loss, energy, time, area
//!         train the model    on the circuit of least energy that is good enough; the control on its own, as long
//! then:   judge the winner   on text that no search saw, cell for cell with noise; one parameter back at a time
//! ```
//!
//! The language model is what the hardware serves, and its loss is what counts; it goes on learning on the circuit that is
//! being designed. The true circuit has no gradient by its design, the proxy has one: a network that is fitted anew to all
//! judged circuits in every round, and checked on the next ones before it learns from them. Designs are explicit
//! parameters; no figure of the proxy is ever reported as a result.
//!
//! This is the shared loop's idea (a policy, a proxy learnt beside it and held to the true hardware, an explicit design) in a
//! loop of its own. The trainer of robots does not fit: its policies learn by reward from millions of cheap steps, and the
//! language model has the exact gradient of its loss; its proxy stands for one control step of the hardware, and what counts
//! here is a text's loss, a tenth of a second per circuit. What that trainer makes of the same circuit with an encoder that learns
//! by reward is the problem `attention` ([`tandem_attention::recall`]).
//!
//! The control is the same model on the circuit it started with, trained for as many iterations on the same batches: what
//! is won must not come from longer training.

mod judge;
mod outcome;
mod point;
mod proposals;
mod proxy;
mod settings;
#[cfg(test)]
mod tests;
mod trial;

use serde::{Deserialize, Serialize};
use tandem_attention::{GainCell, cost, design};
use tandem_core::{Design, DesignSpace, Stream};

use super::corpus::Corpus;
use super::model::Gpt;
use super::pipeline::Pipeline;
use super::stepper::Stepper;
use super::{LanguageError, Settings};
use tandem_learning::archive::{Archive, ArchiveError};

pub use judge::Split;
use judge::{Home, Judge};
pub use outcome::{Outcome, Reverted};
use point::least_energy;
pub use point::{Origin, Point, front};
use proxy::{Proxy, effects};
pub use settings::CodesignSettings;
pub use trial::Trial;

/// Judged circuits before the first proxy.
const PROXY_ROWS: usize = 10;
/// Number of the first chip that the model learns on; those before it are judged on, one a round.
const TRAINING_CHIPS: u64 = 1 << 32;
/// Circuits that are judged again after the model has moved.
const RECHECKED: usize = 4;

/// What a round did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Rounds so far.
    pub round: u32,
    /// Circuits judged so far.
    pub judged: usize,
    /// Root of the mean squared error of the proxy on this round's circuits before it saw them: logarithm of the energy, and
    /// loss compressed about the margin; `None` before the first proxy.
    pub proxy_gap: Option<[f64; 2]>,
    /// The circuit that the model is trained on now.
    pub best: Point,
    /// Loss of the control on the search text, nat per token.
    pub control: f64,
}

/// What goes into a checkpoint beside arrays.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct CodesignState {
    round: u32,
    stream: Stream,
    batches: Stream,
    points: Vec<Point>,
    /// Design that the model was last trained on.
    home: Design,
    rounds: Vec<Round>,
}

/// A co-design in progress.
pub struct Codesign {
    settings: CodesignSettings,
    language: Settings,
    base: GainCell,
    space: DesignSpace,
    corpus: Corpus,
    judge: Judge,
    model: Stepper,
    control: Stepper,
    state: CodesignState,
}

/// Whether to go on.
///
/// # Errors
/// [`LanguageError::Stopped`] where `stop` says so.
fn go_on(stop: &dyn Fn() -> bool) -> Result<(), LanguageError> {
    match stop() {
        true => Err(LanguageError::Stopped),
        false => Ok(()),
    }
}

impl Codesign {
    /// The start: the pipeline's nonlinear model, twice.
    ///
    /// # Errors
    /// Settings out of range, a pipeline whose nonlinear stage is not finished, a circuit outside the design space.
    pub fn new(pipeline: Pipeline, settings: &CodesignSettings) -> Result<Self, LanguageError> {
        settings.check().map_err(|error| error.inside("codesign"))?;
        let trained = pipeline.into_trained()?;
        let language = trained.settings;
        let base = language.circuit();
        let space = design::space(&base)?;
        let mut stream = Stream::new(settings.seed, "codesign/adaptation", 0);
        let (count, context) = (language.adaptation.batch, language.model.context);
        let batch = trained.corpus.batch(&mut stream, count, context);
        let judge = Judge::new(batch, &trained.validation, context)?;
        let stream = |name| Stream::new(settings.seed, name, 0);
        Ok(Self {
            state: CodesignState {
                round: 0,
                stream: stream("codesign/proposals"),
                batches: stream("codesign/batches"),
                points: vec![],
                home: space.start(),
                rounds: vec![],
            },
            control: Stepper::new(trained.model.twin(), &language.training),
            model: Stepper::new(trained.model, &language.training),
            settings: settings.clone(),
            language,
            base,
            space,
            corpus: trained.corpus,
            judge,
        })
    }

    /// Rounds so far, and at the end.
    pub fn progress(&self) -> [u32; 2] {
        [self.state.round, self.settings.rounds]
    }

    /// What the rounds did.
    pub fn rounds(&self) -> &[Round] {
        &self.state.rounds
    }

    /// The design parameters.
    pub fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn circuit(&self, design: &[f64]) -> Result<GainCell, LanguageError> {
        Ok(design::circuit(&self.space, design, &self.base)?)
    }

    /// Loss of the control on its own circuit.
    fn control_loss(&self, split: Split) -> Result<f64, LanguageError> {
        let hardware = self.judge.hardware(&self.base, self.judge.chip)?;
        Ok(self.judge.loss(&self.control.model, &hardware, split))
    }

    /// One round; `None` at the end. Ends early when `stop` asks for it: the co-design is then in the middle of a round
    /// and only good for being loaded anew.
    ///
    /// # Errors
    /// Numbers that are not finite in training; [`LanguageError::Stopped`].
    pub fn round(&mut self, stop: &dyn Fn() -> bool) -> Result<Option<Round>, LanguageError> {
        if self.state.round >= self.settings.rounds {
            return Ok(None);
        }
        go_on(stop)?;
        self.judge.chip = u64::from(self.state.round);
        let home = self.judge.home(&self.model.model, &self.circuit(&self.state.home)?)?;
        let control = self.control_loss(Split::Search)?;
        let proxy = self.proxy()?;
        let first = self.state.points.len();
        if first == 0 {
            self.judge_design(&home, self.space.start(), control, Origin::Start)?;
        }
        for (design, origin) in self.propose(proxy.as_ref())? {
            go_on(stop)?;
            self.judge_design(&home, design, control, origin)?;
        }
        let proxy_gap = proxy.and_then(|proxy| self.gap(&proxy, first));
        let best = self.best();
        self.train(&home, best, stop)?;
        let control = self.recheck()?;
        self.state.round += 1;
        let round = Round {
            round: self.state.round,
            judged: self.state.points.len(),
            proxy_gap,
            best: self.state.points[self.best()].clone(),
            control,
        };
        self.state.rounds.push(round.clone());
        Ok(Some(round))
    }

    /// The circuit of least energy that is good enough; the start where there is none.
    fn best(&self) -> usize {
        least_energy(&self.state.points, self.allowed()).unwrap_or(0)
    }

    /// Loss above the control's that a circuit may have now, nat.
    fn allowed(&self) -> f64 {
        self.settings.allowed(self.state.round)
    }

    /// Judges a design and notes it; nothing where it cannot be built.
    fn judge_design(&mut self, home: &Home, design: Design, control: f64, origin: Origin) -> Result<(), LanguageError> {
        let circuit = self.circuit(&design)?;
        let model = &mut self.model.model;
        let judged = match self.judge.judge(model, home, &circuit, Split::Search) {
            Ok(judged) if judged.loss.is_finite() => judged,
            Ok(_) | Err(LanguageError::Circuit(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        self.state.points.push(Point {
            design,
            loss: judged.loss,
            excess: judged.loss - control,
            cost: cost::cost(&circuit, &judged.activity),
            origin,
        });
        Ok(())
    }

    fn proxy(&self) -> Result<Option<Proxy>, LanguageError> {
        if self.state.points.len() < PROXY_ROWS {
            return Ok(None);
        }
        let rows: Vec<_> = self
            .state
            .points
            .iter()
            .map(|point| (self.space.logits(&point.design), effects(point)))
            .collect();
        let seed = self.settings.seed;
        let mut stream = Stream::new(seed, "codesign/proxy", u64::from(self.state.round));
        Proxy::fit(&rows, &mut stream).map(Some)
    }

    /// Error of the proxy on the points from `first` on.
    fn gap(&self, proxy: &Proxy, first: usize) -> Option<[f64; 2]> {
        let new = self.state.points.get(first..).filter(|new| !new.is_empty())?;
        let mut sums = [0.0; 2];
        for point in new {
            let (found, true_) = (proxy.predict(&self.space.logits(&point.design)), effects(point));
            sums[0] += (found[1] - true_[1]).powi(2);
            sums[1] += (found[0] - true_[0]).powi(2);
        }
        Some(sums.map(|sum| (sum / new.len() as f64).sqrt()))
    }

    /// Trains the model on a circuit and the control on its own, on the same batches.
    fn train(&mut self, home: &Home, best: usize, stop: &dyn Fn() -> bool) -> Result<(), LanguageError> {
        let design = self.state.points[best].design.clone();
        let circuit = self.circuit(&design)?;
        self.judge.adapt(&mut self.model.model, home, &circuit)?;
        let (count, context) = (self.language.training.batch, self.language.model.context);
        let total = self.settings.training * u64::from(self.settings.rounds);
        let done = self.settings.training * u64::from(self.state.round);
        for step in done..done + self.settings.training {
            go_on(stop)?;
            let batch = self.corpus.batch(&mut self.state.batches, count, context);
            let rise = ((step + 1) as f64 / self.language.training.warm_up.max(1) as f64).min(1.0);
            let fall = 1.0 - step as f64 / total.max(1) as f64;
            let rate = self.settings.rate * rise.min(fall);
            // every step on another chip: what is learnt is the circuit, not one chip's mismatch
            let [own, first] = [&circuit, &self.base].map(|c| self.judge.hardware(c, TRAINING_CHIPS + step));
            self.model.step(&batch, &own?, rate)?;
            self.control.step(&batch, &first?, rate)?;
        }
        self.state.home = design;
        Ok(())
    }

    /// Judges the circuits of least energy again, now that the model has moved: those that may have become good enough,
    /// and the best until it is one of them. Gives the control's loss.
    fn recheck(&mut self) -> Result<f64, LanguageError> {
        let circuit = self.circuit(&self.state.home)?;
        let home = self.judge.home(&self.model.model, &circuit)?;
        let control = self.control_loss(Split::Search)?;
        let near = 2.0 * self.allowed();
        let points = &self.state.points;
        let mut places: Vec<usize> = (0..points.len()).collect();
        places.retain(|&i| points[i].excess <= near);
        places.sort_by(|&a, &b| {
            let energy = |i: usize| points[i].cost.energy_j;
            energy(a).total_cmp(&energy(b))
        });
        places.truncate(RECHECKED);
        for &place in &places {
            self.judge_again(&home, place, control)?;
        }
        for _ in 0..RECHECKED {
            let best = self.best();
            if places.contains(&best) {
                break;
            }
            self.judge_again(&home, best, control)?;
            places.push(best);
        }
        Ok(control)
    }

    fn judge_again(&mut self, home: &Home, place: usize, control: f64) -> Result<(), LanguageError> {
        let circuit = self.circuit(&self.state.points[place].design)?;
        let model = &mut self.model.model;
        let judged = self.judge.judge(model, home, &circuit, Split::Search)?;
        let point = &mut self.state.points[place];
        point.loss = judged.loss;
        point.excess = judged.loss - control;
        point.cost = cost::cost(&circuit, &judged.activity);
        Ok(())
    }

    /// Everything that is needed to go on.
    pub fn save(&self) -> Archive {
        let mut archive = Archive::new();
        archive.put_json("codesign", &self.state);
        self.model.save(&mut archive, "model");
        self.control.save(&mut archive, "control");
        archive
    }

    /// Goes on from what [`Codesign::save`] gave, with the same settings and pipeline.
    ///
    /// # Errors
    /// Missing entries or other sizes.
    pub fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        self.state = archive.get_json("codesign")?;
        self.model.load(archive, "model")?;
        self.control.load(archive, "control")
    }

    /// The model, for what comes after.
    pub fn model(&self) -> &Gpt {
        &self.model.model
    }
}
