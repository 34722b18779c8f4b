//! The reaching task: state, observation, reward and success, under effects or as the full machine.

use std::sync::Arc;

use super::config::{LINK_RADIUS, MAX_LINKS, Settings};
use super::machine::Machine;
use super::motion::{self, Pose};
use super::setup::Setup;
use super::state::{Saved, SavedRef, State};
use super::walls::{FAR, Path, Point, Walls, distance};
use tandem_core::mechanism::Mechanism;
use tandem_core::problem::{Fidelity, Hardware, NOT_FULL, Problem, ProblemError, Spec, Step};
use tandem_core::scene::Scene;
use tandem_core::stream::Stream;

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
/// The machine touches a wall when a link's surface is nearer than this, m.
const TOUCH: f32 = 0.002;

/// The planar reaching problem; see the module.
pub struct Reach {
    pub(super) setup: Arc<Setup>,
    pub(super) state: State,
    fidelity: Fidelity,
    design: Vec<f64>,
    machine: Option<Machine>,
}

impl Reach {
    /// An environment of these settings, to be reset before use.
    ///
    /// # Errors
    /// Settings that make no design space.
    pub fn new(settings: Settings) -> Result<Self, ProblemError> {
        Ok(Self::from_setup(Arc::new(Setup::new(settings)?)))
    }

    pub(super) fn from_setup(setup: Arc<Setup>) -> Self {
        let n = setup.settings.links;
        let state = State {
            angles: vec![0.0; n],
            rates: vec![0.0; n],
            points: vec![setup.settings.base; n + 1],
            room: vec![0.0; n],
            trace: Vec::with_capacity(setup.settings.horizon + 1),
            ..State::default()
        };
        Self {
            design: setup.hardware.space().start(),
            setup,
            state,
            fidelity: Fidelity::Effect,
            machine: None,
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.setup.settings
    }

    /// The walls.
    pub fn walls(&self) -> &Walls {
        &self.setup.walls
    }

    /// Joint angles, rad, `[links]`.
    pub fn angles(&self) -> &[f32] {
        &self.state.angles
    }

    /// Base and link ends in the world, m, `[links + 1]`.
    pub fn points(&self) -> &[Point] {
        &self.state.points
    }

    /// Distance between tip and goal, m.
    pub fn goal_distance(&self) -> f32 {
        distance(self.tip(), self.setup.settings.goal)
    }

    /// The physical machine of the running episode, in full fidelity.
    pub fn machine(&mut self) -> Option<&mut Machine> {
        self.machine.as_mut()
    }

    fn tip(&self) -> Point {
        self.state.points[self.setup.settings.links]
    }

    /// Writes the link ends of a true effect into `points` (world frame).
    fn place(&self, effect: &[f32], points: &mut [Point]) {
        let n = self.setup.settings.links;
        let [x, y] = self.setup.settings.base;
        let at = |slot: usize| {
            let inside = |v: f32| v.clamp(-FAR, FAR);
            [x + inside(effect[slot]), y + inside(effect[slot + 1])]
        };
        points[0] = self.setup.hardware.base_effect().map_or([x, y], at);
        for i in 1..n {
            points[i] = at(2 * i);
        }
        points[n] = at(0);
    }

    /// Puts the arm into a pose without moving it there.
    fn put(&mut self, angles: &[f32]) {
        let n = self.setup.settings.links;
        let mut query = vec![0.0; 2 * n];
        query[..n].copy_from_slice(angles);
        let mut effect = vec![0.0; self.setup.hardware.effect_channels().len()];
        self.setup
            .hardware
            .respond(&self.design, &query, &mut effect);
        let mut points = std::mem::take(&mut self.state.points);
        self.place(&effect, &mut points);
        self.state.points = points;
        self.state.angles.copy_from_slice(angles);
    }

    /// Draws a start pose that touches nothing: the nominal one with noise, unfolded step by step to the
    /// straight arm that points away from the walls where long links leave no room.
    fn draw_start(&mut self, stream: &mut Stream) {
        let n = self.setup.settings.links;
        let mut angles = vec![0.0; n];
        for attempt in 0..24 {
            let folded = 1.0 - (attempt / 3) as f32 / 7.0;
            for (i, angle) in angles.iter_mut().enumerate() {
                let nominal = self.setup.settings.start_angle(i);
                let nominal = if i == 0 { nominal } else { folded * nominal };
                let noise = self.setup.settings.start_noise * stream.normal();
                let limit = Settings::joint_limit(i);
                *angle = (nominal + noise as f32).clamp(-limit, limit);
            }
            self.put(&angles);
            if motion::room(&self.setup.walls, &self.state.points) > 2.0 * TOUCH {
                return;
            }
        }
    }

    /// Refreshes what is derived from the pose.
    fn look(&mut self) {
        let walls = &self.setup.walls;
        let tip = self.state.points[self.setup.settings.links];
        let Path { length, next } = walls.path(tip);
        (self.state.way, self.state.next) = (length, next);
        if !walls.is_empty() {
            for (room, w) in self.state.room.iter_mut().zip(self.state.points.windows(2)) {
                *room = walls.clearance(w[0], w[1]) - LINK_RADIUS;
            }
        }
    }

    /// Smallest room around a link at the last look, m.
    fn room(&self) -> f32 {
        if self.setup.walls.is_empty() {
            return FAR;
        }
        self.state.room.iter().copied().fold(FAR, f32::min)
    }

    /// Counts, rewards and judges the state reached.
    fn conclude(&mut self, command: &[f32], fault: Option<&'static str>) -> Step {
        self.look();
        let at_goal = fault.is_none() && self.goal_distance() <= self.setup.settings.tolerance;
        let tip = self.tip();
        let s = &mut self.state;
        s.step += 1;
        s.held = if at_goal { s.held + 1 } else { 0 };
        s.success |= s.held >= self.setup.settings.hold_steps;
        let effort: f32 = command.iter().map(|u| u * u).sum();
        s.terms = [
            -PATH_COST * s.way,
            if s.blocked { -BLOCKED_COST } else { 0.0 },
            -EFFORT_COST * effort,
            if at_goal { GOAL_BONUS } else { 0.0 },
            NEARNESS / (1.0 + (s.way / NEARNESS_SCALE).powi(2)),
        ];
        if s.trace.len() <= self.setup.settings.horizon {
            s.trace.push(tip);
        }
        Step {
            reward: s.terms.iter().sum(),
            terminated: fault.is_some(),
            truncated: fault.is_none() && s.step >= self.setup.settings.horizon,
            success: s.success,
            fault,
        }
    }

    /// The angle steps that a command makes, as the effect reports them where torques are designed.
    fn angle_steps(&self, command: &[f32], effect: &[f32], steps: &mut [f32]) {
        let first = self.setup.hardware.step_effect();
        for (i, step) in steps.iter_mut().enumerate() {
            let angle = self.state.angles[i];
            let wanted = match first {
                Some(first) => {
                    let limit = Settings::joint_limit(i);
                    let bound = super::config::STEP_ANGLE;
                    (angle + effect[first + i].clamp(-bound, bound)).clamp(-limit, limit)
                }
                None => super::hardware::next_angle(i, angle, command[i]),
            };
            *step = wanted - angle;
        }
    }

    /// Joint rates from the angles before this control step.
    fn note_rates(&mut self, before: &[f32]) {
        let angles = self.state.angles.iter().zip(before);
        for (rate, (now, before)) in self.state.rates.iter_mut().zip(angles) {
            *rate = (now - before) / super::config::STEP_ANGLE;
        }
    }

    /// Takes the machine's pose over.
    fn read_machine(&mut self) {
        if let Some(machine) = &self.machine {
            machine.angles(&mut self.state.angles);
            machine.points(&mut self.state.points);
        }
    }
}

impl Problem for Reach {
    fn spec(&self) -> &Spec {
        &self.setup.spec
    }

    fn hardware(&self) -> Arc<dyn Hardware> {
        self.setup.hardware.clone()
    }

    /// Joints follow their command alone, unless walls hold the links up.
    fn effects_last(&self) -> bool {
        !self.setup.walls.is_empty()
    }

    fn fresh(&self) -> Box<dyn Problem> {
        Box::new(Self::from_setup(self.setup.clone()))
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
        let hardware = self.setup.hardware.clone();
        hardware.space().check(design)?;
        self.design.clear();
        self.design.extend_from_slice(design);
        self.fidelity = fidelity;
        let s = &mut self.state;
        (s.step, s.held, s.success, s.blocked) = (0, 0, false, false);
        s.terms = [0.0; 5];
        s.rates.fill(0.0);
        s.trace.clear();
        self.draw_start(stream);
        self.machine = None;
        if fidelity == Fidelity::Full {
            let (setup, arm) = (&self.setup, hardware.arm(design));
            self.machine = Machine::new(&setup.settings, &setup.walls, &arm, &self.state.angles);
        }
        self.look();
        let tip = self.tip();
        self.state.trace.push(tip);
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        let settings = &self.setup.settings;
        let (s, n) = (&self.state, settings.links);
        for (i, angle) in s.angles.iter().enumerate() {
            (out[i], out[n + i]) = angle.sin_cos();
        }
        out[2 * n..3 * n].copy_from_slice(&s.rates);
        for (i, p) in s.points[1..].iter().enumerate() {
            out[3 * n + 2 * i] = p[0] - settings.base[0];
            out[3 * n + 2 * i + 1] = p[1] - settings.base[1];
        }
        let tip = self.tip();
        let mut rest = out[5 * n..].iter_mut();
        let mut push = |value: f32| {
            if let Some(slot) = rest.next() {
                *slot = value;
            }
        };
        push(tip[0] - settings.goal[0]);
        push(tip[1] - settings.goal[1]);
        push(s.step as f32 / settings.horizon as f32);
        if settings.design_base {
            push(s.points[0][0] - settings.base[0]);
            push(s.points[0][1] - settings.base[1]);
        }
        if settings.has_walls() {
            push(s.next[0] - tip[0]);
            push(s.next[1] - tip[1]);
            push(s.way);
            push(f32::from(u8::from(s.blocked)));
            s.room.iter().for_each(|&room| push(room.min(ROOM_SEEN)));
        }
    }

    fn query(&self, command: &[f32], out: &mut [f32]) {
        let n = self.setup.settings.links;
        out[..n].copy_from_slice(&self.state.angles);
        out[n..].copy_from_slice(command);
    }

    fn apply(&mut self, command: &[f32], effect: &[f32]) -> Step {
        if effect.iter().any(|v| !v.is_finite()) {
            return self.conclude(command, Some("the effect is not finite"));
        }
        let n = self.setup.settings.links;
        let mut target = [[0.0; 2]; MAX_LINKS + 1];
        self.place(effect, &mut target[..=n]);
        let mut steps = [0.0; MAX_LINKS];
        self.angle_steps(command, effect, &mut steps[..n]);
        let mut before = [0.0; MAX_LINKS];
        before[..n].copy_from_slice(&self.state.angles);
        let walls = &self.setup.walls;
        self.state.blocked = !motion::free(walls, &self.state.points, &target[..=n], 0.0);
        if self.state.blocked {
            let mut pose = Pose {
                angles: [0.0; MAX_LINKS],
                points: [[0.0; 2]; MAX_LINKS + 1],
            };
            pose.angles[..n].copy_from_slice(&self.state.angles);
            pose.points[..=n].copy_from_slice(&self.state.points);
            motion::slide(walls, &mut pose, n, &steps[..n]);
            self.state.angles.copy_from_slice(&pose.angles[..n]);
            self.state.points.copy_from_slice(&pose.points[..=n]);
        } else {
            self.state.points.copy_from_slice(&target[..=n]);
            for (angle, step) in self.state.angles.iter_mut().zip(steps) {
                *angle += step;
            }
        }
        self.note_rates(&before[..n]);
        self.conclude(command, None)
    }

    fn full_step(&mut self, command: &[f32]) -> Step {
        let Some(machine) = self.machine.as_mut() else {
            return self.conclude(command, Some(NOT_FULL));
        };
        let moved = machine.step(command, &self.setup.walls);
        let fault = match moved {
            Err(fault) => Some(fault),
            Ok(()) => {
                let n = self.setup.settings.links;
                let mut before = [0.0; MAX_LINKS];
                before[..n].copy_from_slice(&self.state.angles);
                self.read_machine();
                self.note_rates(&before[..n]);
                self.look();
                self.state.blocked = self.room() < TOUCH;
                None
            }
        };
        self.conclude(command, fault)
    }

    fn reward_terms(&self, out: &mut [f32]) {
        out.copy_from_slice(&self.state.terms);
    }

    fn save(&self) -> Vec<u8> {
        let saved = SavedRef {
            fidelity: self.fidelity,
            design: &self.design,
            state: &self.state,
            machine: self.machine.as_ref(),
        };
        postcard::to_stdvec(&saved).expect("plain data always serialises")
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), ProblemError> {
        let misfit = |reason: String| ProblemError::State {
            problem: self.setup.spec.name.clone(),
            reason,
        };
        let saved: Saved = postcard::from_bytes(bytes).map_err(|e| misfit(e.to_string()))?;
        let n = self.setup.settings.links;
        self.setup.hardware.space().check(&saved.design)?;
        let sizes = [
            saved.state.angles.len(),
            saved.state.rates.len(),
            saved.state.room.len(),
            saved.state.points.len(),
        ];
        if sizes != [n, n, n, n + 1] {
            return Err(misfit(format!("it has {} links, not {n}", sizes[0])));
        }
        (self.fidelity, self.design) = (saved.fidelity, saved.design);
        (self.state, self.machine) = (saved.state, saved.machine);
        Ok(())
    }

    fn scene(&self) -> Scene {
        super::draw::scene(self)
    }

    fn mechanism(&self, design: &[f64]) -> Result<Option<Mechanism>, ProblemError> {
        let setup = &self.setup;
        setup.hardware.space().check(design)?;
        let arm = setup.hardware.arm(design);
        Ok(Some(super::export::mechanism(
            &setup.settings,
            &setup.walls,
            &arm,
        )))
    }
}
