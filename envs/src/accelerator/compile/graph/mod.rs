//! Passes over the graph of a network: layers are merged where the machine computes them in one go.
//!
//! Estimates from the untransformed graph are not end to end (Klaiber et al., arXiv 1910.11632): what is fused is
//! neither written to memory nor read from it, and a folded norm is not computed at all. `PASSES` names them.

mod absorb;
mod fold_bn;
mod fuse_activation;
mod fuse_pool;
#[cfg(test)]
mod tests;

pub(super) use fold_bn::fold_bn;
pub(super) use fuse_activation::fuse_activation;
pub(super) use fuse_pool::fuse_pool;
