//! A robot's file, its design parameters, and the compiled models of designs.
