//! The designed hand: where its fingers stand, how long they are, where their tips come.

use std::f64::consts::PI;

use tandem_core::design::{DesignError, DesignSpace, Parameter};

/// Fingers.
pub const FINGERS: usize = 4;
/// Joints of a finger: yaw about the vertical, two flexions.
pub const FINGER_JOINTS: usize = 3;
/// Radius of the palm, on whose rim the fingers stand, m.
pub const PALM_RADIUS: f64 = 0.04;
/// Radius of every link's capsule, m.
pub const LINK_RADIUS: f64 = 0.008;
/// Where the fingers of the start design stand on the rim, degrees.
pub const START_PLACEMENT: [f64; FINGERS] = [45.0, 135.0, 225.0, 315.0];
/// How far a finger may be moved along the rim, degrees either way.
pub const PLACEMENT_RANGE: f64 = 40.0;
/// Lowest and highest length of a link, m.
pub const LENGTH_BOUNDS: [f64; 2] = [0.02, 0.14];
/// Length of every link of the start design, m.
pub const START_LENGTH: f64 = 0.04;
/// Lower and upper stop of each joint of a finger, rad.
pub const JOINT_LIMITS: [[f64; 2]; FINGER_JOINTS] = [[-0.7, 0.7], [-0.4, 2.0], [0.0, 2.2]];

/// A design that works, found by hand: finger 1 is long and points along the box, the others stand where they can hold
/// it. Placement, degrees, proximal and distal length, m, of each finger.
pub const WORKING: [f64; 3 * FINGERS] = [5.0, 0.095, 0.08, 95.0, 0.05, 0.05, 240.0, 0.05, 0.05, 300.0, 0.05, 0.05];

/// A finger of the hand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finger {
    /// Angle of its root on the rim, rad.
    pub placement: f64,
    /// Length of the proximal link, m.
    pub proximal: f64,
    /// Length of the distal link, m.
    pub distal: f64,
}

/// A designed hand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hand {
    /// Its fingers.
    pub fingers: [Finger; FINGERS],
}

impl Hand {
    /// The design space: placement (degrees), proximal and distal length (m) of every finger.
    ///
    /// # Errors
    /// None with the constants as they are.
    pub fn space() -> Result<DesignSpace, DesignError> {
        let mut parameters = Vec::new();
        let [short, long] = LENGTH_BOUNDS;
        for (i, start) in START_PLACEMENT.into_iter().enumerate() {
            let name = |what: &str| format!("finger_{}_{what}", i + 1);
            let (low, high) = (start - PLACEMENT_RANGE, start + PLACEMENT_RANGE);
            let place = Parameter::linear(name("placement"), "deg", low, high, start);
            parameters.push(place);
            for what in ["proximal_length", "distal_length"] {
                let length = Parameter::linear(name(what), "m", short, long, START_LENGTH);
                parameters.push(length);
            }
        }
        DesignSpace::new(parameters)
    }

    /// The hand of a design; `None` where its length is wrong.
    pub fn new(design: &[f64]) -> Option<Self> {
        let (rows, rest) = design.as_chunks::<3>();
        let rows: &[[f64; 3]; FINGERS] = rows.try_into().ok()?;
        rest.is_empty().then(|| Self {
            fingers: rows.map(|[degrees, proximal, distal]| Finger {
                placement: degrees * PI / 180.0,
                proximal,
                distal,
            }),
        })
    }
}

impl Finger {
    /// The finger's root relative to the palm's centre, m.
    pub fn root(&self) -> [f64; 3] {
        let (sin, cos) = self.placement.sin_cos();
        [PALM_RADIUS * cos, PALM_RADIUS * sin, 0.0]
    }

    /// Knuckle and tip (ends of the links' axes) relative to the palm's centre, m, at these joint angles (rad):
    ///
    /// ```text
    /// d       = (cos(place + yaw), sin(place + yaw), 0)         the finger's direction; flexion turns it down
    /// knuckle = root + l_1 (d cos f_1 - z sin f_1)
    /// tip     = knuckle + l_2 (d cos(f_1 + f_2) - z sin(f_1 + f_2))
    /// ```
    pub fn forward(&self, angles: &[f64; FINGER_JOINTS]) -> [[f64; 3]; 2] {
        let [yaw, first, second] = *angles;
        let (sin, cos) = (self.placement + yaw).sin_cos();
        let step = |from: [f64; 3], length: f64, flexion: f64| {
            let out = length * flexion.cos();
            let down = length * flexion.sin();
            [from[0] + out * cos, from[1] + out * sin, from[2] - down]
        };
        let knuckle = step(self.root(), self.proximal, first);
        [knuckle, step(knuckle, self.distal, first + second)]
    }

    /// Joint angles (rad) that bring the tip to a place relative to the palm's centre, m, knuckle up; `None`
    /// where it is out of reach or beyond a stop.
    pub fn inverse(&self, tip: [f64; 3]) -> Option<[f64; FINGER_JOINTS]> {
        let root = self.root();
        let (x, y) = (tip[0] - root[0], tip[1] - root[1]);
        let heading = y.atan2(x) - self.placement;
        let heading = heading - 2.0 * PI * (heading / (2.0 * PI)).round();
        // a tip behind the root is reached by flexing past the vertical
        let (yaw, out) = match heading.abs() <= PI / 2.0 {
            true => (heading, x.hypot(y)),
            false => (heading - PI * heading.signum(), -x.hypot(y)),
        };
        let [first, second] = self.flex(out, root[2] - tip[2])?;
        let angles = [yaw, first, second];
        within_stops(&angles).then_some(angles)
    }

    /// Flexions (rad) that bring the tip `out` along the finger's direction and `down` from its root, m, knuckle
    /// up; `None` where it is out of reach.
    pub fn flex(&self, out: f64, down: f64) -> Option<[f64; 2]> {
        let [a, b] = [self.proximal, self.distal];
        let cos_second = (out * out + down * down - a * a - b * b) / (2.0 * a * b);
        if !(-1.0..=1.0).contains(&cos_second) {
            return None;
        }
        let second = cos_second.acos();
        let first = down.atan2(out) - (b * second.sin()).atan2(a + b * second.cos());
        Some([first, second])
    }
}

/// Whether a finger's joints are within their stops.
pub fn within_stops(angles: &[f64; FINGER_JOINTS]) -> bool {
    let mut joints = angles.iter().zip(JOINT_LIMITS);
    joints.all(|(angle, [low, high])| (low..=high).contains(angle))
}
