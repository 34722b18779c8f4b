//! SLURM, as far as a sweep needs it: the batch script and its submission, what of a sweep is queued, and the return of a
//! stopped task to the queue.
//!
//! The script ends with `exec`, since the warning ahead of the job's end (`--signal=B:`) goes to the batch shell alone. An
//! exit code does not requeue a job where the site has not said so; `scontrol requeue` does.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::atomic;
use crate::error::Error;
use crate::interrupt;
use crate::output::quoted;
use crate::run_folder::now;

/// What makes a process a part of a job: removed from children that do not answer for it.
pub const VARIABLES: [&str; 3] = ["SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"];
/// Folder of the scripts and their logs, in the sweep's.
const FOLDER: &str = "slurm";
const SUBMITTED: &str = "submitted.jsonl";
/// How long before a job's end its task is warned, in seconds: SLURM is coarse about it.
const WARNING: u32 = 120;
/// SLURM's own default of the largest index of an array plus one.
const MAX_ARRAY_SIZE: usize = 1001;

/// The job that this process is: `ARRAY_TASK` where it is one of an array, since the number alone may mean the whole array.
pub fn job() -> Option<String> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let one = variable(VARIABLES[0])?;
    match (variable(VARIABLES[1]), variable(VARIABLES[2])) {
        (Some(array), Some(task)) => Some(format!("{array}_{task}")),
        _ => Some(one),
    }
}

/// Puts this job back into the queue where SLURM warned of its end; what is to be said about it in any case.
pub fn after_stop() -> String {
    let again = "the same command goes on";
    match (job(), interrupt::warned()) {
        (None, _) => again.into(),
        // SIGTERM: SLURM requeues a preempted job itself, and what scancel ends shall not come back.
        (Some(job), None) => {
            format!("job {job} was not queued again by Tandem (only SIGUSR1 and SIGUSR2 ask for it); {again}")
        }
        (Some(job), Some(_)) => match answer("scontrol", &[OsStr::new("requeue"), OsStr::new(&job)]) {
            Ok(_) => format!("job {job} is queued again (scontrol requeue)"),
            Err(error) => format!("job {job} could not be queued again: {error}; `tandem sweep submit` does"),
        },
    }
}

/// How an array is submitted.
pub struct Request<'a> {
    /// The sweep's folder.
    pub sweep: &'a Path,
    /// Tasks at a time.
    pub max_parallel: Option<u32>,
    /// Longest time of a task, as sbatch takes it.
    pub time: Option<&'a str>,
    /// More arguments of sbatch.
    pub extra: &'a [String],
    /// Whether a task goes on with whatever has earned its next rung.
    pub onward: bool,
}

/// A submission to one array, whose indices begin at `offset`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// UTC.
    pub at: String,
    /// Number of the array's job.
    pub job: String,
    /// The array's index 0 is this task.
    pub offset: usize,
    /// Indices, as sbatch takes them.
    pub array: String,
}

/// A batch script and its file.
pub struct Script {
    /// Name of the file in the sweep's `slurm` folder.
    pub name: String,
    /// Its text.
    pub text: String,
    /// See [`Submitted::offset`].
    pub offset: usize,
    /// See [`Submitted::array`].
    pub array: String,
}

impl Request<'_> {
    /// Scripts for these tasks: one array, or several where the largest index is beyond what SLURM takes.
    ///
    /// # Errors
    /// The sweep's folder or this program cannot be found.
    pub fn scripts(&self, tasks: &[usize]) -> Result<Vec<Script>, Error> {
        let size = max_array_size();
        let mut arrays: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for task in tasks {
            arrays.entry(task / size * size).or_default().push(task % size);
        }
        let script = |(offset, indices): (usize, Vec<usize>)| {
            let limit = self.max_parallel.map_or(String::new(), |limit| format!("%{limit}"));
            let array = ranges(&indices) + &limit;
            let task = match offset {
                0 => String::new(),
                _ => format!(" --task \"$((SLURM_ARRAY_TASK_ID + {offset}))\""),
            };
            let onward = if self.onward { " --onward" } else { "" };
            let mut head = vec![format!("array={array}"), "requeue".into(), "open-mode=append".into()];
            head.push(format!("signal=B:USR1@{WARNING}"));
            head.extend(self.time.map(|time| format!("time={time}")));
            let about = "One run of the sweep for each index. Finished runs end at once, stopped ones go on.";
            Ok(Script {
                name: format!("array-{offset}.sh"),
                text: self.script(about, &head, "%A_%a.log", &format!("sweep run {{}}{task}{onward}"))?,
                offset,
                array,
            })
        };
        arrays.into_iter().map(script).collect()
    }

    /// The script of the summary that runs behind the arrays.
    ///
    /// # Errors
    /// As [`Request::scripts`].
    pub fn summary(&self) -> Result<Script, Error> {
        let about = "Tables and plots of the sweep, when its tasks have ended.";
        Ok(Script {
            name: "summary.sh".into(),
            text: self.script(about, &[], "summary-%j.log", "sweep summarise {}")?,
            offset: 0,
            array: String::new(),
        })
    }

    /// `words`: what the program is to do, with `{}` for the sweep's folder.
    fn script(&self, about: &str, head: &[String], log: &str, words: &str) -> Result<String, Error> {
        let lost = |what: &str, error| Error::Run(format!("cannot find {what}: {error}"));
        let program = std::env::current_exe().map_err(|error| lost("this program", error))?;
        let sweep = self
            .sweep
            .canonicalize()
            .map_err(|error| lost(&self.sweep.display().to_string(), error))?;
        let name = sweep.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let output = sweep.join(FOLDER).join(log).display().to_string();
        let mut text =
            format!("#!/bin/sh\n# {about}\n#SBATCH --job-name=tandem-{name}\n#SBATCH --output=\"{output}\"\n");
        for option in head {
            let _ = writeln!(text, "#SBATCH --{option}");
        }
        let words = words.replace("{}", &quoted(sweep));
        let program = quoted(program);
        // `exec`: the warning goes to the batch shell alone
        let _ = writeln!(text, "exec {program} --threads \"${{SLURM_CPUS_PER_TASK:-1}}\" {words}");
        Ok(text)
    }

    /// Writes the script and submits it, behind the jobs `after`; its job's number.
    ///
    /// # Errors
    /// What sbatch says; a folder that cannot be written.
    pub fn submit(&self, script: &Script, after: &[String]) -> Result<String, Error> {
        let path = self.path(script);
        let made = atomic::create_folders(atomic::folder_of(&path));
        let written = made.and_then(|()| atomic::write(&path, script.text.as_bytes()));
        written.map_err(|error| Error::Run(format!("cannot write {}: {error}", path.display())))?;
        let words = self.words(script, after);
        let words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        let said = answer("sbatch", &words)?;
        let job = said.trim().split(';').next().unwrap_or_default().to_owned();
        if job.is_empty() || !job.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::Run(format!("sbatch named no job: {}", said.trim())));
        }
        if !script.array.is_empty() {
            self.note(&Submitted {
                at: now(),
                job: job.clone(),
                offset: script.offset,
                array: script.array.clone(),
            })?;
        }
        Ok(job)
    }

    /// What is typed after `sbatch`.
    pub fn words(&self, script: &Script, after: &[String]) -> Vec<String> {
        let mut words = vec!["--parsable".to_owned()];
        if !after.is_empty() {
            words.push(format!("--dependency=afterany:{}", after.join(":")));
        }
        words.extend(self.extra.iter().cloned());
        words.push(self.path(script).display().to_string());
        words
    }

    /// The script's file.
    pub fn path(&self, script: &Script) -> PathBuf {
        self.sweep.join(FOLDER).join(&script.name)
    }

    fn note(&self, submitted: &Submitted) -> Result<(), Error> {
        let path = self.sweep.join(FOLDER).join(SUBMITTED);
        let written = serde_json::to_string(submitted)
            .map_err(std::io::Error::from)
            .and_then(|line| {
                let mut file = fs::File::options().append(true).create(true).open(&path)?;
                writeln!(file, "{line}")?;
                file.sync_all()
            });
        written.map_err(|error| Error::Run(format!("cannot write {}: {error}", path.display())))
    }
}

/// The tasks of a sweep that SLURM has in its queue, running or waiting.
///
/// # Errors
/// squeue cannot be asked.
pub fn queued(sweep: &Path) -> Result<BTreeSet<usize>, Error> {
    let text = fs::read_to_string(sweep.join(FOLDER).join(SUBMITTED)).unwrap_or_default();
    let submitted: Vec<Submitted> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    if submitted.is_empty() {
        return Ok(BTreeSet::new());
    }
    let words = ["--noheader", "--array", "--me", "--format=%F_%K"].map(OsStr::new);
    Ok(of_queue(&answer("squeue", &words)?, &submitted))
}

/// The tasks that squeue's lines `JOB_INDEX` mean.
fn of_queue(lines: &str, submitted: &[Submitted]) -> BTreeSet<usize> {
    let task = |line: &str| {
        let (job, index) = line.trim().split_once('_')?;
        let of = submitted.iter().find(|submitted| submitted.job == job)?;
        Some(of.offset + index.parse::<usize>().ok()?)
    };
    lines.lines().filter_map(task).collect()
}

/// What a program of SLURM's prints.
fn answer(program: &str, words: &[&OsStr]) -> Result<String, Error> {
    let output = Command::new(program).args(words).output();
    let output = output.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::Run(format!("there is no `{program}` here; is this a login node of SLURM?"))
        }
        _ => Error::Run(format!("cannot start {program}: {error}")),
    })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().replace('\n', "; ");
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(Error::Run(format!("{program}: {}", text(&output.stderr)))),
    }
}

/// The largest index of an array plus one, here, or SLURM's default.
fn max_array_size() -> usize {
    let config = answer("scontrol", &["show", "config"].map(OsStr::new)).unwrap_or_default();
    let found = config.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "MaxArraySize").then(|| value.trim().parse().ok())?
    });
    found.unwrap_or(MAX_ARRAY_SIZE).max(1)
}

/// `0-3,5,7-8`.
pub fn ranges(sorted: &[usize]) -> String {
    let runs = sorted.chunk_by(|a, b| a + 1 == *b);
    let text = |run: &[usize]| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    };
    runs.map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request<'a>(sweep: &'a Path, extra: &'a [String]) -> Request<'a> {
        Request {
            sweep,
            max_parallel: Some(2),
            time: Some("1:00:00"),
            extra,
            onward: false,
        }
    }

    #[test]
    fn the_script_says_everything_and_ends_with_the_program_itself() {
        let folder = tempfile::tempdir().unwrap();
        let scripts = request(folder.path(), &[]).scripts(&[0, 1, 2, 5]).unwrap();
        let text = &scripts[0].text;
        for line in [
            "#SBATCH --array=0-2,5%2",
            "#SBATCH --requeue",
            "#SBATCH --open-mode=append",
            "#SBATCH --signal=B:USR1@120",
            "#SBATCH --time=1:00:00",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in {text}");
        }
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("exec /") && last.contains("sweep run /"), "{last}");
        let summary = request(folder.path(), &[]).summary().unwrap().text;
        assert!(
            !summary.contains("--array") && summary.contains("sweep summarise /"),
            "{summary}"
        );
    }

    #[test]
    fn indices_beyond_what_slurm_takes_are_several_arrays() {
        let folder = tempfile::tempdir().unwrap();
        let size = max_array_size();
        let scripts = request(folder.path(), &[]).scripts(&[1, size, size + 1]).unwrap();
        assert_eq!(
            (scripts.len(), scripts[1].array.as_str(), scripts[1].offset),
            (2, "0-1%2", size)
        );
        assert!(
            scripts[1]
                .text
                .contains(&format!("--task \"$((SLURM_ARRAY_TASK_ID + {size}))\""))
        );
    }

    #[test]
    fn the_queue_is_that_of_this_sweep() {
        let submitted = |job: &str, offset| Submitted {
            at: String::new(),
            job: job.into(),
            offset,
            array: String::new(),
        };
        let known = [submitted("7", 0), submitted("9", 1000)];
        let queue = of_queue("7_2\n 9_3\n8_4\n10_N/A\n7_N/A\n", &known);
        assert_eq!(queue, BTreeSet::from([2, 1003]));
    }

    #[test]
    fn words_for_sbatch() {
        let extra = ["--partition=cpu".to_owned()];
        let request = request(Path::new("d"), &extra);
        let script = Script {
            name: "array-0.sh".into(),
            text: String::new(),
            offset: 0,
            array: String::new(),
        };
        let words = request.words(&script, &["3".into(), "4".into()]);
        assert_eq!(
            words.join(" "),
            "--parsable --dependency=afterany:3:4 --partition=cpu d/slurm/array-0.sh"
        );
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
    }
}
