//! What a deep-learning compiler does to a network before it runs.

pub mod graph;
