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
# # One sample at a time
#
# Two robots sort parcels, each with two cameras. Camera 1 is always on. Camera 2 drains the battery,
# so it should run only when it is needed. An engineer measures the interactions on a large data set
# from each robot and gets the same answer twice: one bit of redundancy, one bit of synergy, nothing
# unique. The numbers are the same. Should the plan for camera 2 be the same?
#
# One plan switches camera 2 off for half of robot B's parcels, without a single error. On robot A the
# same plan fails on every second parcel for which camera 2 stays off. Redundancy and synergy were
# **averages**, and an average can be right for nobody. What we would like to ask is a question about
# *this* parcel: does it need both cameras?
#
# ```{admonition} After this chapter you can
# :class: tip
# - split by hand what one sample's modalities say about its label into four signed parts;
# - prove when this pointwise decomposition calls something redundant, and recognise the cases where
#   its answer is strange;
# - tell statements about a sample that have a ground truth from those that depend on a definition, or
#   even on units;
# - estimate interactions per sample from features, and know what to check first;
# - read a triangle plot of shares;
# - prove why a model that mixes several kinds of samples should keep the kind readable.
#
# **Needs:** chapters 2 and 4. **Takes:** {{ essential }} minutes for the essential path, {{ reading }} for
# everything; 30 seconds to run on a CPU; nothing is downloaded.
# ```

# %% tags=["parameters", "hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
seed = 0
n_samples = 2_000  # samples for the estimator
steps = 250  # training steps of its networks
n_random = 5_000  # random distributions for the theorem
device = "auto"

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from mmfuse_lib import Claims, data, plots, progress
from mmfuse_lib.data.synthetic.digit_pairs import label_table
from mmfuse_lib.data.synthetic.gaussian_gates import pointwise_truth
from mmfuse_lib.information import (
    ATOMS,
    GATES,
    decompose,
    deterministic,
    entropy,
    mutual_information,
    noisy,
    pointwise_atoms,
    pointwise_decomposition,
    pointwise_mutual_information,
    published_adjustment,
    surprisal,
)
from mmfuse_lib.information.estimators.lsmi import lsmi_pid
from mmfuse_lib.plots import GREY, INK, VIOLET

plots.use_style()
claim = Claims(globals(), seed=0, n_samples=2_000, steps=250, n_random=5_000)
rng = np.random.default_rng(seed)
NAMES = list(ATOMS)

# %% [markdown]
# ## The same averages, opposite plans
#
# A parcel goes to one of four chutes, so its label holds two bits. On **robot A** every parcel is
# alike. Both cameras can read one bit of the label; the other bit is the XOR of a mark on the left and
# a mark on the right. On **robot B** there are two kinds of parcels, and both cameras see which kind it
# is. Half of the parcels carry both bits in plain view of both cameras. On the other half, both bits
# are XORs.

# %%
in_view = deterministic(np.eye(4) / 4, np.diag(np.arange(4)))
hidden = deterministic(np.full((4, 4), 1 / 16), np.indices((4, 4)).sum(axis=0) % 4)
robot_b = np.zeros((2, 4, 2, 4, 4))  # kind, symbol | kind, symbol | label
robot_b[0, :, 0], robot_b[1, :, 1] = in_view / 2, hidden / 2
robots = {"A": GATES["redundant_xor"](), "B": robot_b.reshape(8, 8, 4)}
of_robots = {f"robot {name}": decompose(p).atoms for name, p in robots.items()}
pd.DataFrame(of_robots, index=NAMES).T.round(3) + 0.0


# %% [markdown]
# (On robot B the XOR has four values: it is addition modulo 4, as in `digit_pairs`.) Now for the plan.
# The robot looks through camera 1 and turns camera 2 on where it is expected to help most. How does
# accuracy grow with the share of parcels for which camera 2 is on?
#
# ```{quiz} Half of the parcels
# :label: predict-robots
# :predict:
#
# Camera 2 is on for half of the parcels, where it is expected to help most. Robot B then makes no error. How many of its
# parcels does robot A sort correctly?
#
# * [ ] All of them, as all four atoms are equal.
#
#   (mean-of-samples) Atoms of a data set are averages. They do not say which parcels need both cameras.
# * [x] Three quarters
#
#   Every parcel of robot A has one bit that only the pair shows. Where camera 2 is off, the robot has to guess this bit, and
#   every second guess is wrong.
# * [ ] Half of them: those for which camera 2 is on
#
#   On the others it guesses one bit, not the whole label, and every second guess is right.
# ```


# %%
def use_of_camera_2(p):
    """Return the share of parcels with camera 2 on, and the accuracy, as more of them get it.

    Camera 2 goes on first where it helps most.
    """
    p_x1 = p.sum(axis=(1, 2))
    without = p.sum(axis=1).max(axis=-1)  # p(x1, best label)
    gain = p.max(axis=-1).sum(axis=1) - without
    order = np.argsort(-gain / p_x1, kind="stable")
    share = np.append(0, np.cumsum(p_x1[order]))
    return share, without.sum() + np.append(0, np.cumsum(gain[order]))


plans = {name: use_of_camera_2(p) for name, p in robots.items()}

# %% tags=["hide-input"] mystnb={"image": {"alt": "Accuracy against the share of parcels with camera 2 on. Robot A rises in a straight line from one half to 100 per cent and gets there only when camera 2 is always on. Robot B starts higher, rises more steeply and reaches 100 per cent when camera 2 is on for half of the parcels."}, "figure": {"caption": "Robot B needs camera 2 for half of its parcels, robot A for all of them, although both have the same redundancy and synergy. Each line shows the accuracy when camera 2 is on for more and more parcels.", "name": "fig-robots"}}
fig, ax = plt.subplots()
for (name, (share, accuracy)), color, line in zip(
    plans.items(), (INK, VIOLET), ("--", "-"), strict=True
):
    ax.plot(100 * share, 100 * accuracy, line, color=color, label=f"robot {name}")
_ = ax.set(
    xlabel="parcels with camera 2 on (%)", ylabel="accuracy (%)", ylim=(40, 104)
)
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# The four atoms do not show the difference, nor does any mutual information with the label. The samples
# *do* show it: on robot A each parcel is half redundant and half synergistic; on robot B each parcel is
# one or the other. To turn "this sample is redundant" into a statement with a number, we start from the
# information in one sample.
#
# ## One observation can inform or misinform
#
# Chapter 2 introduced the pointwise mutual information $i(x;y) = \log_2 \frac{p(y|x)}{p(y)}$. It is
# negative when $x$ makes the truth *less* likely: that is **misinformation**. Its mean is
# $I(X;Y) \ge 0$. A little more is true: the mean cannot be negative for any one label, nor for any one
# observation. For a fixed $y$ the mean is a divergence,
#
# $$
# \sum_x p(x|y)\, i(x;y) = D\big(p(x|y)\,\|\,p(x)\big) \ge 0,
# $$
#
# and for a fixed $x$ it is $D(p(y|x)\,\|\,p(y)) \ge 0$. Both follow from the one inequality of
# chapter 2. Misinformation is the bad luck of single pairs; if you trust $x$, you win on average.
#
# Written with $x$ in front, the same number is a difference of two surprises:
#
# $$
# \begin{aligned}
# i(x;y) &= \underbrace{h(x)}_{\text{specificity}} - \underbrace{h(x|y)}_{\text{ambiguity}},\\
# h(x) &= -\log_2 p(x),\\
# h(x|y) &= -\log_2 p(x|y).
# \end{aligned}
# $$ (eq-specificity)
#
# **Specificity** $h(x)$ says how rare the observation is. Seeing it rules out everything else, and the
# rarer it is, the more it rules out. **Ambiguity** $h(x|y)$ says how rare the observation is even among
# samples with the right label. That part of the surprise has nothing to do with $y$. As long as these
# are surprises of probabilities, neither is ever negative; only their difference can be
# {cite:p}`finn2018`. As an example, take a camera that reports "up" or "down" and is wrong one time in
# ten:

# %%
camera = noisy(np.eye(2) / 2, eps=0.1)
h_x, i_xy = surprisal(camera, axes=0), pointwise_mutual_information(camera)
cells = {"right report": (0, 0), "wrong report": (0, 1)}
reports = pd.DataFrame(
    {
        name: {
            "specificity h(x)": h_x[at],
            "ambiguity h(x|y)": h_x[at] - i_xy[at],
            "difference i(x;y)": i_xy[at],
        }
        for name, at in cells.items()
    }
).rename_axis("bits")
reports.round(3)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two groups of bars. Right report: specificity of one bit up, a small ambiguity down, the difference is clearly positive. Wrong report: the same specificity up, an ambiguity more than three times as long down, the difference is clearly negative."}, "figure": {"caption": "Ambiguity decides whether a report informs or misinforms. Bars up: specificity, the same for the right and the wrong report. Bars down: ambiguity. The diamond is their difference, $i(x;y)$.", "name": "fig-specificity"}}
parts = reports.iloc[:2].mul([1, -1], axis=0).reset_index()
parts["bits"] = ["specificity $h(x)$", "ambiguity $h(x|y)$"]
ax = sns.barplot(
    parts.melt("bits"), x="variable", y="value", hue="bits",
    palette=[VIOLET, GREY], saturation=1, gap=0.1,
)  # fmt: skip
ax.plot([0, 1], reports.iloc[2], "D", color=INK, ms=9, label="$i(x;y)$")
ax.axhline(0, color=INK, lw=1)
_ = ax.set(xlabel="", ylabel="bits", ylim=(-3.7, 1.5))
ax.legend(loc="lower left")
plt.show()

# %% [markdown]
# ## The smaller surprise counts as shared
#
# For averages, four parts had to add up to three mutual informations. The same holds for one sample
# $(x_1, x_2, y)$:
#
# $$
# \begin{aligned}
# i(x_1;y) &= r + u_1,\\
# i(x_2;y) &= r + u_2,\\
# i(x_1,x_2;y) &= r + u_1 + u_2 + s.
# \end{aligned}
# $$ (eq-pointwise-pid)
#
# Again a fourth equation is missing. What is the redundancy $r$ of two observations? Information is
# signed, and "the common part of $+2$ and $-1$ bits" makes little sense. But specificity and
# ambiguity are sizes, and the common part of two sizes can be taken to be the smaller one. This is the
# proposal of {cite:t}`finn2018`:
#
# ```{prf:definition} Pointwise redundancy
# :label: def-pointwise
#
# With $h_m = h(x_m)$ and $i_m = i(x_m;y)$, so that $h_m - i_m$ is the ambiguity,
#
# $$
# \begin{aligned}
# r^+ &= \min(h_1,\ h_2),\\
# r^- &= \min(h_1 - i_1,\ h_2 - i_2),\\
# r &= r^+ - r^-,
# \end{aligned}
# $$
#
# and $u_1$, $u_2$, $s$ follow from {eq}`eq-pointwise-pid`. The atoms of a data set are means over
# samples.
# ```
#
# In the library, `pointwise_decomposition` computes it for tables and `pointwise_atoms` for anything
# else. But let us start by hand. In AND, four samples are equally likely. Take $(0, 1)$ with label 0, in
# which the second source misleads: a 1 speaks for "on".
#
# * Specificity: both values are fair coins, $h_1 = h_2 = 1$, so $r^+ = 1$.
# * Ambiguity: of the three samples with label 0, two have $x_1 = 0$ and one has $x_2 = 1$. So
#   $h(x_1|y) = \log_2\tfrac32$ and $h(x_2|y) = \log_2 3$; the smaller is $r^- = \log_2\tfrac32$.
# * Redundancy: $r = 1 - \log_2\tfrac32 = \log_2\tfrac43$.
# * Unique parts: $i_1 = \log_2\tfrac43$ and $i_2 = 1 - \log_2 3 = \log_2\tfrac23$. So $u_1 = 0$ and
#   $u_2 = \log_2\tfrac23 - \log_2\tfrac43 = -1$. The misinformation is *unique* to the second source.
# * Synergy: together the two sources are certain, $i(x_1,x_2;y) = \log_2\tfrac43$, which leaves $s = 1$.
#   Synergy repairs the damage.

# %%
gate = GATES["and"]()
atoms = pointwise_decomposition(gate)
happens = np.argwhere(gate > 0)
by_hand = [np.log2(4 / 3), 0, -1, 1]
print("by hand       ", np.round(by_hand, 3))
print("by the library", atoms[0, 1, 0].round(3))
by_outcome = pd.DataFrame([atoms[tuple(at)] for at in happens], columns=NAMES)
by_outcome["sample"] = [f"{a}∧{b} = {y}" for a, b, y in happens]

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four groups of bars, one per sample of the AND gate. For 0 and 0 there is only a little R. For 0 and 1 there is the same R, a long negative bar for U2 and an equally long positive one for S. For 1 and 0 the same with U1 in place of U2. For 1 and 1 R and S are equal and positive."}, "figure": {"caption": "Where a source of AND misleads, its unique part is negative and synergy repairs the damage. Each group is one of the four samples, decomposed by itself.", "name": "fig-and-samples"}}
ax = plots.interaction_bars(by_outcome, by="sample")
ax.axhline(0, color=INK, lw=1)
_ = ax.set(ylim=(-1.15, 1.25), xlabel="sample")
plt.show()

# %% [markdown]
# **Atoms can be negative**, and {numref}`fig-and-samples` shows that there is nothing mysterious
# about it. In this sample the second source said something false, and an honest account has to record
# that somewhere. But look at the means over the samples (in bits), where bad luck should have cancelled
# out:

# %%
pd.DataFrame(
    {
        "mean of the pointwise atoms": by_outcome[NAMES].mean(),
        "BROJA": decompose(gate).atoms,
    }
).round(3)

# %% [markdown]
# Even on average, each source of AND has $-\tfrac14$ bit of unique information. So this is *not*
# BROJA, the definition that we have used for averages so far, applied to one sample at a time. It is
# another definition. Before we use it, we need to know what it thinks redundancy is.
#
# ```{quiz} A negative number
# :label: quiz-negative
#
# For one sample a source has a pointwise information of $-0.7$ bits about its true label. What has happened?
#
# * [ ] A bug: information cannot be negative.
#
#   (negative-is-bug) Its mean cannot. A single observation can make the truth less likely.
# * [x] The observation made the true label less likely than it was.
#
#   It misinformed, as a wet street does that was merely washed.
# * [ ] The source knows less than the other one.
#
#   The number compares belief before and after one observation. The other source does not occur in it.
# ```
#
# ### The measure compares how much, not what
#
# The two minima hide a simpler formula. Write $(t)_+$ for $\max(t, 0)$.
#
# ```{prf:proposition} Redundancy in one line
# :label: prop-closed-form
#
# $$
# \begin{aligned}
# r = \max\big(&i_1 - (h_1 - h_2)_+,\\
# &i_2 - (h_2 - h_1)_+\big).
# \end{aligned}
# $$
#
# Hence (a) $r$ lies between $i_1$ and $i_2$; (b) if the two observations are equally surprising, $r$
# is the *larger* of $i_1$ and $i_2$; (c) $u_1 u_2 \le 0$: the two unique parts are never both positive,
# nor both negative.
# ```
#
# ```{prf:proof}
# Minus the smaller of two numbers is the larger of their negatives. So $r = r^+ - r^-$ is the larger of
# $r^+ - h_1 + i_1$ and $r^+ - h_2 + i_2$. Moreover, $r^+ - h_1 = \min(0, h_2 - h_1) = -(h_1-h_2)_+$, and
# likewise for the other one. That is the formula. At most one of the two numbers that it subtracts
# differs from zero; (b) is the case where both are zero. For (a), nothing is ever added, so $r$ is at
# most $\max(i_1, i_2)$; and one of $i_1$ and $i_2$ stays untouched, so $r$ is at least $\min(i_1,i_2)$.
# For (c), $u_1 = i_1 - r$ and $u_2 = i_2 - r$ cannot both be positive, nor both be negative, by (a).
# ```

# %%
h1, h2, i1, i2 = rng.normal(size=(4, 1000))
r = np.maximum(i1 - np.maximum(h1 - h2, 0), i2 - np.maximum(h2 - h1, 0))
r_library, u1, u2, _ = pointwise_atoms(h1, h2, i1, i2, 0 * i1).T
print("formula and library differ by at most", f"{np.abs(r - r_library).max():.0e}")
print("largest u1 u2:", f"{(u1 * u2).max():.0e}")

# %% [markdown]
# **Predict first.** In the sample $(0, 1)$ of AND both observations have a surprise of one bit, and
# source 2 misinforms. Suppose that observation 1 were rarer, with a surprise of two bits, and told
# exactly as much about the label as before. Which of the four atoms change, and to whom does the
# misinformation belong then? Decide, then drag the filled dot of source 1 up by one bit.

# %%
plots.sharing_surprise()

# %% [markdown]
# Part (b) is the heart of it. The measure compares *how much* each source rules out, not *what* it
# rules out. If two observations are equally rare, whatever the better one says is called redundant.
#
# So consider COPY: $Y = X_1$, and $X_2$ is a coin that has nothing to do with anything. All
# observations are equally rare, $i_1 = 1$ and $i_2 = 0$, hence
#
# $$
# r = 1,\quad u_1 = 0,\quad u_2 = -1,\quad s = 1 .
# $$
#
# In words: the coin "shares" the bit that source 1 tells, then it misinforms about it by one bit,
# and then synergy makes up for the damage. Yet the coin carries no information at all. The four numbers
# add up, and their sums are right. But if you act on "$R = 1$, so camera 1 may fail", you lose
# everything.

# %%
tried = ["redundant", "xor", "copy", "two_bit_copy", "redundant_xor", "dyadic"]
by_gate = {
    measure: pd.DataFrame(
        [decompose(GATES[name](), measure).atoms for name in tried], columns=NAMES
    )
    for measure in ("broja", "pointwise")
}

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two rows of bars for six gates. BROJA, above: redundant has R 1; xor has S 1; copy has U1 1; two-bit copy has U1 and U2 1; house B has R and S 1; house A has U1 and U2 1. Mean pointwise atoms, below: the same for redundant, xor and house B. Copy has R 1, U2 minus 1, S 1; two-bit copy and house A have R 1 and S 1, the same as house B."}, "figure": {"caption": "The pointwise measure cannot tell house A from house B; BROJA can. Above: BROJA's atoms. Below: means of the pointwise atoms. Among these six gates the two agree where nothing is unique (redundant, XOR, house B). The means for AND showed that this is no rule.", "name": "fig-two-answers"}}
titles = ["redun-\ndant", "XOR", "COPY", "two-bit\ncopy", "house\nB", "house\nA"]
fig, axes = plt.subplots(2, 1, figsize=(6.4, 5.2), sharex=True, sharey=True)
for ax, (measure, table) in zip(axes, by_gate.items(), strict=True):
    plots.interaction_bars(table.assign(gate=titles), by="gate", ax=ax)
    ax.axhline(0, color=INK, lw=1)
    title = {"broja": "BROJA", "pointwise": "pointwise"}[measure]
    ax.text(0.01, 0.06, title, transform=ax.transAxes)
axes[1].get_legend().remove()
plt.show()

# %% [markdown]
# The last two groups of {numref}`fig-two-answers` are the two houses of chapter 2. In house A (the one
# with the clock) each camera has a bit of its own, and an ensemble is perfect. In house B one bit is
# shared and one is synergistic, and an ensemble fails half of the time. Every entropy was the same for
# both houses, which is why we needed a decomposition at all. BROJA tells them apart. **The pointwise
# measure does not**: {prf:ref}`prop-closed-form` needs surprises only, and these agree.
#
# And on the robots? There the measure gets everything right. In no single sample does one camera say
# more than the other, and if $i_1 = i_2$, then $r$ is that number, by part (a).

# %%
for name, p in robots.items():
    values = pointwise_decomposition(p)[p > 0]
    kinds, counts = np.unique(values.round(6), axis=0, return_counts=True)
    for kind, count in zip(kinds + 0.0, counts, strict=True):
        print(
            f"robot {name}: R, U1, U2, S = {kind} in {count} of {counts.sum()} cells"
        )

# %% [markdown]
# ### Is the pointwise measure wrong? Opinions differ
#
# *Deeper: a guide to the dispute, for those who want to choose a definition.*
#
# * {cite:t}`finn2018` derive their definition from axioms about a single sample. It has a chain rule
#   over labels that other definitions lack, and the chain rule gives another reading of the two-bit
#   copy. Theirs is also one of few definitions that say anything about single samples at all.
# * {cite:t}`harder2013` demand that two independent sources have nothing redundant about their own pair
#   (*identity*). Here they have one bit.
# * {cite:t}`bertschinger2014` demand that unique information depend on $p(x_1,y)$ and $p(x_2,y)$ only,
#   because a decision maker with one source can see no more. Here it also depends on which $x_1$ is
#   paired with which $x_2$; the next section checks that.
# * Others compare pointwise information in other ways: by the sign of its change {cite:p}`ince2017`,
#   or by what both observations rule out {cite:p}`makkeh2021`. Their definitions have other virtues and
#   other oddities.
#
# ## BROJA has no value for a single sample
#
# *Deeper: for readers of chapter 4 who would like to use its definition here.*
#
# If BROJA gives better averages, why not take *its* value for each sample? Because there is no such
# thing. BROJA compares $p$ with another distribution $q$, which has the same $p(x_1,y)$ and $p(x_2,y)$
# and in which the pair tells least: $R = I_1 + I_2 - I_q(X_1,X_2;Y)$, with $I_m = I(X_m;Y)$. The samples
# live in $p$; the last term lives in $q$. Look at AND:

# %%
q = decompose(gate).coupling
print("samples of AND      p      q")
for at in np.argwhere((gate > 0) | (q > 1e-6)):
    print(f"   {at}    {gate[tuple(at)]:.2f}   {q[tuple(at)]:.2f}")
print("pointwise R of p and of q:", end=" ")
print(*[f"{decompose(d, 'pointwise').redundancy:.3f}" for d in (gate, q)])

# %% [markdown]
# Two of the four samples of AND *never happen* under $q$, and $q$ contains a sample that AND does not
# have. (The last line is the promised check: $p$ and $q$ look the same to each source, and yet they have
# different pointwise redundancies.) We can still try. Let $q$ choose the partner: keep $(x_1, y)$
# and average over the $x_2$ that $q$ pairs with it, or keep $(x_2, y)$ and average over $x_1$:
#
# $$
# r_m = i_1 + i_2 - \mathbb E_q\big[\, i_q(X_1,X_2;y) \,\big|\, x_m, y \big].
# $$
#
# As $p$ and $q$ have the same pairs $(x_m, y)$, the mean of $r_1$ is exactly $R$, and so is the mean of
# $r_2$.


# %%
def broja_per_sample(p, keep):
    """Return one of many tables of redundancies per sample whose mean is BROJA's R."""
    q = np.where(decompose(p).coupling < 1e-6, 0, decompose(p).coupling)
    q /= q.sum()
    i_q = np.where(q > 0, pointwise_mutual_information(q), 0)
    other = 1 - keep
    of_pair = np.where(q.sum(axis=other) > 0, q.sum(axis=other), 1)
    kept = (q * i_q).sum(axis=other) / of_pair
    both = [pointwise_mutual_information(p, x=m) for m in (0, 1)]
    return sum(both) - np.expand_dims(kept, other)


choices = {
    "pointwise (Finn & Lizier)": atoms[..., 0],
    "BROJA, keep $x_1$": broja_per_sample(gate, keep=0),
    "BROJA, keep $x_2$": broja_per_sample(gate, keep=1),
}
r_of = pd.DataFrame(
    {name: [r[tuple(at)] for at in happens] for name, r in choices.items()},
    index=by_outcome["sample"],
)
print(r_of.mean().round(4).rename(lambda n: n.replace("$", "")).to_string())

# %% tags=["hide-input"] mystnb={"image": {"alt": "Redundancy of the four samples of AND under three definitions. They agree on 0 and 0 and on 1 and 1. On 0 and 1 the version that keeps x1 is negative while the one that keeps x2 is positive; on 1 and 0 it is the other way round. The pointwise measure is positive on both."}, "figure": {"caption": "BROJA's mean does not fix its values: the two striped versions have the same mean, BROJA's $R$, and disagree about single samples. Each group is a sample of AND, with its redundancy under three definitions.", "name": "fig-versions"}}
ax = sns.barplot(
    r_of.reset_index().melt("sample"), x="sample", y="value", hue="variable",
    palette=[plots.PALETTE["R"], "#7FB8D8", "#BFDBEB"], saturation=1,
    edgecolor="white", gap=0.08,
)  # fmt: skip
for bars, hatch in zip(ax.containers, ("", "//", "\\\\"), strict=True):
    plt.setp(bars, hatch=hatch)
ax.axhline(0, color=INK, lw=1)
_ = ax.set(ylabel="redundancy (bits)", ylim=(-0.7, 1.1))
ax.legend(ax.containers, r_of.columns, loc="upper left")
plt.show()

# %% [markdown]
# Nothing in the definition prefers one version over the other, and any function of the sample whose mean
# is zero could be added to either. **BROJA is a statement about a data set.** For single samples one
# more axiom is needed. Finn and Lizier have one, with the consequences that we have seen.
#
# ```{quiz} BROJA for one sample
# :label: quiz-broja-sample
#
# You want a redundancy for each sample whose mean is BROJA's $R$. How many are there?
#
# * [ ] None
#
#   Values with this mean exist, and this section made two sets of them. What does not exist is a reason to prefer one.
# * [ ] One: the definition fixes it.
#
#   (mean-fixes-samples) BROJA is the solution of a problem about a whole table. How to spread its value over samples is not
#   part of it.
# * [x] Several, and they disagree on single samples.
#
#   So none of them is *the* answer for a sample, and a paper has to say which was taken.
# ```
#
# ## Three exact answers to three questions
#
# Our digit pairs come with `composition`: the rule that made each label. That is a fact about every
# sample, and it is exact. Is it what a decomposition per sample should find? Let us ask the exact
# table of the labels, with the cue that shows both modalities which rule is in force.

# %%
shares = {"R": 0.25, "U1": 0.25, "U2": 0.25, "S": 0.25}
with_cue = label_table(n_classes=4, cue=True, composition=shares)
atoms = pointwise_decomposition(with_cue)
rule_of = np.arange(16) // 4  # the first source is (rule, digit)
pd.DataFrame(
    {
        f"rule {name}": np.average(
            atoms[rule_of == k][with_cue[rule_of == k] > 0],
            weights=with_cue[rule_of == k][with_cue[rule_of == k] > 0],
            axis=0,
        )
        for k, name in enumerate(NAMES)
    },
    index=[f"mean pointwise {name}" for name in NAMES],
).round(3)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four pairs of handwritten digits with a row of blocks, the cue, below each image. Under each pair its pointwise atoms. Rule R: R 2 bits. Rule U1: R 2, U2 minus 2, S 2. Rule U2: R 2, U1 minus 2, S 2. Rule S: S 2 bits."}, "figure": {"caption": "The pointwise atoms find rules R and S, but report rules U1 and U2 as redundancy, misinformation and synergy. Above: a sample of each rule; the bottom rows of the images are the cue. Below it: its atoms.", "name": "fig-gallery"}}
_, _, test = data.load("digit_pairs", seed=seed, n_train=10, n_val=10, n_test=200)
fig, axes = plt.subplots(4, 2, figsize=(6.0, 8.0), height_ratios=[1, 1.3, 1, 1.3])
fig.get_layout_engine().set(hspace=0.06)
columns = [*axes[:2].T, *axes[2:].T]  # a place for images above one for atoms
for k, (name, (above, below)) in enumerate(zip(NAMES, columns, strict=True)):
    n = int(np.flatnonzero(test.composition == k)[1])
    for x, side in ((0, "left"), (9, "right")):
        image = np.pad(test.inputs[side][n, 0].numpy(), 1)
        above.imshow(image, extent=(x, x + 8, 0, 9.6), cmap="gray")
    _ = above.set(xlim=(0, 17), title=f"rule {name}, $y$ = {int(test.target[n])}")
    above.set_axis_off()
    values = atoms[rule_of == k][with_cue[rule_of == k] > 0].mean(axis=0)
    plots.interaction_bars(pd.DataFrame([values], columns=NAMES), ax=below)
    below.axhline(0, color=INK, lw=1)
    _ = below.set(ylim=(-2.3, 2.3), ylabel="" if k % 2 else "bits")
    if k % 2:
        below.set_yticklabels([])
plt.show()

# %% [markdown]
# All samples of a rule get the same atoms. Rules R and S are where one would put them. But take a sample
# of rule U1, whose label the left digit alone decides. Its atoms $(r, u_1, u_2, s)$ are $(2, 0, -2, 2)$:
# COPY again. All sixteen symbols are equally rare, so part (b) of {prf:ref}`prop-closed-form` applies to
# *every* sample. The pattern is distinctive. But who would read "$R = 2$, $S = 2$" and think "the left
# digit is the label, and the right one does not matter"?
#
# Before we blame the measure, look at other exact answers for the same table, in bits:

# %%
by_rule = [
    decompose(label_table(n_classes=4, cue=False, composition={name: 1.0})).atoms
    for name in NAMES
]
answers = {
    "shares of the rules, times 2 bits": 2 * np.array(list(shares.values())),
    "BROJA within each rule, averaged": np.mean(by_rule, axis=0),
    "BROJA of the whole table": decompose(with_cue, tolerance=1e-6).atoms,
    "pointwise, averaged": decompose(with_cue, "pointwise").atoms,
}
pd.DataFrame(answers, index=NAMES).T.round(3) + 0.0

# %% [markdown]
# These are three different answers. All are exact, each to its own question.
#
# * *Which rule made this label?* That is `composition`. We know it because we made the labels. BROJA
#   **within** each rule confirms that the rules are what their names say.
# * *What could someone know who sees only one modality?* That is BROJA of the whole table. Nothing is
#   unique, for the reason found in chapter 4: each image knows the label half of the time.
# * *How do surprises overlap in this sample?* These are the pointwise atoms.
#
# So "the interaction of a sample" has a ground truth where a mechanism made it, and only there. In
# real data nobody knows the mechanism. When a method reports an $R$ for one of your samples, ask
# *which* of the three it means. (DMIL in chapter 8 and I2MoE in chapter 9 report weights for each sample,
# and we shall compare these with `composition`. LSMI, next, estimates the pointwise atoms.)
#
# ## LSMI estimates the atoms from features
#
# For images and sound there is no table. {cite:t}`yang2025` estimate the terms of
# {prf:ref}`def-pointwise` with networks and call the result LSMI, *lightweight sample-wise multimodal
# interaction*. This book has already introduced every ingredient:
#
# * A classifier for each modality, with probabilities $\hat p(y|x_m)$, and a joint one give
#   $i_m \approx \log_2 \hat p(y|x_m) - \log_2 p(y)$, and likewise $i_{12} = i(x_1,x_2;y)$.
# * A density model $\hat p(x_m)$ for each modality gives $h_m \approx -\log_2 \hat p(x_m)$. It is a
#   mixture of Gaussians, as in {cite:t}`pichler2022`.
# * From these, $r$, $u_1$, $u_2$ and $s$ follow for every sample.
#
# Classifiers look good on the samples they were trained on. So the library's `lsmi_pid` cuts the samples
# into folds and scores each fold by networks that never saw it.
#
# (Ours differs from the paper and its code in several ways, listed in the docstring of `lsmi_pid`. Two
# matter here. The authors' public code afterwards shifts the atoms of all samples; ours reports them as
# they are, and a section below looks at both. And ours measures every $h_m$ from its median over the
# samples; the reason also comes below.)
#
# One thing is new. For continuous features $h_m$ is the logarithm of a *density*, not of a
# probability. The classifier terms are not affected: $i_m$ is a ratio. But can the densities of two
# modalities be compared? A surprise can now be negative, so it is no longer a size, and the *argument*
# for taking the smaller one is gone. Keep that doubt in mind; first see how well LSMI works.
#
# ### With enough samples, LSMI follows the truth
#
# The data set `gaussian_gates` shows the two bits of a gate as vectors with Gaussian noise, so all
# densities are known. The truth then takes a dozen lines: sum the gate's table over the symbols, each
# weighted by how likely it makes the vector.


# %%
def exact_terms(samples):
    """Return h1, h2, i1, i2 and i12 of every sample of a noisy gate with one bit a source, in bits.

    The same constant is left out of h1 and of h2.
    """
    table, y = samples.label_table(), samples.target.numpy()
    likelihood = []
    for name in ("x1", "x2"):
        x, mean = samples.inputs[name].numpy(), samples.directions[name]
        apart = ((x[None] - np.stack([-mean, mean])) ** 2).sum(axis=-1)
        likelihood.append(np.exp(-apart / (2 * samples.noise**2)))  # p(x|s), (2, N)
    joint = np.einsum("aby,an,bn->ny", table, *likelihood)
    single = [np.einsum("aby,an->ny", table, likelihood[0])]
    single.append(np.einsum("aby,bn->ny", table, likelihood[1]))
    h = [-np.log2(p.sum(axis=1)) for p in single]
    p_y, of_y = table.sum(axis=(0, 1)), (np.arange(len(y)), y)
    i = [np.log2(p[of_y] / p.sum(axis=1) / p_y[y]) for p in (*single, joint)]
    return *h, *i


def noisy_gate(gate, dim, n, noise=0.5):
    """Draw samples of a gate seen through noise."""
    options = {"gate": gate, "noise": noise, "dim": dim, "n_val": 1, "n_test": 1}
    return data.load("gaussian_gates", seed=seed, n_train=n, **options)[0]


samples = noisy_gate("and", dim=4, n=n_samples)
terms = exact_terms(samples)
truth = pd.DataFrame(pointwise_atoms(*terms), columns=NAMES)
print(
    "agrees with the library:",
    np.allclose(truth, pointwise_truth(samples), atol=1e-6),
)


# %%
def estimate(samples, **options):
    """Return LSMI's estimate for the two modalities of some samples."""
    x1, x2 = samples.inputs.values()
    options = {"folds": 3, "steps": steps, "n_bootstrap": 0} | options
    return lsmi_pid(x1, x2, samples.target, device=device, seed=seed, **options)


def compare(truth, estimate):
    """Return, for each atom, both means and how well single samples are found."""
    found = estimate.per_sample
    return pd.DataFrame(
        {
            "mean, true": truth.mean(),
            "mean, LSMI": found.mean(),
            "correlation": truth.corrwith(found),
            "typical error (bits)": ((truth - found) ** 2).mean() ** 0.5,
        }
    ).round(2)


lsmi = estimate(samples)
quality = compare(truth, lsmi)
quality

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four scatter plots, one per atom, of LSMI's estimate against the true pointwise atom for single samples. In all four the points follow the diagonal, with scatter that is smallest for R and largest for S."}, "figure": {"caption": "With 2000 samples, LSMI follows the truth sample by sample, least closely for S. Every dot is a sample of AND seen through noise, with its true atom and LSMI's estimate. Extreme values are drawn at the edge.", "name": "fig-lsmi-samples"}}
fig, axes = plt.subplots(2, 2, figsize=(6.2, 5.8), sharex=True, sharey=True)
low, high = -2.5, 2.5
x, y = truth.clip(low, high), lsmi.per_sample.clip(low, high)
for ax, name in zip(axes.flat, NAMES, strict=True):
    ax.plot([low, high], [low, high], color=INK, lw=1)
    look = {"s": 8, "color": plots.PALETTE[name], "alpha": 0.35, "lw": 0}
    sns.scatterplot(x=x[name], y=y[name], ax=ax, **look)
    _ = ax.set(xlabel="", ylabel="")
    ax.text(low, high - 0.5, name)
fig.supxlabel("true atom (bits)")
fig.supylabel("LSMI (bits)")
plt.show()

# %% [markdown]
# With two thousand samples LSMI is a useful instrument. Its means are right to within a few hundredths
# of a bit, and single samples lie on the diagonal with some scatter. Synergy is the hardest, as it
# collects the errors of all three classifiers. And with few samples?

# %%
few = noisy_gate("and", dim=4, n=max(60, n_samples // 10))
few_truth = pd.DataFrame(pointwise_atoms(*exact_terms(few)), columns=NAMES)
few_quality = compare(few_truth, estimate(few))
few_quality

# %% [markdown]
# The means survive better than the samples do. (They cannot go wrong without limit. By part (a) of
# {prf:ref}`prop-closed-form`, the mean of $r$ lies between the means of $\min(i_1,i_2)$ and
# $\max(i_1,i_2)$, whatever the densities; `diagnostics` has both.) For a single sample, trust neither
# sign nor size unless you have checked the correlation on data like yours.
#
# ### The released code shifts the atoms
#
# *Deeper: only for comparing your numbers with those of the paper.*
#
# The means need not be positive, and a report with negative bits is hard to explain. The code released
# with {cite:t}`yang2025` adds one number $\delta$ to $r$ and $s$ of every sample and subtracts it from
# $u_1$ and $u_2$. That keeps the three sums of {eq}`eq-pointwise-pid`. With bars for means over samples,
#
# $$
# \delta = \begin{cases}
# -\min(\bar r, \bar s) & \text{if } \bar r < 0 \text{ or } \bar s < 0,\\
# \min(\bar u_1, \bar u_2) & \text{else if } \bar u_1 < 0 \text{ or } \bar u_2 < 0,\\
# 0 & \text{else.}
# \end{cases}
# $$
#
# `lsmi_pid(..., adjust="published")` does the same. The table shows the mean atoms before and after, in
# bits, for AND, for a noisy COPY of the first source, and for AND with shuffled labels, where every atom
# is zero.


# %%
def with_both(samples):
    """Return the mean atoms as they are, and as the released code shifts them."""
    per_sample = estimate(samples).per_sample
    return per_sample.mean(), published_adjustment(per_sample).mean(axis=0)


silent = noisy_gate("and", dim=4, n=max(60, n_samples // 10))
silent.target[:] = silent.target[
    np.random.default_rng(seed).permutation(len(silent))
]
tried = {
    "AND": noisy_gate("and", dim=4, n=n_samples),
    "COPY": noisy_gate("copy", dim=1, n=n_samples),
    "shuffled labels": silent,
}
adjusted = pd.DataFrame(
    {
        (name, how): np.array(atoms)
        for name, samples in progress(tried.items(), "data sets")
        for how, atoms in zip(
            ("as they are", "as published"), with_both(samples), strict=True
        )
    },
    index=NAMES,
).T.rename_axis(["data", "atoms"])
adjusted.round(3) + 0.0

# %% [markdown]
# AND and COPY fall under the second case. There the smaller of $\bar u_1$ and $\bar u_2$ becomes zero, so
# that $R = \min(I_1, I_2)$ with $I_m = I(X_m;Y)$, *whatever the densities say*. Surprises are the
# definition's own ingredient, and nothing of them is left in the means. For COPY the shift turns the
# strange answer into the usual one: all of it is unique to source 1.
#
# Shuffled labels happen to fall under the first case: $R$ is a little negative by chance and becomes
# zero. The rule no longer looks at the unique parts, which fall by as much, and $U_1$ ends below zero.
# So even "as published" does not promise positive atoms. Moreover, a small change in the data can switch
# from one case to the other, which means from moving $R$ up to moving it down. If you compare numbers
# with those of the paper, say which of the two you report.
#
# ### Units decide what counts as redundant
#
# ```{quiz} Metres or millimetres
# :label: predict-units
# :predict:
#
# Source 1 knows the label, and source 2 knows nothing. $R$ is computed from the exact densities. Then $x_1$ is given in other
# units, and surprises are used as they are. How far can $R$ move?
#
# * [ ] Not at all: information does not depend on units.
#
#   (units-do-not-matter) Mutual information does not. But $R$ compares two surprises, and the surprise of a continuous value
#   is the logarithm of a density, which has a unit.
# * [ ] A little, since a unit enters through a logarithm only
#
#   A logarithm that is added to every $h_1$ decides every comparison of $h_1$ with $h_2$, once it is large enough.
# * [x] As far as the sums of the atoms allow
#
#   It moves from $I(X_1;Y)$ to $I(X_2;Y)$: here from nearly one bit to nothing.
# ```
#
# Now to the doubt. So far it had no force: both modalities showed a fair bit, in vectors of the same
# length, with the same noise and in the same units, so $h_1$ and $h_2$ had the same distribution. Now
# measure the first modality in millimetres instead of metres. Then $x_1$ is multiplied by a factor
# $\kappa = 1000$, its density is divided by $\kappa$ for each of its $d_1$ features, and
#
# $$
# h_1 \;\to\; h_1 + d_1 \log_2 \kappa,
# $$
#
# while no $i$ changes. By {prf:ref}`prop-closed-form`, once $h_1$ is much larger than $h_2$,
# $r = i_2$; and once it is much smaller, $r = i_1$. **So the choice of units moves $R$ all the way
# from $I(X_1;Y)$ to $I(X_2;Y)$**, although no information has changed.
#
# Densities have no natural zero, so somebody has to choose one. `lsmi_pid` measures each surprise
# from its own median: it puts $h_m - \mathrm{median}(h_m)$ in the place of $h_m$. The question is
# then no longer which observation is rarer, but which one is more unusual *for its modality*. A
# factor adds the same to every $h_1$ and to their median, and so cancels out; so does every invertible
# linear map. (Why not the mean? Think of a pixel that is lit in one image of a thousand. A density
# learned without that image does not expect it, its surprise can outweigh all the others together,
# and the mean is then about little else.)
#
# The choice has a price. Probabilities, unlike densities, do have a zero. A source of few values that
# nearly always comes out the same cannot share much, but it can once its surprise is measured from the
# median. For tables, `pointwise_decomposition` therefore keeps to the definition.
#
# The median takes care of the units, but not of the cause. Append features that are pure noise to either
# source: they surprise, and say nothing. Noise then decides which of the two observations is the more
# unusual, like the toss of a coin. Half of the samples get $r = i_1$, the other half $r = i_2$, and $R$
# tends to $\tfrac12\big(I(X_1;Y) + I(X_2;Y)\big)$. Below is the exact answer in both experiments, for
# COPY, where the first source knows the label and the second source knows nothing.

# %%
copied = noisy_gate("copy", dim=1, n=20_000)
h1, h2, i1, i2, i12 = exact_terms(copied)
factors = np.geomspace(1e-3, 1e3, 61)
by_unit = np.array(
    [
        pointwise_atoms(h1 + np.log2(c), h2, i1, i2, i12).mean(axis=0)
        for c in factors
    ]
)


def from_median(h):
    """Measure surprises from their median."""
    return h - np.median(h)


added = np.arange(
    -24, 25, 2
)  # noise features: to x1 if negative, to x2 if positive
squares = rng.normal(size=(24, len(h1))) ** 2
surprises = squares / (2 * np.log(2))  # of each noise feature, up to a constant
surprises = np.vstack([0 * h1, np.cumsum(surprises, axis=0)])
by_noise = np.array(
    [
        pointwise_atoms(
            from_median(h1 + surprises[max(-k, 0)]),
            from_median(h2 + surprises[max(k, 0)]),
            *(i1, i2, i12),
        ).mean(axis=0)
        for k in added
    ]
)
print(f"I(X1;Y) = {i1.mean():.2f}, I(X2;Y) = {i2.mean():.2f} bits")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels with the mean pointwise atoms of a noisy copy of source 1. Above, against a factor on x1: R falls from I of X1 and Y to zero and U1 rises from zero to I of X1 and Y, S falls with R and U2 is the negative of R. Below, against the number of noise features, added to x1 on the left side and to x2 on the right side: R has a peak where there are none and falls to both sides towards a dotted line, at half of I of X1 and Y, while U1 rises towards the same line."}, "figure": {"caption": "Units and noise features move $R$, although the information about the label is the same everywhere: exact mean atoms of a noisy COPY of source 1. Above: surprises as they are, while the units of $x_1$ change. Below: surprises measured from their medians, so that units do not matter, while features of pure noise are appended to $x_1$ (left half) or to $x_2$ (right half). $R$ and $S$ coincide. Dotted: half of $I(X_1;Y) + I(X_2;Y)$.", "name": "fig-units"}}
fig, axes = plt.subplots(2, 1, figsize=(6.0, 6.4), sharey=True)
half = (i1.mean() + i2.mean()) / 2
look = {"palette": plots.PALETTE, "dashes": ["", "", (4, 2), (1, 1)], "lw": 2.5}
sns.lineplot(pd.DataFrame(by_unit, factors, NAMES), ax=axes[0], **look)
sns.lineplot(pd.DataFrame(by_noise, added, NAMES), ax=axes[1], **look)
axes[1].axhline(half, color=INK, ls=":", lw=1)
_ = axes[0].set(
    xlabel="$x_1$ multiplied by", ylabel="mean atom (bits)", xscale="log"
)
_ = axes[1].set(
    xlabel="noise features: to $x_1$ ← → to $x_2$", ylabel="mean atom (bits)"
)
axes[0].set_xticks([1e-3, 1, 1e3], ["1/1000", "1", "1000"])
axes[1].set_xticks(added[::6], [str(abs(k)) for k in added[::6]])
fig.legend(
    *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4
)
for ax in axes:
    ax.get_legend().remove()
plt.show()

# %% [markdown]
# Attach useless sensors to *either* modality, and half of what the first source knows is called
# redundant with a source that knows nothing; misinformation from that source and synergy balance the
# books. This is a property of the definition, not an error of the estimator, which will faithfully find
# these numbers.
#
# What remains after so many warnings? The **sums** of the atoms, $i_1$, $i_2$ and $i_{12}$, do not depend
# on units: they are logarithms of ratios of probabilities. Statements that can be made from these alone
# ("the pair knows, neither alone does", "the left one misleads") are safe. Statements that need $r$ on
# its own inherit two choices: the representation, and the zero from which surprises are measured. Report
# both with the atoms.
#
# ### With pixels, unusual strokes decide
#
# *Deeper: the same effect on images; it changes nothing in the advice above.*
#
# It happens with images, too, since most of what makes an image surprising has nothing to do with the
# label. Take digit pairs with two classes, whose label is one bit. A table of equally rare symbols puts
# rule U1 at $(1, 0, -1, 1)$ and rule U2 at $(1, -1, 0, 1)$. For pixels, $r$ is whichever of $i_1$ and
# $i_2$ belongs to the image that is the less unusual for its modality:

# %%
digits, _, _ = data.load(
    "digit_pairs",
    seed=seed,
    n_classes=2,
    n_train=n_samples // 2,
    n_val=10,
    n_test=10,
)
from_pixels = estimate(digits, folds=2).per_sample
rules = np.array(NAMES)[digits.composition.numpy()]
pixel_means = from_pixels.groupby(rules).mean().loc[NAMES]
one_knows = np.isin(rules, ["U1", "U2"])
all_shared = (from_pixels["R"][one_knows] > 0.5).mean()
print(
    f"one image knows the label, and R > 0.5 bits: {all_shared:.0%} of these samples"
)
pixel_means.rename_axis("rule").round(2)

# %% [markdown]
# The rows are the four rules, the columns what LSMI reports on average, in bits. Rules R and S come out
# right. Rules U1 and U2 come out half as what they are, and half as redundancy with misinformation and
# synergy. Yet hardly any single sample is half and half. In about every second one, everything that the
# informative image says is called redundant; in the others, nothing is. What decides is which of the two
# images has the more unusual strokes, and the label has no part in it. On *this* data one can see the
# rule behind the number; the number "R" by itself says as much about pixels as about digits.
#
# ## A triangle shows shares, not signed atoms
#
# How do you look at four numbers for each of a thousand samples? If they were **shares**, which are not
# negative and sum to 1, there would be a good picture. Take the two unique parts together: three numbers
# are left that sum to 1, and they fix a point in a triangle. The corner R means "all redundant", the
# opposite side "nothing redundant", and so on.
#
# Signed atoms are not shares. One can force them to be: set negative atoms to zero and divide by the sum
# of what is left. Then misinformation is no longer visible, and sums no longer match any information. So
# let us count what is lost:


# %%
def shares_of(atoms):
    """Clip negative atoms and normalise; return the shares, who was clipped, and who is left."""
    kept = atoms.clip(lower=0)
    left = kept.sum(axis=1) > 0.01  # too little to be divided
    return (
        kept[left].div(kept[left].sum(axis=1), axis=0),
        (atoms < -0.01).any(axis=1),
        left,
    )


clipped_shares, clipped, left = shares_of(truth)
print(f"clipped: {clipped.mean():.0%} of the samples")
print(f"bits taken away per sample: {-truth.clip(upper=0).sum(axis=1).mean():.2f}")
print(f"nothing left: {(~left).mean():.1%}")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Triangle with corners R, U and S. Most samples lie at the corner R or along the bottom edge, up to about three quarters S. Some climb the right edge towards U. The inside is nearly empty and no sample is at the corner S."}, "figure": {"caption": "Clipped and normalised, the true atoms of noisy AND lie along the edges. Each point is a sample. Because $u_1u_2\\le 0$, at most one unique part survives the clipping.", "name": "fig-simplex-atoms"}}
plots.interaction_simplex(clipped_shares[:600])
plt.show()

# %% [markdown]
# The part that was cut off matters as much as the part that is left, and the picture does not show it.
# For signed atoms, bars as in {numref}`fig-and-samples` are more honest for one sample, and scatter plots
# of two atoms for many. The triangle is for quantities that *are* shares. There will be many: DMIL's
# gates and I2MoE's expert weights come out of a softmax. And there is one that we can compute.
#
# ### Which rule made this label?
#
# *Deeper: the yardstick for the gates of chapters 8 to 10; it can wait until you meet them.*
#
# Take the cue away. Then `composition` is still a fact about each sample, but one can no longer see
# it. What is left is the probability of each rule $c$ given everything that is seen. With $a$ and
# $b$ the digits, Bayes' rule says
#
# $$
# \begin{aligned}
# p(c\,|\,x_1,x_2,y) \propto \sum_{a,b}\ & p(c,a,b,y)\\
# &\cdot \frac{p(a|x_1)\,p(b|x_2)}{p(a)\,p(b)} .
# \end{aligned}
# $$
#
# (All digits are equally likely, so $p(a)\,p(b)$ is a constant and the code leaves it out.) The first
# factor is our own label table. The second needs a reader of digits. We use logistic regression, trained
# on *redundant* pairs, whose label is the digit, with the same noise.

# %%
from sklearn.linear_model import LogisticRegression

options = {"cue": False, "noise": {"left": 0.5, "right": 0.5}, "n_val": 10}
reading, _, _ = data.load(
    "digit_pairs",
    seed=seed,
    composition={"R": 1.0},
    n_train=4_000,
    n_test=10,
    **options,
)
_, _, mixed = data.load(
    "digit_pairs",
    seed=seed,
    composition=shares,
    n_train=10,
    n_test=2_000,
    **options,
)


def flat(samples, name):
    """Return the pixels of one modality, one row per sample."""
    return samples.inputs[name].flatten(1).numpy()


p_digit = []
for name in ("left", "right"):
    reader = LogisticRegression(C=0.1, max_iter=500)
    reader.fit(flat(reading, name), reading.target.numpy())
    p_digit.append(reader.predict_proba(flat(mixed, name)))
rule_tables = np.stack(
    [label_table(n_classes=4, cue=False, composition={c: 1.0}) / 4 for c in NAMES]
)
of_label = rule_tables[..., mixed.target.numpy()]  # p(c, a, b, y) of each sample
posterior = np.einsum("cabn,na,nb->nc", of_label, *p_digit)
posterior = pd.DataFrame(posterior, columns=NAMES)
posterior = posterior.div(posterior.sum(axis=1), axis=0)
posterior["rule"] = np.array(NAMES)[mixed.composition.numpy()]

# %% tags=["hide-input"] mystnb={"image": {"alt": "Triangle with corners R, U and S and points coloured by the rule that made the label. Samples of rule R lie in two short bands near the left edge, beyond its middle, but none comes near the corner R. Samples of rule S crowd around the middle of the right edge and at the corner S. Samples of rules U1 and U2 are at the corner U and along both edges below it, mixed with the others."}, "figure": {"caption": "Without the cue, rule R can never be told for certain: its corner stays empty. Each point is a sample, placed by the probability of each rule given both noisy images and the label, and coloured by the rule that really made it. A method's gates can be drawn beside it.", "name": "fig-simplex-rules"}}
plots.interaction_simplex(posterior[:600], color_by="rule")
plt.show()

# %%
picked = posterior[NAMES].to_numpy().argmax(axis=1)
found = np.array(NAMES)[picked] == posterior["rule"]
print("mean share of each rule:", posterior[NAMES].mean().round(2).to_dict())
print(f"the likeliest rule is the true one: {found.mean():.0%}")
given = posterior[NAMES].max(axis=1)
print(f"mean probability that was given to it: {given.mean():.0%}")
bins = pd.cut(given, [0.25, 0.5, 0.7, 0.9, 1.0])
by_bin = pd.DataFrame({"promised": given, "true": found}).groupby(
    bins, observed=True
)
reliability = by_bin.mean().assign(samples=by_bin.size())
best = rule_tables.max(axis=0).sum()
print(f"a perfect reader of digits would name it in {best:.0%}")
reliability.rename_axis("probability").round(2)

# %% [markdown]
# These probabilities mean what they say: in each row of the table, the rule is the true one about as
# often as promised. They are far from 100 %, and the perfect reader shows that this is mostly a fact
# about the *data*. When both digits equal the label, rule R makes such a sample with probability
# $\tfrac14\cdot\tfrac14$, but U1 and U2 make it by chance with $\tfrac14\cdot\tfrac1{16}$ each. So $R$
# never gets more than $\tfrac46$, and the corner R stays empty. (With label 0 rule S fits as well, since
# $0+0=0$, and $R$ gets $\tfrac47$: that is the second band.) Up to the skill of the digit reader, **no
# method can do better than this triangle** at naming the rule, however it is trained. It is the yardstick
# for the gates of later chapters.
#
# ## A mixture of kinds needs a readable kind
#
# Suppose that samples come in kinds, as on robot B. Call the kind $C$, the **composition** variable. A
# model turns its inputs into a representation $Z$ from which the label is to be read. Is it enough to
# represent each kind of sample well? {cite:t}`yang2026` answer with a bound, the starting point of
# DMIL:
#
# ```{prf:theorem} Mixtures of compositions
# :label: thm-composition
#
# For any random variables $Z$, $Y$, $C$, of which $Y$ and $C$ take finitely many values,
#
# $$
# \begin{aligned}
# I(Z;Y) \ge{}& \mathbb E_c\big[I(Z;Y\,|\,C{=}c)\big]\\
# &- H(C|Z) + I(Y;C).
# \end{aligned}
# $$
#
# The two sides differ by exactly $H(C|Y,Z)$. So there is equality if and only if the label and the
# representation together determine the composition.
# ```
#
# ```{prf:proof}
# Ask what the pair $(Z, C)$ tells about $Y$, and apply the chain rule of information in both orders:
#
# $$
# \begin{aligned}
# I(Z,C;Y) &= I(Z;Y) + I(C;Y|Z),\\
# I(Z,C;Y) &= I(C;Y) + I(Z;Y|C).
# \end{aligned}
# $$
#
# All terms are finite, since none exceeds $H(Y)$. So the right-hand sides are equal, and
#
# $$
# \begin{aligned}
# I(Z;Y) ={}& I(Z;Y|C) + I(Y;C)\\
# &- I(C;Y|Z).
# \end{aligned}
# $$ (eq-composition-exact)
#
# Here $I(Z;Y|C) = \mathbb E_c[I(Z;Y|C{=}c)]$ by the definition of conditional mutual information.
# Likewise by definition, now with $C$ in the role of the label,
#
# $$
# I(C;Y|Z) = H(C|Z) - H(C|Y,Z).
# $$
#
# Substitute this into {eq}`eq-composition-exact`: $I(Z;Y)$ is the right-hand side of the theorem plus
# $H(C|Y,Z)$. A conditional entropy is a mean of entropies, each at least 0, so the inequality
# follows. The mean is 0 exactly if the entropy is 0 for (almost) every value of $(Y,Z)$, that is, if
# each of these values allows only one value of $C$: then $C$ is a function of $(Y,Z)$.
# ```
#
# ### Thousands of random tables obey the bound
#
# *Deeper: a check by experiment of what was just proved.*
#
# Does the bound hold for random distributions $p(z,c,y)$, from nearly deterministic to nearly uniform?


# %%
def entropies(ps, *axes):
    """Return the entropy in bits of the named axes of each of many tables ps[n, z, c, y]."""
    away = tuple(a for a in (1, 2, 3) if a not in axes)
    p = ps.sum(axis=away).reshape(len(ps), -1)
    return -(p * np.log2(np.where(p > 0, p, 1))).sum(axis=1)


def theorem(ps):
    """Return I(Z;Y), the theorem's lower bound and H(C|Y,Z) of each table."""
    z, c, y = 1, 2, 3
    h = {axes: entropies(ps, *axes) for axes in [(z,), (c,), (y,), (z, c)]}
    h |= {axes: entropies(ps, *axes) for axes in [(z, y), (c, y), (z, c, y)]}
    true = h[z,] + h[y,] - h[z, y]
    given_c = h[z, c] + h[c, y] - h[z, c, y] - h[c,]
    bound = given_c - (h[z, c] - h[z,]) + h[y,] + h[c,] - h[c, y]
    return true, bound, h[z, c, y] - h[z, y]


concentration = np.geomspace(0.02, 5, n_random)
gammas = rng.gamma(concentration[:, None], size=(n_random, 5 * 3 * 4)) + 1e-300
tables = (gammas / gammas.sum(axis=1, keepdims=True)).reshape(n_random, 5, 3, 4)
true, bound, slack = theorem(tables)
print(f"smallest I(Z;Y) - bound: {(true - bound).min():.1e} bits")
print(f"largest |I(Z;Y) - bound - H(C|Y,Z)|: {abs(true - bound - slack).max():.0e}")
print(f"the bound is negative and says nothing: {(bound < 0).mean():.0%}")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Left: information in Z about Y against the theorem's lower bound for thousands of random distributions. All points lie on or above the diagonal, those with more information closer to it. Right: histogram of the slack, which spreads from zero to about one and a half bits and is highest at both ends."}, "figure": {"caption": "The bound holds for all random distributions: no point is below the diagonal (left). The gap to the bound (right) equals $H(C|Y,Z)$.", "name": "fig-composition-bound"}}
fig, axes = plt.subplots(1, 2, figsize=(6.4, 3.6))
sns.scatterplot(x=bound, y=true, s=6, color=VIOLET, alpha=0.3, lw=0, ax=axes[0])
axes[0].plot([-1.6, 1.8], [-1.6, 1.8], color=INK, lw=1)
_ = axes[0].set(
    xlabel="lower bound (bits)", ylabel="$I(Z;Y)$ (bits)", ylim=(-0.1, 2)
)
sns.histplot(x=true - bound, bins=40, color=GREY, alpha=1, lw=0, ax=axes[1])
_ = axes[1].set(xlabel="gap to the bound (bits)", ylabel="distributions")
plt.show()

# %% [markdown]
# The inequality holds, and so does the formula for its slack, up to rounding. But for distributions
# without structure the bound is mostly empty: a negative number. It has something to say where
# $H(C|Y,Z)$ is small.
#
# ### What it costs to lose the kind
#
# Here is the smallest example. $Z$ is a fair bit, and there are two equally likely kinds of samples. In
# the first the label is $Z$, in the second it is $1 - Z$. *Within each kind $Z$ is perfect*: one bit out
# of one. But $Z$ does not show the kind:

# %%
flip = np.zeros((1, 2, 2, 2))  # z, c, y
for c in (0, 1):
    for z in (0, 1):
        flip[0, z, c, z ^ c] = 1 / 4
true_flip, bound_flip, slack_flip = (float(v[0]) for v in theorem(flip))
kinds = flip[0].sum(axis=2)  # p(z, c)
within = np.mean([mutual_information(flip[0, :, c] * 2) for c in (0, 1)])
print(
    f"I(Z;Y|C) = {within:.1f}, H(C|Z) = {entropy(kinds) - entropy(kinds, axes=0):.1f},"
)
print(f"I(Y;C) = {abs(mutual_information(flip[0].sum(axis=0))):.1f} bits")
print(
    f"I(Z;Y) = {true_flip:.1f} bits, bound {bound_flip:.1f}, slack {slack_flip:.1f}"
)

# %% [markdown]
# The whole bit is lost, and the bound is exact, because $y$ and $z$ together do give away $c$. Append $c$
# to the representation, and the bit is back. This is the digit data without its cue, in miniature. With
# the real table we can turn a dial. Let the representation hold both digits and the cue, but let the cue
# be misread with probability $\varepsilon$, up to $\varepsilon = \tfrac34$, where it no longer says
# anything.


# %%
def with_blurred_cue(e):
    """Return p(z, c, y) for z = (digit, digit, cue as read), the cue misread with probability e."""
    misread = noisy(np.eye(4) / 4, e) * 4
    p = np.einsum("caby,ck->abkcy", rule_tables, misread)
    return p.reshape(1, 64, 4, 4)


errors = np.linspace(0, 0.75, 76)
dial = np.array([[v[0] for v in theorem(with_blurred_cue(e))] for e in errors])

# %% tags=["hide-input"] mystnb={"image": {"alt": "Information about the label against the probability that the cue is misread. It falls from two bits to little more than one. Below it runs the theorem's lower bound, which falls faster and ends below one bit. The gap between the two is shaded."}, "figure": {"caption": "The more often the cue of digit pairs is misread, the less the representation tells about the label. Each rule stays perfectly readable to anyone who knows it; what is lost is which rule it is. The shaded gap is $H(C|Y,Z)$.", "name": "fig-dial"}}
fig, ax = plt.subplots()
ax.plot(errors, dial[:, 0], color=INK, label="$I(Z;Y)$")
ax.plot(errors, dial[:, 1], "--", color=VIOLET, label="lower bound")
ax.fill_between(errors, dial[:, 1], dial[:, 0], color=VIOLET, alpha=0.15, lw=0)
_ = ax.set(
    xlabel="probability that the cue is misread",
    ylabel="bits about the label",
    ylim=(0, 2.1),
)
ax.legend(loc="lower left")
plt.show()

# %% [markdown]
# At the right end the shaded gap is the subject of the triangle in {numref}`fig-simplex-rules`, with a
# perfect reader: the mean uncertainty about the rule, given both digits and the label.
#
# **What the theorem tells a designer.** Two things raise the bound: represent every composition well, and
# make it readable from $Z$ which one is at hand. DMIL does both. It has separate components for
# redundant, unique and synergistic information, and a gate that says for each sample which of them
# counts.
#
# **What it does not say.**
#
# * *The condition is sufficient, not necessary.* Let $Z$ be the label itself, a perfect representation.
#   It may not show the composition at all. Then the bound can fall below $H(Y)$ by as much as $H(C)$,
#   which is far too low. By {eq}`eq-composition-exact` the true price is not $H(C|Z)$ but $I(C;Y|Z)$:
#   the composition must be readable only as far as it still matters for the label.
# * *It holds for any $C$ whatever.* Nothing in the proof knows about redundancy or synergy; $C$ could be
#   the day of the week. That the parts of DMIL *are* R, U and S does not follow from the theorem. It
#   needs evidence, such as `composition`.
# * *It is about information, not learning.* A bound on $I(Z;Y)$ says nothing about whether gradient
#   descent finds $Z$.
#
# ```{quiz} Which has a truth?
# :label: quiz-has-truth
#
# Three statements about one sample of `digit_pairs`. Which one could be found to be wrong without choosing a
# definition?
#
# * [x] *Its label was made from the left digit alone.*
#
#   The mechanism is known: this is its composition.
# * [ ] *Its pointwise synergy is 0.8 bits.*
#
#   That depends on the zero of surprises and on which redundancy is chosen.
# * [ ] *It is 80 % synergistic: the method says so.*
#
#   (report-is-truth) That the method says so is a fact about the method. Nothing is named that could make it wrong.
# ```
#
# ## What this chapter claims
#
# The cells below check what this chapter claims, first on tables.

# %%
claim(
    np.allclose(
        [decompose(p).atoms for p in robots.values()], [1, 0, 0, 1], atol=1e-6
    ),
    "The two robots have the same atoms: one bit of R and one of S.",
)
claim(
    np.isclose(np.interp(0.5, *plans["B"]), 1)
    and np.isclose(np.interp(0.5, *plans["A"]), 0.75),
    "With camera 2 on for half of the parcels, robot B is perfect and robot A 75 % right.",
)
of_and = by_outcome[NAMES]
claim(
    np.allclose(of_and.iloc[1], by_hand)
    and np.allclose(of_and.iloc[1:3].mean(), [by_hand[0], -0.5, -0.5, 1]),
    "The library agrees with the hand calculation for AND, and (1, 0) mirrors (0, 1).",
)
claim(
    np.abs(r - r_library).max() < 1e-12 and (u1 * u2).max() < 1e-12,
    "The formula for r agrees with the library, and u1 u2 is never positive.",
)
claim(
    np.allclose(by_gate["pointwise"].iloc[2], [1, 0, -1, 1]),
    "The pointwise measure calls COPY redundant, with misinformation and synergy.",
)
claim(
    np.allclose(by_gate["pointwise"].iloc[4], by_gate["pointwise"].iloc[5]),
    "The pointwise measure does not tell the two houses apart.",
)
versions = r_of.iloc[:, 1:]
claim(
    np.allclose(versions.mean(), decompose(gate).redundancy, atol=1e-4)
    and np.ptp(versions.iloc[1]) > 0.9,
    "Two versions of BROJA per sample share its mean but disagree on single samples.",
)
claim(
    np.allclose(answers["BROJA within each rule, averaged"], 0.5, atol=1e-6),
    "Within the rules of digit pairs, BROJA finds half a bit of each atom.",
)
claim(
    np.allclose(answers["BROJA of the whole table"], [1, 0, 0, 1], atol=1e-5),
    "For the whole table, BROJA finds R = S = 1 and nothing unique.",
)
claim(
    np.allclose(answers["pointwise, averaged"], [1.5, -0.5, -0.5, 1.5]),
    "The pointwise atoms have the means R = S = 1.5 and U1 = U2 = -0.5.",
)
claim(
    abs(true - bound - slack).max() < 1e-12 and (true - bound).min() > -1e-12,
    "The theorem's bound holds on random distributions; its slack is H(C|Y,Z).",
)
claim(
    np.allclose([true_flip, bound_flip, slack_flip], 0),
    "In the smallest example the whole bit is lost, and the bound is exact.",
)
without_cue = label_table(n_classes=4, cue=False, composition=shares)
claim(
    np.allclose(dial[0], [2, 2, 0])
    and np.isclose(dial[-1, 0], mutual_information(without_cue)),
    "A perfect cue keeps both bits; a cue that says nothing is worth no more than none.",
)

# %% [markdown]
# And now on samples.

# %%
gap = (quality["mean, true"] - quality["mean, LSMI"]).abs()
claim(
    gap.max() < 0.06 and quality["correlation"].min() > 0.75,
    "LSMI's means are right to within 0.06 bits, and its samples follow the truth.",
)
claim(
    (few_quality["correlation"] < quality["correlation"]).all(),
    "With a tenth of the samples, each atom follows the truth less closely.",
)
pairs = [adjusted.loc[name].to_numpy() for name in ("AND", "COPY")]
claim(
    all(
        before[1:3].min() < 0 < min(before[[0, 3]])
        and np.isclose(after[1:3].min(), 0)
        and np.isclose(after[0], min(before[0] + before[1:3]))
        for before, after in pairs
    ),
    "As published, R of AND and of COPY becomes the smaller of I(X1;Y) and I(X2;Y).",
)
claim(
    np.allclose(pairs[1][1][[0, 2, 3]], 0, atol=0.05),
    "As published, all of COPY is unique to source 1.",
)
before, after = adjusted.loc["shuffled labels"].to_numpy()
claim(
    -0.1 < min(before[[0, 3]]) < 0
    and np.isclose(min(after[[0, 3]]), 0)
    and after[1] < 0,
    "With shuffled labels, R or S is moved up to zero and U1 ends below zero.",
)
r_u1, r_u2 = adjusted["R"] + adjusted["U1"], adjusted["R"] + adjusted["U2"]
claim(
    all(
        np.allclose(sums.to_numpy()[::2], sums.to_numpy()[1::2])
        for sums in (r_u1, r_u2, adjusted.sum(axis=1))
    ),
    "The published adjustment keeps all three sums.",
)
claim(
    np.allclose(by_unit[[0, -1], 0], [i1.mean(), i2.mean()], atol=0.01),
    "The units of X1 move R all the way from I(X1;Y) to I(X2;Y).",
)
centred = pointwise_atoms(from_median(h1 + 10), from_median(h2), i1, i2, i12)
claim(
    np.allclose(centred.mean(axis=0), by_unit[factors.size // 2], atol=0.02),
    "Units do not matter to surprises that are measured from the median.",
)
claim(
    np.allclose(by_noise[[0, -1], 0], half, atol=0.1)
    and by_noise[:, 0].argmax() == (added < 0).sum()
    and by_noise[added == 0, 0] > half + 0.2,
    "Noise features, added to either source, move R half-way between the two.",
)
claim(
    pixel_means.loc["R", "R"] > 0.85 and pixel_means.loc["S", "S"] > 0.85,
    "From pixels, LSMI finds the rules R and S.",
)
unsure = (from_pixels["R"][one_knows] - 0.5).abs() < 0.25
claim(
    np.allclose(pixel_means.loc[["U1", "U2"], "R"], 0.5, atol=0.15)
    and 0.35 < all_shared < 0.65
    and unsure.mean() < 0.15,
    "Rules U1 and U2 look half redundant on average, but few samples are half and half.",
)
claim(
    abs(found.mean() - posterior[NAMES].max(axis=1).mean()) < 0.03,
    "The likeliest rule is the true one about as often as it promises.",
)

# %% [markdown]
# ## Takeaways
#
# * Redundancy and synergy of a data set are **averages**; two data sets with equal averages can need
#   opposite plans.
# * The information in one observation is **specificity minus ambiguity**, and it can be negative.
# * The pointwise decomposition takes the smaller of two surprises as shared. So
#   $r = \max(i_1 - (h_1-h_2)_+,\ i_2 - (h_2-h_1)_+)$: it compares sizes, not contents. It is right on
#   the robots, and it calls a plain copy "redundant, with misinformation and synergy".
# * BROJA has **no** version of its own for single samples; several versions have its mean.
# * A sample's interaction has a **ground truth** where a mechanism made the label. That truth is not the
#   same thing as pointwise atoms.
# * LSMI estimates pointwise atoms well, given enough samples. But the atoms themselves **depend on the
#   zero of surprises** (units, or the median) **and on noise features**.
# * A model represents a mixture of kinds well if it represents every kind well and the kind **stays
#   readable**; the bound's slack is $H(C|Y,Z)$.
#
# ## Exercises
#
# ```{exercise} OR, by hand
# :label: ex-or-pointwise
#
# *Level 1 of 3 · 15 minutes · by hand*
#
# Decompose all four samples of $Y = X_1 \vee X_2$ by hand. In which samples does a source mislead?
# What are the means of the atoms? Check with the library.
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# All four values are fair coins, so the surprises are equal, and part (b) of
# {prf:ref}`prop-closed-form` gives $r$ at once. Start with $p(x_m|y)$.
# ```
#
# ```{solution-start} ex-or-pointwise
# :class: dropdown
# ```

# %% [markdown]
# All values are fair coins: $h_1=h_2=1$. Among the three samples with label 1, $x_1 = 0$ has
# probability $\tfrac13$ and $x_2=1$ has $\tfrac23$. So in the sample $(0, 1)$, $i_1 = \log_2\tfrac23 < 0$
# (the zero misleads) and $i_2 = \log_2\tfrac43$. The surprises are equal, so $r$ is the larger of the
# two, $\log_2\tfrac43$. That leaves $u_1 = -1$ and $u_2 = 0$, and as $i_{12} = \log_2\tfrac43$, $s = 1$.
# The sample $(1, 0)$ is its mirror image. In $(1,1)$ nobody misleads, and
# $r = i_1 = i_2 = i_{12} = \log_2\tfrac43$. In $(0,0)$, with the rare label, $i_1 = i_2 = r = 1$ and
# $i_{12} = 2$, so $s = 1$. OR is AND with the roles of 0 and 1 exchanged.

# %% tags=["solution"]
from mmfuse_lib.course import check

or_gate = GATES["or"]()
or_atoms = pointwise_decomposition(or_gate)[or_gate > 0]
print(or_atoms.round(3) + 0.0)
print("means:", or_atoms.mean(axis=0).round(3) + 0.0)
assert check("ex-or-pointwise", or_atoms)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A rival without units
# :label: ex-rival
#
# *Level 2 of 3 · 25 minutes · by code*
#
# Somebody proposes $r = \min(i_1, i_2)$: what both say at least. (a) Show that $u_1, u_2 \ge 0$ in
# every sample, and that units do not matter. (b) What does this definition say about COPY, AND and the
# two-bit copy? (c) Find a data set whose mean $R$ is negative.
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# `pointwise_mutual_information(p, x=m)` gives $i_m$ for every cell of a table, and the mean weighs each
# cell by its probability. For (c), think of sources that are often wrong, but not at the same time.
# ```
#
# ```{solution-start} ex-rival
# :class: dropdown
# ```

# %% [markdown]
# (a) $u_m = i_m - \min(i_1,i_2) \ge 0$, and no density appears. (b) The lines below show it. COPY is
# right now, with $U_1 = 1$. In AND the misleading samples pull $R$ far below BROJA's. The two-bit copy
# still has $R = 1$: this definition compares sizes, too. (c) Take two independent weak views of a label.
# Whenever either misleads, $r$ is negative. The last line below has the means for two views that are
# wrong two times out of five: $R = -0.11$ bits.


# %% tags=["solution"]
def rival(p):
    """Return the mean atoms with r = min(i1, i2)."""
    i1, i2 = (pointwise_mutual_information(p, x=m)[p > 0] for m in (0, 1))
    i12, low = pointwise_mutual_information(p)[p > 0], np.minimum(i1, i2)
    return (
        np.stack([low, i1 - low, i2 - low, i12 - i1 - i2 + low], axis=1).T
        @ p[p > 0]
    )


weak = noisy(
    np.eye(2) / 2, 0.4
)  # p(x, y) of a camera that is wrong 40 % of the time
views = np.einsum("ay,by->aby", weak, weak) / 0.5
for name in ("copy", "and", "two_bit_copy"):
    print(name.ljust(14), rival(GATES[name]()).round(3) + 0.0)
print("two weak views", rival(views).round(3))
assert check("ex-rival", views)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Choose your redundancy
# :label: ex-choose
#
# *Level 2 of 3 · 15 minutes · by code*
#
# You want to report $R = 0.4$ bits for the noisy COPY of {numref}`fig-units`, and you use surprises as
# they are. By which factor do you multiply $x_1$? How would a reader of your paper notice? What does
# `lsmi_pid` make of your factor, and what else could you do?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# The upper panel of {numref}`fig-units` is drawn from `factors` and the first column of `by_unit`.
# Read it from the vertical axis to the horizontal one.
# ```
#
# ```{solution-start} ex-choose
# :class: dropdown
# ```

# %% [markdown]
# $R$ falls steadily with the factor, so interpolate: 1.6 does it. A reader notices only if you say how
# the features were scaled, or if they see that $i_1$ and $i_2$ allow anything from $I(X_2;Y) = 0$ to
# $I(X_1;Y)$ (the diagnostics `lowest_redundancy` and `highest_redundancy`). Measured from the median,
# every factor gives the same $R$, as the last line shows. But a map that is not linear still moves it,
# and so do features of noise.

# %% tags=["solution"]
choice = 2 ** np.interp(-0.4, -by_unit[:, 0], np.log2(factors))
shifted = pointwise_atoms(h1 + np.log2(choice), h2, i1, i2, i12).mean(axis=0)
print(f"multiply by {choice:.2g}: R = {shifted[0]:.2f} bits")
centred = pointwise_atoms(
    from_median(h1 + np.log2(choice)), from_median(h2), i1, i2, i12
)
print(f"from medians: R = {centred[:, 0].mean():.2f} bits")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Coins and labels
# :label: ex-slack
#
# *Level 2 of 3 · 20 minutes · by hand*
#
# What does {prf:ref}`thm-composition` say, and how large is the slack, if (a) $C$ is a fair coin,
# independent of everything; (b) $Z = Y$; (c) $C = Z$; (d) $C = Y$?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Begin with the slack $H(C|Y,Z)$: what is left to ask about $C$ once label and representation are known?
# ```
#
# ```{solution} ex-slack
# :class: dropdown
#
# (a) $I(Z;Y|C) = I(Z;Y)$ and $I(Y;C) = 0$, so the bound is $I(Z;Y) - 1$; the slack is $H(C|Y,Z) = 1$.
# (b) The slack is $H(C|Y)$: all that the label leaves open about the composition. (c) Within a value
# of $Z$ nothing is left to tell, so $I(Z;Y|C) = 0$. As $H(C|Z) = 0$, the bound is $I(Y;Z)$: equality.
# (d) Given $C = Y$ the label is certain, so the first term is 0, and the bound is
# $H(Y) - H(Y|Z) = I(Z;Y)$: equality, as $Y$ determines $C$.
# ```
#
# ```{exercise} The other side
# :label: ex-upper
#
# *Level 3 of 3 · 15 minutes · by hand*
#
# Prove that $I(Z;Y) \le \mathbb E_c[I(Z;Y|C{=}c)] + I(Y;C)$. When is there equality, and what does
# that mean for a representation?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# One term of {eq}`eq-composition-exact` has a sign that you know.
# ```
#
# ```{solution} ex-upper
# :class: dropdown
#
# In {eq}`eq-composition-exact`, $I(C;Y|Z) \ge 0$. Equality holds if $C$ and $Y$ are independent given
# $Z$: once you have the representation, being told the composition tells you nothing more about the
# label. That is the condition a designer wants, and it is weaker than "$C$ can be read from $Z$".
# ```
#
# ```{exercise} A gate in the triangle
# :label: ex-gate
#
# *Level 2 of 3 · 15 minutes · by hand*
#
# A gate is a softmax over four logits, divided by a temperature $T$. Where in the triangle do the
# points go as $T\to\infty$ and as $T\to 0$? Is a gate whose points all sit in the corners better than
# one whose points look like {numref}`fig-simplex-rules`?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# The triangle has three corners but the gate has four shares: add the two unique ones. Then ask for how
# many samples a perfect reader of digits could be certain of the rule.
# ```
#
# ```{solution-start} ex-gate
# :class: dropdown
# ```

# %% [markdown]
# As $T\to\infty$ all four shares tend to $\tfrac14$. The unique parts count together, so the point is
# $(R, U, S) = (\tfrac14, \tfrac12, \tfrac14)$, not the centre. As $T\to 0$ the points go to the corners.
# Without the cue, nobody can ever be certain of rule R, nor of every sample of the other rules. Even with
# a perfect reader certainty is possible only for the share of samples below. So a gate that is always in a
# corner is overconfident. "Better" means closer to the posterior, which a proper score measures, such as
# the log loss against `composition`.

# %% tags=["solution"]
odds = rule_tables[
    :, rule_tables.sum(axis=0) > 0
]  # p(c, a, b, y) of what can occur
certain = (odds > 0).sum(axis=0) == 1
print(
    f"certain rule, with a perfect reader: {odds[:, certain].sum():.0%} of the samples"
)
hot = np.exp(np.array([2.0, -1.0, 0.5, 0.0]) / 1_000)  # any logits; T is large
r, u1, u2, s = hot / hot.sum()
assert check("ex-gate", [r, u1 + u2, s])

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Further reading
#
# * {cite:t}`finn2018`: the source of this chapter's definition, with many worked examples of specificity
#   and ambiguity.
# * {cite:t}`ince2017` and {cite:t}`makkeh2021`: other pointwise measures. The one by Makkeh and colleagues
#   is differentiable, so a network can be trained on it.
# * {cite:t}`yang2025`: LSMI, with uses from splitting data sets to weighting an ensemble. For its
#   densities, see {cite:t}`pichler2022`.
# * {cite:t}`yang2026`: the theorem on compositions and the method built on it, the subject of chapter 8.

# %% tags=["headline", "remove-cell"]
headline = {
    "lsmi_correlation_of_r": float(quality.loc["R", "correlation"]),
    "lsmi_correlation_of_s": float(quality.loc["S", "correlation"]),
    "copy_r_smallest_unit": round(float(by_unit[0, 0]), 3),
    "copy_r_largest_unit": round(float(by_unit[-1, 0]), 3),
    "copy_r_many_noise_features": round(float(by_noise[-1, 0]), 3),
    "pixels_rule_u1_reported_r": round(float(pixel_means.loc["U1", "R"]), 2),
    "pixels_rule_u2_reported_r": round(float(pixel_means.loc["U2", "R"]), 2),
    "likeliest_rule_is_true": round(float(found.mean()), 3),
    "digit_pairs_bits_without_cue": round(float(dial[-1, 0]), 3),
}
print(json.dumps(headline))
