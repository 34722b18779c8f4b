//! The vectorised environment: copies of a problem that run side by side, each with its own random numbers and its own
//! design. Experiments call them lanes (`rollout.lanes`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tandem_core::{Fidelity, Hardware, Problem, ProblemError, Spec, Stream};
use thiserror::Error;

use crate::archive::{Archive, ArchiveError};
use crate::kernel::Scratch;

/// Where designs come from: asked by each environment at the start of every episode.
pub trait DesignSource: Sync {
    /// Writes the logits of the episode's design; random ones draw from the environment's `stream`.
    fn draw(&self, stream: &mut Stream, logits: &mut [f64]);
}

/// What can be wrong with stored environments.
#[derive(Debug, Error)]
pub enum VecEnvError {
    /// The archive does not fit.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A problem refuses its stored state.
    #[error("environment {env}: {source}")]
    Problem {
        /// Number of the environment.
        env: usize,
        /// Why.
        source: ProblemError,
    },
}

/// Statistics of the running episode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Running {
    pub steps: usize,
    /// Whether the task's criterion was met so far.
    pub success: bool,
    /// The critic's value of the first observation.
    pub start_value: f32,
}

/// Buffers for one step, so that stepping allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// What the policy sees: the observation and, where it sees it, the design.
    pub observation: Vec<f32>,
    pub normalised: Vec<f32>,
    /// The command as the problem sees it.
    pub command: Vec<f32>,
    pub query: Vec<f32>,
    pub features: Vec<f32>,
    pub effect: Vec<f32>,
    /// What is new in the noise.
    pub fresh: Vec<f32>,
    pub terms: Vec<f32>,
    pub scratch: Scratch,
}

impl Buffers {
    fn new(spec: &Spec, hardware: &dyn Hardware, designs: usize) -> Self {
        let zeros = |n| vec![0.0; n];
        Self {
            observation: zeros(spec.observation.len() + designs),
            normalised: zeros(spec.observation.len() + designs),
            command: zeros(spec.command.len()),
            query: zeros(hardware.query_channels().len()),
            features: zeros(hardware.feature_len()),
            effect: zeros(hardware.effect_channels().len()),
            fresh: zeros(hardware.task_effects()),
            terms: zeros(spec.reward_terms.len()),
            scratch: Scratch::default(),
        }
    }
}

/// One of them: a copy of the problem.
pub struct SubEnv {
    pub(crate) problem: Box<dyn Problem>,
    pub(crate) stream: Stream,
    /// Logits of the design in force.
    pub(crate) logits: Vec<f64>,
    /// The design in force, in its parameters' units.
    pub(crate) values: Vec<f64>,
    pub(crate) running: Running,
    pub(crate) total_return: f64,
    /// Noise on the task effects, in standard deviations.
    pub(crate) noise: Vec<f32>,
    /// How the running episode is moved; none when the next step has to start one.
    pub(crate) episode: Option<Fidelity>,
    pub(crate) buffers: Buffers,
}

impl SubEnv {
    /// Starts an episode with a newly drawn design.
    pub(crate) fn begin(
        &mut self,
        fidelity: Fidelity,
        source: &dyn DesignSource,
        hardware: &dyn Hardware,
    ) -> Result<(), ProblemError> {
        source.draw(&mut self.stream, &mut self.logits);
        hardware.space().values_into(&self.logits, &mut self.values);
        self.problem.reset(&self.values, fidelity, &mut self.stream)?;
        self.running = Running::default();
        self.total_return = 0.0;
        self.noise.fill(0.0);
        self.episode = Some(fidelity);
        Ok(())
    }

    fn save(&self, archive: &mut Archive, prefix: &str) {
        let state = (&self.stream, self.running, self.episode);
        archive.put_json(&format!("{prefix}.state"), &state);
        let numbers = [&self.logits[..], &self.values, &[self.total_return]].concat();
        archive.put_f64(&format!("{prefix}.numbers"), &numbers);
        archive.put_f32(&format!("{prefix}.noise"), &self.noise);
        if self.episode.is_some() {
            archive.put_bytes(&format!("{prefix}.problem"), &self.problem.save());
        }
    }

    fn load(&mut self, archive: &Archive, prefix: &str, env: usize) -> Result<(), VecEnvError> {
        (self.stream, self.running, self.episode) = archive.get_json(&format!("{prefix}.state"))?;
        let d = self.logits.len();
        let numbers = archive.get_f64_len(&format!("{prefix}.numbers"), 2 * d + 1)?;
        self.logits.copy_from_slice(&numbers[..d]);
        self.values.copy_from_slice(&numbers[d..2 * d]);
        self.total_return = numbers[2 * d];
        self.noise = archive.get_f32_len(&format!("{prefix}.noise"), self.noise.len())?;
        if self.episode.is_some() {
            let bytes = archive.get_bytes(&format!("{prefix}.problem"))?;
            let wrap = |source| VecEnvError::Problem { env, source };
            self.problem.load(bytes).map_err(wrap)?;
        }
        Ok(())
    }
}

/// Environments of one problem, side by side.
pub struct VecEnv {
    pub(crate) envs: Vec<SubEnv>,
    pub(crate) hardware: Arc<dyn Hardware>,
    spec: Spec,
    /// How many numbers of the design the policy sees.
    designs: usize,
}

impl VecEnv {
    /// `count` fresh copies of the prototype; environment `i` draws from the stream `(seed, stream_name, i)`.
    pub fn new(prototype: &dyn Problem, count: usize, seed: u64, stream_name: &str) -> Self {
        let (hardware, spec) = (prototype.hardware(), prototype.spec().clone());
        let designs = hardware.space().len();
        let env = |index| SubEnv {
            problem: prototype.fresh(),
            stream: Stream::new(seed, stream_name, index as u64),
            logits: vec![0.0; designs],
            values: vec![0.0; designs],
            running: Running::default(),
            total_return: 0.0,
            noise: vec![0.0; hardware.task_effects()],
            episode: None,
            buffers: Buffers::new(&spec, &*hardware, 0),
        };
        Self {
            envs: (0..count).map(env).collect(),
            hardware,
            spec,
            designs: 0,
        }
    }

    /// The same for a policy that sees the design of its episode beside the observation.
    #[must_use]
    pub fn with_design(mut self) -> Self {
        self.designs = self.hardware.space().len();
        for env in &mut self.envs {
            env.buffers = Buffers::new(&self.spec, &*self.hardware, self.designs);
        }
        self
    }

    /// Length of what the policy sees.
    pub fn input_len(&self) -> usize {
        self.spec.observation.len() + self.designs
    }

    /// Number of environments.
    pub fn len(&self) -> usize {
        self.envs.len()
    }

    /// Whether there are no environments.
    pub fn is_empty(&self) -> bool {
        self.envs.is_empty()
    }

    /// Sizes, names and units of the problem.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The hardware model.
    pub fn hardware(&self) -> &Arc<dyn Hardware> {
        &self.hardware
    }

    /// Drops all running episodes: every environment starts a new one at its next step.
    pub fn restart(&mut self) {
        self.envs.iter_mut().for_each(|env| env.episode = None);
    }

    /// Stores every environment, its running episode included, under `prefix`.
    pub fn save(&self, archive: &mut Archive, prefix: &str) {
        archive.put_json(&format!("{prefix}.count"), &self.envs.len());
        for (index, env) in self.envs.iter().enumerate() {
            env.save(archive, &format!("{prefix}.{index}"));
        }
    }

    /// Loads what [`VecEnv::save`] stored: the episodes continue exactly.
    ///
    /// # Errors
    /// Missing entries, another number of environments, a state of another problem. Their state is then undefined (but
    /// usable): [`VecEnv::restart`] them.
    pub fn load(&mut self, archive: &Archive, prefix: &str) -> Result<(), VecEnvError> {
        let name = format!("{prefix}.count");
        let (got, expected) = (archive.get_json(&name)?, self.envs.len());
        if got != expected {
            return Err(ArchiveError::Length { name, expected, got }.into());
        }
        for (index, env) in self.envs.iter_mut().enumerate() {
            env.load(archive, &format!("{prefix}.{index}"), index)?;
        }
        Ok(())
    }
}
