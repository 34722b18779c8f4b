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

use crate::adaptation::{self, LanguageExperiment};
use crate::error::Error;
use crate::interrupt;
use crate::metrics::{Row, put};
use crate::output::note;
use crate::progress::Status;
use crate::run_folder::{FINAL, Meta, RunFolder};
use crate::session::Session;
use report::CodesignReport;

/// A co-design that is being written.
pub struct CodesignRun {
    session: Session,
    codesign: Codesign,
    experiment: LanguageExperiment,
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
pub fn complete(run: &Path, settings: &CodesignSettings, command: &str) -> Result<CodesignReport, Error> {
    settings.check().map_err(|error| error.inside("codesign"))?;
    let path = folder_of(run, settings.seed);
    if path.exists() {
        let folder = RunFolder::view(&path)?;
        let stored = folder.experiment()?;
        if stored != resolved(settings) {
            let text = "holds a co-design with other settings; remove it or choose another --seed";
            return Err(Error::Input(format!("{}: {text}", path.display())));
        }
        if let Ok(report) = folder.read_json(FINAL) {
            return Ok(report);
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
            false => RunFolder::create(&path, &resolved(settings), &[], &Meta::collect())?,
        };
        if let Some(checkpoint) = folder.latest_checkpoint()? {
            codesign.load(&Archive::from_bytes(&checkpoint.bytes)?)?;
        }
        note!("run folder: {}", folder.path().display());
        let passed = codesign.progress().map(u64::from);
        Ok(Self {
            session: Session::open(folder, passed[0], "co-design", passed[0])?,
            codesign,
            experiment,
            command: command.to_owned(),
        })
    }

    fn complete(&mut self) -> Result<CodesignReport, Error> {
        let end = u64::from(self.codesign.progress()[1]);
        let stop = || interrupt::requested().is_some();
        loop {
            // a round that is not finished is played again from the checkpoint before it
            let round = match self.codesign.round(&stop) {
                Ok(Some(round)) => round,
                Ok(None) => break,
                Err(LanguageError::Stopped) => {
                    self.session.board.sync();
                    let text = format!("stopped; `{}` goes on", self.command);
                    return Err(Error::Paused(text));
                }
                Err(error) => return Err(error.into()),
            };
            self.write(&round)?;
            self.session.progress.say(&report::round(&round));
            self.session.progress.update(&Status {
                phase: "rounds",
                env_steps: u64::from(round.round),
                end,
                loss: Some(round.best.loss),
                ..Status::default()
            });
        }
        self.session.progress.say("judging on the final text");
        let outcome = self.codesign.outcome()?;
        self.session.progress.finish();
        self.session.board.sync();
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
            self.session.board.scalar(name, u64::from(round.round), value);
        }
        self.session.log.append(&row)?;
        self.session.checkpoint(u64::from(round.round), &self.codesign.save())
    }

    fn finish(&mut self, outcome: &Outcome) -> Result<CodesignReport, Error> {
        for (name, figure) in report::figures(outcome)? {
            figure.save(&self.session.folder.file(name))?;
        }
        let report = CodesignReport::new(&self.experiment, &self.codesign, outcome);
        self.session.folder.write_json(FINAL, &report)?;
        Ok(report)
    }
}
