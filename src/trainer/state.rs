//! The trainer's state on its way to a checkpoint and back.

use tandem_learning::archive::{Archive, ArchiveError};

use super::Trainer;
use crate::error::Error;
use crate::record::Evaluation;

impl Trainer {
    /// Everything that is needed to continue exactly.
    ///
    /// # Errors
    /// State that cannot be written.
    pub fn save(&self) -> Result<Archive, Error> {
        let mut archive = Archive::default();
        self.agent.save(&mut archive);
        self.envs.save(&mut archive, "lanes");
        self.method.save(&mut archive);
        archive.put_json("timeline", &self.timeline);
        archive.put_json("counters", &self.counters);
        if let Some(logits) = &self.frozen {
            archive.put_f64("frozen", logits);
        }
        archive.put_json("shelf", &self.stored_policies.keys().collect::<Vec<_>>());
        for (id, policy) in &self.stored_policies {
            archive.put_bytes(&format!("shelf.{id}"), &policy.to_bytes()?);
        }
        archive.put_json("best", &self.best.as_ref().map(|(evaluation, _)| evaluation));
        if let Some((_, pair)) = &self.best {
            archive.put_bytes("best.pair", &pair.to_bytes()?);
        }
        Ok(archive)
    }

    /// Continues a saved run.
    ///
    /// # Errors
    /// Entries that are missing or do not fit this experiment.
    pub fn load(&mut self, archive: &Archive) -> Result<(), Error> {
        self.agent.load(archive)?;
        self.envs.load(archive, "lanes")?;
        self.method.load(archive)?;
        self.timeline = archive.get_json("timeline")?;
        self.counters = archive.get_json("counters")?;
        self.frozen = match archive.contains("frozen") {
            true => Some(archive.get_f64("frozen")?),
            false => None,
        };
        let ids: Vec<usize> = archive.get_json("shelf")?;
        let stored = |name: &str| -> Result<Archive, ArchiveError> { Archive::from_bytes(archive.get_bytes(name)?) };
        self.stored_policies = ids
            .into_iter()
            .map(|id| Ok((id, stored(&format!("shelf.{id}"))?)))
            .collect::<Result<_, ArchiveError>>()?;
        let best: Option<Evaluation> = archive.get_json("best")?;
        self.best = match best {
            Some(evaluation) => Some((evaluation, stored("best.pair")?)),
            None => None,
        };
        Ok(())
    }
}
