//! The local engine: runs as child processes of this program, several at a time. A child that fails stops no other.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::Task;
use super::attempts;
use super::halving::{self, Rule};
use super::live::Live;
use super::slurm;
use super::state::last_line;
use crate::error::Error;
use crate::interrupt;
use crate::run_folder::FINAL;

/// Interval at which the children are polled.
const PAUSE: Duration = Duration::from_millis(100);
/// What a child ends with where another process is at its run.
const BUSY: i32 = 4;

/// How a child ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The run is complete.
    Finished,
    /// It was asked to stop and saved a checkpoint.
    Stopped,
    /// It failed, with the last line of its log.
    Failed(String),
    /// Another process is at it, and which.
    Busy(String),
    /// It pauses at a rung, or has to wait there.
    Paused,
}

/// What children need to know.
pub struct Pool<'a> {
    program: PathBuf,
    sweep: &'a Path,
    /// Children at a time.
    at_a_time: usize,
    /// Threads of each.
    threads: usize,
}

struct Running<'a> {
    task: &'a Task,
    index: usize,
    child: Child,
}

/// Runs what is not finished of these runs of the sweep in `sweep`, `jobs` at a time (default: one for each core), and
/// shows how they get on; gives the outcome of each, or `None` for those never begun because of a signal.
///
/// # Errors
/// This program cannot be found to be started again.
pub fn run(sweep: &Path, tasks: &[Task], jobs: Option<u16>) -> Result<Vec<Option<Outcome>>, Error> {
    let is_open = |task: &Task| !sweep.join(&task.folder).join(FINAL).exists();
    run_open(sweep, tasks, tasks.iter().map(is_open).collect(), jobs)
}

/// The same for runs that pause at rungs: round after round, in each of which every run that has earned it goes on to its
/// next rung.
///
/// # Errors
/// As [`run`].
pub fn run_rounds(
    sweep: &Path,
    tasks: &[Task],
    chosen: &[usize],
    jobs: Option<u16>,
) -> Result<Vec<Option<Outcome>>, Error> {
    let chosen: BTreeSet<usize> = chosen.iter().copied().collect();
    let mut outcomes = vec![None; tasks.len()];
    let mut stretches = vec![0; tasks.len()];
    loop {
        // who failed in this call, or is held by another process, is not tried again
        let is_next = |&index: &usize| {
            let rungs = tasks[index].halving.as_ref().map_or(0, |halving| halving.rungs.len());
            let goes_on = matches!(outcomes[index], None | Some(Outcome::Paused));
            chosen.contains(&index) && goes_on && stretches[index] <= rungs
        };
        let allowed = halving::allowed(sweep, tasks, Rule::Together);
        let round: Vec<usize> = allowed.into_iter().filter(is_next).collect();
        if round.is_empty() || interrupt::requested().is_some() {
            return Ok(outcomes);
        }
        let next: Vec<Task> = round.iter().map(|&index| tasks[index].clone()).collect();
        let ended = run_open(sweep, &next, vec![true; next.len()], jobs)?;
        for (index, outcome) in round.into_iter().zip(ended) {
            outcomes[index] = outcome;
            stretches[index] += 1;
        }
    }
}

fn run_open(sweep: &Path, tasks: &[Task], open: Vec<bool>, jobs: Option<u16>) -> Result<Vec<Option<Outcome>>, Error> {
    let left = open.iter().filter(|open| **open).count();
    let begun = tasks
        .iter()
        .zip(&open)
        .filter(|(task, open)| **open && sweep.join(&task.folder).exists());
    let begun = begun.count();
    let cores = rayon::current_num_threads();
    let at_a_time = jobs.map_or(cores, usize::from).min(left).max(1);
    let pool = Pool {
        program: std::env::current_exe().map_err(|error| Error::Run(format!("cannot find this program: {error}")))?,
        sweep,
        at_a_time,
        threads: (cores / at_a_time).max(1),
    };
    let mut live = Live::new(sweep, tasks, open.clone());
    if left > 0 {
        live.say(&format!(
            "{} runs: {} finished, {begun} to go on with, {} to start; {at_a_time} at a time, threads for each: {}",
            tasks.len(),
            tasks.len() - left,
            left - begun,
            pool.threads
        ));
    }
    Ok(pool.run(tasks, &open, &mut live))
}

impl Pool<'_> {
    /// The first signal is passed on as SIGTERM, and the children save and end. A second Ctrl-C ends this
    /// program and, as the terminal sends it to all of them, the children.
    fn run(&self, tasks: &[Task], open: &[bool], live: &mut Live) -> Vec<Option<Outcome>> {
        let finished = |open: &bool| (!open).then_some(Outcome::Finished);
        let mut outcomes: Vec<Option<Outcome>> = open.iter().map(finished).collect();
        let mut queue: VecDeque<usize> = (0..tasks.len()).filter(|&i| open[i]).collect();
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
                let task = &tasks[index];
                match self.start(task) {
                    Ok(child) => running.push(Running { task, index, child }),
                    Err(error) => outcomes[index] = Some(live.ended(index, Outcome::Failed(error.to_string()))),
                }
            }
            running.retain_mut(|run| {
                let outcome = self.ended(run, stopping);
                outcomes[run.index] = outcome.map(|outcome| live.ended(run.index, outcome));
                outcomes[run.index].is_none()
            });
            live.update(running.iter().map(|run| run.index));
            if !running.is_empty() {
                std::thread::sleep(PAUSE);
            }
        }
        live.finish();
        outcomes
    }

    fn start(&self, task: &Task) -> Result<Child, Error> {
        let path = task.log(self.sweep);
        let cannot = |what: &str, path: &Path, error| Error::Run(format!("cannot {what} {}: {error}", path.display()));
        let folder = crate::atomic::folder_of(&path);
        crate::atomic::create_folders(folder).map_err(|error| cannot("make", folder, error))?;
        let log = File::options().append(true).create(true).open(&path);
        let log = log.map_err(|error| cannot("write", &path, error))?;
        let talk = log.try_clone().map_err(|error| cannot("write", &path, error))?;
        let mut command = Command::new(&self.program);
        command.args(["--threads", &self.threads.to_string(), "sweep", "run"]);
        command.args(["--task", &task.task.to_string(), "--"]).arg(self.sweep);
        for name in slurm::VARIABLES {
            command.env_remove(name); // this process answers for the job
        }
        command.stdin(Stdio::null()).stdout(log).stderr(talk);
        command.spawn().map_err(|error| cannot("start", &self.program, error))
    }

    /// How a child ended; `None` while it goes on.
    fn ended(&self, run: &mut Running, stopping: bool) -> Option<Outcome> {
        let last_word = |status: ExitStatus| last_line(&run.task.log(self.sweep)).unwrap_or_else(|| status.to_string());
        match run.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) if status.success() && self.sweep.join(&run.task.folder).join(FINAL).exists() => {
                Some(Outcome::Finished)
            }
            Ok(Some(status)) if status.success() && run.task.halving.is_some() => Some(Outcome::Paused),
            Ok(Some(status)) if stopping && was_stopped(status) => Some(Outcome::Stopped),
            Ok(Some(status)) if status.code() == Some(BUSY) => {
                // the log's last line may be the other one's
                Some(Outcome::Busy(attempts::holder(&run.task.attempts(self.sweep))))
            }
            Ok(Some(status)) => Some(Outcome::Failed(last_word(status))),
            Err(error) => Some(Outcome::Failed(error.to_string())),
        }
    }
}

/// Ended by the signal: with a checkpoint, or so early that no handler was installed yet.
fn was_stopped(status: ExitStatus) -> bool {
    status
        .code()
        .is_none_or(|code| code == interrupt::EXIT_STOPPED || code == interrupt::EXIT_AT_ONCE)
}

fn terminate(child: &Child) {
    // A child that has ended in the meantime is found by the next poll.
    let _ = kill_process(Pid::from_child(child), Signal::TERM);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_that_fail_stop_no_other_and_leave_their_last_words() {
        let root = tempfile::tempdir().unwrap();
        let task = |task: usize| Task {
            task,
            folder: format!("near-cma-s{task}").into(),
            ..Task::default()
        };
        // `false` stands for a run that fails without a word; a program that is not there cannot even start.
        for (program, words) in [("false", "exit status: 1"), ("/no/such/program", "cannot start")] {
            let pool = Pool {
                program: program.into(),
                sweep: root.path(),
                at_a_time: 1,
                threads: 1,
            };
            let tasks = [task(0), task(1)];
            let mut live = Live::new(root.path(), &tasks, vec![true, false]);
            let outcomes = pool.run(&tasks, &[true, false], &mut live);
            let Some(Outcome::Failed(message)) = &outcomes[0] else {
                panic!("{outcomes:?}")
            };
            assert!(message.contains(words), "{message}");
            assert_eq!(outcomes[1], Some(Outcome::Finished));
        }
    }
}
