//! `tandem report`: a run, or a folder of runs, as one page that opens without a network.
//!
//! Everything on the page comes from the run folders: rows of `metrics.jsonl`, the final judgement, the experiment. Only
//! the recorded episodes are played anew, in the true machine, from the starts of the final judgement. The same folder
//! gives the same page.

mod base64;
mod charts;
mod design;
mod folder;
mod language;
mod number;
mod page;
mod parallel;
pub mod replay;
mod run;
mod settings;

use std::path::Path;

use crate::error::Error;
use crate::run_folder::{RunError, RunFolder};

/// The page of a run folder, or of a folder that holds several.
///
/// # Errors
/// A folder that is absent, holds no run, or holds one that is damaged beyond reading.
pub fn page(path: &Path) -> Result<String, Error> {
    if path.join("meta.json").exists() || !path.is_dir() {
        let run = RunFolder::view(path)?;
        return match language::is_about(&run)? {
            true => language::page(&run),
            false => run::page(&run),
        };
    }
    let runs = folder::runs_below(path);
    if runs.is_empty() {
        return Err(RunError::Foreign(path.to_owned()).into());
    }
    folder::page(path, &runs)
}
