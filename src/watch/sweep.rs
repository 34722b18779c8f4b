//! The picture of a sweep: counts, then a row for each run, those at work first.

use std::path::Path;

use super::chart::{bar, sparkline};
use crate::sweep::Task;
use crate::sweep::halving::{self, Rule};
use crate::sweep::state::{Mark, State, evaluations};
use crate::sweep::status::Status;

/// So many runs are shown.
const ROWS: usize = 60;
/// So many of a run's true evaluations are shown.
const EVALUATIONS: usize = 24;
const BAR: usize = 16;

/// Lines that show the sweep in `sweep`; whether nothing is left to do.
pub fn picture(sweep: &Path, tasks: &[Task]) -> (Vec<String>, bool) {
    let states = State::all(tasks, sweep);
    let status = Status::of(sweep, tasks, &states);
    let mut lines: Vec<String> = status.head().lines().map(str::to_owned).collect();
    lines.insert(0, sweep.display().to_string());
    let mut states: Vec<(usize, State)> = states.into_iter().enumerate().collect();
    states.sort_by_key(|(index, state)| (rank(state), *index));
    let width = tasks.iter().map(|task| task.name().chars().count()).max().unwrap_or(0);
    for (index, state) in states.iter().take(ROWS) {
        lines.push(row(sweep, &tasks[*index], state, width));
    }
    // with rungs, who has earned no more steps stays where it is
    let is_over = status.running == 0 && halving::allowed(sweep, tasks, Rule::AtOnce).is_empty();
    (lines, is_over)
}

/// Runs at work come first, then what went wrong, then what is paused, done, and not begun.
fn rank(state: &State) -> u8 {
    match state {
        State::Running { .. } => 0,
        State::Failed(_) | State::Killed => 1,
        State::Stopped | State::Paused { .. } => 2,
        State::Finished => 3,
        State::Waiting => 4,
    }
}

fn row(sweep: &Path, task: &Task, state: &State, width: usize) -> String {
    let name = task.name();
    let head = format!("{:>5} {name:width$} {:8}", task.task, state.name());
    let folder = sweep.join(&task.folder);
    match state {
        State::Waiting => head.trim_end().to_owned(),
        State::Failed(message) => format!("{head} {message}"),
        _ => {
            let mark = Mark::of(&folder);
            let is_over = *state == State::Finished;
            let share = if is_over {
                1.0
            } else {
                (mark.steps as f64 / task.env_steps.max(1) as f64).min(1.0)
            };
            let success = mark
                .success
                .map_or("    -".into(), |success| format!("{:>4.0} %", 100.0 * success));
            format!(
                "{head} {} {:>3.0} %  success {success}  {}",
                bar(share, BAR),
                100.0 * share,
                history(&folder)
            )
        }
    }
}

/// The last true evaluations.
fn history(folder: &Path) -> String {
    let rows = evaluations(folder).unwrap_or_default();
    let values: Vec<f64> = rows.iter().filter_map(|row| row.true_success).collect();
    sparkline(&values[values.len().saturating_sub(EVALUATIONS)..])
}
