//! The trace of a run, in the format of Chrome's and Perfetto's viewers: one row per engine, DMA channel and so on.

use std::io::{self, Write};

use super::Simulation;
use crate::event::{NO_TASK, Wait};
use crate::platform::Platform;
use crate::task::{Kind, TaskId};

/// What a task waited for last, in words.
pub fn stall_cause(simulation: &Simulation, task: TaskId) -> &'static str {
    let at = task as usize;
    let tasks = simulation.compiled.graph.tasks();
    let blocker = simulation.schedule.blockers[at];
    match simulation.schedule.waits[at] {
        Wait::Nothing => "nothing",
        Wait::Pool => "room in the buffer",
        Wait::Control => "the control processor",
        Wait::Resource if tasks[at].kind.is_transfer() => "a DMA channel",
        Wait::Resource => "the engine",
        Wait::Predecessor if blocker == NO_TASK => "nothing",
        Wait::Predecessor => match tasks[blocker as usize].kind {
            Kind::LoadInput => "inputs from memory",
            Kind::LoadWeight => "weights from memory",
            Kind::LoadSum => "partial sums from memory",
            Kind::Compute => "a computation",
            Kind::Store => "a store",
            Kind::Move => "outputs on the chip",
            Kind::Sync => "the layers before",
        },
    }
}

/// Writes a trace (JSON, trace event format: complete events, times in µs of simulated time, to the picosecond; starts
/// carry half a picosecond more, so that viewers that cut to nanoseconds cut no whole one off).
///
/// # Errors
/// A writer that fails.
pub fn write_trace(out: &mut impl Write, platform: &Platform, simulation: &Simulation) -> io::Result<()> {
    let names: Vec<String> = simulation
        .network
        .layers
        .iter()
        .map(|layer| json_text(&layer.name))
        .collect::<io::Result<_>>()?;
    write!(out, "{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
    write_rows(out, platform, simulation)?;
    write_layers(out, simulation, &names)?;
    let rows = Rows::of(platform);
    let schedule = &simulation.schedule;
    let tasks = simulation.compiled.graph.tasks();
    let mut order: Vec<TaskId> = (0..tasks.len() as TaskId).collect();
    order.sort_by_key(|&task| (schedule.starts[task as usize], task));
    let mut free = vec![0_u64; rows.count()];
    for id in order {
        let at = id as usize;
        let task = &tasks[at];
        if task.kind == Kind::Sync {
            continue;
        }
        let row = rows.first(task.resource) + usize::from(schedule.lanes[at]);
        let (start, end) = (schedule.starts[at], schedule.ends[at]);
        let idle = start - std::mem::replace(&mut free[row], end);
        write!(
            out,
            ",\n{{\"name\":{layer},\"cat\":\"{kind}\",\"ph\":\"X\",\"pid\":1,\"tid\":{row},\"ts\":{}5,\"dur\":{},\
             \"args\":{{\"task\":{id},\"kind\":\"{kind}\",\"layer\":{layer},\"bytes\":{},\"macs\":{},\
             \"stall_us\":{},\"stall_cause\":\"{}\"}}}}",
            Microseconds(start),
            Microseconds(end - start),
            task.bytes,
            task.macs,
            Microseconds(idle),
            stall_cause(simulation, id),
            layer = names[task.layer as usize],
            kind = task.kind.name(),
        )?;
    }
    write_dispatches(out, simulation, rows.control(), &names)?;
    writeln!(out, "]}}")
}

/// Rows of the trace: engines, DMA channels, the way on the chip, the control processor, layers.
struct Rows {
    engines: usize,
    channels: usize,
}

impl Rows {
    fn of(platform: &Platform) -> Self {
        Self {
            engines: usize::from(platform.engine.count),
            channels: usize::from(platform.dma.channels),
        }
    }

    /// The row of a resource's first lane.
    fn first(&self, resource: u16) -> usize {
        let resource = usize::from(resource);
        match resource > self.engines {
            true => resource - 1 + self.channels,
            false => resource,
        }
    }

    fn control(&self) -> usize {
        self.engines + self.channels + 1
    }

    fn count(&self) -> usize {
        self.control() + 1
    }

    fn name(&self, row: usize) -> String {
        match row {
            row if row < self.engines => format!("engine {row}"),
            row if row < self.engines + self.channels => format!("dma {}", row - self.engines),
            row if row < self.control() => "on chip".into(),
            row if row == self.control() => "control".into(),
            _ => "layers".into(),
        }
    }
}

fn write_rows(out: &mut impl Write, platform: &Platform, simulation: &Simulation) -> io::Result<()> {
    let process = json_text(&format!("{} on {}", simulation.network.name, platform.name))?;
    write!(
        out,
        "{{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"args\":{{\"name\":{process}}}}}"
    )?;
    let rows = Rows::of(platform);
    for row in 0..=rows.count() {
        write!(
            out,
            ",\n{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":{row},\"args\":{{\"name\":\"{}\"}}}},\
             \n{{\"name\":\"thread_sort_index\",\"ph\":\"M\",\"pid\":1,\"tid\":{row},\"args\":{{\"sort_index\":{row}}}}}",
            rows.name(row)
        )?;
    }
    Ok(())
}

/// Layers from the end of the one before to their own, on a row of their own.
fn write_layers(out: &mut impl Write, simulation: &Simulation, names: &[String]) -> io::Result<()> {
    let mut layers: Vec<usize> = (0..names.len()).collect();
    let metrics = &simulation.metrics.layers;
    layers.sort_by_key(|&at| (metrics[at].end_ps, at));
    let mut before = 0;
    let row = simulation
        .compiled
        .resources
        .lanes
        .iter()
        .map(|&lanes| usize::from(lanes))
        .sum::<usize>()
        + 1;
    for at in layers {
        let layer = &metrics[at];
        write!(
            out,
            ",\n{{\"name\":{},\"cat\":\"layer\",\"ph\":\"X\",\"pid\":1,\"tid\":{row},\"ts\":{}5,\"dur\":{},\
             \"args\":{{\"bound\":\"{}\",\"macs\":{},\"bytes\":{}}}}}",
            names[at],
            Microseconds(before),
            Microseconds(layer.end_ps - before),
            layer.bound.name(),
            layer.macs,
            layer.bytes,
        )?;
        before = layer.end_ps;
    }
    Ok(())
}

/// When the control processor starts which task.
fn write_dispatches(out: &mut impl Write, simulation: &Simulation, row: usize, names: &[String]) -> io::Result<()> {
    let dispatch = simulation.compiled.resources.dispatch_ps;
    let tasks = simulation.compiled.graph.tasks();
    let mut order: Vec<usize> = (0..simulation.schedule.dispatched.len())
        .filter(|&at| tasks[at].kind != Kind::Sync)
        .collect();
    order.sort_by_key(|&at| simulation.schedule.dispatched[at]);
    for at in order {
        let end = simulation.schedule.dispatched[at];
        write!(
            out,
            ",\n{{\"name\":{layer},\"cat\":\"dispatch\",\"ph\":\"X\",\"pid\":1,\"tid\":{row},\"ts\":{}5,\"dur\":{},\
             \"args\":{{\"task\":{at},\"kind\":\"dispatch\",\"layer\":{layer}}}}}",
            Microseconds(end - dispatch),
            Microseconds(dispatch),
            layer = names[tasks[at].layer as usize],
        )?;
    }
    Ok(())
}

fn json_text(text: &str) -> io::Result<String> {
    serde_json::to_string(text).map_err(io::Error::other)
}

/// Picoseconds as a decimal number of µs, exactly.
struct Microseconds(u64);

impl std::fmt::Display for Microseconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}
