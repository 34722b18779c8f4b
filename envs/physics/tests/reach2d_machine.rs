//! The planar reaching arm as the full physical machine.

use tandem_core::{Environment, Fidelity, Problem, Stream};
use tandem_physics::reach2d::machine::{DENSITY, link_mass};
use tandem_physics::reach2d::{Config, PRESETS, Reach, Settings, controller, motion, selectivity};

fn reach(config: &Config) -> Environment<Reach> {
    Reach::new(Settings::new(config).unwrap()).unwrap()
}

fn preset(name: &str) -> Config {
    Config {
        preset: Some(name.into()),
        ..Config::default()
    }
}

/// The next of smooth random commands with this standard deviation (0.5 s of memory).
fn smooth(stream: &mut Stream, command: &mut [f32], amplitude: f32) {
    for u in command {
        let fresh = 0.436 * amplitude * stream.normal() as f32;
        *u = (0.9 * *u + fresh).clamp(-1.0, 1.0);
    }
}

/// Largest distance between the machine's tip and the kinematic arm's over an episode of the same commands.
fn tip_error(design: f64, amplitude: f32) -> f32 {
    let (mut full, mut kinematic) = (reach(&preset("far")), reach(&preset("far")));
    let design = [design; 5];
    for (problem, fidelity) in [(&mut full, Fidelity::Full), (&mut kinematic, Fidelity::Effect)] {
        let mut start = Stream::new(0, "start", 0);
        problem.reset(&design, fidelity, &mut start).unwrap();
    }
    let hardware = kinematic.hardware();
    let (mut query, mut effect, mut command) = ([0.0; 10], [0.0; 10], [0.0; 5]);
    let mut stream = Stream::new(0, "command", 0);
    let mut worst: f32 = 0.0;
    for _ in 0..80 {
        smooth(&mut stream, &mut command, amplitude);
        kinematic.query(&command, &mut query);
        hardware.respond(&design, &query, &mut effect);
        kinematic.apply(&command, &effect);
        full.full_step(&command);
        let (a, b) = (
            full.state().unwrap().points()[5],
            kinematic.state().unwrap().points()[5],
        );
        worst = worst.max((a[0] - b[0]).hypot(a[1] - b[1]));
    }
    worst
}

#[test]
fn machine_follows_the_kinematic_arm() {
    // slow commands: millimetres; brisk ones on an arm of 4.5 m: the servos lag
    let slow = tip_error(0.4, 0.05);
    assert!(slow < 0.005, "{slow}");
    let brisk = tip_error(0.9, 0.25);
    assert!(brisk < 0.15, "{brisk}");
}

#[test]
fn masses_come_from_the_links_geometry() {
    // a tube of 60 mm around an axis of 0.4 m: cylinder 1.131e-3 m^3, two half balls 1.131e-4 m^3
    assert!((link_mass(0.4) - DENSITY * (1.13097e-3 + 1.13097e-4)).abs() < 1e-4);
    let mut problem = reach(&preset("far"));
    let design = [0.2, 0.4, 0.6, 0.8, 1.0];
    let stream = &mut Stream::new(0, "start", 0);
    problem.reset(&design, Fidelity::Full, stream).unwrap();
    let masses = problem.state_mut().unwrap().machine().unwrap().masses();
    for (mass, length) in masses.iter().zip(design) {
        assert!((mass - link_mass(length)).abs() < 1e-12);
    }
}

#[test]
fn a_machine_at_rest_stays_at_rest() {
    let mut problem = reach(&preset("far"));
    let stream = &mut Stream::new(0, "start", 0);
    problem.reset(&[0.9; 5], Fidelity::Full, stream).unwrap();
    let before = problem.state().unwrap().points().to_vec();
    for _ in 0..80 {
        problem.full_step(&[0.0; 5]);
    }
    for (a, b) in before.iter().zip(problem.state().unwrap().points()) {
        assert!((a[0] - b[0]).abs() < 1e-4 && (a[1] - b[1]).abs() < 1e-4);
    }
}

#[test]
fn motion_dies_out_when_the_command_ends() {
    let mut problem = reach(&preset("far"));
    let stream = &mut Stream::new(0, "start", 0);
    problem.reset(&[0.9; 5], Fidelity::Full, stream).unwrap();
    for _ in 0..10 {
        problem.full_step(&[-1.0, 0.5, 0.5, 0.5, 0.5]);
    }
    for _ in 0..60 {
        problem.full_step(&[0.0; 5]);
    }
    let mut speeds = [0.0; 5];
    problem.state_mut().unwrap().machine().unwrap().speeds(&mut speeds);
    assert!(speeds.iter().all(|v| v.abs() < 1e-2), "{speeds:?}");
}

#[test]
fn torque_limit_bounds_the_acceleration() {
    // one link about its end: inertia m (l^2 / 12 + d^2) plus caps; alpha <= torque / inertia
    let config = Config {
        links: Some(1),
        length_bounds: Some([0.1, 1.0]),
        torque: Some(1.0),
        start_noise: Some(0.0),
        substeps: Some(16),
        ..Config::default()
    };
    let mut problem = reach(&config);
    let stream = &mut Stream::new(0, "start", 0);
    problem.reset(&[1.0], Fidelity::Full, stream).unwrap();
    problem.full_step(&[-1.0]);
    let mut speed = [0.0];
    problem.state_mut().unwrap().machine().unwrap().speeds(&mut speed);
    let rod = link_mass(1.0) as f32 / 3.0;
    let bound = 1.0 / rod * 0.05;
    let share = -speed[0] / bound;
    assert!(share > 0.5 && share < 1.0, "{} of {bound} rad/s", speed[0]);
}

#[test]
fn scripted_controller_holds_the_tip_at_the_far_goal() {
    let mut problem = reach(&preset("far"));
    let mut reached = 0;
    for episode in 0..100 {
        let mut stream = Stream::new(0, "start", episode);
        problem.reset(&[0.9; 5], Fidelity::Full, &mut stream).unwrap();
        reached += usize::from(controller::run(&mut problem));
    }
    assert!(reached >= 95, "{reached} of 100");
}

#[test]
fn half_the_time_step_gives_the_same_outcome() {
    let run = |problem: &mut Environment<Reach>, episode: u64| {
        let mut stream = Stream::new(0, "start", episode);
        problem.reset(&[0.9; 5], Fidelity::Full, &mut stream).unwrap();
        let success = controller::run(problem);
        (success, problem.state().unwrap().points()[5])
    };
    let mut coarse = reach(&preset("far"));
    let mut fine = reach(&Config {
        substeps: Some(2 * coarse.world().settings().substeps),
        ..preset("far")
    });
    for episode in 0..10 {
        let (coarse, fine) = (run(&mut coarse, episode), run(&mut fine, episode));
        assert_eq!(coarse.0, fine.0);
        let gap = (coarse.1[0] - fine.1[0]).hypot(coarse.1[1] - fine.1[1]);
        assert!(gap < 0.005, "{gap}");
    }
}

#[test]
fn servos_at_their_limit_are_not_held_back_by_their_own_damping() {
    // one control step at command 1 from rest: MuJoCo 3.2.7 to 3.16 at a step of 0.1 ms moves joints 1 to 4 by 0.139 to 0.148 rad
    let moved = |substeps: Option<usize>| -> Vec<f32> {
        let mut problem = reach(&Config {
            start_noise: Some(0.0),
            substeps,
            ..preset("near")
        });
        let design = problem.hardware().space().start();
        let stream = &mut Stream::new(0, "start", 0);
        problem.reset(&design, Fidelity::Full, stream).unwrap();
        let before = problem.state().unwrap().angles().to_vec();
        problem.full_step(&[1.0; 5]);
        let after = problem.state().unwrap().angles();
        after.iter().zip(before).map(|(a, b)| a - b).collect()
    };
    let (shipped, converged) = (moved(None), moved(Some(64)));
    for (joint, (a, b)) in shipped.iter().zip(&converged).enumerate().take(4) {
        assert!((0.135..0.150).contains(a), "joint {}: {a} rad", joint + 1);
        assert!((a - b).abs() < 0.02 * b, "joint {}: {a} and {b} rad", joint + 1);
    }
}

#[test]
fn rapier_moves_the_same_arm_along_the_same_way() {
    for (name, design, bound) in [("far", 0.7, 0.01), ("near", 0.4, 0.01), ("passage", 0.4, 0.02)] {
        let own = reach(&preset(name));
        let mut machines = [own.refined(4).unwrap(), own.reference().unwrap()];
        let mut tips = [[0.0; 2]; 2];
        let mut commands = Stream::new(0, "command", 0);
        let mut command = [0.0; 5];
        for machine in &mut machines {
            let stream = &mut Stream::new(0, "start", 0);
            machine.reset(&[design; 5], Fidelity::Full, stream).unwrap();
        }
        let mut observation = vec![0.0; own.spec().observation.len()];
        for _ in 0..40 {
            smooth(&mut commands, &mut command, 1.0);
            for (machine, tip) in machines.iter_mut().zip(&mut tips) {
                assert_eq!(machine.full_step(&command).fault, None);
                machine.observe(&mut observation);
                // the ends of the links come after sines, cosines and rates
                *tip = [observation[23], observation[24]];
            }
            let gap = (tips[0][0] - tips[1][0]).hypot(tips[0][1] - tips[1][1]);
            assert!(gap < bound, "{name}: {gap} m");
        }
    }
}

#[test]
fn saved_episodes_continue_to_the_bit() {
    for name in ["far", "passage"] {
        let mut one = reach(&preset(name));
        let mut stream = Stream::new(0, "start", 0);
        let design = [0.9; 5];
        one.reset(&design, Fidelity::Full, &mut stream).unwrap();
        let mut commands = Stream::new(0, "command", 0);
        let mut command = [0.0; 5];
        for _ in 0..40 {
            smooth(&mut commands, &mut command, 1.0);
            one.full_step(&command);
        }
        let mut two = one.fresh();
        two.load(&one.save()).unwrap();
        let mut seen = [
            vec![0.0; one.spec().observation.len()],
            vec![0.0; one.spec().observation.len()],
        ];
        for _ in 0..40 {
            smooth(&mut commands, &mut command, 1.0);
            assert_eq!(one.full_step(&command), two.full_step(&command));
            one.observe(&mut seen[0]);
            two.observe(&mut seen[1]);
            assert_eq!(seen[0], seen[1]);
        }
        assert_eq!(one.save(), two.save());
    }
}

#[test]
fn foreign_bytes_are_refused() {
    let mut problem = reach(&preset("far"));
    assert!(problem.load(&[1, 2, 3]).is_err());
    let mut long = reach(&preset("far-15"));
    let mut stream = Stream::new(0, "start", 0);
    long.reset(&[0.2; 15], Fidelity::Effect, &mut stream).unwrap();
    assert!(problem.load(&long.save()).is_err());
}

#[test]
fn random_commands_never_break_the_machine() {
    for p in PRESETS {
        let mut problem = reach(&preset(p.name));
        let n = problem.world().settings().links;
        let mut observation = vec![0.0; problem.spec().observation.len()];
        let mut stream = Stream::new(7, "random", 0);
        let mut command = vec![0.0; n];
        let (mut steps, mut faults) = (0, 0);
        while steps < 15_000 / n * 5 / 2 {
            let design = problem.hardware().space().sample(&mut stream);
            problem.reset(&design, Fidelity::Full, &mut stream).unwrap();
            assert!(motion::room(problem.world().walls(), problem.state().unwrap().points()) > 0.0);
            loop {
                smooth(&mut stream, &mut command, 1.0);
                let step = problem.full_step(&command);
                problem.observe(&mut observation);
                assert!(step.reward.is_finite() && observation.iter().all(|o| o.is_finite()));
                // contacts are soft, but no link ever gets through a wall
                assert!(motion::room(problem.world().walls(), problem.state().unwrap().points()) > -0.016);
                steps += 1;
                faults += usize::from(step.fault.is_some());
                if step.ended() {
                    break;
                }
            }
        }
        assert_eq!(faults, 0, "{} in {steps} steps", p.name);
    }
}

#[test]
fn share_of_working_designs_does_not_depend_on_threads() {
    let settings = Settings::new(&preset("near")).unwrap();
    let count = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| selectivity(&settings, 50, 0).unwrap())
    };
    let one = count(1);
    assert_eq!(one, count(3));
    assert!(one.share() > 0.6 && one.share() < 0.95);
}
