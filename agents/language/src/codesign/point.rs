//! Judged circuits and the front that none of the others beats.

use serde::{Deserialize, Serialize};
use tandem_attention::cost::Cost;
use tandem_core::Design;

/// Who proposed a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It is the circuit that the model was trained with.
    Start,
    /// The proxy's gradient.
    Proxy,
    /// A random change.
    Change,
}

/// A circuit as the true model judged it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Its design.
    pub design: Design,
    /// Loss of the language model on it, nat per token.
    pub loss: f64,
    /// The same minus the control's loss at that time.
    pub excess: f64,
    /// Cost of one head and token, with the activity of the model's own data.
    pub cost: Cost,
    /// Who proposed it.
    pub origin: Origin,
}

impl Point {
    fn goals(&self) -> [f64; 4] {
        let cost = &self.cost;
        [self.excess, cost.energy_j, cost.seconds, cost.area_m2]
    }

    /// At least as good in loss, energy, time and area, and better in one.
    fn beats(&self, other: &Self) -> bool {
        let pairs = || self.goals().into_iter().zip(other.goals());
        pairs().all(|(mine, theirs)| mine <= theirs) && pairs().any(|(mine, theirs)| mine < theirs)
    }
}

/// Places of the points that no other beats, of two equal ones the first, by energy.
pub fn front(points: &[Point]) -> Vec<usize> {
    let beaten = |i: usize| {
        let own = &points[i];
        let equal_before = points[..i].iter().any(|p| p.goals() == own.goals());
        equal_before || points.iter().any(|other| other.beats(own))
    };
    let mut found: Vec<usize> = (0..points.len()).filter(|&i| !beaten(i)).collect();
    let energy = |i: usize| points[i].cost.energy_j;
    found.sort_by(|&a, &b| energy(a).total_cmp(&energy(b)));
    found
}

/// Index of the point of least energy whose loss is at most `allowed` nat above the control's.
pub fn least_energy(points: &[Point], allowed: f64) -> Option<usize> {
    let good = (0..points.len()).filter(|&i| points[i].excess <= allowed);
    good.min_by(|&a, &b| points[a].cost.energy_j.total_cmp(&points[b].cost.energy_j))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_attention::{GainCell, cost};

    fn point(excess: f64, energy_j: f64) -> Point {
        let circuit = GainCell::default();
        let cost = Cost {
            energy_j,
            ..cost::cost(&circuit, &circuit.activity)
        };
        Point {
            design: vec![],
            loss: excess,
            excess,
            cost,
            origin: Origin::Change,
        }
    }

    #[test]
    fn the_front_holds_what_nothing_beats() {
        let points = [
            point(0.0, 3.0),
            point(0.1, 1.0),
            point(0.1, 2.0),
            point(0.05, 2.0),
            point(0.1, 1.0),
        ];
        assert_eq!(front(&points), [1, 3, 0]);
        assert_eq!(least_energy(&points, 0.06), Some(3));
        assert_eq!(least_energy(&points, -1.0), None);
    }
}
