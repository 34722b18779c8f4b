//! `fixed`: the design does not move; only the policy learns. With the start design it is a lower reference for other
//! methods, with a good one an upper one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Constant, DesignOptimizer, MethodError, MethodSettings, SettingError, Setup, read};
use crate::archive::{Archive, ArchiveError};
use crate::rollout::DesignSource;

/// Settings of [`Fixed`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FixedSettings {
    /// The design, in the parameters' units; the start design when absent.
    pub design: Option<Vec<f64>>,
}

impl MethodSettings for FixedSettings {}

/// A design that stays as it is.
pub struct Fixed {
    logits: Vec<f64>,
}

impl Fixed {
    /// The method from an experiment.
    ///
    /// # Errors
    /// A design that cannot be built.
    pub fn new(setup: &Setup) -> Result<Self, MethodError> {
        let settings: FixedSettings = read(setup.settings)?;
        let Some(design) = settings.design else {
            return Ok(Self {
                logits: setup.start.clone(),
            });
        };
        let space = setup.hardware.space();
        space
            .check(&design)
            .map_err(|error| SettingError::new("design", error.to_string()))?;
        Ok(Self {
            logits: space.logits(&design),
        })
    }
}

impl DesignOptimizer for Fixed {
    fn design(&self) -> Vec<f64> {
        self.logits.clone()
    }

    fn source(&self) -> Box<dyn DesignSource> {
        Box::new(Constant(self.logits.clone()))
    }

    fn save(&self, archive: &mut Archive) {
        archive.put_f64("design.logits", &self.logits);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        self.logits = archive.get_f64_len("design.logits", self.logits.len())?;
        Ok(())
    }
}
