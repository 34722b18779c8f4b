//! Speed of physical machines against bare rapier loops over the same scenes.

use rayon::prelude::*;
use serde::Serialize;

use tandem_core::ProblemError;
use tandem_core::check::SettingError;

/// Control steps per second, all threads together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PhysicsRate {
    /// Threads at work, one world each.
    pub threads: usize,
    /// [`tandem_core::Problem::full_step`]: servos, guards, observation, reward and success.
    pub full: f64,
    /// The same scene, physics steps and servo targets in a loop of nothing but rapier.
    pub bare: f64,
    /// Physics steps in a control step.
    pub substeps: usize,
}

impl PhysicsRate {
    /// Lets `seconds`, the time that a thread spends on `steps` control steps in the full and in the bare loop, run on so
    /// many threads at once. All do the same work, so that the rate of more threads compares with that of one.
    ///
    /// # Errors
    /// Threads that cannot be started, and what `seconds` refuses.
    pub fn measure(
        steps: usize,
        substeps: usize,
        threads: usize,
        seconds: impl Fn() -> Result<[f64; 2], ProblemError> + Sync,
    ) -> Result<Self, ProblemError> {
        let threads = threads.max(1);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool
            .build()
            .map_err(|error| SettingError::new("threads", error.to_string()))?;
        let spent: Result<Vec<[f64; 2]>, ProblemError> =
            pool.install(|| (0..threads).into_par_iter().map(|_| seconds()).collect());
        let spent = spent?;
        let rate = |loop_: usize| spent.iter().map(|s| steps as f64 / s[loop_]).sum();
        Ok(Self {
            threads,
            full: rate(0),
            bare: rate(1),
            substeps,
        })
    }
}
