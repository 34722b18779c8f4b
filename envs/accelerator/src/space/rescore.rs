//! Winners on the event simulator: what a search found, with tasks, DMA and overlap instead of closed forms.
//!
//! Twice where that can be: once the simulator's own compiler tiles the layers for the machine's buffers; once it follows
//! the winner's mappings, loop by loop. DMA setup, latency, bursts and dispatch are those of a preset, and layers
//! without products run too, so its numbers are not the search's: they show whether a winner holds what it promises
//! where overlap is not perfect.

use super::platform::{INTERFACE_W, Platform as Relaxed};
use crate::compile::{LayerMapping, Mappings, Passes};
use crate::cost::{CostModel, LoopNest};
use crate::gemm::TooLarge;
use crate::layer::{Layer, Network};
use crate::loopnest::{Machine, Shape};
use crate::platform::{EngineModel, Platform};
use crate::simulation::{Metrics, Options, SimulationError, simulate_with};
use crate::systolic::Dataflow;
use crate::technology::voltage;
use tandem_core::search::SearchSpace;

use super::{Gemmini, Solution, System};

/// A network on the event simulator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// In the unit of the space's cost.
    pub cost: f64,
    /// Clock cycles.
    pub cycles: f64,
    /// Time, s.
    pub seconds: f64,
    /// Energy, J.
    pub energy_j: f64,
    /// Part of the cycles in layers that the search did not map (pools, sums and so on).
    pub other_cycles: f64,
}

/// A winner on the event simulator; where it cannot run, why.
#[derive(Clone, Debug, PartialEq)]
pub struct Rescored {
    /// With the simulator's own tiles.
    pub own_tiles: Result<Run, String>,
    /// Following the winner's mappings.
    pub mappings: Result<Run, String>,
}

/// Of a point of [`Gemmini`]; the cost is in J cycles.
pub fn gemmini(network: &Network, point: &[f64]) -> Rescored {
    let solution = match Gemmini::new(network) {
        Ok(space) => space.solution(point),
        Err(error) => {
            let failed = Err(error.to_string());
            return Rescored {
                own_tiles: failed.clone(),
                mappings: failed,
            };
        }
    };
    of_solution(network, &solution)
}

/// Of a machine with its mappings; the cost is in J cycles.
pub fn of_solution(network: &Network, solution: &Solution) -> Rescored {
    Rescored {
        own_tiles: own_tiles(&solution.machine, network),
        mappings: follow(solution, network),
    }
}

/// Of a point of [`System`]; the cost is in J s. Its mappings are cuts in real numbers, which no loop nest has.
pub fn system(network: &Network, point: &[f64]) -> Rescored {
    let own_tiles = match System::new(network) {
        Ok(space) => {
            let sizes = space.platform(&point[..space.hardware()]);
            platform(&sizes, network)
        }
        Err(error) => Err(error.to_string()),
    };
    Rescored {
        own_tiles,
        mappings: Err("tiles of this space are no whole parts of the layers' loops".into()),
    }
}

fn preset(name: &str) -> Result<Platform, String> {
    Platform::preset(name).ok_or_else(|| format!("there is no preset `{name}`"))
}

fn kib(bytes: f64) -> u64 {
    (bytes / 1024.0).ceil().max(1.0) as u64
}

/// A machine of [`Gemmini`] as a platform of the event simulator.
///
/// # Errors
/// A network that the space cannot have.
pub fn gemmini_platform(network: &Network, point: &[f64]) -> Result<Platform, String> {
    let space = Gemmini::new(network).map_err(|error| error.to_string())?;
    of_machine(&space.solution(point).machine)
}

/// A platform of [`System`] as one of the event simulator.
///
/// # Errors
/// A network that the space cannot have.
pub fn system_platform(network: &Network, point: &[f64]) -> Result<Platform, String> {
    let space = System::new(network).map_err(|error| error.to_string())?;
    of_sizes(&space.platform(&point[..space.hardware()]))
}

/// The machine with the simulator's own tiles; buffers are rounded up to whole KiB, the scratchpad is halved between
/// inputs and weights, and each buffer into two halves.
fn own_tiles(machine: &Machine, network: &Network) -> Result<Run, String> {
    let platform = of_machine(machine)?;
    let costs = platform.engine.model.cost_model();
    run(&platform, network, &Options::default(), &*costs).map(|(_, run)| run)
}

fn of_machine(machine: &Machine) -> Result<Platform, String> {
    let mut platform = preset("gemmini")?;
    platform.engine.model = EngineModel::LoopNest { side: machine.side };
    let half = kib(512.0 * machine.scratchpad_kb);
    platform.buffers.input_kib = half;
    platform.buffers.weight_kib = half;
    platform.buffers.output_kib = kib(1024.0 * machine.accumulator_kb);
    Ok(platform)
}

/// The solution's mappings. The closed form has loads overlap with work in buffers that hold one tile; here that takes
/// two, so each buffer has twice the largest tile of its tensor.
fn follow(solution: &Solution, network: &Network) -> Result<Run, String> {
    let mut platform = preset("gemmini")?;
    let side = solution.machine.side;
    platform.engine.model = EngineModel::LoopNest { side };
    let passes = Passes::default();
    let mappings = mappings(solution, &passes.rewrite(network)).map_err(|error| error.to_string())?;
    let mut largest = [0; 3];
    for given in mappings.values() {
        let words = given.words().map_err(|error| error.to_string())?;
        largest = std::array::from_fn(|at| largest[at].max(words[at]));
    }
    let word = platform.number_format.word_bytes() as f64;
    let sum = platform.number_format.sum_bytes() as f64;
    let [inputs, weights, sums] = largest.map(|words| 2.0 * words as f64);
    platform.buffers.input_kib = kib(word * inputs);
    platform.buffers.weight_kib = kib(word * weights);
    platform.buffers.output_kib = kib(sum * sums);
    let options = Options {
        passes,
        mappings,
        ..Options::default()
    };
    let costs = platform.engine.model.cost_model();
    run(&platform, network, &options, &*costs).map(|(_, run)| run)
}

/// Every layer of a network with the solution's mapping for its loops.
fn mappings(solution: &Solution, network: &Network) -> Result<Mappings, TooLarge> {
    let mut mappings = Mappings::new();
    for layer in &network.layers {
        let Some((shape, _)) = Shape::of(&layer.op)? else {
            continue;
        };
        let found = solution.mappings.iter().find(|(work, _)| work.shape == shape);
        if let Some((_, mapping)) = found {
            let given = LayerMapping {
                shape,
                mapping: mapping.clone(),
            };
            mappings.insert(layer.name.clone(), given);
        }
    }
    Ok(mappings)
}

/// A platform of space S3 with the simulator's own tiles; the cost is in J s. Bus and DMA keep up with the memory. What the
/// simulator has no law for, long wires and the power of the memory's interface, is the closed form's.
fn platform(sizes: &Relaxed<f64>, network: &Network) -> Result<Run, String> {
    let platform = of_sizes(sizes)?;
    let costs = LoopNest {
        rows: sizes.rows as u64,
        cols: sizes.columns as u64,
    };
    let (metrics, run) = run(&platform, network, &Options::default(), &costs)?;
    let energy = metrics.energy;
    let wires = sizes.voltage() / voltage(sizes.clock_mhz); // of the supply that long wires need
    let energy_j = wires * wires * (sizes.wires() * energy.compute + energy.buffers)
        + energy.memory
        + wires * energy.leakage
        + INTERFACE_W * sizes.bandwidth * run.seconds;
    Ok(Run {
        cost: run.seconds * energy_j,
        energy_j,
        ..run
    })
}

fn of_sizes(sizes: &Relaxed<f64>) -> Result<Platform, String> {
    let mut platform = preset("fpga")?;
    let (rows, cols) = (sizes.rows as u64, sizes.columns as u64);
    platform.engine.model = EngineModel::Systolic {
        rows,
        cols,
        dataflow: Dataflow::WeightStationary,
        pipelined_folds: true,
    };
    platform.clock_mhz = sizes.clock_mhz;
    platform.memory.bandwidth_gb_per_s = sizes.bandwidth;
    // enough bursts under way to fill the memory's latency twice
    let in_flight = 2.0 * sizes.bandwidth * platform.memory.latency_ns;
    let channels = f64::from(platform.dma.channels) * platform.dma.burst_bytes as f64;
    platform.dma.outstanding = ((in_flight / channels).ceil() as u64).max(1);
    platform.bus.clock_mhz = sizes.clock_mhz;
    platform.bus.width_bits = (16e3 * sizes.bandwidth / sizes.clock_mhz).ceil() as u64;
    let half = kib(512.0 * sizes.scratchpad_kb);
    platform.buffers.input_kib = half;
    platform.buffers.weight_kib = half;
    platform.buffers.output_kib = kib(1024.0 * sizes.accumulator_kb);
    Ok(platform)
}

/// Runs the network; the cost is in J cycles.
fn run(
    platform: &Platform,
    network: &Network,
    options: &Options,
    costs: &dyn CostModel,
) -> Result<(Metrics, Run), String> {
    let watch = |_| std::ops::ControlFlow::Continue(());
    let ran = simulate_with(platform, network, options, costs, watch);
    let ran = ran.map_err(|error: SimulationError| error.to_string())?;
    let metrics = ran.metrics;
    let other = |layer: &Layer| !matches!(Shape::of(&layer.op), Ok(Some(_)));
    let layers = metrics.layers.iter().zip(&ran.network.layers);
    let others = layers.filter(|(_, layer)| other(layer));
    let cycles = metrics.cycles as f64;
    let run = Run {
        cost: cycles * metrics.energy_j,
        cycles,
        seconds: metrics.seconds,
        energy_j: metrics.energy_j,
        other_cycles: others.map(|(metrics, _)| metrics.cycles as f64).sum(),
    };
    Ok((metrics, run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemmini::rank_correlation;
    use crate::space::workload;
    use crate::zoo;
    use tandem_core::stream::Stream;

    #[test]
    fn a_larger_machine_is_faster() {
        let network = zoo::named("resnet18").unwrap();
        let run = |side: u64, kb: f64| {
            let machine = Machine {
                side,
                accumulator_kb: kb,
                scratchpad_kb: kb,
            };
            own_tiles(&machine, &network).unwrap()
        };
        assert!(run(64, 512.0).cycles < run(8, 64.0).cycles);
    }

    #[test]
    fn mappings_are_followed_and_cost_what_the_closed_form_says_where_overlap_is_good() {
        let network = zoo::named("resnet18").unwrap();
        let space = Gemmini::new(&network).unwrap();
        let mut point = vec![0.0; space.dimensions()];
        point[..3].copy_from_slice(&[4.0 / 6.0, 7.0 / 11.0, 8.0 / 11.0]);
        for layer in 0..space.layers() {
            let hardware = point[..3].to_vec();
            space.greedy_mapping(&hardware, layer, &mut point[space.range(layer)]);
        }
        let closed = space.solution(&point);
        let run = gemmini(&network, &point).mappings.unwrap();
        let ratio = (run.cycles - run.other_cycles) / closed.cycles;
        assert!((0.95..1.6).contains(&ratio), "{ratio}");
        let ratio = run.energy_j / closed.energy_j;
        assert!((0.7..1.6).contains(&ratio), "{ratio}");
    }

    /// Random platforms of space S3: correlations of ranks by the closed form, with the best commands of a grid, and by
    /// the event simulator with its own tiles, in time, energy and their product. Platforms whose array is too large for
    /// their buffers do not run there.
    fn ranks(points: usize) -> [f64; 3] {
        let network = zoo::named("resnet18").unwrap();
        let works = workload(&network).unwrap();
        let space = System::new(&network).unwrap();
        let mut stream = Stream::new(0, "ranks", 0);
        let mut found: [[Vec<f64>; 2]; 3] = Default::default();
        while found[0][0].len() < points {
            let mut genes = vec![0.0; space.hardware()];
            space.draw_hardware(&mut stream, &mut genes);
            let sizes = space.platform(&genes);
            let Ok(run) = platform(&sizes, &network) else {
                continue;
            };
            let (mut seconds, mut joules) = (0.0, 0.0);
            for work in &works {
                let cost = sizes.best_of_grid(&work.shape);
                seconds += work.count as f64 * cost.seconds;
                joules += work.count as f64 * cost.joules;
            }
            let pairs = [
                [seconds, run.seconds],
                [joules, run.energy_j],
                [seconds * joules, run.cost],
            ];
            for (all, pair) in found.iter_mut().zip(pairs) {
                all[0].push(pair[0]);
                all[1].push(pair[1]);
            }
        }
        found.map(|[closed, events]| rank_correlation(&closed, &events))
    }

    #[test]
    fn the_closed_form_ranks_platforms_as_the_event_simulator_does() {
        let [time, energy, product] = ranks(60);
        assert!(
            time > 0.93 && product > 0.93 && energy > 0.88,
            "{time} {energy} {product}"
        );
    }

    #[test]
    #[ignore = "takes half a minute; prints the correlations of 1000 platforms"]
    fn ranks_of_a_thousand_platforms() {
        let [time, energy, product] = ranks(1000);
        println!("Spearman: time {time:.4}, energy {energy:.4}, product {product:.4}");
        assert!(time > 0.95 && product > 0.93);
    }
}
