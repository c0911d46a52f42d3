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
# # Information in bits
#
# A lamp hangs over the stairs, with one switch at the bottom and one at the top. Flip either and
# the lamp changes. You may not look at the lamp, but you have two cameras: one films the lower
# switch, the other the upper one.
#
# Watch the lower switch for a year. When it is up, the lamp is on half the time; when it is down,
# the lamp is also on half the time. The first camera tells you nothing. Neither does the second, for the
# same reason. **Yet with both pictures side by side you are never wrong.** Where was the
# information? Not in the first camera, not in the second, and there is no third.
#
# Multimodal learning is full of such lamps. "Great, thanks a lot" is praise or sarcasm depending on
# the tone, but the tone alone does not tell you which. This chapter builds the yardstick for
# what a modality tells about a label. Then it finds the exact spot where that yardstick stops
# measuring what we want to know.
#
# ```{admonition} After this chapter you can
# :class: tip
# - compute, on paper and with the library, how many bits one variable tells about another;
# - say what no encoder, however large, can do, and how accurate the best classifier can be;
# - read a classifier's loss as a measurement of information;
# - explain why a second modality can make the first one *more* informative, or less;
# - show that mutual information alone cannot tell redundancy from synergy, and say what it can tell.
#
# **Needs:** probability tables, conditional probability, logarithms. **Takes:** {{ essential }} minutes for the
# essential path, {{ reading }} for everything; 20 seconds to run on a CPU; nothing is downloaded.
# ```

# %% tags=["parameters", "hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
seed = 0
n_samples = 20_000  # evenings that the two cameras film
noise = 0.6  # standard deviation of a camera's reading
steps = 150  # training steps of the small classifiers

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch

from mmfuse_lib import Claims, plots
from mmfuse_lib.information import (
    GATES,
    conditional_entropy,
    conditional_mutual_information,
    deterministic,
    entropy,
    interaction_information,
    kl_divergence,
    mutual_information,
    noisy,
    pointwise_mutual_information,
)
from mmfuse_lib.plots import GREY, INK, VIOLET  # R, U1, U2 and S have their own

plots.use_style()
claim = Claims(globals(), seed=0, n_samples=20_000, noise=0.6, steps=150)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## The lamp as a table
#
# Everything in this chapter is a table of probabilities. Call the switches $X_1$ and $X_2$ (0 is
# down, 1 is up) and the lamp $Y$. The switches are fair coins, and the lamp is on when they differ:
# $Y = X_1 \oplus X_2$, the *exclusive or*. The library keeps such a table as an array `p[x1, x2, y]`,
# with the label always on the last axis.

# %%
lamp = GATES["xor"]()
print("p(x1, x2, lamp off):", lamp[:, :, 0].tolist())
print("p(x1, x2, lamp on): ", lamp[:, :, 1].tolist())

# %% [markdown]
# Camera 1 alone sees the table with $X_2$ summed out, and camera 2 alone sees the
# table with $X_1$ summed out:

# %%
print("camera 1, p(x1, y):", lamp.sum(axis=1).tolist())
print("camera 2, p(x2, y):", lamp.sum(axis=0).tolist())

# %% [markdown]
# Each camera gets four equal numbers. A real camera is noisy, so let each report a number: $-1$ for down and
# $+1$ for up, plus Gaussian noise. {numref}`fig-two-cameras` shows some hundreds of evenings.

# %%
switches = rng.integers(0, 2, size=(n_samples, 2))
readings = 2 * switches - 1 + noise * rng.normal(size=(n_samples, 2))
is_on = switches[:, 0] ^ switches[:, 1]

# %% tags=["hide-input"] mystnb={"image": {"alt": "Scatter plot of evenings. Lamp on fills the upper left and lower right corners, lamp off the other two. The histograms along both edges, one per camera, are the same for on and off."}, "figure": {"caption": "Together the two readings separate on from off; to one camera alone (the histograms at the edges), on and off look the same. Each point is an evening.", "name": "fig-two-cameras"}}
fig, axes = plt.subplot_mosaic(
    [["top", "."], ["both", "right"]],
    figsize=(6.4, 5.4),
    width_ratios=[4, 1.2],
    height_ratios=[1.2, 4],
)
evenings = pd.DataFrame(readings, columns=["camera 1", "camera 2"])
evenings["lamp"] = np.where(is_on, "lamp on", "lamp off")
look = {
    "hue": "lamp",
    "hue_order": ["lamp off", "lamp on"],
    "palette": [GREY, VIOLET],
}
sns.scatterplot(
    evenings.groupby("lamp").head(200),
    x="camera 1",
    y="camera 2",
    style="lamp",
    markers={"lamp off": "X", "lamp on": "o"},
    s=50,
    ax=axes["both"],
    **look,
)
look |= {"bins": 24, "binrange": (-3, 3), "element": "step", "fill": False, "lw": 2}
for part, axis in (("top", {"x": "camera 1"}), ("right", {"y": "camera 2"})):
    sns.histplot(evenings, **axis, legend=False, ax=axes[part], **look)
    axes[part].lines[-1].set_linestyle("--")  # lamp off, on top
_ = axes["both"].set(
    xlabel="reading of camera 1",
    ylabel="reading of camera 2",
    xlim=(-3, 3),
    ylim=(-3, 3),
)
for side in ("top", "right"):
    axes[side].set_axis_off()
sns.move_legend(
    axes["both"], "upper center", bbox_to_anchor=(0.5, 1.12), ncols=2, title=None
)
plt.show()

# %% [markdown]
# We want to say how much each camera tells, and how much both tell together. For that we need a unit, and it starts
# with surprise.
#
# ## Surprise is a logarithm
#
# The less you expected a piece of news, the more it is worth. Let $h(p)$ be the surprise at an event of probability
# $p$. Three wishes seem fair. A certain event is no surprise. The less likely an event is, the more it surprises.
# And if two events are *independent*, so that their probabilities multiply, their surprises add up. These wishes leave
# no choice {cite:p}`shannon1948`.
#
# ```{prf:proposition} Surprise is a logarithm
# :label: prop-surprise
#
# If $h(1)=0$, $h$ is decreasing on $(0,1]$, and $h(pq) = h(p) + h(q)$, then
# $h(p) = -k\log p$ for some $k > 0$.
# ```
#
# ```{prf:proof}
# Put $g(t) = h(2^{-t})$ for $t \ge 0$. The wishes say that $g$ is increasing and
# $g(s+t) = g(s) + g(t)$. Adding $n$ equal terms gives $g(nt) = n\,g(t)$, so $g(m/n) = \tfrac{m}{n}\,g(1)$
# for every fraction. An increasing function that equals $t\,g(1)$ at all fractions is squeezed onto
# that line everywhere. With $p = 2^{-t}$, $h(p) = -g(1)\log_2 p$.
# ```
#
# The constant $k$ only sets the unit. With base 2 the unit is the **bit**, the surprise of one fair
# coin toss:
#
# $$
# h(x) = -\log_2 p(x) = \log_2 \frac{1}{p(x)} .
# $$

# %% tags=["hide-input"] mystnb={"image": {"alt": "Falling curve of surprise against probability, steep on the left. Four points are marked with their bits: a sure thing at the bottom right, then a coin, a die and, high up on the left, one card in 32."}, "figure": {"caption": "Halving a probability adds one bit of surprise.", "name": "fig-surprise"}}
fig, ax = plt.subplots()
p = np.linspace(0.015, 1, 400)
ax.plot(p, -np.log2(p), color=INK)
for probability, name in [
    (1, "certain"),
    (1 / 2, "a fair coin"),
    (1 / 6, "a die"),
    (1 / 32, "1 card in 32"),
]:
    ax.plot(probability, -np.log2(probability), "o", color=VIOLET, ms=8)
    bits = abs(np.log2(probability))
    offset, side = ((4, 22), "right") if probability == 1 else ((8, 8), "left")
    ax.annotate(
        f"{name}: {bits:.3g} {'bit' if bits == 1 else 'bits'}",
        (probability, bits),
        offset,
        textcoords="offset points",
        ha=side,
    )
_ = ax.set(
    xlabel="probability of what happened",
    ylabel="surprise (bits)",
    xlim=(0, 1.03),
    ylim=(-0.2, 6.3),
)
plt.show()

# %% [markdown]
# ```{quiz} How surprised?
# :label: quiz-surprise
#
# A fair die shows a six, and a fair coin heads. How surprising are both together?
#
# * [ ] $\log_2 6 \cdot 1 = 2.58$ bits: surprises multiply
#
#   Probabilities of independent events multiply. What must their logarithms do?
# * [x] $\log_2 12 = 3.58$ bits
#
#   The probability is $\tfrac1{12}$, and surprises of independent events add: 2.58 and 1.
# * [ ] $\ln 12 = 2.48$ bits
#
#   (nats-for-bits) This is the surprise in nats.
# ```
#
# ## Entropy is the surprise to expect
#
# ```{prf:definition} Entropy
# :label: def-entropy
#
# The entropy of $X$ is its mean surprise,
#
# $$
# \begin{aligned}
# H(X) &= \mathbb{E}\,[-\log_2 p(X)] \\
# &= -\sum_x p(x)\log_2 p(x),
# \end{aligned}
# $$
#
# with $0\log_2 0 = 0$: an event that never happens surprises nobody.
# ```
#
# That takes two lines of NumPy. The library's `entropy` is the same two lines, plus checks of its input:


# %%
def entropy_by_hand(p):
    happens = p[p > 0]
    return float(-(happens * np.log2(happens)).sum())


rooms = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8])  # where the cat sleeps
print(
    f"{entropy_by_hand(rooms):.3f} bits by hand, {entropy(rooms):.3f} by the library"
)

# %% [markdown]
# A coin is most uncertain when it is fair. At either end of {numref}`fig-coin` it is certain:

# %% tags=["hide-input"] mystnb={"image": {"alt": "An arch: the entropy of a coin is zero where heads is impossible or certain, and highest for a fair coin in the middle. A second dot, well to the left, marks a biased coin half as high."}, "figure": {"caption": "A coin is most uncertain when it is fair: a toss is then worth one bit. The biased coin that is marked is worth half a bit per toss.", "name": "fig-coin"}}
fig, ax = plt.subplots()
heads = np.linspace(0, 1, 201)
ax.plot(heads, [entropy([q, 1 - q]) for q in heads], color=INK)
for q, text, place in [
    (0.5, "fair: 1 bit", (0.5, 0.85)),
    (0.11, "11 %: half a bit", (0.17, 0.45)),
]:
    ax.plot(q, entropy([q, 1 - q]), "o", color=VIOLET, ms=8)
    ax.text(*place, text, ha="left" if q < 0.5 else "center")
_ = ax.set(
    xlabel="probability of heads", ylabel="entropy (bits)", ylim=(-0.03, 1.08)
)
plt.show()

# %% [markdown]
# ### Entropy counts yes/no questions
#
# *Deeper: another way to see why entropy is the right measure; skip it on a first reading.*
#
# Play twenty questions about the cat. It is on the sofa half the time, in the kitchen a quarter of the time, and in
# the garden and in the cupboard an eighth of the time each. Ask "sofa?" first, then "kitchen?", then "garden?". This
# takes one question half of the time, two a quarter of the time, and three otherwise.

# %%
questions = np.array([1, 2, 3, 3])
print(
    f"questions on average: {rooms @ questions:.2f}   entropy: {entropy(rooms):.2f} bits"
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "A tree of yes/no questions. Sofa is one question deep, kitchen two, garden and cupboard three."}, "figure": {"caption": "Good questions split the remaining probability in half. A room of probability $1/2^k$ then takes $k$ questions, exactly its surprise.", "name": "fig-questions"}}
fig, ax = plt.subplots(figsize=(6.4, 4.4))
nodes = [(0, 0, "sofa?"), (1, -1, "kitchen?"), (2, -2, "garden?")]
leaves = [
    (-1, -1, "sofa\n1/2"),
    (0, -2, "kitchen\n1/4"),
    (1, -3, "garden\n1/8"),
    (3, -3, "cupboard\n1/8"),
]
for (x, y, _), answers in zip(
    nodes,
    [[(-1, -1), (1, -1)], [(0, -2), (2, -2)], [(1, -3), (3, -3)]],
    strict=True,
):
    for (to_x, to_y), answer in zip(answers, ["yes", "no"], strict=True):
        ax.plot([x, to_x], [y, to_y], color=GREY, zorder=1)
        ax.text(
            (x + to_x) / 2 + (0.12 if answer == "no" else -0.12),
            (y + to_y) / 2 + 0.08,
            answer,
            ha="left" if answer == "no" else "right",
            color=INK,
        )
for places, face, ink in [(nodes, VIOLET, "white"), (leaves, "white", INK)]:
    for x, y, text in places:
        ax.text(
            x,
            y,
            text,
            ha="center",
            va="center",
            color=ink,
            bbox={"boxstyle": "round", "facecolor": face, "edgecolor": INK},
        )
_ = ax.set(xlim=(-1.8, 3.8), ylim=(-3.5, 0.4))
ax.set_axis_off()
plt.show()

# %% [markdown]
# No plan asks fewer questions on average. To prove this, and nearly everything else in this chapter, we need a single
# inequality.
#
# ## The one inequality: wrong beliefs never pay
#
# Suppose things happen with probabilities $p$ but you believe in $q$. Your mean surprise is then
# $-\sum p\log_2 q$ instead of $-\sum p\log_2 p$. The difference is the **Kullback–Leibler
# divergence**
#
# $$
# D(p\,\|\,q) = \sum_x p(x)\log_2\frac{p(x)}{q(x)} .
# $$
#
# ```{prf:theorem} Wrong beliefs never pay
# :label: thm-gibbs
#
# $D(p\,\|\,q) \ge 0$, with equality only if $p = q$.
# ```
#
# ```{prf:proof}
# The logarithm lies below its tangent at 1: $\ln t \le t - 1$, with equality only at $t=1$. So, over
# the $x$ with $p(x)>0$,
#
# $$
# \begin{aligned}
# -D(p\,\|\,q)\,\ln 2 &= \sum_x p(x) \ln\frac{q(x)}{p(x)} \\
# &\le \sum_x p(x)\Big(\frac{q(x)}{p(x)} - 1\Big) \\
# &= \sum_x q(x) - 1 \le 0 .
# \end{aligned}
# $$
#
# Equality requires $q(x)=p(x)$ wherever $p(x) > 0$, and these values already sum to 1.
# ```

# %% tags=["hide-input"] mystnb={"image": {"alt": "Mean surprise against believed probability of rain, a bowl that touches the dotted line, the entropy, at a dot where the belief is the true probability, and rises on both sides."}, "figure": {"caption": "A wrong belief raises the mean surprise: the gap above the dotted line is the divergence. Here it rains on a quarter of the days, and the curve is lowest at that belief.", "name": "fig-divergence"}}
fig, ax = plt.subplots()
truth, beliefs = [0.25, 0.75], np.linspace(0.02, 0.9, 200)
extra = np.array([kl_divergence(truth, [q, 1 - q]) for q in beliefs])
ax.plot(beliefs, entropy(truth) + extra, color=INK)
ax.axhline(entropy(truth), color=GREY, ls=":")
ax.fill_between(
    beliefs, entropy(truth), entropy(truth) + extra, color=VIOLET, alpha=0.25, lw=0
)
ax.plot(0.25, entropy(truth), "o", color=VIOLET, ms=8)
ax.text(0.27, entropy(truth) - 0.17, f"the truth: {entropy(truth):.2f} bits")
ax.text(0.71, 1.02, "$D(p\\,||\\,q)$", ha="center")
_ = ax.set(
    xlabel="believed probability of rain",
    ylabel="mean surprise (bits)",
    ylim=(0.5, 2.1),
)
plt.show()

# %% [markdown]
# Three consequences follow at once:
#
# * **The uniform distribution is the most uncertain.** Take $q$ uniform on $n$ values:
#   $0 \le D(p\,\|\,q) = \log_2 n - H(X)$, so $H(X) \le \log_2 n$.
# * **No plan of questions beats entropy.** Let a plan take $\ell(x)$ yes/no questions to find $x$.
#   Someone who answers by tossing fair coins ends up at $x$ with probability $2^{-\ell(x)}$, so
#   these numbers have a sum $c \le 1$. With $q(x) = 2^{-\ell(x)}/c$, the mean number of
#   questions is $H(X) + D(p\,\|\,q) - \log_2 c$, and neither $D$ nor $-\log_2 c$ is negative. (Some plan
#   needs fewer than $H(X)+1$: {cite:t}`cover2006`, section 5.4.)
# * **A classifier's loss has a floor.** It gets a section of its own below.
#
# ## Two variables and what they share
#
# Back to one camera and one switch. Let $X$ be the report of a cheap camera, "up" or "down", and let $Y$ be
# the true position of the switch. The camera is wrong one time in ten.

# %%
camera = noisy(np.eye(2) / 2, eps=0.1)  # p(x, y)
print(camera.round(2).tolist())

# %% [markdown]
# The surprise of a pair splits like its probability, $p(x,y) = p(x)\,p(y|x)$. Take minus the
# logarithm and the mean on both sides:
#
# $$
# \begin{aligned}
# H(X,Y) &= H(X) + H(Y|X), \\
# \text{with}\quad H(Y|X) &= \mathbb{E}\,[-\log_2 p(Y|X)] .
# \end{aligned}
# $$ (eq-chain)
#
# This is the **chain rule**. The **conditional entropy** $H(Y|X)$ measures how uncertain
# $Y$ still is for someone who sees $X$, averaged over what they may see.
#
# ```{prf:definition} Mutual information
# :label: def-mi
#
# $I(X;Y) = H(Y) - H(Y|X)$: how much of the uncertainty about $Y$ goes away when $X$ is seen.
# ```
#
# ```{prf:theorem} Three faces of mutual information
# :label: thm-three-faces
#
# $$
# \begin{aligned}
# I(X;Y) &= H(Y) - H(Y|X) \\
# &= H(X) + H(Y) - H(X,Y) \\
# &= D\big(p(x,y)\,\|\,p(x)\,p(y)\big).
# \end{aligned}
# $$
#
# So $I(X;Y) = I(Y;X)$, and $I(X;Y) \ge 0$ with equality exactly if $X$ and $Y$ are independent.
# ```
#
# ```{prf:proof}
# Replace $H(Y|X)$ by the chain rule {eq}`eq-chain` to get the second form. It is the mean of
# $-\log_2 p(x) - \log_2 p(y) + \log_2 p(x,y)$, that is, of
# $\log_2 \frac{p(x,y)}{p(x)p(y)}$, which is the third form. The second form is symmetric. {prf:ref}`thm-gibbs`,
# applied to the third, gives the sign.
# ```

# %%
p_x, p_y = camera.sum(axis=1), camera.sum(axis=0)
print(
    f"H(Y) - H(Y|X)         = {entropy(p_y) - conditional_entropy(camera):.4f} bits"
)
print(
    f"H(X) + H(Y) - H(X,Y)  = {entropy(p_x) + entropy(p_y) - entropy(camera):.4f} bits"
)
print(
    f"D(p(x,y) || p(x)p(y)) = {kl_divergence(camera, np.outer(p_x, p_y)):.4f} bits"
)
print(f"mutual_information    = {mutual_information(camera):.4f} bits")

# %% [markdown]
# An error rate of ten per cent costs almost half a bit, because the errors do not announce themselves. All these
# quantities fit into one picture, {numref}`fig-entropy-bars` (after {cite:t}`mackay2003`, section 8.1): lengths are
# bits, and they add up.


# %% tags=["hide-input"] mystnb={"image": {"alt": "Three stacked bars on one axis of bits. H(X,Y) takes the whole length. H(X) starts at its left end and H(Y) ends at its right end, both equally long and both shorter than the whole; where they overlap is I(X;Y). What remains at the ends is H(X|Y) and H(Y|X), each a little shorter than the overlap."}, "figure": {"caption": "The overlap of $H(X)$ and $H(Y)$ is the mutual information. Entropies are drawn as lengths.", "name": "fig-entropy-bars"}}
def bar(ax, row, start, end, text, color, ink="white"):
    ax.barh(
        row, end - start, left=start, color=color, edgecolor="white", height=0.8
    )
    ax.text(
        (start + end) / 2,
        row,
        f"{text}\n{end - start:.2f}",
        ha="center",
        va="center",
        color=ink,
    )


total, shared = entropy(camera), mutual_information(camera)
fig, ax = plt.subplots(figsize=(6.4, 3.4))
bar(ax, 3, 0, total, "$H(X,Y)$", INK)
bar(ax, 2, 0, entropy(p_x), "$H(X)$", GREY, INK)
bar(ax, 1, total - entropy(p_y), total, "$H(Y)$", GREY, INK)
bar(ax, 0, 0, total - entropy(p_y), "$H(X|Y)$", "#D5D8DC", INK)
bar(ax, 0, total - entropy(p_y), entropy(p_x), "$I(X;Y)$", VIOLET)
bar(ax, 0, entropy(p_x), total, "$H(Y|X)$", "#D5D8DC", INK)
_ = ax.set(xlabel="bits", yticks=[], xlim=(0, total))
ax.spines["left"].set_visible(False)
plt.show()

# %% [markdown]
# **Predict first.** Keep this camera, wrong one time in ten whatever the switch does, but let somebody
# leave the switch down on four evenings of five. Does a report now tell more about the switch, less, or
# as much? Which of the six lengths become shorter? Then drag: the lower knob says how often the switch
# is down, the other two how often the camera says "up". When both borders are level the camera knows
# nothing.

# %%
plots.entropy_table()

# %% [markdown]
# Less: 0.36 bits in place of 0.53. Five of the six lengths become shorter. Only $H(X|Y)$ stays, as it is
# the noise of the camera and has nothing to do with how the switch is used. A switch that is usually
# down leaves less to be told.

# %% [markdown]
# ### Pointwise information: one sample at a time
#
# *Deeper: chapter 6 builds on this; skip it on a first reading.*
#
# $I(X;Y)$ is a mean, so each pair has its own value, the **pointwise mutual information**
# {cite:p}`fano1961`
#
# $$
# i(x;y) = \log_2\frac{p(x,y)}{p(x)\,p(y)} = \log_2\frac{p(y|x)}{p(y)} .
# $$

# %%
i = pointwise_mutual_information(camera)
print(f"report is right: {i[0, 0]:+.2f} bits, wrong: {i[0, 1]:+.2f} bits")
print(f"mean over all four cases: {(camera * i).sum():.2f} bits")

# %% [markdown]
# A wrong report is worth *less than nothing*: it makes the truth five times less likely than no
# report at all would. Only the mean can never be negative. With the noisy numeric readings of
# {numref}`fig-two-cameras` the value of a reading slides from one extreme to the other ({numref}`fig-pointwise`).

# %% tags=["hide-input"] mystnb={"image": {"alt": "Pointwise information of one reading about a switch that is up. It rises from strongly negative for readings below zero to one bit for readings above one. A histogram below shows that most readings are on the informative side."}, "figure": {"caption": "Readings below 0 mislead (shaded), but they are rare, so the mean is positive. The curve is what one reading says when the switch is up; the histogram shows how often each reading occurs.", "name": "fig-pointwise"}}
x = np.linspace(-2, 3, 300)
value = 1 - np.log2(1 + np.exp(-2 * x / noise**2))
fig, (ax, below) = plt.subplots(
    2, 1, sharex=True, height_ratios=[3, 1], figsize=(6.4, 4.2)
)
ax.plot(x, value, color=INK)
ax.fill_between(x, value, 0, where=value < 0, color=VIOLET, alpha=0.3, lw=0)
ax.axhline(0, color=INK, lw=1)
_ = ax.set(ylabel="$i(x;\\mathrm{up})$ (bits)", ylim=(-6, 1.6))
up = readings[switches[:, 0] == 1, 0]
sns.histplot(x=up, bins=50, binrange=(-2, 3), color=GREY, lw=0, alpha=1, ax=below)
_ = below.set(
    xlabel="reading of camera 1 when its switch is up", ylabel="share", yticks=[]
)
plt.show()

# %% [markdown]
# ```{quiz} Two encoders in a row
# :label: predict-encoder
# :predict:
#
# A label is 1 bit, an image tells 0.6 bits of it. A large pre-trained encoder turns the image into 2,048 features. How
# many bits can the features tell?
#
# * [ ] Up to 1: that is what pre-training is for.
#
#   (encoder-adds) Pre-training brings knowledge about images in general. About this label of this image it can only use
#   what the image shows.
# * [x] At most 0.6
#
#   Features are a function of the image. They may be easier to read, never richer.
# * [ ] At most 0.6 a feature
#
#   All features together are a function of the image.
# ```
#
# ## No encoder adds information
#
# An encoder turns an input $X$ into a feature $Z = f(X)$. It may use dropout or other noise, but it
# never sees $Y$. In the language of probability: given $X$, $Z$ is independent of $Y$.
#
# ```{prf:theorem} Data-processing inequality
# :label: thm-dpi
#
# If $Z$ is computed from $X$ without further access to $Y$, then $I(Z;Y) \le I(X;Y)$.
# ```
#
# ```{prf:proof}
# How much does the pair $(X,Z)$ tell about $Y$? Just as much as $X$: since $p(y|x,z) = p(y|x)$, we have
# $H(Y|X,Z) = H(Y|X)$. And at least as much as $Z$: we have $H(Y|X,Z) \le H(Y|Z)$, because for each value $z$ the
# difference is a mutual information between $X$ and $Y$, hence not negative. Together
# $H(Y|X) \le H(Y|Z)$; now subtract both from $H(Y)$.
# ```
#
# Let an input have 16 possible values and a label 4, tied together at random. We send the input through random
# encoders that keep only $k$ different features:

# %%
table = rng.dirichlet(np.full(64, 0.3)).reshape(16, 4)
raw_bits = mutual_information(table)


def encode(p, k):
    """Send each of the 16 inputs to one of k features; return the table p(z, y)."""
    feature = rng.integers(0, k, size=len(p))
    return np.stack([p[feature == z].sum(axis=0) for z in range(k)])


kept = [
    (k, mutual_information(encode(table, k)))
    for k in range(1, 33)
    for _ in range(15)
]

# %% tags=["hide-input"] mystnb={"image": {"alt": "Dots of information kept by random encoders against their number of features. All lie below a horizontal line, the information in the input itself, and approach it as the number of features grows."}, "figure": {"caption": "No encoder gets above the line, which is what the raw input tells. Each dot is a random encoder.", "name": "fig-dpi"}}
features, bits = np.transpose(kept)
ax = sns.scatterplot(x=features, y=bits, s=14, color=VIOLET, alpha=0.5, lw=0)
ax.axhline(raw_bits, color=INK)
ax.text(0.5, raw_bits + 0.02, "$I(X;Y)$, the raw input")
_ = ax.set(
    xlabel="number of features $k$",
    ylabel="$I(Z;Y)$ (bits)",
    ylim=(-0.03, raw_bits * 1.12),
)
plt.show()

# %% [markdown]
# So why train an encoder at all? The bound counts what an *unlimited* reader could get out of
# $X$. A network can make information easier to use, for a linear head say, but it cannot make more of it.
# (What a limited reader can use has a theory of its own: {cite:t}`xu2020`.) For multimodal learning
# the consequence is sharp: **no fusion layer can bring back what an encoder before it has thrown away.**
#
# ## How accurate can a classifier be?
#
# *Deeper: a bound that turns missing bits into errors; later chapters do not need it, so skip it on a first reading.*
#
# ```{prf:theorem} Fano's inequality
# :label: thm-fano
#
# If $Y$ has $K$ values and a classifier $\hat y(X)$ is wrong with probability $\varepsilon$, then
#
# $$
# H(Y|X) \le H_2(\varepsilon) + \varepsilon\log_2(K-1),
# $$
#
# where $H_2(\varepsilon)$ is the entropy of a coin that lands heads with probability $\varepsilon$.
# ```
#
# ```{prf:proof}
# Let $E$ be 1 if the classifier errs and 0 otherwise. $X$ and $Y$ determine $E$, so
# $H(Y|X) = H(E,Y|X)$. By the chain rule this is $H(E|X) + H(Y|E,X)$. The first term is at most
# $H(E) = H_2(\varepsilon)$. In the second,
# $E=0$ means $Y=\hat y(X)$ and leaves nothing unknown; $E=1$, with probability $\varepsilon$, leaves $K-1$ values,
# at most $\log_2(K-1)$ bits.
# ```
#
# The fewer bits, the more errors {cite:p}`fano1961`. With $K=4$ equally likely labels, $H(Y|X) = 2 - I(X;Y)$,
# and the inequality is a ceiling on accuracy. {numref}`fig-fano` compares it with the *best possible* classifiers for
# random channels, which pick the likeliest label for every $x$:


# %%
def random_channel(peak):
    """p(x, y) with four equally likely labels; a low peak makes p(x|y) concentrated."""
    return rng.dirichlet(np.full(8, peak), size=4).T / 4


channels = [random_channel(peak) for peak in np.geomspace(0.03, 30, 400)]
bits = [mutual_information(p) for p in channels]
best_accuracy = [p.max(axis=1).sum() for p in channels]

# %% tags=["hide-input"] mystnb={"image": {"alt": "Accuracy of the best classifier against mutual information for random channels with four labels. All points lie below a rising curve, Fano's ceiling, which runs from chance, where there is no information, to certainty, where the information is all of the label's entropy."}, "figure": {"caption": "No classifier beats Fano's ceiling. Each dot is the best classifier on a random channel with four equally likely labels; without information it can only guess.", "name": "fig-fano"}}
error = np.linspace(0, 0.75, 300)
ceiling = [2 - entropy([e, 1 - e]) - e * np.log2(3) for e in error]
percent = 100 * np.array(best_accuracy)
look = {"s": 16, "color": VIOLET, "alpha": 0.5, "lw": 0}
ax = sns.scatterplot(x=bits, y=percent, label="random channels", **look)
ax.plot(ceiling, 100 * (1 - error), color=INK, label="Fano's ceiling")
_ = ax.set(xlabel="$I(X;Y)$ (bits)", ylabel="accuracy (%)", ylim=(20, 104))
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# ## A loss is a measurement
#
# Only textbooks give us tables. For images and sound, $p$ is out of reach. But we can train a
# classifier $q(y|x)$, and its cross-entropy loss is an information measurement in disguise.
#
# ```{prf:theorem} Cross-entropy bounds information
# :label: thm-cross-entropy
#
# Let $L$ be the expected loss of a classifier $q$, in bits, and let $p_X$ and $q_X$ be the true and the predicted
# distribution of $Y$ given $X$. For any $q$,
#
# $$
# \begin{aligned}
# L &= \mathbb{E}\,[-\log_2 q(Y|X)] \\
# &= H(Y|X) + \mathbb{E}\,D(p_X\,\|\,q_X).
# \end{aligned}
# $$
#
# So $I(X;Y)$ is at least $H(Y) - L$.
# ```
#
# ```{prf:proof}
# Write $-\log_2 q = -\log_2 p + \log_2\frac{p}{q}$ and take means. The last term is a mean of divergences, so
# it is not negative ({prf:ref}`thm-gibbs`).
# ```
#
# Note two things. The loss must be measured on samples that were not used for training: a memorised
# training set has loss 0 and proves nothing. And the bound points one way: a *low* loss proves that
# information is there; a *high* loss proves nothing at all, since the classifier may just be bad.
#
# We can watch the bound at work. Camera 1's reading has a known amount of information about its own switch, which
# we get to four digits from a fine table. Then we train logistic regression and follow
# $1 - \text{loss}$ on evenings it has not seen.

# %%
grid = np.linspace(-5, 5, 501)
density = np.exp(-((grid - np.array([[-1], [1]])) ** 2) / (2 * noise**2))
density /= density.sum(axis=1, keepdims=True)  # row s: p(reading | switch = s)
truth = mutual_information(density.T / 2)
print(f"I(reading 1; switch 1) = {truth:.4f} bits")

# %%
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy


def bits_learned(features, labels):
    """Train logistic regression; return 1 - held-out loss in bits, step by step."""
    x, y = torch.tensor(features), torch.tensor(labels, dtype=torch.float64)
    half = len(y) // 2
    weights = torch.zeros(x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([weights], lr=0.1)
    history = []
    for _ in range(steps + 1):
        losses = cross_entropy(x @ weights[:-1] + weights[-1], y, reduction="none")
        history.append(1 - losses[half:].mean().item() / np.log(2))
        loss = losses[:half].mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return history


# %%
history = bits_learned(readings[:, :1], switches[:, 0])
print(f"learned {history[-1]:.3f} of {truth:.3f} bits")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Held-out information against training step. It starts at zero, rises steeply and flattens just at the horizontal line of the true mutual information."}, "figure": {"caption": "Training climbs to the truth (dashed). In bits, the curve is a lower bound at every step, up to sampling error.", "name": "fig-learning-in-bits"}}
ax = sns.lineplot(history, color=VIOLET, label="$H(Y)$ minus held-out loss")
ax.axhline(truth, color=INK, ls="--", label="$I(X;Y)$")
_ = ax.set(xlabel="training step", ylabel="information (bits)", ylim=(-0.05, 1))
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# The model starts by knowing nothing, at a loss of exactly one bit, and climbs to the ceiling. It
# gets there because logistic regression happens to be the right family here. (The
# curve is an average over finitely many evenings, so sampling error may put its end a few thousandths of a bit to
# either side of the line.)
#
# ```{quiz} What a high loss says
# :label: quiz-high-loss
#
# A classifier of two balanced labels has a held-out loss of 0.95 bits. What follows?
#
# * [ ] The modality holds only about 0.05 bits.
#
#   (high-loss-little) The loss bounds $H(Y|X)$ from above, so it bounds information from below: at least 0.05 bits.
# * [x] The modality holds at least about 0.05 bits; it may hold all of the label.
#
#   A better model could have a loss near 0. A loss is a proof from one side.
# * [ ] By Fano's inequality no model can be much better than chance.
#
#   Fano needs a lower bound on $H(Y|X)$. A loss is an upper bound.
# ```
#
# ## A second sensor can take information away, or bring it
#
# Now the second modality comes in. What does $X_1$ add for someone who *already sees* $X_2$?
#
# ```{prf:definition} Conditional mutual information
# :label: def-cmi
#
# $I(X_1;Y|X_2)$ is the mutual information of $X_1$ and $Y$ within each value of $X_2$, averaged over $X_2$:
#
# $$
# \begin{aligned}
# I(X_1;Y|X_2) &= H(Y|X_2) \\
# &- H(Y|X_1,X_2) \ge 0 .
# \end{aligned}
# $$
# ```
#
# With it, information has a chain rule: both sources tell what one of them tells, plus what the other adds,
#
# $$
# \begin{aligned}
# I(X_1,X_2;Y) &= I(X_2;Y) \\
# &+ I(X_1;Y|X_2),
# \end{aligned}
# $$ (eq-chain-information)
#
# since $H(Y|X_2)$ is subtracted once and added once on the right. Seeing $X_2$ first can
# make $X_1$ *less* useful: think of two cameras on the same switch. It can also make it *more* useful: think of the
# lamp. {numref}`fig-conditioning` goes through the library's gates, each a table of two fair bits.

# %%
two_bit = ["redundant", "and", "copy", "two_bit_copy", "xor"]
alone = [mutual_information(GATES[name](), x=0) for name in two_bit]
given_x2 = [conditional_mutual_information(GATES[name]()) for name in two_bit]

# %% tags=["hide-input"] mystnb={"image": {"alt": "Paired horizontal bars for five gates: information of source 1 alone and given source 2. For redundant the first bar is a full bit and the second is gone. For and, both are short, the second the longer. For copy and two-bit copy both are full bits. For xor the first is gone and the second is a full bit."}, "figure": {"caption": "Seeing source 2 first can take away everything that source 1 tells (top) or bring it about (bottom). Grey bars: what source 1 tells alone. Violet bars: what it adds for someone who sees source 2.", "name": "fig-conditioning"}}
rules = ["$X_1=X_2$", "$X_1∧X_2$", "$X_1$", "$(X_1,X_2)$", "$X_1⊕X_2$"]
table = pd.DataFrame({"$I(X_1;Y)$": alone, "$I(X_1;Y|X_2)$": given_x2})
table["gate"] = [
    f"{n.replace('_', ' ')}\n$Y=${r}" for n, r in zip(two_bit, rules, strict=True)
]
fig, ax = plt.subplots(figsize=(6.0, 5.4))
sns.barplot(
    table.melt("gate", var_name="source", value_name="bits"),
    x="bits",
    y="gate",
    hue="source",
    palette=[GREY, VIOLET],
    saturation=1,
    gap=0.05,
    ax=ax,
)
for bars in ax.containers:
    ax.bar_label(bars, fmt="%.2g", padding=3)
_ = ax.set(ylabel="", xlim=(0, 1.1))
ax.grid(axis="y", visible=False)
sns.move_legend(ax, "lower center", bbox_to_anchor=(0.4, 1.0), ncols=2, title=None)
plt.show()

# %% [markdown]
# The difference of the two bars has a name, though not everyone gives it the same sign.
#
# ```{prf:definition} Interaction information
# :label: def-interaction
#
# $\mathrm{II} = I(X_1;Y|X_2) - I(X_1;Y)$ {cite:p}`mcgill1954`. Its negative is known as
# co-information {cite:p}`bell2003`. By {eq}`eq-chain-information` it is the
# whole minus the sum of its parts,
#
# $$
# \begin{aligned}
# \mathrm{II} &= I(X_1,X_2;Y) \\
# &- I(X_1;Y) - I(X_2;Y).
# \end{aligned}
# $$
# ```
#
# ### Where the sign comes from
#
# *Deeper: a theorem that says when a second source helps or hurts; skip it on a first reading.*
#
# When should we expect which sign? Two cases can be settled once and for all.
#
# ```{prf:theorem} Where the sign comes from
# :label: thm-sign
#
# $$
# \mathrm{II} = I(X_1;X_2|Y) - I(X_1;X_2).
# $$
#
# So if the sources are independent, conditioning never hurts: $\mathrm{II} \ge 0$. And if they are
# independent *once the label is known*, it never helps: $\mathrm{II} \le 0$.
# ```
#
# ```{prf:proof}
# Write out $I(X_1;X_2,Y)$ with the chain rule in both orders,
#
# $$
# \begin{aligned}
# & I(X_1;X_2) + I(X_1;Y|X_2) \\
# ={}& I(X_1;Y) + I(X_1;X_2|Y),
# \end{aligned}
# $$
#
# and rearrange. In each of the two cases one term on the right of the theorem vanishes, and the other is a mutual
# information.
# ```
#
# The second case is the assumption of naive Bayes: two recordings of one event, with separate noise.
# The lamp is the purest example of the first case. The output below gives both terms and their difference.

# %%
for name in ["xor", "redundant"]:
    gate = GATES[name]()
    between = mutual_information(gate, x=0, y=1)
    within = conditional_mutual_information(gate, x=0, y=1, given=2)
    ii = interaction_information(gate)
    print(f"{name:>9}: {within:.0f} - {between:.0f} = {ii:+.0f} bit")

# %% [markdown]
# ### Zero interaction information can hide two mechanisms
#
# Let the wiring change from evening to evening. On some evenings the lamp follows the XOR rule. On the
# others both switches move together and the lamp follows them.

# %%
shares = np.linspace(0, 1, 201)
mixtures = [(1 - t) * GATES["redundant"]() + t * GATES["xor"]() for t in shares]
interaction = np.array([interaction_information(p) for p in mixtures])
crossing = float(np.interp(0, interaction, shares))
print(f"the interaction information is 0 at an XOR share of {crossing:.2f}")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Interaction information rises from its lowest, negative value, pure redundancy, to its highest, positive one, pure exclusive or, as the share of exclusive or grows; it crosses zero on the way."}, "figure": {"caption": "Where the curve crosses zero, neither mechanism is gone: they cancel. A redundant label is mixed with the XOR label.", "name": "fig-mixture"}}
fig, ax = plt.subplots()
ax.plot(shares, interaction, color=INK)
ax.axhline(0, color=GREY, lw=1)
ax.plot(crossing, 0, "o", color=VIOLET, ms=8)
ax.annotate(
    "zero, but not nothing", (crossing, 0), (10, -16), textcoords="offset points"
)
_ = ax.set(
    xlabel="share of evenings with the XOR rule",
    ylabel="interaction information (bits)",
)
plt.show()

# %% [markdown]
# At the crossing in {numref}`fig-mixture` we would report that the two cameras do not interact at all. That is a
# warning: one number cannot hold two quantities.
#
# ## Four unknowns, three equations
#
# {cite:t}`williams2010` named the quantities. The information that two sources hold about a label should come in
# four parts, none of them negative. Both sources tell the **redundancy** $R$. Only one source tells its **unique**
# part, $U_1$ or $U_2$. And only the pair tells the **synergy** $S$. Mutual information sees their sums:
#
# $$
# \begin{aligned}
# I(X_1;Y) &= R + U_1,\\
# I(X_2;Y) &= R + U_2,\\
# I(X_1,X_2;Y) &= R + U_1 + U_2 + S.
# \end{aligned}
# $$ (eq-pid)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two overlapping circles within an ellipse. The overlap is R, redundant; the crescents are U1 and U2, unique; the rest of the ellipse is S, synergistic. The left circle is I(X1;Y), the right one I(X2;Y), everything is I(X1,X2;Y)."}, "figure": {"caption": "The four parts of what two sources tell. Each circle is what one source tells alone; the ellipse is what both tell together.", "name": "fig-four-parts"}}
plots.information_diagram()
plt.show()

# %% [markdown]
# Subtract the first two equations of {eq}`eq-pid` from the third: $\mathrm{II} = S - R$. *That* is what interaction
# information measures, and it is why redundancy and synergy cancelled above. The other mutual informations
# do not help, because they are combinations of these three; $I(X_1;Y|X_2) = U_1 + S$, for instance. With four
# unknowns and three equations, one direction stays invisible. Linear algebra names it.

# %%
equations = np.array(
    [[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1]]
)  # columns R, U1, U2, S
invisible = np.linalg.svd(equations)[2][-1]
print("rank:", np.linalg.matrix_rank(equations))
print(
    "invisible direction (R, U1, U2, S):",
    (invisible / invisible[0]).round(6).tolist(),
)

# %% [markdown]
# Move one bit from each unique part into redundancy, add one bit of synergy, and *no* mutual
# information with the label changes. Is that only algebra, or are there real distributions that
# differ like this? There are.
#
# ```{quiz} Nothing interacts?
# :label: quiz-zero-interaction
#
# Two modalities have $I(X_1;Y|X_2) = I(X_1;Y)$: whether the second is known or not, the first tells as much. What do
# you know about synergy?
#
# * [ ] There is none.
#
#   (zero-interaction) The difference is $S-R$. Both may be large and equal, as in house B.
# * [x] It is as large as redundancy, and both may be 0.
#
#   The difference of the two informations is $S-R$, and nothing more is in it.
# * [ ] It is as large as $U_1$.
#
#   $I(X_1;Y|X_2) = U_1 + S$ and $I(X_1;Y) = R + U_1$. Subtract.
# ```
#
# ## Two houses that mutual information cannot tell apart
#
# Now there are two lamps, so the label has two bits: $Y = $ (hall lamp, stair lamp).
#
# * **House A.** Each lamp has its own switch. Camera 1 films the switch of the hall lamp, and camera 2
#   films that of the stair lamp.
# * **House B.** The hall lamp has one switch, and *both* cameras have it in view. The stair lamp has
#   two switches, as in our opening; each camera sees one of them.
#
# In house A each camera holds one bit that the other lacks: $U_1 = U_2 = 1$. In house B the hall
# lamp is one bit of redundancy and the stair lamp one bit of synergy: $R = S = 1$. You could hardly
# wire two houses more differently. (Here we simply read these numbers off the wiring; chapter 4 computes them.)

# %%
houses = {"A": GATES["two_bit_copy"](), "B": GATES["redundant_xor"]()}


def what_information_sees(p):
    """The mutual informations between cameras and label."""
    return {
        "$I(X_1;Y)$": mutual_information(p, x=0),
        "$I(X_2;Y)$": mutual_information(p, x=1),
        "$I(X_1,X_2;Y)$": mutual_information(p),
        "$I(X_1;Y|X_2)$": conditional_mutual_information(p, x=0, given=1),
        "$I(X_2;Y|X_1)$": conditional_mutual_information(p, x=1, given=0),
    }


seen = {name: what_information_sees(p) for name, p in houses.items()}
print("equal in every one:", seen["A"] == seen["B"])


# %% tags=["hide-input"] mystnb={"image": {"alt": "Above, the wiring: in house A camera 1 sees the hall switch and camera 2 the stair switch; in house B both cameras see the hall switch and each sees one of the two stair switches. Below, for each house, the same five bars: all equally long but the third, what both cameras tell together, which is twice as long."}, "figure": {"caption": "Two houses that are wired differently (above) have equal mutual informations (below).", "name": "fig-two-houses"}}
def wire(ax, boxes, wires):
    for name, pairs in wires.items():
        for start, end in map(str.split, pairs):
            ends = zip(boxes[start][0], boxes[end][0], strict=True)
            ax.plot(*ends, color=plots.PALETTE[name], lw=3, zorder=1)
    for place, text in boxes.values():
        ax.text(
            *place,
            text,
            ha="center",
            va="center",
            bbox={"boxstyle": "round", "facecolor": "white", "edgecolor": INK},
        )
    _ = ax.set(xlim=(-0.8, 2.8), ylim=(-1.3, 2.4))
    ax.set_axis_off()


top = {"c1": ((0, 2), "camera 1"), "c2": ((2, 2), "camera 2")}
boxes_a = top | {
    "h": ((0, 0.7), "switch"),
    "s": ((2, 0.7), "switch"),
    "hall": ((0, -0.95), "hall lamp"),
    "stair": ((2, -0.95), "stair lamp"),
}
boxes_b = top | {
    "h": ((1, 1.3), "switch"),
    "s": ((0, -0.1), "switch"),
    "t": ((2, -0.1), "switch"),
    "hall": ((1, 0.5), "hall lamp"),
    "stair": ((1, -0.95), "stair lamp"),
}
wires_a = {"U1": ["c1 h", "h hall"], "U2": ["c2 s", "s stair"]}
wires_b = {
    "R": ["c1 h", "c2 h", "h hall"],
    "S": ["c1 s", "s stair", "c2 t", "t stair"],
}
wiring = {"A": (boxes_a, wires_a), "B": (boxes_b, wires_b)}
fig, axes = plt.subplots(2, 2, figsize=(6.4, 6.8), height_ratios=[1.1, 1])
for (above, below), (name, values) in zip(axes.T, seen.items(), strict=True):
    wire(above, *wiring[name])
    _ = above.set_title(f"House {name}: " + " and ".join(wiring[name][1]))
    sns.barplot(
        x=list(values.values()), y=list(values), color=GREY, saturation=1, ax=below
    )
    below.bar_label(below.containers[0], fmt="%.0f", padding=3)
    _ = below.set(xlabel="bits", xlim=(0, 2.4))
    below.grid(axis="y", visible=False)
axes[1, 1].set_yticklabels([])
plt.show()

# %% [markdown]
# **Equal bars, different houses.** Suppose you compute an index of "fusion benefit", a modality ranking or a
# regulariser from these numbers. Whatever it is, it gives the same answer for both houses.
#
# ```{quiz} Two houses, one vote
# :label: predict-houses
# :predict:
#
# The two houses have the same entropies, all of them. In each house two perfect experts, one a camera, vote on the
# state of both lamps. How often is the vote right?
#
# * [ ] Equally often, as all informations are equal
#
#   Informations are amounts. A vote also depends on which bits each camera has.
# * [x] Always in house A, half of the time in house B
#
#   In A each camera knows one lamp, and votes add up to both. In B both know the hall, and nobody alone knows the
#   stair.
# * [ ] Always in B, half of the time in A
#
#   In B the stair lamp needs both switches at once, which no sum of votes can use.
# ```
#
# ### Does it matter? Ask an ensemble
#
# It matters as soon as you build something. Chapter 1 trained one model per modality and averaged
# their logits. That ensemble can use what each camera tells by itself, $p(y|x_1)$ and $p(y|x_2)$, and
# adds up the logarithms, so it ranks labels by $p(y|x_1)\,p(y|x_2)$. We need no training to see
# how far that can go at best:


# %%
def ensemble_accuracy(p):
    """Accuracy of ranking labels by p(y|x1) p(y|x2); ties are broken by a fair draw."""
    score = p.sum(axis=1)[:, None, :] * p.sum(axis=0)[None, :, :]
    best = np.isclose(score, score.max(axis=-1, keepdims=True))
    return float((p * best / best.sum(axis=-1, keepdims=True)).sum())


for name, p in houses.items():
    joint = p.max(axis=-1).sum()
    print(
        f"house {name}: ensemble {ensemble_accuracy(p):.0%}, joint model {joint:.0%}"
    )

# %% [markdown]
# In house A the ensemble is perfect. In house B it gets the hall lamp right but knows nothing of the stair
# lamp, and no amount of data will change that. **The two houses have the same mutual informations. In one, late
# fusion is all you need; in the other, it fails half of the time.**
#
# ### Could other entropies tell the houses apart?
#
# *Deeper: the answer to an objection; skip it on a first reading.*
#
# A careful reader objects: the cameras are independent in house A, while in house B they share the hall
# switch. So $I(X_1;X_2)$ is 0 in one house and 1 in the other. True, but that is luck. Hang a clock in house A where
# both cameras see it, showing a random bit that has nothing to do with any lamp {cite:p}`james2017`. The table lists
# every entropy in bits, first for house A with the clock and then for house B; the last line is the accuracy of the
# ensemble.

# %%
clock, house_b = GATES["dyadic"](), houses["B"]
for axes in [0, 1, 2, (0, 1), (0, 2), (1, 2), (0, 1, 2)]:
    names = ", ".join(["X1", "X2", "Y"][a] for a in np.atleast_1d(axes))
    print(
        f"H({names})".ljust(13),
        entropy(clock, axes),
        entropy(house_b, axes),
        sep="   ",
    )
print(
    "ensemble     ", ensemble_accuracy(clock), ensemble_accuracy(house_b), sep="   "
)

# %% [markdown]
# Now **every entropy of every subset of the three variables is equal**. So nothing that can be written
# with entropies, mutual informations or their conditional forms tells house A with a clock from
# house B. And still an ensemble is perfect in one house and fails in the other.
#
# ## What the three numbers do say
#
# Three numbers do not say everything, but they do say something. Call them $I_1$, $I_2$ and $I_{12}$.
#
# ```{prf:theorem} The feasible range
# :label: thm-range
#
# All solutions of {eq}`eq-pid` with no negative part are
#
# $$
# \begin{aligned}
# R &= t, \\
# U_1 &= I_1 - t, \\
# U_2 &= I_2 - t, \\
# S &= I_{12} - I_1 - I_2 + t,
# \end{aligned}
# $$
#
# for $t$ from $\max(0,\ I_1 + I_2 - I_{12})$ to $\min(I_1, I_2)$.
# ```
#
# ```{prf:proof}
# Choosing $R = t$ fixes the other three. $R \ge 0$ and $S \ge 0$ give the two lower limits of $t$, and
# $U_1, U_2 \ge 0$ give the two upper ones. The range is never empty, because $I_{12}$ is at least the larger of
# $I_1$ and $I_2$.
# ```


# %%
def slide(p, n=101):
    """All (R, U1, U2, S) that fit the three mutual informations of p, as rows."""
    i1, i2 = mutual_information(p, x=0), mutual_information(p, x=1)
    i12 = mutual_information(p)
    t = np.linspace(max(0.0, i1 + i2 - i12), min(i1, i2), n)
    return np.stack([t, i1 - t, i2 - t, i12 - i1 - i2 + t], axis=1)


parts = slide(houses["B"])
print("ends of the line:", parts[0].tolist(), parts[-1].tolist())

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four stacked areas over the free number t from 0 to 1. From left to right R and S grow from 0 to 1 bit while U1 and U2 shrink from 1 to 0; R plus U1 stays at 1 bit, the total at 2. House A is the left end, house B the right end."}, "figure": {"caption": "The parts change while $R+U_1$ and the total stay put: everything from left to right fits $I_1=I_2=1$ and $I_{12}=2$ bits. The two houses are the two ends.", "name": "fig-slide"}}
fig, ax = plt.subplots(figsize=(6.4, 4.0))
names = ["R", "U1", "U2", "S"]
ax.stackplot(
    parts[:, 0],
    parts.T,
    colors=[plots.PALETTE[n] for n in names],
    edgecolor="white",
    lw=1.5,
)
for name, place, ink in zip(
    names,
    [(0.72, 0.3), (0.28, 0.65), (0.28, 1.35), (0.72, 1.7)],
    ["white", *["black"] * 3],
    strict=True,
):
    ax.text(
        *place,
        f"{name}, {plots.LONG_NAMES[name]}",
        color=ink,
        ha="center",
        va="center",
    )
for t, house in [(0, "A"), (1, "B")]:
    ax.axvline(t, ymax=0.95, color=INK, lw=3)
    ax.text(t, 2.13, f"house {house}", ha="center")
_ = ax.set(
    xlabel="redundancy $t$ (bits), the free number",
    ylabel="bits, stacked",
    xlim=(-0.12, 1.12),
    ylim=(0, 2.1),
)
plt.show()

# %% [markdown]
# Are there houses for the points in between, or only for the two ends? Take house B and turn camera 2 from
# evening to evening. On a share $t$ of the evenings it films the hall switch and its stair switch, as
# before; on the others it films the stair lamp itself, which is as good as the lamp's only switch in
# house A. (Its picture shows which.) **Predict first:** at $t = 40\,\%$, which of the three mutual
# informations has changed? How much redundancy is there? And how often does the ensemble get both lamps
# right? Then move the slider, or drag any of the four parts.

# %%
plots.two_houses()

# %% [markdown]
# All the points are houses. The three mutual informations are computed from the table at every position,
# and not one moves: camera 2 tells one bit on every evening, be it about the stair or about the hall. The
# four parts slide along the line of {numref}`fig-slide`, $R = S = t$ and $U_1 = U_2 = 1-t$, and the ensemble
# is right on $1 - t/2$ of the evenings. (That these *are* the parts, and not only one solution of
# {eq}`eq-pid`, takes the definition of chapter 4.)

# %% [markdown]
# Sometimes the range is a single point, and then mutual information *does* suffice. For the lamp,
# $I_1 = I_2 = 0$ leaves only $t = 0$, so $S = 1$. This solves the puzzle that opened the chapter: the lamp's
# bit is entirely synergy. ({ref}`ex-point` asks when else this happens.) In general a fourth equation
# is needed, and people do not agree on which. The most widely used one keeps the two single views, takes away the
# pairing of $X_1$ and $X_2$, and asks what is left {cite:p}`bertschinger2014`; {cite:t}`griffith2014` discuss others.
# That is the subject of chapter 4.
#
# ## Two models meet the lamp
#
# What does this look like in training? We have cameras with noise, an additive model, and the loss as
# a measuring device. First we compute the truth, again from a fine table. Then we train two logistic regressions: one
# adds up the two readings, and the other may also use their product.

# %%
noisy_lamp = np.einsum("aby,ai,bj->ijy", lamp, density, density)
lamp_bits = mutual_information(noisy_lamp)
product = readings[:, :1] * readings[:, 1:]
additive = bits_learned(readings, is_on)
with_product = bits_learned(np.hstack([readings, product]), is_on)
print(f"truth {lamp_bits:.2f} bits")
print(f"additive {additive[-1]:z.2f}, with product {with_product[-1]:.2f} bits")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Held-out information about the lamp against training step. The additive model stays at zero throughout. The model with the product of the two readings climbs to the dashed line, the truth."}, "figure": {"caption": "Adding evidence finds nothing, however long it trains; one product is enough. Two models of the noisy lamp; the dashed line is the truth.", "name": "fig-additive"}}
learned = {
    "with the product $x_1x_2$": with_product,
    "additive: $w_1x_1 + w_2x_2$": additive,
}
ax = sns.lineplot(learned, palette=[VIOLET, GREY], dashes=False)
ax.axhline(lamp_bits, color=INK, ls="--", label="$I(X_1,X_2;Y)$")
_ = ax.set(xlabel="training step", ylabel="information (bits)", ylim=(-0.05, 1.15))
ax.legend(loc="upper right")
plt.show()

# %% [markdown]
# Had we looked only at the additive model's loss, we would have said that the cameras know nothing of the
# lamp. {prf:ref}`thm-cross-entropy` warned us that a high loss proves nothing. Longer training would not have helped,
# and neither would larger networks in place of $w_1x_1$ and $w_2x_2$:
#
# ```{prf:proposition} No sum computes XOR
# :label: prop-no-sum
#
# There are no functions $f$ and $g$ such that $f(x_1) + g(x_2)$ is positive exactly when $x_1 \ne x_2$.
# ```
#
# ```{prf:proof}
# We would need $f(0)+g(1) > 0$ and $f(1)+g(0) > 0$, but $f(0)+g(0) \le 0$ and $f(1)+g(1) \le 0$. The
# first two left-hand sides have the same total as the last two, which cannot be both positive and not positive.
# ```
#
# An ensemble is such a sum: one logit per modality, averaged. That is why chapter 1's ensemble stayed at
# chance on the synergistic samples. (A sum can reach some synergy: with weights trained *together*,
# a sum and a threshold compute AND. But weights that were trained apart cannot know of each other.) One
# product is the least it takes, and later chapters meet it again inside real fusion models.
#
# ## Two losses prove redundancy on real images
#
# *Deeper: what the three numbers prove about data without a table; skip it on a first reading.*
#
# Can three numbers say anything about data whose table we do not have? Cut the 1,797 handwritten
# digits of scikit-learn into a left and a right half, two "modalities" of one event. Then train a
# classifier on each half alone.

# %%
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

digits = load_digits()
images, labels = digits.images / 16, digits.target
h_label = entropy(np.bincount(labels) / len(labels))


def bits_each(views):
    """Surprise at each label without the view, minus a held-out classifier's surprise with it."""
    x, model = views.reshape(len(views), -1), LogisticRegression(max_iter=1000)
    q = cross_val_predict(model, x, labels, method="predict_proba")
    return h_label + np.log2(q[np.arange(len(labels)), labels])


# %%
left, right = bits_each(images[:, :, :4]), bits_each(images[:, :, 4:])
net = left + right - h_label
error = net.std() / np.sqrt(len(net))
print(f"H(Y) = {h_label:.2f} bits")
print(f"I(left;Y) >= {left.mean():.2f}, I(right;Y) >= {right.mean():.2f} bits")
print(f"R - S >= {net.mean():.2f} bits, standard error {error:.2f}")

# %% [markdown]
# The last line deserves a pause. Both losses bound information from below, and two halves together
# cannot tell more than there is to know, $I_{12} \le H(Y)$. So
#
# $$
# \begin{aligned}
# R - S &= I_1 + I_2 - I_{12} \\
# &\ge B_{\text{left}} + B_{\text{right}} - H(Y),
# \end{aligned}
# $$
#
# where $B_{\text{left}}$ and $B_{\text{right}}$ are the bits that the two classifiers know.
#
# So two small classifiers prove that redundancy outweighs synergy. They need no model of the two halves *together*,
# and the proof holds whatever the fourth equation will be. As $S$ is not negative, the halves of a digit share more
# than one and a half bits about it. (All this is up to sampling error, which the last number measures.)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four stacked bars on one axis of bits. The first is the label's entropy and takes the whole length. The left half's bar starts at its left end, the right half's ends at its right end; both are longer than half of it. The fourth bar marks where they overlap."}, "figure": {"caption": "Two bars that do not fit side by side into $H(Y)$ must overlap. The overlap is a lower bound on $R-S$.", "name": "fig-digits"}}
fig, ax = plt.subplots(figsize=(6.4, 3.4))
bar(ax, 3, 0, h_label, "$H(Y)$", INK)
bar(ax, 2, 0, left.mean(), "left half, at least", GREY, INK)
bar(ax, 1, h_label - right.mean(), h_label, "right half, at least", GREY, INK)
bar(ax, 0, h_label - right.mean(), left.mean(), "$R-S$, at least", VIOLET)
_ = ax.set(xlabel="bits about the digit", yticks=[], xlim=(0, h_label))
ax.spines["left"].set_visible(False)
plt.show()

# %% [markdown]
# ## What this chapter claims
#
# The cell below tests this chapter's claims against the numbers above.

# %%
alone = [mutual_information(lamp, x=camera) for camera in (0, 1)]
claim(
    alone == [0, 0]
    and mutual_information(lamp) == interaction_information(lamp) == 1,
    "One camera alone tells nothing of the lamp; the two together tell a whole bit.",
)
claim(
    abs(entropy([0.11, 0.89]) - 0.5) < 1e-3,
    "A coin that lands heads in 11 % of the tosses is worth half a bit.",
)
claim(
    max(bits for _, bits in kept) <= raw_bits + 1e-12,
    "No random encoder keeps more information than its input has.",
)
claim(
    abs(truth - history[-1]) < 0.03,
    "By its held-out loss, a classifier learns nearly all that a reading of camera 1 tells.",
)
claim(
    np.allclose(equations @ invisible, 0),
    "One direction of (R, U1, U2, S) is invisible to the mutual informations.",
)
claim(
    all(
        what_information_sees(p) == what_information_sees(houses["B"])
        for p in (houses["A"], clock)
    ),
    "House A, with the clock or without, has the mutual informations of house B.",
)
claim(
    ensemble_accuracy(houses["A"]) == ensemble_accuracy(clock) == 1
    and ensemble_accuracy(houses["B"]) == 0.5,
    "An ensemble is perfect in house A and fails half of the time in house B.",
)
claim(
    np.allclose(parts @ equations.T, [1, 1, 2]) and parts.min() >= 0,
    "All of the feasible range fits house B, and no part is negative in it.",
)
claim(
    additive[-1] < 0.01,
    "A model that adds the two readings up learns nothing of the noisy lamp.",
)
claim(
    abs(lamp_bits - with_product[-1]) < 0.03,
    "With the product of the readings it learns nearly all that they tell.",
)
claim(
    net.mean() > 1.5 and net.mean() - 3 * error > 1.4,
    "R - S of a digit's halves is over 1.5 bits, and over 1.4 after subtracting three standard errors.",
)

# %% [markdown]
# ## Takeaways
#
# * A **bit** is the surprise of a coin toss, entropy is the surprise to expect, and mutual information
#   is how far one variable lowers it. All of it follows from $\ln t \le t-1$.
# * **Encoders can only lose information**, and fusion cannot bring back what they dropped. Fano's inequality turns
#   missing bits into unavoidable errors.
# * **A held-out loss measures information from below.** A low loss is a proof, a high one is not.
# * A second modality can lower what the first adds (**redundancy**) or raise it (**synergy**).
#   Interaction information is $S - R$, one number for two quantities.
# * **Three equations, four unknowns**: two houses whose entropies are all equal can be as different as
#   "an ensemble is perfect" and "an ensemble fails half of the time".
#
# ## Exercises
#
# ```{exercise} The cat's diary
# :label: ex-diary
#
# *Level 1 of 3 · 15 minutes · by hand*
#
# The cat sleeps on the sofa with probability 0.9 and in the kitchen otherwise, independently every day. (a) How
# many yes/no questions does one day take, and what is the entropy? (b) Ask about two days at once and
# find a better plan. (c) What does the bound on plans of questions say about asking for a whole year
# at once?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# For (b), start with the question whose answer is most likely to settle everything. For (c), entropies of
# independent days add up, and some plan needs fewer than one question more than the entropy.
# ```
#
# ```{solution} ex-diary
# :class: dropdown
#
# (a) One question, for $H_2(0.1) = 0.47$ bits: more than half of the question is wasted. (b) Ask "sofa
# both days?" (yes: done, probability 0.81), then "only day 1 on the sofa?" (0.09), then "only day 2 on
# the sofa?" (0.09; otherwise neither, 0.01). The mean is $0.81 + 2\cdot 0.09 + 3\cdot 0.10 = 1.29$ questions,
# or 0.645 a day. (c) The entropies of independent days add up, so a year has $365\cdot 0.469 \approx 171$ bits.
# The best plan takes at most one question more than this entropy, so per day it is within 1/365 = 0.003 questions of
# the entropy of one day.
# ```
#
# ```{exercise} The AND lamp
# :label: ex-and
#
# *Level 2 of 3 · 20 minutes · by hand*
#
# A lamp is on only if both switches are up. Find $I(X_1;Y)$, $I(X_1;Y|X_2)$ and $S-R$ by hand. What
# does {prf:ref}`thm-range` leave open? Check with the library.
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Start with $H(Y)$. Then ask what remains unknown about the lamp if a switch is down, and if it is up.
# ```
#
# ```{solution-start} ex-and
# :class: dropdown
# ```

# %% [markdown]
# Since $p(y{=}1)=\tfrac14$, $H(Y) = H_2(\tfrac14) = 2 - \tfrac34\log_2 3 = 0.811$. A switch that is down
# settles the lamp, and one that is up leaves a fair coin. So $H(Y|X_1)=\tfrac12$ and $I(X_1;Y)=0.311$. If
# $X_2$ is down nothing is open; if $X_2$ is up the lamp is $X_1$: $I(X_1;Y|X_2)=\tfrac12$. So
# $S - R = 0.189$, and $R$ may be anything from 0 to 0.311 bits.

# %%
from mmfuse_lib.course import check

gate = GATES["and"]()
alone = mutual_information(gate, x=0)
given = conditional_mutual_information(gate)
print(f"I(X1;Y) = {alone:.3f}")
print(f"I(X1;Y|X2) = {given:.3f}")
print("R from", slide(gate)[0, 0].round(3), "to", slide(gate)[-1, 0].round(3))
assert check("ex-and", [alone, given, given - alone])

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} What a bad loss proves
# :label: ex-loss
#
# *Level 1 of 3 · 10 minutes · by hand*
#
# An audio model for 10 equally likely classes has a held-out loss of 1.2 bits. Which of these follow?
# (a) The audio holds at least 2.1 bits about the class. (b) By Fano's inequality no audio model can be
# 95 % accurate. (c) A video model with a loss of 0.9 bits sees something that the audio does not hold.
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# A loss bounds $H(Y|X)$ from one side only. From which side, and which side does each statement need?
# ```
#
# ```{solution} ex-loss
# :class: dropdown
#
# Only (a) follows: $\log_2 10 - 1.2 = 2.12$ bits ({prf:ref}`thm-cross-entropy`). {prf:ref}`thm-fano` needs a
# *lower* bound on $H(Y|X)$, and the loss is an *upper* bound: a better model might have a loss near 0,
# so (b) does not follow. Nor does (c): the audio may hold everything and have a worse model. Comparing
# losses compares models. To compare information you need bounds on both sides.
# ```
#
# ```{exercise} Parity
# :label: ex-parity
#
# *Level 2 of 3 · 15 minutes · by code*
#
# Let the label be the parity of *three* fair bits. Which subsets of the sources have any information
# about it? Guess first. Then build the table with `deterministic` and check every subset.
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# `deterministic(sources, labels)` takes the probability and the label of every cell; `np.indices((2, 2, 2))`
# lists the cells. `mutual_information(p, x=(0, 1))` asks what sources 1 and 2 tell.
# ```
#
# ```{solution-start} ex-parity
# :class: dropdown
# ```

# %% [markdown]
# Only all three together have any. Leave one out, and the missing bit flips the label as a fair coin would. With $n$
# bits every proper subset is useless, so a search that adds one modality at a time would never find them.

# %%
from itertools import combinations

parity = deterministic(
    np.full((2, 2, 2), 1 / 8), np.indices((2, 2, 2)).sum(axis=0) % 2
)
most = []
for size in (1, 2, 3):
    found = [
        mutual_information(parity, x=subset)
        for subset in combinations(range(3), size)
    ]
    print(size, "sources:", found)
    most.append(max(found))
assert check("ex-parity", most)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} When three numbers are enough
# :label: ex-point
#
# *Level 3 of 3 · 20 minutes · by hand*
#
# For which $I_1$, $I_2$, $I_{12}$ is the range of {prf:ref}`thm-range` a single point? Say in words what
# that means for the two modalities.
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Set the lower end of the range equal to the upper end. The maximum has two branches; take them one at a time.
# ```
#
# ```{solution} ex-point
# :class: dropdown
#
# The range is a point if $\max(0, I_1+I_2-I_{12}) = \min(I_1,I_2)$. There are two cases. Either
# $\min(I_1,I_2) = 0$: one modality alone is useless, so nothing can be redundant and $R=0$. Or
# $I_1 + I_2 - I_{12} = \min(I_1,I_2)$, that is
# $I_{12} = \max(I_1,I_2)$: the better modality alone is sufficient, so $S = 0$, the weaker one has nothing
# unique, and everything it tells is redundant. In all other cases mutual information leaves a choice.
# ```
#
# ## Further reading
#
# * {cite:t}`shannon1948` is still the best introduction to entropy; sections 6 and 7 are short.
# * {cite:t}`cover2006`, chapter 2, has all the identities and inequalities; {cite:t}`mackay2003` has the
#   most playful exercises.
# * {cite:t}`mcgill1954` and {cite:t}`bell2003` introduce interaction information and its relatives;
#   {cite:t}`james2017` show why it is not enough.
# * {cite:t}`williams2010` started the decomposition into four parts; {cite:t}`liang2023` brought it to
#   multimodal learning.

# %% tags=["headline", "remove-cell"]
headline = {
    "bits_of_camera_1": round(truth, 3),
    "bits_of_noisy_lamp": round(lamp_bits, 3),
    "ensemble_accuracy_house_a": ensemble_accuracy(houses["A"]),
    "ensemble_accuracy_house_b": ensemble_accuracy(houses["B"]),
    "digit_halves_redundancy_minus_synergy_at_least": round(float(net.mean()), 2),
}
print(json.dumps(headline))
