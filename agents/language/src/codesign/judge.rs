//! What a circuit does to a language model: its scalers are adapted, then its loss is measured.

use tandem_attention::{Activity, GainCell};
use tch::{Tensor, no_grad};

use crate::attention::adaptation::{Moments, Scaler, Schedule, adapt};
use crate::attention::{Backward, CellForCell, Circuit, Hardware, Mode, Signals};
use crate::pipeline::{mean_activity, moments};
use crate::{Gpt, LanguageError};

/// Updates of the scalers for each circuit: the adaptation is within a thousandth of its end by then.
const UPDATES: u32 = 4;

/// Which part of the validation text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// For searching: every second sequence.
    Search,
    /// For the final word on what was found: the others.
    Final,
}

/// What a circuit does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Loss, nat per token.
    pub loss: f64,
    /// Activity of the data.
    pub activity: Activity,
}

/// A model's scalers on the circuit it was last trained on, and the signals behind them.
#[derive(Clone, Debug)]
pub struct Home {
    scalers: Vec<Scaler>,
    targets: Vec<Moments>,
}

/// Texts on which models and circuits meet.
pub struct Judge {
    /// The adaptation's batch.
    batch: [Tensor; 2],
    splits: [[Tensor; 2]; 2],
    context: usize,
    /// Number of the chip on which circuits are judged.
    pub chip: u64,
}

impl Judge {
    /// A judge with this batch for adaptations and this text.
    ///
    /// # Errors
    /// A text of one sequence only.
    pub fn new(batch: [Tensor; 2], [text, targets]: &[Tensor; 2], context: usize) -> Result<Self, LanguageError> {
        let count = text.size()[0];
        if count < 2 {
            let reason = "one validation sequence cannot be parted; training.validation must be at least 2";
            return Err(LanguageError::Text(reason.into()));
        }
        let splits = [0, 1].map(|first| [text, targets].map(|t| t.slice(0, first, count, 2).contiguous()));
        Ok(Self {
            batch,
            splits,
            context,
            chip: 0,
        })
    }

    /// The tensor model of a circuit, on a chip of its own where the circuit has noise or mismatch.
    ///
    /// # Errors
    /// A circuit that cannot be built or has no tensor form.
    pub fn hardware(&self, circuit: &GainCell, chip: u64) -> Result<Hardware, LanguageError> {
        let hardware = Hardware::new(circuit, Mode::Nonlinear, Backward::Surrogate, self.context);
        Ok(hardware?.on_chip(circuit, chip))
    }

    /// The home of a model that was trained on `circuit`.
    ///
    /// # Errors
    /// Those of [`Judge::hardware`].
    pub fn home(&self, model: &Gpt, circuit: &GainCell) -> Result<Home, LanguageError> {
        let hardware = self.hardware(circuit, self.chip)?;
        let (_, signals) = measure(model, &self.batch, &hardware);
        Ok(Home {
            scalers: model.scalers(),
            targets: moments(&signals),
        })
    }

    /// Moves a model's scalers so that its signals on `circuit` are those at home.
    ///
    /// # Errors
    /// Those of [`Judge::hardware`].
    pub fn adapt(&self, model: &mut Gpt, home: &Home, circuit: &GainCell) -> Result<Hardware, LanguageError> {
        let hardware = self.hardware(circuit, self.chip)?;
        let schedule = Schedule {
            passes: UPDATES,
            ..Schedule::default()
        };
        let mut scalers = home.scalers.clone();
        adapt(&mut scalers, &home.targets, &schedule, |scalers| {
            model.set_scalers(scalers);
            let (loss, signals) = measure(model, &self.batch, &hardware);
            Ok::<_, LanguageError>((loss, moments(&signals)))
        })?;
        Ok(hardware)
    }

    /// The model on this circuit, its scalers adapted; at home again afterwards.
    ///
    /// # Errors
    /// Those of [`Judge::hardware`].
    pub fn judge(
        &self,
        model: &mut Gpt,
        home: &Home,
        circuit: &GainCell,
        split: Split,
    ) -> Result<Judged, LanguageError> {
        let hardware = self.adapt(model, home, circuit)?;
        let (loss, signals) = measure(model, self.texts(split), &hardware);
        model.set_scalers(&home.scalers);
        let activity = mean_activity(&signals).unwrap_or_default();
        Ok(Judged { loss, activity })
    }

    /// The loss of a model as it is, its scalers not moved.
    pub fn loss(&self, model: &Gpt, circuit: &dyn Circuit, split: Split) -> f64 {
        let loss = no_grad(|| model.loss(self.texts(split), Some(circuit), None));
        loss.double_value(&[])
    }

    /// Loss of the adapted model on a chip of this circuit, cell for cell, with the circuit's noise and mismatch.
    ///
    /// # Errors
    /// Those of [`Judge::hardware`].
    pub fn cell_for_cell(
        &self,
        model: &mut Gpt,
        home: &Home,
        circuit: &GainCell,
        seed: u64,
    ) -> Result<f64, LanguageError> {
        self.adapt(model, home, circuit)?;
        let chip = CellForCell::new(circuit, seed)?;
        let loss = self.loss(model, &chip, Split::Final);
        model.set_scalers(&home.scalers);
        Ok(loss)
    }

    fn texts(&self, split: Split) -> &[Tensor; 2] {
        &self.splits[usize::from(split == Split::Final)]
    }
}

fn measure(model: &Gpt, batch: &[Tensor; 2], hardware: &Hardware) -> (f64, Vec<Signals>) {
    let mut signals = Vec::new();
    let loss = no_grad(|| model.loss(batch, Some(hardware), Some(&mut signals)));
    (loss.double_value(&[]), signals)
}
