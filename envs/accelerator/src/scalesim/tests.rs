use std::path::{Path, PathBuf};

use super::*;
use crate::systolic::Dataflow;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/scalesim")
}

fn config(text: &str) -> Config {
    let text = format!("[architecture_presets]\nArrayHeight: 4\nArrayWidth: 8\nDataflow: ws\n[sparsity]\n{text}");
    Config::parse(&text, "c.cfg").unwrap()
}

#[test]
fn every_row_of_the_tool_is_met_to_the_cycle() {
    let comparison = compare(&data()).unwrap();
    assert_eq!(comparison.mismatches, []);
    assert_eq!(comparison.exact, comparison.accuracy.rows);
    assert_eq!(comparison.exact, 21 + 63);
    assert_eq!(comparison.accuracy.total_accuracy_percent, 100.0);
}

#[test]
fn access_counts_are_the_tools() {
    // resnet18_64 conv1 and l1_0_conv1 on 32 x 32 cells: SRAM reads of input and filter, writes of output
    for (dataflow, m, k, n, expected) in [
        (Dataflow::OutputStationary, 1089, 147, 64, [320_166, 329_280, 69_696]),
        (Dataflow::WeightStationary, 256, 576, 64, [294_912, 36_864, 294_912]),
        (Dataflow::InputStationary, 64, 1152, 128, [73_728, 294_912, 294_912]),
    ] {
        let array = SystolicArray {
            rows: 32,
            cols: 32,
            dataflow,
        };
        let cost = array.cost(&Gemm { m, n, k }).unwrap();
        let counts = [cost.input_reads, cost.weight_reads, cost.output_writes];
        assert_eq!(counts, expected, "{dataflow:?}");
    }
}

#[test]
fn a_network_runs_layer_by_layer() {
    let topology = Topology::read(&data().join("topologies/mixed.csv")).unwrap();
    let costs = run(&config(""), &topology).unwrap();
    assert_eq!(costs.len(), 7); // the depthwise layer counts for its two channels
    assert!(costs.iter().all(|cost| cost.total_cycles == cost.array.cycles - 1));
}

#[test]
fn sparsity_counts_only_where_the_configuration_asks_for_it() {
    let rows = "name,H,W,h,w,C,F,s,\na, 6, 6, 3, 3, 8, 5, 1, 1:4,\n";
    let topology = Topology::parse(rows, "net.csv").unwrap();
    let dense = run(&config(""), &topology).unwrap();
    let sparse = run(&config("SparsitySupport: true"), &topology).unwrap();
    assert_eq!((dense[0].gemm.k, sparse[0].gemm.k), (72, 18));
    // (⌈18/4⌉ ⌈5/8⌉) (4 + 16 + 4 + 8 - 2) - 1, as the tool counts
    assert_eq!(sparse[0].total_cycles, 5 * 30 - 1);
}

#[test]
fn a_layer_beyond_64_bits_is_named() {
    let rows = "Layer, M, N, K,\nhuge, 4000000000000000000, 9, 9,\n";
    let topology = Topology::parse(rows, "net.csv").unwrap();
    let error = run(&config(""), &topology).unwrap_err();
    assert!(error.to_string().contains("`huge`"), "{error}");
}

/// Compares a table of one row, beside the topologies of the test data or beside none.
fn compare_row(header: &str, row: &str, topology: bool) -> Result<Comparison, String> {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir_all(folder.join("topologies")).unwrap();
    if topology {
        let net = "topologies/mixed.csv";
        std::fs::copy(data().join(net), folder.join(net)).unwrap();
    }
    std::fs::write(folder.join("rows.csv"), format!("{header}\n{row}\n")).unwrap();
    compare(folder).map_err(|error| error.to_string())
}

const HEADER: &str = "network,layer,M,K,N,array_rows,array_cols,dataflow,mode,total_cycles";

#[test]
fn a_wrong_row_is_a_mismatch_and_a_foreign_row_an_error() {
    let wrong = compare_row(HEADER, "mixed,vector,1,50,65,5,3,os,CALC,1", true).unwrap();
    assert_eq!((wrong.exact, wrong.mismatches.len()), (0, 1));
    let foreign = compare_row(HEADER, "mixed,nobody,1,50,65,5,3,os,CALC,10", true).unwrap_err();
    assert!(foreign.contains("rows.csv:2: topology mixed has no layer"), "{foreign}");
    let alone = compare_row(HEADER, "mixed,nobody,1,50,65,5,3,os,CALC,1", false).unwrap();
    assert_eq!(alone.accuracy.rows, 1);
}

#[test]
fn rows_with_stalls_are_counted_apart() {
    let error = compare_row(HEADER, "mixed,vector,1,50,65,5,3,os,USER,100", false).unwrap_err();
    assert!(error.contains("no rows to compare with"), "{error}");
    let other = compare_row("a,b", "1,2", false).unwrap_err();
    assert!(other.contains("expected tables"), "{other}");
}
