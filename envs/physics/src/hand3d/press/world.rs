//! The problem: state, observation, success, under effects or as the full machine.

use std::sync::Arc;

use rapier3d::math::Rotation;

use super::config::Settings;
use super::controller::{PRESSER, Script, joints_of};
use super::hand::{FINGER_JOINTS, FINGERS, Hand};
use super::hardware::{EFFECTS, PressHardware, QUERIES};
use super::machine::{JOINTS, Machine, Start};
use super::mujoco::MujocoHand;
use super::puppet::Puppet;
use super::reward::{self, TERMS};
use super::state::{Body, NO_HAND, State, tips_in_box};
use super::task::{PALM_ABOVE_BOX, PRESS};
use crate::hand3d::export::SUBSTEPS;
use crate::hand3d::parts::CONTROL_DT;
use tandem_core::mechanism::decimal;
use tandem_core::{
    Channel, CommandSpace, Environment, Fidelity, Hardware, InMujoco, Mechanism, Outcome, ProblemError, Scene, Spec,
    Stream, World,
};

/// The pressing hand's world; see the module.
#[derive(Clone, Debug)]
pub struct Press {
    settings: Settings,
    hardware: Arc<PressHardware>,
    /// Physics steps of a control step in MuJoCo, where that moves the true machine.
    mujoco: Option<usize>,
}

impl Press {
    /// An environment of these settings, to be reset before use.
    ///
    /// # Errors
    /// [`ProblemError::Setting`] for a setting out of range.
    pub fn new(settings: Settings) -> Result<Environment<Self>, ProblemError> {
        settings.check()?;
        let hardware = Arc::new(PressHardware::new()?);
        Ok(Environment::new(Self {
            settings,
            hardware,
            mujoco: None,
        }))
    }

    fn draw_start(&self, stream: &mut Stream) -> Start {
        let settings = &self.settings;
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

    /// The body of an episode that begins like this.
    fn body(&self, design: &[f64], fidelity: Fidelity, start: &Start) -> Option<Body> {
        let (hand, substeps) = (Hand::new(design)?, self.settings.substeps);
        match (fidelity, self.mujoco) {
            (Fidelity::Full, None) => Machine::new(&hand, start, substeps).map(Body::Machine),
            (Fidelity::Full, Some(substeps)) => {
                MujocoHand::new(&self.settings, &hand, start, substeps).map(Body::Mujoco)
            }
            (Fidelity::Effect, _) => {
                let mut effect = [0.0; EFFECTS];
                self.hardware.respond(design, &start.joints[1..], &mut effect);
                let puppet = Puppet::new(&hand, start, &effect, substeps);
                Some(Body::Puppet(puppet))
            }
        }
    }
}

/// The scripted grasp of a design, for the body that an episode of this fidelity has.
fn script(design: &[f64], fidelity: Fidelity) -> Option<Script> {
    let hand = Hand::new(design)?;
    Some(match fidelity {
        Fidelity::Full => Script::new(&hand),
        Fidelity::Effect => Script::for_puppet(&hand),
    })
}

fn spec(settings: &Settings) -> Spec {
    let joints = (0..FINGERS)
        .flat_map(|finger| ["yaw", "flexion_1", "flexion_2"].map(|joint| format!("finger_{}_{joint}", finger + 1)));
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
        control_dt: decimal(CONTROL_DT),
    }
}

impl World for Press {
    type State = State;

    fn spec(&self) -> Spec {
        spec(&self.settings)
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
        let start = self.draw_start(stream);
        Ok(State {
            target: start.joints,
            step: 0,
            held: 0,
            script: script(design, fidelity),
            body: self.body(design, fidelity, &start),
        })
    }

    fn observe(&self, state: &State, _design: &[f64], out: &mut [f32]) {
        out.fill(0.0);
        let Some(body) = &state.body else {
            return;
        };
        let sight = body.sight();
        let grip = sight.grip(body.palm_height());
        let tips = tips_in_box(body);
        let gap = reward::button_gap(&tips, grip.press as f32);
        let ([x, y, z], turn) = sight.object;
        let below = z - body.palm_height() + PALM_ABOVE_BOX as f32;
        let turn = Rotation::from_array(turn).to_scaled_axis().to_array();
        let time = state.step as f32 / self.settings.horizon as f32;
        let (lift, press) = (grip.lift as f32, (grip.press / PRESS) as f32);
        let rest = [lift, press, gap, time];
        let [velocity, spin] = sight.velocity;
        let numbers = state.target.iter().chain(tips.iter().flatten());
        let numbers = numbers.copied().chain([x, y, below]).chain(turn);
        let numbers = numbers.chain(velocity).chain(spin).chain(rest);
        out.iter_mut().zip(numbers).for_each(|(o, x)| *o = x);
    }

    fn query(&self, state: &State, command: &[f32], out: &mut [f32]) {
        out.copy_from_slice(&state.next_target(command)[JOINTS - QUERIES..]);
    }

    fn advance(&self, state: &mut State, command: &[f32], effect: &[f32], terms: &mut [f32]) -> Outcome {
        state.target = state.next_target(command);
        let moved = match &mut state.body {
            Some(Body::Puppet(puppet)) => puppet.step(state.target[0], effect),
            _ => Err(NO_HAND),
        };
        state.conclude(command, moved, terms)
    }

    fn advance_full(&self, state: &mut State, _design: &[f64], command: &[f32], terms: &mut [f32]) -> Option<Outcome> {
        state.target = state.next_target(command);
        let moved = match &mut state.body {
            Some(Body::Machine(machine)) => machine.step(&state.target),
            Some(Body::Mujoco(hand)) => hand.step(&state.target),
            _ => Err(NO_HAND),
        };
        Some(state.conclude(command, moved, terms))
    }

    fn restore(&self, state: &mut State, design: &[f64], fidelity: Fidelity) -> Result<(), String> {
        state.script = script(design, fidelity);
        match &state.body {
            Some(Body::Mujoco(hand)) if !hand.is_whole() => Err("its machine is not whole".into()),
            _ => Ok(()),
        }
    }

    fn scene(&self, state: &State, design: &[f64]) -> Scene {
        super::draw::scene(state, design)
    }

    fn mechanism(&self, design: &[f64]) -> Result<Option<Mechanism>, ProblemError> {
        self.hardware.space().check(design)?;
        let hand = Hand::new(design);
        Ok(hand.map(|hand| super::export::mechanism(&self.settings, &hand)))
    }
}
