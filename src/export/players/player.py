"""What the players of exported machines have in common: the machine in MuJoCo, its servos, and the loop over episodes."""

import argparse
import json
import pathlib
import time

import mujoco
import numpy as np

from policy import Policy

FOLDER = pathlib.Path(__file__).parent


class Player:
    """A machine in MuJoCo, and the policy that moves it. A problem says how it starts, what it observes, what a command does and
    when it has succeeded."""

    def __init__(self, mjcf, policy):
        self.policy = Policy(policy)
        self.task = self.policy.task
        self.load(mujoco.MjSpec.from_file(str(mjcf)))

    def load(self, spec):
        """Takes the machine, in its nominal start."""
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        self.substeps = round(self.policy.control_dt / self.model.opt.timestep)
        self.steps = self.held = 0
        self.rest()

    def rest(self):
        """The nominal start."""
        mujoco.mj_resetDataKeyframe(self.model, self.data, 0)
        mujoco.mj_forward(self.model, self.data)

    def aim(self, servo, target):
        """Sets the set point of a servo, rad, m or N. One that is commanded by rate integrates; its own control stays 0."""
        control = self.policy.control[servo]
        actuator = self.model.actuator(control["actuator"])
        if control["kind"] == "rate":
            self.data.act[actuator.actadr[0]] = target / control["speed"]
        else:
            self.data.ctrl[actuator.id] = target

    def advance(self, before, after):
        """A control step over which the servos' set points go evenly from these to those."""
        for k in range(1, self.substeps + 1):
            for servo, target in enumerate(before + (after - before) * k / self.substeps):
                self.aim(servo, target)
            self.before_physics()
            mujoco.mj_step(self.model, self.data)
        mujoco.mj_kinematics(self.model, self.data)

    def before_physics(self):
        """What acts on the machine besides its servos."""

    def step(self):
        """A control step; whether the episode has succeeded after it."""
        self.act(self.policy(self.observe()))
        self.steps += 1
        self.held = self.held + 1 if self.is_good() else 0
        return self.succeeds()

    def is_over(self):
        """Whether the episode is over although it has not succeeded."""
        return False

    def time(self):
        """The share of the episode that has passed."""
        return self.steps / self.policy.horizon


def numbered(stem, values):
    """Numbers by name, counted from 1."""
    return {f"{stem}_{i}": value for i, value in enumerate(values, 1)}


def vector(stem, values):
    """The parts of a vector by name."""
    return {f"{stem}_{axis}": value for axis, value in zip("xyz", values)}


def episode(player, rng, viewer):
    """Whether an episode succeeds."""
    player.reset(rng)
    for _ in range(player.policy.horizon):
        succeeded = player.step()
        if viewer:
            viewer.sync()
            time.sleep(player.policy.control_dt)
        if succeeded or player.is_over():
            return succeeded
    return False


def play(kind, about):
    """Plays episodes as the command line says, and prints how many succeed."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machine", default=next(FOLDER.glob("*.xml"), "machine.xml"))
    parser.add_argument("--policy", default=FOLDER / "policy.onnx")
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--viewer", action="store_true", help="show one episode in MuJoCo's viewer")
    args = parser.parse_args()
    player, rng = kind(args.machine, args.policy), np.random.default_rng(args.seed)
    if args.viewer:
        import mujoco.viewer  # needs a display

        player.reset(rng)
        with mujoco.viewer.launch_passive(player.model, player.data) as viewer:
            episode(player, rng, viewer)
        return
    successes = sum(episode(player, rng, None) for _ in range(args.episodes))
    print(json.dumps({"episodes": args.episodes, "successes": successes}))
