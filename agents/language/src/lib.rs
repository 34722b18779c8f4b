//! A language model of GPT-2's shape, whose attention may be softmax or an analog circuit.
//!
//! - [`attention`]: softmax and the circuit of `tandem_attention` on tensors, with gradients;
//! - [`corpus`] and [`story`]: text as numbers; a default text made by rule;
//! - [`vocabulary`] and [`bpe`]: characters, or GPT-2's byte pairs, as tokens;
//! - [`shape`], [`model`]: the transformer, its weights under GPT-2's own names;
//! - [`weights`]: reading weights from a safetensors file;
//! - [`pipeline`]: the stages of an adaptation, from softmax to nonlinear hardware, with its controls;
//! - [`codesign`]: circuit and model designed together.

pub mod attention;
pub mod bpe;
pub mod codesign;
pub mod corpus;
pub mod model;
pub mod pipeline;
pub mod settings;
pub mod shape;
mod stepper;
pub mod story;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod vocabulary;
pub mod weights;

use tandem_attention::CircuitError;
use tandem_core::DesignError;
use tandem_core::check::SettingError;
use thiserror::Error;

use tandem_learning::archive::ArchiveError;

pub use codesign::{Codesign, CodesignSettings};
pub use corpus::Corpus;
pub use model::Gpt;
pub use pipeline::{Pipeline, Record, Stage};
pub use settings::Settings;
pub use shape::Shape;
pub use vocabulary::Vocabulary;

/// What can be wrong with a language model or its data.
#[derive(Debug, Error)]
pub enum LanguageError {
    /// Asked to stop in the middle of something that is to be done again.
    #[error("stopped")]
    Stopped,
    /// A setting out of range.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The text cannot be used.
    #[error("text: {0}")]
    Text(String),
    /// The files of a byte-pair encoding do not fit.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// The circuit cannot be built.
    #[error("circuit.{0}")]
    Circuit(#[from] CircuitError),
    /// A circuit outside the design space.
    #[error("circuit: {0}")]
    Design(#[from] DesignError),
    /// A file of weights does not fit.
    #[error("weights: {0}")]
    Weights(String),
    /// A number that is not finite.
    #[error("{what} is not finite in stage {stage}, iteration {iteration}; a smaller training.rate may help")]
    NotFinite {
        /// Which number.
        what: &'static str,
        /// Name of the stage.
        stage: &'static str,
        /// Iteration of the stage.
        iteration: u64,
    },
    /// libtorch refuses.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
    /// A checkpoint does not fit.
    #[error("checkpoint: {0}")]
    Archive(#[from] ArchiveError),
}
