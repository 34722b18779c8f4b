"""A policy that Tandem has exported, by the names and units that its file holds.

    pip install numpy onnxruntime
    python policy.py policy.onnx --names             # what it observes and commands
    python policy.py policy.onnx < observations      # a command for each observation

An observation is a line of JSON: an object by name, or a list in the file's order. A command is printed as a line of JSON by name.
"""

import argparse
import json
import sys

import numpy as np
import onnxruntime


class Policy:
    """The mean policy. `observation` and `command` are lists of `{name, unit}`, `task` is what it was trained for."""

    def __init__(self, path):
        self.session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        meta = self.session.get_modelmeta().custom_metadata_map
        self.problem = meta["problem"]
        self.horizon = int(meta["horizon"])  # control steps of an episode
        self.control_dt = float(meta["control_dt_s"])
        parts = ("observation", "command", "task", "control")
        self.observation, self.command, self.task, self.control = (json.loads(meta.get(part, "null")) for part in parts)
        self.names = [channel["name"] for channel in self.observation]

    def __call__(self, observation):
        """The command for an observation: numbers by name, or in the file's order."""
        if isinstance(observation, dict):
            missing = [name for name in self.names if name not in observation]
            if missing:
                raise ValueError(f"the policy observes {', '.join(missing)} too")
            observation = [observation[name] for name in self.names]
        if len(observation) != len(self.names):
            raise ValueError(f"the policy observes {len(self.names)} numbers, not {len(observation)}")
        return self.session.run(None, {"observation": np.array([observation], np.float32)})[0][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policy")
    parser.add_argument("--names", action="store_true", help="print what is observed and commanded, and end")
    args = parser.parse_args()
    policy = Policy(args.policy)
    if args.names:
        for what, channels in (("observation", policy.observation), ("command", policy.command)):
            for channel in channels:
                print(f"{what:12} {channel['name']} ({channel['unit']})")
        return
    for number, line in enumerate(sys.stdin, 1):
        try:
            command = policy(json.loads(line))
        except (TypeError, ValueError) as error:
            sys.exit(f"line {number}: {error}")
        names = [channel["name"] for channel in policy.command]
        print(json.dumps(dict(zip(names, map(float, command)))), flush=True)


if __name__ == "__main__":
    main()
