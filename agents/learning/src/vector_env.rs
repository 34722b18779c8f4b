//! The vectorised environment. Its lanes are copies of a problem that run side by side, each with its own random numbers and its own design.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tandem_core::{Fidelity, Hardware, Problem, ProblemError, Spec, Stream};
use thiserror::Error;

use crate::archive::{Archive, ArchiveError};
use crate::kernel::Scratch;

/// Where designs come from: asked by each lane at the start of every episode.
pub trait DesignSource: Sync {
    /// Writes the logits of the episode's design; random ones draw from the lane's `stream`.
    fn draw(&self, stream: &mut Stream, logits: &mut [f64]);
}

/// What can be wrong with stored lanes.
#[derive(Debug, Error)]
pub enum LanesError {
    /// The archive does not fit.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A problem refuses its stored state.
    #[error("lane {lane}: {source}")]
    Problem {
        /// Number of the lane.
        lane: usize,
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
    fn new(spec: &Spec, hardware: &dyn Hardware) -> Self {
        let zeros = |n| vec![0.0; n];
        Self {
            observation: zeros(spec.observation.len()),
            normalised: zeros(spec.observation.len()),
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

/// One copy of the problem.
pub struct Lane {
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

impl Lane {
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

    fn load(&mut self, archive: &Archive, prefix: &str, lane: usize) -> Result<(), LanesError> {
        (self.stream, self.running, self.episode) = archive.get_json(&format!("{prefix}.state"))?;
        let d = self.logits.len();
        let numbers = archive.get_f64_len(&format!("{prefix}.numbers"), 2 * d + 1)?;
        self.logits.copy_from_slice(&numbers[..d]);
        self.values.copy_from_slice(&numbers[d..2 * d]);
        self.total_return = numbers[2 * d];
        self.noise = archive.get_f32_len(&format!("{prefix}.noise"), self.noise.len())?;
        if self.episode.is_some() {
            let bytes = archive.get_bytes(&format!("{prefix}.problem"))?;
            let wrap = |source| LanesError::Problem { lane, source };
            self.problem.load(bytes).map_err(wrap)?;
        }
        Ok(())
    }
}

/// All lanes.
pub struct Lanes {
    pub(crate) lanes: Vec<Lane>,
    pub(crate) hardware: Arc<dyn Hardware>,
    spec: Spec,
}

impl Lanes {
    /// `count` fresh copies of the prototype; lane `i` draws from the stream `(seed, stream_name, i)`.
    pub fn new(prototype: &dyn Problem, count: usize, seed: u64, stream_name: &str) -> Self {
        let (hardware, spec) = (prototype.hardware(), prototype.spec().clone());
        let designs = hardware.space().len();
        let lane = |index| Lane {
            problem: prototype.fresh(),
            stream: Stream::new(seed, stream_name, index as u64),
            logits: vec![0.0; designs],
            values: vec![0.0; designs],
            running: Running::default(),
            total_return: 0.0,
            noise: vec![0.0; hardware.task_effects()],
            episode: None,
            buffers: Buffers::new(&spec, &*hardware),
        };
        Self {
            lanes: (0..count).map(lane).collect(),
            hardware,
            spec,
        }
    }

    /// Number of lanes.
    pub fn len(&self) -> usize {
        self.lanes.len()
    }

    /// Whether there are no lanes.
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Sizes, names and units of the problem.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The hardware model.
    pub fn hardware(&self) -> &Arc<dyn Hardware> {
        &self.hardware
    }

    /// Drops all running episodes: every lane starts a new one at its next step.
    pub fn restart(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.episode = None);
    }

    /// Stores every lane, its running episode included, under `prefix`.
    pub fn save(&self, archive: &mut Archive, prefix: &str) {
        archive.put_json(&format!("{prefix}.count"), &self.lanes.len());
        for (index, lane) in self.lanes.iter().enumerate() {
            lane.save(archive, &format!("{prefix}.{index}"));
        }
    }

    /// Loads what [`Lanes::save`] stored: the episodes continue exactly.
    ///
    /// # Errors
    /// Missing entries, another number of lanes, a state of another problem. Lanes are then in an undefined
    /// (but usable) state: [`Lanes::restart`] them.
    pub fn load(&mut self, archive: &Archive, prefix: &str) -> Result<(), LanesError> {
        let name = format!("{prefix}.count");
        let (got, expected) = (archive.get_json(&name)?, self.lanes.len());
        if got != expected {
            return Err(ArchiveError::Length { name, expected, got }.into());
        }
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            lane.load(archive, &format!("{prefix}.{index}"), index)?;
        }
        Ok(())
    }
}
