//! The problem: state, observation, reward, success, under effects or as the full machine.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::config::Settings;
use super::controller::{OPEN, torques};
use super::hand::{FINGERS, JOINTS, MOST_TENSION, joints};
use super::hardware::{QUERIES, TendonHardware, named};
use super::machine::{Angles, Machine, SLIDE_LIMITS};
use super::object::{KINDS, Object};
use super::task::{HORIZON, Hold, LIFT, push};
use crate::hand3d::monitor::Fault;
use crate::hand3d::parts::CONTROL_DT;
use tandem_core::mechanism::Mechanism;
use tandem_core::problem::{
    Channel, CommandSpace, Fidelity, Hardware, Problem, ProblemError, Spec, Step,
};
use tandem_core::scene::Scene;
use tandem_core::stream::Stream;

/// What a command of 1 adds in a control step: tension, N, and height of the palm, m.
pub(super) const STEP: [f32; 2] = [3.0, 0.004];
/// Names of the reward's terms.
const TERMS: [&str; 5] = ["reach", "carry", "lift", "success", "effort"];
/// Cost of the tips' mean distance from the object, 1/m.
const REACH_COST: f32 = 5.0;
/// Reward of a step in which the hand carries the whole object.
const CARRY_BONUS: f32 = 0.5;
/// Reward of an episode's end with the object held.
const SUCCESS_BONUS: f32 = 20.0;
/// Cost of a step with the tendon at its most.
const EFFORT_COST: f32 = 0.02;

/// m/s^2.
const GRAVITY: f32 = 9.81;

/// What environments of one problem share.
#[derive(Debug)]
struct Setup {
    settings: Settings,
    hardware: Arc<TendonHardware>,
    spec: Spec,
}

/// What changes during an episode, but for the machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    fidelity: Fidelity,
    object: Object,
    /// Direction of the push, rad.
    heading: f64,
    /// N.
    tension: f32,
    /// m.
    slide: f32,
    step: usize,
    hold: Hold,
    terms: [f32; TERMS.len()],
}

/// A running episode.
#[derive(Serialize, Deserialize)]
struct Episode {
    design: Vec<f64>,
    state: State,
    machine: Machine,
}

/// The tendon hand; see the module.
pub struct Tendon {
    setup: Arc<Setup>,
    episode: Option<Episode>,
}

impl Tendon {
    /// An environment of these settings, to be reset before use.
    ///
    /// # Errors
    /// Settings that make no design space.
    pub fn new(settings: Settings) -> Result<Self, ProblemError> {
        Ok(Self {
            setup: Arc::new(Setup {
                settings,
                hardware: Arc::new(TendonHardware::new()?),
                spec: spec(),
            }),
            episode: None,
        })
    }

    /// The machine and its object, once an episode has begun.
    pub fn machine(&self) -> Option<(&Machine, &Object)> {
        let episode = self.episode.as_ref()?;
        Some((&episode.machine, &episode.state.object))
    }

    /// The machine, for the benchmark.
    pub(super) fn machine_mut(&mut self) -> Option<&mut Machine> {
        self.episode.as_mut().map(|episode| &mut episode.machine)
    }

    /// A control step under what `torque` makes of joint angles and tension.
    fn advance(
        &mut self,
        fidelity: Fidelity,
        command: &[f32],
        torque: impl Fn(&[f64], &Angles, f32) -> Angles,
    ) -> Step {
        let Some(Episode {
            design,
            state,
            machine,
        }) = &mut self.episode
        else {
            return fault("the episode was not started");
        };
        (state.tension, state.slide) = state.next(command);
        state.step += 1;
        state.terms = [0.0; TERMS.len()];
        let moved = match state.fidelity == fidelity {
            true => {
                let torque = |angles: &Angles| torque(design, angles, state.tension);
                let force = self.setup.settings.push;
                let push = push(state.step - 1, state.heading, force);
                machine.step(state.slide, torque, push)
            }
            false => Err("the episode was not started in this fidelity"),
        };
        let borne = match moved {
            Ok(borne) => borne,
            Err(reason) => return fault(reason),
        };
        let lift = state.lift(machine);
        state.hold.note(lift);
        let ends = state.step >= HORIZON;
        let success = ends && state.hold.succeeds();
        state.terms = state.rewards(machine, borne, lift, success);
        Step {
            reward: state.terms.iter().sum(),
            terminated: false,
            truncated: ends,
            success,
            fault: None,
        }
    }
}

fn fault(reason: Fault) -> Step {
    Step {
        terminated: true,
        fault: Some(reason),
        ..Step::default()
    }
}

impl State {
    /// Tension, N, and slide, m, after a command.
    fn next(&self, command: &[f32]) -> (f32, f32) {
        let unit = |i: usize| STEP[i] * command.get(i).copied().unwrap_or(0.0).clamp(-1.0, 1.0);
        let [low, high] = SLIDE_LIMITS.map(|l| l as f32);
        (
            (self.tension + unit(0)).clamp(0.0, MOST_TENSION as f32),
            (self.slide + unit(1)).clamp(low, high),
        )
    }

    /// How far the object is raised, m.
    fn lift(&self, machine: &Machine) -> f32 {
        machine.object().translation().z - self.object.half_height as f32
    }

    /// The reward's terms; see the module's table.
    fn rewards(
        &self,
        machine: &Machine,
        borne: f32,
        lift: f32,
        success: bool,
    ) -> [f32; TERMS.len()] {
        let weight = GRAVITY * self.object.mass() as f32;
        let away = |i: usize| {
            let [x, y, z] = tip_from_object(machine, i);
            (x.hypot(y).hypot(z) - self.object.half_width as f32).max(0.0)
        };
        let gap = (0..FINGERS).map(away).sum::<f32>() / FINGERS as f32;
        [
            -REACH_COST * gap,
            CARRY_BONUS * (1.0 - borne / weight).max(0.0),
            (lift / LIFT).clamp(0.0, 1.0),
            if success { SUCCESS_BONUS } else { 0.0 },
            -EFFORT_COST * (self.tension / MOST_TENSION as f32).powi(2),
        ]
    }
}

/// A finger's tip relative to the object's centre, m.
fn tip_from_object(machine: &Machine, finger: usize) -> [f32; 3] {
    let [_, _, tip] = machine.finger(finger);
    let center = machine.object().translation().to_array();
    [0, 1, 2].map(|i| tip[i] - center[i])
}

fn spec() -> Spec {
    let mut observation = vec![Channel::new("slide", "m"), Channel::new("tension", "40 N")];
    observation.extend(named("angle", "rad"));
    observation.extend(named("speed", "10 rad/s"));
    let mut vector = |name: &str, unit: &str| {
        let axes = ["x", "y", "z"].map(|axis| Channel::new(format!("{name}_{axis}"), unit));
        observation.extend(axes);
    };
    for finger in 1..=FINGERS {
        vector(&format!("finger_{finger}_tip_from_object"), "m");
    }
    vector("object_in_palm", "m");
    vector("object_velocity", "m/s");
    let rest = [
        ("half_width", "m"),
        ("half_height", "m"),
        ("is_box", "1"),
        ("is_sphere", "1"),
        ("is_cylinder", "1"),
        ("lift", "m"),
        ("time", "1"),
    ];
    observation.extend(rest.map(|(name, unit)| Channel::new(name, unit)));
    let command = ["tension_rate", "slide_rate"].map(|name| Channel::new(name, "1"));
    Spec {
        name: "hand3d-tendon".into(),
        observation,
        command: CommandSpace::Continuous(command.to_vec()),
        reward_terms: TERMS.map(String::from).to_vec(),
        horizon: HORIZON,
        control_dt: f64::from(CONTROL_DT),
    }
}

impl Problem for Tendon {
    fn spec(&self) -> &Spec {
        &self.setup.spec
    }

    fn hardware(&self) -> Arc<dyn Hardware> {
        self.setup.hardware.clone()
    }

    fn fresh(&self) -> Box<dyn Problem> {
        Box::new(Self {
            setup: self.setup.clone(),
            episode: None,
        })
    }

    fn half_step(&self) -> Option<Box<dyn Problem>> {
        let mut settings = self.setup.settings.clone();
        settings.substeps *= 2;
        Some(Box::new(Self::new(settings).ok()?))
    }

    fn reset(
        &mut self,
        design: &[f64],
        fidelity: Fidelity,
        stream: &mut Stream,
    ) -> Result<(), ProblemError> {
        self.setup.hardware.space().check(design)?;
        let settings = &self.setup.settings;
        let object = Object::draw(settings.start_offset, stream);
        let heading = stream.uniform(0.0, std::f64::consts::TAU);
        // never straight, where a chain is singular
        let mut angles = OPEN;
        for angle in &mut angles {
            *angle += (settings.start_noise * stream.normal().abs()) as f32;
        }
        let machine = Machine::new(&object, &angles, settings.substeps);
        self.episode = machine.map(|machine| Episode {
            design: design.to_vec(),
            state: State {
                fidelity,
                object,
                heading,
                tension: 0.0,
                slide: 0.0,
                step: 0,
                hold: Hold::default(),
                terms: [0.0; TERMS.len()],
            },
            machine,
        });
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        out.fill(0.0);
        let Some(Episode { state, machine, .. }) = &self.episode else {
            return;
        };
        let object = machine.object();
        let [x, y, z] = object.translation().to_array();
        let size = [state.object.half_width, state.object.half_height].map(|s| s as f32);
        let kind = KINDS.map(|kind| f32::from(u8::from(kind == state.object.kind)));
        let time = state.step as f32 / HORIZON as f32;
        let numbers = [state.slide, state.tension / MOST_TENSION as f32].into_iter();
        let numbers = numbers.chain(machine.angles());
        let numbers = numbers.chain(machine.speeds().map(|v| 0.1 * v));
        let numbers = numbers.chain((0..FINGERS).flat_map(|i| tip_from_object(machine, i)));
        let numbers = numbers.chain([x, y, z - machine.palm_height()]);
        let numbers = numbers.chain(object.linvel().to_array()).chain(size);
        let numbers = numbers.chain(kind).chain([state.lift(machine), time]);
        out.iter_mut().zip(numbers).for_each(|(o, x)| *o = x);
    }

    fn query(&self, command: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        if let (Some(episode), QUERIES) = (&self.episode, out.len()) {
            out[..JOINTS].copy_from_slice(&episode.machine.angles());
            out[JOINTS] = episode.state.next(command).0;
        }
    }

    fn apply(&mut self, command: &[f32], effect: &[f32]) -> Step {
        let Ok(&torques) = <&Angles>::try_from(effect) else {
            return fault("the effect has another size");
        };
        if torques.iter().any(|t| !t.is_finite()) {
            return fault("the effect is not finite");
        }
        self.advance(Fidelity::Effect, command, |_, _, _| torques)
    }

    fn full_step(&mut self, command: &[f32]) -> Step {
        self.advance(
            Fidelity::Full,
            command,
            |design, angles, tension| match joints(design) {
                Some(joints) => torques(&joints, tension, angles),
                None => Angles::default(),
            },
        )
    }

    fn reward_terms(&self, out: &mut [f32]) {
        match &self.episode {
            Some(episode) => out.copy_from_slice(&episode.state.terms),
            None => out.fill(0.0),
        }
    }

    fn save(&self) -> Vec<u8> {
        postcard::to_stdvec(&self.episode).expect("plain data always serialises")
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), ProblemError> {
        let misfit = |error: postcard::Error| ProblemError::State {
            problem: self.setup.spec.name.clone(),
            reason: error.to_string(),
        };
        let episode: Option<Episode> = postcard::from_bytes(bytes).map_err(misfit)?;
        if let Some(episode) = &episode {
            self.setup.hardware.space().check(&episode.design)?;
        }
        self.episode = episode;
        Ok(())
    }

    fn scene(&self) -> Scene {
        super::draw::scene(self)
    }

    fn mechanism(&self, design: &[f64]) -> Result<Option<Mechanism>, ProblemError> {
        self.setup.hardware.space().check(design)?;
        let joints = joints(design);
        Ok(joints.map(|joints| super::export::mechanism(&joints)))
    }
}
