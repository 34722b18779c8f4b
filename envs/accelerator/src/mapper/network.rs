//! Whole networks: the least product of summed energy and summed cycles.

use super::Mapped;

/// For each layer, which mapping of its front to take so that (sum of energy) x (sum of cycles) is least; `layers` are
/// how often each runs, and its [`front`](super::front). A layer without mappings counts nothing.
///
/// Exact: a product of two sums is least at a corner of the hull of all their values, since along an edge it has no
/// least value inside. At a corner every layer minimises energy + lambda cycles for the same lambda, and so is at a
/// corner of its own hull. All corners are visited, by rising lambda.
pub fn least_product(layers: &[(u64, Vec<Mapped>)]) -> Vec<usize> {
    let mut at = vec![0; layers.len()];
    let hulls: Vec<Vec<usize>> = layers.iter().map(|(_, front)| hull(front)).collect();
    // steps from corner to corner, each with the energy that it pays per cycle that it saves
    let mut steps: Vec<(f64, usize, usize)> = Vec::new();
    for (layer, hull) in hulls.iter().enumerate() {
        let front = &layers[layer].1;
        let step = |pair: &[usize]| (price(&front[pair[0]], &front[pair[1]]), layer, pair[1]);
        steps.extend(hull.windows(2).map(step));
    }
    steps.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut best = (product(layers, &at), at.clone());
    for (_, layer, corner) in steps {
        at[layer] = corner;
        let product = product(layers, &at);
        if product < best.0 {
            best = (product, at.clone());
        }
    }
    best.1
}

/// Energy paid per cycle saved.
fn price(cheap: &Mapped, fast: &Mapped) -> f64 {
    (fast.picojoules - cheap.picojoules) / (cheap.cycles - fast.cycles)
}

/// The corners of a front's lower hull, by rising energy.
fn hull(front: &[Mapped]) -> Vec<usize> {
    let mut corners: Vec<usize> = Vec::new();
    for at in 0..front.len() {
        // a corner that is dearer per cycle than the step past it lies above the hull
        while let [.., before, last] = corners[..] {
            if price(&front[before], &front[last]) < price(&front[last], &front[at]) {
                break;
            }
            corners.pop();
        }
        corners.push(at);
    }
    corners
}

fn product(layers: &[(u64, Vec<Mapped>)], at: &[usize]) -> f64 {
    let (mut picojoules, mut cycles) = (0.0, 0.0);
    for ((count, front), &at) in layers.iter().zip(at) {
        if let Some(point) = front.get(at) {
            picojoules += *count as f64 * point.picojoules;
            cycles += *count as f64 * point.cycles;
        }
    }
    picojoules * cycles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loopnest::Mapping;
    use tandem_core::stream::Stream;

    /// A random front of a few points.
    fn front(stream: &mut Stream) -> Vec<Mapped> {
        let (mut picojoules, mut cycles) = (stream.uniform(1.0, 5.0), stream.uniform(20.0, 40.0));
        let points = (0..1 + stream.below(5)).map(|_| {
            picojoules += stream.uniform(0.1, 3.0);
            cycles -= stream.uniform(0.1, 3.0);
            Mapped {
                mapping: Mapping {
                    levels: Default::default(),
                },
                picojoules,
                cycles,
            }
        });
        points.collect()
    }

    #[test]
    fn no_other_choice_has_a_smaller_product() {
        let mut stream = Stream::new(0, "network", 0);
        for _ in 0..300 {
            let layers: Vec<(u64, Vec<Mapped>)> = (0..4)
                .map(|_| (1 + stream.below(3) as u64, front(&mut stream)))
                .collect();
            let found = product(&layers, &least_product(&layers));
            let mut least = f64::INFINITY;
            let choices: usize = layers.iter().map(|(_, front)| front.len()).product();
            for mut choice in 0..choices {
                let at = layers.iter().map(|(_, front)| {
                    let at = choice % front.len();
                    choice /= front.len();
                    at
                });
                let at: Vec<usize> = at.collect();
                least = least.min(product(&layers, &at));
            }
            assert!((found / least - 1.0).abs() < 1e-12, "{found} {least}");
        }
    }
}
