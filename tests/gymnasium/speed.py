"""Steps a batch of one robot in Tandem and in MuJoCo's own `rollout`, with as many threads, in turns, and prints both.

    python speed.py TANDEM EXPERIMENT ROBOT.xml [--threads 2]
"""

import argparse
import json
import statistics
import subprocess
import time

import mujoco
import numpy as np
from mujoco import rollout

ROBOTS, ROUNDS = 64, 5


def theirs(path, threads, steps):
    """Integration steps per second of `mujoco.rollout` under random controls."""
    model = mujoco.MjModel.from_xml_path(path)
    data = [mujoco.MjData(model) for _ in range(threads)]
    state = np.empty(mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_FULLPHYSICS))
    mujoco.mj_getState(model, data[0], state, mujoco.mjtState.mjSTATE_FULLPHYSICS)
    low, high = model.actuator_ctrlrange.T
    control = np.random.default_rng(0).uniform(low, high, (ROBOTS, steps, model.nu))
    with rollout.Rollout(nthread=threads) as batch:
        begun = time.perf_counter()
        batch.rollout([model] * ROBOTS, data, np.tile(state, (ROBOTS, 1)), control)
        return ROBOTS * steps / (time.perf_counter() - begun)


def ours(tandem, experiment, threads):
    """The same of `tandem bench robot`, and its environment's control steps per second."""
    command = [tandem, "bench", "robot", "--experiment", experiment, "--threads", str(threads), "--json"]
    entries = json.loads(subprocess.check_output(command))["results"]
    return [entry["value"] for entry in entries]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tandem")
    parser.add_argument("experiment")
    parser.add_argument("robot")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    rows = [(*ours(args.tandem, args.experiment, args.threads), theirs(args.robot, args.threads, 1000)) for _ in range(ROUNDS)]
    bare, environment, rolled = (statistics.median(column) for column in zip(*rows))
    ratio = statistics.median(row[0] / row[2] for row in rows)
    print(f"integration steps/s: Tandem {bare:.0f}, mujoco.rollout {rolled:.0f}, ratio {ratio:.2f}")
    print(f"control steps/s of the environment: {environment:.0f}")


if __name__ == "__main__":
    main()
