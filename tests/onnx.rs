//! Networks from ONNX files as they are typed: simulated, changed in size, refused in one line.

mod common;

use std::fs;
use std::path::Path;

use common::{Said, finished, tandem};
use rten_onnx::onnx::{
    AttributeProto, DataType, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A value of the graph; sizes of 0 are left open and called `tokens`.
fn value(name: &str, sizes: &[i64]) -> ValueInfoProto {
    let dim = |&size: &i64| Dimension {
        dim_value: (size > 0).then_some(size),
        dim_param: (size == 0).then(|| "tokens".to_owned()),
    };
    ValueInfoProto {
        name: text(name),
        r#type: Some(TypeProto {
            tensor_type: Some(TypeProtoTensor {
                elem_type: Some(DataType::FLOAT),
                shape: Some(TensorShapeProto {
                    dim: sizes.iter().map(dim).collect(),
                }),
            }),
            sequence: None,
        }),
    }
}

/// Weights without their numbers.
fn weight(name: &str, dims: &[i64]) -> TensorProto {
    TensorProto {
        name: text(name),
        dims: dims.to_vec(),
        data_type: Some(DataType::FLOAT),
        ..TensorProto::default()
    }
}

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: text(op),
        name: text(&format!("my_{output}")),
        input: inputs.iter().map(|&name| name.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

fn bytes(graph: GraphProto) -> Vec<u8> {
    let opset = OperatorSetIdProto {
        domain: None,
        version: Some(17),
    };
    let model = ModelProto {
        ir_version: Some(8),
        graph: Some(graph),
        opset_import: vec![opset],
        ..ModelProto::default()
    };
    model.write_buf().unwrap()
}

/// A convolution, a batch norm, a function, a pool and `last`.
fn image(last: &str) -> Vec<u8> {
    let window = |name: &str, sizes: &[i64]| AttributeProto {
        name: text(name),
        ints: sizes.to_vec(),
        ..AttributeProto::default()
    };
    let mut pool = node("MaxPool", &["r"], "p");
    pool.attribute = vec![window("kernel_shape", &[2, 2]), window("strides", &[2, 2])];
    let mut conv = node("Conv", &["x", "w"], "c");
    conv.attribute = vec![window("pads", &[1, 1, 1, 1])];
    bytes(GraphProto {
        input: vec![value("x", &[1, 3, 32, 32])],
        output: vec![value("y", &[])],
        initializer: vec![weight("w", &[16, 3, 3, 3]), weight("s", &[16])],
        node: vec![
            conv,
            node("BatchNormalization", &["c", "s", "s", "s", "s"], "b"),
            node("Relu", &["b"], "r"),
            pool,
            node(last, &["p"], "y"),
        ],
        ..GraphProto::default()
    })
}

/// A matrix product over rows whose number is open.
fn rows() -> Vec<u8> {
    bytes(GraphProto {
        input: vec![value("x", &[1, 0, 64])],
        output: vec![value("y", &[])],
        initializer: vec![weight("w", &[64, 128])],
        node: vec![node("MatMul", &["x", "w"], "y")],
        ..GraphProto::default()
    })
}

/// `tandem simulate` of this file on a preset, with these words behind.
fn simulate(file: &[u8], words: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("net.onnx"), file).unwrap();
    let command = ["simulate", "net.onnx", "--platform", "fpga"];
    tandem(folder.path(), &[&command, words].concat())
}

#[test]
fn a_file_is_compiled_and_simulated() {
    let document = simulate(&image("GlobalAveragePool"), &["--json"]).ended(0).json();
    assert_eq!(document["network"], "net");
    assert_eq!(document["macs"], 32 * 32 * 27 * 16);
    // norm, function and pool have gone into the convolution, the mean into nobody
    let names = |document: &serde_json::Value| -> Vec<String> {
        let layers = document["layers"].as_array().unwrap();
        layers
            .iter()
            .map(|layer| layer["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let fused = names(&document);
    assert_eq!(fused[0], "my_c");
    let plain = [
        "--json",
        "--no-pass",
        "fold_bn",
        "--no-pass",
        "fuse_activation",
        "--no-pass",
        "fuse_pool",
    ];
    let plain = simulate(&image("GlobalAveragePool"), &plain).ended(0).json();
    assert_eq!(names(&plain), ["my_c", "my_b", "my_r", "my_p", "my_y"]);
    assert!(fused.len() < 5);
    let seconds = |document: &serde_json::Value| document["seconds"].as_f64().unwrap();
    assert!(seconds(&plain) > seconds(&document));
    assert_eq!(plain["macs"], document["macs"]);
}

#[test]
fn batch_and_open_sizes_are_named() {
    let macs = |words: &[&str]| {
        let document = simulate(&rows(), &[words, &["--json"]].concat()).ended(0).json();
        document["macs"].as_u64().unwrap()
    };
    assert_eq!(macs(&["--dim", "tokens=10"]), 10 * 64 * 128);
    assert_eq!(macs(&["--dim", "tokens=10", "--batch", "4"]), 40 * 64 * 128);
    simulate(&rows(), &[]).ended(2).saying(&["--dim tokens=128"]);
    for (words, reason) in [
        (["--dim", "words=10"], "no dimension is called \"words\""),
        (["--dim", "tokens"], "NAME=N"),
        (["--dim", "tokens=0"], "a size is 0"),
        (["--input", "32x32"], "`--dim`"),
        (["--batch", "0"], "the batch must be"),
    ] {
        simulate(&rows(), &words).ended(2).saying(&[reason]);
    }
}

#[test]
fn an_unsupported_operator_is_named_or_counted() {
    let said = simulate(&image("Fancy"), &[]).ended(2);
    assert!(said.err.contains("node \"my_y\" (\"Fancy\")"), "{}", said.err);
    assert_eq!(said.err.lines().count(), 1);
    let counted = ["--unsupported", "elementwise", "--json"];
    let document = simulate(&image("Fancy"), &counted).ended(0).json();
    let note = document["notes"][0].as_str().unwrap();
    assert!(note.contains("Fancy") && note.contains("my_y"), "{note}");
    simulate(&image("Fancy"), &counted[..2]).ended(0).saying(&["Fancy"]);
}

#[test]
fn broken_files_get_one_line_and_exit_code_2() {
    let right = image("Relu");
    let mut files: Vec<Vec<u8>> = [0, 1, 10, right.len() / 2, right.len() - 1]
        .map(|end| right[..end].to_vec())
        .to_vec();
    files.push(b"this is no ONNX file, but a sentence\n".to_vec());
    files.push(vec![0xff; 1000]);
    // a graph that declares more bytes than there can be
    files.push([vec![0x3a], vec![0xff; 9], vec![0x01]].concat());
    for file in files {
        let said = simulate(&file, &["--json"]).ended(2);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
        assert!(said.err.contains("net.onnx: "), "{}", said.err);
        assert_eq!(said.out, "");
    }
    let folder = tempfile::tempdir().unwrap();
    let said = tandem(folder.path(), &["simulate", "absent.onnx", "--platform", "fpga"]);
    said.ended(2).saying(&["absent.onnx: there is no such file"]);
    let said = tandem(folder.path(), &["simulate", "resnet81", "--platform", "fpga"]);
    said.ended(2).saying(&["did you mean resnet18?", ".onnx"]);
}

#[test]
fn an_exported_policy_can_be_simulated() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.onnx");
    let file = file.to_str().unwrap();
    tandem(finished(), &["export", "run", "--policy", file]).ended(0);
    let words = ["simulate", file, "--platform", "gemmini", "--batch", "64", "--json"];
    let document = tandem(Path::new("."), &words).ended(0).json();
    let layers = document["layers"].as_array().unwrap();
    let products = layers.iter().filter(|layer| layer["op"] == "linear").count();
    assert_eq!(products, 3); // two hidden layers of 16 and the head
    assert!(document["macs"].as_u64().unwrap() > 64 * 16 * 16);
}

/// A file that showed a fault, by name.
fn fault(name: &str, words: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = format!(
        "{}/envs/accelerator/testdata/faults/{name}.onnx",
        env!("CARGO_MANIFEST_DIR")
    );
    fs::copy(file, folder.path().join("net.onnx")).unwrap();
    let command = ["simulate", "net.onnx", "--platform", "gemmini"];
    tandem(folder.path(), &[&command, words].concat())
}

#[test]
fn shapes_and_parameters_stand_in_table_and_document() {
    let document = fault("conv3d", &["--json"]).ended(0).json();
    assert_eq!(document["parameters"], 648);
    assert_eq!(document["layers"][0]["shape"], serde_json::json!([1, 8, 6, 14, 14]));
    let tensors = document["tensors"].as_array().unwrap();
    assert_eq!(tensors.last().unwrap()["name"], "y");
    assert_eq!(tensors.last().unwrap()["shape"], serde_json::json!([1, 8, 6, 14, 14]));
    let said = fault("conv3d", &[]).ended(0);
    for word in ["1x8x6x14x14", "parameters   648"] {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
}

#[test]
fn a_branch_may_be_named() {
    let name = |words: &[&str]| {
        let document = fault("if_data_condition", &[words, &["--json"]].concat())
            .ended(0)
            .json();
        document["layers"][0]["name"].as_str().unwrap().to_owned()
    };
    assert!(name(&[]).contains("/then/"));
    assert!(name(&["--branch", "else"]).contains("/else/"));
    assert!(name(&["--branch", "If_0=else"]).contains("/else/"));
    for words in [["--branch", "left"], ["--trips", "many"]] {
        fault("if_data_condition", &words).ended(2).saying(&["expected"]);
    }
}

#[test]
fn no_layer_breaks_a_physical_bound() {
    for (network, platform) in [("resnet50", "tpu"), ("mobilenetv2", "fpga"), ("bert", "gemmini")] {
        let command = ["simulate", network, "--platform", platform, "--json"];
        let document = tandem(std::path::Path::new("."), &command).ended(0).json();
        let number = |value: &serde_json::Value| value.as_f64().unwrap();
        let settings = &document["settings"];
        let memory = 1e9 * number(&settings["memory"]["bandwidth_gb_per_s"]);
        for layer in document["layers"].as_array().unwrap() {
            let seconds = number(&layer["seconds"]);
            assert!(
                number(&layer["utilisation"]) <= 1.0 + 1e-9,
                "{network} on {platform}: {layer}"
            );
            assert!(
                number(&layer["bytes"]) <= memory * seconds * (1.0 + 1e-6),
                "{network} on {platform}: {layer}"
            );
        }
    }
}
