//! The recall task: observation, reward and success.

use std::sync::Arc;

use super::code::{COMMANDS, KEYS, ROWS, VALUES, encode, text};
use super::config::Settings;
use super::hardware::{RecallHardware, WORST, loss, scalers};
use super::state::{Chip, State};
use crate::Head;
use tandem_core::check::refuse;
use tandem_core::{
    Channel, CommandSpace, Environment, Fidelity, Hardware, Outcome, ProblemError, Scene, Spec, Stream, World,
};

/// Logarithms of energies are cut to this, so that no proxy can break the sums.
const LARGEST: f32 = 20.0;
/// Terms of the reward.
const TERMS: [&str; 2] = ["loss", "energy"];

/// The attention problem's world; see the module.
#[derive(Debug)]
pub struct Recall {
    settings: Settings,
    hardware: Arc<RecallHardware>,
}

impl Recall {
    /// An environment of these settings, to be reset before use.
    ///
    /// # Errors
    /// [`ProblemError::Setting`] for a setting out of range.
    pub fn new(settings: Settings) -> Result<Environment<Self>, ProblemError> {
        settings.check()?;
        let hardware = Arc::new(RecallHardware::new(&settings)?);
        Ok(Environment::new(Self { settings, hardware }))
    }

    /// The chip of an episode, new.
    fn chip(&self, design: &[f64], fidelity: Fidelity, seed: u64) -> Result<Option<Chip>, ProblemError> {
        if fidelity == Fidelity::Effect {
            return Ok(None);
        }
        let circuit = self.hardware.circuit(design)?;
        match Head::new(&circuit, scalers(), circuit.decay(), seed) {
            Ok(head) => Ok(Some(Chip { circuit, head })),
            Err(error) => refuse("circuit", error.to_string()),
        }
    }

    /// Takes a token's effect into the sums, rewards and judges.
    fn take(&self, state: &mut State, sent: [f32; COMMANDS], effect: &[f32], terms: &mut [f32]) -> Outcome {
        let tokens = state.tokens.len();
        if state.step >= tokens {
            return Outcome {
                fault: Some("the episode is over"),
                ..Outcome::default()
            };
        }
        let loss = effect[0].clamp(0.0, WORST);
        let energy = effect[1].clamp(-LARGEST, LARGEST);
        state.loss += loss;
        state.energy += energy.exp();
        let costs = [loss, self.settings.energy_weight as f32 * energy];
        terms.copy_from_slice(&costs.map(|t| -t / tokens as f32));
        state.sent.push(sent);
        state.step += 1;
        let over = state.step >= tokens;
        let [loss, energy] = state.means();
        let good = loss <= self.settings.loss_limit as f32;
        let thrifty = energy * self.settings.energy_target as f32 <= 1.0;
        Outcome {
            success: over && good && thrifty,
            terminated: over,
            fault: None,
        }
    }
}

fn spec(settings: &Settings) -> Spec {
    let mut observation = vec![];
    for (what, count) in [("key", KEYS), ("value", VALUES), ("asked", KEYS)] {
        observation.extend((1..=count).map(|at| Channel::new(format!("{what}_{at}"), "1")));
    }
    observation.push(Channel::new("progress", "1"));
    let mut commands = vec![];
    for what in ["query", "key", "value"] {
        commands.extend((1..=ROWS).map(|at| Channel::new(format!("{what}_{at}"), "1")));
    }
    Spec {
        name: "attention".into(),
        observation,
        command: CommandSpace::Continuous(commands),
        reward_terms: TERMS.map(String::from).to_vec(),
        horizon: settings.tokens,
        control_dt: 1.0,
    }
}

impl World for Recall {
    type State = State;

    fn spec(&self) -> Spec {
        spec(&self.settings)
    }

    fn hardware(&self) -> Arc<dyn Hardware> {
        self.hardware.clone()
    }

    /// Losses and costs of a read go into the reward alone; the state is what was sent.
    fn effects_last(&self) -> bool {
        false
    }

    fn start(&self, design: &[f64], fidelity: Fidelity, stream: &mut Stream) -> Result<State, ProblemError> {
        let mut state = State::default();
        let (tokens, reach) = (self.settings.tokens, self.settings.reach);
        text(&mut state.tokens, tokens, reach, stream);
        state.seed = stream.bits();
        state.chip = self.chip(design, fidelity, state.seed)?;
        Ok(state)
    }

    fn observe(&self, state: &State, _design: &[f64], out: &mut [f32]) {
        let (token, asked, _) = state.now();
        out.fill(0.0);
        out[usize::from(token.key)] = 1.0;
        out[KEYS + usize::from(token.value)] = 1.0;
        out[KEYS + VALUES + usize::from(asked)] = 1.0;
        out[2 * KEYS + VALUES] = state.step as f32 / state.tokens.len() as f32;
    }

    fn query(&self, state: &State, command: &[f32], out: &mut [f32]) {
        let (token, asked, right) = state.now();
        let sent = encode(token, asked, command);
        out.fill(0.0);
        out[0] = state.step as f32;
        out[1] = right as f32;
        out[2..2 + COMMANDS].copy_from_slice(&sent);
        let slots = out[2 + COMMANDS..].chunks_exact_mut(2 * ROWS);
        for (slot, before) in slots.zip(state.sent.iter().rev()) {
            slot.copy_from_slice(&before[ROWS..]);
        }
    }

    fn advance(&self, state: &mut State, command: &[f32], effect: &[f32], terms: &mut [f32]) -> Outcome {
        let (token, asked, _) = state.now();
        self.take(state, encode(token, asked, command), effect, terms)
    }

    fn advance_full(&self, state: &mut State, _design: &[f64], command: &[f32], terms: &mut [f32]) -> Option<Outcome> {
        let (token, asked, right) = state.now();
        let sent = encode(token, asked, command);
        let chip = state.chip.as_mut()?;
        let before = *chip.head.statistics();
        let scores = chip.play(&sent);
        let activity = chip.head.statistics().since(&before).activity();
        let [energy, time, area] = self.hardware.costs(&chip.circuit, &activity);
        state.scores = scores;
        let effect = [loss(&scores, right), energy, time, area];
        Some(self.take(state, sent, &effect, terms))
    }

    fn restore(&self, state: &mut State, design: &[f64], fidelity: Fidelity) -> Result<(), String> {
        let tokens = self.settings.tokens;
        let own = state.tokens.len() == tokens
            && state.step <= tokens
            && state.sent.len() == state.step
            && state.tokens.iter().enumerate().all(|(at, token)| {
                usize::from(token.key) < KEYS && usize::from(token.value) < VALUES && usize::from(token.asked) <= at
            });
        if !own {
            return Err("it is of another task".into());
        }
        let chip = self.chip(design, fidelity, state.seed);
        state.chip = chip.map_err(|error| error.to_string())?;
        if let Some(chip) = &mut state.chip {
            for sent in &state.sent {
                chip.play(sent);
            }
        }
        Ok(())
    }

    fn scene(&self, state: &State, design: &[f64]) -> Scene {
        super::draw::scene(state, design)
    }
}

#[cfg(test)]
mod tests {
    use tandem_core::Problem;

    use super::super::hardware::{EFFECTS, QUERY};
    use super::*;

    /// Mean loss and energy of an episode without corrections.
    fn episode(change: impl Fn(&mut [f64]), fidelity: Fidelity) -> [f32; 2] {
        let mut problem = Recall::new(Settings::default()).unwrap();
        let hardware = problem.hardware();
        let mut design = hardware.space().start();
        change(&mut design);
        let mut stream = Stream::new(0, "episode", 0);
        let mut sums = [0.0; 2];
        for _ in 0..20 {
            problem.reset(&design, fidelity, &mut stream).unwrap();
            let mut query = [0.0; QUERY];
            let mut effect = [0.0; EFFECTS];
            loop {
                let step = match fidelity {
                    Fidelity::Full => problem.full_step(&[0.0; COMMANDS]),
                    Fidelity::Effect => {
                        problem.query(&[0.0; COMMANDS], &mut query);
                        hardware.respond(&design, &query, &mut effect);
                        problem.apply(&[0.0; COMMANDS], &effect)
                    }
                };
                if step.terminated {
                    break;
                }
            }
            let means = problem.state().unwrap().means();
            sums = [sums[0] + means[0] / 20.0, sums[1] + means[1] / 20.0];
        }
        sums
    }

    #[test]
    fn too_short_a_window_forgets_and_too_long_a_one_keeps_what_is_no_longer_true() {
        for fidelity in [Fidelity::Effect, Fidelity::Full] {
            // saturations at which the code as it is can be read
            let at = |window: f64| {
                let change = |design: &mut [f64]| {
                    design[0] = window;
                    design[8..10].copy_from_slice(&[30.0, 5.0]);
                };
                episode(change, fidelity)[0]
            };
            let (short, right, long) = (at(4.0), at(6.0), at(12.0));
            assert!(short > 1.5 * right && long > 1.2 * right, "{short} {right} {long}");
        }
    }

    #[test]
    fn fewer_bits_take_less_energy() {
        let at = |bits: f64| episode(|design| design[2] = bits, Fidelity::Full)[1];
        let (less, start) = (at(2.0), at(4.0));
        assert!(less < 0.6 * start && start < 2.0, "{less} {start}");
    }
}
