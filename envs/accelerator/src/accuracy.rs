//! How far predictions are from measurements.

/// Errors of predictions, in percent of the measured value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracy {
    /// Number of pairs.
    pub rows: usize,
    /// Mean of |predicted - measured| / measured.
    pub mean_abs_error_percent: f64,
    /// Median of the same.
    pub median_abs_error_percent: f64,
    /// 100 % less |Σ predicted - Σ measured| / Σ measured: the figure of the virtual-models paper
    /// (Klaiber et al., arXiv 1910.11632).
    pub total_accuracy_percent: f64,
}

impl Accuracy {
    /// The accuracy of pairs (predicted, measured), all measured values above 0; `None` without pairs.
    pub fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let mut errors: Vec<f64> = pairs
            .iter()
            .map(|(predicted, measured)| 100.0 * (predicted - measured).abs() / measured)
            .collect();
        if errors.is_empty() {
            return None;
        }
        errors.sort_by(f64::total_cmp);
        let middle = errors.len() / 2;
        let total = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>();
        let (predicted, measured) = (total(|pair| pair.0), total(|pair| pair.1));
        Some(Self {
            rows: errors.len(),
            mean_abs_error_percent: errors.iter().sum::<f64>() / errors.len() as f64,
            median_abs_error_percent: match errors.len() % 2 {
                0 => f64::midpoint(errors[middle - 1], errors[middle]),
                _ => errors[middle],
            },
            total_accuracy_percent: 100.0 - 100.0 * (predicted - measured).abs() / measured,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_both_signs_cancel_in_the_total_only() {
        let accuracy = Accuracy::of(&[(110.0, 100.0), (90.0, 100.0), (200.0, 200.0)]).unwrap();
        assert!((accuracy.mean_abs_error_percent - 20.0 / 3.0).abs() < 1e-12);
        assert!((accuracy.median_abs_error_percent - 10.0).abs() < 1e-12);
        assert_eq!(accuracy.total_accuracy_percent, 100.0);
        assert_eq!(Accuracy::of(&[]), None);
    }
}
