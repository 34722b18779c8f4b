//! From what a task says to [`Terms`].

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use mujoco_rs::wrappers::MjModel;
use tandem_core::Channel;
use tandem_core::check::SettingError;
use tandem_core::spelling::hint;

use super::catalogue::{Entry, find};
use super::expression::Expression;
use super::observation::read_by_another;
use super::params::{Builder, wrong};
use super::shared::{Command, Event, Formula, Judge, Measure, Observation, Read, Shared};
use super::{
    Context, Motion, Rewards, Sense, Terms, action, command, event, observation, reward, success, termination,
};
use crate::config::{Config, TermConfig};

type Result<T> = std::result::Result<T, SettingError>;

/// Binds a task's terms to a model.
pub fn terms(config: &Config, model: &MjModel) -> Result<Terms> {
    let control_dt = config.control_steps as f64 * config.time_step.unwrap_or(model.opt().timestep);
    let mut reader = Reader::new(model, control_dt, config.horizon);
    // In this order: events say what the default pose is; commands and actions are seen by the rest.
    let mut events = each("events", &config.events, |c| reader.event(c))?;
    events.extend(each("command", &config.command, |c| reader.command(c))?);
    let motions = each("action", &config.action, |c| reader.action(c))?;
    let observations = each("observation", &config.observation, |c| reader.observation(c))?;
    let rewards = rewards(
        config,
        control_dt,
        each("reward", &config.reward, |c| reader.reward(c))?,
    )?;
    let terminations = each("termination", &config.termination, |c| reader.termination(c))?;
    let success = reader
        .success(config.success.as_ref())
        .map_err(|error| error.inside("success"))?;
    let (channels, senses): (Vec<Vec<Channel>>, Vec<Sense>) = observations.into_iter().unzip();
    let named =
        |(i, channels): (usize, &Vec<Channel>)| channels.iter().map(move |c| (i, c.name.clone())).collect::<Vec<_>>();
    unique("observation", channels.iter().enumerate().flat_map(named))?;
    let Reader {
        mut shared, formulas, ..
    } = reader;
    separate(&motions, &shared.action)?;
    shared.make_room_for_delay();
    Ok(Terms {
        observation: channels.into_iter().flatten().collect(),
        senses,
        action: shared.action.iter().map(|name| Channel::new(name, "1")).collect(),
        motions,
        rewards,
        terminations,
        success,
        formulas,
        events,
        memory: shared.memory(),
        keepers: shared.keepers,
        delay: shared.delay,
        key: shared.key,
        needs_forces: shared.needs_forces,
        control_dt,
    })
}

/// The reward's terms, with their weights.
fn rewards(config: &Config, control_dt: f64, measures: Vec<Measure>) -> Result<Rewards> {
    let names: Vec<String> = config.reward.iter().map(own_name).collect();
    unique("reward", names.iter().cloned().enumerate())?;
    let step = if config.reward_times_step { control_dt } else { 1.0 };
    let fault = |name: &String| lasting(format!("reward term `{name}` is no finite number"));
    Ok(Rewards {
        faults: names.iter().map(fault).collect(),
        weights: config.reward.iter().map(|c| step * c.weight.unwrap_or(1.0)).collect(),
        names,
        measures,
    })
}

/// Reads each term of a list; errors say which.
fn each<T>(list: &str, configs: &[TermConfig], mut read: impl FnMut(&TermConfig) -> Result<T>) -> Result<Vec<T>> {
    let numbered = configs.iter().enumerate();
    numbered
        .map(|(i, c)| read(c).map_err(|error| error.inside(&format!("{list}[{i}]"))))
        .collect()
}

/// What a term is called in logs.
fn own_name(config: &TermConfig) -> String {
    let name = config.name.as_ref().or(config.term.as_ref());
    name.cloned().unwrap_or_else(|| "expression".into())
}

/// Refuses two numbers of the same name, given with the position of their term in its list.
fn unique(list: &str, names: impl Iterator<Item = (usize, String)>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for (i, name) in names {
        if seen.contains(&name) {
            let reason = format!("`{name}` is there already; give this term a `name` of its own");
            return Err(wrong("name", reason).inside(&format!("{list}[{i}]")));
        }
        seen.insert(name);
    }
    Ok(())
}

/// Refuses two action terms that write the same control.
fn separate(motions: &[Motion], names: &[String]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for (i, motion) in motions.iter().enumerate() {
        if let Some(at) = motion.controls.iter().position(|control| !seen.insert(*control)) {
            let reason = format!(
                "`{}` is commanded by a term before this one",
                names[motion.commands.start + at]
            );
            return Err(wrong("params.actuators", reason).inside(&format!("action[{i}]")));
        }
    }
    Ok(())
}

/// A text that lasts as long as the process, kept once however often it is asked for.
fn lasting(text: String) -> &'static str {
    static TEXTS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut texts = TEXTS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(known) = texts.get(text.as_str()) {
        return known;
    }
    let new: &'static str = Box::leak(text.into_boxed_str());
    texts.insert(new);
    new
}

/// Reads terms one after the other.
struct Reader<'a> {
    model: &'a MjModel,
    shared: Shared,
    formulas: Vec<(Formula, &'static str)>,
}

impl<'a> Reader<'a> {
    fn new(model: &'a MjModel, control_dt: f64, horizon: usize) -> Self {
        let shared = Shared {
            control_dt,
            horizon,
            ..Shared::default()
        };
        Self {
            model,
            shared,
            formulas: Vec::new(),
        }
    }

    /// The term that is named, built.
    fn build<T>(&mut self, config: &TermConfig, table: &'static [Entry<T>]) -> Result<T> {
        let Some(name) = &config.term else {
            return Err(wrong("term", "is missing"));
        };
        if !config.variables.is_empty() || config.unit.is_some() {
            return Err(wrong(
                "term",
                "stands beside `variables` or `unit`, which belong to an expression",
            ));
        }
        let entry = find(table, name)?;
        let mut builder = Builder::new(&config.params, Some(self.model), &mut self.shared);
        (entry.build)(&mut builder).map_err(|error| error.inside("params"))
    }

    fn event(&mut self, config: &TermConfig) -> Result<Box<dyn Event>> {
        only(config, &["term", "name", "params"])?;
        self.build(config, event::TABLE)
    }

    fn command(&mut self, config: &TermConfig) -> Result<Box<dyn Event>> {
        only(config, &["term", "name", "params"])?;
        let teller = self.build(config, command::TABLE)?;
        let start = self.shared.commands.last().map_or(0, |c| c.range.end);
        let name = own_name(config);
        if self.shared.commands.iter().any(|c| c.name == name) {
            return Err(wrong(
                "name",
                format!("`{name}` is there already; give this command a `name` of its own"),
            ));
        }
        self.shared.commands.push(Command {
            name,
            told: teller.told,
            range: start..start + 3,
        });
        Ok(teller.event)
    }

    fn action(&mut self, config: &TermConfig) -> Result<Motion> {
        only(config, &["term", "name", "params", "scale"])?;
        let action = self.build(config, action::TABLE)?;
        let start = self.shared.action.len();
        self.shared.action.extend(action.names);
        Ok(Motion {
            drive: action.drive,
            commands: start..self.shared.action.len(),
            controls: action.controls,
            scale: config.scale.unwrap_or(1.0),
        })
    }

    fn observation(&mut self, config: &TermConfig) -> Result<(Vec<Channel>, Sense)> {
        only(
            config,
            &[
                "term",
                "name",
                "params",
                "scale",
                "clip",
                "expression",
                "variables",
                "unit",
            ],
        )?;
        let built = match config.expression {
            Some(_) => {
                let value = self.expression(config)?;
                let channels = vec![Channel::new("", config.unit.as_deref().unwrap_or("1"))];
                Observation {
                    channels,
                    read: Box::new(move |x, _| value(x)),
                }
            }
            None => self.build(config, observation::TABLE)?,
        };
        let clip = config.clip.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
        if clip[0] > clip[1] {
            return Err(wrong("clip", format!("is {clip:?}; low must not be above high")));
        }
        let prefix = own_name(config);
        let named = |c: &Channel| match c.name.as_str() {
            "" => Channel::new(&prefix, &c.unit),
            suffix => Channel::new(format!("{prefix}_{suffix}"), &c.unit),
        };
        let sense = Sense {
            read: built.read,
            count: built.channels.len(),
            scale: config.scale.unwrap_or(1.0),
            clip,
        };
        Ok((built.channels.iter().map(named).collect(), sense))
    }

    fn reward(&mut self, config: &TermConfig) -> Result<Measure> {
        only(
            config,
            &["term", "name", "params", "weight", "expression", "variables", "unit"],
        )?;
        if config.expression.is_none() {
            return self.build(config, reward::TABLE);
        }
        let value = self.expression(config)?;
        Ok(Box::new(move |x, _| value(x)))
    }

    /// What ends an episode: a term, or an expression that is above 0 or no number.
    fn termination(&mut self, config: &TermConfig) -> Result<Judge> {
        only(config, &["term", "name", "params", "expression", "variables"])?;
        if config.expression.is_none() {
            return self.build(config, termination::TABLE);
        }
        let value = self.expression(config)?;
        Ok(Box::new(move |x| {
            let value = value(x);
            value > 0.0 || value.is_nan()
        }))
    }

    /// When a task is done: a term, or an expression that is above 0; at the horizon, where nothing is said.
    fn success(&mut self, config: Option<&TermConfig>) -> Result<Judge> {
        let Some(config) = config else {
            let horizon = self.shared.horizon;
            return Ok(Box::new(move |x| x.memory.steps >= horizon));
        };
        only(config, &["term", "name", "params", "expression", "variables"])?;
        if config.expression.is_none() {
            return self.build(config, success::TABLE);
        }
        let value = self.expression(config)?;
        Ok(Box::new(move |x| value(x) > 0.0))
    }

    /// A formula over numbers of observation terms.
    fn expression(&mut self, config: &TermConfig) -> Result<Formula> {
        let text = config.expression.as_deref().unwrap_or_default();
        if config.term.is_some() || !config.params.is_empty() {
            return Err(wrong(
                "expression",
                "stands beside `term` or `params`; a term is one or the other",
            ));
        }
        let mut variables: Vec<(Read, usize)> = Vec::new();
        for (name, c) in &config.variables {
            let read = read_by_another(self.model, &mut self.shared, &c.term, &c.params, c.index);
            let one = read.and_then(|(read, numbers)| match numbers.len() {
                1 => Ok((read, numbers.start)),
                n => Err(wrong(
                    "index",
                    format!("is missing; `{}` has {n} numbers, counted from 0", c.term),
                )),
            });
            variables.push(one.map_err(|error| error.inside(&format!("variables.{name}")))?);
        }
        let names: Vec<&str> = config.variables.keys().map(String::as_str).collect();
        let expression = Expression::parse(text, &names).map_err(|error| wrong("expression", error.to_string()))?;
        let formula = move |x: Context| expression.value(|i| (variables[i].0)(x, variables[i].1));
        let formula: Formula = Arc::new(formula);
        let fault = lasting(format!("the formula of `{}` is no number", own_name(config)));
        self.formulas.push((formula.clone(), fault));
        Ok(formula)
    }
}

/// Refuses keys that a term of this list has no use for.
fn only(config: &TermConfig, allowed: &[&str]) -> Result<()> {
    let given = [
        ("weight", config.weight.is_some()),
        ("scale", config.scale.is_some()),
        ("clip", config.clip.is_some()),
        ("expression", config.expression.is_some()),
        ("variables", !config.variables.is_empty()),
        ("unit", config.unit.is_some()),
    ];
    match given.iter().find(|(key, is)| *is && !allowed.contains(key)) {
        Some((key, _)) => Err(wrong(key, format!("has no meaning here; {}", hint(key, allowed)))),
        None => Ok(()),
    }
}
