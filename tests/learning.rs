//! PPO learns what it is known to learn: the cheap cases of `tandem bench learning`, one seed each.
//!
//! Judged is the last policy by its mean actions over 100 fresh episodes. `tandem bench learning` runs all
//! cases with five seeds; the bars are explained there.

use tandem::bench::learning::Case;

/// Trains seed 0 of a case and holds its scores against the bars.
fn passes(name: &str) {
    tandem_agents::init_libtorch();
    let case = Case::named(name).unwrap();
    let scores = case.train(0).unwrap();
    assert_eq!(scores.len(), case.gates.len());
    for ((env_steps, bar), score) in case.gates.iter().zip(scores) {
        assert!(
            bar.passes(score),
            "{name} scores {score} after {env_steps} steps; the bar is {bar:?}"
        );
    }
}

/// Discrete commands.
#[test]
fn cartpole_is_solved_in_150_000_steps() {
    passes("cartpole");
}

/// Continuous commands; the pole falls at once under a policy that has learnt nothing.
#[test]
fn the_inverted_pendulum_is_solved_in_150_000_steps() {
    passes("inverted-pendulum");
}

/// Every episode of this problem is cut: with these settings nothing is learnt unless the cut is worth the
/// value of the final observation.
#[test]
fn pendulum_learns_because_cut_episodes_are_bootstrapped() {
    passes("pendulum-mujoco");
}
