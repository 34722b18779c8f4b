//! What the tests share.

/// The middle one of an odd number of values: what is claimed of learning is claimed over seeds, not of one.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
