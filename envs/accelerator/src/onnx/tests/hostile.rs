//! Files that are broken, cut off, or made to do harm: one error each, soon and without panic.

use super::super::{Options, Unsupported, parse};
use super::build::{File, Int, Ints, Size, Tensor, Text};
use tandem_core::Stream;

fn message(file: &File) -> String {
    let error = parse(&file.bytes(), "net.onnx", &Options::default()).unwrap_err();
    let message = error.to_string();
    assert!(message.len() < 600 && message.lines().count() == 1, "{message}");
    message
}

fn base() -> File {
    File::new(17).input("x", &[1, 4, 8, 8]).output("y")
}

/// Files that are right and touch much of the import.
fn samples() -> Vec<Vec<u8>> {
    let image = base()
        .weight("w", &[8, 4, 3, 3])
        .weight("c", &[8])
        .ints("flat", &[0, -1])
        .weight("z", &[72, 10])
        .node(
            "Conv",
            "x w c",
            "a",
            &[Ints("pads", &[1, 1, 1, 1]), Ints("strides", &[2, 2])],
        )
        .node("BatchNormalization", "a c c c c", "b", &[])
        .node("Relu", "b", "r", &[])
        .node(
            "ConvTranspose",
            "r w",
            "t",
            &[Ints("output_padding", &[1, 1]), Ints("strides", &[2, 2])],
        )
        .node(
            "MaxPool",
            "r",
            "p",
            &[Ints("kernel_shape", &[2, 2]), Int("ceil_mode", 1)],
        )
        .node("Reshape", "p flat", "f", &[])
        .node("Gemm", "f z", "y", &[])
        .output("t");
    let text = File::new(17)
        .open_input("i", &[Size::Named("batch"), Size::Of(8)])
        .weight("table", &[100, 16])
        .weight("q", &[16, 48])
        .ints("at", &[1])
        .node("Gather", "table i", "e", &[])
        .node("Shape", "e", "s", &[])
        .node("Gather", "s at", "n", &[])
        .node("Constant", "", "h", &[Tensor("value", &[0, -1, 4, 12])])
        .node("Attention", "e q", "y", &[Int("num_heads", 4)])
        .node("MatMul", "e q", "m", &[])
        .node("Reshape", "m h", "r", &[])
        .node("Transpose", "r", "t", &[Ints("perm", &[0, 2, 1, 3])])
        .node("Slice", "t at at at", "l", &[])
        .node("Split", "t", "u v", &[Int("axis", 2)])
        .node("Expand", "n s", "x", &[])
        .node("Range", "n n n", "g", &[])
        .output("y")
        .output("l")
        .output("u")
        .output("x");
    vec![image.bytes(), text.bytes()]
}

#[test]
fn graphs_that_cannot_be_are_named() {
    let cycle = base().node("Add", "x b", "y", &[]).node("Relu", "y", "b", &[]);
    assert!(message(&cycle).contains("cycle"));
    let itself = base().node("Add", "x y", "y", &[]);
    assert!(message(&itself).contains("cycle"));
    let absent = base().node("Add", "x z", "y", &[]);
    assert!(message(&absent).contains("node \"the_y\" (\"Add\") reads \"z\", which nothing produces"));
    let twice = base().node("Relu", "x", "y", &[]).node("Tanh", "x", "y", &[]);
    assert!(message(&twice).contains("\"y\" is there already"));
    let over = base().node("Relu", "x", "x", &[]);
    assert!(message(&over).contains("\"x\" is there already"));
    let output = File::new(17).input("x", &[1]).node("Relu", "x", "y", &[]).output("z");
    assert!(message(&output).contains("nothing produces output \"z\""));
    let short = base().node("Conv", "x", "y", &[]);
    assert!(message(&short).contains("input 2 is missing"));
    let constant = base().ints("c", &[1]).node("Neg", "c", "y", &[]);
    assert!(message(&constant).contains("nothing in it depends on an input"));
    assert!(message(&base()).contains("no nodes"));
    let mut nameless = base().node("Relu", "x", "y", &[]);
    nameless.0.opset_import.clear();
    assert!(message(&nameless).contains("version of its operators"));
    let mut empty = base();
    empty.0.graph = None;
    assert!(message(&empty).contains("no graph"));
}

#[test]
fn sizes_beyond_measure_are_errors_that_name_the_node() {
    let huge = i64::MAX;
    let large = 1 << 40;
    for file in [
        File::new(17)
            .input("x", &[1, huge, 8, 8])
            .output("y")
            .node("Relu", "x", "y", &[]),
        File::new(17)
            .input("x", &[large, large, 8, 8])
            .output("y")
            .node("Relu", "x", "y", &[]),
        base().weight("w", &[huge, 4, 1, 1]).node("Conv", "x w", "y", &[]),
        base()
            .weight("w", &[large, 4, large, large])
            .node("Conv", "x w", "y", &[]),
        base()
            .weight("w", &[8, 4, 1, 1])
            .node("Conv", "x w", "y", &[Ints("pads", &[huge; 4])]),
        base()
            .weight("w", &[8, 4, 1, 1])
            .node("Conv", "x w", "y", &[Ints("pads", &[1 << 32; 4])]),
        base().ints("n", &[1, 1, huge, huge]).node("Tile", "x n", "y", &[]),
        base()
            .ints("n", &[large, large, 1, 1, 1, 1])
            .node("Expand", "x n", "y", &[]),
        base().node("MaxPool", "x", "y", &[Ints("kernel_shape", &[huge, 1])]),
    ] {
        let message = message(&file);
        assert!(message.starts_with("net.onnx: "), "{message}");
    }
    // filled with as many numbers as a disk holds: only the shape is kept
    let filled = base()
        .ints("n", &[1 << 30, 4, 1, 1])
        .node("ConstantOfShape", "n", "w", &[])
        .node("Conv", "x w", "y", &[]);
    assert!(parse(&filled.bytes(), "net.onnx", &Options::default()).is_ok());
}

#[test]
fn lists_that_double_with_each_node_are_let_go() {
    let mut file = base().ints("l0", &[1; 64]);
    for at in 0..60 {
        let reads = format!("l{at} l{at}");
        file = file.node("Concat", &reads, &format!("l{}", at + 1), &[Int("axis", 0)]);
    }
    assert!(message(&file.node("Reshape", "x l60", "y", &[])).contains("the_l"));
}

#[test]
fn names_that_are_long_or_odd_stay_readable() {
    let long = "n".repeat(100_000);
    message(
        &base()
            .node("Relu", "x", &format!("y {long}"), &[])
            .node(&long, "x", "y", &[]),
    );
    message(&base().node(&long, "x", "y", &[]));
    message(&base().ints("n", &[i64::MAX; 4000]).node("Reshape", "x n", "y", &[]));
    message(&base().ints("n", &[1; 4000]).node("Split", "x n", "y", &[]));
    message(&base().node("Relu", &long, "y", &[]));
    message(&base().node("Conv", "x x", "y", &[Text("auto_pad", &long)]));
    message(&base().node("Einsum", "x x", "y", &[Text("equation", &long)]));
    let mut odd = base().node("Relu", "x", "y", &[]);
    odd.graph().node[0].name = Some("a\nb\u{1b}[2J".into());
    let network = parse(&odd.bytes(), "net.onnx", &Options::default()).unwrap();
    assert_eq!(network.layers[0].name, "ab[2J");
    odd.graph().node[0].op_type = Some("Odd\nOne".into());
    message(&odd);
}

/// A field of a message: its number and bytes of a known length.
pub(super) fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend(bytes);
    out
}

#[test]
fn bodies_in_bodies_do_not_exhaust_the_stack() {
    // graph -> node -> attribute -> graph -> ...
    let mut nested = Vec::new();
    for _ in 0..20_000 {
        nested = field(1, &field(5, &field(6, &nested)));
    }
    let bytes = field(7, &nested);
    assert!(parse(&bytes, "net.onnx", &Options::default()).is_err());
}

#[test]
fn a_file_of_nothing_but_nodes_is_refused_soon() {
    // two bytes in the file for each node in memory
    let nodes = [0x0a, 0x00].repeat(3 << 20);
    let error = parse(&field(7, &nodes), "net.onnx", &Options::default()).unwrap_err();
    assert!(error.to_string().contains("more items than any model"));
}

#[test]
fn packed_lists_in_attributes_are_read() {
    // as writers of proto3 have them: all numbers of a list in one field
    let list = |name: &[u8], sizes: &[u8]| field(5, &[field(1, name), field(8, sizes)].concat());
    let node = [
        field(1, b"x"),
        field(2, b"y"),
        field(4, b"MaxPool"),
        list(b"kernel_shape", &[2, 3]),
        list(b"strides", &[2, 1]),
    ];
    let dims = [1, 1, 8, 9].map(|size| field(1, &[0x08, size])).concat();
    let kind = field(2, &field(1, &field(2, &dims)));
    let graph = [
        field(1, &node.concat()),
        field(11, &[field(1, b"x"), kind].concat()),
        field(12, &field(1, b"y")),
    ];
    let file = [field(7, &graph.concat()), field(8, &[0x10, 17])].concat();
    let network = parse(&file, "net.onnx", &Options::default()).unwrap();
    assert_eq!(network.layers[0].writes(), Ok(4 * 7));
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_an_error() {
    for bytes in samples() {
        assert!(parse(&bytes, "net.onnx", &Options::default()).is_ok());
        for end in 0..bytes.len() {
            let error = parse(&bytes[..end], "net.onnx", &Options::default()).unwrap_err();
            assert!(!error.to_string().contains('\n'));
        }
    }
}

#[test]
fn mutated_files_never_panic() {
    let samples = samples();
    let options = [Unsupported::Error, Unsupported::Elementwise].map(|unsupported| Options {
        unsupported,
        batch: Some(3),
        ..Options::default()
    });
    let mut stream = Stream::new(0, "mutations", 0);
    let (mut right, mut wrong) = (0, 0);
    for round in 0..20_000 {
        let mut bytes = samples[stream.below(samples.len())].clone();
        for _ in 0..=stream.below(2) {
            let at = stream.below(bytes.len());
            match stream.below(5) {
                0 => bytes[at] ^= 1 << stream.below(8),
                1 => bytes[at] = stream.below(256) as u8,
                2 => bytes[at] = [0, 0x7f, 0x80, 0xff][stream.below(4)],
                3 => drop(bytes.remove(at)),
                _ => {
                    // a piece of the file once more
                    let end = (at + stream.below(40)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        match parse(&bytes, "net.onnx", &options[round % 2]) {
            Ok(network) => {
                right += 1;
                assert!(network.macs().is_ok() && network.parameters().is_ok());
            }
            Err(error) => {
                wrong += 1;
                let message = error.to_string();
                assert!(message.lines().count() == 1 && message.len() < 2000, "{message}");
            }
        }
    }
    // both kinds must occur, or nothing was tested
    assert!(right > 500 && wrong > 500, "{right} right, {wrong} wrong");
}

#[test]
fn noise_is_no_onnx_file() {
    let mut stream = Stream::new(0, "noise", 0);
    for _ in 0..2000 {
        let bytes: Vec<u8> = (0..stream.below(200)).map(|_| stream.below(256) as u8).collect();
        assert!(parse(&bytes, "net.onnx", &Options::default()).is_err());
    }
    let error = parse(b"import torch\n", "net.onnx", &Options::default()).unwrap_err();
    assert!(error.to_string().starts_with("net.onnx: is no"), "{error}");
}
