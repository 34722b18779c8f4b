//! A mechanism moved by MuJoCo: forces against weights, and machines that are stored.

use tandem_core::Mechanism;
use tandem_core::mechanism::{Actuator, Axis, Body, Control, Drive, Geom, Joint, Solid, UPRIGHT};
use tandem_mujoco::Machine;

const MASS: f64 = 0.5;
const RADIUS: f64 = 0.1;
const GRAVITY: f64 = 9.81;

fn geom(solid: Solid, mass: f64, [member, meets]: [u32; 2]) -> Geom {
    Geom {
        solid,
        mass,
        friction: 1.0,
        member,
        meets,
        colour: [1.0; 4],
    }
}

fn ball(center: [f64; 3]) -> Solid {
    let radius = RADIUS;
    Solid::Sphere { center, radius }
}

fn body(name: &str, position: [f64; 3], joint: Joint, geom: Geom) -> Body {
    Body {
        name: name.into(),
        parent: None,
        position,
        rotation: UPRIGHT,
        joint,
        geoms: vec![geom],
        lump: None,
    }
}

/// A ball on a table of height 0, and a pendulum of 1 m beside it with a servo.
fn scene() -> Mechanism {
    let half = [5.0, 5.0, 0.5];
    let table = Solid::Cuboid {
        center: [0.0, 0.0, -0.5],
        half,
    };
    let hinge = Joint::Axis(Axis {
        name: "hinge".into(),
        turns: true,
        direction: [0.0, 1.0, 0.0],
        limits: [-3.0, 3.0],
        damping: 0.0,
        armature: 0.0,
        spring: None,
        start: 0.25,
    });
    let bob = geom(ball([1.0, 0.0, 0.0]), MASS, [0, 0]);
    Mechanism {
        name: "scene".into(),
        notes: vec!["a note with dashes ---".into()],
        gravity: [0.0, 0.0, -GRAVITY],
        dt: 0.002,
        substeps: 10,
        bodies: vec![
            body(
                "ball",
                [0.0, 0.0, RADIUS],
                Joint::Free,
                geom(ball([0.0; 3]), MASS, [1, 2]),
            ),
            body("pendulum", [0.0, 3.0, 2.0], hinge, bob),
        ],
        fixtures: vec![geom(table, 0.0, [2, 1])],
        tendons: Vec::new(),
        actuators: vec![Actuator {
            name: "servo".into(),
            drive: Drive::Joint(1),
            control: Control::Rate(2.0),
            range: [-1.0, 1.0],
            direct: false,
            stiffness: 400.0,
            damping: 20.0,
            feedforward: false,
            force: [-100.0, 100.0],
            start: 0.25,
        }],
        marks: Vec::new(),
    }
}

fn settled() -> Machine {
    let mut machine = Machine::new(&scene()).unwrap();
    for _ in 0..1500 {
        machine.aim(0, 0.25, 0.0);
        machine.step().unwrap();
    }
    machine.refresh().unwrap();
    machine
}

/// The table bears the ball; a servo hangs through by torque over stiffness, `m g cos(angle) / k`, where x is level at 0.
#[test]
fn weights_are_borne() {
    let machine = settled();
    let contacts: Vec<_> = machine.contacts().collect();
    assert_eq!(contacts.len(), 1);
    let mut bodies = contacts[0].bodies;
    bodies.sort();
    assert_eq!(bodies, [None, Some(0)]);
    let sign = if contacts[0].bodies[1] == Some(0) { 1.0 } else { -1.0 };
    let force = sign * contacts[0].force[2];
    assert!((force - MASS * GRAVITY).abs() < 1e-3 * MASS * GRAVITY, "{force} N");
    assert!(contacts[0].depth > 0.0 && contacts[0].depth < 1e-3);
    let angle = machine.position(1);
    let sag = MASS * GRAVITY * angle.cos() / 400.0; // turning about y lowers x
    assert!((angle - 0.25 - sag).abs() < 1e-6, "{angle}");
    let [x, y, z] = machine.point(1, [1.0, 0.0, 0.0]);
    let expected = [angle.cos(), 3.0, 2.0 - angle.sin()];
    assert!([x, y, z].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9));
}

/// A push of F for one step of h changes the speed by F h / m.
#[test]
fn a_push_acts_on_a_free_body() {
    let mut high = scene();
    high.bodies[0].position[2] = 3.0;
    let mut machine = Machine::new(&high).unwrap();
    machine.push(0, [2.0, 0.0, 0.0]);
    machine.step().unwrap();
    let [[x, _, z], _] = machine.velocity(0);
    assert!((x - 2.0 * 0.002 / MASS).abs() < 1e-9 && (z + GRAVITY * 0.002).abs() < 1e-9);
}

/// A rolling ball that loses the share s of its spin per second, and whose inertia is 2/5 m r^2, slows down by 2/7 s.
#[test]
fn a_rolling_ball_is_braked() {
    let rolled = |share: f64| {
        let mut machine = settled();
        machine.push(0, [1.0, 0.0, 0.0]);
        (0..150).for_each(|_| machine.step().unwrap());
        machine.push(0, [0.0; 3]);
        let before = machine.velocity(0)[1][1];
        for _ in 0..500 {
            machine.brake(0, share);
            machine.step().unwrap();
        }
        machine.velocity(0)[1][1] / before
    };
    let free = rolled(0.0);
    assert!((free - 1.0).abs() < 0.01, "{free}");
    let braked = rolled(1.0) / free;
    assert!((braked - (-2.0 / 7.0f64).exp()).abs() < 0.005, "{braked}");
}

#[test]
fn a_stored_machine_goes_on_to_the_same_bytes() {
    let mut machine = settled();
    machine.aim(0, 0.5, 0.0);
    machine.push(0, [0.3, 0.1, 0.0]);
    let bytes = postcard::to_stdvec(&machine).unwrap();
    let mut again: Machine = postcard::from_bytes(&bytes).unwrap();
    for _ in 0..50 {
        machine.step().unwrap();
        again.step().unwrap();
    }
    assert_eq!(
        postcard::to_stdvec(&machine).unwrap(),
        postcard::to_stdvec(&again).unwrap()
    );
    assert!(machine.position(1) > 0.3, "the servo has moved");
    let broken = bytes[..bytes.len() - 9].to_vec();
    assert!(postcard::from_bytes::<Machine>(&broken).is_err());
}

#[test]
fn what_mujoco_refuses_is_told_in_its_words() {
    let mut twice = scene();
    twice.bodies[1].name = "ball".into();
    let error = Machine::new(&twice).err().unwrap();
    assert!(error.contains("repeated name") || error.contains("ball"), "{error}");
}

/// `--` ends a comment of XML.
#[test]
fn notes_of_any_text_can_be_written() {
    for note in ["--", "---", "a -- b ----- c-", "-->"] {
        let mut noted = scene();
        noted.notes = vec![note.into()];
        let text = tandem_mujoco::mjcf::write(&noted).unwrap();
        let comments = text.split("<!--").skip(1).map(|rest| rest.split_once("-->").unwrap().0);
        assert!(comments.into_iter().all(|comment| !comment.contains("--")), "{text}");
        Machine::new(&noted).unwrap();
    }
}
