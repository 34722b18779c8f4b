//! `cma`: CMA-ES over designs, a stretch of PPO for each candidate.
//!
//! The classical outer loop (the baseline of HWasP and MORPH). Two options make it stronger: a warm start
//! (the policy goes on from candidate to candidate instead of starting from scratch), and successive halving
//! (short stretches first, longer ones only for the better half).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tandem_core::Stream;
use tandem_core::design::LOGIT_LIMIT;

use super::outer::Inner;
use super::{Constant, Context, DesignOptimizer, MethodError, MethodSettings, PolicyChange, Setup, read, within};
use crate::archive::{Archive, ArchiveError};
use crate::cma_es::CmaEs;
use crate::rollout::{DesignSource, Rollout};

/// Settings of [`Cma`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CmaSettings {
    /// Candidates per generation.
    pub population: usize,
    /// Step size at the start, in logits.
    pub sigma: f64,
    /// Iterations of PPO per candidate (per rung with successive halving).
    pub inner_iterations: usize,
    /// The policy goes on from candidate to candidate.
    pub warm_start: bool,
    /// The better half of the candidates gets another stretch, until two are left.
    pub halving: bool,
}

impl Default for CmaSettings {
    fn default() -> Self {
        Self {
            population: 8,
            sigma: 1.0,
            inner_iterations: 1,
            warm_start: true,
            halving: false,
        }
    }
}

impl MethodSettings for CmaSettings {}

/// CMA-ES around PPO.
pub struct Cma {
    settings: CmaSettings,
    search: CmaEs,
    stream: Stream,
    points: Vec<Vec<f64>>,
    /// Last rung reached and score there, per candidate.
    scores: Vec<(usize, f64)>,
    /// Candidates still to be tested in this rung come after `position`.
    active: Vec<usize>,
    position: usize,
    rung: usize,
    generation: u64,
    inner: Inner,
}

impl Cma {
    /// The method from an experiment.
    ///
    /// # Errors
    /// Settings out of range; nothing to design.
    pub fn new(setup: &Setup) -> Result<Self, MethodError> {
        let settings: CmaSettings = read(setup.settings)?;
        within("population", settings.population, [4, 10_000])?;
        within("sigma", settings.sigma, [1e-6, LOGIT_LIMIT])?;
        Inner::check(settings.inner_iterations)?;
        setup.check_designs("cma")?;
        let mut stream = Stream::new(setup.seed, "cma", 0);
        let mut search = CmaEs::new(&setup.start, settings.sigma, settings.population, LOGIT_LIMIT);
        Ok(Self {
            points: search.ask(&mut stream),
            scores: vec![(0, f64::NEG_INFINITY); settings.population],
            active: (0..settings.population).collect(),
            position: 0,
            rung: 0,
            generation: 0,
            inner: Inner::default(),
            settings,
            search,
            stream,
        })
    }

    fn current(&self) -> usize {
        self.active.get(self.position).copied().unwrap_or(0)
    }

    /// Logits of the candidate under test.
    fn candidate(&self) -> &[f64] {
        &self.points[self.current()]
    }

    /// Candidates from best to worst: a later rung beats an earlier one, then the score decides.
    fn ranking(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.points.len()).collect();
        order.sort_by(|&a, &b| {
            let (x, y) = (self.scores[a], self.scores[b]);
            y.0.cmp(&x.0).then(y.1.total_cmp(&x.1)).then(a.cmp(&b))
        });
        order
    }

    /// Ends a rung: the better half goes on, or the generation ends. True when a new generation begins.
    fn end_rung(&mut self) -> bool {
        let order = self.ranking();
        self.position = 0;
        if self.settings.halving && self.active.len() > 2 {
            let half = self.active.len() / 2;
            self.active = order[..half].to_vec();
            self.rung += 1;
            return false;
        }
        let mut costs = vec![0.0; order.len()];
        for (rank, &candidate) in order.iter().enumerate() {
            costs[candidate] = rank as f64; // CMA-ES uses ranks only
        }
        self.search.tell(&costs);
        self.points = self.search.ask(&mut self.stream);
        self.scores.fill((0, f64::NEG_INFINITY));
        self.active = (0..self.points.len()).collect();
        self.rung = 0;
        self.generation += 1;
        true
    }
}

impl DesignOptimizer for Cma {
    /// A policy that has met all candidates is delivered with the search's mean, its best guess; one that was
    /// trained for a candidate alone, with that candidate.
    fn design(&self) -> Vec<f64> {
        match self.settings.warm_start {
            true => self.search.mean(),
            false => self.candidate().to_vec(),
        }
    }

    fn source(&self) -> Box<dyn DesignSource> {
        Box::new(Constant(self.candidate().to_vec()))
    }

    fn update(&mut self, rollout: &Rollout, context: &mut Context) -> Result<PolicyChange, MethodError> {
        if context.frozen {
            return Ok(PolicyChange::Keep);
        }
        let Some(score) = self.inner.add(rollout, self.settings.inner_iterations) else {
            return Ok(PolicyChange::Keep);
        };
        let tested = self.current();
        self.scores[tested] = (self.rung, score);
        self.position += 1;
        let fresh_generation = self.position == self.active.len() && self.end_rung();
        Ok(match (self.settings.warm_start, self.settings.halving) {
            (true, _) => PolicyChange::Next,
            (false, true) => PolicyChange::Swap {
                store: (!fresh_generation).then_some(tested),
                load: (self.rung > 0).then_some(self.current()),
            },
            (false, false) => PolicyChange::Restart,
        })
    }

    fn report(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("generation", self.generation as f64),
            ("cma_sigma", self.search.sigma()),
        ]
    }

    fn save(&self, archive: &mut Archive) {
        self.search.save(archive, "cma");
        archive.put_json("cma.stream", &self.stream);
        let flat: Vec<f64> = self.points.iter().flatten().copied().collect();
        archive.put_f64("cma.points", &flat);
        let scores: Vec<f64> = self.scores.iter().map(|s| s.1).collect();
        let rungs: Vec<f64> = self.scores.iter().map(|s| s.0 as f64).collect();
        archive.put_f64("cma.scores", &scores);
        archive.put_f64("cma.rungs", &rungs);
        let active: Vec<f64> = self.active.iter().map(|&i| i as f64).collect();
        archive.put_f64("cma.active", &active);
        let counts = [self.position as f64, self.rung as f64, self.generation as f64];
        archive.put_f64("cma.counts", &counts);
        self.inner.save(archive, "cma");
    }

    fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        let (p, d) = (self.points.len(), self.points[0].len());
        self.search.load(archive, "cma")?;
        self.stream = archive.get_json("cma.stream")?;
        let flat = archive.get_f64_len("cma.points", p * d)?;
        self.points = flat.chunks(d).map(<[f64]>::to_vec).collect();
        let scores = archive.get_any_f64_len("cma.scores", p)?;
        let rungs = archive.get_f64_len("cma.rungs", p)?;
        self.scores = rungs.iter().map(|&r| r as usize).zip(scores).collect();
        let active = archive.get_f64("cma.active")?;
        self.active = active.iter().map(|&i| (i as usize).min(p - 1)).collect();
        let counts = archive.get_f64_len("cma.counts", 3)?;
        self.position = counts[0] as usize;
        self.rung = counts[1] as usize;
        self.generation = counts[2] as u64;
        self.inner.load(archive, "cma")
    }
}
