//! The trace file by the rules of the trace event format (JSON object form), as the importers of Chrome and Perfetto apply
//! them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

/// Rows of complete events: start and end in ns, as Perfetto stores them, and name.
type Rows = BTreeMap<u64, Vec<(i64, i64, String)>>;

fn trace(platform: &Platform, network: &Network) -> (Value, Simulation) {
    let run = simulate(platform, network, &Options::default()).unwrap();
    let mut bytes = Vec::new();
    write_trace(&mut bytes, platform, &run).unwrap();
    (serde_json::from_slice(&bytes).unwrap(), run)
}

/// Complete events by row; holds each event to the format.
fn rows(document: &Value) -> Rows {
    assert!(["ms", "ns"].contains(&document["displayTimeUnit"].as_str().unwrap()));
    let (mut rows, mut names) = (Rows::new(), BTreeMap::new());
    for event in document["traceEvents"].as_array().unwrap() {
        assert_eq!(event["pid"], 1, "{event}");
        let args = event["args"].as_object().unwrap();
        let name = event["name"].as_str().unwrap();
        match event["ph"].as_str().unwrap() {
            "M" => match name {
                "process_name" => assert!(args["name"].is_string()),
                "thread_name" => {
                    let name = args["name"].as_str().unwrap().to_owned();
                    let twice = names.insert(event["tid"].as_u64().unwrap(), name);
                    assert_eq!(twice, None, "{event}");
                }
                "thread_sort_index" => assert!(args["sort_index"].is_u64()),
                other => panic!("there is no metadata `{other}`"),
            },
            "X" => {
                assert!(!name.is_empty() && event["cat"].is_string(), "{event}");
                let nanoseconds = |key: &str| {
                    let time = event[key].as_f64().unwrap();
                    assert!(time.is_finite() && time >= 0.0, "{event}");
                    time * 1e3
                };
                let (start, length) = (nanoseconds("ts"), nanoseconds("dur"));
                let row = rows.entry(event["tid"].as_u64().unwrap()).or_default();
                let (start, length) = (start as i64, length as i64); // cut, as Perfetto does
                row.push((start, start + length, name.to_owned()));
            }
            other => panic!("there is no phase `{other}` here"),
        }
    }
    let named = rows.keys().all(|row| names.contains_key(row));
    assert!(named, "every row has a name: {names:?}");
    rows
}

#[test]
fn the_trace_keeps_the_format_and_its_rows_hold_one_event_at_a_time() {
    let mut engines = preset("fpga");
    engines.engine.count = 3;
    engines.dma.channels = 3;
    for (platform, name) in [
        (preset("gemmini"), "resnet18"),
        (preset("fpga"), "unet"),
        (engines, "mobilenetv2"),
    ] {
        let (document, run) = trace(&platform, &zoo::named(name).unwrap());
        let mut last = 0;
        let mut events = 0;
        for (row, mut slices) in rows(&document) {
            slices.sort();
            for pair in slices.windows(2) {
                // slices of a thread must nest or be apart; ours are apart
                assert!(pair[0].1 <= pair[1].0, "row {row}: {pair:?}");
            }
            events += slices.len();
            last = last.max(slices.iter().map(|slice| slice.1).max().unwrap());
        }
        let end = (run.metrics.picoseconds / 1000) as i64;
        assert!((last - end).abs() <= 1, "{last} {end}");
        // every task but the ends of layers has its own slice and one of the control processor
        let tasks = run.compiled.graph.tasks();
        let real = tasks.iter().filter(|task| task.kind != Kind::Sync).count();
        assert_eq!(events, 2 * real + run.network.layers.len());
    }
}

#[test]
fn names_of_layers_are_escaped() {
    let mut network = net(vec![Op::Conv(Conv::same(8, 8, [8, 8], 3))]);
    network.layers[0].name = "a \"quoted\\ one\n\u{1}é".into();
    let (document, run) = trace(&preset("fpga"), &network);
    let events = document["traceEvents"].as_array().unwrap();
    let names = events.iter().map(|event| &event["name"]);
    let own = run.network.layers[0].name.as_str();
    assert!(names.into_iter().any(|name| name == own));
    rows(&document);
}

#[test]
fn the_trace_is_json_with_all_tasks_and_the_same_bytes_every_time() {
    let platform = preset("fpga");
    let network = zoo::named("resnet18").unwrap();
    let trace = || {
        let run = simulate(&platform, &network, &Options::default()).unwrap();
        let mut bytes = Vec::new();
        write_trace(&mut bytes, &platform, &run).unwrap();
        (run, bytes)
    };
    let (run, bytes) = trace();
    assert!(bytes == trace().1);
    let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let events = document["traceEvents"].as_array().unwrap();
    let tasks = run.compiled.graph.tasks().iter().filter(|task| task.kind != Kind::Sync);
    let spans: Vec<_> = events.iter().filter(|event| event["ph"] == "X").collect();
    // every task and its dispatch, and a span per layer
    assert_eq!(spans.len(), 2 * tasks.count() + run.network.layers.len());
    let bytes: u64 = spans
        .iter()
        .filter(|e| e["args"]["task"].is_u64())
        .filter_map(|e| e["args"]["bytes"].as_u64())
        .sum();
    assert_eq!(bytes, run.metrics.bytes);
    let names: Vec<&str> = events
        .iter()
        .filter(|e| e["name"] == "thread_name")
        .filter_map(|e| e["args"]["name"].as_str())
        .collect();
    assert_eq!(names, ["engine 0", "dma 0", "dma 1", "on chip", "control", "layers"]);
}
