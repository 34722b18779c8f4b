//! What changes during an episode.

use serde::{Deserialize, Serialize};

use super::config::{LINK_RADIUS, STEP_ANGLE};
use super::machine::Machine;
use super::walls::{FAR, Path, Point, Walls, distance};

/// What changes during an episode.
#[derive(Serialize, Deserialize)]
pub struct State {
    /// Joint angles, rad, `[links]`.
    pub(super) angles: Vec<f32>,
    /// Joint rates of the last control step, in full steps, `[links]`.
    pub(super) rates: Vec<f32>,
    /// Base and link ends, m, `[links + 1]`.
    pub(super) points: Vec<Point>,
    /// Room around each link, m, `[links]`.
    pub(super) room: Vec<f32>,
    /// Way left and where it leads next.
    pub(super) way: f32,
    pub(super) next: Point,
    pub(super) blocked: bool,
    pub(super) step: usize,
    pub(super) held: usize,
    /// The tip's places, oldest first.
    pub(super) trace: Vec<Point>,
    /// The physical machine of an episode in full fidelity.
    pub(super) machine: Option<Machine>,
}

impl State {
    /// An arm of so many links at its base, at the beginning of an episode of `horizon` steps.
    pub(super) fn new(links: usize, base: Point, horizon: usize) -> Self {
        Self {
            angles: vec![0.0; links],
            rates: vec![0.0; links],
            points: vec![base; links + 1],
            room: vec![0.0; links],
            way: 0.0,
            next: [0.0; 2],
            blocked: false,
            step: 0,
            held: 0,
            trace: Vec::with_capacity(horizon + 1),
            machine: None,
        }
    }

    /// Joint angles, rad, `[links]`.
    pub fn angles(&self) -> &[f32] {
        &self.angles
    }

    /// Base and link ends in the world, m, `[links + 1]`.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Distance between tip and goal, m.
    pub fn distance_to(&self, goal: Point) -> f32 {
        distance(self.tip(), goal)
    }

    /// The physical machine, in full fidelity.
    pub fn machine(&mut self) -> Option<&mut Machine> {
        self.machine.as_mut()
    }

    pub(super) fn tip(&self) -> Point {
        self.points[self.angles.len()]
    }

    /// Refreshes what is derived from the pose: way and room.
    pub(super) fn measure(&mut self, walls: &Walls) {
        let Path { length, next } = walls.path(self.tip());
        (self.way, self.next) = (length, next);
        if !walls.is_empty() {
            for (room, w) in self.room.iter_mut().zip(self.points.windows(2)) {
                *room = walls.clearance(w[0], w[1]) - LINK_RADIUS;
            }
        }
    }

    /// Smallest room around a link as it was last measured, m.
    pub(super) fn smallest_room(&self, walls: &Walls) -> f32 {
        if walls.is_empty() {
            return FAR;
        }
        self.room.iter().copied().fold(FAR, f32::min)
    }

    /// Joint rates from the angles before this control step.
    pub(super) fn note_rates(&mut self, before: &[f32]) {
        let angles = self.angles.iter().zip(before);
        for (rate, (now, before)) in self.rates.iter_mut().zip(angles) {
            *rate = (now - before) / STEP_ANGLE;
        }
    }

    /// Takes the machine's pose over.
    pub(super) fn read_machine(&mut self) {
        if let Some(machine) = &self.machine {
            machine.angles(&mut self.angles);
            machine.points(&mut self.points);
        }
    }
}
