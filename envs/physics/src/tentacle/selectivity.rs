//! How near a design comes to a goal, and how many random designs come near enough to all.

use rayon::prelude::*;

use super::config::{MAX_TENDONS, Settings, WINCH_RANGE};
use super::hardware::TentacleHardware;
use tandem_core::preset::Share;
use tandem_core::problem::{Hardware, ProblemError};
use tandem_core::stream::Stream;

/// Winch angles tried along each axis before the search.
const GRID: usize = 61;
/// The search starts from this many of them.
const STARTS: usize = 4;
/// The search ends when its step is below this, rad.
const FINEST: f32 = 1e-3;

type Winches = [f32; MAX_TENDONS];

/// A tentacle with the places its tip comes to on a grid of winch angles.
pub struct Workspace<'a> {
    hardware: &'a TentacleHardware,
    design: &'a [f64],
    tendons: usize,
    places: Vec<(Winches, [f32; 2])>,
}

impl<'a> Workspace<'a> {
    /// The workspace of a design.
    pub fn new(hardware: &'a TentacleHardware, design: &'a [f64]) -> Self {
        let mut workspace = Self {
            tendons: hardware.query_channels().len(),
            hardware,
            design,
            places: Vec::new(),
        };
        for k in 0..GRID.pow(workspace.tendons as u32) {
            let index = |i: usize| k / GRID.pow(i as u32) % GRID;
            let angle = |i| WINCH_RANGE * index(i) as f32 / (GRID - 1) as f32;
            let mut winches = Winches::default();
            (0..workspace.tendons).for_each(|i| winches[i] = angle(i));
            let tip = workspace.tip(&winches);
            workspace.places.push((winches, tip));
        }
        workspace
    }

    fn tip(&self, winches: &Winches) -> [f32; 2] {
        let mut effect = [0.0; 5];
        let query = &winches[..self.tendons];
        self.hardware.respond(self.design, query, &mut effect);
        [effect[0], effect[1]]
    }

    /// The winch angles (rad) that bring the tip nearest to a goal, and the distance that remains, m.
    ///
    /// Found by compass search from the best places of the grid: an upper bound of the true distance.
    pub fn nearest(&self, goal: [f32; 2]) -> (Winches, f32) {
        let away = |tip: [f32; 2]| (tip[0] - goal[0]).hypot(tip[1] - goal[1]);
        let mut order: Vec<(Winches, f32)> = self.places.iter().map(|&(winches, tip)| (winches, away(tip))).collect();
        order.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut best = order[0];
        for &start in &order[..STARTS.min(order.len())] {
            let mut now = start;
            let mut step = WINCH_RANGE / (GRID - 1) as f32;
            while step > FINEST {
                let trial = self.best_neighbour(now.0, step, &away);
                if trial.1 < now.1 {
                    now = trial;
                } else {
                    step *= 0.5;
                }
            }
            if now.1 < best.1 {
                best = now;
            }
        }
        best
    }

    /// The best of the points one step away along the axes and diagonals.
    fn best_neighbour(&self, from: Winches, step: f32, away: &dyn Fn([f32; 2]) -> f32) -> (Winches, f32) {
        let mut best = (from, f32::INFINITY);
        for k in 0..3usize.pow(self.tendons as u32) {
            let mut winches = from;
            for i in 0..self.tendons {
                let side = (k / 3usize.pow(i as u32) % 3) as f32 - 1.0;
                winches[i] = (winches[i] + side * step).clamp(0.0, WINCH_RANGE);
            }
            let distance = away(self.tip(&winches));
            if distance < best.1 {
                best = (winches, distance);
            }
        }
        best
    }
}

/// Draws designs and counts those whose workspace holds all goals within the tolerance; [`Share::can_reach`] counts
/// those that reach at least one.
///
/// Work is spread over the current rayon pool; the result does not depend on its size.
///
/// # Errors
/// Settings that make no problem.
pub fn selectivity(settings: &Settings, designs: usize, seed: u64) -> Result<Share, ProblemError> {
    let hardware = TentacleHardware::new(settings)?;
    let reached: Vec<usize> = (0..designs)
        .into_par_iter()
        .map(|i| {
            let mut stream = Stream::new(seed, "selectivity", i as u64);
            let design = hardware.space().sample(&mut stream);
            let workspace = Workspace::new(&hardware, &design);
            let near = |&&goal: &&[f32; 2]| workspace.nearest(goal).1 <= settings.tolerance;
            settings.goals.iter().filter(near).count()
        })
        .collect();
    let at_least = |n: usize| reached.iter().filter(|&&r| r >= n).count();
    Ok(Share {
        designs,
        can_reach: at_least(1),
        work: at_least(settings.goals.len()),
    })
}
