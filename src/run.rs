//! A run on disk: the trainer's records go to metrics, TensorBoard and the status line, its state to
//! checkpoints, and at the end the learnt pair is judged.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tandem_core::{DesignSpace, Spec};
use tandem_learning::archive::Archive;
use tandem_learning::design::MethodError;

use crate::design_file::DesignFile;
use crate::error::Error;
use crate::evaluate::Learnt;
use crate::evaluation::{Evaluation, Interval};
use crate::experiment::Experiment;
use crate::film::{film, start_and_learnt, still};
use crate::fork::Fork;
use crate::interrupt::{self, Watch};
use crate::judge::Starts;
use crate::output::{note, program, quoted};
use crate::progress::Status;
use crate::record::Record;
use crate::registry::{self, Instance};
use crate::run_folder::{FINAL, RunFolder};
use crate::session::{NO_PATIENCE, PATIENCE, Session, create_folder};
use crate::tensorboard::tags;
use crate::trainer::Trainer;

/// Episodes of the final judgement.
pub const FINAL_EPISODES: usize = 128;
/// What TensorBoard shows beside the hyper-parameters.
const RESULTS: [&str; 3] = ["final/success", "final/return", "final/env_steps"];

/// How far [`Run::advance`] has come.
pub enum Reached {
    /// So many environment steps.
    Steps(u64),
    /// The end: the run is judged.
    End(Box<Evaluation>),
}

/// A run that is being written.
pub struct Run {
    session: Session,
    experiment: Experiment,
    space: DesignSpace,
    spec: Spec,
    trainer: Trainer,
    is_new: bool,
}

impl Run {
    /// Begins a run in `out`, or in a folder of its own under `runs/`; with the policy and the design of another run, where
    /// one is given.
    ///
    /// # Errors
    /// An experiment that is not right, a run that it cannot begin from, or a folder that cannot be written.
    pub fn start(experiment: &Experiment, out: Option<&Path>, name: &str, fork: Option<&Fork>) -> Result<Self, Error> {
        let trainer = begin(experiment, fork)?;
        let instance = registry::problem(experiment)?;
        let (mut bundled, mut files) = registry::bundle(experiment, &instance)?;
        files.extend(fork.map(Fork::file));
        let resolved = resolved(&bundled)?;
        let names = [name, &experiment.method];
        let origin = fork.map(|fork| fork.origin.clone());
        let folder = create_folder(&resolved, &files, out, names, experiment.seed, origin)?;
        bundled.base = folder.path().to_owned();
        Self::open(folder, bundled, trainer, &instance, true)
    }

    /// Goes on with a run: from its last checkpoint, or from the beginning when there is none yet. `sets` change its schedule
    /// first: a longer one prolongs it. A design that was frozen stays so.
    ///
    /// # Errors
    /// A folder that is missing, foreign, in use, of another version, or whose checkpoints are all damaged; a setting that
    /// would change what the run has done.
    pub fn resume(path: &Path, sets: &[String]) -> Result<Self, Error> {
        let folder = RunFolder::open(path)?;
        let stored = Experiment::from_run(&folder)?;
        let experiment = match sets {
            [] => stored.clone(),
            sets => prolonged(&folder, sets)?,
        };
        let mut trainer = begin(&experiment, Fork::stored(&folder)?.as_ref())?;
        let checkpoint = folder.latest_checkpoint()?;
        if let Some(checkpoint) = &checkpoint {
            trainer.load(&Archive::from_bytes(&checkpoint.bytes)?)?;
        }
        if experiment.schedule.env_steps != stored.schedule.env_steps {
            check_budget(&experiment, trainer.counters().env_steps)?;
        }
        if !sets.is_empty() {
            trainer.prolong();
            folder.write_json("experiment.json", &resolved(&experiment)?)?;
            folder.forget(FINAL)?; // a judgement of what the run was before
        }
        let instance = registry::problem(&experiment)?;
        let run = Self::open(folder, experiment, trainer, &instance, checkpoint.is_none())?;
        let passed_over = checkpoint.map(|checkpoint| checkpoint.passed_over);
        run.session.say_resumed(&passed_over.unwrap_or_default())?;
        run.say_frozen(!sets.is_empty());
        Ok(run)
    }

    /// Says of a run that was prolonged whether its design still moves.
    fn say_frozen(&self, prolonged: bool) {
        let designs = self.experiment.method != "fixed";
        if let Some(steps) = self.trainer.frozen_at().filter(|_| prolonged && designs) {
            self.session.progress.say(&format!(
                "the design was frozen after {steps} steps and stays as it is: only the policy learns on; `{} train --from {}` \
                 begins a new search from both",
                program(),
                quoted(self.path())
            ));
        }
    }

    fn open(
        folder: RunFolder,
        experiment: Experiment,
        trainer: Trainer,
        instance: &Instance,
        is_new: bool,
    ) -> Result<Self, Error> {
        let counters = trainer.counters();
        let session = Session::open(folder, counters.iteration, &experiment.method, counters.env_steps)?;
        let mut run = Self {
            space: instance.problem.hardware().space().clone(),
            spec: instance.problem.spec().clone(),
            session,
            experiment,
            trainer,
            is_new,
        };
        if is_new {
            let resolved = resolved(&run.experiment)?;
            run.session.introduce(&resolved, &RESULTS);
        }
        Ok(run)
    }

    /// The run's folder.
    pub fn path(&self) -> PathBuf {
        self.session.folder.path().to_owned()
    }

    /// Trains to the end and judges the learnt pair.
    ///
    /// # Errors
    /// [`Error::Stopped`] after a signal, with a checkpoint saved; numbers that are not finite; a folder that
    /// cannot be written any more.
    pub fn complete(&mut self) -> Result<Evaluation, Error> {
        let last_word = Error::Stopped(quoted(self.path())).to_string();
        self.train(u64::MAX, &last_word)?;
        self.checkpoint()?;
        self.finish(&last_word)
    }

    /// Trains until so many environment steps are done, saves a checkpoint and gives their number; a run that ends before
    /// that is completed, and judged.
    ///
    /// # Errors
    /// As [`Run::complete`].
    pub fn advance(&mut self, env_steps: u64) -> Result<Reached, Error> {
        let last_word = Error::Stopped(quoted(self.path())).to_string();
        let is_over = self.train(env_steps, &last_word)?;
        self.checkpoint()?;
        if is_over {
            return self.finish(&last_word).map(Box::new).map(Reached::End);
        }
        self.session.board.sync();
        Ok(Reached::Steps(self.trainer.counters().env_steps))
    }

    /// Trains to the end of the run, or until so many environment steps are done; whether the run is over.
    fn train(&mut self, env_steps: u64, last_word: &str) -> Result<bool, Error> {
        let stop = || interrupt::requested().is_some();
        if self.is_new {
            self.session.progress.say("preparing the method");
            let work = || self.trainer.prepare(&stop);
            match self
                .session
                .watched("preparing the method", NO_PATIENCE, last_word, work)
            {
                Err(Error::Method(MethodError::Stopped)) => return Err(self.stopped()),
                prepared => prepared?,
            }
        }
        self.session.progress.begin(self.trainer.counters().env_steps);
        while self.trainer.counters().env_steps < env_steps {
            if stop() {
                self.session.progress.say("saving a checkpoint");
                self.checkpoint()?;
                return Err(self.stopped());
            }
            let work = || self.trainer.iterate();
            let Some(record) = self.session.watched("this iteration", PATIENCE, last_word, work)? else {
                return Ok(true);
            };
            self.write(&record)?;
            if self.session.checkpoint_is_due(self.experiment.checkpoint.every_seconds) {
                self.checkpoint()?;
            }
        }
        Ok(false)
    }

    /// Closes the curves; how the run goes on.
    fn stopped(&mut self) -> Error {
        self.session.board.sync();
        Error::Stopped(quoted(self.path()))
    }

    fn write(&mut self, record: &Record) -> Result<(), Error> {
        self.session.log.append(&record.row(&self.space, &self.spec))?;
        self.show(record);
        if record.evaluation.is_some() {
            self.save_best()?;
        }
        let (counters, schedule) = (&record.counters, &self.experiment.schedule);
        // the last iteration is a whole one
        let iteration = (self.experiment.rollout.lanes * self.experiment.rollout.steps) as u64;
        self.session.progress.update(&Status {
            phase: record.phase.name(),
            env_steps: counters.env_steps,
            end: self.trainer.end().next_multiple_of(iteration),
            may_end_early: schedule.freeze_at.is_some() || schedule.stop_at.is_some(),
            mean_return: record.mean_return,
            success: record.evaluation.as_ref().map(|e| e.success),
            gap: record.evaluation.as_ref().and_then(|e| e.gap).map(|g| g[0].rmse),
            loss: None,
        });
        Ok(())
    }

    fn show(&mut self, record: &Record) {
        let counters = &record.counters;
        let step = counters.env_steps;
        let mut figures = Vec::new();
        for (key, value) in record.row(&self.space, &self.spec) {
            match value {
                Value::Number(number) => figures.extend(number.as_f64().map(|value| (key, value))),
                Value::Object(map) => {
                    let named = |(name, value): (&String, &Value)| Some((format!("{key}/{name}"), value.as_f64()?));
                    figures.extend(map.iter().filter_map(named));
                }
                _ => {}
            }
        }
        for (key, value) in figures {
            if let Some((tag, about)) = tags::of(&key) {
                self.session.board.described(&tag, step, value, about);
            }
        }
        let speed = counters.env_steps as f64 / counters.seconds.max(1e-9);
        let about = "Environment steps per second of computing, over the whole run so far.";
        self.session.board.described("time/fps", step, speed, about);
        if record.evaluation.is_some() {
            self.session.board.histogram("design/all", step, &record.design);
            for (name, values) in self.trainer.weights() {
                self.session
                    .board
                    .histogram(&format!("train/weights/{name}"), step, &values);
            }
            if let Err(error) = self.show_arm(step) {
                self.session.progress.say(&format!("no picture: {error}"));
            }
        }
    }

    /// A picture of the present pair at work.
    fn show_arm(&mut self, step: u64) -> Result<(), Error> {
        let mut instance = registry::problem(&self.experiment)?;
        let design = self.space.values(&self.trainer.logits());
        let policy = self.trainer.policy();
        let starts = self.starts();
        let scenes = film(&mut *instance.problem, &policy, &design, starts, 0)?;
        let image = still(&[("learnt design", scenes)], (400, 400))?;
        self.session
            .board
            .image("eval/machine", step, image.width, image.height, &image.rgb);
        Ok(())
    }

    fn starts(&self) -> Starts {
        Starts {
            name: "picture",
            seed: self.experiment.seed,
            episodes: 1,
        }
    }

    fn checkpoint(&mut self) -> Result<(), Error> {
        let state = self.trainer.save()?;
        self.session.checkpoint(self.trainer.counters().iteration, &state)
    }

    /// Writes the best judged pair and its design.
    fn save_best(&self) -> Result<(), Error> {
        let Some((_, archive)) = self.trainer.best() else {
            return Ok(());
        };
        self.session.folder.save_best(&archive.to_bytes()?)?;
        let values = self.space.values(&archive.get_f64("best.logits")?);
        let design = DesignFile::new(&self.experiment, &self.space, &values);
        Ok(self.session.folder.write_json("design.json", &design)?)
    }

    /// The final judgement, the picture, and the results for TensorBoard.
    fn finish(&mut self, last_word: &str) -> Result<Evaluation, Error> {
        self.save_best()?;
        self.session
            .progress
            .say("judging the learnt design in the true machine");
        let judged = self.session.watched("judging", NO_PATIENCE, last_word, || {
            let learnt = Learnt::open(&self.session.folder)?;
            let judged = learnt.evaluate(&learnt.design(), FINAL_EPISODES, self.experiment.seed)?;
            self.picture(learnt)?;
            Ok::<_, Error>(judged)
        })?;
        let mean = |interval: Option<Interval>| interval.map_or(f64::NAN, |i| i.mean);
        let [success, total_return] = [judged.success, judged.total_return].map(mean);
        let results = [success, total_return, judged.env_steps as f64];
        let results: Vec<(&str, f64)> = RESULTS.into_iter().zip(results).collect();
        self.session.finish(self.trainer.counters().env_steps, &results);
        self.session.folder.write_json(FINAL, &judged)?;
        Ok(judged)
    }

    fn picture(&self, mut learnt: Learnt) -> Result<(), Error> {
        let (design, starts) = (learnt.design(), self.starts());
        let problem = &mut *learnt.instance.problem;
        let films = start_and_learnt(problem, &learnt.policy, &design, starts, 0)?;
        let png = still(&films, (560 * films.len() as u32, 560))?.png()?;
        let path = self.session.folder.file("design.png");
        crate::atomic::write(&path, &png)
            .map_err(|error| Error::Run(format!("cannot write {}: {error}", path.display())))
    }
}

/// Settings that a run may change while it goes on: what it has done stays as it is.
const CHANGEABLE: [&str; 2] = ["schedule.", "checkpoint."];

/// The experiment of a run with another schedule.
fn prolonged(folder: &RunFolder, sets: &[String]) -> Result<Experiment, Error> {
    if let Some(set) = sets
        .iter()
        .find(|set| !CHANGEABLE.iter().any(|start| set.trim().starts_with(start)))
    {
        let run = quoted(folder.path());
        return Err(Error::Input(format!(
            "--set {set}: a run that goes on can change its schedule only (schedule.env_steps=...); `train --from {run}` \
             begins a new run with its policy and design"
        )));
    }
    Experiment::read(&folder.file("experiment.json"), sets)
}

/// Refuses a budget that a run has already exceeded.
fn check_budget(experiment: &Experiment, done: u64) -> Result<(), Error> {
    let budget = experiment.schedule.env_steps;
    match budget < done {
        true => Err(Error::Input(format!(
            "schedule.env_steps: is {budget}, but the run has done {done} steps already; give it more than that"
        ))),
        false => Ok(()),
    }
}

/// A trainer at the beginning of its run, which may be a fork of another one; its networks are made under a watch.
fn begin(experiment: &Experiment, fork: Option<&Fork>) -> Result<Trainer, Error> {
    let watch = Watch {
        at_work: &|seconds| {
            if seconds % 3 == 0 {
                note!("making the networks: {seconds} s so far");
            }
        },
        patience: NO_PATIENCE,
        last_word: "stopped; the same command begins again",
        say: &|text| note!("{text}"),
    };
    interrupt::during(&watch, || match fork {
        Some(fork) => fork.trainer(experiment),
        None => Trainer::new(experiment),
    })
}

/// The complete experiment, as the run folder stores it.
fn resolved(experiment: &Experiment) -> Result<Value, Error> {
    serde_json::to_value(experiment).map_err(|error| Error::Run(format!("cannot write the experiment: {error}")))
}
