//! What happens by chance: noise at the start of an episode, pushes during it, robots that differ from episode to episode.

use std::ops::Range;

use mujoco_rs::wrappers::mj_model::{MjtJoint, MjtObjBase as Kind};
use tandem_core::Stream;
use tandem_core::check::SettingError;

use super::Memory;
use super::catalogue::Entry;
use super::clock::Clock;
use super::lookup::{Joint, joints, one};
use super::params::{Builder, wrong};
use super::randomise::{actuator_gain, body_mass, friction};
use super::shared::{Delay, Event};
use crate::simulation::Simulation;

/// An event term, or why it is refused.
pub type Built = Result<Box<dyn Event>, SettingError>;

/// The event terms, which happen in the order in which a task lists them.
pub const TABLE: &[Entry<Box<dyn Event>>] = &[
    Entry::new(
        "reset_to_keyframe",
        "1",
        "q, dq/dt, activations, controls = key frame",
        "Episodes begin in a key frame of the file, before any noise; it is also the default pose of joints.",
        |b| {
            let key = b.text("key", Some("home"), "name of the key frame")?;
            b.shared.key = Some(one(b.model()?, Kind::mjOBJ_KEY, &key, "key")?);
            Ok(Box::new(Nothing))
        },
    ),
    Entry::new(
        "reset_joints_uniform",
        "m, rad; m/s, rad/s",
        "q += U(position), dq/dt += U(velocity)",
        "Even noise on the start state; free and ball joints get it on each of their numbers, as in Gymnasium.",
        |b| reset_joints(b, Noise::Uniform),
    ),
    Entry::new(
        "reset_joints_normal",
        "m, rad; m/s, rad/s",
        "q += N(0, position^2), dq/dt += N(0, velocity^2)",
        "Normal noise on the start state.",
        |b| reset_joints(b, Noise::Normal),
    ),
    Entry::new(
        "reset_target_disc",
        "m",
        "(q_1, q_2) ~ uniform in a disc, dq/dt = 0",
        "Two slides of the file carry a target somewhere in a disc about 0.",
        reset_target_disc,
    ),
    Entry::new(
        "push",
        "m/s, rad/s",
        "v += U(x, y, z), w += U(roll, pitch, yaw)",
        "A kick to the root.",
        push,
    ),
    Entry::new(
        "friction",
        "1",
        "mu *= U(range)",
        "Other friction of geoms in each episode.",
        friction,
    ),
    Entry::new(
        "body_mass",
        "1",
        "m, I *= U(range)",
        "Other masses, and inertias with them.",
        body_mass,
    ),
    Entry::new(
        "actuator_gain",
        "1",
        "gain, feedback *= U(range)",
        "Stronger or weaker motors, servos (both stiffness and damping) and muscles.",
        actuator_gain,
    ),
    Entry::new(
        "delay",
        "control steps",
        "ctrl(t) = command(t - n), n ~ uniform",
        "Commands arrive late; before the first arrives, a command of 0 holds.",
        delay,
    ),
];

/// An event that acts through what it has noted while it was built.
struct Nothing;

impl Event for Nothing {}

#[derive(Clone, Copy)]
enum Noise {
    Uniform,
    Normal,
}

impl Noise {
    /// A number from these bounds, or of this standard deviation.
    fn draw(self, [low, high]: [f64; 2], stream: &mut Stream) -> f64 {
        match self {
            Self::Uniform => stream.uniform(low, high),
            Self::Normal => high * stream.normal(),
        }
    }
}

struct ResetJoints {
    noise: Noise,
    qpos: Vec<Range<usize>>,
    qvel: Vec<Range<usize>>,
    position: [f64; 2],
    velocity: [f64; 2],
}

impl Event for ResetJoints {
    fn start(&self, robot: &mut Simulation, _memory: &mut Memory, stream: &mut Stream) {
        let mut add = |values: &mut [f64], slots: &[Range<usize>], size: [f64; 2]| {
            if size != [0.0; 2] {
                let slots = slots.iter().flat_map(Clone::clone);
                slots.for_each(|slot| values[slot] += self.noise.draw(size, stream));
            }
        };
        add(robot.data_mut().qpos_mut(), &self.qpos, self.position);
        add(robot.data_mut().qvel_mut(), &self.qvel, self.velocity);
    }
}

fn reset_joints(b: &mut Builder, noise: Noise) -> Built {
    let patterns = b.patterns("joints", Some("*"), "joints, by pattern")?;
    let [position, velocity] = match noise {
        Noise::Uniform => [
            b.range("position", "m, rad", [0.0, 0.0], "noise on coordinates, [low, high]")?,
            b.range("velocity", "m/s, rad/s", [0.0, 0.0], "noise on velocities, [low, high]")?,
        ],
        Noise::Normal => [
            [
                0.0,
                b.magnitude("position", "m, rad", 0.0, "standard deviation of coordinates")?,
            ],
            [
                0.0,
                b.magnitude("velocity", "m/s, rad/s", 0.0, "standard deviation of velocities")?,
            ],
        ],
    };
    let joints = joints(b.model()?, &patterns)?;
    let qpos = joints.iter().map(|j| j.qpos..j.qpos + j.coordinates().len()).collect();
    let qvel = joints.iter().map(|j| j.dof..j.dof + j.velocities().len()).collect();
    Ok(Box::new(ResetJoints {
        noise,
        qpos,
        qvel,
        position,
        velocity,
    }))
}

struct TargetDisc {
    joints: [Joint; 2],
    radius: f64,
}

impl Event for TargetDisc {
    fn start(&self, robot: &mut Simulation, _memory: &mut Memory, stream: &mut Stream) {
        let r = self.radius * stream.unit().sqrt();
        let (sin, cos) = (std::f64::consts::TAU * stream.unit()).sin_cos();
        for (joint, value) in self.joints.iter().zip([r * cos, r * sin]) {
            robot.data_mut().qpos_mut()[joint.qpos] = value;
            robot.data_mut().qvel_mut()[joint.dof] = 0.0;
        }
    }
}

fn reset_target_disc(b: &mut Builder) -> Built {
    let patterns = b.patterns("joints", None, "the two slides that carry the target")?;
    let radius = b.positive("radius", "m", 0.2, "of the disc")?;
    let found = joints(b.model()?, &patterns)?;
    if let Some(joint) = found.iter().find(|joint| joint.kind != MjtJoint::mjJNT_SLIDE) {
        return Err(wrong("joints", format!("`{}` is no slide", joint.name)));
    }
    let joints = <[Joint; 2]>::try_from(found).map_err(|found| {
        let reason = format!("two slides are expected; {} have such names", found.len());
        wrong("joints", reason)
    })?;
    Ok(Box::new(TargetDisc { joints, radius }))
}

struct Push {
    body: usize,
    clock: Clock,
    linear: [[f64; 2]; 3],
    angular: [[f64; 2]; 3],
}

impl Event for Push {
    fn start(&self, _robot: &mut Simulation, memory: &mut Memory, stream: &mut Stream) {
        self.clock.wind(memory, stream);
    }

    fn step(&self, robot: &mut Simulation, memory: &mut Memory, stream: &mut Stream) -> bool {
        let pushes = self.clock.rings(memory);
        if pushes {
            let v = self.linear.map(|[low, high]| stream.uniform(low, high));
            let w = self.angular.map(|[low, high]| stream.uniform(low, high));
            kick(robot, self.body, v, w);
            self.clock.wind(memory, stream);
        }
        pushes
    }
}

/// Adds a velocity, in the world's axes, to a body through the joints that it hangs on.
fn kick(robot: &mut Simulation, body: usize, v: [f64; 3], w: [f64; 3]) {
    let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let (first, n) = (robot.model().body_jntadr()[body], robot.model().body_jntnum()[body]);
    for id in (first..first + n).map(|id| id as usize) {
        let dof = robot.model().jnt_dofadr()[id] as usize;
        let axis = robot.data().xaxis()[id];
        // Free and ball joints turn about the body's own axes.
        let local = super::lookup::to_frame(robot, body, w);
        let kind = robot.model().jnt_type()[id];
        let qvel = robot.data_mut().qvel_mut();
        match kind {
            MjtJoint::mjJNT_SLIDE => qvel[dof] += dot(axis, v),
            MjtJoint::mjJNT_HINGE => qvel[dof] += dot(axis, w),
            MjtJoint::mjJNT_BALL => (0..3).for_each(|i| qvel[dof + i] += local[i]),
            MjtJoint::mjJNT_FREE => (0..3).for_each(|i| {
                qvel[dof + i] += v[i];
                qvel[dof + 3 + i] += local[i];
            }),
        }
    }
}

fn push(b: &mut Builder) -> Built {
    let interval = b.range("interval", "s", [5.0, 10.0], "time between two kicks, [low, high]")?;
    let linear = [
        b.range("x", "m/s", [-0.5, 0.5], "velocity along the world's x, [low, high]")?,
        b.range("y", "m/s", [-0.5, 0.5], "velocity along y")?,
        b.range("z", "m/s", [0.0, 0.0], "velocity along z")?,
    ];
    let angular = [
        b.range("roll", "rad/s", [0.0, 0.0], "turning rate about x")?,
        b.range("pitch", "rad/s", [0.0, 0.0], "turning rate about y")?,
        b.range("yaw", "rad/s", [0.0, 0.0], "turning rate about z")?,
    ];
    let body = b.root()?;
    if interval[0] <= 0.0 {
        return Err(wrong(
            "interval",
            format!("begins at {}; it must be above 0", interval[0]),
        ));
    }
    if b.model()?.body_jntnum()[body] == 0 {
        return Err(wrong("body", "has no joint of its own, so that it cannot be pushed"));
    }
    let clock = Clock::new(b.shared, interval);
    Ok(Box::new(Push {
        body,
        clock,
        linear,
        angular,
    }))
}

struct Late {
    slot: usize,
    steps: [usize; 2],
}

impl Event for Late {
    fn draw(&self, memory: &mut Memory, stream: &mut Stream) {
        let [low, high] = self.steps;
        memory.kept[self.slot] = (low + stream.below(high - low + 1)) as f64;
    }
}

fn delay(b: &mut Builder) -> Built {
    let low = b.whole("low", 0, [0, 100], "fewest control steps")?;
    let high = b.whole("high", 1, [0, 100], "most control steps")?;
    b.model()?;
    if low > high {
        return Err(wrong("low", format!("is {low}; it must not be above high, {high}")));
    }
    if b.shared.delay.is_some() {
        return Err(wrong("", "there can be one delay only"));
    }
    let slot = b.shared.keep(1).start;
    b.shared.delay = Some(Delay {
        slot,
        most: high,
        history: 0..0,
    });
    Ok(Box::new(Late {
        slot,
        steps: [low, high],
    }))
}
