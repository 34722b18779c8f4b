//! The memory of small CPU tensors as slices. One call into libtorch costs about a microsecond, as much as
//! several thousand multiplications: element-wise work on parameters is done here instead.

use tch::{Device, Kind, Tensor};

fn check(tensor: &Tensor) {
    assert!(
        tensor.kind() == Kind::Float && tensor.device() == Device::Cpu && tensor.is_contiguous(),
        "parameters and gradients are contiguous f32 tensors on the CPU"
    );
}

/// The numbers of a contiguous f32 CPU tensor, in row-major order.
pub(crate) fn floats(tensor: &Tensor) -> &[f32] {
    check(tensor);
    if tensor.numel() == 0 {
        return &[];
    }
    // SAFETY: checked above to be f32 in main memory without gaps; the borrow keeps the tensor alive.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<f32>(), tensor.numel()) }
}

/// Lets `change` rewrite the numbers of a contiguous f32 CPU tensor in place, unseen by autograd.
///
/// Shallow clones share the memory. The crate's rule that makes this sound: tensors are only rewritten by
/// the owner of the optimiser or network, between (never during) forward and backward passes.
pub(crate) fn rewrite<T>(tensor: &mut Tensor, change: impl FnOnce(&mut [f32]) -> T) -> T {
    check(tensor);
    if tensor.numel() == 0 {
        return change(&mut []);
    }
    // SAFETY: as in `floats`; by the rule above nobody reads or writes the memory meanwhile.
    change(unsafe {
        std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<f32>(), tensor.numel())
    })
}
