"""Holds learnt robots to Gymnasium: each run's exported file and ONNX policy are played by Gymnasium itself.

    python judge.py TANDEM RUN... [--episodes 100]

The mean return in Gymnasium must be within 2 % of what `tandem evaluate` finds (or within both means' 95 % intervals, where a
robot's returns vary by more than that), and an episode's commands, played again by `tandem rollout`, must give the same numbers
to 1e-9. Exits with 1 where a run misses one of the two.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import gymnasium
import numpy as np
import onnxruntime

IDS = {
    "half_cheetah.xml": "HalfCheetah-v5",
    "hopper.xml": "Hopper-v5",
    "walker2d_v5.xml": "Walker2d-v5",
    "ant.xml": "Ant-v5",
    "swimmer.xml": "Swimmer-v5",
    "reacher.xml": "Reacher-v5",
    "inverted_pendulum.xml": "InvertedPendulum-v5",
}


def call(*words, stdin=None):
    run = subprocess.run([str(word) for word in words], input=stdin, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{words}: {run.stderr}")
    return run.stdout


def episode(env, policy, seed):
    """One episode of the policy: its start, commands, observations and rewards."""
    name = policy.get_inputs()[0].name
    low, high = env.action_space.low, env.action_space.high
    observation, _ = env.reset(seed=seed)
    data = env.unwrapped.data
    start = {"qpos": data.qpos.tolist(), "qvel": data.qvel.tolist()}
    rows, done = [], False
    while not done:
        command = policy.run(None, {name: observation[None].astype(np.float32)})[0][0]
        command = np.clip(command, -1.0, 1.0).astype(np.float32)
        control = (low + high) / 2.0 + (high - low) / 2.0 * command.astype(np.float64)
        observation, reward, terminated, truncated, _ = env.step(control)
        rows.append((command, observation, reward))
        done = terminated or truncated
    return start, rows


def replay(tandem, run, start, rows):
    """Largest relative difference of the same commands in Tandem."""
    design = json.loads((run / "design.json").read_text())
    values = {p["name"]: p["value"] for p in design["parameters"]}
    commands = {"actions": [row[0].tolist() for row in rows], "design": values, **start}
    steps = json.loads(call(tandem, "rollout", run / "experiment.json", "-", stdin=json.dumps(commands)))["steps"]
    worst = 0.0
    for ours, (_, observation, reward) in zip(steps, rows):
        theirs = np.append(observation, reward)
        numbers = np.append(ours["observation"], ours["reward"])
        worst = max(worst, float(np.max(np.abs(numbers - theirs) / np.maximum(np.abs(theirs), 1.0))))
    return worst if len(steps) == len(rows) else float("inf")


def judge(tandem, run, episodes):
    """Both judgements of a run, and whether they hold."""
    with tempfile.TemporaryDirectory() as folder:
        robot, onnx = pathlib.Path(folder) / "robot.xml", pathlib.Path(folder) / "policy.onnx"
        call(tandem, "export", run, "--mjcf", robot, "--policy", onnx)
        task = json.loads((run / "experiment.json").read_text())["task"]
        env = gymnasium.make(IDS[pathlib.Path(task["model"]).name], xml_file=str(robot))
        policy = onnxruntime.InferenceSession(str(onnx), providers=["CPUExecutionProvider"])
        played = [episode(env, policy, seed) for seed in range(episodes)]
    theirs = np.array([sum(row[2] for row in rows) for _, rows in played])
    ours = json.loads(call(tandem, "evaluate", run, "--episodes", episodes, "--json"))["return"]
    worst = replay(tandem, run, *played[0])
    half = 1.96 * theirs.std() / np.sqrt(len(theirs))
    apart = abs(theirs.mean() - ours["mean"])
    within = apart <= 0.02 * abs(ours["mean"]) or apart <= half + (ours["high"] - ours["low"]) / 2
    print(f"{run.name}: Gymnasium {theirs.mean():.1f} +- {half:.1f}, Tandem {ours['mean']:.1f} "
          f"[{ours['low']:.1f}, {ours['high']:.1f}], {100 * apart / abs(ours['mean']):.1f} % apart; same commands {worst:.1e}")
    return within and worst <= 1e-9


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tandem")
    parser.add_argument("runs", nargs="+", type=pathlib.Path)
    parser.add_argument("--episodes", type=int, default=100)
    args = parser.parse_args()
    sys.exit(not all([judge(args.tandem, run, args.episodes) for run in args.runs]))


if __name__ == "__main__":
    main()
