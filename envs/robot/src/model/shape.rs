//! A geom's shape under a map of its body's space.

use mujoco_rs::wrappers::mj_editing::MjsGeom;
use mujoco_rs::wrappers::mj_model::MjtGeomBase;
use nalgebra::{Isometry3, Matrix3, Point3, UnitQuaternion, Vector3};

use super::edit::Verb;
use super::parts;

/// How far an axis may be off another and still count as parallel to it (1 less the cosine).
const PARALLEL: f64 = 1e-6;

/// A map of a body's space.
pub(super) struct Map {
    pub(super) verb: Verb,
    /// Unit vector.
    pub(super) axis: Vector3<f64>,
    /// The point that stays in its place, m.
    pub(super) anchor: Vector3<f64>,
    pub(super) ratio: f64,
}

impl Map {
    pub(super) fn matrix(&self) -> Matrix3<f64> {
        let along = self.axis * self.axis.transpose();
        match self.verb {
            Verb::Length => Matrix3::identity() + along * (self.ratio - 1.0),
            Verb::Thickness => Matrix3::identity() * self.ratio + along * (1.0 - self.ratio),
            _ => Matrix3::identity() * self.ratio,
        }
    }

    /// Where a point of the body comes to lie.
    pub(super) fn point(&self, point: Vector3<f64>) -> Vector3<f64> {
        match self.verb {
            Verb::Thickness => point,
            _ => self.anchor + self.matrix() * (point - self.anchor),
        }
    }

    /// The same for a point that is measured from a frame.
    pub(super) fn inside(&self, frame: &Isometry3<f64>, point: [f64; 3]) -> [f64; 3] {
        let here = frame.transform_point(&Point3::from(point));
        frame
            .inverse_transform_point(&Point3::from(self.point(here.coords)))
            .coords
            .into()
    }
}

/// What the file says of a geom's shape and place.
pub(super) struct Form {
    kind: MjtGeomBase,
    mesh: bool,
    frame: Isometry3<f64>,
    turn: UnitQuaternion<f64>,
    pos: [f64; 3],
    fromto: [f64; 6],
    size: [f64; 3],
    mass: f64,
    turned: bool,
}

impl Form {
    pub(super) fn of(geom: &MjsGeom) -> Result<Self, String> {
        Ok(Self {
            kind: geom.type_(),
            mesh: !geom.meshname().is_empty(),
            frame: parts::frame_of(geom)?,
            turn: parts::orientation(geom, geom.quat(), geom.alt())?,
            pos: *geom.pos(),
            fromto: *geom.fromto(),
            size: *geom.size(),
            mass: geom.mass(),
            turned: false,
        })
    }

    pub(super) fn write(&self, geom: &mut MjsGeom) {
        *geom.pos_mut() = self.pos;
        *geom.fromto_mut() = self.fromto;
        *geom.size_mut() = self.size;
        geom.set_mass(self.mass);
        if self.turned {
            *geom.quat_mut() = parts::quat(&self.turn);
            geom.alt_mut().switch_quat();
        }
    }

    fn between(&self) -> bool {
        !self.fromto[0].is_nan()
    }

    /// The axis of the shape that is parallel to a direction of its body.
    pub(super) fn parallel(&self, direction: &Vector3<f64>) -> Option<usize> {
        let own = (self.frame.rotation * self.turn).inverse_transform_vector(direction);
        (0..3).find(|&axis| own[axis].abs() > 1.0 - PARALLEL)
    }

    /// m^3, but for a factor that belongs to the kind of shape (none for a capsule).
    fn volume(&self) -> f64 {
        use std::f64::consts::PI;
        let [from, to] = ends(&self.fromto);
        let half = 0.5 * (Vector3::from(to) - Vector3::from(from)).norm();
        let [a, b, c] = self.size;
        let along = if self.between() { half } else { b };
        match self.kind {
            MjtGeomBase::mjGEOM_CAPSULE => PI * a * a * (2.0 * along + 4.0 / 3.0 * a),
            MjtGeomBase::mjGEOM_CYLINDER => a * a * along,
            MjtGeomBase::mjGEOM_BOX | MjtGeomBase::mjGEOM_ELLIPSOID if self.between() => a * a * half,
            MjtGeomBase::mjGEOM_BOX | MjtGeomBase::mjGEOM_ELLIPSOID => a * b * c,
            _ => a * a * a,
        }
    }

    pub(super) fn mapped(mut self, map: &Map) -> Result<Self, String> {
        let before = self.volume();
        if self.mesh {
            self.place_mesh(map)?;
            self.mass *= map.matrix().determinant();
            return Ok(self);
        }
        match self.kind {
            MjtGeomBase::mjGEOM_PLANE | MjtGeomBase::mjGEOM_HFIELD => {
                return Err("a plane or height field cannot be stretched".into());
            }
            MjtGeomBase::mjGEOM_SDF => return Err("a signed distance field cannot be stretched".into()),
            _ => match map.verb {
                Verb::Length => self.lengthen(map)?,
                Verb::Thickness => self.thicken(map)?,
                _ => self.size.iter_mut().for_each(|size| *size *= map.ratio),
            },
        }
        if self.between() {
            self.fromto = ends(&self.fromto).map_both(|end| map.inside(&self.frame, end));
        } else if !(map.verb == Verb::Length && self.segment()) {
            self.pos = map.inside(&self.frame, self.pos);
        }
        if before > 0.0 {
            self.mass *= self.volume() / before; // NaN, where the file says none, stays NaN
        }
        Ok(self)
    }

    /// A capsule or cylinder given by centre, direction and half length.
    fn segment(&self) -> bool {
        !self.between() && matches!(self.kind, MjtGeomBase::mjGEOM_CAPSULE | MjtGeomBase::mjGEOM_CYLINDER)
    }

    fn lengthen(&mut self, map: &Map) -> Result<(), String> {
        match self.kind {
            MjtGeomBase::mjGEOM_CAPSULE | MjtGeomBase::mjGEOM_CYLINDER if self.segment() => self.move_segment(map),
            MjtGeomBase::mjGEOM_BOX | MjtGeomBase::mjGEOM_ELLIPSOID if !self.between() => {
                let axis = self.parallel(&map.axis).ok_or(ASKEW)?;
                self.size[axis] *= map.ratio;
            }
            _ => {}
        }
        Ok(())
    }

    fn move_segment(&mut self, map: &Map) {
        let half = self.turn * Vector3::new(0.0, 0.0, self.size[1]);
        let centre = Vector3::from(self.pos);
        let [from, to] = [centre - half, centre + half].map(|end| Vector3::from(map.inside(&self.frame, end.into())));
        let (old, new) = (half, 0.5 * (to - from));
        self.pos = (0.5 * (from + to)).into();
        self.size[1] = new.norm();
        if let Some(turn) = UnitQuaternion::rotation_between(&old, &new).filter(|turn| turn.angle() > 1e-9) {
            self.turn = turn * self.turn;
            self.turned = true;
        }
    }

    fn thicken(&mut self, map: &Map) -> Result<(), String> {
        match self.kind {
            MjtGeomBase::mjGEOM_BOX | MjtGeomBase::mjGEOM_ELLIPSOID if !self.between() => {
                let along = self.parallel(&map.axis).ok_or(ASKEW)?;
                (0..3)
                    .filter(|&axis| axis != along)
                    .for_each(|axis| self.size[axis] *= map.ratio);
            }
            _ => self.size[0] *= map.ratio,
        }
        Ok(())
    }

    fn place_mesh(&mut self, map: &Map) -> Result<(), String> {
        if map.verb == Verb::Thickness {
            return Err("a mesh has no thickness; scale its asset with `mesh:NAME.scale[0]`".into());
        }
        if map.verb == Verb::Length && self.parallel(&map.axis).is_none() {
            return Err(
                "its mesh lies askew to the body's axis, and a mesh can only be stretched along its own axes".into(),
            );
        }
        self.pos = map.inside(&self.frame, self.pos);
        Ok(())
    }
}

const ASKEW: &str = "it lies askew to the body's axis, and a box or ellipsoid can only be stretched along its own axes";

pub(super) fn ends(&[a, b, c, d, e, f]: &[f64; 6]) -> [[f64; 3]; 2] {
    [[a, b, c], [d, e, f]]
}

/// Two ends as MuJoCo's six numbers.
pub(super) trait Both {
    fn map_both(self, map: impl FnMut([f64; 3]) -> [f64; 3]) -> [f64; 6];
}

impl Both for [[f64; 3]; 2] {
    fn map_both(self, map: impl FnMut([f64; 3]) -> [f64; 3]) -> [f64; 6] {
        let [[a, b, c], [d, e, f]] = self.map(map);
        [a, b, c, d, e, f]
    }
}
