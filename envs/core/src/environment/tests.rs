//! What an environment refuses.

use super::*;
use crate::channel::{Channel, CommandSpace};
use crate::design::{DesignSpace, Parameter};
use crate::hardware::{Effect, Formula, HardwareSpec, Query};

/// A world that adds up effects of `query / design`: not finite where both are zero.
struct Sum(Arc<dyn Hardware>);

fn environment() -> Environment<Sum> {
    let space = DesignSpace::new(vec![Parameter::linear("divisor", "1", 0.0, 1.0, 0.0)]).unwrap();
    let spec = HardwareSpec::new(
        vec![Query::new("x", "1", [-1.0, 1.0])],
        vec![Effect::task("y", "1", 1.0)],
    );
    let divide = |design: &[f64], x: &[f32], y: &mut [f32]| y[0] = x[0] / design[0] as f32;
    Environment::new(Sum(Arc::new(Formula::new(space, spec, divide))))
}

impl World for Sum {
    type State = f32;
    fn spec(&self) -> Spec {
        Spec {
            name: "sum".into(),
            observation: Channel::list(&[("sum", "1")]),
            command: CommandSpace::Continuous(Channel::list(&[("x", "1")])),
            reward_terms: vec!["sum".into()],
            horizon: 3,
            control_dt: 1.0,
        }
    }
    fn hardware(&self) -> Arc<dyn Hardware> {
        self.0.clone()
    }
    fn start(&self, _: &[f64], _: Fidelity, _: &mut Stream) -> Result<f32, ProblemError> {
        Ok(0.0)
    }
    fn observe(&self, sum: &f32, _: &[f64], out: &mut [f32]) {
        out[0] = *sum;
    }
    fn query(&self, _: &f32, command: &[f32], out: &mut [f32]) {
        out[0] = command[0];
    }
    fn advance(&self, sum: &mut f32, _: &[f32], effect: &[f32], terms: &mut [f32]) -> Outcome {
        *sum += effect[0];
        terms[0] = *sum;
        Outcome::default()
    }
    fn scene(&self, _: &f32, _: &[f64]) -> Scene {
        Scene::empty("")
    }
}

#[test]
fn what_cannot_go_on_is_a_fault_and_leaves_the_state_alone() {
    let mut environment = environment();
    let stream = &mut Stream::new(0, "sum", 0);
    assert_eq!(environment.apply(&[1.0], &[1.0]).fault, Some(NOT_STARTED));
    environment.reset(&[0.0], Fidelity::Full, stream).unwrap();
    assert_eq!(environment.apply(&[1.0], &[1.0]).fault, Some(NOT_EFFECT));
    assert_eq!(environment.full_step(&[f32::NAN]).fault, Some(COMMAND_NOT_FINITE));
    assert_eq!(environment.full_step(&[0.0]).fault, Some(EFFECT_NOT_FINITE));
    environment.reset(&[0.5], Fidelity::Effect, stream).unwrap();
    assert_eq!(environment.full_step(&[1.0]).fault, Some(NOT_FULL));
    assert_eq!(environment.apply(&[1.0], &[f32::NAN]).fault, Some(EFFECT_NOT_FINITE));
    assert_eq!(environment.state(), Some(&0.0));
    assert_eq!(environment.apply(&[1.0], &[2.0]).reward, 2.0);
}
