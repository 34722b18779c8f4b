//! MuJoCo as second judge: the same worlds, their machines moved by another engine on the exported file.

use tandem_core::contract::check_problem;
use tandem_core::{Fidelity, InMujoco, Problem, Stream};
use tandem_physics::hand3d::{press, tendon};
use tandem_physics::{classic, reach2d, tentacle};

fn reach(preset: &str) -> Box<dyn Problem> {
    let config = reach2d::Config {
        preset: Some(preset.into()),
        ..reach2d::Config::default()
    };
    reach2d::make(&config).unwrap()
}

/// The same problem with its machine in MuJoCo.
fn in_mujoco(problem: &dyn Problem) -> Box<dyn Problem> {
    match problem.in_mujoco() {
        Some(InMujoco::As(problem)) => problem,
        _ => panic!("{} has no machine that MuJoCo could move", problem.spec().name),
    }
}

/// Smooth random commands of a whole episode, `[T, command]`.
fn smooth(problem: &dyn Problem, seed: u64) -> Vec<Vec<f32>> {
    let mut stream = Stream::new(seed, "commands", 0);
    let mut command = vec![0.0f32; problem.spec().command.len()];
    let mut next = || {
        for u in &mut command {
            *u = (0.9 * *u + 0.2 * stream.normal() as f32).clamp(-1.0, 1.0);
        }
        command.clone()
    };
    (0..problem.spec().horizon).map(|_| next()).collect()
}

/// Plays commands from a start in full fidelity: observations after each step, whether it succeeded, its return.
fn play(problem: &mut dyn Problem, design: &[f64], start: u64, commands: &[Vec<f32>]) -> (Vec<Vec<f32>>, bool, f32) {
    let stream = &mut Stream::new(start, "start", 0);
    problem.reset(design, Fidelity::Full, stream).unwrap();
    let (mut seen, mut total) = (Vec::new(), 0.0);
    for command in commands {
        let step = problem.full_step(command);
        assert_eq!(step.fault, None, "{} at step {}", problem.spec().name, seen.len());
        let mut observation = vec![0.0; problem.spec().observation.len()];
        problem.observe(&mut observation);
        seen.push(observation);
        total += step.reward;
        if step.ended() {
            return (seen, step.success, total);
        }
    }
    (seen, false, total)
}

/// The largest difference of the observed channels whose names contain `part`.
fn gap(problem: &dyn Problem, part: &str, a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    let channels = problem.spec().observation.iter().enumerate();
    let at: Vec<usize> = channels
        .filter(|(_, c)| c.name.contains(part))
        .map(|(i, _)| i)
        .collect();
    assert!(!at.is_empty(), "{} has no {part}", problem.spec().name);
    let pairs = a.iter().zip(b);
    let gaps = pairs.flat_map(|(a, b)| at.iter().map(|&i| (a[i] - b[i]).abs()));
    gaps.fold(0.0, f32::max)
}

#[test]
fn arms_go_the_same_way_as_in_our_own_dynamics() {
    for (preset, bound) in [("near", 0.01), ("far", 0.02), ("far-torque", 0.02)] {
        let mut own = reach(preset);
        let mut other = in_mujoco(&*own);
        let design = own.hardware().space().start();
        let commands = smooth(&*own, 1);
        let [a, b] = [&mut own, &mut other].map(|p| play(p.as_mut(), &design, 3, &commands));
        let tip = gap(&*own, "goal_to_tip", &a.0, &b.0);
        assert!(tip < bound, "{preset}: {tip} m");
        assert!(
            (a.2 - b.2).abs() < 0.01 * a.2.abs(),
            "{preset}: returns {} and {}",
            a.2,
            b.2
        );
    }
}

#[test]
fn an_arm_at_rest_stays_at_rest_to_the_bit() {
    let own = reach("near");
    let mut problem = in_mujoco(&*own);
    let design = own.hardware().space().start();
    let still = vec![vec![0.0; 5]; 20];
    let (seen, _, _) = play(problem.as_mut(), &design, 0, &still);
    assert_eq!(gap(&*own, "angle", &seen, &vec![seen[0].clone(); seen.len()]), 0.0);
}

#[test]
fn tentacles_come_to_rest_where_statics_says() {
    let mut own = tentacle::make(&tentacle::Config::default()).unwrap();
    let mut other = in_mujoco(&*own);
    let design = own.hardware().space().start();
    // wound up for half a second, then held for as long
    let mut commands = vec![vec![0.8, 0.5]; 5];
    commands.extend(vec![vec![0.0, 0.0]; 5]);
    for start in 0..3 {
        let [a, b] = [&mut own, &mut other].map(|p| play(p.as_mut(), &design, start, &commands));
        let last = |seen: &[Vec<f32>]| vec![seen[seen.len() - 1].clone()];
        let tip = gap(&*own, "tip_", &last(&a.0), &last(&b.0));
        assert!(tip < 0.5e-3, "start {start}: {tip} m");
    }
}

#[test]
fn the_exported_steps_are_short_enough() {
    for own in [reach("far"), tentacle::make(&tentacle::Config::default()).unwrap()] {
        let mut machine = in_mujoco(&*own);
        let mut finer = machine.refined(4).unwrap();
        let design = own.hardware().space().start();
        let commands = smooth(&*own, 1);
        let [a, b] = [&mut machine, &mut finer].map(|p| play(p.as_mut(), &design, 3, &commands));
        let tip = gap(&*own, "goal", &a.0, &b.0);
        assert!(tip < 0.01, "{}: {tip} m", own.spec().name);
    }
}

#[test]
fn the_scripted_press_succeeds_in_both_engines() {
    let mut own = press::Press::new(press::Settings::default()).unwrap();
    let design = press::hand::WORKING;
    for start in 0..3 {
        own.reset(&design, Fidelity::Full, &mut Stream::new(start, "start", 0))
            .unwrap();
        // the script looks at its own targets only, so that its commands are the same in every engine
        let mut commands = Vec::new();
        let succeeded = loop {
            let command = own.state().unwrap().scripted();
            commands.push(command.to_vec());
            let step = own.full_step(&command);
            if step.ended() {
                break step.success;
            }
        };
        let (_, in_mujoco, _) = play(in_mujoco(&own).as_mut(), &design, start, &commands);
        assert!(
            succeeded && in_mujoco,
            "start {start}: {succeeded}, in MuJoCo {in_mujoco}"
        );
    }
}

#[test]
fn the_scripted_grasp_lifts_and_holds_half_of_all_objects_in_both_engines() {
    let mut own = tendon::make(tendon::Settings::default()).unwrap();
    let mut other = in_mujoco(&*own);
    // close to the most tension within 30 steps, lift by 60 mm from step 40 to 65
    let ramp = |step: usize, from: usize, to: usize, size: f32| match (from..to).contains(&step) {
        true => size / (to - from) as f32,
        false => 0.0,
    };
    let command = |step| vec![ramp(step, 0, 30, 40.0) / 3.0, ramp(step, 40, 65, 0.06) / 0.004];
    let commands: Vec<Vec<f32>> = (0..own.spec().horizon).map(command).collect();
    let mut held = [0; 2];
    for start in 0..16 {
        for (held, problem) in held.iter_mut().zip([&mut own, &mut other]) {
            let (_, success, _) = play(problem.as_mut(), &tendon::hand::WORKING, start, &commands);
            *held += usize::from(success);
        }
    }
    // one tension for all objects: 11 here and 9 in MuJoCo
    assert!(held.iter().all(|held| *held >= 7), "of 16 starts: {held:?}");
}

#[test]
fn what_lies_on_the_table_is_borne_by_it() {
    let mut problem = in_mujoco(&*tendon::make(tendon::Settings::default()).unwrap());
    let design = problem.hardware().space().start();
    problem
        .reset(&design, Fidelity::Full, &mut Stream::new(0, "start", 0))
        .unwrap();
    let mut terms = vec![0.0; problem.spec().reward_terms.len()];
    for _ in 0..10 {
        problem.full_step(&[0.0, 0.0]);
    }
    problem.reward_terms(&mut terms);
    // half a point for carrying the whole weight; nothing while the table does
    assert!(terms[1].abs() < 0.01, "{terms:?}");
}

#[test]
fn judged_worlds_keep_the_contract_and_saved_episodes_go_on_exactly() {
    let worlds = [
        reach("near"),
        reach("passage"),
        tentacle::make(&tentacle::Config::default()).unwrap(),
        press::make(press::Settings::default()).unwrap(),
        tendon::make(tendon::Settings::default()).unwrap(),
    ];
    for world in worlds {
        check_problem(&*in_mujoco(&*world)).unwrap();
    }
}

#[test]
fn what_has_no_machine_has_no_second_judge() {
    let problem = classic::make("cartpole").unwrap();
    assert!(problem.in_mujoco().is_none());
}
