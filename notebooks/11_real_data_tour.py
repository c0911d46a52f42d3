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
# # Real data tour
#
# An actor says *it's eleven o'clock*, angrily. Some people only hear the clip, some only see it, some get both, and each of
# them names an emotion. **Do voice and face say the same? Does either tell something that the other does not? Is there
# something that only those perceive who have both?**
#
# These questions ask for R, U1, U2 and S, and for once nobody has to estimate them with a network: a crowd rated 7442 clips in
# exactly these three ways. The chapter begins with the exact decomposition of what people perceive. Then it visits
# seven data sets with three estimators and three methods, and asks of each number whether to believe it.
#
# ```{admonition} After this chapter you can
# :class: tip
# - turn raters' votes into an exact table, and say which experiment the table describes;
# - tell the synergy that any two noisy witnesses have from the synergy of an interplay;
# - prove how much synergy a table of counts invents, and put a shuffled control beside every estimate;
# - read three estimators and the reports of three methods side by side, and predict where they must disagree;
# - say what is known about the interactions of a real data set, and what is not.
#
# **Needs:** chapters 5 and 6; chapters 7 to 9 for the methods. **Takes:** {{ essential }} minutes for the essential path,
# {{ reading }} for everything; less than a minute to run on a CPU; nothing is downloaded.
# ```

# %% tags=["parameters", "hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
seed = 0
n_tables = 200  # random tables for the noise of counts
sizes = [125, 250, 500, 1_000, 2_000, 4_000]  # samples of digit_pairs
real_data = False  # True: make the tables of human perception from the published votes (downloads 4 MB)

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
import json
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from mmfuse_lib import Claims, data, mean_interval, plots, results, study
from mmfuse_lib.information import ATOMS, decompose, decompose_batch, entropy
from mmfuse_lib.information.estimators import SparseCountsWarning, cluster_pid
from mmfuse_lib.plots import GREY, INK

plots.use_style()
claim = Claims(
    globals(), seed=0, n_tables=200, sizes=[125, 250, 500, 1_000, 2_000, 4_000],
    real_data=False,
)  # fmt: skip
rng = np.random.default_rng(seed)
NAMES = list(ATOMS)
real = results("real_data")
about = {run["data"]: run["about"] for run in real.cells if "about" in run}
perception = real.of("cremad_votes", "perception")[0]["perception"]

# %% [markdown]
# ## What people hear, see and perceive
#
# In CREMA-D {cite:p}`cao2014`, 91 actors speak twelve sentences in six emotions. For each clip, about ten people named the
# emotion from the **voice** alone, ten others from the **face** alone, and ten others from **both**. So think of this
# experiment:
#
# > Draw a clip. Draw somebody who heard it, somebody who saw it, and somebody who did both. Each names an emotion.
#
# Call the answers $X_1$ (voice), $X_2$ (face) and $Y$ (both). Given the clip $c$, three different people answer, so their
# answers are independent. Each is distributed as the shares of that clip's votes, $v_c$, $f_c$ and $b_c$:
#
# $$
# \begin{aligned}
# & p(x_1,x_2,y) \\
# &= \frac1N\sum_{c=1}^{N} v_c(x_1)\, f_c(x_2)\, b_c(y).
# \end{aligned}
# $$ (eq-votes)
#
# That is a table of $6\times6\times6$ numbers, known exactly for these clips and these raters. Nothing was trained and
# nothing was clustered. (What it says about *other* actors than these 91 is a matter for the intervals below.) We can vary the
# question in two ways. In place of the third person's answer we can take the emotion that the actor was told to play. And in
# place of one person we can ask the **crowd**: each kind of rater then answers with the emotion that most of them named. The
# table has the atoms of the four versions, and the entropy of the label, in bits.
#
# ```{quiz} What do people perceive?
# :label: predict-perception
# :predict:
#
# Which part of what people with voice and face perceive is the largest?
#
# * [ ] Redundancy: an angry face goes with an angry voice.
#
#   It is the second. For single emotions, anger among them, it can be the first.
# * [ ] What is unique to the voice
#
#   The voice has next to nothing of its own here: what it tells, the face tells, too.
# * [x] What is unique to the face
#
#   In all four versions of the question the face's own part is the largest, then redundancy.
# * [ ] Synergy: an emotion shows in how voice and face fit together.
#
#   (synergy-is-interplay) Synergy is the third. And even what there is may have another cause, as this section finds out below.
# ```

# %%
if real_data:
    from mmfuse_lib.data.downloaded.cremad_votes import EMOTIONS, perception_tables

    emotions = list(EMOTIONS)
    voted = {
        f"{target}, {rater}": perception_tables(
            target, majority=rater == "majority"
        )
        for target in ("perceived", "acted")
        for rater in ("one rater", "majority")
    }
    tables = {
        name: table.sum(axis=0) / table.sum() for name, table in voted.items()
    }
else:
    emotions = perception["emotions"]
    tables = {name: np.array(p) for name, p in perception["tables"].items()}
    tables = {name: table / table.sum() for name, table in tables.items()}
perceived = {name: decompose(p) for name, p in tables.items()}
shown = pd.DataFrame(
    {name: d.atoms for name, d in perceived.items()}, index=NAMES
).T
shown["H(Y)"] = [entropy(p.sum(axis=(0, 1))) for p in tables.values()]
print(
    "certified to a millionth of a bit:",
    max(d.gap for d in perceived.values()) < 1e-6,
)
shown.round(3)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four groups of bars with intervals, R, U1, U2 and S for what one person perceives, what the crowd perceives, and the acted emotion from one person and from the crowd. In all four the bar of U2, unique to the face, is the highest, R is next, S is clearly smaller, and U1, unique to the voice, is close to zero."}, "figure": {"caption": "The face tells most on its own (U2) and the voice next to nothing (U1), however the question is asked. Human perception of emotion, decomposed; intervals (95 %) are over actors.", "name": "fig-perception"}}
TITLES = {
    "perceived, one rater": "perceived,\none person",
    "perceived, majority": "perceived,\ncrowd",
    "acted, one rater": "acted,\none person",
    "acted, majority": "acted,\ncrowd",
}


def with_intervals(ax, groups, atoms, intervals):
    """Draw bars of R, U1, U2 and S for each group, with given ends of intervals."""
    table = pd.DataFrame(atoms, columns=NAMES).assign(group=[*groups])
    plots.interaction_bars(table, by="group", ax=ax)
    for bars, given in zip(ax.containers, intervals.swapaxes(0, 1), strict=True):
        centres = [bar.get_center()[0] for bar in bars]
        ax.vlines(centres, *given.T, color="black", lw=1.3)


def ends(target, rater, emotion):
    """Return the stored intervals of R, U1, U2 and S over actors, shape (4, 2)."""
    table = pd.DataFrame(perception["intervals"])
    chosen = table[
        (table["target"] == target)
        & (table["rater"] == rater)
        & (table["emotion"] == emotion)
    ]
    return chosen.set_index("atom").loc[NAMES, ["lower", "upper"]].to_numpy()


fig, ax = plt.subplots(figsize=(6.4, 3.8))
atoms = np.array([perceived[name].atoms for name in TITLES])
over_actors_all = np.array([ends(*name.split(", "), "all") for name in TITLES])
with_intervals(ax, TITLES.values(), atoms, over_actors_all)
plt.show()

# %% [markdown]
# Look at the light blue bars of {numref}`fig-perception`. **The voice has next to nothing of its own.** Whatever it tells about
# the perceived emotion, the face tells too. The face has as much again, or more, that is not in the voice. And people with both
# perceive something that neither alone gives. The pattern is the same for the acted emotion and for the perceived one, for one
# person and for the crowd. The crowd's answers do tell more, 1.4 times as much about the acted emotion and twice as much about
# the perceived one, because a single answer is noisier than the most frequent of about ten. Here, *how much* information there
# is depends on how we ask; *which kind* it is does not.
#
# ### One emotion at a time
#
# Six emotions in one number hide the differences between them. So ask a smaller question: is it *anger*, or not?

# %% tags=["hide-input"] mystnb={"image": {"alt": "Six groups of bars with intervals, one per emotion. For anger R is by far the largest and S the second. For happiness U2, unique to the face, towers over everything. For disgust U2 leads. Fear, neutral and sadness have R and U2 of similar size and some S. U1 is invisible everywhere."}, "figure": {"caption": "Happiness is unique to the face, anger is in both. What one listener and one watcher tell about whether a person with both perceives this emotion; intervals (95 %) are over actors.", "name": "fig-emotions"}}
LONG = {"ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}  # fmt: skip


def against(p, k):
    """Return the table whose label is: this emotion, or another."""
    return np.stack([p.sum(axis=2) - p[..., k], p[..., k]], axis=-1)


p = tables["perceived, one rater"]
by_emotion = decompose_batch(
    np.stack([against(p, k) for k in range(len(emotions))])
).atoms
fig, ax = plt.subplots(figsize=(6.4, 3.8))
over_actors = np.array(
    [ends("perceived", "one rater", emotion) for emotion in emotions]
)
with_intervals(ax, [LONG[e] for e in emotions], by_emotion, over_actors)
plt.show()

# %% [markdown]
# A smile is seen, not heard: happiness is **unique to the face** ({numref}`fig-emotions`). Anger is in both, **redundant**, and
# has the largest synergy of the six, in bits. Disgust is in the face. Sadness is faint in both.
#
# ### When ears and eyes disagree
#
# Which of them wins? Take the draws in which listener and watcher differ, and ask what the person with both said.

# %%
i, j = np.meshgrid(range(6), range(6), indexing="ij")
differ = i != j
total = p.sum(axis=2)[differ].sum()
with_face = p[i, j, j][differ].sum() / total
with_voice = p[i, j, i][differ].sum() / total
print(
    f"listener and watcher differ in {total:.0%} of the draws; then the person with both says"
)
print(
    f"  what the watcher said {with_face:.0%}, what the listener said {with_voice:.0%}, "
    f"something else {1 - with_face - with_voice:.0%}"
)
for k, emotion in enumerate(emotions):
    heard, seen = p[k].sum(), p[:, k].sum()
    print(
        f"  {LONG[emotion]:8s} confirmed when heard {p[k, :, k].sum() / heard:.0%}, "
        f"when seen {p[:, k, k].sum() / seen:.0%}"
    )

# %% [markdown]
# The face wins more often, in 45 % of these draws against 25 % for the voice. In the other 29 % the person with both names
# a third emotion, which neither of the two had named.
#
# ### Is that synergy an interplay?
#
# There is a trap in the orange bars. Suppose voice and face were two honest, noisy witnesses who do not interact at all. Given
# the perceived emotion, what one says is then independent of what the other says. Asking both is still better than asking one,
# because errors average out. How much synergy would such witnesses have? Their table is
#
# $$
# q(x_1,x_2,y) = p(y)\,p(x_1|y)\,p(x_2|y),
# $$ (eq-witnesses)
#
# and it has the same $p(x_1,y)$ and $p(x_2,y)$ as the real one. BROJA's R, U1 and U2 depend on these two tables alone
# (chapter 4), so they are **equal** for $p$ and $q$. Only S may differ:
#
# $$
# S_p - S_q = I_p(X_1,X_2;Y) - I_q(X_1,X_2;Y).
# $$


# %%
def witnesses(p):
    """Return the table with the pairs of p whose sources are independent given y."""
    with_y1, with_y2 = p.sum(axis=1), p.sum(axis=0)
    y = p.sum(axis=(0, 1))
    return np.einsum("ay,by->aby", with_y1, with_y2) / y


alike = {name: decompose(witnesses(p)) for name, p in tables.items()}
apart = max(
    np.abs(alike[name].atoms[:3] - perceived[name].atoms[:3]).max()
    for name in tables
)
print("R, U1 and U2 are equal to a millionth of a bit:", bool(apart < 1e-6))
synergies = pd.DataFrame(
    {
        "S of people": {n: d.synergy for n, d in perceived.items()},
        "S of independent witnesses": {n: d.synergy for n, d in alike.items()},
    }
)
synergies.round(3)

# %% [markdown]
# Two witnesses without any interplay would have **more** synergy than people show, in every version of the experiment (values
# in bits). One reading is that voice and face go together *beyond* what the emotion explains. A clear clip is clear in both, an
# unclear clip in neither, so the second witness adds less than an independent one would. Nothing here says that people cannot
# fuse cues that make sense only together, but the positive S of these data needs no such explanation. Remember this when a
# paper shows you synergy: **S > 0 does not yet mean that something like XOR is going on.** For XOR itself, the witnesses of
# {eq}`eq-witnesses` have no synergy at all, as the next line shows. (For mixtures with other rules they may have some; see {ref}`ex-within`.)

# %%
xor = np.zeros((2, 2, 2))
for a in range(2):
    for b in range(2):
        xor[a, b, a ^ b] = 1 / 4
print(f"XOR: S = {decompose(xor).synergy:.3f},", end=" ")
print(f"its witnesses: S = {abs(decompose(witnesses(xor)).synergy):.3f}")

# %% [markdown]
# ```{quiz} A positive synergy
# :label: quiz-witnesses
#
# All four tables of perception have $S > 0$. What does this show about voice and face?
#
# * [ ] Some of what people perceive is in neither, only in how the two fit together.
#
#   (synergy-is-interplay) Two independent noisy witnesses have synergy as well: a second opinion helps.
# * [x] No interplay, until $S$ is compared with that of independent witnesses who know as much
#
#   Such witnesses would have more than people show. So this positive number needs no interplay.
# * [ ] The pair tells $S$ bits more than the face alone.
#
#   (synergy-is-gain) It tells $S + U_1$ bits more than the face. That $U_1$ is next to nothing here does not turn a gain into an
#   interplay.
# * [ ] Nothing, as $S$ is smaller than $R$
#
#   The size of another atom is no control.
# ```
#
# ## Noise invents synergy
#
# The table of votes was exact. All other data sets come as samples, and before we look at what estimators say about them, we
# should know what they say about **nothing**. So let the label have nothing to do with the modalities. Count $N$ samples in a
# table with $k_1$ and $k_2$ letters and $K$ labels, and decompose the counts.
#
# ```{prf:proposition} Where the noise goes
# :label: prop-noise
#
# Let $Y$ be independent of $(X_1,X_2)$, and let all pairs of letters be possible. Then, up to terms of order $1/N^2$, the mean
# plug-in information between a source of $k$ letters and the label is $\frac{(k-1)(K-1)}{2N\ln 2}$ bits, and for the atoms of
# the counts
#
# $$
# \begin{aligned}
# & \mathbb E[\hat S] - \mathbb E[\hat R] \\
# &= \frac{(k_1-1)(k_2-1)(K-1)}{2N\ln 2} .
# \end{aligned}
# $$ (eq-noise)
#
# Since $\hat R \ge 0$, at least that much **synergy** is invented.
# ```
#
# ```{prf:proof}
# Write $p_a$ and $p_y$ for the true probabilities of letter $a$ and label $y$, $\hat p$ for the counts divided by $N$, and
# $r_{ay} = \hat p_{ay} - \hat p_a \hat p_y$. The plug-in information is $\hat I = D(\hat p_{ay}\|\hat p_a\hat p_y)$. To
# second order a divergence is half a squared distance, so $\hat I \ln 2 \approx \frac12 \sum_{a,y} r_{ay}^2/(p_a p_y)$. Up to
# smaller terms, $r_{ay}$ is the mean over the samples of $(\mathbb 1[A{=}a] - p_a)(\mathbb 1[Y{=}y] - p_y)$. By independence
# each of these terms has mean zero and variance $p_a(1-p_a)\,p_y(1-p_y)$, so
# $\mathbb E[r_{ay}^2]/(p_ap_y) = (1-p_a)(1-p_y)/N$. The sum of $1-p_y$ over $y$ is $K-1$, and that of $1-p_a$ over $a$ is
# $k-1$. This is the first claim {cite:p}`miller1955,panzeri1996`. For the pair of sources it holds with $k = k_1k_2$. Now
# $\hat S - \hat R = \hat I_{12} - \hat I_1 - \hat I_2$ is an identity, whatever the measure of redundancy, and
# $(k_1k_2 - 1) - (k_1-1) - (k_2-1) = (k_1-1)(k_2-1)$. $\square$
# ```
#
# So noise is not spread fairly. A pair of sources has many more cells than one source, so nearly all of the noise lands in the
# atom that only the pair can see. Here are two hundred tables of pure noise, of the size of a medical data set that we meet
# below (351 people, two classes, eight letters for each modality), and larger ones. All but $N$ are bits:

# %%
k1, k2, K = 8, 8, 2
rows = []
for n in (351, 1_000, 4_000):
    counts = rng.multinomial(
        n, np.full(k1 * k2 * K, 1 / (k1 * k2 * K)), size=n_tables
    )
    invented = decompose_batch(
        counts.reshape(-1, k1, k2, K) / n, tolerance=1e-5
    ).atoms
    predicted = (k1 - 1) * (k2 - 1) * (K - 1) / (2 * n * np.log(2))
    mean = invented.mean(axis=0)
    rows.append([n, *mean, mean[3] - mean[0], predicted])
noise = pd.DataFrame(rows, columns=["N", *NAMES, "S - R", "proposition"])
noise.round(3).set_index("N")

# %% [markdown]
# With 351 people, the noise "finds" synergy and hardly anything else. The proposition, which is exact for large $N$, predicts
# four fifths of it. There are two remedies, and you should use both. **Correct the bias:** `cluster_pid` resamples the counts
# and subtracts what resampling adds. **Look at the shuffled control:** run the same estimator on the same features with
# shuffled labels. Now the truth is zero for every atom, the noise is as before, and the output is what this estimator invents
# from data of this size. (`cluster_pid` shuffles 39 times of its own accord. Its interval excludes zero only where at most one
# of the 39 shuffles reaches the value of the real labels.)
#
# With `digit_pairs` we can watch all of this against the truth. It has two handwritten digits, four classes, and a quarter of
# each interaction:


# %%
def compare(n):
    """Count n samples of digit_pairs with and without correction and shuffling."""
    train, _, _ = data.load(
        "digit_pairs", seed=seed, n_train=n, n_val=10, n_test=10, cue=True
    )
    x1, x2 = (x.flatten(1).numpy() for x in train.inputs.values())
    y = train.target.numpy()
    shuffled = np.random.default_rng(seed).permutation(y)
    options = {"n_clusters": 12, "seed": seed}
    warnings.simplefilter(
        "ignore", SparseCountsWarning
    )  # the text says why it warns
    return {
        "plug-in": cluster_pid(x1, x2, y, n_bootstrap=0, **options).atoms,
        "plug-in, shuffled": cluster_pid(
            x1, x2, shuffled, n_bootstrap=0, **options
        ).atoms,
        "corrected": cluster_pid(x1, x2, y, n_bootstrap=20, **options).atoms,
        "corrected, shuffled": cluster_pid(
            x1, x2, shuffled, n_bootstrap=20, **options
        ).atoms,
    }


curves = {n: compare(n) for n in sizes}
truth = decompose(
    data.load("digit_pairs", n_train=10, n_val=10, n_test=10, cue=True)[
        0
    ].label_table()
)
print("truth:", dict(zip(NAMES, truth.atoms.round(2).tolist(), strict=True)))
invented = pd.DataFrame(
    {
        name: [
            curves[n][f"{name}, shuffled"].sum() / curves[n][name].sum()
            for n in sizes
        ]
        for name in ("plug-in", "corrected")
    },
    index=pd.Index(sizes, name="samples"),
)
print("bits in all atoms, shuffled labels divided by real ones, by samples:")
print(invented.round(2).T.to_string())

# %% tags=["hide-input"] mystnb={"image": {"alt": "Total of all atoms against the number of samples on logarithmic axis. The plug-in starts at 1.7 bits and settles at 1.3, below the truth of 2; with shuffled labels it starts at 1.1 and falls to near zero. The corrected estimate is a little lower, and with shuffled labels it is nearer to zero."}, "figure": {"caption": "With few samples, shuffled labels (dashed) seem to hold more than half as many bits as real ones, corrected or not. R + U1 + U2 + S of `digit_pairs`, by twelve clusters per modality. The truth is dotted.", "name": "fig-noise-invents"}}
totals = pd.DataFrame(curves).T.map(np.sum)  # a row for each number of samples
fig, ax = plt.subplots(figsize=(6.4, 5.4))
sns.lineplot(
    totals,
    palette=[GREY, GREY, INK, INK],
    dashes=["", (3, 1.5)] * 2,
    marker="o",
    mew=0,
    ax=ax,
)
ax.set_xscale("log")
ax.set_xticks(sizes, [f"{n}" for n in sizes], rotation=30)
ax.minorticks_off()
ax.axhline(truth.atoms.sum(), color="black", lw=1, ls=":")
_ = ax.set(
    xlabel="samples", ylabel="bits in all atoms", ylim=(0, 1.02 * truth.atoms.sum())
)
ax.legend(ncols=1, loc="lower left", bbox_to_anchor=(0, 1))
plt.show()

# %% [markdown]
# With the fewest samples, labels that mean nothing give more than half as many bits as the real ones, corrected or not
# ({numref}`fig-noise-invents`). There are then several cells for each sample, more than resampling can see. (`cluster_pid`
# warns below five samples a cell, which here are all sizes but the largest. The code above silences the warning.) **An
# estimate that is not clearly above its own shuffled control says nothing.** With many samples, both estimates settle well
# below the truth, which is the dotted line at the top. Information lost by clustering pixels is not noise, and no number of
# samples brings it back.
#
# ```{quiz} Shuffle
# :label: quiz-shuffled-control
#
# An estimator gives $S = 0.40$ bits on real labels and 0.38 on shuffled ones. What is left to report?
#
# * [ ] 0.40 bits, with its bootstrap interval
#
#   (positive-is-synergy) The interval is around a number that noise gives as well.
# * [ ] 0.02 bits of synergy
#
#   (subtract-control) With shuffled labels there is more left to invent, so the two amounts of noise need not be equal, and the
#   difference has an error of its own.
# * [x] That this estimator cannot tell synergy from noise here
#
#   More samples, fewer cells, or an estimator that does not count.
# ```
#
# ## Seven data sets, three estimators, three methods
#
# `data.load` brings each of them in one call, with a download that is checked. `data.describe` says what it is, who made it and
# what you may do with it.

# %%
ORDER = ["cremad_votes", "utd_mhad", "mfeat", "cub_image_text", "mmsd_sarcasm", "rosmap", "spoken_digits"]  # fmt: skip
MEASURED = [name for name in ORDER if name in about]


def card(name):
    """Print what the library knows about a data set, and what is used of it here."""
    lines = data.describe(name).split("\n")
    print("\n".join(line for line in lines if "options" not in line))
    if name in MEASURED:
        entry = about[name]
        print(f"  people    {entry['people']}")
        print(
            f"  used      {' and '.join(entry['modalities'])}; {entry['classes']} classes; "
            f"{' / '.join(str(n) for n in entry['rows'])} samples for training / validation / test"
        )
    print()


for name in ORDER:
    card(name)

# %% [markdown]
# The first six are real. In `spoken_digits`, pixels and sound are real but a rule makes the label, so the truth is known and
# the data set serves as a control. Read the licences. The tweets are not ours to pass on, the pictures of birds are for
# research only, and one set is about people's health. A file that you can download is not a permission to use it.
#
# ### Every estimator sees the same features
#
# To make them comparable, all estimators and methods get **the same numbers**: the first 16 principal components of each
# modality, fitted on the training split. (The votes of CREMA-D have 12 numbers and stay as they are.) That choice has
# consequences. Whatever a larger encoder would find in the rest is missing from these results, and "the interactions of the
# data set" are the interactions *of these features*. At most 1500 samples are used for training (drawn at random from larger
# training splits), and estimators get at most 2000, drawn from all splits.
#
# BATCH and LSMI score each sample with networks that did not learn from it, nor from any other sample **of the same person**
# where persons are known: 91 actors, the 8 people of UTD-MHAD, and 6 speakers (`groups=` of the estimators). The cluster
# estimator chooses its number of clusters in the same way, and then counts all samples. The methods are trained on the
# training split with three seeds, keep the epoch that is best on validation, and are tested on the test split.
#
# * **Clusters**: k-means in each modality, then exact BROJA of the counts, corrected.
# * **BATCH** {cite:p}`liang2023`: BROJA through calibrated classifiers and a learned coupling.
# * **LSMI** {cite:p}`yang2025`: the pointwise definition. It is *another quantity*, and it can be negative.
# * **DMIL's gate** {cite:p}`yang2026` and **I2MoE's weights** {cite:p}`xin2025`: shares that a model gives to its own parts,
#   which their makers call R, U1, U2 and S.
# * **DI-MML's head weights** {cite:p}`fan2024`: how much the first modality's classifier, the second's and the fusion's count
#   in the final vote, by their certainty. They are not interactions, and are not drawn in the interactions' colours.
#
# The command is `mmfuse study reproduce/real_data.yml`.

# %% tags=["hide-input"]
ESTIMATORS = ["cluster", "BATCH", "LSMI"]


def estimates(name, shuffled=False, by_person=True):
    """Return what each estimator finds on a data set, a row each."""
    wanted = (shuffled, not by_person)
    found = {
        run["method"]: row
        for run in real.of(name) for row in run.get("estimates", [])
        if (row["shuffled"], row["ignoring_groups"]) == wanted
    }  # fmt: skip
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("estimator")


def draw_estimates(ax, name):
    """Stack what each estimator finds above its control, and the truth if it is known."""
    bars = estimates(name).loc[ESTIMATORS, NAMES]
    if "truth" in about[name]:
        bars.loc["truth"] = about[name]["truth"]
    bars.plot.barh(stacked=True, color=plots.PALETTE, edgecolor="white", lw=0.5, width=0.55, legend=False, ax=ax)  # fmt: skip
    controls = estimates(name, shuffled=True).loc[ESTIMATORS, NAMES]
    sizes = controls.abs().sum(axis=1)
    ax.barh(np.arange(len(ESTIMATORS)) + 0.38, sizes, 0.16, color=GREY)
    ax.axvline(0, color=INK, lw=1)
    ax.axvline(about[name]["label_bits"], color=INK, lw=1.2, ls=":")
    _ = ax.set(ylabel="", ylim=(len(bars) - 0.35, -0.5))
    ax.grid(visible=False, axis="y")


def report(name, method):
    """Return what a method reports on a data set, mean over seeds."""
    return pd.DataFrame(run["report"] for run in real.of(name, method)).mean()


def draw_reports(ax, name):
    """Draw the shares in reports: dots for interactions, letters for DI-MML's heads."""
    shares = pd.DataFrame({m: report(name, m) for m in ("DMIL", "I2MoE")})
    shares = shares.rename_axis("atom").reset_index()
    shares = shares.melt("atom", var_name="method", value_name="share")
    sns.stripplot(shares, x="share", y="method", hue="atom", palette=plots.PALETTE, dodge=True, jitter=False,
                  size=8, legend=False, ax=ax)  # fmt: skip
    for k, value in enumerate(report(name, "DIMML")):
        ax.text(value, 2 + 0.36 * (k - 1), "12F"[k], color=INK, ha="center", va="center",
                weight="bold")  # fmt: skip
    ax.set_yticks(range(3), ["DMIL", "I2MoE", "DI-MML"])
    _ = ax.set(xlabel="", ylabel="", xlim=(-0.04, 1), ylim=(2.7, -0.6))


# %% tags=["hide-input"] mystnb={"image": {"alt": "One row per data set. On the left, bars in bits that stack R, U1, U2 and S, one bar each for clusters, BATCH and LSMI, each with a thin grey bar for the same estimator on shuffled labels, and the truth where it is known. On the right, dots for the shares that DMIL's gate, I2MoE's weights and DI-MML's heads give."}, "figure": {"caption": "Estimators disagree about amounts, and reports say something else again. Left: atoms by three estimators, parts below zero to the left; the thin grey bar, mostly too short to be seen, is the sum of the sizes of the atoms that the same estimator finds with shuffled labels; the dotted line is the entropy of the label. Right: the shares that methods report, mean over test samples and three seeds. DI-MML's heads (1, 2, and F for the fusion) are not interactions.", "name": "fig-tour"}}
fig, axes = plt.subplots(
    len(MEASURED),
    2,
    figsize=(6.4, 0.6 + 2.1 * len(MEASURED)),
    width_ratios=(1.4, 1),
)
for (left, right), name in zip(axes, MEASURED, strict=True):
    draw_estimates(left, name)
    draw_reports(right, name)
    left.set_title(name, loc="left")
    for ax in (left, right):
        ax.xaxis.set_major_formatter("{x:g}")
axes[-1, 0].set_xlabel("bits")
axes[-1, 1].set_xlabel("share")
fig.legend(axes[0, 0].containers, [*NAMES, "shuffled labels"],
           loc="outside upper center", ncols=5, columnspacing=0.8, handlelength=0.8)  # fmt: skip
plt.show()

# %% [markdown]
# First, the controls. What do the estimators make of shuffled labels? A fourth estimator stands beside the three as a warning:
# eight clusters per modality, whatever the number of samples, counted and not corrected. The table has the sum of the sizes
# of the atoms, in bits, with shuffled labels, and in the last column with real ones.

# %%
controls = {}
for name in MEASURED:
    true_labels, shuffled = (
        estimates(name, how)[NAMES].abs().sum(axis=1) for how in (False, True)
    )
    controls[name] = dict(shuffled[[*ESTIMATORS, "plug-in 8"]])
    controls[name]["plug-in 8, real labels"] = true_labels["plug-in 8"]
controls = pd.DataFrame(controls).T
controls.round(3)

# %% [markdown]
# BATCH and LSMI score each sample with networks that never saw it, and they find next to nothing where there is nothing. The
# cluster estimator chooses the number of clusters that best predicts held-out samples. With shuffled labels it chose one
# cluster every time, which can tell nothing, so every atom is zero. The naive table is the opposite. On the molecules
# (`rosmap`), most of what it "finds" with the real labels it finds with shuffled ones as well, and nearly all of that would
# be called synergy.
#
# ### Some counts say nothing about synergy
#
# *Deeper: how to read the cluster estimator's synergy; skip it on a first reading.*
#
# A number of clusters may predict labels, and yet their table may have too few samples to say *how*. So ask the control at
# the chosen number of clusters. What is the synergy of the counts, in bits, before any correction, with real labels and with
# shuffled ones? (The last three columns are the corrected value and the ends of its 95 % interval.)

# %%
cells = {}
for name in MEASURED:
    row = estimates(name).loc["cluster"]
    cells[name] = {
        "clusters": row["n_clusters_1"],
        "samples per cell": row["samples_per_cell"],
        "S counted": row["plugin_S"],
        "S counted, shuffled": row["shuffled_S"],
        "S": row["S"],
        "from": row["S_lower"],
        "to": row["S_upper"],
    }
cells = pd.DataFrame(cells).T
cells.round(2).astype({"clusters": int})

# %% [markdown]
# On UTD-MHAD, twelve clusters per modality and 27 actions make 3,888 cells for 861 recordings: between four and five cells for
# each sample. Shuffled labels give four times as much synergy as the real ones. (Real labels leave less to invent: once a
# cluster has told most of the action, little is left for the pair.) On the birds (`cub_image_text`) shuffled labels give nearly
# twice as much, and on the numerals (`mfeat`), with between one and two samples per cell, as much as the real ones. **On these
# three, counting says nothing about S**, and their intervals begin at zero. Their R, U1 and U2 are at least five times their
# controls. Look at this table before you read the orange parts of the cluster bars in {numref}`fig-tour`.
#
# ### Hold out people, not samples
#
# A clean control is necessary but not sufficient. Here is something that it cannot see. Eight people performed the actions of
# UTD-MHAD, four times each. If samples are held out one by one, the networks have seen *the same person* do *the same thing*,
# and they use what they learned about that person. Shuffled labels do not reveal it, because then there is nothing to
# recognise. So keep people together, and look at what changes. The table has the atoms in bits, their sum, and the sum of their
# sizes with shuffled labels.
#
# ```{quiz} New people
# :label: predict-people
# :predict:
#
# On UTD-MHAD whole people are now held out in place of single samples. What happens to the redundancy that networks find?
#
# * [ ] It stays: the actions are the same, and every control was clean.
#
#   (clean-control) Shuffled labels reward nobody for recognising a person, so this control could not see it.
# * [x] It falls.
#
#   The networks had learned how each of these people does each action, and both sensors show that. For a new person it is
#   worth nothing.
# * [ ] It rises, since there is less to overfit.
#
#   There are fewer people to learn from, and strangers to be tested on. Neither makes it rise.
# ```

# %%
by_person = {}
for name in MEASURED:
    if about[name]["groups"] is None:
        continue
    for estimator in ESTIMATORS:
        for title, together in (("one by one", False), ("by person", True)):
            row, control = (
                estimates(name, how, together).loc[estimator, NAMES]
                for how in (False, True)
            )
            sums = [row.sum(), control.abs().sum()]
            by_person[name, estimator, title] = [*row, *sums]
by_person = pd.DataFrame(by_person, index=[*NAMES, "sum", "shuffled"]).T
by_person.index.names = ["data", "estimator", "held out"]
by_person.round(2)

# %% [markdown]
# For the votes about 91 actors, next to nothing changes. On UTD-MHAD, BATCH and LSMI find about 0.4 bits less in all, and R is
# 0.5 to 0.7 bits smaller. The spoken digits change most. When samples are held out one by one, BATCH says *redundant*: a
# network understands a voice that it has heard before. When people are held out, BATCH says **unique to the image**: networks
# that have heard two to four voices understand little of what a new voice says. Both answers are right, to different
# questions, and the second is the one you need if you will meet new people. (Part of the loss is the price of having fewer
# people to learn from.) Clusters hardly change, because there the folds only choose their number. And all this time, every
# control was clean.
#
# Nobody knows who wrote which of the numerals and the tweets, so there the networks may still recognise somebody.
#
# Does an estimator sort the information into the right atoms? `spoken_digits` can answer that too, since its truth is known
# (in bits):

# %%
against_truth = estimates("spoken_digits").loc[ESTIMATORS, NAMES]
against_truth.loc["truth (BROJA)"] = about["spoken_digits"]["truth"]
against_truth.round(2)

# %% [markdown]
# The truth is one bit of R, one bit of S, and nothing unique. All three estimators find less than half of it. Sixteen
# components of pixels and of sound do not show every digit to networks of this size, least of all in a new voice, and
# information that needs *both* digits suffers twice. LSMI at least puts R and S above both unique parts. BATCH and the
# clusters do not. They report more than half a bit and a third of a bit **unique to the image**, more than they find
# redundant. That is not a bug. Clusters of sounds are hardly clusters of digits, and a new voice is hard to understand, so *for
# these features* it is true that mostly the image tells. **A weak encoder for one modality turns redundant information into
# information unique to the other modality.** The clean control gave no hint of it.
#
# ## More information need not mean more accuracy
#
# Information is one thing; the accuracy of a trained model is another. Here is the test accuracy on the same features, in per
# cent, mean over three seeds (higher is better):


# %%
def accuracies(name):
    """Return the test accuracies of each method on a data set, one per seed."""
    first, second = about[name]["modalities"]
    alone = {f"alone, {first}": "first alone", f"alone, {second}": "second alone"}
    runs = study.scores(real, name).replace({"method": alone})
    return dict(iter(runs.groupby("method", sort=False)["accuracy"]))


tested = {name: accuracies(name) for name in MEASURED}
test_accuracy = (
    100
    * pd.DataFrame(
        {
            name: {"majority": about[name]["majority"]}
            | {method: values.mean() for method, values in found.items()}
            for name, found in tested.items()
        }
    ).T
)
print(test_accuracy.round(1).to_string())
halves = {
    name: 100 * max(mean_interval(values)[1] for values in found.values())
    for name, found in tested.items()
}
print("widest interval, ±", {n: round(h, 1) for n, h in halves.items()})
fused = test_accuracy[["JointFusion", "DIMML", "DMIL", "I2MoE"]]
spread = fused.max(axis=1) - fused.min(axis=1)
print("best fused method minus the worst", spread.round(1).to_dict())
beyond, reaches_zero = {}, {}
for name in ("cub_image_text", "rosmap"):
    found = estimates(name).loc[ESTIMATORS]
    beyond[name] = found["U2"] + found["S"]
    reaches_zero[name] = (found[["U2_lower", "S_lower"]] < 0.001).all(axis=1)
beyond = pd.DataFrame(beyond)
print("bits beyond the first modality (U2 + S):")
print(beyond.round(2).T.to_string())

# %% [markdown]
# A second modality is not always worth having. With a few hundred training samples, the best single modality of the birds and
# of the molecules is as good as any model with both, within the intervals. Is there nothing to gain? For the birds, all
# estimators find something beyond the picture: 0.11 bits by BATCH and LSMI, and more by clusters (0.27 bits of it unique to
# the text, the rest a synergy that counting cannot tell from chance). For the molecules they find 0.03 to 0.06 bits, and the
# intervals of both its parts begin at zero or below, to a thousandth of a bit. So for the molecules nobody can say.
#
# Fused methods differ by about a point on four data sets, by five or six points on the birds and the molecules, and by thirteen
# on UTD-MHAD, where training sees three people and testing sees others. These are means of three seeds, and on UTD-MHAD, the
# birds and the molecules their intervals reach about 10 points to either side. So the first four data sets say that the
# methods are alike, and none of the seven says which is best. Information bounds what a model can achieve. It does not predict
# what a model will achieve.
#
# ## Where they disagree, and why
#
# Which atom does each of them call the largest?

# %%


def leaders(values):
    """Name the largest value and all that come within 0.01 of it."""
    return {n for n, v in values.items() if v >= max(values) - 0.01}


largest = {}
for name in MEASURED:
    found = estimates(name)[NAMES]
    largest[name] = {e: leaders(found.loc[e]) for e in ESTIMATORS} | {
        "DMIL gate": leaders(report(name, "DMIL")),
        "I2MoE weights": leaders(report(name, "I2MoE")),
    }
names = {
    data_set: {who: "/".join(n for n in NAMES if n in s) for who, s in row.items()}
    for data_set, row in largest.items()
}
print(pd.DataFrame(names).T.to_string())
estimators_agree = sum(
    bool(set.intersection(*(row[e] for e in ESTIMATORS)))
    for row in largest.values()
)
methods_agree = {
    m: sum(bool(row[m] & row["BATCH"]) for row in largest.values())
    for m in ("DMIL gate", "I2MoE weights")
}
print(
    f"the three estimators share a largest atom (ties within 0.01) on {estimators_agree} of {len(MEASURED)} data sets"
)
print("a method shares the largest atom of BATCH on", methods_agree)
bits = {}
for name in MEASURED:
    found = estimates(name)[NAMES]
    bits[name] = {
        "all atoms: cluster": found.loc["cluster"].sum(),
        "BATCH": found.loc["BATCH"].sum(),
        "LSMI": found.loc["LSMI"].sum(),
        "R: LSMI - BATCH": found.loc["LSMI", "R"] - found.loc["BATCH", "R"],
        "S: LSMI - BATCH": found.loc["LSMI", "S"] - found.loc["BATCH", "S"],
    }
bits = pd.DataFrame(bits).T
print("in bits")
print(bits.round(2).to_string())

# %% [markdown]
# None of this is a surprise once you ask what each number is.
#
# * **LSMI answers another question.** Its redundancy compares how surprising two observations are, not what they say
#   (chapter 6). Where both views of a sample are equally surprising, it calls whatever the better one says shared,
#   $R = \mathbb E\max(i_1, i_2)$, which is at least BROJA's R. A unique part may then become negative, and S has to make up for
#   it. In general nothing orders the two definitions, but here LSMI's R and S are larger on every data set, by about half a bit
#   on the votes and on UTD-MHAD. Its *total* nearly equals that of BATCH.
# * **Clusters lose information.** They are made without looking at the label, so they keep less than a classifier can use. On
#   the tweets and the molecules they lose most of it. The loss is not spread evenly: unique parts and redundancy trade places.
# * **BATCH rests on its classifiers.** It cannot find what small networks do not learn from these samples.
# * **Gates and weights are not bits.** They say which part a model listens to, and several parts can do the same work. A gate
#   that is largest on R is compatible with no redundancy at all, as chapters 8 and 9 show. Where DMIL's gate agrees with BATCH,
#   both say R, which is BATCH's largest atom on six of the seven data sets. A gate that always said R would agree more often.
# * **DI-MML's heads** stay near one third each, between a quarter and two fifths. Classifiers that were trained to be certain
#   are about equally certain.
# * **All of them see the same features.** The tables are about sixteen components per modality, not about all that the data
#   hold.
# * **People and machines get different questions.** At the beginning, each person's answer was a letter of the table. Here the
#   shares of ten votes are features, and the target is the acted emotion. The same two atoms lead, R and the face's own part,
#   but not always in the same order. For people and by clusters the face's own part is larger (by clusters, by less than the
#   intervals); for BATCH it is R.
#
# What can be said with some confidence? If **estimators of one definition agree, above their controls, with people kept
# together, and the accuracies are compatible**, you may state what they agree on, **for these features**. Face and voice share
# much, and the face has much of its own. Skeleton and sensor share more than either has of its own, and so do the two
# descriptions of numerals; in both cases each modality has a part of its own. (On the spoken digits, BATCH and clusters agree
# that much is unique to the image. That is true of the features; it is not true of the digits.) Where estimators do not agree,
# as for the molecules, the honest report is the range.

# %% [markdown]
# ```{quiz} Three samples a patient
# :label: quiz-split
#
# A study has 351 patients with three samples each, and splits the samples at random. What does its accuracy measure?
#
# * [x] How well the model does on further samples of patients it has met
#
#   For new patients, the split has to keep each patient on one side.
# * [ ] How well it does on new patients, as the split is random
#
#   (random-split) Nearly every patient in the test has samples in training, too.
# * [ ] Nothing
#
#   It measures something definite, though it is rarely what was asked.
# ```
#
# ## What this chapter claims
#
# The cells below check what this chapter claims, first about votes and noise.

# %% tags=["hide-input"]
claim(
    (noise["S"] > 5 * noise[["R", "U1", "U2"]].max(axis=1)).all(),
    "In a table of counts, noise invents synergy, more than five times as much as any other atom.",
)
claim(
    abs(noise["S - R"] / noise["proposition"] - 1).iloc[-1] < 0.1
    and 0.75 < (noise["proposition"] / noise["S - R"]).iloc[0] < 0.87,
    "It invents as much as the proposition says for many samples, and more for few.",
)
claim(
    invented.loc[sizes[0]].min() > 0.5 and invented.loc[sizes[-1]].max() < 0.1,
    "With the fewest samples, shuffled labels give more than half as many bits as real ones; with the most, less than a tenth.",
)
claim(decompose(xor).synergy > 0.999, "The synergy of an exclusive or is one bit.")
claim(
    all(
        face > redundancy > synergy > 4 * voice
        for redundancy, voice, face, synergy in (
            d.atoms for d in perceived.values()
        )
    ),
    "In all four tables the face's own part is the largest, then R, then S; the voice has next to nothing of its own.",
)
claim(
    all(alike[name].synergy > d.synergy for name, d in perceived.items()),
    "Independent witnesses who know as much would have more synergy than people have.",
)
crowd_over_one = {
    target: perceived[f"{target}, majority"].total
    / perceived[f"{target}, one rater"].total
    for target in ("acted", "perceived")
}
claim(
    1.35 < crowd_over_one["acted"] < 1.45
    and 1.9 < crowd_over_one["perceived"] < 2.05,
    "A crowd tells 1.4 times as much as one rater about the acted emotion, and twice as much about the perceived one.",
)
claim(
    apart < 1e-6,
    "R, U1 and U2 are the same for people and for independent witnesses who know as much.",
)
atoms_of = dict(zip(emotions, by_emotion, strict=True))
claim(
    atoms_of["HAP"].argmax() == 2
    and atoms_of["HAP"][2] > 3 * atoms_of["HAP"][0]
    and atoms_of["ANG"].argmax() == 0
    and atoms_of["DIS"].argmax() == 2,
    "Happiness and disgust are mostly in the face, anger mostly in both.",
)
claim(
    by_emotion[:, 3].argmax() == emotions.index("ANG")
    and by_emotion.sum(axis=1).argmin() == emotions.index("SAD"),
    "Anger has the most synergy; the least information is about sadness.",
)
claim(
    (round(with_face, 2), round(with_voice, 2)) == (0.45, 0.25),
    "Where face and voice differ, people with both agree with the face in 45 % and with the voice in 25 % of the draws.",
)

# %% [markdown]
# The next claims are about the seven data sets, from the result file: first what the estimators find, then what the methods
# report and what changes when samples are scored by networks that never saw the same person.

# %% tags=["hide-input"]
inside = [
    (over_actors_all[k, :, 0] <= perceived[name].atoms + 1e-3)
    & (perceived[name].atoms - 1e-3 <= over_actors_all[k, :, 1])
    for k, name in enumerate(TITLES)
]
claim(np.all(inside), "The intervals over actors contain the atoms.")
medical = controls.loc["rosmap"]
claim(
    controls[ESTIMATORS].max().max() < 0.1
    and (controls["cluster"] == 0).all()
    and (controls["plug-in 8"] > controls[ESTIMATORS].max(axis=1)).all()
    and medical["plug-in 8"] > 0.5 * medical["plug-in 8, real labels"],
    "With shuffled labels, three estimators find less than 0.1 bits; naive counting finds more on every data set.",
)
# Where there are few samples per cell, shuffled labels have as much synergy.
chance = cells["S counted, shuffled"] / cells["S counted"]
few = ["utd_mhad", "cub_image_text", "mfeat"]
claim(
    4 < chance["utd_mhad"] < 5
    and 0.2 < cells.loc["utd_mhad", "samples per cell"] < 0.25
    and 1.7 < chance["cub_image_text"] < 2
    and 0.9 < chance["mfeat"] < 1.1
    and 1 < cells.loc["mfeat", "samples per cell"] < 2
    and (cells.loc[few, "from"] == 0).all()
    and (chance[["cremad_votes", "spoken_digits"]] < 0.3).all(),
    "With fewer than two samples per cell, chance gives about as much counted synergy as real labels, or more.",
)
rows = {name: estimates(name).loc["cluster"] for name in few}
claim(
    all(
        row[f"plugin_{atom}"] > 5 * row[f"shuffled_{atom}"]
        for row in rows.values() for atom in ("R", "U1", "U2")
    ),
    "The other atoms stand far above chance there.",
)  # fmt: skip
halved = bits["all atoms: cluster"] < 0.5 * bits["BATCH"]
claim(
    (bits["R: LSMI - BATCH"] > 0).all()
    and (bits["S: LSMI - BATCH"] > 0).all()
    and bits["R: LSMI - BATCH"][["cremad_votes", "utd_mhad"]].min() > 0.45
    and (bits["BATCH"] - bits["LSMI"]).abs().max() < 0.1,
    "LSMI finds more R and more S than BATCH on every data set, with nearly the same sum.",
)
claim(
    halved[halved].index.tolist() == ["mmsd_sarcasm", "rosmap"],
    "Clusters lose more than half of the information on tweets and molecules.",
)

# %% tags=["hide-input"]
named = [name for name, row in largest.items() if row["BATCH"] == {"R"}]
agreed = [r["BATCH"] for r in largest.values() if r["DMIL gate"] & r["BATCH"]]
claim(
    set(MEASURED) - set(named) == {"spoken_digits"}
    and agreed == [{"R"}] * len(agreed)
    and len(agreed) < len(named),
    "For BATCH, R leads on all but the spoken digits; DMIL's gate agrees with BATCH on some, and only on R.",
)
parts_of = [
    estimates(name).loc[estimator, ["R", "U1", "U2"]]
    for name in ("utd_mhad", "mfeat") for estimator in ("cluster", "BATCH")
]  # fmt: skip
claim(
    largest["cremad_votes"]["cluster"] == {"U2"}
    and all(r > max(u1, u2) and min(u1, u2) > 0.1 for r, u1, u2 in parts_of),
    "By clusters, the face leads on CREMA-D; on UTD-MHAD and mfeat R leads, and each view has a part of its own.",
)
claim(
    all(
        8.5 < halves[name] < 11.5
        for name in ("utd_mhad", "cub_image_text", "rosmap")
    ),
    "On three data sets the mean accuracy of a method is uncertain by about ten points.",
)
heads = [report(name, "DIMML") for name in MEASURED]
claim(
    0.2 < min(map(min, heads)) < max(map(max, heads)) < 0.45,
    "DI-MML gives each of its heads between 20 and 45 % of the weight, on every data set.",
)
claim(
    spread.drop(["utd_mhad", "rosmap", "cub_image_text"]).max() < 1.5
    and 12 < spread["utd_mhad"] < 14
    and spread[["rosmap", "cub_image_text"]].between(4.5, 6.5).all(),
    "Fused models differ by a point or so, by five on the birds and the molecules, by thirteen on UTD-MHAD.",
)
claim(
    all(
        fused.loc[name].max()
        < test_accuracy.loc[name, "first alone"] + min(2, halves[name])
        for name in ("rosmap", "cub_image_text")
    )
    and beyond["cub_image_text"].between(0.1, 0.4).all()
    and beyond["rosmap"].between(0.02, 0.07).all()
    and reaches_zero["rosmap"].all(),
    "On birds and molecules no fused model is clearly ahead of the first modality alone.",
)
change = by_person.xs("by person", level=2) - by_person.xs("one by one", level=2)
of_utd = change.loc["utd_mhad"].loc[["BATCH", "LSMI"]]
claim(
    by_person["shuffled"].max() < 0.05
    and change.loc["cremad_votes", NAMES].abs().max().max() < 0.04
    and of_utd["sum"].between(-0.5, -0.3).all()
    and (of_utd["R"] < -0.5).all()
    and change.xs("cluster", level=1)[NAMES].abs().max().max() < 0.03,
    "When people are kept together, networks lose redundancy on UTD-MHAD, next to nothing on CREMA-D; clusters hardly change.",
)
heard = {
    how: by_person.loc[("spoken_digits", "BATCH", how), NAMES].idxmax()
    for how in ("one by one", "by person")
}
claim(
    heard == {"one by one": "R", "by person": "U1"},
    "On spoken digits, BATCH calls R the largest, and U1 once speakers are kept together.",
)
truth_row = against_truth.loc["truth (BROJA)"]
lsmi = against_truth.loc["LSMI"]
claim(
    (against_truth.loc[ESTIMATORS].sum(axis=1) < 0.5 * truth_row.sum()).all()
    and (against_truth["U1"] > against_truth["R"])[["cluster", "BATCH"]].all()
    and against_truth.loc["cluster", "U1"].round(1) == 0.3
    and against_truth.loc["BATCH", "U1"].round(1) in (0.5, 0.6)
    and lsmi[["R", "S"]].min() > lsmi[["U1", "U2"]].max(),
    "On spoken digits, all estimators find less than half of the information there is.",
)

# %% tags=["headline", "remove-cell"]
headline = {
    "noise_synergy_351_people": round(float(noise["S"].iloc[0]), 3),
    "shuffled_share_fewest_samples": round(
        float(invented.loc[sizes[0], "corrected"]), 2
    ),
}
headline |= {
    f"perception_{atom}": round(float(v), 3)
    for atom, v in zip(NAMES, perceived["perceived, one rater"].atoms, strict=True)
}
print(json.dumps(headline))

# %% [markdown]
# ## Takeaways
#
# * Raters' votes are an **exact table** of an experiment, with nothing to train and nothing to cluster. What people perceive of
#   acted emotion is **shared by voice and face, or unique to the face**; the voice has next to nothing of its own. A smile
#   is seen; anger is in both.
# * **S > 0 alone does not show an interplay.** Two independent noisy witnesses have synergy, and people's answers show less than
#   such witnesses would. R, U1 and U2 are the same for both.
# * Counting invents information, and nearly all of it is **synergy**: at least $(k_1-1)(k_2-1)(K-1)/(2N\ln 2)$ bits.
# * Put the **shuffled control** beside every estimate. It is necessary but not sufficient, since it does not notice that
#   networks recognise a person. Keep the samples of a person **in one fold**.
# * Estimators of different definitions disagree by design, the reports of methods are not measurements, and the accuracy of a
#   model is neither. Say which number you mean.
#
# ## Exercises
#
# ```{exercise} How many recordings?
# :label: ex-how-many-sensors
#
# *Level 1 of 3 · 10 minutes · by hand*
#
# A study has 27 classes and wants to count a table of eight by eight clusters. How many samples does it need so that noise
# invents less than 0.05 bits of synergy? How many with two classes? What does that say about counting UTD-MHAD's 861
# recordings?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Take $\hat R$ in {eq}`eq-noise` to be about 0 and solve for $N$.
# ```
#
# ```{solution-start} ex-how-many-sensors
# :class: dropdown
# ```

# %% [markdown]
# Solving {eq}`eq-noise` for $N$ gives about 18,400 samples for 27 classes, so 861 recordings cannot be counted that way, and
# about 700 for two classes. BATCH and LSMI escape because they do not count: classifiers share what they learn between cells.
# They pay with assumptions.

# %%
from mmfuse_lib.course import check

needed = {k: 7 * 7 * (k - 1) / (2 * 0.05 * np.log(2)) for k in (27, 2)}
for n_labels, n in needed.items():
    print(f"{n_labels} classes: {n:,.0f} samples")
assert check("ex-how-many-sensors", list(needed.values()))

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Two honest witnesses
# :label: ex-witnesses
#
# *Level 2 of 3 · 15 minutes · by code*
#
# $Y$ is a fair coin. Each of two witnesses reports it, and errs independently with probability $\varepsilon$. (a) Without a
# computer, what are U1 and U2? (b) Plot R and S against $\varepsilon$. Where is S largest, and what happens at both ends?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# For (a), compare $p(x_1, y)$ with $p(x_2, y)$, and remember that BROJA's unique parts depend on these two tables alone.
# ```
#
# ```{solution-start} ex-witnesses
# :class: dropdown
# ```

# %% [markdown]
# (a) Both witnesses have the same table with the label, so what one knows could be what the other knows. BROJA therefore gives
# $U_1 = U_2 = 0$ and $R = I(X_1;Y)$. (b) At $\varepsilon = 0$ each witness knows everything, at $\varepsilon = \frac12$
# nothing. Synergy lies in between, where a second opinion helps.


# %% mystnb={"image": {"alt": "Redundancy and synergy of two witnesses against how often each errs. Redundancy falls all the way to zero. Synergy starts at zero, rises to a low peak while errors are rare, and falls to zero again."}}
def two_witnesses(eps):
    """Return the atoms of two witnesses who each err with this probability."""
    witness = np.array([[1 - eps, eps], [eps, 1 - eps]])
    return decompose(np.einsum("ay,by->aby", witness, witness) / 2).atoms


assert check("ex-witnesses", two_witnesses)
errors = np.linspace(0, 0.5, 41)
curve = [two_witnesses(eps) for eps in errors]
curve = pd.DataFrame(curve, index=errors, columns=NAMES)
fig, ax = plt.subplots(figsize=(6.0, 3.0))
sns.lineplot(curve[["R", "S"]], palette=plots.PALETTE, dashes=False, ax=ax)
_ = ax.set(xlabel="how often a witness errs", ylabel="bits")
plt.show()
print(
    f"S is largest at an error of {curve['S'].idxmax():.2f}: {curve['S'].max():.3f} bits"
)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A test for interplay
# :label: ex-within
#
# *Level 3 of 3 · 25 minutes · by code*
#
# You have samples, not a table. Shuffle $x_2$ **among the samples of each class**. (a) Which table do the shuffled samples
# come from? (b) Which of BROJA's atoms stay the same, up to noise? (c) Try it on `digit_pairs`, by clusters. What does it
# say about the synergy there, and what does it show that the shuffled control does not?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Given the class, how do the two shuffled views depend on each other? Compare with {eq}`eq-witnesses`.
# ```
#
# ```{solution-start} ex-within
# :class: dropdown
# ```

# %% [markdown]
# (a) Within a class the sources become independent and keep their distributions, so the samples come from the table of
# {eq}`eq-witnesses`. (b) R, U1 and U2 stay the same. (c) The S that is left is the synergy of two independent witnesses; the
# part that disappears needed the pairs. The shuffled control separates the label from everything and asks *is there
# information at all?* This shuffle keeps everything that a single source knows and asks *is there anything in the pairs?*
#
# For the digits themselves, the table gives exact values: S falls from 1 to 0.5 bits, and R, U1 and U2 stay. The sum of the
# digits is lost altogether, as for XOR. But each picture still tells the label half of the time, under rule R and under its
# own. After the shuffle, these halves no longer coincide: in three quarters of the samples at least one picture tells. That
# makes 1.5 bits, of which R is 1. The rest is the synergy of witnesses who fill each other's gaps.

# %%
train, _, _ = data.load(
    "digit_pairs", seed=seed, n_train=4_000, n_val=10, n_test=10
)
x1, x2 = (x.flatten(1).numpy() for x in train.inputs.values())
y = train.target.numpy()
table = train.label_table()
assert check("ex-within", witnesses)
for name, p in (
    ("as they are", table),
    ("shuffled within classes", witnesses(table)),
):
    print(f"{name:24s}", dict(zip(NAMES, decompose(p).atoms.round(2).tolist(), strict=True)), "exact")  # fmt: skip
mixed = x2.copy()
for label in np.unique(y):
    own = np.flatnonzero(y == label)
    mixed[own] = x2[rng.permutation(own)]
for name, view in (("as they are", x2), ("shuffled within classes", mixed)):
    estimate = cluster_pid(x1, view, y, n_clusters=12, n_bootstrap=20, seed=seed)
    print(
        f"{name:24s}",
        dict(zip(NAMES, estimate.atoms.round(2).tolist(), strict=True)),
    )

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} The same person
# :label: ex-same-person
#
# *Level 2 of 3 · 10 minutes · by hand*
#
# Why were three *different* people asked? Suppose one person first hears, then sees, then does both. What changes in
# {eq}`eq-votes`, and what could no longer be computed from counts of votes?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Are the three answers of one person independent, given the clip?
# ```
#
# ```{solution} ex-same-person
# :class: dropdown
#
# Given the clip, the three answers of one person are not independent. Somebody who takes a raised voice for anger does so
# every time, and remembers. The product in {eq}`eq-votes` becomes a joint distribution of three answers, and the counts of
# votes are only its margins, so the data would have to record who said what. Such a table would also answer another question:
# not how two channels of a *clip* relate, but how two channels of a *listener* do.
# ```
#
# ## Further reading
#
# * {cite:t}`panzeri1996` and {cite:t}`paninski2003` show what counts invent, and when no correction can help.
# * {cite:t}`liang2023` made the first tour of real data by BROJA.
# * {cite:t}`cao2014` describe how the votes were collected.
# * The other data sets come from {cite:t}`cai2019` and {cite:t}`qin2023` (sarcasm, and how much of it is in the hashtags),
#   {cite:t}`wang2021` (molecules), {cite:t}`chen2015` (actions), {cite:t}`breukelen1998` (numerals) and {cite:t}`wah2011`
#   (birds).
