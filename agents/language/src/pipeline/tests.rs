use super::*;
use crate::settings::{Adaptation, Stages, Training};
use crate::shape::Shape;
use crate::story::story;
use crate::testing::median;

/// A pipeline that takes a second.
pub(crate) fn tiny() -> Settings {
    let mut settings = Settings {
        model: Shape {
            layers: 2,
            heads: 2,
            width: 16,
            context: 16,
        },
        training: Training {
            batch: 4,
            rate: 3e-3,
            warm_up: 2,
            cool_down: 2,
            validate_every: 4,
            validation: 8,
            ..Training::default()
        },
        stages: Stages {
            softmax: 6,
            linear: 5,
            nonlinear: 3,
            control: true,
            direct: true,
        },
        adaptation: Adaptation {
            batch: 8,
            ..Adaptation::default()
        },
        ..Settings::default()
    };
    settings.circuit.window = 16;
    settings.circuit.columns = 8;
    settings
}

/// A pipeline over a short story.
pub(crate) fn pipeline(settings: &Settings) -> Pipeline {
    let corpus = Corpus::new(&story(0, 4000), settings.model.context).unwrap();
    Pipeline::new(settings, corpus).unwrap()
}

fn records(pipeline: &mut Pipeline) -> Vec<Record> {
    std::iter::from_fn(|| pipeline.iterate().unwrap()).collect()
}

#[test]
fn controls_get_as_many_iterations_as_both_hardware_stages() {
    let of = |stage| {
        plan(&tiny())
            .into_iter()
            .find(|p| p.stage == stage)
            .map(|p| p.iterations)
    };
    assert_eq!(of(Stage::Control), Some(8));
    assert_eq!(of(Stage::Direct), Some(8));
    let mut alone = tiny();
    alone.stages.linear = 0;
    assert!(
        plan(&alone)
            .iter()
            .all(|p| p.stage != Stage::Adapt && p.stage != Stage::Linear)
    );
}

#[test]
fn a_pipeline_stopped_anywhere_goes_on_to_the_same_numbers() {
    let settings = tiny();
    let mut whole = pipeline(&settings);
    let expected = records(&mut whole);
    for stop in [0, 3, 6, 11, 12, 15, 22] {
        let mut first = pipeline(&settings);
        (0..stop).for_each(|_| drop(first.iterate().unwrap()));
        let bytes = first.save().to_bytes().unwrap();
        let mut second = pipeline(&settings);
        second.load(&Archive::from_bytes(&bytes).unwrap()).unwrap();
        assert_eq!(records(&mut second), expected[stop..], "stopped after {stop}");
        assert_eq!(second.save().to_bytes().unwrap(), whole.save().to_bytes().unwrap());
    }
}

#[test]
fn control_and_direct_start_from_the_softmax_model() {
    let mut pipeline = pipeline(&tiny());
    records(&mut pipeline);
    let end = pipeline.curve(Stage::Softmax).last().unwrap().1;
    assert_eq!(pipeline.curve(Stage::Control)[0].1, end);
    assert_eq!(pipeline.result(), Some(Stage::Nonlinear));
    let activity = pipeline.activity().unwrap();
    assert!(activity.score_ua > 0.0 && activity.output_ua >= 0.0);
}

/// Adapts a network as drawn from this seed, whose scalers on linear hardware are drawn too, from reset scalers.
fn adapted(seed: u64, layers: usize) -> Adapted {
    let mut settings = tiny();
    settings.seed = seed;
    settings.model.layers = layers;
    settings.model.context = 32;
    settings.circuit.window = 32;
    let mut pipeline = pipeline(&settings);
    let mut stream = Stream::new(settings.seed, "scalers", 0);
    let mut scalers = pipeline.model.scalers();
    for scaler in &mut scalers {
        scaler.gain *= stream.uniform(-1.0, 1.0).exp();
        scaler.offset += stream.uniform(-0.1, 0.1);
    }
    pipeline.model.set_scalers(&scalers);
    pipeline.adapt().unwrap();
    pipeline.adapted().unwrap().clone()
}

/// In the median of five networks: outputs are counted in whole levels, and one that falls to the other side of a
/// level moves a mean by a third of the error that is allowed.
#[test]
fn adaptation_of_random_networks_from_reset_scalers_converges_in_layers_plus_eight_passes() {
    for layers in [2, 3, 4] {
        let all: Vec<Adapted> = (0..5).map(|seed| adapted(seed, layers)).collect();
        let of = |number: fn(&Adapted) -> f64| median(all.iter().map(number));
        assert!(of(|a| a.passes.last().unwrap().mean_error) <= 1e-4);
        assert!(of(|a| a.passes.last().unwrap().deviation_error) <= 1e-4);
        assert!(of(|a| (a.passes.len() - 1) as f64) <= (layers + 8) as f64);
        // keys and values start at 0 V instead of the middle of the rail
        assert!(all.iter().all(|a| a.passes[0].mean_error > 0.1));
        assert!(all.iter().all(|a| a.passes[0].deviation_error > 1e-3));
    }
}

#[test]
fn generation_is_seeded_and_refuses_what_it_does_not_know() {
    let mut pipeline = pipeline(&tiny());
    records(&mut pipeline);
    let mut write = |seed| {
        let mut stream = Stream::new(seed, "generate", 0);
        pipeline
            .generate(Stage::Nonlinear, "Ada went", 30, 1.0, &mut stream)
            .unwrap()
    };
    let text = write(0);
    assert_eq!(text.chars().count(), 30);
    assert_eq!(text, write(0));
    assert_ne!(text, write(1));
    let mut stream = Stream::new(0, "generate", 0);
    let mut refused = |prompt| {
        pipeline
            .generate(Stage::Nonlinear, prompt, 1, 1.0, &mut stream)
            .unwrap_err()
            .to_string()
    };
    assert!(refused("ß").contains("never seen"));
    assert!(refused("").contains("empty"));
}

#[test]
fn settings_out_of_range_are_named() {
    let refused = |change: fn(&mut Settings)| {
        let mut settings = tiny();
        change(&mut settings);
        settings.check().unwrap_err().to_string()
    };
    assert!(refused(|s| s.model.heads = 3).contains("model.width"));
    assert!(refused(|s| s.training.rate = f64::NAN).contains("training.rate"));
    assert!(refused(|s| s.circuit.window = 0).starts_with("circuit.window"));
    assert!(refused(|s| s.stages.softmax = 0).contains("stages.softmax"));
}
