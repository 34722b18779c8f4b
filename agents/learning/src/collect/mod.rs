//! Collection of experience: every environment runs its whole segment on its own, all in parallel.
//!
//! There is no step at which environments wait for each other, and each draws from its own stream, so any number of
//! threads gives the same bytes.

mod slice;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rayon::prelude::*;
use tandem_core::{CommandSpace, Fidelity, Hardware, Step};

use crate::head::HALF_LN_TAU;
use crate::normaliser::Moments;
use crate::rollout::{CollectError, EffectModel, End, Episode, Motion, Rollout};
use crate::snapshot::PolicySnapshot;
use crate::vector_env::{DesignSource, SubEnv, VecEnv};
use slice::{RolloutSlice, at, split};

/// Runs every environment for `rollout.steps` steps and fills `rollout`.
///
/// Episodes go on from the last collection unless the environments were restarted or the fidelity differs; an ended
/// episode is followed by a new one with a newly drawn design. Parallel over environments in the current rayon pool.
///
/// # Errors
/// Numbers that are not finite, designs that cannot be built, a policy of other sizes.
pub fn collect(
    envs: &mut VecEnv,
    policy: &PolicySnapshot,
    design: &dyn DesignSource,
    motion: &Motion,
    rollout: &mut Rollout,
) -> Result<(), CollectError> {
    check_sizes(envs, policy)?;
    rollout.resize(envs, motion);
    let steps = rollout.steps;
    let hardware = envs.hardware().clone();
    let continuous = matches!(envs.spec().command, CommandSpace::Continuous(_));
    let terms = envs.spec().reward_terms.len();
    let context = Context {
        policy,
        design,
        motion,
        hardware: &*hardware,
        steps,
        continuous,
    };
    let slices = split(rollout);
    let results: Vec<Result<Totals, CollectError>> = envs
        .envs
        .par_iter_mut()
        .zip(slices)
        .enumerate()
        .map(|(index, (env, slice))| {
            Collector {
                index,
                env,
                slice,
                context: &context,
                model: None,
            }
            .run()
        })
        .collect();
    rollout.moments = Moments::new(policy.input_len());
    rollout.reward_terms = vec![0.0; terms];
    add_up(rollout, results)
}

/// Puts together what the environments counted, environment by environment: the order decides the last bits.
fn add_up(rollout: &mut Rollout, totals: Vec<Result<Totals, CollectError>>) -> Result<(), CollectError> {
    rollout.episodes.clear();
    rollout.hardware_queries = 0;
    let rows = rollout.rows().max(1) as f64;
    for one in totals {
        let totals = one?;
        rollout.episodes.extend(totals.episodes);
        rollout.moments.merge(&totals.moments);
        rollout.hardware_queries += totals.hardware_queries;
        let terms = rollout.reward_terms.iter_mut().zip(totals.reward_terms);
        terms.for_each(|(mean, sum)| *mean += sum / rows);
    }
    Ok(())
}

fn check_sizes(envs: &VecEnv, policy: &PolicySnapshot) -> Result<(), CollectError> {
    let spec = envs.spec();
    for (field, policy, problem) in [
        ("observation", policy.input_len(), envs.input_len()),
        ("command", policy.command_len(), spec.command.len()),
    ] {
        if policy != problem {
            return Err(CollectError::Size { field, policy, problem });
        }
    }
    Ok(())
}

/// What all environments share.
struct Context<'a> {
    policy: &'a PolicySnapshot,
    design: &'a dyn DesignSource,
    motion: &'a Motion<'a>,
    hardware: &'a dyn Hardware,
    steps: usize,
    continuous: bool,
}

/// One environment at work.
struct Collector<'a> {
    index: usize,
    env: &'a mut SubEnv,
    slice: RolloutSlice<'a>,
    context: &'a Context<'a>,
    /// The effect model at the environment's design.
    model: Option<Arc<dyn EffectModel>>,
}

impl Collector<'_> {
    fn run(mut self) -> Result<Totals, CollectError> {
        let policy = self.context.policy;
        let mut totals = Totals {
            episodes: Vec::new(),
            reward_terms: vec![0.0; self.env.buffers.terms.len()],
            moments: Moments::new(policy.input_len()),
            hardware_queries: 0,
        };
        let fidelity = self.context.motion.fidelity(self.index);
        self.take_up_design(fidelity);
        for t in 0..self.context.steps {
            if self.env.episode != Some(fidelity) {
                let begun = self.env.begin(fidelity, self.context.design, self.context.hardware);
                begun.map_err(|source| CollectError::Reset {
                    env: self.index,
                    step: t,
                    source,
                })?;
                self.take_up_design(fidelity);
            }
            self.observe(t)?;
            totals.moments.push(&self.env.buffers.observation);
            self.decide(t)?;
            self.query(t);
            let step = match fidelity {
                Fidelity::Effect => self.step_effect(t, &mut totals)?,
                Fidelity::Full => self.env.problem.full_step(&self.env.buffers.command),
            };
            self.record(t, &step, &mut totals)?;
        }
        self.slice.last_values[0] = match self.env.episode {
            Some(_) => self.value_after(self.context.steps)?,
            None => 0.0,
        };
        Ok(totals)
    }

    /// Takes up the design of the running episode: shows it to a policy that sees it, and takes the effect model there.
    fn take_up_design(&mut self, fidelity: Fidelity) {
        let design = &mut self.env.buffers.observation[self.context.policy.observation_len()..];
        let space = self.context.hardware.space();
        space.normalise_into(&self.env.values[..design.len()], design);
        if fidelity == Fidelity::Effect && self.env.episode == Some(fidelity) {
            let model = self.context.motion.model;
            self.model = model.map(|model| model.at(&self.env.logits));
        }
    }

    /// Reads the observation and normalises what the policy sees.
    fn observe(&mut self, t: usize) -> Result<(), CollectError> {
        let buffers = &mut self.env.buffers;
        let observations = self.context.policy.observation_len();
        self.env.problem.observe(&mut buffers.observation[..observations]);
        check_finite(self.index, t, "observation", &buffers.observation)?;
        let normaliser = self.context.policy.normaliser();
        normaliser.apply(&buffers.observation, &mut buffers.normalised);
        Ok(())
    }

    /// The value of the state after step `t - 1`.
    fn value_after(&mut self, t: usize) -> Result<f32, CollectError> {
        self.observe(t)?;
        let buffers = &mut self.env.buffers;
        Ok(self.context.policy.value(&buffers.normalised, &mut buffers.scratch))
    }

    /// Draws a command and records what the policy knew.
    fn decide(&mut self, t: usize) -> Result<(), CollectError> {
        let (policy, env) = (self.context.policy, &mut *self.env);
        let buffers = &mut env.buffers;
        let command = at(self.slice.commands, t, buffers.command.len());
        self.slice.log_probs[t] = policy.act(&buffers.normalised, &mut env.stream, &mut buffers.scratch, command);
        self.slice.values[t] = policy.value(&buffers.normalised, &mut buffers.scratch);
        if env.running.steps == 0 {
            env.running.start_value = self.slice.values[t];
        }
        check_finite(self.index, t, "command", command)?;
        for (clipped, &raw) in buffers.command.iter_mut().zip(&*command) {
            *clipped = if self.context.continuous {
                raw.clamp(-1.0, 1.0)
            } else {
                raw
            };
        }
        at(self.slice.observations, t, buffers.normalised.len()).copy_from_slice(&buffers.normalised);
        let logits = at(self.slice.logits, t, env.logits.len());
        logits.iter_mut().zip(&env.logits).for_each(|(to, &z)| *to = z as f32);
        Ok(())
    }

    /// Writes down what the hardware is asked by this command.
    fn query(&mut self, t: usize) {
        let b = &mut self.env.buffers;
        self.env.problem.query(&b.command, &mut b.query);
        if self.context.motion.records() {
            self.context.hardware.features(&b.query, &mut b.features);
            at(self.slice.queries, t, b.query.len()).copy_from_slice(&b.query);
            at(self.slice.features, t, b.features.len()).copy_from_slice(&b.features);
        }
    }

    /// Asks hardware or model, adds noise, moves the world under the effect.
    fn step_effect(&mut self, t: usize, totals: &mut Totals) -> Result<Step, CollectError> {
        let Context { motion, hardware, .. } = *self.context;
        let env = &mut *self.env;
        let b = &mut env.buffers;
        if let Some(model) = &self.model {
            model.predict(&b.features, &mut b.scratch, &mut b.effect);
        } else {
            hardware.respond(&env.values, &b.query, &mut b.effect);
            totals.hardware_queries += 1;
            // the hardware itself has left the numbers: a fault that ends the episode, of which nothing can be learnt
            if !b.effect.iter().all(|number| number.is_finite()) {
                self.forget(t);
                let b = &self.env.buffers;
                return Ok(self.env.problem.apply(&b.command, &b.effect));
            }
        }
        let task = b.fresh.len();
        if let Some(noise) = motion.noise {
            env.stream.fill_normal(&mut b.fresh);
            at(self.slice.effect_noise, t, task).copy_from_slice(&b.fresh);
            let deviation = noise.deviation * noise.fresh();
            let drawn = at(self.slice.effects, t, task).iter_mut();
            let drawn = drawn.zip(&mut b.effect).zip(&b.fresh);
            let states = env.noise.iter_mut().zip(hardware.effect_scale());
            let mut log_prob = 0.0;
            for (((drawn, effect), &fresh), (state, &scale)) in drawn.zip(states) {
                let left = noise.persistence * *state;
                *state = left + noise.fresh() * fresh;
                *drawn = *effect + deviation * scale * fresh;
                *effect = *drawn + noise.deviation * scale * left;
                log_prob -= 0.5 * f64::from(fresh).powi(2) + f64::from(deviation).ln() + HALF_LN_TAU;
            }
            self.slice.effect_log_probs[t] = log_prob as f32;
        } else if motion.records() {
            at(self.slice.effects, t, task).copy_from_slice(&b.effect[..task]);
        }
        check_finite(self.index, t, "effect", &b.effect)?;
        Ok(env.problem.apply(&b.command, &b.effect))
    }

    /// Leaves a step without a query and an effect: zeros, as what is learnt from must be numbers.
    fn forget(&mut self, t: usize) {
        let b = &self.env.buffers;
        if self.context.motion.records() {
            at(self.slice.queries, t, b.query.len()).fill(0.0);
            at(self.slice.features, t, b.features.len()).fill(0.0);
            at(self.slice.effects, t, b.fresh.len()).fill(0.0);
        }
        if self.context.motion.noise.is_some() {
            at(self.slice.effect_noise, t, b.fresh.len()).fill(0.0);
            self.slice.effect_log_probs[t] = 0.0;
        }
    }

    /// Records what the step gave; closes the episode when it ended.
    fn record(&mut self, t: usize, step: &Step, totals: &mut Totals) -> Result<(), CollectError> {
        check_finite(self.index, t, "reward", &[step.reward])?;
        let env = &mut *self.env;
        env.problem.reward_terms(&mut env.buffers.terms);
        let terms = totals.reward_terms.iter_mut().zip(&env.buffers.terms);
        terms.for_each(|(sum, &term)| *sum += f64::from(term));
        env.total_return += f64::from(step.reward);
        env.running.steps += 1;
        env.running.success |= step.success;
        let end = match step {
            Step { terminated: true, .. } | Step { fault: Some(_), .. } => End::Terminated,
            Step { truncated: true, .. } => End::Truncated,
            _ => End::Running,
        };
        self.slice.rewards[t] = step.reward;
        self.slice.ends[t] = end;
        self.slice.final_values[t] = 0.0;
        if end == End::Running {
            return Ok(());
        }
        totals.episodes.push(Episode {
            env: self.index,
            steps: env.running.steps,
            total_return: env.total_return,
            start_value: env.running.start_value,
            success: env.running.success,
            fault: step.fault,
            logits: env.logits.clone(),
        });
        env.episode = None;
        if end == End::Truncated {
            self.slice.final_values[t] = self.value_after(t)?;
        }
        Ok(())
    }
}

/// What an environment adds up.
struct Totals {
    episodes: Vec<Episode>,
    reward_terms: Vec<f64>,
    moments: Moments,
    hardware_queries: u64,
}

fn check_finite(env: usize, step: usize, field: &'static str, values: &[f32]) -> Result<(), CollectError> {
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(index) => Err(CollectError::NonFinite {
            env,
            step,
            field,
            index,
            value: values[index],
        }),
    }
}
