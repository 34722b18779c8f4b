//! A new run that begins with the policy and the design of another one (`tandem train --from RUN`).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tandem_learning::archive::Archive;

use crate::error::Error;
use crate::experiment::Experiment;
use crate::record::Evaluation;
use crate::registry::{self, BundledFile};
use crate::run_folder::RunFolder;
use crate::trainer::Trainer;

/// The copy of the other run's best pair in the new run's folder.
const FILE: &str = "from/best.safetensors";

/// Where a run's policy and design come from; kept in its `meta.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// Folder of the other run, as it was named.
    pub run: PathBuf,
    /// Iteration after which the pair was kept there.
    pub iteration: u64,
    /// Environment steps that had gone into it.
    pub env_steps: u64,
}

/// The best judged pair of another run.
pub struct Fork {
    /// Where it comes from.
    pub origin: Origin,
    bytes: Vec<u8>,
}

impl Fork {
    /// The best pair of the run in this folder.
    ///
    /// # Errors
    /// A folder that is none of a run, or in which nothing has been judged yet.
    pub fn of(path: &Path) -> Result<Self, Error> {
        let folder = RunFolder::view(path)?;
        let bytes = folder.best()?.ok_or_else(|| {
            let text = "has not been judged yet, so there is no pair to begin from";
            Error::Input(format!("{}: {text}", path.display()))
        })?;
        let kept: Evaluation = Archive::from_bytes(&bytes)?.get_json("best.evaluation")?;
        let origin = Origin {
            run: path.to_owned(),
            iteration: kept.iteration,
            env_steps: kept.env_steps,
        };
        Ok(Self { origin, bytes })
    }

    /// The pair that this run began from, where it is a fork.
    ///
    /// # Errors
    /// A copy that is missing or damaged.
    pub fn stored(folder: &RunFolder) -> Result<Option<Self>, Error> {
        let Some(origin) = folder.meta()?.from else {
            return Ok(None);
        };
        let bytes = folder.read(FILE)?;
        Ok(Some(Self { origin, bytes }))
    }

    /// The copy for the new run's folder.
    pub(crate) fn file(&self) -> BundledFile {
        BundledFile {
            path: FILE.into(),
            bytes: self.bytes.clone(),
        }
    }

    /// A trainer at its beginning with this policy and design.
    ///
    /// # Errors
    /// A pair that belongs to another problem or another network.
    pub(crate) fn trainer(&self, experiment: &Experiment) -> Result<Trainer, Error> {
        let misfit = |what: &str| {
            let run = self.origin.run.display();
            Error::Input(format!(
                "{run}: its {what} does not fit this experiment; --from takes runs of the same problem"
            ))
        };
        let archive = Archive::from_bytes(&self.bytes)?;
        let logits = archive.get_f64("best.logits")?;
        let space = registry::problem(experiment)?.problem.hardware().space().clone();
        if logits.len() != space.parameters.len() {
            return Err(misfit("design"));
        }
        Trainer::forked(experiment, &archive, logits).map_err(|error| match error {
            Error::Archive(error) => misfit(&format!("policy ({error})")),
            other => other,
        })
    }
}
