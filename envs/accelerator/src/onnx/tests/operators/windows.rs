//! Convolutions and pools.

use super::*;

#[test]
fn convolutions() {
    let image = X(&[2, 3, 224, 224]);
    let weights = W(&[64, 3, 7, 7]);
    let pads = [Ints("pads", &[3, 3, 3, 3]), Ints("strides", &[2, 2])];
    let op = layer("Conv", &[image, weights], &pads);
    assert_eq!(op.macs(), Ok(2 * 112 * 112 * 64 * 147));
    for (inputs, attributes, expected) in [
        (&[X(&[1, 1, 5, 5]), W(&[1, 1, 3, 3])], &[][..], vec![1, 1, 3, 3]),
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
        (&[X(&[1, 4, 5, 5]), W(&[6, 4, 3, 3])], &[Ints("kernel_shape", &[5, 5])]),
        (&[X(&[1, 4, 5, 5]), W(&[6, 4, 3, 3])], &[Ints("strides", &[0, 1])]),
        (&[X(&[1, 4, 5, 5]), W(&[6, 4, 3, 3])], &[Ints("pads", &[-1, 0, 0, 0])]),
        (&[X(&[1, 4, 5, 5]), W(&[6, 4, 3, 3])], &[Ints("strides", &[1])]),
        (&[X(&[1, 4, 5, 5]), W(&[6, 4, 3])], &[]),
        (&[X(&[1, 4, 5, 5]), W(&[6, 4, 0, 3])], &[]),
    ] {
        assert!(matches!(apply("Conv", inputs, attributes, 1), Err(Fault::Wrong(_))));
    }
}

#[test]
fn transposed_convolutions() {
    let inputs = [X(&[1, 1, 3, 3]), W(&[1, 2, 3, 3])];
    for (attributes, expected) in [
        (&[][..], [5, 5]),
        (&[Ints("strides", &[3, 2])], [9, 7]),
        // the specification's: output_shape, output_padding, automatic padding, pads
        (&[Ints("strides", &[3, 2]), Ints("output_shape", &[10, 8])], [10, 8]),
        (&[Ints("strides", &[3, 2]), Ints("output_padding", &[1, 1])], [10, 8]),
        (&[Ints("strides", &[2, 2]), Text("auto_pad", "SAME_UPPER")], [6, 6]),
        (&[Ints("strides", &[3, 2]), Ints("pads", &[1, 2, 1, 2])], [7, 3]),
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
        assert_eq!(outcome.shapes[0], [1, 2, expected[0], expected[1]], "{attributes:?}");
        let last = outcome.parts.last().unwrap();
        assert_eq!(last.op.outputs(), Ok(2 * expected[0] * expected[1]), "{attributes:?}");
        assert_eq!(outcome.parts[0].op.macs(), Ok(9 * 2 * 9));
    }
    let grouped = [X(&[1, 8, 4, 4]), W(&[8, 3, 2, 2]), W(&[6])];
    let op = layer("ConvTranspose", &grouped, &[Int("group", 2), Ints("strides", &[2, 2])]);
    assert_eq!((op.outputs(), op.parameters()), (Ok(6 * 64), Ok(8 * 3 * 4 + 6)));
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
        ("ReduceMax", [2, 3, 7, 9], &[Ints("axes", &[1])], vec![2, 1, 7, 9]),
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
