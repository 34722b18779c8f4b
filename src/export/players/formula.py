"""Formulas that a task is written with, in numpy's words."""

import ast
import math
import re

import numpy as np


def rounded(x):
    """To the nearest whole number; halves away from zero."""
    return math.copysign(math.floor(abs(x) + 0.5), x) if math.isfinite(x) else x


def where(condition, yes, no):
    return condition if math.isnan(condition) else yes if condition else no


def remainder(a, b):
    return np.mod(a, np.abs(b))


SAME = "abs sign sqrt exp log10 sin cos tan sinh cosh tanh floor ceil square hypot".split()
FUNCTIONS = {name: getattr(np, name) for name in SAME} | {
    "ln": np.log,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "pow": np.power,
    "min": np.minimum,
    "max": np.maximum,
    "clamp": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "round": rounded,
    "where": where,
    "remainder": remainder,
    "number": np.float64,
    "pi": np.pi,
    "e": np.e,
    "__builtins__": {},
}
ALLOWED = re.compile(r"(?:[A-Za-z_]\w*|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[-+*/%^<>=(),\s])*")


class Numpy(ast.NodeTransformer):
    """Numbers as numpy's, so that a division by 0 is no error, and a remainder that is never negative."""

    def visit_Constant(self, node):
        return ast.Call(ast.Name("number", ast.Load()), [node], [])

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Mod):
            return ast.Call(ast.Name("remainder", ast.Load()), [node.left, node.right], [])
        return node


def value(text, variables):
    """The value of a formula over these variables: a float, not a number where it has none."""
    if not ALLOWED.fullmatch(text):
        raise ValueError(f"no formula: {text}")
    python = re.sub(r"\bif\b", "where", text).replace("^", "**")
    tree = ast.fix_missing_locations(Numpy().visit(ast.parse(python.strip(), mode="eval")))
    names = {name: np.float64(number) for name, number in variables.items()}
    with np.errstate(all="ignore"):
        return float(eval(compile(tree, "formula", "eval"), FUNCTIONS | names))
