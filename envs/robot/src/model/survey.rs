//! A look at the corners of the design box and at designs inside it, before hours are spent on them.

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_model::MjtIntegrator;
use rayon::prelude::*;
use std::sync::Arc;
use tandem_core::{Design, Stream};

use super::build::Pictures;
use super::error::ModelError;
use super::{Robot, place};
use crate::simulation::Simulation;

/// How long each design is simulated, s, and at most for how many steps.
const SHORT: (f64, usize) = (0.2, 200);

/// A design that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Which one: `start`, `all lower bounds`, `all upper bounds`, `random 1` and so on.
    pub label: String,
    /// Its values.
    pub design: Design,
    /// Mass of all that moves or stands in it, kg.
    pub mass: f64,
    /// Size of the box around all geoms in the reference pose, without those of the world, `[x, y, z]`, m.
    pub extent: [f64; 3],
}

impl Robot {
    /// Compiles the start design, both ends of the design box and random designs, and lets each move for a short while without
    /// commands. The same seed gives the same designs.
    ///
    /// # Errors
    /// The first design that MuJoCo refuses or that explodes.
    pub fn survey(&self, seed: u64, designs: usize) -> Result<Vec<Sample>, ModelError> {
        let parameters = &self.space().parameters;
        let mut wanted = vec![("start".to_string(), self.space().start())];
        if !parameters.is_empty() {
            wanted.push(("all lower bounds".into(), parameters.iter().map(|p| p.low).collect()));
            wanted.push(("all upper bounds".into(), parameters.iter().map(|p| p.high).collect()));
            let draw = |i: usize| self.space().sample(&mut Stream::new(seed, "survey", i as u64));
            wanted.extend((0..designs).map(|i| (format!("random {}", i + 1), draw(i))));
        }
        let tried: Vec<_> = wanted
            .into_par_iter()
            .map(|(label, design)| self.sample(label, design))
            .collect();
        tried.into_iter().collect()
    }

    fn sample(&self, label: String, design: Design) -> Result<Sample, ModelError> {
        let values = || match label.as_str() {
            "start" => "the start design".into(),
            label if label.starts_with("random") => {
                let pairs = self.space().parameters.iter().zip(&design);
                let pairs: Vec<String> = pairs.map(|(p, value)| format!("{} = {value:.6}", p.name)).collect();
                format!("design `{label}` ({})", pairs.join(", "))
            }
            label => format!("the design at {label}"),
        };
        let built = self.build(&self.knobs, &design, Pictures::Shapes, |_, model| Ok(model));
        let model = built.map_err(|error| error.labelled(&values()))?;
        let (mass, extent) = try_out(&model).map_err(|reason| ModelError::Design {
            design: values(),
            reason,
        })?;
        Ok(Sample {
            label,
            design,
            mass,
            extent,
        })
    }
}

fn try_out(model: &Arc<MjModel>) -> Result<(f64, [f64; 3]), String> {
    let mut robot = Simulation::new(model.clone()).map_err(|error| error.to_string())?;
    let extent = place::extent(&robot);
    let mass: f64 = model.body_mass().iter().sum();
    if !(mass.is_finite() && extent.iter().all(|side| side.is_finite())) {
        return Err(format!("its mass is {mass} kg and its extent {extent:?} m"));
    }
    let step = model.opt().timestep;
    let steps = ((SHORT.0 / step).ceil() as usize).clamp(1, SHORT.1);
    for taken in 1..=steps {
        robot.step().map_err(|error| error.to_string())?;
        let data = robot.data();
        let finite = data.qpos().iter().chain(data.qvel()).all(|number| number.is_finite());
        if !finite || robot.diverged() {
            return Err(format!(
                "it explodes: after {:.4} s without commands its state is no number any more, or too large a one; narrow the \
                 bounds, take a shorter `time_step` than {step} s{}",
                taken as f64 * step,
                match model.opt().integrator == MjtIntegrator::mjINT_IMPLICITFAST as i32 {
                    true => "",
                    false => ", or write `integrator=\"implicitfast\"` into the file's `<option>`",
                }
            ));
        }
    }
    Ok((mass, extent))
}
