//! What every problem promises to whoever trains or judges on it, whatever its world is.
//!
//! To hold a problem to the contract, call [`check_contract`] on it in a test of its own.

use tandem_accelerator::codesign;
use tandem_attention::recall;
use tandem_core::{CommandSpace, Fidelity, Problem, Step, Stream};
use tandem_physics::classic;
use tandem_physics::hand3d::{press, tendon};
use tandem_physics::reach2d;
use tandem_physics::tentacle;

/// A problem with the buffers that its spec asks for.
struct Rig {
    problem: Box<dyn Problem>,
    fidelity: Fidelity,
    observation: Vec<f32>,
    query: Vec<f32>,
    effect: Vec<f32>,
    terms: Vec<f32>,
}

impl Rig {
    fn new(problem: Box<dyn Problem>, fidelity: Fidelity) -> Self {
        let (spec, hardware) = (problem.spec().clone(), problem.hardware());
        Self {
            fidelity,
            observation: vec![f32::NAN; spec.observation.len()],
            query: vec![f32::NAN; hardware.query_channels().len()],
            effect: vec![f32::NAN; hardware.effect_channels().len()],
            terms: vec![f32::NAN; spec.reward_terms.len()],
            problem,
        }
    }

    fn reset(&mut self, design: &[f64], seed: u64) {
        let mut stream = Stream::new(seed, "episode", 0);
        self.problem
            .reset(design, self.fidelity, &mut stream)
            .unwrap();
    }

    fn command(&self, stream: &mut Stream) -> Vec<f32> {
        match &self.problem.spec().command {
            CommandSpace::Continuous(channels) => {
                let draw = |_| stream.uniform(-1.0, 1.0) as f32;
                channels.iter().map(draw).collect()
            }
            CommandSpace::Discrete(n) => vec![stream.below(*n) as f32],
        }
    }

    /// One control step in the rig's fidelity, under the true effect of the design.
    fn step(&mut self, design: &[f64], command: &[f32]) -> Step {
        match self.fidelity {
            Fidelity::Full => self.problem.full_step(command),
            Fidelity::Effect => {
                self.problem.query(command, &mut self.query);
                let hardware = self.problem.hardware();
                hardware.respond(design, &self.query, &mut self.effect);
                self.problem.apply(command, &self.effect)
            }
        }
    }

    fn observe(&mut self) -> Vec<f32> {
        // buffers start as NaN, so a number that is not written shows
        self.observation.fill(f32::NAN);
        self.problem.observe(&mut self.observation);
        self.observation.clone()
    }

    /// Steps of an episode under the commands of `seed`: what each gave and what was then observed.
    fn run(&mut self, design: &[f64], seed: u64, steps: usize) -> Vec<(Step, Vec<f32>)> {
        let mut stream = Stream::new(seed, "commands", 0);
        let mut trace = vec![];
        while trace.len() < steps {
            let command = self.command(&mut stream);
            let step = self.step(design, &command);
            trace.push((step, self.observe()));
            if step.ended() {
                break;
            }
        }
        trace
    }
}

/// Holds a problem to the contract in both fidelities. Panics where it is broken.
pub fn check_contract(problem: &dyn Problem) {
    check_spec(problem);
    for fidelity in [Fidelity::Effect, Fidelity::Full] {
        check_steps(problem, fidelity);
        check_repeats(problem, fidelity);
        check_save(problem, fidelity);
        check_fresh(problem, fidelity);
        check_designs(problem, fidelity);
    }
}

/// Names are given once, sizes agree between spec and hardware, and features are finite.
fn check_spec(problem: &dyn Problem) {
    let (spec, hardware) = (problem.spec(), problem.hardware());
    assert!(spec.horizon > 0 && spec.control_dt > 0.0);
    let queries = hardware.query_channels().len();
    let effects = hardware.effect_channels().len();
    assert_eq!(hardware.query_bounds().len(), queries);
    assert_eq!(hardware.effect_scale().len(), effects);
    assert!(hardware.task_effects() <= effects);
    assert!(
        hardware
            .effect_scale()
            .iter()
            .all(|s| s.is_finite() && *s > 0.0)
    );
    let bounds = hardware.query_bounds();
    assert!(bounds.iter().all(|(low, high)| low < high));
    for channels in [
        &spec.observation[..],
        hardware.query_channels(),
        hardware.effect_channels(),
    ] {
        let mut names: Vec<_> = channels.iter().map(|c| &c.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), channels.len(), "a name is given twice");
    }
    let mut features = vec![f32::NAN; hardware.feature_len()];
    let middle: Vec<f32> = bounds
        .iter()
        .map(|(low, high)| (low + high) / 2.0)
        .collect();
    hardware.features(&middle, &mut features);
    assert!(features.iter().all(|f| f.is_finite()));
}

/// Observations are finite, reward terms add up, episodes end at the horizon at the latest and say so.
fn check_steps(problem: &dyn Problem, fidelity: Fidelity) {
    let design = problem.hardware().space().start();
    let horizon = problem.spec().horizon;
    let mut rig = Rig::new(problem.fresh(), fidelity);
    let mut stream = Stream::new(5, "commands", 0);
    for seed in 0..3 {
        rig.reset(&design, seed);
        assert!(rig.observe().iter().all(|x| x.is_finite()));
        for k in 1..=horizon {
            let command = rig.command(&mut stream);
            let step = rig.step(&design, &command);
            assert!(rig.observe().iter().all(|x| x.is_finite()), "step {k}");
            rig.terms.fill(f32::NAN);
            rig.problem.reward_terms(&mut rig.terms);
            let sum: f32 = rig.terms.iter().sum();
            let size: f32 = rig.terms.iter().map(|t| t.abs()).sum();
            assert!(
                (sum - step.reward).abs() <= 1e-5 * (1.0 + size),
                "{sum} {step:?}"
            );
            assert!(
                !(step.terminated && step.truncated),
                "an episode ends one way"
            );
            assert!(step.fault.is_none() || step.terminated);
            assert!(!step.truncated || k == horizon, "truncated at step {k}");
            if step.ended() {
                break;
            }
            assert!(k < horizon, "not over at the horizon");
        }
        assert!(!rig.problem.scene().shapes.is_empty());
    }
}

/// The same stream gives the same episode, another stream another one.
fn check_repeats(problem: &dyn Problem, fidelity: Fidelity) {
    let design = problem.hardware().space().start();
    let mut rig = Rig::new(problem.fresh(), fidelity);
    rig.reset(&design, 1);
    let first = rig.run(&design, 1, 20);
    rig.reset(&design, 1);
    assert_eq!(first, rig.run(&design, 1, 20));
    rig.reset(&design, 2);
    assert_ne!(first, rig.run(&design, 1, 20));
}

/// A saved episode continues exactly, in another environment too; bytes that are cut off are refused.
fn check_save(problem: &dyn Problem, fidelity: Fidelity) {
    let design = problem.hardware().space().start();
    let mut rig = Rig::new(problem.fresh(), fidelity);
    rig.reset(&design, 3);
    rig.run(&design, 3, 4);
    let bytes = rig.problem.save();
    let seen = rig.observe();
    let after = rig.run(&design, 4, 20);
    let mut other = Rig::new(rig.problem.fresh(), fidelity);
    other.reset(&design, 9);
    for rig in [&mut rig, &mut other] {
        rig.problem.load(&bytes).unwrap();
        assert_eq!(rig.problem.save(), bytes);
        assert_eq!(rig.observe(), seen);
        assert_eq!(rig.run(&design, 4, 20), after);
    }
    assert!(rig.problem.load(&bytes[..bytes.len() / 2]).is_err());
    assert!(rig.problem.load(&[]).is_err());
}

/// Moving one environment leaves another of the same problem alone.
fn check_fresh(problem: &dyn Problem, fidelity: Fidelity) {
    let design = problem.hardware().space().start();
    let mut rig = Rig::new(problem.fresh(), fidelity);
    rig.reset(&design, 6);
    let seen = rig.observe();
    let mut other = Rig::new(rig.problem.fresh(), fidelity);
    assert_eq!(other.problem.spec(), rig.problem.spec());
    other.reset(&design, 7);
    other.run(&design, 7, 10);
    assert_eq!(rig.observe(), seen);
}

/// A design that cannot be built is an error, and no panic.
fn check_designs(problem: &dyn Problem, fidelity: Fidelity) {
    let hardware = problem.hardware();
    let start = hardware.space().start();
    let mut environment = problem.fresh();
    let mut stream = Stream::new(8, "episode", 0);
    let mut refused = |design: &[f64]| environment.reset(design, fidelity, &mut stream).is_err();
    assert!(refused(&[&start[..], &[0.5]].concat()), "too long");
    if let Some((_, shorter)) = start.split_last() {
        assert!(refused(shorter), "too short");
    }
    for i in 0..start.len() {
        let (low, high) = {
            let parameter = &hardware.space().parameters[i];
            (parameter.low, parameter.high)
        };
        for bad in [f64::NAN, f64::INFINITY, high + 1.0_f64.max(high - low)] {
            let mut design = start.clone();
            design[i] = bad;
            assert!(refused(&design), "parameter {i} = {bad}");
        }
    }
}

#[test]
fn classic_problems_keep_the_contract() {
    for (name, _) in classic::NAMES {
        println!("{name}");
        check_contract(&*classic::make(name).unwrap());
    }
}

#[test]
fn reaching_arms_keep_the_contract() {
    for preset in reach2d::PRESETS {
        let config = reach2d::Config {
            preset: Some(preset.name.into()),
            ..reach2d::Config::default()
        };
        check_contract(&*reach2d::make(&config).unwrap());
    }
}

#[test]
fn tentacles_keep_the_contract() {
    for rows in 1..=3 {
        let config = tentacle::Config {
            start_radii: Some(vec![[0.01; 3]; rows]),
            ..tentacle::Config::default()
        };
        check_contract(&*tentacle::make(&config).unwrap());
    }
    check_contract(&*tentacle::make(&tentacle::Config::default()).unwrap());
}

#[test]
fn accelerators_keep_the_contract() {
    for preset in codesign::PRESETS {
        let config = codesign::Config {
            preset: Some(preset.name.into()),
            ..codesign::Config::default()
        };
        check_contract(&*codesign::make(&config).unwrap());
    }
}

#[test]
fn pressing_hands_keep_the_contract() {
    check_contract(&*press::make(&press::Config::default()).unwrap());
}

#[test]
fn tendon_hands_keep_the_contract() {
    check_contract(&*tendon::make(&tendon::Config::default()).unwrap());
}

#[test]
fn attention_keeps_the_contract() {
    check_contract(&*recall::make(&recall::Config::default()).unwrap());
}
