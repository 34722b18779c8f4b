//! The reaching task: state, observation, reward and success.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::config::{CONTROL_DT, FAR, JOINTS, MAX_TENDONS, Settings, WINCH_RANGE, WINCH_STEP};
use super::hardware::{Body, TentacleHardware, within_stops};
use tandem_core::mechanism::Mechanism;
use tandem_core::problem::{
    Channel, CommandSpace, Fidelity, Hardware, NOT_FULL, Problem, ProblemError, Spec, Step,
};
use tandem_core::saved;
use tandem_core::scene::Scene;
use tandem_core::stream::Stream;

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
/// Terms of the reward.
const TERMS: [&str; 4] = ["distance", "effort", "goal", "nearness"];

/// What environments of one problem share.
#[derive(Debug)]
pub(super) struct Setup {
    pub settings: Settings,
    pub hardware: Arc<TentacleHardware>,
    spec: Spec,
}

/// What changes during an episode.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Winch angles, rad; the first `tendons` count.
    winches: [f32; MAX_TENDONS],
    /// Joint angles, rad.
    pub angles: [f32; JOINTS],
    /// Place of the tip, m.
    pub tip: [f32; 2],
    /// Place of the goal, m.
    pub goal: [f32; 2],
    step: usize,
    held: usize,
    success: bool,
    terms: [f32; TERMS.len()],
    /// The tip's places, oldest first.
    pub trace: Vec<[f32; 2]>,
}

/// The tentacle problem; see the module.
pub struct Tentacle {
    pub(super) setup: Arc<Setup>,
    pub(super) state: State,
    pub(super) design: Vec<f64>,
    fidelity: Fidelity,
}

impl Tentacle {
    /// An environment of these settings, to be reset before use.
    ///
    /// # Errors
    /// Settings that make no design space.
    pub fn new(settings: Settings) -> Result<Self, ProblemError> {
        let hardware = Arc::new(TentacleHardware::new(&settings)?);
        let spec = spec(&settings);
        Ok(Self::from_setup(Arc::new(Setup {
            settings,
            hardware,
            spec,
        })))
    }

    fn from_setup(setup: Arc<Setup>) -> Self {
        Self {
            state: State {
                trace: Vec::with_capacity(setup.settings.horizon + 1),
                ..State::default()
            },
            design: setup.hardware.space().start(),
            setup,
            fidelity: Fidelity::Effect,
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.setup.settings
    }

    /// Distance between tip and goal, m.
    pub fn goal_distance(&self) -> f32 {
        let [x, y] = self.to_goal();
        x.hypot(y)
    }

    fn to_goal(&self) -> [f32; 2] {
        let (tip, goal) = (self.state.tip, self.state.goal);
        [goal[0] - tip[0], goal[1] - tip[1]]
    }

    /// Lets the machine follow its winches: takes an effect, true or proxied, as its state.
    fn follow(&mut self, effect: &[f32]) {
        let far = FAR as f32;
        self.state.tip = [effect[0], effect[1]].map(|x| x.clamp(-far, far));
        for (angle, &value) in self.state.angles.iter_mut().zip(&effect[2..]) {
            *angle = within_stops(value);
        }
    }

    /// The true effect of the winches' angles.
    fn respond(&self) -> [f32; 2 + JOINTS] {
        let mut effect = [0.0; 2 + JOINTS];
        let winches = &self.state.winches[..self.settings().tendons()];
        self.setup
            .hardware
            .respond(&self.design, winches, &mut effect);
        effect
    }

    fn turn_winches(&mut self, command: &[f32]) {
        for (angle, &u) in self.state.winches.iter_mut().zip(command) {
            *angle = next_winch(*angle, u);
        }
    }

    /// Counts, rewards and judges the state reached.
    fn conclude(&mut self, command: &[f32], fault: Option<&'static str>) -> Step {
        let away = self.goal_distance();
        let at_goal = fault.is_none() && away <= self.settings().tolerance;
        let (hold_steps, horizon) = (self.settings().hold_steps, self.settings().horizon);
        let effort: f32 = command.iter().map(|u| u * u).sum();
        let near = NEARNESS_SCALES.map(|scale| 0.5 / (1.0 + (away / scale).powi(2)));
        let s = &mut self.state;
        s.step += 1;
        s.held = if at_goal { s.held + 1 } else { 0 };
        s.success |= s.held >= hold_steps;
        let late = LATENESS * (s.step as f32 / horizon as f32).powi(2);
        s.terms = [
            -DISTANCE_COST * away * late,
            -EFFORT_COST * effort,
            if at_goal { GOAL_BONUS } else { 0.0 },
            (near[0] + near[1]) * late,
        ];
        if s.trace.len() <= horizon {
            s.trace.push(s.tip);
        }
        Step {
            reward: s.terms.iter().sum(),
            terminated: fault.is_some(),
            truncated: fault.is_none() && s.step >= horizon,
            success: s.success,
            fault,
        }
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

impl Problem for Tentacle {
    fn spec(&self) -> &Spec {
        &self.setup.spec
    }

    fn hardware(&self) -> Arc<dyn Hardware> {
        self.setup.hardware.clone()
    }

    /// Winches follow their command alone, and where the tip is follows from them.
    fn effects_last(&self) -> bool {
        false
    }

    fn fresh(&self) -> Box<dyn Problem> {
        Box::new(Self::from_setup(self.setup.clone()))
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
        self.fidelity = fidelity;
        let mut trace = std::mem::take(&mut self.state.trace);
        trace.clear();
        let goals = &self.setup.settings.goals;
        self.state = State {
            goal: goals[stream.below(goals.len())],
            trace,
            ..State::default()
        };
        for winch in &mut self.state.winches[..self.setup.settings.tendons()] {
            *winch = stream.uniform(0.0, START_WOUND) as f32;
        }
        let effect = self.respond();
        self.follow(&effect);
        let tip = self.state.tip;
        self.state.trace.push(tip);
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        let s = &self.state;
        let [x, y] = self.to_goal();
        let length = x.hypot(y) + BEARING_SCALE;
        let time = s.step as f32 / self.settings().horizon as f32;
        let winches = &s.winches[..self.settings().tendons()];
        let rest = [x, y, x / length, y / length, time];
        let numbers = winches.iter().chain(&s.angles).chain(&s.tip);
        let numbers = numbers.chain(&s.goal).chain(&rest);
        out.iter_mut().zip(numbers).for_each(|(o, &x)| *o = x);
    }

    fn query(&self, command: &[f32], out: &mut [f32]) {
        let winches = self.state.winches.iter().zip(command);
        for (out, (&angle, &u)) in out.iter_mut().zip(winches) {
            *out = next_winch(angle, u);
        }
    }

    fn apply(&mut self, command: &[f32], effect: &[f32]) -> Step {
        if effect.iter().any(|v| !v.is_finite()) {
            return self.conclude(command, Some("the effect is not finite"));
        }
        self.turn_winches(command);
        self.follow(effect);
        self.conclude(command, None)
    }

    fn full_step(&mut self, command: &[f32]) -> Step {
        if self.fidelity != Fidelity::Full {
            return self.conclude(command, Some(NOT_FULL));
        }
        self.turn_winches(command);
        let effect = self.respond();
        self.follow(&effect);
        self.conclude(command, None)
    }

    fn reward_terms(&self, out: &mut [f32]) {
        out.copy_from_slice(&self.state.terms);
    }

    fn save(&self) -> Vec<u8> {
        saved::save(self.fidelity, &self.design, &self.state)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), ProblemError> {
        let name = &self.setup.spec.name;
        let saved = saved::load::<State>(name, self.setup.hardware.space(), bytes)?;
        (self.fidelity, self.design, self.state) = (saved.fidelity, saved.design, saved.state);
        Ok(())
    }

    fn scene(&self) -> Scene {
        super::draw::scene(self)
    }

    fn mechanism(&self, design: &[f64]) -> Result<Option<Mechanism>, ProblemError> {
        self.setup.hardware.space().check(design)?;
        let parts = Body::new(design, self.setup.settings.tendons());
        Ok(parts.map(|parts| super::export::mechanism(&self.setup.settings, &parts)))
    }
}
