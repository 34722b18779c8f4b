//! What a robot can be rewarded or, with a negative weight, punished for.

use tandem_core::check::SettingError;

use super::Context;
use super::catalogue::Entry;
use super::contact::Part;
use super::lookup::{Joint, PLACE, Place, default_pose, local_velocity, minus, norm, projected_gravity};
use super::motion::{feet_air_time, forward_velocity, position_error, reaching, velocity_error, velocity_name};
use super::params::Builder;
use super::raw::bodies;
use super::shared::{Measure, Told};
use super::termination::healthy;
use crate::simulation::Simulation;

/// A reward term, or why it is refused.
pub type Built = Result<Measure, SettingError>;

/// The reward terms: values before weights.
pub const TABLE: &[Entry<Measure>] = &[
    Entry::new(
        "is_alive",
        "1",
        "1 unless the episode ends",
        "Reward for going on.",
        |b| {
            b.model()?;
            Ok(Box::new(|_, ends| f64::from(u8::from(!ends))))
        },
    ),
    Entry::new(
        "is_terminated",
        "1",
        "1 if the episode ends",
        "For punishing an end before the horizon.",
        |b| {
            b.model()?;
            Ok(Box::new(|_, ends| f64::from(u8::from(ends))))
        },
    ),
    Entry::new(
        "is_healthy",
        "1",
        "1 if low <= x <= high for all ranges",
        "Gymnasium's healthy_reward: numbers of observation terms lie within ranges.",
        |b| {
            let healthy = healthy(b)?;
            measure(move |x| f64::from(u8::from(healthy(x))))
        },
    ),
    Entry::new(
        "lin_vel_z_l2",
        "m^2/s^2",
        "v_z^2",
        "Velocity along the root's own vertical axis.",
        |b| {
            let body = b.root()?;
            measure(move |x| local_velocity(x.robot, body)[5].powi(2))
        },
    ),
    Entry::new(
        "ang_vel_xy_l2",
        "rad^2/s^2",
        "w_x^2 + w_y^2",
        "Rolling and pitching of the root.",
        |b| {
            let body = b.root()?;
            measure(move |x| sum2(&local_velocity(x.robot, body)[..2]))
        },
    ),
    Entry::new(
        "flat_orientation_l2",
        "1",
        "g_x^2 + g_y^2",
        "Tilt of the root, by projected gravity.",
        |b| {
            let body = b.root()?;
            measure(move |x| sum2(&projected_gravity(x.robot, body)[..2]))
        },
    ),
    Entry::new(
        "upright",
        "1",
        "exp(-(g_x^2 + g_y^2) / std^2)",
        "How upright the root is.",
        |b| {
            let std = b.positive(
                "std",
                "1",
                0.447_213_595_499_957_9,
                "tilt at which it has fallen to 1/e",
            )?;
            let body = b.root()?;
            measure(move |x| (-sum2(&projected_gravity(x.robot, body)[..2]) / (std * std)).exp())
        },
    ),
    Entry::new(
        "base_height_l2",
        "m^2",
        "(z - target_height)^2",
        "Height of the root off a target.",
        |b| {
            let target = b.number("target_height", "m", 0.0, "height in the world")?;
            let body = b.root()?;
            measure(move |x| (x.robot.data().xpos()[body][2] - target).powi(2))
        },
    ),
    Entry::new(
        "joint_torques_l2",
        "N^2 m^2 or N^2",
        "sum tau^2",
        "Forces of actuators on joints.",
        |b| over(b, |x, j| x.robot.data().qfrc_actuator()[j.dof].powi(2)),
    ),
    Entry::new(
        "joint_vel_l2",
        "rad^2/s^2 or m^2/s^2",
        "sum (dq/dt)^2",
        "Velocities of joints.",
        |b| over(b, |x, j| x.robot.data().qvel()[j.dof].powi(2)),
    ),
    Entry::new(
        "joint_acc_l2",
        "rad^2/s^4 or m^2/s^4",
        "sum (d^2q/dt^2)^2",
        "Accelerations of joints.",
        |b| over(b, |x, j| x.robot.data().qacc()[j.dof].powi(2)),
    ),
    Entry::new(
        "joint_deviation_l1",
        "rad or m",
        "sum |q - q_0|",
        "Joints away from the default pose.",
        |b| {
            let key = b.shared.key;
            over(b, move |x, j| {
                (x.robot.data().qpos()[j.qpos] - default_pose(x.robot.model(), key)[j.qpos]).abs()
            })
        },
    ),
    Entry::new(
        "joint_pos_limits",
        "rad or m",
        "sum max(0, low - q) + max(0, q - high)",
        "Joints beyond a part of their range.",
        |b| {
            let soft = b.positive("soft", "1", 1.0, "part of the range about its middle that is free")?;
            over(b, move |x, j| beyond(x.robot, j, soft))
        },
    ),
    Entry::new(
        "electrical_power_cost",
        "W",
        "sum max(0, tau dq/dt)",
        "Power that actuators put into joints.",
        |b| {
            over(b, |x, j| {
                (x.robot.data().qfrc_actuator()[j.dof] * x.robot.data().qvel()[j.dof]).max(0.0)
            })
        },
    ),
    Entry::new(
        "action_l2",
        "1",
        "sum a^2",
        "Size of the commands, in [-1, 1]: Gymnasium's control cost.",
        |b| {
            b.model()?;
            measure(|x| sum2(&x.memory.action))
        },
    ),
    Entry::new(
        "action_rate_l2",
        "1",
        "sum (a - a_before)^2",
        "Change of the commands.",
        |b| {
            b.model()?;
            measure(|x| {
                x.memory
                    .action
                    .iter()
                    .zip(&x.memory.previous_action)
                    .map(|(a, b)| (a - b).powi(2))
                    .sum()
            })
        },
    ),
    Entry::new(
        "undesired_contacts",
        "1",
        "parts with |F| > threshold",
        "Parts that should not touch anything.",
        |b| {
            let threshold = b.magnitude("threshold", "N", 1.0, "force from which on a touch counts")?;
            let parts = b.parts()?;
            measure(move |x| parts.iter().filter(|part| part.touches(x.robot, threshold)).count() as f64)
        },
    ),
    Entry::new(
        "contact_forces",
        "N",
        "sum max(0, |F| - threshold)",
        "Contact forces that are too large.",
        |b| {
            let threshold = b.magnitude("threshold", "N", 0.0, "force that is free")?;
            let parts = b.parts()?;
            measure(move |x| {
                parts
                    .iter()
                    .map(|part| (norm(part.force(x.robot)) - threshold).max(0.0))
                    .sum()
            })
        },
    ),
    Entry::new(
        "contact_cost",
        "N^2 and N^2 m^2",
        "sum clip(cfrc_ext, range)^2",
        "The contact cost of Gymnasium's Ant: forces and torques from outside on bodies.",
        contact_cost,
    ),
    Entry::new(
        "track_lin_vel_xy_exp",
        "1",
        "exp(-|v_xy - c_xy|^2 / std^2)",
        "Following a velocity.",
        |b| {
            let (std, command) = (
                b.positive("std", "m/s", 0.5, "error at which it has fallen to 1/e")?,
                velocity_name(b)?,
            );
            let body = b.root()?;
            let c = b.shared.command(&command, Told::Velocity)?.start;
            measure(move |x| (-velocity_error(x, body, c).powi(2) / (std * std)).exp())
        },
    ),
    Entry::new(
        "track_ang_vel_z_exp",
        "1",
        "exp(-(w_z - c_z)^2 / std^2)",
        "Following a turning rate.",
        |b| {
            let std = b.positive("std", "rad/s", 0.5, "error at which it has fallen to 1/e")?;
            let command = velocity_name(b)?;
            let body = b.root()?;
            let c = b.shared.command(&command, Told::Velocity)?.start + 2;
            measure(move |x| (-(local_velocity(x.robot, body)[2] - x.memory.command[c]).powi(2) / (std * std)).exp())
        },
    ),
    Entry::new(
        "position_command_error",
        "m",
        "|c - p|",
        "How far a place is from where it is told to be.",
        |b| {
            let (place, c) = reaching(b)?;
            measure(move |x| position_error(x, place, c))
        },
    ),
    Entry::new(
        "position_command_error_tanh",
        "1",
        "1 - tanh(|c - p| / std)",
        "The same, as a bell.",
        |b| {
            let std = b.positive("std", "m", 0.1, "width of the bell")?;
            let (place, c) = reaching(b)?;
            measure(move |x| 1.0 - (position_error(x, place, c) / std).tanh())
        },
    ),
    Entry::new(
        "distance",
        "m",
        "|p_of - p_to|",
        "How far two places are from each other.",
        |b| {
            let of = b.text("of", None, PLACE)?;
            let to = b.text("to", None, "the other place")?;
            let model = b.model()?;
            let [of, to] = [Place::find(model, &of, "of")?, Place::find(model, &to, "to")?];
            measure(move |x| norm(minus(of.at(x.robot), to.at(x.robot))))
        },
    ),
    Entry::new(
        "forward_velocity",
        "m/s",
        "(p - p_before) / dt",
        "Way over the control step by its duration, of a place along an axis or of a joint.",
        forward_velocity,
    ),
    Entry::new(
        "feet_air_time",
        "s",
        "sum over feet that land of (time since the last touch - threshold); 0 where |c_xy| <= 0.1",
        "Long steps, as in Isaac Lab and legged_gym.",
        feet_air_time,
    ),
    Entry::new(
        "feet_slip",
        "m^2/s^2",
        "sum over feet that touch of |v_xy|^2",
        "Feet that slide, as in mjlab and MuJoCo Playground.",
        |b| {
            let threshold = b.magnitude("threshold", "N", 0.0, "force from which on a touch counts")?;
            let parts = b.parts()?;
            let slip = move |x: Context, part: &Part| match part.touches(x.robot, threshold) {
                true => part.sliding(x.robot).powi(2),
                false => 0.0,
            };
            measure(move |x| parts.iter().map(|part| slip(x, part)).sum())
        },
    ),
];

/// A measure that does not ask whether the episode ends.
pub fn measure(value: impl Fn(Context) -> f64 + Send + Sync + 'static) -> Built {
    Ok(Box::new(move |x, _| value(x)))
}

/// Sum over hinges and slides.
fn over(b: &mut Builder, value: impl Fn(Context, &Joint) -> f64 + Send + Sync + 'static) -> Built {
    let joints = b.scalar_joints()?;
    measure(move |x| joints.iter().map(|joint| value(x, joint)).sum())
}

fn sum2(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum()
}

/// How far a joint is beyond this part of its range; 0 where it has no limits.
pub fn beyond(robot: &Simulation, joint: &Joint, soft: f64) -> f64 {
    let model = robot.model();
    if !model.jnt_limited()[joint.id] {
        return 0.0;
    }
    let ([low, high], q) = (model.jnt_range()[joint.id], robot.data().qpos()[joint.qpos]);
    let (middle, half) = (0.5 * (low + high), 0.5 * soft * (high - low));
    (middle - half - q).max(0.0) + (q - middle - half).max(0.0)
}

fn contact_cost(b: &mut Builder) -> Built {
    let [low, high] = b.range("range", "N, N m", [-1.0, 1.0], "what forces and torques are clipped to")?;
    let found = bodies(b)?;
    b.shared.needs_forces = true;
    measure(move |x| {
        let forces = x.robot.data().cfrc_ext();
        let all = found.iter().flat_map(|&body| forces[body]);
        all.map(|force| force.clamp(low, high).powi(2)).sum()
    })
}
