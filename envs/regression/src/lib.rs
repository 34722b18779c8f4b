//! Regression by Gaussian processes (Rasmussen and Williams 2006), from tens to hundreds of examples.
//!
//! - [`GaussianProcess`]: a function that is learnt once, stored, and asked for its mean (calibrations);
//! - [`Surrogate`]: a cost that is learnt anew after each evaluation, and where it may be lowest (Bayesian optimisation).
//!
//! Both have the squared-exponential kernel `exp(-d² / (2 l²))` with noise on its diagonal; `l` and noise are those of a
//! small grid with the greatest marginal likelihood (chapters 2 and 5).

mod gaussian_process;
mod kernel;
mod surrogate;

pub use gaussian_process::{FitError, GaussianProcess};
pub use surrogate::Surrogate;
