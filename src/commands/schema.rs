//! `tandem schema`: the JSON schema of experiment files, for editors.

use crate::commands::print_json;
use crate::error::Error;
use crate::schema;

/// Runs the command.
///
/// # Errors
/// Standard output that cannot be written.
pub fn run() -> Result<(), Error> {
    print_json(&schema::document())
}
