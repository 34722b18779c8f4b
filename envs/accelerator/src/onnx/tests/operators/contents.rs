//! Arithmetic on shapes.

use super::*;

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
        ("Gather", vec![N(&[7, 8, 9]), N(&[-1, 0])], vec![], ints(&[9, 7])),
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
        ("Where", vec![N(&[1, 0]), N(&[5, 6]), N(&[7])], vec![], ints(&[5, 7])),
        ("Expand", vec![N(&[4]), N(&[3])], vec![], ints(&[4, 4, 4])),
        ("Range", vec![N(&[2]), N(&[9]), N(&[3])], vec![], ints(&[2, 5, 8])),
        (
            "Range",
            vec![N(&[i64::MAX]), N(&[0]), N(&[i64::MIN])],
            vec![],
            ints(&[i64::MAX]),
        ),
        ("Cast", vec![F(&[2.9])], vec![Int("to", 7)], ints(&[2])),
        ("Floor", vec![F(&[2.9])], vec![], Some(Numbers::Floats(vec![2.0]))),
        ("Add", vec![X(&[2]), N(&[1])], vec![], None),
    ] {
        assert_eq!(content(op, &inputs, &attributes), expected, "{op} {attributes:?}");
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
            attributes: node
                .attributes
                .iter()
                .map(|attribute| (attribute.name, attribute))
                .collect(),
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
    assert_eq!(with("Transpose", vec![Some(&pairs)], turned), ints(&[1, 3, 2, 4]));
    let row = Value::constant(vec![1, 2], false, ints(&[10, 20]));
    assert_eq!(
        with("Add", vec![Some(&pairs), Some(&row)], vec![]),
        ints(&[11, 22, 13, 24])
    );
    assert!(apply("Range", &[N(&[0]), N(&[5]), N(&[0])], &[], 1).is_err());
}
