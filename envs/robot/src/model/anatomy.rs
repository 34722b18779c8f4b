//! What a robot is made of: which parts hang on which body, and where everything is in the compiled file.

use mujoco_rs::mujoco_c::mjs_getParent;
use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_editing::{
    MjSpec, MjsBody, MjsCamera, MjsGeom, MjsJoint, MjsLight, MjsSite, SpecElement, SpecItem, SpecObject,
};
use nalgebra::{Isometry3, Translation3, Vector3};

use super::error::said;
use super::parts;

/// Parts of one body, each by its place among all of its kind in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Limb {
    /// Its name; bodies may have none.
    pub(super) name: String,
    /// Its number in the compiled model.
    pub(super) id: usize,
    pub(super) children: Vec<usize>,
    pub(super) geoms: Vec<usize>,
    pub(super) joints: Vec<usize>,
    pub(super) sites: Vec<usize>,
    pub(super) cameras: Vec<usize>,
    pub(super) lights: Vec<usize>,
}

/// The parts of a robot.
#[derive(Clone, Debug)]
pub(super) struct Anatomy {
    pub(super) bodies: Vec<Limb>,
    /// Numbers of geoms in the compiled model.
    pub(super) geoms: Vec<usize>,
    /// Numbers of joints in the compiled model.
    pub(super) joints: Vec<usize>,
}

impl Anatomy {
    /// Reads a file's parts and compiles it.
    ///
    /// # Errors
    /// MuJoCo's own.
    pub(super) fn read(mut spec: MjSpec) -> Result<(Self, MjModel), String> {
        let bodies = parts::handles::<MjsBody>(&spec);
        let geoms = parts::handles::<MjsGeom>(&spec);
        let joints = parts::handles::<MjsJoint>(&spec);
        let mut anatomy = Self {
            bodies: limbs(&spec),
            geoms: Vec::new(),
            joints: Vec::new(),
        };
        let model = spec.compile().map_err(said)?;
        // SAFETY: nothing that compiles away parts is left in the file, so that all handles are still valid.
        unsafe {
            for (limb, body) in anatomy.bodies.iter_mut().zip(&bodies) {
                limb.id = body.as_ref().id().ok_or("a body got lost")?;
            }
            let id = |id: Option<usize>| id.ok_or("a part got lost");
            anatomy.geoms = geoms
                .iter()
                .map(|geom| id(geom.as_ref().id()))
                .collect::<Result<_, _>>()?;
            anatomy.joints = joints
                .iter()
                .map(|joint| id(joint.as_ref().id()))
                .collect::<Result<_, _>>()?;
        }
        Ok((anatomy, model))
    }

    /// The body that holds a geom.
    pub(super) fn body_of_geom(&self, geom: usize) -> Option<usize> {
        self.bodies.iter().position(|limb| limb.geoms.contains(&geom))
    }

    /// The body that holds a joint.
    pub(super) fn body_of_joint(&self, joint: usize) -> Option<usize> {
        self.bodies.iter().position(|limb| limb.joints.contains(&joint))
    }

    /// How a body is called in messages.
    pub(super) fn title(&self, body: usize) -> String {
        match self.bodies.get(body).map(|limb| limb.name.as_str()) {
            Some("") | None => format!("body number {body}"),
            Some(name) => format!("body `{name}`"),
        }
    }
}

/// Which parts hang on which body, without numbers of the compiled model.
pub(super) fn limbs(spec: &MjSpec) -> Vec<Limb> {
    let bodies = parts::all::<MjsBody>(spec);
    let elements: Vec<_> = bodies.iter().map(|body| body.element_pointer()).collect();
    let mut limbs: Vec<Limb> = bodies
        .iter()
        .map(|body| Limb {
            name: body.name().into(),
            ..Limb::default()
        })
        .collect();
    sort_in::<MjsBody>(spec, &elements, |body, child| limbs[body].children.push(child));
    sort_in::<MjsGeom>(spec, &elements, |body, geom| limbs[body].geoms.push(geom));
    sort_in::<MjsJoint>(spec, &elements, |body, joint| limbs[body].joints.push(joint));
    sort_in::<MjsSite>(spec, &elements, |body, site| limbs[body].sites.push(site));
    sort_in::<MjsCamera>(spec, &elements, |body, camera| limbs[body].cameras.push(camera));
    sort_in::<MjsLight>(spec, &elements, |body, light| limbs[body].lights.push(light));
    limbs
}

fn sort_in<T: SpecObject>(
    spec: &MjSpec,
    elements: &[*const mujoco_rs::mujoco_c::mjsElement],
    mut put: impl FnMut(usize, usize),
) {
    for (index, item) in parts::all::<T>(spec).iter().enumerate() {
        // SAFETY: the parent is null for the world, and else a body of the same file, at whose address a handle stands.
        let parent = unsafe { mjs_getParent(item.element_pointer()).cast::<MjsBody>().as_ref() };
        let parent = parent.map(|body| body.element_pointer());
        if let Some(body) = parent.and_then(|parent| elements.iter().position(|&element| element == parent)) {
            put(body, index);
        }
    }
}

/// A place in the compiled model.
pub(super) fn place(pos: [f64; 3], quat: [f64; 4]) -> Isometry3<f64> {
    Isometry3::from_parts(Translation3::from(Vector3::from(pos)), parts::rotation(quat))
}
