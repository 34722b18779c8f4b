//! Speed of analog attention: training steps beside softmax, one token of decoding, one core.

use std::time::Instant;

use tandem_attention::{GainCell, Head, Scalers};
use tandem_core::Stream;
use tandem_language::attention::{Backward, Circuit, Hardware, Mode, Ring};
use tandem_language::{Gpt, LanguageError, Shape};
use tandem_learning::{Adam, gradients};
use tch::{Device, Kind, Tensor};

use super::Entry;
use crate::error::Error;
use crate::statistics::median;

const BATCH: i64 = 16;
const CHARACTERS: i64 = 64;
/// Training steps of each kind, alternating, so that a busy machine disturbs all of them alike.
const STEPS: usize = 9;
/// Decoded tokens after the ring is full.
const TOKENS: usize = 50;

/// Seconds per training step of each mode and their ratios to softmax; decoding in µs per token and head.
///
/// # Errors
/// What libtorch reports.
pub fn measure() -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for tokens in [128, 256] {
        training(tokens, &mut entries)?;
    }
    entries.push(decode()?);
    entries.push(circuit_step()?);
    Ok(entries)
}

fn circuit(window: u32) -> GainCell {
    GainCell {
        window,
        layers: 2,
        ..GainCell::default()
    }
}

fn training(tokens: usize, entries: &mut Vec<Entry>) -> Result<(), Error> {
    let shape = Shape {
        context: tokens,
        ..Shape::default()
    };
    let mut stream = Stream::new(0, "bench/attention", 0);
    let model = Gpt::new(&shape, CHARACTERS as usize, &mut stream)?;
    let mut adam = Adam::new(model.tensors());
    let text: Vec<i64> = (0..BATCH * tokens as i64 * 2)
        .map(|_| stream.below(CHARACTERS as usize) as i64)
        .collect();
    let halves = Tensor::from_slice(&text).view([2, BATCH, tokens as i64]);
    let batch = [halves.get(0), halves.get(1)];
    let circuit = circuit(tokens as u32);
    let hardware = |mode, backward| Hardware::new(&circuit, mode, backward, tokens);
    let kinds = [
        ("softmax", None),
        (
            "linear",
            Some(hardware(Mode::Linear, Backward::Surrogate).map_err(LanguageError::from)?),
        ),
        (
            "nonlinear",
            Some(hardware(Mode::Nonlinear, Backward::Surrogate).map_err(LanguageError::from)?),
        ),
        (
            "nonlinear_exact",
            Some(hardware(Mode::Nonlinear, Backward::Exact).map_err(LanguageError::from)?),
        ),
    ];
    let mut seconds = vec![Vec::new(); kinds.len()];
    for _ in 0..=STEPS {
        for ((_, hardware), seconds) in kinds.iter().zip(&mut seconds) {
            let clock = Instant::now();
            let hardware = hardware.as_ref().map(|h| h as &dyn Circuit);
            let loss = model.loss(&batch, hardware, None);
            let gradients = gradients(&loss, &model.tensors()).map_err(LanguageError::from)?;
            adam.step(&gradients, 1e-6);
            seconds.push(clock.elapsed().as_secs_f64());
        }
    }
    // the first step of each kind warms up
    let medians: Vec<f64> = seconds.iter().map(|s| median(&s[1..]).unwrap_or(f64::NAN)).collect();
    for ((name, _), seconds) in kinds.iter().zip(&medians) {
        entries.push(Entry::new(format!("training_{name}_t{tokens}"), *seconds, "s per step"));
        if *name != "softmax" {
            let ratio = seconds / medians[0];
            entries.push(Entry::new(
                format!("training_{name}_ratio_t{tokens}"),
                ratio,
                "times softmax",
            ));
        }
    }
    Ok(())
}

/// The tensor model's ring at the published size: 12 heads, window 1024.
fn decode() -> Result<Entry, Error> {
    let circuit = GainCell::default();
    let hardware = Hardware::new(&circuit, Mode::Nonlinear, Backward::Surrogate, 1024).map_err(LanguageError::from)?;
    let heads = i64::from(circuit.heads);
    let mut ring = Ring::new(&hardware, 1, heads, 64, Kind::Float);
    let mut stream = Stream::new(0, "bench/attention", 1);
    let mut values = vec![0f32; 12 * 64];
    stream.fill_normal(&mut values);
    let signal = Tensor::from_slice(&values)
        .view([1, heads, 1, 64])
        .to_device(Device::Cpu)
        * 0.2
        + 0.45;
    let mut seconds = Vec::new();
    for token in 0..1024 + TOKENS {
        let clock = Instant::now();
        let _ = std::hint::black_box(ring.step(&hardware, [&signal, &signal, &signal]));
        if token >= 1024 {
            seconds.push(clock.elapsed().as_secs_f64());
        }
    }
    let per_head = 1e6 * median(&seconds).unwrap_or(f64::NAN) / heads as f64;
    Ok(Entry::new("decode_ring", per_head, "µs per token and head"))
}

/// The circuit model, cell for cell, at the published size.
fn circuit_step() -> Result<Entry, Error> {
    let circuit = GainCell::default();
    let head = Head::new(&circuit, Scalers::default(), circuit.decay(), 0);
    let mut head = head.map_err(LanguageError::from)?;
    let mut stream = Stream::new(0, "bench/attention", 2);
    let signal: Vec<f64> = (0..64).map(|_| 0.2 * stream.normal()).collect();
    let mut seconds = Vec::new();
    for token in 0..1024 + TOKENS {
        let clock = Instant::now();
        std::hint::black_box(head.step(&signal, &signal, &signal));
        if token >= 1024 {
            seconds.push(clock.elapsed().as_secs_f64());
        }
    }
    let micros = 1e6 * median(&seconds).unwrap_or(f64::NAN);
    Ok(Entry::new("decode_circuit", micros, "µs per token and head"))
}
