//! Where a robot is cut into hardware and world: effects against what MuJoCo does and against formulas.

use serde_json::{Value, json};
use tandem_core::{Environment, Fidelity, Problem, Stream};
use tandem_robot::{Config, RobotWorld};

/// Two links in a level plane, without gravity; the first is 0.4 m long, the second 0.3 m.
const ARM: &str = r#"
<mujoco>
  <compiler angle="radian"/>
  <option gravity="0 0 0" timestep="0.01"/>
  <worldbody>
    <body name="upper">
      <joint name="shoulder" axis="0 0 1" damping="0.1" stiffness="2"/>
      <geom type="capsule" fromto="0 0 0 0.4 0 0" size="0.02"/>
      <body name="lower" pos="0.4 0 0">
        <joint name="elbow" axis="0 0 1" damping="0.1"/>
        <geom type="capsule" fromto="0 0 0 0.3 0 0" size="0.02"/>
        <site name="tip" pos="0.3 0 0"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <motor name="shoulder" joint="shoulder" gear="3" ctrlrange="-1 1" ctrllimited="true"/>
    <motor name="elbow" joint="elbow" gear="2" ctrlrange="-1 1" ctrllimited="true"/>
  </actuator>
</mujoco>"#;

fn world(effect: &str) -> (tempfile::TempDir, RobotWorld) {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("arm.xml");
    std::fs::write(&model, ARM).unwrap();
    let task: Value = json!({
        "model": model, "effect": effect, "control_steps": 3, "horizon": 50,
        "design": [
            {"name": "upper", "unit": "m", "low": 0.2, "high": 0.8, "edit": ["length(body:upper)"]},
            {"name": "gear", "low": 1, "high": 9, "edit": ["actuator:shoulder.gear[0]"]},
        ],
        "observation": [{"term": "qpos"}, {"term": "qvel"}, {"term": "ee_position", "params": {"of": "site:tip"}}],
        "action": [{"term": "joint_effort"}],
        "reward": [{"term": "action_l2", "weight": -1}],
        "events": [{"term": "reset_joints_uniform", "params": {"position": [-0.5, 0.5], "velocity": [-1, 1]}}],
    });
    let config: Config = serde_json::from_value(task).unwrap();
    (folder, RobotWorld::new(&config).unwrap())
}

/// Moves an environment under true effects and one as the whole machine, and returns the largest difference of what is
/// observed.
fn apart(effect: &str) -> f32 {
    let (_folder, world) = world(effect);
    let mut effects = Environment::new(world);
    let mut full = effects.twin();
    let hardware = effects.hardware();
    let design = [0.55, 5.0];
    effects
        .reset(&design, Fidelity::Effect, &mut Stream::new(3, "start", 0))
        .unwrap();
    full.reset(&design, Fidelity::Full, &mut Stream::new(3, "start", 0))
        .unwrap();
    let mut commands = Stream::new(4, "commands", 0);
    let mut query = vec![0.0; hardware.query_channels().len()];
    let mut effect = vec![0.0; hardware.effect_channels().len()];
    let mut worst = 0.0f32;
    for _ in 0..20 {
        let command = [commands.uniform(-1.0, 1.0) as f32, commands.uniform(-1.0, 1.0) as f32];
        effects.query(&command, &mut query);
        hardware.respond(&design, &query, &mut effect);
        effects.apply(&command, &effect);
        full.full_step(&command);
        let (mut a, mut b) = ([0.0; 7], [0.0; 7]);
        effects.observe(&mut a);
        full.observe(&mut b);
        // places belong to the beginning of the last integration step in the whole machine, to its end under effects
        worst = a[..4]
            .iter()
            .zip(&b[..4])
            .fold(worst, |worst, (a, b)| worst.max((a - b).abs()));
    }
    worst
}

#[test]
fn a_world_under_true_transitions_goes_where_the_machine_goes() {
    let apart = apart("transition");
    assert!(apart < 1e-4, "{apart}"); // queries and effects have single precision
}

#[test]
fn a_world_whose_sites_are_the_effect_moves_as_the_machine() {
    assert_eq!(apart("sites"), 0.0);
}

/// Torques are held for a control step; of these, only the spring's changes within one.
#[test]
fn a_world_under_torques_follows_the_machine() {
    let apart = apart("torques");
    assert!(apart > 0.0 && apart < 0.1, "{apart}");
}

#[test]
fn torques_are_gear_times_control_less_the_spring() {
    let (_folder, world) = world("torques");
    let environment = Environment::new(world);
    let hardware = environment.hardware();
    let names: Vec<&str> = hardware.query_channels().iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "shoulder",
            "elbow",
            "shoulder_velocity",
            "elbow_velocity",
            "shoulder_control",
            "elbow_control"
        ]
    );
    let mut effect = [0.0; 2];
    hardware.respond(&[0.4, 6.0], &[0.25, 0.1, 0.0, 0.0, 0.5, -1.0], &mut effect);
    assert!((effect[0] - (6.0 * 0.5 - 2.0 * 0.25)).abs() < 1e-6, "{effect:?}");
    assert!((effect[1] + 2.0).abs() < 1e-6, "{effect:?}");
}

/// The tip is at `l (cos a, sin a) + 0.3 (cos(a + b), sin(a + b))`: its derivative by `l` is `(cos a, sin a)`, by the gear 0.
#[test]
fn places_of_sites_have_exact_derivatives() {
    let (_folder, world) = world("sites");
    let effects = world.linear_effects().unwrap();
    let (a, b) = (0.3f32, 0.5f32);
    let (places, derivatives) = effects.at(&[0.6, 4.0], &[a, b]);
    let expected = [
        0.6 * a.cos() + 0.3 * (a + b).cos(),
        0.6 * a.sin() + 0.3 * (a + b).sin(),
        0.0,
    ];
    for (i, expected) in expected.into_iter().enumerate() {
        assert!((places[i] - expected).abs() < 1e-6, "{places:?}");
        let by_length = [a.cos(), a.sin(), 0.0][i];
        assert!(
            (derivatives[2 * i] - by_length).abs() < 1e-5 && derivatives[2 * i + 1] == 0.0,
            "{derivatives:?}"
        );
    }
    assert!(self::world("transition").1.linear_effects().is_none());
}

#[test]
fn an_episode_goes_on_to_the_same_numbers_after_it_was_stored() {
    for (effect, fidelity) in [
        ("transition", Fidelity::Full),
        ("sites", Fidelity::Effect),
        ("torques", Fidelity::Effect),
    ] {
        let (_folder, world) = world(effect);
        let mut one = Environment::new(world);
        let hardware = one.hardware();
        let design = [0.7, 2.0];
        one.reset(&design, fidelity, &mut Stream::new(1, "start", 0)).unwrap();
        let mut query = vec![0.0; hardware.query_channels().len()];
        let mut effects = vec![0.0; hardware.effect_channels().len()];
        let mut step = |environment: &mut Environment<RobotWorld>| {
            let command = [0.7, -0.4];
            match fidelity {
                Fidelity::Full => environment.full_step(&command),
                Fidelity::Effect => {
                    environment.query(&command, &mut query);
                    hardware.respond(&design, &query, &mut effects);
                    environment.apply(&command, &effects)
                }
            }
        };
        for _ in 0..5 {
            step(&mut one);
        }
        let mut other = one.twin();
        other.load(&one.save()).unwrap();
        for _ in 0..10 {
            assert_eq!(step(&mut one), step(&mut other), "{effect}");
            let (mut a, mut b) = ([0.0; 7], [0.0; 7]);
            one.observe(&mut a);
            other.observe(&mut b);
            assert_eq!(a.map(f32::to_bits), b.map(f32::to_bits), "{effect}");
        }
    }
}
