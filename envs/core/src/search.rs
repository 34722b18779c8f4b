//! What searchers see of a space of machines and mappings: points of a unit box, and what they cost.
//!
//! A point is a vector of genes in [0, 1]: first those of the hardware, then [`SearchSpace::width`] genes for each
//! layer in turn. Any point of the box means something (the space rounds it to what can be built), so that random
//! search, evolution, Bayesian optimisation, gradients and learnt policies meet on equal terms.
//!
//! **Counting.** One *evaluation* is one call of the model for every layer once, whether exact
//! ([`SearchSpace::cost`]), layer by layer ([`SearchSpace::layer_cost`], `1 / layers` each) or relaxed with its
//! gradient ([`SearchSpace::relaxed`]).

use crate::stream::Stream;

/// A space of hardware and mappings. Costs are positive; lower is better.
pub trait SearchSpace: Send + Sync {
    /// Number of hardware genes.
    fn hardware(&self) -> usize;

    /// Number of layers to map; equal layers count once.
    fn layers(&self) -> usize;

    /// Genes of each layer.
    fn width(&self) -> usize;

    /// For each gene of a layer, the number of options if it is a choice (equal parts of [0, 1]), 0 if its size
    /// matters.
    fn choices(&self) -> &[usize];

    /// Whether the best mapping of a layer does not depend on the other layers' once the hardware is fixed, so that
    /// [`SearchSpace::layer_cost`] suffices.
    fn separable(&self) -> bool {
        true
    }

    /// How much of a limit that all layers share a mapping of a layer takes, the limit being 1: known from the mapping
    /// alone. 0 where there is no such limit.
    fn share(&self, _layer: usize, _mapping: &[f64]) -> f64 {
        0.0
    }

    /// A layer's features for a policy: the same number of values, of order 1, for all layers.
    fn features(&self, layer: usize) -> &[f64];

    /// Draws hardware from the space's own distribution.
    fn draw_hardware(&self, stream: &mut Stream, hardware: &mut [f64]);

    /// Draws a mapping of a layer that fits the hardware. What does not fit is drawn again and not counted.
    fn draw_mapping(&self, hardware: &[f64], layer: usize, stream: &mut Stream, mapping: &mut [f64]);

    /// Draws a mapping as published random searches of this space do, which may use orders that no gene in [0, 1] names.
    fn draw_published(&self, hardware: &[f64], layer: usize, stream: &mut Stream, mapping: &mut [f64]) {
        self.draw_mapping(hardware, layer, stream, mapping);
    }

    /// Genes of a simple, sensible mapping for this hardware: where gradients start.
    fn greedy_mapping(&self, hardware: &[f64], layer: usize, mapping: &mut [f64]);

    /// Cost of one layer on this hardware; infinite where it does not fit.
    fn layer_cost(&self, hardware: &[f64], layer: usize, mapping: &[f64]) -> f64;

    /// Cost of a point. `parts`, empty or one per layer, gets what each layer contributes on the point's own hardware:
    /// smaller is better whatever the other layers do, infinite where the layer does not fit.
    fn cost(&self, point: &[f64], parts: &mut [f64]) -> f64;

    /// Moves the genes to those of what the point stands for, where it was rounded, and the hardware's to the smallest
    /// that fits, where that is what counts.
    fn settle(&self, point: &mut [f64]);

    /// The logarithm of the cost, and penalties, in a differentiable form, with its gradient; `None` where the space
    /// has no such form. Genes that are choices get no gradient.
    fn relaxed(&self, point: &[f64], gradient: &mut [f64]) -> Option<f64>;

    /// Length of a point.
    fn dimensions(&self) -> usize {
        self.hardware() + self.layers() * self.width()
    }

    /// Where the genes of a layer stand in a point.
    fn range(&self, layer: usize) -> std::ops::Range<usize> {
        let start = self.hardware() + layer * self.width();
        start..start + self.width()
    }

    /// What the cost is measured in.
    fn unit(&self) -> &'static str;

    /// A cost that no point can fall below; 0 where none is known.
    fn floor(&self) -> f64 {
        0.0
    }

    /// The numbers behind a point, with names and units, for reports.
    fn describe(&self, point: &[f64]) -> Vec<(String, f64, &'static str)>;
}

/// The option that a gene stands for: equal parts of [0, 1].
pub fn option(gene: f64, options: usize) -> usize {
    ((gene.max(0.0) * options as f64) as usize).min(options.saturating_sub(1))
}

/// The middle of an option's part of [0, 1].
pub fn gene_of(option: usize, options: usize) -> f64 {
    (option as f64 + 0.5) / options.max(1) as f64
}
