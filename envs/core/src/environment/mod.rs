//! One environment for all worlds: what every problem needs beside its world is written once, here.
//!
//! A [`World`] defines how an episode starts, what is observed, what the hardware is queried with and how the state
//! evolves. [`Environment`] makes it a [`Problem`]: it keeps the design, the fidelity, the step count, latched success
//! and the reward terms, truncates episodes at the horizon, rejects designs that cannot be built and commands that are
//! not finite, and saves and restores episodes.
//!
//! A world whose true machine is the hardware model itself needs nothing else; one with a simulation of its own (a
//! physics engine, say) implements [`World::advance_full`].

mod outcome;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::design::Design;
use crate::mechanism::Mechanism;
use crate::model_file::ModelFile;
use crate::problem::{Fidelity, Hardware, InMujoco, NOT_FULL, Problem, ProblemError, Spec, Step};
use crate::saved;
use crate::scene::Scene;
use crate::stream::Stream;

pub use outcome::Outcome;

/// A world: the part of a problem that is specific to it.
///
/// It holds what never changes (settings); what changes during an episode is its [`World::State`].
pub trait World: Sized + Send + Sync + 'static {
    /// What changes during an episode. All of it is stored with an episode; what can be made anew from the rest (a
    /// cache, a foreign object) is skipped by serde and made again by [`World::restore`].
    type State: Serialize + DeserializeOwned + Send;

    /// Sizes, names and units.
    fn spec(&self) -> Spec;

    /// The hardware model, with the design space.
    fn hardware(&self) -> Arc<dyn Hardware>;

    /// Whether an effect leaves a trace in the state; see [`Problem::effects_last`].
    fn effects_last(&self) -> bool {
        true
    }

    /// The state in which an episode begins with this design, which lies in the space, whether it will be moved by
    /// effects or as the complete machine; all its randomness comes from `stream`.
    ///
    /// # Errors
    /// A machine that cannot be built of the design.
    fn start(&self, design: &[f64], fidelity: Fidelity, stream: &mut Stream) -> Result<Self::State, ProblemError>;

    /// Writes the observation, `[observation]`.
    fn observe(&self, state: &Self::State, design: &[f64], out: &mut [f32]);

    /// Writes what the hardware is asked when this command is given now, `[query]`.
    fn query(&self, state: &Self::State, command: &[f32], out: &mut [f32]);

    /// Moves the world by one control step under an effect, true or proxied, and writes the reward's terms.
    fn advance(&self, state: &mut Self::State, command: &[f32], effect: &[f32], terms: &mut [f32]) -> Outcome;

    /// The reward of the step that has just been taken, with these terms: their sum. A world that adds up in more than
    /// single precision says so here.
    fn reward(&self, _state: &Self::State, terms: &[f32]) -> f32 {
        terms.iter().sum()
    }

    /// Which of the reward's terms are for the log only; see [`Problem::only_logged`].
    fn only_logged(&self) -> &[usize] {
        &[]
    }

    /// Moves the complete true machine by one control step; `None` where the hardware model is the true machine, which
    /// is then asked and its effect applied.
    fn advance_full(
        &self,
        _state: &mut Self::State,
        _design: &[f64],
        _command: &[f32],
        _terms: &mut [f32],
    ) -> Option<Outcome> {
        None
    }

    /// What a state looks like.
    fn scene(&self, state: &Self::State, design: &[f64]) -> Scene;

    /// The machine that a design builds, for other simulators; `None` where there is none.
    ///
    /// # Errors
    /// A design that cannot be built.
    fn mechanism(&self, _design: &[f64]) -> Result<Option<Mechanism>, ProblemError> {
        Ok(None)
    }

    /// The machine's own file, where it is made of one; see [`Problem::model_file`].
    ///
    /// # Errors
    /// A design that cannot be built, a file that is gone.
    fn model_file(&self, _design: &[f64]) -> Result<Option<ModelFile>, ProblemError> {
        Ok(None)
    }

    /// The same with the time step of its physical machine divided by `factor`; see [`Problem::refined`].
    fn refined(&self, _factor: usize) -> Option<Self> {
        None
    }

    /// The same with its physical machine computed by an independent engine; see [`Problem::reference`].
    fn reference(&self) -> Option<Self> {
        None
    }

    /// The same with its physical machine moved by MuJoCo; see [`Problem::in_mujoco`].
    fn in_mujoco(&self) -> Option<InMujoco<Self>> {
        None
    }

    /// Checks a stored state and makes again what was not stored.
    ///
    /// # Errors
    /// What is wrong with the state: sizes of another task, say.
    fn restore(&self, _state: &mut Self::State, _design: &[f64], _fidelity: Fidelity) -> Result<(), String> {
        Ok(())
    }
}

/// What is stored of an episode beside fidelity and design.
#[derive(Serialize, Deserialize)]
struct Episode<S> {
    /// `None` before the first reset.
    state: Option<S>,
    step: usize,
    success: bool,
    terms: Vec<f32>,
}

/// What environments of one problem share.
struct Shared<W> {
    world: W,
    spec: Spec,
    hardware: Arc<dyn Hardware>,
}

/// A world as a [`Problem`].
pub struct Environment<W: World> {
    shared: Arc<Shared<W>>,
    fidelity: Fidelity,
    design: Design,
    episode: Episode<W::State>,
    /// Working memory: query and effect of a full step.
    query: Vec<f32>,
    effect: Vec<f32>,
}

impl<W: World> Environment<W> {
    /// An environment of this world, to be reset before use.
    pub fn new(world: W) -> Self {
        let (spec, hardware) = (world.spec(), world.hardware());
        Self::of(Arc::new(Shared { world, spec, hardware }))
    }

    fn of(shared: Arc<Shared<W>>) -> Self {
        let hardware = &shared.hardware;
        Self {
            fidelity: Fidelity::Effect,
            design: hardware.space().start(),
            episode: Episode {
                state: None,
                step: 0,
                success: false,
                terms: vec![0.0; shared.spec.reward_terms.len()],
            },
            query: vec![0.0; hardware.query_channels().len()],
            effect: vec![0.0; hardware.effect_channels().len()],
            shared,
        }
    }

    /// Another environment of the same world, to be reset before use.
    pub fn twin(&self) -> Self {
        Self::of(self.shared.clone())
    }

    /// The world.
    pub fn world(&self) -> &W {
        &self.shared.world
    }

    /// The present state; `None` before the first reset.
    pub fn state(&self) -> Option<&W::State> {
        self.episode.state.as_ref()
    }

    /// The present state, for measurements on it; `None` before the first reset.
    pub fn state_mut(&mut self) -> Option<&mut W::State> {
        self.episode.state.as_mut()
    }

    /// The design of the running episode; before the first reset, the start design.
    pub fn design(&self) -> &[f64] {
        &self.design
    }

    /// Terminates the episode by a fault, without reward.
    fn give_up(&mut self, fault: &'static str) -> Step {
        self.episode.terms.fill(0.0);
        Step {
            terminated: true,
            success: self.episode.success,
            fault: Some(fault),
            ..Step::default()
        }
    }

    /// The step that a world's outcome gives to the learner.
    fn finish(&mut self, outcome: Outcome) -> Step {
        let episode = &mut self.episode;
        if let Some(fault) = outcome.fault {
            return self.give_up(fault);
        }
        let world = &self.shared.world;
        let reward = episode
            .state
            .as_ref()
            .map_or(0.0, |state| world.reward(state, &episode.terms));
        if !reward.is_finite() {
            return self.give_up("the reward is not finite");
        }
        episode.step += 1;
        episode.success |= outcome.success;
        Step {
            reward,
            terminated: outcome.terminated,
            truncated: !outcome.terminated && episode.step >= self.shared.spec.horizon,
            success: episode.success,
            fault: None,
        }
    }
}

const NOT_EFFECT: &str = "the episode was not started under effects";
const NOT_STARTED: &str = "the episode was not started";
const COMMAND_NOT_FINITE: &str = "the command is not finite";
const EFFECT_NOT_FINITE: &str = "the effect is not finite";

fn finite(numbers: &[f32]) -> bool {
    numbers.iter().all(|x| x.is_finite())
}

impl<W: World> Problem for Environment<W> {
    fn spec(&self) -> &Spec {
        &self.shared.spec
    }

    fn hardware(&self) -> Arc<dyn Hardware> {
        self.shared.hardware.clone()
    }

    fn effects_last(&self) -> bool {
        self.shared.world.effects_last()
    }

    fn fresh(&self) -> Box<dyn Problem> {
        Box::new(self.twin())
    }

    fn refined(&self, factor: usize) -> Option<Box<dyn Problem>> {
        let world = self.shared.world.refined(factor)?;
        Some(Box::new(Self::new(world)))
    }

    fn reference(&self) -> Option<Box<dyn Problem>> {
        let world = self.shared.world.reference()?;
        Some(Box::new(Self::new(world)))
    }

    fn in_mujoco(&self) -> Option<InMujoco<Box<dyn Problem>>> {
        let world = self.shared.world.in_mujoco()?;
        Some(world.map(|world| Box::new(Self::new(world)) as Box<dyn Problem>))
    }

    fn reset(&mut self, design: &[f64], fidelity: Fidelity, stream: &mut Stream) -> Result<(), ProblemError> {
        self.shared.hardware.space().check(design)?;
        self.design.clear();
        self.design.extend_from_slice(design);
        self.fidelity = fidelity;
        self.episode.state = Some(self.shared.world.start(design, fidelity, stream)?);
        self.episode.step = 0;
        self.episode.success = false;
        self.episode.terms.fill(0.0);
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        match &self.episode.state {
            Some(state) => self.shared.world.observe(state, &self.design, out),
            None => out.fill(0.0),
        }
    }

    fn query(&self, command: &[f32], out: &mut [f32]) {
        match &self.episode.state {
            Some(state) => self.shared.world.query(state, command, out),
            None => out.fill(0.0),
        }
    }

    fn apply(&mut self, command: &[f32], effect: &[f32]) -> Step {
        let Episode { state, terms, .. } = &mut self.episode;
        let Some(state) = state else {
            return self.give_up(NOT_STARTED);
        };
        if self.fidelity != Fidelity::Effect {
            return self.give_up(NOT_EFFECT);
        }
        if !finite(effect) {
            return self.give_up(EFFECT_NOT_FINITE);
        }
        let outcome = self.shared.world.advance(state, command, effect, terms);
        self.finish(outcome)
    }

    fn full_step(&mut self, command: &[f32]) -> Step {
        let (shared, design) = (&self.shared, &self.design);
        let Episode { state, terms, .. } = &mut self.episode;
        let Some(state) = state else {
            return self.give_up(NOT_STARTED);
        };
        if self.fidelity != Fidelity::Full {
            return self.give_up(NOT_FULL);
        }
        if !finite(command) {
            return self.give_up(COMMAND_NOT_FINITE);
        }
        let full = shared.world.advance_full(state, design, command, terms);
        let outcome = match full {
            Some(outcome) => outcome,
            None => {
                shared.world.query(state, command, &mut self.query);
                shared.hardware.respond(design, &self.query, &mut self.effect);
                if !finite(&self.effect) {
                    return self.give_up(EFFECT_NOT_FINITE);
                }
                shared.world.advance(state, command, &self.effect, terms)
            }
        };
        self.finish(outcome)
    }

    fn reward_terms(&self, out: &mut [f32]) {
        out.copy_from_slice(&self.episode.terms);
    }

    fn only_logged(&self) -> &[usize] {
        self.shared.world.only_logged()
    }

    fn save(&self) -> Vec<u8> {
        saved::save(self.fidelity, &self.design, &self.episode)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), ProblemError> {
        let (spec, space) = (&self.shared.spec, self.shared.hardware.space());
        let stored = saved::load::<Episode<W::State>>(&spec.name, space, bytes)?;
        let refuse = |reason: String| saved::misfit(&spec.name, reason);
        let mut episode = stored.state;
        if episode.step > spec.horizon {
            return Err(refuse(format!("step {} is beyond the horizon", episode.step)));
        }
        if episode.terms.len() != spec.reward_terms.len() || !finite(&episode.terms) {
            return Err(refuse("its reward's terms are not this problem's".into()));
        }
        if let Some(state) = &mut episode.state {
            let world = &self.shared.world;
            let restored = world.restore(state, &stored.design, stored.fidelity);
            restored.map_err(refuse)?;
        }
        (self.fidelity, self.design, self.episode) = (stored.fidelity, stored.design, episode);
        Ok(())
    }

    fn scene(&self) -> Scene {
        match &self.episode.state {
            Some(state) => self.shared.world.scene(state, &self.design),
            None => Scene::empty(NOT_STARTED),
        }
    }

    fn mechanism(&self, design: &[f64]) -> Result<Option<Mechanism>, ProblemError> {
        self.shared.world.mechanism(design)
    }

    fn model_file(&self, design: &[f64]) -> Result<Option<ModelFile>, ProblemError> {
        self.shared.world.model_file(design)
    }
}

#[cfg(test)]
mod tests;
