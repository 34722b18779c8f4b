use super::*;
use crate::{CellLaw, Counter};

/// A small circuit whose currents a hand can follow.
fn small() -> GainCell {
    GainCell {
        head_dimension: 4,
        window: 8,
        columns: 4,
        ..GainCell::default()
    }
}

/// Scalers that take volts and pulse widths as they are.
fn plain() -> Scalers {
    let plain = Affine { gain: 1.0, offset: 0.0 };
    Scalers {
        query: plain,
        key: plain,
        value: plain,
        output: plain,
    }
}

fn random(stream: &mut Stream, high: f64) -> [f64; 4] {
    std::array::from_fn(|_| stream.uniform(0.0, high))
}

fn run(circuit: &GainCell, decay: f64, seed: u64, tokens: usize) -> Vec<Vec<f64>> {
    let mut head = Head::new(circuit, plain(), decay, seed).unwrap();
    let mut stream = Stream::new(3, "inputs", 0);
    let mut step = || {
        let (q, k, v) = (
            random(&mut stream, 1.0),
            random(&mut stream, 0.9),
            random(&mut stream, 0.9),
        );
        head.step(&q, &k, &v)
    };
    (0..tokens).map(|_| step()).collect()
}

#[test]
fn one_token_without_rounding_is_the_closed_form() {
    let circuit = GainCell {
        quantise: false,
        ..small()
    };
    let (q, k, v) = ([0.2, 0.9, 0.4, 0.0], [0.7, 0.6, 0.5, 0.1], [0.1, 0.3, 0.6, 0.9]);
    let mut head = Head::new(&circuit, plain(), 0.0, 0).unwrap();
    let out = head.step(&q, &k, &v);
    let f = |x: f64| {
        let y: f64 = x - 0.45;
        0.52136 + 13.61226 * y - 2.62045 * y * y + 46.05484 * y.powi(3)
    };
    let score: f64 = q.iter().zip(k).map(|(q, k)| q * f(k)).sum();
    assert!(score > 0.0 && score < 80.0);
    for (out, v) in out.iter().zip(v) {
        assert!((out - score / 80.0 * f(v) / 40.0).abs() < 1e-12);
    }
}

#[test]
fn negative_scores_give_no_pulse_and_large_ones_a_full_pulse() {
    let circuit = GainCell {
        quantise: false,
        score_saturation_ua: 20.0,
        ..small()
    };
    let mut head = Head::new(&circuit, plain(), 0.0, 0).unwrap();
    let none = head.step(&[1.0; 4], &[0.0; 4], &[0.9; 4]);
    assert_eq!(none, [0.0; 4]);
    let mut head = Head::new(&circuit, plain(), 0.0, 0).unwrap();
    let full = head.step(&[1.0; 4], &[0.9; 4], &[0.9; 4]);
    assert!((full[0] - 10.313 / 40.0).abs() < 1e-4);
    assert_eq!(head.statistics().zero_and_full(), [0.0, 1.0]);
}

#[test]
fn stored_values_decay_to_the_middle_and_leave_after_a_window() {
    let circuit = GainCell {
        quantise: false,
        law: CellLaw::Linear,
        ..small()
    };
    // token 0 is the only one with a positive score, so that the output is its value's trace alone
    let trace = |token: usize| {
        let mut head = Head::new(&circuit, plain(), 0.1, 0).unwrap();
        let mut out = head.step(&[1.0; 4], &[0.9; 4], &[0.9; 4]);
        for _ in 0..token {
            out = head.step(&[1.0; 4], &[0.0; 4], &[0.9; 4]);
        }
        out[0]
    };
    // score and value both carry γ^age
    assert!((trace(3) / trace(0) - (-0.6_f64).exp()).abs() < 1e-12);
    assert!(trace(7) > 0.0);
    assert_eq!(trace(8), 0.0);
}

#[test]
fn sub_tiles_clip_one_by_one() {
    // +30 µA in one sub-tile and -30 µA in the other, with counters that are full at 10 µA: each clips to ±1 and the
    // sum is 0 in both readings; with 30 and 3 µA of one sign the clipped sum is 1.3, and clipping the sum gives 1
    let wide = GainCell {
        quantise: false,
        law: CellLaw::Linear,
        score_saturation_ua: 4.0 * 19.3 * 0.45,
        output_saturation_ua: 10.0,
        ..small()
    };
    let value = |current: f64| [0.45 + current / 19.3; 4];
    let mut head = Head::new(&wide, plain(), 0.0, 0).unwrap();
    let mut out = vec![];
    for token in 0..5 {
        // sub-tile 0 holds tokens 0 to 3 with 7.5 µA each, sub-tile 1 token 4 with 3 µA
        let current = if token < 4 { 7.5 } else { 3.0 };
        out = head.step(&[1.0; 4], &[0.9; 4], &value(current));
    }
    assert!((out[0] - 1.3).abs() < 1e-12, "{}", out[0]);
    let one_tile = GainCell { columns: 8, ..wide };
    let mut head = Head::new(&one_tile, plain(), 0.0, 0).unwrap();
    for token in 0..5 {
        let current = if token < 4 { 7.5 } else { 3.0 };
        out = head.step(&[1.0; 4], &[0.9; 4], &value(current));
    }
    assert!((out[0] - 1.0).abs() < 1e-12);
}

#[test]
fn outputs_are_sums_of_counter_codes() {
    let circuit = GainCell {
        counter: Counter::Signed,
        output_saturation_ua: 5.0,
        ..small()
    };
    for out in run(&circuit, 0.01, 0, 20).concat() {
        assert!((out * 15.0 - (out * 15.0).round()).abs() < 1e-9 && out.abs() <= 2.0);
    }
}

#[test]
fn uniform_inputs_have_the_statistics_of_the_authors_test_vectors() {
    // Their file: 10 times 64 tokens of 64 uniform components, no rounding. Mean pulse 0.197 over the causal half and
    // 0.1 % of the pulses full; f is nearly odd, so that a good third of the scores is negative.
    let circuit = GainCell {
        quantise: false,
        window: 64,
        ..GainCell::default()
    };
    let (mut pulse, mut shares) = (0.0, [0.0; 2]);
    for seed in 0..10 {
        let mut head = Head::new(&circuit, plain(), 0.0, 0).unwrap();
        let mut stream = Stream::new(seed, "golden", 0);
        let mut draw = |high| -> Vec<f64> { (0..64).map(|_| stream.uniform(0.0, high)).collect() };
        for _ in 0..64 {
            head.step(&draw(1.0), &draw(0.9), &draw(0.9));
        }
        pulse += head.statistics().mean_pulse() / 10.0;
        let seen = head.statistics().zero_and_full();
        shares = [0, 1].map(|i| shares[i] + seen[i] / 10.0);
    }
    assert!((pulse - 0.197).abs() < 0.01, "{pulse}");
    assert!(shares[0] > 0.25 && shares[0] < 0.45, "{shares:?}");
    assert!(shares[1] < 0.003, "{shares:?}");
}

#[test]
fn noise_is_off_by_default_and_seeded_where_it_is_on() {
    let quiet = small();
    assert_eq!(run(&quiet, 0.01, 1, 20), run(&quiet, 0.01, 2, 20));
    for change in [
        (|n| n.storage_v = 0.02) as fn(&mut crate::Noise),
        |n| n.thermal = true,
        |n| n.gain = 0.1,
        |n| n.offset_ua = 4.0,
        |n| n.jitter_s = 1e-9,
    ] {
        let mut circuit = GainCell {
            quantise: false,
            ..quiet.clone()
        };
        change(&mut circuit.noise);
        let [a, again, other] = [1, 1, 2].map(|seed| run(&circuit, 0.01, seed, 20));
        assert_eq!(a, again);
        assert_ne!(a, other, "{:?}", circuit.noise);
    }
}

#[test]
fn the_measured_table_gives_nearly_the_cubics_outputs() {
    let circuit = |law| GainCell {
        quantise: false,
        law,
        ..small()
    };
    let [cubic, table] = [CellLaw::Cubic, CellLaw::Table].map(|law| run(&circuit(law), 0.0, 0, 30));
    for (a, b) in cubic.concat().iter().zip(table.concat()) {
        assert!((a - b).abs() < 0.02, "{a} {b}");
    }
}
