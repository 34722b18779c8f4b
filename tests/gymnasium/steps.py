"""Holds Tandem's terms to Gymnasium step by step: the same start, the same random commands, every number compared.

    python steps.py TANDEM EXPERIMENTS [--steps 200] [--seed 0]

Prints the largest relative difference of each task and exits with 1 where one is above 1e-9.
"""

import argparse
import json
import subprocess
import sys

import gymnasium
import numpy as np

TASKS = {
    "half-cheetah": "HalfCheetah-v5",
    "hopper": "Hopper-v5",
    "walker2d": "Walker2d-v5",
    "ant": "Ant-v5",
    "swimmer": "Swimmer-v5",
    "reacher": "Reacher-v5",
    "inverted-pendulum": "InvertedPendulum-v5",
}
BOUND = 1e-9


def play(env, actions, seed):
    """An episode in Gymnasium, to its end or as long as there are actions."""
    observation, _ = env.reset(seed=seed)
    data = env.unwrapped.data
    start = {"qpos": data.qpos.tolist(), "qvel": data.qvel.tolist()}
    rows = []
    low, high = env.action_space.low, env.action_space.high
    for action in actions:
        control = (low + high) / 2.0 + (high - low) / 2.0 * action
        observation, reward, terminated, _, _ = env.step(control.astype(np.float64))
        rows.append((observation, reward, terminated))
        if terminated:
            break
    return start, rows


def tandem(binary, file, start, actions):
    """Tandem's trajectory from the same start."""
    commands = json.dumps({"actions": actions.tolist(), **start})
    run = subprocess.run([binary, "rollout", file, "-"], input=commands, capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stderr)
    return json.loads(run.stdout)["steps"]


def relative(a, b):
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape:
        sys.exit(f"{a.shape} numbers instead of {b.shape}")
    return float(np.max(np.abs(a - b) / np.maximum(np.abs(b), 1.0), initial=0.0))


def compare(binary, folder, name, steps, seed):
    """Largest relative difference of observations and rewards, and the number of steps compared."""
    env = gymnasium.make(TASKS[name]).unwrapped
    rng = np.random.default_rng(seed)
    worst, compared, episode = [0.0, 0.0], 0, 0
    while compared < steps:
        # what Tandem reads as single precision must be such a number here too
        actions = rng.uniform(-1.0, 1.0, (steps - compared, env.action_space.shape[0])).astype(np.float32)
        start, theirs = play(env, actions.astype(np.float64), seed + episode)
        ours = tandem(binary, f"{folder}/{name}.json", start, actions[: len(theirs)])
        if len(ours) != len(theirs):
            sys.exit(f"{name}: the episode ends after {len(ours)} steps, in Gymnasium after {len(theirs)}")
        for ours_step, (observation, reward, terminated) in zip(ours, theirs):
            if ours_step["terminated"] != bool(terminated):
                sys.exit(f"{name}: terminated {ours_step['terminated']}, in Gymnasium {terminated}")
            worst[0] = max(worst[0], relative(ours_step["observation"], observation))
            worst[1] = max(worst[1], relative(ours_step["reward"], reward))
        compared += len(theirs)
        episode += 1
    return worst, compared, episode


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tandem")
    parser.add_argument("experiments")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    failed = False
    for name in TASKS:
        worst, steps, episodes = compare(args.tandem, args.experiments, name, args.steps, args.seed)
        failed |= max(worst) > BOUND
        print(f"{TASKS[name]:20} observation {worst[0]:.1e}  reward {worst[1]:.1e}  ({steps} steps, {episodes} episodes)")
    sys.exit(failed)


if __name__ == "__main__":
    main()
