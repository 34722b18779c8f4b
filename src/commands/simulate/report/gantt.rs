//! Gantt charts: what each resource does when.

use tandem_accelerator::Platform;
use tandem_accelerator::simulation::{Simulation, stall_cause};
use tandem_accelerator::task::{Kind, TaskId};

use super::svg::{LEFT, Svg, WIDTH, escape, seconds, short};
use crate::plot::step;

/// Height of a row, and of the bar in it.
const ROW: f64 = 28.0;
const BAR: f64 = 20.0;
/// Tasks of the magnified chart.
const CLOSER: usize = 60;

/// Colours of layers in turn.
const LAYERS: [&str; 6] = ["#2f8fd0", "#22a699", "#f29727", "#4f5bd5", "#d35f8d", "#7a9a01"];

fn color(kind: Kind, layer: u32) -> &'static str {
    match kind {
        Kind::Compute => LAYERS[layer as usize % LAYERS.len()],
        Kind::LoadInput => "#56b4e9",
        Kind::LoadWeight => "#009e73",
        Kind::LoadSum => "#e69f00",
        Kind::Store => "#d55e00",
        Kind::Move => "#94a3b8",
        Kind::Sync => "#000",
    }
}

/// A part of the run to draw.
#[derive(Clone, Copy)]
struct Window {
    start: u64,
    end: u64,
}

impl Window {
    fn x(self, time: u64) -> f64 {
        let span = (self.end - self.start).max(1) as f64;
        let at = time.clamp(self.start, self.end) - self.start;
        LEFT + (WIDTH - LEFT - 10.0) * at as f64 / span
    }
}

/// The whole run, layers above.
pub fn overview(platform: &Platform, simulation: &Simulation) -> String {
    let window = Window {
        start: 0,
        end: simulation.schedule.makespan(),
    };
    let rows = rows(platform);
    let mut svg = Svg::new(ROW * (rows.len() as f64 + 1.0) + 34.0);
    draw_layers(&mut svg, simulation, window);
    draw_rows(&mut svg, simulation, &rows, window, ROW);
    axis(&mut svg, window, ROW * (rows.len() as f64 + 1.0));
    svg.finish()
}

/// What the magnified chart shows.
pub fn closer_caption(simulation: &Simulation) -> String {
    let Some((layer, _)) = busiest(simulation) else {
        return String::new();
    };
    let name = escape(&simulation.network.layers[layer].name);
    let key = |kind: Kind| {
        format!(
            "<span class=\"key\" style=\"background:{}\"></span>{}",
            color(kind, layer as u32),
            kind.name()
        )
    };
    let kinds = [
        Kind::Compute,
        Kind::LoadInput,
        Kind::LoadWeight,
        Kind::LoadSum,
        Kind::Store,
        Kind::Move,
    ];
    format!(
        "Tasks from the middle of <b>{name}</b>, the layer that takes longest. {}",
        kinds.map(key).concat()
    )
}

/// Some tasks from the middle of the layer that takes longest.
pub fn closer(platform: &Platform, simulation: &Simulation) -> String {
    let Some((_, window)) = busiest(simulation) else {
        return String::new();
    };
    let rows = rows(platform);
    let mut svg = Svg::new(ROW * rows.len() as f64 + 34.0);
    draw_rows(&mut svg, simulation, &rows, window, 0.0);
    axis(&mut svg, window, ROW * rows.len() as f64);
    svg.finish()
}

/// The layer that takes longest, and the time of some tasks in its middle.
fn busiest(simulation: &Simulation) -> Option<(usize, Window)> {
    let layers = simulation.metrics.layers.iter().enumerate();
    let (layer, _) = layers.max_by_key(|(at, layer)| (layer.picoseconds, std::cmp::Reverse(*at)))?;
    let tasks = simulation.compiled.graph.tasks();
    let own: Vec<usize> = (0..tasks.len())
        .filter(|&at| tasks[at].layer as usize == layer && tasks[at].kind != Kind::Sync)
        .collect();
    let first = own.len().saturating_sub(CLOSER) / 2;
    let shown = own.get(first..own.len().min(first + CLOSER))?;
    let start = shown.iter().map(|&at| simulation.schedule.starts[at]).min()?;
    let end = shown.iter().map(|&at| simulation.schedule.ends[at]).max()?;
    Some((layer, Window { start, end }))
}

/// A row: its name, its resource and lane.
struct Row {
    name: String,
    resource: u16,
    lane: u8,
}

fn rows(platform: &Platform) -> Vec<Row> {
    let engines = platform.engine.count;
    let row = |name: String, resource: u16, lane: u8| Row { name, resource, lane };
    let computing = (0..engines).map(|engine| row(format!("engine {engine}"), engine, 0));
    let moving = (0..platform.dma.channels as u8).map(|lane| row(format!("dma {lane}"), engines, lane));
    let kept = [row("on chip".into(), engines + 1, 0)];
    computing.chain(moving).chain(kept).collect()
}

fn draw_layers(svg: &mut Svg, simulation: &Simulation, window: Window) {
    svg.text([LEFT - 8.0, 18.0], "end", "", "layers");
    let metrics = &simulation.metrics.layers;
    let mut order: Vec<usize> = (0..metrics.len()).collect();
    order.sort_by_key(|&at| (metrics[at].end_ps, at));
    let mut before = 0;
    for at in order {
        let end = metrics[at].end_ps;
        let (from, to) = (window.x(before), window.x(end));
        let name = &simulation.network.layers[at].name;
        let title = format!("{name}: {}", seconds(1e-12 * (end - before) as f64));
        svg.rect([from, 4.0], [to - from, BAR], LAYERS[at % LAYERS.len()], &title);
        let fits = ((to - from) / 7.5) as usize;
        if fits >= 4 {
            svg.text([f64::midpoint(from, to), 18.0], "middle", "", &short(name, fits));
        }
        before = end;
    }
}

/// Tasks of all rows; neighbours of the same layer and kind that leave less than half a unit between them are one bar.
fn draw_rows(svg: &mut Svg, simulation: &Simulation, rows: &[Row], window: Window, top: f64) {
    let schedule = &simulation.schedule;
    let tasks = simulation.compiled.graph.tasks();
    for (line, row) in rows.iter().enumerate() {
        let y = top + ROW * line as f64 + 4.0;
        svg.text([LEFT - 8.0, y + 14.0], "end", "", &row.name);
        svg.rect([LEFT, y], [WIDTH - LEFT - 10.0, BAR], "#f1f4f8", "");
        let mut own: Vec<usize> = (0..tasks.len())
            .filter(|&at| {
                let (task, lane) = (&tasks[at], schedule.lanes[at]);
                let here = task.resource == row.resource && lane == row.lane;
                here && task.kind != Kind::Sync && schedule.ends[at] > window.start && schedule.starts[at] < window.end
            })
            .collect();
        own.sort_by_key(|&at| (schedule.starts[at], at));
        let mut bar: Option<Bar> = None;
        for at in own {
            let (from, to) = (window.x(schedule.starts[at]), window.x(schedule.ends[at]));
            match &mut bar {
                Some(open) if open.takes(tasks[at].layer, tasks[at].kind, from) => {
                    open.to = to;
                    open.busy += to - from;
                    open.count += 1;
                }
                _ => {
                    let next = Bar {
                        task: at,
                        layer: tasks[at].layer,
                        kind: tasks[at].kind,
                        from,
                        to,
                        busy: to - from,
                        count: 1,
                    };
                    if let Some(done) = bar.replace(next) {
                        done.draw(svg, simulation, y);
                    }
                }
            }
        }
        if let Some(done) = bar {
            done.draw(svg, simulation, y);
        }
    }
}

/// One or more tasks drawn as one.
struct Bar {
    task: usize,
    layer: u32,
    kind: Kind,
    from: f64,
    to: f64,
    busy: f64,
    count: usize,
}

impl Bar {
    fn takes(&self, layer: u32, kind: Kind, from: f64) -> bool {
        let near = from - self.to < 0.5;
        // short tasks of a layer that alternate between kinds are one bar, too
        let alike = kind == self.kind || self.to - self.from < 1.0;
        near && alike && layer == self.layer
    }

    fn draw(&self, svg: &mut Svg, simulation: &Simulation, y: f64) {
        let name = &simulation.network.layers[self.layer as usize].name;
        let title = if self.count == 1 {
            let task = &simulation.compiled.graph.tasks()[self.task];
            let schedule = &simulation.schedule;
            let span = schedule.ends[self.task] - schedule.starts[self.task];
            format!(
                "{name}: {} {}, {} bytes, {} MACs; waited for {}",
                self.kind.name(),
                seconds(1e-12 * span as f64),
                task.bytes,
                task.macs,
                stall_cause(simulation, self.task as TaskId)
            )
        } else {
            format!("{name}: {} tasks, {}", self.count, self.kind.name())
        };
        // a bar that stands for many is as high as it is full
        let full = match self.count {
            1 => 1.0,
            _ => (self.busy / (self.to - self.from).max(1e-9)).clamp(0.1, 1.0),
        };
        let gap = if self.count == 1 && self.to - self.from > 3.0 {
            0.6
        } else {
            0.0
        };
        let size = [self.to - self.from - gap, BAR * full];
        svg.rect(
            [self.from, y + BAR * (1.0 - full)],
            size,
            color(self.kind, self.layer),
            &title,
        );
    }
}

fn axis(svg: &mut Svg, window: Window, y: f64) {
    let span = 1e-12 * (window.end - window.start) as f64;
    if span <= 0.0 {
        return;
    }
    let step = step(span, 8.0);
    let mut tick = 0.0;
    while tick <= span * (1.0 + 1e-9) {
        let x = window.x(window.start + (1e12 * tick) as u64);
        svg.line([x, 0.0], [x, y + 4.0], "#94a3b855", 1.0);
        svg.text([x, y + 18.0], "middle", "quiet", &label(tick, step));
        tick += step;
    }
}

/// A tick with as many digits as its step needs.
fn label(tick: f64, step: f64) -> String {
    let (factor, unit) = match step {
        s if s >= 0.1 => (1.0, "s"),
        s if s >= 1e-4 => (1e3, "ms"),
        s if s >= 1e-7 => (1e6, "us"),
        _ => (1e9, "ns"),
    };
    let digits = (-(step * factor).log10().floor()).max(0.0) as usize;
    format!("{:.digits$} {unit}", tick * factor)
}
