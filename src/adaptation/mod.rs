//! The run of `tandem adapt` on disk: a language model is adapted to analog attention.
//!
//! ```text
//! experiment.json   text, model, circuit, stages          text.txt     the text itself
//! metrics.jsonl     one row per iteration                 vocab.json, merges.txt  the tokenizer, where one is named
//! checkpoints/      the last two states
//! evaluation/final.json                                   adaptation.png, curves.png
//! ```

mod experiment;
mod public;
pub mod report;
mod source;

use std::path::{Path, PathBuf};

use tandem_language::{CodesignSettings, Pipeline, Record, Stage};
use tandem_learning::Archive;

pub use experiment::LanguageExperiment;
use report::AdaptationReport;
pub use source::{Source, TextSettings, TokenizerSettings};

use crate::error::Error;
use crate::interrupt;
use crate::metrics::{Row, put};
use crate::output::quoted;
use crate::progress::Status;
use crate::run_folder::{FINAL, RunFolder};
use crate::session::{PATIENCE, Session, create_folder};

/// The method's name in run folders.
const METHOD: &str = "adapt";

/// A run that is being written.
pub struct AdaptationRun {
    session: Session,
    experiment: LanguageExperiment,
    pipeline: Pipeline,
}

impl AdaptationRun {
    /// Begins a run in `out`, or in a folder of its own under `runs/`.
    ///
    /// # Errors
    /// An experiment or a text that is not right, or a folder that cannot be written.
    pub fn start(experiment: &LanguageExperiment, out: Option<&Path>, name: &str) -> Result<Self, Error> {
        let source = Source::read(&experiment.text)?;
        let pipeline = fresh(experiment, &source)?;
        let resolved = serde_json::to_value(experiment)
            .map_err(|error| Error::Run(format!("cannot write the experiment: {error}")))?;
        let folder = create_folder(&resolved, &[], out, [name, METHOD], experiment.language.seed, None)?;
        source.save(&folder)?;
        let mut run = Self::open(folder, experiment.clone(), pipeline)?;
        run.session.introduce(&resolved, &["final/nonlinear", "final/control"]);
        run.checkpoint()?; // weights may have come from a file that is gone at a resume
        Ok(run)
    }

    /// Goes on with a run.
    ///
    /// # Errors
    /// A folder that is missing, foreign, in use, of another version, or whose checkpoints are all damaged.
    pub fn resume(path: &Path) -> Result<Self, Error> {
        let folder = RunFolder::open(path)?;
        let (experiment, pipeline, passed_over) = restore(&folder)?;
        let run = Self::open(folder, experiment, pipeline)?;
        run.session.say_resumed(&passed_over)?;
        Ok(run)
    }

    fn open(folder: RunFolder, experiment: LanguageExperiment, pipeline: Pipeline) -> Result<Self, Error> {
        let passed = pipeline.progress();
        Ok(Self {
            session: Session::open(folder, passed[0], METHOD, passed[0])?,
            experiment,
            pipeline,
        })
    }

    /// The run's folder.
    pub fn path(&self) -> PathBuf {
        self.session.folder.path().to_owned()
    }

    /// Settings of the co-design that follows, where the experiment has one.
    pub fn codesign(&self) -> Option<&CodesignSettings> {
        self.experiment.codesign.as_ref()
    }

    /// The text and the model, in one line.
    pub fn about(&self) -> String {
        let [training, validation] = self.pipeline.corpus().lengths();
        format!(
            "{training} {}s to learn from, {validation} held back, {} different; {} weights",
            self.pipeline.corpus().vocabulary().unit(),
            self.pipeline.corpus().vocabulary().len(),
            self.pipeline.model().parameters()
        )
    }

    /// Goes through all stages and reports.
    ///
    /// # Errors
    /// [`Error::Paused`] after a signal, with a checkpoint saved; numbers that are not finite; a folder that cannot be
    /// written any more.
    pub fn complete(&mut self) -> Result<AdaptationReport, Error> {
        let last_word = format!("stopped; `tandem adapt --resume {}` goes on", quoted(self.path()));
        loop {
            if interrupt::requested().is_some() {
                self.session.progress.say("saving a checkpoint");
                self.checkpoint()?;
                self.session.board.sync();
                return Err(Error::Paused(last_word));
            }
            let work = || self.pipeline.iterate();
            let Some(record) = self.session.watched("this iteration", PATIENCE, &last_word, work)? else {
                break;
            };
            self.write(&record)?;
            let every = self.experiment.checkpoint.every_seconds;
            if self.session.checkpoint_is_due(every) || record.stage == Stage::Adapt {
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
        self.session.log.append(&row)?;
        let stage = record.stage.name();
        self.session
            .board
            .scalar(&format!("loss/{stage}"), record.iteration, record.loss);
        if let Some(loss) = validation {
            self.session
                .board
                .scalar(&format!("validation/{stage}"), record.iteration, loss);
        }
        if record.stage == Stage::Adapt {
            self.show_passes();
        }
        self.session.progress.update(&Status {
            phase: stage,
            env_steps: record.iteration,
            end: self.pipeline.progress()[1],
            loss: validation,
            ..Status::default()
        });
        Ok(())
    }

    /// The loss of every pass, as the published curve has it.
    fn show_passes(&mut self) {
        let Some(adapted) = self.pipeline.adapted().cloned() else {
            return;
        };
        for line in report::passes(&adapted) {
            self.session.progress.say(&line);
        }
        for (number, pass) in adapted.passes.iter().enumerate() {
            self.session.board.scalar("adaptation/loss", number as u64, pass.loss);
        }
    }

    fn checkpoint(&mut self) -> Result<(), Error> {
        self.session
            .checkpoint(self.pipeline.progress()[0], &self.pipeline.save())
    }

    fn finish(&mut self) -> Result<AdaptationReport, Error> {
        let report = AdaptationReport::new(&self.experiment, &self.pipeline);
        for (name, figure) in report::figures(&self.pipeline)? {
            figure.save(&self.session.folder.file(name))?;
        }
        let last = |stage| self.pipeline.curve(stage).last().map_or(f64::NAN, |p| p.1);
        let results = [
            ("final/nonlinear", last(Stage::Nonlinear)),
            ("final/control", last(Stage::Control)),
        ];
        self.session.finish(self.pipeline.progress()[0], &results);
        self.session.folder.write_json(FINAL, &report)?;
        Ok(report)
    }
}

/// A pipeline at its start, with weights from a file where the experiment names one.
fn fresh(experiment: &LanguageExperiment, source: &Source) -> Result<Pipeline, Error> {
    let corpus = source.corpus(experiment.language.model.context)?;
    let mut pipeline = Pipeline::new(&experiment.language, corpus)?;
    if let Some(path) = &experiment.weights {
        let path = public::weights_file(path);
        let bytes = std::fs::read(&path)
            .map_err(|error| Error::Input(format!("weights: {}: cannot be read: {error}", path.display())))?;
        pipeline.load_weights(&bytes)?;
    }
    Ok(pipeline)
}

/// Experiment and pipeline of a run as last saved, and what is wrong with newer checkpoints.
fn restore(folder: &RunFolder) -> Result<(LanguageExperiment, Pipeline, Vec<String>), Error> {
    let mut experiment = LanguageExperiment::read(&folder.file("experiment.json"), &[])?;
    let source = Source::load(folder, &experiment.text)?;
    let Some(checkpoint) = folder.latest_checkpoint()? else {
        let pipeline = fresh(&experiment, &source)?;
        return Ok((experiment, pipeline, vec![]));
    };
    let weights = experiment.weights.take(); // in the checkpoint already
    let mut pipeline = fresh(&experiment, &source)?;
    experiment.weights = weights;
    pipeline.load(&Archive::from_bytes(&checkpoint.bytes)?)?;
    Ok((experiment, pipeline, checkpoint.passed_over))
}

/// Experiment and pipeline of a run, for reading.
///
/// # Errors
/// A folder that is missing, foreign, or has no whole checkpoint.
pub fn view(path: &Path) -> Result<(LanguageExperiment, Pipeline), Error> {
    let (experiment, pipeline, _) = restore(&RunFolder::view(path)?)?;
    Ok((experiment, pipeline))
}
