//! Meshes that a stretched body shares with others: it gets a copy of the asset, so that it can be stretched alone. Hands and
//! legs often wear one mesh in many places.

use mujoco_rs::wrappers::mj_editing::{MjSpec, MjsGeom, MjsMesh, SpecElement, SpecItem};

use super::anatomy::{Limb, limbs};
use super::edit::{Edit, Kind, Target, Verb, parse};
use super::error::said;
use super::{field, parts};
use crate::config::ParameterConfig;
use crate::pattern::fits;

/// Gives stretched bodies meshes of their own where their file says the mesh; whether there were any to give.
///
/// # Errors
/// MuJoCo's own.
pub(super) fn give(spec: &mut MjSpec, design: &[ParameterConfig]) -> Result<bool, String> {
    let limbs = limbs(spec);
    let mut given = false;
    for body in stretched(spec, &limbs, design) {
        let worn = |geom: usize| parts::all::<MjsGeom>(spec)[geom].meshname().to_owned();
        let mut names: Vec<String> = limbs[body].geoms.iter().map(|&geom| worn(geom)).collect();
        names.sort();
        names.dedup();
        let others = |name: &String| {
            let of_others = limbs.iter().enumerate().filter(|(other, _)| *other != body);
            of_others
                .flat_map(|(_, limb)| &limb.geoms)
                .any(|&geom| worn(geom) == *name)
        };
        let shared: Vec<String> = names
            .into_iter()
            .filter(|name| !name.is_empty() && others(name))
            .collect();
        for name in shared {
            let Some(own) = copy(spec, &name, body)? else { continue };
            for &geom in &limbs[body].geoms {
                let geom = parts::nth::<MjsGeom>(spec, geom).filter(|geom| geom.meshname() == name);
                geom.into_iter().for_each(|geom| geom.set_meshname(&own));
            }
            given = true;
        }
    }
    Ok(given)
}

/// The bodies whose lengths are designed. Edits that cannot be read are complained about later.
fn stretched(spec: &MjSpec, limbs: &[Limb], design: &[ParameterConfig]) -> Vec<usize> {
    let mut bodies = Vec::new();
    for text in design.iter().flat_map(|parameter| &parameter.edit) {
        let Ok(Edit { target, .. }) = parse(text) else { continue };
        let Target::Verb { verb, holder, pattern } = target else {
            continue;
        };
        if !matches!(verb, Verb::Length | Verb::Scale) {
            continue;
        }
        let names = field::elements(spec, holder);
        let named = |&part: &usize| names.get(part).is_some_and(|name| fits(&pattern, name));
        let fitting = limbs.iter().enumerate().filter(|(body, limb)| match holder {
            Kind::Geom => limb.geoms.iter().any(named),
            Kind::Joint => limb.joints.iter().any(named),
            _ => named(body),
        });
        bodies.extend(fitting.map(|(body, _)| body));
    }
    bodies.sort_unstable();
    bodies.dedup();
    bodies
}

/// A copy of a mesh that comes from a file, under a name of its own; none of others.
fn copy(spec: &mut MjSpec, name: &str, body: usize) -> Result<Option<String>, String> {
    let meshes = parts::all::<MjsMesh>(spec);
    let Some(mesh) = meshes.iter().find(|mesh| mesh.name() == name) else {
        return Ok(None);
    };
    if mesh.file().is_empty() || mesh.plugin().active() {
        return Ok(None);
    }
    let own = format!("{name}_of_body_{body}");
    let texts = [mesh.file(), mesh.content_type(), mesh.material()].map(str::to_owned);
    let (refpos, refquat, scale) = (*mesh.refpos(), *mesh.refquat(), *mesh.scale());
    let (inertia, maxhullvert, octree) = (mesh.inertia(), mesh.maxhullvert(), mesh.octree_maxdepth());
    let (smooth, distances) = (mesh.smoothnormal(), mesh.needsdf());
    let copy = spec.add_mesh();
    copy.set_name(&own).map_err(said)?;
    let [file, content_type, material] = texts;
    copy.set_file(&file);
    copy.set_content_type(&content_type);
    copy.set_material(&material);
    (*copy.refpos_mut(), *copy.refquat_mut(), *copy.scale_mut()) = (refpos, refquat, scale);
    copy.set_inertia(inertia);
    copy.set_maxhullvert(maxhullvert);
    copy.set_octree_maxdepth(octree);
    copy.set_smoothnormal(smooth);
    copy.set_needsdf(distances);
    Ok(Some(own))
}
