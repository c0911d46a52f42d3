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
# # Measuring it from data
#
# Two sensors watch a machine, and somebody labels each of 2,000 moments "good" or "bad". You sort
# each sensor's reading into twenty cells, count how often each pair of cells goes with each label,
# divide by 2,000, and hand the table to `decompose`. It returns, with a certificate: *synergy, more
# than a tenth of a bit; nothing else worth mentioning.* Neither sensor tells anything alone,
# together they do. A fine argument for fusing them.
#
# Now the confession: both sensors were unplugged. Their readings were noise, and the labels were
# tosses of a coin. **The table was decomposed exactly, and yet there is nothing to find.**
#
# *Splitting information* took the table for granted. Nobody has the table. We have samples of it,
# and often not even of a table, but of images and sound. What can be said of $R$, $U_1$, $U_2$ and
# $S$ then, and how wrong may it be?
#
# ```{admonition} After this chapter you can
# :class: tip
# - say why counting finds synergy in noise, how much, and how to notice it in one line of code;
# - derive the bias of a plug-in estimate, and weigh it against what clustering loses;
# - say what a bootstrap interval covers, and what it cannot cover;
# - estimate the decomposition in four ways, and know which definition each of them estimates;
# - bound the synergy of modalities that were never labelled together;
# - choose an estimator by its measured errors, and know where each of them fails.
#
# **Needs:** *Information in bits* and *Splitting information*. **Takes:** an hour and a half to
# read, half a minute to run on a CPU; nothing is downloaded.
# ```

# %% tags=["parameters"]
seed = 0
n_samples = 2_000  # what we have
n_endless = 100_000  # what stands for endless data
noise = 1.0  # standard deviation of a camera's noise; the clouds are 2 apart
repeats = 20  # draws for each number of samples
steps = 250  # training steps of the networks
device = "auto"

# %%
import json
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch
from sklearn.cluster import KMeans

from mmfuse_lib import Claims, data, plots, progress, results
from mmfuse_lib.data.synthetic.digit_pairs import label_table
from mmfuse_lib.data.synthetic.gaussian_gates import pointwise_truth, truth
from mmfuse_lib.information import (
    ATOMS,
    GATES,
    decompose,
    decompose_batch,
    mutual_information,
    noisy,
)
from mmfuse_lib.information.covariance import decompose_gaussian
from mmfuse_lib.information.estimators.batch import batch_pid
from mmfuse_lib.information.estimators.bounds import (
    bounds_from_tables,
    synergy_bounds,
)
from mmfuse_lib.information.estimators.cluster import (
    SparseCountsWarning,
    cluster_pid,
)
from mmfuse_lib.information.estimators.coupling import coupling_information, refine
from mmfuse_lib.information.estimators.gaussian import gaussian_pid
from mmfuse_lib.information.estimators.lsmi import lsmi_pid
from mmfuse_lib.plots import GREY, INK, VIOLET

plots.use_style()
claim = Claims(
    globals(), seed=0, n_samples=2_000, n_endless=100_000, noise=1.0, repeats=20,
    steps=250,
)  # fmt: skip
rng = np.random.default_rng(seed)
NAMES = list(ATOMS)


def show(name, atoms):
    """Print four atoms on one line."""
    print(
        f"{name:<18}",
        *[f"{k} {v:6.3f} " for k, v in zip(NAMES, atoms, strict=True)],
    )


# %% [markdown]
# ## Synergy out of nothing
#
# Here are the unplugged sensors. `cluster_pid` does what we did in the story: it clusters each
# modality by k-means, counts, and decomposes. (With `n_bootstrap=0` it does nothing else; more of
# that later.) It also warns, and this chapter is about what the warning means.

# %%
readings = rng.normal(size=(2, n_samples, 1))
coin = rng.integers(0, 2, size=n_samples)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    nothing = cluster_pid(*readings, coin, n_clusters=20, n_bootstrap=0, seed=seed)
show("unplugged sensors", nothing.atoms)
print("warning:", str(caught[0].message).partition(". ")[0])
warnings.simplefilter("ignore", SparseCountsWarning)  # from here on we know

# %% [markdown]
# One line settles it: **shuffle the labels and measure again.** Shuffled labels have nothing to
# do with the data, so whatever an estimator reports for them it has made up. Let us do it on data
# whose answer we know. `gaussian_gates` shows the bits of a gate as vectors with Gaussian noise, and
# `truth` computes the decomposition after the noise from the exact densities. Our gate is AND: two
# switches, a lamp that is on if both are up, and two noisy cameras.

# %%
options = {"gate": "and", "noise": noise, "n_val": 1}
train, _, endless = data.load(
    "gaussian_gates",
    seed=seed,
    dim=2,
    n_train=n_samples,
    n_test=n_endless,
    **options,
)
x1, x2 = (x.numpy() for x in train.inputs.values())
y = train.target.numpy()
exact = truth("and", noise)
shuffled = rng.permutation(y)
show("truth", exact.atoms)
for k in (4, 16):
    fast = {"n_clusters": k, "n_bootstrap": 0, "seed": seed}
    show(f"{k} clusters", cluster_pid(x1, x2, y, **fast).atoms)
    show("  labels shuffled", cluster_pid(x1, x2, shuffled, **fast).atoms)

# %% [markdown]
# Four clusters find too little redundancy and synergy. Sixteen find more synergy than there is, and a good
# part of it they also find where there is none. Where do these bits come from?
#
# ## Why counting finds too much
#
# Take a table with $m$ cells and probabilities $p$, draw $N$ samples, and let $\hat p$ be the shares
# that were counted. Putting $\hat p$ in place of $p$ is called the **plug-in** estimate. Everything
# follows from how it treats entropy.
#
# ```{prf:theorem} Plug-in entropy is too small
# :label: thm-plugin
#
# The mean of the plug-in entropy is
#
# $$
# \mathbb E\, H(\hat p) = H(p) - \mathbb E\, D(\hat p\,\|\,p) \le H(p),
# $$
#
# and if all $p > 0$ then, up to terms of order $1/N^2$,
#
# $$
# \mathbb E\, D(\hat p\,\|\,p) \approx \frac{m-1}{2N\ln 2} .
# $$
# ```
#
# ```{prf:proof}
# Write $-\log_2 \hat p = -\log_2 p - \log_2\frac{\hat p}{p}$ and sum with weights $\hat p$:
# $H(\hat p) = -\sum \hat p\log_2 p - D(\hat p\,\|\,p)$. The first term has mean $H(p)$, as
# $\mathbb E\,\hat p = p$. The second is never negative ({prf:ref}`thm-gibbs`).
#
# For its size put $\hat p = p(1+\delta)$. Then $\hat p \ln\frac{\hat p}{p}$ is
# $p\,(1+\delta)\ln(1+\delta) = p\,(\delta + \tfrac12\delta^2 - \dots)$, and $\sum p\,\delta = 0$. So
# $D \approx \frac1{2\ln 2}\sum p\,\delta^2$. A share of $N$ samples has variance $p(1-p)/N$, that is
# $\mathbb E\,\delta^2 = (1-p)/(pN)$, and $\sum p\cdot\frac{1-p}{pN} = \frac{m-1}{N}$. (The term in
# $\delta^3$ has a mean of order $1/N^2$.)
# ```
#
# Counting makes the world look more orderly than it is, by half a *nat* for each free cell, divided by
# the number of samples. Joint tables have more cells than their margins, so their entropy is understated most, and
# $I = H(X) + H(Y) - H(X,Y)$ comes out too large {cite:p}`miller1955,panzeri1996`. How much, and who
# gets it?
#
# ```{prf:proposition} The bias lands in $S - R$
# :label: prop-bias
#
# With $k$ clusters a source, $K$ labels and all cells in use, to leading order each $I(X_m;Y)$ is
# too large by $(k-1)\,b$ and $I(X_1,X_2;Y)$ by $(k^2-1)\,b$, where
#
# $$
# b = \frac{K-1}{2N\ln 2}.
# $$
#
# Hence, for every definition of redundancy, $S - R$ is too large by $(k-1)^2\, b$.
# ```
#
# ```{prf:proof}
# For a source with $m$ values the bias of $I$ is $\frac{1}{2N\ln2}$ times
# $(mK-1)-(m-1)-(K-1) = (m-1)(K-1)$, with $m=k$ for one source and $m=k^2$ for the pair. By
# {eq}`eq-atoms` $S-R = I_{12} - I_1 - I_2$, and $k^2-1-2(k-1) = (k-1)^2$.
# ```
#
# It is quadratic in $k$: not the sensors' cells count but the *pairs* of cells. This holds for any
# measure of interaction that is made from three counted informations, so it is worth being suspicious
# of synergy in particular. For the unplugged sensors:

# %%
b = 1 / (2 * n_samples * np.log(2))
print(f"predicted S - R: {19**2 * b:.3f} bits")
print(f"found     S - R: {nothing.synergy - nothing.redundancy:.3f} bits")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Synergy and redundancy found for shuffled labels against the number of clusters. Redundancy stays near zero. Synergy climbs ever more steeply and follows the dotted prediction, a little above it at the right end."}, "figure": {"caption": "What is found where nothing is: AND with shuffled labels. The dotted line is the predicted leading term; nothing is fitted.", "name": "fig-shuffled"}}
ks = (2, 3, 4, 6, 8, 12, 16, 20)
made_up = [
    cluster_pid(x1, x2, shuffled, n_clusters=k, n_bootstrap=0, seed=seed).atoms
    for k in ks
]
ax = sns.lineplot(
    pd.DataFrame(made_up, index=ks, columns=NAMES)[["S", "R"]],
    palette=plots.PALETTE,
    markers=["o", "s"],
    dashes=False,
)
ax.plot(ks, (np.array(ks) - 1) ** 2 * b, ":", color=INK, label="predicted $S-R$")
ax.set_xticks(range(0, 21, 4))
_ = ax.set(xlabel="clusters per modality $k$", ylabel="bits found")
ax.legend(loc="upper left")
plt.show()

# %% [markdown]
# **Predict first.** You count AND into 8 clusters a camera, from 1,000 samples. Then you collect as many
# samples again and, as there is more data, double the clusters as well. Will the made-up part of $S-R$
# shrink, stay or grow? And what will shuffling the labels change: the truth, the counts, or the gap
# between them? Decide, then move $k$ and $N$.

# %%
plots.counting_bias()

# %% [markdown]
# ## Two errors that pull in opposite directions
#
# So use few clusters? Then the other error strikes. A cluster is computed from the features without
# a look at the label, so it tells no more than they do ({prf:ref}`thm-dpi`): all three informations
# of the clusters are *too small*. To see both errors apart, keep the clusters that were found with
# our samples, and count a hundred thousand others into them: that is what the same clusters would
# give with endless data.


# %%
def counted(a, b, labels, k):
    """The table of counts, as shares."""
    counts = np.zeros((k, k, labels.max() + 1))
    np.add.at(counts, (a, b, labels), 1)
    return counts / len(labels)


def tables(k):
    """The clusters' table from our samples, and from endless data."""
    ours, theirs = [], []
    for x, name in ((x1, "x1"), (x2, "x2")):
        model = KMeans(k, n_init=3, random_state=seed).fit(x)
        ours.append(model.labels_)
        theirs.append(model.predict(endless.inputs[name].numpy()))
    return counted(*ours, y, k), counted(*theirs, endless.target.numpy(), k)


ks = (2, 3, 4, 6, 8, 12, 16, 24)
both = [tables(k) for k in ks]
ours, theirs = (
    np.array([decompose(p, tolerance=1e-6).atoms for p in part])
    for part in zip(*both, strict=True)
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels against the number of clusters, R and S. With endless data, dashed, both rise from below towards the dotted truth, with a dip at three and four clusters. With our samples R stays near the dashed line, while S leaves it upwards, crosses the truth and ends far above it."}, "figure": {"caption": "Redundancy and synergy of AND against the number of clusters. The dashed lines show what clustering loses; what separates the full lines from them is bias, and the luck of one sample.", "name": "fig-clusters"}}
fig, axes = plt.subplots(1, 2, figsize=(6.4, 3.6), sharex=True)
for ax, atom in zip(axes, ("R", "S"), strict=True):
    k = NAMES.index(atom)
    color = plots.PALETTE[atom]
    ax.axhline(exact.atoms[k], color=INK, ls=":", label="truth")
    ax.plot(ks, theirs[:, k], "--", color=color, label="endless data")
    ax.plot(ks, ours[:, k], "o-", color=color, label=f"N = {n_samples:,}")
    _ = ax.set(xlabel="clusters $k$", title=f"{atom} (bits)")
    ax.legend(loc="lower right", fontsize=10)
plt.show()

# %% [markdown]
# The full line for $S$ crosses the truth somewhere. **That is no success**: at the crossing two
# errors happen to cancel, and without the truth nobody sees where that is. Note also the dip at three
# and four clusters. More clusters do not always tell more: k-means sees no labels, and what it
# divides first need not be what matters.
#
# With clusters held fixed the bias goes away as $1/N$. Take the table of eight clusters with endless
# data for the truth, and draw smaller data sets from it.

# %%
eight = both[ks.index(8)][1]
truth_of_eight = decompose(eight, tolerance=1e-6).atoms
sizes = (125, 250, 500, 1_000, 2_000, 4_000, 8_000)
by_size = []
for n in sizes:
    drawn = rng.multinomial(n, eight.ravel(), size=repeats) / n
    found = decompose_batch(drawn.reshape(-1, *eight.shape), tolerance=1e-6).atoms
    by_size.append(found)
by_size = np.array(by_size)  # sizes, repeats, atoms

# %% tags=["hide-input"] mystnb={"image": {"alt": "Plug-in R, U1 and S against the number of samples on a logarithmic axis, with bands. S starts far above its dashed true value and falls to it, along a dotted prediction except for the smallest sizes. R starts close to its true value. U1 falls slowly towards zero."}, "figure": {"caption": "Plug-in atoms of one table with 8 × 8 × 2 cells against the number of samples: mean and one standard deviation. Dashed: the table's own atoms. Dotted: the prediction, if all of it went to $S$.", "name": "fig-samples"}}
draws = pd.DataFrame(by_size.reshape(-1, 4), columns=NAMES)
draws["N"] = np.repeat(sizes, repeats)
ax = sns.lineplot(
    draws.melt("N", ["S", "R", "U1"]), x="N", y="value", hue="variable",
    palette=plots.PALETTE, marker="o", errorbar="sd",
)  # fmt: skip
for k in (0, 1, 3):
    ax.axhline(truth_of_eight[k], color=plots.PALETTE[NAMES[k]], ls="--", lw=1)
predicted = truth_of_eight[3] + 49 / (2 * np.array(sizes) * np.log(2))
ax.plot(sizes, predicted, ":", color=INK, label="predicted S")
_ = ax.set(xlabel="samples $N$", xscale="log", ylabel="bits", ylim=(-0.02, 0.5))
ax.set_xticks([125, 500, 2_000, 8_000], ["125", "500", "2,000", "8,000"])
ax.minorticks_off()
ax.legend(ncols=2)
plt.show()

# %% [markdown]
# Three things to see. The synergy falls onto its line as predicted, except where there are only a
# few samples for a cell: there the expansion is void, since most cells stay empty and are not in use.
# $U_1$, whose true value is close to 0, is slow: it falls not as $1/N$ but as $1/\sqrt N$. And the
# redundancy hardly moves, but only because two errors cancel: $I_1$ is too large by the bias of
# counting, and of that and more is taken away by $U_1$. The slow error is not the bias of entropy.
# The sources are equally good, and in a sample one of them *looks* better by chance; what looks better
# looks unique. Chance differences are of order $1/\sqrt N$, and none of them is ever negative. Where
# $U_1=U_2=0$, every estimator of BROJA's atoms has this error, and what $U_1$ or $U_2$ gets too much
# $R$ and $S$ get too little.
#
# ### What the library does about it
#
# `cluster_pid` without options does three things. It **chooses** $k$ by what can be seen without
# knowing the truth: how well the table, counted on three quarters of the samples, predicts the
# labels of the others. Of the numbers of clusters that do so about as well as the best, within one
# standard error, it takes the smallest {cite:p}`breiman1984`. One cluster, which predicts what is most frequent
# and knows nothing else, takes part, and it wins unless the others gain more than they gain on shuffled labels.
#
# It **corrects**: draw new data sets of size $N$ from the counts, and see by how much their plug-in
# atoms exceed those of the counts. Counts overstate the truth by about the same amount, so subtract
# it {cite:p}`efron1993`:
#
# $$
# \hat\theta_{\text{corrected}} = 2\,\hat\theta - \overline{\theta^*},
# $$
#
# with $\hat\theta$ the plug-in atom and $\overline{\theta^*}$ its mean over the resamples.
#
# And it **checks**: it counts the same clusters with shuffled labels, 39 times. Where more than one of these
# tables has as much of an atom as the real one, the interval of that atom begins at zero. Try all of it
# first on nothing, then on AND:

# %%
nothing_again = cluster_pid(*readings, coin, n_bootstrap=50, seed=seed)
clustered = cluster_pid(x1, x2, y, seed=seed)
show("unplugged", nothing_again.atoms)
show("AND", clustered.atoms)
show("truth", exact.atoms)
for name, found in (("unplugged", nothing_again), ("AND", clustered)):
    print(f"clusters chosen, {name}: {int(found.diagnostics['n_clusters_1'])}")
low, high = nothing_again.interval.loc["S"]
print(f"unplugged: S between {low:.3f} and {high:.3f} bits")
for what in ("plugin", "shuffled"):
    print(f"AND: S of the counts, {what}: {clustered.diagnostics[f'{what}_S']:.3f}")

# %% [markdown]
# For the unplugged sensors the choice is one cluster: *nothing can be told*. The atoms are zero, and the interval says how much
# synergy the tables with at least five samples a cell would not have ruled out. A small number is no proof that there is no
# synergy: it may hide in finer structure than these tables show.

# %% [markdown]
# ## What an interval covers
#
# The same resamples give an interval. It is tempting to read it as "the synergy lies in here, with
# 95 % probability".

# %%
clustered.interval.round(3).assign(truth=exact.atoms.round(3))

# %% [markdown]
# Read it with care. The resamples vary **which samples were drawn**. They do not vary where the
# clusters are, and no resampling can bring back what the clusters have thrown away. So the interval is about the
# *table of the clusters*, and if that differs from the features' decomposition, more data makes the
# interval narrower around the wrong number.
#
# Whether an interval covers what it says can be measured, if the truth is known: draw a hundred data
# sets from a table, compute the interval for each, and count how many hold the table's true atoms.
# That takes a few minutes, so a benchmark does it, and this chapter reads its file. (The benchmark is
# `python -m benchmarks.estimators`; more of its results are below.)

# %%
benchmark = results("estimators")
covered = pd.DataFrame(benchmark["coverage"])
covered["cells"] = 2 * covered["bins"] ** 2
covered["samples per cell"] = (covered["n"] / covered["cells"]).round()
percent = covered.set_index(["cells", "n", "samples per cell"])
percent = 100 * percent[[f"covered_{atom}" for atom in NAMES]]
percent.columns = NAMES
n_intervals = benchmark["coverage"][0]["repeats"]
print(f"of {n_intervals} intervals, hold the truth (%):")
print(percent.round().astype(int).to_string())
print(f"standard error of a 95: {100 * np.sqrt(0.95 * 0.05 / n_intervals):.0f}")

# %% [markdown]
# The intervals come close to what they promise. Those of $R$ and $S$ are a few per cent short of it, and clearly short for
# $S$ in the large table with three or four samples for a cell. (What is below zero is cut off, so intervals of $U_1$ and $U_2$,
# whose true value is 0 here, hold the truth easily.) But all of this is for *the table's* atoms. For the features of
# our two cameras the interval above has to be read next to {numref}`fig-clusters`.
#
# ## Without cells: BATCH
#
# Cells are the trouble: too few lose information, too many invent it, and in many dimensions k-means
# spends its clusters on what varies most, not on what matters. Can BROJA be estimated without a
# table?
#
# Recall what there is to compute. Of the four quantities that fix the atoms three are mutual
# informations, and {prf:ref}`thm-cross-entropy` tells how to measure those: with the held-out losses of
# classifiers, for $x_1$, for $x_2$, and for both. The fourth is $I_*$, the least that the sources can tell together when they are
# re-paired ({prf:ref}`def-broja`). {cite:t}`liang2023` re-pair *samples*. Take a batch of $n$ samples of each
# source, and let $q(i,j,y)$ be how often sample $i$ of the first source goes with sample $j$ of the
# second and label $y$. It must keep the pairwise tables, which the classifiers know:
#
# $$
# \begin{aligned}
# \sum_j q(i,j,y) &\propto p(y|x_{1i}), \\
# \sum_i q(i,j,y) &\propto p(y|x_{2j}) .
# \end{aligned}
# $$
#
# Start from positive numbers $\exp\big(f_1(x_{1i},y)\cdot f_2(x_{2j},y)\big)$, where $f_1$ and $f_2$ are networks, and
# rescale rows and columns until the margins are right: Sinkhorn's algorithm, as in the solver of the
# last chapter. Then change the networks such that $I_q$ falls. That is the method, **BATCH**.
#
# The library's version uses what the last chapter proved. At the optimum $q(y|i,j) = a(i,y)\,b(j,y)$, so
#
# $$
# q(i,j,y) = e^{\,s(i,j)}\; a(i,y)\; b(j,y)
# $$
#
# with *one* affinity $s$ for all labels; the rest is scaling. And when the networks are done, the
# alternating projections of the hand-made solver finish the job on each batch, with a certified gap.

# %%
batch = batch_pid(
    x1,
    x2,
    y,
    folds=3,
    classifier_steps=steps,
    steps=100,
    device=device,
    seed=seed,
    progress=False,
)
show("truth", exact.atoms)
show("BATCH", batch.atoms)
show("cluster", clustered.atoms)
print(f"certified gap of the couplings: {batch.diagnostics['gap']:.3f} bits")

# %% [markdown]
# No cells, so nothing is lost to them, and classifiers scored on samples they never saw do not invent
# information. But the batch is new. A batch is a small data set, in which one source looks better by
# chance, so it makes $R$ too small just as small data sets do. To see this error alone, give the
# method the *exact* $p(y|x)$ and solve random batches by a hundred projections, close to the end. For AND a camera's projection $t$
# on its direction says that the switch is up with probability $1/(1+e^{-2t/\sigma^2})$, and half of
# the time the other switch is up, too.


# %%
def exact_log_odds(samples, name):
    """log p(y | x) of AND, from the exact densities: shape (2, N)."""
    t = samples.inputs[name].numpy() @ samples.directions[name][0]
    on = 0.5 / (1 + np.exp(-2 * t / samples.noise**2))
    return torch.tensor(np.log([1 - on, on]), dtype=torch.float32)


def redundancy_of_batch(log_p1, log_p2, prior):
    """R of a batch: each source's own information, minus that of the best coupling."""
    # Each label has the same mass in both sources.
    a, b = (
        p - p.logsumexp(dim=1, keepdim=True) + prior[:, None]
        for p in (log_p1, log_p2)
    )
    s, u, v = refine(
        torch.zeros(a.shape[1], b.shape[1], dtype=a.dtype), a, b, steps=100
    )
    own = sum(
        mutual_information(m.exp().numpy().T / m.exp().sum().item()) for m in (a, b)
    )
    return own - coupling_information(s, u, v).item() / np.log(2)


log_p = [exact_log_odds(endless, name) for name in ("x1", "x2")]
prior = torch.log(torch.tensor([0.75, 0.25]))
batch_sizes = {8: 40, 32: 40, 128: 16, 256: 8}
in_batches = {}
for size, times in progress(batch_sizes.items(), "batch sizes"):
    picks = [rng.choice(n_endless, size=(2, size)) for _ in range(times)]
    in_batches[size] = [
        redundancy_of_batch(log_p[0][:, i], log_p[1][:, j], prior) for i, j in picks
    ]

# %% tags=["hide-input"] mystnb={"image": {"alt": "Redundancy of random batches against the batch size, mean with interval and single batches as dots. It lies well below the dotted truth for the smallest batches and rises towards it as batches grow."}, "figure": {"caption": "Redundancy of AND in random batches, with exact posteriors and couplings close to the best: dots are batches, the line is their mean with its 95 % interval. What is left is nearly all due to the size of the batch.", "name": "fig-batch-size"}}
single = pd.Series(in_batches, name="R").explode().rename_axis("size").reset_index()
look = {"x": "size", "y": "R", "color": plots.PALETTE["R"]}
ax = sns.scatterplot(single, **look, s=20, alpha=0.35, lw=0)
sns.lineplot(
    single.astype(float), **look, marker="o", errorbar=plots.t_interval,
    err_style="bars", label="mean of batches",
)  # fmt: skip
ax.axhline(exact.redundancy, color=INK, ls=":", label="truth")
_ = ax.set(xlabel="samples in a batch", xscale="log", ylabel="$R$ (bits)")
ax.set_xticks(list(in_batches), [str(size) for size in in_batches])
ax.minorticks_off()
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# Taking the mean over many small batches does not help, since it is their mean that is too low. So
# the library evaluates on batches of up to 512 samples, and deals samples to batches like cards:
# sorted by what they say, so that each batch looks like the whole. What remains is the chance
# difference of the whole sample, and whatever the classifiers have missed.
#
# ## Another number: LSMI
#
# There is a third estimator that people use for data sets, LSMI {cite:p}`yang2025`. It
# too trains classifiers, adds a density model for each modality, and computes an $r$, $u_1$, $u_2$
# and $s$ for every sample; their means are the atoms of the data set. But these are the atoms of
# *another definition*, the pointwise one that the last chapter had in its list. Comparing them with
# BROJA's would be like checking a thermometer against a barometer. Its truth can be
# computed from the exact densities as well:

# %%
one_number, _, _ = data.load(
    "gaussian_gates", seed=seed, dim=1, n_train=n_samples, n_test=1, **options
)
pointwise = pointwise_truth(one_number).mean()[NAMES].to_numpy()
lsmi = lsmi_pid(
    *one_number.inputs.values(),
    one_number.target,
    folds=3,
    steps=steps,
    n_bootstrap=0,
    device=device,
    seed=seed,
)
show("truth, BROJA", exact.atoms)
show("truth, pointwise", pointwise)
show("LSMI", lsmi.atoms)

# %% [markdown]
# (Here each camera gives one number. The pointwise truth depends on the length of the vectors, as it
# compares surprises, and noise surprises, too; the next chapter is about that, and about what these
# values mean for single samples.) The estimator
# does well, at its own task. **Before comparing estimates, ask which definition they estimate.** The
# negative unique atoms are no error: this definition has them.
#
# ## When everything is Gaussian
#
# If the sources and the label are jointly Gaussian, and the label a real number, there is a formula.
# Let $\rho_m^2$ be the share of the variance of $Y$ that a linear regression on $X_m$ explains. Then
# $I(X_m;Y) = -\tfrac12\log_2(1-\rho_m^2)$, likewise for the pair {cite:p}`cover2006`, and
# {cite:t}`barrett2015` showed that $R$ is simply the smaller of $I_1$ and $I_2$, for BROJA and for
# every definition that respects {prf:ref}`assumption-star` and has no negative atoms. The reason is
# {prf:ref}`thm-garbling`: all that a Gaussian source tells about $Y$ is one number, $Y$ plus Gaussian
# noise, and the noisier of two such numbers can be made from the other by adding noise. So the weaker
# source is a garbling of the stronger one and has nothing unique.
#
# Three regressions, and done. Let $Y = X_1 + X_2 + Z$, all three with variance 1, and let the sources
# have correlation $c$:


# %%
def covariance(c):
    """Covariance of X1, X2 and Y = X1 + X2 + Z."""
    return np.array([[1, c, 1 + c], [c, 1, 1 + c], [1 + c, 1 + c, 3 + 2 * c]])


correlations = np.linspace(-0.9, 0.9, 13)
closed_form = np.array(
    [decompose_gaussian(covariance(c), 1, 1).atoms for c in correlations]
)
few = 200
estimates = []
for c in correlations:
    sample = rng.multivariate_normal(np.zeros(3), covariance(c), size=few)
    estimates.append(
        gaussian_pid(*sample.T[:2], sample[:, 2], n_bootstrap=100, seed=seed)
    )

# %% tags=["hide-input"] mystnb={"image": {"alt": "Redundancy and synergy against the correlation of the two sources, lines for the closed form and dots with intervals for estimates. R rises from zero to about one bit. S is an arch with its top at correlation zero. The dots follow the lines, most of them a little below."}, "figure": {"caption": "Two Gaussian sources that add up to the label. Lines: closed form. Dots: estimates from 200 samples with bootstrap intervals. The more the sources repeat each other, the more of it is redundant.", "name": "fig-gaussian"}}
fig, ax = plt.subplots()
for atom, marker, shift in (("R", "s", -0.008), ("S", "o", 0.008)):
    k, color = NAMES.index(atom), plots.PALETTE[atom]
    ax.plot(correlations, closed_form[:, k], color=color, label=f"${atom}$")
    values = np.array([e.atoms[k] for e in estimates])
    ends = np.array([e.interval.loc[atom].to_numpy() for e in estimates])
    reach = np.abs(ends.T - values)
    ax.errorbar(
        correlations + shift,
        values,
        reach,
        fmt=marker,
        color=color,
        capsize=3,
        lw=1,
    )
_ = ax.set(xlabel="correlation of $X_1$ and $X_2$", ylabel="bits")
ax.legend(loc="upper center")
plt.show()

# %% [markdown]
# Two hundred samples go far, because three regressions have few numbers to learn. Where neither source
# has anything of its own the answers lean low, for the reason given above: one source looks better by
# chance. The price is the assumption. A covariance knows nothing but lines. Here is a lamp
# with a dimmer: the *sign* of $Y$ is the XOR of the signs of the sources.

# %%
g1, g2 = rng.normal(size=(2, n_samples))
dimmer = np.sign(g1 * g2) * (1 + 0.3 * rng.normal(size=n_samples))
blind = gaussian_pid(g1, g2, dimmer, n_bootstrap=0, seed=seed)
seeing = cluster_pid(g1, g2, (dimmer > 0).astype(int), seed=seed)
show("Gaussian", blind.atoms)
show("cluster, sign of Y", seeing.atoms)

# %% [markdown]
# The regression finds nothing, in perfect confidence, and would with any amount of data: both
# covariances with $Y$ are zero. Clusters find nearly the whole bit in the sign. **A Gaussian estimate is a statement about the
# linear part.** Zero synergy there does not mean that there is none.
#
# ## When nobody saw all three
#
# Sometimes not even samples of $(x_1,x_2,y)$ exist. There are labelled recordings, there are labelled
# images, and there is a heap of videos that nobody has labelled. So the pairwise tables $p(x_1,y)$, $p(x_2,y)$ and
# $p(x_1,x_2)$ can be counted, the joint table cannot. $R$, $U_1$ and $U_2$ are known then: they
# depend on the first two tables only. That was {prf:ref}`assumption-star`. Only the synergy is open, and
# {cite:t}`liang2024` asked how far it can be pinned down.
#
# ```{prf:theorem} Synergy from redundancy
# :label: thm-synergy-bound
#
# $S \ge R - I(X_1;X_2)$, with equality exactly if $X_1$ and $X_2$ are independent given $Y$.
# ```
#
# ```{prf:proof}
# By {eq}`eq-atoms` $R - S = I_1 + I_2 - I_{12}$, the co-information, which by {prf:ref}`thm-sign`
# is $I(X_1;X_2) - I(X_1;X_2|Y)$. The last term is not negative, and 0 exactly under conditional independence.
# ```
#
# In words: redundancy *should* show as a dependence of the sources, for whoever knows the same must
# agree. If the sources agree less than their redundancy requires, something must set them apart, and
# that is synergy. AND is the classical case: $R = 0.311$, and yet the switches are independent.
#
# A second bound is stronger. Take a classifier whose logits are a sum of one term a source, the two
# learned together, with a softmax on top. (In the certificate of the last chapter such a sum was not
# normalised; here it is, and for that one has to know how often pairs of values occur, but not their
# labels.) Its loss needs the three pairwise tables and nothing else. The best such classifier knows some
# number of bits, and the truth knows at least as much, whatever the joint table is. Subtract $I_*$, and a
# lower bound on $S$ is left. It is the largest that these tables allow. From above, $S \le H(Y) - I_*$,
# and a little less, since the entropy of a joint table with these margins cannot be as small as one
# likes. (Proofs: the docstring of `bounds_from_tables`.)

# %%
cases = {
    "XOR": GATES["xor"](),
    "AND": GATES["and"](),
    "AND, label 10 % wrong": noisy(GATES["and"](), 0.1),
    "redundant": GATES["redundant"](),
    "copy": GATES["copy"](),
    "two coins": GATES["two_bit_copy"](),
    "house A": GATES["dyadic"](),
    "house B": GATES["redundant_xor"](),
    "digit pairs, cue": label_table(n_classes=2),
    "digit pairs, no cue": label_table(n_classes=2, cue=False),
}
rows = []
for name, p in cases.items():
    bound = bounds_from_tables(p.sum(axis=1), p.sum(axis=0), p.sum(axis=2))
    low, high = bound.interval.loc["S"]
    rows.append(
        {
            "table": name,
            "R - I(X1;X2)": bound.diagnostics["lower_redundancy"],
            "lower": low,
            "S": decompose(p).synergy,
            "upper": high,
        }
    )
widths = pd.DataFrame(rows).set_index("table")
widths.round(3) + 0.0

# %% tags=["hide-input"] mystnb={"image": {"alt": "One line per table from the lower to the upper bound of its synergy, with the true synergy as a diamond. For AND, redundant, copy, two coins and house A the line is a point. For XOR and house B it covers everything from 0 to 1 bit. Noisy AND and the two digit pairs have long lines."}, "figure": {"caption": "What three pairwise tables say about synergy: a bar from the lower to the upper bound, a diamond at the truth. Five tables give it away, XOR keeps its secret.", "name": "fig-bounds-width"}}
fig, ax = plt.subplots(figsize=(6.2, 4.6))
ax.hlines(widths.index, widths["lower"], widths["upper"], color=GREY, lw=8)
for end in ("lower", "upper"):
    ax.plot(widths[end], widths.index, "|", color=INK, ms=14, mew=2)
ax.plot(widths["S"], widths.index, "D", color=plots.PALETTE["S"], ms=8)
ax.invert_yaxis()
ax.grid(axis="y", visible=False)
_ = ax.set(xlabel="synergy (bits)")
plt.show()

# %% [markdown]
# The bounds always hold; whether they *say* anything depends on the data. For AND they meet: nobody
# ever saw both switches and the lamp, and its synergy is known exactly. For XOR they are **vacuous**, from nothing to everything. It must be
# so: all three pairwise tables of XOR are those of three independent coins, so no method whatever can
# tell XOR from nothing at all without labelled pairs. What closes the gap for AND is that a single
# source can rule a label out, that is, zeros in the pairwise tables; ten per cent of wrong labels fill
# them and open it again.
#
# From samples the tables are counted, and noise in the counts moves the bounds. Three data sets of
# which none shows all three, drawn from our cameras:

# %%
third = n_samples // 3
apart = [slice(k * third, (k + 1) * third) for k in range(3)]
bound = synergy_bounds(
    x1[apart[0]],
    y[apart[0]],
    x2[apart[1]],
    y[apart[1]],
    x1[apart[2]],
    x2[apart[2]],
    n_clusters=4,
    seed=seed,
)
low, high = bound.interval.loc["S"]
print(f"S between {low:.2f} and {high:.2f} bits; truth {exact.synergy:.2f}")

# %% [markdown]
# (A caution: sampling noise is *not* in these bounds, and they are for the clusters. They can miss the
# truth, and below they do.)
#
# ## The comparison
#
# `python -m benchmarks.estimators` runs every estimator on data with known answers, with several
# seeds: four gates seen through noise, three noise levels, vectors of length 4 and 32, four sample
# sizes; pairs of handwritten digits with and without the cue; and Gaussian sources. For pixels the
# truth is that of the digits' labels, as a zero and a one can nearly always be told apart. Each
# estimator is compared with the truth *of its own definition*.

# %%
table = pd.DataFrame(benchmark["rows"])
base = {"data": "and", "noise": 0.5, "dim": 4, "n": 2_000}
print(f"{len(table)} runs, {len(benchmark['seeds'])} seeds a condition")
print(
    "made with",
    ", ".join(
        f"{k} {v}" for k, v in benchmark["runs"]["batch"]["versions"].items()
    ),
)


def where(**wanted):
    """Rows of the benchmark with these values, the base condition elsewhere."""
    condition = base | wanted
    keep = np.logical_and.reduce([table[k] == v for k, v in condition.items()])
    return table[keep]


def truth_and_estimates(rows, estimators):
    """One row a run, and one for the truth of each definition, to be stacked."""
    parts = []
    for name, estimator in estimators.items():
        own = rows[rows["estimator"] == estimator]
        if name.startswith("truth"):
            own = own[:1][[f"truth_{a}" for a in NAMES]].set_axis(NAMES, axis=1)
        parts.append(own[NAMES].assign(by=name))
    return pd.concat(parts)


# %% tags=["hide-input"] mystnb={"image": {"alt": "Six stacked bars for AND: truth by BROJA, plug-in with 16 clusters, cluster, BATCH; then truth by the pointwise definition and LSMI. BATCH comes closest in height to the first truth, the clusters are lower. LSMI agrees with the pointwise truth, including small negative unique parts below zero."}, "figure": {"caption": "AND seen by two noisy cameras in four dimensions, 2,000 samples. The first bar is the truth for the next three, the fifth for the last. Black: 95 % intervals of the mean over seeds, one for each part, at its upper end (at its lower end for negative parts).", "name": "fig-stacked"}}
groups = {
    "truth": "cluster",
    "plug-in\n16": "plug-in 16",
    "cluster": "cluster",
    "BATCH": "batch",
    "truth,\npointw.": "lsmi",
    "LSMI": "lsmi",
}
fig, ax = plt.subplots(figsize=(6.4, 4.2))
plots.stacked_interactions(truth_and_estimates(where(), groups), by="by", ax=ax)
ax.axvline(3.5, color=GREY, lw=1)
plt.show()

# %% [markdown]
# Two definitions, two truths, and each estimator is to be held against its own. BATCH comes closest to
# BROJA's truth, LSMI is close to the pointwise one. The corrected clusters lie lowest. The raw plug-in
# with sixteen clusters has nearly the right height; the next figure shows what that is worth. All
# of the first group have some $U$ where there is none, for the reason given above.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels, error of R and error of S against the number of samples, a line for each estimator with bars of one standard deviation. All lines are below zero. Those of BATCH and LSMI rise to zero. The one of the corrected clusters rises, but stays clearly below. The one of the plug-in with 16 clusters hardly moves for R, and for S it falls away from zero."}, "figure": {"caption": "Error of $R$ and of $S$ (estimate minus truth) for AND against the number of samples: mean and standard deviation over seeds. What has not come near zero is not cured by this much data.", "name": "fig-errors"}}
fig, axes = plt.subplots(2, 1, figsize=(6.2, 5.6), sharex=True)
curves = pd.concat([where(n=n) for n in benchmark["sizes"]])
for ax, atom in zip(axes, ("R", "S"), strict=True):
    ax.axhline(0, color=INK, lw=1)
    sns.pointplot(
        curves.assign(error=curves[atom] - curves[f"truth_{atom}"]),
        x="n",
        y="error",
        hue="estimator",
        hue_order=["plug-in 16", "cluster", "batch", "lsmi"],
        palette=[GREY, "C1", VIOLET, "C2"],
        markers=["x", "s", "o", "^"],
        linestyles=[":", "--", "-", "-."],
        linewidth=2,
        markersize=6,
        errorbar="sd",
        capsize=0.1,
        err_kws={"linewidth": 2},
        dodge=0.3,
        native_scale=True,
        log_scale=(10, None),
        legend=atom == "R",
        ax=ax,
    )
    _ = ax.set(xlabel="samples", ylabel=f"error of ${atom}$ (bits)")
axes[1].set_xticks(benchmark["sizes"], [f"{n:,}" for n in benchmark["sizes"]])
axes[1].minorticks_off()
axes[0].legend(ncols=2, fontsize=11)
plt.show()

# %% [markdown]
# The networks approach zero from below: with few samples they have learned little, and report little.
# Clusters lose what is within a cluster: sixteen times as many samples still leave three fifths of the error
# of $S$. The strangest curve is the raw plug-in's: **its synergy is best with the fewest samples, and gets worse with more
# data.** What clustering loses had been replaced by what counting invents, and the invention goes away
# first. A small error is no merit if its cause is an accident.
#
# ## Where they fail
#
# The whole table, by the worst atom: for each condition the largest error of the four *mean* atoms (what no
# repetition averages away), and the standard deviation of that atom over the seeds.


# %%
def describe(row):
    """A condition in words."""
    if row["data"].startswith("digits"):
        return row["data"]
    return f"{row['data']}, noise {row['noise']:g}, dim {row['dim']:g}"


errors = table[NAMES] - table[[f"truth_{a}" for a in NAMES]].to_numpy()
errors = errors.assign(
    estimator=table["estimator"],
    n=table["n"],
    condition=table.apply(describe, axis=1),
)
errors = errors[errors["estimator"] != "bounds"]
grouped = errors.groupby(["condition", "n", "estimator"], sort=False)[NAMES]
bias, spread = grouped.mean(), grouped.std()
worst = bias.abs().to_numpy().argmax(axis=1)
rows_of = np.arange(len(bias))
summary = pd.DataFrame(
    {
        "bias": bias.to_numpy()[rows_of, worst],
        "sd": spread.to_numpy()[rows_of, worst],
        "atom": np.array(NAMES)[worst],
    },
    index=bias.index,
)
cell = summary.apply(
    lambda r: f"{r['bias']:+.2f} ({r['sd']:.2f}) {r['atom']}", axis=1
)
columns = ["plug-in 16", "cluster", "batch", "lsmi", "gaussian"]
gaussian = cell.xs("gaussian", level="estimator")
overview = cell.drop("gaussian", level="estimator").unstack("estimator")
overview = overview.reindex(columns=columns[:-1]).fillna("")
print("worst mean atom: error in bits, (sd over seeds), which atom")
print("Gaussian sources, closed form:")
print(gaussian.to_string())
overview

# %%
largest = summary["bias"].abs().groupby("estimator").agg(["median", "max"])
seconds = table.groupby("estimator")["seconds"].median()
largest["CPU seconds a run"] = seconds.round(1)
print(largest.loc[columns].round(3).to_string())

# %%
known = table[table["estimator"] == "bounds"]
inside = known["S_lower"] - 0.02 <= known["truth_S"]
inside &= known["truth_S"] <= known["S_upper"] + 0.02
width = (known["S_upper"] - known["S_lower"]).groupby(known["data"], sort=False)
print(f"bounds that hold, up to 0.02 bits: {inside.mean():.0%}")
missed = np.maximum(
    known["S_lower"] - known["truth_S"], known["truth_S"] - known["S_upper"]
)
misses = missed[~inside].groupby(known["data"])
print(
    "misses:",
    misses.size().to_dict(),
    "of",
    known["data"].value_counts().to_dict(),
)
print("by at most, in bits:", misses.max().round(2).to_dict())
print("mean width in bits:", width.mean().round(2).to_dict())

# %% [markdown]
# The worst atom says little about synergy. Here are its means for 2,000 samples, noise 0.5 and four dimensions, and for the digits:

# %%
rows = table[(table["n"] == 2_000) & table["noise"].isin([0.0, 0.5])]
rows = rows[(rows["dim"] != 32) & rows["estimator"].isin(columns[:3])]
synergy = rows.pivot_table(index="data", columns="estimator", values="S")
synergy = synergy[columns[:3]].assign(truth=rows.groupby("data")["truth_S"].mean())
print("mean S in bits:")
print(synergy.round(3).to_string())

# %% [markdown]
# When to trust which:
#
# * **Clusters and counts.** The raw plug-in finds synergy where there is none (`copy`), or too much of it
#   (`digits`). The corrected one hardly does, but it is cautious: it takes as few clusters as predict about as well as more, and
#   mostly loses more to them than the raw one. Read it as "at least about this much", except
#   if the sources are noisy copies: in `redundant` coarse clusters turn redundancy into synergy, half as much again as there is. It does not matter to k-means how long the vectors are as long as what matters
#   also varies most, as here; with the cue of `digits+cue`, a small part of the image, it has a hard time.
# * **BATCH.** The best for BROJA in seven of the ten conditions with 2,000 samples or more. It is as good as its classifiers: with 250
#   samples, or vectors of 32 numbers, they miss something, and the synergy is too low. Trust it if the
#   held-out losses in `diagnostics` no longer improve with more data or larger networks. It is also
#   the slowest.
# * **LSMI.** Close to the truth of its own definition, with the weaknesses of its classifiers. It
#   fails if it is read as BROJA; negative unique means give it away. The next chapter shows what else it
#   depends on.
# * **Gaussian.** With 1,000 samples every mean atom is within 0.02 bits, with sixteen features a source as with two; with 250
#   one is off by 0.08. It is blind to what is not linear: a zero says nothing of that. Nor does
#   a large value mean much unless $Y$ is about Gaussian, too: for a label of two values, coded as numbers, it can
#   exceed $H(Y)$, which no information about $Y$ does. Look at the residuals before you believe it.
# * **Bounds.** With exact tables they always hold. From counted clusters they are bounds for the synergy *of the
#   clusters*, without sampling noise, and so they miss the features' truth, and not rarely: most often where
#   that is near zero (the counts are above). They may be vacuous, and say so by their width.
#
# And in practice, whatever you use: **shuffle the labels and run it again**; give an **interval**, and say
# what it covers; run a **second estimator** that fails differently. Clusters err by what they lose and
# counts by what they invent; networks err by what they did not learn. If both agree, an accident is
# unlikely.
#
# ## Check
#
# The cells below check what this chapter claims, first on its own data.

# %%
claim(
    nothing.synergy > 0.1 > 10 * nothing.redundancy
    and abs(nothing.synergy - nothing.redundancy - 19**2 * b) < 0.05,
    "Counts find synergy in noise, over 0.1 bits and about as much as predicted.",
)
claim(len(caught) == 1, "Of such counts the library warns.")
enough = np.array(sizes) >= 10 * eight.size
gap = by_size[enough, :, 3] - by_size[enough, :, 0]  # S - R
predicted = truth_of_eight[3] - truth_of_eight[0]
predicted = predicted + 49 / (2 * np.array(sizes)[enough] * np.log(2))
margin = gap.std(axis=1) / repeats**0.5 + 0.005
claim(
    (np.abs(gap.mean(axis=1) - predicted) < margin).all(),
    "With ten samples a cell or more the bias of S - R is the predicted one.",
)
claim(
    all(mutual_information(p) < exact.total + 0.01 for _, p in both),
    "With endless data no number of clusters tells more than there is.",
)
claim(
    (ours[-1] - theirs[-1])[3] > 0.05,
    "With the most clusters our samples show more synergy than endless data do.",
)
claim(
    nothing_again.total == 0
    and nothing_again.diagnostics["n_clusters_1"] == 1
    and (nothing_again.interval["lower"] == 0).all(),
    "For the unplugged sensors one cluster is chosen, and nothing is found.",
)
claim(
    clustered.interval.loc["S", "lower"] > 0,
    "For AND the interval of S begins above zero.",
)
in_small, *_, in_large = (np.mean(v) for v in in_batches.values())
claim(
    in_small < in_large - 0.01 < exact.redundancy,
    "Small batches find less redundancy than large ones, and these not too much.",
)
claim(
    np.abs(batch.atoms - exact.atoms).max() < 0.06,
    "BATCH comes within 0.06 bits of each of BROJA's atoms.",
)
claim(
    np.abs(lsmi.atoms - pointwise).max() < 0.06,
    "LSMI comes within 0.06 bits of each pointwise atom, its own definition.",
)
claim(
    blind.total < 0.01 and seeing.synergy > 0.8,
    "A covariance is blind to the XOR behind the dimmer; clusters see most of it.",
)
claim(
    (widths["lower"] <= widths["S"] + 1e-6).all()
    and (widths["S"] <= widths["upper"] + 1e-6).all()
    and (widths["R - I(X1;X2)"] <= widths["S"] + 1e-6).all(),
    "With exact tables all bounds of synergy hold.",
)
width_of = widths["upper"] - widths["lower"]
claim(
    (width_of < 1e-4).sum() == 5
    and width_of["AND"] < 1e-4
    and width_of["XOR"] > 1 - 1e-6,
    "They meet for five tables, AND among them; XOR's are a whole bit apart.",
)

# %% [markdown]
# Now the benchmark's.

# %%
short, others = percent.iloc[-3], percent.drop(percent.index[-3])
claim(
    short["S"] < 90,
    "In a large table with few samples intervals of S cover less than 90 %.",
)
claim(
    others[["R", "S"]].min().min() >= 88,
    "In the other tables those of R and S cover 88 % and more.",
)
means = errors.groupby(["estimator", "condition", "n"], sort=False)[NAMES].mean()
of_and = "and, noise 0.5, dim 4"
plug_in, by_batch, curve = (
    means.loc[name].loc[of_and, "S"].abs()
    for name in ("plug-in 16", "batch", "cluster")
)
claim(
    plug_in[4_000] > 1.5 * plug_in[250] and by_batch[250] > 1.5 * by_batch[4_000],
    "With more data the plug-in's synergy of AND gets worse, that of BATCH better.",
)
claim(
    0.5 < curve[4_000] / curve[250] < 0.7,
    "Sixteen times the data leave clusters 50 to 70 % of their error of S.",
)
claim(
    largest.loc["lsmi", "median"] < 0.02,
    "In the median condition every mean atom of LSMI is within 0.02 bits.",
)
claim(seconds.idxmax() == "batch", "BATCH is the slowest.")
raw, corrected, of_truth = (synergy[c] for c in ("plug-in 16", "cluster", "truth"))
claim(
    of_truth["copy"] < 0.001 < 0.03 < raw["copy"] and corrected["copy"] < 0.01,
    "In copy the raw plug-in finds synergy where there is none; corrected, hardly.",
)
claim(
    raw["digits"] > of_truth["digits"] + 0.05
    and abs(corrected["digits"] - of_truth["digits"]) < 0.02,
    "In digits the raw plug-in finds too much; corrected, about what there is.",
)
claim(
    1.2 < corrected["redundant"] / of_truth["redundant"] < 1.7,
    "In redundant the corrected clusters find 20 to 70 % too much synergy.",
)
size = summary["bias"].abs().unstack("estimator")
claim(
    (size["cluster"] > size["plug-in 16"]).sum() > size["cluster"].count() / 2,
    "In most conditions the corrected clusters are further off than the raw ones.",
)
enough = size[size.index.get_level_values("n") >= 2_000].dropna(subset="batch")
best = enough[["plug-in 16", "cluster", "batch"]].idxmin(axis=1)
claim(
    ((best == "batch").sum(), len(best)) == (7, 10),
    "From 2,000 samples on BATCH is the best for BROJA in seven of ten conditions.",
)
linear = size["gaussian"].dropna()
claim(
    linear[linear.index.get_level_values("n") >= 1_000].max() < 0.025
    and 0.07 < linear.max() < 0.09,
    "Gaussian: within 0.025 bits with 1,000 samples, within 0.09 with 250.",
)

# %% [markdown]
# ## Takeaways
#
# * **Shuffle the labels first.** What an estimator reports for shuffled labels it has made up. For
#   counts it is mostly synergy, about $(k-1)^2(K-1)/(2N\ln 2)$ bits.
# * Few clusters lose information, many invent it. Where the two errors cancel nobody can see.
# * **An interval covers what its resamples vary.** It does not cover what the representation threw
#   away; more data makes it narrower around the wrong number.
# * Ask which definition is estimated: clusters, BATCH and bounds are about BROJA, LSMI about
#   pointwise atoms, the Gaussian formula about the linear part.
# * Without labelled pairs $R$, $U_1$ and $U_2$ are still known, and synergy between bounds: sometimes exactly,
#   sometimes not at all.
# * Use **two estimators that fail differently**. Where they agree, and the shuffled run is near zero, there
#   is something to report.
#
# ## Exercises
#
# ```{exercise} How many samples?
# :label: ex-how-many
#
# You plan to use 10 clusters a modality for 6 classes, and the bias of $S - R$ shall be below 0.05
# bits without any correction. How many samples does it take? And with 3 modalities, if the bias is
# counted for the joint information?
# ```
#
# ```{solution} ex-how-many
# :class: dropdown
#
# $(k-1)^2(K-1)/(2N\ln2) \le 0.05$ gives $N \ge 81\cdot 5/(0.1\cdot 0.693) \approx 5{,}843$. With three modalities the
# joint information of $k^3$ cells has the bias $(k^3-1)(K-1)/(2N\ln 2)$, so
# $N \ge 999\cdot5/0.0693 \approx 72{,}000$: every modality multiplies the demand by the number of its
# cells.
# ```
#
# ```{exercise} One coin
# :label: ex-one-coin
#
# A fair coin is tossed twice, $N=2$. Find the mean of the plug-in entropy exactly, and compare it with
# {prf:ref}`thm-plugin`. Can the plug-in entropy be unbiased for any $N$?
# ```
#
# ```{solution} ex-one-coin
# :class: dropdown
#
# The tosses agree with probability $\tfrac12$, plug-in entropy 0; else they differ, plug-in entropy 1.
# The mean is $\tfrac12$ instead of 1. The leading term predicts $1 - \tfrac{1}{4\ln2} = 0.64$: the
# right direction, but with one sample a cell not yet the right size. Unbiased never: the bias is
# $\mathbb E\,D(\hat p\,\|\,p)$, which is 0 only if $\hat p = p$ always, that is, if nothing is random.
# ```
#
# ```{exercise} What clusters do to atoms
# :label: ex-coarse
#
# Each source shows the label, one of three equally likely values: $X_1 = X_2 = Y$. Source 1 is now
# clustered into two, with the second and third value merged. Find all four atoms before and after. Which of
# them went *up*?
# ```
#
# ```{solution-start} ex-coarse
# :class: dropdown
# ```

# %% [markdown]
# Before, $R=\log_2 3$ and nothing else. After, source 1 is a garbling of source 2, so $U_1=0$,
# $R = I(X_1;Y) = H_2(\tfrac13) = 0.918$, and $U_2 = \log_2 3 - 0.918 = \tfrac23$. Each information fell or
# stayed, as it must; the unique atom rose. A modality can look unique because the *other* one was
# clustered badly.

# %%
shown = np.zeros((2, 3, 3))
for value in range(3):
    shown[min(value, 1), value, value] = 1 / 3
show("after", decompose(shown).atoms + 0.0)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A test of significance
# :label: ex-test
#
# Turn the shuffle into a test: is the synergy that 8 clusters find in the first 200 samples of our AND data more than
# chance? Shuffle 39 times. What p-value is the smallest possible? And what exactly has been
# rejected?
# ```
#
# ```{solution-start} ex-test
# :class: dropdown
# ```

# %% [markdown]
# If the labels were independent of the data, the real labels would be one more shuffle, so all 40
# ranks of the real value are equally likely: the p-value is at least $\tfrac1{40}$. What is rejected
# is independence of $Y$ and the *pair*, not "there is redundancy but no synergy". For that one would
# need data with the same pairwise tables and no synergy, and {prf:ref}`def-broja` says where to get
# them: draw new data sets from the minimiser, `decompose(table).coupling`. (Re-pairing the sources
# within each label, which comes to mind first, keeps the tables, too, but makes the sources independent
# given the label: by {prf:ref}`thm-synergy-bound` that leaves a synergy of $R - I(X_1;X_2)$, not 0.)

# %%
fast = {"n_clusters": 8, "n_bootstrap": 0, "seed": seed}
some = slice(0, 200)
real = cluster_pid(x1[some], x2[some], y[some], **fast).synergy
chance = [
    cluster_pid(x1[some], x2[some], rng.permutation(y[some]), **fast).synergy
    for _ in range(39)
]
rank = 1 + sum(s >= real for s in chance)
print(
    f"S found {real:.2f}, shuffled {np.mean(chance):.2f} on average; p = {rank / 40:.3f}"
)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Synergy of a sum
# :label: ex-sum
#
# For $Y = X_1 + X_2 + Z$ with independent Gaussian sources, all with variance 1, find the four atoms by hand. What
# happens to $R$ and $S$ if the noise $Z$ becomes very small, and why is that odd?
# ```
#
# ```{solution} ex-sum
# :class: dropdown
#
# $\rho_1^2=\rho_2^2=\tfrac13$ and $\rho_{12}^2=\tfrac23$. So $I_1=I_2=\tfrac12\log_2\tfrac32 = 0.292$,
# $I_{12}=\tfrac12\log_2 3 = 0.792$, $R=0.292$, $U_1=U_2=0$, $S=\tfrac12$. With variance $v$ of the noise, $I_1 = \tfrac12\log_2\frac{2+v}{1+v}$
# tends to $\tfrac12$ and $I_{12}=\tfrac12\log_2\frac{2+v}{v}$ to infinity, and with it $S = I_{12} - I_1$: without
# noise two real numbers fix their sum to infinitely many digits. Two *independent* sources keep half a bit of
# redundancy, as in AND: each tells something about the sum, and for a decision maker it is the same thing.
# ```
#
# ```{exercise} A vacuous bound
# :label: ex-vacuous
#
# Show that $R - I(X_1;X_2)$ is useless (not above 0) whenever the sources are copies of each
# other, and whenever nothing is redundant. When is it largest?
# ```
#
# ```{solution} ex-vacuous
# :class: dropdown
#
# Copies: $I(X_1;X_2) = H(X_1) \ge I(X_1;Y) \ge R$. Nothing redundant: $R=0$ and $I(X_1;X_2)\ge0$. It is
# largest for redundant but independent sources, $R = I_1 = I_2$, $I(X_1;X_2)=0$, and then it
# says $S\ge R$, as for AND.
# ```
#
# ## Further reading
#
# * {cite:t}`miller1955` found the bias; {cite:t}`panzeri1996` corrected it for neurons;
#   {cite:t}`paninski2003` shows why no correction is safe with few samples a cell.
# * {cite:t}`efron1993`, chapters 10 to 14, on bias correction and intervals by resampling.
# * {cite:t}`liang2023` for clustering and BATCH, {cite:t}`liang2024` for the bounds, {cite:t}`yang2025`
#   for LSMI, {cite:t}`barrett2015` for Gaussians.
# * {cite:t}`kraskov2004` estimate mutual information from distances to neighbours, without cells.

# %% tags=["headline", "remove-cell"]
headline = {
    "synergy_found_in_noise_bits": round(nothing.synergy, 3),
    "and_true_synergy_bits": round(exact.synergy, 3),
    "and_cluster_synergy_bits": round(clustered.synergy, 2),
    "and_batch_synergy_bits": round(batch.synergy, 2),
    "xor_bounds_width_bits": round(
        float(widths.loc["XOR", "upper"] - widths.loc["XOR", "lower"]), 3
    ),
}
print(json.dumps(headline))
