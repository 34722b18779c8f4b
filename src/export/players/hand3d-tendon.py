"""Plays a tendon-driven hand that Tandem has exported with its policy in MuJoCo and counts successes.

    pip install mujoco numpy onnxruntime
    python play.py --episodes 100
    python play.py --viewer

The exported machine holds a box of middle size; here, as in the task, kind, size and place differ from episode to episode.
"""

import math

import mujoco
import numpy as np

from player import Player, play, vector

# The task, as the documentation of hand3d/tendon has it: m, control steps, kg/m^3, 1/s.
KINDS = {"box": mujoco.mjtGeom.mjGEOM_BOX, "sphere": mujoco.mjtGeom.mjGEOM_SPHERE, "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER}
HALF_WIDTH, HALF_HEIGHT, MOST_START_TURN = (0.015, 0.035), (0.025, 0.035), 0.3
DENSITY, SPIN_DAMPING = 700, 1.0
LIFT, HOLD, PUSH_STEPS = 0.04, 35, range(85, 95)


class Hand(Player):
    """A hand on a slide, what it lifts, and the set points of slide, m, and tendon, N."""

    def __init__(self, mjcf, policy):
        self.mjcf = str(mjcf)
        super().__init__(mjcf, policy)

    def reset(self, rng):
        kind = rng.choice(list(KINDS))
        half_width, half_height = rng.uniform(*HALF_WIDTH), rng.uniform(*HALF_HEIGHT)
        size = (half_width, half_width if kind == "sphere" else half_height)
        place = rng.uniform(-1, 1, 2) * self.task["start_offset"]
        turn, heading = rng.uniform(-MOST_START_TURN, MOST_START_TURN), rng.uniform(0, 2 * math.pi)
        angles = self.nominal() + abs(self.task["start_noise"] * rng.normal(size=6))
        self.begin(kind, size, place, turn, angles, heading)

    def nominal(self):
        """Angles of the fingers' joints in the nominal start, rad."""
        return self.model.key_qpos[0][1:7]

    def begin(self, kind, size, place, turn, angles, heading):
        """At rest with the fingers at these angles, rad, before an object of this half width and height, m, at this place, m,
        turned, rad, that will be pushed in a direction, rad."""
        spec = mujoco.MjSpec.from_file(self.mjcf)
        geom = spec.body("object").first_geom()
        geom.type, geom.mass, geom.density = KINDS[kind], math.nan, DENSITY
        half_width, half_height = size
        geom.size = {"box": [half_width, half_width, half_height], "sphere": [half_width, 0, 0]}.get(kind, [*size, 0])
        self.load(spec)
        self.kind, self.size = kind, size
        self.object = self.model.joint("object_free")
        self.data.qpos[1:7] = angles
        self.data.qpos[self.object.qposadr[0] :][:7] = [*place, half_height, math.cos(turn / 2), 0, 0, math.sin(turn / 2)]
        self.push = self.task["push"] * np.array([math.cos(heading), math.sin(heading)])
        self.target = np.zeros(2)  # tension, slide
        mujoco.mj_forward(self.model, self.data)

    def observe(self):
        thing, velocity = self.data.body("object"), self.data.qvel[self.object.dofadr[0] :][:3]
        tension, slide = self.target
        seen = {"slide": slide, "tension": tension / self.most()[0]}
        for i in range(6):
            name = f"finger_{1 + i // 2}_{('proximal', 'distal')[i % 2]}"
            seen |= {f"{name}_angle": self.data.qpos[1 + i], f"{name}_speed": 0.1 * self.data.qvel[1 + i]}
        for finger in (1, 2, 3):
            seen |= vector(f"finger_{finger}_tip_from_object", self.tip(finger) - thing.xpos)
        seen |= vector("object_in_palm", thing.xpos - [0, 0, self.data.body("palm").xpos[2]])
        seen |= vector("object_velocity", velocity) | {f"is_{kind}": kind == self.kind for kind in KINDS}
        half_width, half_height = self.size
        return seen | {"half_width": half_width, "half_height": half_height, "lift": self.lift(), "time": self.time()}

    def tip(self, finger):
        body = self.model.body(f"finger_{finger}_distal")
        length = 2 * self.model.geom_size[body.geomadr[0]][1]
        return self.data.xpos[body.id] + self.data.xmat[body.id].reshape(3, 3)[:, 0] * length

    def lift(self):
        return self.data.body("object").xpos[2] - self.size[1]

    def most(self):
        """Greatest tension, N, and height of the slide, m."""
        speeds = [servo["speed"] for servo in self.policy.control]
        return self.model.actuator_actrange[:, 1] * speeds

    def act(self, command):
        before = self.target
        speeds = np.array([servo["speed"] for servo in self.policy.control])
        self.target = np.clip(before + speeds * self.policy.control_dt * command, 0, self.most())
        self.data.body("object").xfrc_applied[:2] = self.push * (self.steps in PUSH_STEPS)
        self.advance(np.array([self.target[0], before[1]]), self.target)  # the tendon is pulled at once

    def before_physics(self):
        """An object's spin is braked: a sphere would roll away."""
        spin = slice(self.object.dofadr[0] + 3, self.object.dofadr[0] + 6)
        inertia = self.model.body("object").inertia
        self.data.qfrc_applied[spin] = -SPIN_DAMPING * inertia * self.data.qvel[spin]

    def is_good(self):
        return self.lift() >= LIFT

    def succeeds(self):
        return self.steps >= self.policy.horizon and self.held >= HOLD


if __name__ == "__main__":
    play(Hand, __doc__)
