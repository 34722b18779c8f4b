//! Generalised advantage estimation (Schulman et al. 2016) over fixed segments of many environments.

use crate::rollout::{End, Rollout};

/// The arrays that advantages are computed from, `[N, T]` with the environment's steps side by side, and `[N]`.
#[derive(Clone, Copy, Debug)]
pub struct Segments<'a> {
    /// `T`: steps per environment.
    pub steps: usize,
    /// `[N, T]` rewards, scaled as the critic sees them.
    pub rewards: &'a [f32],
    /// `[N, T]` values of the observations acted on.
    pub values: &'a [f32],
    /// `[N, T]` ends.
    pub ends: &'a [End],
    /// `[N, T]` values of final observations; read where the step was truncated.
    pub final_values: &'a [f32],
    /// `[N]` values of the observations after the last step; read where the episode goes on.
    pub last_values: &'a [f32],
}

impl<'a> Segments<'a> {
    /// The arrays of a roll-out with these rewards, scaled as the critic sees them.
    pub fn new(rollout: &'a Rollout, rewards: &'a [f32]) -> Self {
        Self {
            steps: rollout.steps,
            rewards,
            values: &rollout.values,
            ends: &rollout.ends,
            final_values: &rollout.final_values,
            last_values: &rollout.last_values,
        }
    }
}

/// Advantages `[N, T]` and returns `[N, T]` (advantage + value, the critic's target):
///
/// `delta_t = r_t + gamma V_next - V_t`, `A_t = delta_t + gamma lambda A_(t+1)`,
///
/// where `V_next` is 0 after a termination and the final observation's value after a truncation, and `A_(t+1)`
/// is 0 after either and after the segment's last step.
pub fn advantages(segments: &Segments, gamma: f64, lambda: f64) -> (Vec<f32>, Vec<f32>) {
    let s = segments;
    let mut advantages = vec![0.0; s.rewards.len()];
    let mut returns = vec![0.0; s.rewards.len()];
    for (env, &last_value) in s.last_values.iter().enumerate() {
        let (mut next_value, mut next_advantage) = (f64::from(last_value), 0.0);
        for i in (env * s.steps..(env + 1) * s.steps).rev() {
            match s.ends[i] {
                End::Running => {}
                End::Terminated => (next_value, next_advantage) = (0.0, 0.0),
                End::Truncated => (next_value, next_advantage) = (f64::from(s.final_values[i]), 0.0),
            }
            let value = f64::from(s.values[i]);
            let delta = f64::from(s.rewards[i]) + gamma * next_value - value;
            let advantage = delta + gamma * lambda * next_advantage;
            advantages[i] = advantage as f32;
            returns[i] = (advantage + value) as f32;
            (next_value, next_advantage) = (value, advantage);
        }
    }
    (advantages, returns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use End::{Running, Terminated, Truncated};

    fn close(a: &[f32], b: &[f64]) {
        for (a, b) in a.iter().zip(b) {
            assert!((f64::from(*a) - b).abs() < 1e-6, "{a} {b}");
        }
    }

    fn case<'a>(
        rewards: &'a [f32],
        values: &'a [f32],
        ends: &'a [End],
        finals: &'a [f32],
        last: &'a [f32],
    ) -> Segments<'a> {
        Segments {
            steps: rewards.len() / last.len(),
            rewards,
            values,
            ends,
            final_values: finals,
            last_values: last,
        }
    }

    #[test]
    fn three_steps_by_hand() {
        // gamma 0.5, lambda 0.5: deltas 1 + 0.5*2 - 1 = 1, 2 + 0.5*3 - 2 = 1.5, 3 + 0.5*4 - 3 = 2
        let s = case(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], &[Running; 3], &[0.0; 3], &[4.0]);
        let (a, r) = advantages(&s, 0.5, 0.5);
        close(&a, &[1.0 + 0.25 * 2.0, 1.5 + 0.25 * 2.0, 2.0]);
        close(&r, &[2.5, 4.0, 5.0]);
    }

    #[test]
    fn a_constant_value_that_solves_the_bellman_equation_has_no_advantage() {
        for gamma in [0.0, 0.5, 0.9, 0.99] {
            for lambda in [0.0, 0.3, 0.95, 1.0] {
                let v = (1.0 / (1.0 - gamma)) as f32;
                let (values, last) = ([v; 20], [v; 2]);
                let s = case(&[1.0; 20], &values, &[Running; 20], &[0.0; 20], &last);
                let (advantages, _) = advantages(&s, gamma, lambda);
                assert!(advantages.iter().all(|a| a.abs() < 1e-4));
            }
        }
    }

    #[test]
    fn lambda_one_gives_monte_carlo_returns_and_lambda_zero_one_step_ones() {
        let s = case(
            &[1.0, 1.0, 1.0],
            &[5.0, 6.0, 7.0],
            &[Running, Running, Terminated],
            &[0.0; 3],
            &[9.0],
        );
        close(&advantages(&s, 0.9, 1.0).1, &[1.0 + 0.9 + 0.81, 1.9, 1.0]);
        close(&advantages(&s, 0.9, 0.0).1, &[1.0 + 0.9 * 6.0, 1.0 + 0.9 * 7.0, 1.0]);
    }

    #[test]
    fn truncation_bootstraps_from_the_final_observation_and_stops_there() {
        // a step of reward 1 for ever is worth 1/(1 - gamma) = 2 at gamma 0.5, cut or not
        let s = case(&[1.0, 1.0], &[2.0, 2.0], &[Truncated, Running], &[2.0, 0.0], &[2.0]);
        close(&advantages(&s, 0.5, 0.95).0, &[0.0, 0.0]);
        let s = case(&[1.0, 1.0], &[2.0, 2.0], &[Terminated, Running], &[2.0, 0.0], &[2.0]);
        close(&advantages(&s, 0.5, 0.95).0, &[-1.0, 0.0]);
    }

    #[test]
    fn two_segments_meet_like_one_long_segment_at_lambda_zero_and_environments_do_not_mix() {
        let (rewards, values) = ([1.0, 2.0, 3.0, 4.0], [0.5, 1.5, 2.5, 3.5]);
        let whole = advantages(&case(&rewards, &values, &[Running; 4], &[0.0; 4], &[4.5]), 0.9, 0.0).0;
        // the second half as a segment of its own, the first half bootstrapped from its first value
        let halves = case(&rewards, &values, &[Running; 4], &[0.0; 4], &[2.5, 4.5]);
        assert_eq!(advantages(&halves, 0.9, 0.0).0, whole);
    }

    #[test]
    fn a_boundary_at_an_episode_end_changes_nothing() {
        let (rewards, values) = ([1.0, 2.0, 3.0, 4.0], [0.5, 1.5, 2.5, 3.5]);
        let (ends, finals) = ([Running, Truncated, Running, Terminated], [0.0, 7.0, 0.0, 0.0]);
        let whole = advantages(&case(&rewards, &values, &ends, &finals, &[9.0]), 0.9, 0.95);
        let halves = advantages(&case(&rewards, &values, &ends, &finals, &[8.0, 9.0]), 0.9, 0.95);
        assert_eq!(whole, halves);
    }
}
