//! Axes: position of a value, ticks and their labels.

/// A round step that divides a range into about `count` parts: 1, 2 or 5 times a power of ten.
pub(crate) fn step(range: f64, count: f64) -> f64 {
    let rough = (range / count).max(f64::MIN_POSITIVE);
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|f| f * power >= rough);
    factor.unwrap_or(10.0) * power
}

/// Labels of all ticks of an axis, with as many digits as tell them apart.
pub(super) fn labels(ticks: &[f64]) -> Vec<String> {
    let with = |decimals| ticks.iter().map(|&tick| shortened(tick, decimals)).collect::<Vec<_>>();
    let apart = |labels: &Vec<String>| labels.windows(2).all(|pair| pair[0] != pair[1]);
    (4..12).map(with).find(apart).unwrap_or_else(|| with(4))
}

/// A label of at most a few letters: `0.25`, `250k`, `1.5M`, `2e-5`.
fn shortened(value: f64, decimals: usize) -> String {
    let (scaled, unit) = match value.abs() {
        0.0 => return "0".into(),
        v if !(1e-3..1e12).contains(&v) => return format!("{value:e}"),
        v if v >= 1e9 => (value / 1e9, "G"),
        v if v >= 1e6 => (value / 1e6, "M"),
        v if v >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = format!("{scaled:.decimals$}");
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A logarithmic axis has about as many ticks at most.
const LOG_TICKS: usize = 12;

/// One axis of a figure: a range of values and its ticks.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    log: bool,
    /// Marked values in ascending order.
    pub(super) ticks: Vec<f64>,
}

impl Axis {
    /// An axis over `values`, widened to its outer ticks, with about `count` parts; over `range` where one is given.
    pub(super) fn new(values: impl Iterator<Item = f64>, range: Option<(f64, f64)>, log: bool, count: f64) -> Self {
        let (low, high) = range.unwrap_or_else(|| {
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            })
        });
        let mut axis = match log {
            true => Self::logarithmic(low, high),
            false => Self::linear(low, high, count),
        };
        if range.is_some() {
            (axis.low, axis.high) = (low, high);
            axis.ticks.retain(|tick| (low..=high).contains(tick));
        }
        axis
    }

    /// The same axis cut to the `values` themselves, where at least two ticks are left.
    pub(super) fn fitted(mut self, values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let within = |tick: &&f64| (low..=high).contains(*tick);
        if high > low && self.ticks.iter().filter(within).count() >= 2 {
            (self.low, self.high) = (low, high);
            self.ticks.retain(|tick| (low..=high).contains(tick));
        }
        self
    }

    fn linear(low: f64, high: f64, count: f64) -> Self {
        // A single value lies in the middle of an axis of some width.
        let room = match high > low {
            true => 0.0,
            false => 0.5 * low.abs().max(1.0),
        };
        let (low, high) = (low - room, high + room);
        let step = step(high - low, count);
        let tenth = 0.1 * step; // rounding must not add an empty part
        let first = ((low + tenth) / step).floor();
        let last = ((high - tenth) / step).ceil();
        let parts = (last - first).clamp(1.0, 100.0) as u32;
        let ticks: Vec<f64> = (0..=parts).map(|i| (first + f64::from(i)) * step).collect();
        Self {
            low: (first * step).min(low),
            high: (last * step).max(high),
            log: false,
            ticks,
        }
    }

    /// Decades, and 2 and 5 times a decade where the range holds fewer than three; every so many decades where it holds
    /// more than a dozen.
    fn logarithmic(low: f64, high: f64) -> Self {
        let low = low.max(f64::MIN_POSITIVE);
        let room = if high > low { 1.0 } else { 2.0 };
        let (low, high) = (low / room, high * room);
        let factors: &[f64] = match high / low < 1e3 {
            true => &[1.0, 2.0, 5.0],
            false => &[1.0],
        };
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        let all: Vec<f64> = (first..=last)
            .flat_map(|power| factors.iter().map(move |f| f * 10_f64.powi(power)))
            .collect();
        let near = 1.0 + 1e-9;
        let below = all.iter().rposition(|tick| *tick <= low * near);
        let above = all.iter().position(|tick| *tick * near >= high);
        let (from, to) = (below.unwrap_or(0), above.unwrap_or(all.len() - 1));
        Self {
            low: all[from].min(low),
            high: all[to].max(high),
            log: true,
            ticks: all[from..=to]
                .iter()
                .copied()
                .step_by((to - from).div_ceil(LOG_TICKS).max(1))
                .collect(),
        }
    }

    /// Where a value lies: 0 at the low end, 1 at the high end.
    pub(super) fn share(&self, value: f64) -> f32 {
        let along = |v: f64| if self.log { v.ln() } else { v };
        let (low, high) = (along(self.low), along(self.high));
        ((along(value) - low) / (high - low)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(values: &[f64], log: bool) -> Axis {
        Axis::new(values.iter().copied(), None, log, 5.0)
    }

    #[test]
    fn steps_are_round() {
        assert_eq!(step(10.0, 5.0), 2.0);
        assert_eq!(step(0.9, 6.0), 0.2);
    }

    #[test]
    fn tick_labels_are_short() {
        let labels = [0.0, 0.25, 5000.0, 250_000.0, 1.5e6, 2e-5].map(|value| shortened(value, 4));
        assert_eq!(labels, ["0", "0.25", "5000", "250k", "1.5M", "2e-5"]);
    }

    #[test]
    fn labels_tell_ticks_apart() {
        assert_eq!(labels(&[3.72201, 3.72202]), ["3.72201", "3.72202"]);
        assert_eq!(labels(&[0.0, 0.5]), ["0", "0.5"]);
    }

    #[test]
    fn an_axis_ends_at_ticks_and_holds_its_values() {
        let linear = axis(&[0.3, 9.1], false);
        assert_eq!(linear.ticks, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!((linear.share(0.0), linear.share(5.0)), (0.0, 0.5));
        let log = axis(&[3.0, 80.0], true);
        assert_eq!(log.ticks, [2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        assert_eq!(axis(&[1.0, 1e4], true).ticks, [1.0, 10.0, 100.0, 1e3, 1e4]);
        for (value, log) in [(0.0, false), (-3.0, false), (7.0, true), (1e-300, true)] {
            let share = axis(&[value], log).share(value);
            assert!((0.0..=1.0).contains(&share), "{value}: {share}");
        }
    }

    #[test]
    fn a_wide_logarithmic_axis_has_few_ticks() {
        let wide = axis(&[1e-300, 1e300], true);
        assert!((6..=14).contains(&wide.ticks.len()), "{:?}", wide.ticks);
    }

    #[test]
    fn an_axis_can_fit_its_values() {
        let values = [51e3, 123e3];
        let fitted = axis(&values, false).fitted(values.into_iter());
        assert_eq!((fitted.share(51e3), fitted.share(123e3)), (0.0, 1.0));
        assert_eq!(fitted.ticks, [60e3, 80e3, 100e3, 120e3]);
        let narrow = [1.0, 1.0];
        assert_eq!(
            axis(&narrow, false).fitted(narrow.into_iter()).share(1.0),
            0.5,
            "room is left"
        );
    }

    #[test]
    fn a_given_range_is_kept() {
        let axis = Axis::new([].into_iter(), Some((0.0, 0.9)), false, 5.0);
        assert_eq!(axis.share(0.9), 1.0);
        assert!(axis.ticks.iter().all(|tick| *tick <= 0.9));
    }
}
