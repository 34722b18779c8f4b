//! The network that stands in for the true circuit under the language model: from a design's logits to what it does.

use tandem_core::Stream;
use tandem_core::design::LOGIT_LIMIT;
use tch::{Kind, Tensor};

use super::point::Point;
use crate::LanguageError;
use tandem_learning::adam::{Adam, gradients};
use tandem_learning::mlp::Mlp;

/// What is predicted: compressed loss above the control's, logarithms of energy, time and area.
pub const EFFECTS: usize = 4;
/// Losses above the control's are compressed by `asinh(x / this)`, nat: the proxy must be exact near the margin, not where
/// nothing works.
const FINE_NAT: f64 = 0.01;
const HIDDEN: [usize; 2] = [32, 32];
const FIT_STEPS: usize = 400;
const FIT_RATE: f64 = 3e-3;
const DESCENT_STEPS: usize = 80;
/// Step of a descent, in logits.
const DESCENT_RATE: f64 = 0.05;
/// Price of compressed loss above what is allowed, against logarithms of costs.
const PENALTY: f64 = 3.0;
/// Price of the distance from the start, per squared logit: the proxy is right where circuits were judged.
const LEASH: f64 = 0.01;

/// Loss above the control's as the proxy sees it.
pub fn compress(excess: f64) -> f64 {
    (excess / FINE_NAT).asinh()
}

/// What a judged point did, as the proxy predicts it.
pub fn effects(point: &Point) -> [f64; EFFECTS] {
    let cost = &point.cost;
    [
        compress(point.excess),
        cost.energy_j.ln(),
        cost.seconds.ln(),
        cost.area_m2.ln(),
    ]
}

/// What a descent is to reach.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// Weights of the logarithms of energy, time and area.
    pub weights: [f64; 3],
    /// Allowed loss above the control's, nat.
    pub allowed: f64,
}

/// A linear map plus a perceptron, with normalised outputs.
pub struct Proxy {
    net: Mlp,
    skip: Tensor,
    mean: Tensor,
    deviation: Tensor,
}

fn matrix(rows: impl Iterator<Item = Vec<f64>>, columns: usize) -> Tensor {
    let all: Vec<f32> = rows.flatten().map(|x| x as f32).collect();
    Tensor::from_slice(&all).view([-1, columns as i64])
}

impl Proxy {
    /// A proxy fitted to judged designs: their logits, and what they did.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn fit(rows: &[(Vec<f64>, [f64; EFFECTS])], stream: &mut Stream) -> Result<Self, LanguageError> {
        let inputs = rows.first().map_or(0, |row| row.0.len());
        let x = matrix(rows.iter().map(|row| row.0.clone()), inputs) / LOGIT_LIMIT;
        let y = matrix(rows.iter().map(|row| row.1.to_vec()), EFFECTS);
        let deviation = y.std_dim(&[0i64][..], false, true).clamp_min(1e-3);
        let proxy = Self {
            net: Mlp::new(inputs, &HIDDEN, EFFECTS, 0.1, stream),
            skip: Tensor::from_slice(&vec![0f32; inputs * EFFECTS])
                .view([inputs as i64, EFFECTS as i64])
                .set_requires_grad(true),
            mean: y.mean_dim(&[0i64][..], true, Kind::Float),
            deviation,
        };
        let y = (y - &proxy.mean) / &proxy.deviation;
        let mut parameters = proxy.net.parameters();
        parameters.push(proxy.skip.shallow_clone());
        let decay = vec![1e-2; parameters.len()];
        let mut adam =
            Adam::new(parameters.iter().map(Tensor::shallow_clone).collect()).with_decay([0.9, 0.999], decay);
        for step in 0..FIT_STEPS {
            let loss = (proxy.normal(&x) - &y).square().mean(Kind::Float);
            let gradients = gradients(&loss, &parameters)?;
            let rate = FIT_RATE * (1.0 - step as f64 / FIT_STEPS as f64);
            adam.step(&gradients, rate);
        }
        Ok(proxy)
    }

    /// Normalised effects of scaled logits.
    fn normal(&self, x: &Tensor) -> Tensor {
        self.net.forward(x) + x.matmul(&self.skip)
    }

    fn forward(&self, logits: &Tensor) -> Tensor {
        self.normal(&(logits / LOGIT_LIMIT)) * &self.deviation + &self.mean
    }

    /// Effects of a design's logits.
    pub fn predict(&self, logits: &[f64]) -> [f64; EFFECTS] {
        let row = matrix(std::iter::once(logits.to_vec()), logits.len());
        let found = tch::no_grad(|| crate::attention::numbers(&self.forward(&row)));
        std::array::from_fn(|i| found.get(i).copied().unwrap_or(f64::NAN))
    }

    /// Logits that the proxy believes to be better for `goal`, from `start` downhill.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn descend(&self, start: &[f64], goal: &Goal) -> Result<Vec<f64>, LanguageError> {
        let origin = matrix(std::iter::once(start.to_vec()), start.len());
        let logits = origin.copy().set_requires_grad(true);
        let weights = goal.weights.map(|w| w as f32);
        let weights = Tensor::from_slice(&weights);
        let mut adam = Adam::new(vec![logits.shallow_clone()]);
        for _ in 0..DESCENT_STEPS {
            let effects = self.forward(&logits).get(0);
            let over = (effects.get(0) - compress(goal.allowed)).relu() * PENALTY;
            let costs = (effects.narrow(0, 1, 3) * &weights).sum(Kind::Float);
            let leash = (&logits - &origin).square().sum(Kind::Float) * LEASH;
            let gradients = gradients(&(costs + over + leash), &[logits.shallow_clone()])?;
            adam.step(&gradients, DESCENT_RATE);
        }
        let found = crate::attention::numbers(&logits);
        let clipped = found.iter().map(|z| z.clamp(-LOGIT_LIMIT, LOGIT_LIMIT));
        Ok(clipped.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::median;

    /// Loss grows where the first logit falls, energy falls with it; time follows the second logit.
    fn rows(count: usize) -> Vec<(Vec<f64>, [f64; EFFECTS])> {
        let mut stream = Stream::new(1, "rows", 0);
        let mut row = || {
            let z: Vec<f64> = (0..3).map(|_| stream.uniform(-3.0, 3.0)).collect();
            let excess = 0.01 * (-z[0]).exp();
            (z.clone(), [compress(excess), z[0], z[1], 0.0])
        };
        (0..count).map(|_| row()).collect()
    }

    #[test]
    fn it_predicts_what_it_has_not_seen_and_descends_to_the_edge_of_what_is_allowed() {
        let all = rows(150);
        let goal = Goal {
            weights: [1.0, 0.0, 0.0],
            allowed: 0.01,
        };
        // root mean square error on unseen rows, whose deviation is 1.7 (measured: 0.14 to 0.18), and how far the
        // descent ends from the cheapest allowed logit, which is 0 (0.18 to 0.25)
        let (errors, ends): (Vec<f64>, Vec<f64>) = (0..5)
            .map(|seed| {
                let proxy = Proxy::fit(&all[..120], &mut Stream::new(seed, "proxy", 0)).unwrap();
                let squares = all[120..].iter().map(|(z, y)| (proxy.predict(z)[1] - y[1]).powi(2));
                let found = proxy.descend(&[2.5, 0.0, 0.0], &goal).unwrap();
                ((squares.sum::<f64>() / 30.0).sqrt(), found[0].abs())
            })
            .unzip();
        assert!(median(errors.iter().copied()) < 0.25, "{errors:?}");
        assert!(median(ends.iter().copied()) < 0.6, "{ends:?}");
    }
}
