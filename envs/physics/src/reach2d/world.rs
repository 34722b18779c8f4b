//! The reaching task: state, observation, reward and success, under effects or as the full machine.

use std::sync::Arc;

use super::config::{Engine, MAX_LINKS, STEP_ANGLE, Settings};
use super::hardware::{ArmHardware, next_angle};
use super::machine::Machine;
use super::motion::{self, Pose};
use super::spec::spec;
use super::state::State;
use super::walls::{FAR, Point, Walls};
use tandem_core::{
    Environment, Fidelity, Hardware, InMujoco, Mechanism, Outcome, ProblemError, Scene, Spec, Stream, World,
};

/// Reward per metre of path left and step.
const PATH_COST: f32 = 0.3;
/// Cost of a step in which a wall blocked the arm.
const BLOCKED_COST: f32 = 0.1;
/// Cost of the command's squared norm.
const EFFORT_COST: f32 = 0.002;
/// Reward of a step with the tip at the goal.
const GOAL_BONUS: f32 = 2.0;
/// Reward at the goal for being near it, `NEARNESS / (1 + (d / NEARNESS_SCALE)^2)`: a slope that leads into
/// the small goal, where the path's cost alone cannot be told from the command's noise.
const NEARNESS: f32 = 1.0;
/// Distance at which the reward for nearness has halved, m.
const NEARNESS_SCALE: f32 = 0.25;
/// Room around a link is observed up to here, m.
const ROOM_SEEN: f32 = 0.3;
/// Physics steps of a control step in rapier per five links.
const RAPIER_SUBSTEPS: usize = 64;
/// Longer arms are not compared with rapier: its multibodies of thirty links, at steps at which they have converged, take minutes
/// an episode.
const REFERENCE_LINKS: usize = 15;
/// Fault of a design whose machine could not be built.
const NO_MACHINE: &str = "the machine could not be built";
/// The machine touches a wall when a link's surface is nearer than this, m.
const TOUCH: f32 = 0.002;

/// The planar reaching problem's world; see the module.
#[derive(Debug)]
pub struct Reach {
    settings: Settings,
    walls: Walls,
    hardware: Arc<ArmHardware>,
}

impl Reach {
    /// An environment of these settings, to be reset before use.
    ///
    /// # Errors
    /// Settings that make no design space.
    pub fn new(settings: Settings) -> Result<Environment<Self>, ProblemError> {
        Ok(Environment::new(Self {
            walls: settings.walls(),
            hardware: Arc::new(ArmHardware::new(&settings)?),
            settings,
        }))
    }

    /// The same with another machine.
    fn with_machine(&self, substeps: usize, engine: Engine) -> Self {
        Self {
            settings: Settings {
                substeps,
                engine,
                ..self.settings.clone()
            },
            walls: self.walls.clone(),
            hardware: self.hardware.clone(),
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The walls.
    pub fn walls(&self) -> &Walls {
        &self.walls
    }

    /// The arm's hardware model.
    pub(super) fn arm(&self) -> &ArmHardware {
        &self.hardware
    }

    /// Writes the link ends of a true effect into `points` (world frame).
    fn place(&self, effect: &[f32], points: &mut [Point]) {
        let n = self.settings.links;
        let [x, y] = self.settings.base;
        let at = |slot: usize| {
            let inside = |v: f32| v.clamp(-FAR, FAR);
            [x + inside(effect[slot]), y + inside(effect[slot + 1])]
        };
        points[0] = self.hardware.base_effect().map_or([x, y], at);
        for i in 1..n {
            points[i] = at(2 * i);
        }
        points[n] = at(0);
    }

    /// Puts the arm into a pose without moving it there.
    fn put(&self, state: &mut State, design: &[f64], angles: &[f32]) {
        let n = self.settings.links;
        let mut query = vec![0.0; 2 * n];
        query[..n].copy_from_slice(angles);
        let mut effect = vec![0.0; self.hardware.effect_channels().len()];
        self.hardware.respond(design, &query, &mut effect);
        self.place(&effect, &mut state.points);
        state.angles.copy_from_slice(angles);
    }

    /// Draws a start pose that touches nothing: the nominal one with noise, unfolded step by step to the
    /// straight arm that points away from the walls where long links leave no room.
    fn draw_start(&self, state: &mut State, design: &[f64], stream: &mut Stream) {
        let mut angles = vec![0.0; self.settings.links];
        for attempt in 0..24 {
            let folded = 1.0 - (attempt / 3) as f32 / 7.0;
            for (i, angle) in angles.iter_mut().enumerate() {
                let nominal = self.settings.start_angle(i);
                let nominal = if i == 0 { nominal } else { folded * nominal };
                let noise = self.settings.start_noise * stream.normal();
                let limit = Settings::joint_limit(i);
                *angle = (nominal + noise as f32).clamp(-limit, limit);
            }
            self.put(state, design, &angles);
            if motion::room(&self.walls, &state.points) > 2.0 * TOUCH {
                return;
            }
        }
    }

    /// Counts, rewards and judges the state reached.
    fn conclude(&self, state: &mut State, command: &[f32], terms: &mut [f32]) -> Outcome {
        state.measure(&self.walls);
        let at_goal = state.distance_to(self.settings.goal) <= self.settings.tolerance;
        state.step += 1;
        state.held = if at_goal { state.held + 1 } else { 0 };
        let effort: f32 = command.iter().map(|u| u * u).sum();
        terms.copy_from_slice(&[
            -PATH_COST * state.way,
            if state.blocked { -BLOCKED_COST } else { 0.0 },
            -EFFORT_COST * effort,
            if at_goal { GOAL_BONUS } else { 0.0 },
            NEARNESS / (1.0 + (state.way / NEARNESS_SCALE).powi(2)),
        ]);
        if state.trace.len() <= self.settings.horizon {
            state.trace.push(state.tip());
        }
        Outcome {
            success: state.held >= self.settings.hold_steps,
            ..Outcome::default()
        }
    }

    /// The angle steps that a command makes, as the effect reports them where torques are designed.
    fn angle_steps(&self, state: &State, command: &[f32], effect: &[f32], steps: &mut [f32]) {
        let first = self.hardware.step_effect();
        for (i, step) in steps.iter_mut().enumerate() {
            let angle = state.angles[i];
            let wanted = match first {
                Some(first) => {
                    let limit = Settings::joint_limit(i);
                    let moved = effect[first + i].clamp(-STEP_ANGLE, STEP_ANGLE);
                    (angle + moved).clamp(-limit, limit)
                }
                None => next_angle(i, angle, command[i]),
            };
            *step = wanted - angle;
        }
    }
}

impl World for Reach {
    type State = State;

    fn spec(&self) -> Spec {
        spec(&self.settings)
    }

    fn hardware(&self) -> Arc<dyn Hardware> {
        self.hardware.clone()
    }

    /// Joints follow their command alone, unless walls hold the links up.
    fn effects_last(&self) -> bool {
        !self.walls.is_empty()
    }

    fn refined(&self, factor: usize) -> Option<Self> {
        Some(self.with_machine(self.settings.substeps * factor, self.settings.engine))
    }

    fn reference(&self) -> Option<Self> {
        let links = self.settings.links;
        (links <= REFERENCE_LINKS).then(|| self.with_machine(RAPIER_SUBSTEPS * links.div_ceil(5), Engine::Rapier))
    }

    fn in_mujoco(&self) -> Option<InMujoco<Self>> {
        let substeps = super::export::substeps(self.settings.links);
        Some(InMujoco::As(self.with_machine(substeps, Engine::Mujoco)))
    }

    fn start(&self, design: &[f64], fidelity: Fidelity, stream: &mut Stream) -> Result<State, ProblemError> {
        let settings = &self.settings;
        let mut state = State::new(settings.links, settings.base, settings.horizon);
        self.draw_start(&mut state, design, stream);
        if fidelity == Fidelity::Full {
            let arm = self.hardware.arm(design);
            state.machine = Machine::new(settings, &self.walls, &arm, &state.angles);
        }
        state.measure(&self.walls);
        state.trace.push(state.tip());
        Ok(state)
    }

    fn observe(&self, state: &State, _design: &[f64], out: &mut [f32]) {
        let (settings, n) = (&self.settings, self.settings.links);
        for (i, angle) in state.angles.iter().enumerate() {
            (out[i], out[n + i]) = angle.sin_cos();
        }
        out[2 * n..3 * n].copy_from_slice(&state.rates);
        for (i, p) in state.points[1..].iter().enumerate() {
            out[3 * n + 2 * i] = p[0] - settings.base[0];
            out[3 * n + 2 * i + 1] = p[1] - settings.base[1];
        }
        let tip = state.tip();
        let mut rest = out[5 * n..].iter_mut();
        let mut push = |value: f32| {
            if let Some(slot) = rest.next() {
                *slot = value;
            }
        };
        push(tip[0] - settings.goal[0]);
        push(tip[1] - settings.goal[1]);
        push(state.step as f32 / settings.horizon as f32);
        if settings.design_base {
            push(state.points[0][0] - settings.base[0]);
            push(state.points[0][1] - settings.base[1]);
        }
        if settings.has_walls() {
            push(state.next[0] - tip[0]);
            push(state.next[1] - tip[1]);
            push(state.way);
            push(f32::from(u8::from(state.blocked)));
            let room = state.room.iter();
            room.for_each(|&room| push(room.min(ROOM_SEEN)));
        }
    }

    fn query(&self, state: &State, command: &[f32], out: &mut [f32]) {
        let n = self.settings.links;
        out[..n].copy_from_slice(&state.angles);
        out[n..].copy_from_slice(command);
    }

    fn advance(&self, state: &mut State, command: &[f32], effect: &[f32], terms: &mut [f32]) -> Outcome {
        let n = self.settings.links;
        let mut target = [[0.0; 2]; MAX_LINKS + 1];
        self.place(effect, &mut target[..=n]);
        let mut steps = [0.0; MAX_LINKS];
        self.angle_steps(state, command, effect, &mut steps[..n]);
        let mut before = [0.0; MAX_LINKS];
        before[..n].copy_from_slice(&state.angles);
        state.blocked = !motion::free(&self.walls, &state.points, &target[..=n], 0.0);
        if state.blocked {
            let mut pose = Pose {
                angles: [0.0; MAX_LINKS],
                points: [[0.0; 2]; MAX_LINKS + 1],
            };
            pose.angles[..n].copy_from_slice(&state.angles);
            pose.points[..=n].copy_from_slice(&state.points);
            motion::slide(&self.walls, &mut pose, n, &steps[..n]);
            state.angles.copy_from_slice(&pose.angles[..n]);
            state.points.copy_from_slice(&pose.points[..=n]);
        } else {
            state.points.copy_from_slice(&target[..=n]);
            for (angle, step) in state.angles.iter_mut().zip(steps) {
                *angle += step;
            }
        }
        state.note_rates(&before[..n]);
        self.conclude(state, command, terms)
    }

    fn advance_full(&self, state: &mut State, _design: &[f64], command: &[f32], terms: &mut [f32]) -> Option<Outcome> {
        let moved = match &mut state.machine {
            Some(machine) => machine.step(command, &self.walls),
            None => Err(NO_MACHINE),
        };
        if let Err(fault) = moved {
            return Some(Outcome::fault(fault));
        }
        let n = self.settings.links;
        let mut before = [0.0; MAX_LINKS];
        before[..n].copy_from_slice(&state.angles);
        state.read_machine();
        state.note_rates(&before[..n]);
        state.measure(&self.walls);
        state.blocked = state.smallest_room(&self.walls) < TOUCH;
        Some(self.conclude(state, command, terms))
    }

    fn restore(&self, state: &mut State, _: &[f64], _: Fidelity) -> Result<(), String> {
        let n = self.settings.links;
        let sizes = [
            state.angles.len(),
            state.rates.len(),
            state.room.len(),
            state.points.len(),
        ];
        if sizes != [n, n, n, n + 1] {
            return Err(format!("it has {} links, not {n}", sizes[0]));
        }
        match state.machine.as_ref().map(Machine::links) {
            None => Ok(()),
            Some(links) if links == Some(n) => Ok(()),
            Some(_) => Err("its machine is not whole".into()),
        }
    }

    fn scene(&self, state: &State, _design: &[f64]) -> Scene {
        super::draw::scene(&self.settings, &self.walls, state)
    }

    fn mechanism(&self, design: &[f64]) -> Result<Option<Mechanism>, ProblemError> {
        self.hardware.space().check(design)?;
        let arm = self.hardware.arm(design);
        Ok(Some(super::export::mechanism(&self.settings, &self.walls, &arm)))
    }
}
