//! Estimates and intervals over several seeds.
//!
//! The **seed** is the unit of replication: average a seed's episodes first, then describe the seeds. Summaries
//! and intervals follow Agarwal et al., *Deep Reinforcement Learning at the Edge of the Statistical Precipice*
//! (NeurIPS 2021), whose reference code is `rliable`. Functions of no data give `None`.

mod improvement;
mod profile;

use serde::{Deserialize, Serialize};
use tandem_core::Stream;

pub use improvement::{improvement, probability_of_improvement};
pub use profile::{performance_profile, share_above};

/// Resamples of the bootstrap that settle a 95 % interval to about a percent of its width.
pub const RESAMPLES: usize = 2000;
/// Share of true successes from which a problem counts as solved.
pub const SOLVED: f64 = 0.8;
/// Consecutive evaluations for which it has to stay solved.
pub const SOLVED_EVALUATIONS: usize = 3;
/// Two-sided 95 % quantile of the standard normal distribution.
const Z95: f64 = 1.959_963_984_540_054;

/// A number with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The number itself.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// The arithmetic mean.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The value below which a share `q` in [0, 1] of the data lies, linear between order statistics
/// (definition 7 of Hyndman and Fan 1996; numpy's default).
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    quantile_of_sorted(&sorted(values), q)
}

/// The value in the middle.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The interquartile mean: the mean without the lowest and the highest quarter (each rounded down to whole
/// values, as `scipy.stats.trim_mean(values, 0.25)`, which `rliable` uses).
pub fn interquartile_mean(values: &[f64]) -> Option<f64> {
    let cut = values.len() / 4;
    mean(&sorted(values)[cut..values.len() - cut])
}

/// A statistic of all scores with its stratified percentile-bootstrap interval (Efron 1979).
///
/// `strata` holds the seeds' scores per task: seeds are drawn with replacement *within* their task, so that
/// no resample lacks one. `None` if a stratum is empty or there are no resamples.
pub fn bootstrap(
    strata: &[&[f64]],
    statistic: impl Fn(&[f64]) -> Option<f64>,
    resamples: usize,
    stream: &mut Stream,
) -> Option<Estimate> {
    if strata.is_empty() || strata.iter().any(|scores| scores.is_empty()) {
        return None;
    }
    let value = statistic(&strata.concat())?;
    let draw = |stream: &mut Stream| {
        let resample: Vec<f64> = strata.iter().flat_map(|scores| redraw(scores, stream)).collect();
        statistic(&resample)
    };
    let values: Option<Vec<f64>> = (0..resamples).map(|_| draw(stream)).collect();
    percentile_interval(value, &values?)
}

/// Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom.
const T95: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// The mean with Student's interval (Gosset 1908), for values that are about normal; of a single value no interval is
/// known, and its ends are infinite. `None` without values.
pub fn mean_interval(values: &[f64]) -> Option<Estimate> {
    let value = mean(values)?;
    let freedom = values.len() - 1;
    let half = match freedom {
        0 => f64::INFINITY,
        _ => {
            let squares = values.iter().map(|v| (v - value).powi(2)).sum::<f64>();
            let t = T95.get(freedom - 1).copied().unwrap_or(Z95);
            t * (squares / (freedom * values.len()) as f64).sqrt()
        }
    };
    Some(Estimate {
        value,
        low: value - half,
        high: value + half,
    })
}

/// Success probability with Wilson's score interval (Wilson 1927), which keeps its coverage near 0 and 1.
///
/// `None` without trials or with more successes than trials.
pub fn wilson(successes: u64, trials: u64) -> Option<Estimate> {
    if trials == 0 || successes > trials {
        return None;
    }
    let n = trials as f64;
    let p = successes as f64 / n;
    let z2n = Z95 * Z95 / n;
    let middle = p + 0.5 * z2n;
    let half = Z95 * (p * (1.0 - p) / n + 0.25 * z2n / n).sqrt();
    let end = |v: f64| (v / (1.0 + z2n)).clamp(0.0, 1.0);
    Some(Estimate {
        value: p,
        low: end(middle - half),
        high: end(middle + half),
    })
}

/// The area under a curve of points (x, y) in ascending x, by the trapezoid rule.
///
/// `None` with less than two points or where x goes back.
pub fn area_under_curve(points: &[(f64, f64)]) -> Option<f64> {
    let ascending = points.windows(2).all(|pair| pair[0].0 <= pair[1].0);
    let piece = |pair: &[(f64, f64)]| 0.5 * (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1);
    (points.len() >= 2 && ascending).then(|| points.windows(2).map(piece).sum())
}

/// The number of environment steps at which true success first reaches [`SOLVED`] and stays there for
/// [`SOLVED_EVALUATIONS`] consecutive evaluations, the first one included.
///
/// Entries are (environment steps, true success) per iteration, without success where none was evaluated.
pub fn steps_to_success(history: &[(u64, Option<f64>)]) -> Option<u64> {
    let evaluations: Vec<(u64, f64)> = history
        .iter()
        .filter_map(|&(steps, success)| Some((steps, success?)))
        .collect();
    evaluations
        .windows(SOLVED_EVALUATIONS)
        .find(|window| window.iter().all(|&(_, success)| success >= SOLVED))
        .map(|window| window[0].0)
}

/// The median over seeds of [`steps_to_success`], where a seed that never solved the problem counts as
/// infinitely slow; `None` when the median seed did not solve it.
pub fn median_steps(runs: &[Option<u64>]) -> Option<f64> {
    let steps: Vec<f64> = runs.iter().map(|run| run.map_or(f64::INFINITY, |s| s as f64)).collect();
    median(&steps).filter(|steps| steps.is_finite())
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn quantile_of_sorted(sorted: &[f64], q: f64) -> Option<f64> {
    let at = q.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let low = *sorted.get(at.floor() as usize)?;
    let high = *sorted.get(at.ceil() as usize)?;
    // Equal ends also cover two infinities, whose difference is not a number.
    Some(if low == high {
        low
    } else {
        low + (high - low) * at.fract()
    })
}

fn redraw(scores: &[f64], stream: &mut Stream) -> Vec<f64> {
    scores.iter().map(|_| scores[stream.below(scores.len())]).collect()
}

fn percentile_interval(value: f64, resampled: &[f64]) -> Option<Estimate> {
    let sorted = sorted(resampled);
    let low = quantile_of_sorted(&sorted, 0.025)?;
    let high = quantile_of_sorted(&sorted, 0.975)?;
    Some(Estimate { value, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Stream {
        Stream::new(0, "bootstrap", 0)
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        let x = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(mean(&x), Some(2.5));
        assert_eq!(median(&x), Some(2.5));
        assert_eq!(quantile(&x, 0.25), Some(1.75)); // numpy.quantile([1, 2, 3, 4], 0.25)
        assert_eq!(quantile(&x, 1.0), Some(4.0));
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!((mean(&[]), median(&[]), interquartile_mean(&[])), (None, None, None));
    }

    #[test]
    fn interquartile_mean_drops_a_quarter_at_each_end() {
        let x = [100.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -50.0];
        assert_eq!(interquartile_mean(&x), Some(3.5)); // of 2, 3, 4, 5
        assert_eq!(interquartile_mean(&[9.0, 1.0, 2.0, 3.0, -9.0]), Some(2.0));
        assert_eq!(interquartile_mean(&[1.0, 2.0, 6.0]), Some(3.0)); // too few to drop any
    }

    #[test]
    fn wilson_intervals_are_those_published_by_newcombe() {
        // Newcombe 1998, Statistics in Medicine 17, table I, method 3.
        let published = [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ];
        for (successes, trials, low, high) in published {
            let interval = wilson(successes, trials).unwrap();
            assert!((interval.low - low).abs() < 5.1e-5, "{interval:?}");
            assert!((interval.high - high).abs() < 5.1e-5, "{interval:?}");
        }
        assert_eq!(wilson(20, 20).unwrap().high, 1.0);
        assert_eq!((wilson(0, 0), wilson(3, 2)), (None, None));
    }

    #[test]
    fn bootstrap_of_two_values_has_the_known_distribution() {
        // Means of resamples of {0, 1}: 0, 1/2, 1 with probabilities 1/4, 1/2, 1/4.
        let estimate = bootstrap(&[&[0.0, 1.0]], mean, RESAMPLES, &mut stream()).unwrap();
        assert_eq!(
            estimate,
            Estimate {
                value: 0.5,
                low: 0.0,
                high: 1.0
            }
        );
        let counts = std::cell::Cell::new(0);
        let count = |x: &[f64]| {
            counts.set(counts.get() + u32::from(mean(x) == Some(0.5)));
            mean(x)
        };
        bootstrap(&[&[0.0, 1.0]], count, RESAMPLES, &mut stream()).unwrap();
        assert!((900..=1100).contains(&counts.get()), "{}", counts.get());
    }

    #[test]
    fn strata_are_resampled_apart() {
        // Between-task differences do not widen the interval: each task's seeds agree exactly.
        let tasks: [&[f64]; 2] = [&[0.0, 0.0, 0.0], &[1.0, 1.0, 1.0]];
        let estimate = bootstrap(&tasks, mean, 200, &mut stream()).unwrap();
        assert_eq!(
            estimate,
            Estimate {
                value: 0.5,
                low: 0.5,
                high: 0.5
            }
        );
        assert!(bootstrap(&[&[1.0], &[]], mean, 10, &mut stream()).is_none());
    }

    #[test]
    fn bootstrap_intervals_of_the_mean_cover_the_truth_about_as_often_as_they_say() {
        let mut data = Stream::new(1, "data", 0);
        let mut resampling = stream();
        let covered = (0..300)
            .filter(|_| {
                let x: Vec<f64> = (0..30).map(|_| data.normal()).collect();
                let e = bootstrap(&[&x], mean, 300, &mut resampling).unwrap();
                e.low <= 0.0 && 0.0 <= e.high
            })
            .count();
        // Percentile intervals of 30 values cover about 93 %; the count's standard deviation is 1.5 %.
        assert!((264..=294).contains(&covered), "{covered} of 300");
    }

    #[test]
    fn the_same_stream_gives_the_same_interval() {
        let x = [0.1, 0.9, 0.4, 0.8, 0.7];
        let interval = || bootstrap(&[&x], interquartile_mean, 500, &mut stream());
        assert_eq!(interval(), interval());
    }

    #[test]
    fn area_under_a_curve_is_that_of_its_trapezoids() {
        assert_eq!(area_under_curve(&[(0.0, 0.0), (1.0, 1.0), (3.0, 1.0)]), Some(2.5));
        assert_eq!(area_under_curve(&[(0.0, 1.0)]), None);
        assert_eq!(area_under_curve(&[(1.0, 1.0), (0.0, 1.0)]), None);
    }

    #[test]
    fn success_has_to_last_three_evaluations() {
        let s = Some;
        let relapse = [
            (1, s(0.9)),
            (2, s(0.8)),
            (3, s(0.7)),
            (4, s(0.8)),
            (5, s(1.0)),
            (6, s(0.8)),
        ];
        assert_eq!(steps_to_success(&relapse), Some(4));
        assert_eq!(steps_to_success(&relapse[..5]), None);
        let sparse = [(1, s(0.8)), (2, None), (3, s(0.9)), (4, None), (5, s(0.8))];
        assert_eq!(
            steps_to_success(&sparse),
            Some(1),
            "iterations without an evaluation are passed over"
        );
    }

    #[test]
    fn seeds_that_never_solve_count_as_infinitely_slow() {
        assert_eq!(median_steps(&[Some(10), None, Some(30)]), Some(30.0));
        assert_eq!(median_steps(&[Some(10), Some(20)]), Some(15.0));
        assert_eq!(median_steps(&[Some(10), None, None]), None);
        assert_eq!(median_steps(&[Some(10), None]), None);
        assert_eq!(median_steps(&[]), None);
    }

    #[test]
    fn a_mean_has_students_interval() {
        // deviation √2.5, five values: 2.776 √(2.5 / 5)
        let found = mean_interval(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(found.value, 3.0);
        assert!((found.high - 3.0 - 2.776 * 0.5f64.sqrt()).abs() < 1e-12);
        assert!(mean_interval(&[1.0]).unwrap().low.is_infinite());
        assert_eq!(mean_interval(&[]), None);
    }
}
