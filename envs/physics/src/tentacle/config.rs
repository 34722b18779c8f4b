//! Settings of the tentacle: constants of its mechanism, goals, overrides, validation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use tandem_core::check::{decimal, within};
use tandem_core::preset::{Preset, choose};
use tandem_core::problem::ProblemError;

/// Joints, and links.
pub const JOINTS: usize = 3;
/// Most tendons, and motors.
pub const MAX_TENDONS: usize = 3;
/// Lower stop of every joint, rad: the elastic tendons may bend the tentacle backwards that far.
pub const JOINT_LOW: f64 = -0.8;
/// Upper stop of every joint, rad.
pub const JOINT_HIGH: f64 = 2.0;
/// Radius of the pulleys of the elastic tendons, m (TentaMorph: `R_e` = 15 mm).
pub const ELASTIC_RADIUS: f64 = 0.015;
/// Radius of the winches, m.
pub const WINCH_RADIUS: f64 = 0.01;
/// Largest angle of a winch, rad: it takes up 80 mm of tendon.
pub const WINCH_RANGE: f32 = 8.0;
/// Winch motion in one control step at command 1, rad.
pub const WINCH_STEP: f32 = 0.25;
/// Control step, s.
pub const CONTROL_DT: f64 = 0.1;
/// Lowest and highest radius of a pulley at a joint, m.
pub const RADIUS_BOUNDS: [f64; 2] = [0.004, 0.02];
/// Lowest and highest pre-elongation of an elastic tendon, m.
pub const PRETENSION_BOUNDS: [f64; 2] = [0.0, 0.03];
/// Lowest and highest length of a link, m.
pub const LENGTH_BOUNDS: [f64; 2] = [0.06, 0.14];
/// Pulley radii of the start design, m, one row per tendon (TentaMorph's).
pub const START_RADII: [[f64; JOINTS]; 2] = [[0.005, 0.005, 0.005], [0.005, 0.01, 0.02]];
/// Length of every link of the start design, m. TentaMorph prints 0.8, which does not fit its goals.
pub const START_LENGTH: f64 = 0.08;
/// Goals must lie within this distance of the base along each axis, m: nothing longer can be built.
pub const FAR: f64 = 0.5;
/// Most goals.
const MAX_GOALS: usize = 64;

/// All presets. Shares as [`super::selectivity`] counts them with seed 0.
pub const PRESETS: [Preset; 1] = [Preset {
    name: "nine-goals",
    about: "one tentacle for nine goals, of which the start design reaches one; 2.25 % of random designs reach all (n = 4000)",
}];

/// The middle of the nine goals, m.
const MIDDLE: [f64; 2] = [0.16, -0.14];
/// Distance between neighbours of the nine goals, m.
const SPACING: f64 = 0.05;

/// Settings of the problem: a preset and what differs from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of the preset; `nine-goals` when absent.
    pub preset: Option<String>,
    /// Places of the goals, m, 1 to 64 of them; each episode draws one.
    #[schemars(extend("unit" = "m"))]
    pub goals: Option<Vec<[f64; 2]>>,
    /// Pulley radii of the start design, m, within [0.004, 0.02], one row per tendon: 1 to [`MAX_TENDONS`] rows.
    #[schemars(extend("unit" = "m"))]
    pub start_radii: Option<Vec<[f64; JOINTS]>>,
    /// Length of every link of the start design, m, within [0.06, 0.14].
    #[schemars(extend("unit" = "m"))]
    pub start_length: Option<f64>,
    /// The tip is at the goal within this distance, m, in [0.0001, 0.1].
    #[schemars(extend("unit" = "m"))]
    pub tolerance: Option<f64>,
    /// Control steps in a row within the tolerance that make a success, 1 to 100.
    #[schemars(extend("unit" = "control steps"))]
    pub hold_steps: Option<usize>,
    /// Control steps of an episode, 1 to 10 000.
    #[schemars(extend("unit" = "control steps"))]
    pub horizon: Option<usize>,
}

impl Config {
    /// The same with nothing left to the preset.
    ///
    /// # Errors
    /// As of [`Settings::new`].
    pub fn resolved(&self) -> Result<Self, ProblemError> {
        let s = Settings::new(self)?;
        let goals = || s.goals.iter().map(|goal| goal.map(decimal)).collect();
        Ok(Self {
            preset: Some(s.preset.into()),
            goals: Some(self.goals.clone().unwrap_or_else(goals)),
            start_radii: Some(s.start_radii),
            start_length: Some(s.start_length),
            tolerance: self.tolerance.or(Some(decimal(s.tolerance))),
            hold_steps: Some(s.hold_steps),
            horizon: Some(s.horizon),
        })
    }
}

/// Settings with every choice made and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Name of the preset they started from.
    pub preset: &'static str,
    /// Places of the goals, m.
    pub goals: Vec<[f32; 2]>,
    /// Pulley radii of the start design, m, one row per tendon.
    pub start_radii: Vec<[f64; JOINTS]>,
    /// Length of every link of the start design, m.
    pub start_length: f64,
    /// Success distance, m.
    pub tolerance: f32,
    /// Steps in a row that make a success.
    pub hold_steps: usize,
    /// Control steps of an episode.
    pub horizon: usize,
}

/// Three by three goals around [`MIDDLE`].
fn nine_goals() -> Vec<[f32; 2]> {
    let place = |k: usize| {
        let offset = |i: usize| SPACING * (i as f64 - 1.0);
        let (column, row) = (offset(k % 3), offset(k / 3));
        [(MIDDLE[0] + column) as f32, (MIDDLE[1] + row) as f32]
    };
    (0..9).map(place).collect()
}

impl Settings {
    /// The settings of a preset.
    fn preset(name: &str) -> Result<Self, ProblemError> {
        let preset = choose(&PRESETS, name)?;
        Ok(Self {
            preset: preset.name,
            goals: nine_goals(),
            start_radii: START_RADII.to_vec(),
            start_length: START_LENGTH,
            tolerance: 0.002,
            hold_steps: 5,
            horizon: 60,
        })
    }

    /// Applies and checks a configuration.
    ///
    /// # Errors
    /// [`ProblemError::Setting`] with the key, the value and what is allowed.
    pub fn new(config: &Config) -> Result<Self, ProblemError> {
        let c = config;
        let mut s = Self::preset(c.preset.as_deref().unwrap_or(PRESETS[0].name))?;
        if let Some(goals) = &c.goals {
            within("goals (number)", goals.len(), [1, MAX_GOALS])?;
            for &x in goals.iter().flatten() {
                within("goals", x, [-FAR, FAR])?;
            }
            s.goals = goals.iter().map(|g| g.map(|x| x as f32)).collect();
        }
        if let Some(radii) = &c.start_radii {
            within("start_radii (rows)", radii.len(), [1, MAX_TENDONS])?;
            for &r in radii.iter().flatten() {
                within("start_radii", r, RADIUS_BOUNDS)?;
            }
            s.start_radii = radii.clone();
        }
        let length = c.start_length.unwrap_or(s.start_length);
        s.start_length = within("start_length", length, LENGTH_BOUNDS)?;
        let tolerance = c.tolerance.unwrap_or(f64::from(s.tolerance));
        s.tolerance = within("tolerance", tolerance, [1e-4, 0.1])? as f32;
        s.hold_steps = within("hold_steps", c.hold_steps.unwrap_or(s.hold_steps), [1, 100])?;
        s.horizon = within("horizon", c.horizon.unwrap_or(s.horizon), [1, 10_000])?;
        Ok(s)
    }

    /// Number of tendons, and motors.
    pub fn tendons(&self) -> usize {
        self.start_radii.len()
    }
}
