//! The problem: state, observation, reward, success, under effects or as the full machine.

use std::sync::Arc;

use super::config::Settings;
use super::controller::{OPEN, torques};
use super::hand::{FINGERS, JOINTS, MOST_TENSION, joints};
use super::hardware::{QUERIES, TendonHardware, named};
use super::machine::{Angles, Machine, Sight};
use super::mujoco::MujocoHand;
use super::object::{KINDS, Object};
use super::state::{Body, State};
use super::task::{HORIZON, Hold, LIFT, push};
use crate::hand3d::export::SUBSTEPS;
use crate::hand3d::parts::{CONTROL_DT, GRAVITY};
use tandem_core::mechanism::decimal;
use tandem_core::{
    Channel, CommandSpace, Environment, Fidelity, Hardware, InMujoco, Mechanism, Outcome, ProblemError, Scene, Spec,
    Stream, World,
};

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

/// Fault of a machine that could not be built.
const NO_MACHINE: &str = "the machine could not be built";

/// The tendon hand's world; see the module.
#[derive(Clone, Debug)]
pub struct Tendon {
    settings: Settings,
    hardware: Arc<TendonHardware>,
    /// Physics steps of a control step in MuJoCo, where that moves the true machine.
    mujoco: Option<usize>,
}

impl Tendon {
    /// An environment of these settings, to be reset before use.
    ///
    /// # Errors
    /// [`ProblemError::Setting`] for a setting out of range.
    pub fn new(settings: Settings) -> Result<Environment<Self>, ProblemError> {
        settings.check()?;
        let hardware = Arc::new(TendonHardware::new()?);
        Ok(Environment::new(Self {
            settings,
            hardware,
            mujoco: None,
        }))
    }

    /// A control step under what `torque` makes of joint angles and tension.
    fn step(
        &self,
        state: &mut State,
        command: &[f32],
        terms: &mut [f32],
        torque: impl Fn(&Angles, f32) -> Angles,
    ) -> Outcome {
        (state.tension, state.slide) = state.next(command);
        state.step += 1;
        let (slide, tension) = (state.slide, state.tension);
        let push = push(state.step - 1, state.heading, self.settings.push);
        let Some(body) = &mut state.body else {
            return Outcome::fault(NO_MACHINE);
        };
        let moved = match body {
            Body::Machine(machine) => machine.step(slide, |angles| torque(angles, tension), push),
            Body::Mujoco(hand) => hand.step(slide, tension, push),
        };
        let borne = match moved {
            Ok(borne) => borne,
            Err(reason) => return Outcome::fault(reason),
        };
        let sight = body.sight();
        let lift = lift(&state.object, &sight);
        state.hold.note(lift);
        let success = state.step >= HORIZON && state.hold.succeeds();
        terms.copy_from_slice(&rewards(&state.object, tension, &sight, borne, lift, success));
        Outcome {
            success,
            terminated: body.has_lost(),
            fault: None,
        }
    }
}

/// How far the object is raised, m.
pub(super) fn lift(object: &Object, sight: &Sight) -> f32 {
    let ([_, _, z], _) = sight.object;
    z - object.half_height as f32
}

/// The reward's terms; see the module's table.
fn rewards(object: &Object, tension: f32, sight: &Sight, borne: f32, lift: f32, success: bool) -> [f32; TERMS.len()] {
    let weight = GRAVITY * object.mass() as f32;
    let away = |i: usize| {
        let [x, y, z] = tip_from_object(sight, i);
        (x.hypot(y).hypot(z) - object.half_width as f32).max(0.0)
    };
    let gap = (0..FINGERS).map(away).sum::<f32>() / FINGERS as f32;
    [
        -REACH_COST * gap,
        CARRY_BONUS * (1.0 - borne / weight).max(0.0),
        (lift / LIFT).clamp(0.0, 1.0),
        if success { SUCCESS_BONUS } else { 0.0 },
        -EFFORT_COST * (tension / MOST_TENSION as f32).powi(2),
    ]
}

/// A finger's tip relative to the object's centre, m.
fn tip_from_object(sight: &Sight, finger: usize) -> [f32; 3] {
    let [_, _, tip] = sight.fingers[finger];
    let (center, _) = sight.object;
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
        control_dt: decimal(CONTROL_DT),
    }
}

impl World for Tendon {
    type State = State;

    fn spec(&self) -> Spec {
        spec()
    }

    fn hardware(&self) -> Arc<dyn Hardware> {
        self.hardware.clone()
    }

    fn refined(&self, factor: usize) -> Option<Self> {
        let mut finer = self.clone();
        finer.settings.substeps *= factor;
        finer.mujoco = self.mujoco.map(|substeps| substeps * factor);
        Some(finer)
    }

    fn in_mujoco(&self) -> Option<InMujoco<Self>> {
        let mujoco = Some(SUBSTEPS);
        Some(InMujoco::As(Self { mujoco, ..self.clone() }))
    }

    fn start(&self, design: &[f64], fidelity: Fidelity, stream: &mut Stream) -> Result<State, ProblemError> {
        let object = Object::draw(self.settings.start_offset, stream);
        let heading = stream.uniform(0.0, std::f64::consts::TAU);
        // never straight, where a chain is singular
        let mut angles = OPEN;
        for angle in &mut angles {
            *angle += (self.settings.start_noise * stream.normal().abs()) as f32;
        }
        let body = match (fidelity, self.mujoco) {
            (Fidelity::Full, Some(substeps)) => joints(design)
                .and_then(|joints| MujocoHand::new(&joints, &object, &angles, substeps))
                .map(Body::Mujoco),
            _ => Machine::new(&object, &angles, self.settings.substeps).map(|machine| Body::Machine(Box::new(machine))),
        };
        Ok(State {
            body,
            object,
            heading,
            tension: 0.0,
            slide: 0.0,
            step: 0,
            hold: Hold::default(),
        })
    }

    fn observe(&self, state: &State, _design: &[f64], out: &mut [f32]) {
        out.fill(0.0);
        let Some(sight) = state.sight() else {
            return;
        };
        let ([x, y, z], _) = sight.object;
        let size = [state.object.half_width, state.object.half_height].map(|s| s as f32);
        let kind = KINDS.map(|kind| f32::from(u8::from(kind == state.object.kind)));
        let time = state.step as f32 / HORIZON as f32;
        let numbers = [state.slide, state.tension / MOST_TENSION as f32].into_iter();
        let numbers = numbers.chain(sight.angles);
        let numbers = numbers.chain(sight.speeds.map(|v| 0.1 * v));
        let numbers = numbers.chain((0..FINGERS).flat_map(|i| tip_from_object(&sight, i)));
        let numbers = numbers.chain([x, y, z - sight.palm]);
        let numbers = numbers.chain(sight.velocity).chain(size);
        let numbers = numbers.chain(kind).chain([lift(&state.object, &sight), time]);
        out.iter_mut().zip(numbers).for_each(|(o, x)| *o = x);
    }

    fn query(&self, state: &State, command: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        if let (Some(sight), QUERIES) = (state.sight(), out.len()) {
            out[..JOINTS].copy_from_slice(&sight.angles);
            out[JOINTS] = state.next(command).0;
        }
    }

    fn advance(&self, state: &mut State, command: &[f32], effect: &[f32], terms: &mut [f32]) -> Outcome {
        match <&Angles>::try_from(effect) {
            Ok(&torques) => self.step(state, command, terms, |_, _| torques),
            Err(_) => Outcome::fault("the effect has another size"),
        }
    }

    fn advance_full(&self, state: &mut State, design: &[f64], command: &[f32], terms: &mut [f32]) -> Option<Outcome> {
        let torque = |angles: &Angles, tension: f32| match joints(design) {
            Some(joints) => torques(&joints, tension, angles),
            None => Angles::default(),
        };
        Some(self.step(state, command, terms, torque))
    }

    fn restore(&self, state: &mut State, _design: &[f64], _fidelity: Fidelity) -> Result<(), String> {
        match &state.body {
            Some(Body::Mujoco(hand)) if !hand.is_whole() => Err("its machine is not whole".into()),
            _ => Ok(()),
        }
    }

    fn scene(&self, state: &State, _design: &[f64]) -> Scene {
        super::draw::scene(state)
    }

    fn mechanism(&self, design: &[f64]) -> Result<Option<Mechanism>, ProblemError> {
        self.hardware.space().check(design)?;
        let joints = joints(design);
        Ok(joints.map(|joints| super::export::mechanism(&joints, &Object::middle())))
    }
}
