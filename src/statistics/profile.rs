//! Performance profiles: for every score the share of runs that score more (Dolan and Moré 2002; Agarwal et al. 2021,
//! section 4.2).

use tandem_core::Stream;

use super::{Estimate, percentile_interval, redraw};

/// The share of scores above `score`. `None` without scores.
pub fn share_above(scores: &[f64], score: f64) -> Option<f64> {
    let above = scores.iter().filter(|&&s| s > score).count();
    (!scores.is_empty()).then(|| above as f64 / scores.len() as f64)
}

/// The profile at these `scores`, each with its pointwise stratified bootstrap interval. `strata` as in
/// [`super::bootstrap`]; one resample serves all scores.
pub fn performance_profile(
    strata: &[&[f64]],
    scores: &[f64],
    resamples: usize,
    stream: &mut Stream,
) -> Option<Vec<Estimate>> {
    if strata.iter().any(|runs| runs.is_empty()) {
        return None;
    }
    let all = strata.concat();
    let mut redrawn = vec![Vec::with_capacity(resamples); scores.len()];
    for _ in 0..resamples {
        let resample: Vec<f64> = strata.iter().flat_map(|runs| redraw(runs, stream)).collect();
        for (values, &score) in redrawn.iter_mut().zip(scores) {
            values.push(share_above(&resample, score)?);
        }
    }
    let point = |(values, &score): (&Vec<f64>, &f64)| percentile_interval(share_above(&all, score)?, values);
    redrawn.iter().zip(scores).map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_falls_from_all_runs_to_none() {
        let runs: [&[f64]; 2] = [&[0.2, 0.4], &[0.4, 1.0]];
        let scores = [0.0, 0.2, 0.4, 1.0];
        let mut stream = Stream::new(0, "bootstrap", 0);
        let profile = performance_profile(&runs, &scores, 500, &mut stream).unwrap();
        let values: Vec<f64> = profile.iter().map(|e| e.value).collect();
        assert_eq!(
            values,
            [1.0, 0.75, 0.25, 0.0],
            "a run that scores just so much does not score more"
        );
        assert!(profile.iter().all(|e| e.low <= e.value && e.value <= e.high));
        // Of the first stratum none, one or both runs are above 0.2; of the second one always both.
        assert_eq!((profile[1].low, profile[1].high), (0.5, 1.0));
        assert_eq!(performance_profile(&[&[1.0], &[]], &scores, 10, &mut stream), None);
    }
}
