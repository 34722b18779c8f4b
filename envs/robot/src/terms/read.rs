//! From what a task says to [`Terms`].

use std::collections::BTreeSet;
use std::sync::Mutex;

use mujoco_rs::wrappers::MjModel;
use tandem_core::Channel;
use tandem_core::check::SettingError;

use super::catalogue::{Entry, find};
use super::expression::Expression;
use super::params::{Builder, wrong};
use super::pattern::hint;
use super::shared::{Command, Event, Judge, Measure, Observation, Read, Shared};
use super::{Context, Memory, Motion, Sense, Terms, action, command, event, observation, reward, success, termination};
use crate::config::{Config, TermConfig};

type Result<T> = std::result::Result<T, SettingError>;

/// Binds a task's terms to a model.
pub fn terms(config: &Config, model: &MjModel) -> Result<Terms> {
    let mut reader = Reader {
        model,
        shared: Shared {
            control_dt: config.control_steps as f64 * config.time_step.unwrap_or(model.opt().timestep),
            horizon: config.horizon,
            ..Shared::default()
        },
    };
    // In this order: events say what the default pose is; commands and actions are seen by the rest.
    let mut events = each("events", &config.events, |c| reader.event(c))?;
    events.extend(each("command", &config.command, |c| reader.command(c))?);
    let motions = each("action", &config.action, |c| reader.action(c))?;
    let (channels, senses) = each("observation", &config.observation, |c| reader.observation(c))?.into_iter().unzip();
    let measures = each("reward", &config.reward, |c| reader.reward(c))?;
    let terminations = each("termination", &config.termination, |c| reader.judge(c, termination::TABLE))?;
    let success = match &config.success {
        Some(c) => reader.judge(c, success::TABLE).map_err(|error| error.inside("success"))?,
        None => Box::new({
            let horizon = config.horizon;
            move |x: Context| x.memory.steps >= horizon
        }),
    };
    let channels: Vec<Vec<Channel>> = channels;
    let reward: Vec<String> = config.reward.iter().map(own_name).collect();
    let mut shared = reader.shared;
    if let Some(delay) = &mut shared.delay {
        let (start, n) = (shared.kept, (delay.most + 1) * shared.action.len());
        (shared.kept, delay.history) = (start + n, start..start + n);
    }
    unique("observation", &channels.iter().map(|c| c.iter().map(|c| c.name.as_str()).collect()).collect::<Vec<_>>())?;
    unique("reward", &reward.iter().map(|name| vec![name.as_str()]).collect::<Vec<_>>())?;
    separate(&motions, &shared.action)?;
    let step = if config.reward_times_step { shared.control_dt } else { 1.0 };
    let (reward_units, measures) = measures.into_iter().unzip();
    Ok(Terms {
        observation: channels.into_iter().flatten().collect(),
        senses,
        action: shared.action.iter().map(|name| Channel::new(name, "1")).collect(),
        motions,
        reward_units,
        reward_faults: reward.iter().map(|name| lasting(format!("reward term `{name}` is no finite number"))).collect(),
        reward,
        weights: config.reward.iter().map(|c| step * c.weight.unwrap_or(1.0)).collect(),
        measures,
        terminations,
        success,
        events,
        keepers: shared.keepers,
        delay: shared.delay,
        key: shared.key,
        needs_forces: shared.needs_forces,
        control_dt: shared.control_dt,
        memory: Memory {
            action: vec![0.0; shared.action.len()],
            previous_action: vec![0.0; shared.action.len()],
            command: vec![0.0; shared.commands.last().map_or(0, |c| c.range.end)],
            kept: vec![0.0; shared.kept],
            steps: 0,
        },
    })
}

/// Reads each term of a list; errors say which.
fn each<T>(list: &str, configs: &[TermConfig], mut read: impl FnMut(&TermConfig) -> Result<T>) -> Result<Vec<T>> {
    let numbered = configs.iter().enumerate();
    numbered.map(|(i, c)| read(c).map_err(|error| error.inside(&format!("{list}[{i}]")))).collect()
}

/// What a term is called in logs.
fn own_name(config: &TermConfig) -> String {
    let name = config.name.as_ref().or(config.term.as_ref());
    name.cloned().unwrap_or_else(|| "expression".into())
}

/// Refuses two terms of a list with the same name.
fn unique(list: &str, names: &[Vec<&str>]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for (i, names) in names.iter().enumerate() {
        if let Some(name) = names.iter().find(|name| !seen.insert(**name)) {
            let reason = format!("`{name}` is there already; give this term a `name` of its own");
            return Err(wrong("name", reason).inside(&format!("{list}[{i}]")));
        }
    }
    Ok(())
}

/// Refuses two action terms that write the same control.
fn separate(motions: &[Motion], names: &[String]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for (i, motion) in motions.iter().enumerate() {
        if let Some(at) = motion.controls.iter().position(|control| !seen.insert(*control)) {
            let reason = format!("`{}` is commanded by a term before this one", names[motion.commands.start + at]);
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
}

impl Reader<'_> {
    /// The term that is named, built.
    fn build<T>(&mut self, config: &TermConfig, table: &'static [Entry<T>]) -> Result<T> {
        let Some(name) = &config.term else {
            return Err(wrong("term", "is missing"));
        };
        if !config.variables.is_empty() || config.unit.is_some() {
            return Err(wrong("term", "stands beside `variables` or `unit`, which belong to an expression"));
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
            return Err(wrong("name", format!("`{name}` is there already; give this command a `name` of its own")));
        }
        self.shared.commands.push(Command { name, told: teller.told, range: start..start + 3 });
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
        only(config, &["term", "name", "params", "scale", "clip", "expression", "variables", "unit"])?;
        let built = match config.expression {
            Some(_) => {
                let value = self.expression(config)?;
                let channels = vec![Channel::new("", config.unit.as_deref().unwrap_or("1"))];
                Observation { channels, read: Box::new(move |x, _| value(x)) }
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
        let sense = Sense { read: built.read, count: built.channels.len(), scale: config.scale.unwrap_or(1.0), clip };
        Ok((built.channels.iter().map(named).collect(), sense))
    }

    fn reward(&mut self, config: &TermConfig) -> Result<(String, Measure)> {
        only(config, &["term", "name", "params", "weight", "expression", "variables", "unit"])?;
        match config.expression {
            Some(_) => {
                let value = self.expression(config)?;
                Ok((config.unit.clone().unwrap_or_else(|| "1".into()), Box::new(move |x, _| value(x))))
            }
            None => {
                let measure = self.build(config, reward::TABLE)?;
                let entry = config.term.as_ref().map(|name| find(reward::TABLE, name)).transpose()?;
                Ok((entry.map_or("1", Entry::unit).into(), measure))
            }
        }
    }

    /// A yes or no: a term of this table, or an expression that is above 0. What is no number ends an episode, but is no
    /// success.
    fn judge(&mut self, config: &TermConfig, table: &'static [Entry<Judge>]) -> Result<Judge> {
        only(config, &["term", "name", "params", "expression", "variables"])?;
        if config.expression.is_none() {
            return self.build(config, table);
        }
        let (value, ends) = (self.expression(config)?, std::ptr::eq(table, termination::TABLE));
        Ok(match ends {
            true => Box::new(move |x| !(value(x) <= 0.0)),
            false => Box::new(move |x| value(x) > 0.0),
        })
    }

    /// A formula over numbers of observation terms.
    fn expression(&mut self, config: &TermConfig) -> Result<Box<dyn Fn(Context) -> f64 + Send + Sync>> {
        let text = config.expression.as_deref().unwrap_or_default();
        if config.term.is_some() || !config.params.is_empty() {
            return Err(wrong("expression", "stands beside `term` or `params`; a term is one or the other"));
        }
        let mut variables: Vec<(Read, usize)> = Vec::new();
        for (name, variable) in &config.variables {
            let key = format!("variables.{name}");
            let read = self.variable(&variable.term, &variable.params, variable.index);
            variables.push(read.map_err(|error| error.inside(&key))?);
        }
        let names: Vec<&str> = config.variables.keys().map(String::as_str).collect();
        let expression = Expression::parse(text, &names).map_err(|error| wrong("expression", error.to_string()))?;
        Ok(Box::new(move |x| {
            expression.value(|i| {
                let (read, index) = &variables[i];
                read(x, *index)
            })
        }))
    }

    fn variable(
        &mut self,
        term: &str,
        params: &serde_json::Map<String, serde_json::Value>,
        index: Option<usize>,
    ) -> Result<(Read, usize)> {
        let entry = find(observation::TABLE, term)?;
        let mut builder = Builder::new(params, Some(self.model), &mut self.shared);
        let built = (entry.build)(&mut builder).map_err(|error| error.inside("params"))?;
        match (index, built.channels.len()) {
            (None, 1) => Ok((built.read, 0)),
            (Some(i), n) if i < n => Ok((built.read, i)),
            (Some(i), n) => Err(wrong("index", format!("is {i}; `{term}` has {n} numbers, counted from 0"))),
            (None, n) => Err(wrong("index", format!("is missing; `{term}` has {n} numbers, counted from 0"))),
        }
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
