"""The way of an arm's tip around walls, and the room that its links have."""

import numpy as np

FAR = 10.0  # m; distances are not followed beyond
CORNER_OFFSET = 0.045  # m; waypoints stand this far off the corner they go round


class Walls:
    """A wall along a polyline, `[n, 2]` m, and shortest paths to a goal: those of a point that keeps off each corner, by the
    visibility graph over the corners (Lozano-Perez and Wesley 1979)."""

    def __init__(self, line, goal):
        self.starts, self.ends, self.goal = line[:-1], line[1:], goal
        self.corners, self.to_goal = self.measured(corners(line))

    def measured(self, places):
        """The corners from which there is a way to the goal, and its length (Dijkstra's algorithm)."""
        far = np.array([np.linalg.norm(p - self.goal) if self.sees(p, self.goal) else np.inf for p in places])
        left, done = list(range(len(places))), []
        while left and np.isfinite(far[left]).any():
            nearest = min(left, key=lambda i: far[i])
            left.remove(nearest)
            done.append(nearest)
            for i in left:
                if self.sees(places[i], places[nearest]):
                    far[i] = min(far[i], far[nearest] + np.linalg.norm(places[i] - places[nearest]))
        return places[done], far[done]

    def sees(self, a, b):
        """Whether no wall stands between two points."""
        return not crossings(a, b, self.starts, self.ends).any()

    def path(self, tip):
        """Length of the shortest way to the goal, m, and the first point to head for. Where no corner is seen, the nearest by
        its way is taken as if it were."""
        if self.sees(tip, self.goal) or not len(self.corners):
            return np.linalg.norm(tip - self.goal), self.goal
        lengths = np.linalg.norm(self.corners - tip, axis=1) + self.to_goal
        seen = np.array([self.sees(tip, corner) for corner in self.corners])
        best = np.argmin(np.where(seen, lengths, np.inf) if seen.any() else lengths)
        return lengths[best], self.corners[best]

    def clearance(self, a, b):
        """Distance of a link's axis from the nearest wall, m; 0 where they cross."""
        if crossings(a, b, self.starts, self.ends).any():
            return 0.0
        of_link = [to_segments(p, self.starts, self.ends).min() for p in (a, b)]
        of_walls = [to_segments(ends, a, b).min() for ends in (self.starts, self.ends)]
        return min(FAR, *of_link, *of_walls)


def corners(line):
    """A waypoint outside every bend of a polyline, and one beyond each of its ends."""
    steps = np.diff(line, axis=0)
    steps /= np.linalg.norm(steps, axis=1)[:, None]
    out = np.zeros_like(line)
    out[1:] += steps
    out[:-1] -= steps
    lengths = np.linalg.norm(out, axis=1)
    bends = lengths > 1e-3
    return line[bends] + CORNER_OFFSET * out[bends] / lengths[bends, None]


def cross(a, b):
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def crossings(p, q, starts, ends):
    """Which segments the segment `p q` meets; one along its own line does not count."""
    along, walls = q - p, ends - starts
    s1, s2 = cross(along, starts - p), cross(along, ends - p)
    s3, s4 = cross(walls, p - starts), cross(walls, q - starts)
    return (s1 * s2 <= 0) & (s3 * s4 <= 0) & ((s1 != 0) | (s2 != 0))


def to_segments(points, starts, ends):
    """Distances of points from segments, m."""
    along = ends - starts
    share = np.clip(((points - starts) * along).sum(-1) / (along * along).sum(-1), 0, 1)
    return np.linalg.norm(points - starts - share[..., None] * along, axis=-1)


def polyline(segments):
    """The corners of segments that follow one another, `[n, 2, 2]`, whichever end of each is named first."""
    line = [*segments[0]]
    if len(segments) > 1 and min(apart(line[0], p) for p in segments[1]) < min(apart(line[1], p) for p in segments[1]):
        line.reverse()
    for a, b in segments[1:]:
        line.append(b if apart(a, line[-1]) < apart(b, line[-1]) else a)
    return np.array(line)


def apart(a, b):
    return np.linalg.norm(a - b)
