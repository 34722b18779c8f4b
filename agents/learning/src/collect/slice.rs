//! A roll-out's arrays in shares, one for each environment, so that environments write side by side.

use crate::rollout::{End, Rollout};

/// Each environment's share of the arrays.
pub(super) fn split(rollout: &mut Rollout) -> Vec<RolloutSlice<'_>> {
    let n = rollout.envs;
    let mut observations = shares(&mut rollout.observations, n);
    let mut commands = shares(&mut rollout.commands, n);
    let mut log_probs = shares(&mut rollout.log_probs, n);
    let mut values = shares(&mut rollout.values, n);
    let mut rewards = shares(&mut rollout.rewards, n);
    let mut ends = shares(&mut rollout.ends, n);
    let mut final_values = shares(&mut rollout.final_values, n);
    let mut last_values = shares(&mut rollout.last_values, n);
    let mut queries = shares(&mut rollout.queries, n);
    let mut features = shares(&mut rollout.features, n);
    let mut effects = shares(&mut rollout.effects, n);
    let mut effect_noise = shares(&mut rollout.effect_noise, n);
    let mut effect_log_probs = shares(&mut rollout.effect_log_probs, n);
    let mut logits = shares(&mut rollout.logits, n);
    (0..n)
        .map(|_| RolloutSlice {
            observations: observations(),
            commands: commands(),
            log_probs: log_probs(),
            values: values(),
            rewards: rewards(),
            ends: ends(),
            final_values: final_values(),
            last_values: last_values(),
            queries: queries(),
            features: features(),
            effects: effects(),
            effect_noise: effect_noise(),
            effect_log_probs: effect_log_probs(),
            logits: logits(),
        })
        .collect()
}

/// Hands out the `n` equal shares of an array one after the other.
fn shares<'a, T>(array: &'a mut [T], n: usize) -> impl FnMut() -> &'a mut [T] {
    let len = array.len() / n.max(1);
    let mut rest = array;
    move || {
        let (share, tail) = std::mem::take(&mut rest).split_at_mut(len);
        rest = tail;
        share
    }
}

/// One environment's share of a [`Rollout`].
pub(super) struct RolloutSlice<'a> {
    pub observations: &'a mut [f32],
    pub commands: &'a mut [f32],
    pub log_probs: &'a mut [f32],
    pub values: &'a mut [f32],
    pub rewards: &'a mut [f32],
    pub ends: &'a mut [End],
    pub final_values: &'a mut [f32],
    pub last_values: &'a mut [f32],
    pub queries: &'a mut [f32],
    pub features: &'a mut [f32],
    pub effects: &'a mut [f32],
    pub effect_noise: &'a mut [f32],
    pub effect_log_probs: &'a mut [f32],
    pub logits: &'a mut [f32],
}

/// Row `t` of an array with rows of `width` numbers.
pub(super) fn at(array: &mut [f32], t: usize, width: usize) -> &mut [f32] {
    &mut array[t * width..(t + 1) * width]
}
