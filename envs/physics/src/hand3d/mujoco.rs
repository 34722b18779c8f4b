//! What the hands have in common when MuJoCo moves them: numbers in single precision, and the monitors.

use tandem_core::mechanism::{Mechanism, decimal};
use tandem_mujoco::Machine;

use super::monitor::{Fault, check_depth, check_joints};
use super::parts::{CONTROL_DT, Placed};

/// A mechanism at `substeps` physics steps in a control step; `None` if MuJoCo refuses it, which a valid design cannot cause.
pub(super) fn build(mut mechanism: Mechanism, substeps: usize) -> Option<Machine> {
    mechanism.substeps = substeps;
    mechanism.dt = decimal(CONTROL_DT) / substeps as f64;
    Machine::new(&mechanism).ok()
}

pub(super) fn narrow(v: [f64; 3]) -> [f32; 3] {
    v.map(|x| x as f32)
}

/// Where a body is.
pub(super) fn placed(machine: &Machine, body: usize) -> Placed {
    let (place, turn) = machine.place(body);
    (narrow(place), turn.map(|x| x as f32))
}

/// Velocity, m/s, and angular velocity, rad/s, of a free body.
pub(super) fn velocity(machine: &Machine, body: usize) -> [[f32; 3]; 2] {
    machine.velocity(body).map(narrow)
}

/// Speed of a free body, m/s.
pub(super) fn speed(machine: &Machine, body: usize) -> f32 {
    let [[x, y, z], _] = velocity(machine, body);
    x.hypot(y).hypot(z)
}

/// The turn about the vertical by this angle, rad.
pub(super) fn about_z(turn: f64) -> [f64; 4] {
    let (sin, cos) = (0.5 * turn).sin_cos();
    [0.0, 0.0, sin, cos]
}

/// Places where hand and object touch, m: not those on the table, which is fixed to the world.
pub(super) fn contacts(machine: &Machine) -> Vec<[f32; 3]> {
    let touching = machine.contacts().filter(|c| c.depth >= 0.0);
    let between = touching.filter(|c| c.bodies.iter().all(Option::is_some));
    between.map(|c| narrow(c.place)).collect()
}

/// The monitors of rapier's hands, but for the energy: MuJoCo finds numbers that leave their bounds by itself.
///
/// # Errors
/// A joint's speed or an overlap beyond its bound, m.
pub(super) fn check(machine: &Machine, speeds: &[f32], overlap: f64) -> Result<(), Fault> {
    check_joints(speeds.iter())?;
    let deepest = machine.contacts().map(|c| c.depth).fold(0.0, f64::max);
    check_depth(deepest as f32, overlap)
}
