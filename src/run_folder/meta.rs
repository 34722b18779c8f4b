//! Where a run comes from.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::fork::Origin;
use crate::machine::Machine;
use serde::{Deserialize, Serialize};

/// Version of the run folder's layout and of its checkpoints. It changes when an older Tandem could not read them.
pub const FORMAT: u64 = 3;

/// `meta.json`: what is needed to find out later how a run was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// [`FORMAT`] of the version that wrote the run.
    pub format: u64,
    /// Version of Tandem.
    pub tandem: String,
    /// The command line, argument by argument.
    pub command: Vec<String>,
    /// Name of the computer, where it can be found.
    pub host: Option<String>,
    /// Commit of the repository in the working directory, if there is one.
    pub git_commit: Option<String>,
    /// Whether that repository had changes beyond the commit.
    pub git_dirty: Option<bool>,
    /// Start of the run, UTC, as `2026-01-31T08:05:09Z`.
    pub started: String,
    /// What computed there; runs of older versions do not say.
    #[serde(default)]
    pub machine: Option<Machine>,
    /// The run that its policy and design come from, where it began from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Origin>,
}

impl Meta {
    /// What is to be said when the run goes on here, on another machine than it began on.
    pub fn goes_on_here(&self) -> Option<String> {
        self.machine.as_ref()?.goes_on_at(&Machine::here())
    }

    /// The facts about this process. Nothing here fails: what cannot be found is `None`.
    pub fn collect() -> Self {
        Self {
            format: FORMAT,
            tandem: env!("CARGO_PKG_VERSION").to_owned(),
            command: std::env::args_os()
                .map(|word| word.to_string_lossy().into_owned())
                .collect(),
            host: host(),
            git_commit: output_of("git", &["rev-parse", "HEAD"]),
            git_dirty: output_of("git", &["status", "--porcelain"]).map(|text| !text.is_empty()),
            started: now(),
            machine: Some(Machine::here()),
            from: None,
        }
    }
}

/// Name of this computer, where it can be found.
pub(crate) fn host() -> Option<String> {
    output_of("uname", &["-n"])
}

/// The time, UTC, as `2026-01-31T08:05:09Z`.
pub(crate) fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    utc(since.map_or(0, |d| d.as_secs()))
}

fn output_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Seconds since 1970 as a date and time (Hinnant, "chrono-compatible low-level date algorithms": civil_from_days).
fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468; // days since 1 March of year 0
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_000_000_000), "2001-09-09T01:46:40Z");
        assert_eq!(utc(4_107_542_400), "2100-03-01T00:00:00Z"); // 2100 is no leap year
    }

    #[test]
    fn describes_this_process() {
        let meta = Meta::collect();
        assert_eq!(meta.format, FORMAT);
        assert_eq!(meta.command.len(), std::env::args_os().count());
        assert!(meta.started.starts_with("20") && meta.started.ends_with('Z'));
    }
}
