"""Answers that are right, found by hand or by another way than the check's, and wrong ones."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np

H = {p: -p * np.log2(p) - (1 - p) * np.log2(1 - p) for p in (0.1, 0.2, 0.25, 1 / 3)}
LN2 = np.log(2)


def joint(cells: dict[tuple[int, int, int], float]) -> np.ndarray:
    """Return a table from its cells."""
    shape = tuple(max(cell[axis] for cell in cells) + 1 for axis in range(3))
    p = np.zeros(shape)
    for cell, value in cells.items():
        p[cell] = value
    return p


AND = joint({(0, 0, 0): 0.25, (0, 1, 0): 0.25, (1, 0, 0): 0.25, (1, 1, 1): 0.25})
XOR = joint({(0, 0, 0): 0.25, (0, 1, 1): 0.25, (1, 0, 1): 0.25, (1, 1, 0): 0.25})
SEES = np.array([[1, 0, 1], [0, 1, 1]]) / 2
HALVES = np.einsum("ai,bj->ijab", SEES, SEES).reshape(3, 3, 4) / 4
VISIBLE = joint({(0, 2, 0): 0.25, (2, 0, 0): 0.25, (1, 2, 1): 0.25, (2, 1, 1): 0.25})
WEAK = np.array([[0.6, 0.4], [0.4, 0.6]])
COINS = np.array([[[1, 1, 0, 0], [0, 0, 1, 1]], [[1, 0, 1, 0], [0, 1, 0, 1]]])
THIRD = np.log2(3)


def two_residuals(p: Any, y: int, w: Any) -> Any:
    residual = np.array(p)
    residual[y] -= 1
    return 0.5 * np.einsum("kd,k->d", w, residual)


def corners(k: int) -> Any:
    luck = 1 / k
    unique = [luck, 1 - luck, 0, 0]
    both = [luck * luck, luck * (1 - luck), luck * (1 - luck), (1 - luck) ** 2]
    return [[1, 0, 0, 0], unique, [luck, 0, 1 - luck, 0], both]


def rest(u: float) -> Any:
    return (u + 0.25) * np.log2(u + 0.25) - u * np.log2(u) - 0.25 * np.log2(0.25)


def chances(c: Any) -> list[float]:
    a, b, d = c
    u = [a * (1 - b) * (1 - d), b * (1 - a) * (1 - d), d * (1 - a) * (1 - b)]
    s = (1 - a) * (1 - b) * (1 - d)
    return [1 - s - sum(u), *u, s]


def calibrated(c1: float, c2: float, k: int) -> list[float]:
    q1, q2 = (max(0, (k * c - 1) / (k - 1)) for c in (c1, c2))
    return [q1 * q2, q1 * (1 - q2), (1 - q1) * q2, (1 - q1) * (1 - q2)]


def witnesses(eps: float) -> list[float]:
    """R is what one tells; the pair agrees in two ways, or tells nothing."""
    if eps in (0, 0.5):
        return [1 - 2 * eps, 0, 0, 0]
    one = 1 + eps * np.log2(eps) + (1 - eps) * np.log2(1 - eps)
    agree = eps**2 + (1 - eps) ** 2
    wrong = eps**2 / agree
    both = agree * (1 + wrong * np.log2(wrong) + (1 - wrong) * np.log2(1 - wrong))
    return [one, 0, 0, both - one]


def within(p: Any) -> Any:
    return np.stack(
        [np.outer(t.sum(axis=1), t.sum(axis=0)) / t.sum() for t in np.moveaxis(p, 2, 0)], axis=2
    )


OR_01 = [np.log2(4 / 3), -1, 0, 1]
RIGHT: dict[str, Any] = {
    "ex-three-of-four": [[-0.5, 0.5], [0, 1]],
    "ex-other-averages": (True, True, True, False),
    "ex-without-cue": 43 / 64,
    "ex-harder-synergy": "sum",
    "ex-diary": 1.29,
    "ex-and": [H[0.25] - 0.5, 0.5, 1 - H[0.25]],
    "ex-loss": "a",
    "ex-parity": [0, 0, 1],
    "ex-point": lambda i1, i2, i12: abs(max(0, i1 + i2 - i12) - min(i1, i2)) < 1e-9,
    "ex-two-residuals": two_residuals,
    "ex-more-data": [0.9, 8.8],
    "ex-unique": [0.72, 0.68],
    "ex-remedy": [0.64, 0.73],
    "ex-copies": [1 - H[0.2], H[0.2] - H[0.1], 0],
    "ex-and-by-hand": rest,
    "ex-subtitles": lambda i1, i2: (i1, 0, i2 - i1, 0),
    "ex-half": HALVES,
    "ex-certificate": COINS,
    "ex-mixture": [0.5, 0.2, 0, 0.3],
    "ex-merge": XOR,
    "ex-how-many": [5843, 72_065],
    "ex-one-coin": 0.5,
    "ex-coarse": [[THIRD, 0, 0, 0], [H[1 / 3], 0, THIRD - H[1 / 3], 0]],
    "ex-test": 0.025,
    "ex-sum": [(THIRD - 1) / 2, 0, 0, 0.5],
    "ex-vacuous": AND,
    "ex-or-pointwise": [
        [1, 0, 0, 1], OR_01, [OR_01[0], 0, -1, 1], [OR_01[0], 0, 0, 0],
    ],
    "ex-rival": np.einsum("ay,by->aby", WEAK, WEAK) / 2,
    "ex-slack": "cd",
    "ex-gate": [0.25, 0.5, 0.25],
    "ex-duc-by-hand": [np.log(1 + np.exp(-2)), -1 / (1 + np.exp(2)), 1 / (1 + np.exp(2))],
    "ex-rotation": "bcd",
    "ex-which-detached": "b",
    "ex-vote-xor": [1, 4],
    "ex-price": 1.2013,
    "ex-empty": "task",
    "ex-half-a-kind": "X0",
    "ex-i2moe-additive": lambda f1, f2: np.dot(f1 + f2, f2) + np.dot(f1 + f2, f1),
    "ex-i2moe-redundancy": [[0.75, 0.5], [0.74, 0.51], [0.74, 0.53], [0.52, 0.82]],
    "ex-hold-calibrate": calibrated,
    "ex-hold-dimml": [0.5, 0.83, 0.84, 0.47],
    "ex-hold-uniform": [0, 0, 1, 0],
    "ex-hold-blind": lambda a, b, y: 0.5 if y is None or a == b else float(y == a),
    "ex-how-many-sensors": [18_380, 707],
    "ex-witnesses": witnesses,
    "ex-within": within,
    "ex-how-many-seeds": [38, 12],
    "ex-grains": 76,
    "ex-many-claims": lambda m: m / 40,
    "ex-unlucky-twin": 7440,
    "ex-own-validation": [[11.5, 0.01], [17.2, 0.17]],
    "ex-own-three": chances,
    "ex-own-scale": [0.47, 0.46, -40],
    "ex-ask-corners": lambda k: corners(k),
    "ex-ask-effects": lambda a, b, c, d: (b - a, c - a, (d - b) - (c - a)),
    "ex-ask-cost": lambda n, m, b, k: n + k + n * b * sum(comb(m, i) for i in range(1, m)),
    "ex-lab-limit": lambda flop, calls, rate, tau: round(tau * calls / (flop / rate)),
    "ex-lab-scale": [9, 22],
    "ex-lab-pixels": [4, 4],
    "ex-lab-actors": "actor",
}  # fmt: skip

#: Wrong in a way that is recognised: the exercise, the answer, the misconception.
MISTAKEN: list[tuple[str, Any, str]] = [
    ("ex-and", [(H[0.25] - 0.5) * LN2, 0.5 * LN2, 0.13], "nats-for-bits"),
    ("ex-copies", np.array(RIGHT["ex-copies"]) * LN2, "nats-for-bits"),
    ("ex-copies", np.array(RIGHT["ex-copies"])[[0, 2, 1]], "sources-swapped"),
    ("ex-copies", [0, 1 - H[0.1], 1 - H[0.2]], "dependence-is-redundancy"),
    ("ex-and-by-hand", lambda u: rest(u) * LN2, "nats-for-bits"),
    ("ex-subtitles", lambda i1, i2: (i1, i2 - i1, 0, 0), "sources-swapped"),
    ("ex-half", VISIBLE, "equal-amounts"),
    ("ex-mixture", [0.4, 0.3, 0.1, 0.2], "mean-of-samples"),
    ("ex-mixture", [0.5, 0, 0.2, 0.3], "sources-swapped"),
    ("ex-how-many", np.array(RIGHT["ex-how-many"]) * LN2, "nats-for-bits"),
    ("ex-one-coin", 0.5 * LN2, "nats-for-bits"),
    ("ex-coarse", np.array(RIGHT["ex-coarse"])[:, [0, 2, 1, 3]], "sources-swapped"),
    ("ex-sum", [0, (THIRD - 1) / 2, (THIRD - 1) / 2, 1 - THIRD / 2], "dependence-is-redundancy"),
    ("ex-sum", [0, (THIRD - 1) / 2, (THIRD - 1) / 2, 0.5], "synergy-is-gain"),
    ("ex-or-pointwise", np.clip(RIGHT["ex-or-pointwise"], 0, None), "negative-is-bug"),
    ("ex-how-many-sensors", np.array(RIGHT["ex-how-many-sensors"]) * LN2, "nats-for-bits"),
    ("ex-witnesses", lambda eps: np.array(witnesses(eps)) * LN2, "nats-for-bits"),
    ("ex-hold-calibrate", lambda *c: np.array(calibrated(*c))[[0, 2, 1, 3]], "sources-swapped"),
    ("ex-ask-corners", lambda k: np.array(corners(k))[:, [0, 2, 1, 3]], "sources-swapped"),
]

#: Wrong in another way, with a part of what is said.
WRONG: list[tuple[str, Any, str]] = [
    ("ex-three-of-four", [[0, 0], [0, 0]], "two classes tie"),
    ("ex-three-of-four", [[1, 1], [1, 1]], "on 2 of the four pairs"),
    ("ex-other-averages", (False, True, True, False), "proof of part 1"),
    ("ex-other-averages", (True, True, False, False), "convex"),
    ("ex-other-averages", (True, True, True, True), "gets no vote"),
    ("ex-without-cue", 0.25, "does not look"),
    ("ex-without-cue", 0.9, "which labels can occur"),
    ("ex-harder-synergy", "gated", "never meet"),
    ("ex-diary", 0.9, "entropy of two days"),
    ("ex-diary", 2.5, "on its own takes fewer"),
    ("ex-diary", 1.5, "asked about first"),
    ("ex-and", [0.3, 0.4, 0.1], "switch is down"),
    ("ex-and", [H[0.25] - 0.5, 0.5, 0.5], "first two are right"),
    ("ex-loss", "ab", "Fano"),
    ("ex-loss", "ac", "worse model"),
    ("ex-loss", "", "proves something"),
    ("ex-parity", [1, 0, 1], "one bit unknown"),
    ("ex-parity", [0, 0, 3], "all three bits"),
    ("ex-point", lambda i1, i2, i12: False, "I1 = 0.0"),
    ("ex-two-residuals", lambda p, y, w: -two_residuals(p, y, w), "opposite"),
    ("ex-two-residuals", lambda p, y, w: 2 * two_residuals(p, y, w), "factor"),
    ("ex-two-residuals", lambda p, y, w: w[0], "Whose residual"),
    ("ex-more-data", [0.009, 0.088], "differences of shares"),
    ("ex-more-data", [8.8, 0.9], "comes second"),
    ("ex-more-data", [5.3, 11.2], "see your new"),
    ("ex-more-data", [0.9, 1.5], "strongest noise"),
    ("ex-unique", [72, 68], "share between"),
    ("ex-unique", [0.1, 0.1], "Which image knows"),
    ("ex-unique", [0.75, 0.64], "redundant labels"),
    ("ex-unique", [0.66, 0.75], "probe's"),
    ("ex-remedy", [64, 73], "share between"),
    ("ex-remedy", [0.73, 0.64], "additional losses"),
    ("ex-remedy", [0.64, 0.65], "reach its encoder"),
    ("ex-copies", [0.5, 0, 0], "garbling"),
    ("ex-and-by-hand", lambda u: u, "u = 0.25"),
    ("ex-subtitles", lambda i1, i2: (0, i1, i2, 0), "i1 = 0.3"),
    ("ex-half", AND, "R of your table"),
    ("ex-certificate", np.ones((2, 2, 4)), "sum to more than 1"),
    ("ex-certificate", -COINS, "negative"),
    ("ex-certificate", COINS / 2, "less than 2 bits"),
    ("ex-merge", AND, "differ in p(y|x1)"),
    ("ex-merge", np.full((2, 2, 2), 1 / 8), "does not change"),
    ("ex-merge", np.full((1, 2, 2), 1 / 4), "two values"),
    ("ex-merge", np.concatenate([np.zeros((1, 2, 2)), np.full((1, 2, 2), 1 / 4)]), "never occurs"),
    ("ex-mixture", [0.4, 0.2, 0.2, 0.2], "could be made from the other"),
    ("ex-how-many", [5843, 10], "three modalities"),
    ("ex-one-coin", 1, "agree"),
    ("ex-coarse", np.zeros((2, 4)), "garbling"),
    ("ex-test", 1 / 39, "ranked"),
    ("ex-sum", np.ones(4), "share of the variance"),
    ("ex-vacuous", XOR, "R is small, too"),
    ("ex-vacuous", joint({(0, 0, 0): 0.5, (1, 1, 1): 0.5}), "know each other"),
    ("ex-or-pointwise", np.ones((4, 4)), "Begin with (0,1)"),
    ("ex-rival", AND, "When do both"),
    ("ex-slack", "acd", "In (a)"),
    ("ex-slack", "c", "In (d)"),
    ("ex-gate", [1 / 3] * 3, "How many shares"),
    ("ex-gate", [1, 0, 0], "equal shares"),
    ("ex-duc-by-hand", np.array(RIGHT["ex-duc-by-hand"]) * [1, -1, -1], "uphill"),
    ("ex-duc-by-hand", [0, 0, 0], "four products"),
    ("ex-rotation", "abcd", "rotated weights"),
    ("ex-rotation", "bc", "DUC"),
    ("ex-which-detached", "bd", "In (d)"),
    ("ex-which-detached", "", "In (b)"),
    ("ex-vote-xor", [4, 4], "tau_2 = 1"),
    ("ex-price", 1.2013 / LN2, "asks for nats"),
    ("ex-price", LN2, "what the bit is worth"),
    ("ex-price", 3, "closed form"),
    ("ex-empty", "KL", "pure noise"),
    ("ex-half-a-kind", "X1", "v_1 and v_2"),
    ("ex-i2moe-additive", lambda f1, f2: 0.0, "without modality 1"),
    ("ex-i2moe-redundancy", [[75, 50], [74, 51], [74, 53], [52, 82]], "between 0 and 1"),
    ("ex-i2moe-redundancy", np.full((4, 2), 0.25), "learned anything"),
    ("ex-i2moe-redundancy", [[0.5, 0.75], [0.51, 0.74], [0.53, 0.74], [0.82, 0.52]], "Which loss"),
    ("ex-i2moe-redundancy", [[0.9, 0.5], [0.6, 0.5], [0.6, 0.5], [0.3, 0.8]], "unique ones"),
    ("ex-hold-calibrate", lambda c1, c2, k: [c1, c2, 0, 0], "not shares"),
    ("ex-hold-calibrate", lambda a, b, k: [a * b, a - a * b, b - a * b, (1 - a) * (1 - b)],
     "knows nothing"),
    ("ex-hold-calibrate", lambda c1, c2, k: [0, 0, 0, 1], "It is wrong for"),
    ("ex-hold-dimml", [0.6, 0.8, 0.8, 0.5], "one value"),
    ("ex-hold-dimml", [0.5, 0.5, 0.5, 0.5], "surer"),
    ("ex-hold-dimml", [0.5, 0.8, 0.8, 1], "fusion head"),
    ("ex-hold-dimml", [50, 80, 80, 50], "between 0 and 1"),
    ("ex-hold-uniform", [0.5, 0.5, 0, 0], "agrees less"),
    ("ex-hold-uniform", [1, 1, 0, 0], "four shares"),
    ("ex-hold-blind", lambda a, b, y: 0.5, "y = 1"),
    ("ex-how-many-sensors", [1, 1], "free cells"),
    ("ex-witnesses", lambda eps: [0, 0, 0, 1], "eps = 0.0"),
    ("ex-within", lambda p: p, "pairwise tables stay"),
    ("ex-within", lambda p: p.sum(axis=2)[..., None] * p.sum(axis=(0, 1)), "shuffling the labels"),
    ("ex-how-many-seeds", [35, 9], "normal quantile"),
    ("ex-how-many-seeds", [38, 40], "one seed less"),
    ("ex-grains", 152, "smaller one"),
    ("ex-grains", 100, "which count"),
    ("ex-many-claims", lambda m: 0.05 * m, "sides of zero"),
    ("ex-many-claims", lambda m: m, "zero missed"),
    ("ex-unlucky-twin", 744, "scatter"),
    ("ex-own-validation", [[11.5, 1], [17.2, 17]], "two shares"),
    ("ex-own-validation", [[0.1, 0.01], [0.2, 0.17]], "count from 1"),
    ("ex-own-validation", [[17.2, 0.17], [11.5, 0.01]], "trained on"),
    ("ex-own-validation", [[17.2, 0.01], [11.5, 0.17]], "stop rising"),
    ("ex-own-scale", [47, 46, -40], "at most 1"),
    ("ex-own-scale", [0.47, 0.46, 0.3], "large numbers"),
    ("ex-own-scale", [0.1, 0.1, -40], "as they were measured"),
    ("ex-own-scale", [0.47, 0.3, -40], "others join"),
    ("ex-lab-limit", lambda flop, calls, rate, tau: flop / (calls * tau * rate), "on its head"),
    ("ex-lab-limit", lambda flop, calls, rate, tau: 256, "grows with the batch"),
    ("ex-own-three", lambda c: [*c, 0, 0], "sum to"),
    ("ex-own-three", lambda c: [np.prod(c), 1 - np.prod(c), 0, 0, 0], "only two witnesses"),
    ("ex-own-three", lambda c: [0, 0, 0, 0, 1], "It is wrong"),
    ("ex-lab-scale", [0, 22], "lowest"),
    ("ex-lab-scale", [9, 30], "highest"),
    ("ex-lab-pixels", [2, 2], "twice as high"),
    ("ex-lab-actors", "clip", "both sides"),
    ("ex-ask-corners", lambda k: np.eye(4), "without luck"),
    ("ex-ask-corners", lambda k: np.full((4, 4), 0.25), "says nothing"),
    ("ex-ask-effects", lambda a, b, c, d: [(b - a + d - c) / 2, (c - a + d - b) / 2, d - b - c + a],
     "Shapley values"),
    ("ex-ask-effects", lambda a, b, c, d: [b - a, c - a, b + c - d - a], "Which sign"),
    ("ex-ask-effects", lambda a, b, c, d: [b, c, d], "sum to v12"),
    ("ex-ask-cost", lambda n, m, b, k: n * (1 + b * m) + k, "one modality at a time"),
    ("ex-ask-cost", lambda n, m, b, k: n * b, "asked once"),
]  # fmt: skip
