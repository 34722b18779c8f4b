//! A pool of runs as child processes of this program. A child that fails stops no other.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::live::Live;
use super::plan::{Job, JobState, Outcome};
use crate::error::Error;
use crate::interrupt;
use crate::run_folder::FINAL;

/// Interval at which the children are polled.
const PAUSE: Duration = Duration::from_millis(100);
/// What `tandem train` ends with after a signal.
const STOPPED: i32 = 3;

/// What children need to know.
pub(super) struct Pool<'a> {
    /// This program.
    pub program: PathBuf,
    /// Settings of all runs.
    pub sets: &'a [String],
    /// Children at a time.
    pub at_a_time: usize,
    /// Threads of each.
    pub threads: usize,
}

struct Running<'a> {
    job: &'a Job,
    index: usize,
    child: Child,
}

impl Pool<'_> {
    /// Runs what is not finished yet; gives the outcome of each job, or `None` for those never begun because of
    /// a signal.
    ///
    /// The first signal is passed on as SIGTERM, and the children save and end. A second Ctrl-C ends this
    /// program and, as the terminal sends it to all of them, the children.
    pub fn run(&self, jobs: &[Job], states: &[JobState], live: &mut Live) -> Vec<Option<Outcome>> {
        let mut outcomes: Vec<Option<Outcome>> = states
            .iter()
            .map(|state| (*state == JobState::Finished).then_some(Outcome::Finished))
            .collect();
        let mut queue: VecDeque<usize> = (0..jobs.len()).filter(|&i| outcomes[i].is_none()).collect();
        let mut running: Vec<Running> = Vec::new();
        let mut stopping = false;
        while !queue.is_empty() || !running.is_empty() {
            if !stopping && interrupt::requested().is_some() {
                stopping = true;
                queue.clear();
                running.iter().for_each(|run| terminate(&run.child));
                live.say("stopping: the runs save their checkpoints (Ctrl-C again: at once)");
            }
            while running.len() < self.at_a_time
                && let Some(index) = queue.pop_front()
            {
                match self.start(&jobs[index], states[index]) {
                    Ok(child) => running.push(Running {
                        job: &jobs[index],
                        index,
                        child,
                    }),
                    Err(error) => outcomes[index] = Some(live.ended(index, Outcome::Failed(error.to_string()))),
                }
            }
            running.retain_mut(|run| {
                let outcome = ended(run, stopping);
                outcomes[run.index] = outcome.map(|outcome| live.ended(run.index, outcome));
                outcomes[run.index].is_none()
            });
            live.update(running.iter().map(|run| run.index));
            std::thread::sleep(PAUSE);
        }
        live.finish();
        outcomes
    }

    fn start(&self, job: &Job, state: JobState) -> Result<Child, Error> {
        let path = job.log();
        let cannot = |what: &str, path: &Path, error| Error::Run(format!("cannot {what} {}: {error}", path.display()));
        let log = File::options().append(true).create(true).open(&path);
        let log = log.map_err(|error| cannot("write", &path, error))?;
        let talk = log.try_clone().map_err(|error| cannot("write", &path, error))?;
        let mut command = Command::new(&self.program);
        command.args(arguments(job, state, self.sets, self.threads));
        command.stdin(Stdio::null()).stdout(log).stderr(talk);
        command.spawn().map_err(|error| cannot("start", &self.program, error))
    }
}

/// What is typed to start or resume a run.
fn arguments(job: &Job, state: JobState, sets: &[String], threads: usize) -> Vec<std::ffi::OsString> {
    let mut words: Vec<std::ffi::OsString> = vec!["train".into(), "--threads".into(), threads.to_string().into()];
    if state == JobState::Stopped {
        words.extend(["--resume".into(), job.folder.clone().into()]);
        return words;
    }
    let method = format!("method={}", job.method);
    for set in sets.iter().chain([&method]) {
        words.extend(["--set".into(), set.into()]);
    }
    words.extend(["--seed".into(), job.seed.to_string().into()]);
    words.extend([
        "--out".into(),
        job.folder.clone().into(),
        "--".into(),
        job.file.clone().into(),
    ]);
    words
}

/// How a child ended; `None` while it goes on.
fn ended(run: &mut Running, stopping: bool) -> Option<Outcome> {
    match run.child.try_wait() {
        Ok(None) => None,
        Ok(Some(status)) if status.success() && run.job.folder.join(FINAL).exists() => Some(Outcome::Finished),
        Ok(Some(status)) if stopping && was_stopped(status) => Some(Outcome::Stopped),
        Ok(Some(status)) => Some(Outcome::Failed(
            last_line(&run.job.log()).unwrap_or_else(|| status.to_string()),
        )),
        Err(error) => Some(Outcome::Failed(error.to_string())),
    }
}

/// Ended by the signal: with a checkpoint, or so early that no handler was installed yet.
fn was_stopped(status: ExitStatus) -> bool {
    status
        .code()
        .is_none_or(|code| code == STOPPED || code == interrupt::EXIT_AT_ONCE)
}

fn terminate(child: &Child) {
    // A child that has ended in the meantime is found by the next poll.
    let _ = kill_process(Pid::from_child(child), Signal::TERM);
}

/// The last line with something in it.
fn last_line(path: &Path) -> Option<String> {
    let text = String::from_utf8_lossy(&fs::read(path).ok()?).into_owned();
    let line = text.split(['\n', '\r']).rfind(|line| !line.trim().is_empty())?;
    Some(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(folder: &Path) -> Job {
        Job {
            experiment: "near".into(),
            file: "near.json".into(),
            problem: "reach2d".into(),
            method: "cma".into(),
            seed: 3,
            folder: folder.join("near-cma-s3"),
            end: 100,
            wanted: serde_json::json!({}),
        }
    }

    fn typed(state: JobState) -> Vec<String> {
        let words = arguments(&job(Path::new("d")), state, &["ppo.rate=0.1".into()], 2);
        words.into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn a_run_is_started_or_resumed_by_what_anybody_could_type() {
        let start = "train --threads 2 --set ppo.rate=0.1 --set method=cma --seed 3 --out d/near-cma-s3 -- near.json";
        assert_eq!(typed(JobState::Absent).join(" "), start);
        assert_eq!(
            typed(JobState::Stopped).join(" "),
            "train --threads 2 --resume d/near-cma-s3"
        );
    }

    #[test]
    fn children_that_fail_stop_no_other_and_leave_their_last_words() {
        let root = tempfile::tempdir().unwrap();
        // `false` stands for a run that fails without a word; a program that is not there cannot even start.
        for (program, words) in [("false", "exit status: 1"), ("/no/such/program", "cannot start")] {
            let pool = Pool {
                program: program.into(),
                sets: &[],
                at_a_time: 1,
                threads: 1,
            };
            let jobs = [job(root.path()), job(root.path())];
            let mut live = Live::new(&jobs, &[JobState::Absent, JobState::Finished]);
            let outcomes = pool.run(&jobs, &[JobState::Absent, JobState::Finished], &mut live);
            let Some(Outcome::Failed(message)) = &outcomes[0] else {
                panic!("{outcomes:?}")
            };
            assert!(message.contains(words), "{message}");
            assert_eq!(outcomes[1], Some(Outcome::Finished));
        }
        fs::write(job(root.path()).log(), "step 1\ntandem: the disk is full\n\n").unwrap();
        assert_eq!(
            last_line(&job(root.path()).log()).as_deref(),
            Some("tandem: the disk is full")
        );
    }
}
