//! What changes during an episode, and how it is stored.

use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::walls::Point;
use tandem_core::problem::Fidelity;

/// What changes during an episode.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Joint angles, rad, `[links]`.
    pub angles: Vec<f32>,
    /// Joint rates of the last control step, in full steps, `[links]`.
    pub rates: Vec<f32>,
    /// Base and link ends, m, `[links + 1]`.
    pub points: Vec<Point>,
    /// Room around each link, m, `[links]`.
    pub room: Vec<f32>,
    /// Way left and where it leads next.
    pub way: f32,
    pub next: Point,
    pub blocked: bool,
    pub step: usize,
    pub held: usize,
    pub success: bool,
    pub terms: [f32; 5],
    /// The tip's places, oldest first.
    pub trace: Vec<Point>,
}

/// An episode as it is written.
#[derive(Serialize)]
pub(super) struct SavedRef<'a> {
    pub fidelity: Fidelity,
    pub design: &'a [f64],
    pub state: &'a State,
    pub machine: Option<&'a Machine>,
}

/// An episode as it is read.
#[derive(Deserialize)]
pub(super) struct Saved {
    pub fidelity: Fidelity,
    pub design: Vec<f64>,
    pub state: State,
    pub machine: Option<Machine>,
}
