//! `tandem watch`: a run or a sweep while it goes on ([`crate::watch`]).

use std::io::{IsTerminal, stdout};
use std::time::{Duration, Instant};

use rustix::termios::tcgetwinsize;

use crate::cli::WatchArgs;
use crate::error::Error;
use crate::interrupt;
use crate::output;
use crate::sweep::manifest;
use crate::watch::{redraw, run, sweep};

/// How soon a signal is heard.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Where the terminal does not say.
const SIZE: [usize; 2] = [100, 40];

/// Runs the command: until what is watched is over, or Ctrl-C; one picture where standard output is no terminal.
///
/// # Errors
/// A folder that holds neither a run nor a sweep.
pub fn run(args: &WatchArgs) -> Result<(), Error> {
    interrupt::install().map_err(|error| Error::Run(format!("no signal handler: {error}")))?;
    let tasks = match manifest::is_at(&args.folder) {
        true => Some(manifest::tasks(&args.folder)?),
        false => None,
    };
    let is_live = stdout().is_terminal() && !args.once;
    let mut drawn = 0;
    loop {
        let [width, height] = size();
        let (lines, is_over) = match &tasks {
            Some(tasks) => sweep::picture(&args.folder, tasks),
            None => run::picture(&args.folder, width)?,
        };
        let room = if is_live { [width, height] } else { [usize::MAX; 2] };
        let (text, count) = redraw(&lines, drawn, room);
        output::text(text)?;
        drawn = count;
        if !is_live || is_over || pause(Duration::from_secs_f64(args.every)) {
            return Ok(());
        }
    }
}

/// Waits; whether a signal has come.
fn pause(time: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < time && interrupt::requested().is_none() {
        std::thread::sleep(POLL_INTERVAL);
    }
    interrupt::requested().is_some()
}

/// Columns and lines of the terminal; one line is left for the cursor.
fn size() -> [usize; 2] {
    match tcgetwinsize(stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 1 => [size.ws_col.into(), usize::from(size.ws_row) - 1],
        _ => SIZE,
    }
}
