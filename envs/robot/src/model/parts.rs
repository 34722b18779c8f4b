//! Elements of a robot's file by their place in it. Names cannot do this, as most geoms have none.

use std::ffi::CStr;
use std::ptr::NonNull;

use mujoco_rs::mujoco_c::{mjs_firstElement, mjs_getCompiler, mjs_getFrame, mjs_nextElement, mjs_resolveOrientation};
use mujoco_rs::wrappers::mj_editing::{
    MjSpec, MjsCompiler, MjsFrame, MjsOrientation, SpecElement, SpecItem, SpecObject,
};
use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion, Vector3};

/// All elements of a kind, in the file's order: the same order for each copy of a file that is not compiled.
pub(super) fn handles<T: SpecObject>(spec: &MjSpec) -> Vec<NonNull<T>> {
    let mut found = Vec::new();
    // SAFETY: the pointers belong to the spec, which is alive, and MuJoCo ends the list with a null pointer.
    unsafe {
        let mut element = mjs_firstElement(spec.ffi(), T::OBJ_TYPE);
        while !element.is_null() {
            found.extend(NonNull::new(T::from_element_as_ptr_mut(element)));
            element = mjs_nextElement(spec.ffi(), element);
        }
    }
    found
}

/// All elements of a kind, to be read.
pub(super) fn all<T: SpecObject>(spec: &MjSpec) -> Vec<&T> {
    // SAFETY: elements live as long as their spec, which is borrowed.
    handles(spec)
        .into_iter()
        .map(|handle| unsafe { handle.as_ref() })
        .collect()
}

/// The element of a kind at this place of the file.
pub(super) fn nth<T: SpecObject>(spec: &mut MjSpec, index: usize) -> Option<&mut T> {
    // SAFETY: elements live as long as their spec, which is borrowed for as long as the one reference that is handed out.
    handles(spec)
        .get(index)
        .copied()
        .map(|mut handle| unsafe { handle.as_mut() })
}

/// Where the numbers of elements inside `<frame>` are measured from, as seen from their body.
///
/// # Errors
/// A frame that scales what is in it, an orientation that MuJoCo cannot read.
pub(super) fn frame_of<T: SpecItem>(item: &T) -> Result<Isometry3<f64>, String> {
    let mut place = Isometry3::identity();
    // SAFETY: elements live as long as the item's spec; a frame's frame is its parent, and null ends the chain.
    let mut frame = unsafe { mjs_getFrame(item.element_pointer()) };
    while !frame.is_null() {
        // SAFETY: the handle stands at the address of the frame that MuJoCo returned.
        let handle: &MjsFrame = unsafe { &*frame.cast() };
        if *handle.scale() != [1.0; 3] {
            return Err("it lies in a `<frame>` that scales it, which this edit cannot see through".into());
        }
        let rotation = orientation(handle, handle.quat(), handle.alt())?;
        let own = Isometry3::from_parts(Translation3::from(Vector3::from(*handle.pos())), rotation);
        place = own * place;
        frame = unsafe { mjs_getFrame(handle.element_pointer()) };
    }
    Ok(place)
}

/// An element's orientation, in whichever way the file says it.
///
/// # Errors
/// MuJoCo's own.
pub(super) fn orientation<T: SpecElement>(
    item: &T,
    quat: &[f64; 4],
    alternative: &MjsOrientation,
) -> Result<UnitQuaternion<f64>, String> {
    let mut quat = *quat;
    // SAFETY: the compiler settings belong to the element's spec; the message, where there is one, is a constant.
    let complaint = unsafe {
        let compiler = mjs_getCompiler(item.element_pointer()).cast::<MjsCompiler>().as_ref();
        let compiler = compiler.ok_or("it has no compiler settings")?;
        mjs_resolveOrientation(
            &mut quat,
            compiler.degree().into(),
            compiler.eulerseq().as_ptr(),
            alternative,
        )
    };
    if !complaint.is_null() {
        return Err(unsafe { CStr::from_ptr(complaint) }.to_string_lossy().into_owned());
    }
    Ok(rotation(quat))
}

/// A rotation out of MuJoCo's `w x y z`; one without length counts as none.
pub(super) fn rotation([w, i, j, k]: [f64; 4]) -> UnitQuaternion<f64> {
    UnitQuaternion::try_new(Quaternion::new(w, i, j, k), 1e-12).unwrap_or_else(UnitQuaternion::identity)
}

/// A rotation as MuJoCo's `w x y z`.
pub(super) fn quat(rotation: &UnitQuaternion<f64>) -> [f64; 4] {
    let q = rotation.quaternion();
    [q.w, q.i, q.j, q.k]
}
