//! Layers that share a limit: the limit gets a price, and then each layer can be judged on its own (Everett 1963).
//!
//! Whatever has been evaluated for a layer is remembered. The price is the least at which the remembered options that are
//! cheapest with it keep the limit; what is left of the limit then goes, layer by layer, to where it saves most. The
//! policy learns from cost and price together, so that it proposes what is good at the present price; some proposals are
//! drawn from the space instead.

use tandem_core::{SearchSpace, Stream};

use super::Tracker;
use super::mapper::{Draw, Mapper};
use super::reinforce::add_slopes;
use super::tracker::greedy_start;

/// Proposals of the policy per layer and update, and draws from the space itself: where the policy has made up its mind
/// too early, those still find what it does not propose.
const BATCH: usize = 6;
const FRESH: usize = 2;
/// How likely a gene is drawn, and how far a size moves.
const NOISE: [f64; 2] = [0.5, 0.25];
/// Adam's step size.
const RATE: f64 = 0.01;
/// Halvings of the interval in which the price lies.
const HALVINGS: usize = 60;

/// A mapping of a layer that has been evaluated.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    cost: f64,
    /// Of the limit.
    share: f64,
    mapping: Vec<f64>,
}

/// What has been evaluated: for each layer the mappings that no other one beats in cost and share, cheapest share first.
struct Memory {
    layers: Vec<Vec<Known>>,
}

impl Memory {
    fn new(layers: usize) -> Self {
        Self {
            layers: vec![Vec::new(); layers],
        }
    }

    fn add(&mut self, layer: usize, new: Known) {
        let known = &mut self.layers[layer];
        if known.iter().any(|k| k.cost <= new.cost && k.share <= new.share) {
            return;
        }
        known.retain(|k| k.cost < new.cost || k.share < new.share);
        let at = known.partition_point(|k| k.share < new.share);
        known.insert(at, new);
    }

    /// Adds mappings with what they cost, `[layer][trial]`.
    fn note(&mut self, space: &dyn SearchSpace, trials: &[Vec<Vec<f64>>], costs: &[Vec<f64>]) {
        for (layer, (mappings, costs)) in trials.iter().zip(costs).enumerate() {
            for (mapping, &cost) in mappings.iter().zip(costs) {
                let new = Known {
                    cost,
                    share: space.share(layer, mapping),
                    mapping: mapping.clone(),
                };
                self.add(layer, new);
            }
        }
    }

    /// The cheapest option of each layer at a price of the whole limit, and their shares together.
    fn cheapest(&self, price: f64) -> (Vec<usize>, f64) {
        let total = |k: &Known| k.cost + price * k.share;
        let best = self.layers.iter().map(|known| {
            (0..known.len())
                .min_by(|&a, &b| total(&known[a]).total_cmp(&total(&known[b])))
                .unwrap_or(0)
        });
        let best: Vec<usize> = best.collect();
        (best.clone(), self.share(&best))
    }

    fn share(&self, options: &[usize]) -> f64 {
        let both = self.layers.iter().zip(options);
        both.filter_map(|(known, &at)| known.get(at))
            .map(|known| known.share)
            .sum()
    }

    /// The least price that keeps the limit, and the options at that price.
    fn price(&self) -> (f64, Vec<usize>) {
        let costs = self.layers.iter().flatten().map(|k| k.cost);
        let (mut low, mut high) = (0.0, costs.fold(1e-300, f64::max));
        let (free, share) = self.cheapest(0.0);
        if share <= 1.0 {
            return (0.0, free);
        }
        // an option of less share may save next to nothing of it
        while self.cheapest(high).1 > 1.0 && high < 1e300 {
            high *= 4.0;
        }
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            match self.cheapest(middle).1 > 1.0 {
                true => low = middle,
                false => high = middle,
            }
        }
        (high, self.cheapest(high).0)
    }

    /// Gives what is left of the limit to where it saves most, one layer at a time.
    fn fill(&self, options: &mut [usize]) {
        loop {
            let left = 1.0 - self.share(options);
            let mut best = (0.0, None);
            for (layer, known) in self.layers.iter().enumerate() {
                let Some(own) = known.get(options[layer]) else {
                    continue;
                };
                for (at, other) in known.iter().enumerate() {
                    let saved = own.cost - other.cost;
                    if other.share - own.share <= left && saved > best.0 {
                        best = (saved, Some((layer, at)));
                    }
                }
            }
            let Some((layer, at)) = best.1 else {
                return;
            };
            options[layer] = at;
        }
    }

    fn point(&self, hardware: &[f64], options: &[usize]) -> Vec<f64> {
        let both = self.layers.iter().zip(options);
        let mappings = both.filter_map(|(known, &at)| known.get(at));
        let genes = mappings.flat_map(|known| known.mapping.iter().copied());
        hardware.iter().copied().chain(genes).collect()
    }
}

/// Searches until the budget is spent.
pub(super) fn search(tracker: &mut Tracker, stream: &mut Stream) {
    let space = tracker.space();
    let start = greedy_start(space, stream);
    let hardware = &start[..space.hardware()];
    let mut mapper = Mapper::new(space, stream);
    let mut memory = Memory::new(space.layers());
    loop {
        let outputs = mapper.outputs(&start, hardware);
        let draws: Vec<Vec<Draw>> = (0..space.layers())
            .map(|layer| {
                let draw = |_| mapper.draw(&outputs, layer, NOISE, stream);
                (0..BATCH).map(draw).collect()
            })
            .collect();
        let trials = trials(space, hardware, &draws, stream);
        let Some(costs) = tracker.layer_costs(hardware, &trials) else {
            return;
        };
        memory.note(space, &trials, &costs);
        let (price, mut options) = memory.price();
        memory.fill(&mut options);
        let best = memory.point(hardware, &options);
        tracker.assemble(&best);
        let slopes = slopes(&mapper, space, &draws, &costs, price);
        mapper.descend(&[(hardware.to_vec(), slopes)], RATE);
        mapper.imitate(space, &start, &best);
    }
}

/// The mappings to be evaluated for each layer: those that the policy has drawn, then some from the space.
fn trials(space: &dyn SearchSpace, hardware: &[f64], draws: &[Vec<Draw>], stream: &mut Stream) -> Vec<Vec<Vec<f64>>> {
    let layers = draws.iter().enumerate().map(|(layer, draws)| {
        let fresh = (0..FRESH).map(|_| {
            let mut mapping = vec![0.0; space.width()];
            space.draw_mapping(hardware, layer, stream, &mut mapping);
            mapping
        });
        let proposed = draws.iter().map(|draw| draw.mapping.clone());
        proposed.chain(fresh).collect()
    });
    layers.collect()
}

/// Slopes of the score function, with cost and price as what is paid.
fn slopes(mapper: &Mapper, space: &dyn SearchSpace, draws: &[Vec<Draw>], costs: &[Vec<f64>], price: f64) -> Vec<f32> {
    let per_layer = mapper.outputs_per_layer();
    let mut slopes = vec![0.0; draws.len() * per_layer];
    for (layer, (draws, costs)) in draws.iter().zip(costs).enumerate() {
        let paid = draws.iter().zip(costs);
        let paid: Vec<f64> = paid
            .map(|(draw, cost)| cost + price * space.share(layer, &draw.mapping))
            .collect();
        let slopes = &mut slopes[layer * per_layer..][..per_layer];
        let scores = draws.iter().map(|draw| &*draw.score);
        add_slopes(slopes, &paid, scores, draws.len());
    }
    slopes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(stream: &mut Stream) -> Memory {
        let mut memory = Memory::new(3);
        for layer in 0..3 {
            for _ in 0..12 {
                let share = stream.uniform(0.1, 0.7);
                memory.add(
                    layer,
                    Known {
                        cost: stream.unit() / share,
                        share,
                        mapping: vec![share],
                    },
                );
            }
        }
        memory
    }

    #[test]
    fn price_and_filling_come_near_the_best_combination_and_keep_the_limit() {
        let mut stream = Stream::new(0, "limit", 0);
        let mut worst = 1.0_f64;
        for _ in 0..50 {
            let memory = memory(&mut stream);
            let (_, mut options) = memory.price();
            memory.fill(&mut options);
            if memory.share(&options) > 1.0 {
                let least = memory.layers.iter().map(|known| known[0].share);
                assert!(least.sum::<f64>() > 1.0, "only where nothing keeps it");
                continue;
            }
            let [a, b, c] = [0, 1, 2].map(|layer| &memory.layers[layer]);
            let mut best = f64::INFINITY;
            for x in a {
                for y in b {
                    for z in c {
                        if x.share + y.share + z.share <= 1.0 {
                            best = best.min(x.cost + y.cost + z.cost);
                        }
                    }
                }
            }
            let costs = options.iter().zip(&memory.layers);
            let cost: f64 = costs.map(|(&at, known)| known[at].cost).sum();
            worst = worst.max(cost / best);
        }
        assert!(worst < 2.0, "{worst}");
    }

    #[test]
    fn only_what_nothing_beats_is_remembered() {
        let known = |cost: f64, share: f64| Known {
            cost,
            share,
            mapping: Vec::new(),
        };
        let mut memory = Memory::new(1);
        for new in [known(2.0, 0.5), known(3.0, 0.6), known(1.0, 0.5), known(4.0, 0.1)] {
            memory.add(0, new);
        }
        assert_eq!(memory.layers[0], [known(4.0, 0.1), known(1.0, 0.5)]);
    }
}
