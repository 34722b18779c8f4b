//! Caches and grouped queries, quantised operators of ONNX Runtime, volumes, transforms, losses.

use super::*;

fn macs(outcome: &Outcome) -> u64 {
    outcome.parts.iter().map(|part| part.op.macs().unwrap()).sum()
}

#[test]
fn attention_with_a_cache_reads_what_was_kept() {
    // 8 heads of 64, 127 kept keys and a new one: 8 * 128 * 64 for scores and for values
    let row = || X(&[1, 1, 512]);
    let past = || X(&[1, 8, 127, 64]);
    let heads = [Int("q_num_heads", 8), Int("kv_num_heads", 8)];
    let standard = apply("Attention", &[row(), row(), row(), In::None, past(), past()], &heads, 3).unwrap();
    assert_eq!(macs(&standard), 2 * 8 * 128 * 64);
    assert_eq!(
        standard.shapes[..3],
        [vec![1, 1, 512], vec![1, 8, 128, 64], vec![1, 8, 128, 64]]
    );
    // ONNX Runtime's, its past keys and values side by side
    let inputs = [row(), W(&[512, 1536]), W(&[1536]), In::None, X(&[2, 1, 8, 127, 64])];
    let packed = apply("Attention", &inputs, &[Int("num_heads", 8)], 2).unwrap();
    assert_eq!(macs(&packed), 512 * 1536 + 2 * 8 * 128 * 64);
    assert_eq!(packed.shapes[1], [2, 1, 8, 128, 64]);
    let inputs = [row(), row(), row(), In::None, In::None, In::None, past(), past()];
    let multi = apply("MultiHeadAttention", &inputs, &[Int("num_heads", 8)], 3).unwrap();
    assert_eq!(
        (macs(&multi), &multi.shapes[2]),
        (2 * 8 * 128 * 64, &vec![1, 8, 128, 64])
    );
}

#[test]
fn grouped_queries_share_their_keys() {
    // 32 heads of queries, 8 of keys and values, 16 new tokens after 100
    let inputs = [
        X(&[2, 16, 4096]),
        X(&[2, 16, 1024]),
        X(&[2, 16, 1024]),
        X(&[2, 8, 100, 128]),
        X(&[2, 8, 100, 128]),
    ];
    let sizes = [Int("num_heads", 32), Int("kv_num_heads", 8)];
    let grouped = apply("GroupQueryAttention", &inputs, &sizes, 3).unwrap();
    assert_eq!(macs(&grouped), 2 * 2 * 32 * 16 * 116 * 128);
    assert_eq!(grouped.shapes[..2], [vec![2, 16, 4096], vec![2, 8, 116, 128]]);
    // keys of a head are read once for the four heads of queries
    assert_eq!(grouped.parts[0].op.inputs(), Ok(2 * 8 * (4 * 16 * 128 + 116 * 128)));
    // side by side in one input, and turned
    let packed = [
        X(&[2, 16, 6144]),
        In::None,
        In::None,
        X(&[2, 8, 100, 128]),
        X(&[2, 8, 100, 128]),
    ];
    let sizes = [Int("num_heads", 32), Int("kv_num_heads", 8), Int("do_rotary", 1)];
    let packed = apply("GroupQueryAttention", &packed, &sizes, 3).unwrap();
    assert_eq!(
        (macs(&packed), packed.parts[0].suffix.as_ref()),
        (macs(&grouped), ".rotary")
    );
    assert!(
        apply(
            "GroupQueryAttention",
            &inputs,
            &[Int("num_heads", 30), Int("kv_num_heads", 8)],
            1
        )
        .is_err()
    );
}

#[test]
fn quantised_products_are_products() {
    let scale = || F(&[0.1]);
    let zero = || N(&[0]);
    let inputs = [X(&[4, 64]), scale(), zero(), W(&[64, 32]), scale(), zero(), W(&[32])];
    let op = layer("QGemm", &inputs, &[]);
    assert_eq!((op.macs(), op.parameters()), (Ok(4 * 64 * 32), Ok(64 * 32 + 32)));
    let sizes = [Int("K", 4096), Int("N", 11_008), Int("bits", 4), Int("block_size", 32)];
    let op = layer(
        "MatMulNBits",
        &[X(&[1, 5, 4096]), W(&[11_008, 128, 16]), W(&[1_409_024])],
        &sizes,
    );
    assert_eq!((op.macs(), op.parameters()), (Ok(5 * 4096 * 11_008), Ok(4096 * 11_008)));
    let lstm = [X(&[10, 2, 7]), W(&[1, 7, 20]), W(&[1, 5, 20]), W(&[1, 40])];
    let outcome = apply("DynamicQuantizeLSTM", &lstm, &[Int("hidden_size", 5)], 3).unwrap();
    assert_eq!(
        (macs(&outcome), &outcome.shapes[0]),
        (10 * 2 * 20 * (7 + 5), &vec![10, 1, 2, 5])
    );
    let add = [
        X(&[1, 8, 4]),
        scale(),
        zero(),
        X(&[8, 1]),
        scale(),
        zero(),
        scale(),
        zero(),
    ];
    assert_eq!(shape("QLinearAdd", &add, &[]), [1, 8, 4]);
    let image = || X(&[1, 9, 9, 16]);
    let conv = [
        image(),
        scale(),
        zero(),
        W(&[32, 16, 3, 3]),
        scale(),
        zero(),
        scale(),
        zero(),
    ];
    assert_eq!(shape("QLinearConv", &conv, &[Int("channels_last", 1)]), [1, 7, 7, 32]);
    let fused = apply(
        "FusedGemm",
        &[X(&[1, 512]), W(&[512, 256]), W(&[256])],
        &[Text("activation", "Relu")],
        1,
    )
    .unwrap();
    assert_eq!((macs(&fused), fused.parts.len()), (131_072, 2));
}

#[test]
fn steps_of_a_recurrence_need_the_one_before() {
    let gru = [X(&[2, 5, 4]), W(&[2, 24, 4]), W(&[2, 24, 8])];
    let outcome = apply("GRU", &gru, &[Int("hidden_size", 8), Int("layout", 1)], 2).unwrap();
    assert_eq!(outcome.shapes[..2], [vec![2, 5, 2, 8], vec![2, 2, 8]]);
    assert_eq!(macs(&outcome), 2 * 2 * 5 * 24 * (4 + 8));
    // the product with all inputs, then product and gates of five steps in each direction
    assert_eq!(outcome.parts.len(), 1 + 2 * 2 * 5);
    let reads = |at: usize| -> Vec<usize> {
        let parts = outcome.parts[at].reads.iter();
        parts
            .filter_map(|source| match source {
                super::super::super::call::Source::Part(part) => Some(*part),
                _ => None,
            })
            .collect()
    };
    assert_eq!((reads(1), reads(2), reads(3)), (vec![], vec![0, 1], vec![2]));
    assert_eq!(reads(20), [0, 19, 10], "the last step waits for the other direction");
    assert!(
        apply(
            "GRU",
            &[X(&[70_000, 1, 4]), W(&[1, 24, 4]), W(&[1, 24, 8])],
            &[Int("hidden_size", 8)],
            1
        )
        .is_err()
    );
}

#[test]
fn volumes_are_convolved_and_pooled() {
    let conv = layer("Conv", &[X(&[1, 3, 8, 16, 16]), W(&[8, 3, 3, 3, 3])], &[]);
    assert_eq!((conv.macs(), conv.outputs()), (Ok(762_048), Ok(8 * 6 * 14 * 14)));
    let up = [X(&[1, 4, 3, 5, 7]), W(&[4, 2, 2, 3, 3])];
    assert_eq!(
        shape("ConvTranspose", &up, &[Ints("strides", &[2, 1, 1])]),
        [1, 2, 6, 7, 9]
    );
    let pool = [Ints("kernel_shape", &[2, 2, 2]), Ints("strides", &[2, 2, 2])];
    assert_eq!(shape("MaxPool", &[X(&[1, 4, 8, 6, 4])], &pool), [1, 4, 4, 3, 2]);
    assert_eq!(shape("GlobalAveragePool", &[X(&[1, 4, 8, 6, 4])], &[]), [1, 4, 1, 1, 1]);
}

#[test]
fn transforms_are_products_with_their_matrix() {
    // 10 real samples: 6 bins of two numbers each
    let dft = apply("DFT", &[X(&[1, 10, 1])], &[Int("axis", 1), Int("onesided", 1)], 1).unwrap();
    assert_eq!((&dft.shapes[0], macs(&dft)), (&vec![1, 6, 2], 10 * 6 * 2));
    let stft = apply("STFT", &[X(&[1, 128, 1]), N(&[8]), In::None, N(&[16])], &[], 1).unwrap();
    assert_eq!((&stft.shapes[0], macs(&stft)), (&vec![1, 15, 9, 2], 15 * 16 * 9 * 2));
}

#[test]
fn losses_boxes_and_classes() {
    let scores = || [X(&[3, 5, 2]), X(&[3, 2])];
    assert!(shape("NegativeLogLikelihoodLoss", &scores(), &[]).is_empty());
    let outcome = apply("SoftmaxCrossEntropyLoss", &scores(), &[Text("reduction", "none")], 2).unwrap();
    assert_eq!(outcome.shapes, [vec![3, 2], vec![3, 5, 2]]);
    let boxes = [X(&[1, 100, 4]), X(&[1, 3, 100]), N(&[20])];
    assert_eq!(shape("NonMaxSuppression", &boxes, &[]), [60, 3]);
    assert_eq!(shape("OneHot", &[X(&[2, 3]), F(&[7.0]), N(&[0, 1])], &[]), [2, 3, 7]);
    // slopes for each channel, as before version 7
    assert_eq!(shape("PRelu", &[X(&[1, 6, 5, 5]), W(&[6])], &[]), [1, 6, 5, 5]);
    let dots = [Text("equation", "...ij,...jk->...ik")];
    let op = apply("Einsum", &[X(&[2, 1, 4, 5]), X(&[3, 5, 6])], &dots, 1).unwrap();
    assert_eq!((&op.shapes[0], macs(&op)), (&vec![2, 3, 4, 6], 2 * 3 * 4 * 5 * 6));
    assert_eq!(
        shape("Einsum", &[X(&[4, 5]), X(&[5, 6])], &[Text("equation", "ij,jk")]),
        [4, 6]
    );
}
