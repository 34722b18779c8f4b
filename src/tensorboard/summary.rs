//! The messages of an event file. Field numbers are those of TensorFlow's `event.proto`, `summary.proto` and
//! `tensor.proto`, and of TensorBoard's `hparams/api.proto` and `hparams/plugin_data.proto`.

use std::io;

use serde_json::Value;

use super::wire::Message;

const EVENT_TIME: u32 = 1;
pub(super) const EVENT_STEP: u32 = 2;
pub(super) const EVENT_VERSION: u32 = 3;
pub(super) const EVENT_SUMMARY: u32 = 5;
const EVENT_SESSION: u32 = 7;

const TYPE_FLOAT: u64 = 1;
const TYPE_STRING: u64 = 7;

/// Number of equal buckets of a histogram: what TensorBoard's own writer uses.
const BUCKETS: usize = 30;

/// An event without content.
pub(super) fn event(time: f64, step: u64) -> Message {
    Message::new()
        .double(EVENT_TIME, time)
        .number(EVENT_STEP, step)
}

/// "The program starts again at `step`": readers drop what they know from there on.
pub(super) fn restart(time: f64, step: u64) -> Message {
    event(time, step).message(EVENT_SESSION, &Message::new().number(1, 1))
}

/// Wraps the single value of a summary.
fn summary(value: &Message) -> Message {
    Message::new().message(1, value)
}

fn tagged(tag: &str) -> Message {
    Message::new().text(1, tag)
}

/// The metadata that routes a value to one of TensorBoard's pages.
fn page(plugin: &str, content: &[u8]) -> Message {
    Message::new().message(1, &Message::new().text(1, plugin).blob(2, content))
}

pub(super) fn scalar(tag: &str, value: f64) -> Message {
    summary(&tagged(tag).float(2, value as f32))
}

/// Counts in equal buckets between the smallest and the largest value.
pub(super) fn histogram(tag: &str, values: &[f64]) -> Message {
    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let fold = |f: fn(f64, f64) -> f64| finite.iter().copied().reduce(f).unwrap_or(0.0);
    let (low, high) = (fold(f64::min), fold(f64::max));
    // Halves keep the width finite for values near the largest double; equal values get one narrow bucket.
    let half = (high / 2.0 - low / 2.0).max(f64::MIN_POSITIVE.max(low.abs() * 1e-9));
    let mut counts = vec![0.0; BUCKETS];
    for value in &finite {
        let place = (value / 2.0 - low / 2.0) / half * BUCKETS as f64;
        counts[(place as usize).min(BUCKETS - 1)] += 1.0;
    }
    let mut limits: Vec<f64> = (1..=BUCKETS)
        .map(|n| 2.0 * (low / 2.0 + half * (n as f64 / BUCKETS as f64)))
        .collect();
    limits[BUCKETS - 1] = limits[BUCKETS - 1].max(high);
    let histogram = Message::new()
        .double(1, low)
        .double(2, high)
        .double(3, finite.len() as f64)
        .double(4, finite.iter().sum())
        .double(5, finite.iter().map(|v| v * v).sum())
        .doubles(6, &limits)
        .doubles(7, &counts);
    summary(&tagged(tag).message(5, &histogram))
}

pub(super) fn image(tag: &str, width: u32, height: u32, rgb: &[u8]) -> io::Result<Message> {
    let wrong = |reason: String| io::Error::new(io::ErrorKind::InvalidInput, reason);
    let pixels = width as usize * height as usize;
    if rgb.len() != 3 * pixels {
        let reason = format!(
            "image {tag}: {} bytes for {width} x {height} RGB",
            rgb.len()
        );
        return Err(wrong(reason));
    }
    let mut map = tiny_skia::Pixmap::new(width, height)
        .ok_or_else(|| wrong(format!("image {tag}: {width} x {height} pixels")))?;
    for (to, from) in map.data_mut().chunks_exact_mut(4).zip(rgb.chunks_exact(3)) {
        to.copy_from_slice(&[from[0], from[1], from[2], 255]);
    }
    let png = map.encode_png().map_err(|error| wrong(error.to_string()))?;
    let image = Message::new()
        .number(1, u64::from(height))
        .number(2, u64::from(width))
        .number(3, 3)
        .blob(4, &png);
    Ok(summary(&tagged(tag).message(4, &image)))
}

pub(super) fn text(tag: &str, markdown: &str) -> Message {
    let one = Message::new().message(2, &Message::new().number(1, 1));
    let tensor = Message::new()
        .number(1, TYPE_STRING)
        .message(2, &one)
        .text(8, markdown);
    summary(
        &tagged(tag)
            .message(8, &tensor)
            .message(9, &page("text", &[])),
    )
}

/// A message of the page HPARAMS; it travels in the metadata of an empty tensor.
fn hparams(tag: &str, field: u32, content: &Message) -> Message {
    let content = Message::new().message(field, content);
    let empty = Message::new()
        .number(1, TYPE_FLOAT)
        .message(2, &Message::new());
    summary(
        &tagged(tag)
            .message(8, &empty)
            .message(9, &page("hparams", content.bytes())),
    )
}

/// Which settings and figures the page has columns for.
pub(super) fn experiment(values: &[(String, Value)], metrics: &[&str]) -> Message {
    let mut experiment = Message::new();
    for (name, value) in values {
        let kind = match value {
            Value::Bool(_) => 2,
            Value::Number(_) => 3,
            _ => 1,
        };
        experiment = experiment.message(4, &Message::new().text(1, name).number(4, kind));
    }
    for metric in metrics {
        let name = Message::new().text(2, metric);
        experiment = experiment.message(5, &Message::new().message(1, &name));
    }
    hparams("_hparams_/experiment", 2, &experiment)
}

/// The settings of this run.
pub(super) fn session_start(values: &[(String, Value)], time: f64) -> Message {
    let mut start = Message::new();
    for (key, value) in values {
        let value = match value {
            Value::Bool(flag) => Message::new().number(4, u64::from(*flag)),
            Value::Number(number) => Message::new().double(2, number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Message::new().text(3, text),
            other => Message::new().text(3, &other.to_string()),
        };
        start = start.message(1, &Message::new().text(1, key).message(2, &value));
    }
    let start = start.double(5, time);
    hparams("_hparams_/session_start_info", 3, &start)
}

/// "The run has finished."
pub(super) fn session_end(time: f64) -> Message {
    let end = Message::new().number(1, 1).double(2, time);
    hparams("_hparams_/session_end_info", 4, &end)
}
