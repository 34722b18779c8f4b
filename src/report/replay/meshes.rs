//! Surfaces of triangles, stored once for all films.

use std::sync::Arc;

use serde::Serialize;
use tandem_core::scene::Mesh;

use super::stream::Stream;

/// Details smaller than this share of a surface's size are taken out where it has many vertices.
const CELLS: f32 = 28.0;
/// Vertices from which that is done.
const MANY: usize = 500;
/// Steps per size of a surface.
const STEPS: f32 = 1000.0;

/// A surface as the page holds it.
#[derive(Serialize)]
pub struct MeshData {
    /// Length of a step, m.
    unit: f32,
    /// How many vertices and faces.
    counts: [usize; 2],
    vertices: Stream,
    faces: Stream,
}

/// The surfaces seen so far; films share them.
#[derive(Default)]
pub struct Meshes {
    known: Vec<Arc<Mesh>>,
}

impl Meshes {
    /// The number of a surface.
    pub fn index(&mut self, mesh: &Arc<Mesh>) -> usize {
        let same = |known: &Arc<Mesh>| Arc::ptr_eq(known, mesh) || **known == **mesh;
        self.known.iter().position(same).unwrap_or_else(|| {
            self.known.push(mesh.clone());
            self.known.len() - 1
        })
    }

    /// All of them.
    pub fn finish(self) -> Vec<MeshData> {
        self.known.iter().map(|mesh| encode(mesh)).collect()
    }
}

fn encode(mesh: &Mesh) -> MeshData {
    let size = size(mesh);
    let coarse = (mesh.vertices().len() > MANY).then(|| mesh.coarsened(size / CELLS));
    let mesh = coarse.as_ref().unwrap_or(mesh);
    let unit = size / STEPS;
    let vertices = mesh
        .vertices()
        .iter()
        .map(|v| v.map(|x| (x / unit).round() as i32).to_vec());
    let faces = mesh.faces().iter().map(|face| face.map(|i| i as i32).to_vec());
    MeshData {
        unit,
        counts: [mesh.vertices().len(), mesh.faces().len()],
        vertices: Stream::new(&vertices.collect::<Vec<_>>()),
        faces: Stream::new(&faces.collect::<Vec<_>>()),
    }
}

/// The longest side of its box, m.
fn size(mesh: &Mesh) -> f32 {
    let side = |axis: usize| {
        let along = mesh.vertices().iter().map(|v| v[axis]).filter(|x| x.is_finite());
        let (low, high) = along.fold((f32::MAX, f32::MIN), |(low, high), x| (low.min(x), high.max(x)));
        (high - low).max(0.0)
    };
    side(0).max(side(1)).max(side(2)).max(1e-6)
}
