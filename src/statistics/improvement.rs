//! The probability of improvement (Agarwal et al. 2021, section 4.3).

use tandem_core::Stream;

use super::{Estimate, mean, percentile_interval, redraw};

/// The probability that a run of method `x` scores better than one of method `y`, ties counted half: the
/// Mann-Whitney statistic over all pairs of seeds.
pub fn probability_of_improvement(x: &[f64], y: &[f64]) -> Option<f64> {
    let score = |a: f64, b: f64| f64::from(u8::from(a > b)) + 0.5 * f64::from(u8::from(a == b));
    let wins: f64 = x.iter().flat_map(|&a| y.iter().map(move |&b| score(a, b))).sum();
    let pairs = x.len() * y.len();
    (pairs > 0).then(|| wins / pairs as f64)
}

/// The mean over tasks of [`probability_of_improvement`], with its stratified bootstrap interval: the seeds of both
/// methods are redrawn within each task.
///
/// `tasks` holds the scores of `x` and of `y` on each task. `None` without tasks, or where one has no score.
pub fn improvement(tasks: &[(&[f64], &[f64])], resamples: usize, stream: &mut Stream) -> Option<Estimate> {
    let each: Option<Vec<f64>> = tasks.iter().map(|(x, y)| probability_of_improvement(x, y)).collect();
    let value = mean(&each?)?;
    let mut resample = || {
        let mut redrawn =
            |(x, y): &(&[f64], &[f64])| probability_of_improvement(&redraw(x, stream), &redraw(y, stream));
        let each: Option<Vec<f64>> = tasks.iter().map(&mut redrawn).collect();
        mean(&each?)
    };
    let redrawn: Option<Vec<f64>> = (0..resamples).map(|_| resample()).collect();
    percentile_interval(value, &redrawn?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Stream {
        Stream::new(0, "bootstrap", 0)
    }

    #[test]
    fn probability_of_improvement_counts_pairs() {
        // Of the six pairs x wins four and ties one.
        assert_eq!(
            probability_of_improvement(&[1.0, 3.0], &[0.0, 1.0, 2.0]),
            Some(4.5 / 6.0)
        );
        assert_eq!(probability_of_improvement(&[], &[1.0]), None);
        let (x, y): (&[f64], &[f64]) = (&[0.9, 1.0, 0.95], &[0.1, 0.2, 0.0]);
        let surely = improvement(&[(x, y)], 200, &mut stream()).unwrap();
        assert_eq!((surely.value, surely.low, surely.high), (1.0, 1.0, 1.0));
        let (there, back) = (probability_of_improvement(x, y), probability_of_improvement(y, x));
        assert_eq!(there.unwrap() + back.unwrap(), 1.0);
    }

    #[test]
    fn tasks_count_alike_however_many_seeds_they_have() {
        let won: (&[f64], &[f64]) = (&[1.0; 9], &[0.0; 9]);
        let lost: (&[f64], &[f64]) = (&[0.0], &[1.0]);
        let found = improvement(&[won, lost], 50, &mut stream()).unwrap();
        assert_eq!((found.value, found.low, found.high), (0.5, 0.5, 0.5));
        assert_eq!(improvement(&[won, (&[], &[1.0])], 50, &mut stream()), None);
        assert_eq!(improvement(&[], 50, &mut stream()), None);
    }
}
