//! Pairs of queries and true effects: what proxies are fitted to and judged by.

use rayon::prelude::*;
use tandem_core::design::LOGIT_LIMIT;
use tandem_core::{Hardware, Stream};
use tch::Tensor;

/// Pairs of what the hardware was asked and what it answered.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    /// Number of pairs `R`.
    pub rows: usize,
    /// `[R, features]`.
    pub features: Vec<f32>,
    /// Logits of the designs, `[G, design]`: each serves `R / G` pairs in a row.
    pub logits: Vec<f32>,
    /// `[R, effects]`.
    pub effects: Vec<f32>,
}

/// Most pairs that share a drawn design. What a network makes from a design is then made once for all of
/// them, and a batch still sees many designs.
const SHARED: usize = 8;
/// The same where a design is a machine to be built.
const SHARED_COSTLY: usize = 64;

/// Which designs [`Pairs`] are drawn for.
#[derive(Clone, Copy, Debug)]
pub enum DesignDraw<'a> {
    /// One design, given by its logits.
    Fixed(&'a [f64]),
    /// Uniform over the logit box.
    Uniform,
    /// Normal around these logits with this standard deviation.
    Around(&'a [f64], f64),
}

impl DesignDraw<'_> {
    /// How many of `rows` pairs in a row share a design of this hardware.
    pub(super) fn shared(self, rows: usize, hardware: &dyn Hardware) -> usize {
        let divides = |n: &usize| rows.is_multiple_of(*n);
        let most = if hardware.is_costly() { SHARED_COSTLY } else { SHARED };
        match self {
            DesignDraw::Fixed(_) => rows.max(1),
            _ => (1..=most).rev().find(divides).unwrap_or(1),
        }
    }

    /// Logits of one design.
    fn draw(self, stream: &mut Stream, logits: &mut [f32]) {
        for (j, z) in logits.iter_mut().enumerate() {
            *z = match self {
                DesignDraw::Fixed(center) => center[j],
                DesignDraw::Uniform => stream.uniform(-LOGIT_LIMIT, LOGIT_LIMIT),
                DesignDraw::Around(center, sd) => (center[j] + sd * stream.normal()).clamp(-LOGIT_LIMIT, LOGIT_LIMIT),
            } as f32;
        }
    }
}

impl Pairs {
    /// Asks the hardware `rows` uniformly drawn queries. Deterministic for any number of threads.
    pub fn sample(hardware: &dyn Hardware, rows: usize, designs: DesignDraw, stream: &mut Stream) -> Self {
        let bounds = hardware.query_bounds();
        let mut queries = vec![0.0; rows * bounds.len()];
        for row in queries.chunks_exact_mut(bounds.len()) {
            for (value, &(low, high)) in row.iter_mut().zip(bounds) {
                *value = stream.uniform(f64::from(low), f64::from(high)) as f32;
            }
        }
        Self::ask(hardware, &queries, designs, stream)
    }

    /// Asks the hardware these queries, `[R, query]`.
    pub fn ask(hardware: &dyn Hardware, queries: &[f32], designs: DesignDraw, stream: &mut Stream) -> Self {
        let (q, f) = (hardware.query_channels().len(), hardware.feature_len());
        let (e, d) = (hardware.effect_channels().len(), hardware.space().len());
        let rows = queries.len() / q.max(1);
        let shared = designs.shared(rows, hardware);
        let mut logits = vec![0.0f32; rows / shared * d];
        for design in logits.chunks_exact_mut(d.max(1)) {
            designs.draw(stream, design);
        }
        let mut features = vec![0.0; rows * f];
        let mut effects = vec![0.0; rows * e];
        features
            .par_chunks_exact_mut(f)
            .zip(effects.par_chunks_exact_mut(e))
            .enumerate()
            .with_min_len(512)
            .for_each_init(
                || (vec![0.0; d], vec![0.0; d]),
                |(z, values), (i, (features, effects))| {
                    let design = i / shared * d;
                    for (z, &logit) in z.iter_mut().zip(&logits[design..design + d]) {
                        *z = f64::from(logit);
                    }
                    hardware.space().values_into(z, values);
                    let query = &queries[i * q..(i + 1) * q];
                    hardware.features(query, features);
                    hardware.respond(values, query, effects);
                },
            );
        Self {
            rows,
            features,
            logits,
            effects,
        }
    }
}

/// A `[rows, columns]` tensor of these numbers.
pub fn matrix(data: &[f32], rows: usize) -> Tensor {
    let columns = data.len() / rows.max(1);
    Tensor::from_slice(data).view([rows as i64, columns as i64])
}

/// `count` queries `[count, query]`, every other one drawn from `visited` `[R, query]`, the rest uniform.
pub fn mixed_queries(hardware: &dyn Hardware, visited: &[f32], count: usize, stream: &mut Stream) -> Vec<f32> {
    let bounds = hardware.query_bounds();
    let width = bounds.len();
    let rows = visited.len() / width.max(1);
    let mut queries = Vec::with_capacity(count * width);
    for i in 0..count {
        if i % 2 == 0 && rows > 0 {
            let row = stream.below(rows);
            queries.extend_from_slice(&visited[row * width..(row + 1) * width]);
        } else {
            for &(low, high) in bounds {
                queries.push(stream.uniform(low.into(), high.into()) as f32);
            }
        }
    }
    queries
}
