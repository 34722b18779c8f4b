//! Counting, remembering and stopping: what all searchers share.

use rayon::prelude::*;
use tandem_core::{SearchSpace, Stream};

/// What a search has found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Lowest cost; infinite before the first evaluation.
    pub cost: f64,
    /// The point that has it.
    pub point: Vec<f64>,
    /// Evaluations spent and the lowest cost so far, at every improvement and at the end.
    pub history: Vec<(f64, f64)>,
}

/// From which distribution random mappings come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draws {
    /// The space's even one.
    Even,
    /// That of published random searches.
    Published,
}

/// Counts evaluations, keeps the best point, asks whether to stop.
pub struct Tracker<'a> {
    space: &'a dyn SearchSpace,
    /// Layer evaluations: `layers` of them make one evaluation.
    budget: u64,
    spent: u64,
    outcome: Outcome,
    /// Told the evaluations spent and the best cost; `false` ends the search.
    watch: &'a mut dyn FnMut(f64, f64) -> bool,
    stopped: bool,
}

impl<'a> Tracker<'a> {
    /// A search of `space` with a budget of evaluations. `watch` is told the evaluations spent and the lowest cost so
    /// far, again and again; when it says `false`, the search ends.
    pub fn new(space: &'a dyn SearchSpace, budget: u64, watch: &'a mut dyn FnMut(f64, f64) -> bool) -> Self {
        Self {
            space,
            budget: budget.saturating_mul(space.layers() as u64),
            spent: 0,
            outcome: Outcome {
                cost: f64::INFINITY,
                ..Outcome::default()
            },
            watch,
            stopped: false,
        }
    }

    /// The space.
    pub fn space(&self) -> &'a dyn SearchSpace {
        self.space
    }

    /// All evaluations of the budget.
    pub fn budget(&self) -> u64 {
        self.budget / self.layers()
    }

    /// Whole evaluations that are left; 0 once the search has been stopped.
    pub fn left(&self) -> u64 {
        if self.stopped {
            return 0;
        }
        (self.budget - self.spent) / self.layers()
    }

    /// Evaluations spent.
    pub fn spent(&self) -> f64 {
        self.spent as f64 / self.layers() as f64
    }

    /// Whether somebody asked for the end.
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// What was found.
    pub fn finish(mut self) -> Outcome {
        let last = (self.spent(), self.outcome.cost);
        self.outcome.history.push(last);
        self.outcome
    }

    /// Costs of points, with the parts of their layers; fewer than were given once the budget is spent.
    pub fn costs(&mut self, points: &[Vec<f64>]) -> Vec<(f64, Vec<f64>)> {
        let points = &points[..points.len().min(self.left() as usize)];
        let layers = self.space.layers();
        let found: Vec<(f64, Vec<f64>)> = points
            .par_iter()
            .map(|point| {
                let mut parts = vec![0.0; layers];
                (self.space.cost(point, &mut parts), parts)
            })
            .collect();
        for (point, (cost, _)) in points.iter().zip(&found) {
            self.spent += self.layers();
            self.keep(*cost, point);
        }
        self.tell();
        found
    }

    /// Relaxed costs of points with their gradients; fewer than were given once the budget is spent, none where the
    /// space has no relaxed form.
    pub fn relaxed(&mut self, points: &[Vec<f64>]) -> Vec<(f64, Vec<f64>)> {
        let points = &points[..points.len().min(self.left() as usize)];
        let found: Vec<Option<(f64, Vec<f64>)>> = points
            .par_iter()
            .map(|point| {
                let mut gradient = vec![0.0; point.len()];
                let value = self.space.relaxed(point, &mut gradient)?;
                Some((value, gradient))
            })
            .collect();
        self.spent += self.layers() * points.len() as u64;
        self.tell();
        found.into_iter().flatten().collect()
    }

    /// A point of this hardware with, for each layer, the best of `draws` random mappings, and its cost; `None` once
    /// the budget is spent. The streams are those of `seed`, `name` and `index`.
    pub fn best_of_random(
        &mut self,
        hardware: &[f64],
        draws: u64,
        draw: Draws,
        (seed, name, index): (u64, &str, u64),
    ) -> Option<(f64, Vec<f64>)> {
        let draws = draws.min(self.left());
        if draws == 0 {
            return None;
        }
        let space = self.space;
        let layers = space.layers();
        let best: Vec<Vec<f64>> = (0..layers)
            .into_par_iter()
            .map(|layer| {
                let number = index * layers as u64 + layer as u64;
                let mut stream = Stream::new(seed, name, number);
                best_mapping(space, hardware, layer, (draws, draw), &mut stream)
            })
            .collect();
        self.spent += draws * self.layers();
        let mut point = hardware.to_vec();
        best.iter().for_each(|mapping| point.extend_from_slice(mapping));
        // the parts are known; putting them together asks the model nothing new
        let cost = space.cost(&point, &mut []);
        self.keep(cost, &point);
        self.tell();
        Some((cost, point))
    }

    /// Takes so many questions from the budget; a budget that does not hold them all is spent.
    fn charge(&mut self, asked: u64) -> bool {
        if self.stopped {
            return false;
        }
        let enough = asked <= self.budget - self.spent;
        self.spent = if enough { self.spent + asked } else { self.budget };
        enough
    }

    /// Costs of a point in which one layer at a time gets another mapping, `trials[layer][trial]`; each asks the model
    /// for one layer. Every layer then takes its best mapping, if it is better than its own; if all of them together
    /// do not make the point better, only the layer that gains most changes. Nothing is tried once the budget is
    /// spent.
    pub fn substitute(&mut self, point: &mut [f64], trials: &[Vec<Vec<f64>>]) -> Vec<Vec<f64>> {
        let asked: u64 = trials.iter().map(|layer| layer.len() as u64).sum();
        if !self.charge(asked) {
            return Vec::new();
        }
        let space = self.space;
        let costs: Vec<Vec<f64>> = trials
            .par_iter()
            .enumerate()
            .map(|(layer, mappings)| {
                let mut trial = point.to_vec();
                let cost = |mapping: &Vec<f64>| {
                    trial[space.range(layer)].copy_from_slice(mapping);
                    space.cost(&trial, &mut [])
                };
                mappings.iter().map(cost).collect()
            })
            .collect();
        self.take_best(point, trials, &costs);
        self.tell();
        costs
    }

    /// Costs of mappings of each layer on this hardware, `mappings[layer][trial]`; each asks the model for one layer.
    /// `None` once the budget is spent.
    pub fn layer_costs(&mut self, hardware: &[f64], mappings: &[Vec<Vec<f64>>]) -> Option<Vec<Vec<f64>>> {
        let asked: u64 = mappings.iter().map(|layer| layer.len() as u64).sum();
        if !self.charge(asked) {
            return None;
        }
        let space = self.space;
        let costs = mappings.iter().enumerate().map(|(layer, mappings)| {
            let costs = mappings.iter();
            costs
                .map(|mapping| space.layer_cost(hardware, layer, mapping))
                .collect()
        });
        let costs = costs.collect();
        self.tell();
        Some(costs)
    }

    fn take_best(&mut self, point: &mut [f64], trials: &[Vec<Vec<f64>>], costs: &[Vec<f64>]) {
        let known = self.space.cost(point, &mut []);
        let mut all = point.to_vec();
        let mut single = (known, None);
        for (layer, costs) in costs.iter().enumerate() {
            let best = (0..costs.len()).min_by(|&a, &b| costs[a].total_cmp(&costs[b]));
            let Some(best) = best.filter(|&best| costs[best] < known) else {
                continue;
            };
            all[self.space.range(layer)].copy_from_slice(&trials[layer][best]);
            if costs[best] < single.0 {
                single = (costs[best], Some((layer, best)));
            }
        }
        // every layer of it has been evaluated: putting them together asks the model nothing new
        if self.space.cost(&all, &mut []) <= single.0 {
            point.copy_from_slice(&all);
        } else if let (_, Some((layer, best))) = single {
            point[self.space.range(layer)].copy_from_slice(&trials[layer][best]);
        }
        let cost = self.space.cost(point, &mut []);
        self.keep(cost, point);
    }

    /// Cost of a point whose layers have all been evaluated before: putting them together asks the model nothing new.
    pub fn assemble(&mut self, point: &[f64]) -> f64 {
        let cost = self.space.cost(point, &mut []);
        self.keep(cost, point);
        cost
    }

    fn keep(&mut self, cost: f64, point: &[f64]) {
        if cost < self.outcome.cost {
            self.outcome.cost = cost;
            self.outcome.point = point.to_vec();
            let at = self.spent();
            self.outcome.history.push((at, cost));
        }
    }

    fn tell(&mut self) {
        let (spent, cost) = (self.spent(), self.outcome.cost);
        self.stopped |= !(self.watch)(spent, cost);
    }

    fn layers(&self) -> u64 {
        self.space.layers().max(1) as u64
    }
}

/// A point with random hardware and the greedy mapping for it: where gradients, evolution and policies start.
pub fn greedy_start(space: &dyn SearchSpace, stream: &mut Stream) -> Vec<f64> {
    let mut point = vec![0.0; space.dimensions()];
    space.draw_hardware(stream, &mut point[..space.hardware()]);
    greedy_mappings(space, &mut point);
    point
}

/// Gives every layer the greedy mapping for the point's hardware.
pub fn greedy_mappings(space: &dyn SearchSpace, point: &mut [f64]) {
    let hardware = point[..space.hardware()].to_vec();
    for layer in 0..space.layers() {
        space.greedy_mapping(&hardware, layer, &mut point[space.range(layer)]);
    }
}

/// The cheapest of so many random mappings of a layer.
fn best_mapping(
    space: &dyn SearchSpace,
    hardware: &[f64],
    layer: usize,
    (draws, draw): (u64, Draws),
    stream: &mut Stream,
) -> Vec<f64> {
    let mut mapping = vec![0.0; space.width()];
    let (mut best, mut lowest) = (mapping.clone(), f64::INFINITY);
    for _ in 0..draws {
        match draw {
            Draws::Even => space.draw_mapping(hardware, layer, stream, &mut mapping),
            Draws::Published => space.draw_published(hardware, layer, stream, &mut mapping),
        }
        let cost = space.layer_cost(hardware, layer, &mapping);
        if cost < lowest {
            lowest = cost;
            best.copy_from_slice(&mapping);
        }
    }
    best
}
