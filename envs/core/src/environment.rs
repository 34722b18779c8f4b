//! One environment for all worlds: what every problem needs beside its world is written once, here.
//!
//! A [`World`] defines how an episode starts, what is observed, what the hardware is queried with and how the state
//! evolves. [`Environment`] makes it a [`Problem`]: it keeps the design, the fidelity, the step count, latched success
//! and the reward terms, truncates episodes at the horizon, rejects designs that cannot be built and commands that are
//! not finite, and saves and restores episodes.
//!
//! A world whose true machine is the hardware model itself needs nothing else; one with a simulation of its own (a
//! physics engine, say) implements [`World::advance_full`].

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::design::Design;
use crate::mechanism::Mechanism;
use crate::problem::{Fidelity, Hardware, NOT_FULL, Problem, ProblemError, Spec, Step};
use crate::saved;
use crate::scene::Scene;
use crate::stream::Stream;

/// The result of one control step of a world.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The task's criterion is met now; the environment latches it for the rest of the episode.
    pub success: bool,
    /// The episode ends here by the world's own rules.
    pub terminated: bool,
    /// The simulation failed (diverged, say): a fixed reason for the log. It terminates the episode.
    pub fault: Option<&'static str>,
}

/// A world: the part of a problem that is specific to it.
///
/// It holds what never changes (settings); what changes during an episode is its [`World::State`].
pub trait World: Send + Sync + 'static {
    /// What changes during an episode, as plain data.
    type State: Clone + Default + Serialize + DeserializeOwned + Send;

    /// Sizes, names and units.
    fn spec(&self) -> Spec;

    /// The hardware model, with the design space.
    fn hardware(&self) -> Arc<dyn Hardware>;

    /// Whether an effect leaves a trace in the state; see [`Problem::effects_last`].
    fn effects_last(&self) -> bool {
        true
    }

    /// The state in which an episode begins; all its randomness comes from `stream`.
    fn start(&self, design: &[f64], stream: &mut Stream) -> Self::State;

    /// Writes the observation, `[observation]`.
    fn observe(&self, state: &Self::State, design: &[f64], out: &mut [f32]);

    /// Writes what the hardware is asked when this command is given now, `[query]`.
    fn query(&self, state: &Self::State, command: &[f32], out: &mut [f32]);

    /// Moves the world by one control step under an effect, true or proxied, and writes the reward's terms.
    fn advance(
        &self,
        state: &mut Self::State,
        command: &[f32],
        effect: &[f32],
        terms: &mut [f32],
    ) -> Outcome;

    /// Moves the complete true machine by one control step; `None` where the hardware model is the true machine.
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

    /// What is wrong with a stored state, if anything: numbers out of all bounds, say.
    ///
    /// # Errors
    /// What is wrong.
    fn check(&self, _state: &Self::State) -> Result<(), String> {
        Ok(())
    }
}

/// What is stored of an episode beside fidelity and design.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Episode<S> {
    state: S,
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
        Self::of(Arc::new(Shared {
            world,
            spec,
            hardware,
        }))
    }

    fn of(shared: Arc<Shared<W>>) -> Self {
        let hardware = &shared.hardware;
        Self {
            fidelity: Fidelity::Effect,
            design: hardware.space().start(),
            episode: Episode {
                terms: vec![0.0; shared.spec.reward_terms.len()],
                ..Episode::default()
            },
            query: vec![0.0; hardware.query_channels().len()],
            effect: vec![0.0; hardware.effect_channels().len()],
            shared,
        }
    }

    /// The world.
    pub fn world(&self) -> &W {
        &self.shared.world
    }

    /// The present state.
    pub fn state(&self) -> &W::State {
        &self.episode.state
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
        let reward = episode.terms.iter().sum::<f32>();
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
        Box::new(Self::of(self.shared.clone()))
    }

    fn reset(
        &mut self,
        design: &[f64],
        fidelity: Fidelity,
        stream: &mut Stream,
    ) -> Result<(), ProblemError> {
        self.shared.hardware.space().check(design)?;
        self.design.clear();
        self.design.extend_from_slice(design);
        self.fidelity = fidelity;
        self.episode.state = self.shared.world.start(design, stream);
        self.episode.step = 0;
        self.episode.success = false;
        self.episode.terms.fill(0.0);
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        let world = &self.shared.world;
        world.observe(&self.episode.state, &self.design, out);
    }

    fn query(&self, command: &[f32], out: &mut [f32]) {
        self.shared.world.query(&self.episode.state, command, out);
    }

    fn apply(&mut self, command: &[f32], effect: &[f32]) -> Step {
        if !finite(effect) {
            return self.give_up(EFFECT_NOT_FINITE);
        }
        let Episode { state, terms, .. } = &mut self.episode;
        let outcome = self.shared.world.advance(state, command, effect, terms);
        self.finish(outcome)
    }

    fn full_step(&mut self, command: &[f32]) -> Step {
        if self.fidelity != Fidelity::Full {
            return self.give_up(NOT_FULL);
        }
        if !finite(command) {
            return self.give_up(COMMAND_NOT_FINITE);
        }
        let (shared, design) = (&self.shared, &self.design);
        let Episode { state, terms, .. } = &mut self.episode;
        let full = shared.world.advance_full(state, design, command, terms);
        let outcome = full.unwrap_or_else(|| {
            shared.world.query(state, command, &mut self.query);
            shared
                .hardware
                .respond(design, &self.query, &mut self.effect);
            shared.world.advance(state, command, &self.effect, terms)
        });
        self.finish(outcome)
    }

    fn reward_terms(&self, out: &mut [f32]) {
        out.copy_from_slice(&self.episode.terms);
    }

    fn save(&self) -> Vec<u8> {
        saved::save(self.fidelity, &self.design, &self.episode)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), ProblemError> {
        let (spec, space) = (&self.shared.spec, self.shared.hardware.space());
        let stored = saved::load::<Episode<W::State>>(&spec.name, space, bytes)?;
        let refuse = |reason: String| saved::misfit(&spec.name, reason);
        let episode = stored.state;
        if episode.step > spec.horizon {
            return Err(refuse(format!(
                "step {} is beyond the horizon",
                episode.step
            )));
        }
        if episode.terms.len() != spec.reward_terms.len() || !finite(&episode.terms) {
            return Err(refuse("its reward's terms are not this problem's".into()));
        }
        self.shared.world.check(&episode.state).map_err(refuse)?;
        (self.fidelity, self.design, self.episode) = (stored.fidelity, stored.design, episode);
        Ok(())
    }

    fn scene(&self) -> Scene {
        self.shared.world.scene(&self.episode.state, &self.design)
    }

    fn mechanism(&self, design: &[f64]) -> Result<Option<Mechanism>, ProblemError> {
        self.shared.world.mechanism(design)
    }
}
