//! The designed transmission: one tendon over a pulley at each joint, against preloaded springs.

use tandem_core::design::{DesignError, DesignSpace, Parameter, Scale};

/// Fingers: one against two.
pub const FINGERS: usize = 3;
/// Joints of a finger: two flexions.
pub const FINGER_JOINTS: usize = 2;
/// Finger joints of the hand.
pub const JOINTS: usize = FINGERS * FINGER_JOINTS;
/// Proximal and distal length of every finger, m.
pub const LENGTHS: [f64; FINGER_JOINTS] = [0.05, 0.04];
/// Radius of every link's capsule, m.
pub const LINK_RADIUS: f64 = 0.012;
/// Radius of the palm, m.
pub const PALM_RADIUS: f64 = 0.035;
/// Place of each finger's root relative to the palm's centre, m, and its direction when straight, rad.
pub const ROOTS: [([f64; 2], f64); FINGERS] = [
    ([0.035, 0.0], 0.0),
    ([-0.035, 0.025], std::f64::consts::PI),
    ([-0.035, -0.025], std::f64::consts::PI),
];
/// Lower and upper stop of every joint, rad: 0 is straight, positive flexes down and inwards.
pub const JOINT_LIMITS: [f64; 2] = [0.0, 1.9];
/// Most tension of the tendon, N.
pub const MOST_TENSION: f64 = 40.0;

/// A joint of the transmission.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Joint {
    /// Radius of its pulley, m.
    pub radius: f64,
    /// Stiffness of its spring, N m/rad.
    pub stiffness: f64,
    /// Angle by which the spring is wound when the joint is straight, rad.
    pub preload: f64,
}

impl Joint {
    /// Torque that flexes the joint, N m, at this angle (rad) and tension (N):
    ///
    /// ```text
    /// tau = r T - k (theta + theta_0)
    /// ```
    ///
    /// The tendon runs over all pulleys, so that its tension is the same at every joint (Chen, He and Ciocarlie,
    /// *Hardware as Policy*, CoRL 2020, describe such a hand).
    pub fn torque(&self, angle: f64, tension: f64) -> f64 {
        self.radius * tension - self.stiffness * (angle + self.preload)
    }
}

/// The design space: pulley radius (m), spring stiffness (N m/rad) and preload (rad) of every joint, proximal and distal,
/// finger by finger. The start design curls its distal links first and pushes objects away.
///
/// # Errors
/// None with the constants as they are.
pub fn space() -> Result<DesignSpace, DesignError> {
    let mut parameters = Vec::new();
    for finger in 1..=FINGERS {
        for (part, radius, stiffness) in [("proximal", 0.003, 0.2), ("distal", 0.01, 0.03)] {
            let name = |what: &str| format!("finger_{finger}_{part}_{what}");
            let radius = Parameter::linear(name("pulley_radius"), "m", 0.002, 0.012, radius);
            let stiffness = Parameter {
                scale: Scale::Log,
                ..Parameter::linear(name("stiffness"), "N m/rad", 0.02, 0.25, stiffness)
            };
            let preload = Parameter::linear(name("preload"), "rad", 0.0, 1.5, 0.3);
            parameters.extend([radius, stiffness, preload]);
        }
    }
    DesignSpace::new(parameters)
}

/// A design that works, found by hand: proximal links close first.
pub const WORKING: [f64; 3 * JOINTS] = [
    0.01, 0.06, 0.3, 0.006, 0.12, 0.3, 0.01, 0.06, 0.3, 0.006, 0.12, 0.3, 0.01, 0.06, 0.3, 0.006, 0.12, 0.3,
];

/// The joints of a design; none where its length is wrong.
pub fn joints(design: &[f64]) -> Option<[Joint; JOINTS]> {
    let (rows, rest) = design.as_chunks::<3>();
    let rows: &[[f64; 3]; JOINTS] = rows.try_into().ok()?;
    rest.is_empty().then(|| {
        rows.map(|[radius, stiffness, preload]| Joint {
            radius,
            stiffness,
            preload,
        })
    })
}
