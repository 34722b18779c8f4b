//! The mapping task: state, observation, reward and success.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::config::Settings;
use super::hardware::{AcceleratorHardware, COMMANDS, EFFECTS, FEATURES};
use tandem_core::problem::{
    Channel, CommandSpace, Fidelity, Hardware, NOT_FULL, Problem, ProblemError, Spec, Step,
};
use tandem_core::saved;
use tandem_core::scene::Scene;
use tandem_core::stream::Stream;

/// Weight of a limit's excess, on a logarithmic scale, against the logarithm of the product.
const PENALTY: f32 = 5.0;
/// Effects are cut to this, so that no proxy can break the sums.
const LARGEST: f32 = 20.0;
/// Terms of the reward.
const TERMS: [&str; 4] = ["time", "energy", "area", "power"];

/// What environments of one problem share.
#[derive(Debug)]
pub(super) struct Setup {
    pub settings: Settings,
    pub hardware: Arc<AcceleratorHardware>,
    /// Mean power of the reference, W.
    reference_power: f32,
    spec: Spec,
}

/// What changes during an episode.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// The layers in the order of this episode.
    order: Vec<usize>,
    step: usize,
    /// Time and energy of the network against the reference's; layers that are not mapped yet count as the reference.
    pub time: f32,
    /// See `time`.
    pub energy: f32,
    /// Logarithm of area over its limit.
    pub area: f32,
    /// Time and energy of each layer against the reference, in the order of the network; 1 before it is mapped.
    pub ratios: Vec<[f32; 2]>,
    success: bool,
    terms: [f32; TERMS.len()],
}

/// The accelerator problem; see the module.
pub struct Accelerator {
    pub(super) setup: Arc<Setup>,
    pub(super) state: State,
    pub(super) design: Vec<f64>,
    fidelity: Fidelity,
}

impl State {
    /// The beginning of an episode.
    fn new(order: Vec<usize>, mut ratios: Vec<[f32; 2]>) -> Self {
        ratios.fill([1.0; 2]);
        Self {
            order,
            ratios,
            time: 1.0,
            energy: 1.0,
            ..Self::default()
        }
    }
}

impl Accelerator {
    /// An environment of these settings, to be reset before use.
    ///
    /// # Errors
    /// Settings that make no design space.
    pub fn new(settings: Settings) -> Result<Self, ProblemError> {
        let hardware = Arc::new(AcceleratorHardware::new(&settings)?);
        let spec = spec(&settings);
        Ok(Self::from_setup(Arc::new(Setup {
            reference_power: hardware.reference_power() as f32,
            settings,
            hardware,
            spec,
        })))
    }

    fn from_setup(setup: Arc<Setup>) -> Self {
        let layers = setup.settings.works.len();
        Self {
            state: State::new((0..layers).collect(), vec![[1.0; 2]; layers]),
            design: setup.hardware.space().start(),
            setup,
            fidelity: Fidelity::Effect,
        }
    }

    fn layers(&self) -> usize {
        self.setup.settings.works.len()
    }

    /// The layer to be mapped next.
    fn layer(&self) -> usize {
        self.state.order[self.state.step % self.layers()]
    }

    /// Mean power over its limit, on a logarithmic scale.
    pub(super) fn power(&self) -> f32 {
        let power = self.setup.reference_power * self.state.energy / self.state.time.max(1e-9);
        (power / self.setup.settings.power_limit as f32)
            .max(1e-9)
            .ln()
    }

    /// What the reward is the fall of: logarithms of time and energy, and the power's penalty.
    fn potentials(&self) -> [f32; 3] {
        [
            self.state.time.max(1e-9).ln(),
            self.state.energy.max(1e-9).ln(),
            PENALTY * self.power().max(0.0),
        ]
    }

    /// How many times better than the reference the network's energy-delay product is, once all is mapped.
    pub(super) fn gain(&self) -> f32 {
        1.0 / (self.state.time * self.state.energy).max(1e-12)
    }

    fn true_effect(&self, command: &[f32]) -> [f32; EFFECTS] {
        let mut query = [0.0; 1 + COMMANDS];
        self.query(command, &mut query);
        let mut effect = [0.0; EFFECTS];
        self.setup
            .hardware
            .respond(&self.design, &query, &mut effect);
        effect
    }

    /// Takes a layer's effect into the sums, rewards and judges.
    fn take(&mut self, effect: &[f32]) -> Step {
        if effect.iter().any(|value| !value.is_finite()) {
            self.state.terms = [0.0; TERMS.len()];
            return Step {
                terminated: true,
                success: self.state.success,
                fault: Some("the effect is not finite"),
                ..Step::default()
            };
        }
        let (layer, layers) = (self.layer(), self.layers());
        let own = self.setup.hardware.references()[layer];
        let [time, energy, area] = [0, 1, 2].map(|at: usize| effect[at].clamp(-LARGEST, LARGEST));
        let before = self.potentials();
        let ratios = [time.exp(), energy.exp()];
        self.state.time += own.time_share as f32 * (ratios[0] - 1.0);
        self.state.energy += own.energy_share as f32 * (ratios[1] - 1.0);
        let after = self.potentials();
        let s = &mut self.state;
        s.terms = [
            before[0] - after[0],
            before[1] - after[1],
            -PENALTY * area.max(0.0) / layers as f32,
            before[2] - after[2],
        ];
        s.area = area;
        s.ratios[layer] = ratios;
        s.step += 1;
        let over = s.step >= layers;
        let good = over && self.gain() >= self.setup.settings.target as f32;
        let kept = self.state.area <= 1e-6 && self.power() <= 1e-6;
        self.state.success = good && kept;
        Step {
            reward: self.state.terms.iter().sum(),
            terminated: over,
            truncated: false,
            success: self.state.success,
            fault: None,
        }
    }
}

fn spec(settings: &Settings) -> Spec {
    let mut observation: Vec<Channel> = (1..=FEATURES)
        .map(|at| Channel::new(format!("layer_feature_{at}"), "1"))
        .collect();
    let layers = settings.works.len();
    observation.extend((1..=layers).map(|at| Channel::new(format!("layer_{at}_is_next"), "1")));
    let rest = [
        "progress",
        "log_time",
        "log_energy",
        "log_area",
        "log_power",
    ];
    observation.extend(rest.map(|name| Channel::new(name, "1")));
    let commands = ["pixels", "depth", "filters", "order"];
    Spec {
        name: "accelerator".into(),
        observation,
        command: CommandSpace::Continuous(commands.map(|name| Channel::new(name, "1")).to_vec()),
        reward_terms: TERMS.map(String::from).to_vec(),
        horizon: layers,
        control_dt: 1.0,
    }
}

impl Problem for Accelerator {
    fn spec(&self) -> &Spec {
        &self.setup.spec
    }

    fn hardware(&self) -> Arc<dyn Hardware> {
        self.setup.hardware.clone()
    }

    fn fresh(&self) -> Box<dyn Problem> {
        Box::new(Self::from_setup(self.setup.clone()))
    }

    fn reset(
        &mut self,
        design: &[f64],
        fidelity: Fidelity,
        stream: &mut Stream,
    ) -> Result<(), ProblemError> {
        self.setup.hardware.space().check(design)?;
        self.design.clear();
        self.design.extend_from_slice(design);
        self.fidelity = fidelity;
        // sorted first, so that the episode depends on the stream alone
        let ratios = std::mem::take(&mut self.state.ratios);
        let mut order = std::mem::take(&mut self.state.order);
        order.sort_unstable();
        stream.shuffle(&mut order);
        self.state = State::new(order, ratios);
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        let (own, rest) = out.split_at_mut(FEATURES);
        own.copy_from_slice(self.setup.hardware.layer_features(self.layer()));
        let (places, rest) = rest.split_at_mut(self.layers());
        places.fill(0.0);
        places[self.layer()] = 1.0;
        let s = &self.state;
        let numbers = [
            s.step as f32 / self.layers() as f32,
            s.time.max(1e-9).ln(),
            s.energy.max(1e-9).ln(),
            s.area,
            self.power(),
        ];
        rest.copy_from_slice(&numbers);
    }

    fn query(&self, command: &[f32], out: &mut [f32]) {
        out[0] = self.layer() as f32;
        for (out, value) in out[1..].iter_mut().zip(command) {
            *out = 0.5 * (value.clamp(-1.0, 1.0) + 1.0);
        }
    }

    fn apply(&mut self, _command: &[f32], effect: &[f32]) -> Step {
        self.take(effect)
    }

    fn full_step(&mut self, command: &[f32]) -> Step {
        if self.fidelity != Fidelity::Full {
            self.state.terms = [0.0; TERMS.len()];
            return Step {
                terminated: true,
                fault: Some(NOT_FULL),
                ..Step::default()
            };
        }
        let effect = self.true_effect(command);
        self.take(&effect)
    }

    fn reward_terms(&self, out: &mut [f32]) {
        out.copy_from_slice(&self.state.terms);
    }

    fn save(&self) -> Vec<u8> {
        saved::save(self.fidelity, &self.design, &self.state)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), ProblemError> {
        let name = &self.setup.spec.name;
        let saved = saved::load::<State>(name, self.setup.hardware.space(), bytes)?;
        let layers = self.layers();
        let own = |state: &State| {
            state.ratios.len() == layers
                && state.order.len() == layers
                && state.order.iter().all(|&layer| layer < layers)
                && state.step <= layers
        };
        if !own(&saved.state) {
            return Err(saved::misfit(name, "it is of another network"));
        }
        (self.fidelity, self.design, self.state) = (saved.fidelity, saved.design, saved.state);
        Ok(())
    }

    fn scene(&self) -> Scene {
        super::draw::scene(self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Config;
    use super::*;

    fn problem() -> Accelerator {
        Accelerator::new(Settings::new(&Config::default()).unwrap()).unwrap()
    }

    /// An episode on a random platform: the sum of its rewards.
    fn episode(problem: &mut Accelerator, design: &[f64], seed: u64) -> f32 {
        let mut stream = Stream::new(seed, "episode", 0);
        problem.reset(design, Fidelity::Full, &mut stream).unwrap();
        let mut sum = 0.0;
        loop {
            // the same command for a layer whatever its place in the episode
            let mut own = Stream::new(7, "commands", problem.layer() as u64);
            let command: Vec<f32> = (0..COMMANDS)
                .map(|_| own.uniform(-1.0, 1.0) as f32)
                .collect();
            let step = problem.full_step(&command);
            sum += step.reward;
            if step.terminated {
                return sum;
            }
        }
    }

    #[test]
    fn rewards_add_up_to_what_is_judged_whatever_the_order_of_layers() {
        let mut problem = problem();
        let mut stream = Stream::new(0, "accelerator", 0);
        for _ in 0..50 {
            let design = problem.setup.hardware.space().sample(&mut stream);
            let sum = episode(&mut problem, &design, 1);
            let start = problem.setup.reference_power / problem.setup.settings.power_limit as f32;
            let penalty = |over: f32| PENALTY * over.max(0.0);
            let expected = problem.gain().ln() - penalty(problem.power()) + penalty(start.ln())
                - penalty(problem.state.area);
            let tolerance = 1e-3 * (1.0 + expected.abs());
            assert!((sum - expected).abs() < tolerance, "{sum} {expected}");
            let other = episode(&mut problem, &design, 2);
            assert!((sum - other).abs() < tolerance, "{sum} {other}");
        }
    }
}
