"""What rliable says about the scores in a JSON file {"x": [[...], ...], "y": ...}, one list of runs for each task."""

import json
import sys

import numpy as np
from rliable import library, metrics

RESAMPLES = 5000
scores = {name: np.array(tasks).T for name, tasks in json.load(open(sys.argv[1])).items()}
taus = np.array([0.0, 0.25, 0.5, 0.75, 0.9])
np.random.seed(0)


def estimates(data, function):
    values, intervals = library.get_interval_estimates({"it": data}, function, reps=RESAMPLES)
    low, high = intervals["it"]
    return [list(map(float, row)) for row in zip(np.ravel(values["it"]), np.ravel(low), np.ravel(high))]


iqm = lambda x: np.array([metrics.aggregate_iqm(x)])
better = lambda x, y: np.array([metrics.probability_of_improvement(x, y)])
print(json.dumps({
    "iqm": estimates(scores["x"], iqm)[0],
    "iqm_of_one_task": estimates(scores["x"][:, :1], iqm)[0],
    "improvement": estimates((scores["x"], scores["y"]), better)[0],
    "profile": estimates(scores["x"], lambda x: library.score_distributions(x, taus)),
    "taus": list(taus),
}))
