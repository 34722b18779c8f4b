//! `tandem search` as a user runs it.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn search(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tandem"))
        .arg("search")
        .args(arguments)
        .output()
        .unwrap()
}

fn document(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Changes a digit in a file of a search, which the search then refuses to go on from.
fn refuses_when_damaged(path: &Path, arguments: &[&str]) {
    let text = std::fs::read_to_string(path).unwrap();
    let changed = text.replacen("\"seconds\":", "\"seconds\":1", 1);
    assert_ne!(text, changed);
    std::fs::write(path, changed).unwrap();
    let refused = search(arguments);
    assert_eq!(refused.status.code(), Some(1));
    let name = path.file_name().unwrap().to_string_lossy();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains(&format!("{name} is damaged")), "{said}");
}

#[test]
fn what_a_killed_search_left_is_removed_by_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join(".random-s0.json.9-0.scratch");
    std::fs::write(&left, "half").unwrap();
    let out = folder.path().to_str().unwrap();
    let words = [
        "gemmini",
        "--methods",
        "random",
        "--seeds",
        "1",
        "--budget",
        "10",
        "--out",
        out,
    ];
    assert!(search(&words).status.success());
    assert!(!left.exists() && folder.path().join("random-s0.json").exists());
}

#[test]
fn methods_are_compared_at_equal_budgets_and_finished_searches_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let arguments = [
        "gemmini",
        "--network",
        "resnet18",
        "--budget",
        "40",
        "--seeds",
        "2",
        "--methods",
        "random,gradient",
        "--out",
        out,
        "--json",
    ];
    let first = document(&search(&arguments));
    let rows = first["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert!(row["cost"]["median"].as_f64().unwrap() > first["floor"].as_f64().unwrap());
        for run in row["runs"].as_array().unwrap() {
            assert!(run["evaluations"].as_f64().unwrap() <= 40.0);
            // a machine of so few evaluations may have a buffer that is too small for the simulator's own tiles;
            // its mappings always fit
            let own = &run["simulated"]["own_tiles"];
            assert!(own["cost"].as_f64() > Some(0.0) || own["error"].is_string());
            let mapped = &run["simulated"]["mappings"];
            assert!(mapped["cycles"].as_f64() > mapped["other_layers_cycles"].as_f64());
        }
    }
    assert_eq!(rows[0]["ratio_to_random"], 1.0);
    assert!(folder.path().join("search.png").is_file());
    // the second call reads what the first has written: even the seconds are the same
    assert_eq!(first, document(&search(&arguments)));
    // and refuses results of another budget
    let mut other = arguments;
    other[4] = "50";
    let refused = search(&other);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("budget 40"));
    // nor does it believe a result of which a digit has changed
    refuses_when_damaged(&folder.path().join("random-s0.json"), &arguments);
}

#[test]
fn names_that_do_not_exist_are_answered_with_those_that_do() {
    for (arguments, known) in [
        (vec!["nowhere"], "gemmini"),
        (vec!["gemmini", "--network", "nothing"], "resnet50"),
        (vec!["gemmini", "--methods", "magic"], "proxy-policy"),
    ] {
        let output = search(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(known));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn no_search_falls_below_the_proven_optimum_of_machine_and_mappings() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let words = "gemmini --network resnet18 --budget 300 --seeds 1 --methods random,gradient,exact --json --out";
    let arguments: Vec<&str> = words.split(' ').chain([out]).collect();
    let document = document(&search(&arguments));
    let optimum = &document["optimum"];
    assert_eq!(
        (&optimum["proved"], &optimum["gap_percent"]),
        (&Value::from(true), &Value::from(0.0))
    );
    let least = optimum["cost"].as_f64().unwrap();
    assert!(least > document["floor"].as_f64().unwrap());
    let rows = document["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2); // the optimum is no search
    for row in rows {
        let cost = row["cost"]["median"].as_f64().unwrap();
        let above = row["above_optimum_percent"].as_f64().unwrap();
        assert!(
            cost >= least && (above - 100.0 * (cost / least - 1.0)).abs() < 1e-9,
            "{row}"
        );
    }
    let mapped = &optimum["simulated"]["mappings"];
    assert!(mapped["cost"].as_f64() > Some(least), "{mapped}");
    // the product is that of the rows
    let sum = |key: &str| -> f64 {
        let rows = optimum["rows"].as_array().unwrap().iter();
        rows.map(|row| row["count"].as_f64().unwrap() * row[key].as_f64().unwrap())
            .sum()
    };
    assert!((1e-12 * sum("energy_pj") * sum("cycles") / least - 1.0).abs() < 1e-12);
    // a proof of which a digit has changed is not believed
    refuses_when_damaged(&folder.path().join("exact.json"), &arguments);
    // other spaces have no optimum
    let refused = search(&["confuciux", "--methods", "exact", "--out", out]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn a_network_of_ones_own_within_limits_of_ones_own_ends_in_a_platform_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let model = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/envs/accelerator/testdata/faults/silu_split.onnx"
    );
    let out = at("found");
    let words = ["platform", "--network", model, "--max-area", "4", "--max-power", "1"];
    let rest = [
        "--budget",
        "20",
        "--seeds",
        "1",
        "--methods",
        "random",
        "--out",
        &out,
        "--json",
    ];
    let found = document(&search(&[&words[..], &rest[..]].concat()));
    let platform = found["platform_file"].as_str().unwrap();
    let simulated = Command::new(env!("CARGO_BIN_EXE_tandem"))
        .args(["simulate", model, "--platform", platform, "--json"])
        .output()
        .unwrap();
    assert!(document(&simulated)["seconds"].as_f64().unwrap() > 0.0);
    // other limits are another search
    let wider = ["platform", "--network", model, "--max-area", "8", "--max-power", "1"];
    assert_eq!(search(&[&wider[..], &rest[..]].concat()).status.code(), Some(2));
    let refused = search(&["gemmini", "--max-area", "4", "--budget", "20", "--out", &at("other")]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("space platform"));
}
