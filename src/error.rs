//! The application's errors and their exit codes.

use std::process::ExitCode;

use tandem_accelerator::InputError;
use tandem_accelerator::SimulationError;
use tandem_accelerator::network::NetworkError;
use tandem_accelerator::scalesim::LayerError;
use tandem_core::check::SettingError;
use tandem_core::{DesignError, ProblemError};
use tandem_language::LanguageError;
use tandem_learning::archive::ArchiveError;
use tandem_learning::design::MethodError;
use tandem_learning::ppo::PpoError;
use tandem_learning::rollout::{CollectError, VecEnvError};
use thiserror::Error;

use crate::metrics::MetricsError;
use crate::output::{OutputError, note, program};
use crate::render::RenderError;
use crate::run_folder::RunError;
use crate::strict::ConfigError;

/// An error with everything the user needs to mend it.
#[derive(Debug, Error)]
pub enum Error {
    /// The input is wrong: exit code 2.
    #[error("{0}")]
    Input(String),
    /// The run could not go on: exit code 1.
    #[error("{0}")]
    Run(String),
    /// Stopped by a signal, with a checkpoint saved: exit code 3.
    #[error("stopped; `{program} train --resume {0}` goes on", program = program())]
    Stopped(String),
    /// Several runs stopped by a signal, each with a checkpoint saved; the text says how to go on: exit code 3.
    #[error("{0}")]
    Paused(String),
    /// Another process does this work now: exit code 4.
    #[error("{0}")]
    Busy(String),
    /// Standard output cannot be written: exit code 0 where its reader has seen enough, else 1.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A setting is refused.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A problem refuses a setting or a design.
    #[error(transparent)]
    Problem(#[from] ProblemError),
    /// A design cannot be built.
    #[error(transparent)]
    Design(#[from] DesignError),
    /// A method refuses a setting or cannot go on.
    #[error(transparent)]
    Method(#[from] MethodError),
    /// PPO met a number that is not finite.
    #[error(transparent)]
    Ppo(#[from] PpoError),
    /// A roll-out met a number that is not finite.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The experiment is not right.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file of a network, an accelerator or reference data is not right.
    #[error(transparent)]
    File(#[from] InputError),
    /// A layer is too large to be simulated.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// A network cannot be had.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A network cannot be simulated on a platform.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// The run folder cannot be used.
    #[error(transparent)]
    Folder(#[from] RunError),
    /// The metrics cannot be read or written.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// A language model, its text or its circuit is not right.
    #[error(transparent)]
    Language(#[from] LanguageError),
    /// A picture cannot be drawn.
    #[error("picture: {0}")]
    Render(#[from] RenderError),
    /// A stored environment does not fit.
    #[error("checkpoint: {0}")]
    VecEnv(#[from] VecEnvError),
    /// A checkpoint does not fit.
    #[error("checkpoint: {0}")]
    Archive(#[from] ArchiveError),
}

impl Error {
    /// The exit code: 1 the run failed, 2 bad usage or bad input, 3 stopped with a checkpoint saved, 4 another process
    /// is at it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Input(_) | Self::Setting(_) | Self::Problem(_) | Self::Design(_) | Self::Config(_) => 2,
            Self::Language(
                LanguageError::Stopped
                | LanguageError::NotFinite { .. }
                | LanguageError::Torch(_)
                | LanguageError::Archive(_),
            ) => 1,
            Self::Language(_) => 2,
            Self::File(_) | Self::Layer(_) | Self::Network(_) | Self::Simulation(_) => 2,
            Self::Method(MethodError::NotFinite { .. } | MethodError::Stopped) => 1,
            Self::Method(_) => 2,
            Self::Folder(RunError::Taken(_) | RunError::Absent(_) | RunError::Foreign(_) | RunError::Format { .. }) => {
                2
            }
            Self::Folder(_) => 1,
            Self::Run(_) | Self::Ppo(_) | Self::Collect(_) | Self::Archive(_) => 1,
            Self::Metrics(_) | Self::Render(_) | Self::VecEnv(_) => 1,
            Self::Stopped(_) | Self::Paused(_) => 3,
            Self::Busy(_) => 4,
            Self::Output(error) => u8::from(!error.is_closed_pipe()),
        }
    }

    /// Says on standard error what went wrong; the exit code to end with.
    pub fn report(&self) -> ExitCode {
        let code = self.exit_code();
        if code != 0 {
            note!("{}: {self}", program());
        }
        ExitCode::from(code)
    }
}
