//! Exact re-implementations of well-known problems, with which learning algorithms are proved.
//!
//! Observations, rewards and limits are those of Gymnasium in its own units, so that scores compare with
//! published ones. Nothing is designed here: the hardware passes the command on ([`IdentityHardware`](tandem_core::IdentityHardware)), and both
//! fidelities are the same. The state is held in double precision; golden trajectories under `envs/physics/tests/golden`
//! prove the equations. Each problem is one file that implements [`Classic`]; [`ClassicWorld`] turns it into
//! a [`World`](tandem_core::World).
//!
//! | name | original | command | horizon | success |
//! |---|---|---|---|---|
//! | `cartpole` | CartPole-v1 | 2 options | 500 | 475 steps survived |
//! | `pendulum` | Pendulum-v1 | torque, 2 N m | 200 | upright and slow at the horizon |
//! | `acrobot` | Acrobot-v1 | 3 options | 500 | tip above the line |
//! | `inverted-pendulum` | InvertedPendulum-v4 | force, 300 N | 1000 | 950 steps survived |
//! | `inverted-double-pendulum` | InvertedDoublePendulum-v4 | force, 500 N | 1000 | standing at the horizon |
//! | `reacher` | Reacher-v4 | 2 torques, 200 N m | 50 | touching the target at the horizon |
//!
//! MuJoCo's joint stops are soft constraints without a closed form; here they are hard and inelastic: the joint
//! stays at its stop, its velocity is taken by an impulse that the other joints feel. Away from the stops the
//! equations are MuJoCo's to rounding.
//!
//! Commands: continuous ones are clipped to [-1, 1] and scaled inside; a discrete one is rounded to the nearest
//! option. A command that is not finite is a bug of the caller, which is why trainers refuse it; here it ends the
//! episode with a fault and leaves the state untouched.

mod acrobot;
mod cartpole;
mod draw;
mod inverted_double_pendulum;
mod inverted_pendulum;
mod mechanics;
mod pendulum;
mod reacher;
mod world;

use serde::{Serialize, de::DeserializeOwned};

pub use acrobot::Acrobot;
pub use cartpole::CartPole;
pub use inverted_double_pendulum::InvertedDoublePendulum;
pub use inverted_pendulum::InvertedPendulum;
pub use pendulum::Pendulum;
pub use reacher::Reacher;
pub use world::ClassicWorld;

use tandem_core::{Environment, Problem, Scene, Spec, Stream};

/// A fixed number of doubles: `[f64; N]` for N up to 32.
pub trait Numbers:
    AsRef<[f64]> + AsMut<[f64]> + Copy + Default + Serialize + DeserializeOwned + Send + 'static
{
}

impl<T> Numbers for T where
    T: AsRef<[f64]> + AsMut<[f64]> + Copy + Default + Serialize + DeserializeOwned + Send + 'static
{
}

/// What distinguishes one classic problem from another: pure functions of a state.
pub trait Classic: Send + 'static {
    /// Everything that changes during an episode, apart from the step count.
    type State: Numbers;
    /// The observation, as long as the spec's.
    type Observation: Numbers;
    /// The command, as long as the spec's.
    type Command: Numbers;
    /// The reward terms, as many as the spec's.
    type Terms: Numbers;

    /// Sizes, names and units.
    fn spec() -> Spec;

    /// The state of a new episode.
    fn start(stream: &mut Stream) -> Self::State;

    /// The observation of a state, in Gymnasium's units and order.
    fn observe(state: &Self::State) -> Self::Observation;

    /// Moves by one control step under a command within the spec's space (continuous: in [-1, 1]; discrete: an
    /// option's index). Gives the reward terms and whether the episode terminated.
    fn step(state: &mut Self::State, command: &Self::Command) -> (Self::Terms, bool);

    /// Whether the success criterion is met in this state, reached after `steps` steps.
    fn succeeded(state: &Self::State, steps: usize, terminated: bool) -> bool;

    /// What a state looks like.
    fn scene(state: &Self::State) -> Scene;
}

/// Names of the classic problems, each with one line about it.
pub const NAMES: &[(&str, &str)] = &[
    (
        "cartpole",
        "CartPole-v1: balance a pole by pushing its cart left or right",
    ),
    (
        "pendulum",
        "Pendulum-v1: swing up a pendulum with a weak motor and hold it",
    ),
    (
        "acrobot",
        "Acrobot-v1: swing the tip of a two-link pendulum above its bar",
    ),
    (
        "inverted-pendulum",
        "InvertedPendulum-v4: balance a pole on a cart with a continuous force",
    ),
    (
        "inverted-double-pendulum",
        "InvertedDoublePendulum-v4: balance two stacked poles on a cart",
    ),
    (
        "reacher",
        "Reacher-v4: bring the fingertip of a two-link arm to a target",
    ),
];

/// The classic problem of this name (see [`NAMES`]), or `None` when there is none.
pub fn make(name: &str) -> Option<Box<dyn Problem>> {
    Some(match name {
        "cartpole" => environment::<CartPole>(),
        "pendulum" => environment::<Pendulum>(),
        "acrobot" => environment::<Acrobot>(),
        "inverted-pendulum" => environment::<InvertedPendulum>(),
        "inverted-double-pendulum" => environment::<InvertedDoublePendulum>(),
        "reacher" => environment::<Reacher>(),
        _ => return None,
    })
}

fn environment<C: Classic>() -> Box<dyn Problem> {
    Box::new(Environment::new(ClassicWorld::<C>::default()))
}
