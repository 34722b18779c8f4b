//! Motion of the kinematic arm among walls: free motion, and sliding where it is blocked.

use super::config::{LINK_RADIUS, MAX_LINKS};
use super::walls::{Point, Walls, distance};

/// A motion is followed in at most this many pieces per collision test.
const MOST_PIECES: usize = 24;

/// A pose: joint angles (rad) and the base with all link ends (m).
#[derive(Clone, Copy, Debug)]
pub struct Pose {
    /// Joint angles, the first `links` count.
    pub angles: [f32; MAX_LINKS],
    /// Base and link ends, the first `links + 1` count.
    pub points: [Point; MAX_LINKS + 1],
}

/// Free room around the whole arm, m: the smallest distance between a link's surface and a wall.
pub fn room(walls: &Walls, points: &[Point]) -> f32 {
    let clearance = |w: &[Point]| walls.clearance(w[0], w[1]);
    let nearest = points.windows(2).map(clearance).fold(super::walls::FAR, f32::min);
    nearest - LINK_RADIUS
}

fn between(a: Point, b: Point, t: f32) -> Point {
    [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])]
}

/// Whether the arm can go from one free polyline to another along straight lines of its points.
///
/// Conservative advancement: no point can hit anything before it has travelled the room there is.
/// `slack`: how deep links may sink into walls, m.
pub fn free(walls: &Walls, from: &[Point], to: &[Point], slack: f32) -> bool {
    if walls.is_empty() {
        return true;
    }
    let travel = from.iter().zip(to).map(|(&a, &b)| distance(a, b));
    let travel = travel.fold(0.0, f32::max);
    let mut piece = [[0.0; 2]; MAX_LINKS + 1];
    let piece = &mut piece[..from.len()];
    let (mut t, mut room_here) = (0.0, room(walls, from) + slack);
    while travel * (1.0 - t) >= room_here {
        t += (room_here / travel).max(1.0 / MOST_PIECES as f32);
        if t >= 1.0 {
            return room(walls, to) + slack >= 0.0;
        }
        for ((p, &a), &b) in piece.iter_mut().zip(from).zip(to) {
            *p = between(a, b, t);
        }
        room_here = room(walls, piece) + slack;
        if room_here < 0.0 {
            return false;
        }
    }
    true
}

/// Turns everything beyond joint `joint` by `angle`.
fn turn(points: &mut [Point], joint: usize, angle: f32) {
    let (sin, cos) = angle.sin_cos();
    let [x, y] = points[joint];
    for p in &mut points[joint + 1..] {
        let (dx, dy) = (p[0] - x, p[1] - y);
        *p = [x + cos * dx - sin * dy, y + sin * dx + cos * dy];
    }
}

/// Moves as much of a blocked motion as does not collide: joint by joint, the outermost first, each by the
/// largest of 1, 1/2, 1/4, 1/8 of its step that is free, in two rounds. The links keep the shapes they have
/// (the last effect's), so it works for any effect, consistent or not.
///
/// `steps`: angle steps wanted, rad, `[links]`.
pub fn slide(walls: &Walls, pose: &mut Pose, links: usize, steps: &[f32]) {
    let mut left = [0.0; MAX_LINKS];
    left[..links].copy_from_slice(steps);
    for _ in 0..2 {
        for joint in (0..links).rev() {
            for share in [1.0, 0.5, 0.25, 0.125] {
                let step = left[joint] * share;
                if step.abs() < 1e-4 {
                    break;
                }
                let mut trial = pose.points;
                turn(&mut trial[..=links], joint, step);
                if free(walls, &pose.points[..=links], &trial[..=links], 0.0) {
                    pose.points = trial;
                    pose.angles[joint] += step;
                    left[joint] -= step;
                    break;
                }
            }
        }
    }
}
