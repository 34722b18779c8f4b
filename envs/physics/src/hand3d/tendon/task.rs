//! The task: lifted and held, also under a push.

/// Control steps of an episode.
pub const HORIZON: usize = 110;
/// The object must be raised by this, m.
pub const LIFT: f32 = 0.04;
/// Height to which the palm lifts, m.
pub const LIFT_TO: f32 = 0.06;
/// Control steps in a row, up to the end of the episode, for which it must be: the push is within them.
pub const HOLD_STEPS: usize = 35;
/// Control steps between which the object is pushed.
pub const PUSH_STEPS: [usize; 2] = [85, 95];
/// The push of the preset, N, sideways in a random direction.
pub const PUSH: f64 = 2.0;

/// A push of `force`, N, on the object at a control step, in the direction `heading`, rad.
pub fn push(step: usize, heading: f64, force: f64) -> [f32; 2] {
    let (sin, cos) = heading.sin_cos();
    match (PUSH_STEPS[0]..PUSH_STEPS[1]).contains(&step) {
        true => [force * cos, force * sin].map(|f| f as f32),
        false => [0.0; 2],
    }
}

/// For how many control steps in a row the object has been up.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Hold {
    steps: usize,
}

impl Hold {
    /// Notes a control step after which the object is raised by `lift`, m.
    pub fn note(&mut self, lift: f32) {
        self.steps = if lift >= LIFT { self.steps + 1 } else { 0 };
    }

    /// Whether, at the end of an episode, the object has been held for long enough.
    pub fn succeeds(&self) -> bool {
        self.steps >= HOLD_STEPS
    }
}
