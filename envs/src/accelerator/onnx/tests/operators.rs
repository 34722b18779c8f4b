//! Shapes and costs of single operators against hand-computed ones and the examples of the ONNX specification.

use super::super::call::{Call, Fault, Outcome};
use super::super::ops;
use super::super::proto::{Attribute, Node, Tensor};
use super::super::value::{Numbers, Value};
use super::build::{Attr, Floats, Int, Ints, Tensor as Contents, Text};
use crate::accelerator::Op;

/// Shorthand for inputs: values of the network, weights, and lists of whole numbers.
enum In<'a> {
    X(&'a [u64]),
    W(&'a [u64]),
    N(&'a [i64]),
    F(&'a [f64]),
    None,
}

use In::{F, N, W, X};

fn attribute<'a>(attr: &Attr<'a>) -> Attribute<'a> {
    let named = |name| Attribute {
        name,
        ..Attribute::default()
    };
    match *attr {
        Int(name, int) => Attribute {
            int: Some(int),
            ..named(name)
        },
        Ints(name, ints) => Attribute {
            ints: ints.to_vec(),
            ..named(name)
        },
        Floats(name, floats) => Attribute {
            floats: floats.iter().map(|&x| f64::from(x)).collect(),
            ..named(name)
        },
        Text(name, text) => Attribute {
            text: text.as_bytes(),
            ..named(name)
        },
        Contents(name, ints) => Attribute {
            tensor: Some(Tensor {
                dims: vec![ints.len() as i64],
                kind: 7,
                ints: ints.to_vec(),
                ..Tensor::default()
            }),
            ..named(name)
        },
    }
}

fn apply(op: &str, inputs: &[In], attributes: &[Attr], outputs: usize) -> Result<Outcome, Fault> {
    let values: Vec<Option<Value>> = inputs
        .iter()
        .map(|input| match *input {
            X(shape) => Some(Value::computed(shape.to_vec(), None)),
            W(shape) => Some(Value::constant(shape.to_vec(), true, None)),
            N(ints) => Some(Value::ints(ints.to_vec())),
            F(list) => {
                let content = Numbers::Floats(list.to_vec());
                Some(Value::constant(
                    vec![list.len() as u64],
                    true,
                    Some(content),
                ))
            }
            In::None => None,
        })
        .collect();
    let node = Node {
        op,
        outputs: vec!["y"; outputs],
        attributes: attributes.iter().map(attribute).collect(),
        ..Node::default()
    };
    let call = Call {
        node: &node,
        inputs: values.iter().map(Option::as_ref).collect(),
        opset: 18,
        rebatched: None,
    };
    ops::apply(&call)
}

/// The shape of the first output.
#[track_caller]
fn shape(op: &str, inputs: &[In], attributes: &[Attr]) -> Vec<u64> {
    match apply(op, inputs, attributes, 1) {
        Ok(outcome) => outcome.shapes[0].clone(),
        Err(fault) => panic!("{op}: {fault:?}"),
    }
}

/// The only layer.
#[track_caller]
fn layer(op: &str, inputs: &[In], attributes: &[Attr]) -> Op {
    match &apply(op, inputs, attributes, 1).unwrap().parts[..] {
        [part] => part.op,
        parts => panic!("{op}: {} layers", parts.len()),
    }
}

#[test]
fn convolutions() {
    let image = X(&[2, 3, 224, 224]);
    let weights = W(&[64, 3, 7, 7]);
    let pads = [Ints("pads", &[3, 3, 3, 3]), Ints("strides", &[2, 2])];
    let op = layer("Conv", &[image, weights], &pads);
    assert_eq!(op.macs(), Ok(2 * 112 * 112 * 64 * 147));
    for (inputs, attributes, expected) in [
        (
            &[X(&[1, 1, 5, 5]), W(&[1, 1, 3, 3])],
            &[][..],
            vec![1, 1, 3, 3],
        ),
        // examples of the specification: asymmetric padding, and automatic
        (
            &[X(&[1, 1, 7, 5]), W(&[1, 1, 3, 3])],
            &[Ints("strides", &[2, 2]), Ints("pads", &[1, 0, 1, 0])],
            vec![1, 1, 4, 2],
        ),
        (
            &[X(&[1, 1, 5, 5]), W(&[1, 1, 3, 3])],
            &[Text("auto_pad", "SAME_LOWER"), Ints("strides", &[2, 2])],
            vec![1, 1, 3, 3],
        ),
        (
            &[X(&[1, 1, 6, 7]), W(&[1, 1, 3, 3])],
            &[Text("auto_pad", "SAME_UPPER"), Ints("strides", &[2, 2])],
            vec![1, 1, 3, 4],
        ),
        (
            &[X(&[1, 1, 6, 7]), W(&[1, 1, 3, 3])],
            &[Text("auto_pad", "VALID"), Ints("pads", &[9, 9, 9, 9])],
            vec![1, 1, 4, 5],
        ),
        // one direction; groups; dilation
        (
            &[X(&[2, 6, 25]), W(&[4, 6, 5])],
            &[Ints("dilations", &[2]), Ints("pads", &[4, 4])],
            vec![2, 4, 25],
        ),
        (
            &[X(&[1, 8, 9, 9]), W(&[16, 1, 3, 3])],
            &[Int("group", 8), Ints("dilations", &[3, 4])],
            vec![1, 16, 3, 1],
        ),
    ] {
        assert_eq!(shape("Conv", inputs, attributes), expected);
    }
    let depthwise = [X(&[1, 8, 9, 9]), W(&[8, 1, 3, 3]), W(&[8])];
    let op = layer("Conv", &depthwise, &[Int("group", 8)]);
    assert_eq!(
        (op.name(), op.macs(), op.parameters()),
        ("depthwise", Ok(49 * 9 * 8), Ok(80))
    );
    for (inputs, attributes) in [
        (&[X(&[1, 3, 5, 5]), W(&[8, 4, 3, 3])], &[][..]),
        (&[X(&[1, 4, 5, 5]), W(&[6, 1, 3, 3])], &[Int("group", 4)]),
        (&[X(&[1, 4, 5, 5]), W(&[6, 4, 3, 3])], &[Int("group", -1)]),
        (&[X(&[1, 4, 5, 5]), W(&[6, 4, 7, 7])], &[]),
        (
            &[X(&[1, 4, 5, 5]), W(&[6, 4, 3, 3])],
            &[Ints("kernel_shape", &[5, 5])],
        ),
        (
            &[X(&[1, 4, 5, 5]), W(&[6, 4, 3, 3])],
            &[Ints("strides", &[0, 1])],
        ),
        (
            &[X(&[1, 4, 5, 5]), W(&[6, 4, 3, 3])],
            &[Ints("pads", &[-1, 0, 0, 0])],
        ),
        (
            &[X(&[1, 4, 5, 5]), W(&[6, 4, 3, 3])],
            &[Ints("strides", &[1])],
        ),
        (&[X(&[1, 4, 5, 5]), W(&[6, 4, 3])], &[]),
        (&[X(&[1, 4, 5, 5]), W(&[6, 4, 0, 3])], &[]),
    ] {
        assert!(matches!(
            apply("Conv", inputs, attributes, 1),
            Err(Fault::Wrong(_))
        ));
    }
}

#[test]
fn transposed_convolutions() {
    let inputs = [X(&[1, 1, 3, 3]), W(&[1, 2, 3, 3])];
    for (attributes, expected) in [
        (&[][..], [5, 5]),
        (&[Ints("strides", &[3, 2])], [9, 7]),
        // the specification's: output_shape, output_padding, automatic padding, pads
        (
            &[Ints("strides", &[3, 2]), Ints("output_shape", &[10, 8])],
            [10, 8],
        ),
        (
            &[Ints("strides", &[3, 2]), Ints("output_padding", &[1, 1])],
            [10, 8],
        ),
        (
            &[Ints("strides", &[2, 2]), Text("auto_pad", "SAME_UPPER")],
            [6, 6],
        ),
        (
            &[Ints("strides", &[3, 2]), Ints("pads", &[1, 2, 1, 2])],
            [7, 3],
        ),
        (
            &[
                Ints("strides", &[2, 2]),
                Ints("pads", &[1, 1, 1, 1]),
                Ints("output_padding", &[1, 1]),
            ],
            [6, 6],
        ),
    ] {
        let outcome = apply("ConvTranspose", &inputs, attributes, 1).unwrap();
        assert_eq!(
            outcome.shapes[0],
            [1, 2, expected[0], expected[1]],
            "{attributes:?}"
        );
        let last = outcome.parts.last().unwrap();
        assert_eq!(
            last.op.outputs(),
            Ok(2 * expected[0] * expected[1]),
            "{attributes:?}"
        );
        assert_eq!(outcome.parts[0].op.macs(), Ok(9 * 2 * 9));
    }
    let grouped = [X(&[1, 8, 4, 4]), W(&[8, 3, 2, 2]), W(&[6])];
    let op = layer(
        "ConvTranspose",
        &grouped,
        &[Int("group", 2), Ints("strides", &[2, 2])],
    );
    assert_eq!(
        (op.outputs(), op.parameters()),
        (Ok(6 * 64), Ok(8 * 3 * 4 + 6))
    );
}

#[test]
fn matrix_products() {
    for (a, b, expected, macs, name) in [
        (
            X(&[128, 768]),
            W(&[768, 3072]),
            vec![128, 3072],
            128 * 768 * 3072,
            "linear",
        ),
        (
            X(&[2, 128, 768]),
            W(&[768, 64]),
            vec![2, 128, 64],
            256 * 768 * 64,
            "linear",
        ),
        (
            W(&[5, 7]),
            X(&[2, 7, 3]),
            vec![2, 5, 3],
            2 * 5 * 7 * 3,
            "linear",
        ),
        (
            X(&[2, 12, 128, 64]),
            X(&[2, 12, 64, 128]),
            vec![2, 12, 128, 128],
            24 * 128 * 128 * 64,
            "matmul",
        ),
        (
            X(&[3, 1, 4, 5]),
            X(&[6, 5, 2]),
            vec![3, 6, 4, 2],
            18 * 4 * 5 * 2,
            "matmul",
        ),
        (
            X(&[9, 4, 5]),
            X(&[5, 2]),
            vec![9, 4, 2],
            9 * 4 * 5 * 2,
            "matmul",
        ),
        (X(&[5]), X(&[5, 2]), vec![2], 10, "matmul"),
        (X(&[4, 5]), X(&[5]), vec![4], 20, "matmul"),
        (X(&[5]), X(&[5]), vec![], 5, "matmul"),
        (
            X(&[8, 10, 6]),
            W(&[8, 6, 3]),
            vec![8, 10, 3],
            8 * 10 * 6 * 3,
            "conv",
        ),
    ] {
        let outcome = apply("MatMul", &[a, b], &[], 1).unwrap();
        assert_eq!(outcome.shapes[0], expected);
        let op = outcome.parts[0].op;
        assert_eq!((op.macs(), op.name()), (Ok(macs), name), "{expected:?}");
        assert_eq!(op.outputs(), Ok(expected.iter().product()), "{expected:?}");
    }
    assert!(apply("MatMul", &[X(&[2, 3]), X(&[2, 3])], &[], 1).is_err());
    let op = layer(
        "Gemm",
        &[X(&[2, 512]), W(&[1000, 512]), W(&[1000])],
        &[Int("transB", 1)],
    );
    assert_eq!((op.macs(), op.parameters()), (Ok(1_024_000), Ok(513_000)));
    let equation = [Text("equation", "bhid, bhjd -> bhij")];
    let op = layer("Einsum", &[X(&[2, 3, 5, 7]), X(&[2, 3, 6, 7])], &equation);
    assert_eq!(op.macs(), Ok(2 * 3 * 5 * 6 * 7));
    assert_eq!(
        shape("Einsum", &[X(&[2, 3, 5, 7]), X(&[2, 3, 6, 7])], &equation),
        [2, 3, 5, 6]
    );
    let weights = layer(
        "Einsum",
        &[X(&[2, 9, 7]), W(&[7, 4])],
        &[Text("equation", "bid,de->bie")],
    );
    assert_eq!((weights.name(), weights.parameters()), ("linear", Ok(28)));
}

#[test]
fn attention_in_one_operator_is_that_of_its_products() {
    // 12 heads of 64: scores and values cost 12 * 128 * 128 * 64 each
    let products = 2 * 12 * 128 * 128 * 64;
    let macs = |outcome: &Outcome| {
        outcome
            .parts
            .iter()
            .map(|p| p.op.macs().unwrap())
            .sum::<u64>()
    };
    let text = X(&[1, 128, 768]);
    let packed = apply(
        "Attention",
        &[text, W(&[768, 2304]), W(&[2304])],
        &[Int("num_heads", 12)],
        1,
    )
    .unwrap();
    assert_eq!(packed.shapes[0], [1, 128, 768]);
    assert_eq!(macs(&packed), products + 128 * 768 * 2304);
    let three = || [X(&[1, 128, 768]), X(&[1, 128, 768]), X(&[1, 128, 768])];
    let separate = apply("MultiHeadAttention", &three(), &[Int("num_heads", 12)], 1).unwrap();
    let standard = apply(
        "Attention",
        &three(),
        &[Int("q_num_heads", 12), Int("kv_num_heads", 12)],
        1,
    )
    .unwrap();
    let apart = [
        X(&[1, 12, 128, 64]),
        X(&[1, 12, 128, 64]),
        X(&[1, 12, 128, 64]),
    ];
    let apart = apply("Attention", &apart, &[], 1).unwrap();
    for outcome in [&separate, &standard, &apart] {
        assert_eq!((macs(outcome), outcome.parts.len()), (products, 3));
    }
    assert_eq!(apart.shapes[0], [1, 12, 128, 64]);
    assert!(apply("Attention", &three(), &[Int("num_heads", 5)], 1).is_err());
}

#[test]
fn pools_and_reductions() {
    let three = Ints("kernel_shape", &[3, 3]);
    let two = Ints("strides", &[2, 2]);
    for (op, image, attributes, expected) in [
        (
            "MaxPool",
            [1, 3, 32, 32],
            &[Ints("kernel_shape", &[2, 2])][..],
            vec![1, 3, 31, 31],
        ),
        (
            "MaxPool",
            [1, 1, 4, 4],
            &[three, two, Int("ceil_mode", 1)],
            vec![1, 1, 2, 2],
        ),
        (
            "MaxPool",
            [1, 64, 112, 112],
            &[three, two, Ints("pads", &[1, 1, 1, 1])],
            vec![1, 64, 56, 56],
        ),
        // the last window would begin in the padding
        (
            "MaxPool",
            [1, 1, 2, 2],
            &[Ints("kernel_shape", &[1, 1]), two, Int("ceil_mode", 1)],
            vec![1, 1, 1, 1],
        ),
        (
            "MaxPool",
            [1, 1, 4, 4],
            &[Ints("kernel_shape", &[2, 2]), Ints("dilations", &[2, 2])],
            vec![1, 1, 2, 2],
        ),
        (
            "AveragePool",
            [1, 3, 13, 12],
            &[three, two, Text("auto_pad", "SAME_UPPER")],
            vec![1, 3, 7, 6],
        ),
        ("GlobalAveragePool", [2, 3, 7, 9], &[], vec![2, 3, 1, 1]),
        (
            "ReduceMean",
            [2, 3, 7, 9],
            &[Ints("axes", &[-1, 2]), Int("keepdims", 0)],
            vec![2, 3],
        ),
        (
            "ReduceMax",
            [2, 3, 7, 9],
            &[Ints("axes", &[1])],
            vec![2, 1, 7, 9],
        ),
        ("ReduceSum", [2, 3, 7, 9], &[], vec![1, 1, 1, 1]),
        (
            "ReduceSum",
            [2, 3, 7, 9],
            &[Int("noop_with_empty_axes", 1)],
            vec![2, 3, 7, 9],
        ),
        (
            "ArgMax",
            [2, 3, 7, 9],
            &[Int("axis", 1), Int("keepdims", 0)],
            vec![2, 7, 9],
        ),
    ] {
        assert_eq!(
            shape(op, &[X(&image)], attributes),
            expected,
            "{op} {image:?} {attributes:?}"
        );
    }
    let is_pool = |axes: &[i64]| {
        matches!(
            layer("ReduceMean", &[X(&[2, 3, 7, 9])], &[Ints("axes", axes)]),
            Op::Pool { .. }
        )
    };
    assert!(is_pool(&[2, 3]) && !is_pool(&[1]) && !is_pool(&[3]));
    assert!(apply("MaxPool", &[X(&[1, 1, 2, 2])], &[three], 1).is_err());
}

#[test]
fn functions_of_values_at_the_same_place() {
    let op = layer("Add", &[X(&[2, 8, 4, 4]), X(&[8, 1, 1])], &[]);
    let expected = Op::Elementwise {
        operands: 2,
        inputs: 256 + 8,
        elements: 256,
        parameters: 0,
    };
    assert_eq!(op, expected);
    // a bias is learnt, a single number belongs to the formula
    let biased = layer("Add", &[X(&[2, 128, 768]), W(&[768])], &[]);
    assert_eq!(
        (biased.parameters(), biased.inputs()),
        (Ok(768), Ok(2 * 128 * 768))
    );
    assert_eq!(
        layer("Div", &[X(&[2, 3]), F(&[8.0])], &[]).parameters(),
        Ok(0)
    );
    assert_eq!(
        layer("Clip", &[X(&[7]), F(&[0.0]), F(&[6.0])], &[]),
        Op::activation(7)
    );
    assert_eq!(
        layer(
            "LayerNormalization",
            &[X(&[2, 768]), W(&[768]), W(&[768])],
            &[]
        )
        .parameters(),
        Ok(1536)
    );
    let channels = || [X(&[2, 8, 4, 4]), W(&[8]), W(&[8]), W(&[8]), W(&[8])];
    assert_eq!(
        layer("BatchNormalization", &channels(), &[]).parameters(),
        Ok(16)
    );
    assert!(apply("Add", &[X(&[2, 3]), X(&[4])], &[], 1).is_err());
    assert_eq!(
        shape("Where", &[X(&[1, 4]), F(&[1.0]), X(&[3, 1])], &[]),
        [3, 4]
    );
}

#[test]
fn views_and_copies() {
    for (op, inputs, attributes, expected) in [
        (
            "Reshape",
            vec![X(&[2, 3, 4]), N(&[0, -1])],
            vec![],
            vec![2, 12],
        ),
        (
            "Reshape",
            vec![X(&[2, 3, 4]), N(&[4, -1, 2])],
            vec![],
            vec![4, 3, 2],
        ),
        (
            "Flatten",
            vec![X(&[2, 3, 4])],
            vec![Int("axis", -1)],
            vec![6, 4],
        ),
        (
            "Flatten",
            vec![X(&[2, 3, 4])],
            vec![Int("axis", 3)],
            vec![24, 1],
        ),
        ("Squeeze", vec![X(&[1, 3, 1]), N(&[-1])], vec![], vec![1, 3]),
        ("Squeeze", vec![X(&[1, 3, 1])], vec![], vec![3]),
        (
            "Unsqueeze",
            vec![X(&[3, 4]), N(&[0, -1])],
            vec![],
            vec![1, 3, 4, 1],
        ),
        (
            "Concat",
            vec![X(&[1, 3, 5]), W(&[1, 4, 5])],
            vec![Int("axis", -2)],
            vec![1, 7, 5],
        ),
        (
            "Transpose",
            vec![X(&[2, 3, 4])],
            vec![Ints("perm", &[2, 0, 1])],
            vec![4, 2, 3],
        ),
        (
            "Slice",
            vec![X(&[20, 10, 5]), N(&[0, 0]), N(&[3, 10]), N(&[0, 1])],
            vec![],
            vec![3, 10, 5],
        ),
        (
            "Slice",
            vec![X(&[20, 10]), N(&[1]), N(&[i64::MAX]), N(&[1]), N(&[3])],
            vec![],
            vec![20, 3],
        ),
        (
            "Slice",
            vec![X(&[20, 10]), N(&[-1]), N(&[i64::MIN]), N(&[0]), N(&[-3])],
            vec![],
            vec![7, 10],
        ),
        (
            "Slice",
            vec![X(&[20, 10]), N(&[30]), N(&[40])],
            vec![],
            vec![0, 10],
        ),
        (
            "Gather",
            vec![X(&[5, 4, 3]), N(&[0, 2])],
            vec![Int("axis", 1)],
            vec![5, 2, 3],
        ),
        (
            "Pad",
            vec![X(&[1, 3, 4, 5]), N(&[0, 0, 1, 3, 0, 0, 2, 4])],
            vec![],
            vec![1, 3, 7, 12],
        ),
        (
            "Pad",
            vec![X(&[3, 4]), N(&[-1, 1]), In::None, N(&[1])],
            vec![],
            vec![3, 4],
        ),
        (
            "Expand",
            vec![X(&[3, 1]), N(&[2, 1, 6])],
            vec![],
            vec![2, 3, 6],
        ),
        ("Tile", vec![X(&[2, 3]), N(&[2, 1])], vec![], vec![4, 3]),
        (
            "Resize",
            vec![X(&[1, 1, 2, 4]), In::None, F(&[1.0, 1.0, 0.6, 0.6])],
            vec![],
            vec![1, 1, 1, 2],
        ),
        (
            "Resize",
            vec![X(&[1, 1, 2, 2]), In::None, In::None, N(&[7, 8])],
            vec![Ints("axes", &[2, 3])],
            vec![1, 1, 7, 8],
        ),
        (
            "Upsample",
            vec![X(&[1, 1, 2, 2]), F(&[1.0, 1.0, 2.0, 3.0])],
            vec![],
            vec![1, 1, 4, 6],
        ),
        (
            "DepthToSpace",
            vec![X(&[1, 8, 2, 3])],
            vec![Int("blocksize", 2)],
            vec![1, 2, 4, 6],
        ),
        (
            "SpaceToDepth",
            vec![X(&[1, 2, 4, 6])],
            vec![Int("blocksize", 2)],
            vec![1, 8, 2, 3],
        ),
        ("TopK", vec![X(&[3, 9]), N(&[4])], vec![], vec![3, 4]),
        ("OneHot", vec![X(&[2, 3]), N(&[5])], vec![], vec![2, 3, 5]),
        (
            "GatherND",
            vec![X(&[2, 3, 4]), X(&[5, 2])],
            vec![],
            vec![5, 4],
        ),
    ] {
        assert_eq!(
            shape(op, &inputs, &attributes),
            expected,
            "{op} {attributes:?}"
        );
    }
    // sizes of 1 change places: nothing moves
    let moved = |from: &[u64], order: &[i64]| {
        apply("Transpose", &[X(from)], &[Ints("perm", order)], 1)
            .unwrap()
            .parts
            .len()
    };
    assert_eq!(
        (
            moved(&[1, 3, 1, 5], &[0, 2, 1, 3]),
            moved(&[1, 3, 2, 5], &[0, 2, 1, 3])
        ),
        (0, 1)
    );
    let split = apply("Split", &[X(&[2, 7])], &[Int("axis", 1)], 3).unwrap();
    assert_eq!(split.shapes, [[2, 3], [2, 3], [2, 1]]);
    assert_eq!(split.parts.len(), 1);
    for (op, inputs) in [
        ("Reshape", [X(&[2, 3]), N(&[4, -1])]),
        ("Reshape", [X(&[2, 3]), N(&[-1, -1])]),
        ("Squeeze", [X(&[2, 3]), N(&[0])]),
        ("Unsqueeze", [X(&[2, 3]), N(&[1, 1])]),
        ("Tile", [X(&[2, 3]), N(&[2, -1])]),
        ("Expand", [X(&[2, 3]), N(&[4])]),
        ("Tile", [X(&[1 << 40, 3]), N(&[1 << 40, 1])]),
    ] {
        assert!(
            matches!(apply(op, &inputs, &[], 1), Err(Fault::Wrong(_))),
            "{op}"
        );
    }
    // a shape that depends on data is no mistake of the model
    assert!(matches!(
        apply("Reshape", &[X(&[6]), X(&[2])], &[], 1),
        Err(Fault::Unsupported(_))
    ));
}

#[test]
fn embeddings_and_recurrent_layers() {
    let op = layer("Gather", &[W(&[30_522, 768]), X(&[1, 128])], &[]);
    assert_eq!(
        op,
        Op::Embedding {
            rows: 30_522,
            width: 768,
            tokens: 128
        }
    );
    let lstm = [X(&[10, 2, 7]), W(&[1, 20, 7]), W(&[1, 20, 5]), W(&[1, 40])];
    let outcome = apply("LSTM", &lstm, &[Int("hidden_size", 5)], 3).unwrap();
    assert_eq!(outcome.shapes[0], [10, 1, 2, 5]);
    let macs: u64 = outcome
        .parts
        .iter()
        .map(|part| part.op.macs().unwrap())
        .sum();
    assert_eq!(macs, 10 * 2 * 4 * 5 * (7 + 5));
}

#[test]
fn shape_arithmetic_is_worked_out() {
    let content = |op: &str, inputs: &[In], attributes: &[Attr]| {
        let outcome = apply(op, inputs, attributes, 1).unwrap();
        outcome.contents.into_iter().next().flatten()
    };
    let ints = |list: &[i64]| Some(Numbers::Ints(list.to_vec()));
    for (op, inputs, attributes, expected) in [
        ("Shape", vec![X(&[2, 3, 4])], vec![], ints(&[2, 3, 4])),
        (
            "Shape",
            vec![X(&[2, 3, 4])],
            vec![Int("start", -2), Int("end", 99)],
            ints(&[3, 4]),
        ),
        (
            "Gather",
            vec![N(&[7, 8, 9]), N(&[-1, 0])],
            vec![],
            ints(&[9, 7]),
        ),
        (
            "Slice",
            vec![N(&[1, 2, 3, 4]), N(&[-1]), N(&[0]), N(&[0]), N(&[-2])],
            vec![],
            ints(&[4, 2]),
        ),
        (
            "Concat",
            vec![N(&[1]), N(&[2, 3])],
            vec![Int("axis", 0)],
            ints(&[1, 2, 3]),
        ),
        ("Mul", vec![N(&[2, 3]), N(&[5])], vec![], ints(&[10, 15])),
        ("Div", vec![N(&[7]), N(&[2])], vec![], ints(&[3])),
        ("Div", vec![N(&[7]), N(&[0])], vec![], None),
        ("Mul", vec![N(&[i64::MAX]), N(&[2])], vec![], None),
        (
            "Where",
            vec![N(&[1, 0]), N(&[5, 6]), N(&[7])],
            vec![],
            ints(&[5, 7]),
        ),
        ("Expand", vec![N(&[4]), N(&[3])], vec![], ints(&[4, 4, 4])),
        (
            "Range",
            vec![N(&[2]), N(&[9]), N(&[3])],
            vec![],
            ints(&[2, 5, 8]),
        ),
        (
            "Range",
            vec![N(&[i64::MAX]), N(&[0]), N(&[i64::MIN])],
            vec![],
            ints(&[i64::MAX]),
        ),
        ("Cast", vec![F(&[2.9])], vec![Int("to", 7)], ints(&[2])),
        (
            "Floor",
            vec![F(&[2.9])],
            vec![],
            Some(Numbers::Floats(vec![2.0])),
        ),
        ("Add", vec![X(&[2]), N(&[1])], vec![], None),
    ] {
        assert_eq!(
            content(op, &inputs, &attributes),
            expected,
            "{op} {attributes:?}"
        );
    }
    // a list that is cut in pairs, turned round and put in columns first, as frameworks write padding
    let pairs = Value::constant(vec![2, 2], false, ints(&[1, 2, 3, 4]));
    let with = |op: &'static str, inputs: Vec<Option<&Value>>, attributes: Vec<Attribute>| {
        let node = Node {
            op,
            outputs: vec!["y"],
            attributes,
            ..Node::default()
        };
        let call = Call {
            node: &node,
            inputs,
            opset: 18,
            rebatched: None,
        };
        ops::apply(&call).unwrap().contents[0].clone()
    };
    let [last, first, by] = [-1, i64::MIN, -1].map(|i| Value::ints(vec![i]));
    let zero = Value::ints(vec![0]);
    let inputs = [&pairs, &last, &first, &zero, &by].map(Some).to_vec();
    assert_eq!(with("Slice", inputs, vec![]), ints(&[3, 4, 1, 2]));
    let turned = vec![attribute(&Ints("perm", &[1, 0]))];
    assert_eq!(
        with("Transpose", vec![Some(&pairs)], turned),
        ints(&[1, 3, 2, 4])
    );
    let row = Value::constant(vec![1, 2], false, ints(&[10, 20]));
    assert_eq!(
        with("Add", vec![Some(&pairs), Some(&row)], vec![]),
        ints(&[11, 22, 13, 24])
    );
    assert!(apply("Range", &[N(&[0]), N(&[5]), N(&[0])], &[], 1).is_err());
}
