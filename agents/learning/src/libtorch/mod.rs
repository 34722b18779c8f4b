//! libtorch as Tandem runs it: one thread a call, and the same bits on every x86-64 processor with AVX2.
//!
//! Four things decide by the processor how libtorch rounds. Each is fixed before `main`, while the process has one
//! thread and no tensor:
//!
//! | what | left alone | here |
//! |---|---|---|
//! | products of matrices, tanh | MKL's code branch for this processor and maker | `simd`, the same bits at any width |
//! | element-wise functions, sums, softmax | ATen's widest vectors | `ATEN_CPU_CAPABILITY=avx2` |
//! | other functions of MKL (exp, log, solve) | as the products | `MKL_CBWR=COMPATIBLE`, MKL's promise across makers |
//! | GELU, convolutions | oneDNN's widest vectors | `ONEDNN_MAX_CPU_ISA=AVX2` |
//! | the number of threads | all cores, counted per calling thread | one: Tandem is parallel over environments and shards itself |
//!
//! glibc's libm needs nothing: it takes its variants with fused multiply-add on each of these processors.
//! A processor without AVX2 computes right numbers, but other bits. `tandem bench kernels` measures the price.
//!
//! `TANDEM_KERNELS=native` leaves libtorch's kernels as the processor and the environment choose them. That is for
//! measurements, and for tests that play other processors.

mod replacements;

use std::ffi::{CStr, c_char};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::simd::Level;

/// The environment variable that chooses between Tandem's kernels and libtorch's.
pub const CHOICE: &str = "TANDEM_KERNELS";
/// Its value for libtorch's own.
pub const NATIVE: &str = "native";

/// What libtorch's libraries read before their first call.
pub const ENVIRONMENT: [(&str, &str); 4] = [
    ("ATEN_CPU_CAPABILITY", "avx2"),
    ("MKL_CBWR", "COMPATIBLE"),
    ("MKL_NUM_THREADS", "1"),
    ("ONEDNN_MAX_CPU_ISA", "AVX2"),
];

/// Which kernels compute in this process. Runs with equal kernels have equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernels {
    /// Whether bits are the same on every x86-64 processor with AVX2 ([`self`]).
    pub reproducible: bool,
    /// Of products of matrices and tanh: "fused multiply-add", whatever the width, or "MKL".
    pub products: String,
    /// What ATen's other kernels use: "AVX2" or another capability.
    pub aten: String,
    /// MKL's code branch: "COMPATIBLE", or "AUTO" for the processor's own.
    pub mkl: String,
    /// The most that oneDNN may use: "AVX2", or "ALL".
    pub onednn: String,
}

static REPRODUCIBLE: OnceLock<bool> = OnceLock::new();

unsafe extern "C" {
    fn tandem_cpu_capability() -> *const c_char;
    fn tandem_libtorch_version() -> *const c_char;
}

/// The kernels of this process.
pub fn kernels() -> Kernels {
    let ours = *REPRODUCIBLE.get().unwrap_or(&false);
    let variable = |name, unset: &str| std::env::var(name).unwrap_or_else(|_| unset.into());
    // SAFETY: the text lives as long as the process.
    let aten = unsafe { CStr::from_ptr(tandem_cpu_capability()) };
    Kernels {
        reproducible: ours && Level::best() != Level::Plain,
        products: if ours { "fused multiply-add" } else { "MKL" }.into(),
        aten: aten.to_string_lossy().into_owned(),
        mkl: variable("MKL_CBWR", "AUTO"),
        onednn: variable("ONEDNN_MAX_CPU_ISA", "ALL"),
    }
}

/// Version of libtorch, as `2.11.0`.
pub fn version() -> String {
    // SAFETY: a constant text.
    let version = unsafe { CStr::from_ptr(tandem_libtorch_version()) };
    version.to_string_lossy().into_owned()
}

/// The widest vectors that products and tanh use: no matter for their bits.
pub fn vectors() -> &'static str {
    Level::best().name()
}

/// Fixes what decides by the processor.
extern "C" fn before_main() {
    let native = std::env::var_os(CHOICE).is_some_and(|choice| choice == NATIVE);
    if !native {
        let narrow = Level::best() == Level::Plain;
        for (name, value) in ENVIRONMENT {
            let value = match name {
                "ATEN_CPU_CAPABILITY" if narrow => "default",
                _ => value,
            };
            // SAFETY: the process has one thread before `main`.
            unsafe { std::env::set_var(name, value) };
        }
        // SAFETY: nothing has computed before `main`.
        unsafe { replacements::replace() };
    }
    let _ = REPRODUCIBLE.set(!native); // called once
    tch::set_num_threads(1);
    tch::set_num_interop_threads(1);
}

/// Runs [`before_main`] in every program that this crate is linked into: a first call that nobody can forget.
#[used]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
static BEFORE_MAIN: extern "C" fn() = before_main;

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_core::Stream;
    use tch::{Kind, Tensor};

    fn matrix(rows: i64, columns: i64, stream: &mut Stream) -> Tensor {
        let mut numbers = vec![0f32; (rows * columns) as usize];
        stream.fill_normal(&mut numbers);
        Tensor::from_slice(&numbers).view([rows, columns])
    }

    /// The element-wise truth, in double precision.
    fn slow(a: &Tensor, b: &Tensor) -> Tensor {
        let (a, b) = (a.to_kind(Kind::Double), b.to_kind(Kind::Double));
        (a.unsqueeze(-1) * b.unsqueeze(-3)).sum_dim_intlist(-2i64, false, Kind::Double)
    }

    fn near(a: &Tensor, b: &Tensor) {
        assert_eq!(a.size(), b.size());
        let error = (a.to_kind(Kind::Double) - b).abs().max();
        assert!(error.double_value(&[]) < 1e-4, "{a} {b}");
    }

    #[test]
    fn replaced_products_are_products() {
        let mut stream = Stream::new(0, "products", 0);
        let (a, b) = (matrix(5, 7, &mut stream), matrix(7, 3, &mut stream));
        let (x, y) = (matrix(1, 7, &mut stream), matrix(1, 7, &mut stream));
        let bias = matrix(1, 3, &mut stream);
        near(&a.mm(&b), &slow(&a, &b));
        near(&b.tr().mm(&a.tr()), &slow(&b.tr(), &a.tr()));
        near(&a.mv(&x.view(7)), &slow(&a, &x.tr()).view(5));
        near(&x.view(7).dot(&y.view(7)), &slow(&x, &y.tr()).view(()));
        near(&a.linear(&b.tr(), Some(&bias.view(3))), &(slow(&a, &b) + &bias));
        let (a3, b3) = (
            matrix(4 * 5, 7, &mut stream).view([4, 5, 7]),
            matrix(4 * 7, 3, &mut stream).view([4, 7, 3]),
        );
        near(&a3.bmm(&b3), &slow(&a3, &b3));
        near(&a3.matmul(&b), &slow(&a3, &b.expand([4, 7, 3], false)));
        near(&bias.addmm(&a, &b), &(slow(&a, &b) + &bias));
        near(&bias.baddbmm(&a3, &b3, 1.0, 1.0), &(slow(&a3, &b3) + &bias));
    }

    #[test]
    fn gradients_go_through_replaced_products_and_tanh() {
        let mut stream = Stream::new(1, "products", 0);
        let (a, b) = (matrix(5, 7, &mut stream), matrix(7, 3, &mut stream));
        let a = a.set_requires_grad(true);
        let loss = a.mm(&b).tanh().sum(Kind::Float);
        let gradient = Tensor::run_backward(&[&loss], &[&a], false, false).remove(0);
        let inner = slow(&a.detach(), &b).tanh();
        near(&gradient, &slow(&(1.0 - &inner * &inner), &b.tr()));
    }

    /// Products with whole numbers, which libtorch computes itself.
    #[test]
    fn other_kinds_keep_libtorchs_kernels() {
        let a = Tensor::from_slice(&[1i64, 2, 3, 4]).view([2, 2]);
        assert_eq!(a.mm(&a), Tensor::from_slice(&[7i64, 10, 15, 22]).view([2, 2]));
        assert_eq!(a.view([1, 2, 2]).bmm(&a.view([1, 2, 2])).view([2, 2]), a.mm(&a));
    }

    #[test]
    fn the_kernels_are_those_that_were_chosen() {
        let kernels = kernels();
        let native = std::env::var(CHOICE).is_ok_and(|choice| choice == NATIVE);
        assert_eq!(kernels.products == "MKL", native);
        if kernels.reproducible {
            assert_eq!((kernels.aten.as_str(), kernels.mkl.as_str()), ("AVX2", "COMPATIBLE"));
        }
        assert_eq!(tch::get_num_threads(), 1);
    }
}
