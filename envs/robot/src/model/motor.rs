//! Motors that lose torque with speed, as direct-current motors do.
//!
//! With stall force `f` at full command `u_max` and the shaft's speed `w = gear q'` (rad/s), the motor's force is
//! `f (u / u_max - w / w_0)` and the joint's torque `gear` times that. In MuJoCo: gain `f / u_max`, affine bias with
//! `biasprm[2] = -f / w_0`.

use mujoco_rs::wrappers::mj_editing::{MjSpec, MjsActuator, MjtActuator, MjtLimited};
use mujoco_rs::wrappers::mj_model::{MjtBias, MjtDyn, MjtGain, MjtTrn};

use super::edit::Kind;
use super::error::{ModelError, unknown};
use super::{field, parts};
use crate::config::MotorConfig;
use crate::pattern::fits;

/// A motor with its torque-speed line.
#[derive(Clone, Debug)]
pub(super) struct Motor {
    /// Its place among the file's actuators.
    pub(super) actuator: usize,
    /// No-load speed of the shaft, rad/s.
    speed: f64,
}

/// Finds the motors.
///
/// # Errors
/// A name that fits nothing, an actuator that is no motor, a speed that is none, two lines for one motor.
pub(super) fn resolve(spec: &MjSpec, configs: &[MotorConfig]) -> Result<Vec<Motor>, ModelError> {
    let names = field::elements(spec, Kind::Actuator);
    let actuators = parts::all::<MjsActuator>(spec);
    let mut motors: Vec<Motor> = Vec::new();
    for (i, config) in configs.iter().enumerate() {
        let speed = config.no_load_speed;
        if !(speed.is_finite() && speed > 0.0) {
            let reason = format!("is {speed}; it must be a positive number of rad/s");
            return Err(ModelError::setting(format!("motors[{i}].no_load_speed"), reason));
        }
        let refuse = |reason: String| ModelError::setting(format!("motors[{i}].actuator"), reason);
        let before = motors.len();
        for (actuator, name) in names
            .iter()
            .enumerate()
            .filter(|(_, name)| fits(&config.actuator, name))
        {
            if motors.iter().any(|motor| motor.actuator == actuator) {
                return Err(refuse(format!("motor `{name}` has a torque-speed line already")));
            }
            is_motor(actuators[actuator]).map_err(|reason| refuse(format!("actuator `{name}` {reason}")))?;
            motors.push(Motor { actuator, speed });
        }
        if motors.len() == before {
            return Err(refuse(unknown(
                "actuator",
                &config.actuator,
                names.iter().map(String::as_str),
            )));
        }
    }
    Ok(motors)
}

fn is_motor(actuator: &MjsActuator) -> Result<(), String> {
    if actuator.gaintype() != MjtGain::mjGAIN_FIXED || actuator.biastype() != MjtBias::mjBIAS_NONE {
        return Err("is no motor: its force depends on position or speed already".into());
    }
    if actuator.dyntype() != MjtDyn::mjDYN_NONE {
        return Err("has an activation of its own; a torque-speed line is for plain motors".into());
    }
    match actuator.trntype() {
        MjtTrn::mjTRN_JOINT | MjtTrn::mjTRN_JOINTINPARENT | MjtTrn::mjTRN_TENDON => Ok(()),
        _ => Err("moves neither a joint nor a tendon, so that its shaft has no speed".into()),
    }
}

/// Writes the torque-speed lines, after all gains and ranges are as designed.
pub(super) fn apply(spec: &mut MjSpec, motors: &[Motor]) {
    for motor in motors {
        let Some(actuator) = parts::nth::<MjsActuator>(spec, motor.actuator) else {
            continue;
        };
        let [low, high] = *actuator.ctrlrange();
        let limited = actuator.ctrllimited() != MjtLimited::mjLIMITED_FALSE && low < high;
        let full = if limited { low.abs().max(high.abs()) } else { 1.0 };
        let stall = actuator.gainprm()[0] * full;
        actuator.set_biastype(MjtBias::mjBIAS_AFFINE);
        *actuator.biasprm_mut() = [0.0; 10];
        actuator.biasprm_mut()[2] = -stall / motor.speed;
        actuator.set_type(MjtActuator::mjACTUATOR_GENERAL); // a `<motor>` is written without its bias
    }
}
