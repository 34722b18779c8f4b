use super::*;

fn at(env_steps: u64, end: u64) -> Status {
    Status {
        phase: "joint",
        env_steps,
        end,
        ..Status::default()
    }
}

/// A meter that has seen the first of `end` steps at time zero.
fn meter(first: u64, end: u64, live: bool) -> Meter {
    let mut meter = Meter::new("morph", live, first);
    meter.update(Duration::ZERO, &at(first, end));
    meter
}

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

#[test]
fn a_line_says_all_that_is_known() {
    let mut meter = meter(0, 1000, false);
    let status = Status {
        mean_return: Some(-12.345),
        success: Some(0.5),
        gap: Some(0.01),
        ..at(250, 1000)
    };
    assert_eq!(
        meter.update(seconds(5), &status).unwrap(),
        "morph  joint  250/1000 steps (25 %)  ETA 15 s  true success 0.50  return -12.35  50 steps/s  proxy error 1.0 %"
    );
}

#[test]
fn figures_stay_until_there_are_new_ones() {
    let mut meter = meter(0, 1000, true);
    let judged = Status {
        success: Some(0.25),
        ..at(100, 1000)
    };
    meter.update(seconds(1), &judged);
    let line = meter.update(seconds(2), &at(200, 1000)).unwrap();
    assert!(line.contains("true success 0.25"), "{line}");
}

#[test]
fn nothing_is_said_about_speed_before_it_is_known() {
    let mut meter = Meter::new("morph", true, 0);
    let line = meter.update(seconds(0), &at(0, 1000)).unwrap();
    assert_eq!(line, "morph  joint  0/1000 steps (0 %)");
}

#[test]
fn a_resumed_run_counts_only_its_own_steps_as_speed() {
    let mut meter = meter(900_000, 1_000_000, false);
    let line = meter.update(seconds(10), &at(901_000, 1_000_000)).unwrap();
    assert!(line.contains("901000/1000000 steps (90 %)  ETA 16 min 30 s"), "{line}");
    assert!(line.ends_with("100 steps/s"), "{line}");
}

#[test]
fn the_time_left_follows_the_recent_speed() {
    let mut meter = meter(0, 100_000, true);
    let mut line = None;
    for second in 1..=100u64 {
        // 10 steps/s for 50 s, then 1000 steps/s
        let steps = second.min(50) * 10 + second.saturating_sub(50) * 1000;
        line = meter.update(seconds(second), &at(steps, 100_000));
    }
    assert!(line.unwrap().ends_with("ETA 50 s  1000 steps/s"));
    assert!(meter.recent.len() < 40, "only the window is kept");
}

#[test]
fn plain_lines_are_rare_except_for_new_phases() {
    let mut meter = meter(0, 1_000_000, false);
    let mut lines = Vec::new();
    for tick in 0..36_000u64 {
        let now = Duration::from_millis(100 * tick); // an hour, ten updates a second
        if meter.update(now, &at(tick, 1_000_000)).is_some() {
            lines.push(now);
        }
    }
    assert!(lines.windows(2).all(|w| w[1] - w[0] >= PLAIN_PAUSE));
    assert!(lines.windows(2).all(|w| w[1] - w[0] <= LONGEST_PAUSE + PLAIN_PAUSE));
    assert!(lines.len() < 200, "{}", lines.len());
    let next = Status {
        phase: "adapt",
        ..at(36_000, 1_000_000)
    };
    assert!(meter.update(Duration::from_millis(3_600_001), &next).is_some());
}

#[test]
fn the_last_line_tells_how_long_it_took() {
    let mut meter = meter(0, 100, true);
    meter.update(seconds(200), &at(100, 100));
    assert!(meter.last_line(seconds(200)).unwrap().contains("3 min 20 s in all"));
    let closing = meter.closing_line(seconds(200)).unwrap();
    assert_eq!(closing, "morph  ended after 100 steps and 3 min 20 s");
}

#[test]
fn a_budget_that_need_not_be_spent_is_at_most() {
    let mut meter = meter(0, 1000, true);
    let early = Status {
        may_end_early: true,
        ..at(995, 1000)
    };
    let line = meter.update(seconds(10), &early).unwrap();
    assert!(
        line.contains("995 of at most 1000 steps (99 %)  ETA 0 s at most"),
        "{line}"
    );
    let closing = meter.closing_line(seconds(10)).unwrap();
    assert!(closing.ends_with("before its budget was spent"), "{closing}");
    // the last iteration may go beyond the budget
    let line = meter.update(seconds(20), &at(264_000, 1000)).unwrap();
    assert!(line.contains("(100 %)"), "{line}");
}

#[test]
fn work_without_steps_is_never_silent_for_long() {
    let lines: Vec<u64> = (0..=60).filter(|&s| is_worth_a_line(s)).collect();
    assert_eq!(lines, [3, 6, 9, 10, 12, 15, 18, 20, 21, 24, 27, 30, 40, 50, 60]);
}

#[test]
fn times_are_short() {
    let cases = [
        (0.4, "0 s"),
        (59.6, "1 min 00 s"),
        (7500.0, "2 h 05 min"),
        (273_600.0, "3 d 4 h"),
    ];
    for (time, text) in cases {
        assert_eq!(short(time), text);
    }
}
