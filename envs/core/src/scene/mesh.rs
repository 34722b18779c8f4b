//! Surfaces of triangles.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Cosine of the angle between two faces up to which the edge between them is drawn round, not sharp (40 degrees).
const ROUND: f32 = 0.766;

/// A surface of triangles in its own frame. Lengths in metres.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Mesh {
    vertices: Vec<[f32; 3]>,
    faces: Vec<[u32; 3]>,
    normals: Vec<[[f32; 3]; 3]>,
}

/// What is stored of a surface; the rest follows from it, and what is wrong with it is left out.
#[derive(Serialize, Deserialize)]
struct Stored {
    vertices: Vec<[f32; 3]>,
    faces: Vec<[u32; 3]>,
}

impl From<Stored> for Mesh {
    fn from(stored: Stored) -> Self {
        Self::new(stored.vertices, stored.faces)
    }
}

impl From<Mesh> for Stored {
    fn from(Mesh { vertices, faces, .. }: Mesh) -> Self {
        Self { vertices, faces }
    }
}

impl Mesh {
    /// A surface from its vertices and the three vertices of each face. Faces without area, with vertices that do not exist or
    /// are no numbers are left out.
    pub fn new(vertices: Vec<[f32; 3]>, faces: impl IntoIterator<Item = [u32; 3]>) -> Self {
        let normal = |face: &[u32; 3]| {
            let corner = |i: usize| vertices.get(face[i] as usize).copied();
            let (a, b, c) = (corner(0)?, corner(1)?, corner(2)?);
            let twice_area = cross(subtract(b, a), subtract(c, a));
            let length = dot(twice_area, twice_area).sqrt();
            (length.is_finite() && length > 0.0).then_some(twice_area)
        };
        let (faces, areas): (Vec<[u32; 3]>, Vec<[f32; 3]>) = faces
            .into_iter()
            .filter_map(|face| Some((face, normal(&face)?)))
            .unzip();
        let normals = corner_normals(vertices.len(), &faces, &areas);
        Self {
            vertices,
            faces,
            normals,
        }
    }

    /// The surface of a box with these half extents (m), two faces per side.
    pub fn cuboid(half: [f32; 3]) -> Self {
        let corner = |i: usize| std::array::from_fn(|axis| if i >> axis & 1 == 1 { half[axis] } else { -half[axis] });
        let sides = [
            [0, 2, 3, 1],
            [4, 5, 7, 6],
            [0, 1, 5, 4],
            [2, 6, 7, 3],
            [0, 4, 6, 2],
            [1, 3, 7, 5],
        ];
        let faces = sides.into_iter().flat_map(|[a, b, c, d]| [[a, b, c], [a, c, d]]);
        Self::new((0..8).map(corner).collect(), faces)
    }

    /// A landscape over the rectangle of `half` extents (m): `heights[row * columns + column]` in metres, columns along x.
    /// Fewer than two rows or columns, or another number of heights, give an empty surface.
    pub fn landscape(half: [f32; 2], columns: usize, heights: &[f32]) -> Self {
        let rows = heights.len().checked_div(columns).unwrap_or(0);
        if rows < 2 || columns < 2 || rows * columns != heights.len() {
            return Self::new(Vec::new(), []);
        }
        let at = |i: usize, count: usize, half: f32| half * (2.0 * i as f32 / (count - 1) as f32 - 1.0);
        let vertex = |i: usize| {
            [
                at(i % columns, columns, half[0]),
                at(i / columns, rows, half[1]),
                heights[i],
            ]
        };
        let squares = (0..rows - 1).flat_map(|row| (0..columns - 1).map(move |column| row * columns + column));
        let faces = squares.flat_map(|i| {
            let [a, b, c, d] = [i, i + 1, i + 1 + columns, i + columns].map(|i| i as u32);
            [[a, b, c], [a, c, d]]
        });
        Self::new((0..heights.len()).map(vertex).collect(), faces)
    }

    /// The same surface with details smaller than `cell` (m) taken out: vertices in the same cube of a grid become one, in their
    /// middle (Rossignac and Borrel 1993).
    #[must_use]
    pub fn coarsened(&self, cell: f32) -> Self {
        let cube = |v: &[f32; 3]| v.map(|x| (x / cell).floor() as i64);
        let mut clusters: HashMap<[i64; 3], u32> = HashMap::new();
        let mut sums: Vec<([f32; 3], f32)> = Vec::new();
        let mut cluster_of = Vec::with_capacity(self.vertices.len());
        for vertex in &self.vertices {
            let at = *clusters.entry(cube(vertex)).or_insert_with(|| {
                sums.push(([0.0; 3], 0.0));
                sums.len() as u32 - 1
            });
            let (sum, count) = &mut sums[at as usize];
            *sum = std::array::from_fn(|i| sum[i] + vertex[i]);
            *count += 1.0;
            cluster_of.push(at);
        }
        let vertices = sums.iter().map(|(sum, count)| sum.map(|x| x / count)).collect();
        let faces = self.faces.iter().map(|face| face.map(|i| cluster_of[i as usize]));
        Self::new(vertices, faces.filter(|[a, b, c]| a != b && b != c && a != c))
    }

    /// Corners and their normals (unit vectors) of each face.
    pub fn triangles(&self) -> impl ExactSizeIterator<Item = [([f32; 3], [f32; 3]); 3]> + '_ {
        let corners = |face: &[u32; 3]| face.map(|i| self.vertices[i as usize]);
        self.faces.iter().zip(&self.normals).map(move |(face, normals)| {
            let corners = corners(face);
            std::array::from_fn(|i| (corners[i], normals[i]))
        })
    }

    /// The three vertices of each face, by their place in [`Mesh::vertices`].
    pub fn faces(&self) -> &[[u32; 3]] {
        &self.faces
    }

    /// Vertices, also such as no face uses.
    pub fn vertices(&self) -> &[[f32; 3]] {
        &self.vertices
    }
}

/// The normal at each corner of each face: the sum of the normals, by area, of the faces that meet there without an edge.
fn corner_normals(vertices: usize, faces: &[[u32; 3]], areas: &[[f32; 3]]) -> Vec<[[f32; 3]; 3]> {
    let mut around: Vec<Vec<usize>> = vec![Vec::new(); vertices];
    for (i, face) in faces.iter().enumerate() {
        face.iter().for_each(|&vertex| around[vertex as usize].push(i));
    }
    let units: Vec<[f32; 3]> = areas.iter().map(|&area| unit(area)).collect();
    let corner = |face: usize, vertex: u32| {
        let meeting = around[vertex as usize].iter();
        let round = meeting.filter(|&&other| dot(units[face], units[other]) > ROUND);
        unit(round.fold([0.0; 3], |sum, &other| {
            std::array::from_fn(|i| sum[i] + areas[other][i])
        }))
    };
    let faces = faces.iter().enumerate();
    faces.map(|(i, face)| face.map(|vertex| corner(i, vertex))).collect()
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

fn subtract(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    std::array::from_fn(|i| a[i] - b[i])
}

fn unit(a: [f32; 3]) -> [f32; 3] {
    let length = dot(a, a).sqrt().max(f32::MIN_POSITIVE);
    a.map(|x| x / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_of_a_cube_are_sharp() {
        let cube = Mesh::cuboid([1.0; 3]);
        assert_eq!(cube.triangles().len(), 12);
        for triangle in cube.triangles() {
            for (position, normal) in triangle {
                let axis = (0..3).find(|&i| normal[i].abs() > 0.999).unwrap();
                assert_eq!(normal[axis].signum(), position[axis], "outwards");
                assert!(triangle.iter().all(|(p, _)| p[axis] == position[axis]));
            }
        }
    }

    /// A landscape that bends by less than 40 degrees is round: at the ridge the normal points straight up.
    #[test]
    fn gentle_ridges_are_round() {
        let ridge = Mesh::landscape([1.0, 1.0], 3, &[0.0, 0.2, 0.0, 0.0, 0.2, 0.0]);
        assert_eq!(ridge.triangles().len(), 4);
        let crest = ridge.triangles().flatten().filter(|(p, _)| p[0] == 0.0 && p[1] == -1.0);
        for (position, normal) in crest {
            assert_eq!(position[2], 0.2);
            assert!(normal[2] > 0.99, "{normal:?}");
        }
        assert_eq!(Mesh::landscape([1.0, 1.0], 3, &[0.0; 5]).triangles().len(), 0);
    }

    #[test]
    fn what_is_no_triangle_is_left_out() {
        let vertices = vec![[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [f32::NAN; 3]];
        let mesh = Mesh::new(vertices, [[0, 1, 2], [0, 1, 1], [0, 1, 9], [0, 1, 3]]);
        assert_eq!(mesh.triangles().len(), 1);
        let stored = serde_json::to_string(&mesh).unwrap_or_default();
        assert_eq!(
            serde_json::from_str::<Mesh>(&stored.replace("null", "0"))
                .unwrap()
                .faces,
            mesh.faces
        );
        let wrong = stored.replace("[[0,1,2]]", "[[0,1,2],[0,1,9]]");
        assert!(wrong != stored);
        assert_eq!(
            serde_json::from_str::<Mesh>(&wrong.replace("null", "0"))
                .unwrap()
                .triangles()
                .len(),
            1
        );
    }

    #[test]
    fn a_coarse_mesh_has_fewer_faces_and_nearly_the_same_size() {
        let heights: Vec<f32> = (0..101 * 101).map(|i| 0.3 * ((i % 101) as f32 * 0.05).sin()).collect();
        let fine = Mesh::landscape([1.0, 1.0], 101, &heights);
        let coarse = fine.coarsened(0.1);
        assert!(coarse.triangles().len() * 10 < fine.triangles().len());
        let highest = |mesh: &Mesh| mesh.vertices().iter().map(|v| v[2]).fold(f32::MIN, f32::max);
        assert!((highest(&fine) - highest(&coarse)).abs() < 0.02);
        let cube = Mesh::cuboid([1.0; 3]);
        assert_eq!(cube.coarsened(0.5), cube, "nothing smaller than the cell");
    }
}
