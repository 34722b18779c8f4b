//! Matrix products, attention, embeddings and recurrent layers.

use super::*;

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
        (W(&[5, 7]), X(&[2, 7, 3]), vec![2, 5, 3], 2 * 5 * 7 * 3, "linear"),
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
        (X(&[9, 4, 5]), X(&[5, 2]), vec![9, 4, 2], 9 * 4 * 5 * 2, "matmul"),
        (X(&[5]), X(&[5, 2]), vec![2], 10, "matmul"),
        (X(&[4, 5]), X(&[5]), vec![4], 20, "matmul"),
        (X(&[5]), X(&[5]), vec![], 5, "matmul"),
        (X(&[8, 10, 6]), W(&[8, 6, 3]), vec![8, 10, 3], 8 * 10 * 6 * 3, "conv"),
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
    let macs = |outcome: &Outcome| outcome.parts.iter().map(|p| p.op.macs().unwrap()).sum::<u64>();
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
    let apart = [X(&[1, 12, 128, 64]), X(&[1, 12, 128, 64]), X(&[1, 12, 128, 64])];
    let apart = apply("Attention", &apart, &[], 1).unwrap();
    for outcome in [&separate, &standard, &apart] {
        assert_eq!((macs(outcome), outcome.parts.len()), (products, 3));
    }
    assert_eq!(apart.shapes[0], [1, 12, 128, 64]);
    assert!(apply("Attention", &three(), &[Int("num_heads", 5)], 1).is_err());
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
    let macs: u64 = outcome.parts.iter().map(|part| part.op.macs().unwrap()).sum();
    assert_eq!(macs, 10 * 2 * 4 * 5 * (7 + 5));
}
