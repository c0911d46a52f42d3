"""Wrong submissions of assignment 3, and exactly what each loses."""

from __future__ import annotations

from book.pipeline.assignments import Mutant

MUTANTS = (
    Mutant("no prediction", "prediction = {}", ("prediction",)),
    Mutant(
        "a parcel on its own",
        "def kinds(lane, a, b, y, n_classes):\n"
        "    rules = np.stack([(a == y) & (b == y), a == y, b == y, (a + b) % n_classes == y])\n"
        "    return np.where(lane < 0, -1, rules.argmax(axis=0))\n",
        ("kinds", "kinds_unknown"),
    ),
    Mutant(
        "the unknown lane is a lane",
        "def kinds(lane, a, b, y, n_classes, _right=kinds):\n"
        "    found = _right(lane, a, b, y, n_classes)\n    return np.where(found < 0, 3, found)\n",
        ("kinds_unknown",),
        "report-is-truth",
    ),
    Mutant(
        "rows and columns exchanged",
        "def areas(report, kind, _right=areas):\n    return _right(report, kind).T\n",
        ("areas", "areas_awkward"),
    ),
    Mutant(
        "ties by order",
        "def areas(report, kind):\n"
        "    known = kind >= 0\n    report, kind = report[known], kind[known]\n"
        "    ranks = report.argsort(axis=0, kind='stable').argsort(axis=0) + 1.0\n"
        "    def one(r, own):\n        n = own.sum()\n"
        "        return (r[own].sum() - n * (n + 1) / 2) / (n * (~own).sum())\n"
        "    return np.array([[one(r, kind == k) for k in range(4)] for r in ranks.T])\n"
        "_areas = areas\n"
        "def chance_area(report, kind, permutations):\n    raise NotImplementedError\n",
        ("areas_awkward", "chance"),
    ),
    Mutant(
        "unknown parcels count as others",
        "def areas(report, kind):\n"
        "    return np.array([[area(c, kind == k) for k in range(4)] for c in report.T])\n",
        ("areas_awkward",),
    ),
    Mutant(
        "the mean of the shuffles",
        "def chance_area(report, kind, permutations):\n"
        "    known = kind >= 0\n    report, kind = report[known], kind[known]\n"
        "    return np.mean([areas(report, kind[p]).max() for p in permutations])\n",
        ("chance",),
        "one-in-many",
    ),
    Mutant(
        "new values count as wrong",
        "def lookup(tv, tk, v, k, _right=lookup):\n"
        "    seen, right = _right(tv, tk, v, k)\n    return seen, seen * right\n",
        ("lookup_new",),
    ),
    Mutant(
        "both shares exchanged",
        "def lookup(tv, tk, v, k, _right=lookup):\n    return _right(tv, tk, v, k)[::-1]\n",
        ("lookup", "lookup_new"),
    ),
    Mutant(
        "every name is believed",
        "answers['words'] = {name: 'holds' for name in reports}",
        ("words",),
        "named-by-function",
    ),
    Mutant(
        "what is right on the test is an explanation",
        "answers['words'] = {n: 'holds' if w == 'memory' else w for n, w in words.items()}",
        ("words",),
        "accurate-explains",
    ),
    Mutant(
        "another column",
        "answers['leak'] = next(c for c in ('tray', 'day') if c != leak)",
        ("leak",),
    ),
    Mutant(
        "all test parcels",
        "answers['area on new origins'] = np.diag(\n"
        "    areas(reports[memory][test], kind[test])).mean()",
        ("new_area",),
        "random-split",
    ),
)
