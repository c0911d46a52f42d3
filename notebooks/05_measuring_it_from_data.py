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
# than a tenth of a bit; nothing else worth mentioning.* Neither sensor tells anything alone, but
# together they do. It looks like a fine argument for fusing them.
#
# Now the confession: both sensors were unplugged. Their readings were noise, and the labels were
# tosses of a coin. **The table was decomposed exactly, and yet there was nothing to find.**
#
# Chapter 4 took the table for granted. Nobody has the table. We have samples of it, and often not
# even samples of a table, but of images and sound. What can we then say about $R$, $U_1$, $U_2$ and
# $S$, and how wrong may it be?
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
# **Needs:** chapters 2 and 4. **Takes:** {{ essential }} minutes for the essential path,
# {{ reading }} for everything; 30 seconds to run on a CPU; nothing is downloaded.
# ```

# %% tags=["parameters", "hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
seed = 0
n_samples = 2_000  # what we have
n_endless = 100_000  # what stands for endless data
noise = 1.0  # standard deviation of a camera's noise; the clouds are 2 apart
repeats = 20  # draws for each number of samples
steps = 250  # training steps of the networks
device = "auto"

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
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


def show(found):
    """Return the atoms of each entry in a row, in bits."""
    return pd.DataFrame(found, index=NAMES).T.round(3) + 0.0


# %% [markdown]
# ## Counting finds synergy in noise
#
# Here are the unplugged sensors. `cluster_pid` does what we did in the story: it clusters each
# modality by k-means, counts, and decomposes. (With `n_bootstrap=0` it does nothing else; there will
# be more on that later.) It also warns, and this chapter is about what the warning means.

# %%
readings = rng.normal(size=(2, n_samples, 1))
coin = rng.integers(0, 2, size=n_samples)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    nothing = cluster_pid(*readings, coin, n_clusters=20, n_bootstrap=0, seed=seed)
print("warning:", str(caught[0].message).partition(". ")[0])
warnings.simplefilter("ignore", SparseCountsWarning)  # from here on we know
show({"unplugged sensors": nothing.atoms})

# %% [markdown]
# One line settles it: **shuffle the labels and measure again.** Shuffled labels have nothing to do
# with the data, so whatever an estimator reports for them it has made up. Let us do this on data
# whose answer we know. `gaussian_gates` shows the bits of a gate as vectors with Gaussian noise, and
# `truth` computes the decomposition after the noise, from the exact densities. Our gate is AND: two
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
by_clusters = {"truth": exact.atoms}
for k in (4, 16):
    fast = {"n_clusters": k, "n_bootstrap": 0, "seed": seed}
    by_clusters[f"{k} clusters"] = cluster_pid(x1, x2, y, **fast).atoms
    of_shuffled = cluster_pid(x1, x2, shuffled, **fast)
    by_clusters[f"{k}, labels shuffled"] = of_shuffled.atoms
show(by_clusters)

# %% [markdown]
# Four clusters find too little redundancy and too little synergy. Sixteen find more synergy than
# there is, and they find a good part of it even where there is none. Where do these bits come from?
#
# ```{quiz} Finer cells
# :label: predict-unplugged
# :predict:
#
# You sort the reading of each unplugged sensor into 20 cells in place of 10. The 2,000 samples are the same. What happens
# to the synergy that counting finds?
#
# * [ ] It falls: finer cells show more clearly that nothing is there.
#
#   (more-clusters) There are no more samples than before, and each cell gets fewer of them.
# * [ ] It stays about the same, as the number of samples does.
#
#   The same samples are now spread over four times as many pairs of cells, and each of these can lean to one label by chance.
# * [ ] It about doubles, as the cells of each sensor do.
#
#   That is what happens to the little that *one* sensor seems to tell. Synergy comes from the cells of the pair.
# * [x] It grows to four or five times as much.
#
#   Chance acts on every cell of the *pair*, and there are four times as many. The formula below has $(k-1)^2$, which is 361 in
#   place of 81.
# ```
#
# ## Why counting finds too much
#
# Take a table with $C$ cells and probabilities $p$, draw $N$ samples, and let $\hat p$ be the shares
# that were counted. Putting $\hat p$ in place of $p$ is called the **plug-in** estimate. Everything
# follows from what it does to entropy.
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
# \mathbb E\, D(\hat p\,\|\,p) \approx \frac{C-1}{2N\ln 2} .
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
# $\mathbb E\,\delta^2 = (1-p)/(pN)$, and $\sum p\cdot\frac{1-p}{pN} = \frac{C-1}{N}$. (The term in
# $\delta^3$ has a mean of order $1/N^2$.)
# ```
#
# Counting makes the world look more orderly than it is: by half a *nat* for each free cell, divided by
# the number of samples. A joint table has more cells than its margins, so its entropy is understated
# most, and $I = H(X) + H(Y) - H(X,Y)$ comes out too large {cite:p}`miller1955,panzeri1996`. How much
# too large, and which atom gets the excess?
#
# ```{prf:proposition} The bias lands in $S - R$
# :label: prop-bias
#
# With $k$ clusters a source, $K$ labels and all cells in use, to leading order each $I(X_m;Y)$ is
# too large by $(k-1)\,\varepsilon$ and $I(X_1,X_2;Y)$ by $(k^2-1)\,\varepsilon$, where
#
# $$
# \varepsilon = \frac{K-1}{2N\ln 2}.
# $$
#
# Hence, for every definition of redundancy, $S - R$ is too large by $(k-1)^2\, \varepsilon$.
# ```
#
# ```{prf:proof}
# For a source with $C$ values the bias of $I$ is $\frac{1}{2N\ln2}$ times
# $(CK-1)-(C-1)-(K-1) = (C-1)(K-1)$, with $C=k$ for one source and $C=k^2$ for the pair. By
# {eq}`eq-atoms` $S-R = I_{12} - I_1 - I_2$, and $k^2-1-2(k-1) = (k-1)^2$.
# ```
#
# The bias is quadratic in $k$, because it grows with the number of *pairs* of cells, not with the
# cells of one sensor. The same holds for any measure of interaction that is made from three counted
# informations, so synergy deserves particular suspicion. For the unplugged sensors:

# %%
per_cell = 1 / (2 * n_samples * np.log(2))
print(f"predicted S - R: {19**2 * per_cell:.3f} bits")
print(f"found     S - R: {nothing.synergy - nothing.redundancy:.3f} bits")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Synergy and redundancy found for shuffled labels against the number of clusters. Redundancy stays near zero. Synergy climbs ever more steeply and follows the dotted prediction, a little above it at the right end."}, "figure": {"caption": "Where there is nothing to find, counting finds synergy, and about as much as predicted. The lines show what is found for AND with shuffled labels; the dotted line is the predicted leading term, and nothing is fitted.", "name": "fig-shuffled"}}
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
predicted = (np.array(ks) - 1) ** 2 * per_cell
ax.plot(ks, predicted, ":", color=INK, label="predicted $S-R$")
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
# So should we use few clusters? Then the other error strikes. A cluster is computed from the features
# without a look at the label, so it tells no more than they do ({prf:ref}`thm-dpi`): all three
# informations of the clusters are *too small*. To see both errors apart, keep the clusters that were
# found with our samples, and sort a hundred thousand other samples into them. This shows what the
# same clusters would give with endless data.


# %%
def counted(first, second, labels, k):
    """The table of counts, as shares."""
    counts = np.zeros((k, k, labels.max() + 1))
    np.add.at(counts, (first, second, labels), 1)
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

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels against the number of clusters, R above and S below. With endless data, dashed, both rise from below towards the dotted truth, with a dip at three and four clusters. With our samples R stays near the dashed line, while S leaves it upwards, crosses the truth and ends far above it."}, "figure": {"caption": "More clusters lose less but invent more: with our samples the synergy of AND crosses the truth and keeps rising. The dashed lines show what clustering loses; bias, and the luck of one sample, separate the full lines from them.", "name": "fig-clusters"}}
fig, axes = plt.subplots(2, 1, figsize=(6.2, 6.4), sharex=True)
for ax, atom in zip(axes, ("R", "S"), strict=True):
    k = NAMES.index(atom)
    color = plots.PALETTE[atom]
    ax.plot(ks, ours[:, k], "o-", color=color, label=f"{n_samples:,} samples")
    ax.plot(ks, theirs[:, k], "--", color=color, label="endless data")
    ax.axhline(exact.atoms[k], color=INK, ls=":", label="truth")
    _ = ax.set_ylabel(f"${atom}$ (bits)")
    ax.legend(loc={"R": "lower right", "S": "upper left"}[atom])
_ = axes[1].set(xlabel="clusters per modality $k$", xticks=range(0, 25, 4))
plt.show()

# %% [markdown]
# The full line for $S$ crosses the truth somewhere. **That is no success**: at the crossing two
# errors happen to cancel, and if you do not know the truth you cannot see where that is. Note also
# the dip at three and four clusters. More clusters do not always tell more: k-means sees no labels,
# and the division that it makes first need not be the one that matters.
#
# With the clusters held fixed, the bias vanishes as $1/N$. Take the table of eight clusters with
# endless data for the truth, and draw smaller data sets from it.

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

# %% tags=["hide-input"] mystnb={"image": {"alt": "Plug-in R, U1 and S against the number of samples on a logarithmic axis, with bands. S starts far above its dashed true value and falls to it, along a dotted prediction except for the smallest sizes. R starts close to its true value. U1 falls slowly towards zero."}, "figure": {"caption": "With more samples the plug-in synergy falls to its true value as predicted, except where samples are very few; $U_1$ falls more slowly. Lines and bands are mean and one standard deviation for a table with 8 × 8 × 2 cells. Dashed: the table's own atoms. Dotted: the prediction, if all of the bias went to $S$.", "name": "fig-samples"}}
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
# There are three things to see.
#
# * **The synergy falls onto its line as predicted**, except where there are only a few samples for a
#   cell. There the expansion does not hold, since most cells stay empty and are not in use.
# * **$U_1$ is slow.** Its true value is close to 0, and it falls not as $1/N$ but as $1/\sqrt N$.
# * **The redundancy hardly moves, but only because two errors cancel.** Counting makes $I_1$ too
#   large, and $U_1$ takes away that excess and more.
#
# The slow error is not the bias of entropy. The sources are equally good, but in a sample one of them
# *looks* better by chance, and what looks better looks unique. Chance differences are of order
# $1/\sqrt N$, and none of them is ever negative. Where $U_1=U_2=0$, every estimator of BROJA's atoms
# has this error, and whatever $U_1$ or $U_2$ gains in error, $R$ and $S$ lose.
#
# ```{quiz} More clusters
# :label: quiz-more-clusters
#
# With 8 clusters a modality you find $S=0.2$ bits, with 24 clusters $S=0.5$. You have 3,000 samples and six classes.
# Which is closer to the truth?
#
# * [ ] 0.5: more clusters lose less.
#
#   (more-clusters) They also leave five samples for each pair of clusters. By the bias formula noise alone would give
#   more than this.
# * [ ] 0.2: fewer cells are always safer.
#
#   Few clusters also lose what is there. Being low is no proof of being right.
# * [x] It cannot be said without the same numbers for shuffled labels.
#
#   Two errors pull in opposite directions. A control measures one of them.
# ```
#
# ### The library chooses, corrects and checks
#
# `cluster_pid` without options does three things. It **chooses** $k$ by something that can be seen
# without knowing the truth: how well the table, counted on three quarters of the samples, predicts
# the labels of the others. Among the numbers of clusters that predict about as well as the best,
# within one standard error, it takes the smallest {cite:p}`breiman1984`. One cluster also takes part.
# It predicts the most frequent label and knows nothing else, and it wins unless the others gain more
# than they gain on shuffled labels.
#
# It **corrects**: it draws new data sets of size $N$ from the counts, and sees by how much their
# plug-in atoms exceed those of the counts. Counts overstate the truth by about the same amount, so
# the correction subtracts it {cite:p}`efron1993`:
#
# $$
# \hat\theta_{\text{corrected}} = 2\,\hat\theta - \overline{\theta^*},
# $$
#
# with $\hat\theta$ the plug-in atom and $\overline{\theta^*}$ its mean over the resamples.
#
# And it **checks**: it counts the same clusters with shuffled labels, 39 times. If more than one of
# these tables has as much of an atom as the real one, the interval of that atom begins at zero. Try
# all of it first on nothing, then on AND:

# %%
nothing_again = cluster_pid(*readings, coin, n_bootstrap=50, seed=seed)
clustered = cluster_pid(x1, x2, y, seed=seed)
for name, found in (("unplugged", nothing_again), ("AND", clustered)):
    print(f"clusters chosen, {name}: {int(found.diagnostics['n_clusters_1'])}")
low, high = nothing_again.interval.loc["S"]
print(f"unplugged: S between {low:.3f} and {high:.3f} bits")
for what in ("plugin", "shuffled"):
    print(f"AND: S of the counts, {what}: {clustered.diagnostics[f'{what}_S']:.3f}")
show(
    {
        "unplugged": nothing_again.atoms,
        "AND": clustered.atoms,
        "truth of AND": exact.atoms,
    }
)

# %% [markdown]
# For the unplugged sensors the choice is one cluster: *nothing can be told*. The atoms are zero, and
# the interval says how much synergy could have gone unnoticed in tables with at least five samples a
# cell. A small number does not prove that there is no synergy: it may hide in finer structure than
# these tables show.

# %% [markdown]
# ## What a bootstrap interval covers
#
# The same resamples give an interval, in bits. It is tempting to read it as "the synergy lies in
# here, with 95 % probability".

# %%
clustered.interval.round(3).assign(truth=exact.atoms.round(3)).rename_axis("atom")

# %% [markdown]
# Read it with care. The resamples vary **which samples were drawn**. They do not vary where the
# clusters are, and no resampling can bring back what the clusters have thrown away. So the interval
# is about the *table of the clusters*. If that table differs from the features' decomposition, more
# data makes the interval narrower around the wrong number.
#
# If the truth is known, we can measure whether an interval covers what it says: draw a hundred data
# sets from a table, compute the interval for each, and count how many hold the table's true atoms.
# This takes a few minutes, so a benchmark does it, and this chapter reads its file. (The benchmark is
# `python -m benchmarks.estimators`; more of its results are below.) The table gives the share of
# intervals that hold the truth, in per cent, by the number of cells in the table, of samples, and of
# samples per cell; 95 was promised.

# %%
benchmark = results("estimators")
covered = pd.DataFrame(benchmark["coverage"]).rename(columns={"n": "samples"})
covered["cells"] = 2 * covered["bins"] ** 2
per_table_cell = covered["samples"] / covered["cells"]
covered["per cell"] = per_table_cell.round().astype(int)
percent = covered.set_index(["cells", "samples", "per cell"])
percent = 100 * percent[[f"covered_{atom}" for atom in NAMES]]
percent.columns = NAMES
n_intervals = benchmark["coverage"][0]["repeats"]
error_of_95 = 100 * np.sqrt(0.95 * 0.05 / n_intervals)
print(f"{n_intervals} intervals a row; standard error of a 95: {error_of_95:.0f}")
percent.round().astype(int)

# %% [markdown]
# The intervals come close to what they promise. Those of $R$ and $S$ are a few per cent short of it,
# and those of $S$ are clearly short in the large table with three or four samples a cell. (Whatever is
# below zero is cut off, so intervals of $U_1$ and $U_2$, whose true value is 0 here, easily hold the
# truth.) But all of this is about *the table's* atoms. For the features of our two cameras, read the
# interval above next to {numref}`fig-clusters`.
#
# ```{quiz} What an interval covers
# :label: quiz-interval
#
# A bootstrap interval of $S$ is 0.11 to 0.15 bits. Which error does it *not* cover?
#
# * [ ] That other samples would have given another estimate
#
#   This is what resampling varies.
# * [x] That clustering has thrown away what distinguishes two images
#
#   Every resample is clustered in the same way and loses the same. More data makes the interval narrower around the
#   wrong number.
# * [ ] None: it is a 95 % interval.
#
#   (interval-covers-all) The 95 % are about one source of error.
# ```
#
# ## BATCH estimates BROJA without cells
#
# Cells are the trouble: too few lose information, and too many invent it. In many dimensions k-means
# spends its clusters on what varies most, not on what matters. Can we estimate BROJA without a table?
#
# Recall what there is to compute. Of the four quantities that fix the atoms, three are mutual
# informations, and {prf:ref}`thm-cross-entropy` tells how to measure those: with the held-out losses
# of classifiers, for $x_1$, for $x_2$, and for both. The fourth is $I_*$, the least that the sources
# can tell together when they are re-paired ({prf:ref}`def-broja`). {cite:t}`liang2023` re-pair
# *samples*. Take a batch of $B$ samples of each source, and let $q(i,j,y)$ be how often sample $i$ of
# the first source goes with sample $j$ of the second and with label $y$. It must keep the pairwise
# tables, which the classifiers know:
#
# $$
# \begin{aligned}
# \sum_j q(i,j,y) &\propto p(y|x_{1i}), \\
# \sum_i q(i,j,y) &\propto p(y|x_{2j}) .
# \end{aligned}
# $$
#
# Start from positive numbers $\exp\big(\phi_1(x_{1i},y)\cdot \phi_2(x_{2j},y)\big)$, where $\phi_1$
# and $\phi_2$ are networks, and rescale rows and columns until the margins are right: Sinkhorn's
# algorithm, as in the solver of chapter 4. Then change the networks so that $I_q$ falls. That is the
# method, **BATCH**.
#
# The library's version uses what chapter 4 proved. At the optimum the evidence of the two sources
# multiplies, $q(y|i,j) = f_1(i,y)\,f_2(j,y)$, so
#
# $$
# q(i,j,y) = t(i,j)\; f_1(i,y)\; f_2(j,y)
# $$
#
# with *one* affinity $t$ for all labels; the rest is scaling. And when the networks are done, the
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
print(f"certified gap of the couplings: {batch.diagnostics['gap']:.3f} bits")
show({"truth": exact.atoms, "BATCH": batch.atoms, "cluster": clustered.atoms})

# %% [markdown]
# There are no cells, so nothing is lost to them, and classifiers scored on samples they never saw do
# not invent information. But the batch brings an error of its own. A batch is a small data set, in
# which one source looks better by chance, so it makes $R$ too small just as small data sets do.
#
# ### Small batches find too little redundancy
#
# *Deeper: it measures this one error; skip it on a first reading.*
#
# To see the error of the batch alone, give the method the *exact* $p(y|x)$ and solve random batches by
# a hundred projections, which come close to the end. For AND, let $z$ be the projection of a camera's vector on
# its direction. It says that the switch is up with probability $1/(1+e^{-2z/\sigma^2})$, where
# $\sigma$ is the standard deviation of the noise. Half of the time the other switch is up, too.


# %%
def exact_log_odds(samples, name):
    """log p(y | x) of AND, from the exact densities: shape (2, N)."""
    z = samples.inputs[name].numpy() @ samples.directions[name][0]
    on = 0.5 / (1 + np.exp(-2 * z / samples.noise**2))
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

# %% tags=["hide-input"] mystnb={"image": {"alt": "Redundancy of random batches against the batch size, mean with interval and single batches as dots. It lies well below the dotted truth for the smallest batches and rises towards it as batches grow."}, "figure": {"caption": "Small batches find too little redundancy, and large ones nearly all of it. Dots are random batches of AND, with exact posteriors and couplings close to the best; the line is their mean with its 95 % interval. Nearly all of the remaining error is due to the size of the batch.", "name": "fig-batch-size"}}
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
# sorted by what they say, so that each batch looks like the whole. Two errors remain: the chance
# difference of the whole sample, and whatever the classifiers have missed.
#
# ## LSMI estimates another definition
#
# *Deeper: for readers who meet LSMI in a paper; chapter 6 explains its definition from the start.*
#
# There is a third estimator that people use for data sets, LSMI {cite:p}`yang2025`. It, too, trains
# classifiers. It adds a density model for each modality, and computes an $r$, $u_1$, $u_2$ and $s$ for
# every sample; their means are the atoms of the data set. But these are the atoms of *another
# definition*, the pointwise one of chapter 4. To compare them with BROJA's would be like checking a
# thermometer against a barometer. The truth for this definition can be computed from the exact
# densities as well:

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
show(
    {
        "truth, BROJA": exact.atoms,
        "truth, pointwise": pointwise,
        "LSMI": lsmi.atoms,
    }
)

# %% [markdown]
# (Here each camera gives one number. The pointwise truth depends on the length of the vectors, because
# it compares surprises, and noise surprises, too. Chapter 6 is about that, and about what these values
# mean for single samples.) The estimator does well at its own task. **Before you compare estimates, ask
# which definition they estimate.** The negative unique atoms are no error: this definition has them.
#
# ## Three regressions are enough if everything is Gaussian
#
# *Deeper: for real-valued labels and linear relations; the comparison below uses only the result.*
#
# If the sources and the label are jointly Gaussian, and the label is a real number, there is a
# formula. Let $\rho_m^2$ be the share of the variance of $Y$ that a linear regression on $X_m$
# explains. Then $I(X_m;Y) = -\tfrac12\log_2(1-\rho_m^2)$, likewise for the pair {cite:p}`cover2006`.
# {cite:t}`barrett2015` showed that $R$ is simply the smaller of $I_1$ and $I_2$, for BROJA and for
# every definition that respects {prf:ref}`assumption-star` and has no negative atoms. The reason is
# {prf:ref}`thm-garbling`. All that a Gaussian source tells about $Y$ is one number, $Y$ plus Gaussian
# noise. The noisier of two such numbers can be made from the other by adding noise. So the weaker
# source is a garbling of the stronger one and has nothing unique.
#
# That takes three regressions and nothing else. Let $Y = X_1 + X_2 + Z$, with all three terms of
# variance 1, and let the correlation of the two sources vary:


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

# %% tags=["hide-input"] mystnb={"image": {"alt": "Redundancy and synergy against the correlation of the two sources, lines for the closed form and dots with intervals for estimates. R rises from zero to about one bit. S is an arch with its top at correlation zero. The dots follow the lines, most of them a little below."}, "figure": {"caption": "The more two Gaussian sources repeat each other, the more of what they tell is redundant, and 200 samples are enough to see it. The label is their sum plus noise. Lines: closed form. Dots: estimates with bootstrap intervals.", "name": "fig-gaussian"}}
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
ax.set_xticks([-0.8, -0.4, 0, 0.4, 0.8])
ax.legend(loc="upper center")
plt.show()

# %% [markdown]
# Two hundred samples go far, because three regressions have few numbers to learn. Where neither source
# has anything of its own, the answers are a little low, for the reason given above: one source looks
# better by chance. The price is the assumption. A covariance knows nothing but lines. Here is a lamp
# with a dimmer: the *sign* of $Y$ is the XOR of the signs of the sources.

# %%
g1, g2 = rng.normal(size=(2, n_samples))
dimmer = np.sign(g1 * g2) * (1 + 0.3 * rng.normal(size=n_samples))
blind = gaussian_pid(g1, g2, dimmer, n_bootstrap=0, seed=seed)
seeing = cluster_pid(g1, g2, (dimmer > 0).astype(int), seed=seed)
show({"Gaussian": blind.atoms, "cluster, sign of Y": seeing.atoms})

# %% [markdown]
# The regression finds nothing, in perfect confidence, and would do so with any amount of data: both
# covariances with $Y$ are zero. Clusters find nearly the whole bit in the sign. **A Gaussian estimate
# is a statement about the linear part.** If it reports zero synergy, there may still be some.
#
# ## Synergy can be bounded when nobody saw all three
#
# *Deeper: for data in which the modalities were never labelled together.*
#
# Sometimes there are not even samples of $(x_1,x_2,y)$. There are labelled recordings, there are
# labelled images, and there is a heap of videos that nobody has labelled. Then the pairwise tables
# $p(x_1,y)$, $p(x_2,y)$ and $p(x_1,x_2)$ can be counted, but the joint table cannot. $R$, $U_1$ and
# $U_2$ are known even so, since they depend on the first two tables only. That was
# {prf:ref}`assumption-star`. Only the synergy is open, and {cite:t}`liang2024` asked how far it can be
# pinned down.
#
# ```{prf:theorem} Synergy from redundancy
# :label: thm-synergy-bound
#
# $S \ge R - I(X_1;X_2)$, with equality exactly if $X_1$ and $X_2$ are independent given $Y$.
# ```
#
# ```{prf:proof}
# By {eq}`eq-atoms` $R - S = I_1 + I_2 - I_{12}$, the co-information, which by {prf:ref}`thm-sign`
# is $I(X_1;X_2) - I(X_1;X_2|Y)$. The last term is not negative, and it is 0 exactly under conditional
# independence.
# ```
#
# In words: redundancy *should* show as a dependence of the sources, for two who know the same must
# agree. If the sources agree less than their redundancy requires, something must set them apart, and
# that is synergy. AND is the classical case: $R = 0.311$, and yet the switches are independent.
#
# A second bound is stronger. Take a classifier whose logits are a sum of one term per source, learned
# together, with a softmax on top. (In the certificate of chapter 4 such a sum was not normalised. Here
# it is, and for that one has to know how often pairs of values occur, but not their labels.) Its loss
# needs the three pairwise tables and nothing else. The best such classifier knows some number of bits,
# and the truth knows at least as much, whatever the joint table is. Subtract $I_*$, and a lower bound
# on $S$ is left. It is the largest bound that these tables allow. From above, $S \le H(Y) - I_*$, and
# in fact a little less, since the entropy of a joint table with these margins cannot be arbitrarily
# small. (The proofs are in the docstring of `bounds_from_tables`.) The table has the first bound, the
# best lower and upper bounds, and the true synergy, all in bits:

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
(widths.round(3) + 0.0).rename(columns={"S": "true S"})

# %% tags=["hide-input"] mystnb={"image": {"alt": "One line per table from the lower to the upper bound of its synergy, with the true synergy as a diamond. For AND, redundant, copy, two coins and house A the line is a point. For XOR and house B it covers everything from 0 to 1 bit. Noisy AND and the two digit pairs have long lines."}, "figure": {"caption": "Three pairwise tables give the synergy away in five cases; for XOR and house B they say nothing. Each bar reaches from the lower to the upper bound, and the diamond is the truth.", "name": "fig-bounds-width"}}
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
# ever saw both switches and the lamp, and yet its synergy is known exactly. For XOR they are
# **vacuous**, from nothing to everything. This must be so. All three pairwise tables of XOR are those
# of three independent coins, so without labelled pairs no method whatever can tell XOR from nothing at
# all. The gap closes for AND because a single source can rule a label out, which means zeros in the
# pairwise tables. Ten per cent of wrong labels fill these zeros and open the gap again.
#
# From samples the tables are counted, and noise in the counts moves the bounds. Here are three data
# sets, none of which shows all three variables, drawn from our cameras:

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
# (A caution: these bounds do *not* include sampling noise, and they are for the clusters. They can miss
# the truth, and below they do.)
#
# ## Every estimator against the truth
#
# `python -m benchmarks.estimators` runs every estimator on data with known answers, with several
# seeds: four gates seen through noise, three noise levels, vectors of length 4 and 32, and four sample
# sizes; pairs of handwritten digits with and without the cue; and Gaussian sources. For pixels we take
# the truth of the digits' labels, as a zero and a one can nearly always be told apart. Each estimator
# is compared with the truth *of its own definition*.

# %%
ESTIMATORS = {
    "plug-in 16": "plug-in 16",
    "cluster": "cluster",
    "batch": "BATCH",
    "lsmi": "LSMI",
    "gaussian": "Gaussian",
}
DATA = {"and": "AND", "xor": "XOR", "digits+cue": "digits with cue"}
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


# %% tags=["hide-input"] mystnb={"image": {"alt": "Six stacked bars for AND: truth by BROJA, plug-in with 16 clusters, cluster, BATCH; then truth by the pointwise definition and LSMI. BATCH comes closest in height to the first truth, the clusters are lower. LSMI agrees with the pointwise truth, including small negative unique parts below zero."}, "figure": {"caption": "BATCH comes closest to BROJA's truth, and LSMI to that of its own, pointwise definition. The data are AND seen by two noisy cameras in four dimensions, 2,000 samples. The first bar is the truth for the next three, the fifth for the last. Black: 95 % intervals of the mean over seeds, one for each part, at its upper end (at its lower end for negative parts).", "name": "fig-stacked"}}
groups = {
    "truth": "cluster",
    "plug-in\n16": "plug-in 16",
    "cluster": "cluster",
    "BATCH": "batch",
    "truth, pointwise": "lsmi",
    "LSMI": "lsmi",
}
fig, ax = plt.subplots(figsize=(6.4, 4.2))
plots.stacked_interactions(truth_and_estimates(where(), groups), by="by", ax=ax)
ax.axvline(3.5, color=GREY, lw=1)
names = ["truth", "plug-in\n16", "cluster", "BATCH", "truth", "LSMI"]
ax.set_xticks(range(6), names)
_ = ax.set_ylim(top=1.0)
for middle, definition in ((1.5, "BROJA"), (4.5, "pointwise")):
    ax.text(middle, 0.97, definition, ha="center", va="top")
plt.show()

# %% [markdown]
# There are two definitions and two truths, and each estimator has to be held against its own truth.
# BATCH comes closest to BROJA's truth; LSMI is close to the pointwise one. The corrected clusters are
# lowest. The raw plug-in with sixteen clusters has nearly the right height; {numref}`fig-errors` shows
# what that is worth. All of the first group report some unique information where there is none, for
# the reason given above: in a sample one source looks better by chance.
#
# ```{quiz} Sixteen times as many samples
# :label: predict-more-data
# :predict:
#
# The raw plug-in counts AND into sixteen clusters a camera and corrects nothing. With 250 samples and with 4,000: where is
# its synergy further from the truth?
#
# * [ ] With 250 samples, where there is more noise.
#
#   (more-data-helps) There is more noise, and noise *adds* synergy. Clustering takes some away.
# * [x] With 4,000 samples
#
#   With 250, what counting invents happens to make up for what clustering loses. More data remove the invention, and the loss
#   stays.
# * [ ] In both cases equally far: clusters lose what they lose.
#
#   The loss is the same in both. But with few samples, counting adds something of the opposite sign.
# ```

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels, error of R and error of S against the number of samples, a line for each estimator with bars of one standard deviation. All lines are below zero. Those of BATCH and LSMI rise to zero. The one of the corrected clusters rises, but stays clearly below. The one of the plug-in with 16 clusters hardly moves for R, and for S it falls away from zero."}, "figure": {"caption": "With more data BATCH and LSMI approach the truth, clusters stay below it, and the raw plug-in's synergy moves away from it. The error is estimate minus truth for AND; points and bars are mean and standard deviation over seeds.", "name": "fig-errors"}}
fig, axes = plt.subplots(2, 1, figsize=(6.2, 6.6), sharex=True)
curves = pd.concat([where(n=n) for n in benchmark["sizes"]])
curves = curves.replace({"estimator": ESTIMATORS})
for ax, atom in zip(axes, ("R", "S"), strict=True):
    ax.axhline(0, color=INK, lw=1)
    sns.pointplot(
        curves.assign(error=curves[atom] - curves[f"truth_{atom}"]),
        x="n",
        y="error",
        hue="estimator",
        hue_order=list(ESTIMATORS.values())[:4],
        palette=[INK, "C1", VIOLET, "C2"],
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
axes[0].legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
plt.show()

# %% [markdown]
# The networks approach zero from below: with few samples they have learned little, and report little.
# Clusters lose what is within a cluster: sixteen times as many samples still leave three fifths of the
# error of $S$. The strangest curve is the raw plug-in's. **Its synergy is best with the fewest
# samples, and gets worse with more data.** What clustering loses had been replaced by what counting
# invents, and the invention goes away first. A small error is no merit if it is an accident.
#
# ## Each estimator fails somewhere
#
# Here is the whole benchmark, by the worst atom. For each condition the first table gives the largest
# error among the four *mean* atoms, in bits, and says which atom it is (the nearer to zero, the
# better). No repetition averages this error away. Unless a row says otherwise, the noise is 0.5, the
# vectors have four numbers, and there are 2,000 samples. The plug-in has sixteen clusters. LSMI was not
# run on the digits.


# %%
def describe(row):
    """A condition in words: the data, and what differs from the base condition."""
    name = DATA.get(row["data"], row["data"])
    if row["data"].startswith("digits"):
        return name
    if row["data"] == "gaussian":
        return f"Gaussian, {row['dim']:g} numbers a source"
    if row["noise"] != base["noise"]:
        name += f", noise {row['noise']:g}"
    if row["dim"] != base["dim"]:
        name += f", {row['dim']:g} numbers"
    return name


def in_rows(column):
    """One row a condition and number of samples, one column an estimator."""
    wide = column.drop("gaussian", level="estimator").unstack("estimator")
    wide.index = [
        name if n == base["n"] else f"{name}, {n:,} samples"
        for name, n in wide.index
    ]
    heads = {k: v for k, v in ESTIMATORS.items() if k != "gaussian"}
    heads["plug-in 16"] = "plug-in"
    wide = wide[list(heads)].rename(columns=heads).fillna("")
    return wide.rename_axis(index="data", columns=None)


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
columns = list(ESTIMATORS)
mean_error = summary["bias"].map("{:+.2f} ".format) + summary["atom"]
in_rows(mean_error)

# %% [markdown]
# The second table gives the standard deviation of the same atoms over the seeds, in bits.

# %%
deviation = summary["sd"].map("{:.2f}".format)
in_rows(deviation)

# %% [markdown]
# The Gaussian closed form has data of its own. Here is the same for it: the worst mean error with its
# atom, and the standard deviation, in bits.

# %%
gaussian = summary.xs("gaussian", level="estimator")
gaussian = pd.DataFrame(
    {
        "mean error": mean_error.xs("gaussian", level="estimator"),
        "deviation": deviation.xs("gaussian", level="estimator"),
    }
)
gaussian.rename(lambda name: str(name).removeprefix("Gaussian, ")).rename_axis(
    ["Gaussian sources", "samples"]
)

# %% [markdown]
# Over all conditions, this is the median and the largest of these errors, in bits without sign, and
# the CPU seconds that a run takes (for all three, ↓ lower is better).

# %%
largest = summary["bias"].abs().groupby("estimator").agg(["median", "max"])
seconds = table.groupby("estimator")["seconds"].median()
largest["seconds"] = seconds.round(1)
largest.loc[columns].round(3).rename(index=ESTIMATORS, columns={"max": "largest"})

# %% [markdown]
# The bounds have no single value. For them, count how often they miss the truth by more than 0.02
# bits. The largest miss and the mean width are in bits.

# %%
known = table[table["estimator"] == "bounds"]
inside = known["S_lower"] - 0.02 <= known["truth_S"]
inside &= known["truth_S"] <= known["S_upper"] + 0.02
missed = np.maximum(
    known["S_lower"] - known["truth_S"], known["truth_S"] - known["S_upper"]
)
print(f"bounds that hold, up to 0.02 bits: {inside.mean():.0%}")
by_data = known["data"].map(lambda name: DATA.get(name, name))
bounds_of = pd.DataFrame(
    {
        "runs": inside.groupby(by_data, sort=False).size(),
        "misses": (~inside).groupby(by_data).sum(),
        "largest miss": missed[~inside].groupby(by_data).max().map("{:.2f}".format),
        "mean width": (known["S_upper"] - known["S_lower"]).groupby(by_data).mean(),
    }
)
bounds_of.round(2).fillna("").loc[by_data.unique()]

# %% [markdown]
# The worst atom says little about synergy. Here is the mean synergy that each estimator finds, in
# bits, with 2,000 samples, noise 0.5 and four dimensions, and for the digits (the nearer to the last
# column, the better):

# %%
rows = table[(table["n"] == 2_000) & table["noise"].isin([0.0, 0.5])]
rows = rows[(rows["dim"] != 32) & rows["estimator"].isin(columns[:3])]
synergy = rows.pivot_table(index="data", columns="estimator", values="S")
synergy = synergy[columns[:3]].assign(truth=rows.groupby("data")["truth_S"].mean())
(synergy.round(3) + 0.0).rename(index=DATA, columns=ESTIMATORS).rename_axis(
    columns=None
)

# %% [markdown]
# When to trust which:
#
# * **Clusters and counts.** The raw plug-in finds synergy where there is none (`copy`), or too much of
#   it (`digits`). The corrected version hardly does so, but it is cautious: it takes as few clusters as
#   predict about as well as more, and it mostly loses more to them than the raw one. Read it as "at
#   least about this much", except if the sources are noisy copies. In `redundant`, coarse clusters turn
#   redundancy into synergy and report half as much again as there is. The length of the vectors does
#   not matter to k-means as long as what matters also varies most, as it does here. The cue of the
#   digits is a small part of the image, and k-means has a hard time with it.
# * **BATCH.** This is the best estimator for BROJA in seven of the ten conditions with 2,000 samples or
#   more. It is as good as its classifiers: with 250 samples, or vectors of 32 numbers, they miss
#   something, and the synergy is too low. Trust it if the held-out losses in `diagnostics` no longer
#   improve with more data or larger networks. It is also the slowest.
# * **LSMI.** It is close to the truth of its own definition, with the weaknesses of its classifiers.
#   The mistake is to read it as BROJA; negative unique means give it away. Chapter 6 shows what else it
#   depends on.
# * **Gaussian.** With 1,000 samples every mean atom is within 0.02 bits, with sixteen features a source
#   as with two; with 250 samples one atom is off by 0.08. It is blind to everything that is not linear,
#   and its zeros say nothing about that. Nor does a large value mean much unless $Y$ is about Gaussian,
#   too. For a label of two values, coded as numbers, the value can exceed $H(Y)$, which no information
#   about $Y$ can do. Look at the residuals before you believe it.
# * **Bounds.** With exact tables they always hold. From counted clusters they are bounds for the synergy
#   *of the clusters*, without sampling noise. So they missed the features' truth in 8 of 60 runs, most
#   often where it is near zero. They may be vacuous, and their width says so.
#
# In practice, whatever you use: **shuffle the labels and run it again**; give an **interval**, and say
# what it covers; run a **second estimator** that fails differently. Clusters err by what they lose,
# counts by what they invent, and networks by what they did not learn. If two of them agree, an accident
# is unlikely.
#
# ```{quiz} Two that disagree
# :label: quiz-disagree
#
# LSMI reports $R = 0.5$ bits and BATCH $R = 0.2$ on the same features. Both are quiet on shuffled labels. What do you
# conclude?
#
# * [ ] One of them is wrong; take the mean.
#
#   The mean of two answers to two questions answers neither.
# * [x] They estimate different definitions. Report each with the name of its definition.
#
#   LSMI is about pointwise atoms, BATCH about BROJA. On exact tables, too, the two differ.
# * [ ] Take the larger: estimators are conservative.
#
#   Neither is conservative by design, and the larger of two different quantities is no better estimate of either.
# ```
#
# ## What this chapter claims
#
# The two cells below fail if anything that this chapter claims is not so. First, the claims about its
# own data:

# %%
claim(
    nothing.synergy > 0.1 > 10 * nothing.redundancy
    and abs(nothing.synergy - nothing.redundancy - 19**2 * per_cell) < 0.05,
    "Counts find synergy in noise: over 0.1 bits, and about as much as predicted.",
)
claim(len(caught) == 1, "The library warns about such counts.")
enough = np.array(sizes) >= 10 * eight.size
gap = by_size[enough, :, 3] - by_size[enough, :, 0]  # S - R
predicted = truth_of_eight[3] - truth_of_eight[0]
predicted = predicted + 49 / (2 * np.array(sizes)[enough] * np.log(2))
margin = gap.std(axis=1) / repeats**0.5 + 0.005
claim(
    (np.abs(gap.mean(axis=1) - predicted) < margin).all(),
    "With ten samples a cell or more, the bias of S - R is as predicted.",
)
claim(
    all(mutual_information(p) < exact.total + 0.01 for _, p in both),
    "With endless data no number of clusters tells more than there is.",
)
claim(
    (ours[-1] - theirs[-1])[3] > 0.05,
    "With the most clusters, our samples show more synergy than endless data do.",
)
claim(
    nothing_again.total == 0
    and nothing_again.diagnostics["n_clusters_1"] == 1
    and (nothing_again.interval["lower"] == 0).all(),
    "For the unplugged sensors the library chooses one cluster and finds nothing.",
)
claim(
    clustered.interval.loc["S", "lower"] > 0,
    "For AND the interval of S begins above zero.",
)
in_small, *_, in_large = (np.mean(v) for v in in_batches.values())
claim(
    in_small < in_large - 0.01 < exact.redundancy,
    "Small batches find less redundancy than large ones, which do not find too much.",
)
claim(
    np.abs(batch.atoms - exact.atoms).max() < 0.06,
    "BATCH comes within 0.06 bits of each of BROJA's atoms.",
)
claim(
    np.abs(lsmi.atoms - pointwise).max() < 0.06,
    "LSMI comes within 0.06 bits of each pointwise atom, by its own definition.",
)
claim(
    blind.total < 0.01 and seeing.synergy > 0.8,
    "A covariance is blind to the XOR behind the dimmer; clusters see most of it.",
)
claim(
    (widths["lower"] <= widths["S"] + 1e-6).all()
    and (widths["S"] <= widths["upper"] + 1e-6).all()
    and (widths["R - I(X1;X2)"] <= widths["S"] + 1e-6).all(),
    "With exact tables all bounds on synergy hold.",
)
width_of = widths["upper"] - widths["lower"]
claim(
    (width_of < 1e-4).sum() == 5
    and width_of["AND"] < 1e-4
    and width_of["XOR"] > 1 - 1e-6,
    "The bounds meet for five tables, AND among them; XOR's are one bit apart.",
)

# %% [markdown]
# Second, the claims about the benchmark:

# %%
short, others = percent.iloc[-3], percent.drop(percent.index[-3])
claim(
    short["S"] < 90,
    "In a large table with few samples, intervals of S cover less than 90 %.",
)
claim(
    others[["R", "S"]].min().min() >= 88,
    "In the other tables, intervals of R and S cover 88 % or more.",
)
means = errors.groupby(["estimator", "condition", "n"], sort=False)[NAMES].mean()
of_and = "AND"
plug_in, by_batch, curve = (
    means.loc[name].loc[of_and, "S"].abs()
    for name in ("plug-in 16", "batch", "cluster")
)
claim(
    plug_in[4_000] > 1.5 * plug_in[250] and by_batch[250] > 1.5 * by_batch[4_000],
    "With more data the plug-in's synergy of AND gets worse, and BATCH's better.",
)
claim(
    0.5 < curve[4_000] / curve[250] < 0.7,
    "With sixteen times the data, clusters keep 50 to 70 % of their error of S.",
)
claim(
    largest.loc["lsmi", "median"] < 0.02,
    "In the median condition every mean atom of LSMI is within 0.02 bits.",
)
claim(seconds.idxmax() == "batch", "BATCH is the slowest estimator.")
raw, corrected, of_truth = (synergy[c] for c in ("plug-in 16", "cluster", "truth"))
claim(
    of_truth["copy"] < 0.001 < 0.03 < raw["copy"] and corrected["copy"] < 0.01,
    "In copy the raw plug-in finds synergy that is not there; the corrected hardly does.",
)
claim(
    raw["digits"] > of_truth["digits"] + 0.05
    and abs(corrected["digits"] - of_truth["digits"]) < 0.02,
    "In digits the raw plug-in finds too much; the corrected finds about what is there.",
)
claim(
    1.2 < corrected["redundant"] / of_truth["redundant"] < 1.7,
    "In redundant the corrected clusters find 20 to 70 % too much synergy.",
)
size = summary["bias"].abs().unstack("estimator")
claim(
    (size["cluster"] > size["plug-in 16"]).sum() > size["cluster"].count() / 2,
    "In most conditions corrected clusters are further off than raw ones.",
)
enough = size[size.index.get_level_values("n") >= 2_000].dropna(subset="batch")
best = enough[["plug-in 16", "cluster", "batch"]].idxmin(axis=1)
claim(
    ((best == "batch").sum(), len(best)) == (7, 10),
    "With 2,000 samples or more, BATCH is best for BROJA in seven of ten conditions.",
)
linear = size["gaussian"].dropna()
claim(
    linear[linear.index.get_level_values("n") >= 1_000].max() < 0.025
    and 0.07 < linear.max() < 0.09,
    "The Gaussian form is within 0.025 bits with 1,000 samples, and 0.09 with 250.",
)

# %% [markdown]
# ## Takeaways
#
# * **Shuffle the labels first.** Whatever an estimator reports for shuffled labels it has made up. For
#   counts this is mostly synergy, about $(k-1)^2(K-1)/(2N\ln 2)$ bits.
# * Few clusters lose information, and many invent it. Nobody can see where the two errors cancel.
# * **An interval covers what its resamples vary.** It does not cover what the representation threw
#   away; more data makes it narrower around the wrong number.
# * Ask which definition is estimated: clusters, BATCH and bounds are about BROJA, LSMI is about
#   pointwise atoms, and the Gaussian formula is about the linear part.
# * Without labelled pairs $R$, $U_1$ and $U_2$ are still known. Synergy is known between bounds:
#   sometimes exactly, sometimes not at all.
# * Use **two estimators that fail differently**. If they agree, and the shuffled run is near zero, there
#   is something to report.
#
# ## Exercises
#
# ```{exercise} How many samples?
# :label: ex-how-many
#
# *Level 1 of 3 · 10 minutes · by hand*
#
# You plan to use 10 clusters a modality for 6 classes, and the bias of $S - R$ is to stay below 0.05
# bits without any correction. How many samples does this take? And how many with 3 modalities, if you
# count the bias of the joint information?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# {prf:ref}`prop-bias` has the first answer. For the second, ask how many cells three modalities have
# together, and use the term for a source with that many values.
# ```
#
# ```{solution} ex-how-many
# :class: dropdown
#
# $(k-1)^2(K-1)/(2N\ln2) \le 0.05$ gives $N \ge 81\cdot 5/(0.1\cdot 0.693) \approx 5{,}843$. With three
# modalities the joint information of $k^3$ cells has the bias $(k^3-1)(K-1)/(2N\ln 2)$, so
# $N \ge 999\cdot5/0.0693 \approx 72{,}000$. Every modality multiplies the demand by the number of its
# cells.
# ```
#
# ```{exercise} One coin
# :label: ex-one-coin
#
# *Level 1 of 3 · 10 minutes · by hand*
#
# A fair coin is tossed twice, $N=2$. Find the mean of the plug-in entropy exactly, and compare it with
# {prf:ref}`thm-plugin`. Can the plug-in entropy be unbiased for any $N$?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# There are only two cases: the tosses agree, or they differ. When is $D(\hat p\,\|\,p)$ zero?
# ```
#
# ```{solution} ex-one-coin
# :class: dropdown
#
# With probability $\tfrac12$ the tosses agree, and the plug-in entropy is 0; otherwise they differ, and
# it is 1. The mean is $\tfrac12$ instead of 1. The leading term predicts $1 - \tfrac{1}{4\ln2} = 0.64$:
# the right direction, but with one sample a cell not yet the right size. It is never unbiased: the bias
# is $\mathbb E\,D(\hat p\,\|\,p)$, which is 0 only if $\hat p = p$ always, that is, if nothing is random.
# ```
#
# ```{exercise} What clusters do to atoms
# :label: ex-coarse
#
# *Level 2 of 3 · 15 minutes · by hand*
#
# Each source shows the label, one of three equally likely values: $X_1 = X_2 = Y$. Source 1 is now
# clustered into two, with the second and third value merged. Find all four atoms before and after. Which
# of them went *up*?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# After the merger, which source is a garbling of the other? {prf:ref}`thm-garbling` gives one atom, and
# {eq}`eq-atoms` the others.
# ```
#
# ```{solution-start} ex-coarse
# :class: dropdown
# ```

# %% [markdown]
# Before, $R=\log_2 3$ and there is nothing else. After, source 1 is a garbling of source 2, so $U_1=0$,
# $R = I(X_1;Y) = H_2(\tfrac13) = 0.918$, and $U_2 = \log_2 3 - 0.918 = \tfrac23$. Each information fell
# or stayed, as it must, but the unique atom $U_2$ rose. A modality can look unique because the *other*
# one was clustered badly.

# %%
from mmfuse_lib.course import check

whole = np.zeros((3, 3, 3))
whole[range(3), range(3), range(3)] = 1 / 3
merged = np.stack([whole[0], whole[1] + whole[2]])
coarse = [decompose(p).atoms for p in (whole, merged)]
assert check("ex-coarse", coarse)
show(dict(zip(("before", "after"), coarse, strict=True)))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A test of significance
# :label: ex-test
#
# *Level 2 of 3 · 20 minutes · by code*
#
# Turn the shuffle into a test. Is the synergy that 8 clusters find in the first 200 samples of our AND
# data more than chance? Shuffle 39 times. What is the smallest possible p-value? And what exactly has
# been rejected?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Put the real value among the 39 shuffled ones and look at its rank. Then ask what a shuffle destroys:
# only the synergy, or more?
# ```
#
# ```{solution-start} ex-test
# :class: dropdown
# ```

# %% [markdown]
# If the labels were independent of the data, the real labels would be one more shuffle, so all 40
# ranks of the real value would be equally likely: the p-value is at least $\tfrac1{40}$. What is rejected
# is independence of $Y$ and the *pair*, not "there is redundancy but no synergy". To test that, you would
# need data with the same pairwise tables and no synergy. {prf:ref}`def-broja` says where to get them:
# draw new data sets from the minimiser, `decompose(table).coupling`. (The idea that comes to mind first
# is to re-pair the sources within each label. This keeps the tables, too, but it makes the sources
# independent given the label. By {prf:ref}`thm-synergy-bound` that leaves a synergy of $R - I(X_1;X_2)$,
# not 0.)

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
assert check("ex-test", 1 / (1 + len(chance)))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Synergy of a sum
# :label: ex-sum
#
# *Level 2 of 3 · 15 minutes · by hand*
#
# For $Y = X_1 + X_2 + Z$ with independent Gaussian sources, all three terms with variance 1, find the
# four atoms by hand. What happens to $R$ and $S$ if the noise $Z$ becomes very small, and why is that odd?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# The shares of variance that one source and both sources explain are simple fractions. $R$ is the
# smaller of $I_1$ and $I_2$. For the second question let $Z$ have the variance $\sigma^2$.
# ```
#
# ```{solution} ex-sum
# :class: dropdown
#
# One source explains $\rho_1^2=\rho_2^2=\tfrac13$ of the variance, both explain $\tfrac23$. So
# $I_1=I_2=\tfrac12\log_2\tfrac32 = 0.292$, $I_{12}=\tfrac12\log_2 3 = 0.792$, $R=0.292$, $U_1=U_2=0$ and
# $S=\tfrac12$. If the noise has variance $\sigma^2$,
# $I_1 = \tfrac12\log_2\frac{2+\sigma^2}{1+\sigma^2}$ tends to $\tfrac12$ as the noise vanishes, and
# $I_{12}=\tfrac12\log_2\frac{2+\sigma^2}{\sigma^2}$ tends to infinity. With it $S = I_{12} - I_1$ does:
# without noise two real numbers fix their sum to infinitely many digits. The odd part is that two
# *independent* sources keep half a bit of redundancy, as in AND. Each tells something about the sum, and
# for a decision maker it is the same thing.
# ```
#
# ```{exercise} A vacuous bound
# :label: ex-vacuous
#
# *Level 1 of 3 · 10 minutes · by hand*
#
# Show that $R - I(X_1;X_2)$ is useless (not above 0) whenever the sources are copies of each
# other, and whenever nothing is redundant. When is it largest?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# What is $I(X_1;X_2)$ for copies? Compare it with the most that $R$ can be.
# ```
#
# ```{solution} ex-vacuous
# :class: dropdown
#
# For copies, $I(X_1;X_2) = H(X_1) \ge I(X_1;Y) \ge R$. If nothing is redundant, $R=0$ and
# $I(X_1;X_2)\ge0$. The bound is largest for redundant but independent sources: $R = I_1 = I_2$ and
# $I(X_1;X_2)=0$. Then it says $S\ge R$, as for AND.
# ```
#
# ## Further reading
#
# * {cite:t}`paninski2003` shows why no correction is safe with few samples a cell.
# * {cite:t}`efron1993`, chapters 10 to 14, on bias correction and intervals by resampling.
# * {cite:t}`liang2023` for clustering and BATCH, on the data sets that the field uses.
# * {cite:t}`liang2024` for the bounds on synergy without labelled pairs.
# * {cite:t}`kraskov2004` for mutual information from distances to neighbours, without cells.

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
