//! Walls in the plane: clearance of links, and shortest paths of the tip to the goal.

/// A point, m.
pub type Point = [f32; 2];

/// Distances are not followed beyond this, m: nobody needs to know more than "far".
pub const FAR: f32 = 10.0;

/// Waypoints stand this far off the corner they go round, m: a link's radius and half as much again.
const CORNER_OFFSET: f32 = 0.045;

fn sub(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1]]
}
fn dot(a: Point, b: Point) -> f32 {
    a[0] * b[0] + a[1] * b[1]
}
fn cross(a: Point, b: Point) -> f32 {
    a[0] * b[1] - a[1] * b[0]
}

/// Distance between two points, m.
pub fn distance(a: Point, b: Point) -> f32 {
    let d = sub(a, b);
    dot(d, d).sqrt()
}

/// Squared distance of a point from the segment `a + t d`, `t` in [0, 1].
fn point_segment(p: Point, a: Point, d: Point) -> f32 {
    let to = sub(p, a);
    let length = dot(d, d);
    let t = if length > 0.0 {
        (dot(to, d) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let off = [to[0] - t * d[0], to[1] - t * d[1]];
    dot(off, off)
}

/// Whether two segments meet (orientation test); segments along one line do not count.
fn crossing(p: Point, q: Point, a: Point, b: Point) -> bool {
    let (d, e) = (sub(q, p), sub(b, a));
    let (s1, s2) = (cross(d, sub(a, p)), cross(d, sub(b, p)));
    let (s3, s4) = (cross(e, sub(p, a)), cross(e, sub(q, a)));
    s1 * s2 <= 0.0 && s3 * s4 <= 0.0 && (s1 != 0.0 || s2 != 0.0)
}

/// Squared distance between two segments; 0 when they cross.
fn segment_segment(p: Point, q: Point, a: Point, b: Point) -> f32 {
    if crossing(p, q, a, b) {
        return 0.0;
    }
    let (d, e) = (sub(q, p), sub(b, a));
    let from_wall = point_segment(a, p, d).min(point_segment(b, p, d));
    from_wall.min(point_segment(p, a, e)).min(point_segment(q, a, e))
}

/// The shortest way to the goal from some point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Path {
    /// Its length, m.
    pub length: f32,
    /// The first point to head for, m: a corner to go round, or the goal.
    pub next: Point,
}

#[derive(Clone, Debug)]
struct Corner {
    at: Point,
    /// Shortest way from here to the goal, m.
    to_goal: f32,
}

/// Wall segments, and what shortest paths need to know about them.
///
/// Path lengths come from the visibility graph over the walls' corners (Lozano-Pérez and Wesley 1979): the
/// exact shortest path of a point that keeps `CORNER_OFFSET` from each corner. It falls steadily along the
/// way, where the straight distance would pull the tip against a wall.
#[derive(Clone, Debug)]
pub struct Walls {
    /// Ends of every wall segment, m.
    pub segments: Vec<[Point; 2]>,
    /// Waypoints, the nearest to the goal (along the path) first.
    corners: Vec<Corner>,
    goal: Point,
}

impl Walls {
    /// No walls.
    pub fn none(goal: Point) -> Self {
        Self::from_polyline(&[], goal)
    }

    /// Two zigzag walls of wavelength 1 m, height 0.49 m and two periods, the second `gap` above the first,
    /// closed by a cap 0.12 m beyond their right end. The lower wall starts at the origin.
    pub fn zigzag(gap: f32, goal: Point) -> Self {
        let low = [[0.0, 0.0], [0.5, 0.49], [1.0, 0.0], [1.5, 0.49], [2.0, 0.0]];
        let mut line = low.to_vec();
        line.extend([[2.12, 0.0], [2.12, gap]]);
        line.extend(low.iter().rev().map(|p| [p[0], p[1] + gap]));
        Self::from_polyline(&line, goal)
    }

    /// Walls along a polyline.
    fn from_polyline(line: &[Point], goal: Point) -> Self {
        let mut walls = Self {
            segments: line.windows(2).map(|w| [w[0], w[1]]).collect(),
            corners: corners_of(line),
            goal,
        };
        walls.measure_corners();
        walls
    }

    /// Whether nothing stands in the way.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Distance between the segment `a b` and the nearest wall, m; 0 when they cross, `FAR` at most.
    pub fn clearance(&self, a: Point, b: Point) -> f32 {
        let mut best = FAR * FAR;
        let low = [a[0].min(b[0]), a[1].min(b[1])];
        let high = [a[0].max(b[0]), a[1].max(b[1])];
        for &[p, q] in &self.segments {
            // distance of the bounding boxes: most walls need no closer look
            let dx = (p[0].min(q[0]) - high[0]).max(low[0] - p[0].max(q[0])).max(0.0);
            let dy = (p[1].min(q[1]) - high[1]).max(low[1] - p[1].max(q[1])).max(0.0);
            if dx * dx + dy * dy < best {
                best = best.min(segment_segment(a, b, p, q));
            }
        }
        best.sqrt()
    }

    fn visible(&self, a: Point, b: Point) -> bool {
        self.segments.iter().all(|&[p, q]| !crossing(a, b, p, q))
    }

    /// The shortest way to the goal. From a place without a way (inside a closed wall) the nearest waypoint
    /// is taken as if it could be seen.
    pub fn path(&self, from: Point) -> Path {
        let straight = Path {
            length: distance(from, self.goal),
            next: self.goal,
        };
        if self.visible(from, self.goal) {
            return straight;
        }
        let mut best: Option<Path> = None;
        let mut blind = straight;
        for corner in &self.corners {
            let length = distance(from, corner.at) + corner.to_goal;
            let way = Path {
                length,
                next: corner.at,
            };
            if blind.next == self.goal || length < blind.length {
                blind = way;
            }
            if best.is_none_or(|b| length < b.length) && self.visible(from, corner.at) {
                best = Some(way);
            }
        }
        best.unwrap_or(blind)
    }

    /// Dijkstra's algorithm from the goal over all corners; corners without a way are dropped.
    fn measure_corners(&mut self) {
        let mut open = std::mem::take(&mut self.corners);
        for corner in &mut open {
            if self.visible(corner.at, self.goal) {
                corner.to_goal = distance(corner.at, self.goal);
            }
        }
        while let Some(next) = (0..open.len()).min_by(|&a, &b| open[a].to_goal.total_cmp(&open[b].to_goal)) {
            let done = open.swap_remove(next);
            if done.to_goal.is_infinite() {
                return;
            }
            for corner in &mut open {
                if self.visible(corner.at, done.at) {
                    let way = done.to_goal + distance(corner.at, done.at);
                    corner.to_goal = corner.to_goal.min(way);
                }
            }
            self.corners.push(done);
        }
    }
}

/// A waypoint outside every bend of a polyline, and one beyond each of its ends.
fn corners_of(line: &[Point]) -> Vec<Corner> {
    let unit = |from: Point, to: Point| {
        let length = distance(from, to);
        let d = sub(to, from);
        [d[0] / length, d[1] / length]
    };
    let mut corners = Vec::new();
    for (i, &at) in line.iter().enumerate() {
        let mut out = [0.0, 0.0];
        for neighbour in [i.checked_sub(1), Some(i + 1)].into_iter().flatten() {
            if let Some(&other) = line.get(neighbour) {
                let away = unit(other, at);
                out = [out[0] + away[0], out[1] + away[1]];
            }
        }
        let length = dot(out, out).sqrt();
        if length > 1e-3 {
            let scale = CORNER_OFFSET / length;
            corners.push(Corner {
                at: [at[0] + scale * out[0], at[1] + scale * out[1]],
                to_goal: f32::INFINITY,
            });
        }
    }
    corners
}
