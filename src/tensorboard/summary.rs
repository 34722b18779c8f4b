//! What is logged, as messages. Scalars, histograms and images are those of `tensorboard_rs::summary`. Texts and
//! hyper-parameters are missing there; they are built here of the messages of `tensorboard_proto`, as
//! TensorBoard's own `plugins/text` and `plugins/hparams` write them.

use std::collections::HashMap;
use std::io;

use protobuf::well_known_types::Value as ProtoValue;
use protobuf::{Message, RepeatedField};
use serde_json::Value;
use tensorboard_proto::api::{DataType as Kind, Experiment, HParamInfo, MetricInfo, Status};
use tensorboard_proto::event::{Event, SessionLog, SessionLog_SessionStatus};
use tensorboard_proto::plugin_hparams::{HParamsPluginData, SessionEndInfo, SessionStartInfo};
use tensorboard_proto::summary::{Summary, Summary_Value, SummaryMetadata, SummaryMetadata_PluginData};
use tensorboard_proto::tensor::TensorProto;
use tensorboard_proto::tensor_shape::{TensorShapeProto, TensorShapeProto_Dim};
use tensorboard_proto::types::DataType;
use tensorboard_rs::summary as ready;

/// Number of equal buckets of a histogram: what TensorBoard's own writer uses.
const BUCKETS: usize = 30;

/// An event without content. `time` is in seconds since 1970.
pub(super) fn event(time: f64, step: u64) -> Event {
    let mut event = Event::new();
    event.set_wall_time(time);
    event.set_step(i64::try_from(step).unwrap_or(i64::MAX));
    event
}

/// The first event of a file.
pub(super) fn version(time: f64) -> Event {
    let mut event = event(time, 0);
    event.set_file_version("brain.Event:2".into());
    event
}

/// "The program starts again at `step`": readers drop what they know from there on.
pub(super) fn restart(time: f64, step: u64) -> Event {
    let mut start = SessionLog::new();
    start.set_status(SessionLog_SessionStatus::START);
    let mut event = event(time, step);
    event.set_session_log(start);
    event
}

pub(super) fn scalar(tag: &str, value: f64) -> Summary {
    ready::scalar(tag, value as f32)
}

/// A figure with its description, which readers take from its first event.
pub(super) fn described(tag: &str, value: f64, about: &str) -> Summary {
    let mut summary = scalar(tag, value);
    let mut metadata = SummaryMetadata::new();
    metadata.set_display_name(tag.into());
    metadata.set_summary_description(about.into());
    for value in summary.mut_value().iter_mut() {
        value.set_metadata(metadata.clone());
    }
    summary
}

/// Counts in equal buckets between the smallest and the largest value.
pub(super) fn histogram(tag: &str, values: &[f64]) -> Summary {
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
    let (count, sum) = (finite.len() as f64, finite.iter().sum());
    let squares = finite.iter().map(|v| v * v).sum();
    ready::histogram_raw(tag, low, high, count, sum, squares, &limits, &counts)
}

pub(super) fn image(tag: &str, width: u32, height: u32, rgb: &[u8]) -> io::Result<Summary> {
    // `tensorboard_rs::summary::image` panics on what is refused here.
    let (columns, rows) = (width as usize, height as usize);
    let bytes = columns.checked_mul(rows).and_then(|n| n.checked_mul(3));
    if rgb.is_empty() || bytes != Some(rgb.len()) {
        let length = rgb.len();
        let reason = format!("image {tag}: {length} bytes for {width} x {height} RGB");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    let mut summary = ready::image(tag, rgb, &[3, columns, rows]);
    // It encodes the picture correctly but enters its width as height and its height as width.
    for value in summary.mut_value().iter_mut() {
        let image = value.mut_image();
        image.set_width(i32::try_from(width).unwrap_or(i32::MAX));
        image.set_height(i32::try_from(height).unwrap_or(i32::MAX));
    }
    Ok(summary)
}

/// A tensor that the page `plugin` understands, with `content` for that page.
fn page(tag: &str, tensor: TensorProto, plugin: &str, content: Vec<u8>) -> Summary {
    let mut data = SummaryMetadata_PluginData::new();
    data.set_plugin_name(plugin.into());
    data.set_content(content);
    let mut metadata = SummaryMetadata::new();
    metadata.set_plugin_data(data);
    let mut value = Summary_Value::new();
    value.set_tag(tag.into());
    value.set_tensor(tensor);
    value.set_metadata(metadata);
    let mut summary = Summary::new();
    summary.set_value(RepeatedField::from_vec(vec![value]));
    summary
}

/// A tensor of shape `[1]` that holds `markdown`.
pub(super) fn text(tag: &str, markdown: &str) -> Summary {
    let mut one = TensorShapeProto_Dim::new();
    one.set_size(1);
    let mut shape = TensorShapeProto::new();
    shape.set_dim(RepeatedField::from_vec(vec![one]));
    let mut tensor = TensorProto::new();
    tensor.set_dtype(DataType::DT_STRING);
    tensor.set_tensor_shape(shape);
    tensor.set_string_val(RepeatedField::from_vec(vec![markdown.as_bytes().to_vec()]));
    page(tag, tensor, "text", Vec::new())
}

/// A message of the page HPARAMS; it travels in the metadata of an empty tensor.
fn hparams(tag: &str, content: &HParamsPluginData) -> io::Result<Summary> {
    let mut empty = TensorProto::new();
    empty.set_dtype(DataType::DT_FLOAT);
    empty.set_tensor_shape(TensorShapeProto::new());
    Ok(page(tag, empty, "hparams", content.write_to_bytes()?))
}

/// Which settings and figures the page has columns for.
pub(super) fn experiment(values: &[(String, Value)], metrics: &[&str]) -> io::Result<Summary> {
    let setting = |(name, value): &(String, Value)| {
        let mut info = HParamInfo::new();
        info.set_name(name.clone());
        info.set_field_type(match value {
            Value::Bool(_) => Kind::DATA_TYPE_BOOL,
            Value::Number(_) => Kind::DATA_TYPE_FLOAT64,
            _ => Kind::DATA_TYPE_STRING,
        });
        info
    };
    let metric = |tag: &&str| {
        let mut info = MetricInfo::new();
        info.mut_name().set_tag((*tag).into());
        info
    };
    let mut experiment = Experiment::new();
    experiment.set_hparam_infos(values.iter().map(setting).collect());
    experiment.set_metric_infos(metrics.iter().map(metric).collect());
    let mut content = HParamsPluginData::new();
    content.set_experiment(experiment);
    hparams("_hparams_/experiment", &content)
}

/// The settings of this run.
pub(super) fn session_start(values: &[(String, Value)], time: f64) -> io::Result<Summary> {
    let setting = |(name, value): &(String, Value)| {
        let mut shown = ProtoValue::new();
        match value {
            Value::Bool(flag) => shown.set_bool_value(*flag),
            Value::Number(number) => shown.set_number_value(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => shown.set_string_value(text.clone()),
            other => shown.set_string_value(other.to_string()),
        }
        (name.clone(), shown)
    };
    let mut start = SessionStartInfo::new();
    // The message demands a map without order; the page sorts its columns by name.
    start.set_hparams(values.iter().map(setting).collect::<HashMap<_, _>>());
    start.set_start_time_secs(time);
    let mut content = HParamsPluginData::new();
    content.set_session_start_info(start);
    hparams("_hparams_/session_start_info", &content)
}

/// The tag of [`session_end`].
pub(super) const SESSION_END: &str = "_hparams_/session_end_info";

/// "The run has finished."
pub(super) fn session_end(time: f64) -> io::Result<Summary> {
    let mut end = SessionEndInfo::new();
    end.set_status(Status::STATUS_SUCCESS);
    end.set_end_time_secs(time);
    let mut content = HParamsPluginData::new();
    content.set_session_end_info(end);
    hparams(SESSION_END, &content)
}
