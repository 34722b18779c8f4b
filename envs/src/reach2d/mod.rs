//! Planar reaching arms.
