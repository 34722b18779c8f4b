//! The transmission as hardware model: joint angles and the tendon's tension to joint torques.

use super::hand::{FINGERS, JOINT_LIMITS, JOINTS, MOST_TENSION, joints, space};
use tandem_core::design::{DesignError, DesignSpace};
use tandem_core::hardware::HardwareSpec;
use tandem_core::problem::{Channel, Hardware};

/// Unit of noise and error of a torque, N m.
const SCALE: f32 = 0.1;
/// Numbers of the query: joint angles, rad, then the tension, N.
pub const QUERIES: usize = JOINTS + 1;

/// The transmission; see [`super::hand::Joint::torque`].
///
/// Query `[7]`: joint angles, rad, finger by finger, and the tension after the command, N. Effect `[6]`: joint torques,
/// N m, all of them seen by the task.
#[derive(Debug)]
pub struct TendonHardware {
    space: DesignSpace,
    spec: HardwareSpec,
}

/// Names of the joints with something behind each.
pub(super) fn named(what: &str, unit: &str) -> Vec<Channel> {
    let finger = |f: usize| ["proximal", "distal"].map(|part| format!("finger_{f}_{part}_{what}"));
    let names = (1..=FINGERS).flat_map(finger);
    names.map(|name| Channel::new(name, unit)).collect()
}

impl TendonHardware {
    /// The hardware of this problem.
    ///
    /// # Errors
    /// Bounds that make no design space.
    pub fn new() -> Result<Self, DesignError> {
        let mut query = named("angle", "rad");
        query.push(Channel::new("tension", "N"));
        let [low, high] = JOINT_LIMITS.map(|l| l as f32);
        let mut bounds = vec![(low, high); JOINTS];
        bounds.push((0.0, MOST_TENSION as f32));
        Ok(Self {
            space: space()?,
            spec: HardwareSpec::from_lists((query, bounds), (named("torque", "N m"), vec![SCALE; JOINTS]), JOINTS),
        })
    }
}

impl Hardware for TendonHardware {
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn spec(&self) -> &HardwareSpec {
        &self.spec
    }

    fn respond(&self, design: &[f64], query: &[f32], effect: &mut [f32]) {
        let (Some(joints), Some(&tension)) = (joints(design), query.last()) else {
            return effect.fill(f32::NAN);
        };
        for ((joint, angle), torque) in joints.iter().zip(query).zip(effect) {
            *torque = joint.torque((*angle).into(), tension.into()) as f32;
        }
    }
}
