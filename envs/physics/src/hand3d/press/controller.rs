//! A scripted controller: grip, lift, press. It shows what a design can do when nothing has been learnt.

use super::hand::{FINGER_JOINTS, FINGERS, Finger, Hand, JOINT_LIMITS, LINK_RADIUS};
use super::machine::{JOINTS, Machine, Start};
use super::task::{BOX_HALF, BUTTON_HALF, HOLD_STEPS, LIFT, PALM_ABOVE_BOX};
use crate::hand3d::monitor::Fault;

/// The finger that presses; the others grip the box's sides.
pub const PRESSER: usize = 0;
/// Control steps at which the phases end: lower the open fingers, close, hold, lift, press.
const PHASES: [usize; 5] = [12, 26, 32, 56, 76];
/// Control steps of an attempt.
const STEPS: usize = 120;
/// Height to which the slide lifts, m.
const LIFT_TO: f32 = 0.035;
/// Gripping tips stand off from the box by this, m, and are then sent this far into it: a servo's spring turns
/// depth into force.
const STAND_OFF: f64 = 0.012;
const SQUEEZE: f64 = 0.018;
/// The same for the puppet, whose springs are stiffer than a finger's joints.
const PUPPET_SQUEEZE: f64 = 0.006;
/// Gripping tips of the machine are sent up by this share of the depth: the springs of a finger's joints turn depth
/// into force that also points down. The puppet's springs do not.
const RISE_OVER_SQUEEZE: f64 = 0.5;
/// The same for the presser.
const PRESS_OFF: f64 = 0.012;
const PRESS_IN: f64 = 0.014;
/// Gripping tips touch the box this far below its centre, m.
const BELOW: f64 = 0.003;
/// Yaw that gripping fingers use of their 0.7 rad.
const MOST_YAW: f64 = 0.6;

/// Servo targets for the phases.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    open: [f32; JOINTS],
    close: [f32; JOINTS],
    press: [f32; JOINTS],
}

type Angles = [f64; FINGER_JOINTS];

/// The joint angles whose tip is nearest to a place on the way out to it; straight ahead where none is.
fn reach(finger: &Finger, yaw: f64, out: f64, down: f64) -> Angles {
    let pose = |share: f64| {
        let [first, second] = finger.flex(share * out, share * down)?;
        let angles = [yaw, first, second];
        let stop = |(angle, [low, high]): (&f64, [f64; 2])| angle.clamp(low, high);
        let mut joints = angles.iter().zip(JOINT_LIMITS).map(stop);
        Some([0; FINGER_JOINTS].map(|_| joints.next().unwrap_or_default()))
    };
    let shares = (0..=50).map(|k| 1.0 - 0.02 * f64::from(k));
    shares.filter_map(pose).next().unwrap_or([yaw, 0.5, 1.0])
}

/// A gripping finger with its tip `gap` before (behind, if negative) the box's side.
fn grip(finger: &Finger, gap: f64, rise: f64) -> Angles {
    let root = finger.root();
    let side = root[1].signum();
    let across = side * std::f64::consts::FRAC_PI_2 - finger.placement;
    let across = across.sin().atan2(across.cos());
    let yaw = across.clamp(-MOST_YAW, MOST_YAW);
    let tip = BOX_HALF[1] + LINK_RADIUS + gap;
    let out = (tip - side * root[1]) / (across - yaw).cos();
    let rise = rise * (-gap).max(0.0);
    reach(finger, yaw, out, PALM_ABOVE_BOX + BELOW - rise)
}

/// The pressing finger with its tip `gap` before (behind, if negative) the button.
fn press(finger: &Finger, gap: f64) -> Angles {
    let root = finger.root();
    let front = BOX_HALF[0] + 2.0 * BUTTON_HALF[0] + LINK_RADIUS + gap;
    let (x, y) = (front - root[0], -root[1]);
    let yaw = y.atan2(x) - finger.placement;
    let [low, high] = JOINT_LIMITS[0];
    reach(finger, yaw.clamp(low, high), x.hypot(y), PALM_ABOVE_BOX)
}

impl Script {
    /// The script for the machine of a hand. Where a finger cannot reach its place it goes as far towards it as it can.
    pub fn new(hand: &Hand) -> Self {
        Self::with_depth(hand, SQUEEZE, RISE_OVER_SQUEEZE)
    }

    /// The same for the puppet.
    pub fn for_puppet(hand: &Hand) -> Self {
        Self::with_depth(hand, PUPPET_SQUEEZE, 0.0)
    }

    /// Grips that go `squeeze` into the box, m, and up by `rise` of that.
    fn with_depth(hand: &Hand, squeeze: f64, rise: f64) -> Self {
        // fingers that share a side share its force, so that both sides push alike
        let side = |finger: &Finger| finger.root()[1] > 0.0;
        let share = |i: usize| {
            let fingers = hand.fingers.iter().enumerate();
            let mates = fingers.filter(|(k, f)| *k != PRESSER && side(f) == side(&hand.fingers[i]));
            1.0 / mates.count().max(1) as f64
        };
        let pose = |grip_gap: f64, press_gap: f64| {
            let mut targets = [0.0; JOINTS];
            for i in 0..FINGERS {
                let finger = &hand.fingers[i];
                let angles = match i == PRESSER {
                    true => press(finger, press_gap),
                    false => grip(finger, grip_gap * share(i), rise),
                };
                for (k, angle) in angles.iter().enumerate() {
                    targets[1 + i * FINGER_JOINTS + k] = *angle as f32;
                }
            }
            targets
        };
        Self {
            open: pose(STAND_OFF, PRESS_OFF),
            close: pose(-squeeze, PRESS_OFF),
            press: pose(-squeeze, -PRESS_IN),
        }
    }

    /// Servo targets at a control step without the press: the presser stays raised.
    pub fn grasp(&self, step: usize) -> [f32; JOINTS] {
        let mut targets = self.targets(step);
        let raised = Start::default().joints;
        let presser = joints_of(PRESSER);
        targets[presser.clone()].copy_from_slice(&raised[presser]);
        targets
    }

    /// Servo targets at a control step.
    pub fn targets(&self, step: usize) -> [f32; JOINTS] {
        let share = |phase: usize| {
            let from = phase.checked_sub(1).map_or(0, |before| PHASES[before]);
            let passed = step.saturating_sub(from) as f32;
            (passed / (PHASES[phase] - from) as f32).min(1.0)
        };
        let (lower, close, lift, press) = (share(0), share(1), share(3), share(4));
        let raised = Start::default().joints;
        let mut out: [f32; JOINTS] = std::array::from_fn(|i| {
            raised[i]
                + lower * (self.open[i] - raised[i])
                + close * (self.close[i] - self.open[i])
                + press * (self.press[i] - self.close[i])
        });
        out[0] += lift * LIFT_TO;
        out
    }
}

/// The places of a finger's joints among all joints.
pub fn joints_of(finger: usize) -> std::ops::Range<usize> {
    let first = 1 + finger * FINGER_JOINTS;
    first..first + FINGER_JOINTS
}

/// How an attempt went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Attempt {
    /// Raised, level, pressed, for the steps in a row that count.
    pub success: bool,
    /// Most steps in a row in which the box was raised, level and in its place.
    pub held: usize,
    /// Furthest travel of the button while it was, m.
    pub pressed: f64,
}

/// Runs the script on a machine.
///
/// # Errors
/// The reason why the physics gave up.
pub fn run(machine: &mut Machine, script: &Script) -> Result<Attempt, Fault> {
    let mut attempt = Attempt::default();
    let (mut in_a_row, mut held) = (0, 0);
    for step in 0..STEPS {
        machine.step(&script.targets(step))?;
        let grip = machine.grip();
        let raised = grip.holds() && grip.lift >= LIFT;
        held = if raised { held + 1 } else { 0 };
        attempt.held = attempt.held.max(held);
        if raised {
            attempt.pressed = attempt.pressed.max(grip.press);
        }
        in_a_row = if grip.succeeds() { in_a_row + 1 } else { 0 };
        attempt.success |= in_a_row >= HOLD_STEPS;
    }
    Ok(attempt)
}
