//! The hand that presses a button: kinematics, physics, the task's rule, and why the start design must fail.

use tandem_core::{Design, Stream};
use tandem_physics::hand3d::press::controller::{Attempt, Script, run};
use tandem_physics::hand3d::press::hand::{FINGERS, Finger, Hand, JOINT_LIMITS, within_stops};
use tandem_physics::hand3d::press::machine::{JOINTS, Machine, Start, limits};
use tandem_physics::hand3d::press::task::{
    BOX_HALF, BUTTON_HALF, Grip, MOST_SHIFT, MOST_TURN, PALM_ABOVE_BOX, cannot_press, least_gap,
};

/// A design that works: placement (degrees), proximal and distal length (m) of every finger.
const GOOD: [f64; 12] = [5.0, 0.095, 0.08, 95.0, 0.05, 0.05, 240.0, 0.05, 0.05, 300.0, 0.05, 0.05];

fn start_design() -> Design {
    Hand::space().unwrap().start()
}

fn machine(design: &[f64], start: Start) -> (Machine, Script) {
    let hand = Hand::new(design).unwrap();
    (Machine::new(&hand, &start, 10).unwrap(), Script::new(&hand))
}

#[test]
fn half_the_time_step_changes_little() {
    let hand = Hand::new(&GOOD).unwrap();
    let script = Script::new(&hand);
    let [coarse, fine] = [10, 20].map(|substeps| {
        let mut machine = Machine::new(&hand, &Start::default(), substeps).unwrap();
        assert!(run(&mut machine, &script).unwrap().success);
        machine.grip()
    });
    assert!((coarse.lift - fine.lift).abs() < 0.002, "{coarse:?} {fine:?}");
    assert!((coarse.press - fine.press).abs() < 0.001, "{coarse:?} {fine:?}");
}

/// Joint positions and speeds after every control step of a run high above the box, in which all servos are driven to their
/// limits again and again.
fn saturated(substeps: usize) -> Vec<[f32; 2 * JOINTS]> {
    let hand = Hand::new(&GOOD).unwrap();
    let mut start = Start::default();
    start.joints[0] = 0.09;
    let mut machine = Machine::new(&hand, &start, substeps).unwrap();
    let state = |step: usize| {
        let sign = |period: usize, delay: usize| {
            if ((step + delay) / period).is_multiple_of(2) {
                1.0
            } else {
                -1.0
            }
        };
        let target = |i: usize| match i.checked_sub(1) {
            None => 0.09 + 0.01 * sign(10, 0),
            Some(k) => [0.0, -0.05, 0.6][k % 3] + 0.3 * sign(8, 3 * i),
        };
        machine.step(&std::array::from_fn(target)).unwrap();
        let (positions, speeds) = (machine.joints(), machine.speeds());
        std::array::from_fn(|i| if i < JOINTS { positions[i] } else { speeds[i - JOINTS] })
    };
    (0..60).map(state).collect()
}

#[test]
fn saturated_servos_move_as_at_an_eighth_of_the_step() {
    // half a radian in 20 ms asks a spring of 2 N m/rad for more than its 0.6 N m, and the stage for more than 12.5 m/s^2;
    // in units of the range that each number covers
    let [coarse, fine] = [10, 80].map(saturated);
    for i in 0..2 * JOINTS {
        let of = |run: &[[f32; 2 * JOINTS]]| run.iter().map(|state| state[i]).collect::<Vec<f32>>();
        let (coarse, fine) = (of(&coarse), of(&fine));
        let [low, high] = [f32::min, f32::max].map(|pick| fine.iter().copied().reduce(pick).unwrap());
        let apart = coarse.iter().zip(&fine).map(|(a, b)| (a - b).abs());
        let worst = apart.reduce(f32::max).unwrap() / (high - low);
        // the engine's speeds are half a step old
        let allowed = if i < JOINTS { 0.01 } else { 0.03 };
        assert!(worst < allowed, "{i}: {worst}");
    }
}

#[test]
fn what_is_held_does_not_give_way() {
    let (mut machine, script) = machine(&GOOD, Start::default());
    for step in 0..100 {
        machine.step(&script.targets(step)).unwrap();
        assert!(
            machine.deepest_overlap() < 3e-4,
            "{step}: {}",
            machine.deepest_overlap()
        );
    }
    assert!(machine.grip().succeeds());
}

#[test]
fn what_lies_on_the_table_does_not_feel_the_stage() {
    // the world is computed in the palm's frame
    let (mut machine, _) = machine(&GOOD, Start::default());
    for step in 0..80 {
        let mut targets = Start::default().joints;
        let up = if step / 20 % 2 == 0 { step % 20 } else { 20 - step % 20 };
        targets[0] = 0.004 * up as f32;
        machine.step(&targets).unwrap();
        let (scenery, world) = machine.scenery();
        let [velocity, spin] = scenery.sight(world).velocity;
        assert!(velocity.iter().all(|v| v.abs() < 2e-3), "{step}: {velocity:?}");
        assert!(spin.iter().all(|w| w.abs() < 2e-2), "{step}: {spin:?}");
        assert!(machine.grip().lift.abs() < 1e-4, "{step}: {:?}", machine.grip());
    }
    // and fingers hang from it
    let height = BOX_HALF[2] + PALM_ABOVE_BOX + f64::from(machine.joints()[0]);
    let root = machine.finger(0)[0];
    assert!((f64::from(root[2]) - height).abs() < 1e-6);
}

fn attempt(design: &[f64], start: Start) -> Attempt {
    let (mut machine, script) = machine(design, start);
    run(&mut machine, &script).unwrap()
}

#[test]
fn a_good_design_succeeds_and_the_start_design_grasps_but_cannot_press() {
    let good = attempt(&GOOD, Start::default());
    assert!(good.success, "{good:?}");
    let start = attempt(&start_design(), Start::default());
    assert!(!start.success && start.pressed < 1e-4, "{start:?}");
    assert!(start.held > 50, "{start:?}");
}

#[test]
fn the_good_design_succeeds_from_randomised_starts() {
    let mut stream = Stream::new(0, "starts", 0);
    let mut successes = 0;
    for _ in 0..20 {
        let start = Start {
            offset: [0; 2].map(|_| stream.uniform(-0.002, 0.002)),
            turn: stream.uniform(-0.02, 0.02),
            ..Start::default()
        };
        successes += u32::from(attempt(&GOOD, start).success);
    }
    assert!(successes >= 18, "{successes} of 20");
}

#[test]
fn no_finger_of_the_start_design_can_touch_the_button_of_a_box_that_is_held() {
    let hand = Hand::new(&start_design()).unwrap();
    assert!(cannot_press(&hand));
    assert!(!cannot_press(&Hand::new(&GOOD).unwrap()));
    // finger 1 by hand: root (28.3, 28.3, 65) mm from the box's centre, nearest point of the plate (140, 12, 12) mm,
    // 124.7 mm away; finger and radius 88 mm; the plate's far corner is 151.0 mm out and moves 21.1 mm in a turn of
    // 8 degrees; the shift is 11.3 mm
    let gap = least_gap(&hand.fingers[0]);
    assert!((gap - (0.1247 - 0.088 - 0.0211 - 0.0113)).abs() < 2e-4, "{gap}");
}

#[test]
fn the_bound_holds_for_random_poses_of_finger_and_box() {
    // whatever the finger's joints and the allowed pose of the box, its axis stays a link's radius and more away from
    // the plate
    let finger = Hand::new(&start_design()).unwrap().fingers[0];
    let bound = least_gap(&finger);
    let mut stream = Stream::new(1, "bound", 0);
    let mut nearest = f64::INFINITY;
    for _ in 0..20_000 {
        let angles = JOINT_LIMITS.map(|[low, high]| stream.uniform(low, high));
        let [knuckle, tip] = finger.forward(&angles);
        let share = stream.unit();
        let along: Vec<f64> = (0..3).map(|i| knuckle[i] + share * (tip[i] - knuckle[i])).collect();
        let turn = stream.uniform(-MOST_TURN, MOST_TURN);
        let heading = stream.uniform(0.0, std::f64::consts::TAU);
        let shift = [
            MOST_SHIFT * heading.cos(),
            MOST_SHIFT * heading.sin(),
            stream.uniform(-MOST_SHIFT, MOST_SHIFT),
        ];
        // the point in the frame of a box that is turned about the vertical
        let (sin, cos) = turn.sin_cos();
        let (x, y) = (along[0] - shift[0], along[1] - shift[1]);
        let local = [
            cos * x + sin * y,
            cos * y - sin * x,
            along[2] + PALM_ABOVE_BOX - shift[2],
        ];
        let low = [BOX_HALF[0], -BUTTON_HALF[1], -BUTTON_HALF[2]];
        let high = [BOX_HALF[0] + 2.0 * BUTTON_HALF[0], BUTTON_HALF[1], BUTTON_HALF[2]];
        let squares = (0..3).map(|i| (local[i].clamp(low[i], high[i]) - local[i]).powi(2));
        nearest = nearest.min(squares.sum::<f64>().sqrt() - 0.008);
    }
    assert!(bound > 0.0 && nearest >= bound, "{nearest} {bound}");
}

#[test]
fn success_asks_for_all_conditions_at_once() {
    let good = Grip {
        lift: 0.03,
        turn: 0.05,
        shift: [0.004, -0.004],
        press: 0.004,
    };
    assert!(good.succeeds());
    for bad in [
        Grip { lift: 0.019, ..good },
        Grip { turn: 0.15, ..good },
        Grip {
            shift: [0.009, 0.0],
            ..good
        },
        Grip {
            shift: [0.0, -0.009],
            ..good
        },
        Grip { press: 0.002, ..good },
    ] {
        assert!(!bad.succeeds(), "{bad:?}");
    }
}

#[test]
fn finger_kinematics_by_hand_and_back() {
    let finger = Finger {
        placement: 0.0,
        proximal: 0.05,
        distal: 0.03,
    };
    // straight out, then the distal link straight down
    let [knuckle, tip] = finger.forward(&[0.0, 0.0, std::f64::consts::FRAC_PI_2]);
    for (got, expected) in knuckle.iter().chain(&tip).zip([0.09, 0.0, 0.0, 0.09, 0.0, -0.03]) {
        assert!((got - expected).abs() < 1e-12, "{knuckle:?} {tip:?}");
    }
    let mut stream = Stream::new(2, "inverse", 0);
    for _ in 0..2000 {
        let angles = JOINT_LIMITS.map(|[low, high]| stream.uniform(low, high));
        let [_, tip] = finger.forward(&angles);
        let Some(back) = finger.inverse(tip) else {
            continue; // that pose of the tip needs its knuckle down
        };
        let [_, again] = finger.forward(&back);
        let miss: f64 = tip.iter().zip(again).map(|(a, b)| (a - b).abs()).sum();
        assert!(miss < 1e-9 && within_stops(&back));
    }
}

#[test]
fn the_machine_stands_where_its_kinematics_say() {
    let hand = Hand::new(&GOOD).unwrap();
    let mut start = Start::default();
    start.joints[0] = 0.02;
    for i in 1..JOINTS {
        start.joints[i] = [0.1, 0.3, 0.5][(i - 1) % 3];
    }
    let machine = Machine::new(&hand, &start, 10).unwrap();
    for (got, expected) in machine.joints().iter().zip(start.joints) {
        assert!((got - expected).abs() < 1e-6);
    }
    let height = BOX_HALF[2] + PALM_ABOVE_BOX + 0.02;
    for i in 0..FINGERS {
        let [_, knuckle, tip] = machine.finger(i);
        let expected = hand.fingers[i].forward(&[0.1f32, 0.3, 0.5].map(f64::from));
        for (got, expected) in [knuckle, tip].iter().zip(expected) {
            let expected = [expected[0], expected[1], expected[2] + height];
            for axis in 0..3 {
                assert!((f64::from(got[axis]) - expected[axis]).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn a_box_that_nobody_touches_rests() {
    let (mut machine, _) = machine(&GOOD, Start::default());
    let raised = Start::default().joints;
    for _ in 0..50 {
        machine.step(&raised).unwrap();
    }
    let grip = machine.grip();
    assert!(
        grip.lift.abs() < 1e-3 && grip.turn < 1e-2 && grip.press.abs() < 2e-4,
        "{grip:?}"
    );
    for (i, (got, wanted)) in machine.joints().iter().zip(&raised).enumerate() {
        let allowed = if i == 0 { 0.003 } else { 0.1 };
        assert!((got - wanted).abs() < allowed, "joint {i}: {got} {wanted}");
    }
}

#[test]
fn no_design_touches_anything_at_the_start() {
    let mut stream = Stream::new(4, "raised", 0);
    for _ in 0..300 {
        let design = Hand::space().unwrap().sample(&mut stream);
        let (mut machine, _) = machine(&design, Start::default());
        machine.step(&Start::default().joints).unwrap();
        let grip = machine.grip();
        assert!(machine.deepest_overlap() < 1e-3 && grip.turn < 2e-3, "{grip:?}");
    }
}

#[test]
fn the_same_start_gives_the_same_attempt() {
    let (mut a, script) = machine(&GOOD, Start::default());
    let (mut b, _) = machine(&GOOD, Start::default());
    run(&mut a, &script).unwrap();
    run(&mut b, &script).unwrap();
    let object = |machine: &Machine| {
        let (scenery, world) = machine.scenery();
        scenery.object(world)
    };
    assert_eq!((a.joints(), object(&a)), (b.joints(), object(&b)));
}

#[test]
fn random_targets_of_random_designs_never_break_the_physics_unnoticed() {
    let mut stream = Stream::new(3, "random", 0);
    let (mut faults, mut episodes) = (0, 0);
    for _ in 0..20 {
        let design = Hand::space().unwrap().sample(&mut stream);
        let (mut machine, _) = machine(&design, Start::default());
        episodes += 1;
        let mut target = machine.joints();
        for _ in 0..100 {
            for (i, t) in target.iter_mut().enumerate() {
                let [low, high] = limits(i);
                let step = if i == 0 { 0.003 } else { 0.1 };
                let moved = f64::from(*t) + stream.uniform(-step, step);
                *t = moved.clamp(low, high) as f32;
            }
            if let Err(fault) = machine.step(&target) {
                println!("{fault}");
                faults += 1;
                break;
            }
            assert!(machine.joints().iter().all(|q| q.is_finite()));
        }
    }
    assert!(
        faults * 10 <= episodes,
        "{faults} of {episodes} episodes ended in a fault"
    );
}
