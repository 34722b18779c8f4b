//! Progress of a long simulation, on stderr.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tandem_accelerator::simulation::Watched;

use crate::output::note;

/// Nothing is shown before this: most simulations are over by then.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between lines where stderr is no terminal.
const PAUSE: Duration = Duration::from_secs(10);

/// Shows how a simulation gets on.
pub struct Watch {
    start: Instant,
    stage: &'static str,
    stage_start: Instant,
    bar: Option<ProgressBar>,
    said: Duration,
}

impl Watch {
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
            stage: "",
            stage_start: Instant::now(),
            bar: None,
            said: Duration::ZERO,
        }
    }

    /// Takes note of how far it is.
    pub fn update(&mut self, at: Watched) -> ControlFlow<()> {
        if at.stage != self.stage {
            (self.stage, self.stage_start) = (at.stage, Instant::now());
            self.finish();
        }
        if self.start.elapsed() < PATIENCE {
            return ControlFlow::Continue(());
        }
        if std::io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| bar(at));
            bar.set_position(at.done as u64);
        } else if self.start.elapsed() - self.said >= PAUSE {
            self.said = self.start.elapsed();
            let share = at.done as f64 / at.total.max(1) as f64;
            let left = self.stage_start.elapsed().as_secs_f64() * (1.0 / share.max(1e-3) - 1.0);
            note!(
                "{}  {}/{} {} ({:.0} %)  ETA {left:.0} s",
                at.stage,
                at.done,
                at.total,
                at.unit,
                100.0 * share
            );
        }
        ControlFlow::Continue(())
    }

    /// Takes the bar away.
    pub fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(at: Watched) -> ProgressBar {
    let template = format!("{} {{bar:30}} {{pos}}/{{len}} {}  ETA {{eta}}", at.stage, at.unit);
    let style = ProgressStyle::with_template(&template);
    ProgressBar::new(at.total as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
