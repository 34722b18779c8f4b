//! The page of one run.

mod judged;
mod watch;

use serde_json::Value;
use tandem_core::DesignSpace;

use super::number::{count, duration, interval, number, percent};
use super::page::{Page, commands, side_by_side, table};
use super::{charts, design, settings};
use crate::error::Error;
use crate::evaluate::Learnt;
use crate::evaluation::{Evaluation, Interval};
use crate::experiment::Experiment;
use crate::metrics::{self, Row};
use crate::output::quoted;
use crate::registry;
use crate::run_folder::{FINAL, Meta, RunError, RunFolder};
use judged::{evaluation, sensitivities};
pub use watch::about_replay;
use watch::{episodes, watch};

/// What a run folder holds.
struct Run {
    experiment: Experiment,
    /// The same as it is stored.
    document: Value,
    meta: Meta,
    rows: Vec<Row>,
    judged: Option<Evaluation>,
    space: DesignSpace,
    /// Name of the folder, as it was given.
    path: String,
    /// What the reader must know.
    notices: Vec<String>,
}

/// The page.
///
/// # Errors
/// A run that is damaged beyond reading.
pub fn page(folder: &RunFolder) -> Result<String, Error> {
    let mut run = Run::open(folder)?;
    let learnt = match Learnt::open_present(folder) {
        Ok(learnt) => Some(learnt),
        Err(error) => {
            run.notices.push(format!("No machine to show: {error}."));
            None
        }
    };
    let episodes = match &learnt {
        Some(learnt) => episodes(learnt)?,
        None => Vec::new(),
    };
    let mut page = Page::new(&run.title(), &run.facts(), &run.lead(learnt.as_ref()));
    run.notices.iter().for_each(|notice| page.notice(notice));
    page.cards(&run.cards());
    if let Some(learnt) = &learnt {
        watch(&mut page, learnt, &episodes)?;
    }
    let curves = charts::learning(&run.rows)?;
    if !curves.is_empty() {
        let caption = "Judged in the true machine with mean actions and fixed starts; in training with exploring actions, and \
                       under the method's effect: the proxy's where it has one. Dashed: where a phase begins.";
        page.section("Learning", caption, &side_by_side(&curves));
    }
    run.design(&mut page, learnt.as_ref());
    if let Some(gap) = charts::proxy_gap(&run.rows)? {
        let caption = "The proxy is the network that stands in for the hardware while the design is learnt. Its gap is how far \
                       its answers are from the hardware model's: small on the queries that episodes visit is what counts.";
        page.section("Proxy gap", caption, &side_by_side(&[gap]));
    }
    if let Some(judged) = &run.judged {
        let caption = format!(
            "{} fresh episodes in the true machine; intervals of 95 %. It judges the best pair of policy and design that the \
             run kept, not its last one.",
            judged.episodes
        );
        page.section(
            "Evaluation",
            &caption,
            &table(&["number", "value", "what it is"], &evaluation(judged)),
        );
    }
    if let Some(found) = sensitivities(folder)? {
        page.section(
            "Sensitivities",
            "Slopes are changes from the lower bound to the upper one: a positive slope of the return says that a larger value would earn more.",
            &found,
        );
    }
    page.section(
        "Cost",
        "What the run has used.",
        &table(&["counter", "value"], &run.cost()),
    );
    let caption = "Settings that differ from the defaults are marked.";
    page.section(
        "Configuration",
        caption,
        &settings::table(&run.document, &folder.file("experiment.json")),
    );
    page.section("Reproduce", &run.origin(), &commands(&run.reproduce()));
    Ok(page.finish())
}

impl Run {
    fn open(folder: &RunFolder) -> Result<Self, Error> {
        let experiment = Experiment::from_run(folder)?;
        let space = registry::problem(&experiment)?.problem.hardware().space().clone();
        let mut notices = Vec::new();
        let judged = match folder.read_json(FINAL) {
            Ok(judged) => Some(judged),
            Err(RunError::Missing(_)) => None,
            Err(error) => {
                notices.push(format!("No judgement to show: {error}."));
                None
            }
        };
        if let Err(error) = folder.check_rows() {
            notices.push(format!("The curves may be wrong: {error}."));
        }
        let rows = match metrics::read(&folder.metrics()) {
            Ok(rows) => rows,
            Err(_) if !folder.metrics().exists() => Vec::new(),
            Err(error) => {
                notices.push(format!("No curves to show: {error}."));
                Vec::new()
            }
        };
        let run = Self {
            document: serde_json::to_value(registry::resolved(&experiment)?)
                .map_err(|error| Error::Run(format!("cannot write the experiment: {error}")))?,
            meta: folder.meta()?,
            path: folder.path().display().to_string(),
            experiment,
            rows,
            judged,
            space,
            notices,
        };
        Ok(run.with_progress())
    }

    /// Says how far an unfinished run has come.
    fn with_progress(mut self) -> Self {
        if self.judged.is_none() {
            let text = format!(
                "This run is not finished: {} of at most {} environment steps. `tandem train --resume {}` goes on with it.",
                count(self.used("env_steps") as u64),
                count(self.experiment.schedule.env_steps),
                quoted(&self.path)
            );
            self.notices.insert(0, text);
        }
        self
    }

    fn last(&self, key: &str) -> Option<f64> {
        self.rows.iter().rev().find_map(|row| row.get(key)?.as_f64())
    }

    /// A counter at the run's end.
    fn used(&self, key: &str) -> f64 {
        self.last(key).unwrap_or(0.0)
    }

    fn title(&self) -> String {
        match self.experiment.title.is_empty() {
            true => format!("{} by {}", self.experiment.problem, self.experiment.method),
            false => self.experiment.title.clone(),
        }
    }

    fn facts(&self) -> Vec<String> {
        vec![
            format!("problem {}", self.experiment.problem),
            format!("method {}", self.experiment.method),
            format!("seed {}", self.experiment.seed),
            self.path.clone(),
            format!("Tandem {}", self.meta.tandem),
        ]
    }

    /// What was learnt, in a sentence with numbers.
    fn lead(&self, learnt: Option<&Learnt>) -> String {
        let after = format!(
            "After {} environment steps ({})",
            count(self.used("env_steps") as u64),
            duration(self.used("seconds"))
        );
        let Some(Evaluation {
            success: Some(success), ..
        }) = &self.judged
        else {
            return match self.last("true_success") {
                Some(success) => format!(
                    "{after}, the last judgement in the true machine was {} solved.",
                    percent(success)
                ),
                None => format!("{after}, nothing has been judged yet."),
            };
        };
        let judged = self.judged.as_ref();
        let [low, high] = [success.low, success.high].map(percent);
        let mut text = format!(
            "{after}, the learnt {} solves {} of {} fresh episodes in the true machine (95 % interval: {low} to {high})",
            if self.space.is_empty() {
                "policy"
            } else {
                "pair of design and policy"
            },
            percent(success.mean),
            judged.map_or(0, |judged| judged.episodes)
        );
        if let Some(start) = judged
            .and_then(|judged| judged.success_start_design)
            .filter(|_| !self.space.is_empty())
        {
            text += &format!("; the same policy on the start design solves {}", percent(start.mean));
        }
        let start = judged
            .and_then(|judged| judged.success_start_design)
            .map(|start| start.mean);
        if (success.mean == 0.0 || start == Some(success.mean))
            && let Some(total) = judged.and_then(|judged| judged.total_return)
        {
            text += &format!("; the mean return of the learnt pair is {}", interval(&total));
        }
        text += ".";
        if let Some(changed) = learnt.and_then(|learnt| design::moved_farthest(&self.space, &learnt.design())) {
            text += &changed;
        }
        text
    }

    fn cards(&self) -> Vec<(&'static str, String)> {
        let judged = self.judged.as_ref();
        let mut cards = Vec::new();
        let mean = |value: Option<Interval>| value.map(|value| value.mean);
        match judged.and_then(|judged| judged.success) {
            Some(success) => cards.push(("true success", percent(success.mean))),
            None => cards.push((
                "last true success",
                self.last("true_success").map_or("-".into(), percent),
            )),
        }
        if let Some(start) =
            mean(judged.and_then(|judged| judged.success_start_design)).filter(|_| !self.space.is_empty())
        {
            cards.push(("success of the start design", percent(start)));
        }
        let total = mean(judged.and_then(|judged| judged.total_return)).or(self.last("true_return"));
        cards.push(("true return", total.map_or("-".into(), number)));
        if let Some(gap) = judged
            .and_then(|judged| judged.proxy_gap.as_ref())
            .map(|gap| gap.visited)
        {
            cards.push(("proxy gap, where the policy goes", percent(gap)));
        }
        cards.push(("environment steps", count(self.used("env_steps") as u64)));
        cards.push(("computing time", duration(self.used("seconds"))));
        cards
    }

    fn design(&self, page: &mut Page, learnt: Option<&Learnt>) {
        if self.space.is_empty() {
            return;
        }
        let mut content = String::new();
        if let Some(learnt) = learnt {
            content += &design::table(&self.space, &learnt.design());
        }
        content += &design::ways(&self.space, &self.rows);
        if !content.is_empty() {
            page.section(
                "Design",
                "The frame of each curve is the range that can be built.",
                &content,
            );
        }
    }

    fn cost(&self) -> Vec<Vec<String>> {
        let sum = |key: &str| -> f64 { self.rows.iter().filter_map(|row| row.get(key)?.as_f64()).sum() };
        let line = |name: &str, value: String| vec![name.to_owned(), value];
        let mut lines = vec![
            line("environment steps", count(self.used("env_steps") as u64)),
            line(
                "queries of the hardware model",
                count(self.used("hardware_queries") as u64),
            ),
            line("training episodes", count(sum("episodes") as u64)),
            line("iterations", count(self.used("iteration") as u64)),
            line("computing time", duration(self.used("seconds"))),
        ];
        let parts = [
            ("seconds_rollout", "of it: roll-outs"),
            ("seconds_update", "of it: updates of policy and proxy"),
            ("seconds_design", "of it: moving the design"),
            ("seconds_evaluation", "of it: judging in the true machine"),
        ];
        lines.extend(parts.iter().map(|(key, name)| line(name, duration(sum(key)))));
        if sum("faults") > 0.0 {
            lines.push(line(
                "training episodes ended by a fault of the simulation",
                count(sum("faults") as u64),
            ));
        }
        lines
    }

    /// Where the run comes from.
    fn origin(&self) -> String {
        let commit = self.meta.git_commit.as_ref().map_or(String::new(), |commit| {
            let dirty = if self.meta.git_dirty == Some(true) {
                " with changes"
            } else {
                ""
            };
            format!(", commit {}{dirty}", commit.chars().take(12).collect::<String>())
        });
        let machine = self.meta.machine.as_ref();
        let on = machine.map_or(String::new(), |m| {
            format!(" on {} ({}, libtorch {})", m.processor, m.libc, m.libtorch)
        });
        format!(
            "Started {} by Tandem {}{commit}{on}. The same experiment and seed give the same numbers, whatever the number of threads.",
            self.meta.started, self.meta.tandem
        )
    }

    fn reproduce(&self) -> Vec<String> {
        let path = quoted(&self.path);
        let began: Vec<String> = self.meta.command.iter().map(quoted).collect();
        let mut lines = vec![
            "# how it was started".into(),
            began.join(" "),
            "# the same from the settings in its folder".into(),
            format!("tandem train {}", quoted(format!("{}/experiment.json", self.path))),
        ];
        if self.judged.is_some() {
            lines.extend([
                "# fresh episodes in the true machine, a film, files for other simulators".into(),
                format!("tandem evaluate {path} --episodes 512"),
                format!(
                    "tandem render {path} --out {}",
                    quoted(format!("{}/motion.gif", self.path))
                ),
                format!("tandem export {path} --out {}", quoted(format!("{}/export", self.path))),
            ]);
        }
        lines
    }
}
