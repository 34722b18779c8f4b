//! What another circuit would do to a trained model: its scalers are adapted, nothing else, and its loss measured.

use tandem_envs::Stream;
use tandem_envs::attention::{Activity, GainCell};
use tch::{Tensor, no_grad};

use super::{Chain, Stage, mean_activity, moments};
use crate::attention::adaptation::{Moments, Scaler, Schedule, adapt};
use crate::attention::{Backward, Hardware, Mode, Signals};
use crate::language::{Gpt, LanguageError};

/// Updates of the scalers for each circuit: the adaptation is within a thousandth of its end by then.
const UPDATES: u32 = 6;

/// Which part of the validation text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// For searching: every second sequence.
    Search,
    /// For the final word on what was found: the others.
    Final,
}

/// What a circuit does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Loss, nat per character.
    pub loss: f64,
    /// Activity of the data.
    pub activity: Activity,
}

/// A trained model that is put on other circuits.
pub struct Judge {
    model: Gpt,
    trained: Vec<Scaler>,
    /// Signals on the circuit that the model was trained with.
    targets: Vec<Moments>,
    batch: [Tensor; 2],
    parts: [[Tensor; 2]; 2],
    context: usize,
}

impl Judge {
    /// A judge of the chain's nonlinear model.
    ///
    /// # Errors
    /// A chain whose nonlinear stage is not finished, or whose validation text is one sequence only.
    pub fn new(chain: Chain) -> Result<Self, LanguageError> {
        if !chain.finished().contains(&Stage::Nonlinear) {
            return Err(LanguageError::Text(
                "the run has no finished nonlinear stage; let `tandem adapt` finish it".into(),
            ));
        }
        let settings = &chain.settings;
        let context = settings.model.context;
        let mut stream = Stream::new(settings.seed, "language/adaptation", 0);
        let batch = chain
            .corpus
            .batch(&mut stream, settings.adaptation.batch, context);
        let [text, targets] = &chain.validation;
        let count = text.size()[0];
        if count < 2 {
            let reason =
                "one validation sequence cannot be parted; training.validation must be at least 2";
            return Err(LanguageError::Text(reason.into()));
        }
        let parts =
            [0, 1].map(|first| [text, targets].map(|t| t.slice(0, first, count, 2).contiguous()));
        let mut judge = Self {
            trained: vec![],
            targets: vec![],
            batch,
            parts,
            context,
            model: chain.model,
        };
        judge.model.load(&chain.finished, Stage::Nonlinear.name())?;
        judge.trained = judge.model.scalers();
        let (_, signals) = judge.measure(&judge.batch, &chain.hardware[1]);
        judge.targets = moments(&signals);
        Ok(judge)
    }

    /// The trained model on this circuit, scalers adapted.
    ///
    /// # Errors
    /// A circuit that cannot be built or has no tensor form.
    pub fn judge(&mut self, circuit: &GainCell, part: Part) -> Result<Judged, LanguageError> {
        let hardware = Hardware::new(circuit, Mode::Nonlinear, Backward::Surrogate, self.context)?;
        let schedule = Schedule {
            passes: UPDATES,
            ..Schedule::default()
        };
        let mut scalers = self.trained.clone();
        let targets = self.targets.clone();
        adapt(&mut scalers, &targets, &schedule, |scalers| {
            self.model.set_scalers(scalers);
            let (loss, signals) = self.measure(&self.batch, &hardware);
            Ok::<_, LanguageError>((loss, moments(&signals)))
        })?;
        let part = &self.parts[usize::from(part == Part::Final)];
        let (loss, signals) = self.measure(part, &hardware);
        let activity = mean_activity(&signals).unwrap_or_default();
        Ok(Judged { loss, activity })
    }

    fn measure(&self, batch: &[Tensor; 2], hardware: &Hardware) -> (f64, Vec<Signals>) {
        let mut signals = Vec::new();
        let loss = no_grad(|| self.model.loss(batch, Some(hardware), Some(&mut signals)));
        (loss.double_value(&[]), signals)
    }
}
