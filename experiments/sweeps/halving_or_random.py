#!/usr/bin/env python3
"""Adaptive search of settings against random search, at equal environment steps.

    python3 experiments/sweeps/halving_or_random.py OUT accelerator quickstart

For each problem and each of five seeds of the draw, PROBLEM-halving.json and PROBLEM-random.json are run, the best setting
of either is picked from the sweep's summary, and trained anew with five seeds that neither search has seen. The unit of
replication is the seed of the draw; intervals are Student's, of the five paired differences. A stopped command, typed
again, goes on. `tandem` has to be in the PATH.
"""

import json
import math
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
DRAWS = range(5)
FRESH = [100, 101, 102, 103, 104]
T95 = 2.776  # 97.5 % quantile of Student's t with 4 degrees of freedom


def tandem(*words):
    """What the program prints."""
    return subprocess.run(["tandem", *map(str, words)], check=True, stdout=subprocess.PIPE, text=True).stdout


def sweep(plan, folder):
    """Runs a plan to its end; its summary."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    plan["experiments"] = [str((HERE / name).resolve()) for name in plan["experiments"]]
    file = folder.with_suffix(".json")
    file.write_text(json.dumps(plan, indent=2))
    tandem("sweep", "plan", file, "--out", folder)
    tandem("sweep", "run", folder, "--tasks", "all", "--jobs", 1)
    return json.loads(tandem("sweep", "summarise", folder, "--json"))


def judgements(folder):
    """Task and final judgement of each finished run."""
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        task = json.loads(line)
        final = folder / task["folder"] / "evaluation" / "final.json"
        if final.exists():
            yield task, json.loads(final.read_text())


def spent(folder):
    """Environment steps of all runs of a sweep, finished or not."""
    last = lambda path: json.loads(path.read_text().splitlines()[-1])["env_steps"]
    return sum(last(path) for path in folder.glob("runs/*/metrics.jsonl"))


def pick(summary, folder):
    """The setting with the most true success; of several the one with the higher return, which the run folders hold."""
    returns = {task["setting"]: final["return"]["mean"] for task, final in judgements(folder)}
    finished = [row for row in summary["rows"] if row["runs"]]
    return max(finished, key=lambda row: (row["success"]["iqm"], returns[row["setting"]]))["settings"]


def judged(plan, settings, folder):
    """Mean true success and return of fresh trainings with these settings."""
    plan = {key: plan[key] for key in ("experiments", "methods", "set") if key in plan}
    sweep(plan | {"seeds": FRESH, "set": plan["set"] | settings}, folder)
    finals = [final for _, final in judgements(folder)]
    assert len(finals) == len(FRESH), f"runs failed in {folder}"
    mean = lambda key: sum(final[key]["mean"] for final in finals) / len(finals)
    return mean("success"), mean("return")


def difference(pairs):
    """Mean of the paired differences and half the width of its 95 % interval."""
    values = [a - b for a, b in pairs]
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, T95 * math.sqrt(variance / len(values))


def main():
    out, problems = pathlib.Path(sys.argv[1]), sys.argv[2:]
    for problem in problems:
        print(f"\n{problem}\n\n| draw | steps, halving | random | success | random | return | random |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        lines = []
        for draw in DRAWS:
            line = []
            for kind in ("halving", "random"):
                plan = json.loads((HERE / f"{problem}-{kind}.json").read_text())
                plan["random"]["seed"] = draw
                folder = out / f"{problem}-{kind}-{draw}"
                settings = pick(sweep(dict(plan), folder), folder)
                line.append((spent(folder), *judged(plan, settings, out / f"{problem}-{kind}-{draw}-fresh")))
            lines.append(line)
            (a, success, reward), (b, other, less) = line
            print(f"| {draw} | {a} | {b} | {success:.3f} | {other:.3f} | {reward:.3f} | {less:.3f} |", flush=True)
        for name, at in (("true success", 1), ("return", 2)):
            mean, half = difference([(line[0][at], line[1][at]) for line in lines])
            print(f"\n{name}: halving minus random {mean:+.3f} [{mean - half:+.3f}, {mean + half:+.3f}]")


main()
