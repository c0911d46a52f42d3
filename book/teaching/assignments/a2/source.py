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
# # Assignment 2: How much is noise?
#
# A firm sells two sensors as a pair. "Each of them tells you little," says the brochure, "but together they tell you
# what neither knows. The synergy was measured." You asked for the measurement, and the firm has sent it: a few hundred
# moments, each with a reading of sensor 1, a reading of sensor 2 and a label. All three are whole numbers.
#
# A table of counts will show synergy. It nearly always does. **How much of it is noise?**
#
# **Purpose.** You predict the error of an estimate before you see the data, correct the estimate, test it against
# shuffled labels, give an interval that covers what it promises, and say on one page what your data show and what they
# do not show.
#
# **You need** chapters 2, 4 and 5. Your samples are your own. Behind some students' samples there is synergy, behind
# others there is none.
#
# ## What you hand in
#
# | Part | Points | Marked by |
# |:--|--:|:--|
# | 1. A prediction, handed in before you open your samples | 3 | a program: it has to be there, it need not be right |
# | 2. The wrong step in a generated proof | 1 | a program |
# | 3. Three informations from counts | 3 | a program, on hidden tables |
# | 4. A correction | 3 | a program, on hidden tables |
# | 5. A test by shuffling | 4 | a program, on hidden samples |
# | 6. An interval | 4 | a program, by its coverage over hidden samples |
# | 7. Your own samples | 3 | a program |
# | 8. A page | 4 | a person, by the rubric |
#
# Your functions are called with tables and samples that you have not seen, of other sizes. They may use NumPy, SciPy and
# `mmfuse_lib`. All information is in bits.
#
# ## One number, the same for every definition
#
# You estimate the gap
#
# $$
# S - R = I(X_1,X_2;Y) - I(X_1;Y) - I(X_2;Y) .
# $$
#
# It takes no solver, and every definition of redundancy gives the same gap. No atom of BROJA is negative, so **a gap
# above 0 proves synergy and a gap below 0 proves redundancy**. A gap of 0 proves nothing: perhaps there is neither,
# perhaps there is as much of one as of the other.
# %%
import numpy as np

own_data = np.load("data.npz", allow_pickle=False)
sizes, proof = own_data["sizes"], own_data["proof"]

# %% [markdown]
# ## 1. Predict first
#
# `sizes` holds how many values your two sensors and your label have, and how many samples you got. Nothing else is
# needed here, so **do not open the samples yet**. Suppose that the sensors were unplugged: the true gap is 0. By how many
# bits will counting overstate
#
# - $I(X_1;Y)$,
# - the gap $S - R$,
# - the gap, if you had twice the samples, and sorted each sensor's readings into twice as many cells?
#
# Hand in the notebook with this part done before you go on. A wrong prediction costs nothing, since part 8 asks what you
# learned from it. A missing one costs its points.
#
# *Hint.* Chapter 5 counts free cells, for two sensors with the same number of values. Follow its proof with two different
# numbers.


# %% tags=["solution"]
def overstated(cells, labels, samples):
    """Return the leading bias of the information of a source with so many values."""
    return (cells - 1) * (labels - 1) / (2 * samples * np.log(2))


def overstated_gap(k1, k2, labels, samples):
    """Return the leading bias of S - R."""
    both = overstated(k1 * k2, labels, samples)
    return both - overstated(k1, labels, samples) - overstated(k2, labels, samples)


k1, k2, n_labels, n_samples = sizes
prediction = {
    "bias of I(X1;Y)": overstated(k1, n_labels, n_samples),
    "bias of S - R": overstated_gap(k1, k2, n_labels, n_samples),
    "bias of S - R, all doubled": overstated_gap(2 * k1, 2 * k2, n_labels, 2 * n_samples),
}

# %% [markdown]
# ## 2. Find the wrong step
#
# A language model was asked to prove the formula for the bias of $S - R$. Each student got a proof of their own. Print yours with
# `print("\n\n".join(proof))`; its first line is the claim. Which is the **first** step that is wrong, counted from 1? Part 8 asks for the reason.

# %% tags=["solution"]
# (A person reads; this looks for the phrases of the wrong steps.)
phrases = ("is too large, by $C-1$", "= H(X_1,Y) - H(X_1) - H(Y)", "$k_1+k_2$ in all", "-(k_1k_2-1)(K-1)",
           "errors add", "$k_1k_2-k_1-k_2-1$", "leave the bias as it is")  # fmt: skip
wrong_step = next(n for n, step in enumerate(proof[1:], 1) if any(p in str(step) for p in phrases))

# %% [markdown]
# ## 3. Three informations from counts
#
# `informations(counts)` gets a table of counts of shape $(|X_1|, |X_2|, |Y|)$ and returns the three plug-in informations
# $I(X_1;Y)$, $I(X_2;Y)$ and $I(X_1,X_2;Y)$, in this order. Cells may be empty.
#
# *Hint.* All three are sums of entropies of tables with one or two axes summed out. What should an empty cell contribute?


# %% tags=["solution"]
def entropy_of(counts):
    """Return the plug-in entropy of counts, in bits."""
    p = counts[counts > 0] / counts.sum()
    return -(p * np.log2(p)).sum()


def informations(counts):
    """Return I(X1;Y), I(X2;Y) and I(X1,X2;Y) in bits, plug-in."""
    label = entropy_of(counts.sum(axis=(0, 1)))
    i1 = entropy_of(counts.sum(axis=(1, 2))) + label - entropy_of(counts.sum(axis=1))
    i2 = entropy_of(counts.sum(axis=(0, 2))) + label - entropy_of(counts.sum(axis=0))
    i12 = entropy_of(counts.sum(axis=2)) + label - entropy_of(counts)
    return i1, i2, i12


# %% [markdown]
# ## 4. A correction
#
# Counting understates an entropy by about $(m-1)/(2N\ln 2)$, where $m$ is the number of cells **that were hit at least
# once**. Adding this to every entropy is known as the correction of Miller and Madow. `corrected_gap(counts)`
# returns $S - R$, corrected in this way.
#
# *Hint.* Correct entropies, not the gap: in the pair's table and in the margins other numbers of cells are in use. May the result be negative?


# %% tags=["solution"]
def corrected_entropy(counts):
    """Return the entropy of counts after Miller and Madow, in bits."""
    in_use = (counts > 0).sum()
    return entropy_of(counts) + (in_use - 1) / (2 * counts.sum() * np.log(2))


def gap_of(counts, entropy):
    """Return S - R of a table of counts, by a kind of entropy."""
    joint, label = entropy(counts), entropy(counts.sum(axis=(0, 1)))
    i12 = entropy(counts.sum(axis=2)) + label - joint
    i1 = entropy(counts.sum(axis=(1, 2))) + label - entropy(counts.sum(axis=1))
    i2 = entropy(counts.sum(axis=(0, 2))) + label - entropy(counts.sum(axis=0))
    return i12 - i1 - i2


def corrected_gap(counts):
    """Return S - R after Miller and Madow, in bits."""
    return gap_of(counts, corrected_entropy)


# %% [markdown]
# ## 5. A test by shuffling
#
# `shuffle_test(x1, x2, y, shape, permutations)` gets samples, the shape of their table, and permutations of the samples, one a row. It shuffles
# **the labels** by each row and returns two numbers: the mean plug-in gap of the shuffled samples, and the p-value of the real
# plug-in gap. Large gaps count as evidence. The real samples are one of the $1 + B$ orders that chance could have brought. A shuffled gap that is less than
# $10^{-9}$ bits below the real one counts as having reached it.
#
# *Hint.* What is the smallest p-value that $B$ permutations can give? It is not 0.


# %% tags=["solution"]
def count(x1, x2, y, shape):
    """Return the table of counts."""
    table = np.zeros(shape)
    np.add.at(table, (x1, x2, y), 1)
    return table


def plug_in_gap(counts):
    """Return the plug-in S - R, in bits."""
    return gap_of(counts, entropy_of)


def shuffle_test(x1, x2, y, shape, permutations):
    """Return the mean gap of shuffled labels, and the p-value of the real gap."""
    real = plug_in_gap(count(x1, x2, y, shape))
    shuffled = np.array([plug_in_gap(count(x1, x2, y[p], shape)) for p in permutations])
    reached = (shuffled >= real - 1e-9).sum()
    return shuffled.mean(), (1 + reached) / (1 + len(permutations))


# %% [markdown]
# ## 6. An interval
#
# `interval(x1, x2, y, shape)` returns the ends of a 95 % interval for the true gap. You may choose how. It is called
# with sixty samples from each of several tables, and it has to hold the true gap in at least 80 % of them, also where the true gap is
# 0. At the same time it may be at most twice as wide as the interval in the solution, on average. If you draw random numbers, make a generator with a fixed seed inside the function.
#
# *Hint.* The first idea is to resample the moments and take the 2.5th and the 97.5th percentile of the gaps. Try it on
# shuffled labels: a resample of a sample is overstated a second time. Then compare it with the jackknife. With $\hat\theta_{(i)}$ the gap
# without sample $i$, and $\bar\theta$ the mean of these, the estimate is $N\hat\theta - (N-1)\bar\theta$, and its squared standard
# error $\frac{N-1}{N}\sum_i(\hat\theta_{(i)} - \bar\theta)^2$. Samples in one cell of the table have the same $\hat\theta_{(i)}$.


# %% tags=["solution"]
def interval(x1, x2, y, shape):
    """Return a jackknife interval of 95 % for S - R, in bits."""
    counts = count(x1, x2, y, shape)
    n, cells = counts.sum(), np.argwhere(counts > 0)
    without = np.empty(len(cells))
    for i, cell in enumerate(map(tuple, cells)):
        counts[cell] -= 1
        without[i] = plug_in_gap(counts)
        counts[cell] += 1
    weights = counts[tuple(cells.T)]
    mean = weights @ without / n
    estimate = n * plug_in_gap(counts) - (n - 1) * mean
    error = np.sqrt((n - 1) / n * (weights @ (without - mean) ** 2))
    return estimate - 1.96 * error, estimate + 1.96 * error


# %% [markdown]
# ## 7. Your own samples
#
# Now open them. Fill in the four numbers of your samples, and the verdict by this rule: **"synergy"** if your interval
# lies above 0, **"redundancy"** if it lies below 0, **"cannot tell"** if it contains 0. (Every student's samples are such that honest intervals agree about
# the verdict.)

# %%
x1, x2, y, permutations = (own_data[name] for name in ("x1", "x2", "y", "permutations"))
shape = tuple(int(size) for size in sizes[:3])

# %% tags=["solution"]
own = count(x1, x2, y, shape)
shuffled, p_value = shuffle_test(x1, x2, y, shape, permutations)
low, high = interval(x1, x2, y, shape)
answers = {
    "plug-in gap": plug_in_gap(own),
    "corrected gap": corrected_gap(own),
    "shuffled gap": shuffled,
    "p-value": p_value,
    "verdict": "synergy" if low > 0 else "redundancy" if high < 0 else "cannot tell",
}
answers

# %% [markdown]
# ## 8. A page
#
# Write at most one page to the buyer of the sensors, who knows what a bit is and nothing else of this course.
#
# - **Claim.** What do your samples say about synergy, in one sentence that could be false?
# - **Evidence.** The numbers it rests on, with the interval, and of what it is an interval. Compare your prediction of part 1 with what the
#   shuffled labels gave, and say why they differ.
# - **Control.** What exactly did the shuffle test reject, or fail to reject? Could it have come out the other way?
#   Can the p-value and the verdict point in different directions, and do they, in your samples?
# - **Limits.** What could be true of the sensors that your verdict does not see? What would you measure next, with how many samples?
#
# Add one sentence on the wrong step of part 2: what it says, and what is right. Say in two sentences what you used a
# language model for, if you did.

# %% [markdown]
# *Your page.*
