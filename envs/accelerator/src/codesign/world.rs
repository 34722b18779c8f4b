//! The mapping task: observation, reward and success.

use std::sync::Arc;

use super::config::Settings;
use super::hardware::{AcceleratorHardware, FEATURES};
use super::state::State;
use tandem_core::{
    Channel, CommandSpace, Environment, Fidelity, Hardware, Outcome, ProblemError, Scene, Spec, Stream, World,
};

/// Weight of a limit's excess, on a logarithmic scale, against the logarithm of the product.
const PENALTY: f32 = 5.0;
/// Effects are cut to this, so that no proxy can break the sums.
const LARGEST: f32 = 20.0;
/// Terms of the reward.
const TERMS: [&str; 4] = ["time", "energy", "area", "power"];

/// The accelerator problem's world; see the module.
#[derive(Debug)]
pub struct Accelerator {
    settings: Settings,
    hardware: Arc<AcceleratorHardware>,
    /// Mean power of the reference, W.
    reference_power: f32,
}

impl Accelerator {
    /// An environment of these settings, to be reset before use.
    ///
    /// # Errors
    /// Settings that make no design space.
    pub fn new(settings: Settings) -> Result<Environment<Self>, ProblemError> {
        let hardware = Arc::new(AcceleratorHardware::new(&settings)?);
        Ok(Environment::new(Self {
            reference_power: hardware.reference_power() as f32,
            settings,
            hardware,
        }))
    }

    fn layers(&self) -> usize {
        self.settings.works.len()
    }

    /// Mean power over its limit, on a logarithmic scale.
    pub(super) fn power(&self, state: &State) -> f32 {
        let power = self.reference_power * state.energy / state.time.max(1e-9);
        (power / self.settings.power_limit as f32).max(1e-9).ln()
    }

    /// What the reward is the fall of: logarithms of time and energy, and the power's penalty.
    fn potentials(&self, state: &State) -> [f32; 3] {
        [
            state.time.max(1e-9).ln(),
            state.energy.max(1e-9).ln(),
            PENALTY * self.power(state).max(0.0),
        ]
    }
}

fn spec(settings: &Settings) -> Spec {
    let mut observation: Vec<Channel> = (1..=FEATURES)
        .map(|at| Channel::new(format!("layer_feature_{at}"), "1"))
        .collect();
    let layers = settings.works.len();
    observation.extend((1..=layers).map(|at| Channel::new(format!("layer_{at}_is_next"), "1")));
    let rest = ["progress", "log_time", "log_energy", "log_area", "log_power"];
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

impl World for Accelerator {
    type State = State;

    fn spec(&self) -> Spec {
        spec(&self.settings)
    }

    fn hardware(&self) -> Arc<dyn Hardware> {
        self.hardware.clone()
    }

    fn start(&self, _design: &[f64], _fidelity: Fidelity, stream: &mut Stream) -> Result<State, ProblemError> {
        let mut order: Vec<usize> = (0..self.layers()).collect();
        stream.shuffle(&mut order);
        Ok(State {
            order,
            step: 0,
            time: 1.0,
            energy: 1.0,
            area: 0.0,
            ratios: vec![[1.0; 2]; self.layers()],
        })
    }

    fn observe(&self, state: &State, _design: &[f64], out: &mut [f32]) {
        let (own, rest) = out.split_at_mut(FEATURES);
        own.copy_from_slice(self.hardware.layer_features(state.layer()));
        let (places, rest) = rest.split_at_mut(self.layers());
        places.fill(0.0);
        places[state.layer()] = 1.0;
        let numbers = [
            state.step as f32 / self.layers() as f32,
            state.time.max(1e-9).ln(),
            state.energy.max(1e-9).ln(),
            state.area,
            self.power(state),
        ];
        rest.copy_from_slice(&numbers);
    }

    fn query(&self, state: &State, command: &[f32], out: &mut [f32]) {
        out[0] = state.layer() as f32;
        for (out, value) in out[1..].iter_mut().zip(command) {
            *out = 0.5 * (value.clamp(-1.0, 1.0) + 1.0);
        }
    }

    fn advance(&self, state: &mut State, _command: &[f32], effect: &[f32], terms: &mut [f32]) -> Outcome {
        let (layer, layers) = (state.layer(), self.layers());
        let own = self.hardware.references()[layer];
        let [time, energy, area] = [0, 1, 2].map(|at: usize| effect[at].clamp(-LARGEST, LARGEST));
        let before = self.potentials(state);
        let ratios = [time.exp(), energy.exp()];
        state.time += own.time_share as f32 * (ratios[0] - 1.0);
        state.energy += own.energy_share as f32 * (ratios[1] - 1.0);
        let after = self.potentials(state);
        terms.copy_from_slice(&[
            before[0] - after[0],
            before[1] - after[1],
            -PENALTY * area.max(0.0) / layers as f32,
            before[2] - after[2],
        ]);
        state.area = area;
        state.ratios[layer] = ratios;
        state.step += 1;
        let over = state.step >= layers;
        let good = over && state.gain() >= self.settings.target as f32;
        let kept = state.area <= 1e-6 && self.power(state) <= 1e-6;
        Outcome {
            success: good && kept,
            terminated: over,
            fault: None,
        }
    }

    fn restore(&self, state: &mut State, _: &[f64], _: Fidelity) -> Result<(), String> {
        let layers = self.layers();
        let own = state.ratios.len() == layers
            && state.order.len() == layers
            && state.order.iter().all(|&layer| layer < layers)
            && state.step <= layers;
        match own {
            true => Ok(()),
            false => Err("it is of another network".into()),
        }
    }

    fn scene(&self, state: &State, design: &[f64]) -> Scene {
        super::draw::scene(state, design, self.power(state))
    }
}

#[cfg(test)]
mod tests {
    use tandem_core::Problem;

    use super::super::config::Config;
    use super::super::hardware::COMMANDS;
    use super::*;

    fn problem() -> Environment<Accelerator> {
        Accelerator::new(Settings::new(&Config::default()).unwrap()).unwrap()
    }

    /// An episode on a random platform: the sum of its rewards.
    fn episode(problem: &mut Environment<Accelerator>, design: &[f64], seed: u64) -> f32 {
        let mut stream = Stream::new(seed, "episode", 0);
        problem.reset(design, Fidelity::Full, &mut stream).unwrap();
        let mut sum = 0.0;
        loop {
            // the same command for a layer whatever its place in the episode
            let layer = problem.state().unwrap().layer();
            let mut own = Stream::new(7, "commands", layer as u64);
            let command: Vec<f32> = (0..COMMANDS).map(|_| own.uniform(-1.0, 1.0) as f32).collect();
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
            let design = problem.hardware().space().sample(&mut stream);
            let sum = episode(&mut problem, &design, 1);
            let (world, state) = (problem.world(), problem.state().unwrap());
            let start = world.reference_power / world.settings.power_limit as f32;
            let penalty = |over: f32| PENALTY * over.max(0.0);
            let expected = state.gain().ln() - penalty(world.power(state)) + penalty(start.ln()) - penalty(state.area);
            let tolerance = 1e-3 * (1.0 + expected.abs());
            assert!((sum - expected).abs() < tolerance, "{sum} {expected}");
            let other = episode(&mut problem, &design, 2);
            assert!((sum - other).abs() < tolerance, "{sum} {other}");
        }
    }
}
