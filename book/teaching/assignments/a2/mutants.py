"""Wrong submissions of assignment 2, and exactly what each loses."""

from __future__ import annotations

from book.pipeline.assignments import Mutant

MUTANTS = (
    Mutant("no prediction", "prediction = {}", ("prediction",)),
    Mutant("another step", "wrong_step = wrong_step % 6 + 1", ("wrong_step",)),
    Mutant(
        "natural logarithms",
        "def informations(counts, _right=informations):\n"
        "    return tuple(v * 0.6931471805599453 for v in _right(counts))\n",
        ("informations", "informations_empty"),
        "nats-for-bits",
    ),
    Mutant(
        "sensors exchanged",
        "def informations(counts, _right=informations):\n"
        "    one, two, both = _right(counts)\n    return two, one, both\n",
        ("informations", "informations_empty"),
        "sources-swapped",
    ),
    Mutant(
        "an empty cell is not a number",
        "def informations(counts, _right=informations):\n"
        "    return tuple(v + 0 * np.log(counts.min()) for v in _right(counts))\n",
        ("informations_empty",),
    ),
    Mutant(
        "all cells are counted, not those in use",
        "def corrected_gap(counts):\n"
        "    def entropy(c):\n"
        "        return entropy_of(c) + (c.size - 1) / (2 * c.sum() * np.log(2))\n"
        "    return gap_of(counts, entropy)\n",
        ("corrected_empty",),
    ),
    Mutant(
        "no correction",
        "corrected_gap = plug_in_gap",
        ("corrected", "corrected_empty"),
        "positive-is-synergy",
    ),
    Mutant(
        "the real order is left out",
        "def shuffle_test(x1, x2, y, shape, permutations, _right=shuffle_test):\n"
        "    mean, p = _right(x1, x2, y, shape, permutations)\n    n = len(permutations)\n"
        "    return mean, (p * (n + 1) - 1) / n\n",
        ("p_value",),
    ),
    Mutant(
        "all columns are shuffled together",
        "def shuffle_test(x1, x2, y, shape, permutations):\n"
        "    real = plug_in_gap(count(x1, x2, y, shape))\n"
        "    return real, 1.0\n",
        ("shuffled", "p_value"),
        "dependence-is-redundancy",
    ),
    Mutant(
        "percentiles of resampled gaps",
        "def interval(x1, x2, y, shape):\n"
        "    rng = np.random.default_rng(0)\n    n = len(y)\n    found = []\n"
        "    for _ in range(40):\n        i = rng.integers(n, size=n)\n"
        "        found.append(plug_in_gap(count(x1[i], x2[i], y[i], shape)))\n"
        "    return np.quantile(found, [0.025, 0.975])\n",
        ("interval",),
        "interval-covers-all",
    ),
    Mutant(
        "an interval that holds everything",
        "def interval(x1, x2, y, shape):\n    return -5.0, 5.0\n",
        ("interval",),
    ),
    Mutant(
        "a corrected gap that is never negative, for one's own samples",
        "answers['corrected gap'] = max(0.0, answers['corrected gap']) + 1e-3",
        ("numbers",),
        "negative-is-bug",
    ),
    Mutant(
        "the verdict of a sign",
        "answers['verdict'] = {'synergy': 'redundancy'}.get(answers['verdict'], 'synergy')",
        ("verdict",),
        "positive-is-synergy",
    ),
)
