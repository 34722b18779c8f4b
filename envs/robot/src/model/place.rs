//! Where a robot's shapes are in a pose: lowest points and extents.

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_model::MjtGeomBase;
use nalgebra::{Matrix3, Vector3};

use crate::simulation::Simulation;

/// How far a geom reaches from its centre in a direction of the world (a unit vector), m; `None` for shapes without end.
fn reach(model: &MjModel, geom: usize, turn: &Matrix3<f64>, direction: &Vector3<f64>) -> Option<f64> {
    let own = turn.transpose() * direction;
    let [a, b, c] = model.geom_size()[geom];
    Some(match model.geom_type()[geom] {
        MjtGeomBase::mjGEOM_SPHERE => a,
        MjtGeomBase::mjGEOM_CAPSULE => a + b * own.z.abs(),
        MjtGeomBase::mjGEOM_CYLINDER => a * own.xy().norm() + b * own.z.abs(),
        MjtGeomBase::mjGEOM_ELLIPSOID => Vector3::new(a * own.x, b * own.y, c * own.z).norm(),
        MjtGeomBase::mjGEOM_BOX => a * own.x.abs() + b * own.y.abs() + c * own.z.abs(),
        MjtGeomBase::mjGEOM_MESH => vertices(model, geom)?
            .map(|vertex| vertex.dot(&own))
            .fold(f64::MIN, f64::max),
        _ => return None,
    })
}

fn vertices(model: &MjModel, geom: usize) -> Option<impl Iterator<Item = Vector3<f64>>> {
    let mesh = usize::try_from(model.geom_dataid()[geom]).ok()?;
    let start = usize::try_from(*model.mesh_vertadr().get(mesh)?).ok()?;
    let count = usize::try_from(*model.mesh_vertnum().get(mesh)?).ok()?;
    let vertices = model.mesh_vert().get(start..start + count)?;
    Some(
        vertices
            .iter()
            .map(|v| Vector3::new(v[0].into(), v[1].into(), v[2].into())),
    )
}

/// The furthest that the geoms of these bodies reach in a direction of the world (a unit vector), m. Only those that touch
/// things count, unless there are none.
pub(super) fn furthest(
    robot: &Simulation,
    direction: Vector3<f64>,
    belongs: impl Fn(usize) -> bool,
    solid_only: bool,
) -> Option<f64> {
    let (model, data) = (robot.model(), robot.data());
    let solid = |geom: usize| model.geom_contype()[geom] != 0 || model.geom_conaffinity()[geom] != 0;
    let bodies = model.geom_bodyid();
    let own: Vec<usize> = (0..bodies.len())
        .filter(|&geom| belongs(bodies[geom] as usize))
        .collect();
    let any = solid_only && own.iter().any(|&geom| solid(geom));
    let end = |&geom: &usize| {
        let turn = Matrix3::from_row_slice(&data.geom_xmat()[geom]);
        let centre = Vector3::from(data.geom_xpos()[geom]).dot(&direction);
        reach(model, geom, &turn, &direction).map(|reach| centre + reach)
    };
    own.iter()
        .filter(|&&geom| !any || solid(geom))
        .filter_map(end)
        .reduce(f64::max)
}

/// Size of the box around all geoms that belong to bodies other than the world, `[x, y, z]`, m.
pub(super) fn extent(robot: &Simulation) -> [f64; 3] {
    [Vector3::x(), Vector3::y(), Vector3::z()].map(|axis| {
        let end = |direction| furthest(robot, direction, |body| body > 0, false);
        end(axis).zip(end(-axis)).map_or(0.0, |(high, low)| high + low)
    })
}

/// Whether a body hangs on another, or is it.
pub(super) fn below(model: &MjModel, mut body: usize, root: usize) -> bool {
    while body != root && body > 0 {
        body = model.body_parentid()[body] as usize;
    }
    body == root
}
