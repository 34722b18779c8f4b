//! A hardware model's inputs (queries) and outputs (effects): names, units, bounds and scales; and a model defined by
//! a function.

use crate::channel::{Channel, CommandSpace};
use crate::design::DesignSpace;

/// A model of the hardware: what a command does to the world. Pure, and cheap enough to be asked in bulk.
pub trait Hardware: Send + Sync {
    /// The design parameters.
    fn space(&self) -> &DesignSpace;

    /// What it is asked and answers: names, units, bounds, scales.
    fn spec(&self) -> &HardwareSpec;

    /// The query's numbers: the part of state and command that the hardware sees.
    fn query_channels(&self) -> &[Channel] {
        &self.spec().query
    }

    /// Bounds of each query number, `(low, high)`: where uniform samples are drawn.
    fn query_bounds(&self) -> &[(f32, f32)] {
        &self.spec().bounds
    }

    /// The effect's numbers. The first [`Hardware::task_effects`] of them are what the task sees.
    fn effect_channels(&self) -> &[Channel] {
        &self.spec().effect
    }

    /// How many leading effects are *task* effects: exploration noise and likelihood live on these only.
    fn task_effects(&self) -> usize {
        self.spec().task
    }

    /// Characteristic size of each effect, in its unit: errors and noise are measured in it.
    fn effect_scale(&self) -> &[f32] {
        &self.spec().scale
    }

    /// Length of the feature vector that networks get instead of the raw query.
    fn feature_len(&self) -> usize {
        self.query_channels().len()
    }

    /// Writes the features of a query (e.g. sines and cosines of angles), `out` of
    /// [`Hardware::feature_len`]. They must not depend on the design.
    fn features(&self, query: &[f32], out: &mut [f32]) {
        out.copy_from_slice(query);
    }

    /// Whether an answer is a simulation and another design a machine to be built: learners then ask less, and more about
    /// each design.
    fn is_costly(&self) -> bool {
        false
    }

    /// The true effect of a query under a design (values in the parameters' units).
    fn respond(&self, design: &[f64], query: &[f32], effect: &mut [f32]);
}

/// One input of the hardware.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Name and unit.
    pub channel: Channel,
    /// Where uniform samples are drawn, in its unit.
    pub bounds: [f32; 2],
}

impl Query {
    /// A number with this name, unit and these bounds.
    pub fn new(name: impl Into<String>, unit: &str, bounds: [f32; 2]) -> Self {
        Self {
            channel: Channel::new(name, unit),
            bounds,
        }
    }
}

/// One output of the hardware.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Name and unit.
    pub channel: Channel,
    /// Characteristic size, in its unit: errors and noise are measured in it.
    pub scale: f32,
    /// Whether the task sees it: exploration noise and likelihood live on these only.
    pub task: bool,
}

impl Effect {
    /// An effect that the task sees.
    pub fn task(name: impl Into<String>, unit: &str, scale: f32) -> Self {
        Self {
            channel: Channel::new(name, unit),
            scale,
            task: true,
        }
    }

    /// An effect that only the world's motion needs.
    pub fn state(name: impl Into<String>, unit: &str, scale: f32) -> Self {
        Self {
            task: false,
            ..Self::task(name, unit, scale)
        }
    }
}

/// Queries and effects of a hardware model.
#[derive(Clone, Debug, PartialEq)]
pub struct HardwareSpec {
    pub(crate) query: Vec<Channel>,
    pub(crate) bounds: Vec<(f32, f32)>,
    pub(crate) effect: Vec<Channel>,
    pub(crate) scale: Vec<f32>,
    pub(crate) task: usize,
}

impl HardwareSpec {
    /// A model that is asked and answers these, in this order; effects that the task sees come first, wherever they
    /// stand in the list.
    pub fn new(queries: Vec<Query>, mut effects: Vec<Effect>) -> Self {
        effects.sort_by_key(|effect| !effect.task); // stable
        Self {
            bounds: queries.iter().map(|q| q.bounds.into()).collect(),
            query: queries.into_iter().map(|q| q.channel).collect(),
            scale: effects.iter().map(|e| e.scale).collect(),
            task: effects.iter().filter(|e| e.task).count(),
            effect: effects.into_iter().map(|e| e.channel).collect(),
        }
    }

    /// Numbers of a query.
    pub fn query_len(&self) -> usize {
        self.query.len()
    }

    /// Numbers of an effect.
    pub fn effect_len(&self) -> usize {
        self.effect.len()
    }

    /// The same from lists: queries with their bounds, effects with their scales, of which the first `task` are what
    /// the task sees.
    pub fn from_lists(
        (query, bounds): (Vec<Channel>, Vec<(f32, f32)>),
        (effect, scale): (Vec<Channel>, Vec<f32>),
        task: usize,
    ) -> Self {
        Self {
            query,
            bounds,
            effect,
            scale,
            task,
        }
    }
}

/// Hardware without a design: the effect is the command. For problems where only the policy is learnt.
#[derive(Debug)]
pub struct IdentityHardware {
    space: DesignSpace,
    spec: HardwareSpec,
}

impl IdentityHardware {
    /// Hardware that passes on this command.
    pub fn new(command: &CommandSpace) -> Self {
        let (channels, bound) = match command {
            CommandSpace::Continuous(channels) => (channels.clone(), (-1.0, 1.0)),
            CommandSpace::Discrete(n) => (vec![Channel::new("option", "1")], (0.0, n.saturating_sub(1) as f32)),
        };
        let n = channels.len();
        Self {
            space: DesignSpace::default(),
            spec: HardwareSpec::from_lists((channels.clone(), vec![bound; n]), (channels, vec![1.0; n]), n),
        }
    }
}

impl Hardware for IdentityHardware {
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn spec(&self) -> &HardwareSpec {
        &self.spec
    }
    fn respond(&self, _design: &[f64], query: &[f32], effect: &mut [f32]) {
        effect.copy_from_slice(query);
    }
}

/// A hardware model given by a function of design, query and effect.
pub struct Formula<F> {
    space: DesignSpace,
    spec: HardwareSpec,
    respond: F,
}

impl<F> Formula<F>
where
    F: Fn(&[f64], &[f32], &mut [f32]) + Send + Sync,
{
    /// The model that answers a query under a design (values in the parameters' units) by `respond`, which fills
    /// the effect.
    pub fn new(space: DesignSpace, spec: HardwareSpec, respond: F) -> Self {
        Self { space, spec, respond }
    }
}

impl<F> Hardware for Formula<F>
where
    F: Fn(&[f64], &[f32], &mut [f32]) + Send + Sync,
{
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn spec(&self) -> &HardwareSpec {
        &self.spec
    }
    fn respond(&self, design: &[f64], query: &[f32], effect: &mut [f32]) {
        (self.respond)(design, query, effect);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_that_the_task_sees_come_first() {
        let effects = vec![Effect::state("angle", "rad", 1.0), Effect::task("tip", "m", 0.1)];
        let spec = HardwareSpec::new(vec![Query::new("a", "1", [0.0, 2.0])], effects);
        assert_eq!((spec.effect[0].name.as_str(), spec.task), ("tip", 1));
        assert_eq!((&spec.scale[..], spec.bounds[0]), (&[0.1, 1.0][..], (0.0, 2.0)));
    }
}
