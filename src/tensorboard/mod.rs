//! TensorBoard's pages of a run: scalars, histograms, images, texts and hyper-parameters.
//!
//! Events are built and written with `tensorboard-rs`, by its `RecordWriter`. Its `SummaryWriter` is passed by: it
//! hands events to a thread of its own, which loses what is queued when the process is killed, panics when the disk
//! is full, and overwrites the file of a writer of the same second. Here there is no thread and no queue: what a
//! call logs is in the file when it returns, so neither a kill nor Ctrl-C loses anything.
//!
//! Logging never ends a run. The first error (a full disk, say) or panic in the crate becomes one warning on stderr,
//! and the board is silent from then on: `metrics.jsonl` is the source of truth, these pages are a convenience.
//!
//! On resume, [`Board::open`] removes what was logged after the checkpoint from the old event files, so no step
//! appears twice, whichever program reads them; a TensorBoard that is watching at that moment is told to forget
//! those steps too, and does so tag by tag as new values arrive.

mod records;
mod summary;
pub mod tags;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tensorboard_proto::summary::Summary;

use crate::output::note;

/// An open event file. One per folder.
#[derive(Debug)]
pub struct Board {
    /// `None` after an error.
    file: Option<File>,
    folder: PathBuf,
    /// Tags whose description is in the file.
    described: BTreeSet<String>,
}

impl Board {
    /// Begins an event file in `folder` for a run that goes on after `step`: what the folder's event files hold of
    /// later steps is removed, and its result, which the run's end logs. A run at step 0 has nothing to keep, not even its introduction.
    pub fn open(folder: &Path, step: u64) -> Self {
        let mut board = Self {
            file: None,
            folder: folder.to_owned(),
            described: BTreeSet::new(),
        };
        match begin(folder, step) {
            Ok(file) => board.file = Some(file),
            Err(error) => board.warn(&error),
        }
        board
    }

    /// A figure, for example `scalar("train/return", env_steps, 12.5)`. NaN and infinities are shown as such.
    pub fn scalar(&mut self, tag: &str, step: u64, value: f64) {
        self.log(step, || Ok(summary::scalar(tag, value)));
    }

    /// A figure that TensorBoard explains: `about` is Markdown.
    pub fn described(&mut self, tag: &str, step: u64, value: f64, about: &str) {
        let is_new = self.described.insert(tag.to_owned());
        self.log(step, || {
            Ok(match is_new {
                true => summary::described(tag, value, about),
                false => summary::scalar(tag, value),
            })
        });
    }

    /// How `values` are distributed. Values that are not finite are left out.
    pub fn histogram(&mut self, tag: &str, step: u64, values: &[f64]) {
        self.log(step, || Ok(summary::histogram(tag, values)));
    }

    /// A picture: `rgb` holds `height` rows of `width` pixels, three bytes each. Another length is an error that
    /// silences the board.
    pub fn image(&mut self, tag: &str, step: u64, width: u32, height: u32, rgb: &[u8]) {
        self.log(step, || summary::image(tag, width, height, rgb));
    }

    /// A text, which TensorBoard renders as Markdown. A resumed run has it already.
    pub fn text(&mut self, tag: &str, step: u64, markdown: &str) {
        self.log(step, || Ok(summary::text(tag, markdown)));
    }

    /// The run's settings, for the page HPARAMS, which lists one run per row. `metrics` are the tags of the scalars
    /// shown beside them; [`Board::result`] gives their values. Numbers, texts and booleans are shown as such, all
    /// else as JSON. A resumed run has them already.
    pub fn hparams(&mut self, values: &[(String, Value)], metrics: &[&str]) {
        self.log(0, || summary::experiment(values, metrics));
        self.log(0, || summary::session_start(values, now()));
    }

    /// The figures of the finished run, by the tags given to [`Board::hparams`]; it marks the run as finished.
    pub fn result(&mut self, step: u64, metrics: &[(&str, f64)]) {
        for (tag, value) in metrics {
            self.scalar(tag, step, *value);
        }
        self.log(step, || summary::session_end(now()));
    }

    /// Makes everything logged so far survive a power cut too.
    pub fn sync(&mut self) {
        if let Some(Err(error)) = self.file.as_ref().map(File::sync_all) {
            self.warn(&error);
        }
    }

    fn log(&mut self, step: u64, summary: impl FnOnce() -> io::Result<Summary>) {
        let Some(file) = &mut self.file else { return };
        let write = || {
            let mut event = summary::event(now(), step);
            event.set_summary(summary()?);
            records::write(file, &event)
        };
        // Safe to unwind through: after a panic the file is only closed.
        let written = catch_unwind(AssertUnwindSafe(write));
        if let Err(error) = written.unwrap_or_else(|_| Err(io::Error::other("tensorboard-rs panicked"))) {
            self.warn(&error);
        }
    }

    fn warn(&mut self, error: &io::Error) {
        self.file = None;
        let folder = self.folder.display();
        note!(
            "warning: TensorBoard logging stops ({folder}: {error}); the run goes on, metrics.jsonl has every figure"
        );
    }
}

/// All leaves of a JSON value with their dotted paths.
pub(crate) fn flatten(path: &str, value: &Value, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                flatten(&path, value, out);
            }
        }
        Value::Null => {}
        Value::Array(_) => out.push((path.into(), Value::String(value.to_string()))),
        _ => out.push((path.into(), value.clone())),
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |d| d.as_secs_f64())
}

fn begin(folder: &Path, step: u64) -> io::Result<File> {
    std::fs::create_dir_all(folder)?;
    records::forget_after(folder, step)?;
    let mut file = create_event_file(folder)?;
    records::write(&mut file, &summary::version(now()))?;
    crate::atomic::sync_folder(folder)?;
    records::write(&mut file, &summary::restart(now(), step.saturating_add(1)))?;
    Ok(file)
}

/// TensorBoard reads files with `tfevents` in their name, in the order of their names: the time comes first.
fn create_event_file(folder: &Path) -> io::Result<File> {
    let (seconds, process) = (now() as u64, std::process::id());
    let mut count = 0;
    loop {
        let name = format!("events.out.tfevents.{seconds:010}.{count:03}.{process}.tandem");
        match File::create_new(folder.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => count += 1,
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests;
