//! `length`, `scale` and `thickness`: a body's shape changes, and what hangs on it moves along.
//!
//! Each is a linear map of the body's space about its anchor `a` (where its first hinge or ball joint holds it; its origin if it
//! has none), with the body's axis `d` and the ratio `k` of the new value to the file's:
//!
//! | verb | map `p -> a + M (p - a)` | shapes |
//! |---|---|---|
//! | `length` | `M = I + (k - 1) d d^T` | keep their radius |
//! | `scale` | `M = k I` | grow in all directions |
//! | `thickness` | none: everything stays in its place | cross-section times `k` |
//!
//! Sites, cameras, lights and other joints of the body are mapped; a child moves as the point does at which it is attached (the
//! anchor of its own first hinge or ball joint, else its origin). A geom that says its `mass` keeps its density, as one that
//! says its density does: its mass goes with its volume.

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_editing::{MjSpec, MjsBody, MjsCamera, MjsGeom, MjsJoint, MjsLight, MjsSite, SpecElement};
use mujoco_rs::wrappers::mj_model::{MjtEq, MjtGeomBase, MjtJoint, MjtObjBase};
use nalgebra::{Isometry3, Matrix3, Point3, UnitQuaternion, Vector3};

use super::anatomy::{Anatomy, place};
use super::edit::Verb;
use super::{inertia, parts};
use crate::config::InertialLaw;

/// How far an axis may be off another and still count as parallel to it (1 less the cosine).
const PARALLEL: f64 = 1e-6;

/// A body that can be stretched.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub(super) verb: Verb,
    pub(super) body: usize,
    /// The ratio's denominator: length or radius in the file, m; 1 for `scale`.
    pub(super) own: f64,
    axis: Vector3<f64>,
    anchor: Vector3<f64>,
    /// Children and where they are attached, in the body's axes, m.
    children: Vec<(usize, Vector3<f64>)>,
}

/// The main shape of a body.
struct Main {
    axis: Vector3<f64>,
    length: f64,
    radius: f64,
    /// Its ends, m.
    ends: [Vector3<f64>; 2],
}

/// A map of a body's space.
pub(super) struct Map {
    verb: Verb,
    axis: Vector3<f64>,
    anchor: Vector3<f64>,
    ratio: f64,
}

impl Map {
    fn matrix(&self) -> Matrix3<f64> {
        let along = self.axis * self.axis.transpose();
        match self.verb {
            Verb::Length => Matrix3::identity() + along * (self.ratio - 1.0),
            Verb::Thickness => Matrix3::identity() * self.ratio + along * (1.0 - self.ratio),
            _ => Matrix3::identity() * self.ratio,
        }
    }

    /// Where a point of the body comes to lie.
    fn point(&self, point: Vector3<f64>) -> Vector3<f64> {
        match self.verb {
            Verb::Thickness => point,
            _ => self.anchor + self.matrix() * (point - self.anchor),
        }
    }

    /// The same for a point that is measured from a frame.
    fn inside(&self, frame: &Isometry3<f64>, point: [f64; 3]) -> [f64; 3] {
        let here = frame.transform_point(&Point3::from(point));
        frame
            .inverse_transform_point(&Point3::from(self.point(here.coords)))
            .coords
            .into()
    }
}

impl Stretch {
    /// Looks at a body before it is stretched.
    ///
    /// # Errors
    /// Why it cannot be.
    pub(super) fn plan(
        (spec, anatomy, model): (&MjSpec, &Anatomy, &MjModel),
        verb: Verb,
        body: usize,
        named: Option<usize>,
        law: Option<InertialLaw>,
    ) -> Result<Self, String> {
        let limb = anatomy
            .bodies
            .get(body)
            .filter(|_| body > 0)
            .ok_or("the world has no shape of its own")?;
        let parent = parts::all::<MjsBody>(spec)[body];
        if inertia::explicit(spec, parent) && law.is_none() {
            let title = anatomy.title(body);
            return Err(format!(
                "{title} says its own inertia (`<inertial>`), which does not follow from its shape; say how it follows with \
                 `\"inertial\": \"uniform\"` (mass spread as before, at the same density)"
            ));
        }
        let anchor = anchor(anatomy, model, body);
        let attach = |&child: &usize| {
            let id = anatomy.bodies[child].id;
            let child_place = place(model.body_pos()[id], model.body_quat()[id]);
            (
                child,
                child_place
                    .transform_point(&Point3::from(self::anchor(anatomy, model, child)))
                    .coords,
            )
        };
        let children: Vec<_> = limb.children.iter().map(attach).collect();
        let main = main(anatomy, model, body, named, &children);
        let (axis, own) = match (verb, main) {
            (Verb::Scale | Verb::Mass, _) => (Vector3::z(), 1.0),
            (Verb::Length, Some(main)) => (main.axis, main.length),
            (Verb::Thickness, Some(main)) => (main.axis, main.radius),
            (Verb::Length, None) => bone(anchor, &children).ok_or_else(|| no_axis(anatomy, body))?,
            (Verb::Thickness, None) => round(anatomy, model, body).ok_or_else(|| no_axis(anatomy, body))?,
        };
        let own = own + 0.0;
        if !(own.is_finite() && own > 1e-9) {
            return Err(format!("{} has a {} of {own}", anatomy.title(body), verb.name()));
        }
        let stretch = Self {
            verb,
            body,
            own,
            axis,
            anchor,
            children,
        };
        stretch.check(spec, anatomy)?;
        Ok(stretch)
    }

    /// Tries all of it on the file as it is.
    fn check(&self, spec: &MjSpec, anatomy: &Anatomy) -> Result<(), String> {
        let map = self.map(1.5);
        let geoms = parts::all::<MjsGeom>(spec);
        for &geom in &anatomy.bodies[self.body].geoms {
            let item = geoms[geom];
            let named = |reason: String| match item.name() {
                "" => format!("a geom of {}: {reason}", anatomy.title(self.body)),
                name => format!("geom `{name}`: {reason}"),
            };
            Form::of(item).map_err(named)?.mapped(&map).map_err(named)?;
        }
        Ok(())
    }

    fn map(&self, ratio: f64) -> Map {
        Map {
            verb: self.verb,
            axis: self.axis,
            anchor: self.anchor,
            ratio,
        }
    }

    /// The mesh of a geom of this body and the axes of its file along which it is to be scaled.
    pub(super) fn mesh_axes(&self, geom: &MjsGeom) -> Result<[bool; 3], String> {
        let form = Form::of(geom)?;
        match self.verb {
            Verb::Scale => Ok([true; 3]),
            _ => Ok([0, 1, 2].map(|axis| form.parallel(&self.axis) == Some(axis))),
        }
    }

    /// Stretches the body to `ratio` times what the file says.
    ///
    /// # Errors
    /// What cannot be read of the file; all of it has been read before, by [`Stretch::plan`].
    pub(super) fn apply(&self, spec: &mut MjSpec, anatomy: &Anatomy, ratio: f64) -> Result<(), String> {
        let map = self.map(ratio);
        let limb = &anatomy.bodies[self.body];
        for &geom in &limb.geoms {
            let item = parts::nth::<MjsGeom>(spec, geom).ok_or(LOST)?;
            Form::of(item)?.mapped(&map)?.write(item);
        }
        for &site in &limb.sites {
            self.site(&map, parts::nth(spec, site).ok_or(LOST)?)?;
        }
        for &joint in &limb.joints {
            let item = parts::nth::<MjsJoint>(spec, joint).ok_or(LOST)?;
            *item.pos_mut() = map.inside(&parts::frame_of(item)?, *item.pos());
        }
        for &camera in &limb.cameras {
            let item = parts::nth::<MjsCamera>(spec, camera).ok_or(LOST)?;
            *item.pos_mut() = map.inside(&parts::frame_of(item)?, *item.pos());
        }
        for &light in &limb.lights {
            let item = parts::nth::<MjsLight>(spec, light).ok_or(LOST)?;
            *item.pos_mut() = map.inside(&parts::frame_of(item)?, *item.pos());
        }
        for &(child, attached) in &self.children {
            shift(parts::nth(spec, child).ok_or(LOST)?, map.point(attached) - attached)?;
        }
        self.equalities(spec, &limb.name, &map)?;
        self.inertial(spec, &map)
    }

    /// Where a point of the body comes to lie, in its axes, m.
    pub(super) fn carried(&self, ratio: f64, point: Vector3<f64>) -> Vector3<f64> {
        self.map(ratio).point(point)
    }

    /// Anchors of equality constraints: `connect` says it in the axes of its first body, `weld` in those of its second.
    fn equalities(&self, spec: &mut MjSpec, name: &str, map: &Map) -> Result<(), String> {
        for equality in spec.equality_iter_mut() {
            let holder = match equality.type_() {
                MjtEq::mjEQ_CONNECT => equality.name1(),
                MjtEq::mjEQ_WELD => equality.name2(),
                _ => continue,
            };
            if holder == name && !name.is_empty() && equality.objtype() == MjtObjBase::mjOBJ_BODY {
                let data = equality.data_mut();
                let anchor = map.point(Vector3::new(data[0], data[1], data[2]));
                data[..3].copy_from_slice(anchor.as_slice());
            }
        }
        Ok(())
    }

    fn site(&self, map: &Map, site: &mut MjsSite) -> Result<(), String> {
        let frame = parts::frame_of(site)?;
        match site.fromto()[0].is_nan() {
            true => *site.pos_mut() = map.inside(&frame, *site.pos()),
            false => *site.fromto_mut() = ends(site.fromto()).map_both(|end| map.inside(&frame, end)),
        }
        if self.verb == Verb::Scale {
            site.size_mut().iter_mut().for_each(|size| *size *= map.ratio);
        }
        Ok(())
    }

    fn inertial(&self, spec: &mut MjSpec, map: &Map) -> Result<(), String> {
        let explicit = parts::all::<MjsBody>(spec)
            .get(self.body)
            .is_some_and(|body| inertia::explicit(spec, body));
        match parts::nth::<MjsBody>(spec, self.body) {
            Some(body) if explicit => {
                let centre = map.point(Vector3::from(*body.ipos()));
                inertia::stretch(body, &map.matrix(), centre)
            }
            _ => Ok(()),
        }
    }
}

const LOST: &str = "a part of the file got lost";

/// Moves a body by a vector in its parent's axes, m.
pub(super) fn shift(body: &mut MjsBody, by: Vector3<f64>) -> Result<(), String> {
    let frame = parts::frame_of(body)?;
    let by = frame.rotation.inverse_transform_vector(&by);
    let pos = Vector3::from(*body.pos()) + by;
    *body.pos_mut() = pos.into();
    Ok(())
}

/// Where the first hinge or ball joint holds a body, in the body's axes, m; its origin where it has none.
fn anchor(anatomy: &Anatomy, model: &MjModel, body: usize) -> Vector3<f64> {
    let joints = anatomy.bodies[body].joints.iter().map(|&joint| anatomy.joints[joint]);
    let mut turning = joints.filter(|&id| matches!(model.jnt_type()[id], MjtJoint::mjJNT_HINGE | MjtJoint::mjJNT_BALL));
    turning
        .next()
        .map_or(Vector3::zeros(), |id| Vector3::from(model.jnt_pos()[id]))
}

/// The shape that gives a body its axis: the one that is named, else the longest of those at whose end a child hangs, else the
/// longest.
fn main(
    anatomy: &Anatomy,
    model: &MjModel,
    body: usize,
    named: Option<usize>,
    children: &[(usize, Vector3<f64>)],
) -> Option<Main> {
    let geoms = &anatomy.bodies[body].geoms;
    let shapes: Vec<Main> = match named {
        Some(geom) => long(model, anatomy.geoms[geom]).into_iter().collect(),
        None => geoms
            .iter()
            .filter_map(|&geom| long(model, anatomy.geoms[geom]))
            .collect(),
    };
    let carries = |shape: &Main| {
        let near = |&(_, at): &(usize, Vector3<f64>)| {
            shape
                .ends
                .iter()
                .any(|end| (end - at).norm() <= 1.5 * shape.radius + 0.25 * shape.length)
        };
        children.iter().any(near)
    };
    let rank = |shape: &Main| (carries(shape), shape.length);
    let better = |best: Main, next: Main| if rank(&next) > rank(&best) { next } else { best };
    shapes.into_iter().reduce(better)
}

/// A geom with an axis, in its body's axes.
fn long(model: &MjModel, id: usize) -> Option<Main> {
    let size = model.geom_size()[id];
    let (axis, half, radius) = match model.geom_type()[id] {
        MjtGeomBase::mjGEOM_CAPSULE | MjtGeomBase::mjGEOM_CYLINDER => (2, size[1], size[0]),
        MjtGeomBase::mjGEOM_BOX | MjtGeomBase::mjGEOM_ELLIPSOID => {
            let longest = (0..3).fold(0, |best, axis| if size[axis] > size[best] { axis } else { best });
            let least = (0..3)
                .filter(|&axis| axis != longest)
                .map(|axis| size[axis])
                .fold(f64::MAX, f64::min);
            (longest, size[longest], least)
        }
        _ => return None,
    };
    let at = place(model.geom_pos()[id], model.geom_quat()[id]);
    let axis = at.rotation * Vector3::ith(axis, 1.0);
    let centre = at.translation.vector;
    Some(Main {
        axis,
        length: 2.0 * half,
        radius,
        ends: [centre - axis * half, centre + axis * half],
    })
}

/// The axis of a body of meshes alone or without shapes: from its anchor to where its one child is attached.
fn bone(anchor: Vector3<f64>, children: &[(usize, Vector3<f64>)]) -> Option<(Vector3<f64>, f64)> {
    let [(_, attached)] = children else { return None };
    let along = attached - anchor;
    (along.norm() > 1e-9).then(|| (along.normalize(), along.norm()))
}

/// Radius of the first sphere of a body that has no shape with an axis.
fn round(anatomy: &Anatomy, model: &MjModel, body: usize) -> Option<(Vector3<f64>, f64)> {
    let mut ids = anatomy.bodies[body].geoms.iter().map(|&geom| anatomy.geoms[geom]);
    let sphere = ids.find(|&id| model.geom_type()[id] == MjtGeomBase::mjGEOM_SPHERE)?;
    Some((Vector3::z(), model.geom_size()[sphere][0]))
}

fn no_axis(anatomy: &Anatomy, body: usize) -> String {
    format!(
        "{} has no capsule, cylinder, box or ellipsoid that could give it an axis, and not exactly one child; use `scale`",
        anatomy.title(body)
    )
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
    fn of(geom: &MjsGeom) -> Result<Self, String> {
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

    fn write(&self, geom: &mut MjsGeom) {
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
    fn parallel(&self, direction: &Vector3<f64>) -> Option<usize> {
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

    fn mapped(mut self, map: &Map) -> Result<Self, String> {
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

fn ends(&[a, b, c, d, e, f]: &[f64; 6]) -> [[f64; 3]; 2] {
    [[a, b, c], [d, e, f]]
}

trait Both {
    fn map_both(self, map: impl FnMut([f64; 3]) -> [f64; 3]) -> [f64; 6];
}

impl Both for [[f64; 3]; 2] {
    fn map_both(self, map: impl FnMut([f64; 3]) -> [f64; 3]) -> [f64; 6] {
        let [[a, b, c], [d, e, f]] = self.map(map);
        [a, b, c, d, e, f]
    }
}
