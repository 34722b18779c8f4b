//! The Adam optimiser with a state that can be saved, gradients by autograd, clipping by the global norm; [`PlainAdam`] for
//! numbers that are no tensors.

mod plain;

pub use plain::PlainAdam;

use tch::{TchError, Tensor};

use crate::archive::{Archive, ArchiveError};
use crate::raw;

/// Adam's epsilon for PPO ([`crate::ppo`], row 3); PyTorch's own default is 1e-8.
pub const EPSILON: f64 = 1e-5;
const BETAS: [f64; 2] = [0.9, 0.999];
/// Second moments beyond this are no trace of gradients that a network learns by, but damage.
const LARGEST_SECOND: f64 = 1e30;

/// Adam (Kingma & Ba 2015) in PyTorch's form:
/// `m += (1 - b1)(g - m)`, `v = b2 v + (1 - b2) g²`, `p -= rate / (1 - b1^t) m / (√v / √(1 - b2^t) + eps)`.
#[derive(Debug)]
pub struct Adam {
    parameters: Vec<Tensor>,
    /// First and second moment of each parameter.
    moments: Vec<[Vec<f32>; 2]>,
    steps: u64,
    epsilon: f64,
    betas: [f64; 2],
    /// Decoupled weight decay of each parameter.
    decay: Vec<f64>,
    /// Whether the numbers of a parameter share their second moment.
    shared: bool,
}

impl Adam {
    /// An optimiser of these leaf tensors (contiguous, f32, CPU) with ε = [`EPSILON`].
    pub fn new(parameters: Vec<Tensor>) -> Self {
        Self::with_epsilon(parameters, EPSILON)
    }

    /// An optimiser with another ε.
    pub fn with_epsilon(parameters: Vec<Tensor>, epsilon: f64) -> Self {
        let zeros = |p: &Tensor| std::array::from_fn(|_| vec![0.0; p.numel()]);
        Self {
            moments: parameters.iter().map(zeros).collect(),
            decay: vec![0.0; parameters.len()],
            parameters,
            steps: 0,
            epsilon,
            betas: BETAS,
            shared: false,
        }
    }

    /// AdamW (Loshchilov & Hutter 2019): other betas, and a decay per parameter, `p -= rate decay p` before each step.
    pub fn with_decay(mut self, betas: [f64; 2], decay: Vec<f64>) -> Self {
        assert_eq!(decay.len(), self.parameters.len(), "one decay per parameter");
        self.betas = betas;
        self.decay = decay;
        self
    }

    /// The numbers of a parameter share one second moment, their mean: the step keeps the gradient's direction, and
    /// numbers with little gradient do not wander by its noise.
    pub fn sharing(mut self) -> Self {
        self.shared = true;
        self
    }

    /// Number of steps since the start or the last reset.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// One step; `gradients` in the order of the parameters. An undefined gradient counts as zero.
    pub fn step(&mut self, gradients: &[Tensor], rate: f64) {
        assert_eq!(gradients.len(), self.parameters.len(), "one gradient per parameter");
        self.steps += 1;
        let t = self.steps as f64;
        let [b1, b2] = self.betas;
        let size = (rate / (1.0 - b1.powf(t))) as f32;
        let root = (1.0 / (1.0 - b2.powf(t)).sqrt()) as f32;
        let epsilon = self.epsilon as f32;
        let [c1, c2, b2] = [(1.0 - b1) as f32, (1.0 - b2) as f32, b2 as f32];
        let states = self.parameters.iter_mut().zip(&mut self.moments);
        for (((parameter, moments), decay), gradient) in states.zip(&self.decay).zip(gradients) {
            let keep = (1.0 - rate * decay) as f32; // exactly 1 without decay
            let gradient = dense(gradient, parameter);
            let [first, second] = moments;
            let change = |p: &mut [f32], gradient: &[f32]| {
                let squares = || gradient.iter().map(|g| g * g).sum::<f32>();
                let count = gradient.len().max(1) as f32;
                let mean = self.shared.then(|| squares() / count);
                let state = first.iter_mut().zip(second.iter_mut());
                for ((p, &g), (m, v)) in p.iter_mut().zip(gradient).zip(state) {
                    *p *= keep;
                    *m += c1 * (g - *m);
                    *v = b2 * *v + c2 * mean.unwrap_or(g * g);
                    *p -= size * *m / (v.sqrt() * root + epsilon);
                }
            };
            // SAFETY: the optimiser owns the parameters between passes, and none is under way: its gradients are here.
            unsafe { raw::rewrite_with(parameter, &gradient, change) };
        }
    }

    /// Forgets moments and step count.
    pub fn reset(&mut self) {
        self.moments.iter_mut().flatten().for_each(|m| m.fill(0.0));
        self.steps = 0;
    }

    /// Refuses moments that no gradients leave. Both are sums over the gradients, `m = c1 Σ b1^k g` and
    /// `v = c2 Σ b2^k g²` with `c = 1 - b`, so that `m² <= v c1² / (c2 (1 - b1² / b2))` (Cauchy-Schwarz); a shared `v`
    /// holds the mean of the squares. Rounding is given a factor of two, squares below the smallest f32 their room.
    fn check_moments(&self, name: &str, [first, second]: &[Vec<f32>; 2]) -> Result<(), ArchiveError> {
        let [b1, b2] = self.betas;
        let share = if self.shared { first.len() as f64 } else { 1.0 };
        let bound = share * (1.0 - b1).powi(2) / ((1.0 - b2) * (1.0 - b1 * b1 / b2));
        for (index, (&m, &v)) in first.iter().zip(second).enumerate() {
            let (m, v) = (f64::from(m), f64::from(v));
            let possible = (0.0..=LARGEST_SECOND).contains(&v) && m.abs() <= 2.0 * (bound * v).sqrt() + 1e-15;
            if !possible {
                let reason = format!("moments {m:e} and {v:e} of number {index} belong to no gradients; it is damaged");
                let name = name.to_owned();
                return Err(ArchiveError::Value { name, reason });
            }
        }
        Ok(())
    }

    /// Stores moments and step count under `prefix`.
    pub fn save(&self, archive: &mut Archive, prefix: &str) {
        archive.put_json(&format!("{prefix}.steps"), &self.steps);
        for (index, [first, second]) in self.moments.iter().enumerate() {
            archive.put_f32(&format!("{prefix}.{index}.first"), first);
            archive.put_f32(&format!("{prefix}.{index}.second"), second);
        }
    }

    /// Loads what [`Adam::save`] stored.
    ///
    /// # Errors
    /// Missing entries or other sizes, moments that no gradients leave; nothing is changed then.
    pub fn load(&mut self, archive: &Archive, prefix: &str) -> Result<(), ArchiveError> {
        let steps = archive.get_json(&format!("{prefix}.steps"))?;
        let get = |(index, [first, _]): (usize, &[Vec<f32>; 2])| {
            let name = format!("{prefix}.{index}");
            let get = |part| archive.get_f32_len(&format!("{name}.{part}"), first.len());
            let moments = [get("first")?, get("second")?];
            self.check_moments(&name, &moments)?;
            Ok(moments)
        };
        self.moments = self
            .moments
            .iter()
            .enumerate()
            .map(get)
            .collect::<Result<_, ArchiveError>>()?;
        self.steps = steps;
        Ok(())
    }
}

/// A gradient as contiguous memory of the parameter's size; zeros where autograd gave none.
fn dense(gradient: &Tensor, parameter: &Tensor) -> Tensor {
    if gradient.defined() {
        gradient.contiguous()
    } else {
        parameter.zeros_like().detach()
    }
}

/// Gradients of a scalar by these leaf tensors, dense and in their order.
///
/// # Errors
/// What libtorch reports: a loss that is no scalar or does not depend on any parameter.
pub fn gradients(loss: &Tensor, parameters: &[Tensor]) -> Result<Vec<Tensor>, TchError> {
    let gradients = Tensor::f_run_backward(&[loss], parameters, false, false)?;
    Ok(gradients.iter().zip(parameters).map(|(g, p)| dense(g, p)).collect())
}

/// Scales all gradients by one factor so that their global L2 norm is at most `limit` (PyTorch's
/// `clip_grad_norm_`). Returns the norm before; when that is not finite the gradients stay as they are.
pub fn clip_global_norm(gradients: &mut [Tensor], limit: f64) -> f64 {
    let mut squares = 0.0;
    for gradient in gradients.iter_mut().filter(|g| g.defined()) {
        *gradient = gradient.contiguous();
        squares += sum_of_squares(raw::floats(gradient));
    }
    let norm = squares.sqrt();
    if norm.is_finite() && norm > limit {
        let factor = (limit / (norm + 1e-6)) as f32;
        for gradient in gradients.iter_mut().filter(|g| g.defined()) {
            let change = |g: &mut [f32]| g.iter_mut().for_each(|g| *g *= factor);
            // SAFETY: the pass that made the gradient is over, and the slice whose squares were added is gone.
            unsafe { raw::rewrite(gradient, change) };
        }
    }
    norm
}

/// Sum of squares in eight running sums: fast, and the same on every machine.
fn sum_of_squares(values: &[f32]) -> f64 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut sums = [0f64; 8];
    for chunk in chunks {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum += f64::from(x) * f64::from(x);
        }
    }
    let rest = rest.iter().map(|&x| f64::from(x).powi(2));
    sums.into_iter().chain(rest).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(values: &[f32]) -> Tensor {
        Tensor::from_slice(values).set_requires_grad(true)
    }

    /// Adam's published recurrence in f64, written independently of the code above.
    fn reference(mut p: f64, gradients: &[f64], rate: f64) -> f64 {
        let (mut m, mut v) = (0.0, 0.0);
        for (t, g) in (1..).zip(gradients) {
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let (m_hat, v_hat) = (m / (1.0 - 0.9f64.powi(t)), v / (1.0 - 0.999f64.powi(t)));
            p -= rate * m_hat / (v_hat.sqrt() + 1e-5);
        }
        p
    }

    #[test]
    fn follows_the_published_recurrence() {
        let p = leaf(&[0.5, -2.0]);
        let mut adam = Adam::new(vec![p.shallow_clone()]);
        let gradients = [[0.1, -3.0], [-0.4, 2.0], [1e-6, 0.0], [0.2, 0.7]];
        for g in gradients {
            adam.step(&[Tensor::from_slice(&g.map(|x| x as f32))], 0.01);
        }
        for (i, start) in [0.5, -2.0].into_iter().enumerate() {
            let expected = reference(start, &gradients.map(|g| g[i]), 0.01);
            assert!((p.double_value(&[i as i64]) - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn decay_shrinks_without_touching_the_moments() {
        let p = leaf(&[2.0, -4.0]);
        let adam = Adam::new(vec![p.shallow_clone()]);
        let mut adam = adam.with_decay([0.9, 0.95], vec![0.1]);
        adam.step(&[Tensor::from_slice(&[0f32, 0.0])], 0.5);
        assert_eq!(raw::floats(&p), [2.0 * 0.95, -4.0 * 0.95]);
    }

    #[test]
    fn the_first_step_has_the_size_of_the_rate() {
        let p = leaf(&[1.0]);
        Adam::new(vec![p.shallow_clone()]).step(&[Tensor::from_slice(&[123f32])], 0.25);
        assert!((p.double_value(&[0]) - 0.75).abs() < 1e-6);
    }

    #[test]
    fn continues_exactly_from_an_archive() {
        let run = |p: &Tensor, adam: &mut Adam, n: i32| {
            for i in 0..n {
                adam.step(&[p.detach() * f64::from(i + 1)], 0.1);
            }
        };
        let (a, b) = (leaf(&[1.0, -3.0]), leaf(&[0.0, 0.0]));
        let mut first = Adam::new(vec![a.shallow_clone()]);
        run(&a, &mut first, 3);
        let mut archive = Archive::new();
        first.save(&mut archive, "adam");
        let mut second = Adam::new(vec![b.shallow_clone()]);
        second.load(&archive, "adam").unwrap();
        raw::set(&mut b.shallow_clone(), raw::floats(&a));
        run(&a, &mut first, 3);
        run(&b, &mut second, 3);
        assert_eq!(raw::floats(&a), raw::floats(&b));
    }

    #[test]
    fn moments_that_no_gradients_leave_are_refused() {
        let p = leaf(&[1.0, -3.0, 0.5]);
        for sharing in [false, true] {
            let adam = Adam::new(vec![p.shallow_clone()]);
            let mut adam = if sharing { adam.sharing() } else { adam };
            let mut stream = tandem_core::Stream::new(0, "gradients", 0);
            for step in 0..300 {
                // gradients of all sizes, rare ones, and ones whose squares vanish
                let size = [1e-25, 1e-3, 1.0, 1e9][step % 4];
                let g = [stream.normal(), stream.normal().powi(7), 0.0].map(|x| (size * x) as f32);
                adam.step(&[Tensor::from_slice(&g)], 1e-3);
                let mut archive = Archive::new();
                adam.save(&mut archive, "adam");
                adam.load(&archive, "adam").unwrap();
            }
            let mut archive = Archive::new();
            adam.save(&mut archive, "adam");
            for (part, wrong) in [("first", 3e38), ("second", 3e38), ("second", -1.0), ("second", 0.0)] {
                let mut damaged = archive.clone();
                let name = format!("adam.0.{part}");
                let mut values = archive.get_f32(&name).unwrap();
                values[1] = wrong;
                damaged.put_f32(&name, &values);
                let message = adam.load(&damaged, "adam").unwrap_err().to_string();
                assert!(message.contains("adam.0") && message.contains("number 1"), "{message}");
            }
        }
    }

    #[test]
    fn clips_the_norm_over_all_tensors_and_shows_non_finite_ones() {
        let mut g = [Tensor::from_slice(&[3f32]), Tensor::from_slice(&[0f32, 4.0])];
        assert_eq!(clip_global_norm(&mut g, 10.0), 5.0);
        assert_eq!(clip_global_norm(&mut g, 0.5), 5.0);
        assert!((g[0].double_value(&[0]) - 0.3).abs() < 1e-6);
        assert!((g[1].double_value(&[1]) - 0.4).abs() < 1e-6);
        let mut bad = [Tensor::from_slice(&[f32::NAN])];
        assert!(clip_global_norm(&mut bad, 0.5).is_nan());
    }

    #[test]
    fn a_parameter_outside_the_loss_has_a_zero_gradient() {
        let (p, q) = (leaf(&[2.0]), leaf(&[1.0, 1.0]));
        let loss = (&p * &p).sum(tch::Kind::Float);
        let g = gradients(&loss, &[p, q]).unwrap();
        assert_eq!(
            (raw::floats(&g[0]), raw::floats(&g[1])),
            (&[4f32][..], &[0f32, 0.0][..])
        );
    }
}
