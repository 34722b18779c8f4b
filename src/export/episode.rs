//! One episode of the exported policy, for whoever plays it elsewhere: what was observed, what was commanded.

use serde::Serialize;
use tandem_core::Problem;
use tandem_learning::policy::PolicySnapshot;

use crate::error::Error;
use crate::judge::{Actions, Player, Starts, World};

/// A Python script that plays the exported files.
pub const PLAYER: &str = include_str!("play.py");

/// An episode in the true machine.
#[derive(Debug, Serialize)]
struct Episode {
    /// What was observed before each control step, in the units of the policy's metadata, `[steps, observation]`.
    observation: Vec<Vec<f32>>,
    /// What was commanded then, `[steps, command]`.
    command: Vec<Vec<f32>>,
    /// Whether the task was solved.
    success: bool,
    /// Sum of rewards.
    total_return: f64,
}

/// The first of these episodes as JSON.
///
/// # Errors
/// A design that cannot be built.
pub fn write(
    problem: &mut dyn Problem,
    policy: &PolicySnapshot,
    design: &[f64],
    starts: Starts,
) -> Result<Vec<u8>, Error> {
    let world = World::Full;
    let mut player = Player::new(problem, policy, Actions::Mean, &world);
    player.reset(design, starts, 0)?;
    let mut episode = Episode {
        observation: Vec::new(),
        command: Vec::new(),
        success: false,
        total_return: 0.0,
    };
    loop {
        let step = player.step(design);
        episode.observation.push(player.raw_observation().to_vec());
        episode.command.push(player.clipped_command().to_vec());
        episode.total_return += f64::from(step.reward);
        if step.ended() {
            episode.success = step.success;
            let failed = |error| Error::Run(format!("cannot write the episode: {error}"));
            return serde_json::to_vec(&episode).map_err(failed);
        }
    }
}
