//! From where a robot is seen.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use mujoco_rs::mujoco_c::mjtJoint;
use mujoco_rs::wrappers::{MjModel, mj_model::MjtObjBase};
use nalgebra::Vector3;
use tandem_core::check::SettingError;
use tandem_core::{Role, Scene, View};

use super::drawing::Drawing;
use super::roles::Roles;
use crate::model::unknown;
use crate::simulation::Simulation;

/// Vertical field of view of the camera that follows, degrees.
const FOV: f64 = 30.0;
/// Its distance, in radii of the robot.
const DISTANCE: f64 = 4.2;
/// How much of its reach an arm that cannot turn all around is given room for.
const PARTLY: f64 = 0.6;
/// How far the robot may rise and fall before the camera does, in radii of the robot.
const CALM: f64 = 0.5;
/// What is drawn of how many models is kept.
const KEPT: usize = 8;

/// Takes pictures of a robot, whatever its design.
pub struct Camera {
    place: Place,
    /// Drawings of the models seen last.
    drawings: Mutex<Vec<(Weak<MjModel>, Arc<Drawing>)>>,
}

/// Where the camera stands.
enum Place {
    /// A camera of the file, by number.
    File(usize),
    /// One with a fixed direction and distance.
    Following(Following),
}

/// A camera that does not turn. Its distance comes from the start design, so that all designs are drawn to one scale.
struct Following {
    /// Body whose subtree's centre of mass it follows; without one it stands still.
    root: Option<usize>,
    /// Where the robot is in the reference pose of the start design, m.
    home: Vector3<f64>,
    /// From the point looked at to the eye, m.
    offset: Vector3<f64>,
    up: [f32; 3],
    /// The robot's radius, m.
    radius: f64,
    /// Height of the floor where the file has none, m.
    floor: Option<f32>,
}

impl Camera {
    /// The camera of the file with this name, else one that follows the robot.
    ///
    /// # Errors
    /// A name that the file does not have.
    pub fn new(name: Option<&str>, model: &Arc<MjModel>) -> Result<Self, SettingError> {
        let place = match name {
            Some(name) => Place::File(named(name, model)?),
            None => Place::Following(Following::new(model)?),
        };
        let drawings = Mutex::default();
        Ok(Self { place, drawings })
    }

    /// What is seen of a robot.
    pub fn scene(&self, robot: &Simulation) -> Scene {
        let drawing = self.drawing(robot);
        let floor = drawing.floor(robot);
        let (view, caption) = match &self.place {
            Place::File(camera) => (of_file(*camera, robot, floor), caption(robot, None)),
            Place::Following(camera) => (camera.view(robot, floor), caption(robot, camera.root)),
        };
        Scene {
            view,
            shapes: drawing.shapes(robot),
            caption,
        }
    }

    /// The drawing of a robot's model, made once for each model.
    fn drawing(&self, robot: &Simulation) -> Arc<Drawing> {
        let model = robot.data().model_clone();
        let mut drawings = self.drawings.lock().unwrap_or_else(PoisonError::into_inner);
        // A weak pointer keeps the address from being used again.
        let known = drawings.iter().find(|(known, _)| known.as_ptr() == Arc::as_ptr(&model));
        if let Some((_, drawing)) = known {
            return drawing.clone();
        }
        drawings.retain(|(known, _)| known.strong_count() > 0);
        if drawings.len() >= KEPT {
            drawings.remove(0);
        }
        let drawing = Arc::new(Drawing::new(robot));
        drawings.push((Arc::downgrade(&model), drawing.clone()));
        drawing
    }
}

/// The camera with this name.
fn named(name: &str, model: &MjModel) -> Result<usize, SettingError> {
    let name_of = |camera| model.id_to_name(MjtObjBase::mjOBJ_CAMERA, camera).unwrap_or("");
    let names: Vec<&str> = (0..model.cam_fovy().len()).map(name_of).collect();
    if let Some(camera) = names.iter().position(|known| *known == name && !name.is_empty()) {
        return Ok(camera);
    }
    let reason = unknown("camera", name, names);
    Err(SettingError::new(
        "camera",
        format!("{reason}; without one, the picture follows the robot"),
    ))
}

/// What a camera of the file sees. It looks at the point of its gaze that is as far away as the robot.
fn of_file(camera: usize, robot: &Simulation, floor: Option<f32>) -> View {
    let (eye, turn) = (&robot.data().cam_xpos()[camera], &robot.data().cam_xmat()[camera]);
    let column = |i: usize| Vector3::new(turn[i], turn[3 + i], turn[6 + i]);
    let (eye, up, gaze) = (Vector3::from(*eye), column(1), -column(2));
    let center = Vector3::from(robot.data().subtree_com()[0]);
    let distance = gaze.dot(&(center - eye)).max(0.1 * robot.model().stat().extent);
    View::Camera {
        eye: single(eye),
        target: single(eye + distance * gaze),
        up: single(up),
        fov: robot.model().cam_fovy()[camera].clamp(1.0, 170.0) as f32,
        floor,
    }
}

/// The time, and how far the robot has come.
fn caption(robot: &Simulation, root: Option<usize>) -> String {
    let time = robot.data().time();
    match root {
        Some(root) => format!("{time:.2} s, x {:.2} m", robot.data().xpos()[root][0] + 0.0), // + 0: no -0
        None => format!("{time:.2} s"),
    }
}

impl Following {
    fn new(model: &Arc<MjModel>) -> Result<Self, SettingError> {
        let robot = Simulation::new(model.clone());
        let robot = robot.map_err(|error| SettingError::new("model", error.to_string()))?;
        let roles = Roles::new(model);
        let mut low = Vector3::repeat(f64::INFINITY);
        let mut high = -low;
        let root = roles.robots().find(|&body| travels(model, body));
        for geom in 0..model.geom_bodyid().len() {
            let bounded = model.geom_rbound()[geom] > 0.0; // no plane
            let body = model.geom_bodyid()[geom] as usize;
            // A robot that stays where it is, is seen with all that it has to do with.
            let matters = roles.is_robot(model, body) || root.is_none() && roles.of(body) != Role::Wall;
            if bounded && matters {
                let (a, b) = bounds(&robot, geom);
                (low, high) = (low.inf(&a), high.sup(&b));
            }
        }
        if low[0].is_infinite() {
            let (center, extent) = (Vector3::from(model.stat().center), model.stat().extent);
            (low, high) = (center.add_scalar(-0.5 * extent), center.add_scalar(0.5 * extent));
        }
        let half_diagonal = 0.5 * (high - low).norm();
        let (home, radius) = match anchor(model, &roles).filter(|_| root.is_none()) {
            Some(anchor) if turns_freely(model, anchor) => (
                Vector3::from(robot.data().xpos()[anchor]),
                reach(model, anchor).max(half_diagonal),
            ),
            Some(anchor) => (0.5 * (low + high), (PARTLY * reach(model, anchor)).max(half_diagonal)),
            None => (0.5 * (low + high), half_diagonal),
        };
        let radius = radius.max(1e-3);
        let (direction, up) = direction(&robot, &roles);
        Ok(Self {
            root,
            home,
            offset: DISTANCE * radius * direction,
            up,
            radius,
            floor: root.is_none().then_some(low[2] as f32),
        })
    }

    fn view(&self, robot: &Simulation, floor: Option<f32>) -> View {
        let mut target = self.home;
        if let Some(root) = self.root {
            let [x, y, z] = robot.data().subtree_com()[root];
            let risen = z - self.home[2];
            let calm = CALM * self.radius;
            target = Vector3::new(x, y, self.home[2] + risen - risen.clamp(-calm, calm));
        }
        View::Camera {
            eye: single(target + self.offset),
            target: single(target),
            up: self.up,
            fov: FOV as f32,
            floor: floor.or(self.floor),
        }
    }
}

fn single(v: Vector3<f64>) -> [f32; 3] {
    [v[0] as f32, v[1] as f32, v[2] as f32]
}

/// The box around a geom, along the world's axes, m.
fn bounds(robot: &Simulation, geom: usize) -> (Vector3<f64>, Vector3<f64>) {
    let turn = &robot.data().geom_xmat()[geom];
    let [x, y, z, a, b, c] = robot.model().geom_aabb()[geom];
    let (middle, half) = ([x, y, z], [a, b, c]);
    let row = |i: usize, v: [f64; 3], size: fn(f64) -> f64| (0..3).map(|j| size(turn[3 * i + j]) * v[j]).sum::<f64>();
    let center = Vector3::from_fn(|i, _| robot.data().geom_xpos()[geom][i] + row(i, middle, |r| r));
    let half = Vector3::from_fn(|i, _| row(i, half, f64::abs));
    (center - half, center + half)
}

/// Whether a tree of bodies can go anywhere: it hangs free or slides along the ground.
fn travels(model: &MjModel, tree: usize) -> bool {
    let joints = (0..model.jnt_type().len()).filter(|&joint| model.jnt_bodyid()[joint] as usize == tree);
    let goes = |joint: usize| match model.jnt_type()[joint] {
        mjtJoint::mjJNT_FREE => true,
        mjtJoint::mjJNT_SLIDE => !model.jnt_limited()[joint] && model.jnt_axis()[joint][2].abs() < 0.5,
        _ => false,
    };
    joints.into_iter().any(goes)
}

/// The body at which a robot moves against its base.
fn anchor(model: &MjModel, roles: &Roles) -> Option<usize> {
    let jointed = |body: usize| roles.is_robot(model, body) && model.body_dofnum()[body] > 0;
    (1..model.body_parentid().len()).find(|&body| jointed(body))
}

/// Whether a body turns all around on its own joint.
fn turns_freely(model: &MjModel, body: usize) -> bool {
    let joints = (0..model.jnt_type().len()).filter(|&joint| model.jnt_bodyid()[joint] as usize == body);
    let turns = |joint: usize| matches!(model.jnt_type()[joint], mjtJoint::mjJNT_HINGE | mjtJoint::mjJNT_BALL);
    joints
        .into_iter()
        .any(|joint| turns(joint) && !model.jnt_limited()[joint])
}

/// How far what hangs on a body goes from it when it is stretched, m.
fn reach(model: &MjModel, anchor: usize) -> f64 {
    let length = |v: [f64; 3]| Vector3::from(v).norm();
    let parent = |&body: &usize| (body != 0).then(|| model.body_parentid()[body] as usize);
    let stretched = |geom: usize| {
        let path: Vec<usize> = std::iter::successors(Some(model.geom_bodyid()[geom] as usize), parent).collect();
        let above = path.iter().position(|&body| body == anchor)?;
        let chain: f64 = path[..above].iter().map(|&body| length(model.body_pos()[body])).sum();
        Some(chain + length(model.geom_pos()[geom]) + model.geom_rbound()[geom])
    };
    (0..model.geom_bodyid().len()).filter_map(stretched).fold(0.0, f64::max)
}

/// From the robot to the camera, and what is up. A robot that moves in a plane is seen across it, else from the side, in front
/// and above, with x to the right.
fn direction(robot: &Simulation, roles: &Roles) -> (Vector3<f64>, [f32; 3]) {
    let upright = [0.0, 0.0, 1.0];
    match plane(robot, roles) {
        Some(normal) if normal[2].abs() > 0.9 => (Vector3::new(0.0, -0.5, 0.87), upright),
        Some(normal) if normal[2].abs() < 0.1 => {
            let side = Vector3::new(0.1, -1.0, 0.0);
            let across: Vector3<f64> = normal * normal.dot(&side).signum();
            ((across + Vector3::new(0.0, 0.0, 0.18)).normalize(), upright)
        }
        _ => (Vector3::new(0.5, -1.0, 0.5).normalize(), upright),
    }
}

/// The normal of the plane in which all of the robot's hinges turn.
fn plane(robot: &Simulation, roles: &Roles) -> Option<Vector3<f64>> {
    let model = robot.model();
    let mut normal: Option<Vector3<f64>> = None;
    for joint in 0..model.jnt_type().len() {
        if !roles.is_robot(model, model.jnt_bodyid()[joint] as usize) {
            continue;
        }
        match model.jnt_type()[joint] {
            mjtJoint::mjJNT_SLIDE => {}
            mjtJoint::mjJNT_HINGE => {
                let axis = Vector3::from(robot.data().xaxis()[joint]);
                let normal = normal.get_or_insert(axis);
                if normal.dot(&axis).abs() < 0.99 {
                    return None;
                }
            }
            _ => return None,
        }
    }
    normal
}
