//! What a robot is told to do: drawn at the start of an episode and again at intervals.

use std::f64::consts::TAU;
use std::ops::Range;

use mujoco_rs::wrappers::mj_model::MjtObjBase as Kind;
use tandem_core::Stream;
use tandem_core::check::SettingError;

use super::Memory;
use super::catalogue::Entry;
use super::clock::Clock;
use super::lookup::one;
use super::params::{Builder, wrong};
use super::shared::{Event, Told};
use crate::simulation::Simulation;

/// A command term, built: what it tells, and what happens when. Its numbers are the last three slots of
/// [`Memory::command`] when it is built.
pub struct Teller {
    /// What it tells.
    pub told: Told,
    /// Draws it.
    pub event: Box<dyn Event>,
}

/// The command terms.
pub const TABLE: &[Entry<Teller>] = &[
    Entry::new(
        "velocity",
        "m/s, m/s, rad/s",
        "c ~ uniform, or 0 with probability `standing`",
        "A velocity forwards, to the left and a turning rate, in the root's frame.",
        velocity,
    ),
    Entry::new(
        "position",
        "m",
        "c ~ uniform in a box, disc or shell",
        "A place in the world.",
        position,
    ),
];

/// The time between draws, s; 0 for never.
fn interval(b: &mut Builder, default: [f64; 2]) -> Result<[f64; 2], SettingError> {
    let interval = b.range(
        "resample",
        "s",
        default,
        "time until it is drawn again; 0 for never in an episode",
    )?;
    match interval[0] >= 0.0 {
        true => Ok(interval),
        false => Err(wrong(
            "resample",
            format!("begins at {}; it must not be below 0", interval[0]),
        )),
    }
}

/// The slots of the command that is being built, which is added after this.
fn slots(b: &Builder) -> Range<usize> {
    let start = b.shared.commands.last().map_or(0, |c| c.range.end);
    start..start + 3
}

struct Velocity {
    range: Range<usize>,
    ranges: [[f64; 2]; 3],
    standing: f64,
    clock: Clock,
}

impl Event for Velocity {
    fn start(&self, _robot: &mut Simulation, memory: &mut Memory, stream: &mut Stream) {
        self.clock.wind(memory, stream);
        let stands = stream.unit() < self.standing;
        for (slot, [low, high]) in self.range.clone().zip(self.ranges) {
            let drawn = stream.uniform(low, high);
            memory.command[slot] = if stands { 0.0 } else { drawn };
        }
    }

    fn step(&self, robot: &mut Simulation, memory: &mut Memory, stream: &mut Stream) -> bool {
        if self.clock.rings(memory) {
            self.start(robot, memory, stream);
        }
        false
    }
}

fn velocity(b: &mut Builder) -> Result<Teller, SettingError> {
    let ranges = [
        b.range("lin_vel_x", "m/s", [-1.0, 1.0], "velocity forwards, [low, high]")?,
        b.range("lin_vel_y", "m/s", [0.0, 0.0], "velocity to the left")?,
        b.range("ang_vel_z", "rad/s", [0.0, 0.0], "turning rate, to the left")?,
    ];
    let standing = b.magnitude("standing", "1", 0.0, "how likely it is to stand still")?;
    let interval = interval(b, [10.0, 10.0])?;
    b.model()?;
    if standing > 1.0 {
        return Err(wrong("standing", format!("is {standing}; it must not be above 1")));
    }
    let range = slots(b);
    let clock = Clock::new(b.shared, interval);
    let event = Box::new(Velocity {
        range,
        ranges,
        standing,
        clock,
    });
    Ok(Teller {
        told: Told::Velocity,
        event,
    })
}

/// Where a position is drawn.
#[derive(Clone, Copy)]
enum Region {
    Box([[f64; 2]; 3]),
    Disc([f64; 3], [f64; 2]),
    Shell([f64; 3], [f64; 2]),
}

impl Region {
    /// A place in it, every part of its volume (area) as likely as another.
    fn draw(self, stream: &mut Stream) -> [f64; 3] {
        match self {
            Self::Box(ranges) => ranges.map(|[low, high]| stream.uniform(low, high)),
            Self::Disc(c, [inner, outer]) => {
                let r = stream.uniform(inner * inner, outer * outer).sqrt();
                let (sin, cos) = (TAU * stream.unit()).sin_cos();
                [c[0] + r * cos, c[1] + r * sin, c[2]]
            }
            Self::Shell(c, [inner, outer]) => {
                let r = stream.uniform(inner.powi(3), outer.powi(3)).cbrt();
                let z = stream.uniform(-1.0, 1.0);
                let (sin, cos) = (TAU * stream.unit()).sin_cos();
                let flat = (1.0 - z * z).sqrt();
                [c[0] + r * flat * cos, c[1] + r * flat * sin, c[2] + r * z]
            }
        }
    }
}

struct Position {
    range: Range<usize>,
    region: Region,
    /// Mocap body that is put there.
    marker: Option<usize>,
    clock: Clock,
}

impl Event for Position {
    fn start(&self, robot: &mut Simulation, memory: &mut Memory, stream: &mut Stream) {
        self.clock.wind(memory, stream);
        let place = self.region.draw(stream);
        memory.command[self.range.clone()].copy_from_slice(&place);
        if let Some(marker) = self.marker {
            robot.data_mut().mocap_pos_mut()[marker] = place;
        }
    }

    fn step(&self, robot: &mut Simulation, memory: &mut Memory, stream: &mut Stream) -> bool {
        let rings = self.clock.rings(memory);
        if rings {
            self.start(robot, memory, stream);
        }
        rings && self.marker.is_some()
    }
}

fn position(b: &mut Builder) -> Result<Teller, SettingError> {
    let shape = b.choice(
        "shape",
        &["box", "disc", "shell"],
        "`box` (of `x`, `y`, `z`), `disc` (level, of `center`, `radius`) or `shell` (around `center`, of `radius`)",
    )?;
    let axes = [
        b.range("x", "m", [-1.0, 1.0], "of a box, [low, high]")?,
        b.range("y", "m", [-1.0, 1.0], "of a box")?,
        b.range("z", "m", [0.0, 0.0], "of a box")?,
    ];
    let center = b.vector("center", "m", [0.0; 3], "of a disc or shell")?;
    let radius = b.range("radius", "m", [0.0, 1.0], "of a disc or shell, [inner, outer]")?;
    let body = b.text("body", Some(""), "mocap body that is put there, to be seen")?;
    let interval = interval(b, [0.0, 0.0])?;
    let model = b.model()?;
    if radius[0] < 0.0 {
        return Err(wrong(
            "radius",
            format!("begins at {}; it must not be below 0", radius[0]),
        ));
    }
    let marker = match body.as_str() {
        "" => None,
        body => Some(model.body_mocapid()[one(model, Kind::mjOBJ_BODY, body, "body")?]),
    };
    if marker.is_some_and(|id| id < 0) {
        return Err(wrong(
            "body",
            format!("`{body}` is no mocap body (mocap=\"true\" in the file)"),
        ));
    }
    let region = [
        Region::Box(axes),
        Region::Disc(center, radius),
        Region::Shell(center, radius),
    ][shape];
    let range = slots(b);
    let clock = Clock::new(b.shared, interval);
    let marker = marker.map(|id| id as usize);
    let event = Box::new(Position {
        range,
        region,
        marker,
        clock,
    });
    Ok(Teller {
        told: Told::Position,
        event,
    })
}
