//! The mapper against other programs and against looking at everything.

mod bounds;
mod enumeration;
mod machine;
mod published;

use crate::loopnest::Shape;

/// A layer by P, Q, C, K, R, S, N and strides.
fn layer([p, q, c, k, r, s, n]: [u64; 7], stride: [u64; 2]) -> Shape {
    Shape {
        sizes: [r, s, p, q, c, k, n],
        stride,
        dilation: [1; 2],
    }
}
