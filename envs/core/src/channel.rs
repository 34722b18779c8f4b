//! Names and units of numbers.

use serde::{Deserialize, Serialize};

/// One number of an observation, command, query or effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Name, e.g. `joint_2_angle`.
    pub name: String,
    /// Unit, e.g. `rad`; `1` when it has none.
    pub unit: String,
}

impl Channel {
    /// A channel with this name and unit.
    pub fn new(name: impl Into<String>, unit: &str) -> Self {
        Self {
            name: name.into(),
            unit: unit.into(),
        }
    }

    /// Channels with these names and units.
    pub fn list(channels: &[(&str, &str)]) -> Vec<Self> {
        let channel = |(name, unit): &(&str, &str)| Self::new(*name, unit);
        channels.iter().map(channel).collect()
    }
}

/// What a policy may command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CommandSpace {
    /// Real numbers; the policy's samples are clipped to [-1, 1] before the problem sees them.
    Continuous(Vec<Channel>),
    /// One of `n` options; the command is one number, the option's index.
    Discrete(usize),
}

impl CommandSpace {
    /// Length of the command slice.
    pub fn len(&self) -> usize {
        match self {
            Self::Continuous(channels) => channels.len(),
            Self::Discrete(_) => 1,
        }
    }

    /// Whether there is nothing to command.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
