//! Terms are evaluated without allocating.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use serde_json::json;
use support::{Episode, PENDULUM};

/// The system's allocator, which counts what this thread asks for.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller guarantees.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller guarantees.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_control_step_does_not_allocate() {
    let mut episode = Episode::new(
        PENDULUM,
        json!({
        "action": [{"term": "actuator"}],
        "observation": [{"term": "base_lin_vel"}, {"term": "joint_pos"}, {"term": "sensor", "params": {"sensor": "*"}},
            {"term": "cfrc_ext"}, {"term": "foot_contact", "params": {"geoms": "*"}}, {"term": "last_action"},
            {"expression": "sin(a)^2", "variables": {"a": {"term": "qpos", "index": 0}}}],
        "reward": [{"term": "joint_vel_l2"}, {"term": "contact_cost"}, {"term": "action_rate_l2"},
            {"term": "forward_velocity", "params": {"of": "joint:rail"}}, {"term": "feet_slip", "params": {"bodies": "*"}},
            {"term": "position_command_error", "params": {"of": "tip"}}],
        "termination": [{"term": "nan_detection"}, {"term": "bad_orientation", "params": {"limit_angle": 3}}],
        "command": [{"term": "position", "params": {"resample": 0.02, "body": "goal"}}],
        "events": [{"term": "push", "params": {"body": "cart", "interval": 0.02}}, {"term": "delay", "params": {"high": 3}}],
        "success": {"term": "position_reached", "params": {"of": "tip", "hold": 2}}}),
    );
    let mut seen = vec![0.0; episode.terms.observation().len()];
    let mut rewards = vec![0.0; episode.terms.reward().len()];
    let (punctual, mut controls) = (
        Episode::new(PENDULUM, json!({"action": [{"term": "actuator"}]})),
        [0.0; 4],
    );
    let before = COUNT.with(Cell::get);
    for _ in 0..10 {
        for Episode {
            terms, robot, memory, ..
        } in [&episode, &punctual]
        {
            terms.controls(robot, memory, &[0.5_f32; 4], &mut controls);
        }
        episode.step(&[0.5, -0.5, 0.25, 1.0]);
        let context = episode.terms.context(&episode.robot, &episode.memory);
        episode.terms.measure(context, &mut rewards);
        episode.terms.observe(context, &mut seen);
        assert!(!episode.terms.terminated(context) && episode.terms.formula_fault(context).is_none());
        let _ = (episode.terms.success(context), episode.terms.fault(&rewards));
    }
    assert_eq!(COUNT.with(Cell::get) - before, 0);
    assert!(before > 0, "the allocator counts");
}
