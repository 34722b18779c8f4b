"""Plays an exported machine with its policy from the start that an observation tells: `trace.py FOLDER STEPS < observation` prints
what is observed after so many control steps."""

import json
import math
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(folder))
import play
import player


def arm(machine, seen):
    machine.begin([math.atan2(seen[f"sin_angle_{i}"], seen[f"cos_angle_{i}"]) for i in range(1, machine.model.nq + 1)])


def tentacle(machine, seen):
    machine.begin([seen[name] for name in seen if name.startswith("winch_angle")], [seen["goal_x"], seen["goal_y"]])


def press(machine, seen):
    joints = [seen[name] for name in seen if name.endswith("_target")]
    machine.begin(joints, [seen["box_in_palm_x"], seen["box_in_palm_y"]], seen["box_turn_z"])


def tendon(machine, seen):
    kind = next(kind for kind in ("box", "sphere", "cylinder") if seen[f"is_{kind}"])
    place = [seen["object_in_palm_x"], seen["object_in_palm_y"]]
    angles = [seen[name] for name in seen if name.endswith("_angle")]
    machine.begin(kind, (seen["half_width"], seen["half_height"]), place, 0.0, angles, 0.0)


def robot(machine, seen):
    """Of a robot that begins without noise: what it is told."""
    machine.rest()
    told = [value for name, value in seen.items() if name.startswith("generated_commands")]
    machine.commands = [(term, play.np.array(told)) for term in machine.terms("command")]
    machine.begin()


BEGIN = {"reach2d": arm, "tentacle": tentacle, "hand3d-press": press, "hand3d-tendon": tendon, "robot": robot}


def main():
    kind = next(k for k in vars(play).values() if isinstance(k, type) and issubclass(k, player.Player) and k is not player.Player)
    machine = kind(next(folder.glob("*.xml")), folder / "policy.onnx")
    seen = dict(zip(machine.policy.names, json.load(sys.stdin)))
    BEGIN[machine.policy.problem](machine, seen)
    for _ in range(int(sys.argv[2])):
        machine.step()
    observed = machine.observe()
    if isinstance(observed, dict):
        observed = [observed[name] for name in machine.policy.names]
    print(json.dumps([float(number) for number in observed]))


main()
