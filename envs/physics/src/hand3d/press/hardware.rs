//! The hand's hardware model: the fingers' servo targets to the places of tips and knuckles.

use super::controller::PRESSER;
use super::hand::{FINGER_JOINTS, FINGERS, Hand, JOINT_LIMITS};
use tandem_core::design::{DesignError, DesignSpace};
use tandem_core::hardware::HardwareSpec;
use tandem_core::problem::{Channel, Hardware};

/// Numbers of the effect for each finger: its tip, then its knuckle.
pub const FINGER_EFFECTS: usize = 6;
/// Numbers of the effect.
pub const EFFECTS: usize = FINGER_EFFECTS * FINGERS;
/// Numbers of the query: the fingers' joints.
pub const QUERIES: usize = FINGER_JOINTS * FINGERS;
/// Features of a finger.
const FEATURES: usize = 6;
/// Unit of noise and error of the presser's places, m: about a link.
const PRESSER_SCALE: f32 = 0.05;
/// Unit of error of the gripping fingers' places, m: a grasp, 6 mm deep, needs them more exactly.
const GRIP_SCALE: f32 = 0.01;
/// The effects that the task sees: tip and knuckle of finger 1, the presser; the knuckle too, for with it where it
/// should not be the distal link rests on the box's edge. The gripping fingers are not explored: noise would open the
/// grasp, and their script's inverse kinematics takes every change of their design back, so that a gradient at a fixed
/// query would lead astray.
const TASK_EFFECTS: usize = FINGER_EFFECTS;

/// Forward kinematics of the fingers; see [`super::hand::Finger::forward`].
///
/// Query `[12]`: the joints' servo targets after the control step, rad, finger by finger. Effect `[24]`: tip and
/// knuckle, finger by finger (those of the first are the task part), relative to the palm's centre, m.
#[derive(Debug)]
pub struct PressHardware {
    space: DesignSpace,
    spec: HardwareSpec,
}

impl PressHardware {
    /// The hardware of this problem.
    ///
    /// # Errors
    /// Bounds that make no design space.
    pub fn new() -> Result<Self, DesignError> {
        let named = |finger: usize, what: &str, unit: &str| Channel::new(format!("finger_{}_{what}", finger + 1), unit);
        let (mut query, mut bounds, mut effect) = (Vec::new(), Vec::new(), Vec::new());
        let mut scale = Vec::new();
        for finger in 0..FINGERS {
            let joints = ["yaw", "flexion_1", "flexion_2"];
            query.extend(joints.map(|joint| named(finger, joint, "rad")));
            bounds.extend(JOINT_LIMITS.map(|[low, high]| (low as f32, high as f32)));
        }
        for finger in 0..FINGERS {
            for part in ["tip", "knuckle"] {
                let places = ["x", "y", "z"].map(|axis| format!("{part}_{axis}"));
                effect.extend(places.map(|place| named(finger, &place, "m")));
                scale.extend(match finger == PRESSER {
                    true => [PRESSER_SCALE; 3],
                    false => [GRIP_SCALE; 3],
                });
            }
        }
        Ok(Self {
            space: Hand::space()?,
            spec: HardwareSpec::from_lists((query, bounds), (effect, scale), TASK_EFFECTS),
        })
    }
}

impl Hardware for PressHardware {
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn spec(&self) -> &HardwareSpec {
        &self.spec
    }

    /// Six numbers per finger in which the effect is linear, given the design: `cos y cos a`, `sin y cos a`,
    /// `sin a` for both links' flexions `a` and the yaw `y`.
    fn feature_len(&self) -> usize {
        FEATURES * FINGERS
    }

    fn features(&self, query: &[f32], out: &mut [f32]) {
        let fingers = query.as_chunks::<FINGER_JOINTS>().0.iter();
        let outs = out.as_chunks_mut::<FEATURES>().0;
        for ([yaw, first, second], out) in fingers.zip(outs) {
            let (sin_yaw, cos_yaw) = yaw.sin_cos();
            let flexion = |angle: f32| {
                let (sin, cos) = angle.sin_cos();
                [cos_yaw * cos, sin_yaw * cos, sin]
            };
            out[..3].copy_from_slice(&flexion(*first));
            out[3..].copy_from_slice(&flexion(first + second));
        }
    }

    fn respond(&self, design: &[f64], query: &[f32], effect: &mut [f32]) {
        let Some(hand) = Hand::new(design) else {
            return effect.fill(f32::NAN);
        };
        let joints = query.as_chunks::<FINGER_JOINTS>().0.iter();
        let places = effect.as_chunks_mut::<FINGER_EFFECTS>().0.iter_mut();
        for ((finger, joints), place) in hand.fingers.iter().zip(joints).zip(places) {
            let [k, t] = finger.forward(&joints.map(f64::from));
            let numbers = t.iter().chain(&k);
            place.iter_mut().zip(numbers).for_each(|(p, &x)| *p = x as f32);
        }
    }
}
