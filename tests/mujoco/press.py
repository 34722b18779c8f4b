"""Plays an exported pressing hand with its exported policy in MuJoCo and counts successes."""

import argparse
import json
import math

import mujoco
import numpy as np
import onnxruntime

# The task, as the documentation of hand3d/press has it: m, rad, control steps.
BOX_HALF = np.array([0.14, 0.025, 0.025])
BUTTON_HALF = np.array([0.005, 0.012, 0.012])
PALM_ABOVE_BOX = 0.065
LINK_RADIUS = 0.008
LIFT, PRESS, MOST_TURN, MOST_SHIFT, HOLD = 0.02, 0.003, math.radians(8), 0.008, 10
START_OFFSET, START_NOISE = 0.002, 0.03


def rotation_vector(w, x, y, z):
    """The turn of a quaternion as axis times angle."""
    vector = np.array([x, y, z]) * (1 if w >= 0 else -1)
    size = np.linalg.norm(vector)
    return np.zeros(3) if size < 1e-12 else vector / size * 2 * math.atan2(size, abs(w))


class Hand:
    """The machine, its servos' set points, and what the policy sees of it."""

    def __init__(self, mjcf, policy):
        self.model = mujoco.MjModel.from_xml_path(mjcf)
        self.data = mujoco.MjData(self.model)
        self.session = onnxruntime.InferenceSession(policy)
        meta = self.session.get_modelmeta().custom_metadata_map
        self.control = json.loads(meta["control"])
        self.names = [channel["name"] for channel in json.loads(meta["observation"])]
        self.substeps = round(float(meta["control_dt_s"]) / self.model.opt.timestep)
        self.fingers = max(int(n.split("_")[1]) for n in self.names if n.startswith("finger_"))
        self.tips = []
        for finger in range(1, self.fingers + 1):
            body = self.model.body(f"finger_{finger}_distal").id
            geom = next(g for g in range(self.model.ngeom) if self.model.geom_bodyid[g] == body)
            self.tips.append((body, 2 * self.model.geom_size[geom][1]))
        self.box = self.model.body("box")
        self.free = self.model.jnt_qposadr[self.box.jntadr[0]]
        self.freev = self.model.jnt_dofadr[self.box.jntadr[0]]
        # the servo of each command, and where an integrating one keeps its set point
        self.rates = [i for i, c in enumerate(self.control) if c["kind"] == "rate"]
        self.ranges = [self.model.joint(a["actuator"].removesuffix("_servo")).range for a in self.control]

    def reset(self, rng, horizon):
        mujoco.mj_resetDataKeyframe(self.model, self.data, 0)
        q = self.data.qpos
        for command, servo in enumerate(self.control):
            joint = self.model.joint(servo["actuator"].removesuffix("_servo"))
            if command == 0:
                continue
            noise = START_NOISE * rng.normal()
            kind = (command - 1) % 3
            small = min(abs(noise), 0.1)
            q[joint.qposadr[0]] += noise if kind == 0 else (-small if kind == 1 else small)
        offset = rng.uniform(-START_OFFSET, START_OFFSET, 3)
        q[self.free : self.free + 2] += offset[:2]
        turn = 10 * offset[2]
        q[self.free + 3 : self.free + 7] = [math.cos(turn / 2), 0, 0, math.sin(turn / 2)]
        self.target = np.array([q[self.joint(i).qposadr[0]] for i in range(len(self.control))])
        for k, i in enumerate(self.rates):
            self.data.act[k] = self.target[i] / self.control[i]["speed"]
        self.step, self.horizon, self.held = 0, horizon, 0
        mujoco.mj_forward(self.model, self.data)

    def joint(self, command):
        return self.model.joint(self.control[command]["actuator"].removesuffix("_servo"))

    def grip(self):
        """Lift, turn, shifts and press, as the task sees them."""
        place, quaternion = self.data.xpos[self.box.id], self.data.xquat[self.box.id]
        palm = self.data.body("palm").xpos[2]
        turn = rotation_vector(*quaternion)
        below = place[2] - (palm - PALM_ABOVE_BOX)
        press = -self.data.joint("button_travel").qpos[0]
        return place, turn, below, press

    def observe(self):
        place, turn, below, press = self.grip()
        assert len(self.names) == 29 + 3 * self.fingers, "the observation is another one"
        frame = self.data.xmat[self.box.id].reshape(3, 3)
        tips = []
        for body, length in self.tips:
            tip = self.data.xpos[body] + self.data.xmat[body].reshape(3, 3)[:, 0] * length
            tips.append(frame.T @ (tip - place))
        gap = self.button_gap(tips[0], press)
        # a free joint's linear velocity is in the world's frame, its angular velocity in the body's
        velocity = self.data.qvel[self.freev : self.freev + 3]
        spin = frame @ self.data.qvel[self.freev + 3 : self.freev + 6]
        rest = [place[2] - BOX_HALF[2], press / PRESS, gap, self.step / self.horizon]
        parts = [self.target, np.concatenate(tips), [place[0], place[1], below], turn, velocity, spin, rest]
        return np.concatenate(parts).astype(np.float32)

    @staticmethod
    def button_gap(tip, press):
        front = np.array([BOX_HALF[0] + 2 * BUTTON_HALF[0] + LINK_RADIUS - press, 0, 0])
        plate = np.array([0, BUTTON_HALF[1], BUTTON_HALF[2]])
        return float(np.linalg.norm(np.maximum(np.abs(tip - front) - plate, 0)))

    def play(self):
        """One control step; whether all conditions of success hold after it."""
        observation = self.observe()
        command = self.session.run(None, {"observation": observation[None]})[0][0]
        before, after = self.target.copy(), self.target.copy()
        for i, (servo, u) in enumerate(zip(self.control, command)):
            if servo["kind"] == "offset":
                nominal = servo["nominal"][min(self.step, len(servo["nominal"]) - 1)]
                after[i] = nominal + servo["unit"] * u
            else:
                after[i] = before[i] + servo["speed"] * self.substeps * self.model.opt.timestep * u
            after[i] = np.clip(after[i], *self.ranges[i])
        for k in range(1, self.substeps + 1):
            now = before + (after - before) * k / self.substeps
            for i, servo in enumerate(self.control):
                self.data.ctrl[i] = command[i] if servo["kind"] == "rate" else now[i]
            mujoco.mj_step(self.model, self.data)
        self.target = after
        self.step += 1
        place, turn, below, press = self.grip()
        good = (
            place[2] - BOX_HALF[2] >= LIFT
            and np.linalg.norm(turn) <= MOST_TURN
            and math.hypot(place[0], place[1]) <= MOST_SHIFT
            and abs(below) <= MOST_SHIFT
            and press >= PRESS
        )
        self.held = self.held + 1 if good else 0
        return self.held >= HOLD


def wilson(successes, n, z=1.96):
    """A share's 95 % interval."""
    p = successes / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mjcf")
    parser.add_argument("policy")
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--horizon", type=int, default=200, help="control steps of an episode")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    hand, rng = Hand(args.mjcf, args.policy), np.random.default_rng(args.seed)
    successes, best = 0, []
    for _ in range(args.episodes):
        hand.reset(rng, args.horizon)
        solved, most = False, [0.0, 0.0]
        for _ in range(args.horizon):
            solved = hand.play()
            place, _, _, press = hand.grip()
            most = [max(most[0], place[2] - BOX_HALF[2]), max(most[1], press)]
            if solved:
                break
        successes += solved
        best.append(most)
    low, high = wilson(successes, args.episodes)
    lift, press = np.mean(best, axis=0) * 1e3
    print(f"highest lift {lift:.1f} mm, furthest press {press:.2f} mm (means over episodes)")
    print(f"success {successes / args.episodes:.3f} [{low:.3f}, {high:.3f}] in {args.episodes} episodes")


if __name__ == "__main__":
    main()
