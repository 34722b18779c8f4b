"""Plays an arm that Tandem has exported with its policy in MuJoCo and counts successes.

    pip install mujoco numpy onnxruntime
    python play.py --episodes 100
    python play.py --viewer
"""

import mujoco
import numpy as np

from player import Player, numbered, play, vector
from walls import FAR, Walls, polyline

LINK_RADIUS = 0.03  # m
ROOM_SEEN = 0.3  # m; more room is not observed
TOUCH = 0.002  # m; less room is a touch


class Arm(Player):
    """A planar arm and its goal."""

    def __init__(self, mjcf, policy):
        super().__init__(mjcf, policy)
        links = range(self.model.njnt)
        self.lengths = [2 * self.model.geom_size[self.model.body_geomadr[1 + i]][1] for i in links]
        self.base = self.model.body_pos[1][:2].copy()
        self.origin = np.array(self.task["base"])  # of the start design; places are seen from there
        self.goal = self.model.site("goal").pos[:2]
        self.speeds = np.array([servo["speed"] for servo in self.policy.control])
        self.walls = self.built_walls()

    def built_walls(self):
        """The walls of the machine's file: capsules that belong to no link; none where there are none."""
        model = self.model
        capsules = (model.geom_bodyid == 0) & (model.geom_type == mujoco.mjtGeom.mjGEOM_CAPSULE)
        segments = []
        for geom in np.flatnonzero(capsules):
            rotation = np.zeros(9)
            mujoco.mju_quat2Mat(rotation, model.geom_quat[geom])
            half = model.geom_size[geom][1] * rotation.reshape(3, 3)[:, 2]
            segments.append([(model.geom_pos[geom] + side * half)[:2] for side in (-1, 1)])
        return Walls(polyline(segments), self.goal) if segments else None

    def reset(self, rng):
        """Near the nominal start, and the straighter the less room there is for it."""
        nominal = self.model.key_qpos[0].copy()
        for attempt in range(24):
            nominal[1:] = (1 - attempt // 3 / 7) * self.model.key_qpos[0][1:]
            self.begin(nominal + self.task["start_noise"] * rng.normal(size=self.model.nq))
            if self.room().min() > 2 * TOUCH:
                return

    def begin(self, angles):
        """At rest at these angles, rad."""
        self.steps = self.held = 0
        self.data.qpos[:] = np.clip(angles, *self.model.jnt_range.T)
        self.data.qvel[:] = 0
        self.data.act[:] = self.data.qpos / self.speeds
        self.rates = np.zeros(self.model.nq)

    def ends(self):
        """The ends of the links, m."""
        headings = np.cumsum(self.data.qpos)
        links = np.transpose([self.lengths * np.cos(headings), self.lengths * np.sin(headings)])
        return self.base + np.cumsum(links, axis=0)

    def room(self):
        """The room around each link, m."""
        if not self.walls:
            return np.full(self.model.nq, FAR)
        points = np.vstack([self.base, self.ends()])
        return np.array([self.walls.clearance(a, b) for a, b in zip(points, points[1:])]) - LINK_RADIUS

    def observe(self):
        ends, angles = self.ends(), self.data.qpos
        seen = numbered("sin_angle", np.sin(angles)) | numbered("cos_angle", np.cos(angles))
        seen |= numbered("joint_rate", self.rates)
        for i, end in enumerate(ends - self.origin, 1):
            seen |= vector(f"link_{i}_end", end)
        seen |= vector("goal_to_tip", ends[-1] - self.goal) | {"time": self.time()}
        seen |= vector("base", self.base - self.origin)
        return seen | (self.around(ends[-1]) if self.walls else {})

    def around(self, tip):
        """What is observed of walls."""
        length, waypoint = self.walls.path(tip)
        room = self.room()
        blocked = self.steps > 0 and room.min() < TOUCH
        seen = vector("tip_to_waypoint", waypoint - tip) | {"path_length": length, "blocked": blocked}
        return seen | numbered("link_room", np.minimum(room, ROOM_SEEN))

    def act(self, command):
        before = self.data.qpos.copy()
        joints = self.model.actuator_trnid[:, 0]  # a servo and the rate that helps it follow share a joint and a command
        self.data.ctrl[:] = command[joints]
        mujoco.mj_step(self.model, self.data, self.substeps)
        self.rates = (self.data.qpos - before) / (self.speeds * self.policy.control_dt)

    def is_good(self):
        return np.linalg.norm(self.ends()[-1] - self.goal) <= self.task["tolerance"]

    def succeeds(self):
        return self.held >= self.task["hold_steps"]


if __name__ == "__main__":
    play(Arm, __doc__)
