//! One [`World`] for all classic problems.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tandem_core::{
    CommandSpace, Fidelity, Hardware, IdentityHardware, Outcome, ProblemError, Scene, Spec, Stream, World,
};

use super::{Classic, Numbers};

/// No state of these problems comes near this in any unit; a saved state beyond it is damaged.
const LARGEST: f64 = 1e6;

/// A classic problem as a [`World`].
pub struct ClassicWorld<C> {
    spec: Spec,
    problem: PhantomData<fn() -> C>,
}

/// What changes during an episode.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Moment<S> {
    state: S,
    steps: usize,
    /// Of the last step: its terms are added up in double precision.
    reward: f32,
}

impl<C: Classic> Default for ClassicWorld<C> {
    fn default() -> Self {
        Self {
            spec: C::spec(),
            problem: PhantomData,
        }
    }
}

impl<C: Classic> ClassicWorld<C> {
    /// The command as the problem wants it.
    fn command(&self, given: &[f32]) -> C::Command {
        let mut command = C::Command::default();
        for (number, &raw) in command.as_mut().iter_mut().zip(given) {
            let raw = f64::from(raw);
            *number = match self.spec.command {
                CommandSpace::Continuous(_) => raw.clamp(-1.0, 1.0),
                CommandSpace::Discrete(n) => raw.round().clamp(0.0, n.saturating_sub(1) as f64),
            };
        }
        command
    }
}

impl<C: Classic> World for ClassicWorld<C> {
    type State = Moment<C::State>;

    fn spec(&self) -> Spec {
        self.spec.clone()
    }

    fn hardware(&self) -> Arc<dyn Hardware> {
        Arc::new(IdentityHardware::new(&self.spec.command))
    }

    fn start(&self, _design: &[f64], _fidelity: Fidelity, stream: &mut Stream) -> Result<Self::State, ProblemError> {
        Ok(Moment {
            state: C::start(stream),
            steps: 0,
            reward: 0.0,
        })
    }

    fn observe(&self, moment: &Self::State, _design: &[f64], out: &mut [f32]) {
        write(&C::observe(&moment.state), out);
    }

    fn query(&self, _moment: &Self::State, command: &[f32], out: &mut [f32]) {
        out.copy_from_slice(command);
    }

    fn advance(&self, moment: &mut Self::State, _command: &[f32], effect: &[f32], terms: &mut [f32]) -> Outcome {
        let (exact, terminated) = C::step(&mut moment.state, &self.command(effect));
        moment.steps += 1;
        moment.reward = exact.as_ref().iter().sum::<f64>() as f32;
        write(&exact, terms);
        Outcome {
            success: C::succeeded(&moment.state, moment.steps, terminated),
            terminated,
            fault: None,
        }
    }

    fn reward(&self, moment: &Self::State, _terms: &[f32]) -> f32 {
        moment.reward
    }

    fn scene(&self, moment: &Self::State, _design: &[f64]) -> Scene {
        C::scene(&moment.state)
    }

    fn restore(&self, moment: &mut Self::State, _design: &[f64], _fidelity: Fidelity) -> Result<(), String> {
        let mut numbers = moment.state.as_ref().iter();
        match numbers.find(|x| !x.is_finite() || x.abs() > LARGEST) {
            Some(bad) => Err(format!("it holds the number {bad}")),
            None => Ok(()),
        }
    }
}

fn write(numbers: &impl Numbers, out: &mut [f32]) {
    for (out, &number) in out.iter_mut().zip(numbers.as_ref()) {
        *out = number as f32;
    }
}
