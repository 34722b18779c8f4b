//! `tandem explore`: which other circuit would serve a trained language model, by a search over the true model.
//!
//! The model's weights stay; for every circuit its scalers are adapted and its loss measured on one half of the
//! validation text. What is reported is measured on the other half, which the search never saw. The search keeps all
//! circuits that no other beats in perplexity, energy, time and area, and changes one of them at a time: every second time
//! the thriftiest that is good enough.

use serde_json::{Value, json};
use tandem_agents::language::{Judge, Part};
use tandem_envs::attention::cost::{self, Cost};
use tandem_envs::attention::{GainCell, design};
use tandem_envs::{Design, DesignSpace, Scale, Stream};

use crate::error::Error;
use crate::interrupt;
use crate::plot::{Axes, Better, Figure, Series, scatter};
use crate::progress::{Progress, Status};

/// Parameters that change in a step, on average.
const CHANGES: f64 = 2.0;
/// Size of a change, on the logit.
const STEP: f64 = 1.5;
/// Draws for a circuit that can be built and differs from its parent.
const TRIES: usize = 200;

/// A judged circuit.
#[derive(Clone, Debug)]
pub struct Point {
    design: Design,
    circuit: GainCell,
    /// Loss, nat per character.
    loss: f64,
    cost: Cost,
}

impl Point {
    fn goals(&self) -> [f64; 4] {
        [
            self.loss,
            self.cost.energy_j,
            self.cost.seconds,
            self.cost.area_m2,
        ]
    }

    /// At least as good in all, and better in one.
    fn beats(&self, other: &Self) -> bool {
        let pairs = self.goals().into_iter().zip(other.goals());
        let mut better = false;
        for (mine, theirs) in pairs {
            if mine > theirs {
                return false;
            }
            better |= mine < theirs;
        }
        better
    }

    fn document(&self, space: &DesignSpace) -> Value {
        let parameters: serde_json::Map<String, Value> = space
            .parameters
            .iter()
            .zip(&self.design)
            .map(|(p, value)| (p.name.clone(), json!(value)))
            .collect();
        json!({
            "perplexity": self.loss.exp(), "energy_j": self.cost.energy_j, "seconds": self.cost.seconds,
            "area_mm2": 1e6 * self.cost.area_m2, "parameters": parameters,
        })
    }
}

/// What a search found.
pub struct Explored {
    space: DesignSpace,
    seed: u64,
    margin: f64,
    evaluations: usize,
    /// The circuit that the model was trained with, on the final part.
    start: Point,
    /// The thriftiest circuit that is good enough, on the final part.
    best: Point,
    /// Search part.
    front: Vec<Point>,
    /// The best circuit with one parameter as it was: its name, and the circuit or why it cannot be built.
    without: Vec<(String, Result<Point, String>)>,
}

/// A search in progress.
pub struct Explorer<'a> {
    judge: &'a mut Judge,
    base: &'a GainCell,
    space: DesignSpace,
    stream: Stream,
    /// Allowed share of perplexity above the start's.
    margin: f64,
}

impl<'a> Explorer<'a> {
    /// A search around the circuit `base`.
    ///
    /// # Errors
    /// A circuit outside the design space.
    pub fn new(
        judge: &'a mut Judge,
        base: &'a GainCell,
        margin: f64,
        seed: u64,
    ) -> Result<Self, Error> {
        Ok(Self {
            space: design::space(base)?,
            stream: Stream::new(seed, "explore", 0),
            judge,
            base,
            margin,
        })
    }

    /// Searches with so many evaluations of the true model.
    ///
    /// # Errors
    /// [`Error::Run`] after a signal; a search keeps no checkpoint, it takes minutes.
    pub fn run(mut self, evaluations: usize, seed: u64) -> Result<Explored, Error> {
        let mut progress = Progress::new("explore", 0, evaluations as u64);
        let origin = self.space.start();
        let mut front = vec![
            self.point(origin.clone(), Part::Search)?
                .map_err(Error::Run)?,
        ];
        let allowed = front[0].loss + self.margin.ln_1p();
        for done in 1..evaluations {
            if interrupt::requested().is_some() {
                return Err(Error::Run(
                    "stopped; a search starts again from its beginning".into(),
                ));
            }
            let Some(design) = self.child(&front, allowed) else {
                break;
            };
            if let Ok(point) = self.point(design, Part::Search)? {
                keep(&mut front, point);
            }
            progress.update(&Status {
                phase: "searching",
                env_steps: done as u64 + 1,
                end: evaluations as u64,
                ..Status::default()
            });
        }
        progress.finish();
        front.sort_by(|a, b| a.cost.energy_j.total_cmp(&b.cost.energy_j));
        self.explain(front, origin, allowed, evaluations, seed)
    }

    fn explain(
        mut self,
        front: Vec<Point>,
        origin: Design,
        allowed: f64,
        evaluations: usize,
        seed: u64,
    ) -> Result<Explored, Error> {
        let chosen = front.iter().find(|point| point.loss <= allowed);
        let chosen = chosen.map_or(origin.clone(), |point| point.design.clone());
        let start = self
            .point(origin.clone(), Part::Final)?
            .map_err(Error::Run)?;
        let best = self
            .point(chosen.clone(), Part::Final)?
            .map_err(Error::Run)?;
        let mut without = Vec::new();
        for i in 0..self.space.len() {
            if chosen[i] == origin[i] {
                continue;
            }
            let mut back = chosen.clone();
            back[i] = origin[i];
            let name = self.space.parameters[i].name.clone();
            without.push((name, self.point(back, Part::Final)?));
        }
        Ok(Explored {
            space: self.space,
            seed,
            margin: self.margin,
            evaluations,
            start,
            best,
            front,
            without,
        })
    }

    /// Judges a design; the inner error says why it cannot be built.
    fn point(&mut self, design: Design, part: Part) -> Result<Result<Point, String>, Error> {
        let circuit = design::circuit(&self.space, &design, self.base)?;
        if let Err(error) = circuit.check() {
            return Ok(Err(error.to_string()));
        }
        let judged = match self.judge.judge(&circuit, part) {
            Ok(judged) => judged,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let cost = cost::cost(&circuit, &judged.activity);
        Ok(Ok(Point {
            design,
            circuit,
            loss: judged.loss,
            cost,
        }))
    }

    /// A changed member of the front that can be built; `None` when none is found.
    fn child(&mut self, front: &[Point], allowed: f64) -> Option<Design> {
        for _ in 0..TRIES {
            let good = front.iter().filter(|point| point.loss <= allowed);
            let thriftiest = good.min_by(|a, b| a.cost.energy_j.total_cmp(&b.cost.energy_j));
            let parent = match thriftiest.filter(|_| self.stream.below(2) == 0) {
                Some(point) => point,
                None => &front[self.stream.below(front.len())],
            };
            let design = self.mutate(&parent.design);
            let circuit = design::circuit(&self.space, &design, self.base).ok()?;
            if design != parent.design && circuit.check().is_ok() {
                return Some(design);
            }
        }
        None
    }

    fn mutate(&mut self, design: &[f64]) -> Design {
        let chance = CHANGES / design.len() as f64;
        let parameters = self.space.parameters.iter().zip(design);
        parameters
            .map(|(parameter, &value)| {
                if self.stream.unit() >= chance {
                    return value;
                }
                if let Scale::Choice(options) = &parameter.scale {
                    return self.stream.below(options.len()) as f64;
                }
                parameter.value(parameter.logit(value) + STEP * self.stream.normal())
            })
            .collect()
    }
}

/// Adds a point that none beats, and removes those that it beats.
fn keep(front: &mut Vec<Point>, point: Point) {
    if front
        .iter()
        .any(|old| old.beats(&point) || old.goals() == point.goals())
    {
        return;
    }
    front.retain(|old| !point.beats(old));
    front.push(point);
}

impl Explored {
    /// Energy of the start over that of the best.
    pub fn saving(&self) -> f64 {
        self.start.cost.energy_j / self.best.cost.energy_j
    }

    /// Share of perplexity above the start's, on the final part.
    pub fn loss_of_quality(&self) -> f64 {
        (self.best.loss - self.start.loss).exp_m1()
    }

    /// The whole result.
    pub fn document(&self) -> Value {
        let front: Vec<Value> = self.front.iter().map(|p| p.document(&self.space)).collect();
        let without: Vec<Value> = self
            .without
            .iter()
            .map(|(name, point)| match point {
                Ok(point) => json!({
                    "parameter": name,
                    "energy_factor": point.cost.energy_j / self.best.cost.energy_j,
                    "perplexity_factor": (point.loss - self.best.loss).exp(),
                    "time_factor": point.cost.seconds / self.best.cost.seconds,
                    "area_factor": point.cost.area_m2 / self.best.cost.area_m2,
                }),
                Err(reason) => json!({"parameter": name, "cannot_be_built": reason}),
            })
            .collect();
        json!({
            "seed": self.seed, "evaluations": self.evaluations, "margin": self.margin,
            "energy_saving": self.saving(), "perplexity_over_start": self.loss_of_quality(),
            "start": self.start.document(&self.space), "best": self.best.document(&self.space),
            "best_circuit": self.best.circuit, "without": without, "front": front,
        })
    }

    /// The result for people.
    pub fn lines(&self) -> Vec<String> {
        let row = |name: &str, point: &Point| {
            format!(
                "{name:16} {:>10.4} {:>10.1} pJ {:>8.1} ns {:>9.5} mm²",
                point.loss.exp(),
                1e12 * point.cost.energy_j,
                1e9 * point.cost.seconds,
                1e6 * point.cost.area_m2
            )
        };
        let mut lines = vec![format!("{:16} {:>10}", "", "perplexity")];
        lines.push(row("as trained", &self.start));
        lines.push(row("found", &self.best));
        lines.push(format!(
            "{:.2} times less energy at {:+.2} % perplexity, on text that the search never saw",
            self.saving(),
            100.0 * self.loss_of_quality()
        ));
        lines.push("with one parameter as it was:".into());
        for (name, point) in &self.without {
            lines.push(match point {
                Ok(point) => row(&format!("  {name}"), point),
                Err(reason) => format!("  {name:14} cannot be built: {reason}"),
            });
        }
        lines.push(format!(
            "front of {} circuits (search part):",
            self.front.len()
        ));
        lines.extend(self.front.iter().map(|point| row("", point)));
        lines
    }

    /// Perplexity against energy: the front, the circuit as trained, the one found.
    ///
    /// # Errors
    /// A picture that cannot be drawn.
    pub fn figure(&self) -> Result<Figure, Error> {
        let at = |point: &Point| (1e12 * point.cost.energy_j, point.loss.exp());
        let series = |name: &str, points: Vec<(f64, f64)>| Series {
            name: name.into(),
            points,
        };
        let axes = Axes {
            title: "Circuits for the trained model".into(),
            x: "energy per head and token (pJ)".into(),
            y: "perplexity per character".into(),
            log_x: true,
            ..Axes::default()
        };
        let all = [
            series(
                "unbeaten in four goals",
                self.front.iter().map(at).collect(),
            ),
            series("as trained", vec![at(&self.start)]),
            series("found", vec![at(&self.best)]),
        ];
        scatter(&axes, &all, Some((Better::Lower, Better::Lower)))
            .map_err(|e| Error::Run(e.to_string()))
    }
}
