//! The compiler: from a network to the tasks of a platform.
//!
//! ```text
//! network ─ graph passes ─► network ─ lower, tile, place, double_buffer, schedule ─► task graph
//! ```
//!
//! Graph passes ([`graph`]) turn a network into one that is computed in fewer steps. The others shape the tasks. Each can be
//! switched off, so that its effect is seen:
//!
//! | pass | on | off |
//! |---|---|---|
//! | `fold_bn` | scale and shift of a batch norm are part of the weights before it | they are a layer |
//! | `fuse_activation` | functions of each value are computed where the values arise | they are layers |
//! | `fuse_pool` | pools are computed on the output of the convolution before them | they are layers |
//! | `tile` | tiles as large as pays, by a closed form | one fold of the array at a time |
//! | `place` | a tensor that only the next layer reads stays on the chip, if it fits | all tensors go to memory |
//! | `double_buffer` | a buffer is filled and emptied while the other half is used | one tile at a time |
//! | `schedule` | tiles in the order that moves the fewest bytes, loads before stores, over all engines, weights ahead of their layer | tiles in the order of the dataflow, on one engine, layer after layer |

mod emit;
mod energy;
mod error;
pub mod graph;
mod interleave;
mod lower;
mod mapped;
mod needs;
mod pass;
mod products;
mod tile;
mod work;

pub use energy::Energy;
pub use error::CompileError;
pub use lower::{Compiled, compile, compile_for};
pub use mapped::{LayerMapping, Mappings};
pub use needs::Needs;
pub use pass::{PASSES, Pass, Passes, Stage, UnknownPass};
pub use products::Products;
pub use tile::{DoesNotFit, Order, Tiling};
