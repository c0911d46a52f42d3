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
# # Assignment 3: Does the explanation hold?
#
# A parcel runs down a lane. Two cameras read one digit each from it, and the digits decide into which chute it falls. How
# they decide depends on the lane: in one lane both cameras read the chute, in another only the first does, in a third
# only the second, and in the fourth the chute is the sum of both digits, counted modulo the number of chutes.
#
# Five firms offer a model for this. All five predict well, and each explains itself: for every parcel it reports four
# shares, R, U1, U2 and S. **One of the five explanations holds. Which, and what is wrong with the others?**
#
# **Purpose.** You hold a report against a truth that you work out yourself, find out what a column with a false name
# really detects, tell an explanation from a memory, and write a verdict that a buyer can act on.
#
# **You need** chapters 9 to 11 and chapter 13 on splits. Nothing is trained. Your parcels and reports are your own, and so is
# what is wrong with them.
#
# ## What you hand in
#
# | Part | Points | Marked by |
# |:--|--:|:--|
# | 1. A prediction, handed in before you open the reports | 2 | a program: it has to be there, it need not be right |
# | 2. What decides in each lane | 3 | a program, on hidden parcels |
# | 3. A table of areas | 3 | a program, on hidden reports |
# | 4. What chance reaches | 2 | a program, on hidden reports |
# | 5. A memory | 3 | a program, on hidden parcels |
# | 6. Your five reports | 4 | a program |
# | 7. A verdict of one page | 8 | a person, by the rubric |

# %%
import numpy as np
import pandas as pd
from scipy.stats import rankdata

own = np.load("data.npz", allow_pickle=False)
composition, hit, n_classes = own["composition"], float(own["hit"]), int(own["n_classes"])

# %% [markdown]
# ## 1. Predict first
#
# Before you open the reports, work out by hand what an area can tell. In your suite, the four interactions decide the
# shares `composition` of the parcels. A report points at one column a parcel: that column gets 0.7, the
# others get 0.1 each. It points at the interaction that decides with probability `hit`, and at each of the other
# three equally often otherwise. What is the area under the ROC curve of
#
# - column S as a detector of S parcels,
# - column U1 as a detector of U1 parcels, after columns U1 and U2 have been swapped,
# - column S of a report that says 0.7 for S of *every* parcel?
#
# Hand in the notebook with this part done before you go on. A wrong prediction costs nothing. A missing one costs its points.
#
# *Hint.* A column of two values has a ROC curve with one corner, so its area is
# $\tfrac12 + \tfrac12(\text{hits} - \text{false alarms})$. After the swap, most false alarms come from one kind of parcel.

# %% tags=["solution"]
miss = (1 - hit) / 3
w_r, w_u1, w_u2, w_s = composition
alarms = (w_u2 * hit + (w_r + w_s) * miss) / (1 - w_u1)
prediction = {
    "area of S": (1 + hit - miss) / 2,
    "area of U1, swapped": (1 + miss - alarms) / 2,
    "area of S, constant": 0.5,
}

# %% [markdown]
# ## 2. What decides in each lane
#
# `kinds(lane, a, b, y, n_classes)` gets the lanes, both digits and the chutes of some parcels, and returns for each parcel which interaction decides:
# 0 for R, 1 for U1, 2 for U2, 3 for S. Lanes are numbered in no particular order, and there may be fewer than four. A parcel whose lane
# is -1 was filmed in the field, where nobody wrote the lane down: its truth is unknown, and the answer is -1.
#
# *Hint.* A single parcel does not tell: if both digits happen to be equal, it looks like R in three lanes. Which rule holds for *all* parcels of a lane?


# %% tags=["solution"]
def kinds(lane, a, b, y, n_classes):
    """Return the index of the interaction that decides each parcel, or -1."""
    rules = [(a == y) & (b == y), a == y, b == y, (a + b) % n_classes == y]
    found = np.full(len(lane), -1)
    for value in set(lane[lane >= 0]):
        rows = lane == value
        found[rows] = [rule[rows].all() for rule in rules].index(True)
    return found


# %% [markdown]
# ## 3. A table of areas
#
# `areas(report, kind)` gets a report with a row a parcel and the columns R, U1, U2, S, and the kinds, and returns a table
# of shape (4, 4): in row $c$ and column $k$, the area under the ROC curve of column $c$ of the report as a detector of parcels of kind $k$.
# Ties count one half.
#
# *Hint.* A parcel of unknown kind is not a parcel of another kind. The area is the share of all pairs, one parcel of the kind and one of another, that the column puts in the right order.


# %% tags=["solution"]
def area(column, own):
    """Return the area under the ROC curve of a column as a detector of its own parcels."""
    ranks = rankdata(column)
    n, others = own.sum(), (~own).sum()
    return (ranks[own].sum() - n * (n + 1) / 2) / (n * others)


def areas(report, kind):
    """Return the area of each column (row) for each kind (column)."""
    known = kind >= 0
    report, kind = report[known], kind[known]
    return np.array([[area(c, kind == k) for k in range(4)] for c in report.T])


# %% [markdown]
# ## 4. What chance reaches
#
# The largest of sixteen areas is above one half even if the report knows nothing. `chance_area(report, kind, permutations)` shuffles the kinds of **the parcels of
# known kind** by each row of `permutations`, and returns the largest area that any shuffle reaches anywhere in the table.
#
# *Hint.* Leave out the unknown parcels first: a permutation is as long as the list of the others.


# %% tags=["solution"]
def chance_area(report, kind, permutations):
    """Return the largest area that any shuffle of the known kinds reaches."""
    known = kind >= 0
    report, kind = report[known], kind[known]
    return max(areas(report, kind[p]).max() for p in permutations)


# %% [markdown]
# ## 5. A memory
#
# Operator, device, day and tray say where a parcel comes from, and nothing of what decides. If the kind of a test parcel can be looked up by its
# origin, a report can be right without a look at the parcel. `lookup(train_values, train_kinds, test_values, test_kinds)` gets one column of origins and the
# kinds, of training and of test parcels. It remembers for each value the kind that was most frequent in
# training (of several, the one that comes first in R, U1, U2, S), and returns two shares: of the test parcels, how many have a value
# that occurs in training, and of *these*, how many have the kind that was remembered.
#
# *Hint.* Count a table of values and kinds. What do you do with a value that training never saw?


# %% tags=["solution"]
def lookup(train_values, train_kinds, test_values, test_kinds):
    """Return the share of test parcels of known origin, and how often memory is right there."""
    counts = np.zeros((max(train_values.max(), test_values.max()) + 1, 4))
    np.add.at(counts, (train_values, train_kinds), 1)
    seen = counts[test_values].sum(axis=1) > 0
    right = counts[test_values].argmax(axis=1) == test_kinds
    return seen.mean(), right[seen].mean()


# %% [markdown]
# ## 6. Your five reports
#
# Now open them. Judge the reports on the test parcels of known kind. Each of the five deserves one of these words:
#
# | Word | What it means |
# |:--|:--|
# | holds | each column finds the parcels of its own kind, wherever they come from |
# | permuted | the columns find kinds, but at least R or S stands for another one |
# | swapped | R and S find their own kinds, and U1 reports modality 2 and U2 modality 1 |
# | by class | the columns follow the chute, as experts do that share out the classes; they find no kind |
# | constant | every parcel gets nearly the same shares |
# | memory | it finds the kinds where the origin was seen in training, and not where it is new |
#
# One report holds and one is a memory. The other three have false names, each of another sort. Find the column of origins that the memory uses, and the mean of its four own
# areas (column R for R, and so on) on test parcels of *new* origin in that column.
#
# *Hint.* Hold a report that finds no kind against the chute: `areas` takes any labels from 0 to 3. And a mean report that agrees with the composition is no evidence. Which of the words would still earn it?

# %%
columns = ("part", "operator", "device", "day", "tray", "lane", "a", "b", "y")
samples = pd.DataFrame({name: own[name] for name in columns})
reports = {name: own[f"report_{name}"] for name in "ABCDE"}

# %% tags=["solution"]
known = samples["lane"] >= 0
kind = kinds(*(samples[c].to_numpy() for c in ("lane", "a", "b", "y")), n_classes)
train, test = samples["part"] == "train", samples["part"] == "test"


def looked_up(name):
    """Return how often the kind can be looked up in a column of origins."""
    values = samples[name].to_numpy()
    return lookup(values[train], kind[train], values[test], kind[test])[1]


leak = max(("operator", "device", "day", "tray"), key=looked_up)
seen = samples[leak].isin(samples.loc[train, leak])


def judge(report):
    """Return what is true of a report."""
    of_test, of_new = (areas(report[rows], kind[rows]) for rows in (test, test & ~seen))
    chute = areas(report[test], samples.loc[test, "y"].to_numpy())
    finds = of_test.argmax(axis=1)
    if of_test.max() < 0.68:
        return "by class" if chute.max() > 0.75 else "constant"
    if of_new.max() < 0.75:
        return "memory"
    names = {(0, 1, 2, 3): "holds", (0, 2, 1, 3): "swapped"}
    return names.get(tuple(finds), "permuted")


words = {name: judge(report) for name, report in reports.items()}
memory = next(name for name, word in words.items() if word == "memory")
new = (test & ~seen).to_numpy()
answers = {
    "words": words,
    "leak": leak,
    "area on new origins": np.diag(areas(reports[memory][new], kind[new])).mean(),
}
answers

# %% [markdown]
# ## 7. A verdict of one page
#
# Write at most one page to the manager of the sorting centre, who will buy one of the five models, and who reads "83 %
# synergy" as "both cameras are needed for most parcels".
#
# - **Claim.** Which report holds, in which sense (global, detection, ranking, calibration), and for which parcels? What are the true names of the columns of the others?
# - **Evidence.** The areas the claim rests on, beside what chance reaches on as many parcels. What does the mean report of each firm say, and why is it no evidence?
# - **Control.** Which test showed that the memory is a memory, and could it have cleared the report? What would have happened with a split between origins?
# - **Limits.** What do you know about the reports on parcels from the field? What would you ask a firm for before you believe its report there?
#
# Say in two sentences what you used a language model for, if you did.

# %% [markdown]
# *Your page.*
