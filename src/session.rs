//! What runs of all kinds (training, adaptation, co-design) have in common: the folder that is made, the rows and curves
//! that are written, checkpoints, and how a run goes on and ends.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tandem_learning::Archive;

use crate::error::Error;
use crate::fork::Origin;
use crate::interrupt::{self, Watch};
use crate::metrics::MetricsLog;
use crate::output::note;
use crate::progress::Progress;
use crate::registry::BundledFile;
use crate::run_folder::{self, Meta, RunFolder};
use crate::tensorboard::{Board, flatten};

/// How long an iteration may take to its end, and a checkpoint, after a signal; a longer one is computed again.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// The same for work that saves nothing.
pub const NO_PATIENCE: Duration = Duration::from_millis(500);

/// A run's folder while it is being written.
pub struct Session {
    /// The folder, locked.
    pub folder: RunFolder,
    /// `metrics.jsonl`.
    pub log: MetricsLog,
    /// The same figures for TensorBoard.
    pub board: Board,
    /// The status line.
    pub progress: Progress,
    saved: Instant,
}

/// Makes the folder of a run of this resolved experiment, with the files that go with it: `out`, or one of its own under
/// `runs/`; `from` says whose policy and design it begins with.
///
/// # Errors
/// A folder that holds something else or cannot be written.
pub fn create_folder(
    experiment: &Value,
    files: &[BundledFile],
    out: Option<&Path>,
    [name, method]: [&str; 2],
    seed: u64,
    from: Option<Origin>,
) -> Result<RunFolder, Error> {
    let stem = run_folder::default_name(name, method, seed);
    let meta = Meta {
        from,
        ..Meta::collect()
    };
    let runs = Path::new("runs");
    let Some(path) = out else {
        let folder = RunFolder::create_default(runs, &stem, experiment, files, &meta)?;
        let wanted = runs.join(stem);
        if folder.path() != wanted {
            let (taken, name) = (wanted.display(), folder.path().display());
            note!("{taken} is there already, so this run is kept in {name}");
        }
        return Ok(folder);
    };
    Ok(RunFolder::create(path, experiment, files, &meta)?)
}

impl Session {
    /// A session that goes on after this iteration: rows and curves that were written after it are dropped, and it is
    /// said where the rows before are not what was written. The status line calls it `name`; TensorBoard counts `steps`, of
    /// which so many have passed.
    ///
    /// # Errors
    /// Metrics that are damaged or cannot be written.
    pub fn open(folder: RunFolder, iteration: u64, name: &str, steps: u64) -> Result<Self, Error> {
        let (log, doubt) = MetricsLog::of(&folder, iteration)?;
        let progress = Progress::new(name, steps);
        if let Some(doubt) = doubt {
            progress.say(&doubt);
        }
        Ok(Self {
            board: Board::open(&folder.tensorboard(), steps),
            progress,
            saved: Instant::now(),
            folder,
            log,
        })
    }

    /// What TensorBoard shows before the first step: the experiment as text and as hyper-parameters, beside which the
    /// `results` of its end will stand.
    pub fn introduce(&mut self, experiment: &Value, results: &[&str]) {
        let text = serde_json::to_string_pretty(experiment).unwrap_or_default();
        self.board.text("experiment", 0, &format!("```json\n{text}\n```"));
        let mut flat = Vec::new();
        flatten("", experiment, &mut flat);
        self.board.hparams(&flat, results);
    }

    /// Says what is to be known of a run that goes on: that its processor is another one, and which checkpoints were
    /// passed over.
    ///
    /// # Errors
    /// A folder whose `meta.json` cannot be read.
    pub fn say_resumed(&self, passed_over: &[String]) -> Result<(), Error> {
        if let Some(moved) = self.folder.meta()?.goes_on_here() {
            self.progress.say(&moved);
        }
        for reason in passed_over {
            self.progress
                .say(&format!("passed over a damaged checkpoint: {reason}"));
        }
        Ok(())
    }

    /// Whether the last checkpoint is so old.
    pub fn checkpoint_is_due(&self, every_seconds: f64) -> bool {
        self.saved.elapsed().as_secs_f64() >= every_seconds
    }

    /// Does `work` that cannot poll for signals: once one has come and `patience` is over, the process ends with
    /// `last_word`, which says how to go on ([`interrupt::during`]).
    pub fn watched<T>(&self, what: &str, patience: Duration, last_word: &str, work: impl FnOnce() -> T) -> T {
        let watch = Watch {
            at_work: &|seconds| self.progress.at_work(what, seconds),
            patience,
            last_word,
            say: &|text| self.progress.say(text),
        };
        interrupt::during(&watch, work)
    }

    /// Saves the state after this iteration. Rows and curves are made durable first: a run that is resumed relies on
    /// them.
    ///
    /// # Errors
    /// A folder that cannot be written any more.
    pub fn checkpoint(&mut self, iteration: u64, state: &Archive) -> Result<(), Error> {
        let bytes = state.to_bytes()?;
        self.log.secure()?;
        self.board.sync();
        self.folder.save_checkpoint(iteration, &bytes)?;
        self.saved = Instant::now();
        Ok(())
    }

    /// Ends curves and status line; `results` stand beside the hyper-parameters.
    pub fn finish(&mut self, iteration: u64, results: &[(&str, f64)]) {
        self.board.result(iteration, results);
        self.board.sync();
        self.progress.finish();
    }
}
