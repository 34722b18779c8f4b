//! The hand's hardware model: the fingers' servo targets to the places of tips and knuckles.

use super::controller::PRESSER;
use super::hand::{FINGER_JOINTS, FINGERS, Hand, JOINT_LIMITS};
use crate::design::{DesignError, DesignSpace};
use crate::problem::{Channel, Hardware};

/// Numbers of the effect that the task sees: the tips.
pub const TIP_EFFECTS: usize = 3 * FINGERS;
/// Numbers of the effect: tips, then knuckles.
pub const EFFECTS: usize = 2 * TIP_EFFECTS;
/// Numbers of the query: the fingers' joints.
pub const QUERIES: usize = FINGER_JOINTS * FINGERS;
/// Features of a finger.
const FEATURES: usize = 6;
/// Unit of noise and error of the presser's places, m: about a link.
const PRESSER_SCALE: f32 = 0.05;
/// The same for the gripping fingers: a fraction of a squeeze's depth, for more would open the grasp.
const GRIP_SCALE: f32 = 0.002;

/// Forward kinematics of the fingers; see [`super::hand::Finger::forward`].
///
/// Query `[12]`: the joints' servo targets after the control step, rad, finger by finger. Effect `[24]`: tips (the
/// task part), then knuckles, relative to the palm's centre, m.
#[derive(Debug)]
pub struct PressHardware {
    space: DesignSpace,
    query: Vec<Channel>,
    bounds: Vec<(f32, f32)>,
    effect: Vec<Channel>,
    scale: Vec<f32>,
}

impl PressHardware {
    /// The hardware of this problem.
    ///
    /// # Errors
    /// Bounds that make no design space.
    pub fn new() -> Result<Self, DesignError> {
        let named = |finger: usize, what: &str, unit: &str| {
            Channel::new(format!("finger_{}_{what}", finger + 1), unit)
        };
        let (mut query, mut bounds, mut effect) = (Vec::new(), Vec::new(), Vec::new());
        let mut scale = Vec::new();
        for finger in 0..FINGERS {
            let joints = ["yaw", "flexion_1", "flexion_2"];
            query.extend(joints.map(|joint| named(finger, joint, "rad")));
            bounds.extend(JOINT_LIMITS.map(|[low, high]| (low as f32, high as f32)));
        }
        for part in ["tip", "knuckle"] {
            for finger in 0..FINGERS {
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
            query,
            bounds,
            scale,
            effect,
        })
    }
}

impl Hardware for PressHardware {
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn query_channels(&self) -> &[Channel] {
        &self.query
    }
    fn query_bounds(&self) -> &[(f32, f32)] {
        &self.bounds
    }
    fn effect_channels(&self) -> &[Channel] {
        &self.effect
    }
    fn task_effects(&self) -> usize {
        TIP_EFFECTS
    }
    fn effect_scale(&self) -> &[f32] {
        &self.scale
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
        let (tips, knuckles) = effect.split_at_mut(TIP_EFFECTS);
        let tips = tips.as_chunks_mut::<3>().0.iter_mut();
        let places = tips.zip(knuckles.as_chunks_mut::<3>().0);
        for ((finger, joints), (tip, knuckle)) in hand.fingers.iter().zip(joints).zip(places) {
            let [k, t] = finger.forward(&joints.map(f64::from));
            (*knuckle, *tip) = (k.map(|x| x as f32), t.map(|x| x as f32));
        }
    }
}
