//! Episodes as problems store them, where an episode is its fidelity, its design and a state of plain numbers.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::design::{Design, DesignSpace};
use crate::problem::{Fidelity, ProblemError};

/// An episode as it is stored.
#[derive(Serialize, Deserialize)]
pub struct Saved<D, S> {
    /// How the episode runs.
    pub fidelity: Fidelity,
    /// Values of its design.
    pub design: D,
    /// The rest.
    pub state: S,
}

/// Bytes of an episode.
pub fn save<S: Serialize>(fidelity: Fidelity, design: &[f64], state: &S) -> Vec<u8> {
    let saved = Saved {
        fidelity,
        design,
        state,
    };
    postcard::to_stdvec(&saved).expect("plain data always serialises")
}

/// The episode of these bytes, its design inside `space`; the state is for the problem to check.
///
/// # Errors
/// Bytes of something else, a design outside the space.
pub fn load<S: DeserializeOwned>(
    problem: &str,
    space: &DesignSpace,
    bytes: &[u8],
) -> Result<Saved<Design, S>, ProblemError> {
    let read = postcard::take_from_bytes::<Saved<Design, S>>(bytes);
    let (saved, rest) = read.map_err(|error| misfit(problem, error.to_string()))?;
    if !rest.is_empty() {
        return Err(misfit(problem, format!("{} bytes are left over", rest.len())));
    }
    space.check(&saved.design)?;
    Ok(saved)
}

/// A saved state that is not this problem's.
pub fn misfit(problem: &str, reason: impl Into<String>) -> ProblemError {
    ProblemError::State {
        problem: problem.into(),
        reason: reason.into(),
    }
}
