//! The tendon-driven hand: its transmission, the machine, the task, both worlds, settings.

use tandem_core::{Environment, Fidelity, Problem, Step, Stream};
use tandem_physics::hand3d::tendon::controller::{OPEN, grasp, torques};
use tandem_physics::hand3d::tendon::hand::{JOINTS, Joint, WORKING, joints, space};
use tandem_physics::hand3d::tendon::machine::Machine;
use tandem_physics::hand3d::tendon::object::Object;
use tandem_physics::hand3d::tendon::task::{HOLD_STEPS, Hold, LIFT, PUSH_STEPS, push};
use tandem_physics::hand3d::tendon::{Settings, State, Tendon, make, selectivity};

/// Objects of 40 to 60 mm are what the hand-found design was made for.
fn is_easy(object: &Object) -> bool {
    (0.02..0.03).contains(&object.half_width)
}

/// The task at its easiest: objects near the middle, pushed with half of their weight.
fn easy() -> Settings {
    Settings {
        start_offset: 0.008,
        push: 0.7,
        ..Settings::default()
    }
}

/// Such objects near the middle.
fn objects(count: usize) -> Vec<Object> {
    let mut stream = Stream::new(11, "objects", 0);
    std::iter::repeat_with(|| Object::draw(0.008, &mut stream))
        .filter(is_easy)
        .take(count)
        .collect()
}

fn tendon() -> Environment<Tendon> {
    Tendon::new(Settings::default()).unwrap()
}

#[test]
fn torque_by_hand() {
    let joint = Joint {
        radius: 0.01,
        stiffness: 0.06,
        preload: 0.3,
    };
    // 10 mm x 20 N - 0.06 N m/rad x (0.5 + 0.3) rad
    assert!((joint.torque(0.5, 20.0) - 0.152).abs() < 1e-12);
}

#[test]
fn a_free_finger_rests_where_tendon_and_springs_balance() {
    // far from any object: a small one at the edge; r T = k (theta + theta_0) at 3 N: theta = 0.03 / 0.06 - 0.3 = 0.2 rad at
    // the proximal joints; the distal ones would need 0.018 / 0.12 - 0.3 < 0 and stay at their stop; the links' weight,
    // 0.05 N m at most, is what is left
    let object = Object {
        place: [0.3, 0.3],
        ..objects(1)[0]
    };
    let joints = joints(&WORKING).unwrap();
    let mut machine = Machine::new(&object, &OPEN, 10).unwrap();
    for _ in 0..150 {
        machine
            .step(0.1, |angles| torques(&joints, 3.0, angles), [0.0; 2])
            .unwrap();
    }
    for [proximal, distal] in machine.angles().as_chunks::<2>().0 {
        // weight turns a joint down by m g l / k: at most 0.023 kg x 9.81 x 0.06 m / 0.06 = 0.22 rad
        assert!((0.2..0.5).contains(proximal), "{proximal}");
        assert!(distal.abs() < 0.02, "{distal}");
    }
    assert!(machine.speeds().iter().all(|v| v.abs() < 0.05));
}

#[test]
fn a_working_design_lifts_what_the_start_design_drops() {
    let good = joints(&WORKING).unwrap();
    let start = joints(&space().unwrap().start()).unwrap();
    for object in objects(6) {
        let grasp = |joints, share| grasp(joints, &object, share, 1.0, &easy());
        assert_eq!(grasp(&good, 0.5), Ok(true), "{object:?}");
        for share in [0.25, 0.5, 1.0] {
            assert_ne!(grasp(&start, share), Ok(true), "{object:?}");
        }
    }
}

#[test]
fn the_table_bears_what_the_hand_does_not() {
    let joints = joints(&WORKING).unwrap();
    let object = objects(1)[0];
    let weight = 9.81 * object.mass() as f32;
    let mut machine = Machine::new(&object, &OPEN, 10).unwrap();
    let mut step = |tension: f32, slide: f32| {
        let pull = |angles: &_| torques(&joints, tension, angles);
        machine.step(slide, pull, [0.0; 2]).unwrap()
    };
    let untouched = (0..10).map(|_| step(0.0, 0.0)).last().unwrap();
    assert!((untouched / weight - 1.0).abs() < 0.02, "{untouched} of {weight}");
    for k in 0..30 {
        step(k as f32 / 30.0 * 20.0, 0.0);
    }
    let held = (0..25).map(|k| step(20.0, k as f32 / 25.0 * 0.06)).last();
    assert_eq!(held, Some(0.0));
}

#[test]
fn an_object_that_is_squeezed_out_is_a_failed_grasp_and_no_fault() {
    let mut problem = tendon();
    let mut thrown = 0;
    for seed in 0..30 {
        let stream = &mut Stream::new(seed, "start", 0);
        problem.reset(&WORKING, Fidelity::Full, stream).unwrap();
        for time in 0.. {
            // far too hard
            let step = problem.full_step(&[1.0, if time > 20 { 0.6 } else { 0.0 }]);
            assert_eq!(step.fault, None);
            assert!(step.reward.is_finite());
            if step.terminated {
                assert!(!step.success);
                thrown += 1;
            }
            if step.ended() {
                break;
            }
        }
    }
    assert!(thrown > 0);
}

#[test]
fn the_step_is_fine_enough() {
    // a grasp that holds, in units of each number's range
    let joints = joints(&WORKING).unwrap();
    let run = |substeps: usize| {
        let mut machine = Machine::new(&objects(1)[0], &OPEN, substeps).unwrap();
        let state = |step: usize| {
            let tension = (step as f32 / 30.0).min(1.0) * 20.0;
            let slide = (step.saturating_sub(35) as f32 / 25.0).min(1.0) * 0.06;
            let torque = |angles: &_| torques(&joints, tension, angles);
            machine.step(slide, torque, [0.0; 2]).unwrap();
            let (place, _) = machine.object();
            assert!(step < 60 || machine.deepest_overlap() < 1e-3);
            (machine.angles(), place[2])
        };
        (0..80).map(state).collect::<Vec<_>>()
    };
    let (coarse, fine) = (run(10), run(80));
    for ((angles, height), (fine_angles, fine_height)) in coarse.iter().zip(&fine) {
        for (angle, fine) in angles.iter().zip(fine_angles) {
            assert!((angle - fine).abs() < 0.02 * 1.9, "{angle} {fine}");
        }
        assert!((height - fine_height).abs() < 0.02 * 0.06, "{height} {fine_height}");
    }
}

#[test]
fn half_the_time_step_changes_no_verdict() {
    let good = joints(&WORKING).unwrap();
    let finer = Settings { substeps: 20, ..easy() };
    for object in objects(3) {
        assert_eq!(grasp(&good, &object, 0.5, 2.0, &finer), Ok(true), "{object:?}");
    }
    assert!(tendon().refined(2).is_some());
}

#[test]
fn success_needs_the_push_to_be_survived() {
    let mut hold = Hold::default();
    (0..HOLD_STEPS - 1).for_each(|_| hold.note(LIFT));
    assert!(!hold.succeeds());
    hold.note(LIFT);
    assert!(hold.succeeds());
    hold.note(0.0);
    assert!(!hold.succeeds());
    let [from, to] = PUSH_STEPS;
    assert_eq!(push(from - 1, 0.0, 2.0), [0.0; 2]);
    assert!((push(from, 0.0, 2.0)[0] - 2.0).abs() < 1e-6 && push(to, 0.0, 2.0) == [0.0; 2]);
}

#[test]
fn few_random_designs_work() {
    let settings = Settings::default();
    let share = selectivity(&settings, 40, 0).unwrap();
    assert!(share.work <= share.can_reach && share.work <= 6, "{share:?}");
}

/// A step under the true effect or of the full machine.
fn step(problem: &mut Environment<Tendon>, fidelity: Fidelity, command: &[f32]) -> Step {
    if fidelity == Fidelity::Full {
        return problem.full_step(command);
    }
    let (mut query, mut effect) = ([0.0; JOINTS + 1], [0.0; JOINTS]);
    problem.query(command, &mut query);
    problem.hardware().respond(&WORKING, &query, &mut effect);
    problem.apply(command, &effect)
}

#[test]
fn both_worlds_lift_under_the_same_commands() {
    for fidelity in [Fidelity::Full, Fidelity::Effect] {
        let mut problem = Tendon::new(easy()).unwrap();
        let (mut wins, mut played) = (0, 0);
        for seed in 0.. {
            let stream = &mut Stream::new(seed, "start", 0);
            problem.reset(&WORKING, fidelity, stream).unwrap();
            if !problem.state().map(State::object).is_some_and(is_easy) {
                continue;
            }
            played += 1;
            for time in 0.. {
                let tighten = if time < 27 { 0.25 } else { 0.0 };
                let lift = if (40..65).contains(&time) { 0.6 } else { 0.0 };
                let step = step(&mut problem, fidelity, &[tighten, lift]);
                assert_eq!(step.fault, None);
                if step.ended() {
                    wins += u32::from(step.success);
                    break;
                }
            }
            if played == 6 {
                break;
            }
        }
        assert!(wins >= 5, "{fidelity:?}: {wins} of 6");
    }
}

#[test]
fn what_cannot_go_on_ends_the_episode_by_name() {
    let mut problem = tendon();
    assert!(problem.full_step(&[0.0; 2]).fault.is_some());
    let reset = |problem: &mut Environment<Tendon>| {
        let stream = &mut Stream::new(3, "start", 0);
        problem.reset(&WORKING, Fidelity::Effect, stream).unwrap();
    };
    reset(&mut problem);
    assert!(problem.apply(&[0.0; 2], &[f32::NAN; JOINTS]).fault.is_some());
    reset(&mut problem);
    assert!(problem.full_step(&[0.0; 2]).fault.is_some());
    // torques beyond any transmission are cut, not believed
    reset(&mut problem);
    let step = problem.apply(&[0.0; 2], &[1e6; JOINTS]);
    assert!(step.reward.is_finite());
}

#[test]
fn wrong_settings_are_refused_by_name() {
    for (key, text) in [
        ("preset", r#"{"preset": "pull"}"#),
        ("start_offset", r#"{"start_offset": 1}"#),
        ("start_noise", r#"{"start_noise": -1}"#),
        ("substeps", r#"{"substeps": 0}"#),
    ] {
        let settings: Settings = serde_json::from_str(text).unwrap();
        let error = make(settings).err().expect(text).to_string();
        assert!(error.contains(key), "{text}: {error}");
    }
    assert!(serde_json::from_str::<Settings>(r#"{"horizons": 3}"#).is_err());
}
