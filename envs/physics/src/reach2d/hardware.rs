//! The arm's hardware model: joint angles and joint rates to link-end positions.

use super::config::{STEP_ANGLE, Settings};
use tandem_core::design::{DesignError, DesignSpace, Parameter, Scale};
use tandem_core::hardware::HardwareSpec;
use tandem_core::problem::{Channel, Hardware};

/// Mass of a designed motor per torque, kg/(N m): a geared actuator peaks at about 100 N m per
/// kilogram.
pub const MOTOR_MASS: f64 = 0.01;
/// A motor must bring its joint to full rate within this time, s, else the joint is slower.
const RISE_TIME: f64 = 0.15;
/// How far a designed base may stand from its nominal place along each axis, m.
const BASE_RANGE: f64 = 0.5;

/// The arm's design as the models need it.
#[derive(Clone, Copy, Debug)]
pub struct Arm<'a> {
    /// Link lengths, m, `[links]`.
    pub lengths: &'a [f64],
    /// Torque limits, N m, `[links]`, where they are designed.
    pub torques: Option<&'a [f64]>,
    /// Place of the base relative to the nominal one, m.
    pub base: [f64; 2],
}

/// Planar serial kinematics under joint rates; see the module's formula.
///
/// Query `[2 links]`: joint angles now (rad), then the command (joint rates in [-1, 1]).
/// Effect: tip x, tip y (the task part); x, y of the other link ends from the first link on; then, where they
/// are designed, the base's offset x, y and the angle steps `[links]` that the motors manage. Positions are
/// relative to the nominal base. The unit of noise and error is 1 m, one wavelength of the walls; for angle
/// steps it is the full step.
#[derive(Debug)]
pub struct ArmHardware {
    links: usize,
    design_base: bool,
    design_torque: bool,
    space: DesignSpace,
    spec: HardwareSpec,
}

impl ArmHardware {
    /// The hardware of these settings.
    ///
    /// # Errors
    /// Bounds that make no design space.
    pub fn new(settings: &Settings) -> Result<Self, DesignError> {
        let n = settings.links;
        let names = |stem: &str, unit: &str| -> Vec<Channel> {
            let name = |i| Channel::new(format!("{stem}_{}", i + 1), unit);
            (0..n).map(name).collect()
        };
        let mut query = names("joint_angle", "rad");
        query.extend(names("joint_rate", "1"));
        let mut bounds: Vec<(f32, f32)> = (0..n)
            .map(|i| (-Settings::joint_limit(i), Settings::joint_limit(i)))
            .collect();
        bounds.resize(2 * n, (-1.0, 1.0));
        let mut effect = vec![Channel::new("tip_x", "m"), Channel::new("tip_y", "m")];
        for i in 1..n {
            effect.push(Channel::new(format!("link_{i}_end_x"), "m"));
            effect.push(Channel::new(format!("link_{i}_end_y"), "m"));
        }
        if settings.design_base {
            effect.extend(["x", "y"].map(|axis| Channel::new(format!("base_{axis}"), "m")));
        }
        let mut scale = vec![1.0; effect.len()];
        if settings.design_torque {
            effect.extend(names("joint_step", "rad"));
            scale.resize(effect.len(), STEP_ANGLE);
        }
        Ok(Self {
            links: n,
            design_base: settings.design_base,
            design_torque: settings.design_torque,
            space: space(settings)?,
            spec: HardwareSpec::from_lists((query, bounds), (effect, scale), 2),
        })
    }

    /// Splits a design into its parts.
    pub fn arm<'a>(&self, design: &'a [f64]) -> Arm<'a> {
        let (lengths, mut rest) = design.split_at(self.links);
        let mut torques = None;
        if self.design_torque {
            let (head, tail) = rest.split_at(self.links);
            (torques, rest) = (Some(head), tail);
        }
        Arm {
            lengths,
            torques,
            base: if self.design_base { [rest[0], rest[1]] } else { [0.0; 2] },
        }
    }

    /// Index of the base offset in the effect, where it is designed.
    pub fn base_effect(&self) -> Option<usize> {
        self.design_base.then_some(2 * self.links)
    }

    /// Index of the first angle step in the effect, where torques are designed.
    pub fn step_effect(&self) -> Option<usize> {
        self.design_torque.then_some(self.effect_channels().len() - self.links)
    }
}

/// The design space: lengths, then torque limits, then the base's place.
fn space(settings: &Settings) -> Result<DesignSpace, DesignError> {
    let [low, high] = settings.length_bounds;
    let mut parameters: Vec<Parameter> = (1..=settings.links)
        .map(|i| {
            let name = format!("link_{i}_length");
            Parameter::linear(name, "m", low, high, settings.start_length)
        })
        .collect();
    if settings.design_torque {
        parameters.extend((0..settings.links).map(|i| {
            let start = settings.joint_torque(i);
            let name = format!("joint_{}_torque", i + 1);
            Parameter {
                scale: Scale::Log,
                ..Parameter::linear(name, "N m", start / 10.0, start * 2.0, start / 5.0)
            }
        }));
    }
    if settings.design_base {
        parameters.extend(
            ["x", "y"].map(|axis| Parameter::linear(format!("base_{axis}"), "m", -BASE_RANGE, BASE_RANGE, 0.0)),
        );
    }
    DesignSpace::new(parameters)
}

/// The joint angle after one control step at full freedom, rad: `clamp(q + 0.15 u, -limit, limit)`.
pub fn next_angle(joint: usize, angle: f32, command: f32) -> f32 {
    let limit = Settings::joint_limit(joint);
    (angle + STEP_ANGLE * command.clamp(-1.0, 1.0)).clamp(-limit, limit)
}

/// Inertia of everything beyond joint `i` about it, kg m^2, with the arm straight: the worst case.
///
/// Links are rods of [`super::config::link_mass`], motors points at their joints.
fn inertia_beyond(arm: &Arm, i: usize) -> f64 {
    let mut reach = 0.0;
    let mut inertia = 0.0;
    for (k, &length) in arm.lengths.iter().enumerate().skip(i) {
        let mass = super::config::link_mass(length);
        if k > i {
            let motor = arm.torques.map_or(0.0, |t| MOTOR_MASS * t[k]);
            inertia += motor * reach * reach;
        }
        let middle = reach + 0.5 * length;
        inertia += mass * (length * length / 12.0 + middle * middle);
        reach += length;
    }
    inertia
}

/// Share of the commanded rate that joint `i`'s motor manages, in (0, 1]: its torque over what would bring
/// the straight arm to full rate within [`RISE_TIME`].
pub fn rate_share(arm: &Arm, i: usize) -> f32 {
    let Some(torques) = arm.torques else {
        return 1.0;
    };
    let rate = f64::from(STEP_ANGLE / super::config::CONTROL_DT);
    let needed = inertia_beyond(arm, i) * rate / RISE_TIME;
    (torques[i] / needed).min(1.0) as f32
}

impl Hardware for ArmHardware {
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn spec(&self) -> &HardwareSpec {
        &self.spec
    }

    /// Without designed torques: sine and cosine of the cumulated angles after the move, which make the
    /// effect linear in the lengths, `[2 links]`. With them the move itself depends on the design, so sine
    /// and cosine are those before the move, followed by the command, `[3 links]`.
    fn feature_len(&self) -> usize {
        (2 + usize::from(self.design_torque)) * self.links
    }

    fn features(&self, query: &[f32], out: &mut [f32]) {
        let (angles, command) = query.split_at(self.links);
        let mut sum = 0.0;
        for i in 0..self.links {
            sum += if self.design_torque {
                angles[i]
            } else {
                next_angle(i, angles[i], command[i])
            };
            (out[2 * i], out[2 * i + 1]) = f32::sin_cos(sum);
        }
        if self.design_torque {
            out[2 * self.links..].copy_from_slice(command);
        }
    }

    fn respond(&self, design: &[f64], query: &[f32], effect: &mut [f32]) {
        let n = self.links;
        let arm = self.arm(design);
        let (angles, command) = query.split_at(n);
        let (mut x, mut y) = (arm.base[0] as f32, arm.base[1] as f32);
        let mut sum = 0.0;
        for i in 0..n {
            let share = rate_share(&arm, i);
            let angle = next_angle(i, angles[i], share * command[i].clamp(-1.0, 1.0));
            if let Some(first) = self.step_effect() {
                effect[first + i] = angle - angles[i];
            }
            sum += angle;
            let (sin, cos) = sum.sin_cos();
            x += arm.lengths[i] as f32 * cos;
            y += arm.lengths[i] as f32 * sin;
            // the tip comes first, the other ends follow in order
            let slot = if i + 1 == n { 0 } else { 2 * (i + 1) };
            (effect[slot], effect[slot + 1]) = (x, y);
        }
        if let Some(slot) = self.base_effect() {
            effect[slot] = arm.base[0] as f32;
            effect[slot + 1] = arm.base[1] as f32;
        }
    }
}
