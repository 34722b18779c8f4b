//! The frozen policy of roll-outs and evaluation.

use std::sync::Arc;

use tandem_core::Stream;
use tandem_core::design::DesignSpace;

use crate::head::{HALF_LN_TAU, Head};
use crate::kernel::{Kernel, Scratch};
use crate::normaliser::Normaliser;

#[derive(Debug)]
pub(crate) struct Frozen {
    pub normaliser: Normaliser,
    pub actor: Kernel,
    pub critic: Kernel,
    pub log_std: Vec<f32>,
    pub kind: Head,
    /// How many of the last inputs are the design's.
    pub designs: usize,
}

/// A frozen [`crate::policy::Policy`]: `Send + Sync`, cheap to clone, free of libtorch.
#[derive(Clone, Debug)]
pub struct PolicySnapshot(Arc<Frozen>);

impl PolicySnapshot {
    pub(crate) fn new(frozen: Frozen) -> Self {
        Self(Arc::new(frozen))
    }

    /// Length of an observation.
    pub fn observation_len(&self) -> usize {
        self.input_len() - self.0.designs
    }

    /// Length of an input: an observation and, where the policy sees it, the design
    /// ([`DesignSpace::normalise_into`](tandem_core::design::DesignSpace::normalise_into)).
    pub fn input_len(&self) -> usize {
        self.0.actor.inputs()
    }

    /// The policy of one design, in its parameters' units: its only input is the observation.
    #[must_use]
    pub fn for_design(&self, space: &DesignSpace, design: &[f64]) -> Self {
        let mut normalised = vec![0.0; space.len()];
        space.normalise_into(design, &mut normalised);
        self.at(&normalised)
    }

    /// The same at a design that is normalised already; of a policy that sees no design, the policy itself.
    fn at(&self, design: &[f32]) -> Self {
        let Frozen { designs, .. } = *self.0;
        if designs == 0 {
            return self.clone();
        }
        let n = self.observation_len();
        let raw = [&vec![0.0; n], design].concat();
        let mut input = raw.clone();
        self.0.normaliser.apply(&raw, &mut input);
        Self::new(Frozen {
            normaliser: self.0.normaliser.resized(n),
            actor: self.0.actor.with_fixed(&input[n..]),
            critic: self.0.critic.with_fixed(&input[n..]),
            log_std: self.0.log_std.clone(),
            kind: self.0.kind,
            designs: 0,
        })
    }

    /// Length of a command.
    pub fn command_len(&self) -> usize {
        match self.0.kind {
            Head::Gaussian => self.0.log_std.len(),
            Head::Categorical => 1,
        }
    }

    /// The distribution of commands.
    pub fn kind(&self) -> Head {
        self.0.kind
    }

    /// The normaliser in force.
    pub fn normaliser(&self) -> &Normaliser {
        &self.0.normaliser
    }

    /// The critic's layers, as [`PolicySnapshot::actor_layers`].
    pub(crate) fn critic_layers(&self) -> Vec<(Vec<f32>, Vec<f32>)> {
        self.0.critic.layers()
    }

    /// The actor's layers, each `(weights [in][out], bias [out])`: tanh after all but the last.
    pub fn actor_layers(&self) -> Vec<(Vec<f32>, Vec<f32>)> {
        self.0.actor.layers()
    }

    /// Log standard deviations `[cmd]`; empty for [`Head::Categorical`].
    pub fn log_std(&self) -> &[f32] {
        &self.0.log_std
    }

    /// Draws a command (unclipped) at a normalised observation; returns its log-probability.
    pub fn act(
        &self,
        observation_normalised: &[f32],
        stream: &mut Stream,
        scratch: &mut Scratch,
        command: &mut [f32],
    ) -> f32 {
        match self.0.kind {
            Head::Gaussian => self.act_gaussian(observation_normalised, stream, scratch, command),
            Head::Categorical => self.with_logits(observation_normalised, scratch, |logits| {
                draw_option(logits, stream, command)
            }),
        }
    }

    fn act_gaussian(
        &self,
        observation: &[f32],
        stream: &mut Stream,
        scratch: &mut Scratch,
        command: &mut [f32],
    ) -> f32 {
        self.0.actor.forward(observation, scratch, command);
        scratch.noise.resize(command.len(), 0.0);
        stream.fill_normal(&mut scratch.noise);
        let mut log_prob = 0.0;
        for ((u, &noise), &log_std) in command.iter_mut().zip(&scratch.noise).zip(&self.0.log_std) {
            *u += noise * log_std.exp();
            let noise = f64::from(noise);
            log_prob -= 0.5 * noise * noise + f64::from(log_std) + HALF_LN_TAU;
        }
        log_prob as f32
    }

    /// The most likely command (mean, or best option) at a normalised observation.
    pub fn act_mean(&self, observation_normalised: &[f32], scratch: &mut Scratch, command: &mut [f32]) {
        match self.0.kind {
            Head::Gaussian => self.0.actor.forward(observation_normalised, scratch, command),
            Head::Categorical => self.with_logits(observation_normalised, scratch, |logits| {
                let best = (1..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best });
                command[0] = best as f32;
            }),
        }
    }

    fn with_logits<T>(&self, observation: &[f32], scratch: &mut Scratch, then: impl FnOnce(&[f32]) -> T) -> T {
        let mut logits = std::mem::take(&mut scratch.noise);
        logits.resize(self.0.actor.outputs(), 0.0);
        self.0.actor.forward(observation, scratch, &mut logits);
        let result = then(&logits);
        scratch.noise = logits;
        result
    }

    /// The critic's value of a normalised observation.
    pub fn value(&self, observation_normalised: &[f32], scratch: &mut Scratch) -> f32 {
        let mut value = [0.0];
        self.0.critic.forward(observation_normalised, scratch, &mut value);
        value[0]
    }
}

/// Draws an option by its softmax probability; returns the log-probability. Logits that are not finite give
/// NaN, which the caller reports.
fn draw_option(logits: &[f32], stream: &mut Stream, command: &mut [f32]) -> f32 {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |logit: f32| f64::from(logit - highest).exp();
    let total: f64 = logits.iter().map(|&l| weight(l)).sum();
    if !total.is_finite() {
        command[0] = f32::NAN;
        return f32::NAN;
    }
    let mut left = stream.unit() * total;
    let mut option = 0;
    while option + 1 < logits.len() && left >= weight(logits[option]) {
        left -= weight(logits[option]);
        option += 1;
    }
    command[0] = option as f32;
    (f64::from(logits[option] - highest) - total.ln()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_drawn_by_their_softmax() {
        let logits = [0.0, 1.0, -1.0];
        let (mut counts, mut stream) = ([0f64; 3], Stream::new(0, "options", 0));
        let mut command = [0.0];
        for _ in 0..30_000 {
            let log_prob = draw_option(&logits, &mut stream, &mut command);
            counts[command[0] as usize] += 1.0 / 30_000.0;
            let total: f64 = logits.iter().map(|l| f64::from(*l).exp()).sum();
            let expected = f64::from(logits[command[0] as usize]).exp() / total;
            assert!((f64::from(log_prob).exp() - expected).abs() < 1e-6);
        }
        assert!(
            (counts[1] - 0.665).abs() < 0.01 && (counts[2] - 0.090).abs() < 0.01,
            "{counts:?}"
        );
        assert!(draw_option(&[f32::NAN, 0.0], &mut stream, &mut command).is_nan());
    }
}
