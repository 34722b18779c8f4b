//! Virtual accelerators as they are typed: networks simulated, models held against reference data, broken files
//! answered in one line.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Said, tandem};

/// Reference data that comes with the project.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("envs/accelerator/testdata")
        .join(name)
}

const TOPOLOGY: &str = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, \
                        Strides,\nconv1, 70, 70, 7, 7, 3, 64, 2,\nfc, 1, 1, 1, 1, 512, 1000, 1,\n";
const CONFIG: &str = "[general]\nrun_name = small\n[architecture_presets]\nArrayHeight: 32\nArrayWidth: 32\n\
                      Dataflow: os\n[run_presets]\nInterfaceBandwidth: CALC\n";

/// `tandem simulate` on these files, with these words behind.
fn simulate(topology: &str, config: &str, words: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("net.csv"), topology).unwrap();
    fs::write(folder.path().join("scale.cfg"), config).unwrap();
    let command = ["simulate", "net.csv", "--platform", "scale.cfg"];
    tandem(folder.path(), &[&command, words].concat())
}

#[test]
fn scale_sims_files_give_its_cycles() {
    let document = simulate(TOPOLOGY, CONFIG, &["--json"]).ended(0).json();
    let cycles = |at: usize| document["layers"][at]["total_cycles"].as_u64();
    // as the tool's version 3.0.0 prints them
    assert_eq!((cycles(0), cycles(1)), (Some(14_629), Some(18_367)));
    assert_eq!(document["cycles"], 14_629 + 18_367);
    let layer = &document["layers"][0];
    for key in ["name", "op", "cycles", "macs", "energy_j", "bound"] {
        assert!(layer.get(key).is_some(), "{key}");
    }
    for key in ["seconds", "energy_j", "area_mm2", "utilisation", "bottleneck"] {
        assert!(document.get(key).is_some(), "{key}");
    }
    let said = simulate(TOPOLOGY, CONFIG, &[]).ended(0);
    assert!(said.out.contains("conv1") && said.out.contains("14629"), "{}", said.out);
}

#[test]
fn stalls_are_left_out_with_a_word() {
    let user = CONFIG.replace("CALC", "USER");
    simulate(TOPOLOGY, &user, &[])
        .ended(0)
        .saying(&["without memory stalls"]);
    let document = simulate(TOPOLOGY, &user, &["--json"]).ended(0).json();
    assert_eq!(document["notes"].as_array().unwrap().len(), 1);
}

#[test]
fn broken_files_get_one_line_and_exit_code_2() {
    for (topology, config, word) in [
        (
            TOPOLOGY.replace("7, 7, 3", "7, 99, 3"),
            CONFIG.into(),
            "net.csv:2: kernel width 99",
        ),
        (
            TOPOLOGY.replace("64, 2", "64"),
            CONFIG.into(),
            "net.csv:2: stride must be",
        ),
        (String::new(), CONFIG.into(), "no layers"),
        (
            TOPOLOGY.into(),
            CONFIG.replace("ArrayHeight: 32", ""),
            "`ArrayHeight` is missing",
        ),
        (
            TOPOLOGY.into(),
            "{\"side\": 16}".into(),
            "scale.cfg:1: expected a section",
        ),
    ] {
        let said = simulate(&topology, &config, &[]).ended(2);
        assert!(said.err.contains(word), "{}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
        assert_eq!(said.out, "");
    }
    let folder = tempfile::tempdir().unwrap();
    tandem(folder.path(), &["simulate", "net.csv", "--platform", "scale.cfg"])
        .ended(2)
        .saying(&["no such file"]);
}

#[test]
fn scale_sims_results_are_met_to_the_cycle() {
    let folder = data("scalesim");
    let words = ["validate", "scalesim", "--data", folder.to_str().unwrap(), "--json"];
    let document = tandem(Path::new("."), &words).ended(0).json();
    assert_eq!(document["exact"], document["rows"]);
    assert_eq!(document["rows"], 84);
    assert_eq!(document["mean_abs_error_percent"], 0.0);
    let said = tandem(Path::new("."), &words[..4]).ended(0);
    assert!(said.out.contains("84 of 84 rows exact"), "{}", said.out);
}

#[test]
fn timeloops_results_are_met() {
    let file = data("timeloop/rows.csv");
    let words = ["validate", "timeloop", "--data", file.to_str().unwrap(), "--json"];
    let document = tandem(Path::new("."), &words).ended(0).json();
    let error = |part: &str| {
        let part = if part.is_empty() { &document } else { &document[part] };
        part["mean_abs_error_percent"].as_f64().unwrap()
    };
    assert_eq!(document["rows"], 60);
    assert!(error("") < 0.1 && error("energy") < 0.5 && error("area") < 6.0);
    let said = tandem(Path::new("."), &words[..4]).ended(0);
    assert!(said.out.contains("energy"), "{}", said.out);
}

#[test]
fn wrong_data_is_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.csv"), "a,b\n1,2\n").unwrap();
    for what in ["scalesim", "timeloop"] {
        tandem(folder.path(), &["validate", what, "--data", "rows.csv"])
            .ended(2)
            .saying(&["has no column"]);
        tandem(folder.path(), &["validate", what, "--data", "absent"])
            .ended(2)
            .saying(&["no such file"]);
    }
}

#[test]
fn networks_are_listed_with_their_sizes() {
    let said = tandem(Path::new("."), &["list", "networks"]).ended(0);
    assert!(
        said.out.contains("resnet50") && said.out.contains("25.6 M parameters, 4.09 GMAC"),
        "{}",
        said.out
    );
    let document = tandem(Path::new("."), &["list", "networks", "--json"]).ended(0).json();
    let entries = document["entries"].as_array().unwrap();
    let vgg = entries.iter().find(|entry| entry["name"] == "vgg16").unwrap();
    assert_eq!(vgg["parameters"], 138_357_544);
}

/// `tandem simulate` of a built-in network on a preset, as JSON.
fn on_platform(words: &[&str]) -> serde_json::Value {
    let command = ["simulate", "resnet18", "--platform", "fpga", "--json"];
    tandem(Path::new("."), &[&command, words].concat()).ended(0).json()
}

#[test]
fn a_network_on_a_platform_has_time_energy_area_and_layers() {
    let document = on_platform(&[]);
    for key in ["seconds", "energy_j", "area_mm2", "utilisation", "cycles"] {
        assert!(document[key].as_f64().unwrap() > 0.0, "{key}");
    }
    let layers = document["layers"].as_array().unwrap();
    let sum = |key: &str| layers.iter().map(|layer| layer[key].as_f64().unwrap()).sum::<f64>();
    for key in ["cycles", "macs", "energy_j", "seconds"] {
        let whole = document[key].as_f64().unwrap();
        assert!((sum(key) / whole - 1.0).abs() < 1e-9, "{key}");
    }
    // published: 1.814 GMAC
    assert_eq!(document["macs"], 1_814_073_344_u64);
    let bounds = ["compute", "memory", "bus", "dma", "dispatch"];
    let known = |value: &serde_json::Value| bounds.contains(&value.as_str().unwrap());
    assert!(known(&document["bottleneck"]) && layers.iter().all(|layer| known(&layer["bound"])));
    assert_eq!(on_platform(&[]), document, "the same again");
    let said = tandem(Path::new("."), &["simulate", "resnet18", "--platform", "fpga"]).ended(0);
    for word in [
        "layer",
        "conv1",
        "energy",
        "area",
        "bottleneck",
        "utilisation",
        "dosa40",
    ] {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
}

#[test]
fn settings_sizes_and_passes_can_be_changed() {
    let seconds = |words: &[&str]| on_platform(words)["seconds"].as_f64().unwrap();
    let base = seconds(&[]);
    assert!(seconds(&["--set", "bus.width_bits=32"]) > 1.5 * base);
    assert!(seconds(&["--batch", "2"]) > 1.5 * base);
    assert!(seconds(&["--input", "112x112"]) < 0.7 * base);
    for pass in [
        "fold_bn",
        "fuse_activation",
        "fuse_pool",
        "tile",
        "place",
        "double_buffer",
        "schedule",
    ] {
        let document = on_platform(&["--no-pass", pass]);
        assert!(document["seconds"].as_f64().unwrap() > base, "{pass}");
        assert_eq!(document["passes_off"][0], pass);
    }
    let tight = on_platform(&["--max-area", "1", "--max-power", "100"]);
    assert_eq!(tight["feasible"], false);
    assert_eq!(tight["violations"][0]["constraint"], "area_mm2");
}

#[test]
fn a_platform_file_is_a_preset_that_was_printed() {
    let folder = tempfile::tempdir().unwrap();
    let list = tandem(folder.path(), &["list", "platforms", "--json"]).ended(0).json();
    let entries = list["entries"].as_array().unwrap();
    let names: Vec<&str> = entries.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["gemmini", "tpu", "fpga", "cpu"]);
    fs::write(folder.path().join("my.json"), entries[2]["platform"].to_string()).unwrap();
    let words = ["simulate", "resnet18", "--platform", "my.json", "--json"];
    let document = tandem(folder.path(), &words).ended(0).json();
    assert_eq!(document["seconds"], on_platform(&[])["seconds"]);
}

#[test]
fn trace_report_and_table_are_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "simulate",
        "resnet18",
        "--platform",
        "gemmini",
        "--trace",
        "t.json",
        "--report",
        "r.html",
        "--csv",
        "l.csv",
    ];
    tandem(folder.path(), &words).ended(0);
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let trace: serde_json::Value = serde_json::from_str(&text("t.json")).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let task = events.iter().find(|event| event["cat"] == "compute").unwrap();
    for key in ["layer", "bytes", "macs", "stall_cause", "stall_us"] {
        assert!(!task["args"][key].is_null(), "{key}");
    }
    let page = text("r.html");
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    for word in ["Roofline", "engine 0", "dma 0", "layer1.0.conv1"] {
        assert!(page.contains(word), "{word}");
    }
    for elsewhere in ["http://", "https://", "src=", "url("] {
        assert!(!page.contains(elsewhere), "the page must stand alone: {elsewhere}");
    }
    let table = text("l.csv");
    let network = tandem(
        folder.path(),
        &["simulate", "resnet18", "--platform", "gemmini", "--json"],
    )
    .json();
    assert_eq!(table.lines().count(), 1 + network["layers"].as_array().unwrap().len());
}

#[test]
fn topologies_run_on_platforms_too() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("net.csv"), TOPOLOGY).unwrap();
    let words = ["simulate", "net.csv", "--platform", "gemmini"];
    let said = tandem(folder.path(), &words).ended(0).saying(&["windows that overlap"]);
    assert!(said.out.contains("0 conv1"), "{}", said.out);
}

#[test]
fn what_cannot_be_simulated_gets_one_line_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let list = tandem(folder.path(), &["list", "platforms", "--json"]).json();
    let fpga = serde_json::to_string_pretty(&list["entries"][2]["platform"]).unwrap();
    fs::write(
        folder.path().join("typo.json"),
        fpga.replace("\"latency_ns\"", "\"latency\""),
    )
    .unwrap();
    fs::write(folder.path().join("broken.json"), &fpga[..100]).unwrap();
    fs::write(folder.path().join("broken.onnx"), "no model").unwrap();
    let fpga = |words: &[&'static str]| [&["vgg16", "--platform", "fpga"], words].concat();
    let cases: Vec<(Vec<&str>, &str)> = vec![
        (vec!["vgg17", "--platform", "fpga"], "did you mean vgg16?"),
        (vec!["vgg16", "--platform", "fpgb"], "did you mean fpga?"),
        (vec!["absent.onnx", "--platform", "fpga"], "no such file"),
        (vec!["broken.onnx", "--platform", "fpga"], "broken.onnx"),
        (vec!["vgg16", "--platform", "typo.json"], "memory.latency: unknown key"),
        (vec!["vgg16", "--platform", "broken.json"], "broken.json:"),
        (
            fpga(&["--set", "dma.channels=0"]),
            "dma.channels: must be a whole number from 1 to 64",
        ),
        (fpga(&["--set", "engine.model.kind=magic"]), "magic"),
        (fpga(&["--set", "clock_mhz=-1"]), "clock_mhz"),
        (fpga(&["--no-pass", "fly"]), "there is no pass \"fly\""),
        (fpga(&["--input", "big"]), "HEIGHTxWIDTH"),
        (fpga(&["--input", "0x5"]), "between 1 and"),
        (fpga(&["--max-area=-3"]), "above 0"),
        (fpga(&["--report", "no/such/r.html"]), "no such folder"),
        (
            // tiles of a narrower array would fit
            fpga(&["--no-pass", "schedule", "--set", "buffers.weight_kib=1"]),
            "its weights do not fit",
        ),
    ];
    for (words, word) in cases {
        let words = [&["simulate"], words.as_slice()].concat();
        let said = tandem(folder.path(), &words).ended(2);
        assert!(said.err.contains(word), "{word}: {}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
        assert_eq!(said.out, "");
    }
    fs::write(folder.path().join("scale.cfg"), CONFIG).unwrap();
    fs::write(folder.path().join("net.csv"), TOPOLOGY).unwrap();
    let words = ["simulate", "net.csv", "--platform", "scale.cfg", "--trace", "t.json"];
    tandem(folder.path(), &words)
        .ended(2)
        .saying(&["--trace does not go with"]);
}

#[test]
fn the_bench_of_the_models_has_the_entries_that_scripts_read() {
    let document = tandem(Path::new("."), &["bench", "simulate", "--json"]).ended(0).json();
    let results = document["results"].as_array().unwrap();
    let value = |name: &str| {
        let entry = results.iter().find(|entry| entry["name"] == name).unwrap();
        entry["value"].as_f64().unwrap()
    };
    // bars are for quiet machines; this one must only be in the right world
    assert!(value("layer_evaluations") > 1e5 && value("tasks") > 5e4);
    assert!(value("dilatedvgg_512x1024") < 20.0);
}

#[test]
fn gemminis_rtl_is_met_within_its_error() {
    // 60 rows of DOSA's calibration file (ucb-bar/dosa a7a3239, BSD-2), every 26th
    let file = data("gemmini/rows.csv");
    let words = ["validate", "gemmini", "--data", file.to_str().unwrap()];
    let document = tandem(Path::new("."), &[&words[..], &["--json"]].concat())
        .ended(0)
        .json();
    assert_eq!(document["rows"], 61);
    let error = document["mean_abs_error_percent"].as_f64().unwrap();
    assert!(error < 19.4, "{error}");
    assert!(document["rank_correlation"].as_f64().unwrap() > 0.97);
    assert!(document["calibrated"]["mean_abs_error_percent"].as_f64().unwrap() < 30.0);
    let calibration = [&words[..], &["--calibration", file.to_str().unwrap()]].concat();
    tandem(Path::new("."), &calibration).ended(0);
}

#[test]
fn rows_that_gemmini_cannot_run_are_named() {
    let text = fs::read_to_string(data("gemmini/rows.csv")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    for (from, to, word) in [
        ("target.gemmini_cycle", "cycles", "no column \"target.cycle\""),
        ("L2[WI]", "L2[W]", "expected L2[WI]"),
    ] {
        fs::write(&path, text.replace("target.cycle,", "x,").replace(from, to)).unwrap();
        let said = tandem(folder.path(), &["validate", "gemmini", "--data", "rows.csv"]).ended(2);
        assert!(said.err.contains(word), "{}", said.err);
    }
}

#[test]
fn a_calibrated_host_is_a_platform_whose_layers_add_up() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let calibration = here.join("envs/accelerator/testdata/host/calibration.json");
    let calibration = calibration.to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let words = ["simulate", "resnet18", "--platform", calibration, "--json"];
    let document = tandem(folder.path(), &words).ended(0).json();
    let stored = fs::read_to_string(here.join("envs/accelerator/testdata/host/resnet18.json")).unwrap();
    let stored: Vec<(String, f64)> = serde_json::from_str(&stored).unwrap();
    // the library runs layer after layer: none is fused or folded away
    assert_eq!(document["layers"].as_array().unwrap().len(), stored.len());
    let layers: f64 = stored.iter().map(|(_, seconds)| seconds).sum();
    let seconds = document["seconds"].as_f64().unwrap();
    assert!((seconds / layers - 1.0).abs() < 0.02, "{seconds} {layers}");
    let said = tandem(folder.path(), &[&words[..], &["--set", "clock_mhz=1"]].concat()).ended(2);
    assert!(said.err.contains("--set cannot change"), "{}", said.err);
}

#[test]
fn what_the_host_cannot_be_asked_is_answered_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("host.json"), "{\"format\": \"none\"}").unwrap();
    for (words, word) in [
        (&["validate", "host", "--networks", "vgg"][..], "no network \"vgg\""),
        (&["validate", "host", "--calibration", "absent.json"], "no such file"),
        (
            &["validate", "host", "--calibration", "host.json"],
            "is no calibration of a host",
        ),
        (&["validate", "timeloop"], "--data"),
        (&["calibrate", "host", "--out", "absent/host.json"], "no such folder"),
    ] {
        let said = tandem(folder.path(), words).ended(2);
        assert!(said.err.contains(word), "{}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
        assert_eq!(said.out, "");
    }
}
