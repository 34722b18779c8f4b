"""Plays a machine (MJCF) in MuJoCo under strong commands at the file's own step and at an eighth of it.

Prints the largest deviation of a joint in units of the furthest that any joint of its kind moved, and ends with exit code 1
where that is beyond the bound."""

import argparse

import mujoco
import numpy as np


def play(path, seconds, share, divided):
    """Positions of all hinges and slides after each control interval of 5 ms, `[T, joints]`, and which of them are hinges."""
    model = mujoco.MjModel.from_xml_path(path)
    steps = round(0.005 / model.opt.timestep)
    model.opt.timestep /= divided
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, model.key("start").id)
    kinds = [int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE)]
    joints = [j for j in range(model.njnt) if int(model.jnt_type[j]) in kinds]
    assert joints, "the machine has no joints"
    places = [model.jnt_qposadr[j] for j in joints]
    start, track = data.ctrl.copy(), []
    for k in range(round(seconds / 0.005)):
        # there and back; each command a share of its range away from the start
        sign = 1 if k * 0.005 < seconds / 2 else -1
        low, high = model.actuator_ctrlrange.T
        data.ctrl[:] = np.clip(start + sign * share * (high - low), low, high)
        for _ in range(steps * divided):
            mujoco.mj_step(model, data)
        track.append(data.qpos[places].copy())
    hinge = np.array([int(model.jnt_type[j]) == kinds[0] for j in joints])
    return np.array(track), hinge


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mjcf")
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--share", type=float, default=0.5, help="of each command's range")
    parser.add_argument("--bound", type=float, default=0.02)
    args = parser.parse_args()
    (coarse, hinge), (fine, _) = [play(args.mjcf, args.seconds, args.share, d) for d in (1, 8)]
    worst = 0.0
    for kind in (hinge, ~hinge):
        if kind.any():
            moved = np.abs(fine[:, kind] - fine[0, kind]).max()
            worst = max(worst, np.abs(coarse[:, kind] - fine[:, kind]).max() / max(moved, 1e-6))
    print(f"MuJoCo {mujoco.__version__}: {100 * worst:.2f} % off at the file's step")
    raise SystemExit(not worst <= args.bound)


if __name__ == "__main__":
    main()
