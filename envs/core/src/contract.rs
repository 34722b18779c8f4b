//! The guarantees that every problem gives to trainers and judges, and the check that it does.
//!
//! ```ignore
//! #[test]
//! fn keeps_the_contract() {
//!     tandem_core::contract::check_problem(&problem()).unwrap();
//! }
//! ```

use std::fmt::Debug;

use thiserror::Error;

use crate::problem::{CommandSpace, Fidelity, Problem, ProblemError, Step};
use crate::stream::Stream;

/// A breach of the contract.
#[derive(Debug, Error)]
#[error("problem `{problem}`, {place}: {what}")]
pub struct Breach {
    /// Name of the problem.
    pub problem: String,
    /// Where: "spec", or a fidelity and what was tried.
    pub place: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// Holds a problem to the contract, in both fidelities:
///
/// - names are given once, sizes of spec and hardware agree, bounds have a width, scales are positive;
/// - observations are finite, also before the first step; the reward is the sum of its terms;
/// - an episode ends one way, at the horizon at the latest, and a fault ends it;
/// - the same stream gives the same episode, another stream another one;
/// - a saved episode goes on exactly, in another environment too; bytes that were cut are refused;
/// - moving one environment leaves others of the same problem alone;
/// - a design that cannot be built is an error, and no panic.
///
/// # Errors
/// The first breach.
pub fn check_problem(problem: &dyn Problem) -> Result<(), Breach> {
    let breach = |place: String| {
        move |what: String| Breach {
            problem: problem.spec().name.clone(),
            place,
            what,
        }
    };
    check_spec(problem).map_err(breach("spec".into()))?;
    type Check = fn(&dyn Problem, Fidelity) -> Result<(), String>;
    let checks: [(&str, Check); 5] = [
        ("steps", check_steps),
        ("repeated episodes", check_repeats),
        ("saved episodes", check_save),
        ("two environments", check_fresh),
        ("designs that cannot be built", check_designs),
    ];
    for fidelity in [Fidelity::Effect, Fidelity::Full] {
        for (what, check) in checks {
            let place = format!("{what} ({fidelity:?})");
            check(problem, fidelity).map_err(breach(place))?;
        }
    }
    Ok(())
}

/// Returns an error from the function unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($what:tt)+) => {
        let holds: bool = $condition;
        if !holds {
            return Err(format!($($what)+));
        }
    };
}

fn ensure_equal<T: PartialEq + Debug>(a: &T, b: &T, what: &str) -> Result<(), String> {
    ensure!(a == b, "{what}: {a:?} is not {b:?}");
    Ok(())
}

/// A problem with the buffers that its spec asks for.
struct Rig {
    problem: Box<dyn Problem>,
    fidelity: Fidelity,
    observation: Vec<f32>,
    query: Vec<f32>,
    effect: Vec<f32>,
    terms: Vec<f32>,
}

/// What a step gave and what was then observed.
type Trace = Vec<(Step, Vec<f32>)>;

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

    fn reset(&mut self, design: &[f64], seed: u64) -> Result<(), String> {
        let mut stream = Stream::new(seed, "episode", 0);
        let reset = self.problem.reset(design, self.fidelity, &mut stream);
        reset.map_err(|error| format!("the start design is refused: {error}"))
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

    /// Steps of an episode under the commands of `seed`.
    fn run(&mut self, design: &[f64], seed: u64, steps: usize) -> Trace {
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

fn start_of(problem: &dyn Problem) -> Vec<f64> {
    problem.hardware().space().start()
}

fn check_spec(problem: &dyn Problem) -> Result<(), String> {
    let (spec, hardware) = (problem.spec(), problem.hardware());
    ensure!(spec.horizon > 0, "the horizon is 0; give at least one step");
    ensure!(spec.control_dt > 0.0, "`control_dt` must be positive");
    let queries = hardware.query_channels().len();
    let effects = hardware.effect_channels().len();
    let bounds = hardware.query_bounds();
    ensure_equal(&bounds.len(), &queries, "bounds, one for each query number")?;
    let scale = hardware.effect_scale();
    ensure_equal(&scale.len(), &effects, "scales, one for each effect")?;
    ensure!(hardware.task_effects() <= effects, "more task effects than effects");
    ensure!(
        scale.iter().all(|s| s.is_finite() && *s > 0.0),
        "effect scales must be positive: {scale:?}"
    );
    ensure!(
        bounds.iter().all(|(low, high)| low < high),
        "query bounds must have a width: {bounds:?}"
    );
    for channels in [
        &spec.observation[..],
        hardware.query_channels(),
        hardware.effect_channels(),
    ] {
        let mut names: Vec<_> = channels.iter().map(|c| &c.name).collect();
        names.sort();
        let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
        ensure!(twice.is_none(), "the name {:?} is given twice", twice);
    }
    let mut features = vec![f32::NAN; hardware.feature_len()];
    let middle = bounds.iter().map(|(low, high)| (low + high) / 2.0);
    hardware.features(&middle.collect::<Vec<f32>>(), &mut features);
    ensure!(
        features.iter().all(|f| f.is_finite()),
        "features of the middle of all bounds are not finite, or not all written: {features:?}"
    );
    Ok(())
}

fn check_steps(problem: &dyn Problem, fidelity: Fidelity) -> Result<(), String> {
    let design = start_of(problem);
    let mut rig = Rig::new(problem.fresh(), fidelity);
    let mut stream = Stream::new(5, "commands", 0);
    for seed in 0..3 {
        rig.reset(&design, seed)?;
        check_episode(&mut rig, &design, &mut stream)?;
        ensure!(
            !rig.problem.scene().shapes.is_empty(),
            "the scene has no shapes, so there is nothing to draw"
        );
    }
    Ok(())
}

fn check_episode(rig: &mut Rig, design: &[f64], stream: &mut Stream) -> Result<(), String> {
    let horizon = rig.problem.spec().horizon;
    for k in 0..=horizon {
        let seen = rig.observe();
        ensure!(
            seen.iter().all(|x| x.is_finite()),
            "the observation after {k} steps is not finite, or not all written: {seen:?}"
        );
        if k == horizon {
            break;
        }
        let command = rig.command(stream);
        let step = rig.step(design, &command);
        rig.terms.fill(f32::NAN);
        rig.problem.reward_terms(&mut rig.terms);
        let logged = rig.problem.only_logged();
        let counted = rig.terms.iter().enumerate().filter(|(i, _)| !logged.contains(i));
        let sum: f32 = counted.map(|(_, term)| term).sum();
        let size: f32 = rig.terms.iter().map(|t| t.abs()).sum();
        ensure!(
            (sum - step.reward).abs() <= 1e-5 * (1.0 + size),
            "the reward's terms add up to {sum}, the reward is {}",
            step.reward
        );
        let step_number = k + 1;
        ensure!(
            !(step.terminated && step.truncated),
            "step {step_number} both terminates and truncates the episode"
        );
        ensure!(
            step.fault.is_none() || step.terminated,
            "a fault must terminate the episode"
        );
        ensure!(
            !step.truncated || step_number == horizon,
            "truncated at step {step_number}, before the horizon of {horizon}"
        );
        if step.ended() {
            break;
        }
        ensure!(step_number < horizon, "not over at the horizon of {horizon}");
    }
    Ok(())
}

fn check_repeats(problem: &dyn Problem, fidelity: Fidelity) -> Result<(), String> {
    let design = start_of(problem);
    let mut rig = Rig::new(problem.fresh(), fidelity);
    rig.reset(&design, 1)?;
    let first = rig.run(&design, 1, 20);
    rig.reset(&design, 1)?;
    let again = rig.run(&design, 1, 20);
    ensure_equal(&first, &again, "the same stream gives another episode")?;
    rig.reset(&design, 2)?;
    ensure!(
        first != rig.run(&design, 1, 20),
        "another stream gives the same episode: does anything of the start come from the stream?"
    );
    Ok(())
}

fn check_save(problem: &dyn Problem, fidelity: Fidelity) -> Result<(), String> {
    let design = start_of(problem);
    let mut rig = Rig::new(problem.fresh(), fidelity);
    rig.reset(&design, 3)?;
    rig.run(&design, 3, 4);
    let bytes = rig.problem.save();
    let seen = rig.observe();
    let after = rig.run(&design, 4, 20);
    let mut other = Rig::new(rig.problem.fresh(), fidelity);
    other.reset(&design, 9)?;
    for rig in [&mut rig, &mut other] {
        let loaded = rig.problem.load(&bytes);
        loaded.map_err(|error: ProblemError| format!("its own bytes are refused: {error}"))?;
        ensure_equal(&rig.problem.save(), &bytes, "a loaded episode is saved as")?;
        ensure_equal(&rig.observe(), &seen, "a loaded episode is observed as")?;
        ensure_equal(&rig.run(&design, 4, 20), &after, "a loaded episode goes on as")?;
    }
    for cut in [&bytes[..bytes.len() / 2], &[]] {
        ensure!(rig.problem.load(cut).is_err(), "bytes that were cut are taken");
    }
    Ok(())
}

fn check_fresh(problem: &dyn Problem, fidelity: Fidelity) -> Result<(), String> {
    let design = start_of(problem);
    let mut rig = Rig::new(problem.fresh(), fidelity);
    rig.reset(&design, 6)?;
    let seen = rig.observe();
    let mut other = Rig::new(rig.problem.fresh(), fidelity);
    ensure_equal(other.problem.spec(), rig.problem.spec(), "a fresh environment's spec")?;
    other.reset(&design, 7)?;
    other.run(&design, 7, 10);
    ensure_equal(
        &rig.observe(),
        &seen,
        "another environment was moved, and this one with it",
    )
}

fn check_designs(problem: &dyn Problem, fidelity: Fidelity) -> Result<(), String> {
    let hardware = problem.hardware();
    let start = hardware.space().start();
    let mut environment = problem.fresh();
    let mut stream = Stream::new(8, "episode", 0);
    let mut refused = |design: &[f64]| environment.reset(design, fidelity, &mut stream).is_err();
    ensure!(
        refused(&[&start[..], &[0.5]].concat()),
        "a design that is too long is taken"
    );
    if let Some((_, shorter)) = start.split_last() {
        ensure!(refused(shorter), "a design that is too short is taken");
    }
    for (i, parameter) in hardware.space().parameters.iter().enumerate() {
        let beyond = parameter.high + 1.0_f64.max(parameter.high - parameter.low);
        for bad in [f64::NAN, f64::INFINITY, beyond] {
            let mut design = start.clone();
            design[i] = bad;
            ensure!(refused(&design), "`{}` = {bad} is taken", parameter.name);
        }
    }
    Ok(())
}
