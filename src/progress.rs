//! Progress of a run: one live line on a terminal, and occasional plain lines where stderr is a file.
//!
//! ```text
//! morph  joint  120000 of at most 400000 steps (30 %)  ETA 54 s at most  true success 0.62  return 12.41  5210 steps/s
//! ```
//!
//! Where a run may end early, its budget is "at most". The live line is cut at the terminal's width. The time left comes from
//! the speed of the last half minute, so that a slow start or a resumed run does not spoil it. All output goes to stderr; a
//! closed stderr is ignored.

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::legible::legible;
use crate::output::note;

/// The speed is that of this much time.
const WINDOW: Duration = Duration::from_secs(30);
/// Shortest time between two plain lines, and between two changes of the live line.
const PLAIN_PAUSE: Duration = Duration::from_secs(2);
const LIVE_PAUSE: Duration = Duration::from_millis(100);
/// Plain lines become rarer in long runs: one per thirtieth of the time so far, and one a minute at least.
const PLAIN_SHARE: u32 = 30;
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What a run reports about itself. A figure that is `None` keeps its last value on the line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// What the run is doing, for example `burn-in`.
    pub phase: &'static str,
    /// Environment steps so far, those before a resume included.
    pub env_steps: u64,
    /// Environment steps at the end of the run.
    pub end: u64,
    /// Whether it may end before that.
    pub may_end_early: bool,
    /// Mean return of the latest episodes.
    pub mean_return: Option<f64>,
    /// Success in the true model, 0 to 1.
    pub success: Option<f64>,
    /// Error of the proxy against the true model where the policy goes, in effect scales.
    pub gap: Option<f64>,
    /// Validation loss of a language model, nat per character.
    pub loss: Option<f64>,
}

impl Status {
    /// This status, with what it leaves open taken from the one `before`.
    fn completed(self, before: Option<&Self>) -> Self {
        let Some(before) = before else { return self };
        Self {
            mean_return: self.mean_return.or(before.mean_return),
            success: self.success.or(before.success),
            gap: self.gap.or(before.gap),
            loss: self.loss.or(before.loss),
            ..self
        }
    }
}

/// Shows how a run gets on.
#[derive(Debug)]
pub struct Progress {
    start: Instant,
    /// `None` where stderr is no terminal.
    live: Option<ProgressBar>,
    meter: Meter,
}

impl Progress {
    /// Prepares to show the run called `name`, which has `first` environment steps behind it. Nothing is shown yet.
    pub fn new(name: &str, first: u64) -> Self {
        let live = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{wide_msg}");
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Self {
            start: Instant::now(),
            meter: Meter::new(name, live.is_some(), first),
            live,
        }
    }

    /// The steps begin now, with so many behind them: what came before does not count as slow steps.
    pub fn begin(&mut self, first: u64) {
        self.meter.recent = VecDeque::from([(self.start.elapsed(), first)]);
    }

    /// Takes note of the run's state; shows it when the last line is old enough or the phase is a new one.
    /// Call it as often as you like.
    pub fn update(&mut self, status: &Status) {
        if let Some(line) = self.meter.update(self.start.elapsed(), status) {
            self.show(&line);
        }
    }

    /// A line of its own that stays, above the live line.
    pub fn say(&self, text: &str) {
        match &self.live {
            Some(bar) => bar.println(legible(text)),
            None => plain(text),
        }
    }

    /// Shows that `what`, which reports no steps, has been at work for so many seconds. Call it every second.
    pub fn at_work(&self, what: &str, seconds: u64) {
        let news = format!("{what}: {seconds} s so far");
        match &self.live {
            Some(bar) => {
                let line = self.meter.last_line(self.start.elapsed());
                bar.set_message(line.map_or(news.clone(), |line| format!("{news}  ({line})")));
            }
            None if is_worth_a_line(seconds) => plain(&news),
            None => {}
        }
    }

    /// Shows what was done in how much time and leaves it there.
    pub fn finish(&self) {
        if let Some(bar) = &self.live {
            bar.finish_and_clear();
        }
        if let Some(line) = self.meter.closing_line(self.start.elapsed()) {
            plain(&line);
        }
    }

    fn show(&self, line: &str) {
        match &self.live {
            Some(bar) => bar.set_message(line.to_owned()),
            None => plain(line),
        }
    }
}

/// Every three seconds for half a minute, then every ten.
fn is_worth_a_line(seconds: u64) -> bool {
    seconds > 0 && (seconds.is_multiple_of(10) || seconds < 30 && seconds.is_multiple_of(3))
}

fn plain(line: &str) {
    note!("{line}");
}

/// Speed, time left and the decision when to print; times are those since the start.
#[derive(Debug)]
struct Meter {
    name: String,
    live: bool,
    /// Time and step of recent updates, oldest first.
    recent: VecDeque<(Duration, u64)>,
    shown: Option<Duration>,
    last: Option<Status>,
}

impl Meter {
    fn new(name: &str, live: bool, first: u64) -> Self {
        Self {
            name: name.to_owned(),
            live,
            recent: VecDeque::from([(Duration::ZERO, first)]),
            shown: None,
            last: None,
        }
    }

    /// The line to show now, if any.
    fn update(&mut self, now: Duration, status: &Status) -> Option<String> {
        self.recent.push_back((now, status.env_steps));
        // One entry beyond the window stays, so that slow updates still span some time.
        while self.recent.len() > 2 && now.saturating_sub(self.recent[1].0) >= WINDOW {
            self.recent.pop_front();
        }
        let new_phase = self.last.as_ref().is_none_or(|l| l.phase != status.phase);
        self.last = Some(status.clone().completed(self.last.as_ref()));
        let old = self.shown.is_none_or(|at| now.saturating_sub(at) >= self.pause(now));
        if !new_phase && !old {
            return None;
        }
        self.shown = Some(now);
        self.last_line(now)
    }

    fn pause(&self, now: Duration) -> Duration {
        if self.live {
            return LIVE_PAUSE;
        }
        (now / PLAIN_SHARE).clamp(PLAIN_PAUSE, LONGEST_PAUSE)
    }

    /// Steps per second over the window.
    fn speed(&self) -> Option<f64> {
        let (first, last) = (self.recent.front()?, self.recent.back()?);
        let seconds = last.0.saturating_sub(first.0).as_secs_f64();
        let steps = last.1.saturating_sub(first.1);
        (seconds > 0.0 && steps > 0).then(|| steps as f64 / seconds)
    }

    /// The line about the last status: what matters most comes first, for narrow terminals.
    fn last_line(&self, now: Duration) -> Option<String> {
        let status = self.last.as_ref()?;
        let mut parts = vec![self.name.clone(), status.phase.to_owned(), steps(status)];
        let speed = self.speed();
        let left = status.end.saturating_sub(status.env_steps) as f64;
        if left == 0.0 {
            parts.push(format!("{} in all", short(now.as_secs_f64())));
        } else {
            let most = if status.may_end_early { " at most" } else { "" };
            parts.extend(speed.map(|s| format!("ETA {}{most}", short(left / s))));
        }
        parts.extend(status.success.map(|s| format!("true success {s:.2}")));
        parts.extend(status.mean_return.map(|r| format!("return {r:.2}")));
        parts.extend(speed.map(|s| match s < 10.0 {
            true => format!("{s:.1} steps/s"),
            false => format!("{s:.0} steps/s"),
        }));
        parts.extend(status.gap.map(|g| format!("proxy error {:.1} %", 100.0 * g)));
        parts.extend(status.loss.map(|l| format!("loss {l:.4}")));
        Some(parts.join("  "))
    }

    /// The line that stays after the end.
    fn closing_line(&self, now: Duration) -> Option<String> {
        let status = self.last.as_ref()?;
        let early = if status.env_steps < status.end {
            ", before its budget was spent"
        } else {
            ""
        };
        let time = short(now.as_secs_f64());
        Some(format!(
            "{}  ended after {} steps and {time}{early}",
            self.name, status.env_steps
        ))
    }
}

/// Steps so far, of how many; never above all of them.
fn steps(status: &Status) -> String {
    let percent = (100.0 * status.env_steps as f64 / status.end.max(1) as f64)
        .min(100.0)
        .floor();
    let of = if status.may_end_early { " of at most " } else { "/" };
    format!("{}{of}{} steps ({percent} %)", status.env_steps, status.end)
}

/// A time in the largest two units that say something: `54 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`.
pub(crate) fn short(seconds: f64) -> String {
    let s = seconds.round() as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {:02} s", s / 60, s % 60),
        3600..86_400 => format!("{} h {:02} min", s / 3600, s / 60 % 60),
        _ => format!("{} d {} h", s / 86_400, s / 3600 % 24),
    }
}

#[cfg(test)]
mod tests;
