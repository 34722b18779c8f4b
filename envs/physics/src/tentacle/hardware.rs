//! The tentacle's hardware model: winch angles to tip and joint angles.

use super::config::{
    ELASTIC_RADIUS, JOINT_HIGH, JOINT_LOW, JOINTS, LENGTH_BOUNDS, MAX_TENDONS, PRETENSION_BOUNDS, RADIUS_BOUNDS,
    Settings, WINCH_RADIUS, WINCH_RANGE,
};
use super::statics::{Equilibrium, equilibrium};
use tandem_core::design::{DesignError, DesignSpace, Parameter};
use tandem_core::hardware::HardwareSpec;
use tandem_core::problem::{Channel, Hardware};

/// Unit of noise and error of the tip, m: about a link.
const TIP_SCALE: f32 = 0.1;

/// A design's parts.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    /// Pulley radii, m, one row per tendon.
    pub radii: &'a [[f64; JOINTS]],
    /// Pre-elongation of each joint's elastic tendon, m.
    pub pretension: &'a [f64; JOINTS],
    /// Link lengths, m.
    pub lengths: &'a [f64; JOINTS],
}

impl<'a> Body<'a> {
    /// The parts of a design with this many tendons; `None` if its length is another.
    pub fn new(design: &'a [f64], tendons: usize) -> Option<Self> {
        let (rows, rest) = design.as_chunks::<JOINTS>();
        let [radii @ .., pretension, lengths] = rows else {
            return None;
        };
        (radii.len() == tendons && rest.is_empty()).then_some(Self {
            radii,
            pretension,
            lengths,
        })
    }

    /// Where the joints come to rest with the winches at these angles, rad.
    pub fn equilibrium(&self, winches: &[f32]) -> Equilibrium {
        let mut pulls = [0.0; MAX_TENDONS];
        for (pull, &angle) in pulls.iter_mut().zip(winches) {
            *pull = WINCH_RADIUS * f64::from(angle);
        }
        let rest = self.pretension.map(|l| -l / ELASTIC_RADIUS);
        equilibrium(self.radii, &rest, &pulls[..self.radii.len()])
    }

    /// The link ends at these joint angles, m, from the first link to the tip.
    pub fn ends(&self, angles: &[f64; JOINTS]) -> [[f64; 2]; JOINTS] {
        let (mut x, mut y, mut sum) = (0.0, 0.0, 0.0);
        std::array::from_fn(|j| {
            sum += angles[j];
            x += self.lengths[j] * sum.sin();
            y += self.lengths[j] * sum.cos();
            [x, y]
        })
    }
}

/// Transmission statics and forward kinematics; see the module's formula.
///
/// Query `[tendons]`: winch angles, rad, as they are after the control step. Effect: tip x, tip y (the task part,
/// m), then the joint angles (rad). The unit of noise and error is 0.1 m, about a link, and 1 rad.
#[derive(Debug)]
pub struct TentacleHardware {
    space: DesignSpace,
    spec: HardwareSpec,
}

impl TentacleHardware {
    /// The hardware of these settings.
    ///
    /// # Errors
    /// Bounds that make no design space.
    pub fn new(settings: &Settings) -> Result<Self, DesignError> {
        let numbered = |stem: &str, n: usize| -> Vec<Channel> {
            let name = |i| Channel::new(format!("{stem}_{}", i + 1), "rad");
            (0..n).map(name).collect()
        };
        let mut effect = vec![Channel::new("tip_x", "m"), Channel::new("tip_y", "m")];
        effect.extend(numbered("joint_angle", JOINTS));
        let mut scale = vec![1.0; effect.len()];
        scale[..2].fill(TIP_SCALE);
        Ok(Self {
            space: space(settings)?,
            spec: HardwareSpec::from_lists(
                (
                    numbered("winch_angle", settings.tendons()),
                    vec![(0.0, WINCH_RANGE); settings.tendons()],
                ),
                (effect, scale),
                2,
            ),
        })
    }

    /// The parts of a design; `None` if it does not belong to this hardware.
    pub fn body<'a>(&self, design: &'a [f64]) -> Option<Body<'a>> {
        Body::new(design, self.query_channels().len())
    }
}

/// The design space: pulley radii tendon by tendon, then pre-elongations, then link lengths.
fn space(settings: &Settings) -> Result<DesignSpace, DesignError> {
    let mut parameters = Vec::new();
    let mut add = |name: String, [low, high]: [f64; 2], start: f64| {
        parameters.push(Parameter::linear(name, "m", low, high, start));
    };
    for (i, row) in settings.start_radii.iter().enumerate() {
        for (j, &radius) in row.iter().enumerate() {
            let name = format!("tendon_{}_joint_{}_radius", i + 1, j + 1);
            add(name, RADIUS_BOUNDS, radius);
        }
    }
    for j in 1..=JOINTS {
        add(format!("joint_{j}_pretension"), PRETENSION_BOUNDS, 0.0);
    }
    for j in 1..=JOINTS {
        let start = settings.start_length;
        add(format!("link_{j}_length"), LENGTH_BOUNDS, start);
    }
    DesignSpace::new(parameters)
}

impl Hardware for TentacleHardware {
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn spec(&self) -> &HardwareSpec {
        &self.spec
    }

    /// The winch angles over their range, then all their products of two.
    fn feature_len(&self) -> usize {
        let n = self.query_channels().len();
        n + n * (n + 1) / 2
    }

    fn features(&self, query: &[f32], out: &mut [f32]) {
        let n = query.len();
        let (linear, products) = out.split_at_mut(n);
        for (out, angle) in linear.iter_mut().zip(query) {
            *out = angle / WINCH_RANGE;
        }
        let mut slots = products.iter_mut();
        for i in 0..n {
            for (j, slot) in (i..n).zip(&mut slots) {
                *slot = linear[i] * linear[j];
            }
        }
    }

    fn respond(&self, design: &[f64], query: &[f32], effect: &mut [f32]) {
        let Some(body) = self.body(design) else {
            return effect.fill(f32::NAN);
        };
        let angles = body.equilibrium(query).angles;
        let tip = body.ends(&angles)[JOINTS - 1];
        for (out, value) in effect.iter_mut().zip(tip.into_iter().chain(angles)) {
            *out = value as f32;
        }
    }
}

/// A joint angle within the stops, rad.
pub(super) fn within_stops(angle: f32) -> f32 {
    angle.clamp(JOINT_LOW as f32, JOINT_HIGH as f32)
}
