//! `tandem explore`: circuit and language model designed together, as a run folder inside the adaptation's.
//!
//! ```text
//! RUN/codesign-sSEED/   experiment.json   the settings        metrics.jsonl   one row per round
//!                       checkpoints/      the last two        evaluation/final.json
//!                       pareto-energy.png pareto-latency.png pareto-area.png
//! ```

pub mod report;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tandem_language::LanguageError;
use tandem_language::codesign::{Codesign, CodesignSettings, Outcome, Round};
use tandem_learning::Archive;

use crate::adaptation::{self, FINAL, LanguageExperiment};
use crate::error::Error;
use crate::interrupt;
use crate::metrics::{MetricsLog, Row, put};
use crate::output::note;
use crate::progress::{Progress, Status};
use crate::run_folder::{Meta, RunFolder};
use crate::tensorboard::Board;

/// A co-design that is being written.
pub struct CodesignRun {
    folder: RunFolder,
    codesign: Codesign,
    experiment: LanguageExperiment,
    log: MetricsLog,
    board: Board,
    /// How to go on after a signal.
    command: String,
}

/// The folder of a co-design inside the run of an adaptation.
pub fn folder_of(run: &Path, seed: u64) -> PathBuf {
    run.join(format!("codesign-s{seed}"))
}

/// The result of a co-design: of a finished one as it stands, otherwise it begins or goes on.
///
/// # Errors
/// A run of `tandem adapt` that is not finished, a folder that holds another co-design, [`Error::Paused`] after a signal.
pub fn complete(run: &Path, settings: &CodesignSettings, command: &str) -> Result<Value, Error> {
    settings.check()?;
    let path = folder_of(run, settings.seed);
    if path.exists() {
        let folder = RunFolder::view(&path)?;
        let stored = folder.experiment()?;
        if stored != resolved(settings) {
            let text = "holds a co-design with other settings; remove it or choose another --seed";
            return Err(Error::Input(format!("{}: {text}", path.display())));
        }
        if let Ok(document) = folder.read_json(FINAL) {
            return Ok(document);
        }
    }
    CodesignRun::open(run, settings, command)?.complete()
}

fn resolved(settings: &CodesignSettings) -> Value {
    json!({"codesign": settings})
}

impl CodesignRun {
    fn open(run: &Path, settings: &CodesignSettings, command: &str) -> Result<Self, Error> {
        let (experiment, chain) = adaptation::view(run)?;
        let mut codesign = Codesign::new(chain, settings)?;
        let path = folder_of(run, settings.seed);
        let folder = match path.exists() {
            true => RunFolder::open(&path)?,
            false => RunFolder::create(&path, &resolved(settings), &Meta::collect())?,
        };
        if let Some(checkpoint) = folder.latest_checkpoint()? {
            codesign.load(&Archive::from_bytes(&checkpoint.bytes)?)?;
        }
        let (log, doubt) = MetricsLog::of(&folder, u64::from(codesign.progress()[0]))?;
        if let Some(doubt) = doubt {
            note!("{doubt}");
        }
        Ok(Self {
            board: Board::open(&folder.tensorboard(), u64::from(codesign.progress()[0])),
            folder,
            codesign,
            experiment,
            log,
            command: command.to_owned(),
        })
    }

    fn complete(&mut self) -> Result<Value, Error> {
        note!("run folder: {}", self.folder.path().display());
        let [round, end] = self.codesign.progress().map(u64::from);
        let mut progress = Progress::new("co-design", round, end);
        let stop = || interrupt::requested().is_some();
        loop {
            // a round that is not finished is played again from the checkpoint before it
            let round = match self.codesign.round(&stop) {
                Ok(Some(round)) => round,
                Ok(None) => break,
                Err(LanguageError::Stopped) => {
                    self.board.sync();
                    let text = format!("stopped; `{}` goes on", self.command);
                    return Err(Error::Paused(text));
                }
                Err(error) => return Err(error.into()),
            };
            self.write(&round)?;
            progress.say(&report::round(&round));
            progress.update(&Status {
                phase: "rounds",
                env_steps: u64::from(round.round),
                end,
                loss: Some(round.best.loss),
                ..Status::default()
            });
        }
        progress.say("judging on the final text");
        let outcome = self.codesign.outcome()?;
        progress.finish();
        self.board.sync();
        self.finish(&outcome)
    }

    fn write(&mut self, round: &Round) -> Result<(), Error> {
        let mut row = Row::new();
        row.insert("iteration".into(), round.round.into());
        row.insert("judged".into(), round.judged.into());
        put(&mut row, "loss", round.best.loss);
        put(&mut row, "excess", round.best.excess);
        put(&mut row, "control_loss", round.control);
        put(&mut row, "energy_j", round.best.cost.energy_j);
        put(&mut row, "seconds", round.best.cost.seconds);
        put(&mut row, "area_m2", round.best.cost.area_m2);
        if let Some([energy, loss]) = round.proxy_gap {
            put(&mut row, "proxy_gap_log_energy", energy);
            put(&mut row, "proxy_gap_loss", loss);
        }
        row.insert("design".into(), json!(round.best.design));
        for (name, value) in [
            ("best/energy_pj", 1e12 * round.best.cost.energy_j),
            ("best/time_ns", 1e9 * round.best.cost.seconds),
            ("best/area_mm2", 1e6 * round.best.cost.area_m2),
            ("best/perplexity_over_control", round.best.excess.exp_m1()),
            ("control/loss", round.control),
        ] {
            self.board.scalar(name, u64::from(round.round), value);
        }
        self.log.append(&row)?;
        let bytes = self.codesign.save().to_bytes()?;
        self.log.secure()?;
        self.board.sync();
        Ok(self.folder.save_checkpoint(u64::from(round.round), &bytes)?)
    }

    fn finish(&mut self, outcome: &Outcome) -> Result<Value, Error> {
        for (name, figure) in report::figures(outcome)? {
            figure.save(&self.folder.file(name))?;
        }
        let document = report::document(&self.experiment, &self.codesign, outcome);
        self.folder.write_json(FINAL, &document)?;
        Ok(document)
    }
}
