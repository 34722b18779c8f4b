//! Effects to first order in the design, which is what exact gradients need.

use std::sync::Arc;

use rayon::prelude::*;

use super::{Cut, with_simulation};
use crate::world::Parts;

/// Steps of central differences, in shares of a parameter's range: truncation (of the square) and rounding (of double
/// precision) are both about 1e-10.
const STEP: f64 = 1e-5;

/// A cut's effects with their derivatives by the design.
pub struct LinearEffects {
    pub(crate) parts: Arc<Parts>,
    pub(crate) cut: Arc<dyn Cut>,
}

impl LinearEffects {
    /// Numbers of an effect.
    pub fn effects(&self) -> usize {
        self.cut.spec().effect_len()
    }

    /// Numbers of a query.
    pub fn queries(&self) -> usize {
        self.cut.spec().query_len()
    }

    /// Effects `[M, effect]` of queries `[M, query]` under a design, and their derivatives by its parameters
    /// `[M, effect, design]` in the effect's unit per the parameter's; by central differences, which are exact to
    /// rounding where effects are linear or square in a parameter, as places are in lengths. What cannot be computed is
    /// not a number.
    pub fn at(&self, design: &[f64], queries: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let space = self.parts.robot.space();
        // what comes out of single precision may lie beyond a bound by a rounding
        let inside = design
            .iter()
            .zip(&space.parameters)
            .map(|(v, p)| v.clamp(p.low, p.high));
        let design: &[f64] = &inside.collect::<Vec<_>>();
        let (width, parameters) = (self.effects(), design.len());
        let rows = queries.len() / self.queries().max(1);
        let mut values = vec![f32::NAN; rows * width];
        let mut derivatives = vec![f32::NAN; rows * width * parameters];
        self.fill(design, queries, |row, effect| {
            values[row * width..][..width].copy_from_slice(&narrow(effect))
        });
        for (p, parameter) in space.parameters.iter().enumerate() {
            let step = STEP * (parameter.high - parameter.low);
            let at = |offset: f64| {
                let mut moved = design.to_vec();
                moved[p] = (moved[p] + offset).clamp(parameter.low, parameter.high);
                let mut effects = vec![f64::NAN; rows * width];
                self.fill(&moved, queries, |row, effect| {
                    effects[row * width..][..width].copy_from_slice(effect)
                });
                (moved[p], effects)
            };
            let ((low, below), (high, above)) = (at(-step), at(step));
            for (i, (above, below)) in above.iter().zip(&below).enumerate() {
                derivatives[i * parameters + p] = ((above - below) / (high - low)) as f32;
            }
        }
        (values, derivatives)
    }

    /// Calls `take` with the true effect of each query, in their order.
    fn fill(&self, design: &[f64], queries: &[f32], mut take: impl FnMut(usize, &[f64])) {
        let width = self.effects();
        let answers: Vec<Vec<f64>> = queries
            .par_chunks(self.queries().max(1))
            .map(|query| {
                let mut effect = vec![f64::NAN; width];
                let asked = with_simulation(&self.parts, design, |robot| {
                    self.cut.respond(&self.parts, robot, query, &mut effect)
                });
                if asked.is_none() {
                    effect.fill(f64::NAN);
                }
                effect
            })
            .collect();
        answers.iter().enumerate().for_each(|(row, effect)| take(row, effect));
    }
}

fn narrow(effect: &[f64]) -> Vec<f32> {
    effect.iter().map(|&x| x as f32).collect()
}
