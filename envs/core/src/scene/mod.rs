//! Geometry of a problem's state, for drawing without a display. Lengths in metres.

mod mesh;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use mesh::Mesh;

/// What a shape is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// A link of the designed machine.
    Link,
    /// A joint of the designed machine.
    Joint,
    /// A part of the machine that is not designed (base, palm).
    Base,
    /// Something that cannot move.
    Wall,
    /// What has to be reached.
    Goal,
    /// What has to be handled.
    Object,
    /// A moving part of the object (button).
    Button,
    /// A trace of past positions.
    Trace,
    /// A place where bodies touch.
    Contact,
    /// A cable or muscle of the machine.
    Tendon,
    /// A link of a machine that branches: how many joints lie between it and the root, and the largest such number.
    Limb {
        /// Joints between the root and this link.
        depth: u16,
        /// The same of the link farthest from the root.
        deepest: u16,
    },
    /// A moving part with a colour of its own: red, green, blue and opacity.
    Painted([u8; 4]),
}

/// A shape in world coordinates; planar problems use z = 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Shape {
    /// A capsule between two points.
    Capsule {
        /// One end of the axis.
        a: [f32; 3],
        /// Other end of the axis.
        b: [f32; 3],
        /// Radius.
        radius: f32,
    },
    /// A box with a pose.
    Cuboid {
        /// Centre.
        center: [f32; 3],
        /// Half extents along the box's own axes.
        half: [f32; 3],
        /// Orientation as a quaternion (x, y, z, w).
        rotation: [f32; 4],
    },
    /// A cylinder along its own z axis.
    Cylinder {
        /// Centre.
        center: [f32; 3],
        /// Radius.
        radius: f32,
        /// Half height.
        half_height: f32,
        /// Orientation as a quaternion (x, y, z, w).
        rotation: [f32; 4],
    },
    /// A sphere; in the plane a disc.
    Sphere {
        /// Centre.
        center: [f32; 3],
        /// Radius.
        radius: f32,
    },
    /// An ellipsoid with a pose; in the plane the ellipse of its first two axes.
    Ellipsoid {
        /// Centre.
        center: [f32; 3],
        /// Half lengths of its own axes.
        half: [f32; 3],
        /// Orientation as a quaternion (x, y, z, w).
        rotation: [f32; 4],
    },
    /// A surface of triangles with a pose.
    Mesh {
        /// The surface in its own frame; scenes of an episode share it.
        #[serde(with = "shared")]
        mesh: Arc<Mesh>,
        /// Where the frame's origin is.
        position: [f32; 3],
        /// Orientation as a quaternion (x, y, z, w).
        rotation: [f32; 4],
    },
}

/// A shared mesh is stored as the mesh.
mod shared {
    use super::{Arc, Deserialize, Mesh, Serialize};

    pub fn serialize<S: serde::Serializer>(mesh: &Arc<Mesh>, to: S) -> Result<S::Ok, S::Error> {
        Mesh::serialize(mesh, to)
    }

    pub fn deserialize<'a, D: serde::Deserializer<'a>>(from: D) -> Result<Arc<Mesh>, D::Error> {
        Mesh::deserialize(from).map(Arc::new)
    }
}

impl Shape {
    /// An upright rectangle of a chart, by its centre and half extents.
    pub fn rectangle(center: [f32; 2], half: [f32; 2]) -> Self {
        Self::Cuboid {
            center: [center[0], center[1], 0.0],
            half: [half[0], half[1], 0.01],
            rotation: [0.0, 0.0, 0.0, 1.0],
        }
    }
}

/// From where a scene is seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum View {
    /// The xy plane between two corners, in metres.
    Plane {
        /// Lower left corner.
        min: [f32; 2],
        /// Upper right corner.
        max: [f32; 2],
    },
    /// The same for a picture whose units are no lengths: it gets no scale.
    Chart {
        /// Lower left corner.
        min: [f32; 2],
        /// Upper right corner.
        max: [f32; 2],
    },
    /// A camera, z up in the world.
    Camera {
        /// Position of the camera.
        eye: [f32; 3],
        /// Point looked at.
        target: [f32; 3],
        /// What is up in the picture, roughly; any length, not along the gaze.
        up: [f32; 3],
        /// Vertical field of view in degrees.
        fov: f32,
        /// Height of the floor; without one there is sky below too.
        floor: Option<f32>,
    },
}

/// A picture's content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// From where it is seen; constant during an episode, except that a camera may follow a machine that travels: it then
    /// moves without turning.
    pub view: View,
    /// What is seen, in drawing order.
    pub shapes: Vec<(Role, Shape)>,
    /// One line about the state, e.g. `distance 0.12 m`.
    pub caption: String,
}

impl Scene {
    /// A scene in which there is nothing to see, with the reason.
    pub fn empty(caption: &str) -> Self {
        Self {
            view: View::Plane {
                min: [-1.0; 2],
                max: [1.0; 2],
            },
            shapes: Vec::new(),
            caption: caption.into(),
        }
    }
}
