//! What drawn designs are credited with: whole episodes, or stretches of them.

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::rollout::{End, Episode, Rollout};

/// A drawn design and what it is credited with, about the mean of all.
pub(super) struct Trial {
    /// The design's logits.
    pub logits: Vec<f64>,
    /// What it earned.
    pub merit: f64,
}

/// Trials by episodes that ended.
pub(super) fn episodes(rollout: &Rollout, baseline: bool) -> Vec<Trial> {
    let merits = merits(rollout, baseline);
    let trial = |(episode, merit): (&Episode, f64)| Trial {
        logits: episode.logits.clone(),
        merit,
    };
    rollout.episodes.iter().zip(merits).map(trial).collect()
}

/// Trials by stretches of one episode in one environment. A stretch earns its rewards, and loses the mean value of the
/// roll-out's states where it ends in a termination. The mean, and not the critic's value of the very state: a better
/// design is in better states, whose values would take its merit away.
pub(super) fn segments(rollout: &Rollout, rewards: &[f32]) -> Vec<Trial> {
    let (steps, n) = (rollout.steps, rewards.len().max(1));
    let d = rollout.logits.len() / n;
    let mean = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x)).sum::<f64>() / n as f64;
    let (mean_reward, mean_value) = (mean(rewards), mean(&rollout.values));
    let mut trials = Vec::new();
    for env in 0..rollout.envs {
        let mut merit = 0.0;
        for (i, &reward) in (env * steps..).zip(&rewards[env * steps..(env + 1) * steps]) {
            merit += f64::from(reward) - mean_reward;
            let end = rollout.ends[i];
            if end == End::Terminated {
                // where values are negative, an end is not to be a merit
                merit -= mean_value.max(0.0);
            }
            if end != End::Running || i + 1 == (env + 1) * steps {
                let logits = rollout.logits[i * d..(i + 1) * d]
                    .iter()
                    .map(|&z| f64::from(z))
                    .collect();
                trials.push(Trial { logits, merit });
                merit = 0.0;
            }
        }
    }
    let centre = trials.iter().map(|trial| trial.merit).sum::<f64>() / trials.len().max(1) as f64;
    trials.iter_mut().for_each(|trial| trial.merit -= centre);
    trials
}

/// Share of the starts' values that must be left beside the designs, squared, to tell anything: less is rounding, as where there
/// are no more episodes than numbers of a design.
const LEFT: f64 = 1e-9;

/// The episodes' returns about their mean. With a `baseline`, less what the critic expected of their starts beyond what is
/// linear in the designs' logits: a start shows its design (a longer arm's tip is elsewhere), whose merit is not to be taken
/// away.
///
/// ```text
/// merit = R - b V',    V' = V - Z (Z'Z)^-1 Z'V,    b = R.V' / V'.V'       R, V, Z about their means
/// ```
fn merits(rollout: &Rollout, baseline: bool) -> Vec<f64> {
    let centred_by = |number: &dyn Fn(&Episode) -> f64| centred(rollout.episodes.iter().map(number).collect());
    let mut merits = centred_by(&|episode| episode.total_return);
    if baseline {
        let values = centred_by(&|episode| episode.start_value.into());
        let numbers = rollout.episodes.first().map_or(0, |episode| episode.logits.len());
        let logits: Vec<_> = (0..numbers).map(|i| centred_by(&|episode| episode.logits[i])).collect();
        let left = residuals(&values, &logits);
        if dot(&left, &left) > LEFT * dot(&values, &values) {
            let slope = dot(&merits, &left) / dot(&left, &left);
            merits.iter_mut().zip(left).for_each(|(m, v)| *m -= slope * v);
        }
    }
    merits
}

fn centred(mut xs: Vec<f64>) -> Vec<f64> {
    let mean = xs.iter().sum::<f64>() / xs.len().max(1) as f64;
    xs.iter_mut().for_each(|x| *x -= mean);
    xs
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The residuals of the linear regression of `values` on `columns`; all are about their means.
fn residuals(values: &[f64], columns: &[Vec<f64>]) -> Vec<f64> {
    let mut left = values.to_vec();
    let d = columns.len();
    let square = |i: usize, j: usize| dot(&columns[i], &columns[j]);
    let mut normal = DMatrix::from_fn(d, d, |i, j| square(i.max(j), i.min(j)));
    for i in 0..d {
        // columns that are constant or copies of others must not stop it
        normal[(i, i)] = normal[(i, i)] * (1.0 + 1e-9) + 1e-12;
    }
    let right = DVector::from_fn(d, |i, _| dot(&columns[i], values));
    if let Some(factor) = Cholesky::new(normal) {
        for (column, slope) in columns.iter().zip(factor.solve(&right).iter()) {
            left.iter_mut().zip(column).for_each(|(v, x)| *v -= slope * x);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(returns: &[f64], values: &[f32], logits: &[f64]) -> Rollout {
        let mut rollout = Rollout::new(1);
        let numbers = returns.iter().zip(values).zip(logits);
        let episodes = numbers.map(|((&total_return, &start_value), &z)| Episode {
            env: 0,
            steps: 1,
            total_return,
            start_value,
            success: false,
            fault: None,
            logits: vec![z],
        });
        rollout.episodes = episodes.collect();
        rollout
    }

    #[test]
    fn what_the_start_decides_is_taken_away() {
        // return = 3 + 2 value + what the design did: +1, -1, -1, +1, which the values know nothing of
        let rollout = rollout(&[4.0, 4.0, 6.0, 10.0], &[0.0, 1.0, 2.0, 3.0], &[0.5, -0.5, -0.5, 0.5]);
        let merits = merits(&rollout, true);
        for (merit, expected) in merits.iter().zip([1.0, -1.0, -1.0, 1.0]) {
            assert!((merit - expected).abs() < 1e-9, "{merits:?}");
        }
    }

    #[test]
    fn what_a_start_shows_of_its_design_is_left() {
        // values = 2 start + 3 design, returns = start + design: the critic knows the design's worth, and may not take it
        let (starts, designs) = ([1.0, -1.0, 1.0, -1.0], [0.2, 0.2, -0.2, -0.2]);
        let sums = |a: f64, b: f64| -> Vec<f64> { starts.iter().zip(designs).map(|(s, z)| a * s + b * z).collect() };
        let values: Vec<f32> = sums(2.0, 3.0).iter().map(|&v| v as f32).collect();
        let merits = merits(&rollout(&sums(1.0, 1.0), &values, &designs), true);
        for (merit, design) in merits.iter().zip(designs) {
            assert!((merit - design).abs() < 1e-6, "{merits:?}");
        }
    }

    #[test]
    fn a_stretch_earns_its_rewards_and_loses_the_mean_value_where_it_fell() {
        let mut rollout = Rollout::new(2);
        rollout.envs = 2;
        rollout.logits = vec![0.1, 0.1, 0.2, 0.3]; // the second environment's design changes with its episode
        rollout.values = vec![4.0; 4];
        rollout.ends = vec![End::Running, End::Running, End::Terminated, End::Running];
        let trials = segments(&rollout, &[1.0, 3.0, 2.0, 2.0]);
        let merits: Vec<f64> = trials.iter().map(|trial| trial.merit).collect();
        // about the mean reward 2: 0, -4, 0; about their own mean -4/3
        for (merit, expected) in merits.iter().zip([4.0 / 3.0, -8.0 / 3.0, 4.0 / 3.0]) {
            assert!((merit - expected).abs() < 1e-9, "{merits:?}");
        }
        assert!((trials[1].logits[0] - 0.2).abs() < 1e-6 && trials.len() == 3);
    }

    #[test]
    fn as_many_numbers_as_episodes_explain_everything_and_leave_the_returns() {
        // two episodes lie on a line, whatever the critic says
        let rollout = rollout(&[1.0, 3.0], &[0.1, 0.7], &[0.3, -0.2]);
        assert_eq!(merits(&rollout, true), [-1.0, 1.0]);
    }

    #[test]
    fn without_it_returns_count() {
        let rollout = rollout(&[1.0, 3.0, 8.0], &[5.0, 5.0, -1.0], &[0.0; 3]);
        assert_eq!(merits(&rollout, false), [-3.0, -1.0, 4.0]);
    }

    #[test]
    fn starts_that_are_all_alike_tell_nothing() {
        let rollout = rollout(&[1.0, 3.0], &[2.0, 2.0], &[0.0; 2]);
        assert_eq!(merits(&rollout, true), [-1.0, 1.0]);
    }
}
