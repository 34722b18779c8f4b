"""Steps an exported machine in MuJoCo as fast as it goes and prints it beside `tandem bench physics` on one thread.

usage: speed.py MJCF TANDEM SCENE, SCENE as in `tandem bench physics --only SCENE`"""

import json
import subprocess
import sys
import time

import mujoco
import numpy as np


def mujoco_rate(path, seconds=2.0):
    """Steps per second of the machine at the file's step, under smooth random commands."""
    model = mujoco.MjModel.from_xml_path(path)
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, model.key("start").id)
    low, high = model.actuator_ctrlrange.T
    rng, start, unit = np.random.default_rng(0), data.ctrl.copy(), np.zeros(model.nu)
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        unit = np.clip(0.9 * unit + 0.2 * rng.normal(size=model.nu), -1, 1)
        data.ctrl[:] = np.clip(start + unit * (high - low) / 2, low, high)
        mujoco.mj_step(model, data, nstep=20)
        done += 20
    return done / (time.perf_counter() - begin)


def main():
    path, tandem, scene = sys.argv[1:]
    bench = [tandem, "bench", "physics", "--only", scene, "--threads", "1", "--json"]
    entries = {e["name"]: e["value"] for e in json.loads(subprocess.check_output(bench))["results"]}
    own = entries[f"{scene}_substeps_1"]
    control = own / entries[f"{scene}_full_1"]
    theirs = mujoco_rate(path)
    print(f"{scene}: {own:.0f} steps/s ({control:.0f} per control step), MuJoCo {mujoco.__version__} {theirs:.0f}: {own / theirs:.2f}")


if __name__ == "__main__":
    main()
