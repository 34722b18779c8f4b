//! Learning for Tandem: policies, PPO, proxies of hardware and the optimisers of its design.
//!
//! This crate knows no concrete problem, only the contract of `tandem_core::problem`. Read it in this order:
//!
//! | module | what it holds |
//! |---|---|
//! | [`rollout`], [`collect`](mod@collect) | running a policy in many copies of a problem |
//! | [`gae`], [`reward_scaler`] | from rewards to advantages |
//! | [`ppo`] | the update, top to bottom |
//! | [`policy`] = [`normaliser`] + [`mlp`] | what is trained, and its frozen form ([`kernel`]) for roll-outs |
//! | [`proxy`] | the network that stands in for the hardware |
//! | [`design`], [`cma_es`] | the design optimisers, one file per method |
//! | [`adam`] | the optimiser |
//! | [`archive`] | checkpoints |
//!
//! Networks live in libtorch only while they are trained; everything else is plain numbers. The same seed
//! gives the same bytes with any number of threads, on every x86-64 processor with AVX2 ([`libtorch`]).

pub mod adam;
pub mod archive;
pub mod cma_es;
pub mod collect;
pub mod design;
pub mod gae;
mod head;
pub mod kernel;
pub mod libtorch;
mod method_error;
pub mod mlp;
mod network;
pub mod normaliser;
pub mod policy;
pub mod ppo;
pub mod proxy;
pub mod raw;
pub mod reward_scaler;
pub mod rollout;
pub mod search;
mod simd;
pub mod size;
mod snapshot;
mod take_over;
#[cfg(test)]
mod testing;
pub mod vector_env;

pub use adam::{Adam, clip_global_norm, gradients};
pub use archive::{Archive, ArchiveError};
pub use kernel::{Kernel, Scratch};
pub use mlp::Mlp;
pub use normaliser::{Moments, Normaliser};
pub use policy::{Head, Policy, PolicyShape, PolicySnapshot};
