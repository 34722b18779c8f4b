//! Parts of a robot by name, and what is read off them.

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_model::{MjtJoint as MjJoint, MjtObjBase as Kind};
use tandem_core::check::SettingError;
use tandem_core::spelling::hint;

use super::params::{Builder, wrong};
use crate::pattern::fits;
use crate::simulation::Simulation;

pub use crate::names::of as name;

/// A joint and where its numbers lie.
#[derive(Clone, Debug)]
pub struct Joint {
    /// Its number.
    pub id: usize,
    /// Its name.
    pub name: String,
    /// Free, ball, slide or hinge.
    pub kind: MjJoint,
    /// First of its coordinates.
    pub qpos: usize,
    /// First of its velocities.
    pub dof: usize,
}

impl Joint {
    fn new(model: &MjModel, id: usize) -> Self {
        Self {
            id,
            name: name(model, Kind::mjOBJ_JOINT, id),
            kind: model.jnt_type()[id],
            qpos: model.jnt_qposadr()[id] as usize,
            dof: model.jnt_dofadr()[id] as usize,
        }
    }

    /// Whether it has one coordinate.
    pub fn is_scalar(&self) -> bool {
        matches!(self.kind, MjJoint::mjJNT_HINGE | MjJoint::mjJNT_SLIDE)
    }

    /// Unit of its coordinate.
    pub fn unit(&self) -> &'static str {
        if self.kind == MjJoint::mjJNT_SLIDE { "m" } else { "rad" }
    }

    /// Names and units of its coordinates.
    pub fn coordinates(&self) -> &'static [(&'static str, &'static str)] {
        match self.kind {
            MjJoint::mjJNT_FREE => &[
                ("_x", "m"),
                ("_y", "m"),
                ("_z", "m"),
                ("_qw", "1"),
                ("_qx", "1"),
                ("_qy", "1"),
                ("_qz", "1"),
            ],
            MjJoint::mjJNT_BALL => &[("_qw", "1"), ("_qx", "1"), ("_qy", "1"), ("_qz", "1")],
            MjJoint::mjJNT_SLIDE => &[("", "m")],
            MjJoint::mjJNT_HINGE => &[("", "rad")],
        }
    }

    /// Names and units of its velocities.
    pub fn velocities(&self) -> &'static [(&'static str, &'static str)] {
        match self.kind {
            MjJoint::mjJNT_FREE => &[
                ("_x", "m/s"),
                ("_y", "m/s"),
                ("_z", "m/s"),
                ("_wx", "rad/s"),
                ("_wy", "rad/s"),
                ("_wz", "rad/s"),
            ],
            MjJoint::mjJNT_BALL => &[("_wx", "rad/s"), ("_wy", "rad/s"), ("_wz", "rad/s")],
            MjJoint::mjJNT_SLIDE => &[("", "m/s")],
            MjJoint::mjJNT_HINGE => &[("", "rad/s")],
        }
    }
}

/// How many parts of a kind there are, and what one is called.
fn count(model: &MjModel, kind: Kind) -> (usize, &'static str) {
    let m = model.ffi();
    let (n, word) = match kind {
        Kind::mjOBJ_BODY => (m.nbody, "body"),
        Kind::mjOBJ_JOINT => (m.njnt, "joint"),
        Kind::mjOBJ_GEOM => (m.ngeom, "geom"),
        Kind::mjOBJ_SITE => (m.nsite, "site"),
        Kind::mjOBJ_ACTUATOR => (m.nactuator, "actuator"),
        Kind::mjOBJ_SENSOR => (m.nsensor, "sensor"),
        Kind::mjOBJ_KEY => (m.nkey, "key"),
        _ => (0, "part"),
    };
    (n as usize, word)
}

/// All names of a kind.
fn names(model: &MjModel, kind: Kind) -> Vec<String> {
    (0..count(model, kind).0).map(|id| name(model, kind, id)).collect()
}

/// The parts whose names fit, pattern by pattern, in the model's order, each once.
///
/// # Errors
/// A pattern that nothing fits, by this parameter's name.
pub fn find(model: &MjModel, kind: Kind, patterns: &[String], key: &str) -> Result<Vec<usize>, SettingError> {
    let names = names(model, kind);
    let mut found = Vec::new();
    for pattern in patterns {
        let fitting: Vec<usize> = (0..names.len()).filter(|&id| fits(pattern, &names[id])).collect();
        if fitting.is_empty() {
            return Err(absent(key, count(model, kind).1, pattern, &names));
        }
        found.extend(fitting.into_iter().filter(|id| !found.contains(id)).collect::<Vec<_>>());
    }
    match found.is_empty() {
        true => Err(wrong(key, "names nothing")),
        false => Ok(found),
    }
}

/// The one part of this name.
///
/// # Errors
/// There is none, by this parameter's name.
pub fn one(model: &MjModel, kind: Kind, wanted: &str, key: &str) -> Result<usize, SettingError> {
    let names = names(model, kind);
    let found = names.iter().position(|name| name == wanted);
    found.ok_or_else(|| absent(key, count(model, kind).1, wanted, &names))
}

/// There is no such part among these; which was probably meant.
fn absent(key: &str, word: &str, wanted: &str, names: &[String]) -> SettingError {
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let reason = format!("the model has no {word} `{wanted}`; {}", hint(wanted, &known));
    wrong(key, reason)
}

/// The bodies whose names fit, without the world where it is not named itself.
///
/// # Errors
/// As [`find`].
pub fn bodies(model: &MjModel, patterns: &[String]) -> Result<Vec<usize>, SettingError> {
    let mut found = find(model, Kind::mjOBJ_BODY, patterns, "bodies")?;
    found.retain(|&id| id > 0 || patterns.iter().any(|pattern| pattern == "world"));
    Ok(found)
}

/// The joints whose names fit.
///
/// # Errors
/// As [`find`].
pub fn joints(model: &MjModel, patterns: &[String]) -> Result<Vec<Joint>, SettingError> {
    let found = find(model, Kind::mjOBJ_JOINT, patterns, "joints")?;
    Ok(found.into_iter().map(|id| Joint::new(model, id)).collect())
}

/// The hinges and slides whose names fit. `*` passes over free and ball joints; named ones are refused.
///
/// # Errors
/// As [`find`]; a named joint that has more than one coordinate.
pub fn scalar_joints(model: &MjModel, patterns: &[String]) -> Result<Vec<Joint>, SettingError> {
    let mut found = joints(model, patterns)?;
    if let Some(joint) = found.iter().find(|j| !j.is_scalar() && patterns.contains(&j.name)) {
        return Err(wrong("joints", format!("`{}` is neither hinge nor slide", joint.name)));
    }
    found.retain(Joint::is_scalar);
    match found.is_empty() {
        true => Err(wrong("joints", "the model has neither hinges nor slides of such names")),
        false => Ok(found),
    }
}

/// The body that a robot's own velocity and attitude are those of: the first with a free joint, else the first child of the
/// world with a hinge or slide (planar robots), else the first.
pub fn root(model: &MjModel) -> Option<usize> {
    let joint = |body: usize, fitting: &dyn Fn(MjJoint) -> bool| {
        let (first, n) = (model.body_jntadr()[body], model.body_jntnum()[body]);
        n > 0 && (first..first + n).any(|id| fitting(model.jnt_type()[id as usize]))
    };
    let bodies = || 1..model.ffi().nbody as usize;
    let free = bodies().find(|&body| joint(body, &|kind| kind == MjJoint::mjJNT_FREE));
    let planar = || bodies().find(|&body| model.body_parentid()[body] == 0 && joint(body, &|_| true));
    free.or_else(planar).or_else(|| bodies().next())
}

/// The pose from which joints are counted, `[nq]`: that of the key frame in which episodes begin, else the file's reference
/// pose.
pub fn default_pose(model: &MjModel, key: Option<usize>) -> &[f64] {
    let nq = model.qpos0().len();
    key.map_or(model.qpos0(), |key| &model.key_qpos()[key * nq..(key + 1) * nq])
}

impl Builder<'_> {
    /// The body that the parameter `body` names, or the root. To be read last.
    ///
    /// # Errors
    /// No such body.
    pub fn root(&mut self) -> Result<usize, SettingError> {
        let wanted = self.text(
            "body",
            Some(""),
            "body whose frame is meant; the floating base where none is named",
        )?;
        let model = self.model()?;
        match wanted.as_str() {
            "" => root(model).ok_or_else(|| wrong("body", "the model has no body")),
            wanted => one(model, Kind::mjOBJ_BODY, wanted, "body"),
        }
    }

    /// The hinges and slides that the parameter `joints` names. To be read last.
    ///
    /// # Errors
    /// No such joint.
    pub fn scalar_joints(&mut self) -> Result<Vec<Joint>, SettingError> {
        let patterns = self.patterns("joints", Some("*"), "hinges and slides, by pattern")?;
        scalar_joints(self.model()?, &patterns)
    }
}

/// A place on a robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The origin of a body's frame.
    Body(usize),
    /// A body's own centre of mass.
    Com(usize),
    /// The centre of mass of a body and all that hangs on it.
    Subtree(usize),
    /// A site.
    Site(usize),
    /// A geom's centre.
    Geom(usize),
}

/// How a place is written, for the docs of parameters.
pub const PLACE: &str = "a place: `body:NAME`, `com:NAME` (a body's centre of mass), `subtree:NAME` (with all that hangs on \
                         it), `site:NAME`, `geom:NAME`, or a name that is looked for among sites, bodies, geoms";

impl Place {
    /// The place that is written so.
    ///
    /// # Errors
    /// There is none, by this parameter's name.
    pub fn find(model: &MjModel, text: &str, key: &str) -> Result<Self, SettingError> {
        let body = |name: &str| one(model, Kind::mjOBJ_BODY, name, key);
        match text.split_once(':') {
            Some(("body", name)) => body(name).map(Self::Body),
            Some(("com", name)) => body(name).map(Self::Com),
            Some(("subtree", name)) => body(name).map(Self::Subtree),
            Some(("site", name)) => one(model, Kind::mjOBJ_SITE, name, key).map(Self::Site),
            Some(("geom", name)) => one(model, Kind::mjOBJ_GEOM, name, key).map(Self::Geom),
            _ => Self::find_plain(model, text, key),
        }
    }

    fn find_plain(model: &MjModel, text: &str, key: &str) -> Result<Self, SettingError> {
        let site = one(model, Kind::mjOBJ_SITE, text, key).map(Self::Site);
        let body = |_| one(model, Kind::mjOBJ_BODY, text, key).map(Self::Body);
        let geom = |_| one(model, Kind::mjOBJ_GEOM, text, key).map(Self::Geom);
        site.or_else(body).or_else(geom).map_err(|_| {
            let kinds = [Kind::mjOBJ_SITE, Kind::mjOBJ_BODY, Kind::mjOBJ_GEOM];
            let all: Vec<String> = kinds.into_iter().flat_map(|kind| names(model, kind)).collect();
            absent(key, "site, body or geom", text, &all)
        })
    }

    /// Where it is in the world, m.
    pub fn at(self, robot: &Simulation) -> [f64; 3] {
        let data = robot.data();
        match self {
            Self::Body(id) => data.xpos()[id],
            Self::Com(id) => data.xipos()[id],
            Self::Subtree(id) => data.subtree_com()[id],
            Self::Site(id) => data.site_xpos()[id],
            Self::Geom(id) => data.geom_xpos()[id],
        }
    }
}

/// A body's velocity in its own frame: angular, rad/s, then linear at its origin, m/s.
pub fn local_velocity(robot: &Simulation, body: usize) -> [f64; 6] {
    robot.data().object_velocity(Kind::mjOBJ_XBODY, body, true)
}

/// A vector of the world, seen in a body's frame.
pub fn to_frame(robot: &Simulation, body: usize, v: [f64; 3]) -> [f64; 3] {
    let r = &robot.data().xmat()[body];
    [0, 1, 2].map(|i| r[i] * v[0] + r[3 + i] * v[1] + r[6 + i] * v[2])
}

/// Direction of gravity in a body's frame; `[0, 0, -1]` where it stands upright.
pub fn projected_gravity(robot: &Simulation, body: usize) -> [f64; 3] {
    let g = robot.model().opt().gravity;
    let size = norm(g);
    let down = if size > 0.0 {
        g.map(|x| x / size)
    } else {
        [0.0, 0.0, -1.0]
    };
    to_frame(robot, body, down)
}

/// Length of a vector.
pub fn norm(v: [f64; 3]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// From b to a.
pub fn minus(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}
