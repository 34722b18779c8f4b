//! Names and units of an arm's numbers.

use super::config::{CONTROL_DT, Settings};
use tandem_core::mechanism::decimal;
use tandem_core::{Channel, CommandSpace, Spec};

/// The spec of an arm with these settings.
pub(super) fn spec(settings: &Settings) -> Spec {
    let numbered = |stem: &str, unit: &str| -> Vec<Channel> {
        let name = |i| Channel::new(format!("{stem}_{i}"), unit);
        (1..=settings.links).map(name).collect()
    };
    let mut observation = numbered("sin_angle", "1");
    observation.extend(numbered("cos_angle", "1"));
    observation.extend(numbered("joint_rate", "1"));
    for i in 1..=settings.links {
        observation.push(Channel::new(format!("link_{i}_end_x"), "m"));
        observation.push(Channel::new(format!("link_{i}_end_y"), "m"));
    }
    let mut named = |names: &[(&str, &str)]| {
        observation.extend(names.iter().map(|(name, unit)| Channel::new(*name, unit)));
    };
    named(&[("goal_to_tip_x", "m"), ("goal_to_tip_y", "m"), ("time", "1")]);
    if settings.design_base {
        named(&[("base_x", "m"), ("base_y", "m")]);
    }
    if settings.has_walls() {
        named(&[
            ("tip_to_waypoint_x", "m"),
            ("tip_to_waypoint_y", "m"),
            ("path_length", "m"),
            ("blocked", "1"),
        ]);
        observation.extend(numbered("link_room", "m"));
    }
    Spec {
        name: "reach2d".into(),
        observation,
        command: CommandSpace::Continuous(numbered("joint_rate", "1")),
        reward_terms: ["path", "blocked", "effort", "goal", "nearness"]
            .map(String::from)
            .to_vec(),
        horizon: settings.horizon,
        control_dt: decimal(CONTROL_DT),
    }
}
