//! The reaching task: state, observation, reward and success.

use std::sync::Arc;

use super::config::{CONTROL_DT, JOINTS, MAX_TENDONS, Settings, WINCH_RANGE, WINCH_STEP};
use super::export::SUBSTEPS;
use super::hardware::{Body, TentacleHardware};
use super::mujoco::MujocoTentacle;
use super::state::State;
use tandem_core::{
    Channel, CommandSpace, Environment, Fidelity, Hardware, InMujoco, Mechanism, Outcome, ProblemError, Scene, Spec,
    Stream, World,
};

/// Cost of a metre between tip and goal, per step. Large enough for a goal out of reach to move the design although
/// goals within reach hold it by their nearness: at 10 every search ended with one goal missed by 30 mm.
const DISTANCE_COST: f32 = 30.0;
/// Cost of the command's squared norm.
const EFFORT_COST: f32 = 0.002;
/// Reward of a step with the tip at the goal.
const GOAL_BONUS: f32 = 1.0;
/// Distances at which each half of the reward for nearness has halved, m: a slope that leads towards the goal,
/// and one that leads into it.
const NEARNESS_SCALES: [f32; 2] = [0.02, 0.005];
/// Distance at which the bearing of the goal has half its length, m.
const BEARING_SCALE: f32 = 0.01;
/// A start pose has its winches wound up to this at most, rad.
const START_WOUND: f64 = 1.0;
/// Distance and nearness count more the later, by the squared share of the horizon passed, times this: 1 on average.
/// Where the tip ends is the task; paid evenly, the way there, half an episode long, draws the design to small pulleys
/// that get along quickly, with which not all goals can be reached.
const LATENESS: f32 = 3.0;
/// Fault of a design whose machine could not be built.
const NO_MACHINE: &str = "the machine could not be built";
/// Terms of the reward.
const TERMS: [&str; 4] = ["distance", "effort", "goal", "nearness"];

/// The tentacle problem's world; see the module.
#[derive(Clone, Debug)]
pub struct Tentacle {
    settings: Settings,
    hardware: Arc<TentacleHardware>,
    /// Physics steps of a control step in MuJoCo, where that moves the machine in full fidelity.
    mujoco: Option<usize>,
}

impl Tentacle {
    /// An environment of these settings, to be reset before use.
    ///
    /// # Errors
    /// Settings that make no design space.
    pub fn new(settings: Settings) -> Result<Environment<Self>, ProblemError> {
        let hardware = Arc::new(TentacleHardware::new(&settings)?);
        Ok(Environment::new(Self {
            settings,
            hardware,
            mujoco: None,
        }))
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// The winch angle after one control step, rad: `clamp(angle + 0.25 u, 0, 8)`.
pub fn next_winch(angle: f32, command: f32) -> f32 {
    (angle + WINCH_STEP * command.clamp(-1.0, 1.0)).clamp(0.0, WINCH_RANGE)
}

fn spec(settings: &Settings) -> Spec {
    let numbered = |stem: &str, unit: &str, n: usize| -> Vec<Channel> {
        let name = |i| Channel::new(format!("{stem}_{i}"), unit);
        (1..=n).map(name).collect()
    };
    let tendons = settings.tendons();
    let mut observation = numbered("winch_angle", "rad", tendons);
    observation.extend(numbered("joint_angle", "rad", JOINTS));
    let rest = [
        ("tip_x", "m"),
        ("tip_y", "m"),
        ("goal_x", "m"),
        ("goal_y", "m"),
        ("tip_to_goal_x", "m"),
        ("tip_to_goal_y", "m"),
        ("bearing_x", "1"),
        ("bearing_y", "1"),
        ("time", "1"),
    ];
    observation.extend(rest.map(|(name, unit)| Channel::new(name, unit)));
    Spec {
        name: "tentacle".into(),
        observation,
        command: CommandSpace::Continuous(numbered("winch_rate", "1", tendons)),
        reward_terms: TERMS.map(String::from).to_vec(),
        horizon: settings.horizon,
        control_dt: CONTROL_DT,
    }
}

impl World for Tentacle {
    type State = State;

    fn spec(&self) -> Spec {
        spec(&self.settings)
    }

    fn hardware(&self) -> Arc<dyn Hardware> {
        self.hardware.clone()
    }

    /// Winches follow their command alone, and where the tip is follows from them.
    fn effects_last(&self) -> bool {
        false
    }

    fn refined(&self, factor: usize) -> Option<Self> {
        let mujoco = Some(self.mujoco? * factor);
        Some(Self { mujoco, ..self.clone() })
    }

    fn in_mujoco(&self) -> Option<InMujoco<Self>> {
        let mujoco = Some(SUBSTEPS);
        Some(InMujoco::As(Self { mujoco, ..self.clone() }))
    }

    fn start(&self, design: &[f64], fidelity: Fidelity, stream: &mut Stream) -> Result<State, ProblemError> {
        let (settings, goals) = (&self.settings, &self.settings.goals);
        let mut state = State {
            winches: [0.0; MAX_TENDONS],
            angles: [0.0; JOINTS],
            tip: [0.0; 2],
            goal: goals[stream.below(goals.len())],
            step: 0,
            held: 0,
            trace: Vec::with_capacity(settings.horizon + 1),
            machine: None,
        };
        let winches = &mut state.winches[..settings.tendons()];
        for winch in winches.iter_mut() {
            *winch = stream.uniform(0.0, START_WOUND) as f32;
        }
        let mut effect = [0.0; 2 + JOINTS];
        self.hardware.respond(design, winches, &mut effect);
        state.follow(&effect);
        state.trace.push(state.tip);
        if let (Fidelity::Full, Some(substeps), Some(parts)) = (fidelity, self.mujoco, self.hardware.body(design)) {
            let winches = &state.winches[..settings.tendons()];
            state.machine = MujocoTentacle::new(settings, &parts, winches, &state.angles, substeps);
        }
        Ok(state)
    }

    fn observe(&self, state: &State, _design: &[f64], out: &mut [f32]) {
        let [x, y] = state.to_goal();
        let length = x.hypot(y) + BEARING_SCALE;
        let time = state.step as f32 / self.settings.horizon as f32;
        let winches = &state.winches[..self.settings.tendons()];
        let rest = [x, y, x / length, y / length, time];
        let numbers = winches.iter().chain(&state.angles).chain(&state.tip);
        let numbers = numbers.chain(&state.goal).chain(&rest);
        out.iter_mut().zip(numbers).for_each(|(o, &x)| *o = x);
    }

    fn query(&self, state: &State, command: &[f32], out: &mut [f32]) {
        let winches = state.winches.iter().zip(command);
        for (out, (&angle, &u)) in out.iter_mut().zip(winches) {
            *out = next_winch(angle, u);
        }
    }

    /// Moves, counts, rewards and judges.
    fn advance(&self, state: &mut State, command: &[f32], effect: &[f32], terms: &mut [f32]) -> Outcome {
        for (angle, &u) in state.winches.iter_mut().zip(command) {
            *angle = next_winch(*angle, u);
        }
        state.follow(effect);
        let (settings, away) = (&self.settings, state.goal_distance());
        let at_goal = away <= settings.tolerance;
        let effort: f32 = command.iter().map(|u| u * u).sum();
        let near = NEARNESS_SCALES.map(|scale| 0.5 / (1.0 + (away / scale).powi(2)));
        state.step += 1;
        state.held = if at_goal { state.held + 1 } else { 0 };
        let late = LATENESS * (state.step as f32 / settings.horizon as f32).powi(2);
        terms.copy_from_slice(&[
            -DISTANCE_COST * away * late,
            -EFFORT_COST * effort,
            if at_goal { GOAL_BONUS } else { 0.0 },
            (near[0] + near[1]) * late,
        ]);
        if state.trace.len() <= settings.horizon {
            state.trace.push(state.tip);
        }
        Outcome {
            success: state.held >= settings.hold_steps,
            ..Outcome::default()
        }
    }

    /// In MuJoCo the winches go evenly to where the command sends them, and the joints and the tip are where they then are.
    fn advance_full(&self, state: &mut State, _design: &[f64], command: &[f32], terms: &mut [f32]) -> Option<Outcome> {
        self.mujoco?;
        let mut winches = [0.0; MAX_TENDONS];
        self.query(state, command, &mut winches);
        let moved = match &mut state.machine {
            Some(machine) => machine.step(&winches[..self.settings.tendons()]),
            None => Err(NO_MACHINE),
        };
        Some(match moved {
            Ok(effect) => self.advance(state, command, &effect, terms),
            Err(fault) => Outcome::fault(fault),
        })
    }

    fn restore(&self, state: &mut State, _design: &[f64], _fidelity: Fidelity) -> Result<(), String> {
        let tendons = self.settings.tendons();
        match &state.machine {
            Some(machine) if !machine.is_whole(tendons) => Err("its machine is not whole".into()),
            _ => Ok(()),
        }
    }

    fn scene(&self, state: &State, design: &[f64]) -> Scene {
        super::draw::scene(&self.settings, state, design)
    }

    fn mechanism(&self, design: &[f64]) -> Result<Option<Mechanism>, ProblemError> {
        self.hardware.space().check(design)?;
        let parts = Body::new(design, self.settings.tendons());
        Ok(parts.map(|parts| super::export::mechanism(&self.settings, &parts)))
    }
}
