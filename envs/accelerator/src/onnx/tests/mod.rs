//! Tests of the import: operators one by one, whole files, and files that are not right.

mod build;
mod control;
mod faults;
mod files;
mod hostile;
mod operators;
