//! Geometry of a problem's state, for drawing without a display. Lengths in metres.

use serde::{Deserialize, Serialize};

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
    /// A camera.
    Camera {
        /// Position of the camera.
        eye: [f32; 3],
        /// Point looked at.
        target: [f32; 3],
        /// Vertical field of view in degrees.
        fov: f32,
    },
}

/// A picture's content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// From where it is seen; constant during an episode.
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
