"""Plays a tentacle that Tandem has exported with its policy in MuJoCo and counts successes.

    pip install mujoco numpy onnxruntime
    python play.py --episodes 100
    python play.py --viewer
"""

import mujoco
import numpy as np

from player import Player, numbered, play, vector

# What a command of 1 winds in a control step, the most that is wound, and the most at the start, rad.
WINCH_STEP, WINCH_RANGE, START_WOUND = 0.25, 8.0, 1.0
# Distance at which the bearing of the goal has half its length, m.
BEARING_SCALE = 0.01
# Control steps in which the tentacle comes to rest before an episode.
SETTLING = 10


class Tentacle(Player):
    """A planar tentacle and its goals."""

    def __init__(self, mjcf, policy):
        super().__init__(mjcf, policy)
        speeds = np.array([winch["speed"] for winch in self.policy.control])
        self.radii = speeds * self.policy.control_dt / WINCH_STEP
        # what can be wound up before a winch stalls, m
        self.most = self.model.actuator_actrange[:, 1] * speeds
        self.last = 2 * self.model.geom_size[self.model.body_geomadr[self.model.nbody - 1]][1]
        self.goals = [self.model.site(i).pos[:2] for i in range(self.model.nsite)]

    def reset(self, rng):
        goal = self.goals[rng.integers(len(self.goals))]
        self.begin(rng.uniform(0, START_WOUND, len(self.radii)), goal)

    def begin(self, winches, goal):
        """At rest with its winches at these angles, rad."""
        self.rest()
        self.winches, self.goal = np.array(winches), np.array(goal)
        slack = np.zeros(len(self.winches))
        self.advance(slack, self.wound(self.winches))
        for _ in range(SETTLING):
            self.advance(*2 * [self.wound(self.winches)])
        self.steps = self.held = 0

    def wound(self, winches):
        """What winches at these angles, rad, have wound up, m."""
        return np.minimum(self.radii * winches, self.most)

    def tip(self):
        end = self.data.xmat[-1].reshape(3, 3)[:, 1] * self.last
        return (self.data.xpos[-1] + end)[:2]

    def observe(self):
        tip, way = self.tip(), self.goal - self.tip()
        seen = numbered("winch_angle", self.winches) | numbered("joint_angle", self.data.qpos)
        seen |= vector("tip", tip) | vector("goal", self.goal) | vector("tip_to_goal", way)
        return seen | vector("bearing", way / (np.linalg.norm(way) + BEARING_SCALE)) | {"time": self.time()}

    def act(self, command):
        before = self.winches
        self.winches = np.clip(before + WINCH_STEP * command, 0, WINCH_RANGE)
        self.advance(self.wound(before), self.wound(self.winches))

    def is_good(self):
        return np.linalg.norm(self.goal - self.tip()) <= self.task["tolerance"]

    def succeeds(self):
        return self.held >= self.task["hold_steps"]


if __name__ == "__main__":
    play(Tentacle, __doc__)
