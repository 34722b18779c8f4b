//! The phases of a run: burn-in, joint search, fine-tuning of the frozen design.

use serde::{Deserialize, Serialize};

use crate::experiment::Schedule;

/// Share of the last phase in which exploration falls to its end.
const SETTLING: f64 = 0.25;

/// What the run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The design is frozen, the policy learns under the method's effect.
    BurnIn,
    /// Policy and design move together.
    Joint,
    /// The design is frozen, the policy learns in the true simulation.
    FineTune,
}

impl Phase {
    /// The name in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::BurnIn => "burn-in",
            Self::Joint => "joint",
            Self::FineTune => "fine-tune",
        }
    }
}

/// Where a run stands in its schedule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Environment steps at which the design was frozen, once it was.
    pub frozen_at: Option<u64>,
    /// True successes since the joint search or the last phase began, newest last, at most three.
    recent: Vec<f64>,
    /// The run has reached `stop_at`.
    stopped: bool,
    /// Environment step to which the run was prolonged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prolonged_to: Option<u64>,
}

impl Timeline {
    /// The phase that the next iteration belongs to; `None`: the run is complete.
    pub fn phase(&self, schedule: &Schedule, env_steps: u64) -> Option<Phase> {
        if self.stopped || env_steps >= self.end(schedule) {
            return None;
        }
        let total = schedule.env_steps as f64;
        let steps = env_steps as f64;
        if self.frozen_at.is_some() || steps >= (1.0 - schedule.fine_tune) * total {
            Some(Phase::FineTune)
        } else if steps < schedule.burn_in * total {
            Some(Phase::BurnIn)
        } else {
            Some(Phase::Joint)
        }
    }

    /// The environment step at which the run ends: an early freeze keeps the length of the last phase.
    pub fn end(&self, schedule: &Schedule) -> u64 {
        if let Some(end) = self.prolonged_to {
            return end;
        }
        let fine_tune = schedule.fine_tune * schedule.env_steps as f64;
        match self.frozen_at {
            Some(step) => (step + fine_tune.ceil() as u64).min(schedule.env_steps),
            None => schedule.env_steps,
        }
    }

    /// Lets the run go on to the end of this schedule: once its design is frozen, in its last phase.
    pub fn prolong(&mut self, schedule: &Schedule) {
        if self.frozen_at.is_some() {
            self.prolonged_to = Some(schedule.env_steps);
            self.stopped = false;
            self.recent.clear();
        }
    }

    /// Fraction of the joint search that has passed.
    pub fn progress(&self, schedule: &Schedule, env_steps: u64) -> f64 {
        let total = schedule.env_steps as f64;
        let start = schedule.burn_in * total;
        let length = (1.0 - schedule.burn_in - schedule.fine_tune) * total;
        ((env_steps as f64 - start) / length.max(1.0)).clamp(0.0, 1.0)
    }

    /// How far exploration has fallen, 0 to 1: with the budget as long as the search lasts, then to its end over the first
    /// quarter of the last phase, so that what is delivered has practised without noise.
    pub fn exploration(&self, schedule: &Schedule, env_steps: u64) -> f64 {
        let total = schedule.env_steps as f64;
        let passed = |steps: f64| (steps / total).clamp(0.0, 1.0);
        let Some(frozen_at) = self.frozen_at else {
            return passed(env_steps as f64);
        };
        let since = env_steps.saturating_sub(frozen_at) as f64;
        let settled = (since / (SETTLING * schedule.fine_tune * total).max(1.0)).min(1.0);
        let before = passed(frozen_at as f64);
        before + (1.0 - before) * settled
    }

    /// Notes that the last phase begins now.
    pub fn freeze(&mut self, env_steps: u64) {
        self.frozen_at.get_or_insert(env_steps);
        self.recent.clear();
    }

    /// Notes a true evaluation, but for those of the burn-in and those of the last phase before the policy has `settled`;
    /// true when the search should end now.
    pub fn note(&mut self, schedule: &Schedule, phase: Phase, success: f64, settled: bool) -> bool {
        // in the burn-in the design that is judged has not moved yet
        if phase == Phase::BurnIn || (phase == Phase::FineTune && !settled) {
            return false;
        }
        self.recent.push(success);
        if self.recent.len() > 3 {
            self.recent.remove(0);
        }
        let all =
            |bar: Option<f64>| bar.is_some_and(|bar| self.recent.len() == 3 && self.recent.iter().all(|&s| s >= bar));
        if phase == Phase::FineTune {
            self.stopped = all(schedule.stop_at);
            return false;
        }
        all(schedule.freeze_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> Schedule {
        Schedule {
            env_steps: 1000,
            burn_in: 0.1,
            true_share: 0.0,
            fine_tune: 0.2,
            freeze_at: Some(0.9),
            stop_at: Some(0.95),
        }
    }

    #[test]
    fn phases_follow_the_budget() {
        let timeline = Timeline::default();
        let phase = |steps| timeline.phase(&schedule(), steps);
        assert_eq!(phase(0), Some(Phase::BurnIn));
        assert_eq!(phase(100), Some(Phase::Joint));
        assert_eq!(phase(800), Some(Phase::FineTune));
        assert_eq!(phase(1000), None);
        assert_eq!(timeline.progress(&schedule(), 450), 0.5);
    }

    #[test]
    fn evaluations_of_the_burn_in_do_not_freeze_the_design() {
        let mut timeline = Timeline::default();
        for _ in 0..5 {
            assert!(!timeline.note(&schedule(), Phase::BurnIn, 1.0, true));
        }
        for _ in 0..2 {
            assert!(!timeline.note(&schedule(), Phase::Joint, 1.0, true));
        }
        assert!(timeline.note(&schedule(), Phase::Joint, 1.0, true));
    }

    #[test]
    fn three_good_evaluations_freeze_the_design_and_three_more_end_the_run() {
        let mut timeline = Timeline::default();
        assert!(!timeline.note(&schedule(), Phase::Joint, 0.9, true));
        assert!(!timeline.note(&schedule(), Phase::Joint, 0.8, true));
        for _ in 0..2 {
            assert!(!timeline.note(&schedule(), Phase::Joint, 0.95, true));
        }
        assert!(timeline.note(&schedule(), Phase::Joint, 1.0, true));
        timeline.freeze(400);
        assert_eq!(timeline.end(&schedule()), 600);
        assert_eq!(timeline.phase(&schedule(), 400), Some(Phase::FineTune));
        for _ in 0..3 {
            timeline.note(&schedule(), Phase::FineTune, 1.0, true);
        }
        assert_eq!(timeline.phase(&schedule(), 450), None);
        let longer = Schedule {
            env_steps: 2000,
            ..schedule()
        };
        timeline.prolong(&longer);
        assert_eq!(timeline.phase(&longer, 450), Some(Phase::FineTune));
        assert_eq!(timeline.end(&longer), 2000);
    }

    #[test]
    fn exploration_falls_with_the_budget_and_to_its_end_soon_after_the_freeze() {
        let mut timeline = Timeline::default();
        let at = |timeline: &Timeline, steps| timeline.exploration(&schedule(), steps);
        assert_eq!(at(&timeline, 300), 0.3);
        timeline.freeze(400);
        assert!(
            (at(&timeline, 425) - 0.7).abs() < 1e-12,
            "half of a quarter of 200 steps"
        );
        assert_eq!(at(&timeline, 450), 1.0);
        assert_eq!(at(&timeline, 600), 1.0);
    }

    #[test]
    fn a_run_ends_only_on_what_has_settled() {
        let mut timeline = Timeline::default();
        timeline.freeze(400);
        for settled in [false, false, false, true, true] {
            timeline.note(&schedule(), Phase::FineTune, 1.0, settled);
            assert!(timeline.phase(&schedule(), 450).is_some());
        }
        timeline.note(&schedule(), Phase::FineTune, 1.0, true);
        assert_eq!(timeline.phase(&schedule(), 450), None);
    }
}
