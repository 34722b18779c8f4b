use roxmltree::{Document, Node};
use tandem_core::{Channel, CommandSpace, Fidelity, Problem, Spec, Stream};
use tandem_learning::policy::Policy;
use tandem_learning::policy::PolicyShape;
use tandem_physics::classic;
use tandem_physics::reach2d;
use tandem_physics::tentacle;

use rten_tensor::AsView;

use super::{mjcf, onnx, urdf};

fn arm() -> Box<dyn Problem> {
    let config = reach2d::Config {
        preset: Some("far-torque".into()),
        ..reach2d::Config::default()
    };
    reach2d::make(&config).unwrap()
}

fn numbers(node: Node, key: &str) -> Vec<f64> {
    let text = node.attribute(key).unwrap_or_default();
    text.split(' ').map(|n| n.parse().unwrap()).collect()
}

fn named<'a>(document: &'a Document, tag: &str) -> Vec<Node<'a, 'a>> {
    let all = document.descendants();
    all.filter(|n| n.has_tag_name(tag)).collect()
}

/// Origins of the bodies and the end of the last capsule, m, when the joints of a planar chain about z (sense +1 or -1)
/// stand at these angles, read from the file alone.
fn forward(document: &Document, angles: &[f64]) -> Vec<[f64; 2]> {
    let (mut heading, mut place, mut points) = (0.0_f64, [0.0, 0.0], Vec::new());
    let turned = |p: &[f64], heading: f64| {
        let (sin, cos) = heading.sin_cos();
        [cos * p[0] - sin * p[1], sin * p[0] + cos * p[1]]
    };
    let bodies = named(document, "body");
    for (body, angle) in bodies.iter().zip(angles) {
        let step = turned(&numbers(*body, "pos"), heading);
        place = [place[0] + step[0], place[1] + step[1]];
        points.push(place);
        let joint = body.children().find(|n| n.has_tag_name("joint")).unwrap();
        heading += numbers(joint, "axis")[2] * angle;
    }
    let mut geoms = bodies.last().unwrap().children();
    let capsule = geoms.find(|n| n.attribute("type") == Some("capsule")).unwrap();
    let end = turned(&numbers(capsule, "fromto")[3..5], heading);
    points.push([place[0] + end[0], place[1] + end[1]]);
    points
}

#[test]
fn the_arm_read_back_from_mjcf_stands_where_ours_does_and_weighs_as_much() {
    let mut problem = reach2d::Reach::new(
        reach2d::Settings::new(&reach2d::Config {
            preset: Some("far-torque".into()),
            ..reach2d::Config::default()
        })
        .unwrap(),
    )
    .unwrap();
    let mut stream = Stream::new(0, "designs", 0);
    let design = problem.hardware().space().sample(&mut stream);
    problem.reset(&design, Fidelity::Full, &mut stream).unwrap();
    let text = mjcf::write(&problem.mechanism(&design).unwrap().unwrap()).unwrap();
    let document = Document::parse(&text).unwrap();
    let angles: Vec<f64> = problem.state().unwrap().angles().iter().map(|&a| a.into()).collect();
    let points = forward(&document, &angles);
    assert_eq!(points.len(), problem.state().unwrap().points().len());
    for (ours, theirs) in problem.state().unwrap().points().iter().zip(&points) {
        let away = (f64::from(ours[0]) - theirs[0]).hypot(f64::from(ours[1]) - theirs[1]);
        assert!(away < 1e-5, "{ours:?} is not {theirs:?}");
    }
    let masses = problem.state_mut().unwrap().machine().unwrap().masses();
    for (body, mass) in named(&document, "body").iter().zip(masses) {
        let geoms = body.children().filter(|n| n.has_tag_name("geom"));
        let written: f64 = geoms.map(|g| numbers(g, "mass")[0]).sum();
        assert!((written - mass).abs() < 1e-5 * written);
    }
    let limits = design[5..10].iter();
    for (joint, torque) in named(&document, "joint").iter().zip(limits) {
        assert_eq!(numbers(*joint, "actuatorfrcrange"), [-torque, *torque]);
    }
}

#[test]
fn the_tentacle_rests_where_ours_does() {
    let settings = tentacle::Settings::new(&tentacle::Config::default()).unwrap();
    let problem = tentacle::Tentacle::new(settings).unwrap();
    let hardware = problem.hardware();
    let design = hardware.space().sample(&mut Stream::new(0, "designs", 0));
    let text = mjcf::write(&problem.mechanism(&design).unwrap().unwrap()).unwrap();
    let document = Document::parse(&text).unwrap();
    let mut effect = [0.0; 5];
    hardware.respond(&design, &[3.0, 2.0], &mut effect);
    let angles: Vec<f64> = effect[2..].iter().map(|&a| a.into()).collect();
    // our kinematics from our angles against the file's from the same: lengths, axes, offsets
    let tip = forward(&document, &angles)[3];
    assert!((tip[0] - f64::from(effect[0])).hypot(tip[1] - f64::from(effect[1])) < 1e-5);
    // the file's forces balance at our rest: spring torque = pulley radius times tension, tendons only pull
    let radii: Vec<Vec<f64>> = named(&document, "fixed")
        .iter()
        .map(|t| {
            let pulleys = t.children().filter(|n| n.has_tag_name("joint"));
            pulleys.map(|p| numbers(p, "coef")[0]).collect()
        })
        .collect();
    let joints: Vec<Node> = named(&document, "joint")
        .into_iter()
        .filter(|n| n.has_attribute("stiffness"))
        .collect();
    let torque = |j: usize| {
        let [stiffness, rest] = ["stiffness", "springref"].map(|k| numbers(joints[j], k)[0]);
        stiffness * (angles[j] - rest)
    };
    let body = tentacle::Body::new(&design, 2).unwrap();
    let rest = body.equilibrium(&[3.0, 2.0]);
    let scale = tentacle::ELASTIC_RADIUS.powi(2) * 1000.0;
    for j in (0..3).filter(|&j| (-0.79..1.99).contains(&angles[j])) {
        let pulled: f64 = (0..2).map(|i| radii[i][j] * rest.lambda[i] * scale).sum();
        assert!((torque(j) - pulled).abs() < 1e-6, "joint {j}");
    }
}

#[test]
fn the_tendon_hand_has_our_torques() {
    use tandem_physics::hand3d::tendon;
    let hand = tendon::make(tendon::Settings::default()).unwrap();
    let hardware = hand.hardware();
    let design = hardware.space().sample(&mut Stream::new(0, "designs", 0));
    let text = mjcf::write(&hand.mechanism(&design).unwrap().unwrap()).unwrap();
    let document = Document::parse(&text).unwrap();
    let (angles, tension) = ([0.1, 0.4, 0.7, 1.0, 1.3, 1.6], 25.0);
    let mut torques = [0.0; 6];
    let query: Vec<f32> = angles.into_iter().chain([tension]).collect();
    hardware.respond(&design, &query, &mut torques);
    let fixed = named(&document, "fixed")[0];
    for ((pulley, angle), ours) in fixed.children().filter(Node::is_element).zip(angles).zip(torques) {
        let name = pulley.attribute("joint").unwrap();
        let joints = named(&document, "joint");
        let joint = joints
            .iter()
            .find(|j| j.attribute("name") == Some(name) && j.has_attribute("stiffness"));
        let [stiffness, rest] = ["stiffness", "springref"].map(|k| numbers(*joint.unwrap(), k)[0]);
        let theirs = numbers(pulley, "coef")[0] * f64::from(tension) - stiffness * (f64::from(angle) - rest);
        assert!((theirs - f64::from(ours)).abs() < 1e-6, "{name}: {theirs} {ours}");
    }
    // what the command of a control step adds to the tension, N: 150 N/s for 20 ms
    let motors = named(&document, "general");
    let motor = motors.iter().find(|m| m.has_attribute("tendon")).unwrap();
    assert_eq!(numbers(*motor, "gainprm"), [150.0]);
    assert_eq!(numbers(*motor, "actrange"), [0.0, 40.0 / 150.0]);
}

#[test]
fn urdf_has_the_same_masses_and_one_root() {
    let problem = arm();
    let design = problem.hardware().space().start();
    let mechanism = problem.mechanism(&design).unwrap().unwrap();
    let text = urdf::write(&mechanism).unwrap();
    let document = Document::parse(&text).unwrap();
    let masses: f64 = named(&document, "mass").iter().map(|m| numbers(*m, "value")[0]).sum();
    let ours: f64 = mechanism.bodies.iter().map(|b| b.inertia().mass).sum();
    assert!((masses - ours).abs() < 1e-9);
    let children: Vec<_> = named(&document, "child")
        .iter()
        .filter_map(|c| c.attribute("link"))
        .collect();
    let roots = named(&document, "link")
        .iter()
        .filter(|l| !children.contains(&l.attribute("name").unwrap_or_default()))
        .count();
    assert_eq!(roots, 1);
    let tentacle = tentacle::make(&tentacle::Config::default()).unwrap();
    let design = tentacle.hardware().space().start();
    let mechanism = tentacle.mechanism(&design).unwrap().unwrap();
    assert!(urdf::write(&mechanism).is_err(), "URDF has no tendons");
}

#[test]
fn a_problem_without_a_machine_has_none() {
    let problem = classic::make(classic::NAMES[0].0).unwrap();
    assert!(problem.mechanism(&[]).unwrap().is_none());
}

/// What an independent runtime makes of the file, `[rows, commands]`.
fn run_elsewhere(bytes: Vec<u8>, rows: &[f32], width: usize) -> Vec<f32> {
    use rten::{Model, Value, ValueOrView};
    let model = Model::load(bytes).unwrap();
    let input = Value::from_shape(&[rows.len() / width, width], rows.to_vec()).unwrap();
    let (from, to) = (model.node_id("observation").unwrap(), model.node_id("command").unwrap());
    let inputs: Vec<(_, ValueOrView)> = vec![(from, input.into())];
    let mut outputs = model.run(inputs, &[to], None).unwrap();
    let output: rten_tensor::Tensor<f32> = outputs.remove(0).try_into().unwrap();
    output.to_vec()
}

fn policies_agree(command: CommandSpace) {
    let observation: Vec<Channel> = (0..7).map(|i| Channel::new(format!("x{i}"), "m")).collect();
    let spec = Spec {
        name: "test".into(),
        observation,
        command,
        reward_terms: Vec::new(),
        horizon: 1,
        control_dt: 0.05,
    };
    let mut stream = Stream::new(3, "policy", 0);
    let shape = PolicyShape {
        designs: 0,
        observations: 7,
        command: &spec.command,
        hidden: &[32, 16],
        log_std_start: 0.0,
        normalise: true,
    };
    let mut policy = Policy::new(&shape, &mut stream);
    let mut moments = tandem_learning::normaliser::Moments::new(7);
    let mut draw = |scale: f64| -> Vec<f32> { (0..7).map(|i| (i as f64 + scale * stream.normal()) as f32).collect() };
    (0..50).for_each(|_| moments.push(&draw(2.0)));
    policy.normaliser.update(&moments);
    let policy = policy.snapshot();
    // far outliers too: the normaliser's and the command's clipping belong to the file
    let rows: Vec<f32> = (0..64).flat_map(|i| draw(f64::from(i))).collect();
    let experiment = crate::experiment::Experiment::parse(r#"{"problem": "reach2d"}"#, "a test").unwrap();
    let theirs = run_elsewhere(onnx::write(&policy, &spec, &experiment, None), &rows, 7);
    let n = policy.command_len();
    let mut scratch = tandem_learning::kernel::Scratch::default();
    for (row, theirs) in rows.chunks(7).zip(theirs.chunks(n)) {
        let mut normalised = [0.0; 7];
        policy.normaliser().apply(row, &mut normalised);
        let mut ours = vec![0.0; n];
        policy.act_mean(&normalised, &mut scratch, &mut ours);
        for (a, b) in ours.iter().zip(theirs) {
            let a = match spec.command {
                CommandSpace::Continuous(_) => a.clamp(-1.0, 1.0),
                CommandSpace::Discrete(_) => *a,
            };
            assert!((a - b).abs() < 1e-5, "{a} is not {b}");
        }
    }
}

#[test]
fn an_independent_runtime_computes_the_same_commands() {
    let channels = ["a", "b", "c"].map(|n| Channel::new(n, "1"));
    policies_agree(CommandSpace::Continuous(channels.to_vec()));
    policies_agree(CommandSpace::Discrete(4));
}

/// The pose that a chain of bodies has in the world: parents' poses, joint by joint, read from the file alone.
mod chain {
    use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion, Vector3};

    pub fn vector(v: &[f64]) -> Vector3<f64> {
        Vector3::new(v[0], v[1], v[2])
    }

    pub fn frame(position: &[f64], wxyz: &[f64]) -> Isometry3<f64> {
        let turn = Quaternion::new(wxyz[0], wxyz[1], wxyz[2], wxyz[3]);
        let place = Translation3::from(vector(position));
        Isometry3::from_parts(place, UnitQuaternion::from_quaternion(turn))
    }

    pub fn moved(kind: &str, axis: &[f64], by: f64) -> Isometry3<f64> {
        match kind {
            "slide" => Translation3::from(vector(axis) * by).into(),
            _ => Isometry3::from_parts(Translation3::identity(), UnitQuaternion::new(vector(axis) * by)),
        }
    }
}

#[test]
fn the_hand_read_back_from_mjcf_has_its_tips_where_ours_are() {
    use tandem_physics::hand3d::press;
    let settings = press::Settings::default();
    let mut problem = press::Press::new(settings).unwrap();
    let mut stream = Stream::new(4, "designs", 0);
    let design = problem.hardware().space().sample(&mut stream);
    problem.reset(&design, Fidelity::Full, &mut stream).unwrap();
    let mut observation = vec![0.0; problem.spec().observation.len()];
    problem.observe(&mut observation);
    let text = mjcf::write(&problem.mechanism(&design).unwrap().unwrap()).unwrap();
    let document = Document::parse(&text).unwrap();
    for finger in 1..=4 {
        let mut pose = nalgebra::Isometry3::identity();
        for (k, body) in ["palm", "yaw_body", "proximal", "distal"].iter().enumerate() {
            let name = match k {
                0 => (*body).to_string(),
                _ => format!("finger_{finger}_{body}"),
            };
            let bodies = named(&document, "body");
            let body = bodies.iter().find(|b| b.attribute("name") == Some(&name)).unwrap();
            let joint = body.children().find(|n| n.has_tag_name("joint")).unwrap();
            // at the start the servos' targets, which are observed, are where the joints are
            let at = if k == 0 { 0 } else { 3 * (finger - 1) + k };
            let moved = chain::moved(
                joint.attribute("type").unwrap(),
                &numbers(joint, "axis"),
                f64::from(observation[at]),
            );
            pose = pose * chain::frame(&numbers(*body, "pos"), &numbers(*body, "quat")) * moved;
        }
        let distal = format!("finger_{finger}_distal");
        let bodies = named(&document, "body");
        let distal = bodies.iter().find(|b| b.attribute("name") == Some(&distal)).unwrap();
        let capsule = distal.children().find(|n| n.has_tag_name("geom")).unwrap();
        let end = &numbers(capsule, "fromto")[3..6];
        let tip = pose * nalgebra::Point3::from(chain::vector(end));
        let [_, ours] = problem.state().unwrap().finger(finger - 1).unwrap();
        for (a, b) in ours.iter().zip(tip.iter()) {
            assert!((f64::from(*a) - b).abs() < 1e-5, "{ours:?} is not {tip}");
        }
    }
}
