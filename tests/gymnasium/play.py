"""Plays a learnt robot in Gymnasium itself: its exported file and its ONNX policy, fresh episodes, the mean return.

    python play.py ID ROBOT.xml POLICY.onnx [--episodes 100] [--seed 0]
"""

import argparse
import json

import gymnasium
import numpy as np
import onnxruntime


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("id")
    parser.add_argument("robot")
    parser.add_argument("policy")
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    env = gymnasium.make(args.id, xml_file=args.robot)
    policy = onnxruntime.InferenceSession(args.policy, providers=["CPUExecutionProvider"])
    name = policy.get_inputs()[0].name
    low, high = env.action_space.low, env.action_space.high
    returns = []
    for episode in range(args.episodes):
        observation, _ = env.reset(seed=args.seed + episode)
        total, done = 0.0, False
        while not done:
            command = policy.run(None, {name: observation[None].astype(np.float32)})[0][0]
            action = (low + high) / 2 + (high - low) / 2 * np.clip(command, -1.0, 1.0)
            observation, reward, terminated, truncated, _ = env.step(action)
            total += reward
            done = terminated or truncated
        returns.append(total)
    returns = np.asarray(returns)
    print(json.dumps({"mean": returns.mean(), "deviation": returns.std(), "episodes": len(returns)}))


if __name__ == "__main__":
    main()
