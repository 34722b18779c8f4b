//! Settings of the planar reaching arm: presets, overrides, validation.

use std::f32::consts::{FRAC_PI_2, PI};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::walls::Walls;
use tandem_core::check::{decimal, refuse, within};
use tandem_core::preset::{Preset, choose};
use tandem_core::problem::ProblemError;

/// Most links an arm may have: per-step buffers live on the stack.
pub const MAX_LINKS: usize = 64;
/// Joint limit of every joint but the first, rad.
pub const JOINT_LIMIT: f32 = 2.6;
/// Joint limit of the first joint, rad: it may turn round once either way.
pub const FIRST_JOINT_LIMIT: f32 = 2.0 * PI;
/// Joint motion in one control step at command 1, rad.
pub const STEP_ANGLE: f32 = 0.15;
/// Control step, s.
pub const CONTROL_DT: f32 = 0.05;
/// Radius of every link's capsule, m.
pub const LINK_RADIUS: f32 = 0.03;
/// Radius of a wall's collider, m; the links' colliders are thinner by as much, so that contact begins
/// where the kinematic world says it does.
pub(super) const WALL_RADIUS: f32 = 0.01;
/// Friction of links and walls.
pub(super) const FRICTION: f32 = 0.1;

/// All presets. Shares as [`super::selectivity`] counts them with seed 0.
pub const PRESETS: [Preset; 8] = [
    Preset {
        name: "near",
        about: "no walls, goal at 2.5 m, start reach 2.0 m; 76.6 % of random designs work (n = 1000)",
    },
    Preset {
        name: "passage",
        about: "through a capped zigzag passage 1.0 m wide; 35 % of random designs work (n = 300)",
    },
    Preset {
        name: "passage-tight",
        about: "through a capped zigzag passage 0.75 m wide; 21 % of random designs work (n = 300)",
    },
    Preset {
        name: "far",
        about: "no walls, goal at 4.2 m, longest arm 5.0 m; 0.96 % of random designs work (n = 100 000)",
    },
    Preset {
        name: "far-15",
        about: "as far, with 15 links; 0.0007 % of random designs work (n = 3 000 000)",
    },
    Preset {
        name: "far-30",
        about: "as far, with 30 links; none of 1 000 000 random designs works",
    },
    Preset {
        name: "far-torque",
        about: "as far; motor torques are designed too, and weigh; 0.58 % of random designs work (n = 20 000)",
    },
    Preset {
        name: "far-base",
        about: "as far; the base's place is designed too; 1.9 % of random designs work (n = 20 000)",
    },
];

/// What stands in the arm's way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Obstacles {
    /// Nothing.
    None,
    /// Two parallel zigzag walls (wavelength 1 m, height 0.49 m, two periods) whose right end is closed.
    Zigzag {
        /// Vertical distance between the walls, m, in [0.6, 2].
        gap: f64,
    },
}

/// Settings of the problem: a preset and what differs from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of the preset; `near` when absent.
    pub preset: Option<String>,
    /// Number of links, 1 to [`MAX_LINKS`].
    pub links: Option<usize>,
    /// Lowest and highest link length, m, within [0.02, 2].
    #[schemars(extend("unit" = "m"))]
    pub length_bounds: Option<[f64; 2]>,
    /// Length of every link of the start design, m.
    #[schemars(extend("unit" = "m"))]
    pub start_length: Option<f64>,
    /// Place of the base, m (of the start design, where it is designed).
    #[schemars(extend("unit" = "m"))]
    pub base: Option<[f64; 2]>,
    /// Place of the goal, m.
    #[schemars(extend("unit" = "m"))]
    pub goal: Option<[f64; 2]>,
    /// What stands in the way.
    pub obstacles: Option<Obstacles>,
    /// The tip is at the goal within this distance, m, in [0.005, 0.5].
    #[schemars(extend("unit" = "m"))]
    pub tolerance: Option<f64>,
    /// Control steps in a row within the tolerance that make a success, 1 to 100.
    #[schemars(extend("unit" = "control steps"))]
    pub hold_steps: Option<usize>,
    /// Control steps of an episode, 1 to 10 000.
    #[schemars(extend("unit" = "control steps"))]
    pub horizon: Option<usize>,
    /// Standard deviation of the start angles, rad, in [0, 1].
    #[schemars(extend("unit" = "rad"))]
    pub start_noise: Option<f64>,
    /// Torque limit of the first joint's motor, N m, in [1, 10 000]; later joints have less.
    #[schemars(extend("unit" = "N m"))]
    pub torque: Option<f64>,
    /// Whether the motors' torque limits are designed too.
    pub design_torque: Option<bool>,
    /// Whether the base's place is designed too.
    pub design_base: Option<bool>,
    /// Physics steps of the machine in a control step, 1 to 1024.
    pub substeps: Option<usize>,
}

impl Config {
    /// The same with nothing left to the preset.
    ///
    /// # Errors
    /// As of [`Settings::new`].
    pub fn resolved(&self) -> Result<Self, ProblemError> {
        let s = Settings::new(self)?;
        Ok(Self {
            preset: Some(s.preset.into()),
            links: Some(s.links),
            length_bounds: Some(s.length_bounds),
            start_length: Some(s.start_length),
            base: self.base.or(Some(s.base.map(decimal))),
            goal: self.goal.or(Some(s.goal.map(decimal))),
            obstacles: Some(s.obstacles),
            tolerance: self.tolerance.or(Some(decimal(s.tolerance))),
            hold_steps: Some(s.hold_steps),
            horizon: Some(s.horizon),
            start_noise: Some(s.start_noise),
            torque: Some(s.torque),
            design_torque: Some(s.design_torque),
            design_base: Some(s.design_base),
            substeps: Some(s.substeps),
        })
    }
}

/// What computes the machine's motion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Engine {
    /// Tandem's own dynamics of a chain, `chain`.
    Chain,
    /// The rapier physics engine, for comparison: slower by far, and not as close at the same step.
    Rapier,
    /// MuJoCo, on the machine as it is exported: a second judge.
    Mujoco,
}

/// Settings with every choice made and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Name of the preset they started from.
    pub preset: &'static str,
    /// Number of links.
    pub links: usize,
    /// Lowest and highest link length, m.
    pub length_bounds: [f64; 2],
    /// Length of every link of the start design, m.
    pub start_length: f64,
    /// Nominal place of the base, m.
    pub base: [f32; 2],
    /// Place of the goal, m.
    pub goal: [f32; 2],
    /// What stands in the way.
    pub obstacles: Obstacles,
    /// Success distance, m.
    pub tolerance: f32,
    /// Steps in a row that make a success.
    pub hold_steps: usize,
    /// Control steps of an episode.
    pub horizon: usize,
    /// Standard deviation of the start angles, rad.
    pub start_noise: f64,
    /// Torque limit of the first motor, N m.
    pub torque: f64,
    /// Whether torque limits are designed.
    pub design_torque: bool,
    /// Whether the base's place is designed.
    pub design_base: bool,
    /// Physics steps of the machine in a control step.
    pub substeps: usize,
    /// What computes them.
    pub engine: Engine,
}

fn point(key: &str, value: [f64; 2]) -> Result<[f32; 2], ProblemError> {
    within(key, value[0], [-10.0, 10.0])?;
    within(key, value[1], [-10.0, 10.0])?;
    Ok(value.map(|x| x as f32))
}

impl Settings {
    /// The settings of a preset.
    fn preset(name: &str) -> Result<Self, ProblemError> {
        let preset = choose(&PRESETS, name)?;
        let near = Self {
            preset: preset.name,
            links: 5,
            length_bounds: [0.15, 1.0],
            start_length: 0.4,
            base: [-0.32, -0.51],
            goal: [1.95, 0.55],
            obstacles: Obstacles::None,
            tolerance: 0.07,
            hold_steps: 5,
            horizon: 80,
            start_noise: 0.05,
            torque: 600.0,
            design_torque: false,
            design_base: false,
            substeps: 20,
            engine: Engine::Chain,
        };
        let far = Self {
            goal: [3.5, 1.24],
            ..near.clone()
        };
        let passage = |gap| Self {
            goal: [1.95, 0.49],
            obstacles: Obstacles::Zigzag { gap },
            horizon: 100,
            ..near.clone()
        };
        Ok(match name {
            "passage" => passage(1.0),
            "passage-tight" => passage(0.75),
            "far" => far,
            "far-15" => Self {
                links: 15,
                length_bounds: [0.05, 0.33],
                start_length: 0.133,
                substeps: 40,
                ..far
            },
            "far-30" => Self {
                links: 30,
                length_bounds: [0.025, 0.165],
                start_length: 0.0667,
                substeps: 80,
                ..far
            },
            "far-torque" => Self {
                design_torque: true,
                ..far
            },
            "far-base" => Self {
                design_base: true,
                ..far
            },
            _ => near,
        })
    }

    /// Applies and checks a configuration.
    ///
    /// # Errors
    /// [`ProblemError::Setting`] with the key, the value and what is allowed.
    pub fn new(config: &Config) -> Result<Self, ProblemError> {
        let c = config;
        let mut s = Self::preset(c.preset.as_deref().unwrap_or("near"))?;
        s.links = within("links", c.links.unwrap_or(s.links), [1, MAX_LINKS])?;
        s.length_bounds = c.length_bounds.unwrap_or(s.length_bounds);
        let [low, high] = s.length_bounds;
        within("length_bounds", low, [0.02, 2.0])?;
        within("length_bounds", high, [0.02, 2.0])?;
        if low >= high {
            return refuse(
                "length_bounds",
                format!("is [{low}, {high}]; the first must be below the second"),
            );
        }
        let start = c.start_length.unwrap_or(s.start_length);
        s.start_length = within("start_length", start, [low, high])?;
        if let Some(base) = c.base {
            s.base = point("base", base)?;
        }
        if let Some(goal) = c.goal {
            s.goal = point("goal", goal)?;
        }
        if let Some(obstacles) = &c.obstacles {
            s.obstacles = obstacles.clone();
        }
        if let Obstacles::Zigzag { gap } = s.obstacles {
            within("obstacles.zigzag.gap", gap, [0.6, 2.0])?;
        }
        let tolerance = c.tolerance.unwrap_or(f64::from(s.tolerance));
        s.tolerance = within("tolerance", tolerance, [0.005, 0.5])? as f32;
        s.hold_steps = within("hold_steps", c.hold_steps.unwrap_or(s.hold_steps), [1, 100])?;
        s.horizon = within("horizon", c.horizon.unwrap_or(s.horizon), [1, 10_000])?;
        s.start_noise = within("start_noise", c.start_noise.unwrap_or(s.start_noise), [0.0, 1.0])?;
        s.torque = within("torque", c.torque.unwrap_or(s.torque), [1.0, 1e4])?;
        s.design_torque = c.design_torque.unwrap_or(s.design_torque);
        s.design_base = c.design_base.unwrap_or(s.design_base);
        s.substeps = within("substeps", c.substeps.unwrap_or(s.substeps), [1, 1024])?;
        s.check_places()?;
        Ok(s)
    }

    /// The base must be free, and the goal must have room for a link's end.
    fn check_places(&self) -> Result<(), ProblemError> {
        let walls = self.walls();
        for (key, p) in [("base", self.base), ("goal", self.goal)] {
            let room = walls.clearance(p, p);
            if room < LINK_RADIUS {
                return refuse(
                    key,
                    format!(
                        "is [{}, {}], {room:.3} m from a wall; it must be at least {LINK_RADIUS} m away",
                        p[0], p[1]
                    ),
                );
            }
        }
        Ok(())
    }

    /// Whether anything stands in the way.
    pub fn has_walls(&self) -> bool {
        self.obstacles != Obstacles::None
    }

    /// The walls of these settings, with shortest paths to the goal.
    pub fn walls(&self) -> Walls {
        match self.obstacles {
            Obstacles::None => Walls::none(self.goal),
            Obstacles::Zigzag { gap } => Walls::zigzag(gap as f32, self.goal),
        }
    }

    /// Limit of joint `i`, rad.
    pub fn joint_limit(i: usize) -> f32 {
        if i == 0 { FIRST_JOINT_LIMIT } else { JOINT_LIMIT }
    }

    /// Start angle of joint `i`, rad: the arm is folded as a U, two fifths of its links to the left, one
    /// fifth up, two fifths to the right.
    pub fn start_angle(&self, i: usize) -> f32 {
        let (up, right) = (2 * self.links / 5, 3 * self.links / 5);
        match i {
            0 => PI,
            _ if i == up || i == right => -FRAC_PI_2,
            _ => 0.0,
        }
    }

    /// Torque limit of joint `i` of the start design, N m: the load falls towards the tip, about as the
    /// square of the length that is left.
    pub fn joint_torque(&self, i: usize) -> f64 {
        let left = (self.links - i) as f64 / self.links as f64;
        self.torque * left * left
    }
}

/// Mass per volume of a link, kg/m^3: a thin-walled tube counted over its whole volume (60 mm across, about
/// 1 mm of aluminium).
pub const DENSITY: f64 = 200.0;

/// Mass of a link, kg: a capsule of [`LINK_RADIUS`] around an axis of this length (m) at [`DENSITY`],
/// `pi r^2 (l + 4 r / 3)`.
pub fn link_mass(length: f64) -> f64 {
    let r = f64::from(LINK_RADIUS);
    DENSITY * std::f64::consts::PI * r * r * (length + 4.0 / 3.0 * r)
}

/// Moment of inertia of a link of this length (m) about its centre, across its axis, kg m^2: a solid capsule of the collider's
/// radius `r` and of [`link_mass`], cylinder and half balls weighed by volume,
/// `m_cyl (l^2 / 12 + r^2 / 4) + m_balls (l^2 / 4 + 3 l r / 8 + 2 r^2 / 5)`.
pub(super) fn link_inertia(length: f64) -> f64 {
    let r = f64::from(LINK_RADIUS) - f64::from(WALL_RADIUS);
    let balls = link_mass(length) * (4.0 / 3.0 * r) / (length + 4.0 / 3.0 * r);
    let cylinder = link_mass(length) - balls;
    let (l2, r2) = (length * length, r * r);
    cylinder * (l2 / 12.0 + r2 / 4.0) + balls * (l2 / 4.0 + 3.0 * length * r / 8.0 + 0.4 * r2)
}
