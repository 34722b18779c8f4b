//! The commands, one file each. Results go to stdout, messages to stderr.

pub mod adapt;
pub mod attention;
pub mod bench;
pub mod calibrate;
pub mod check;
pub mod compare;
pub mod evaluate;
pub mod explain;
pub mod explore;
pub mod export;
pub mod generate;
pub mod list;
pub mod map;
pub mod render;
pub mod report;
pub mod rollout;
pub mod schema;
pub mod search;
mod second_judge;
mod sensitivity;
pub mod shell;
pub mod simulate;
pub mod sweep;
pub mod train;
pub mod validate;
pub mod watch;

use serde::Serialize;

use crate::error::Error;
use crate::output::out;

/// Prints one JSON document on stdout.
///
/// # Errors
/// A value that cannot be written.
pub fn print_json(value: &impl Serialize) -> Result<(), Error> {
    Ok(out!("{}", json_text(value)?)?)
}

/// A JSON document as it is printed and written.
///
/// # Errors
/// A value that is none.
fn json_text(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string_pretty(value).map_err(|error| Error::Run(format!("cannot write JSON: {error}")))
}
