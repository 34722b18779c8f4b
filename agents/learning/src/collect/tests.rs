use super::*;
use crate::archive::Archive;
use crate::kernel::Scratch;
use crate::rollout::{EffectModels, Noise, OneModel};
use crate::testing::{Designs, Naming, learnt_policy, with_threads};
use tandem_core::Stream;

const RANDOM: Designs = Designs { random: true };

fn policy() -> PolicySnapshot {
    policy_seeing(0)
}

fn policy_seeing(designs: usize) -> PolicySnapshot {
    learnt_policy(2, designs, &mut Stream::new(0, "policy", 0)).snapshot()
}

fn envs(bound: f32) -> VecEnv {
    VecEnv::new(&Naming::new(5, bound), 3, 7, "lanes")
}

fn effect(model: Option<&dyn EffectModels>, deviation: Option<f32>) -> Motion<'_> {
    persistent(model, deviation, 0.0)
}

fn persistent(model: Option<&dyn EffectModels>, deviation: Option<f32>, persistence: f32) -> Motion<'_> {
    let noise = |deviation| Noise { deviation, persistence };
    Motion {
        full_envs: 0,
        model,
        noise: deviation.map(noise),
    }
}

fn run(envs: &mut VecEnv, motion: &Motion, steps: usize) -> Result<Rollout, CollectError> {
    let mut rollout = Rollout::new(steps);
    collect(envs, &policy(), &RANDOM, motion, &mut rollout).map(|()| rollout)
}

/// Always the same effect.
struct Constant([f32; 2]);

impl EffectModel for Constant {
    fn predict(&self, _: &[f32], _: &mut Scratch, effect: &mut [f32]) {
        effect.copy_from_slice(&self.0);
    }
}

fn constant(effect: [f32; 2]) -> OneModel {
    OneModel(Arc::new(Constant(effect)))
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let collected = |threads| with_threads(threads, || run(&mut envs(1.2), &effect(None, Some(0.3)), 50).unwrap());
    assert_eq!(format!("{:?}", collected(1)), format!("{:?}", collected(2)));
}

#[test]
fn two_segments_join_into_one_and_environments_continue_exactly_from_an_archive() {
    let motion = persistent(None, Some(0.3), 0.8);
    let whole = run(&mut envs(1.2), &motion, 14).unwrap();
    let mut first = envs(1.2);
    let head = run(&mut first, &motion, 7).unwrap();
    let mut archive = Archive::new();
    first.save(&mut archive, "lanes");
    let mut second = VecEnv::new(&Naming::new(5, 1.2), 3, 99, "other");
    second
        .load(&Archive::from_bytes(&archive.to_bytes().unwrap()).unwrap(), "lanes")
        .unwrap();
    let tail = run(&mut second, &motion, 7).unwrap();
    for env in 0..3 {
        let joined = [&head.rewards[env * 7..][..7], &tail.rewards[env * 7..][..7]].concat();
        assert_eq!(joined, whole.rewards[env * 14..][..14]);
    }
    let returns = |r: &Rollout| r.episodes.iter().map(|e| e.total_return).sum::<f64>();
    assert!((returns(&head) + returns(&tail) - returns(&whole)).abs() < 1e-9);
    let mut other = VecEnv::new(&Naming::new(5, 1.2), 4, 0, "lanes");
    assert!(
        other
            .load(&archive, "lanes")
            .unwrap_err()
            .to_string()
            .contains("lanes.count")
    );
}

#[test]
fn a_policy_that_sees_designs_is_shown_that_of_its_episode_and_acts_like_the_one_for_that_design() {
    let (mut envs, policy) = (envs(1e9).with_design(), policy_seeing(1));
    let mut rollout = Rollout::new(12);
    collect(&mut envs, &policy, &RANDOM, &effect(None, None), &mut rollout).unwrap();
    let space = envs.hardware().space().clone();
    let mut shown = Vec::new();
    for (row, (seen, logit)) in rollout.observations.chunks(3).zip(&rollout.logits).enumerate() {
        let design = space.values(&[f64::from(*logit)]);
        // gains lie between 0.5 and 1.5; a fresh normaliser changes nothing
        assert!((f64::from(seen[2]) - 2.0 * (design[0] - 1.0)).abs() < 1e-6);
        let value = policy
            .for_design(&space, &design)
            .value(&seen[..2], &mut Scratch::default());
        assert!((value - rollout.values[row]).abs() < 1e-6);
        shown.push(seen[2].to_bits());
    }
    shown.dedup();
    assert_eq!(shown.len(), 9, "three environments of three episodes");
    assert_eq!(rollout.moments.mean().len(), 3);
    let mut blind = self::envs(1e9);
    assert!(collect(&mut blind, &policy, &RANDOM, &effect(None, None), &mut rollout).is_err());
}

#[test]
fn a_cut_episode_hands_out_the_value_of_its_final_observation() {
    let rollout = run(&mut envs(1e9), &effect(None, None), 12).unwrap();
    for env in 0..3 {
        for t in 0..12 {
            let i = env * 12 + t;
            let cut = t % 5 == 4;
            assert_eq!(rollout.ends[i] == End::Truncated, cut);
            assert_eq!(rollout.final_values[i] != 0.0, cut);
            // the episode that follows starts elsewhere: its first value is not the final one
            assert!(!cut || rollout.final_values[i] != rollout.values[i + 1]);
        }
    }
    // the same first episode without the cut shows what the final observation was worth
    let uncut = &mut VecEnv::new(&Naming::new(100, 1e9), 3, 7, "lanes");
    let uncut = run(uncut, &effect(None, None), 6).unwrap();
    assert_eq!(rollout.final_values[4], uncut.values[5]);
    assert!(rollout.last_values.iter().all(|v| *v != 0.0));
    let just_ended = run(&mut envs(1e9), &effect(None, None), 10).unwrap();
    assert_eq!(just_ended.last_values, [0.0; 3]);
    assert_eq!((rollout.episodes.len(), rollout.episodes[0].steps), (6, 5));
    assert_eq!((rollout.moments.count(), rollout.hardware_queries), (36.0, 36));
    let mean = rollout.rewards.iter().map(|&r| f64::from(r)).sum::<f64>() / 36.0;
    assert!((rollout.reward_terms[0] - mean).abs() < 1e-9);
}

#[test]
fn a_fault_terminates_and_commands_are_clipped_for_the_world_only() {
    let full = Motion {
        full_envs: usize::MAX,
        model: None,
        noise: None,
    };
    let rollout = run(&mut envs(0.999), &full, 200).unwrap();
    for (i, end) in rollout.ends.iter().enumerate() {
        let outside = rollout.commands[2 * i..2 * i + 2].iter().any(|u| u.abs() > 0.999);
        assert_eq!(*end == End::Terminated, outside);
        // |effect - goal| is at most 1 + 0.8 per axis when the command was clipped
        assert!(rollout.rewards[i] >= -2.0 * 1.8 * 1.8);
    }
    assert!(rollout.commands.iter().any(|u| u.abs() > 1.5));
    assert!(rollout.episodes.iter().any(|e| e.fault == Some("left the bounds")));
    assert!(rollout.queries.is_empty() && rollout.hardware_queries == 0);
}

#[test]
fn noise_lies_on_the_task_effect_and_its_density_is_recorded_in_its_scale() {
    let model = constant([0.25, -0.5]);
    let rollout = run(&mut envs(1e9), &effect(Some(&model), Some(0.2)), 400).unwrap();
    assert_eq!(
        (rollout.effects.len(), rollout.queries.len(), rollout.hardware_queries),
        (1200, 2400, 0)
    );
    let mut squares = 0.0;
    for (effect, log_prob) in rollout.effects.iter().zip(&rollout.effect_log_probs) {
        // the scale of the task effect is 0.5, so the deviation is 0.2 * 0.5 in its unit
        let z = f64::from(effect - 0.25) / (0.2 * 0.5);
        let expected = -0.5 * z * z - (0.2 * std::f64::consts::TAU.sqrt()).ln();
        assert!((f64::from(*log_prob) - expected).abs() < 1e-4);
        squares += z * z / 1200.0;
    }
    assert!((squares - 1.0).abs() < 0.15, "{squares}");
}

#[test]
fn noise_may_outlast_its_step_and_is_gone_with_its_episode() {
    let model = constant([0.25, -0.5]);
    let motion = persistent(Some(&model), Some(0.2), 0.8);
    let rollout = run(&mut envs(1e9), &motion, 12).unwrap();
    let mut state = 0.0;
    for t in 0..12 {
        // scale 0.5; of a deviation of 0.2 the share sqrt(1 - 0.8^2) = 0.6 is new in each step
        let fresh = (rollout.effects[t] - 0.25) / (0.2 * 0.5 * 0.6);
        state = 0.8 * state + 0.6 * fresh;
        let applied = 0.25 + 0.2 * 0.5 * state;
        let goal = &rollout.observations[2 * t..][..2];
        let reward = -(applied - goal[0]).powi(2) - (-0.5 - goal[1]).powi(2);
        assert!((rollout.rewards[t] - reward).abs() < 1e-4, "step {t}");
        let density = -0.5 * fresh * fresh - (0.12 * std::f32::consts::TAU.sqrt()).ln();
        assert!((rollout.effect_log_probs[t] - density).abs() < 1e-3);
        if rollout.ends[t] != End::Running {
            state = 0.0; // every five steps
        }
    }
}

#[test]
fn designs_are_drawn_anew_for_every_episode_and_recorded() {
    let rollout = run(&mut envs(1e9), &effect(None, None), 15).unwrap();
    for episode in &rollout.episodes {
        assert!(rollout.logits.contains(&(episode.logits[0] as f32)));
    }
    assert_ne!(rollout.episodes[0].logits, rollout.episodes[1].logits);
    assert!((0..9).all(|e| (0..5).all(|t| rollout.logits[5 * e] == rollout.logits[5 * e + t])));
}

#[test]
fn another_fidelity_or_a_restart_begins_new_episodes() {
    let mut envs = envs(1e9);
    run(&mut envs, &effect(None, None), 3).unwrap();
    let full = Motion {
        full_envs: usize::MAX,
        model: None,
        noise: None,
    };
    let ends = |r: Rollout| r.ends.iter().position(|e| *e == End::Truncated);
    assert_eq!(ends(run(&mut envs, &full, 7).unwrap()), Some(4));
    assert_eq!(
        ends(run(&mut envs, &full, 7).unwrap()),
        Some(2),
        "goes on after two steps"
    );
    envs.restart();
    assert_eq!(ends(run(&mut envs, &full, 7).unwrap()), Some(4));
}

#[test]
fn numbers_that_are_not_finite_are_reported_with_their_place() {
    let error = run(&mut envs(1.0), &effect(Some(&constant([0.0, f32::NAN])), None), 5).unwrap_err();
    assert_eq!(error.to_string(), "environment 0, step 0: effect[1] is NaN");
    let error = run(&mut envs(1.0), &effect(Some(&constant([0.0, 1e30])), None), 5).unwrap_err();
    assert_eq!(error.to_string(), "environment 0, step 0: reward[0] is -inf");
}

/// A robot may fly apart under random commands; the episode ends, and the run goes on.
#[test]
fn true_hardware_without_an_answer_ends_the_episode() {
    for noise in [None, Some(0.1)] {
        let mut envs = VecEnv::new(&Naming::fragile(5, 1e9, 0.9), 3, 7, "lanes");
        let rollout = run(&mut envs, &effect(None, noise), 40).unwrap();
        let broken = rollout
            .episodes
            .iter()
            .filter(|episode| episode.fault == Some("broke"))
            .count();
        assert!(broken > 3, "{broken}");
        assert_eq!(
            rollout.ends.iter().filter(|end| **end == End::Terminated).count(),
            broken
        );
        let all = rollout
            .effects
            .iter()
            .chain(&rollout.queries)
            .chain(&rollout.effect_log_probs);
        assert!(all.chain(&rollout.rewards).all(|number| number.is_finite()));
    }
}
