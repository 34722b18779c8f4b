"""Plays what `tandem export --out` wrote beside this script.

The policy (policy.onnx) answers what was observed in an episode of the true machine (episode.json); its commands must be those of
that episode. Where there is a machine (machine.xml), it then moves in MuJoCo by these commands, from its nominal start, and
`--view` shows it. A policy in closed loop needs the observation of its task: the names and units of all numbers are printed.

    pip install numpy onnxruntime mujoco
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import onnxruntime

HERE = Path(__file__).parent
# Largest difference of a command, in [-1, 1], that the rounding of another runtime explains.
ROUNDING = 1e-3


def answer(session, episode):
    """The policy's command for each observation, [steps, command], and its largest difference from the episode's."""
    seen = np.array(episode["observation"], dtype=np.float32)
    commands = np.concatenate([session.run(None, {"observation": row[None]})[0] for row in seen])
    return commands, np.abs(commands - np.array(episode["command"])).max()


def move(commands, control, control_dt, view):
    """Moves the machine in MuJoCo by these commands and returns how far each joint has gone, rad or m."""
    import mujoco

    model = mujoco.MjModel.from_xml_path(str(HERE / "machine.xml"))
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, model.key("start").id)
    servos = [data.actuator(servo["actuator"]).id for servo in control]
    start, target = data.qpos.copy(), data.ctrl[servos].copy()
    substeps = round(control_dt / model.opt.timestep)
    window = None
    if view:
        import mujoco.viewer

        window = mujoco.viewer.launch_passive(model, data)
    for step, command in enumerate(commands):
        before = target.copy()
        for i, servo in enumerate(control):
            if servo["kind"] == "offset":  # around a nominal motion, approached evenly during the step
                nominal = servo["nominal"][min(step, len(servo["nominal"]) - 1)]
                target[i] = nominal + servo["unit"] * command[i]
        for substep in range(1, substeps + 1):
            now = before + (target - before) * substep / substeps
            for i, servo in enumerate(control):
                # a servo by rate takes the command itself and keeps its set point
                data.ctrl[servos[i]] = command[i] if servo["kind"] == "rate" else now[i]
            mujoco.mj_step(model, data)
        if window:
            window.sync()
            time.sleep(control_dt)
    if window:
        window.close()
    return np.abs(data.qpos - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--view", action="store_true", help="show the machine in MuJoCo's window")
    args = parser.parse_args()
    session = onnxruntime.InferenceSession(str(HERE / "policy.onnx"), providers=["CPUExecutionProvider"])
    meta = session.get_modelmeta().custom_metadata_map
    for what in ("observation", "command"):
        names = [f"{channel['name']} ({channel['unit']})" for channel in json.loads(meta[what])]
        print(f"{what}: {', '.join(names)}")
    episode = json.loads((HERE / "episode.json").read_text())
    commands, off = answer(session, episode)
    outcome = "solved" if episode["success"] else "not solved"
    print(f"episode: {len(commands)} steps, {outcome}, return {episode['total_return']:.2f}")
    print(f"policy: commands at most {off:.1e} from the episode's")
    if (HERE / "machine.xml").exists() and "control" in meta:
        moved = move(commands, json.loads(meta["control"]), float(meta["control_dt_s"]), args.view)
        print(f"machine: moved in MuJoCo, a joint by {moved.max():.2f} rad or m at most")
        if not np.isfinite(moved).all():
            raise SystemExit("the machine's motion is not finite")
    if not off <= ROUNDING:
        raise SystemExit("the policy's commands are not those of the episode")


if __name__ == "__main__":
    main()
