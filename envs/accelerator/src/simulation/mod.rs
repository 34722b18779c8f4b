//! A network on a platform: compiled, run event by event, and summed up.
//!
//! ```text
//! network + platform ─ compile ─► task graph ─ event ─► schedule ─ metrics ─► time, energy, bottleneck per layer
//! ```
//!
//! This is the flow of the virtual-models paper (Klaiber et al., arXiv 1910.11632): an end-to-end estimate in the
//! concept phase, from tasks adapted to the hardware instead of the bare network. No value is computed, only time.
//!
//! [`evaluate`] is for whoever wants the numbers, [`simulate`] for whoever wants to see how they come about.

mod metrics;
#[cfg(test)]
mod tests;
mod trace;

use std::ops::ControlFlow;

use thiserror::Error;

use super::compile::{CompileError, Compiled, Mappings, Passes, compile, compile_for};
use super::cost::CostModel;
use super::event::{Schedule, run, run_watched};
use super::gemm::TooLarge;
use super::layer::Network;
use super::platform::{Fault, Platform};
use super::task::GraphError;

pub use metrics::{Bound, Busy, LayerMetrics, Metrics, Violation};
pub use trace::{stall_cause, write_trace};

/// How to compile and judge.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// The compiler's passes.
    pub passes: Passes,
    /// What must not be exceeded.
    pub limits: Limits,
    /// Mappings of layers, instead of tiles of the compiler's own.
    pub mappings: Mappings,
}

/// What must not be exceeded; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Area, mm².
    pub area_mm2: Option<f64>,
    /// Mean power, W.
    pub power_w: Option<f64>,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SimulationError {
    /// A platform that cannot be.
    #[error(transparent)]
    Platform(#[from] Fault),
    /// A network that does not fit, or is too large.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// A count of the whole network beyond 64 bits.
    #[error("network: {0}")]
    TooLarge(#[from] TooLarge),
}

impl From<GraphError> for SimulationError {
    fn from(error: GraphError) -> Self {
        Self::Compile(error.into())
    }
}

/// A network that has run on a platform.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The network after the compiler's graph passes.
    pub network: Network,
    /// Its tasks.
    pub compiled: Compiled,
    /// When they ran.
    pub schedule: Schedule,
    /// What it comes to.
    pub metrics: Metrics,
}

/// What a run is doing, for whoever watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// `compiling` or `simulating`.
    pub stage: &'static str,
    /// How much of it is done.
    pub done: usize,
    /// How much there is in all.
    pub total: usize,
    /// Of what: `layers` or `tasks`.
    pub unit: &'static str,
}

/// Time, energy and area of a network on a platform, layer by layer.
///
/// # Errors
/// A platform that cannot be; a layer that does not fit or is too large.
pub fn evaluate(platform: &Platform, network: &Network, options: &Options) -> Result<Metrics, SimulationError> {
    simulate(platform, network, options).map(|simulation| simulation.metrics)
}

/// Runs a network on a platform.
///
/// # Errors
/// As [`evaluate`].
pub fn simulate(platform: &Platform, network: &Network, options: &Options) -> Result<Simulation, SimulationError> {
    platform.check()?;
    let costs = platform.engine.model.cost_model();
    let watch = |_| ControlFlow::Continue(());
    simulate_with(platform, network, options, &*costs, watch)
}

/// Counts of engines to try beside all of them: half as many and so on, and so many less by a quarter.
fn fewer_engines(platform: &Platform, passes: &Passes) -> Vec<u16> {
    let count = platform.engine.count;
    if !passes.has("schedule") {
        return Vec::new(); // one engine is used anyway
    }
    let mut counts: Vec<u16> = std::iter::successors(Some(count), |&count| Some(count / 2).filter(|half| *half > 0))
        .flat_map(|count| [count, count - count / 4, count - count / 3])
        .filter(|fewer| *fewer < count)
        .collect();
    counts.sort_unstable();
    counts.dedup();
    counts
}

/// Runs a network on a platform whose engines cost what `costs` says (a calibrated model, for example); `watch` is
/// told now and then how far it is.
///
/// # Errors
/// As [`evaluate`], and [`GraphError::Stopped`] when `watch` says so.
pub fn simulate_with(
    platform: &Platform,
    network: &Network,
    options: &Options,
    costs: &dyn CostModel,
    mut watch: impl FnMut(Watched) -> ControlFlow<()>,
) -> Result<Simulation, SimulationError> {
    platform.check()?;
    let network = options.passes.rewrite(network);
    let total = network.layers.len();
    let compile_watch = |done| {
        watch(Watched {
            stage: "compiling",
            done,
            total,
            unit: "layers",
        })
    };
    let (passes, mappings) = (&options.passes, &options.mappings);
    let compiled = compile(&network, platform, passes, mappings, costs, compile_watch)?;
    let total = compiled.graph.tasks().len();
    let schedule = run_watched(&compiled.graph, &compiled.resources, |done| {
        watch(Watched {
            stage: "simulating",
            done,
            total,
            unit: "tasks",
        })
    })?;
    let mut best = (compiled, schedule);
    // a network that more engines only hinder runs on fewer of them
    for engines in fewer_engines(platform, passes) {
        let watch = |_| ControlFlow::Continue(());
        let compiled = compile_for(&network, platform, passes, mappings, costs, engines, watch)?;
        let schedule = run(&compiled.graph, &compiled.resources)?;
        if schedule.makespan() < best.1.makespan() {
            best = (compiled, schedule);
        }
    }
    let (compiled, schedule) = best;
    let metrics = Metrics::new(platform, &compiled, &schedule, &options.limits)?;
    Ok(Simulation {
        network,
        compiled,
        schedule,
        metrics,
    })
}
