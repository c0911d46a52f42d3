# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Assignment 1: Four numbers from a table
#
# Two dials and a lamp. Somebody has watched them for so long that the table of probabilities is known exactly. **How much do the
# dials tell about the lamp together that neither tells alone, and how would you convince somebody who does not trust your
# program?**
#
# **Purpose.** You compute the informations of a table, bound the one number that no entropy gives from both sides, close the bounds
# on a table of your own, and say on one page what the four atoms mean and what they do not.
#
# **You need** chapters 2 and 4. Your table is your own; nobody else has it.
#
# ## What you hand in
#
# | Part | Points | Marked by |
# |:--|--:|:--|
# | 1. A prediction, handed in before you get your table | 2 | a program: it has to be there, it need not be right |
# | 2. The wrong step in a generated proof | 1 | a program |
# | 3. Three informations | 3 | a program, on hidden tables |
# | 4. An upper bound | 2 | a program, on hidden tables |
# | 5. A lower bound | 2 | a program, on hidden tables |
# | 6. Your own table | 6 | a program |
# | 7. A page | 4 | a person, by the rubric |
#
# Functions may use NumPy, SciPy and `mmfuse_lib.information`. They are called with tables that you have not seen, of other shapes. All
# information is in bits. A table is an array `p[x1, x2, y]`.
#
# **If you use a language model**, say in two sentences on your page what for. You vouch for every line. In a talk of five minutes you
# will explain one of your own numbers at the board.

# %%
import numpy as np

errors = np.load("first.npz", allow_pickle=False)["errors"]

# %% [markdown]
# ## 1. Predict first
#
# Before you get your table: $Y$ is a fair coin, and two witnesses report it. The first errs with probability `errors[0]`, the second
# with probability `errors[1]`, independently. Predict $R$, $U_1$, $U_2$ and $S$ in bits, with pencil and paper; an entropy from a
# pocket calculator is enough for the first three. Write down a guess for $S$.
#
# Hand in this notebook with part 1 done; then you get `data.npz`. The prediction of *this* notebook counts, whatever the later one says. A
# wrong prediction costs nothing; a missing one costs its points.


# %% tags=["solution"]
def bits(e):
    """Return the entropy of a coin that shows heads with probability e."""
    return -e * np.log2(e) - (1 - e) * np.log2(1 - e)


better, worse = sorted(float(1 - bits(e)) for e in errors)[::-1]
gain = better - worse
first = errors[0] < errors[1]
prediction = {"R": worse, "U1": gain * first, "U2": gain * (not first), "S": 0.1}

# %% [markdown]
# ## 2. Find the wrong step
#
# A language model was asked to prove that a pairing $q\in D_p$ gives an upper bound on $R + U_1 + U_2$ that can be reached. Every student got a
# proof of their own. Print yours with `print("\n\n".join(claim))`. Which is the **first** step that is wrong, counted from 1? On your page
# you say why, in one sentence.

# %%
own = np.load("data.npz", allow_pickle=False)
claim = own["claim"]

# %% tags=["solution"]
# (A person reads; this looks for the phrases of the five wrong steps.)
wrong_step = next(
    number
    for number, step in enumerate(claim, 1)
    if any(sign in str(step) for sign in ("never larger than", "at least $I_*$ as well", "differ by",
                                          "maximum over", "H(Y|X_1) + H(Y|X_2)"))
)  # fmt: skip

# %% [markdown]
# ## 3. Three informations
#
# `informations(p)` returns $I(X_1;Y)$, $I(X_2;Y)$ and $I(X_1,X_2;Y)$, in this order. Cells may be 0.


# %% tags=["solution"]
def entropy(p):
    """Return the entropy of a table, in bits."""
    p = p[p > 0]
    return -(p * np.log2(p)).sum()


def informations(p):
    """Return I(X1;Y), I(X2;Y) and I(X1,X2;Y), in bits."""
    label = entropy(p.sum(axis=(0, 1)))
    one = entropy(p.sum(axis=(1, 2))) + label - entropy(p.sum(axis=1))
    two = entropy(p.sum(axis=(0, 2))) + label - entropy(p.sum(axis=0))
    both = entropy(p.sum(axis=2)) + label - entropy(p)
    return one, two, both


# %% [markdown]
# ## 4. An upper bound
#
# `upper(p, q)` returns the upper bound on $I_*$ that the table `q` proves, if it is a pairing of `p`: the same $p(x_1,y)$ and
# $p(x_2,y)$, up to $10^{-9}$ in each entry. If it is none, it proves nothing, and the answer is $H(Y)$ of `p`.


# %% tags=["solution"]
def upper(p, q):
    """Return the upper bound on I* that q proves, in bits."""
    same = all(np.abs(p.sum(axis=m) - q.sum(axis=m)).max() <= 1e-9 for m in (0, 1))
    return informations(q)[2] if same and q.min() >= 0 else entropy(p.sum(axis=(0, 1)))


# %% [markdown]
# ## 5. A lower bound
#
# `lower(p, f1, f2)` returns the lower bound on $I_*$ that the factors `f1[x1, y]` and `f2[x2, y]` prove, by the theorem *Certificate* of
# chapter 4. Factors are not negative. If the scores of some pair sum to more than 1 (by more than $10^{-9}$), or a factor is 0 where
# its source and the label occur together, they prove nothing, and the answer is 0.


# %% tags=["solution"]
def lower(p, f1, f2):
    """Return the lower bound on I* that two factors prove, in bits."""
    if min(f1.min(), f2.min()) < 0 or np.einsum("ay,by->ab", f1, f2).max() > 1 + 1e-9:
        return 0.0
    proved = entropy(p.sum(axis=(0, 1)))
    for factor, table in ((f1, p.sum(axis=1)), (f2, p.sum(axis=0))):
        if (factor[table > 0] == 0).any():
            return 0.0
        proved += (table[table > 0] * np.log2(factor[table > 0])).sum()
    return max(0.0, proved)


# %% [markdown]
# ## 6. Your own table
#
# Now open `own["table"]`. Give the four atoms (`answers`, to 0.005 bits), a pairing `q` and a pair of factors `certificate = (f1, f2)`, whose
# bounds on $I_*$ are each within 0.01 bits of it, and the atoms `swapped`, as somebody finds them who swaps the dials (R, U1, U2, S).
#
# *Hint.* `decompose` returns a pairing, `coupling`. In the best case the factors are $f_m(x_m,y)=$ what source $m$ believes, up to scale;
# the chapter's loop of fifteen lines finds them for any table, and its scores can be scaled down until they are valid.

# %% tags=["solution"]
from scipy.optimize import minimize
from scipy.special import logsumexp

from mmfuse_lib.information import decompose

table = own["table"]
found = decompose(table)
q = np.asarray(found.coupling)


def factors_of(p):
    """Return valid factors with the best bound: log f1 + log f2 is trained, sums stay below 1."""
    margins = [p.sum(axis=1), p.sum(axis=0)]

    def split(x):
        return x[: margins[0].size].reshape(margins[0].shape), x[margins[0].size :].reshape(
            margins[1].shape
        )

    def loss(x):
        return -sum((m * a).sum() for m, a in zip(margins, split(x), strict=True))

    def room(x):
        a, b = split(x)
        return -logsumexp(a[:, None] + b, axis=2).ravel()

    start = np.concatenate(
        [0.5 * np.log(m / m.sum(axis=1, keepdims=True) + 1e-3).ravel() for m in margins]
    )
    options = {"maxiter": 2000, "ftol": 1e-10}
    best = minimize(
        loss, start - 1, method="SLSQP", constraints={"type": "ineq", "fun": room}, options=options
    )
    f1, f2 = map(np.exp, split(best.x))
    return f1 / max(1, np.einsum("ay,by->ab", f1, f2).max()), f2


f1, f2 = certificate = factors_of(table)
answers = {
    "R": found.redundancy,
    "U1": found.unique[0],
    "U2": found.unique[1],
    "S": found.synergy,
}
swapped = [answers["R"], answers["U2"], answers["U1"], answers["S"]]

# %% [markdown]
# ## 7. A page
#
# Write at most one page for somebody who owns the dials and wants to save one of them.
#
# - **Claim.** Which dial may go, and what is lost, in one sentence that could be false?
# - **Evidence.** The atoms with your two bounds, and what the bounds prove that the atoms alone do not.
# - **Control.** What would the atoms be for shuffled labels? Which of your numbers would not change if the dials were re-paired within each label?
# - **Limits.** Which definition is this? Name one that would give another answer for your table, and say by how much. What would change if
#   the table had been estimated from 200 samples?
#
# Add one sentence on the wrong step of part 2, and two sentences on what you used a language model for, if you did.

# %% [markdown]
# *Your page.*
