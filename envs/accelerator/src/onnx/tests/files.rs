//! Whole files.

use super::super::{Options, Unsupported, parse};
use super::build::{File, Floats, Int, Ints, Size, Tensor};
use crate::layer::{Layer, Network, Op};
use crate::{Conv, InputError, PoolKind, zoo};

fn with(bytes: &[u8], options: &Options) -> Result<Network, InputError> {
    parse(bytes, "net.onnx", options)
}

fn read(file: &File) -> Result<Network, InputError> {
    with(&file.bytes(), &Options::default())
}

fn message(file: &File, options: &Options) -> String {
    let message = with(&file.bytes(), options).unwrap_err().to_string();
    assert_eq!(message.lines().count(), 1);
    message
}

fn pads(conv: &Conv) -> [i64; 4] {
    let [[top, bottom], [left, right]] = conv.padding.map(|p| p.map(u64::cast_signed));
    [top, left, bottom, right]
}

/// A built-in network of convolutions, norms, sums, pools and classifiers as a file.
fn file_of(network: &Network, size: i64) -> File {
    let mut file = File::new(17).input("v0", &[1, 3, size, size]);
    let value = |at: Option<&usize>| at.map_or("v0".to_owned(), |at| format!("v{}", at + 1));
    for (at, layer) in network.layers.iter().enumerate() {
        let reads = match layer.inputs[..] {
            [a, b] => format!("{} {}", value(Some(&a)), value(Some(&b))),
            _ => value(layer.inputs.first()),
        };
        let out = format!("v{}", at + 1);
        let signed = |pair: [u64; 2]| pair.map(u64::cast_signed);
        file = match layer.op {
            Op::Conv(conv) => {
                let (weights, bias) = (format!("{out}w"), format!("{out}b"));
                let groups = conv.groups.cast_signed();
                let [filters, channels] = signed([conv.filters, conv.channels]);
                let [height, width] = signed(conv.kernel);
                let inputs = if conv.bias {
                    format!("{reads} {weights} {bias}")
                } else {
                    format!("{reads} {weights}")
                };
                let attributes = [
                    Ints("strides", &signed(conv.stride)),
                    Ints("dilations", &signed(conv.dilation)),
                    Ints("pads", &pads(&conv)),
                    Int("group", groups),
                ];
                file.weight(&weights, &[filters, channels / groups, height, width])
                    .weight(&bias, &[filters])
                    .node("Conv", &inputs, &out, &attributes)
            }
            Op::Norm { parameters, .. } => {
                let names = ["s", "t", "m", "v"].map(|part| format!("{out}{part}"));
                let channels = parameters.cast_signed() / 2;
                let file = names.iter().fold(file, |file, name| file.weight(name, &[channels]));
                file.node("BatchNormalization", &format!("{reads} {}", names.join(" ")), &out, &[])
            }
            Op::Elementwise { operands: 1, .. } => file.node("Relu", &reads, &out, &[]),
            Op::Elementwise { .. } => file.node("Add", &reads, &out, &[]),
            Op::Pool {
                kind: PoolKind::Mean, ..
            } => file.node("GlobalAveragePool", &reads, &out, &[]),
            Op::Pool { kernel, stride, .. } => {
                let around = if kernel == [3, 3] { [1; 4] } else { [0; 4] };
                let attributes = [
                    Ints("kernel_shape", &signed(kernel)),
                    Ints("strides", &signed(stride)),
                    Ints("pads", &around),
                ];
                file.node("MaxPool", &reads, &out, &attributes)
            }
            Op::Linear { inputs, outputs, .. } => {
                let (flat, weights, bias) = (format!("{out}f"), format!("{out}w"), format!("{out}b"));
                file.weight(&weights, &signed([outputs, inputs]))
                    .weight(&bias, &[outputs.cast_signed()])
                    .node("Flatten", &reads, &flat, &[])
                    .node("Gemm", &format!("{flat} {weights} {bias}"), &out, &[Int("transB", 1)])
            }
            op => panic!("{op:?}"),
        };
    }
    let last = value(Some(&(network.layers.len() - 1)));
    file.output(&last)
}

#[test]
fn built_in_networks_survive_the_way_through_a_file() {
    for name in ["vgg16", "resnet18", "resnet50", "mobilenetv2", "dilatedvgg-fov"] {
        let network = zoo::entry(name).unwrap().build_with(Some(&[96, 96]), 1).unwrap();
        let network = match name {
            "vgg16" => zoo::named(name).unwrap(), // its classifier is for one size
            _ => network,
        };
        let size = if name == "vgg16" { 224 } else { 96 };
        let back = read(&file_of(&network, size)).unwrap();
        assert_eq!(back.layers.len(), network.layers.len(), "{name}");
        for (ours, theirs) in back.layers.iter().zip(&network.layers) {
            assert_eq!(
                (ours.op, &ours.inputs),
                (theirs.op, &theirs.inputs),
                "{name} {}",
                theirs.name
            );
        }
        assert_eq!(back.macs(), network.macs());
        assert_eq!(back.parameters(), network.parameters());
    }
}

#[test]
fn operators_are_counted_as_the_papers_do() {
    let count = |name: &str, is: fn(&Op) -> bool| {
        let network = zoo::entry(name).unwrap().build_with(Some(&[224, 224]), 1).unwrap();
        let network = read(&file_of(&network, 224)).unwrap();
        network.layers.iter().filter(|layer| is(&layer.op)).count()
    };
    let conv: fn(&Op) -> bool = |op| matches!(op, Op::Conv(_));
    assert_eq!(count("resnet18", conv), 20);
    assert_eq!(count("resnet18", |op| matches!(op, Op::Linear { .. })), 1);
    assert_eq!(
        count("resnet18", |op| matches!(op, Op::Elementwise { operands: 2, .. })),
        8
    );
    assert_eq!((count("resnet50", conv), count("mobilenetv2", conv)), (53, 52));
}

/// Attention as frameworks export it: sizes taken from the input at run time.
fn attention(dims: &[Size]) -> File {
    File::new(17)
        .open_input("x", dims)
        .weight("qkv", &[64, 192])
        .weight("bias", &[192])
        .ints("zero", &[0])
        .ints("one", &[1])
        .ints("heads", &[4, 16])
        .node("Shape", "x", "size", &[])
        .node("Gather", "size zero", "batch", &[])
        .node("Gather", "size one", "tokens", &[])
        .node("Concat", "batch tokens heads", "split", &[Int("axis", 0)])
        .node("Concat", "batch tokens", "front", &[Int("axis", 0)])
        .node("Constant", "", "width", &[Tensor("value", &[64])])
        .node("Concat", "front width", "joined", &[Int("axis", 0)])
        .node("MatMul", "x qkv", "all", &[])
        .node("Add", "all bias", "biased", &[])
        .node("Split", "biased", "q k v", &[Int("axis", -1)])
        .node("Reshape", "q split", "q4", &[])
        .node("Reshape", "k split", "k4", &[])
        .node("Reshape", "v split", "v4", &[])
        .node("Transpose", "q4", "qt", &[Ints("perm", &[0, 2, 1, 3])])
        .node("Transpose", "k4", "kt", &[Ints("perm", &[0, 2, 3, 1])])
        .node("Transpose", "v4", "vt", &[Ints("perm", &[0, 2, 1, 3])])
        .node("MatMul", "qt kt", "scores", &[])
        .node("Softmax", "scores", "weights", &[])
        .node("MatMul", "weights vt", "sums", &[])
        .node("Transpose", "sums", "back", &[Ints("perm", &[0, 2, 1, 3])])
        .node("Reshape", "back joined", "y", &[])
        .output("y")
}

#[test]
fn open_sizes_are_named_and_run_through_shape_arithmetic() {
    let file = attention(&[Size::Named("batch"), Size::Named("tokens"), Size::Of(64)]);
    assert!(message(&file, &Options::default()).contains("`--dim tokens=128`"));
    let mut options = Options::default();
    options.dims.insert("tokens".into(), 32);
    let network = with(&file.bytes(), &options).unwrap();
    assert_eq!(
        network.notes,
        ["dimension \"batch\" of input \"x\" is open; 1 is taken"]
    );
    assert_eq!(network.macs(), Ok(32 * 64 * 192 + 2 * 4 * 32 * 32 * 16));
    assert_eq!(network.parameters(), Ok(64 * 192 + 192));
    options.batch = Some(3);
    let three = with(&file.bytes(), &options).unwrap();
    assert_eq!(three.macs().unwrap(), 3 * network.macs().unwrap());
    assert!(three.notes.is_empty());
    options.dims.insert("words".into(), 32);
    assert!(message(&file, &options).contains("no dimension is called \"words\"; there are \"batch\", \"tokens\""));
    // without a name the place says which
    let file = attention(&[Size::Open, Size::Open, Size::Of(64)]);
    assert!(message(&file, &Options::default()).contains("`--dim x.1=128`"));
    let mut options = Options {
        batch: Some(3),
        ..Options::default()
    };
    options.dims.insert("x.1".into(), 32);
    assert_eq!(with(&file.bytes(), &options).unwrap().macs(), three.macs());
    // sizes that the file has can be changed in the same way
    options.dims.insert("x.0".into(), 6);
    let six = with(&file.bytes(), &options).unwrap();
    assert_eq!(six.macs().unwrap(), 2 * three.macs().unwrap());
    options.dims.insert("x.1".into(), 0);
    assert!(message(&file, &options).contains("is 0"));
}

#[test]
fn attention_reads_its_queries_keys_and_values() {
    let file = attention(&[Size::Of(1), Size::Of(8), Size::Of(64)]);
    let network = read(&file).unwrap();
    let find = |name: &str| network.layers.iter().position(|l| l.name == name).unwrap();
    let reads = |name: &str| network.layers[find(name)].inputs.clone();
    assert_eq!(reads("the_scores"), [find("the_qt"), find("the_kt")]);
    assert_eq!(reads("the_qt"), [find("the_q")]);
    assert_eq!(reads("the_sums"), [find("the_weights"), find("the_vt")]);
    assert!(reads("the_all").is_empty());
}

#[test]
fn a_batch_that_stands_in_a_reshape_is_replaced() {
    let file = File::new(17)
        .input("x", &[1, 8, 4, 4])
        .weight("w", &[128, 10])
        .ints("flat", &[1, 128])
        .node("Reshape", "x flat", "f", &[])
        .node("MatMul", "f w", "y", &[])
        .output("y");
    let options = Options {
        batch: Some(5),
        ..Options::default()
    };
    assert_eq!(with(&file.bytes(), &options).unwrap().macs(), Ok(5 * 1280));
    let options = Options {
        batch: Some(0),
        ..Options::default()
    };
    assert!(message(&file, &options).contains("the batch must be"));
}

#[test]
fn models_without_their_weights_are_as_good() {
    // weights as inputs, as constants made at run time, and as constants of the graph
    let base = || File::new(17).input("x", &[1, 3, 8, 8]).output("y");
    let conv = |file: File| file.node("Conv", "x w", "y", &[]);
    let inputs = conv(base().input("w", &[16, 3, 3, 3]));
    let filled = conv(base().ints("s", &[16, 3, 3, 3]).node("ConstantOfShape", "s", "w", &[]));
    let sized = base().node("Constant", "", "s", &[Tensor("value", &[16, 3, 3, 3])]);
    let sized = conv(sized.node("ConstantOfShape", "s", "w", &[]));
    let quantised = conv(
        base()
            .weight("q", &[16, 3, 3, 3])
            .node("DequantizeLinear", "q", "w", &[]),
    );
    for file in [inputs, filled, sized, quantised] {
        let network = read(&file).unwrap();
        assert_eq!(network.layers.len(), 1);
        assert_eq!(network.parameters(), Ok(16 * 27));
        let options = Options {
            batch: Some(4),
            ..Options::default()
        };
        let four = with(&file.bytes(), &options).unwrap();
        assert_eq!((four.macs(), four.parameters()), (Ok(4 * 36 * 27 * 16), Ok(16 * 27)));
    }
}

#[test]
fn weights_that_two_layers_use_are_counted_once() {
    let file = File::new(17)
        .input("x", &[1, 4, 8, 8])
        .weight("w", &[4, 4, 1, 1])
        .node("Conv", "x w", "a", &[])
        .node("Conv", "a w", "y", &[])
        .output("y");
    let network = read(&file).unwrap();
    assert_eq!((network.parameters(), network.layers[1].shared), (Ok(16), true));
}

#[test]
fn masks_are_no_parameters() {
    let file = File::new(17)
        .input("x", &[1, 8, 8])
        .weight("ones", &[8, 8])
        .weight("low", &[1])
        .node("Trilu", "ones", "half", &[])
        .node("Greater", "half low", "mask", &[])
        .node("Where", "mask x low", "y", &[])
        .output("y");
    let network = read(&file).unwrap();
    assert_eq!((network.layers.len(), network.parameters()), (1, Ok(0)));
}

#[test]
fn results_in_between_are_kept_and_what_leads_nowhere_is_not() {
    let file = File::new(17)
        .input("x", &[1, 4, 8, 8])
        .node("Relu", "x", "a", &[])
        .node("Sigmoid", "a", "y", &[])
        .node("Tanh", "a", "unused", &[])
        .output("a")
        .output("y");
    let layers = read(&file).unwrap().layers;
    let kept: Vec<bool> = layers.iter().map(|layer: &Layer| layer.kept).collect();
    assert_eq!(kept, [true, false]);
}

#[test]
fn nodes_may_stand_in_any_order() {
    let file = |turned: bool| {
        let mut file = attention(&[Size::Of(1), Size::Of(8), Size::Of(64)]);
        if turned {
            file.graph().node.reverse();
        }
        read(&file).unwrap()
    };
    assert_eq!(file(false).macs(), file(true).macs());
    assert_eq!(file(false).layers.len(), file(true).layers.len());
}

#[test]
fn an_unsupported_operator_is_named_or_counted_as_asked() {
    let file = |stated: bool| {
        let file = File::new(17)
            .input("x", &[1, 4, 8, 8])
            .node("Fancy", "x", "a", &[])
            .node("Fancy", "a", "b", &[Floats("z", &[1.0])])
            .node("Relu", "b", "y", &[])
            .output("y");
        if stated { file.stated("b", &[1, 2, 8, 8]) } else { file }
    };
    let refused = message(&file(false), &Options::default());
    assert!(refused.contains("node \"the_a\" (\"Fancy\")") && refused.contains("--unsupported elementwise"));
    let options = Options {
        unsupported: Unsupported::Elementwise,
        ..Options::default()
    };
    let network = with(&file(false).bytes(), &options).unwrap();
    assert_eq!(network.layers[0].op, Op::activation(256));
    let note = "operator \"Fancy\": the operator is not supported; counted as a function of each value at \
                node \"the_a\" (\"Fancy\") and 1 other nodes";
    assert_eq!(network.notes, [note]);
    // the file knows better what comes out
    let network = with(&file(true).bytes(), &options).unwrap();
    assert_eq!(
        (network.layers[1].reads(), network.layers[1].writes()),
        (Ok(256), Ok(128))
    );
    assert_eq!(network.layers[2].writes(), Ok(128));
}
