// Takes products of matrices and tanh away from the libraries inside libtorch, through the dispatcher's public
// interface. See replacements.rs, which owns the arithmetic and the reason.

#include <ATen/Version.h>
#include <ATen/EmptyTensor.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/tanh.h>
#include <c10/util/Exception.h>
#include <torch/headeronly/version.h>
#include <torch/library.h>

#include <cstring>

namespace {

using at::Scalar;
using at::Tensor;

// c [m, n] = a [m, k] b [k, n] (+ c where `add`), a and b with their strides by rows and columns, c with rows of
// neighbouring numbers.
template <typename T>
using Gemm = void (*)(int64_t m, int64_t k, int64_t n, const T* a, int64_t a_row, int64_t a_column, const T* b,
                         int64_t b_row, int64_t b_column, bool add, T* c, int64_t c_row);

Gemm<float> gemm_f32;
Gemm<double> gemm_f64;

// Replaces each of `n` numbers by its tanh.
using Map = void (*)(float* numbers, int64_t n);

Map tanh_f32;

Tensor fresh(at::IntArrayRef sizes, const Tensor& like) { return at::detail::empty_cpu(sizes, like.options()); }

bool ours(const Tensor& a, const Tensor& b) {
    const auto kind = a.scalar_type();
    return kind == b.scalar_type() && (kind == at::kFloat || kind == at::kDouble) && a.layout() == at::kStrided &&
           b.layout() == at::kStrided;
}

template <typename T>
void run(Gemm<T> gemm, const Tensor& a, const Tensor& b, bool add, Tensor& c) {
    const auto d = a.dim() - 2;  // one leading dimension where matrices come in batches
    const int64_t batch = d ? c.size(0) : 1;
    for (int64_t i = 0; i < batch; ++i) {
        gemm(a.size(d), a.size(d + 1), b.size(d + 1), a.const_data_ptr<T>() + (d ? i * a.stride(0) : 0),
                a.stride(d), a.stride(d + 1), b.const_data_ptr<T>() + (d ? i * b.stride(0) : 0), b.stride(d),
                b.stride(d + 1), add, c.mutable_data_ptr<T>() + (d ? i * c.stride(0) : 0), c.stride(d));
    }
}

void multiply(const Tensor& a, const Tensor& b, bool add, Tensor& c) {
    if (c.scalar_type() == at::kFloat) {
        run<float>(gemm_f32, a, b, add, c);
    } else {
        run<double>(gemm_f64, a, b, add, c);
    }
}

void check(const char* name, const Tensor& a, const Tensor& b, int64_t dim) {
    TORCH_CHECK(a.dim() == dim && b.dim() == dim, name, ": both operands must have ", dim, " dimensions, not ",
                a.sizes(), " and ", b.sizes());
    TORCH_CHECK(a.size(dim - 1) == b.size(dim - 2) && (dim == 2 || a.size(0) == b.size(0)), name, ": ", a.sizes(),
                " and ", b.sizes(), " do not fit");
}

Tensor product(const Tensor& a, const Tensor& b) {
    check("mm", a, b, 2);
    Tensor c = fresh({a.size(0), b.size(1)}, a);
    if (!ours(a, b)) return at::mm_out(c, a, b);
    multiply(a, b, false, c);
    return c;
}

Tensor batched_product(const Tensor& a, const Tensor& b) {
    check("bmm", a, b, 3);
    Tensor c = fresh({a.size(0), a.size(1), b.size(2)}, a);
    if (!ours(a, b)) return at::bmm_out(c, a, b);
    multiply(a, b, false, c);
    return c;
}

// beta self + alpha a b
Tensor combine(const Tensor& self, const Tensor& a, const Tensor& b, const Scalar& beta, const Scalar& alpha,
               at::IntArrayRef sizes) {
    const bool plain = alpha.toDouble() == 1.0;
    Tensor c = fresh(sizes, a);
    if (beta.toDouble() == 0.0) {  // self is not read then: it may hold NaN
        multiply(a, b, false, c);
        return plain ? c : c.mul_(alpha);
    }
    if (self.dim() == 1 && self.size(0) == sizes.back() && self.is_contiguous()) {  // a bias
        const auto bytes = self.nbytes();
        auto* row = static_cast<char*>(c.mutable_data_ptr());
        for (auto* end = row + c.nbytes(); row < end; row += bytes) std::memcpy(row, self.const_data_ptr(), bytes);
    } else {
        c.copy_(self.expand(sizes));
    }
    if (beta.toDouble() != 1.0) c.mul_(beta);
    if (plain) {
        multiply(a, b, true, c);
        return c;
    }
    Tensor ab = fresh(sizes, a);
    multiply(a, b, false, ab);
    return c.add_(ab, alpha);
}

Tensor add_product(const Tensor& self, const Tensor& a, const Tensor& b, const Scalar& beta, const Scalar& alpha) {
    check("addmm", a, b, 2);
    if (!ours(a, b) || self.scalar_type() != a.scalar_type()) {
        Tensor c = fresh({0}, a);
        return at::addmm_out(c, self, a, b, beta, alpha);
    }
    return combine(self, a, b, beta, alpha, {a.size(0), b.size(1)});
}

Tensor add_batched_product(const Tensor& self, const Tensor& a, const Tensor& b, const Scalar& beta, const Scalar& alpha) {
    check("baddbmm", a, b, 3);
    if (!ours(a, b) || self.scalar_type() != a.scalar_type()) {
        Tensor c = fresh({0}, a);
        return at::baddbmm_out(c, self, a, b, beta, alpha);
    }
    return combine(self, a, b, beta, alpha, {a.size(0), a.size(1), b.size(2)});
}

Tensor product_with_vector(const Tensor& a, const Tensor& x) {
    TORCH_CHECK(a.dim() == 2 && x.dim() == 1, "mv: ", a.sizes(), " and ", x.sizes(), " are no matrix and vector");
    return product(a, x.unsqueeze(1)).squeeze(1);
}

Tensor inner_product(const Tensor& x, const Tensor& y) {
    TORCH_CHECK(x.dim() == 1 && y.dim() == 1, "dot: ", x.sizes(), " and ", y.sizes(), " are no vectors");
    return product(x.unsqueeze(0), y.unsqueeze(1)).squeeze();
}

Tensor hyperbolic_tangent(const Tensor& x) {
    if (x.scalar_type() != at::kFloat || x.layout() != at::kStrided) {
        const bool whole = !at::isFloatingType(x.scalar_type()) && !at::isComplexType(x.scalar_type());
        Tensor y = at::detail::empty_cpu({0}, whole ? x.options().dtype(at::kFloat) : x.options());
        return at::tanh_out(y, x);
    }
    Tensor y = x.clone(at::MemoryFormat::Contiguous);
    tanh_f32(y.mutable_data_ptr<float>(), y.numel());
    return y;
}

// libtorch warns where a kernel is replaced, which is what is wanted here.
struct Silent : c10::WarningHandler {
    void process(const c10::Warning&) override {}
};

}  // namespace

// Replaces the products and the tanh of all CPU tensors in this process; called once, before the first of them.
extern "C" void tandem_replace_kernels(Gemm<float> f32, Gemm<double> f64, Map tanh) {
    gemm_f32 = f32;
    gemm_f64 = f64;
    tanh_f32 = tanh;
    Silent silent;
    c10::WarningUtils::WarningHandlerGuard guard(&silent);
    // Kept for the life of the process: its destructor would take the replacement back.
    static auto* library = new torch::Library(torch::Library::IMPL, "aten", c10::DispatchKey::CPU, __FILE__, __LINE__);
    library->impl("mm", product);
    library->impl("bmm", batched_product);
    library->impl("addmm", add_product);
    library->impl("baddbmm", add_batched_product);
    library->impl("mv", product_with_vector);
    library->impl("dot", inner_product);
    library->impl("tanh", hyperbolic_tangent);
}

// The capability that ATen's kernels were chosen for.
extern "C" const char* tandem_cpu_capability() {
    static const std::string capability = at::get_cpu_capability();
    return capability.c_str();
}

extern "C" const char* tandem_libtorch_version() { return TORCH_VERSION; }
