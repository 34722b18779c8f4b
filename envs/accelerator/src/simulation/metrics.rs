//! What a run comes to, as a whole and layer by layer.
//!
//! The time of a run is shared out along its critical path: the chain of tasks, each of which was let start by the end
//! of the one before. Every moment belongs to one task, so to one layer and to one part of the platform, and the
//! times of all layers add up to the whole.
//!
//! What runs beside the critical path, as weights do that come ahead of their layer, takes time all the same: a layer is
//! given at least the time that its products take at the engines' peak and its bytes at the full bandwidth, and the layers
//! before it, behind whose work that was hidden, are given so much less. Only where more is hidden than there is time to
//! hide it behind do the times add up to more than the whole.

use super::Limits;
use crate::compile::{Compiled, Energy};
use crate::event::{NO_TASK, Schedule};
use crate::gemm::{TooLarge, sum};
use crate::platform::{Area, Platform};
use crate::task::{Kind, Task};
use crate::technology::leakage_w;

/// A part of a platform that time is spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The engines.
    Compute,
    /// The memory's bandwidth.
    Memory,
    /// The bus.
    Bus,
    /// Set-up, latency and outstanding bursts of the DMA channels.
    Dma,
    /// The control processor.
    Dispatch,
}

impl Bound {
    /// All parts.
    pub const ALL: [Self; 5] = [Self::Compute, Self::Memory, Self::Bus, Self::Dma, Self::Dispatch];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Compute => "compute",
            Self::Memory => "memory",
            Self::Bus => "bus",
            Self::Dma => "dma",
            Self::Dispatch => "dispatch",
        }
    }
}

/// Time on the critical path by part, ps, in the order of [`Bound::ALL`].
type Shares = [u64; Bound::ALL.len()];

/// The largest of the shares; the first of equal ones.
fn largest(shares: &Shares) -> Bound {
    let mut largest = 0;
    for at in 1..shares.len() {
        if shares[at] > shares[largest] {
            largest = at;
        }
    }
    Bound::ALL[largest]
}

/// One layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerMetrics {
    /// Its share of the run's time, ps: on the critical path, and no less than its products and bytes take.
    pub picoseconds: u64,
    /// The same in cycles.
    pub cycles: u64,
    /// When its first task starts, ps.
    pub start_ps: u64,
    /// When its last task ends, ps.
    pub end_ps: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes from and to memory.
    pub bytes: u64,
    /// Tasks.
    pub tasks: u64,
    /// Energy, J.
    pub energy: Energy,
    /// What most of its time is spent on.
    pub bound: Bound,
    /// Its time by part, ps, in the order of [`Bound::ALL`].
    pub shares: [u64; 5],
    /// Time that the engines are busy with it, all together, ps.
    pub engine_ps: u64,
    /// Multiply-accumulates done, of those that the engines could have done in its time.
    pub utilisation: f64,
}

/// Share of the run that parts are busy.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Busy {
    /// Engines, on average.
    pub engines: f64,
    /// DMA channels, on average.
    pub channels: f64,
    /// Bytes moved, of those that could have been.
    pub bandwidth: f64,
    /// The control processor.
    pub control: f64,
}

/// A limit that is exceeded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Violation {
    /// What it limits, with its unit, like `area_mm2`.
    pub constraint: &'static str,
    /// What it is.
    pub value: f64,
    /// What it may be.
    pub limit: f64,
}

/// A run.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// Time, ps.
    pub picoseconds: u64,
    /// Time, s.
    pub seconds: f64,
    /// Time in cycles of the platform's clock.
    pub cycles: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes from and to memory.
    pub bytes: u64,
    /// Energy, J.
    pub energy_j: f64,
    /// Where it goes.
    pub energy: Energy,
    /// Mean power, W.
    pub power_w: f64,
    /// Area, mm².
    pub area_mm2: f64,
    /// What takes it.
    pub area: Area,
    /// Multiply-accumulates done, of those that the engines could have done.
    pub utilisation: f64,
    /// What most of the time is spent on.
    pub bottleneck: Bound,
    /// Time by part, ps, in the order of [`Bound::ALL`].
    pub shares: [u64; 5],
    /// How busy the parts are.
    pub busy: Busy,
    /// The layers.
    pub layers: Vec<LayerMetrics>,
    /// Limits that are exceeded.
    pub violations: Vec<Violation>,
}

impl Metrics {
    pub(super) fn new(
        platform: &Platform,
        compiled: &Compiled,
        schedule: &Schedule,
        limits: &Limits,
    ) -> Result<Self, TooLarge> {
        let mut layers = on_the_path(platform, compiled, schedule);
        let mut shares = [0; 5];
        for layer in &layers {
            for (all, own) in shares.iter_mut().zip(layer.shares) {
                *all += own;
            }
        }
        within_bounds(platform, compiled, &mut layers);
        let picoseconds = schedule.makespan();
        let seconds = 1e-12 * picoseconds as f64;
        let area = platform.area();
        let leakage = leakage_w(area.total(), platform.clock_mhz);
        let mut energy = Energy::default();
        let mut before = 0;
        for layer in &mut layers {
            let end = before + layer.picoseconds;
            layer.cycles = platform.cycles(end) - platform.cycles(before);
            before = end;
            let own_seconds = 1e-12 * layer.picoseconds as f64;
            layer.energy.leakage = leakage * own_seconds;
            layer.utilisation = share(layer.macs as f64, platform.peak() * own_seconds);
            energy.add(&layer.energy);
        }
        let macs = sum("multiply-accumulates", layers.iter().map(|layer| layer.macs))?;
        let mut metrics = Self {
            picoseconds,
            seconds,
            cycles: platform.cycles(picoseconds),
            macs,
            bytes: sum("bytes", layers.iter().map(|layer| layer.bytes))?,
            energy_j: energy.total(),
            energy,
            power_w: share(energy.total(), seconds),
            area_mm2: area.total(),
            area,
            utilisation: share(macs as f64, platform.peak() * seconds),
            bottleneck: largest(&shares),
            shares,
            busy: busy(platform, compiled, schedule),
            layers,
            violations: Vec::new(),
        };
        metrics.judge(limits);
        Ok(metrics)
    }

    fn judge(&mut self, limits: &Limits) {
        let constraints = [
            ("area_mm2", self.area_mm2, limits.area_mm2),
            ("power_w", self.power_w, limits.power_w),
        ];
        for (constraint, value, limit) in constraints {
            if let Some(limit) = limit
                && value > limit
            {
                self.violations.push(Violation {
                    constraint,
                    value,
                    limit,
                });
            }
        }
    }

    /// Whether no limit is exceeded.
    pub fn feasible(&self) -> bool {
        self.violations.is_empty()
    }
}

/// A ratio; 0 of nothing.
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// The layers with their times on the critical path.
fn on_the_path(platform: &Platform, compiled: &Compiled, schedule: &Schedule) -> Vec<LayerMetrics> {
    let mut layers: Vec<LayerMetrics> = compiled
        .layers
        .iter()
        .map(|needs| LayerMetrics {
            picoseconds: 0,
            cycles: 0,
            start_ps: u64::MAX,
            end_ps: schedule.ends[needs.end as usize],
            macs: needs.macs,
            bytes: needs.bytes_read.saturating_add(needs.bytes_written),
            tasks: needs.tasks,
            energy: needs.energy,
            bound: Bound::Compute,
            shares: [0; 5],
            engine_ps: 0,
            utilisation: 0.0,
        })
        .collect();
    let tasks = compiled.graph.tasks();
    for (at, task) in tasks.iter().enumerate() {
        let layer = &mut layers[task.layer as usize];
        layer.start_ps = layer.start_ps.min(schedule.starts[at]);
        if task.kind == Kind::Compute {
            layer.engine_ps += schedule.ends[at] - schedule.starts[at];
        }
    }
    for task in schedule.critical_path() {
        let at = task as usize;
        let blocker = schedule.blockers[at];
        let before = if blocker == NO_TASK {
            0
        } else {
            schedule.ends[blocker as usize]
        };
        let layer = &mut layers[tasks[at].layer as usize];
        let span = schedule.ends[at] - schedule.starts[at];
        let mut shares = split(platform, &tasks[at], span);
        shares[Bound::Dispatch as usize] = schedule.starts[at] - before;
        for (all, own) in layer.shares.iter_mut().zip(shares) {
            *all += own;
        }
    }
    for layer in &mut layers {
        layer.picoseconds = layer.shares.iter().sum();
        layer.bound = largest(&layer.shares);
    }
    layers
}

/// Gives each layer at least the time that its products and its bytes take, at the cost of the layers that hid them:
/// those before it, the nearest first, otherwise those after it.
fn within_bounds(platform: &Platform, compiled: &Compiled, layers: &mut [LayerMetrics]) {
    let mut bytes = vec![0_u64; layers.len()];
    for task in compiled.graph.tasks() {
        bytes[task.layer as usize] += task.bytes;
    }
    let rates = platform.rates();
    let least = |layer: &LayerMetrics, bytes: u64| {
        let products = 1e12 * layer.macs as f64 / platform.peak();
        let moving = 1e12 * bytes as f64 / rates.shared() as f64;
        let narrow = if rates.bus < rates.memory {
            Bound::Bus
        } else {
            Bound::Memory
        };
        match products >= moving {
            true => (products.ceil() as u64, Bound::Compute),
            false => (moving.ceil() as u64, narrow),
        }
    };
    let bounds: Vec<(u64, Bound)> = layers
        .iter()
        .zip(bytes)
        .map(|(layer, bytes)| least(layer, bytes))
        .collect();
    let mut lacking = Vec::new();
    for (layer, &(least, bound)) in layers.iter_mut().zip(&bounds) {
        let lack = least.saturating_sub(layer.picoseconds);
        layer.shares[bound as usize] += lack;
        layer.picoseconds += lack;
        lacking.push(lack);
    }
    let mut take = |order: &mut dyn Iterator<Item = usize>| {
        let mut donors: Vec<usize> = Vec::new();
        for at in order {
            while lacking[at] > 0
                && let Some(&donor) = donors.last()
            {
                let spare = layers[donor].picoseconds - bounds[donor].0;
                let taken = spare.min(lacking[at]);
                shorten(&mut layers[donor], taken);
                lacking[at] -= taken;
                if taken == spare {
                    donors.pop();
                }
            }
            if layers[at].picoseconds > bounds[at].0 {
                donors.push(at);
            }
        }
    };
    let count = bounds.len();
    take(&mut (0..count));
    take(&mut (0..count).rev());
    for layer in layers {
        layer.bound = largest(&layer.shares);
    }
}

/// Takes time from a layer, from all of its parts alike.
fn shorten(layer: &mut LayerMetrics, by: u64) {
    let before = layer.picoseconds;
    layer.picoseconds -= by;
    if before == 0 {
        return;
    }
    let mut left = layer.picoseconds;
    for share in &mut layer.shares {
        let scaled = u128::from(*share) * u128::from(layer.picoseconds) / u128::from(before);
        *share = u64::try_from(scaled).unwrap_or(u64::MAX).min(left);
        left -= *share;
    }
    layer.shares[largest(&layer.shares) as usize] += left; // what rounding leaves
}

/// The time of a task by part of the platform.
fn split(platform: &Platform, task: &Task, span: u64) -> Shares {
    let mut shares = [0; 5];
    if !task.kind.is_transfer() {
        shares[Bound::Compute as usize] = span;
        return shares;
    }
    let rates = platform.rates();
    let moving = span.saturating_sub(task.fixed_ps);
    let at_rate = |rate: u64| 1e12 * task.bytes as f64 / rate as f64;
    // what a channel's outstanding bursts cost against the full bandwidth
    let slow = (at_rate(platform.transfer_rate()) - at_rate(rates.shared())).max(0.0) as u64;
    let slow = slow.min(moving);
    shares[Bound::Dma as usize] = span - moving + slow;
    let narrow = if rates.bus < rates.memory {
        Bound::Bus
    } else {
        Bound::Memory
    };
    shares[narrow as usize] = moving - slow;
    shares
}

fn busy(platform: &Platform, compiled: &Compiled, schedule: &Schedule) -> Busy {
    let span = schedule.makespan() as f64;
    let (mut engines, mut channels, mut bytes, mut dispatched) = (0.0, 0.0, 0.0, 0_u64);
    for (at, task) in compiled.graph.tasks().iter().enumerate() {
        let time = (schedule.ends[at] - schedule.starts[at]) as f64;
        dispatched += u64::from(task.kind != Kind::Sync);
        match task.kind {
            Kind::Compute => engines += time,
            kind if kind.is_transfer() => {
                channels += time;
                bytes += task.bytes as f64;
            }
            _ => {}
        }
    }
    let resources = &compiled.resources;
    Busy {
        engines: share(engines, span * f64::from(platform.engine.count)),
        channels: share(channels, span * f64::from(platform.dma.channels)),
        bandwidth: share(bytes, 1e-12 * span * resources.bandwidth as f64),
        control: share(dispatched as f64 * resources.dispatch_ps as f64, span),
    }
}
