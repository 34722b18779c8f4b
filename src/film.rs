//! Recorded episodes of a policy: the scenes that pictures and animations are drawn from.

use tandem_core::{Problem, Scene};
use tandem_learning::policy::PolicySnapshot;

use crate::error::Error;
use crate::judge::{Actions, Player, Starts, World};
use crate::render::{Clip, Image, overlay};

/// A recorded episode.
pub struct Recording {
    /// The scene before each step and after the last.
    pub scenes: Vec<Scene>,
    /// Whether the task was solved.
    pub success: bool,
    /// Sum of rewards.
    pub total_return: f64,
}

/// Records one episode in the true machine.
///
/// # Errors
/// A design that cannot be built.
pub fn record(
    problem: &mut dyn Problem,
    policy: &PolicySnapshot,
    design: &[f64],
    starts: Starts,
    episode: u64,
) -> Result<Recording, Error> {
    let world = World::Full;
    let mut player = Player::new(problem, policy, design, Actions::Mean, &world);
    player.reset(starts, episode)?;
    let mut recording = Recording {
        scenes: vec![player.problem().scene()],
        success: false,
        total_return: 0.0,
    };
    loop {
        let step = player.step();
        recording.scenes.push(player.problem().scene());
        recording.total_return += f64::from(step.reward);
        if step.ended() {
            recording.success = step.success;
            return Ok(recording);
        }
    }
}

/// The scenes of one episode in the true machine: see [`record`].
///
/// # Errors
/// A design that cannot be built.
pub fn film(
    problem: &mut dyn Problem,
    policy: &PolicySnapshot,
    design: &[f64],
    starts: Starts,
    episode: u64,
) -> Result<Vec<Scene>, Error> {
    Ok(record(problem, policy, design, starts, episode)?.scenes)
}

/// Films with their titles: the start design's and the learnt one's from the same start; the second alone where they are the
/// same machine.
///
/// # Errors
/// A design that cannot be built.
pub fn start_and_learnt(
    problem: &mut dyn Problem,
    policy: &PolicySnapshot,
    learnt: &[f64],
    starts: Starts,
    episode: u64,
) -> Result<Vec<(&'static str, Vec<Scene>)>, Error> {
    designs(&problem.hardware().space().start(), learnt)
        .into_iter()
        .map(|(title, design)| Ok((title, film(problem, policy, &design, starts, episode)?)))
        .collect()
}

/// Start design and learnt design with their titles; the second alone where nothing has moved.
pub fn designs(start: &[f64], learnt: &[f64]) -> Vec<(&'static str, Vec<f64>)> {
    match (learnt.is_empty(), start == learnt) {
        (true, _) => vec![("learnt policy", learnt.to_vec())],
        (false, true) => vec![("learnt policy on the start design", learnt.to_vec())],
        (false, false) => vec![("start design", start.to_vec()), ("learnt design", learnt.to_vec())],
    }
}

/// A still picture of films side by side, with pale earlier moments.
///
/// # Errors
/// A picture that cannot be drawn.
pub fn still(films: &[(&str, impl AsRef<[Scene]>)], size: (u32, u32)) -> Result<Image, Error> {
    Ok(overlay(&clips(films), size, 6)?)
}

/// Films as the renderer takes them.
pub fn clips<'a>(films: &'a [(&'a str, impl AsRef<[Scene]>)]) -> Vec<Clip<'a>> {
    let clip = |(title, scenes): &'a (&'a str, _)| Clip {
        title,
        scenes: AsRef::as_ref(scenes),
    };
    films.iter().map(clip).collect()
}
