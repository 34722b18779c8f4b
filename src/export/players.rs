//! Python scripts beside an exported policy: one that asks it for commands, and for machines that MuJoCo plays one that closes
//! the loop.
//!
//! They know nothing of Tandem but the exported files; the policy's metadata holds the task. A problem registered from outside gets
//! the first script only.

/// Asks any policy.
const POLICY: (&str, &str) = ("policy.py", include_str!("players/policy.py"));
/// What all players share.
const PLAYER: (&str, &str) = ("player.py", include_str!("players/player.py"));
/// What players of arms know of walls.
const WALLS: (&str, &str) = ("walls.py", include_str!("players/walls.py"));
/// How formulas of a robot's task are worked out.
const FORMULA: (&str, &str) = ("formula.py", include_str!("players/formula.py"));
/// Name of the player in the exported folder.
const PLAY: &str = "play.py";

/// The scripts for a problem's policy: file names and texts.
pub fn scripts(problem: &str) -> Vec<(&'static str, &'static str)> {
    let player = match problem {
        "reach2d" => include_str!("players/reach2d.py"),
        "tentacle" => include_str!("players/tentacle.py"),
        "hand3d-press" => include_str!("players/hand3d-press.py"),
        "hand3d-tendon" => include_str!("players/hand3d-tendon.py"),
        "robot" => include_str!("players/robot.py"),
        _ => return vec![POLICY],
    };
    let more = match problem {
        "reach2d" => Some(WALLS),
        "robot" => Some(FORMULA),
        _ => None,
    };
    [POLICY, PLAYER, (PLAY, player)].into_iter().chain(more).collect()
}
