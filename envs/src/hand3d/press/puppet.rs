//! The world under effects: box, button and table as in the true machine, the hand as four free distal links that
//! bounded spring forces draw to where the effect puts them.
//!
//! Never a teleport: a proxy's finger can push no harder than a servo could. The stiffness is what a finger joint's
//! servo (2 N m/rad) has at the end of a 70 mm lever, the limit its torque (0.6 N m) there. Damping is left to rapier,
//! which integrates it implicitly: stable for links of any mass, and no link is drawn faster than about 1 m/s. The
//! palm itself touches nothing here.

use rapier3d::prelude::*;
use serde::{Deserialize, Serialize};

use super::build::{add_box, add_distal, table_world};
use super::hand::{FINGERS, Hand};
use super::hardware::{EFFECTS, TIP_EFFECTS};
use super::machine::{Fault, Start};
use super::scene::{Scenery, advance, check_overlaps};
use super::task::{BOX_HALF, PALM_ABOVE_BOX};

/// Stiffness of the pull on each end of a distal link, N/m.
const STIFFNESS: f32 = 400.0;
/// Its limit, N.
const LIMIT: f32 = 8.0;
/// Wanted places are at most this far from the palm along each axis, m.
const FAR: f32 = 0.3;

/// Height of the palm's centre with the slide at this position, m.
fn palm_height(slide: f32) -> f32 {
    (BOX_HALF[2] + PALM_ABOVE_BOX) as f32 + slide
}

/// Tip and knuckle of a finger in an effect, in the world.
fn ends(effect: &[f32], finger: usize, palm: f32) -> [Vector; 2] {
    [0, TIP_EFFECTS].map(|part| {
        let at = part + 3 * finger;
        Vector::new(effect[at], effect[at + 1], effect[at + 2] + palm)
    })
}

/// The puppet: free distal links over the box.
#[derive(Serialize, Deserialize)]
pub struct Puppet {
    world: PhysicsWorld,
    scenery: Scenery,
    distals: Vec<RigidBodyHandle>,
    lengths: [f32; FINGERS],
    /// Where tips and knuckles are wanted relative to the palm, m, in an effect's order.
    wanted: Vec<f32>,
    palm: f32,
    substeps: usize,
}

impl Puppet {
    /// The puppet at rest, its links where `effect` puts tips and knuckles; `substeps` physics steps make a control
    /// step.
    pub fn new(hand: &Hand, start: &Start, effect: &[f32], substeps: usize) -> Self {
        let mut world = table_world(substeps);
        let scenery = add_box(&mut world, start);
        let palm = palm_height(start.joints[0]);
        let distal = |i: usize, world: &mut PhysicsWorld| {
            let [tip, knuckle] = ends(effect, i, palm);
            add_distal(world, knuckle, tip, hand.fingers[i].distal)
        };
        let distals = (0..FINGERS).map(|i| distal(i, &mut world)).collect();
        Self {
            world,
            scenery,
            distals,
            lengths: hand.fingers.map(|finger| finger.distal as f32),
            wanted: effect.to_vec(),
            palm,
            substeps,
        }
    }

    /// Moves on by one control step, over which palm and wanted places go evenly to `slide` (m) and `effect`.
    ///
    /// # Errors
    /// The reason why the physics gave up.
    pub fn step(&mut self, slide: f32, effect: &[f32]) -> Result<(), Fault> {
        let mut from = [0.0; EFFECTS];
        from.copy_from_slice(&self.wanted);
        let palm = self.palm;
        for k in 1..=self.substeps {
            let share = k as f32 / self.substeps as f32;
            for ((wanted, from), to) in self.wanted.iter_mut().zip(from).zip(effect) {
                *wanted = from + share * (to.clamp(-FAR, FAR) - from);
            }
            self.palm = palm + share * (palm_height(slide) - palm);
            self.pull();
            advance(&mut self.world)?;
            self.scenery.check(&self.world)?;
        }
        check_overlaps(&self.world)
    }

    /// Sets the forces that draw the links' ends for the next physics step.
    fn pull(&mut self) {
        for i in 0..FINGERS {
            let wanted = ends(&self.wanted, i, self.palm);
            let axis = Vector::X * self.lengths[i];
            let Some(body) = self.world.bodies.get_mut(self.distals[i]) else {
                return;
            };
            body.reset_forces(true);
            body.reset_torques(true);
            for (local, wanted) in [axis, Vector::ZERO].into_iter().zip(wanted) {
                let end = *body.position() * local;
                let force = ((wanted - end) * STIFFNESS).clamp_length_max(LIMIT);
                body.add_force_at_point(force, end, true);
            }
        }
    }

    /// The box with its button, and the world they are in.
    pub fn scenery(&self) -> (&Scenery, &PhysicsWorld) {
        (&self.scenery, &self.world)
    }

    /// Height of the palm's centre, m.
    pub fn palm_height(&self) -> f32 {
        self.palm
    }

    /// Knuckle and tip of a finger, m.
    pub fn finger(&self, finger: usize) -> [[f32; 3]; 2] {
        let pose = self.world.bodies[self.distals[finger]].position();
        let tip = *pose * (Vector::X * self.lengths[finger]);
        [pose.translation, tip].map(|p| p.to_array())
    }
}
