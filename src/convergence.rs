//! Whether a physical machine has converged at its step: the same commands from the same starts, at the shipped step and at
//! finer ones, and in an independent engine where a problem has one.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tandem_core::{Channel, CommandSpace, Fidelity, Problem, ProblemError, Step, Stream};
use tandem_learning::policy::PolicySnapshot;

use crate::judge::{Actions, Player, Starts, World};
use crate::statistics::median;

/// Ranges below this count as this, in the observation's units.
const LEAST_RANGE: f32 = 1e-3;
/// Memory and size of random commands: `u <- 0.9 u + 0.2 n` with `n` standard normal, cut to [-1, 1]; a standard deviation of
/// 0.46, and about half a second of memory in the slowest problem.
const MEMORY: f32 = 0.9;
const FRESH: f32 = 0.2;

/// An episode as the machine went through it.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// Number of the episode's start.
    start: u64,
    /// Commands, `[T, command]`.
    commands: Vec<f32>,
    /// Observations after each step, `[T, observation]`.
    observations: Vec<f32>,
    /// Rewards, `[T]`.
    rewards: Vec<f32>,
}

/// Episodes of one machine on one design.
#[derive(Clone, Debug)]
pub struct Tracks<'a> {
    design: &'a [f64],
    starts: Starts,
    tracks: Vec<Track>,
}

/// How far a machine deviates from another under the same commands, medians over episodes: where links touch walls or hands
/// objects, single episodes part for good over the least difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deviation {
    /// Largest deviation of an observation within an episode, in units of the widest range of a channel of its unit.
    pub trajectory: f64,
    /// The same, the worst episode.
    pub worst: f64,
    /// The channel that deviated most.
    pub channel: String,
    /// Relative deviation of the return.
    #[serde(rename = "return")]
    pub total_return: f64,
}

impl Track {
    fn new(start: u64) -> Self {
        Self {
            start,
            ..Self::default()
        }
    }

    /// Notes a step that has been taken; one that the machine had to give up is none.
    fn note(&mut self, problem: &dyn Problem, step: &Step) {
        if step.fault.is_none() {
            let (had, more) = (self.observations.len(), problem.spec().observation.len());
            self.observations.resize(had + more, 0.0);
            problem.observe(&mut self.observations[had..]);
            self.rewards.push(step.reward);
        }
    }

    fn total_return(&self, steps: usize) -> f64 {
        self.rewards[..steps].iter().copied().map(f64::from).sum()
    }
}

/// Episodes under smooth random commands, with the machine as it is shipped.
///
/// # Errors
/// A design that cannot be built.
pub fn random<'a>(problem: &dyn Problem, design: &'a [f64], starts: Starts) -> Result<Tracks<'a>, ProblemError> {
    let (width, horizon) = (problem.spec().command.len(), problem.spec().horizon);
    record(problem, design, starts, |own, start| {
        let mut stream = Stream::new(starts.seed, "convergence-commands", start);
        let mut command = vec![0.0; width];
        let mut commands = Vec::new();
        for _ in 0..horizon {
            for u in &mut command {
                *u = (MEMORY * *u + FRESH * stream.normal() as f32).clamp(-1.0, 1.0);
            }
            commands.extend_from_slice(&command);
        }
        replay(own, design, starts, start, commands)
    })
}

/// Episodes under the mean actions of a policy, with the machine as it is shipped.
///
/// # Errors
/// A design that cannot be built.
pub fn of_policy<'a>(
    problem: &dyn Problem,
    policy: &PolicySnapshot,
    design: &'a [f64],
    starts: Starts,
) -> Result<Tracks<'a>, ProblemError> {
    record(problem, design, starts, |own, start| {
        let world = World::Full;
        let mut player = Player::new(own, policy, design, Actions::Mean, &world);
        player.reset(starts, start)?;
        let mut track = Track::new(start);
        loop {
            let step = player.step();
            track.commands.extend_from_slice(player.clipped_command());
            track.note(player.problem(), &step);
            if step.ended() {
                return Ok(track);
            }
        }
    })
}

fn record<'a>(
    problem: &dyn Problem,
    design: &'a [f64],
    starts: Starts,
    play: impl Fn(&mut dyn Problem, u64) -> Result<Track, ProblemError> + Sync,
) -> Result<Tracks<'a>, ProblemError> {
    let own: Vec<Box<dyn Problem>> = (0..starts.episodes).map(|_| problem.fresh()).collect();
    let episodes = own.into_par_iter().enumerate();
    let tracks: Result<Vec<Track>, ProblemError> = episodes
        .map(|(start, mut own)| play(own.as_mut(), start as u64))
        .collect();
    Ok(Tracks {
        design,
        starts,
        tracks: tracks?,
    })
}

/// Plays commands, `[T, command]`, in the complete machine, to the end of the episode at most.
fn replay(
    own: &mut dyn Problem,
    design: &[f64],
    starts: Starts,
    start: u64,
    commands: Vec<f32>,
) -> Result<Track, ProblemError> {
    own.reset(
        design,
        Fidelity::Full,
        &mut Stream::new(starts.seed, starts.name, start),
    )?;
    let mut track = Track::new(start);
    for command in commands.chunks_exact(own.spec().command.len().max(1)) {
        let step = own.full_step(command);
        track.note(own, &step);
        if step.ended() {
            break;
        }
    }
    track.commands = commands;
    Ok(track)
}

impl Tracks<'_> {
    /// How far these episodes deviate from those of another machine under the same commands, over the steps that both have.
    ///
    /// # Errors
    /// A design that cannot be built.
    pub fn against(&self, other: &dyn Problem) -> Result<Deviation, ProblemError> {
        let fresh: Vec<Box<dyn Problem>> = self.tracks.iter().map(|_| other.fresh()).collect();
        let replayed = |(mut own, track): (Box<dyn Problem>, &Track)| {
            replay(
                own.as_mut(),
                self.design,
                self.starts,
                track.start,
                track.commands.clone(),
            )
        };
        let others = fresh.into_par_iter().zip(&self.tracks).map(replayed);
        let others: Result<Vec<Track>, ProblemError> = others.collect();
        let others = others?;
        let channels = &other.spec().observation;
        let ranges = ranges(&others, channels);
        let (mut trajectories, mut returns) = (Vec::new(), Vec::new());
        let (mut worst, mut channel) = (0.0, 0);
        for (own, other) in self.tracks.iter().zip(&others) {
            let (largest, at) = largest(own, other, &ranges);
            trajectories.push(largest);
            if largest > worst {
                (worst, channel) = (largest, at);
            }
            let steps = own.rewards.len().min(other.rewards.len());
            let (a, b) = (own.total_return(steps), other.total_return(steps));
            returns.push((a - b).abs() / b.abs().max(f64::from(LEAST_RANGE)));
        }
        Ok(Deviation {
            trajectory: median(&trajectories).unwrap_or(f64::NAN),
            worst,
            channel: channels.get(channel).map(|c| c.name.clone()).unwrap_or_default(),
            total_return: median(&returns).unwrap_or(f64::NAN),
        })
    }
}

/// For each channel the widest range that any channel of its unit takes on over all episodes, `[observation]`: places that hardly
/// move are measured by those that do.
fn ranges(tracks: &[Track], channels: &[Channel]) -> Vec<f32> {
    let mut bounds = vec![[f32::INFINITY, f32::NEG_INFINITY]; channels.len()];
    for track in tracks {
        for observation in track.observations.chunks_exact(channels.len().max(1)) {
            for (bound, &o) in bounds.iter_mut().zip(observation) {
                *bound = [bound[0].min(o), bound[1].max(o)];
            }
        }
    }
    let widest = |unit: &str| {
        let same = channels.iter().zip(&bounds).filter(|(channel, _)| channel.unit == unit);
        same.map(|(_, [low, high])| high - low).fold(LEAST_RANGE, f32::max)
    };
    channels.iter().map(|channel| widest(&channel.unit)).collect()
}

/// The largest deviation between two episodes in units of the ranges, and its channel.
fn largest(own: &Track, other: &Track, ranges: &[f32]) -> (f64, usize) {
    let pairs = own.observations.iter().zip(&other.observations);
    let mut largest = (0.0, 0);
    for (i, (a, b)) in pairs.enumerate() {
        let channel = i % ranges.len();
        let deviation = f64::from((a - b).abs() / ranges[channel]);
        if deviation > largest.0 {
            largest = (deviation, channel);
        }
    }
    largest
}

/// Whether a problem's commands are numbers, which random commands want.
pub fn is_continuous(problem: &dyn Problem) -> bool {
    matches!(problem.spec().command, CommandSpace::Continuous(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_are_measured_in_the_widest_range_of_a_unit() {
        let channels = Channel::list(&[("x", "m"), ("y", "m"), ("turn", "rad")]);
        let track = |observations: &[f32]| Track {
            observations: observations.to_vec(),
            ..Track::default()
        };
        // x goes 4 m far and y 1 m, the turn stands still
        let fine = [track(&[0.0, 0.0, 0.5]), track(&[4.0, 1.0, 0.5])];
        let ranges = ranges(&fine, &channels);
        assert_eq!(ranges, [4.0, 4.0, LEAST_RANGE]);
        let coarse = track(&[3.9, 1.2, 0.5]);
        let (off, channel) = largest(&coarse, &fine[1], &ranges);
        assert!((off - 0.05).abs() < 1e-6, "{off}");
        assert_eq!(channel, 1);
    }
}
