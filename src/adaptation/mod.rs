//! The run of `tandem adapt` on disk: a language model is adapted to analog attention.
//!
//! ```text
//! experiment.json   text, model, circuit, stages          text.txt     the text itself
//! metrics.jsonl     one row per iteration                 vocab.json, merges.txt  the tokenizer, where one is named
//! checkpoints/      the last two states
//! evaluation/final.json                                   adaptation.png, curves.png
//! ```

mod experiment;
pub mod report;
mod source;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tandem_language::{CodesignSettings, Pipeline, Record, Stage};
use tandem_learning::Archive;

pub use experiment::LanguageExperiment;
pub use source::{Source, TextSettings, TokenizerSettings};

use crate::error::Error;
use crate::interrupt::{self, Watch};
use crate::metrics::{MetricsLog, Row, put};
use crate::progress::{Progress, Status};
use crate::run_folder::{Meta, RunFolder};
use crate::tensorboard::{Board, flatten};

/// The method's name in run folders.
const METHOD: &str = "adapt";
/// How long an iteration may take to its end, and a checkpoint, after a signal; a longer one is computed again.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where the result of a finished run stands.
pub const FINAL: &str = "evaluation/final.json";

/// A run that is being written.
pub struct AdaptationRun {
    folder: RunFolder,
    experiment: LanguageExperiment,
    chain: Pipeline,
    log: MetricsLog,
    board: Board,
    progress: Progress,
    saved: Instant,
}

impl AdaptationRun {
    /// Begins a run in `out`, or in a folder of its own under `runs/`.
    ///
    /// # Errors
    /// An experiment or a text that is not right, or a folder that cannot be written.
    pub fn start(experiment: &LanguageExperiment, out: Option<&Path>, name: &str) -> Result<Self, Error> {
        let source = Source::read(&experiment.text)?;
        let chain = fresh(experiment, &source)?;
        let resolved = serde_json::to_value(experiment)
            .map_err(|error| Error::Run(format!("cannot write the experiment: {error}")))?;
        let meta = Meta::collect();
        let folder = match out {
            Some(path) => RunFolder::create(path, &resolved, &meta)?,
            None => {
                let (runs, seed) = (Path::new("runs"), experiment.language.seed);
                RunFolder::create_default(runs, name, METHOD, seed, &resolved, &meta)?
            }
        };
        source.save(&folder)?;
        let mut run = Self::open(folder, experiment.clone(), chain)?;
        run.introduce(&resolved);
        run.checkpoint()?; // weights may have come from a file that is gone at a resume
        Ok(run)
    }

    /// Goes on with a run.
    ///
    /// # Errors
    /// A folder that is missing, foreign, in use, of another version, or whose checkpoints are all damaged.
    pub fn resume(path: &Path) -> Result<Self, Error> {
        let folder = RunFolder::open(path)?;
        let (experiment, chain, passed_over) = restore(&folder)?;
        let run = Self::open(folder, experiment, chain)?;
        if let Some(moved) = run.folder.meta()?.goes_on_here() {
            run.progress.say(&moved);
        }
        for reason in passed_over {
            run.progress.say(&format!("passed over a damaged checkpoint: {reason}"));
        }
        Ok(run)
    }

    fn open(folder: RunFolder, experiment: LanguageExperiment, chain: Pipeline) -> Result<Self, Error> {
        let [iteration, end] = chain.progress();
        let (log, doubt) = MetricsLog::of(&folder, iteration)?;
        let progress = Progress::new(METHOD, iteration, end);
        if let Some(doubt) = doubt {
            progress.say(&doubt);
        }
        Ok(Self {
            board: Board::open(&folder.tensorboard(), iteration),
            progress,
            saved: Instant::now(),
            folder,
            experiment,
            chain,
            log,
        })
    }

    fn introduce(&mut self, experiment: &Value) {
        let text = serde_json::to_string_pretty(experiment).unwrap_or_default();
        self.board.text("experiment", 0, &format!("```json\n{text}\n```"));
        let mut flat = Vec::new();
        flatten("", experiment, &mut flat);
        self.board.hparams(&flat, &["final/nonlinear", "final/control"]);
    }

    /// The run's folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Settings of the co-design that follows, where the experiment has one.
    pub fn codesign(&self) -> Option<&CodesignSettings> {
        self.experiment.codesign.as_ref()
    }

    /// The text and the model, in one line.
    pub fn about(&self) -> String {
        let [training, validation] = self.chain.corpus().lengths();
        format!(
            "{training} {}s to learn from, {validation} held back, {} different; {} weights",
            self.chain.corpus().vocabulary().unit(),
            self.chain.corpus().vocabulary().len(),
            self.chain.model().parameters()
        )
    }

    /// Goes through all stages and reports.
    ///
    /// # Errors
    /// [`Error::Paused`] after a signal, with a checkpoint saved; numbers that are not finite; a folder that cannot be
    /// written any more.
    pub fn complete(&mut self) -> Result<Value, Error> {
        loop {
            if interrupt::requested().is_some() {
                self.progress.say("saving a checkpoint");
                self.checkpoint()?;
                self.board.sync();
                let run = self.path().display().to_string();
                return Err(Error::Paused(format!("stopped; `tandem adapt --resume {run}` goes on")));
            }
            let run = self.path().display().to_string();
            let watch = Watch {
                what: "this iteration",
                patience: PATIENCE,
                last_word: &format!("stopped; `tandem adapt --resume {run}` goes on"),
                say: &|text| self.progress.say(text),
            };
            let Some(record) = interrupt::during(&watch, || self.chain.iterate())? else {
                break;
            };
            self.write(&record)?;
            let every = self.experiment.checkpoint.every_seconds;
            if self.saved.elapsed().as_secs_f64() >= every || record.stage == Stage::Adapt {
                self.checkpoint()?;
            }
        }
        self.checkpoint()?;
        self.finish()
    }

    fn write(&mut self, record: &Record) -> Result<(), Error> {
        let mut row = Row::new();
        row.insert("iteration".into(), record.iteration.into());
        row.insert("phase".into(), record.stage.name().into());
        row.insert("of_phase".into(), record.of_stage.into());
        put(&mut row, "loss", record.loss);
        put(&mut row, "gradient_norm", record.gradient_norm);
        let validation = record.validation.last().map(|(_, loss)| *loss);
        if let Some(loss) = validation {
            put(&mut row, "validation_loss", loss);
        }
        self.log.append(&row)?;
        let stage = record.stage.name();
        self.board
            .scalar(&format!("loss/{stage}"), record.iteration, record.loss);
        if let Some(loss) = validation {
            self.board
                .scalar(&format!("validation/{stage}"), record.iteration, loss);
        }
        if record.stage == Stage::Adapt {
            self.show_passes();
        }
        self.progress.update(&Status {
            phase: stage,
            env_steps: record.iteration,
            end: self.chain.progress()[1],
            loss: validation,
            ..Status::default()
        });
        Ok(())
    }

    /// The loss of every pass, as the published curve has it.
    fn show_passes(&mut self) {
        let Some(adapted) = self.chain.adapted().cloned() else {
            return;
        };
        for line in report::passes(&adapted) {
            self.progress.say(&line);
        }
        for (number, pass) in adapted.passes.iter().enumerate() {
            self.board.scalar("adaptation/loss", number as u64, pass.loss);
        }
    }

    fn checkpoint(&mut self) -> Result<(), Error> {
        let bytes = self.chain.save().to_bytes()?;
        self.log.secure()?;
        self.board.sync();
        self.folder.save_checkpoint(self.chain.progress()[0], &bytes)?;
        self.saved = Instant::now();
        Ok(())
    }

    fn finish(&mut self) -> Result<Value, Error> {
        let document = report::document(&self.experiment, &self.chain);
        for (name, figure) in report::figures(&self.chain)? {
            figure.save(&self.folder.file(name))?;
        }
        let last = |stage| self.chain.curve(stage).last().map_or(f64::NAN, |p| p.1);
        let results = [
            ("final/nonlinear", last(Stage::Nonlinear)),
            ("final/control", last(Stage::Control)),
        ];
        self.board.result(self.chain.progress()[0], &results);
        self.board.sync();
        self.progress.finish();
        self.folder.write_json(FINAL, &document)?;
        Ok(document)
    }
}

/// A chain at its start, with weights from a file where the experiment names one.
fn fresh(experiment: &LanguageExperiment, source: &Source) -> Result<Pipeline, Error> {
    let corpus = source.corpus(experiment.language.model.context)?;
    let mut chain = Pipeline::new(&experiment.language, corpus)?;
    if let Some(path) = &experiment.weights {
        let bytes = std::fs::read(path)
            .map_err(|error| Error::Input(format!("weights: {}: cannot be read: {error}", path.display())))?;
        chain.load_weights(&bytes)?;
    }
    Ok(chain)
}

/// Experiment and chain of a run as last saved, and what is wrong with newer checkpoints.
fn restore(folder: &RunFolder) -> Result<(LanguageExperiment, Pipeline, Vec<String>), Error> {
    let mut experiment = LanguageExperiment::read(&folder.file("experiment.json"), &[])?;
    let source = Source::load(folder, &experiment.text)?;
    let Some(checkpoint) = folder.latest_checkpoint()? else {
        let chain = fresh(&experiment, &source)?;
        return Ok((experiment, chain, vec![]));
    };
    let weights = experiment.weights.take(); // in the checkpoint already
    let mut chain = fresh(&experiment, &source)?;
    experiment.weights = weights;
    chain.load(&Archive::from_bytes(&checkpoint.bytes)?)?;
    Ok((experiment, chain, checkpoint.passed_over))
}

/// Experiment and chain of a run, for reading.
///
/// # Errors
/// A folder that is missing, foreign, or has no whole checkpoint.
pub fn view(path: &Path) -> Result<(LanguageExperiment, Pipeline), Error> {
    let (experiment, chain, _) = restore(&RunFolder::view(path)?)?;
    Ok((experiment, chain))
}
