//! One [`Problem`] for all classic problems.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Classic, Numbers};
use tandem_core::problem::{CommandSpace, Fidelity, Hardware, IdentityHardware, Problem, ProblemError, Spec, Step};
use tandem_core::scene::Scene;
use tandem_core::stream::Stream;

/// No state of these problems comes near this in any unit; a saved state beyond it is damaged.
const LARGEST: f64 = 1e6;

/// A classic problem as a [`Problem`].
pub struct ClassicProblem<C: Classic> {
    spec: Arc<Spec>,
    hardware: Arc<IdentityHardware>,
    episode: EpisodeOf<C>,
}

/// What a saved episode consists of.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Episode<S, T> {
    state: S,
    terms: T,
    steps: usize,
    success: bool,
}

type EpisodeOf<C> = Episode<<C as Classic>::State, <C as Classic>::Terms>;

impl<C: Classic> Default for ClassicProblem<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Classic> ClassicProblem<C> {
    /// The problem, to be reset before use.
    pub fn new() -> Self {
        let spec = C::spec();
        let hardware = Arc::new(IdentityHardware::new(&spec.command));
        Self::with(Arc::new(spec), hardware)
    }

    fn with(spec: Arc<Spec>, hardware: Arc<IdentityHardware>) -> Self {
        let episode = Self::start(&mut Stream::new(0, &spec.name, 0));
        Self {
            spec,
            hardware,
            episode,
        }
    }

    fn start(stream: &mut Stream) -> EpisodeOf<C> {
        Episode {
            state: C::start(stream),
            terms: C::Terms::default(),
            steps: 0,
            success: false,
        }
    }

    /// The command as the problem wants it, or `None` when it is not finite.
    fn command(&self, given: &[f32]) -> Option<C::Command> {
        let mut command = C::Command::default();
        for (number, &raw) in command.as_mut().iter_mut().zip(given) {
            let raw = f64::from(raw);
            if !raw.is_finite() {
                return None;
            }
            *number = match self.spec.command {
                CommandSpace::Continuous(_) => raw.clamp(-1.0, 1.0),
                CommandSpace::Discrete(n) => raw.round().clamp(0.0, n.saturating_sub(1) as f64),
            };
        }
        Some(command)
    }

    fn check(&self, episode: &EpisodeOf<C>) -> Result<(), String> {
        let mut numbers = episode.state.as_ref().iter().chain(episode.terms.as_ref());
        if let Some(bad) = numbers.find(|x| !x.is_finite() || x.abs() > LARGEST) {
            return Err(format!("it holds the number {bad}"));
        }
        if episode.steps > self.spec.horizon {
            return Err(format!("step {} is beyond the horizon", episode.steps));
        }
        Ok(())
    }
}

impl<C: Classic> Problem for ClassicProblem<C> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn hardware(&self) -> Arc<dyn Hardware> {
        self.hardware.clone()
    }

    fn fresh(&self) -> Box<dyn Problem> {
        Box::new(Self::with(self.spec.clone(), self.hardware.clone()))
    }

    fn reset(&mut self, design: &[f64], _fidelity: Fidelity, stream: &mut Stream) -> Result<(), ProblemError> {
        self.hardware.space().check(design)?;
        self.episode = Self::start(stream);
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        write(&C::observe(&self.episode.state), out);
    }

    fn query(&self, command: &[f32], out: &mut [f32]) {
        out.copy_from_slice(command);
    }

    fn apply(&mut self, _command: &[f32], effect: &[f32]) -> Step {
        self.full_step(effect)
    }

    fn full_step(&mut self, command: &[f32]) -> Step {
        let Some(command) = self.command(command) else {
            self.episode.terms = C::Terms::default();
            return Step {
                terminated: true,
                success: self.episode.success,
                fault: Some("the command is not finite"),
                ..Step::default()
            };
        };
        let episode = &mut self.episode;
        let (terms, terminated) = C::step(&mut episode.state, &command);
        episode.terms = terms;
        episode.steps = (episode.steps + 1).min(self.spec.horizon);
        episode.success |= C::succeeded(&episode.state, episode.steps, terminated);
        Step {
            reward: terms.as_ref().iter().sum::<f64>() as f32,
            terminated,
            truncated: !terminated && episode.steps == self.spec.horizon,
            success: episode.success,
            fault: None,
        }
    }

    fn reward_terms(&self, out: &mut [f32]) {
        write(&self.episode.terms, out);
    }

    fn save(&self) -> Vec<u8> {
        // plain numbers and a name always serialise; an empty result would be refused by `load`
        postcard::to_stdvec(&(&self.spec.name, &self.episode)).unwrap_or_default()
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), ProblemError> {
        let refuse = |reason: String| ProblemError::State {
            problem: self.spec.name.clone(),
            reason,
        };
        let ((name, episode), rest) =
            postcard::take_from_bytes::<(String, EpisodeOf<C>)>(bytes).map_err(|error| refuse(error.to_string()))?;
        if name != self.spec.name {
            return Err(refuse(format!("it belongs to `{name}`")));
        }
        if !rest.is_empty() {
            return Err(refuse(format!("{} bytes are left over", rest.len())));
        }
        self.check(&episode).map_err(refuse)?;
        self.episode = episode;
        Ok(())
    }

    fn scene(&self) -> Scene {
        C::scene(&self.episode.state)
    }
}

fn write(numbers: &impl Numbers, out: &mut [f32]) {
    for (out, &number) in out.iter_mut().zip(numbers.as_ref()) {
        *out = number as f32;
    }
}
