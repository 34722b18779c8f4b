//! Hands with fingers, in rapier with contacts and friction. Lengths in metres, z up.

pub mod press;
