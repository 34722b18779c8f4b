//! Replays trajectories of Gymnasium and MuJoCo against the classic problems.
//!
//! The files under `golden/` were made once; to make them again (Python is needed for that only):
//!
//! ```text
//! python3 -m venv /tmp/golden && /tmp/golden/bin/pip install 'gymnasium[classic-control,mujoco]'
//! /tmp/golden/bin/python envs/physics/tests/golden/make.py
//! ```
//!
//! A trajectory ends after 200 steps or where the episode terminates, and keeps away from joint stops. Errors are
//! absolute, in the units of each state. An upright pole multiplies any difference, rounding included, by
//! `exp(rate * time)`: 1e17 for InvertedPendulum within 200 steps. Replays of balancing problems
//! therefore take up the recorded state again every so many steps; the others run through.

use serde::Deserialize;
use tandem_physics::classic::{
    Acrobot, CartPole, Classic, InvertedDoublePendulum, InvertedPendulum, Numbers, Pendulum, Reacher,
};

/// Tolerance of states and rewards for Gymnasium's classic-control problems.
const CLASSIC_CONTROL: f64 = 1e-9;
/// Tolerance of states and rewards for the MuJoCo problems.
const MUJOCO: f64 = 1e-8;

#[derive(Deserialize)]
struct Golden {
    name: String,
    start: Vec<f64>,
    commands: Vec<Vec<f64>>,
    states: Vec<Vec<f64>>,
    rewards: Vec<f64>,
    terminated: bool,
    observe_every: usize,
    observations: Vec<Vec<f64>>,
}

fn numbers<T: Numbers>(values: &[f64]) -> T {
    let mut out = T::default();
    out.as_mut().copy_from_slice(values);
    out
}

/// Largest absolute difference.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |m, (a, b)| f64::max(m, (a - b).abs()))
}

/// Replays a file; the recorded state is taken up again every `anchor` steps.
fn replay<C: Classic>(text: &str, tolerance: f64, anchor: usize) {
    let golden: Golden = serde_json::from_str(text).unwrap();
    assert_eq!(golden.name, C::spec().name);
    assert!(golden.states.len() == 200 || golden.terminated);
    let mut state: C::State = numbers(&golden.start);
    let mut worst = [0.0f64; 3];
    for k in 0..golden.states.len() {
        if k > 0 && k % anchor == 0 {
            state = numbers(&golden.states[k - 1]);
        }
        let (terms, terminated) = C::step(&mut state, &numbers(&golden.commands[k]));
        let reward = terms.as_ref().iter().sum::<f64>();
        worst[0] = worst[0].max(difference(state.as_ref(), &golden.states[k]));
        worst[1] = worst[1].max((reward - golden.rewards[k]).abs());
        if k % golden.observe_every == 0 {
            let observation = C::observe(&state);
            let recorded = &golden.observations[k / golden.observe_every];
            worst[2] = worst[2].max(difference(observation.as_ref(), recorded));
        }
        let last = k + 1 == golden.states.len();
        assert_eq!(terminated, last && golden.terminated, "step {k}");
    }
    println!("{}: state, reward, observation {worst:?}", golden.name);
    assert!(worst[0] <= tolerance && worst[1] <= tolerance, "{worst:?}");
    // classic control rounds observations to single precision
    assert!(worst[2] <= if tolerance == MUJOCO { MUJOCO } else { 1e-6 }, "{worst:?}");
}

#[test]
fn cartpole_is_gymnasiums() {
    replay::<CartPole>(include_str!("golden/cartpole.json"), CLASSIC_CONTROL, 200);
}

#[test]
fn pendulum_is_gymnasiums() {
    replay::<Pendulum>(include_str!("golden/pendulum.json"), CLASSIC_CONTROL, 200);
}

#[test]
fn acrobot_is_gymnasiums() {
    replay::<Acrobot>(include_str!("golden/acrobot.json"), CLASSIC_CONTROL, 200);
}

#[test]
fn inverted_pendulum_is_mujocos() {
    replay::<InvertedPendulum>(include_str!("golden/inverted-pendulum.json"), MUJOCO, 40);
}

#[test]
fn inverted_double_pendulum_is_mujocos() {
    let text = include_str!("golden/inverted-double-pendulum.json");
    replay::<InvertedDoublePendulum>(text, MUJOCO, 20);
}

#[test]
fn reacher_is_mujocos() {
    replay::<Reacher>(include_str!("golden/reacher.json"), MUJOCO, 200);
}
