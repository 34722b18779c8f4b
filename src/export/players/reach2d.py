"""Plays an arm that Tandem has exported with its policy in MuJoCo and counts successes.

    pip install mujoco numpy onnxruntime
    python play.py --episodes 100
    python play.py --viewer

Arms among walls observe the way around them, which neither file has: they are refused.
"""

import sys

import mujoco
import numpy as np

from player import Player, numbered, play, vector


class Arm(Player):
    """A planar arm and its goal."""

    def __init__(self, mjcf, policy):
        super().__init__(mjcf, policy)
        if self.task["obstacles"] != "none":
            sys.exit("the policy observes the way around walls, which the exported files do not have")
        links = range(self.model.njnt)
        self.lengths = [2 * self.model.geom_size[self.model.body_geomadr[1 + i]][1] for i in links]
        self.base = self.model.body_pos[1][:2].copy()
        self.origin = np.array(self.task["base"])  # of the start design; places are seen from there
        self.goal = self.model.site("goal").pos[:2]
        self.speeds = np.array([servo["speed"] for servo in self.policy.control])

    def reset(self, rng):
        self.begin(self.model.key_qpos[0] + self.task["start_noise"] * rng.normal(size=self.model.nq))

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

    def observe(self):
        ends, angles = self.ends(), self.data.qpos
        seen = numbered("sin_angle", np.sin(angles)) | numbered("cos_angle", np.cos(angles))
        seen |= numbered("joint_rate", self.rates)
        for i, end in enumerate(ends - self.origin, 1):
            seen |= vector(f"link_{i}_end", end)
        seen |= vector("goal_to_tip", ends[-1] - self.goal) | {"time": self.time()}
        return seen | vector("base", self.base - self.origin)

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
