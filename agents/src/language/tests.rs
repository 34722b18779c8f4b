//! What is claimed of the adaptation, on a model that is trained in seconds.

use super::codesign::Trial;
use super::settings::{Stages, Training};
use super::*;

fn settings() -> Settings {
    let mut settings = Settings {
        model: Shape {
            layers: 2,
            heads: 1,
            width: 32,
            context: 32,
        },
        training: Training {
            batch: 8,
            rate: 4e-3,
            cool_down: 40,
            validate_every: 40,
            validation: 32,
            ..Training::default()
        },
        stages: Stages {
            softmax: 360,
            linear: 240,
            nonlinear: 40,
            control: false,
            direct: true,
        },
        ..Settings::default()
    };
    settings.circuit.window = 32;
    settings.circuit.columns = 16;
    // half the published charges for half the rows
    settings.circuit.score_saturation_ua = 40.0;
    settings.circuit.output_saturation_ua = 20.0;
    settings
}

#[test]
fn adaptation_recovers_the_linear_model_and_the_way_through_it_pays() {
    let settings = settings();
    let corpus = Corpus::new(&story::story(0, 60_000), settings.model.context).unwrap();
    let mut chain = Chain::new(&settings, corpus).unwrap();
    while chain.iterate().unwrap().is_some() {}
    let adapted = chain.adapted().unwrap();
    let updates = adapted.recovered_after(0.02);
    assert!(updates.is_some_and(|n| n <= 8), "{adapted:?}");
    let start = adapted.passes[0].loss - adapted.linear_loss;
    assert!(start > 1.0, "the reset start is only {start} nat worse");
    let end = |stage| chain.curve(stage).last().unwrap().1;
    let nonlinear = end(Stage::Nonlinear);
    let direct = chain.curve(Stage::Direct);
    let early = direct.iter().find(|(at, _)| *at >= 40).unwrap().1;
    assert!(nonlinear < early, "{nonlinear} {early}");
    monotone(chain, &settings);
}

/// Perplexity falls with the bits of what is stored, and with the window; 1 % is allowed.
fn monotone(chain: Chain, settings: &Settings) {
    let base = settings.circuit();
    let mut trial = Trial::new(chain).unwrap();
    let mut perplexity = |circuit| trial.loss(&circuit).unwrap().exp();
    let bits = [1, 2, 3].map(|stored_bits| {
        perplexity(tandem_envs::attention::GainCell {
            stored_bits,
            ..base.clone()
        })
    });
    let windows = [2, 8, 32].map(|window| {
        perplexity(tandem_envs::attention::GainCell {
            window,
            columns: window.min(16),
            ..base.clone()
        })
    });
    for row in [bits, windows] {
        assert!(row[1] < 1.01 * row[0] && row[2] < 1.01 * row[1], "{row:?}");
        assert!(row[2] < row[0], "{row:?}");
    }
}
