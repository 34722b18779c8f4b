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
pub fn floats(tensor: &Tensor) -> &[f32] {
    check(tensor);
    if tensor.numel() == 0 {
        return &[];
    }
    // SAFETY: checked above to be f32 in main memory without gaps; the borrow keeps the tensor alive, and who rewrites
    // the memory meanwhile breaks the promise of `rewrite`.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<f32>(), tensor.numel()) }
}

/// Gives a tensor new numbers, in row-major order, unseen by autograd; every handle sees them.
pub fn set(tensor: &mut Tensor, numbers: &[f32]) {
    let numbers = Tensor::from_slice(numbers).view_as(tensor);
    tch::no_grad(|| tensor.copy_(&numbers));
}

/// Lets `change` rewrite the numbers of a contiguous f32 CPU tensor in place, unseen by autograd.
///
/// # Safety
/// Handles made by `shallow_clone` share the memory, and a handle can live in another thread. Until this returns, nobody
/// else may read or write that memory: no slice of [`floats`] of it is still in use, `change` reaches it in no other
/// way, and no other thread works on it (no forward or backward pass that it takes part in is under way).
pub unsafe fn rewrite<T>(tensor: &mut Tensor, change: impl FnOnce(&mut [f32]) -> T) -> T {
    check(tensor);
    if tensor.numel() == 0 {
        return change(&mut []);
    }
    // SAFETY: checked above to be f32 in main memory without gaps; the caller promises that nobody else uses it.
    change(unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<f32>(), tensor.numel()) })
}

/// The same with the numbers of another tensor at hand.
///
/// # Safety
/// As for [`rewrite`].
///
/// # Panics
/// If the two share memory.
pub unsafe fn rewrite_with<T>(tensor: &mut Tensor, other: &Tensor, change: impl FnOnce(&mut [f32], &[f32]) -> T) -> T {
    let other = floats(other);
    // SAFETY: the caller's promise, and the two are seen to be apart before `other` is read.
    unsafe {
        rewrite(tensor, |numbers| {
            let (own, others) = (numbers.as_ptr_range(), other.as_ptr_range());
            assert!(
                own.end <= others.start || others.end <= own.start,
                "a tensor is rewritten from another one, not from itself"
            );
            change(numbers, other)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_handle_sees_new_numbers() {
        let mut tensor = Tensor::from_slice(&[1f32, 2.0, 3.0, 4.0]).view([2, 2]);
        let handle = tensor.set_requires_grad(true);
        set(&mut tensor, &[5.0, 6.0, 7.0, 8.0]);
        assert_eq!(floats(&handle), [5.0, 6.0, 7.0, 8.0]);
    }

    #[test]
    #[should_panic(expected = "not from itself")]
    fn a_tensor_is_not_rewritten_from_its_own_memory() {
        let mut tensor = Tensor::from_slice(&[1f32, 2.0]);
        let handle = tensor.shallow_clone();
        // SAFETY: this thread alone has it; that the memory is shared is what must be noticed.
        unsafe { rewrite_with(&mut tensor, &handle, |_, _| ()) };
    }
}
