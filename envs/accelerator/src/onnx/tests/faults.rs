//! Files that were read wrongly or refused, each for its kind, with what is right of them.

use std::path::{Path, PathBuf};

use super::super::{Options, Unsupported, read};
use crate::layer::Network;
use crate::simulation::{Metrics, evaluate};
use crate::{InputError, Platform};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/faults/{name}.onnx"))
}

fn open(name: &str, options: &Options) -> Result<Network, InputError> {
    read(&path(name), options)
}

#[track_caller]
fn network(name: &str) -> Network {
    match open(name, &Options::default()) {
        Ok(network) => network,
        Err(error) => panic!("{error}"),
    }
}

fn run(network: &Network, platform: &str) -> Metrics {
    let platform = Platform::preset(platform).unwrap();
    evaluate(&platform, network, &crate::Options::default()).unwrap()
}

#[track_caller]
fn shape(network: &Network, tensor: &str) -> Vec<u64> {
    let found = network.tensors.iter().find(|found| found.name == tensor);
    found.unwrap_or_else(|| panic!("no tensor {tensor}")).shape.clone()
}

#[test]
fn products_are_counted_whatever_they_come_in() {
    for (name, macs) in [
        ("lstm_100_1024", 838_860_800),
        ("rnn_unrolled_100_1024", 419_430_400),
        ("rnn_op_512", 2 * 26_214_400),
        ("rnn_steps_512", 26_214_400),
        ("lstm_layout1", 3_840),
        ("if_shape_condition", 42_336),
        ("if_data_condition", 42_336),
        ("domain_ignored", 42_336),
        ("fusedgemm", 131_072),
        ("attention_past", 131_072),
        ("conv3d", 762_048),
        ("qlinearconcat", 20_736),
        ("tied_by_identity", 1_572_864),
        ("evil_names", 42_336),
        ("external_20GB", 5_120_000_000),
        ("fp16_scales", 0),
        ("fp16_range", 0),
    ] {
        assert_eq!(network(name).macs(), Ok(macs), "{name}");
        // and they are not lost where operators may be counted as functions of each value
        let options = Options {
            unsupported: Unsupported::Elementwise,
            ..Options::default()
        };
        assert_eq!(open(name, &options).unwrap().macs(), Ok(macs), "{name}");
    }
}

#[test]
fn shapes_are_those_of_onnx_runtime() {
    for (name, tensor, sizes) in [
        ("lstm_layout1", "y", &[2, 5, 1, 8][..]),
        ("attention_past", "npk", &[1, 8, 128, 64]),
        ("attention_past", "npv", &[1, 8, 128, 64]),
        ("conv3d", "y", &[1, 8, 6, 14, 14]),
        ("qlinearconcat", "y", &[1, 8, 6, 6]),
        ("fp16_scales", "y", &[1, 3, 32, 32]),
        ("fp16_range", "y", &[1, 8]),
    ] {
        assert_eq!(shape(&network(name), tensor), sizes, "{name}");
    }
}

#[test]
fn a_recurrent_operator_costs_what_its_steps_cost() {
    for (operator, steps, first) in [
        ("lstm_100_1024", "rnn_unrolled_100_1024", "LSTM_0.recurrent"),
        ("rnn_op_512", "rnn_steps_512", "RNN_0.recurrent"),
    ] {
        // weights of 256 KB stay on the chip of `tpu`, those of 4 MB do not, and `gemmini` holds neither
        for platform in ["gemmini", "tpu"] {
            let (operator, steps) = (network(operator), network(steps));
            let (whole, rolled) = (run(&operator, platform), run(&steps, platform));
            let own = operator.layers.iter().zip(&whole.layers);
            let recurrent = own.filter(|(layer, _)| layer.name.starts_with(first));
            let cycles: u64 = recurrent.map(|(_, metrics)| metrics.cycles).sum();
            let ratio = cycles as f64 / rolled.cycles as f64;
            assert!((ratio - 1.0).abs() < 0.05, "{first} on {platform}: {ratio}");
        }
    }
    let bytes = |platform| run(&network("rnn_steps_512"), platform).bytes;
    assert!(bytes("gemmini") > 100 * 512 * 512, "the weights stream");
    assert!(bytes("tpu") < 3 * 512 * 512, "the weights stay");
}

#[test]
fn a_branch_that_data_decides_is_the_dearer_one_or_the_one_that_is_named() {
    assert!(network("if_shape_condition").notes.is_empty());
    let data = network("if_data_condition");
    assert!(
        data.notes[0].contains("depends on data") && data.notes[0].contains("--branch"),
        "{:?}",
        data.notes
    );
    assert_eq!(data.layers[0].name, "If_0/then/Conv_0");
    let mut options = Options::default();
    options.branches.insert("If_0".into(), false);
    let said = open("if_data_condition", &options).unwrap();
    assert!(said.notes.is_empty());
    assert_eq!(said.layers[0].name, "If_0/else/Conv_0");
}

#[test]
fn an_activation_costs_the_same_in_one_operator_or_several() {
    for platform in ["gemmini", "tpu"] {
        let [split, one] = ["silu_split", "silu_swish"].map(|name| run(&network(name), platform));
        assert_eq!((split.cycles, split.bytes), (one.cycles, one.bytes), "{platform}");
        assert!((split.energy_j / one.energy_j - 1.0).abs() < 1e-9, "{platform}");
    }
}

#[test]
fn tied_weights_count_once_and_names_stay_whole() {
    assert_eq!(network("tied_by_identity").parameters(), Ok(65_536));
    let evil = network("evil_names");
    assert_eq!(evil.layers[0].name, "<script>alert(\"1\")</script>,\"a\",b&c");
}

#[test]
fn what_cannot_be_read_gets_a_message_that_says_what_to_pass() {
    let message = |name: &str| open(name, &Options::default()).unwrap_err().to_string();
    let shapeless = message("input_no_shape");
    assert!(
        shapeless.contains("input \"x\" has no shape") && shapeless.contains("--dim x.0=1"),
        "{shapeless}"
    );
    let mut options = Options::default();
    options.dims.extend([("x.0".to_owned(), 3), ("x.1".to_owned(), 64)]);
    assert_eq!(open("input_no_shape", &options).unwrap().macs(), Ok(3 * 640));
    let other = message("ml_only");
    assert!(
        other.contains("only operators of the domain \"ai.onnx.ml\"") && other.contains("Binarizer"),
        "{other}"
    );
}
