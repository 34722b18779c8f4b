//! Meshes that are only there to be looked at. They are most of a model's memory and of the time it takes to compile one, and
//! nothing moves differently without them: models that move have a point in the place of each.

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_editing::{MjSpec, MjsBody, MjsGeom, MjsMesh, MjsSite, SpecElement, SpecObject};
use mujoco_rs::wrappers::mj_model::{MjtGeomBase, MjtSensor};

use super::anatomy::Anatomy;
use super::error::said;
use super::{inertia, parts};

/// Radius of a point, m.
const POINT: f64 = 1e-3;
/// Sensors that see shapes which nothing can touch.
const EYES: [MjtSensor; 6] = [
    MjtSensor::mjSENS_RANGEFINDER,
    MjtSensor::mjSENS_GEOMDIST,
    MjtSensor::mjSENS_GEOMNORMAL,
    MjtSensor::mjSENS_GEOMFROMTO,
    MjtSensor::mjSENS_TACTILE,
    MjtSensor::mjSENS_PLUGIN,
];

/// Geoms that only show a mesh, by their place in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Bare(Vec<usize>);

impl Bare {
    /// Geoms without a name (else a term may ask for their place) that touch nothing and add nothing to an inertia.
    pub(super) fn of(spec: &MjSpec, anatomy: &Anatomy, model: &MjModel) -> Self {
        if model.sensor_type().iter().any(|kind| EYES.contains(kind)) {
            return Self::default();
        }
        let (geoms, bodies) = (parts::all::<MjsGeom>(spec), parts::all::<MjsBody>(spec));
        let looks = |body: usize, geom: usize| {
            let (item, id) = (geoms[geom], anatomy.geoms[geom]);
            let mesh = model.geom_type()[id] == MjtGeomBase::mjGEOM_MESH;
            let touches = model.geom_contype()[id] != 0 || model.geom_conaffinity()[id] != 0;
            let [first, last] = *spec.compiler().inertiagrouprange();
            let counted = (first..=last).contains(&item.group()) && item.mass() != 0.0 && item.density() != 0.0;
            let light = body == 0 || inertia::explicit(spec, bodies[body]) || !counted;
            mesh && !touches && light && item.name().is_empty() && item.fluid_ellipsoid() == 0.0
        };
        let all = anatomy.bodies.iter().enumerate();
        let pairs = all.flat_map(|(body, limb)| limb.geoms.iter().map(move |&geom| (body, geom)));
        Self(
            pairs
                .filter(|&(body, geom)| looks(body, geom))
                .map(|(_, geom)| geom)
                .collect(),
        )
    }

    /// Whether there is nothing to leave out.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts points in the place of the meshes, and takes out assets that nothing wears any more.
    ///
    /// # Errors
    /// MuJoCo's own.
    pub(super) fn strip(&self, spec: &mut MjSpec) -> Result<(), String> {
        if self.is_empty() {
            return Ok(());
        }
        for &geom in &self.0 {
            let geom = parts::nth::<MjsGeom>(spec, geom).ok_or("a geom got lost")?;
            geom.set_type(MjtGeomBase::mjGEOM_SPHERE);
            *geom.size_mut() = [POINT, 0.0, 0.0];
            geom.set_meshname("");
        }
        let geoms = parts::all::<MjsGeom>(spec).into_iter().map(|geom| geom.meshname());
        let sites = parts::all::<MjsSite>(spec).into_iter().map(|site| site.meshname());
        let worn: Vec<String> = geoms.chain(sites).map(str::to_owned).collect();
        for mut mesh in parts::handles::<MjsMesh>(spec) {
            // SAFETY: the handle belongs to the file, which is borrowed, and each is deleted once at most.
            unsafe {
                if !worn.iter().any(|name| name == mesh.as_ref().name()) {
                    mesh.as_mut().delete().map_err(said)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether two models move alike: the same bodies with the same inertias and joints.
pub(super) fn alike(a: &MjModel, b: &MjModel) -> bool {
    a.body_mass() == b.body_mass()
        && a.body_inertia() == b.body_inertia()
        && a.body_ipos() == b.body_ipos()
        && a.body_iquat() == b.body_iquat()
        && a.body_pos() == b.body_pos()
        && a.body_invweight0() == b.body_invweight0()
        && a.dof_invweight0() == b.dof_invweight0()
        && a.qpos0() == b.qpos0()
        && a.tendon_length0() == b.tendon_length0()
        && a.actuator_acc0() == b.actuator_acc0()
}
