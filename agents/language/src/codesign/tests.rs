use super::*;
use crate::Stage;
use crate::pipeline::tests::{pipeline, tiny};
use crate::testing::median;

fn settings() -> CodesignSettings {
    CodesignSettings {
        rounds: 4,
        candidates: 5,
        training: 2,
        margin: 0.5,
        chips: 1,
        ..CodesignSettings::default()
    }
}

fn trained() -> Pipeline {
    let mut settings = tiny();
    settings.training.validation = 4;
    settings.stages.control = false;
    settings.stages.direct = false;
    let mut pipeline = pipeline(&settings);
    while pipeline.iterate().unwrap().is_some() {}
    pipeline
}

fn rounds(codesign: &mut Codesign) -> Vec<Round> {
    std::iter::from_fn(|| codesign.round(&|| false).unwrap()).collect()
}

/// Energy of the control by that of the winner, from this seed.
fn saving(seed: u64) -> f64 {
    let mut settings = settings();
    settings.seed = seed;
    let mut codesign = Codesign::new(trained(), &settings).unwrap();
    rounds(&mut codesign);
    let outcome = codesign.outcome().unwrap();
    outcome.control.cost.energy_j / outcome.winner.cost.energy_j
}

/// Measured: 4.1 to 4.3 times.
#[test]
fn a_search_saves_energy() {
    let savings: Vec<f64> = (0..3).map(saving).collect();
    assert!(median(savings.iter().copied()) > 1.0, "{savings:?}");
}

#[test]
fn it_judges_a_circuit_beside_an_equally_trained_control() {
    let mut codesign = Codesign::new(trained(), &settings()).unwrap();
    let rounds = rounds(&mut codesign);
    assert_eq!(rounds.len(), 4);
    assert!(rounds[0].proxy_gap.is_none() && rounds[3].proxy_gap.is_some());
    let outcome = codesign.outcome().unwrap();
    outcome.circuit.check().unwrap();
    assert_eq!(outcome.control.design, codesign.space().start());
    assert_eq!(outcome.chips.len(), 1);
    // without noise a chip is the tensor model
    let [control, winner] = outcome.chips[0];
    assert!((control - outcome.control.loss).abs() < 1e-3);
    assert!((winner - outcome.winner.loss).abs() < 1e-3);
    for one in &outcome.reverted {
        assert_ne!(one.values[0], one.values[1], "{}", one.parameter);
    }
    assert!(!outcome.front.is_empty());
    // both have moved, by as many steps
    let [a, b] = [&codesign.model, &codesign.control].map(|s| s.steps());
    assert_eq!([a, b], [8, 8]);
}

#[test]
fn a_codesign_stopped_after_any_round_goes_on_to_the_same_numbers() {
    let mut whole = Codesign::new(trained(), &settings()).unwrap();
    let expected = rounds(&mut whole);
    for stop in [0, 1, 3] {
        let mut first = Codesign::new(trained(), &settings()).unwrap();
        (0..stop).for_each(|_| drop(first.round(&|| false).unwrap()));
        let bytes = first.save().to_bytes().unwrap();
        // in the middle of the next round
        let asked = std::cell::Cell::new(0);
        let soon = || asked.replace(asked.get() + 1) >= 2;
        let stopped = first.round(&soon);
        assert!(matches!(stopped, Err(LanguageError::Stopped)), "{stop}");
        let mut second = Codesign::new(trained(), &settings()).unwrap();
        second.load(&Archive::from_bytes(&bytes).unwrap()).unwrap();
        assert_eq!(rounds(&mut second), expected[stop..]);
        let [a, b] = [&second, &whole].map(|c| c.save().to_bytes().unwrap());
        assert_eq!(a, b, "stopped after {stop}");
    }
}

#[test]
fn an_unfinished_chain_and_settings_out_of_range_are_refused() {
    let mut unfinished = pipeline(&tiny());
    drop(unfinished.iterate().unwrap());
    assert!(!unfinished.finished().contains(&Stage::Nonlinear));
    let refused = |pipeline, settings: &CodesignSettings| {
        let error = Codesign::new(pipeline, settings).err();
        error.map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(refused(unfinished, &settings()).contains("nonlinear stage"));
    let bad = CodesignSettings {
        margin: f64::NAN,
        ..settings()
    };
    assert!(refused(trained(), &bad).contains("codesign.margin"));
}
