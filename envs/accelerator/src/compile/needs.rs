//! What a layer needs of a platform, whatever the order of its tasks.

use super::energy::Energy;
use super::tile::Tiling;
use crate::task::TaskId;

/// What a layer needs, whatever the order of its tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Needs {
    /// The task that marks its end.
    pub end: TaskId,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes from memory, whole bursts.
    pub bytes_read: u64,
    /// Bytes to memory, whole bursts.
    pub bytes_written: u64,
    /// Tasks.
    pub tasks: u64,
    /// Its tiles, if it is made of matrix products.
    pub tiling: Option<Tiling>,
    /// Dynamic energy, J.
    pub energy: Energy,
}
