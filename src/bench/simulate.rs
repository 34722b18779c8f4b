//! Speed of the accelerator models on one core: closed forms of layers, tasks of the event core, a whole network.

use std::time::Instant;

use serde_json::json;
use tandem_accelerator::cost::CostModel;
use tandem_accelerator::event;
use tandem_accelerator::simulation::simulate;
use tandem_accelerator::{Gemm, Options, Platform, zoo};

use super::Entry;
use crate::error::Error;

/// Each measurement goes on for this long, s.
const SECONDS: f64 = 1.0;
/// Platform of all measurements.
const PLATFORM: &str = "fpga";
/// Network of the event core and of the whole simulation, 512x1024.
const NETWORK: &str = "dilatedvgg-fov";

/// One thing that is measured.
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// What is counted.
    pub about: &'static str,
    measure: fn() -> Result<Entry, Error>,
}

/// All measurements.
pub const CASES: [Case; 4] = [
    Case {
        name: "layer_evaluations",
        about: "layers of all built-in networks on a systolic array, closed form",
        measure: || closed_form("layer_evaluations", PLATFORM, None),
    },
    Case {
        name: "layer_evaluations_loopnest",
        about: "the same layers as tiled loop nests on a Gemmini-like array",
        measure: || closed_form("layer_evaluations_loopnest", "gemmini", Some(16)),
    },
    Case {
        name: "tasks",
        about: "tasks of DilatedVGG at 512x1024 through the event core",
        measure: tasks,
    },
    Case {
        name: "dilatedvgg_512x1024",
        about: "DilatedVGG at 512x1024: compiled, simulated, summed up",
        measure: whole,
    },
];

impl Case {
    /// Measures it.
    ///
    /// # Errors
    /// A built-in network or platform that is not right.
    pub fn measure(&self) -> Result<Entry, Error> {
        let mut entry = (self.measure)()?;
        entry.details.insert("about".into(), json!(self.about));
        Ok(entry)
    }
}

fn platform(name: &str) -> Result<Platform, Error> {
    Platform::preset(name).ok_or_else(|| Error::Run(format!("there is no platform {name}")))
}

/// Calls `work`, which does `count` things, until the time is over; things per second of the fastest call, since other
/// programs only ever make a call slower.
fn rate(count: usize, mut work: impl FnMut() -> Result<(), Error>) -> Result<f64, Error> {
    let start = Instant::now();
    let mut fastest = f64::INFINITY;
    while start.elapsed().as_secs_f64() < SECONDS {
        let call = Instant::now();
        work()?;
        fastest = fastest.min(call.elapsed().as_secs_f64());
    }
    Ok(count as f64 / fastest)
}

fn closed_form(name: &str, on: &str, side: Option<u64>) -> Result<Entry, Error> {
    let mut platform = platform(on)?;
    if let Some(side) = side {
        platform.engine.model = tandem_accelerator::platform::EngineModel::LoopNest { side };
    }
    let costs: Box<dyn CostModel> = platform.engine.model.cost_model();
    let networks = zoo::NETWORKS.iter().map(zoo::Entry::build);
    let layers = networks.flat_map(|network| network.layers);
    let gemms: Vec<Gemm> = layers
        .filter_map(|layer| layer.op.gemm().ok().flatten())
        .map(|(_, gemm)| gemm)
        .collect();
    let mut cycles = 0_u64;
    let value = rate(gemms.len(), || {
        for gemm in &gemms {
            let cost = costs.tile(std::hint::black_box(gemm));
            let cost = cost.map_err(|error| Error::Run(error.to_string()))?;
            cycles = cycles.wrapping_add(cost.cycles);
        }
        Ok(())
    })?;
    std::hint::black_box(cycles);
    let mut entry = Entry::new(name, value, "layers/s");
    entry.details.insert("layers".into(), json!(gemms.len()));
    Ok(entry)
}

fn tasks() -> Result<Entry, Error> {
    let network = zoo::named(NETWORK).ok_or_else(|| Error::Run(format!("there is no {NETWORK}")))?;
    let compiled = simulate(&platform(PLATFORM)?, &network, &Options::default())?.compiled;
    let count = compiled.graph.tasks().len();
    let value = rate(count, || {
        event::run(&compiled.graph, &compiled.resources)
            .map(drop)
            .map_err(|error| Error::Run(error.to_string()))
    })?;
    let mut entry = Entry::new("tasks", value, "tasks/s");
    entry.details.insert("tasks".into(), json!(count));
    Ok(entry)
}

fn whole() -> Result<Entry, Error> {
    let network = zoo::named(NETWORK).ok_or_else(|| Error::Run(format!("there is no {NETWORK}")))?;
    let platform = platform(PLATFORM)?;
    let per_second = rate(1, || {
        simulate(&platform, &network, &Options::default())?;
        Ok(())
    })?;
    Ok(Entry::new("dilatedvgg_512x1024", 1.0 / per_second, "s"))
}
