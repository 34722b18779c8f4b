//! What a search keeps: the best mapping, or all that none beats.

use super::Metric;
use super::build::Choice;

/// Energy and cycles, and how to come by them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub picojoules: f64,
    pub cycles: f64,
    pub choice: Choice,
}

/// What decides between mappings.
pub(super) trait Keep {
    /// What is least first; tiles are opened in this order of their bounds.
    fn key(&self, picojoules: f64, cycles: f64) -> [f64; 2];

    /// Whether a mapping of this cost would be kept. If it says no, then also for all that cost at least as much.
    fn wants(&self, picojoules: f64, cycles: f64) -> bool;

    /// Keeps a mapping that is wanted.
    fn take(&mut self, point: Point);

    /// Whether there is any mapping yet.
    fn is_empty(&self) -> bool;
}

/// Keeps the first of the best.
pub(super) struct Best {
    metric: Metric,
    pub best: Option<Point>,
}

impl Best {
    pub fn new(metric: Metric) -> Self {
        Self { metric, best: None }
    }
}

impl Keep for Best {
    fn key(&self, picojoules: f64, cycles: f64) -> [f64; 2] {
        match self.metric {
            Metric::Energy => [picojoules, cycles],
            Metric::Cycles => [cycles, picojoules],
            Metric::Edp => [picojoules * cycles, picojoules],
        }
    }

    fn wants(&self, picojoules: f64, cycles: f64) -> bool {
        let Some(best) = &self.best else { return true };
        self.key(picojoules, cycles) < self.key(best.picojoules, best.cycles)
    }

    fn take(&mut self, point: Point) {
        self.best = Some(point);
    }

    fn is_empty(&self) -> bool {
        self.best.is_none()
    }
}

/// Keeps what none beats in both, by rising energy and falling cycles.
#[derive(Default)]
pub(super) struct Front {
    pub points: Vec<Point>,
}

impl Keep for Front {
    fn key(&self, picojoules: f64, cycles: f64) -> [f64; 2] {
        [picojoules * cycles, picojoules]
    }

    fn wants(&self, picojoules: f64, cycles: f64) -> bool {
        // the last that costs no more energy has the fewest cycles of those
        let at = self.points.partition_point(|point| point.picojoules <= picojoules);
        at == 0 || self.points[at - 1].cycles > cycles
    }

    fn take(&mut self, point: Point) {
        self.points
            .retain(|other| other.picojoules < point.picojoules || other.cycles < point.cycles);
        let at = self.points.partition_point(|other| other.picojoules < point.picojoules);
        self.points.insert(at, point);
    }

    fn is_empty(&self) -> bool {
        self.points.is_empty()
    }
}
