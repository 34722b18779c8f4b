//! MuJoCo's functions that can fail while a robot moves. MuJoCo ends the process at an error that it cannot go on from (a
//! stack that is full, say); here such an error unwinds to the caller and becomes an [`EngineError`], and what was being
//! computed is to be thrown away. (Parsing and compiling catch their own errors and return them.)

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Once;

use mujoco_rs::mujoco_c::{mj_deleteData, mj_makeData, mjData, mjModel, mju_user_error, mju_user_warning};
use mujoco_rs::wrappers::MjModel;
use thiserror::Error;

/// MuJoCo gave up.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("MuJoCo: {0}")]
pub struct EngineError(pub String);

/// The functions again, as such that may unwind: the raw bindings declare them as never doing so.
#[allow(missing_docs)] // MuJoCo's own, see its manual
pub mod unwinding {
    use super::{mjData, mjModel};

    unsafe extern "C-unwind" {
        pub fn mj_step(m: *const mjModel, d: *mut mjData);
        pub fn mj_kinematics(m: *const mjModel, d: *mut mjData);
        pub fn mj_forward(m: *const mjModel, d: *mut mjData);
        pub fn mj_rnePostConstraint(m: *const mjModel, d: *mut mjData);
        pub fn mj_setConst(m: *mut mjModel, d: *mut mjData);
    }
}

unsafe extern "C-unwind" fn on_error(message: *const c_char) {
    let text = match message.is_null() {
        true => "an error without a message".into(),
        // SAFETY: MuJoCo hands over a string that ends in a zero.
        false => unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned(),
    };
    resume_unwind(Box::new(EngineError(text)));
}

/// Warnings are counted in the data, where they are looked at; MuJoCo would write them to a file in the current folder.
unsafe extern "C" fn on_warning(_message: *const c_char) {}

/// Takes over MuJoCo's errors and warnings; to be called before anything else of MuJoCo is. Calls after the first do nothing.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: both are written once, before the first call into MuJoCo. The two function types differ in nothing
        // but that one may unwind, and all functions through which an error can come are declared so above.
        unsafe {
            let handler: unsafe extern "C" fn(*const c_char) =
                std::mem::transmute::<unsafe extern "C-unwind" fn(*const c_char), _>(on_error);
            mju_user_error = Some(handler);
            mju_user_warning = Some(on_warning);
        }
    });
}

/// Runs something that calls the functions above, and catches MuJoCo's errors.
///
/// # Errors
/// MuJoCo's own message.
pub fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| match payload.downcast::<EngineError>() {
        Ok(error) => *error,
        Err(other) => resume_unwind(other),
    })
}

/// Derives again what a model's constants depend on (inertias in the reference pose, masses of subtrees), after numbers of it
/// were changed.
///
/// # Errors
/// Memory that cannot be had, MuJoCo's own.
pub fn derive_constants(model: &mut MjModel) -> Result<(), EngineError> {
    install();
    // SAFETY: both pointers are valid for the call, the data is made for this model and freed afterwards; no size is changed.
    unsafe {
        let model: *mut mjModel = model.ffi_mut();
        let data = mj_makeData(model);
        if data.is_null() {
            return Err(EngineError("no memory for the data of a model".into()));
        }
        let derived = guarded(|| unwinding::mj_setConst(model, data));
        mj_deleteData(data);
        derived
    }
}
