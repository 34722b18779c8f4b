//! Settings of the command line: `--set PATH=VALUE`.

use crate::error::Error;

/// Splits the `PATH=VALUE`s of the command line.
///
/// # Errors
/// One without `=`.
pub fn split_sets(sets: &[String]) -> Result<Vec<(String, String)>, Error> {
    sets.iter().map(|set| split(set)).collect()
}

/// Splits a `PATH=VALUE` of the command line.
pub(crate) fn split(set: &str) -> Result<(String, String), Error> {
    set.split_once('=')
        .map(|(path, value)| (path.trim().to_owned(), value.to_owned()))
        .ok_or_else(|| {
            Error::Input(format!(
                "--set {set}: write it as PATH=VALUE, e.g. --set ppo.rate=0.001"
            ))
        })
}
