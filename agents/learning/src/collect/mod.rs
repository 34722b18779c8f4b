//! Collection of experience: every lane runs its whole segment on its own, lanes run in parallel.
//!
//! There is no step at which lanes wait for each other, and each draws from its own stream, so any number of
//! threads gives the same bytes.

mod part;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rayon::prelude::*;
use tandem_core::{CommandSpace, Fidelity, Hardware, Step};

use crate::head::HALF_LN_TAU;
use crate::normaliser::Moments;
use crate::rollout::{CollectError, EffectModel, End, Episode, Motion, Rollout};
use crate::snapshot::PolicySnapshot;
use crate::vector_env::{DesignSource, Lane, Lanes};
use part::{Part, at, split};

/// Runs every lane for `rollout.steps` steps and fills `rollout`.
///
/// Episodes go on from the last collection unless the lanes were restarted or the fidelity differs; an ended
/// episode is followed by a new one with a newly drawn design. Parallel over lanes in the current rayon pool.
///
/// # Errors
/// Numbers that are not finite, designs that cannot be built, a policy of other sizes.
pub fn collect(
    lanes: &mut Lanes,
    policy: &PolicySnapshot,
    design: &dyn DesignSource,
    motion: &Motion,
    rollout: &mut Rollout,
) -> Result<(), CollectError> {
    check_sizes(lanes, policy)?;
    rollout.resize(lanes, motion);
    let steps = rollout.steps;
    let hardware = lanes.hardware().clone();
    let continuous = matches!(lanes.spec().command, CommandSpace::Continuous(_));
    let terms = lanes.spec().reward_terms.len();
    let context = Context {
        policy,
        design,
        motion,
        hardware: &*hardware,
        steps,
        continuous,
    };
    let parts = split(rollout);
    let results: Vec<Result<Sums, CollectError>> = lanes
        .lanes
        .par_iter_mut()
        .zip(parts)
        .enumerate()
        .map(|(index, (lane, part))| {
            Runner {
                index,
                lane,
                part,
                context: &context,
                model: None,
            }
            .run()
        })
        .collect();
    rollout.moments = Moments::new(policy.observation_len());
    rollout.reward_terms = vec![0.0; terms];
    add_up(rollout, results)
}

/// Puts together what the lanes counted, lane by lane: the order decides the last bits.
fn add_up(rollout: &mut Rollout, lanes: Vec<Result<Sums, CollectError>>) -> Result<(), CollectError> {
    rollout.episodes.clear();
    rollout.hardware_queries = 0;
    let rows = rollout.rows().max(1) as f64;
    for sums in lanes {
        let sums = sums?;
        rollout.episodes.extend(sums.episodes);
        rollout.moments.merge(&sums.moments);
        rollout.hardware_queries += sums.hardware_queries;
        let terms = rollout.reward_terms.iter_mut().zip(sums.reward_terms);
        terms.for_each(|(mean, sum)| *mean += sum / rows);
    }
    Ok(())
}

fn check_sizes(lanes: &Lanes, policy: &PolicySnapshot) -> Result<(), CollectError> {
    let spec = lanes.spec();
    for (field, policy, problem) in [
        ("observation", policy.observation_len(), spec.observation.len()),
        ("command", policy.command_len(), spec.command.len()),
    ] {
        if policy != problem {
            return Err(CollectError::Size { field, policy, problem });
        }
    }
    Ok(())
}

/// What all lanes share.
struct Context<'a> {
    policy: &'a PolicySnapshot,
    design: &'a dyn DesignSource,
    motion: &'a Motion<'a>,
    hardware: &'a dyn Hardware,
    steps: usize,
    continuous: bool,
}

/// One lane at work.
struct Runner<'a> {
    index: usize,
    lane: &'a mut Lane,
    part: Part<'a>,
    context: &'a Context<'a>,
    /// The effect model at the lane's design.
    model: Option<Arc<dyn EffectModel>>,
}

impl Runner<'_> {
    fn run(mut self) -> Result<Sums, CollectError> {
        let policy = self.context.policy;
        let mut sums = Sums {
            episodes: Vec::new(),
            reward_terms: vec![0.0; self.lane.buffers.terms.len()],
            moments: Moments::new(policy.observation_len()),
            hardware_queries: 0,
        };
        let fidelity = self.context.motion.fidelity(self.index);
        self.suit_model(fidelity);
        for t in 0..self.context.steps {
            if self.lane.episode != Some(fidelity) {
                let begun = self.lane.begin(fidelity, self.context.design, self.context.hardware);
                begun.map_err(|source| CollectError::Reset {
                    lane: self.index,
                    step: t,
                    source,
                })?;
                self.suit_model(fidelity);
            }
            self.look(t)?;
            sums.moments.push(&self.lane.buffers.observation);
            self.decide(t)?;
            self.ask(t);
            let step = match fidelity {
                Fidelity::Effect => self.step_effect(t, &mut sums)?,
                Fidelity::Full => self.lane.problem.full_step(&self.lane.buffers.command),
            };
            self.book(t, &step, &mut sums)?;
        }
        self.part.last_values[0] = match self.lane.episode {
            Some(_) => self.look_ahead(self.context.steps)?,
            None => 0.0,
        };
        Ok(sums)
    }

    /// Takes the effect model at the design of the running episode.
    fn suit_model(&mut self, fidelity: Fidelity) {
        if fidelity == Fidelity::Effect && self.lane.episode == Some(fidelity) {
            let model = self.context.motion.model;
            self.model = model.map(|model| model.at(&self.lane.logits));
        }
    }

    /// Reads the observation, raw and normalised.
    fn look(&mut self, t: usize) -> Result<(), CollectError> {
        let buffers = &mut self.lane.buffers;
        self.lane.problem.observe(&mut buffers.observation);
        check_finite(self.index, t, "observation", &buffers.observation)?;
        let normaliser = self.context.policy.normaliser();
        normaliser.apply(&buffers.observation, &mut buffers.normalised);
        Ok(())
    }

    /// The value of the state after step `t - 1`.
    fn look_ahead(&mut self, t: usize) -> Result<f32, CollectError> {
        self.look(t)?;
        let buffers = &mut self.lane.buffers;
        Ok(self.context.policy.value(&buffers.normalised, &mut buffers.scratch))
    }

    /// Draws a command and records what the policy knew.
    fn decide(&mut self, t: usize) -> Result<(), CollectError> {
        let (policy, lane) = (self.context.policy, &mut *self.lane);
        let buffers = &mut lane.buffers;
        let command = at(self.part.commands, t, buffers.command.len());
        self.part.log_probs[t] = policy.act(&buffers.normalised, &mut lane.stream, &mut buffers.scratch, command);
        self.part.values[t] = policy.value(&buffers.normalised, &mut buffers.scratch);
        if lane.running.steps == 0 {
            lane.running.start_value = self.part.values[t];
        }
        check_finite(self.index, t, "command", command)?;
        for (clipped, &raw) in buffers.command.iter_mut().zip(&*command) {
            *clipped = if self.context.continuous {
                raw.clamp(-1.0, 1.0)
            } else {
                raw
            };
        }
        at(self.part.observations, t, buffers.normalised.len()).copy_from_slice(&buffers.normalised);
        let logits = at(self.part.logits, t, lane.logits.len());
        logits.iter_mut().zip(&lane.logits).for_each(|(to, &z)| *to = z as f32);
        Ok(())
    }

    /// Writes down what the hardware is asked by this command.
    fn ask(&mut self, t: usize) {
        let b = &mut self.lane.buffers;
        self.lane.problem.query(&b.command, &mut b.query);
        if self.context.motion.records() {
            self.context.hardware.features(&b.query, &mut b.features);
            at(self.part.queries, t, b.query.len()).copy_from_slice(&b.query);
            at(self.part.features, t, b.features.len()).copy_from_slice(&b.features);
        }
    }

    /// Asks hardware or model, adds noise, moves the world under the effect.
    fn step_effect(&mut self, t: usize, sums: &mut Sums) -> Result<Step, CollectError> {
        let Context { motion, hardware, .. } = *self.context;
        let lane = &mut *self.lane;
        let b = &mut lane.buffers;
        if let Some(model) = &self.model {
            model.predict(&b.features, &mut b.scratch, &mut b.effect);
        } else {
            hardware.respond(&lane.values, &b.query, &mut b.effect);
            sums.hardware_queries += 1;
        }
        let task = b.fresh.len();
        if let Some(noise) = motion.noise {
            lane.stream.fill_normal(&mut b.fresh);
            at(self.part.effect_noise, t, task).copy_from_slice(&b.fresh);
            let deviation = noise.deviation * noise.fresh();
            let drawn = at(self.part.effects, t, task).iter_mut();
            let drawn = drawn.zip(&mut b.effect).zip(&b.fresh);
            let states = lane.noise.iter_mut().zip(hardware.effect_scale());
            let mut log_prob = 0.0;
            for (((drawn, effect), &fresh), (state, &scale)) in drawn.zip(states) {
                let left = noise.persistence * *state;
                *state = left + noise.fresh() * fresh;
                *drawn = *effect + deviation * scale * fresh;
                *effect = *drawn + noise.deviation * scale * left;
                log_prob -= 0.5 * f64::from(fresh).powi(2) + f64::from(deviation).ln() + HALF_LN_TAU;
            }
            self.part.effect_log_probs[t] = log_prob as f32;
        } else if motion.records() {
            at(self.part.effects, t, task).copy_from_slice(&b.effect[..task]);
        }
        check_finite(self.index, t, "effect", &b.effect)?;
        Ok(lane.problem.apply(&b.command, &b.effect))
    }

    /// Records what the step gave; closes the episode when it ended.
    fn book(&mut self, t: usize, step: &Step, sums: &mut Sums) -> Result<(), CollectError> {
        check_finite(self.index, t, "reward", &[step.reward])?;
        let lane = &mut *self.lane;
        lane.problem.reward_terms(&mut lane.buffers.terms);
        let terms = sums.reward_terms.iter_mut().zip(&lane.buffers.terms);
        terms.for_each(|(sum, &term)| *sum += f64::from(term));
        lane.total_return += f64::from(step.reward);
        lane.running.steps += 1;
        lane.running.success |= step.success;
        let end = match step {
            Step { terminated: true, .. } | Step { fault: Some(_), .. } => End::Terminated,
            Step { truncated: true, .. } => End::Truncated,
            _ => End::Running,
        };
        self.part.rewards[t] = step.reward;
        self.part.ends[t] = end;
        self.part.final_values[t] = 0.0;
        if end == End::Running {
            return Ok(());
        }
        sums.episodes.push(Episode {
            lane: self.index,
            steps: lane.running.steps,
            total_return: lane.total_return,
            start_value: lane.running.start_value,
            success: lane.running.success,
            fault: step.fault,
            logits: lane.logits.clone(),
        });
        lane.episode = None;
        if end == End::Truncated {
            self.part.final_values[t] = self.look_ahead(t)?;
        }
        Ok(())
    }
}

/// What a lane adds up.
struct Sums {
    episodes: Vec<Episode>,
    reward_terms: Vec<f64>,
    moments: Moments,
    hardware_queries: u64,
}

fn check_finite(lane: usize, step: usize, field: &'static str, values: &[f32]) -> Result<(), CollectError> {
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(index) => Err(CollectError::NonFinite {
            lane,
            step,
            field,
            index,
            value: values[index],
        }),
    }
}
