//! What a world says of a control step.

/// The result of one control step of a world.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The task's criterion is met now; the environment latches it for the rest of the episode.
    pub success: bool,
    /// The episode ends here by the world's own rules.
    pub terminated: bool,
    /// The simulation failed (diverged, say): a fixed reason for the log. It terminates the episode.
    pub fault: Option<&'static str>,
}

impl Outcome {
    /// The world had to give up.
    pub fn fault(reason: &'static str) -> Self {
        Self {
            fault: Some(reason),
            ..Self::default()
        }
    }
}
