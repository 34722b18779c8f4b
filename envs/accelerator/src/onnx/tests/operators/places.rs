//! Functions of values at the same place, views and copies.

use super::*;

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
    assert_eq!((biased.parameters(), biased.inputs()), (Ok(768), Ok(2 * 128 * 768)));
    assert_eq!(layer("Div", &[X(&[2, 3]), F(&[8.0])], &[]).parameters(), Ok(0));
    assert_eq!(layer("Clip", &[X(&[7]), F(&[0.0]), F(&[6.0])], &[]), Op::activation(7));
    assert_eq!(
        layer("LayerNormalization", &[X(&[2, 768]), W(&[768]), W(&[768])], &[]).parameters(),
        Ok(1536)
    );
    let channels = || [X(&[2, 8, 4, 4]), W(&[8]), W(&[8]), W(&[8]), W(&[8])];
    assert_eq!(layer("BatchNormalization", &channels(), &[]).parameters(), Ok(16));
    assert!(apply("Add", &[X(&[2, 3]), X(&[4])], &[], 1).is_err());
    assert_eq!(shape("Where", &[X(&[1, 4]), F(&[1.0]), X(&[3, 1])], &[]), [3, 4]);
}

#[test]
fn views_and_copies() {
    for (op, inputs, attributes, expected) in [
        ("Reshape", vec![X(&[2, 3, 4]), N(&[0, -1])], vec![], vec![2, 12]),
        ("Reshape", vec![X(&[2, 3, 4]), N(&[4, -1, 2])], vec![], vec![4, 3, 2]),
        ("Flatten", vec![X(&[2, 3, 4])], vec![Int("axis", -1)], vec![6, 4]),
        ("Flatten", vec![X(&[2, 3, 4])], vec![Int("axis", 3)], vec![24, 1]),
        ("Squeeze", vec![X(&[1, 3, 1]), N(&[-1])], vec![], vec![1, 3]),
        ("Squeeze", vec![X(&[1, 3, 1])], vec![], vec![3]),
        ("Unsqueeze", vec![X(&[3, 4]), N(&[0, -1])], vec![], vec![1, 3, 4, 1]),
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
        ("Slice", vec![X(&[20, 10]), N(&[30]), N(&[40])], vec![], vec![0, 10]),
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
        ("Expand", vec![X(&[3, 1]), N(&[2, 1, 6])], vec![], vec![2, 3, 6]),
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
        ("GatherND", vec![X(&[2, 3, 4]), X(&[5, 2])], vec![], vec![5, 4]),
    ] {
        assert_eq!(shape(op, &inputs, &attributes), expected, "{op} {attributes:?}");
    }
    // sizes of 1 change places: nothing moves
    let moved = |from: &[u64], order: &[i64]| {
        apply("Transpose", &[X(from)], &[Ints("perm", order)], 1)
            .unwrap()
            .parts
            .len()
    };
    assert_eq!(
        (moved(&[1, 3, 1, 5], &[0, 2, 1, 3]), moved(&[1, 3, 2, 5], &[0, 2, 1, 3])),
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
        assert!(matches!(apply(op, &inputs, &[], 1), Err(Fault::Wrong(_))), "{op}");
    }
    // a shape that depends on data is no mistake of the model
    assert!(matches!(
        apply("Reshape", &[X(&[6]), X(&[2])], &[], 1),
        Err(Fault::Unsupported(_))
    ));
}
