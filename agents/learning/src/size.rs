//! Bounds on what networks and batches allocate: products of settings, each of which is harmless.

use tandem_core::check::{SettingError, refuse};

/// Most weights of one network: what takes seconds, not minutes, to be made orthogonal, and far more than a policy or a
/// proxy needs.
pub const MOST_WEIGHTS: f64 = 4_194_304.0;
/// Most numbers that one step holds at a time: 2 GiB of single precision, before gradients.
pub const MOST_NUMBERS: f64 = 536_870_912.0;

/// Weights of a perceptron; a float, since the product may exceed every integer.
pub fn weights(inputs: usize, hidden: &[usize], outputs: usize) -> f64 {
    let sizes = [&[inputs], hidden, &[outputs]].concat();
    sizes.windows(2).map(|pair| pair[0] as f64 * pair[1] as f64).sum()
}

/// Numbers of a perceptron's layers for one row.
pub fn activations(hidden: &[usize]) -> f64 {
    hidden.iter().map(|&width| width as f64).sum()
}

/// Refuses `count` `things` of the setting `key` beyond `most`.
///
/// # Errors
/// [`SettingError`] with both numbers.
pub fn at_most(key: &str, count: f64, things: &str, most: f64) -> Result<(), SettingError> {
    if count <= most {
        return Ok(());
    }
    refuse(key, format!("{count:.0} {things}; at most {most:.0} fit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_counted_layer_by_layer() {
        assert_eq!(weights(3, &[4, 5], 2), 12.0 + 20.0 + 10.0);
        assert_eq!(weights(3, &[], 2), 6.0);
        assert!(weights(1, &[usize::MAX, usize::MAX], 1) > 1e38);
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_number() {
        at_most("hidden", MOST_WEIGHTS, "weights", MOST_WEIGHTS).unwrap();
        let error = at_most("hidden", 1e18, "weights", MOST_WEIGHTS).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("1000000000000000000 weights; at most 4194304"), "{text}");
    }
}
