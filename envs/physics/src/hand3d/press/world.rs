//! The problem: state, observation, success, under effects or as the full machine.

use std::sync::Arc;

use rapier3d::math::{Rotation, Vector};
use rapier3d::prelude::PhysicsWorld;
use serde::{Deserialize, Serialize};

use super::config::Settings;
use super::controller::{PRESSER, Script, joints_of};
use super::hand::{FINGER_JOINTS, FINGERS, Hand};
use super::hardware::{EFFECTS, PressHardware, QUERIES};
use super::machine::{JOINTS, Machine, Start, limits};
use super::puppet::Puppet;
use super::reward::{self, TERMS};
use super::scene::Scenery;
use super::task::{HOLD_STEPS, PALM_ABOVE_BOX, PRESS};
use crate::hand3d::monitor::Fault;
use crate::hand3d::parts::CONTROL_DT;
use tandem_core::mechanism::Mechanism;
use tandem_core::problem::{
    Channel, CommandSpace, Fidelity, Hardware, NOT_FULL, Problem, ProblemError, Spec, Step,
};
use tandem_core::scene::Scene;
use tandem_core::stream::Stream;

/// Motion of a target of the presser in one control step at command 1, rad.
pub(super) const PRESSER_STEP: f32 = 0.1;
/// What a command of 1 adds to the scripted grasp: slide, m, and joints of the gripping fingers, rad.
pub(super) const CORRECTION: [f32; 2] = [0.005, 0.15];

/// What environments of one problem share.
#[derive(Debug)]
struct Setup {
    settings: Settings,
    hardware: Arc<PressHardware>,
    spec: Spec,
}

/// What the hand is at the moment.
#[derive(Serialize, Deserialize)]
enum Body {
    /// Free links drawn to an effect's places.
    Puppet(Puppet),
    /// The true machine.
    Machine(Machine),
}

impl Body {
    fn scenery(&self) -> (&Scenery, &PhysicsWorld) {
        match self {
            Self::Puppet(puppet) => puppet.scenery(),
            Self::Machine(machine) => machine.scenery(),
        }
    }

    fn palm_height(&self) -> f32 {
        match self {
            Self::Puppet(puppet) => puppet.palm_height(),
            Self::Machine(machine) => machine.palm_height(),
        }
    }

    /// Knuckle and tip of a finger, m.
    fn finger(&self, finger: usize) -> [[f32; 3]; 2] {
        match self {
            Self::Puppet(puppet) => puppet.finger(finger),
            Self::Machine(machine) => {
                let [_, knuckle, tip] = machine.finger(finger);
                [knuckle, tip]
            }
        }
    }
}

/// What changes during an episode, but for the body.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    /// The servos' targets: slide, m, finger joints, rad.
    target: [f32; JOINTS],
    step: usize,
    held: usize,
    success: bool,
    terms: [f32; TERMS.len()],
}

/// An episode as it is stored.
#[derive(Serialize, Deserialize)]
struct Saved<D, S, B> {
    design: D,
    state: S,
    body: B,
}

/// The pressing hand; see the module.
pub struct Press {
    setup: Arc<Setup>,
    design: Vec<f64>,
    /// The grasp of the episode's design.
    script: Option<Script>,
    state: State,
    body: Option<Body>,
}

impl Press {
    /// An environment of these settings, to be reset before use.
    ///
    /// # Errors
    /// Settings that make no design space.
    pub fn new(settings: Settings) -> Result<Self, ProblemError> {
        let hardware = Arc::new(PressHardware::new()?);
        let spec = spec(&settings);
        Ok(Self::from_setup(Arc::new(Setup {
            settings,
            hardware,
            spec,
        })))
    }

    fn from_setup(setup: Arc<Setup>) -> Self {
        Self {
            design: setup.hardware.space().start(),
            setup,
            script: None,
            state: State::default(),
            body: None,
        }
    }

    /// The box with its button, and the world they are in, once an episode has begun.
    pub fn scenery(&self) -> Option<(&Scenery, &PhysicsWorld)> {
        self.body.as_ref().map(Body::scenery)
    }

    /// Height of the palm's centre, m, once an episode has begun.
    pub fn palm_height(&self) -> Option<f32> {
        self.body.as_ref().map(Body::palm_height)
    }

    /// Knuckle and tip of a finger, m, once an episode has begun.
    pub fn finger(&self, finger: usize) -> Option<[[f32; 3]; 2]> {
        self.body.as_ref().map(|body| body.finger(finger))
    }

    /// The hand of the episode's design.
    pub(super) fn hand(&self) -> Option<Hand> {
        Hand::new(&self.design)
    }

    /// The servos' targets after a command: the scripted grasp with corrections, the presser where its steps bring
    /// it.
    fn next_target(&self, command: &[f32]) -> [f32; JOINTS] {
        let presser = joints_of(PRESSER);
        let script = self.script.as_ref();
        let mut target = script.map_or(self.state.target, |s| s.grasp(self.state.step));
        target[presser.clone()].copy_from_slice(&self.state.target[presser.clone()]);
        for (i, (t, u)) in target.iter_mut().zip(command).enumerate() {
            let unit = match presser.contains(&i) {
                true => PRESSER_STEP,
                false => CORRECTION[i.min(1)],
            };
            let [low, high] = limits(i).map(|l| l as f32);
            *t = (*t + unit * u.clamp(-1.0, 1.0)).clamp(low, high);
        }
        target
    }

    /// The command that follows the scripted press as far as a command can; zero before an episode has begun.
    pub fn scripted(&self) -> [f32; JOINTS] {
        let mut command = [0.0; JOINTS];
        if let Some(script) = &self.script {
            let wanted = script.targets(self.state.step);
            for i in joints_of(PRESSER) {
                command[i] = ((wanted[i] - self.state.target[i]) / PRESSER_STEP).clamp(-1.0, 1.0);
            }
        }
        command
    }

    fn draw_start(&self, stream: &mut Stream) -> Start {
        let settings = &self.setup.settings;
        let offset = settings.start_offset;
        let mut start = Start {
            offset: [0; 2].map(|_| stream.uniform(-offset, offset)),
            turn: 10.0 * stream.uniform(-offset, offset),
            ..Start::default()
        };
        // upwards only in the first flexion, and down in the second: nothing is touched
        for (i, joint) in start.joints.iter_mut().enumerate().skip(1) {
            let noise = (settings.start_noise * stream.normal()) as f32;
            *joint += match (i - 1) % FINGER_JOINTS {
                0 => noise,
                1 => -noise.abs().min(0.1),
                _ => noise.abs().min(0.1),
            };
        }
        start
    }

    /// Counts, rewards and judges the state reached.
    fn conclude(&mut self, command: &[f32], moved: Result<(), Fault>) -> Step {
        let horizon = self.setup.settings.horizon;
        let s = &mut self.state;
        s.step += 1;
        s.terms = [0.0; TERMS.len()];
        let mut good = false;
        if let (Some(body), Ok(())) = (&self.body, moved) {
            let (scenery, world) = body.scenery();
            let grip = scenery.grip(world, body.palm_height());
            let gap = reward::button_gap(&tips_in_box(body), grip.press as f32);
            s.terms = reward::terms(&grip, gap, command);
            good = grip.succeeds();
        }
        s.held = if good { s.held + 1 } else { 0 };
        s.success |= s.held >= HOLD_STEPS;
        let fault = moved.err();
        Step {
            reward: s.terms.iter().sum(),
            terminated: fault.is_some(),
            truncated: fault.is_none() && s.step >= horizon,
            success: s.success,
            fault,
        }
    }
}

/// The tips in the box's frame, m.
fn tips_in_box(body: &Body) -> [[f32; 3]; FINGERS] {
    let (scenery, world) = body.scenery();
    let (place, turn) = scenery.object(world);
    let back = Rotation::from_array(turn).inverse();
    std::array::from_fn(|i| {
        let [_, tip] = body.finger(i);
        (back * (Vector::from_array(tip) - Vector::from_array(place))).to_array()
    })
}

fn spec(settings: &Settings) -> Spec {
    let joints = (0..FINGERS).flat_map(|finger| {
        ["yaw", "flexion_1", "flexion_2"].map(|joint| format!("finger_{}_{joint}", finger + 1))
    });
    let joints: Vec<String> = joints.collect();
    let mut observation = vec![Channel::new("slide_target", "m")];
    let target = |name: &String| Channel::new(format!("{name}_target"), "rad");
    observation.extend(joints.iter().map(target));
    let mut vector = |name: &str, unit: &str| {
        let axes = ["x", "y", "z"].map(|axis| Channel::new(format!("{name}_{axis}"), unit));
        observation.extend(axes);
    };
    for finger in 1..=FINGERS {
        vector(&format!("finger_{finger}_tip_in_box"), "m");
    }
    vector("box_in_palm", "m");
    vector("box_turn", "rad");
    vector("box_velocity", "m/s");
    vector("box_spin", "rad/s");
    let rest = [
        ("box_lift", "m"),
        ("button_travel", "3 mm"),
        ("button_gap", "m"),
        ("time", "1"),
    ];
    observation.extend(rest.map(|(name, unit)| Channel::new(name, unit)));
    let mut command = vec![Channel::new("slide_correction", "1")];
    command.extend(joints.iter().enumerate().map(|(i, joint)| {
        let what = match joints_of(PRESSER).contains(&(i + 1)) {
            true => "step",
            false => "correction",
        };
        Channel::new(format!("{joint}_{what}"), "1")
    }));
    Spec {
        name: "hand3d-press".into(),
        observation,
        command: CommandSpace::Continuous(command),
        reward_terms: TERMS.map(String::from).to_vec(),
        horizon: settings.horizon,
        control_dt: f64::from(CONTROL_DT),
    }
}

impl Problem for Press {
    fn spec(&self) -> &Spec {
        &self.setup.spec
    }

    fn hardware(&self) -> Arc<dyn Hardware> {
        self.setup.hardware.clone()
    }

    fn fresh(&self) -> Box<dyn Problem> {
        Box::new(Self::from_setup(self.setup.clone()))
    }

    fn half_step(&self) -> Option<Box<dyn Problem>> {
        let mut settings = self.setup.settings.clone();
        settings.substeps *= 2;
        Some(Box::new(Self::from_setup(Arc::new(Setup {
            settings,
            hardware: self.setup.hardware.clone(),
            spec: self.setup.spec.clone(),
        }))))
    }

    fn reset(
        &mut self,
        design: &[f64],
        fidelity: Fidelity,
        stream: &mut Stream,
    ) -> Result<(), ProblemError> {
        self.setup.hardware.space().check(design)?;
        self.design.clear();
        self.design.extend_from_slice(design);
        let start = self.draw_start(stream);
        self.state = State {
            target: start.joints,
            ..State::default()
        };
        let substeps = self.setup.settings.substeps;
        self.script = self.hand().map(|hand| match fidelity {
            Fidelity::Full => Script::new(&hand),
            Fidelity::Effect => Script::for_puppet(&hand),
        });
        self.body = self.hand().and_then(|hand| match fidelity {
            Fidelity::Full => Machine::new(&hand, &start, substeps).map(Body::Machine),
            Fidelity::Effect => {
                let mut effect = [0.0; EFFECTS];
                let hardware = &self.setup.hardware;
                hardware.respond(&self.design, &start.joints[1..], &mut effect);
                let puppet = Puppet::new(&hand, &start, &effect, substeps);
                Some(Body::Puppet(puppet))
            }
        });
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        out.fill(0.0);
        let Some(body) = &self.body else {
            return;
        };
        let (scenery, world) = body.scenery();
        let grip = scenery.grip(world, body.palm_height());
        let tips = tips_in_box(body);
        let gap = reward::button_gap(&tips, grip.press as f32);
        let ([x, y, z], turn) = scenery.object(world);
        let below = z - body.palm_height() + PALM_ABOVE_BOX as f32;
        let turn = Rotation::from_array(turn).to_scaled_axis().to_array();
        let time = self.state.step as f32 / self.setup.settings.horizon as f32;
        let (lift, press) = (grip.lift as f32, (grip.press / PRESS) as f32);
        let rest = [lift, press, gap, time];
        let [velocity, spin] = scenery.velocity(world);
        let numbers = self.state.target.iter().chain(tips.iter().flatten());
        let numbers = numbers.copied().chain([x, y, below]).chain(turn);
        let numbers = numbers.chain(velocity).chain(spin).chain(rest);
        out.iter_mut().zip(numbers).for_each(|(o, x)| *o = x);
    }

    fn query(&self, command: &[f32], out: &mut [f32]) {
        out.copy_from_slice(&self.next_target(command)[JOINTS - QUERIES..]);
    }

    fn apply(&mut self, command: &[f32], effect: &[f32]) -> Step {
        self.state.target = self.next_target(command);
        let moved = match &mut self.body {
            _ if effect.iter().any(|v| !v.is_finite()) => Err("the effect is not finite"),
            Some(Body::Puppet(puppet)) => puppet.step(self.state.target[0], effect),
            _ => Err("the episode was not started under effects"),
        };
        self.conclude(command, moved)
    }

    fn full_step(&mut self, command: &[f32]) -> Step {
        self.state.target = self.next_target(command);
        let moved = match &mut self.body {
            Some(Body::Machine(machine)) => machine.step(&self.state.target),
            _ => Err(NOT_FULL),
        };
        self.conclude(command, moved)
    }

    fn reward_terms(&self, out: &mut [f32]) {
        out.copy_from_slice(&self.state.terms);
    }

    fn save(&self) -> Vec<u8> {
        let saved = Saved {
            design: &self.design[..],
            state: &self.state,
            body: self.body.as_ref(),
        };
        postcard::to_stdvec(&saved).expect("plain data always serialises")
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), ProblemError> {
        let misfit = |error: postcard::Error| ProblemError::State {
            problem: self.setup.spec.name.clone(),
            reason: error.to_string(),
        };
        let saved: Saved<Vec<f64>, State, Option<Body>> =
            postcard::from_bytes(bytes).map_err(misfit)?;
        self.setup.hardware.space().check(&saved.design)?;
        (self.design, self.state, self.body) = (saved.design, saved.state, saved.body);
        self.script = self.hand().map(|hand| match self.body {
            Some(Body::Puppet(_)) => Script::for_puppet(&hand),
            _ => Script::new(&hand),
        });
        Ok(())
    }

    fn scene(&self) -> Scene {
        super::draw::scene(self)
    }

    fn mechanism(&self, design: &[f64]) -> Result<Option<Mechanism>, ProblemError> {
        self.setup.hardware.space().check(design)?;
        let hand = Hand::new(design);
        Ok(hand.map(|hand| super::export::mechanism(&self.setup.settings, &hand)))
    }
}
