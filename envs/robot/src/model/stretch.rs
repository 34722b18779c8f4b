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
use mujoco_rs::wrappers::mj_editing::{
    MjSpec, MjsBody, MjsCamera, MjsFlex, MjsGeom, MjsJoint, MjsLight, MjsSite, SpecElement,
};
use mujoco_rs::wrappers::mj_model::{MjtEq, MjtGeomBase, MjtJoint, MjtObjBase};
use nalgebra::{Point3, Vector3};

use super::anatomy::{Anatomy, place};
use super::edit::Verb;
use super::shape::{Both, Form, Map, ends};
use super::{inertia, parts};
use crate::config::InertialLaw;

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
        may_change(spec, anatomy, body, law)?;
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
        let measured = match (verb, main(anatomy, model, body, named, &children)) {
            (Verb::Scale | Verb::Mass, _) => Some((Vector3::z(), 1.0)),
            (Verb::Length, Some(main)) => Some((main.axis, main.length)),
            (Verb::Thickness, Some(main)) => Some((main.axis, main.radius)),
            (Verb::Length, None) => bone(anchor, &children),
            (Verb::Thickness, None) => round(anatomy, model, body),
        };
        let (axis, own) = measured.ok_or_else(|| no_axis(anatomy, body))?;
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

/// Refuses a body whose mass would not follow its shape, and files with parts that could not be moved along.
fn may_change(spec: &MjSpec, anatomy: &Anatomy, body: usize, law: Option<InertialLaw>) -> Result<(), String> {
    if !parts::all::<MjsFlex>(spec).is_empty() {
        return Err(
            "the file has a flexible body (`<flex>`), and which of its parts would move along cannot be told".into(),
        );
    }
    if inertia::explicit(spec, parts::all::<MjsBody>(spec)[body]) && law.is_none() {
        let title = anatomy.title(body);
        return Err(format!(
            "{title} says its own inertia (`<inertial>`), which does not follow from its shape; say how it follows with \
             `\"inertial\": \"uniform\"` (mass spread as before, at the same density)"
        ));
    }
    Ok(())
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
