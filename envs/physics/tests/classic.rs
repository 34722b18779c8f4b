//! What the classic problems promise beyond their equations: published scores of random policies, stops,
//! successes, and what happens to commands that are not numbers.

use tandem_core::{CommandSpace, Fidelity, Problem, Step, Stream};
use tandem_physics::classic::{self, CartPole, Classic, InvertedDoublePendulum, InvertedPendulum, Pendulum, Reacher};

/// A command drawn evenly from the command space.
fn random_command(problem: &dyn Problem, stream: &mut Stream) -> Vec<f32> {
    match &problem.spec().command {
        CommandSpace::Continuous(channels) => {
            let draw = |_| stream.uniform(-1.0, 1.0) as f32;
            channels.iter().map(draw).collect()
        }
        CommandSpace::Discrete(n) => vec![stream.below(*n) as f32],
    }
}

/// Mean undiscounted return over whole episodes under `command`.
fn mean_return(name: &str, episodes: usize, mut command: impl FnMut(&dyn Problem, &mut Stream) -> Vec<f32>) -> f64 {
    let mut problem = classic::make(name).unwrap();
    let mut stream = Stream::new(1, "random policy", 0);
    let mut total = 0.0;
    for _ in 0..episodes {
        problem.reset(&[], Fidelity::Full, &mut stream).unwrap();
        loop {
            let chosen = command(&*problem, &mut stream);
            let step = problem.full_step(&chosen);
            total += f64::from(step.reward);
            if step.ended() {
                break;
            }
        }
    }
    total / episodes as f64
}

/// Mean returns of uniformly random commands in Gymnasium 1.4.0, measured over 1000 to 3000 episodes (they prove
/// the start states too); the tolerance is about four standard errors of the difference. Published: 25, -1197, -500,
/// 6.6, 60 and -42.9, each from fewer episodes.
#[test]
fn random_policies_score_as_in_gymnasium() {
    let measured = [
        ("cartpole", 22.31, 1.8),
        ("pendulum", -1225.5, 45.0),
        ("acrobot", -499.2, 1.9),
        ("inverted-pendulum", 6.06, 0.55),
        ("inverted-double-pendulum", 57.6, 2.8),
        ("reacher", -42.95, 0.65),
    ];
    for (name, score, tolerance) in measured {
        let mean = mean_return(name, 1000, random_command);
        assert!((mean - score).abs() < tolerance, "{name}: {mean}");
    }
}

/// Published return of the arm that is left alone: -12.0. No command is paid for, so this is all distance.
#[test]
fn reacher_without_torque_scores_minus_twelve() {
    let mean = mean_return("reacher", 1000, |_, _| vec![0.0, 0.0]);
    assert!((mean + 12.0).abs() < 0.6, "{mean}");
}

/// The last step of an episode under one constant command, with the number of steps.
fn run_constant(name: &str, command: &[f32], start: u64) -> (Step, usize) {
    let mut problem = classic::make(name).unwrap();
    let mut stream = Stream::new(start, "constant", 0);
    problem.reset(&[], Fidelity::Effect, &mut stream).unwrap();
    for steps in 1.. {
        let step = problem.apply(command, command);
        if step.ended() {
            return (step, steps);
        }
    }
    unreachable!("every episode ends at its horizon");
}

#[test]
fn horizons_are_gymnasiums_and_truncate() {
    let idle: [(_, &[f32], _); 2] = [("pendulum", &[0.0], 200), ("reacher", &[0.0, 0.0], 50)];
    for (name, command, horizon) in idle {
        let (step, steps) = run_constant(name, command, 0);
        assert!(step.truncated && !step.terminated && steps == horizon, "{name}");
    }
    // an acrobot without torque swings below its bar for ever
    let (step, steps) = run_constant("acrobot", &[1.0], 0);
    assert!(step.truncated && !step.success && steps == 500);
    for name in ["cartpole", "inverted-pendulum", "inverted-double-pendulum"] {
        let (step, _) = run_constant(name, &[1.0], 0);
        assert!(step.terminated && !step.truncated && !step.success, "{name}");
    }
}

/// Success is about the state that a step ends in, at the step that the problem names.
#[test]
fn success_means_what_the_documentation_says() {
    assert!(CartPole::succeeded(&[0.0; 4], 475, false));
    assert!(!CartPole::succeeded(&[0.0; 4], 474, false));
    assert!(!CartPole::succeeded(&[0.0; 4], 475, true));
    let turns = std::f64::consts::TAU * 3.0;
    assert!(Pendulum::succeeded(&[turns + 0.05, 0.1], 200, false));
    assert!(!Pendulum::succeeded(&[turns + 0.2, 0.1], 200, false));
    assert!(!Pendulum::succeeded(&[0.0, 0.0], 199, false));
    assert!(Reacher::succeeded(
        &[0.0, 0.0, 0.0, 0.0, 0.1, 0.1, 0.1, 0.118],
        50,
        false
    ));
    assert!(!Reacher::succeeded(
        &[0.0, 0.0, 0.0, 0.0, 0.1, 0.1, 0.1, 0.12],
        50,
        false
    ));
}

/// The stops replace MuJoCo's soft ones: no joint gets past, and one that is driven into its stop rests there.
#[test]
fn driven_joints_rest_at_their_stops() {
    let mut arm = [0.0; 8];
    for _ in 0..100 {
        Reacher::step(&mut arm, &[0.0, 1.0]);
        assert!(arm[1] <= 3.0);
    }
    assert_eq!((arm[1], arm[3]), (3.0, 0.0));
    let mut cart = [0.0; 4];
    let mut carts = [0.0; 6];
    for _ in 0..100 {
        InvertedPendulum::step(&mut cart, &[1.0]);
        InvertedDoublePendulum::step(&mut carts, &[-1.0]);
        assert!(cart[0] <= 1.0 && carts[0] >= -1.0);
        assert!(cart.iter().chain(&carts).all(|x| x.is_finite()));
    }
    assert_eq!((cart[0], carts[0]), (1.0, -1.0));
}

/// A command that is not finite is the caller's bug: the episode ends with a fault, the state stays as it was.
#[test]
fn commands_that_are_not_finite_end_the_episode_with_a_fault() {
    for (name, _) in classic::NAMES {
        let mut problem = classic::make(name).unwrap();
        let spec = problem.spec().clone();
        let (mut before, mut after) = (vec![0.0; spec.observation.len()], vec![]);
        problem.observe(&mut before);
        after.resize(before.len(), 0.0);
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let step = problem.full_step(&vec![bad; spec.command.len()]);
            assert!(step.terminated && step.fault.is_some() && step.reward == 0.0, "{name}");
            problem.observe(&mut after);
            assert_eq!(before, after, "{name}");
        }
    }
}

/// Commands beyond the space act as its nearest member.
#[test]
fn commands_out_of_range_are_clipped() {
    for (name, _) in classic::NAMES {
        for (beyond, nearest) in [(1e30, [1.0, 2.0, 1.0]), (-1e30, [-1.0, 0.0, 0.0])] {
            let mut problem = classic::make(name).unwrap();
            let start = problem.save();
            let n = problem.spec().command.len();
            let within = match problem.spec().command {
                CommandSpace::Continuous(_) => nearest[0],
                CommandSpace::Discrete(3) => nearest[1],
                CommandSpace::Discrete(_) => nearest[2],
            };
            let a = problem.full_step(&vec![beyond; n]);
            let end = problem.save();
            problem.load(&start).unwrap();
            assert_eq!(a, problem.full_step(&vec![within; n]), "{name}");
            assert_eq!(end, problem.save(), "{name}");
        }
    }
}

#[test]
fn names_are_known_and_unknown_names_are_not() {
    for (name, line) in classic::NAMES {
        assert_eq!(classic::make(name).unwrap().spec().name, *name);
        assert!(!line.is_empty());
    }
    assert!(classic::make("CartPole").is_none());
}

#[test]
fn damaged_or_foreign_states_are_refused() {
    let cartpole = classic::make("cartpole").unwrap().save();
    let mut pendulum = classic::make("pendulum").unwrap();
    assert!(pendulum.load(&cartpole).is_err());
    pendulum
        .reset(&[], Fidelity::Effect, &mut Stream::new(0, "damaged", 0))
        .unwrap();
    let own = pendulum.save();
    assert!(pendulum.load(&own[..own.len() - 1]).is_err());
    assert!(pendulum.load(&[own.clone(), vec![0]].concat()).is_err());
    let mut damaged = own.clone();
    let first = 3; // after fidelity, the length of the design, and that there is a state
    damaged[first..first + 8].copy_from_slice(&f64::NAN.to_le_bytes());
    let error = pendulum.load(&damaged).unwrap_err().to_string();
    assert!(error.contains("NaN") && error.contains("pendulum"), "{error}");
    pendulum.load(&own).unwrap();
}
