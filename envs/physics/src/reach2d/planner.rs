//! A motion planner: evidence that a design can get through the passage, without any learning.
//!
//! RRT-Connect (Kuffner and LaValle 2000) over joint angles, from the start pose to postures that put the tip
//! on the goal, found by cyclic coordinate descent (Wang and Chen 1991) from random angles. "No path found"
//! within the bounds below is evidence that a design does not work, not a proof.

use super::config::{MAX_LINKS, Settings};
use super::motion;
use super::walls::{Point, Walls, distance};
use tandem_core::stream::Stream;

/// Tree edges are at most this long in every joint, rad.
const EDGE: f32 = 0.15;
/// Growth steps of both trees together.
const GROWTHS: usize = 20_000;
/// Random starts of the search for goal postures, and how many postures are enough.
const POSTURE_TRIES: usize = 1500;
const POSTURES: usize = 30;
/// Attempts to cut a found path short.
const SHORTCUTS: usize = 300;

/// Joint angles, rad, `[links]`.
pub type Angles = Vec<f32>;

/// A kinematic arm among walls.
#[derive(Debug)]
pub struct Plan<'a> {
    settings: &'a Settings,
    walls: &'a Walls,
    lengths: Vec<f32>,
    base: Point,
}

impl<'a> Plan<'a> {
    /// A planner for the arm with these link lengths (m) on this base (m).
    pub fn new(settings: &'a Settings, walls: &'a Walls, lengths: &[f64], base: Point) -> Self {
        Self {
            settings,
            walls,
            lengths: lengths.iter().map(|&l| l as f32).collect(),
            base,
        }
    }

    fn links(&self) -> usize {
        self.lengths.len()
    }

    /// Base and link ends at these angles.
    fn points(&self, angles: &[f32], out: &mut [Point]) {
        out[0] = self.base;
        let mut sum = 0.0;
        for (i, (&angle, &length)) in angles.iter().zip(&self.lengths).enumerate() {
            sum += angle;
            let (sin, cos) = f32::sin_cos(sum);
            out[i + 1] = [out[i][0] + length * cos, out[i][1] + length * sin];
        }
    }

    /// Whether the arm can go straight (in joint angles) between two poses at most `EDGE` apart.
    fn edge(&self, from: &[f32], to: &[f32]) -> bool {
        let mut ends = [[[0.0; 2]; MAX_LINKS + 1]; 2];
        let [a, b] = &mut ends;
        let (a, b) = (&mut a[..=self.links()], &mut b[..=self.links()]);
        self.points(from, a);
        self.points(to, b);
        motion::room(self.walls, a) >= 0.0 && motion::free(self.walls, a, b, 0.0)
    }

    /// A free posture with the tip on the goal, if this random start leads to one.
    fn posture(&self, stream: &mut Stream) -> Option<Angles> {
        let n = self.links();
        let mut angles: Angles = (0..n).map(|i| self.draw(i, stream)).collect();
        let mut buffer = [[0.0; 2]; MAX_LINKS + 1];
        let points = &mut buffer[..=n];
        let goal = self.settings.goal;
        for _ in 0..30 {
            for i in (0..n).rev() {
                self.points(&angles, points);
                let to = |p: Point| (p[1] - points[i][1]).atan2(p[0] - points[i][0]);
                let turn = to(goal) - to(points[n]);
                let turn = turn.sin().atan2(turn.cos());
                let limit = Settings::joint_limit(i);
                angles[i] = (angles[i] + turn).clamp(-limit, limit);
            }
            self.points(&angles, points);
            if distance(points[n], goal) < 0.3 * self.settings.tolerance {
                return (motion::room(self.walls, points) > 0.002).then_some(angles);
            }
        }
        None
    }

    fn draw(&self, joint: usize, stream: &mut Stream) -> f32 {
        let limit = f64::from(Settings::joint_limit(joint));
        stream.uniform(-limit, limit) as f32
    }

    /// A collision-free path from these angles to the goal, its points at most `EDGE` apart in each joint.
    pub fn path(&self, start: &[f32], stream: &mut Stream) -> Option<Vec<Angles>> {
        let mut goals = Tree::default();
        for _ in 0..POSTURE_TRIES {
            if let Some(angles) = self.posture(stream) {
                goals.add(angles, None);
                if goals.nodes.len() == POSTURES {
                    break;
                }
            }
        }
        if goals.nodes.is_empty() {
            return None;
        }
        let mut trees = [Tree::default(), goals];
        trees[0].add(start.to_vec(), None);
        for growth in 0..GROWTHS {
            let [starts, goals] = &mut trees;
            let (one, other) = if growth % 2 == 0 {
                (starts, goals)
            } else {
                (goals, starts)
            };
            let sample: Angles = (0..self.links()).map(|i| self.draw(i, stream)).collect();
            let Some((new, _)) = one.extend(self, &sample) else {
                continue;
            };
            let aim = one.nodes[new].0.clone();
            while let Some((met, arrived)) = other.extend(self, &aim) {
                if arrived {
                    let (from, to) = if growth % 2 == 0 { (new, met) } else { (met, new) };
                    let mut path = trees[0].branch(from);
                    path.reverse();
                    path.extend(trees[1].branch(to).into_iter().skip(1));
                    return Some(self.shorten(path, stream));
                }
            }
        }
        None
    }

    /// The straight way between two poses, if it is free; without its first point.
    fn straight(&self, from: &Angles, to: &Angles) -> Option<Vec<Angles>> {
        let mut way = vec![from.clone()];
        loop {
            let last = &way[way.len() - 1];
            let (next, arrived) = steer(last, to);
            if !self.edge(last, &next) {
                return None;
            }
            way.push(next);
            if arrived {
                way.remove(0);
                return Some(way);
            }
        }
    }

    /// Replaces detours by straight pieces.
    fn shorten(&self, mut path: Vec<Angles>, stream: &mut Stream) -> Vec<Angles> {
        for _ in 0..SHORTCUTS {
            let (a, b) = (stream.below(path.len()), stream.below(path.len()));
            let (a, b) = (a.min(b), a.max(b));
            if b < a + 2 {
                continue;
            }
            if let Some(way) = self.straight(&path[a], &path[b])
                && way.len() < b - a
            {
                path.splice(a + 1..=b, way);
            }
        }
        path
    }
}

/// From one pose towards another by at most `EDGE` in each joint; whether that arrives.
fn steer(from: &[f32], to: &[f32]) -> (Angles, bool) {
    let largest = from.iter().zip(to).map(|(a, b)| (b - a).abs());
    let largest = largest.fold(0.0, f32::max);
    if largest <= EDGE {
        return (to.to_vec(), true);
    }
    let share = EDGE / largest;
    let next = from.iter().zip(to).map(|(a, b)| a + share * (b - a));
    (next.collect(), false)
}

/// A tree of poses; every node knows its parent.
#[derive(Default)]
struct Tree {
    nodes: Vec<(Angles, Option<usize>)>,
}

impl Tree {
    fn add(&mut self, angles: Angles, parent: Option<usize>) -> usize {
        self.nodes.push((angles, parent));
        self.nodes.len() - 1
    }

    /// Grows from the nearest node towards `aim`: the new node, and whether it is there.
    fn extend(&mut self, plan: &Plan, aim: &[f32]) -> Option<(usize, bool)> {
        let gap =
            |node: &(Angles, Option<usize>)| -> f32 { node.0.iter().zip(aim).map(|(a, b)| (a - b) * (a - b)).sum() };
        let nearest = (0..self.nodes.len()).min_by(|&a, &b| gap(&self.nodes[a]).total_cmp(&gap(&self.nodes[b])))?;
        let (next, arrived) = steer(&self.nodes[nearest].0, aim);
        let free = plan.edge(&self.nodes[nearest].0, &next);
        free.then(|| (self.add(next, Some(nearest)), arrived))
    }

    /// From a node back to its root.
    fn branch(&self, mut node: usize) -> Vec<Angles> {
        let mut way = vec![self.nodes[node].0.clone()];
        while let Some(parent) = self.nodes[node].1 {
            node = parent;
            way.push(self.nodes[node].0.clone());
        }
        way
    }
}
