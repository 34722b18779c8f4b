//! The recall task: state, observation, reward and success.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::code::{COMMANDS, KEYS, ROWS, Token, VALUES, encode, text};
use super::config::Settings;
use super::hardware::{EFFECTS, RecallHardware, WORST, loss, scalers};
use crate::{GainCell, Head};
use tandem_core::check::refuse;
use tandem_core::problem::{
    Channel, CommandSpace, Fidelity, Hardware, NOT_FULL, Problem, ProblemError, Spec, Step,
};
use tandem_core::saved;
use tandem_core::scene::Scene;
use tandem_core::stream::Stream;

/// Logarithms of energies are cut to this, so that no proxy can break the sums.
const LARGEST: f32 = 20.0;
/// Terms of the reward.
const TERMS: [&str; 2] = ["loss", "energy"];

/// What environments of one problem share.
#[derive(Debug)]
pub(super) struct Setup {
    pub settings: Settings,
    pub hardware: Arc<RecallHardware>,
    spec: Spec,
}

/// What changes during an episode.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// The episode's text.
    pub tokens: Vec<Token>,
    /// Tokens that have been answered.
    pub step: usize,
    /// What has gone to the hardware: query, key and value of each token.
    pub sent: Vec<[f32; COMMANDS]>,
    /// The latest scores, nat, where the chip has given them.
    pub scores: [f32; VALUES],
    /// Sum of the losses so far, nat.
    loss: f32,
    /// Sum of energies over the reference so far.
    energy: f32,
    /// Seed of the chip.
    chip: u64,
    terms: [f32; TERMS.len()],
}

/// A circuit as it was made, cell for cell.
struct Chip {
    circuit: GainCell,
    head: Head,
}

impl Chip {
    /// Sends a token to the head; its scores, nat.
    fn play(&mut self, sent: &[f32; COMMANDS]) -> [f32; VALUES] {
        let numbers = sent.map(f64::from);
        let (query, rest) = numbers.split_at(ROWS);
        let (key, value) = rest.split_at(ROWS);
        let scores = self.head.step(query, key, value);
        std::array::from_fn(|at| scores[at] as f32)
    }
}

/// The attention problem; see the module.
pub struct Recall {
    pub(super) setup: Arc<Setup>,
    pub(super) state: State,
    design: Vec<f64>,
    fidelity: Fidelity,
    /// The chip of an episode in full fidelity.
    chip: Option<Chip>,
}

impl Recall {
    /// An environment of these settings, to be reset before use.
    ///
    /// # Errors
    /// Settings that make no design space.
    pub fn new(settings: Settings) -> Result<Self, ProblemError> {
        let hardware = Arc::new(RecallHardware::new(&settings)?);
        let spec = spec(&settings);
        Ok(Self::from_setup(Arc::new(Setup {
            settings,
            hardware,
            spec,
        })))
    }

    fn from_setup(setup: Arc<Setup>) -> Self {
        let mut stream = Stream::new(0, "recall", 0);
        let mut state = State::default();
        text(
            &mut state.tokens,
            setup.settings.tokens,
            setup.settings.reach,
            &mut stream,
        );
        Self {
            design: setup.hardware.space().start(),
            state,
            setup,
            fidelity: Fidelity::Effect,
            chip: None,
        }
    }

    /// The token to be answered next, the key that it asks for and the right value; the last one after the end.
    fn now(&self) -> (Token, u8, usize) {
        let at = self.state.step.min(self.state.tokens.len() - 1);
        let token = self.state.tokens[at];
        let key = self.state.tokens[at - usize::from(token.asked)].key;
        (token, key, self.right(at))
    }

    /// The value that token `at` asks for.
    pub(super) fn right(&self, at: usize) -> usize {
        let token = self.state.tokens[at];
        usize::from(self.state.tokens[at - usize::from(token.asked)].value)
    }

    /// Mean loss so far, nat, and mean energy over the reference's.
    pub(super) fn means(&self) -> [f32; 2] {
        let count = self.state.step.max(1) as f32;
        [self.state.loss / count, self.state.energy / count]
    }

    /// Tokens that the circuit's window holds.
    pub(super) fn window(&self) -> usize {
        self.design
            .first()
            .map_or(0, |&window| window.round() as usize)
    }

    /// The chip of this episode, new.
    fn chip(&self) -> Result<Option<Chip>, ProblemError> {
        if self.fidelity == Fidelity::Effect {
            return Ok(None);
        }
        let circuit = self.setup.hardware.circuit(&self.design)?;
        let head = Head::new(&circuit, scalers(), circuit.decay(), self.state.chip);
        match head {
            Ok(head) => Ok(Some(Chip { circuit, head })),
            Err(error) => refuse("circuit", error.to_string()),
        }
    }

    /// Ends the episode for a reason.
    fn fault(&mut self, reason: &'static str) -> Step {
        self.state.terms = [0.0; TERMS.len()];
        Step {
            terminated: true,
            fault: Some(reason),
            ..Step::default()
        }
    }

    /// Takes a token's effect into the sums, rewards and judges.
    fn take(&mut self, sent: [f32; COMMANDS], effect: &[f32]) -> Step {
        if effect[..2].iter().any(|value| !value.is_finite()) {
            return self.fault("the effect is not finite");
        }
        let tokens = self.state.tokens.len();
        if self.state.step >= tokens {
            return self.fault("the episode is over");
        }
        let settings = &self.setup.settings;
        let state = &mut self.state;
        let loss = effect[0].clamp(0.0, WORST);
        let energy = effect[1].clamp(-LARGEST, LARGEST);
        state.loss += loss;
        state.energy += energy.exp();
        state.terms = [loss, settings.energy_weight as f32 * energy].map(|t| -t / tokens as f32);
        state.sent.push(sent);
        state.step += 1;
        let over = state.step >= tokens;
        let reward = state.terms.iter().sum();
        let [loss, energy] = self.means();
        let good = loss <= settings.loss_limit as f32;
        let thrifty = energy * settings.energy_target as f32 <= 1.0;
        Step {
            reward,
            terminated: over,
            truncated: false,
            success: over && good && thrifty,
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

impl Problem for Recall {
    fn spec(&self) -> &Spec {
        &self.setup.spec
    }

    fn hardware(&self) -> Arc<dyn Hardware> {
        self.setup.hardware.clone()
    }

    /// Losses and costs of a read go into the reward alone; the state is what was sent.
    fn effects_last(&self) -> bool {
        false
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
        let settings = &self.setup.settings;
        let mut state = State {
            tokens: std::mem::take(&mut self.state.tokens),
            sent: std::mem::take(&mut self.state.sent),
            ..State::default()
        };
        text(&mut state.tokens, settings.tokens, settings.reach, stream);
        state.sent.clear();
        state.chip = stream.bits();
        self.state = state;
        self.chip = self.chip()?;
        Ok(())
    }

    fn observe(&self, out: &mut [f32]) {
        let (token, asked, _) = self.now();
        out.fill(0.0);
        out[usize::from(token.key)] = 1.0;
        out[KEYS + usize::from(token.value)] = 1.0;
        out[KEYS + VALUES + usize::from(asked)] = 1.0;
        out[2 * KEYS + VALUES] = self.state.step as f32 / self.state.tokens.len() as f32;
    }

    fn query(&self, command: &[f32], out: &mut [f32]) {
        let (token, asked, right) = self.now();
        let sent = encode(token, asked, command);
        out.fill(0.0);
        out[0] = self.state.step as f32;
        out[1] = right as f32;
        out[2..2 + COMMANDS].copy_from_slice(&sent);
        let slots = out[2 + COMMANDS..].chunks_exact_mut(2 * ROWS);
        for (slot, before) in slots.zip(self.state.sent.iter().rev()) {
            slot.copy_from_slice(&before[ROWS..]);
        }
    }

    fn apply(&mut self, command: &[f32], effect: &[f32]) -> Step {
        let (token, asked, _) = self.now();
        self.take(encode(token, asked, command), effect)
    }

    fn full_step(&mut self, command: &[f32]) -> Step {
        let (token, asked, right) = self.now();
        let sent = encode(token, asked, command);
        let Some(chip) = &mut self.chip else {
            return self.fault(NOT_FULL);
        };
        let before = *chip.head.statistics();
        let scores = chip.play(&sent);
        let activity = chip.head.statistics().since(&before).activity();
        let [energy, time, area] = self.setup.hardware.costs(&chip.circuit, &activity);
        self.state.scores = scores;
        let effect: [f32; EFFECTS] = [loss(&scores, right), energy, time, area];
        self.take(sent, &effect)
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
        let (state, settings) = (&saved.state, &self.setup.settings);
        let own = state.tokens.len() == settings.tokens
            && state.step <= settings.tokens
            && state.sent.len() == state.step
            && state.tokens.iter().enumerate().all(|(at, token)| {
                usize::from(token.key) < KEYS
                    && usize::from(token.value) < VALUES
                    && usize::from(token.asked) <= at
            });
        if !own {
            return Err(saved::misfit(name, "it is of another task"));
        }
        (self.fidelity, self.design, self.state) = (saved.fidelity, saved.design, saved.state);
        // a chip's state is what it has been told
        self.chip = self.chip()?;
        if let Some(chip) = &mut self.chip {
            for sent in &self.state.sent {
                chip.play(sent);
            }
        }
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

    /// Mean loss and energy of an episode without corrections.
    fn episode(change: impl Fn(&mut [f64]), fidelity: Fidelity) -> [f32; 2] {
        let mut problem = Recall::new(Settings::new(&Config::default()).unwrap()).unwrap();
        let mut design = problem.setup.hardware.space().start();
        change(&mut design);
        let mut stream = Stream::new(0, "episode", 0);
        let mut sums = [0.0; 2];
        for _ in 0..20 {
            problem.reset(&design, fidelity, &mut stream).unwrap();
            let mut query = [0.0; super::super::hardware::QUERY];
            let mut effect = [0.0; EFFECTS];
            loop {
                let step = match fidelity {
                    Fidelity::Full => problem.full_step(&[0.0; COMMANDS]),
                    Fidelity::Effect => {
                        problem.query(&[0.0; COMMANDS], &mut query);
                        problem.setup.hardware.respond(&design, &query, &mut effect);
                        problem.apply(&[0.0; COMMANDS], &effect)
                    }
                };
                if step.terminated {
                    break;
                }
            }
            let means = problem.means();
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
            assert!(
                short > 1.5 * right && long > 1.2 * right,
                "{short} {right} {long}"
            );
        }
    }

    #[test]
    fn fewer_bits_take_less_energy() {
        let at = |bits: f64| episode(|design| design[2] = bits, Fidelity::Full)[1];
        let (less, start) = (at(2.0), at(4.0));
        assert!(less < 0.6 * start && start < 2.0, "{less} {start}");
    }
}
