//! The settings that a plan varies: lists of settings that go together, the grid of all combinations, and random draws.
//! Their product is what every experiment is run with.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};
use tandem_core::Stream;

use crate::error::Error;
use crate::strict::{ConfigError, Located};

/// Most combinations of settings in a plan.
const MOST: usize = 1_000_000;

/// A setting with its place in the plan, for messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// Dotted path, as in `--set`.
    pub path: String,
    /// Its value as JSON, or any other text as itself.
    pub text: String,
    /// Path in the plan; empty where the command line gave it.
    pub place: String,
}

impl Given {
    fn new(path: &str, value: &Value, place: String) -> Self {
        Self {
            path: path.into(),
            text: value.to_string(),
            place,
        }
    }

    /// The value as JSON.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| Value::String(self.text.clone()))
    }
}

/// Settings that go together.
pub type Combination = Vec<Given>;

/// Settings drawn at random: every draw has a stream of its own for each setting, so that more draws, or another
/// setting, leave the others as they were.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Random {
    /// Number of draws.
    pub draws: u32,
    /// Seed of the draws; it is no run's.
    #[serde(default)]
    pub seed: u64,
    /// What is drawn, by path.
    pub settings: BTreeMap<String, Distribution>,
}

/// What a setting is drawn from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Even between two numbers.
    Uniform([f64; 2]),
    /// Even between the logarithms of two positive numbers.
    LogUniform([f64; 2]),
    /// A whole number from the first to the last.
    Integer([i64; 2]),
    /// One of these.
    Choice(Vec<Value>),
}

impl Distribution {
    fn check(&self) -> Result<(), &'static str> {
        let good = match self {
            Self::Uniform([low, high]) => low < high && (high - low).is_finite(),
            Self::LogUniform([low, high]) => 0.0 < *low && low < high && high.is_finite(),
            Self::Integer([low, high]) => low <= high && high.checked_sub(*low).is_some_and(|n| n < 1 << 40),
            Self::Choice(values) => !values.is_empty(),
        };
        match (good, self) {
            (true, _) => Ok(()),
            (_, Self::Uniform(_)) => Err("uniform is from a lower to a higher number: [low, high]"),
            (_, Self::LogUniform(_)) => {
                Err("log_uniform is from a lower to a higher number, both positive: [low, high]")
            }
            (_, Self::Integer(_)) => Err("integer is from a first to a last whole number: [first, last]"),
            (_, Self::Choice(_)) => Err("choice is a list of at least one value"),
        }
    }

    fn draw(&self, stream: &mut Stream) -> Value {
        match self {
            Self::Uniform([low, high]) => short(stream.uniform(*low, *high)),
            Self::LogUniform([low, high]) => short(stream.uniform(low.ln(), high.ln()).exp()),
            Self::Integer([low, high]) => (low + stream.below((high - low) as usize + 1) as i64).into(),
            Self::Choice(values) => values[stream.below(values.len())].clone(),
        }
    }
}

/// Four significant digits: what is drawn at random needs no more, and tables stay legible.
fn short(value: f64) -> Value {
    format!("{value:.3e}").parse().map_or(Value::Null, f64::into)
}

/// What a plan says about settings.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Varied {
    /// Settings of all runs.
    pub set: Map<String, Value>,
    /// Lists of values by path: all their combinations.
    pub grid: Map<String, Value>,
    /// Settings that go together.
    pub list: Vec<Map<String, Value>>,
    /// Settings that are drawn.
    pub random: Option<Random>,
}

impl Varied {
    /// The settings of all runs.
    pub fn fixed(&self) -> Combination {
        let given = |(path, value): (&String, &Value)| Given::new(path, value, format!("set.{path}"));
        self.set.iter().map(given).collect()
    }

    /// All combinations, at least one; the list varies slowest, then the grid, whose last setting varies fastest, then
    /// the draws.
    ///
    /// # Errors
    /// Values that are not lists, distributions that are empty, a path named twice, too many combinations.
    pub fn combinations(&self, plan: &Located) -> Result<Vec<Combination>, Error> {
        self.check_paths(plan)?;
        let grid = self.grid_axes(plan)?;
        let size = |axes: &[Vec<Given>]| axes.iter().map(|axis| axis.len() as f64).product::<f64>();
        let draws = self.random.as_ref().map_or(1, |random| random.draws.max(1));
        let all = self.list.len().max(1) as f64 * size(&grid) * f64::from(draws);
        if all > MOST as f64 {
            let text = format!("the plan has {all:.0} combinations of settings; at most {MOST} fit");
            return Err(plan.fail_at("", text).into());
        }
        let list = self.list.iter().enumerate().map(|(i, settings)| {
            let given = |(path, value): (&String, &Value)| Given::new(path, value, format!("list[{i}].{path}"));
            settings.iter().map(given).collect()
        });
        let parts = [
            at_least_one(list.collect()),
            product(&grid),
            at_least_one(self.drawn(plan)?),
        ];
        let join = |left: Vec<Combination>, right: &Vec<Combination>| -> Vec<Combination> {
            let pairs = left
                .iter()
                .flat_map(|a| right.iter().map(move |b| [&a[..], &b[..]].concat()));
            pairs.collect()
        };
        Ok(parts[1..].iter().fold(parts[0].clone(), join))
    }

    fn grid_axes(&self, plan: &Located) -> Result<Vec<Vec<Given>>, ConfigError> {
        let axis = |(path, values): (&String, &Value)| {
            let place = format!("grid.{path}");
            let values = values.as_array().filter(|values| !values.is_empty());
            let values = values.ok_or_else(|| plan.fail_at(&place, "a grid has lists of values: [0.001, 0.0003]"))?;
            let given = |(i, value)| Given::new(path, value, format!("{place}[{i}]"));
            Ok(values.iter().enumerate().map(given).collect())
        };
        self.grid.iter().map(axis).collect()
    }

    fn drawn(&self, plan: &Located) -> Result<Vec<Combination>, ConfigError> {
        let Some(random) = &self.random else {
            return Ok(Vec::new());
        };
        if random.draws == 0 {
            return Err(plan.fail_at("random.draws", "at least 1 draw"));
        }
        let place = |path: &str| format!("random.settings.{path}");
        for (path, distribution) in &random.settings {
            distribution
                .check()
                .map_err(|reason| plan.fail_at(&place(path), reason))?;
        }
        let draw = |index: u32| {
            let given = |(path, distribution): (&String, &Distribution)| {
                let mut stream = Stream::new(random.seed, &format!("sweep {path}"), index.into());
                Given::new(path, &distribution.draw(&mut stream), place(path))
            };
            random.settings.iter().map(given).collect()
        };
        Ok((0..random.draws).map(draw).collect())
    }

    /// Every path stands in one section, and none is what the plan has a list of its own for.
    fn check_paths(&self, plan: &Located) -> Result<(), ConfigError> {
        let of_list: BTreeSet<&String> = self.list.iter().flat_map(Map::keys).collect();
        let of_random = self.random.iter().flat_map(|random| random.settings.keys());
        let first = |path: &String| {
            let of = self.list.iter().position(|settings| settings.contains_key(path));
            format!("list[{}].{path}", of.unwrap_or(0))
        };
        let all = (self.set.keys().map(|path| (path, format!("set.{path}"))))
            .chain(self.grid.keys().map(|path| (path, format!("grid.{path}"))))
            .chain(of_list.into_iter().map(|path| (path, first(path))))
            .chain(of_random.map(|path| (path, format!("random.settings.{path}"))));
        let mut seen: BTreeMap<&String, String> = BTreeMap::new();
        for (path, place) in all {
            if let "method" | "seed" = path.as_str() {
                let reason = format!("write it as `{path}s` of the plan, beside `experiments`");
                return Err(plan.fail_at(&place, reason));
            }
            if let Some(there) = seen.insert(path, place.clone()) {
                return Err(plan.fail_at(&place, format!("`{path}` is varied by `{there}` already")));
            }
        }
        Ok(())
    }
}

fn at_least_one(combinations: Vec<Combination>) -> Vec<Combination> {
    match combinations.is_empty() {
        true => vec![Vec::new()],
        false => combinations,
    }
}

/// All combinations of one value of each axis; the last axis varies fastest.
fn product(axes: &[Vec<Given>]) -> Vec<Combination> {
    axes.iter().fold(vec![Vec::new()], |all: Vec<Combination>, axis| {
        let longer = |so_far: &Combination| {
            let so_far = so_far.clone();
            axis.iter()
                .map(move |given| [&so_far[..], std::slice::from_ref(given)].concat())
        };
        all.iter().flat_map(longer).collect()
    })
}

/// What of these combinations concerns a method: settings of other methods are left out, and what is then the same is
/// run once.
pub fn of_method(all: &[Combination], method: &str) -> Vec<Combination> {
    let own = format!("methods.{method}.");
    let concerns = |given: &&Given| !given.path.starts_with("methods.") || given.path.starts_with(&own);
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for combination in all {
        let combination: Combination = combination.iter().filter(concerns).cloned().collect();
        let key: Vec<(String, String)> = combination.iter().map(|g| (g.path.clone(), g.text.clone())).collect();
        if seen.insert(key) {
            kept.push(combination);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn combinations(text: &str) -> Result<Vec<Vec<String>>, Error> {
        let plan = Located::parse(text, "plan.json", &[]).unwrap();
        let varied: Varied = plan.read().unwrap();
        let all = varied.combinations(&plan)?;
        let typed = |c: &Combination| c.iter().map(|given| format!("{}={}", given.path, given.text)).collect();
        Ok(all.iter().map(typed).collect())
    }

    #[test]
    fn lists_grid_and_draws_are_multiplied() {
        let text = r#"{"grid": {"ppo.rate": [0.1, 0.2], "ppo.epochs": [1, 2]}, "list": [{"a": 1, "b": 2}, {"a": 3}]}"#;
        let all = combinations(text).unwrap();
        assert_eq!(all.len(), 8);
        assert_eq!(all[1], ["a=1", "b=2", "ppo.rate=0.1", "ppo.epochs=2"]);
        assert_eq!(all[7], ["a=3", "ppo.rate=0.2", "ppo.epochs=2"]);
        assert_eq!(
            combinations("{}").unwrap(),
            [Vec::<String>::new()],
            "a plan of seeds alone"
        );
    }

    #[test]
    fn more_draws_and_other_settings_leave_the_draws_as_they_were() {
        let draws = |n: u32, more: &str| {
            let settings = format!(r#"{{"ppo.rate": {{"log_uniform": [0.0001, 0.01]}}{more}}}"#);
            combinations(&format!(
                r#"{{"random": {{"draws": {n}, "seed": 3, "settings": {settings}}}}}"#
            ))
            .unwrap()
        };
        let (few, many) = (draws(4, ""), draws(200, r#", "ppo.epochs": {"integer": [2, 3]}"#));
        for (few, many) in few.iter().zip(&many) {
            assert!(many.contains(&few[0]), "{few:?} {many:?}");
        }
        let rates: Vec<f64> = many
            .iter()
            .map(|c| c[1]["ppo.rate=".len()..].parse().unwrap())
            .collect();
        assert!(rates.iter().all(|rate| (0.0001..=0.01).contains(rate)));
        let below = rates.iter().filter(|rate| **rate < 0.001).count();
        assert!(
            (70..130).contains(&below),
            "even in the logarithm: {below} of 200 below its middle"
        );
        assert!(many.iter().any(|c| c[0] == "ppo.epochs=2") && many.iter().any(|c| c[0] == "ppo.epochs=3"));
    }

    #[test]
    fn what_cannot_be_varied_is_named_with_its_line() {
        for (text, words) in [
            (
                "{\"grid\": {\n\"ppo.rate\": 0.1}}",
                "plan.json:2:1: grid.ppo.rate: a grid has lists",
            ),
            ("{\"grid\": {\"seed\": [1]}}", "grid.seed: write it as `seeds`"),
            ("{\"set\": {\"a\": 1},\n\"list\": [{\"a\": 2}]}", "plan.json:2:"),
            (
                r#"{"random": {"draws": 1, "settings": {"a": {"uniform": [2, 1]}}}}"#,
                "random.settings.a: uniform is from",
            ),
            (
                r#"{"random": {"draws": 2000000, "settings": {"a": {"uniform": [1, 2]}}}}"#,
                "at most 1000000",
            ),
        ] {
            let message = combinations(text).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn settings_of_other_methods_make_no_runs() {
        let given = |path: &str, text: &str| Given {
            path: path.into(),
            text: text.into(),
            place: String::new(),
        };
        let all = product(&[
            vec![
                given("methods.gaussian.rate", "0.1"),
                given("methods.gaussian.rate", "0.2"),
            ],
            vec![given("ppo.rate", "1"), given("ppo.rate", "2")],
        ]);
        assert_eq!(of_method(&all, "gaussian").len(), 4);
        assert_eq!(
            of_method(&all, "cma"),
            [[given("ppo.rate", "1")], [given("ppo.rate", "2")]]
        );
    }
}
