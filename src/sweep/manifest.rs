//! `manifest.jsonl`: the runs of a sweep, one line each. It is written once, in one step, and never changed; it is read
//! line by line, so that a sweep may be large.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan::Plan;
use super::{Planned, Task};
use crate::atomic;
use crate::error::Error;
use crate::registry::BundledFile;
use crate::run_folder::first_difference;

/// Name of the file.
pub const FILE: &str = "manifest.jsonl";

/// A line as it is written and read.
#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    task: Task,
    /// CRC-32 of `config` as JSON without white space.
    crc32: String,
    config: Value,
}

impl Line {
    fn new(planned: Planned) -> Self {
        Self {
            task: planned.task,
            crc32: sum(&planned.config),
            config: planned.config,
        }
    }

    fn text(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| Error::Run(format!("cannot write JSON: {error}")))
    }
}

fn sum(config: &Value) -> String {
    format!("{:08x}", crc32fast::hash(config.to_string().as_bytes()))
}

/// Whether a folder holds a sweep.
pub fn is_at(folder: &Path) -> bool {
    folder.join(FILE).is_file()
}

/// Writes the manifest of a plan into `folder`, in place of any other that is there; how many runs it has.
///
/// # Errors
/// A plan that is not right: then nothing is changed. A folder that cannot be written.
pub fn write(plan: &Plan, folder: &Path) -> Result<usize, Error> {
    let path = folder.join(FILE);
    let (mut count, mut failure, mut written) = (0, None, BTreeSet::new());
    let filled = atomic::write_with(&path, |file| {
        let expanded = plan.expand(&mut |planned| {
            bring(folder, &planned.files, &mut written)?;
            count += 1;
            writeln!(file, "{}", Line::new(planned).text()?).map_err(|error| unwritable(&path, &error))
        });
        expanded.map_err(|error| {
            failure = Some(error);
            io::Error::other("the plan is not right")
        })
    });
    match (filled, failure) {
        (_, Some(error)) => Err(error),
        (Err(error), None) => Err(unwritable(&path, &error)),
        (Ok(()), None) => Ok(count),
    }
}

/// Whether the manifest in `folder` is that of this plan, and if not, in what they differ; how many runs it has.
///
/// # Errors
/// A plan that is not right, a manifest that cannot be read, [`Error::Input`] where they differ.
pub fn compare(plan: &Plan, folder: &Path) -> Result<usize, Error> {
    let path = folder.join(FILE);
    let file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
    let (mut lines, mut count) = (BufReader::new(file).lines(), 0);
    let differ = |what: String| {
        let text = "name another folder with --out, or remove it";
        Error::Input(format!("{} holds another plan: {what}; {text}", folder.display()))
    };
    plan.expand(&mut |planned| {
        let index = count;
        count += 1;
        let now = Line::new(planned);
        let there = lines.next().transpose().map_err(|error| unreadable(&path, &error))?;
        let there = there.ok_or_else(|| differ(format!("it has {index} runs, and this one has more")))?;
        if there == now.text()? {
            return Ok(());
        }
        let (there, now) = (
            read_value(&path, index, &there)?,
            read_value(&path, index, &now.text()?)?,
        );
        let difference = first_difference(&there, &now, "").unwrap_or_else(|| "it is written differently".into());
        Err(differ(format!("task {index}: {difference}")))
    })?;
    match lines.next() {
        None => Ok(count),
        Some(_) => Err(differ(format!("it has more runs than the {count} of this one"))),
    }
}

/// All runs of the sweep in `folder`, without their experiments.
///
/// # Errors
/// [`Error::Input`] where there is no sweep; a manifest that is damaged.
pub fn tasks(folder: &Path) -> Result<Vec<Task>, Error> {
    let path = folder.join(FILE);
    let mut tasks = Vec::new();
    for (index, line) in BufReader::new(open(folder)?).lines().enumerate() {
        let line = line.map_err(|error| unreadable(&path, &error))?;
        let task: Task = serde_json::from_str(&line).map_err(|error| damaged(&path, index, &error))?;
        if task.task != index {
            return Err(damaged(&path, index, &format!("it is numbered {}", task.task)));
        }
        tasks.push(task);
    }
    Ok(tasks)
}

/// Run `index` of the sweep in `folder`, with its experiment.
///
/// # Errors
/// [`Error::Input`] where there is no such run; a manifest that is damaged.
pub fn planned(folder: &Path, index: usize) -> Result<Planned, Error> {
    let path = folder.join(FILE);
    let mut lines = BufReader::new(open(folder)?).lines();
    let mut passed = 0;
    while let Some(line) = lines.next().transpose().map_err(|error| unreadable(&path, &error))? {
        if passed == index {
            let line: Line = serde_json::from_str(&line).map_err(|error| damaged(&path, index, &error))?;
            if line.crc32 != sum(&line.config) || line.task.task != index {
                return Err(damaged(&path, index, &"its checksum or number is wrong"));
            }
            return Ok(Planned {
                task: line.task,
                config: line.config,
                files: Vec::new(),
            });
        }
        passed += 1;
    }
    let shown = folder.display();
    Err(Error::Input(match passed {
        0 => format!("{shown} has no runs"),
        _ => format!(
            "{shown} has {passed} runs, 0 to {}; there is no task {index}",
            passed - 1
        ),
    }))
}

fn open(folder: &Path) -> Result<File, Error> {
    let path = folder.join(FILE);
    File::open(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::Input(format!(
            "{0} is no sweep: it has no {FILE}; `tandem sweep plan FILE --out {0}` makes one",
            folder.display()
        )),
        _ => unreadable(&path, &error),
    })
}

fn read_value(path: &Path, index: usize, line: &str) -> Result<Value, Error> {
    serde_json::from_str(line).map_err(|error| damaged(path, index, &error))
}

/// Writes files that experiments name, each once.
fn bring(folder: &Path, files: &[BundledFile], written: &mut BTreeSet<PathBuf>) -> Result<(), Error> {
    for file in files {
        let path = folder.join(&file.path);
        if written.insert(path.clone()) && fs::read(&path).ok().as_deref() != Some(&file.bytes) {
            let parent = atomic::folder_of(&path);
            let made = atomic::create_folders(parent).and_then(|()| atomic::write(&path, &file.bytes));
            made.map_err(|error| unwritable(&path, &error))?;
        }
    }
    Ok(())
}

fn damaged(path: &Path, index: usize, reason: &dyn ToString) -> Error {
    Error::Run(format!(
        "{}:{} is damaged: {}",
        path.display(),
        index + 1,
        reason.to_string()
    ))
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::Run(format!("cannot read {}: {error}", path.display()))
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::Run(format!("cannot write {}: {error}", path.display()))
}
