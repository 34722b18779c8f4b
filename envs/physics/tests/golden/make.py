"""Writes the golden trajectories of the classic problems, one JSON file each, next to this script.

Recipe (versions used for the committed files: Python 3.11, gymnasium 1.4.0, mujoco 4.0.0, numpy 2.4.6):

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install 'gymnasium[classic-control,mujoco]'
    /tmp/golden/bin/python make.py

Actions are whole multiples of 1/128, so that they are exact in single precision, and are handed to the
environments in double precision. States are the environments' own doubles, not the rounded observations.
Upright poles are balanced by a linear-quadratic regulator found by finite differences, plus noise;
the closing steps are not regulated, so that the fall (and with it the termination) is on file.
"""

import json
import pathlib

import numpy as np
from gymnasium.envs.classic_control import AcrobotEnv, CartPoleEnv, PendulumEnv
from gymnasium.envs.mujoco.inverted_double_pendulum_v4 import InvertedDoublePendulumEnv
from gymnasium.envs.mujoco.inverted_pendulum_v4 import InvertedPendulumEnv
from gymnasium.envs.mujoco.reacher_v4 import ReacherEnv

STEPS = 200
OBSERVE_EVERY = 10
HERE = pathlib.Path(__file__).parent


def grid(action):
    """Clips to [-1, 1] and rounds to multiples of 1/128."""
    return np.round(np.clip(action, -1.0, 1.0) * 128.0) / 128.0


class ClassicControl:
    """A classic-control environment with its state set from outside; commands in [-1, 1] or an index."""

    def __init__(self, env, gain):
        self.env, self.gain = env, gain
        env.reset(seed=0)

    def set(self, state):
        self.env.state = np.array(state, dtype=np.float64)
        if hasattr(self.env, "steps_beyond_terminated"):
            self.env.steps_beyond_terminated = None

    def get(self):
        return np.array(self.env.state, dtype=np.float64)

    def step(self, command):
        action = int(command[0]) if self.gain is None else np.asarray(command) * self.gain
        return self.env.step(action)[:3]


class Mujoco:
    """A MuJoCo environment of Gymnasium; the state is qpos and qvel (Reacher: arm, goal, fingertip)."""

    def __init__(self, env, gain):
        self.env, self.gain = env, gain
        self.reacher = isinstance(env, ReacherEnv)
        env.reset(seed=0)

    def set(self, state):
        if self.reacher:
            q = np.concatenate([state[0:2], state[4:6]])
            v = np.concatenate([state[2:4], [0.0, 0.0]])
        else:
            q, v = np.split(np.asarray(state), 2)
        self.env.set_state(q, v)

    def get(self):
        q, v = self.env.data.qpos.copy(), self.env.data.qvel.copy()
        if self.reacher:
            return np.concatenate([q[:2], v[:2], q[2:], self.env.get_body_com("fingertip")[:2]])
        return np.concatenate([q, v])

    def step(self, command):
        return self.env.step(np.asarray(command, dtype=np.float64) * self.gain)[:3]


def regulator(world, size, iterations=400):
    """Gain of the discrete linear-quadratic regulator about the upright rest state."""

    def after(state, command):
        world.set(state)
        world.step([command])
        return world.get()

    h = 1e-5
    eye = np.eye(size)
    a = np.stack([(after(h * e, 0.0) - after(-h * e, 0.0)) / (2 * h) for e in eye], axis=1)
    b = ((after(np.zeros(size), h) - after(np.zeros(size), -h)) / (2 * h))[:, None]
    p, gain = eye.copy(), None
    for _ in range(iterations):
        gain = np.linalg.solve(np.eye(1) + b.T @ p @ b, b.T @ p @ a)
        p = eye + a.T @ p @ (a - b @ gain)
    return gain[0]


def record(name, source, world, start, command):
    """Runs `command(step, state, noise)` from `start` and writes the file."""
    noise = np.random.default_rng(1)
    world.set(start)
    file = {
        "name": name,
        "source": source,
        "start": world.get().tolist(),
        "commands": [],
        "states": [],
        "rewards": [],
        "terminated": False,
        "observe_every": OBSERVE_EVERY,
        "observations": [],
    }
    for k in range(STEPS):
        action = np.asarray(command(k, world.get(), noise), dtype=np.float64)
        observation, reward, terminated = world.step(action)
        file["commands"].append(action.tolist())
        file["states"].append(world.get().tolist())
        file["rewards"].append(float(reward))
        if k % OBSERVE_EVERY == 0:
            file["observations"].append(np.asarray(observation, dtype=np.float64).tolist())
        if terminated:
            file["terminated"] = True
            break
    path = HERE / f"{name}.json"
    path.write_text(json.dumps(file, separators=(",", ":")) + "\n")
    spread = np.abs(np.array(file["states"])).max(axis=0).round(3).tolist()
    print(name, len(file["states"]), file["terminated"], path.stat().st_size, "largest", spread)


def balance(gain, until, amplitude, push):
    """Regulated with noise for `until` steps, then pushed with noise."""

    def command(k, state, noise):
        feedback = -(gain @ state) if k < until else push
        return grid([feedback + noise.uniform(-amplitude, amplitude)])

    return command


def lean(k, state, noise):
    """CartPole: push under the pole's lean, with a random option every fifth step; one-sided at the end."""
    if k >= 185:
        return [1.0]
    if k % 5 == 4:
        return [float(noise.integers(2))]
    return [float(state[2] + 0.3 * state[3] + 0.02 * state[0] + 0.05 * state[1] > 0.0)]


def pump(k, state, noise):
    """Acrobot: torque with the elbow's velocity, at random every second step."""
    if k % 2 == 1:
        return [float(noise.integers(3))]
    return [1.0 + float(np.sign(state[3]))]


def main():
    cartpole = ClassicControl(CartPoleEnv(), None)
    record("cartpole", "gymnasium 1.4.0 CartPole-v1", cartpole, [0.01, -0.02, 0.03, 0.04], lean)
    pendulum = ClassicControl(PendulumEnv(), 2.0)
    swing = lambda k, s, noise: grid([np.sign(s[1]) * (k < 150) + noise.uniform(-1, 1)])
    record("pendulum", "gymnasium 1.4.0 Pendulum-v1", pendulum, [3.0, 0.5], swing)
    acrobot = ClassicControl(AcrobotEnv(), None)
    record("acrobot", "gymnasium 1.4.0 Acrobot-v1", acrobot, [0.0625, -0.03125, 0.09375, 0.015625], pump)

    versions = "gymnasium 1.4.0, mujoco 4.0.0"
    single = Mujoco(InvertedPendulumEnv(), 3.0)
    gain = regulator(single, 4)
    start = [0.005, -0.008, 0.002, 0.009]
    record("inverted-pendulum", f"{versions} InvertedPendulum-v4", single, start, balance(gain, 185, 0.08, 0.1))
    double = Mujoco(InvertedDoublePendulumEnv(), 1.0)
    gain = regulator(double, 6)
    start = [0.05, -0.06, 0.04, 0.1, -0.05, 0.07]
    record(
        "inverted-double-pendulum",
        f"{versions} InvertedDoublePendulum-v4",
        double,
        start,
        balance(gain, 170, 0.1, 0.0),
    )
    reacher = Mujoco(ReacherEnv(), 1.0)
    track = lambda k, s, noise: grid(
        np.array([0.1 * np.cos(k / 11), -0.05 * s[1]]) - 0.02 * s[2:4] + noise.uniform(-0.4, 0.4, 2)
    )
    start = [0.08, -0.05, 0.003, -0.004, 0.12, -0.1, 0.0, 0.0]
    record("reacher", f"{versions} Reacher-v4", reacher, start, track)


if __name__ == "__main__":
    main()
