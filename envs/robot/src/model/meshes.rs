//! Meshes of stretched bodies: their assets are scaled, along the axes of the mesh's own file.

use mujoco_rs::wrappers::mj_editing::{MjsGeom, MjsSite, SpecElement};

use super::edit::{Kind, Verb};
use super::resolve::{Action, Change, Source};
use super::stretch::Stretch;
use super::{field, parts};

/// Scalings of the meshes on stretched bodies.
///
/// # Errors
/// The edit to blame, and why: a mesh that another body wears too.
pub(super) fn meshes(source: Source, changes: &[Change]) -> Result<Vec<Change>, (usize, String)> {
    let geoms = parts::all::<MjsGeom>(source.spec);
    let names = field::elements(source.spec, Kind::Mesh);
    let mut scaled: Vec<Change> = Vec::new();
    let stretched: Vec<usize> = changes
        .iter()
        .filter_map(|change| stretch(change).map(|stretch| stretch.body))
        .collect();
    for change in changes {
        let Some(stretch) = stretch(change).filter(|stretch| stretch.verb != Verb::Thickness) else {
            continue;
        };
        let blame = |reason: String| (change.edit, reason);
        for &geom in &source.anatomy.bodies[stretch.body].geoms {
            let name = geoms[geom].meshname();
            if name.is_empty() {
                continue;
            }
            let mesh = names.iter().position(|known| known == name);
            let mesh = mesh.ok_or_else(|| blame(format!("mesh `{name}` has no asset of that name to scale")))?;
            sole(source, name, &stretched).map_err(blame)?;
            let axes = stretch.mesh_axes(geoms[geom]).map_err(blame)?;
            let ratio = change.factor / stretch.own;
            let same = scaled
                .iter()
                .find(|done| matches!(done.action, Action::Mesh { mesh: other, .. } if other == mesh));
            match same.map(|done| &done.action) {
                None => scaled.push(Change {
                    factor: change.factor,
                    action: Action::Mesh {
                        mesh,
                        axes,
                        own: stretch.own,
                    },
                    ..change.clone()
                }),
                Some(Action::Mesh { axes: other, own, .. })
                    if *other == axes && (change.factor / own / ratio - 1.0).abs() < 1e-9 => {}
                Some(_) => return Err(blame(format!("mesh `{name}` would be stretched in two different ways"))),
            }
        }
    }
    Ok(scaled)
}

fn stretch(change: &Change) -> Option<&Stretch> {
    match &change.action {
        Action::Stretch(stretch) => Some(stretch),
        _ => None,
    }
}

/// Refuses a mesh that something wears which is not stretched along with it.
fn sole(source: Source, mesh: &str, stretched: &[usize]) -> Result<(), String> {
    let geoms = parts::all::<MjsGeom>(source.spec);
    for (body, limb) in source.anatomy.bodies.iter().enumerate() {
        if !stretched.contains(&body) && limb.geoms.iter().any(|&geom| geoms[geom].meshname() == mesh) {
            let title = source.anatomy.title(body);
            return Err(format!(
                "its mesh `{mesh}` is worn by {title} too; name that in the same parameter, or give it an asset of its own"
            ));
        }
    }
    match parts::all::<MjsSite>(source.spec)
        .iter()
        .find(|site| site.meshname() == mesh)
    {
        Some(site) => Err(format!("its mesh `{mesh}` is worn by site `{}` too", site.name())),
        None => Ok(()),
    }
}
