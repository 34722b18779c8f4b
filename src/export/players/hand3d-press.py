"""Plays a pressing hand that Tandem has exported with its policy in MuJoCo and counts successes.

    pip install mujoco numpy onnxruntime
    python play.py --episodes 100
    python play.py --viewer
"""

import math

import mujoco
import numpy as np

from player import Player, play, vector

# The task, as the documentation of hand3d/press has it: m, rad, control steps.
BOX_HALF = np.array([0.14, 0.025, 0.025])
BUTTON_HALF = np.array([0.005, 0.012, 0.012])
PALM_ABOVE_BOX = 0.065
LINK_RADIUS = 0.008
LIFT, PRESS, MOST_TURN, MOST_SHIFT, HOLD = 0.02, 0.003, math.radians(8), 0.008, 10


def rotation_vector(w, x, y, z):
    """The turn of a quaternion as axis times angle."""
    turn = np.array([x, y, z]) * (1 if w >= 0 else -1)
    size = np.linalg.norm(turn)
    return np.zeros(3) if size < 1e-12 else turn / size * 2 * math.atan2(size, abs(w))


class Hand(Player):
    """A hand on a slide, a box with a button, and the servos' set points."""

    def __init__(self, mjcf, policy):
        super().__init__(mjcf, policy)
        self.joints = [self.model.joint(self.model.actuator_trnid[i, 0]) for i in range(self.model.nu)]
        self.ranges = np.array([joint.range for joint in self.joints]).T
        self.distal = [self.model.body(f"finger_{i}_distal") for i in range(1, 1 + (self.model.nu - 1) // 3)]
        self.box = self.model.joint("box_free")

    def reset(self, rng):
        joints = self.nominal()
        # upwards only in the first flexion, and down in the second: nothing is touched
        for i in range(1, len(joints)):
            noise = self.task["start_noise"] * rng.normal()
            small = min(abs(noise), 0.1)
            joints[i] += (noise, -small, small)[(i - 1) % 3]
        *offset, turn = rng.uniform(-1, 1, 3) * self.task["start_offset"]
        self.begin(joints, offset, 10 * turn)

    def nominal(self):
        """Positions of the joints in the nominal start, m and rad."""
        return np.array([self.model.key_qpos[0][joint.qposadr[0]] for joint in self.joints])

    def begin(self, joints, offset, turn):
        """At rest with its joints here, m and rad, and the box so far from its place, m, and turned, rad."""
        self.rest()
        for joint, position in zip(self.joints, joints):
            self.data.qpos[joint.qposadr[0]] = position
        place = self.data.qpos[self.box.qposadr[0] :][:7]
        place[:2] = offset
        place[3:] = [math.cos(turn / 2), 0, 0, math.sin(turn / 2)]
        self.target = np.array(joints)
        mujoco.mj_forward(self.model, self.data)
        self.steps = self.held = 0

    def observe(self):
        box = self.data.body("box")
        frame, velocity = box.xmat.reshape(3, 3), self.data.qvel[self.box.dofadr[0] :][:6]
        names = ["slide"] + [c["name"].rsplit("_", 1)[0] for c in self.policy.command[1:]]
        seen = {f"{name}_target": target for name, target in zip(names, self.target)}
        tips = [frame.T @ (self.tip(body) - box.xpos) for body in self.distal]
        for i, tip in enumerate(tips, 1):
            seen |= vector(f"finger_{i}_tip_in_box", tip)
        seen |= vector("box_in_palm", box.xpos - [0, 0, self.palm() - PALM_ABOVE_BOX])
        seen |= vector("box_turn", rotation_vector(*box.xquat))
        # a free joint's linear velocity is in the world's frame, its angular velocity in the body's
        seen |= vector("box_velocity", velocity[:3]) | vector("box_spin", frame @ velocity[3:])
        seen |= {"box_lift": box.xpos[2] - BOX_HALF[2], "button_travel": self.press() / PRESS}
        return seen | {"button_gap": self.button_gap(tips[0]), "time": self.time()}

    def palm(self):
        return self.data.body("palm").xpos[2]

    def press(self):
        return -self.data.joint("button_travel").qpos[0]

    def tip(self, body):
        length = 2 * self.model.geom_size[body.geomadr[0]][1]
        return self.data.xpos[body.id] + self.data.xmat[body.id].reshape(3, 3)[:, 0] * length

    def button_gap(self, tip):
        """How far the surface of the finger that presses is from the button, m."""
        front = np.array([BOX_HALF[0] + 2 * BUTTON_HALF[0] + LINK_RADIUS - self.press(), 0, 0])
        plate = BUTTON_HALF * [0, 1, 1]
        return np.linalg.norm(np.maximum(np.abs(tip - front) - plate, 0))

    def act(self, command):
        before, after = self.target, self.target.copy()
        for i, (servo, u) in enumerate(zip(self.policy.control, command)):
            if servo["kind"] == "offset":
                after[i] = servo["nominal"][min(self.steps, len(servo["nominal"]) - 1)] + servo["unit"] * u
            else:
                after[i] += servo["speed"] * self.policy.control_dt * u
        self.target = np.clip(after, *self.ranges)
        self.advance(before, self.target)

    def is_good(self):
        x, y, z = self.data.body("box").xpos
        turn = np.linalg.norm(rotation_vector(*self.data.body("box").xquat))
        shift = max(math.hypot(x, y), abs(z - (self.palm() - PALM_ABOVE_BOX)))
        lifted, pressed = z - BOX_HALF[2] >= LIFT, self.press() >= PRESS
        return lifted and pressed and turn <= MOST_TURN and shift <= MOST_SHIFT

    def succeeds(self):
        return self.held >= HOLD


if __name__ == "__main__":
    play(Hand, __doc__)
