//! Which parts of a robot touch something, and how hard.

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_model::MjtObjBase as Kind;
use tandem_core::check::SettingError;

use super::lookup::{self, Place, find, name, norm};
use super::params::{Builder, wrong};
use crate::simulation::Simulation;

/// A part that may touch something: a geom, or all geoms of a body.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its place.
    pub place: Place,
    /// For each geom of the model, whether it belongs to the part.
    geoms: Vec<bool>,
}

impl Part {
    fn body(model: &MjModel, id: usize) -> Self {
        Self {
            name: name(model, Kind::mjOBJ_BODY, id),
            place: Place::Body(id),
            geoms: model.geom_bodyid().iter().map(|&body| body as usize == id).collect(),
        }
    }

    fn geom(model: &MjModel, id: usize) -> Self {
        Self {
            name: name(model, Kind::mjOBJ_GEOM, id),
            place: Place::Geom(id),
            geoms: (0..model.geom_bodyid().len()).map(|geom| geom == id).collect(),
        }
    }

    /// Whether there is nothing of it that may touch.
    fn is_empty(&self) -> bool {
        !self.geoms.contains(&true)
    }

    /// The force that contacts put on it, in the world's frame, N. Contacts within the part cancel.
    pub fn force(&self, robot: &Simulation) -> [f64; 3] {
        let data = robot.data();
        let mut sum = [0.0; 3];
        for (i, contact) in data.contact().iter().enumerate() {
            let mine = contact.geom.map(|geom| geom >= 0 && self.geoms[geom as usize]);
            if mine[0] == mine[1] || contact.efc_address < 0 {
                continue;
            }
            // The contact's frame has its axes as rows; the force acts on the second geom, its reaction on the first.
            let force = data.contact_force(i);
            let sign = if mine[1] { 1.0 } else { -1.0 };
            for axis in 0..3 {
                let world: f64 = (0..3).map(|row| contact.frame[3 * row + axis] * force[row]).sum();
                sum[axis] += sign * world;
            }
        }
        sum
    }

    /// Whether it touches something with more than this force, N.
    pub fn touches(&self, robot: &Simulation, threshold: f64) -> bool {
        norm(self.force(robot)) > threshold
    }

    /// How fast its place moves along the ground, m/s.
    pub fn sliding(&self, robot: &Simulation) -> f64 {
        let (kind, id) = match self.place {
            Place::Geom(id) => (Kind::mjOBJ_GEOM, id),
            Place::Body(id) | Place::Com(id) | Place::Subtree(id) => (Kind::mjOBJ_XBODY, id),
            Place::Site(id) => (Kind::mjOBJ_SITE, id),
        };
        let velocity = robot.data().object_velocity(kind, id, false);
        velocity[3].hypot(velocity[4])
    }
}

impl Builder<'_> {
    /// The parts that the parameters `bodies` and `geoms` name. To be read last.
    ///
    /// # Errors
    /// No such parts, or none named.
    pub fn parts(&mut self) -> Result<Vec<Part>, SettingError> {
        let bodies = self.patterns(
            "bodies",
            Some(""),
            "bodies, by pattern, each with all its geoms; the world is left out unless it is named",
        )?;
        let geoms = self.patterns(
            "geoms",
            Some(""),
            "geoms, by pattern; one of `bodies` and `geoms` has to be given",
        )?;
        let model = self.model()?;
        let mut parts = Vec::new();
        if bodies.is_empty() && geoms.is_empty() {
            return Err(wrong("bodies", "is missing: name `bodies` or `geoms`"));
        }
        if !bodies.is_empty() {
            let found = lookup::bodies(model, &bodies)?.into_iter();
            parts.extend(found.map(|id| Part::body(model, id)));
            if let Some(part) = parts.iter().find(|part| part.is_empty() && bodies.contains(&part.name)) {
                return Err(wrong(
                    "bodies",
                    format!("`{}` has no geoms, so that it touches nothing", part.name),
                ));
            }
            parts.retain(|part| !part.is_empty());
        }
        if !geoms.is_empty() {
            let found = find(model, Kind::mjOBJ_GEOM, &geoms, "geoms")?.into_iter();
            parts.extend(found.map(|id| Part::geom(model, id)));
        }
        match parts.is_empty() {
            true => Err(wrong("bodies", "have no geoms, so that they touch nothing")),
            false => Ok(parts),
        }
    }
}
