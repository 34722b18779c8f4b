//! The visible parts of a compiled model.

use std::collections::HashMap;
use std::sync::Arc;

use mujoco_rs::mujoco_c::{_mjtGeomBase as Geom, mjtTextureRole};
use mujoco_rs::wrappers::MjModel;
use nalgebra::{Matrix3, Rotation3, UnitQuaternion};
use tandem_core::{Mesh, Role, Shape};

use super::roles::Roles;
use crate::simulation::Simulation;

/// Groups that MuJoCo's own viewer shows at first are those up to this one; by custom, the ones above hold shapes for contacts.
const LAST_VISIBLE_GROUP: i32 = 2;
/// Parts less opaque than this are not drawn.
const INVISIBLE: f32 = 0.05;
/// What MuJoCo gives to parts that the file gives no colour.
const DEFAULT_COLOR: [f32; 4] = [0.5, 0.5, 0.5, 1.0];
/// Half the side of a drawn piece of a plane that is infinite and no floor, as a multiple of the model's extent.
const INFINITE: f64 = 3.0;
/// Faces of a mesh from which it is drawn coarser.
const MANY_FACES: usize = 10_000;
/// Size of a detail that is left out then, as a part of the mesh's longest side.
const DETAIL: f32 = 0.015;

/// Where a part's place is to be found.
#[derive(Clone, Copy, Debug)]
enum Source {
    Geom(usize),
    Site(usize),
}

/// A part's shape in its own frame. Lengths in metres.
#[derive(Clone, Debug)]
enum Form {
    Sphere(f32),
    /// Radius and half the length of the straight piece, along z.
    Capsule(f32, f32),
    Cylinder(f32, f32),
    Ellipsoid([f32; 3]),
    Box([f32; 3]),
    /// A sheet in the frame's xy plane.
    Sheet([f32; 2]),
    Mesh(Arc<Mesh>),
}

/// A part with its place still open.
#[derive(Debug)]
struct Part {
    role: Role,
    form: Form,
    source: Source,
}

/// A drawn tendon.
#[derive(Debug)]
struct Cable {
    role: Role,
    tendon: usize,
    radius: f32,
}

/// All that is visible of a model.
#[derive(Debug)]
pub(super) struct Drawing {
    parts: Vec<Part>,
    cables: Vec<Cable>,
    /// Level planes, of which the highest is drawn as the floor.
    floors: Vec<usize>,
}

impl Drawing {
    pub(super) fn new(robot: &Simulation) -> Self {
        let model = robot.model();
        let (roles, mut meshes) = (Roles::new(model), Meshes::default());
        let floors: Vec<usize> = (0..model.geom_type().len())
            .filter(|&geom| is_floor(robot, geom))
            .collect();
        let geoms = (0..model.geom_type().len())
            .filter(|geom| !floors.contains(geom))
            .filter_map(|geom| {
                let color = shown(model, geom)?;
                let form = meshes.form(
                    model,
                    model.geom_type()[geom],
                    model.geom_size()[geom],
                    model.geom_dataid()[geom],
                )?;
                let role = painted(roles.of(model.geom_bodyid()[geom] as usize), color);
                Some(Part {
                    role,
                    form,
                    source: Source::Geom(geom),
                })
            });
        let mut parts: Vec<Part> = geoms.collect();
        parts.extend((0..model.site_type().len()).filter_map(|site| {
            let color = color(model, model.site_matid()[site], model.site_rgba()[site]);
            if model.site_group()[site] > LAST_VISIBLE_GROUP || color[3] < INVISIBLE {
                return None;
            }
            let form = meshes.form(
                model,
                model.site_type()[site],
                model.site_size()[site],
                model.site_dataid()[site],
            )?;
            let role = match roles.of(model.site_bodyid()[site] as usize) {
                Role::Goal => Role::Goal,
                _ => painted(Role::Joint, color),
            };
            Some(Part {
                role,
                form,
                source: Source::Site(site),
            })
        }));
        let cables = cables(model);
        Self { parts, cables, floors }
    }

    /// Height of the floor, m.
    pub(super) fn floor(&self, robot: &Simulation) -> Option<f32> {
        let heights = self.floors.iter().map(|&geom| robot.data().geom_xpos()[geom][2] as f32);
        heights.reduce(f32::max)
    }

    /// Everything where it now is.
    pub(super) fn shapes(&self, robot: &Simulation) -> Vec<(Role, Shape)> {
        let data = robot.data();
        let parts = self.parts.iter().map(|part| {
            let (at, turn) = match part.source {
                Source::Geom(geom) => (&data.geom_xpos()[geom], &data.geom_xmat()[geom]),
                Source::Site(site) => (&data.site_xpos()[site], &data.site_xmat()[site]),
            };
            (part.role, place(&part.form, at, turn))
        });
        let mut shapes: Vec<(Role, Shape)> = parts.collect();
        for cable in &self.cables {
            shapes.extend(pieces(robot, cable).map(|shape| (cable.role, shape)));
        }
        shapes
    }
}

/// A plane of the file that is level, with the free side up.
fn is_floor(robot: &Simulation, geom: usize) -> bool {
    robot.model().geom_type()[geom] == Geom::mjGEOM_PLANE && robot.data().geom_xmat()[geom][8] > 0.9999
}

fn is_mesh(model: &MjModel, geom: usize) -> bool {
    model.geom_type()[geom] == Geom::mjGEOM_MESH
}

/// The colour of a geom that is drawn. Shapes for contacts are not drawn where the same body has others to be looked at: such of
/// the visible groups, or meshes that nothing can touch.
fn shown(model: &MjModel, geom: usize) -> Option<[f32; 4]> {
    let color_of = |geom: usize| color(model, model.geom_matid()[geom], model.geom_rgba()[geom]);
    let group = |geom: usize| model.geom_group()[geom];
    let opaque = |geom: usize| color_of(geom)[3] >= INVISIBLE;
    let touchable = |geom: usize| model.geom_contype()[geom] != 0 || model.geom_conaffinity()[geom] != 0;
    let body = model.geom_bodyid()[geom];
    let others = || (0..model.geom_bodyid().len()).filter(|&other| other != geom && model.geom_bodyid()[other] == body);
    let doubled = match group(geom) > LAST_VISIBLE_GROUP {
        true => others().any(|other| group(other) <= LAST_VISIBLE_GROUP && opaque(other)),
        false => {
            let looks = |other: usize| is_mesh(model, other) && !touchable(other) && group(other) <= LAST_VISIBLE_GROUP;
            body != 0 && touchable(geom) && others().any(|other| looks(other) && opaque(other))
        }
    };
    (opaque(geom) && !doubled).then(|| color_of(geom))
}

/// The colour of a part: its material's, times the mean colour of the material's texture, or its own.
fn color(model: &MjModel, material: i32, own: [f32; 4]) -> [f32; 4] {
    let Ok(material) = usize::try_from(material) else {
        return own;
    };
    let rgba = model.mat_rgba()[material];
    let texture = model.mat_texid()[material][mjtTextureRole::mjTEXROLE_RGB as usize];
    match usize::try_from(texture)
        .ok()
        .and_then(|texture| mean_color(model, texture))
    {
        Some(mean) => std::array::from_fn(|i| if i < 3 { rgba[i] * mean[i] } else { rgba[i] }),
        None => rgba,
    }
}

/// The mean of a texture's pixels, in [0, 1].
fn mean_color(model: &MjModel, texture: usize) -> Option<[f32; 3]> {
    let channels = model.tex_nchannel()[texture] as usize;
    let pixels = model.load_texture(texture).ok()?;
    if channels < 3 || pixels.len() < channels {
        return None;
    }
    let mut sums = [0u64; 3];
    for pixel in pixels.chunks_exact(channels) {
        (0..3).for_each(|i| sums[i] += u64::from(pixel[i]));
    }
    let count = (pixels.len() / channels) as f32;
    Some(sums.map(|sum| sum as f32 / count / 255.0))
}

/// A role, or the file's colour where it gives one; goals and scenery keep theirs, so that they stay what they are to the eye.
fn painted(role: Role, color: [f32; 4]) -> Role {
    let default = (0..4).all(|i| (color[i] - DEFAULT_COLOR[i]).abs() < 0.01);
    match role {
        Role::Goal | Role::Wall => role,
        _ if default => role,
        _ => Role::Painted(color.map(|c| (255.0 * c.clamp(0.0, 1.0)).round() as u8)),
    }
}

fn cables(model: &MjModel) -> Vec<Cable> {
    let drawn = |&tendon: &usize| model.tendon_group()[tendon] <= LAST_VISIBLE_GROUP;
    let cable = |tendon: usize| {
        let color = color(model, model.tendon_matid()[tendon], model.tendon_rgba()[tendon]);
        (color[3] >= INVISIBLE).then(|| Cable {
            role: painted(Role::Tendon, color),
            tendon,
            radius: model.tendon_width()[tendon] as f32,
        })
    };
    (0..model.tendon_group().len())
        .filter(drawn)
        .filter_map(cable)
        .collect()
}

/// The straight pieces of a tendon's path; where it goes through a pulley it is interrupted.
fn pieces<'a>(robot: &'a Simulation, cable: &Cable) -> impl Iterator<Item = Shape> + use<'a> {
    const PULLEY: i32 = -2;
    let data = robot.data();
    let (points, marks) = (data.wrap_xpos().as_flattened(), data.wrap_obj().as_flattened());
    let start = data.ten_wrapadr()[cable.tendon] as usize;
    let count = data.ten_wrapnum()[cable.tendon] as usize;
    let radius = cable.radius;
    let point = |i: usize| std::array::from_fn(|axis| points[3 * i + axis] as f32);
    let whole = move |&i: &usize| marks[i] != PULLEY && marks[i + 1] != PULLEY;
    (start..(start + count).saturating_sub(1))
        .filter(whole)
        .map(move |i| Shape::Capsule {
            a: point(i),
            b: point(i + 1),
            radius,
        })
}

/// The meshes and landscapes met so far, by kind and number, so that parts share them.
#[derive(Default)]
struct Meshes(HashMap<(u32, usize), Arc<Mesh>>);

impl Meshes {
    /// The form of a geom or site; none where MuJoCo draws it in a way of its own.
    fn form(&mut self, model: &MjModel, kind: Geom, size: [f64; 3], data: i32) -> Option<Form> {
        let [a, b, c] = size.map(|s| s as f32);
        let wide = |half: f64| if half > 0.0 { half } else { INFINITE * model.stat().extent } as f32;
        Some(match kind {
            Geom::mjGEOM_SPHERE => Form::Sphere(a),
            Geom::mjGEOM_CAPSULE => Form::Capsule(a, b),
            Geom::mjGEOM_CYLINDER => Form::Cylinder(a, b),
            Geom::mjGEOM_ELLIPSOID => Form::Ellipsoid([a, b, c]),
            Geom::mjGEOM_BOX => Form::Box([a, b, c]),
            Geom::mjGEOM_PLANE => Form::Sheet([wide(size[0]), wide(size[1])]),
            Geom::mjGEOM_MESH | Geom::mjGEOM_SDF | Geom::mjGEOM_HFIELD => {
                let data = usize::try_from(data).ok()?;
                let make = match kind {
                    Geom::mjGEOM_HFIELD => landscape,
                    _ => mesh,
                };
                let mesh = self
                    .0
                    .entry((kind as u32, data))
                    .or_insert_with(|| Arc::new(make(model, data)));
                Form::Mesh(mesh.clone())
            }
        })
    }
}

/// A mesh as it was compiled, coarser where it is finer than a picture can show.
fn mesh(model: &MjModel, id: usize) -> Mesh {
    let range = |start: i32, count: i32| start as usize..(start + count) as usize;
    let vertices = range(model.mesh_vertadr()[id], model.mesh_vertnum()[id]);
    let faces = range(model.mesh_faceadr()[id], model.mesh_facenum()[id]);
    let faces = model.mesh_face()[faces].iter().map(|face| face.map(|i| i as u32));
    let many = faces.len() > MANY_FACES;
    let mesh = Mesh::new(model.mesh_vert()[vertices].to_vec(), faces);
    match many {
        true => mesh.coarsened(DETAIL * longest_side(mesh.vertices())),
        false => mesh,
    }
}

/// The longest side of the box around these points.
fn longest_side(points: &[[f32; 3]]) -> f32 {
    let side = |axis: usize| {
        let along = points.iter().map(|point| point[axis]);
        along.clone().fold(f32::MIN, f32::max) - along.fold(f32::MAX, f32::min)
    };
    side(0).max(side(1)).max(side(2))
}

/// A height field's upper side.
fn landscape(model: &MjModel, id: usize) -> Mesh {
    let [x, y, top, _] = model.hfield_size()[id].map(|s| s as f32);
    let (rows, columns) = (model.hfield_nrow()[id] as usize, model.hfield_ncol()[id] as usize);
    let start = model.hfield_adr()[id] as usize;
    let heights: Vec<f32> = model.hfield_data()[start..start + rows * columns]
        .iter()
        .map(|h| h * top)
        .collect();
    Mesh::landscape([x, y], columns, &heights)
}

/// A form at a position (m), turned by a matrix whose rows follow each other.
fn place(form: &Form, position: &[f64; 3], turn: &[f64; 9]) -> Shape {
    let center = position.map(|x| x as f32);
    let matrix = Rotation3::from_matrix_unchecked(Matrix3::from_row_slice(turn));
    let quaternion = UnitQuaternion::from_rotation_matrix(&matrix);
    let rotation = [quaternion.i, quaternion.j, quaternion.k, quaternion.w].map(|q| q as f32);
    let along = |half: f32| std::array::from_fn(|i| center[i] + half * turn[3 * i + 2] as f32);
    match *form {
        Form::Sphere(radius) => Shape::Sphere { center, radius },
        Form::Capsule(radius, half) => Shape::Capsule {
            a: along(-half),
            b: along(half),
            radius,
        },
        Form::Cylinder(radius, half_height) => Shape::Cylinder {
            center,
            radius,
            half_height,
            rotation,
        },
        Form::Ellipsoid(half) => Shape::Ellipsoid { center, half, rotation },
        Form::Box(half) => Shape::Cuboid { center, half, rotation },
        Form::Sheet([x, y]) => Shape::Cuboid {
            center,
            half: [x, y, 0.002 * x.max(y)],
            rotation,
        },
        Form::Mesh(ref mesh) => Shape::Mesh {
            mesh: mesh.clone(),
            position: center,
            rotation,
        },
    }
}
