//! A run on disk: the trainer's records go to metrics, TensorBoard and the status line, its state to
//! checkpoints, and at the end the learnt pair is judged.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tandem_core::{DesignSpace, Spec};
use tandem_learning::archive::Archive;
use tandem_learning::design::MethodError;

use crate::error::Error;
use crate::evaluate::Learnt;
use crate::evaluation::{Evaluation, Interval};
use crate::experiment::Experiment;
use crate::film::{film, still};
use crate::interrupt::{self, Watch};
use crate::judge::Starts;
use crate::metrics::MetricsLog;
use crate::output::note;
use crate::progress::{Progress, Status};
use crate::record::Record;
use crate::registry;
use crate::run_folder::{Meta, RunFolder};
use crate::tensorboard::{Board, flatten};
use crate::trainer::Trainer;

/// Episodes of the final judgement.
pub const FINAL_EPISODES: usize = 128;
/// How long an iteration may take to its end, and a checkpoint, after a signal; a longer one is computed again.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same for work that saves nothing.
const NO_PATIENCE: Duration = Duration::from_millis(500);

/// A run that is being written.
pub struct Run {
    folder: RunFolder,
    experiment: Experiment,
    space: DesignSpace,
    spec: Spec,
    trainer: Trainer,
    log: MetricsLog,
    board: Board,
    progress: Progress,
    saved: Instant,
    is_new: bool,
}

impl Run {
    /// Begins a run in `out`, or in a folder of its own under `runs/`.
    ///
    /// # Errors
    /// An experiment that is not right, or a folder that cannot be written.
    pub fn start(experiment: &Experiment, out: Option<&Path>, name: &str) -> Result<Self, Error> {
        let trainer = trainer(experiment)?;
        let resolved = serde_json::to_value(experiment)
            .map_err(|error| Error::Run(format!("cannot write the experiment: {error}")))?;
        let meta = Meta::collect();
        let folder = match out {
            Some(path) => RunFolder::create(path, &resolved, &meta)?,
            None => RunFolder::create_default(
                Path::new("runs"),
                name,
                &experiment.method,
                experiment.seed,
                &resolved,
                &meta,
            )?,
        };
        Self::open(folder, experiment.clone(), trainer, true)
    }

    /// Goes on with a run: from its last checkpoint, or from the beginning when there is none yet.
    ///
    /// # Errors
    /// A folder that is missing, foreign, in use, of another version, or whose checkpoints are all damaged.
    pub fn resume(path: &Path) -> Result<Self, Error> {
        let folder = RunFolder::open(path)?;
        let experiment = Experiment::from_run(&folder)?;
        let mut trainer = trainer(&experiment)?;
        let checkpoint = folder.latest_checkpoint()?;
        if let Some(checkpoint) = &checkpoint {
            trainer.load(&Archive::from_bytes(&checkpoint.bytes)?)?;
        }
        let run = Self::open(folder, experiment, trainer, checkpoint.is_none())?;
        if let Some(moved) = run.folder.meta()?.goes_on_here() {
            run.progress.say(&moved);
        }
        for reason in checkpoint.iter().flat_map(|found| &found.passed_over) {
            run.progress.say(&format!("passed over a damaged checkpoint: {reason}"));
        }
        Ok(run)
    }

    fn open(folder: RunFolder, experiment: Experiment, trainer: Trainer, is_new: bool) -> Result<Self, Error> {
        let instance = registry::problem(&experiment)?;
        let (log, doubt) = MetricsLog::of(&folder, trainer.counters().iteration)?;
        let board = Board::open(&folder.tensorboard(), trainer.counters().iteration);
        let counters = trainer.counters();
        let progress = Progress::new(&experiment.method, counters.env_steps, trainer.end());
        let mut run = Self {
            space: instance.problem.hardware().space().clone(),
            spec: instance.problem.spec().clone(),
            saved: Instant::now(),
            folder,
            experiment,
            trainer,
            log,
            board,
            progress,
            is_new,
        };
        if let Some(doubt) = doubt {
            run.progress.say(&doubt);
        }
        if is_new {
            run.introduce()?;
        }
        Ok(run)
    }

    /// What TensorBoard shows before the first step: the experiment as text and as hyper-parameters.
    fn introduce(&mut self) -> Result<(), Error> {
        let value = serde_json::to_value(&self.experiment)
            .map_err(|error| Error::Run(format!("cannot write the experiment: {error}")))?;
        let text = serde_json::to_string_pretty(&value).unwrap_or_default();
        self.board.text("experiment", 0, &format!("```json\n{text}\n```"));
        let mut flat = Vec::new();
        flatten("", &value, &mut flat);
        self.board
            .hparams(&flat, &["final/success", "final/return", "final/env_steps"]);
        Ok(())
    }

    /// The run's folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Trains to the end and judges the learnt pair.
    ///
    /// # Errors
    /// [`Error::Stopped`] after a signal, with a checkpoint saved; numbers that are not finite; a folder that
    /// cannot be written any more.
    pub fn complete(&mut self) -> Result<Evaluation, Error> {
        let stop = || interrupt::requested().is_some();
        let last_word = Error::Stopped(self.path().display().to_string()).to_string();
        if self.is_new {
            self.progress.say("preparing the method");
            let say = |text: &str| self.progress.say(text);
            let watch = watch("preparing the method", NO_PATIENCE, &last_word, &say);
            match interrupt::during(&watch, || self.trainer.prepare(&stop)) {
                Err(Error::Method(MethodError::Stopped)) => return Err(self.stopped()),
                prepared => prepared?,
            }
        }
        loop {
            if stop() {
                self.progress.say("saving a checkpoint");
                self.checkpoint()?;
                return Err(self.stopped());
            }
            let say = |text: &str| self.progress.say(text);
            let watch = watch("this iteration", PATIENCE, &last_word, &say);
            let Some(record) = interrupt::during(&watch, || self.trainer.iterate())? else {
                break;
            };
            self.write(&record)?;
            if self.saved.elapsed().as_secs_f64() >= self.experiment.checkpoint.every_seconds {
                self.checkpoint()?;
            }
        }
        self.checkpoint()?;
        self.finish(&last_word)
    }

    /// Closes the curves; how the run goes on.
    fn stopped(&mut self) -> Error {
        self.board.sync();
        Error::Stopped(self.path().display().to_string())
    }

    fn write(&mut self, record: &Record) -> Result<(), Error> {
        self.log.append(&record.row(&self.space, &self.spec))?;
        self.show(record);
        if record.evaluation.is_some() {
            self.save_best()?;
        }
        let counters = &record.counters;
        self.progress.update(&Status {
            phase: record.phase.name(),
            env_steps: counters.env_steps,
            end: self.trainer.end(),
            mean_return: record.mean_return,
            success: record.evaluation.as_ref().map(|e| e.success),
            gap: record.evaluation.as_ref().and_then(|e| e.gap).map(|g| g[0].rmse),
            loss: None,
        });
        Ok(())
    }

    fn show(&mut self, record: &Record) {
        let step = record.counters.iteration;
        for (key, value) in record.row(&self.space, &self.spec) {
            match value {
                Value::Number(number) => {
                    if let Some(value) = number.as_f64().filter(|_| key != "iteration") {
                        self.board.scalar(&key, step, value);
                    }
                }
                Value::Object(map) => {
                    for (name, value) in map {
                        if let Some(value) = value.as_f64() {
                            self.board.scalar(&format!("{key}/{name}"), step, value);
                        }
                    }
                }
                _ => {}
            }
        }
        if record.evaluation.is_some() {
            self.board.histogram("design", step, &record.design);
            for (name, values) in self.trainer.weights() {
                self.board.histogram(&format!("weights/{name}"), step, &values);
            }
            if let Err(error) = self.show_arm(step) {
                self.progress.say(&format!("no picture: {error}"));
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
        self.board.image("machine", step, image.width, image.height, &image.rgb);
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
        let bytes = self.trainer.save()?.to_bytes()?;
        self.log.secure()?;
        self.board.sync();
        self.folder.save_checkpoint(self.trainer.counters().iteration, &bytes)?;
        self.saved = Instant::now();
        Ok(())
    }

    /// Writes the best judged pair and its design.
    fn save_best(&self) -> Result<(), Error> {
        let Some((_, archive)) = self.trainer.best() else {
            return Ok(());
        };
        self.folder.save_best(&archive.to_bytes()?)?;
        let values = self.space.values(&archive.get_f64("best.logits")?);
        let design = design_json(&self.experiment, &self.space, &values);
        Ok(self.folder.write_json("design.json", &design)?)
    }

    /// The final judgement, the picture, and the results for TensorBoard.
    fn finish(&mut self, last_word: &str) -> Result<Evaluation, Error> {
        self.save_best()?;
        self.progress.say("judging the learnt design in the true machine");
        let say = |text: &str| self.progress.say(text);
        let judged = interrupt::during(&watch("judging", NO_PATIENCE, last_word, &say), || {
            let learnt = Learnt::open(&self.folder)?;
            let judged = learnt.evaluate(&learnt.design(), FINAL_EPISODES, self.experiment.seed)?;
            self.picture(learnt)?;
            Ok::<_, Error>(judged)
        })?;
        let mean = |interval: Option<Interval>| interval.map_or(f64::NAN, |i| i.mean);
        let metrics = [
            ("final/success", mean(judged.success)),
            ("final/return", mean(judged.total_return)),
            ("final/env_steps", judged.env_steps as f64),
        ];
        self.board.result(self.trainer.counters().iteration, &metrics);
        self.board.sync();
        self.progress.finish();
        self.folder.write_json("evaluation/final.json", &json!(judged))?;
        Ok(judged)
    }

    fn picture(&self, mut learnt: Learnt) -> Result<(), Error> {
        let design = learnt.design();
        let start = self.space.start();
        let starts = self.starts();
        let problem = &mut *learnt.instance.problem;
        let films = [
            ("start design", film(problem, &learnt.policy, &start, starts, 0)?),
            ("learnt design", film(problem, &learnt.policy, &design, starts, 0)?),
        ];
        let png = still(&films, (1120, 560))?.png()?;
        let path = self.folder.file("design.png");
        crate::atomic::write(&path, &png)
            .map_err(|error| Error::Run(format!("cannot write {}: {error}", path.display())))
    }
}

fn watch<'a>(what: &'a str, patience: Duration, last_word: &'a str, say: &'a (dyn Fn(&str) + Sync)) -> Watch<'a> {
    Watch {
        what,
        patience,
        last_word,
        say,
    }
}

/// A trainer at the beginning of its run, whose networks are made under a watch.
fn trainer(experiment: &Experiment) -> Result<Trainer, Error> {
    let say = |text: &str| note!("{text}");
    let watch = watch(
        "making the networks",
        NO_PATIENCE,
        "stopped; the same command begins again",
        &say,
    );
    interrupt::during(&watch, || Trainer::new(experiment))
}

/// `design.json`: everything another person needs to build or judge the design.
pub fn design_json(experiment: &Experiment, space: &DesignSpace, values: &[f64]) -> Value {
    let parameters: Vec<Value> = space
        .parameters
        .iter()
        .zip(values)
        .map(|(p, value)| {
            json!({
                "name": p.name, "value": value, "unit": p.unit,
                "low": p.low, "high": p.high, "start": p.start,
            })
        })
        .collect();
    json!({
        "problem": experiment.problem,
        "task": experiment.task,
        "method": experiment.method,
        "seed": experiment.seed,
        "parameters": parameters,
    })
}
