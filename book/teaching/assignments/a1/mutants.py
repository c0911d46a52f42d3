"""Wrong submissions of assignment 1, and exactly what each loses."""

from __future__ import annotations

from book.pipeline.assignments import Mutant

MUTANTS = (
    Mutant("no prediction", "del prediction", ("prediction",)),
    Mutant("a prediction of three atoms", "del prediction['S']", ("prediction",)),
    Mutant("another step", "wrong_step = wrong_step % 5 + 1", ("wrong_step",)),
    Mutant(
        "natural logarithms",
        "def informations(p, _bits=informations):\n"
        "    return tuple(v * 0.6931471805599453 for v in _bits(p))\n",
        ("informations", "informations_empty", "upper"),
        "nats-for-bits",
    ),
    Mutant(
        "sources exchanged",
        "def informations(p, _right=informations):\n"
        "    one, two, both = _right(p)\n    return two, one, both\n",
        ("informations", "informations_empty"),
        "sources-swapped",
    ),
    Mutant(
        "empty cells are not a number",
        "def informations(p, _right=informations):\n"
        "    return tuple(v + 0 * np.log(p.min()) for v in _right(p))\n",
        ("informations_empty",),
    ),
    Mutant(
        "any table is a pairing",
        "def upper(p, q):\n    return informations(q)[2]\n",
        ("upper_invalid",),
    ),
    Mutant(
        "the information of p, not of q",
        "def upper(p, q, _right=upper):\n"
        "    return informations(p)[2] if _right(p, q) == informations(q)[2] else _right(p, q)\n",
        ("upper",),
    ),
    Mutant(
        "scores may exceed 1",
        "def lower(p, f1, f2, _right=lower):\n"
        "    scale = max(1.0, np.einsum('ay,by->ab', f1, f2).max())\n"
        "    return max(0.0, _right(p, f1 / scale, f2) + np.log2(scale))\n",
        ("lower_invalid",),
    ),
    Mutant(
        "a factor of 0 always proves nothing",
        "def lower(p, f1, f2, _right=lower):\n"
        "    return 0.0 if min(f1.min(), f2.min()) == 0 else _right(p, f1, f2)\n",
        ("lower",),
    ),
    Mutant(
        "redundancy is the smaller information",
        "i1, i2, i12 = informations(table)\n"
        "answers = {'R': min(i1, i2), 'U1': i1 - min(i1, i2), 'U2': i2 - min(i1, i2),\n"
        "           'S': i12 - max(i1, i2)}\n",
        ("atoms",),
        "equal-amounts",
    ),
    Mutant(
        "synergy is the gain over the better source",
        "i1, i2, i12 = informations(table)\nanswers = dict(answers, S=i12 - max(i1, i2))\n",
        ("atoms",),
        "synergy-is-gain",
    ),
    Mutant(
        "dials not swapped", "swapped = list(answers.values())", ("swapped",), "sources-swapped"
    ),
    Mutant("the table itself as its worst pairing", "q = table", ("pairing",)),
    Mutant("factors that are not valid", "certificate = (2 * f1, f2)", ("certificate",)),
    Mutant("factors that prove little", "certificate = (f1 / 2, f2)", ("certificate",)),
)
