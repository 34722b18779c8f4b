"""Environment steps per second of training: Tandem beside Stable-Baselines3, the same task, PPO and settings, in turns.

    python sb3.py TANDEM EXPERIMENT [--steps 40000] [--rounds 3]      # pip install stable-baselines3
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time

import gymnasium
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize


def theirs(task, lanes, steps, total):
    """Steps per second of Stable-Baselines3, whose defaults for PPO are the settings of our experiments."""
    env = VecNormalize(make_vec_env(task, n_envs=lanes))
    model = PPO("MlpPolicy", env, n_steps=steps, batch_size=64, n_epochs=10, device="cpu")
    model.learn(lanes * steps)  # what happens once is not counted
    begun = time.perf_counter()
    model.learn(total, reset_num_timesteps=False)
    return total / (time.perf_counter() - begun)


def ours(tandem, experiment, total):
    """The same of `tandem train`, by its own rows: seconds between the first iteration and the last."""
    with tempfile.TemporaryDirectory() as folder:
        words = [tandem, "train", experiment, "--out", folder + "/run"]
        for setting in (f"schedule.env_steps={total}", "evaluation.every=1000000"):
            words += ["--set", setting]
        subprocess.run(words, check=True, capture_output=True)
        rows = [json.loads(line) for line in open(folder + "/run/metrics.jsonl")]
    first, last = rows[0], rows[-1]
    return (last["env_steps"] - first["env_steps"]) / (last["seconds"] - first["seconds"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tandem")
    parser.add_argument("experiment")
    parser.add_argument("--task", default="HalfCheetah-v5")
    parser.add_argument("--steps", type=int, default=40_960)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    rollout = json.load(open(args.experiment))["rollout"]
    lanes, steps = rollout["lanes"], rollout["steps"]
    gymnasium.make(args.task)
    rows = [(ours(args.tandem, args.experiment, args.steps), theirs(args.task, lanes, steps, args.steps)) for _ in range(args.rounds)]
    mine, other = (statistics.median(column) for column in zip(*rows))
    ratio = statistics.median(a / b for a, b in rows)
    print(f"{args.task}, {lanes} x {steps}: Tandem {mine:.0f} steps/s, Stable-Baselines3 {other:.0f}, ratio {ratio:.1f}")


if __name__ == "__main__":
    main()
