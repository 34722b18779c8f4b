//! Recorded episodes of a policy: the scenes that pictures and animations are drawn from.

use tandem_core::{Problem, Scene};
use tandem_learning::policy::PolicySnapshot;

use crate::error::Error;
use crate::judge::{Actions, Player, Starts, World};
use crate::render::{Clip, Image, overlay};

/// A film of one episode in the true machine: the scene before each step and after the last.
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
    let world = World::Full;
    let mut player = Player::new(problem, policy, Actions::Mean, &world);
    player.reset(design, starts, episode)?;
    let mut scenes = vec![player.problem().scene()];
    loop {
        let step = player.step(design);
        scenes.push(player.problem().scene());
        if step.ended() {
            return Ok(scenes);
        }
    }
}

/// A still picture of films side by side, with pale earlier moments.
///
/// # Errors
/// A picture that cannot be drawn.
pub fn still(films: &[(&str, Vec<Scene>)], size: (u32, u32)) -> Result<Image, Error> {
    Ok(overlay(&clips(films), size, 6)?)
}

/// Films as the renderer takes them.
pub fn clips<'a>(films: &'a [(&'a str, Vec<Scene>)]) -> Vec<Clip<'a>> {
    let clip = |(title, scenes): &'a (&'a str, Vec<Scene>)| Clip { title, scenes };
    films.iter().map(clip).collect()
}
