#!/usr/bin/env python3
"""Steps to success by the number of links, drawn from the sweep `dimension.json`.

    tandem sweep plan experiments/sweeps/dimension.json --out runs/dimension
    tandem sweep run runs/dimension --tasks all --jobs 2
    tandem sweep summarise runs/dimension --json | python3 experiments/sweeps/dimension.py dimension.png

Prints a line for each preset, and the exponent `b` of the fit `steps = a links^b` to the medians. `matplotlib` draws.
"""

import json
import math
import sys

LINKS = {"far": 5, "far-15": 15, "far-30": 30}


def slope(points):
    """Least-squares slope in logarithms."""
    logs = [(math.log(x), math.log(y)) for x, y in points]
    mx, my = (sum(column) / len(logs) for column in zip(*logs))
    return sum((x - mx) * (y - my) for x, y in logs) / sum((x - mx) ** 2 for x, _ in logs)


def main():
    medians, solved = [], []
    for row in json.load(sys.stdin)["rows"]:
        links, all_seeds = LINKS[row["settings"]["task.preset"]], row["steps_to_success"]
        reached = sorted(run["steps_to_success"] for run in row["runs"] if run["steps_to_success"] is not None)
        solved += [(links, steps) for steps in reached]
        print(f"{links} links: {all_seeds['solved']} of {all_seeds['of']} solved, median {all_seeds['median']}, all {reached}")
        if all_seeds["median"] is not None:
            medians.append((links, all_seeds["median"]))
    if len(medians) > 1:
        print(f"steps grow as links^{slope(medians):.2f}")
    if len(sys.argv) > 1 and medians:
        draw(sorted(medians), solved, sys.argv[1])


def draw(medians, solved, file):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter, NullFormatter

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    axes.loglog(*zip(*solved), "o", color="#9bb8d3", label="a seed")
    axes.loglog(*zip(*medians), "s-", color="#1f4e79", label="median")
    links, (first, steps) = [x for x, _ in medians], medians[0]
    axes.loglog(links, [steps * math.sqrt(x / first) for x in links], "--", color="#666666", label="square root")
    axes.set_xticks(links, [str(x) for x in links])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y / 1e6:g} M"))
    axes.yaxis.set_minor_formatter(FuncFormatter(lambda y, _: f"{y / 1e6:g} M" if f"{y:.0e}"[0] in "25" else ""))
    axes.set(xlabel="links, whose lengths are designed", ylabel="environment steps to success")
    axes.legend(frameon=False)
    figure.savefig(file, dpi=130)


main()
