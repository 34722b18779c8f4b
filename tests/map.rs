//! `tandem map` as a user runs it.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use common::{Said, program, tandem};

/// Layers whose optima on side 16, 8 and 16 kB are known: AccelForge's, and an enumeration's under Timeloop's rule.
const LAYERS: &str = "\
layer,p,q,c,k,r,s,stride,note
mm512,512,1,512,512,1,1,1,\"a product, square\"
mv,1,1,1024,4096,1,1,1,a vector
conv14,14,14,256,1024,1,1,1,1x1
conv56,56,56,64,64,3,3,1,3x3
";
const TIGHT: &str = "side=16,accumulator_kb=8,scratchpad_kb=16";

fn folder_with_layers() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("layers.csv"), LAYERS).unwrap();
    folder
}

/// `tandem map` with `--json`.
fn map(folder: &Path, words: &str) -> Value {
    let words: Vec<&str> = ["map"]
        .into_iter()
        .chain(words.split_whitespace())
        .chain(["--json"])
        .collect();
    tandem(folder, &words).ended(0).json()
}

fn column(document: &Value, key: &str) -> Vec<f64> {
    let rows = document["rows"].as_array().unwrap().iter();
    rows.map(|row| row[key].as_f64().unwrap()).collect()
}

#[track_caller]
fn assert_near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a / b - 1.0).abs() < 1e-9, "{found:?} {expected:?}");
    }
}

#[test]
fn published_optima_are_found_under_both_rules() {
    let folder = folder_with_layers();
    let words = format!("layers.csv --machine {TIGHT} --dram-blocks 1");
    let timeloop = map(folder.path(), &words);
    let energies = [607_568_073.851, 435_379_406.029, 188_801_845.780, 267_016_558.674];
    assert_near(&column(&timeloop, "energy_pj"), &energies);
    assert_near(
        &column(&timeloop, "cycles"),
        &[548_864.0, 524_928.0, 206_976.0, 457_856.0],
    );
    let hierarchy = map(folder.path(), &format!("{words} --rule hierarchy"));
    let energies = [609_133_270.139, 435_379_406.029, 189_201_296.916, 267_416_009.810];
    assert_near(&column(&hierarchy, "energy_pj"), &energies);
    let product = map(folder.path(), &format!("{words} --metric edp"));
    let products = [
        3.334_722_432_86e14,
        2.285_428_408_48e14,
        3.907_745_083_23e13,
        1.222_551_334_88e14,
    ];
    assert_near(&column(&product, "edp"), &products);
    for document in [timeloop, hierarchy, product] {
        for row in document["rows"].as_array().unwrap() {
            assert_eq!(row["proved"], true, "{row}");
            assert!(
                row["opened"].as_u64().unwrap() > 0 && row["seconds"].as_f64().unwrap() < 30.0,
                "{row}"
            );
        }
    }
}

#[test]
fn timeloops_reader_finds_the_same_cycles_and_energy_in_the_mappings() {
    let folder = folder_with_layers();
    let document = map(folder.path(), &format!("layers.csv --machine {TIGHT} --csv out.csv"));
    let mut table = String::from(
        "prob.R,prob.S,prob.P,prob.Q,prob.C,prob.K,prob.N,prob.Wstride,prob.Hstride,prob.Wdilation,prob.Hdilation,\
         mapping.mapping,target.cycle,target.energy,target.area,arch.meshX,arch.mem1_entries,arch.mem1_instances,\
         arch.mem2_entries\n",
    );
    for row in document["rows"].as_array().unwrap() {
        let loops = &row["loops"];
        for letter in ["r", "s", "p", "q", "c", "k", "n"] {
            table += &format!("{},", loops[letter]);
        }
        let mapping = row["mapping"].as_str().unwrap();
        let microjoules = 1e-6 * row["energy_pj"].as_f64().unwrap();
        table += &format!("1,1,1,1,{mapping},{},{microjoules},1,16,128,16,16384\n", row["cycles"]);
    }
    fs::write(folder.path().join("rows.csv"), table).unwrap();
    let words = ["validate", "timeloop", "--data", "rows.csv", "--json"];
    let validated = tandem(folder.path(), &words).ended(0).json();
    assert_eq!(
        (&validated["rows"], &validated["exact"]),
        (&Value::from(4), &Value::from(4))
    );
    assert!(
        validated["energy"]["mean_abs_error_percent"].as_f64().unwrap() < 1e-10,
        "{validated}"
    );
    // the table has the same numbers as the document, to the last bit
    let csv = fs::read_to_string(folder.path().join("out.csv")).unwrap();
    assert!(
        csv.starts_with("layer,energy_pj,cycles,edp,mapping,proved,opened,seconds"),
        "{csv}"
    );
    for (line, row) in csv.lines().skip(1).zip(document["rows"].as_array().unwrap()) {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields[0], row["layer"].as_str().unwrap());
        assert_eq!(fields[1].parse(), Ok(row["energy_pj"].as_f64().unwrap()));
        assert_eq!(fields[3].parse(), Ok(row["edp"].as_f64().unwrap()));
    }
}

#[test]
fn the_table_may_be_standard_output_alone() {
    let folder = folder_with_layers();
    let words = ["map", "layers.csv", "--csv", "-"];
    let table = tandem(folder.path(), &words).ended(0).out;
    assert!(
        table.starts_with("layer,energy_pj,cycles") && table.lines().count() == 5,
        "{table}"
    );
    assert!(!folder.path().join("-").exists());
    tandem(folder.path(), &[&words[..], &["--json"]].concat())
        .ended(2)
        .saying(&["standard output"]);
}

/// A document without what depends on the clock.
fn timeless(mut document: Value) -> Value {
    document["seconds"] = Value::Null;
    for row in document["rows"].as_array_mut().unwrap() {
        row["seconds"] = Value::Null;
    }
    document
}

#[test]
fn networks_are_mapped_alike_by_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let one = map(folder.path(), "mobilenetv2 --batch 2 --threads 1");
    let two = map(folder.path(), "mobilenetv2 --batch 2 --threads 2");
    assert_eq!(timeless(one.clone()), timeless(two));
    let rows = one["rows"].as_array().unwrap();
    // a depthwise layer is mapped group by group
    let depthwise = rows
        .iter()
        .find(|row| row["loops"]["c"] == 1 && row["loops"]["k"] == 1)
        .unwrap();
    assert!(
        depthwise["count"].as_u64().unwrap() >= 32 && depthwise["loops"]["n"] == 2,
        "{depthwise}"
    );
    let sum = |key: &str| -> f64 {
        rows.iter()
            .map(|row| row["count"].as_f64().unwrap() * row[key].as_f64().unwrap())
            .sum()
    };
    assert_eq!(one["total"]["energy_pj"].as_f64().unwrap(), sum("energy_pj"));
}

#[test]
fn a_front_begins_and_ends_with_the_optima_and_the_network_takes_the_best_of_it() {
    let folder = folder_with_layers();
    let words = format!("layers.csv --machine {TIGHT}");
    let front = map(folder.path(), &format!("{words} --front"));
    let [energy, cycles, product] =
        ["energy", "cycles", "edp"].map(|metric| map(folder.path(), &format!("{words} --metric {metric}")));
    let rows = front["rows"].as_array().unwrap();
    for (at, name) in ["mm512", "mv", "conv14", "conv56"].into_iter().enumerate() {
        let points: Vec<&Value> = rows.iter().filter(|row| row["layer"] == name).collect();
        assert_eq!(points[0]["energy_pj"], energy["rows"][at]["energy_pj"]);
        assert_eq!(points[points.len() - 1]["cycles"], cycles["rows"][at]["cycles"]);
        let products = points.iter().map(|point| point["edp"].as_f64().unwrap());
        assert_eq!(
            products.fold(f64::INFINITY, f64::min),
            product["rows"][at]["edp"].as_f64().unwrap()
        );
    }
    let whole = map(folder.path(), &format!("{words} --whole"));
    let total = |document: &Value| document["total"]["edp"].as_f64().unwrap();
    assert_eq!(whole["rows"].as_array().unwrap().len(), 4);
    for other in [energy, cycles, product] {
        assert!(total(&whole) <= total(&other), "{whole}");
    }
}

#[test]
fn what_cannot_be_mapped_is_said_in_one_line() {
    let folder = folder_with_layers();
    fs::write(
        folder.path().join("zero.csv"),
        "layer,p,q,c,k,r,s,stride\nx,0,1,1,1,1,1,1\n",
    )
    .unwrap();
    fs::write(folder.path().join("short.csv"), "layer,p,q,c,k,r,s\nx,1,1,1,1,1,1\n").unwrap();
    fs::write(
        folder.path().join("machine.json"),
        "{\"side\": 16,\n \"accumulator\": 8}",
    )
    .unwrap();
    for (words, said) in [
        (
            "layers.csv --machine side=16,accumulator_kb=0.05,scratchpad_kb=16",
            &["mm512", "accumulator", "0.0625 kB"][..],
        ),
        (
            "layers.csv --machine side=16,accumulator_kb=8,scratchpad_kb=0.001",
            &["mm512", "scratchpad", "takes 2", "0.001953125 kB"],
        ),
        ("layers.csv --machine side=0", &["side", "from 1"]),
        ("layers.csv --machine cells=4", &["cells", "expected side="]),
        ("layers.csv --machine side=x", &["side", "whole number"]),
        (
            "layers.csv --machine machine.json",
            &["machine.json:2", "accumulator_kb"],
        ),
        ("layers.csv --machine absent.json", &["absent.json"]),
        ("layers.csv --batch 2", &["--batch"]),
        ("zero.csv", &["zero.csv:2", "`p`"]),
        ("short.csv", &["short.csv", "stride"]),
        ("absent.csv", &["absent.csv", "no such file"]),
        ("resnet5", &["resnet50", "layers (.csv)"]),
    ] {
        let words: Vec<&str> = ["map"].into_iter().chain(words.split(' ')).collect();
        let answer = tandem(folder.path(), &words).ended(2).saying(said);
        let lines = answer.err.lines().filter(|line| !line.starts_with("map ")).count();
        assert_eq!(lines, 1, "{}", answer.err);
    }
}

#[test]
fn an_interrupt_ends_with_the_best_so_far() {
    let folder = tempfile::tempdir().unwrap();
    // seconds each, even alone
    let layer = "2520,2520,2520,2520,9,9,2\n";
    let layers: String = (0..30).map(|at| format!("l{at},{layer}")).collect();
    fs::write(
        folder.path().join("many.csv"),
        format!("layer,p,q,c,k,r,s,stride\n{layers}"),
    )
    .unwrap();
    let mut child = program(folder.path(), &["map", "many.csv", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // it listens before it says that it begins
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.next().unwrap().unwrap().contains("layers"));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let answer: Said = child.wait_with_output().unwrap().into();
    assert_eq!(answer.code, Some(3));
    let rest: Vec<String> = said.map(Result::unwrap).collect();
    assert!(rest.iter().any(|line| line.contains("not proven")), "{rest:?}");
    let document = answer.json();
    let rows = document["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &document["proved"]), (30, &Value::from(false)));
    for row in rows {
        // a mapping of the whole layer all the same
        assert!(
            row["mapping"].as_str().unwrap().starts_with("L3[WIO]") && row["energy_pj"].as_f64() > Some(0.0),
            "{row}"
        );
    }
    assert!(rows.iter().any(|row| row["proved"] == false));
}
