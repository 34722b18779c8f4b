//! Analog attention as a user meets it: through the binary.

use std::process::{Command, Output};

use serde_json::Value;

fn tandem(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tandem"))
        .args(arguments)
        .output()
        .unwrap()
}

fn simulate(platform: &str) -> Value {
    let output = tandem(&["simulate", "attention", "--platform", platform, "--json"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn near(value: &Value, expected: f64, share: f64) {
    let value = value.as_f64().unwrap();
    assert!(
        (value / expected - 1.0).abs() < share,
        "{value} is not {expected}"
    );
}

#[test]
fn the_published_point_of_the_paper() {
    let d = simulate("gain-cell");
    near(&d["seconds"], 65e-9, 1e-6);
    near(&d["energy_j"], 6.15e-9, 0.01);
    near(&d["area_mm2"], 0.5, 0.01);
    near(&d["stacked_cells_mm2"], 36.7e-3 / 12.0, 0.01);
    near(&d["gpu"][0]["latency_ratio"], 344.0, 0.001);
    near(&d["gpu"][1]["energy_ratio"], 44.0e3, 0.01);
    let parameters = d["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|p| p["source"] == "assumed"));
}

#[test]
fn a_file_changes_the_circuit_and_errors_say_where() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| {
        let path = folder.path().join("circuit.json");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let half = simulate(&write(r#"{"window": 512}"#));
    near(&half["area_mm2"], 0.25, 0.01);
    near(&half["seconds"], 64e-9, 1e-6);
    for (text, expected) in [
        (r#"{"windw": 512}"#, "did you mean `window`"),
        (r#"{"window": 0}"#, "must lie between 1 and 65536"),
        (r#"{"output_bits": 8}"#, "use at most 5 output bits"),
        (r#"{"energy": {"dac_j": "much"}}"#, "energy.dac_j"),
        ("{", "circuit.json:1:2"),
    ] {
        let output = tandem(&["simulate", "attention", "--platform", &write(text)]);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}
