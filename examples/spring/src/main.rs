//! A mass between a motor and a spring: a problem of one's own with all of Tandem's command line.
//!
//! The motor pushes with 1 N at most, and the spring starts too stiff for it to hold the mass at the goal, so its
//! stiffness has to be designed together with the policy. What is designed is the *hardware*: the spring, which is
//! asked a position and answers with a force. The rest is the *world*: the mass, the motor, the goal.

use std::process::ExitCode;
use std::sync::Arc;

use serde::Deserialize;
use tandem::core::*;
use tandem::{App, ProblemEntry};

const MASS: f32 = 0.2; // kg
const FRICTION: f32 = 1.0; // N s/m
const DT: f32 = 0.05; // s
const NEAR: f32 = 0.05; // m
const HOLD: u32 = 10; // steps

/// What an experiment's `task` may say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Where the mass shall be held, m.
    goal: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { goal: 0.5 }
    }
}

struct Mass {
    goal: f32,
    spring: Arc<dyn Hardware>,
}

impl Mass {
    fn new(settings: Settings) -> Result<Environment<Self>, ProblemError> {
        let stiffness = Parameter::logarithmic("stiffness", "N/m", 0.5, 20.0, 8.0);
        let spec =
            HardwareSpec::new(vec![Query::new("position", "m", [-1.0, 1.0])], vec![Effect::task("force", "N", 1.0)]);
        let spring = Formula::new(DesignSpace::new(vec![stiffness])?, spec, |design, x, force| {
            force[0] = -design[0] as f32 * x[0]
        });
        let (goal, spring) = (settings.goal, Arc::new(spring));
        Ok(Environment::new(Self { goal, spring }))
    }
}

impl World for Mass {
    /// Position in m, velocity in m/s, steps near the goal.
    type State = (f32, f32, u32);

    fn spec(&self) -> Spec {
        Spec {
            name: "spring".into(),
            observation: Channel::list(&[("position", "m"), ("velocity", "m/s")]),
            command: CommandSpace::Continuous(Channel::list(&[("motor", "N")])),
            reward_terms: vec!["distance".into()],
            horizon: 60,
            control_dt: DT.into(),
        }
    }
    fn hardware(&self) -> Arc<dyn Hardware> {
        self.spring.clone()
    }
    fn start(&self, _: &[f64], _: Fidelity, stream: &mut Stream) -> Result<Self::State, ProblemError> {
        Ok((stream.uniform(-0.1, 0.1) as f32, 0.0, 0))
    }
    fn observe(&self, &(x, v, _): &Self::State, _design: &[f64], out: &mut [f32]) {
        out.copy_from_slice(&[x, v]);
    }
    fn query(&self, &(x, ..): &Self::State, _command: &[f32], out: &mut [f32]) {
        out[0] = x;
    }
    fn advance(&self, (x, v, held): &mut Self::State, motor: &[f32], force: &[f32], terms: &mut [f32]) -> Outcome {
        *v += DT / MASS * (motor[0].clamp(-1.0, 1.0) + force[0] - FRICTION * *v);
        *x += DT * *v;
        let distance = (*x - self.goal).abs();
        *held = if distance < NEAR { *held + 1 } else { 0 };
        terms[0] = -distance;
        Outcome { success: *held >= HOLD, ..Outcome::default() }
    }
    fn scene(&self, &(x, ..): &Self::State, design: &[f64]) -> Scene {
        let ball = |x, radius| Shape::Sphere { center: [x, 0.0, 0.0], radius };
        let radius = 0.01 * design[0].sqrt() as f32;
        let spring = Shape::Capsule { a: [-1.0, 0.0, 0.0], b: [x, 0.0, 0.0], radius };
        Scene {
            view: View::Plane { min: [-1.0, -0.6], max: [1.0, 0.6] },
            shapes: vec![(Role::Link, spring), (Role::Goal, ball(self.goal, NEAR)), (Role::Object, ball(x, 0.08))],
            caption: format!("{:.1} N/m, at {x:.2} m", design[0]),
        }
    }
}

fn main() -> ExitCode {
    let about = "a mass that a motor holds against a designed spring";
    App::new().problem(ProblemEntry::new("spring", about, Mass::new)).run()
}

#[cfg(test)]
#[test]
fn keeps_the_contract() {
    contract::check_problem(&Mass::new(Settings::default()).unwrap()).unwrap();
}
