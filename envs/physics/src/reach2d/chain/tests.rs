//! The chain against closed forms and conserved quantities.

use super::*;

/// A servo that gives no torque, with its stop out of the way.
const FREE: Servo = Servo {
    stiffness: 0.0,
    damping: 0.0,
    limit: 1.0,
    stop: 1e9,
};

/// A thin rod.
fn rod(length: f64, mass: f64) -> Link {
    Link {
        length,
        mass,
        center: 0.5 * length,
        inertia: mass * length * length / 12.0,
    }
}

fn swinging(servo: Servo, speeds: &[f64]) -> Chain {
    let mut chain = Chain::new([0.3, -0.2]);
    for (i, &speed) in speeds.iter().enumerate() {
        chain.push(rod(0.3 + 0.1 * i as f64, 0.5), servo, 0.4 * i as f64);
        chain.joints[i].speed = speed;
    }
    chain
}

fn run(chain: &mut Chain, seconds: f64, steps: usize) {
    let aims = vec![Aim::default(); chain.joints.len()];
    let walls = Walls::none([0.0; 2]);
    for _ in 0..steps {
        chain.step(seconds / steps as f64, &aims, &walls);
    }
}

/// Kinetic energy, J, and angular momentum about the base, N m s.
fn energy_and_momentum(chain: &Chain) -> [f64; 2] {
    let (mut place, mut velocity, mut heading, mut spin) = ([0.0; 2], [0.0; 2], 0.0, 0.0);
    let (mut energy, mut momentum) = (0.0, 0.0);
    for joint in &chain.joints {
        heading += joint.angle;
        spin += joint.speed;
        let (sin, cos) = f64::sin_cos(heading);
        let at = |d: f64| {
            let p = [place[0] + d * cos, place[1] + d * sin];
            (p, [velocity[0] - spin * d * sin, velocity[1] + spin * d * cos])
        };
        let (p, v) = at(joint.link.center);
        energy += 0.5 * (joint.link.mass * (v[0] * v[0] + v[1] * v[1]) + joint.link.inertia * spin * spin);
        momentum += joint.link.mass * (p[0] * v[1] - p[1] * v[0]) + joint.link.inertia * spin;
        (place, velocity) = at(joint.link.length);
    }
    [energy, momentum]
}

#[test]
fn a_free_chain_keeps_energy_and_angular_momentum() {
    let mut chain = swinging(FREE, &[2.0, -3.0, 4.0, 1.0]);
    let [energy, momentum] = energy_and_momentum(&chain);
    run(&mut chain, 1.0, 20_000);
    let [later, still] = energy_and_momentum(&chain);
    assert!((later - energy).abs() < 1e-3 * energy, "{energy} J became {later} J");
    assert!(
        (still - momentum).abs() < 1e-3 * momentum.abs(),
        "{momentum} became {still}"
    );
    // it did move: the first hinge does not turn evenly
    assert!((chain.joints[0].speed - 2.0).abs() > 0.1);
}

#[test]
fn a_rod_turns_by_torque_over_inertia() {
    // I = m l^2 / 3 = 0.015 kg m^2; 0.03 N m give 2 rad/s^2
    let servo = Servo {
        stiffness: 1e6,
        limit: 0.03,
        ..FREE
    };
    let mut chain = Chain::new([0.0; 2]);
    chain.push(rod(0.3, 0.5), servo, 0.0);
    let aims = [Aim { angle: 1.0, rate: 0.0 }];
    chain.step(0.01, &aims, &Walls::none([0.0; 2]));
    assert!((chain.joints[0].speed - 0.02).abs() < 1e-12);
}

#[test]
fn a_servo_below_its_limit_is_solved_at_the_end_of_the_step() {
    // v = dt k (target - dt v) / (I + dt d)  =>  v (I + dt d + dt^2 k) = dt k target
    let servo = Servo {
        stiffness: 100.0,
        damping: 5.0,
        limit: 1e9,
        stop: 1e9,
    };
    let mut chain = Chain::new([0.0; 2]);
    chain.push(rod(0.3, 0.5), servo, 0.0);
    let aims = [Aim { angle: 0.2, rate: 0.0 }];
    let dt = 0.05;
    chain.step(dt, &aims, &Walls::none([0.0; 2]));
    let expected = dt * 100.0 * 0.2 / (0.015 + dt * 5.0 + dt * dt * 100.0);
    assert!((chain.joints[0].speed - expected).abs() < 1e-12);
}

#[test]
fn torques_agree_with_the_speeds_that_they_lead_to() {
    // stiff servos with low limits on light links: which of them are cut is not to be seen beforehand
    let servo = Servo {
        stiffness: 200.0,
        damping: 16.0,
        limit: 10.0,
        stop: 1e9,
    };
    let mut stream = tandem_core::Stream::new(0, "servos", 0);
    let mut cut = 0;
    for _ in 0..500 {
        let speeds: Vec<f64> = (0..6).map(|_| 4.0 * stream.normal()).collect();
        let mut chain = swinging(servo, &speeds);
        let aims: Vec<Aim> = chain
            .angles()
            .map(|angle| Aim {
                angle: angle + 0.1 * stream.normal(),
                rate: 0.0,
            })
            .collect();
        let before = chain.clone();
        let dt = 0.0025;
        chain.step(dt, &aims, &Walls::none([0.0; 2]));
        for ((old, new), aim) in before.joints.iter().zip(&chain.joints).zip(&aims) {
            let torque = old.torque(dt, new.speed, aim);
            let saturated = if torque.abs() > servo.limit {
                torque.signum()
            } else {
                0.0
            };
            assert_eq!(saturated, new.saturated, "{torque} N m");
            cut += usize::from(saturated != 0.0);
        }
    }
    assert!((300..2700).contains(&cut), "{cut} of 3000 torques were cut");
}

#[test]
fn a_stop_ends_the_motion() {
    let stop = Servo { stop: 0.5, ..FREE };
    let mut chain = swinging(stop, &[0.0, 0.0]);
    chain.joints[0].speed = 3.0;
    run(&mut chain, 1.0, 200);
    assert!(
        chain.joints.iter().all(|joint| joint.angle < 0.5 + 1e-3),
        "{:?}",
        chain.angles().collect::<Vec<_>>()
    );
}
