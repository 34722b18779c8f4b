//! Progress of a run: one live line on a terminal, and occasional plain lines where stderr is a file.
//!
//! ```text
//! morph  joint  120000 of at most 400000 steps (30 %)  ETA 54 s at most  true success 0.62  return 12.41  5210 steps/s
//! ```
//!
//! Where a run may end early, its budget is "at most". The live line is cut at the terminal's width. The time left comes from the speed of the last half minute, so that a slow start or a resumed run does not
//! spoil it. All output goes to stderr; a closed stderr is ignored.

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
    /// Mean error of the proxy against the true model.
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
        parts.extend(status.gap.map(|g| format!("gap {g:.3}")));
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
mod tests {
    use super::*;

    fn at(env_steps: u64, end: u64) -> Status {
        Status {
            phase: "joint",
            env_steps,
            end,
            ..Status::default()
        }
    }

    /// A meter that has seen the first of `end` steps at time zero.
    fn meter(first: u64, end: u64, live: bool) -> Meter {
        let mut meter = Meter::new("morph", live, first);
        meter.update(Duration::ZERO, &at(first, end));
        meter
    }

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn a_line_says_all_that_is_known() {
        let mut meter = meter(0, 1000, false);
        let status = Status {
            mean_return: Some(-12.345),
            success: Some(0.5),
            gap: Some(0.01),
            ..at(250, 1000)
        };
        assert_eq!(
            meter.update(seconds(5), &status).unwrap(),
            "morph  joint  250/1000 steps (25 %)  ETA 15 s  true success 0.50  return -12.35  50 steps/s  gap 0.010"
        );
    }

    #[test]
    fn figures_stay_until_there_are_new_ones() {
        let mut meter = meter(0, 1000, true);
        let judged = Status {
            success: Some(0.25),
            ..at(100, 1000)
        };
        meter.update(seconds(1), &judged);
        let line = meter.update(seconds(2), &at(200, 1000)).unwrap();
        assert!(line.contains("true success 0.25"), "{line}");
    }

    #[test]
    fn nothing_is_said_about_speed_before_it_is_known() {
        let mut meter = Meter::new("morph", true, 0);
        let line = meter.update(seconds(0), &at(0, 1000)).unwrap();
        assert_eq!(line, "morph  joint  0/1000 steps (0 %)");
    }

    #[test]
    fn a_resumed_run_counts_only_its_own_steps_as_speed() {
        let mut meter = meter(900_000, 1_000_000, false);
        let line = meter.update(seconds(10), &at(901_000, 1_000_000)).unwrap();
        assert!(line.contains("901000/1000000 steps (90 %)  ETA 16 min 30 s"), "{line}");
        assert!(line.ends_with("100 steps/s"), "{line}");
    }

    #[test]
    fn the_time_left_follows_the_recent_speed() {
        let mut meter = meter(0, 100_000, true);
        let mut line = None;
        for second in 1..=100u64 {
            // 10 steps/s for 50 s, then 1000 steps/s
            let steps = second.min(50) * 10 + second.saturating_sub(50) * 1000;
            line = meter.update(seconds(second), &at(steps, 100_000));
        }
        assert!(line.unwrap().ends_with("ETA 50 s  1000 steps/s"));
        assert!(meter.recent.len() < 40, "only the window is kept");
    }

    #[test]
    fn plain_lines_are_rare_except_for_new_phases() {
        let mut meter = meter(0, 1_000_000, false);
        let mut lines = Vec::new();
        for tick in 0..36_000u64 {
            let now = Duration::from_millis(100 * tick); // an hour, ten updates a second
            if meter.update(now, &at(tick, 1_000_000)).is_some() {
                lines.push(now);
            }
        }
        assert!(lines.windows(2).all(|w| w[1] - w[0] >= PLAIN_PAUSE));
        assert!(lines.windows(2).all(|w| w[1] - w[0] <= LONGEST_PAUSE + PLAIN_PAUSE));
        assert!(lines.len() < 200, "{}", lines.len());
        let next = Status {
            phase: "adapt",
            ..at(36_000, 1_000_000)
        };
        assert!(meter.update(Duration::from_millis(3_600_001), &next).is_some());
    }

    #[test]
    fn the_last_line_tells_how_long_it_took() {
        let mut meter = meter(0, 100, true);
        meter.update(seconds(200), &at(100, 100));
        assert!(meter.last_line(seconds(200)).unwrap().contains("3 min 20 s in all"));
        let closing = meter.closing_line(seconds(200)).unwrap();
        assert_eq!(closing, "morph  ended after 100 steps and 3 min 20 s");
    }

    #[test]
    fn a_budget_that_need_not_be_spent_is_at_most() {
        let mut meter = meter(0, 1000, true);
        let early = Status {
            may_end_early: true,
            ..at(995, 1000)
        };
        let line = meter.update(seconds(10), &early).unwrap();
        assert!(
            line.contains("995 of at most 1000 steps (99 %)  ETA 0 s at most"),
            "{line}"
        );
        let closing = meter.closing_line(seconds(10)).unwrap();
        assert!(closing.ends_with("before its budget was spent"), "{closing}");
        // the last iteration may go beyond the budget
        let line = meter.update(seconds(20), &at(264_000, 1000)).unwrap();
        assert!(line.contains("(100 %)"), "{line}");
    }

    #[test]
    fn work_without_steps_is_never_silent_for_long() {
        let lines: Vec<u64> = (0..=60).filter(|&s| is_worth_a_line(s)).collect();
        assert_eq!(lines, [3, 6, 9, 10, 12, 15, 18, 20, 21, 24, 27, 30, 40, 50, 60]);
    }

    #[test]
    fn times_are_short() {
        let cases = [
            (0.4, "0 s"),
            (59.6, "1 min 00 s"),
            (7500.0, "2 h 05 min"),
            (273_600.0, "3 d 4 h"),
        ];
        for (time, text) in cases {
            assert_eq!(short(time), text);
        }
    }
}
