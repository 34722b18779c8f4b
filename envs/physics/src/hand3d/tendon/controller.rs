//! A scripted controller: close, lift, hold through a push.

use super::config::Settings;
use super::hand::{JOINTS, Joint, MOST_TENSION};
use super::machine::{Angles, Machine};
use super::object::Object;
use super::task::{HORIZON, Hold, LIFT_TO, push};
use super::world::lift;
use crate::hand3d::monitor::Fault;

/// Control step at which the tendon is taut.
const TAUT: usize = 30;
/// Control steps in which the palm rises.
pub const LIFT_PHASE: std::ops::Range<usize> = 40..65;
/// Tensions that are tried, as shares of the most.
const TENSIONS: [f32; 3] = [0.25, 0.5, 1.0];
/// Joint angles at the start, rad: open, but not straight, where a chain is singular.
pub const OPEN: Angles = [0.05, 0.1, 0.05, 0.1, 0.05, 0.1];

/// Torques of a transmission under this tension, N, at these angles.
pub fn torques(joints: &[Joint; JOINTS], tension: f32, angles: &Angles) -> Angles {
    std::array::from_fn(|i| joints[i].torque(angles[i].into(), tension.into()) as f32)
}

/// Grasps an object, with the end tension as a share of the most; whether it was lifted and held.
///
/// # Errors
/// The reason why the physics gave up.
pub fn grasp(
    joints: &[Joint; JOINTS],
    object: &Object,
    share: f32,
    heading: f64,
    settings: &Settings,
) -> Result<bool, Fault> {
    let Some(mut machine) = Machine::new(object, &OPEN, settings.substeps) else {
        return Ok(false);
    };
    let mut hold = Hold::default();
    for step in 0..HORIZON {
        let ramp = |from: usize, to: usize| (step.saturating_sub(from) as f32 / (to - from) as f32).clamp(0.0, 1.0);
        let tension = ramp(0, TAUT) * share * MOST_TENSION as f32;
        let slide = ramp(LIFT_PHASE.start, LIFT_PHASE.end) * LIFT_TO;
        let torque = |angles: &Angles| torques(joints, tension, angles);
        machine.step(slide, torque, push(step, heading, settings.push))?;
        if machine.has_lost() {
            return Ok(false);
        }
        hold.note(lift(object, &machine.sight()));
    }
    Ok(hold.succeeds())
}

/// Whether any of a few tensions does it.
pub fn works(joints: &[Joint; JOINTS], object: &Object, heading: f64, settings: &Settings) -> bool {
    let mut shares = TENSIONS.into_iter();
    shares.any(|share| grasp(joints, object, share, heading, settings) == Ok(true))
}
