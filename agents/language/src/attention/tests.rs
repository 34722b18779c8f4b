use super::*;
use tandem_attention::cell;
use tandem_attention::head::Affine;
use tandem_attention::{CellLaw, Counter, GainCell, Head, Scalers};
use tandem_core::Stream;
use tch::{Device, no_grad};

const BATCH: i64 = 2;
const HEADS: i64 = 2;

fn random(stream: &mut Stream, size: [i64; 4], low: f64, high: f64) -> Tensor {
    let count = size.iter().product::<i64>();
    let values: Vec<f64> = (0..count).map(|_| stream.uniform(low, high)).collect();
    Tensor::from_slice(&values).view(size)
}

/// Queries, keys and values as they leave their scalers, partly outside the limits.
fn inputs(stream: &mut Stream, tokens: i64, dimension: i64) -> [Tensor; 3] {
    let size = [BATCH, HEADS, tokens, dimension];
    [
        random(stream, size, -0.2, 1.2),
        random(stream, size, -0.1, 1.1),
        random(stream, size, -0.1, 1.0),
    ]
}

fn hardware(circuit: &GainCell, mode: Mode, backward: Backward) -> Hardware {
    Hardware::new(circuit, mode, backward, 64).unwrap()
}

fn attend(hardware: &Hardware, [q, k, v]: &[Tensor; 3]) -> Tensor {
    hardware.attend([q, k, v], None)
}

fn gap(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

/// A random circuit that can be built, with a visible decay.
fn circuit(stream: &mut Stream) -> GainCell {
    let query_bits = 2 + stream.below(4) as u32;
    let mut circuit = GainCell {
        head_dimension: 3 + stream.below(6) as u32,
        window: 5 + stream.below(20) as u32,
        columns: 1 + stream.below(9) as u32,
        query_bits,
        stored_bits: 1 + stream.below(3) as u32,
        output_bits: 2 + stream.below(query_bits as usize) as u32,
        read_v: stream.uniform(0.6, 0.9),
        score_saturation_ua: stream.uniform(2.0, 30.0),
        output_saturation_ua: stream.uniform(1.0, 20.0),
        quantise: stream.below(4) > 0,
        counter: [Counter::Published, Counter::Signed][stream.below(2)],
        law: [CellLaw::Cubic, CellLaw::Linear][usize::from(stream.below(5) == 0)],
        ..GainCell::default()
    };
    circuit.timing.other_s = stream.uniform(0.0, 0.02) * circuit.retention_s();
    circuit.check().unwrap();
    circuit
}

/// The circuit model's outputs of batch 0, head 0 for inputs that are scaled already.
fn by_circuit(circuit: &GainCell, inputs: &[Tensor; 3], decay: f64) -> Tensor {
    let plain = Affine { gain: 1.0, offset: 0.0 };
    let scalers = Scalers {
        query: plain,
        key: plain,
        value: plain,
        output: plain,
    };
    let mut head = Head::new(circuit, scalers, decay, 0).unwrap();
    let tokens = inputs[0].size()[2];
    let row = |signal: usize, t: i64| signals::numbers(&inputs[signal].get(0).get(0).get(t));
    let outputs: Vec<f64> = (0..tokens)
        .flat_map(|t| head.step(&row(0, t), &row(1, t), &row(2, t)))
        .collect();
    Tensor::from_slice(&outputs).view([tokens, i64::from(circuit.head_dimension)])
}

#[test]
fn tensors_and_circuit_agree_over_random_circuits() {
    let mut stream = Stream::new(5, "agreement", 0);
    let mut active = 0;
    for _ in 0..40 {
        let circuit = circuit(&mut stream);
        let inputs = inputs(&mut stream, 50, i64::from(circuit.head_dimension));
        let hardware = hardware(&circuit, Mode::Nonlinear, Backward::Surrogate);
        let tensor = attend(&hardware, &inputs).get(0).get(0);
        let expected = by_circuit(&circuit, &inputs, circuit.decay());
        let error = gap(&tensor, &expected);
        assert!(error < 1e-5, "{error} with {circuit:?}");
        active += i32::from(expected.abs().max().double_value(&[]) > 0.1);
    }
    assert!(active > 30, "outputs must not be trivially zero: {active}");
}

#[test]
fn token_by_token_equals_all_at_once_over_three_wraps() {
    let mut stream = Stream::new(6, "ring", 0);
    // in single precision without levels: a sum that falls to the other side of one is no error of the ring
    for (kind, quantise) in [(Kind::Double, true), (Kind::Float, false)] {
        for mode in [Mode::Linear, Mode::Nonlinear] {
            let circuit = GainCell {
                head_dimension: 8,
                window: 12,
                columns: 5,
                layers: 300,
                score_saturation_ua: 20.0,
                quantise,
                ..GainCell::default()
            };
            let [q, k, v] = inputs(&mut stream, 4 * 12, 8).map(|t| t.to_kind(kind));
            let hardware = hardware(&circuit, mode, Backward::Surrogate);
            let all = hardware.attend([&q, &k, &v], None);
            let mut ring = Ring::new(&hardware, BATCH, HEADS, 8, kind);
            for t in 0..48 {
                let [q, k, v] = [&q, &k, &v].map(|x| x.narrow(2, t, 1));
                let one = ring.step(&hardware, [&q, &k, &v]);
                let error = gap(&one, &all.narrow(2, t, 1));
                assert!(error < 1e-5, "{kind:?} {mode:?} token {t}: {error}");
            }
            assert_eq!(ring.tokens(), 48);
        }
    }
}

#[test]
fn a_cubic_without_bend_is_the_linear_model() {
    let mut stream = Stream::new(7, "limit", 0);
    let inputs = inputs(&mut stream, 20, 8);
    let circuit = GainCell {
        head_dimension: 8,
        score_saturation_ua: 20.0,
        ..GainCell::default()
    };
    let linear = attend(&hardware(&circuit, Mode::Linear, Backward::Exact), &inputs);
    for backward in [Backward::Exact, Backward::Surrogate] {
        let straight = hardware(&circuit, Mode::Nonlinear, backward).with_cubic([0.0, cell::slope(0.9), 0.0, 0.0]);
        assert_eq!(gap(&attend(&straight, &inputs), &linear), 0.0);
    }
}

/// A smooth operating point: nothing is clipped.
fn smooth() -> (GainCell, [Tensor; 3]) {
    let circuit = GainCell {
        head_dimension: 4,
        window: 6,
        columns: 2,
        layers: 1000,
        quantise: false,
        score_saturation_ua: 100.0,
        output_saturation_ua: 100.0,
        ..GainCell::default()
    };
    let mut stream = Stream::new(8, "gradients", 0);
    let size = [1, 1, 8, 4];
    // keys above the middle, so that every score is positive
    let inputs = [
        random(&mut stream, size, 0.2, 0.8),
        random(&mut stream, size, 0.55, 0.85),
        random(&mut stream, size, 0.1, 0.8),
    ];
    (circuit, inputs)
}

fn gradients(hardware: &Hardware, inputs: &[Tensor; 3], weights: &Tensor) -> Vec<Tensor> {
    let leaves = [0, 1, 2].map(|i| inputs[i].copy().set_requires_grad(true));
    let loss = (attend(hardware, &leaves) * weights).sum(Kind::Double);
    Tensor::run_backward(&[loss], &leaves, false, false)
}

#[test]
fn exact_gradients_are_those_of_finite_differences() {
    let (circuit, inputs) = smooth();
    let hardware = hardware(&circuit, Mode::Nonlinear, Backward::Exact);
    let weights = random(&mut Stream::new(9, "weights", 0), [1, 1, 8, 4], -1.0, 1.0);
    let exact = gradients(&hardware, &inputs, &weights);
    let loss = |inputs: &[Tensor; 3]| {
        (attend(&hardware, inputs) * &weights)
            .sum(Kind::Double)
            .double_value(&[])
    };
    let h = 1e-6;
    for signal in 0..3 {
        for index in [[0, 0, 0, 1], [0, 0, 3, 2], [0, 0, 7, 0]] {
            let shifted = |by: f64| {
                let moved = [0, 1, 2].map(|i| inputs[i].copy());
                let mut cell = moved[signal].get(0).get(0).get(index[2]).get(index[3]);
                let _ = cell.g_add_scalar_(by);
                loss(&moved)
            };
            let expected = (shifted(h) - shifted(-h)) / (2.0 * h);
            let found = exact[signal].double_value(&index);
            assert!(
                (found - expected).abs() < 1e-7,
                "{signal} {index:?}: {found} {expected}"
            );
        }
    }
}

#[test]
fn the_surrogate_has_the_linear_models_gradient_at_the_nonlinear_point() {
    // one token: S = Σ q f(k), φ = S / S1, o = φ f(v) / S2. Surrogate: dS/dq = 19.3 k, do/dv = 19.3 φ / S2, and
    // do/dφ = 19.3 v / S2, with φ of the nonlinear forward pass
    let (circuit, inputs) = smooth();
    let circuit = GainCell { layers: 1, ..circuit };
    let one = [0, 1, 2].map(|i| inputs[i].narrow(2, 0, 1));
    let hardware = hardware(&circuit, Mode::Nonlinear, Backward::Surrogate);
    let weights = Tensor::ones([1, 1, 1, 4], (Kind::Double, Device::Cpu));
    let found = gradients(&hardware, &one, &weights);
    let [q, k, v] = [0, 1, 2].map(|i| signals::numbers(&one[i]));
    let f = |x: f64| cell::polynomial(hardware.cubic, x - 0.45);
    let phi: f64 = q.iter().zip(&k).map(|(q, &k)| q * f(k)).sum::<f64>() / 100.0;
    let pull: f64 = v.iter().map(|v| 19.3 * (v - 0.45) / 100.0).sum();
    for c in 0..4 {
        let at = |signal: usize| found[signal].double_value(&[0, 0, 0, c as i64]);
        assert!((at(0) - pull * 19.3 * (k[c] - 0.45) / 100.0).abs() < 1e-12);
        assert!((at(1) - pull * 19.3 * q[c] / 100.0).abs() < 1e-12);
        assert!((at(2) - 19.3 * phi / 100.0).abs() < 1e-12);
    }
}

#[test]
fn no_gradient_passes_a_clipped_input_and_all_pass_a_converter() {
    let (circuit, inputs) = smooth();
    let circuit = GainCell {
        quantise: true,
        ..circuit
    };
    let hardware = hardware(&circuit, Mode::Nonlinear, Backward::Surrogate);
    let outside = [&inputs[0] + 5.0, inputs[1].copy(), inputs[2].copy()];
    let weights = Tensor::ones([1, 1, 8, 4], (Kind::Double, Device::Cpu));
    let found = gradients(&hardware, &outside, &weights);
    assert_eq!(found[0].abs().max().double_value(&[]), 0.0);
    assert!(found[2].abs().max().double_value(&[]) > 0.0);
}

#[test]
fn softmax_sees_the_past_only_and_averages_values() {
    let mut stream = Stream::new(10, "softmax", 0);
    let [q, k, v] = inputs(&mut stream, 6, 4);
    let all = softmax(&q, &k, &v);
    assert!(gap(&all.narrow(2, 0, 1), &v.narrow(2, 0, 1)) < 1e-12);
    let cut = softmax(&q.narrow(2, 0, 3), &k.narrow(2, 0, 3), &v.narrow(2, 0, 3));
    assert!(gap(&all.narrow(2, 0, 3), &cut) < 1e-12);
}

#[test]
fn signals_measure_what_passes() {
    let mut stream = Stream::new(11, "signals", 0);
    let inputs = inputs(&mut stream, 16, 8);
    let circuit = GainCell {
        head_dimension: 8,
        ..GainCell::default()
    };
    let hardware = hardware(&circuit, Mode::Nonlinear, Backward::Surrogate);
    let mut signals = Signals::default();
    let [q, k, v] = &inputs;
    let _ = no_grad(|| hardware.attend([q, k, v], Some(&mut signals)));
    let activity = signals.activity.unwrap();
    assert!(activity.score_ua > 0.5 && activity.score_ua < 5.0);
    assert!(activity.output_ua > 0.0 && activity.output_ua < activity.score_ua);
    assert!(signals.zero > 0.1 && signals.full < 0.1);
    signals.note(0, q);
    assert!((signals.mean[0][0] - 0.5).abs() < 0.1);
    assert!((signals.deviation[0][1] - 1.4 / 12f64.sqrt()).abs() < 0.05);
}

#[test]
fn a_circuit_without_tensor_form_is_refused() {
    let table = GainCell {
        law: CellLaw::Table,
        ..GainCell::default()
    };
    let error = Hardware::new(&table, Mode::Nonlinear, Backward::Exact, 8).unwrap_err();
    assert!(error.to_string().contains("no gradient"));
    let mut leaky = GainCell::default();
    leaky.timing.other_s = 1e-3;
    assert!(Hardware::new(&leaky, Mode::Linear, Backward::Exact, 1024).is_err());
}
