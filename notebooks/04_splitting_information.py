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
# # Splitting information
#
# Chapter 2 ended with two houses. In each, two cameras watch some switches, and the label is the
# state of two lamps. Every entropy of every subset of the three variables is the same in both
# houses. And yet in house A two experts who vote get both lamps right every time, while in house B
# they fail half of the time. We *read off the wiring* that house A is all unique information and
# that house B is redundancy and synergy, one bit each.
#
# But a data set comes without a wiring diagram. It comes, at best, as a table of probabilities.
# **Is the difference between the houses in the table at all? And if it is, which formula finds it,
# when nothing built from entropies can?**
#
# The answer takes a definition, an optimisation problem, and a way to know that the problem was
# solved. At the end you will have a function that takes a table and returns four numbers. You will
# know what they mean, what they do not mean, and how many of their digits to trust.
#
# ```{admonition} After this chapter you can
# :class: tip
# - say why two sources with equal amounts of information need not have the same information;
# - derive the decomposition of Bertschinger et al. from one assumption, and prove what it promises;
# - solve small cases by hand, and see the optimisation by moving it;
# - certify an answer: read an upper and a lower bound, and know why a small residual is no proof;
# - name four definitions of redundancy, say where they part, and what that means for a data set.
#
# **Needs:** chapter 2; convex functions and Lagrange multipliers for one deeper section.
# **Takes:** {{ essential }} minutes for the essential path, {{ reading }} for everything;
# 20 seconds to run on a CPU; nothing is downloaded.
# ```

# %% tags=["parameters", "hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
seed = 0
rounds = 300  # of the hand-made solver

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import LinearSegmentedColormap

from mmfuse_lib import Claims, plots, results
from mmfuse_lib.data.synthetic.digit_pairs import label_table
from mmfuse_lib.information import (
    ATOMS,
    GATES,
    conditional_mutual_information,
    decompose,
    decompose_batch,
    entropy,
    mutual_information,
    noisy,
)
from mmfuse_lib.plots import GREY, INK, VIOLET

plots.use_style()
claim = Claims(globals(), seed=0, rounds=300)
rng = np.random.default_rng(seed)
SHADES = LinearSegmentedColormap.from_list("information", ["#F6F3FB", VIOLET])

# %% [markdown]
# ## Equal amounts need not be the same information
#
# Here are the houses again, as tables `p[x1, x2, y]`. (House A has the clock from the end of
# chapter 2.) A label is a pair of lamps, hall and stair. A camera's value is a number from 0 to 3.
# In house A it is twice the lamp that the camera sees, plus the clock; in house B it is twice the
# hall lamp, plus the camera's own switch.

# %%
houses = {"A": GATES["dyadic"](), "B": GATES["redundant_xor"]()}
for name, p in houses.items():
    print(
        f"house {name}: I(X1;Y) = {mutual_information(p, x=0):.0f},",
        f"I(X2;Y) = {mutual_information(p, x=1):.0f},",
        f"I(X1,X2;Y) = {mutual_information(p):.0f} bits",
    )

# %% [markdown]
# ```{quiz} One bit about what?
# :label: predict-lamps
# :predict:
#
# In both houses each camera tells one bit about the pair of lamps, and both together tell two. In which house can the two
# cameras be telling the *same* bit?
#
# * [ ] In both: each tells one bit, so it is the same bit.
#
#   (equal-amounts) The amounts agree in house A, too, where each camera sees another lamp.
# * [x] In house B only.
#
#   There each camera's value contains the hall lamp and nothing else of the label. The second bit needs the two switches together.
# * [ ] In neither: both together tell two bits, so nothing is told twice.
#
#   Two bits together leave room for one shared bit and one bit that only the pair has. The sum cannot rule that out.
# ```
#
# In each house, one bit from either camera and two bits from both. But one bit about *what*? The
# label has two lamps, so ask each camera about each lamp. The table gives the answers in bits.

# %%
about = []
for name, p in houses.items():
    lamps = p.reshape(4, 4, 2, 2)  # p(x1, x2, hall, stair)
    for camera in (0, 1):
        seen = lamps.sum(axis=1 - camera)
        about.append(
            {
                "house": name,
                "camera": camera + 1,
                "bits about the hall": mutual_information(seen.sum(axis=2)),
                "bits about the stair": mutual_information(seen.sum(axis=1)),
            }
        )
heads = {"bits about the hall": "hall", "bits about the stair": "stair"}
pd.DataFrame(about).set_index(["house", "camera"]).round(3).rename(columns=heads)

# %% [markdown]
# There it is. In house A the cameras know equally much, but not the same thing: one knows the hall,
# the other the stair. In house B they know the same thing: both know the hall, and neither knows the
# stair. {numref}`fig-pairwise` shows this straight from the tables, without asking about lamps.

# %% tags=["hide-input"] mystnb={"image": {"alt": "Four heat maps of the label's probability given a camera's value. In house A camera 1 splits the labels into two pairs one way, camera 2 another way. In house B both cameras split them in the same way."}, "figure": {"caption": "In house A the cameras divide the four labels differently; in house B they divide them in the same way. Each row is one value of a camera and shows $p(y|x_m)$: white is 0, dark is one half.", "name": "fig-pairwise"}}
fig, axes = plt.subplots(2, 2, figsize=(6.0, 6.2), sharex=True, sharey=True)
fig.get_layout_engine().set(hspace=0.06)
labels = {"xticklabels": ["00", "01", "10", "11"], "cbar": False, "square": True}
for row, (name, p) in zip(axes, houses.items(), strict=True):
    for camera, ax in enumerate(row):
        seen = p.sum(axis=1 - camera)
        seen /= seen.sum(axis=1, keepdims=True)
        sns.heatmap(seen, cmap=SHADES, vmin=0, linewidths=1, ax=ax, **labels)
        ax.tick_params(axis="y", rotation=0)
        _ = ax.set_title(f"house {name}, camera {camera + 1}")
for ax in axes[1]:
    _ = ax.set_xlabel("label (hall, stair)")
for ax in axes[:, 0]:
    _ = ax.set_ylabel("the camera's value")
plt.show()

# %% [markdown]
# These pictures hold the whole idea of the chapter, in two observations.
#
# * The difference is in the **pairwise tables** $p(x_1,y)$ and $p(x_2,y)$. We never looked at the
#   cameras together.
# * It is *not* in the amounts $I(X_1;Y)$ and $I(X_2;Y)$. To see whether two sources know the same
#   thing, we have to compare their tables label by label, not their totals.
#
# ## Four atoms on a lattice, and one equation too few
#
# {cite:t}`williams2010` gave the parts a place. Write $\{1\}$ for what source 1 tells, $\{12\}$ for
# what the pair tells, and $\{1\}\{2\}$ for what you learn *whichever of the two you ask*. Whatever
# either source would tell you, source 1 tells too, and whatever source 1 tells, the pair tells. The
# same holds for source 2. This puts the four in order, from bottom to top ({numref}`fig-lattice`).
# Each node stands for an amount of information. It also has an **atom**: the information that is
# new at this node and was not available at any node below.

# %% tags=["hide-input"] mystnb={"image": {"alt": "A diamond of four nodes. Bottom: each source, atom R. Left: source 1, atom U1. Right: source 2, atom U2. Top: the pair, atom S. Below each node the sum of all atoms at it and below."}, "figure": {"caption": "The redundancy lattice for two sources: only the bottom node has no mutual information to fix it. The circle holds the atom, what is new at a node. The formula under the circle is everything available there, the sum of the atoms at that node and below it.", "name": "fig-lattice"}}
fig, ax = plt.subplots(figsize=(6.2, 5.2))
nodes = {
    "R": ((0, 0), r"$\{1\}\{2\}$: each", "$R=$ ?"),
    "U1": ((-1.1, 1), r"$\{1\}$: source 1", "$R+U_1=I(X_1;Y)$"),
    "U2": ((1.1, 1), r"$\{2\}$: source 2", "$R+U_2=I(X_2;Y)$"),
    "S": ((0, 2), r"$\{12\}$: the pair", "$R+U_1+U_2+S=I(X_1,X_2;Y)$"),
}
for start, end in [("R", "U1"), ("R", "U2"), ("U1", "S"), ("U2", "S")]:
    ax.plot(*zip(nodes[start][0], nodes[end][0], strict=True), color=GREY, zorder=1)
for name, ((x, y), title, total) in nodes.items():
    ax.scatter(x, y, s=1500, color=plots.PALETTE[name], edgecolor=INK, zorder=2)
    symbol = name if len(name) == 1 else f"{name[0]}_{name[1]}"
    ink = "white" if name == "R" else "black"
    ax.text(x, y, f"${symbol}$", color=ink, ha="center", va="center")
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    for text, height, side in [(title, 0.24, "bottom"), (total, -0.24, "top")]:
        place = {"ha": "center", "va": side, "bbox": box}
        ax.text(x, y + height, text, zorder=3, **place)
_ = ax.set(xlim=(-2.1, 2.1), ylim=(-0.5, 2.5))
ax.set_axis_off()
plt.show()

# %% [markdown]
# Three of the four amounts are mutual informations. They give three equations:
#
# $$
# \begin{aligned}
# R + U_1 &= I(X_1;Y),\\
# R + U_2 &= I(X_2;Y),\\
# R + U_1 + U_2 + S &= I(X_1,X_2;Y).
# \end{aligned}
# $$ (eq-atoms)
#
# The fourth amount, at the bottom, is $R$ itself, and Shannon has no formula for it. Once you choose
# $R$, {eq}`eq-atoms` fixes the rest. Not every choice makes sense. Write $I_1$, $I_2$ and $I_{12}$
# for the three informations. By {prf:ref}`thm-range`, no atom is negative exactly if
#
# $$
# \begin{aligned}
# R &\ge \max(0,\ I_1 + I_2 - I_{12}), \\
# R &\le \min(I_1, I_2).
# \end{aligned}
# $$ (eq-range)
#
# The number $I_1 + I_2 - I_{12} = R - S$ is the co-information. For the houses the range is all of
# $[0, 1]$: the mutual informations say nothing at all about $R$. **We need a fourth equation.**
#
# ## Counting shared bits fails on two coins
#
# What could "the information that both have" be? The quick answer: as much as the poorer source has.
#
# ```{prf:definition} Minimum mutual information
# :label: def-mmi
#
# $R_{\mathrm{MMI}} = \min\big(I(X_1;Y),\ I(X_2;Y)\big)$
# ```
#
# This is the upper end of {eq}`eq-range`: no definition without negative atoms reports more
# redundancy. (For Gaussian sources and a label of one dimension many definitions agree on it
# {cite:p}`barrett2015`.) But it looks at amounts only, so it cannot tell the houses apart. The first
# proposal, by {cite:t}`williams2010`, looks closer and compares the sources *for each label*. How
# much does source $m$ tell about the event $Y=y$, on average?
#
# $$
# I(X_m;y) = \sum_{x} p(x|y) \log_2 \frac{p(y|x)}{p(y)}
# $$
#
# This is the **specific information**. Its mean over $y$ is $I(X_m;Y)$. It is never negative, since
# it is the divergence of $p(x|y)$ from $p(x)$.
#
# ```{prf:definition} Williams and Beer's redundancy
# :label: def-imin
#
# $$
# I_{\min} = \sum_y p(y) \min_m I(X_m;y)
# $$
# ```
#
# A mean of minima is at most the minimum of the means, so $0 \le I_{\min} \le R_{\mathrm{MMI}}$.
# Try both on the houses, and on the plainest case of two sources that know different things: two
# independent coins, and a label that is simply both of them, $Y = (X_1, X_2)$.

# %%
coins = GATES["two_bit_copy"]()
MEASURES = {
    "broja": "BROJA",
    "imin": "I_min",
    "mmi": "MMI",
    "pointwise": "pointwise",
}
first_attempts = pd.DataFrame(
    {
        (name, MEASURES[measure]): decompose(p, measure).atoms
        for name, p in {
            **{f"house {name}": p for name, p in houses.items()},
            "two coins": coins,
        }.items()
        for measure in ("mmi", "imin")
    },
    index=list(ATOMS),
).T.round(3)
first_attempts.rename_axis(["table", "definition"])

# %% [markdown]
# Both definitions give the same answer three times. It is right for house B, and wrong for house A
# and the coins. Look at the last two rows. Source 1 knows one coin and has never seen the other;
# source 2 knows the other. Each source tells one bit about every label, so the minimum is one bit.
# $I_{\min}$ calls this bit shared, and then invents a bit of synergy to make the sum come out right.
# But the sources' bits are about *different* things. This famous objection to $I_{\min}$ led
# {cite:t}`harder2013` to demand the **identity property**: two independent bits share nothing about
# their pair. Counting bits, even label by label, is not enough. We have to ask what the bits are
# *good for*.
#
# ## What a bet can see
#
# Suppose someone who sees only $x$ has to decide on something, and is paid according to the label:
# decision $d$ earns $\mathrm{pay}(d,y)$. The best they can do is
#
# $$
# \mathrm{worth}(X) = \sum_x \max_d \sum_y p(x,y)\, \mathrm{pay}(d,y) .
# $$
#
# For example: "one euro for naming the right state of the hall lamp", or the same for the stair.


# %%
def worth(p_xy, pay):
    """Mean pay of deciding as well as possible on x; pay[decision, y]."""
    return (p_xy @ pay.T).max(axis=1).sum()


label = np.arange(4)
bets = {
    "hall": (label // 2 == np.array([[0], [1]])) * 1.0,
    "stair": (label % 2 == np.array([[0], [1]])) * 1.0,
}
for name, p in houses.items():
    for bet, pay in bets.items():
        one, two = worth(p.sum(axis=1), pay), worth(p.sum(axis=0), pay)
        print(
            f"house {name}, {bet:>5}: camera 1 wins {one:.2f}, camera 2 {two:.2f}"
        )

# %% [markdown]
# In house A there is a bet for which you would rather have camera 1, and one for which you would
# rather have camera 2. So each camera has something that the other lacks. In house B neither bet
# makes a difference. Is there *any* bet, with any decisions and any pay, that does? There is a way
# to be sure.
#
# ```{prf:definition} Garbling
# :label: def-garbling
#
# $X_1$ is a **garbling** of $X_2$ if it could have been made from $X_2$ without looking at $Y$:
# there is a channel $k(x_1|x_2)$ with
#
# $$
# p(x_1, y) = \sum_{x_2} p(x_2, y)\, k(x_1|x_2) .
# $$
# ```
#
# Note that this compares $p(x_1,y)$ with $p(x_2,y)$. It does not say that $X_1$ *was* made from
# $X_2$.

# %% [markdown]
# {numref}`fig-garbling` shows a camera that is a garbling of a better one.

# %% tags=["hide-input"] mystnb={"figure": {"caption": "A garbled source can be made from the better one, and so has nothing of its own. Source 2 errs in one case of ten; the channel $k$ behind it flips one bit in eight, whatever $Y$ is. What comes out errs in $0.9\\cdot\\frac18 + 0.1\\cdot\\frac78 = 0.2$ of the cases, as source 1 does: the pairwise table is the same.", "name": "fig-garbling"}}
plots.mechanism("garbling")

# %% [markdown]
# ```{prf:theorem} Blackwell
# :label: thm-blackwell
#
# $X_2$ is worth at least as much as $X_1$ in every decision problem if and only if $X_1$ is a
# garbling of $X_2$.
# ```
#
# ```{prf:proof}
# One direction is easy. Someone who sees $x_2$ draws an $x_1'$ from $k(\cdot|x_2)$ and does what
# the owner of $X_1$ would do. The pair $(x_1', y)$ is distributed as $p(x_1,y)$, so the mean pay
# is the same; deciding better on $x_2$ can only add to it. The other direction says that a garbling
# must exist if no bet prefers $X_1$. It takes a separating-hyperplane argument:
# {cite:t}`blackwell1953`.
# ```
#
# In house B the two pairwise tables are *identical*. So each camera is a garbling of the other, and
# no bet whatever can tell them apart. {cite:t}`bertschinger2014` take this as the meaning of
# "unique": **source 1 has unique information if somebody, in some decision problem, would rather
# see source 1 than source 2.** Now look at the formula for the worth: it contains $p(x,y)$ of one
# source at a time. Whatever bets can see is in the pairwise tables.
#
# ```{prf:assumption} Unique information is in the pairwise tables
# :label: assumption-star
#
# $U_1$ and $U_2$ (and so, by {eq}`eq-atoms`, $R$) depend on $p(x_1,y)$ and $p(x_2,y)$ only.
# ```
#
# The way in which the two sources hang *together* then matters for synergy alone. That is a choice.
# Other definitions choose differently, and later in this chapter an example will make the choice
# look odd. Let us first see how far it carries.
#
# ```{quiz} Who has something of their own?
# :label: quiz-own-information
#
# Two thermometers read the same room, and the label is *hot* or *cold*. Both are right in 80 % of the cases, whatever the
# label, and their errors are independent. What do their pairwise tables say about unique information?
#
# * [x] Neither has any: each is a garbling of the other.
#
#   Their tables with the label are equal, so one can stand in for the other in every bet. That the errors are independent is a
#   fact about the pair, which the pairwise tables do not show.
# * [ ] Each has some, since their errors are independent.
#
#   (dependence-is-redundancy) Independent errors make the *pair* better than either, but no bet on one reading prefers one
#   thermometer.
# * [ ] It cannot be said without the full table.
#
#   By {prf:ref}`assumption-star` the pairwise tables are all that $U_1$ and $U_2$ depend on.
# ```
#
# ## Synergy is what the worst re-pairing destroys
#
# Fix the pairwise tables, and let everything else vary.
#
# ```{prf:definition} The pairings
# :label: def-dp
#
# $D_p$ is the set of all tables $q(x_1,x_2,y)$ with
#
# $$
# \begin{aligned}
# q(x_1,y) &= p(x_1,y), \\
# q(x_2,y) &= p(x_2,y) .
# \end{aligned}
# $$
# ```
#
# We call these tables **pairings**; the literature also says couplings. For each label, $p$ says how
# often each $x_1$ and each $x_2$ occurs, and $q$ says which of them are put together. All pairings
# have the same $I(X_1;Y)$, $I(X_2;Y)$ and $H(Y)$. By the assumption they also have the same $U_1$,
# $U_2$ and $R$. So the equations {eq}`eq-atoms`, written not for $p$ but for some other $q$, say
# something about $p$.
#
# ```{prf:proposition} What the assumption forces
# :label: prop-forced
#
# Let a decomposition satisfy {eq}`eq-atoms` and {prf:ref}`assumption-star`, with no negative atom,
# for all tables. Then for every $q \in D_p$
#
# $$
# \begin{aligned}
# U_1 &\le I_q(X_1;Y|X_2), \\
# U_2 &\le I_q(X_2;Y|X_1), \\
# S &\ge I_p(X_1,X_2;Y) \\
#   &\quad - I_q(X_1,X_2;Y).
# \end{aligned}
# $$
# ```
#
# ```{prf:proof}
# Subtract the second line of {eq}`eq-atoms` from the third, for the table $q$. Then $U_1(q) + S(q)$
# is $I_q(X_1,X_2;Y) - I_q(X_2;Y)$, which is $I_q(X_1;Y|X_2)$. Here $S(q) \ge 0$, and
# $U_1(q) = U_1(p)$ by the assumption. That is the first bound; the second is its mirror image. For
# the third, note that $R$, $U_1$ and $U_2$ are equal for $p$ and $q$. So the third line of
# {eq}`eq-atoms` gives $S(p) - S(q)$ as the difference of $I_p(X_1,X_2;Y)$ and $I_q(X_1,X_2;Y)$, and
# again $S(q) \ge 0$.
# ```
#
# So each pairing gives a bound, and the best bounds come from the pairing in which the sources tell
# *least*. One pairing is the best for all three:
#
# ```{prf:lemma} One minimiser for all
# :label: lem-one-minimiser
#
# On $D_p$ the functions $I_q(X_1,X_2;Y)$, $I_q(X_1;Y|X_2)$, $I_q(X_2;Y|X_1)$, $-H_q(Y|X_1,X_2)$ and
# minus the co-information of $q$ differ by constants. So they have the same minimisers.
# ```
#
# ```{prf:proof}
# By the chain rule $I_q(X_1;Y|X_2)$ is $I_q(X_1,X_2;Y)$ minus $I(X_2;Y)$, and $I(X_2;Y)$ is the
# same for all of $D_p$. In the same way the others are $I_q(X_1,X_2;Y)$ minus $I(X_1;Y)$, minus
# $H(Y)$, and minus $I(X_1;Y) + I(X_2;Y)$.
# ```
#
# Everything is forced except one last step: we take the bounds as values. This makes unique
# information as large, and synergy as small, as the assumption allows.
#
# ```{prf:definition} The decomposition of Bertschinger et al.
# :label: def-broja
#
# Let $I_* = \min_{q \in D_p} I_q(X_1,X_2;Y)$. Then
#
# $$
# \begin{aligned}
# U_1 &= I_* - I(X_2;Y), \\
# U_2 &= I_* - I(X_1;Y), \\
# R &= I(X_1;Y) + I(X_2;Y) - I_*, \\
# S &= I_p(X_1,X_2;Y) - I_* .
# \end{aligned}
# $$
# ```
#
# In words: **synergy is what is lost when the sources are re-paired as badly as possible, without
# either of them noticing.** By {prf:ref}`lem-one-minimiser`, $U_1$ is the least $I_q(X_1;Y|X_2)$,
# and $R$ is the largest co-information. The measure goes by its five authors' initials, BROJA; a
# closely related one was found independently by {cite:t}`griffith2014`. (The minimum exists, as
# $D_p$ is closed and bounded and information is continuous.)

# %% [markdown]
# {numref}`fig-re-pairing` does it for XOR with eight samples.

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Re-pairing takes the synergy away, and neither source notices. Each row is a sample, a line joins its two bits. On the right the same bits are joined differently, but never across the two labels, so each source keeps its table with $Y$. On the left equal bits mean $Y=0$; on the right they mean nothing any more.", "name": "fig-re-pairing"}}
plots.mechanism("re_pairing")

# %% [markdown]
# The last step need not be a leap of faith. Suppose that some pairing is free of synergy: a
# decomposition as in {prf:ref}`prop-forced` reports $S(q)=0$ there. Then $U_1(q) = I_q(X_1;Y|X_2)$,
# the bounds are met with equality, and the definition is the only one possible. So the last step
# says: *among the pairings there is always one without synergy.*
#
# What do we get for it? First, parts that can be read as amounts:
#
# ```{prf:theorem} It is a decomposition
# :label: thm-broja
#
# The four numbers of {prf:ref}`def-broja` satisfy {eq}`eq-atoms` and {prf:ref}`assumption-star`,
# none is negative, and exchanging the sources exchanges $U_1$ and $U_2$ and nothing else.
# ```
#
# Second, what we asked for: unique information that a bet can see.
#
# ```{prf:theorem} Unique means garbling fails
# :label: thm-garbling
#
# $U_1 = 0$ if and only if $X_1$ is a garbling of $X_2$. So $U_1 > 0$ exactly if some decision
# problem prefers source 1.
# ```
#
# The objection to $I_{\min}$ is answered as well. For two independent coins and $Y=(X_1,X_2)$ the
# label fixes both sources, so $D_p$ has one member, $p$ itself. The definition gives $U_1=U_2=1$
# and $R=S=0$.
#
# Last, the minimum is easy to find. $I_q(X_1,X_2;Y)$ is a convex function on $D_p$
# ({prf:ref}`lem-convex`), so it has no false valleys: walk downhill, and you get there.
#
# ### The three proofs: signs, garblings, no false valleys
#
# *Deeper: for readers who want to see why the two theorems hold; later sections use only what they say.*
#
# ```{prf:proof}
# This proves {prf:ref}`thm-broja`. To see the equations, add up. $I_*$ depends on $D_p$ only, hence on the
# pairwise tables only; so do $R$, $U_1$ and $U_2$. The symmetry is in the formulas. Signs:
#
# * $S \ge 0$, because $p$ itself is in $D_p$, so $I_* \le I_p(X_1,X_2;Y)$.
# * $U_1 \ge 0$, because it is the least of the numbers $I_q(X_1;Y|X_2) \ge 0$; likewise $U_2$.
# * $R \ge 0$: take the pairing $q_0 = p(x_1,y)\,p(x_2,y)/p(y)$, in which the sources are
#   independent once the label is known. By {prf:ref}`thm-sign` its co-information is
#   $I_{q_0}(X_1;X_2)$ minus $I_{q_0}(X_1;X_2|Y) = 0$, hence not negative, and $R$ is the largest
#   co-information in $D_p$.
# ```
#
# ```{prf:proof}
# This proves {prf:ref}`thm-garbling`. If $X_1$ is a garbling with channel $k$, then
# $q = p(x_2,y)\,k(x_1|x_2)$ is in $D_p$, and in it $X_1$ is made from $X_2$ without access to $Y$,
# so $I_q(X_1;Y|X_2) = 0$. Conversely, let $q$ attain the minimum $0$. Then $X_1$ is independent of
# $Y$ given $X_2$ in $q$, so $q(x_1,x_2,y) = p(x_2,y)\, q(x_1|x_2)$. Sum over $x_2$: the channel
# $k = q(x_1|x_2)$ makes $p(x_1,y)$ from $p(x_2,y)$. The second sentence is
# {prf:ref}`thm-blackwell`.
# ```
#
# ```{prf:lemma} No false valleys
# :label: lem-convex
#
# $D_p$ is a convex polytope, and $I_q(X_1,X_2;Y)$ is a convex function on it.
# ```
#
# ```{prf:proof}
# $D_p$ is given by linear equations and by $q \ge 0$. Let $q = wq' + (1-w)q''$. Toss a coin $Z$,
# independent of $Y$, that decides whether $(X_1,X_2)$ is drawn from $q'$ given $Y$ or from $q''$
# given $Y$. (All pairings have the same $p(y)$, so this works.) Someone who also sees the coin
# knows at least as much:
#
# $$
# \begin{aligned}
# & I_q(X_1,X_2;Y) \\
# \le{}& I(X_1,X_2,Z;Y) \\
# ={}& I(Z;Y) + I(X_1,X_2;Y|Z).
# \end{aligned}
# $$
#
# Here $I(Z;Y) = 0$, and the last term is $w\,I_{q'} + (1-w)\,I_{q''}$.
# ```
#
# A convex function on a convex set has no local minimum that is not global.
#
# ## The set of pairings is a rectangle for switches
#
# How big is $D_p$? Each label poses its own problem: put the $x_1$ and the $x_2$ that occur with
# it together, and keep both margins. That is a **transport polytope**, with $(|X_1|-1)(|X_2|-1)$
# free numbers, or fewer if some values never occur with the label. Binary variables leave one
# number per label, so $D_p$ is a rectangle, and we can look at all of it. As coordinates take how
# often the two sources *agree* when the label is 0, and when it is 1.
#
# **XOR by hand.** Given either label, $X_1$ and $X_2$ are fair coins, and nothing else is fixed.
# Let $\kappa_0$ be the share of the cases with $Y=0$ in which they agree, and $\kappa_1$ that of the
# cases with $Y=1$. Any two numbers in $[0,1]$ will do, so $D_p$ is the whole unit square. In XOR
# itself equal switches mean "off": it is the corner $(1,0)$. Agreement is all that the sources tell
# about $Y$. If $\kappa_0=\kappa_1$, agreement tells nothing, and $I_q = 0$. So $I_*=0$, attained
# along a whole diagonal, and $S = 1$. The minimiser need not be unique ({cite:t}`rauh2021` say when
# it is); the atoms are.


# %%
def pairing(p, t):
    """The member of D_p at position t = (t0, t1) in its rectangle; binary variables."""
    p1, p2, py = p.sum(axis=1), p.sum(axis=0), p.sum(axis=(0, 1))
    least = np.maximum(0, p1[1] + p2[1] - py)  # of q(1, 1, y)
    most = np.minimum(p1[1], p2[1])
    both = least + np.asarray(t) * (most - least)
    q = [[py - p1[1] - p2[1] + both, p2[1] - both], [p1[1] - both, both]]
    return np.clip(q, 0, 1)


def agreement(q):
    """How often the sources agree, for each label."""
    return (q[0, 0] + q[1, 1]) / q.sum(axis=(0, 1))


# %%
def between(share, error):
    """XOR and AND mixed, with this share of AND; source 2 errs this often."""
    gate = (1 - share) * GATES["xor"]() + share * GATES["and"]()
    flips = [[1 - error, error], [error, 1 - error]]
    return np.einsum("xay,ab->xby", gate, flips)


position = np.linspace(0, 1, 41)
landscapes = []
for p in (between(0, 0), between(0.5, 0.1)):
    height = [
        [mutual_information(pairing(p, (s, t))) for s in position] for t in position
    ]
    corners = agreement(pairing(p, (0, 0))), agreement(pairing(p, (1, 1)))
    landscapes.append((p, np.array(height), *corners))

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two maps of information over pairings. For XOR the whole square is allowed, a pale valley runs along the diagonal and p is the lower right corner. Halfway to AND, with a noisy source 2, a smaller rectangle is allowed; p lies inside, in its lower part, and the minimum inside, near the upper right."}, "figure": {"caption": "Re-pairing destroys all of XOR's information (left), and some of what a gate halfway between XOR and AND has (right; source 2 errs in one case of ten). Each point is a pairing $q$, and the darker it is, the higher is $I_q(X_1,X_2;Y)$. The ring is $p$, the cross a minimum; for XOR the whole dotted diagonal has no information.", "name": "fig-landscapes"}}
fig, axes = plt.subplots(1, 2, figsize=(6.4, 3.7), sharey=True)
titles = ["XOR", "halfway, noisy"]
for ax, title, (p, height, low, high) in zip(axes, titles, landscapes, strict=True):
    x, y = (100 * np.linspace(low[k], high[k], 41) for k in (0, 1))
    ax.contourf(x, y, height, levels=12, cmap=SHADES)
    ax.plot(
        *100 * agreement(p), "o", ms=11, mfc="none", mec=INK, mew=2, clip_on=False
    )
    best = 100 * agreement(decompose(p).coupling)
    ax.plot(*best, "x", color=INK, ms=10, mew=2.5, clip_on=False)
    _ = ax.set(title=title, xlim=(0, 100), ylim=(0, 100), aspect="equal")
    _ = ax.set_xlabel("agree when $Y=0$ (%)")
    _ = ax.set(xticks=[0, 50, 100], yticks=[0, 50, 100])
    ax.grid(visible=False)
axes[0].plot([0, 100], [0, 100], color=INK, lw=1, ls=":")
_ = axes[0].set_ylabel("agree when $Y=1$ (%)")
plt.show()

# %% [markdown]
# In the right-hand picture, at the minimum, the sources agree in nine cases of ten *whatever the
# label*. In this pairing $X_2$ is nothing but a noisy copy of $X_1$: {prf:ref}`thm-garbling` at
# work. On its own, each source tells as much about the label as before, so neither would notice the
# re-pairing. Together they tell no more than $X_1$ alone, and $U_2 = 0$.
#
# ### Move a pairing yourself, from XOR to AND
#
# Below, three controls choose $p$. Drag $q$ over the map of all pairings, or use the two sliders under
# it. The bars show
# the atoms that would follow if $q$ were the minimum, by {prf:ref}`def-broja` with $I_q$ in place
# of $I_*$. They are bounds: $U_1$ and $U_2$ from above, $R$ and $S$ from below. **Solve** jumps to
# the minimum. Here are three things to try:
#
# 1. Start at $p$, wherever you are. $S$ is 0 and $R$ is often negative. Why? (At $q=p$ the bars
#    show the decomposition of someone who believes that there is no synergy.)
# 2. At XOR, drag $q$ along the diagonal. At AND, one direction is gone: which, and why?
# 3. Let source 1 invent ones and source 2 miss them. Now each has something of its own, and at AND
#    all four atoms are positive.
#
# ({ref}`ex-and-by-hand` solves the second on paper.)

# %%
plots.xor_to_and()

# %% [markdown]
# (In print or without JavaScript nothing moves here; {numref}`fig-landscapes` then shows two of the
# positions.) Here is the same computation in Python.

# %%
for share in (0.0, 0.5, 1.0):
    p = between(share, 0.1)
    at_p = mutual_information(p, x=0) - conditional_mutual_information(p)
    d = decompose(p)
    print(
        f"{share:.0%} AND: R at q = p {at_p:+.3f};",
        "solved:",
        ", ".join(
            f"{k} {v:.3f}" for k, v in zip(ATOMS, d.atoms + 0.0, strict=True)
        ),
    )

# %% [markdown]
# ## The houses differ once they are solved
#
# `decompose` finds the minimum for tables of any size. Back to the question of the opening:

# %%
for name, p in houses.items():
    atoms = decompose(p).atoms.round(6) + 0.0
    print(f"house {name}:", dict(zip(ATOMS, atoms.tolist(), strict=True)))

# %% [markdown]
# What we had read off the wiring is now computed from the table. It also becomes clear why entropies
# could not do it: $I_*$ is the mutual information of *another* table, the worst pairing, which has
# to be found. {numref}`fig-gates` shows the other gates.


# %% tags=["hide-input"] mystnb={"image": {"alt": "Stacked bars of R, U1, U2 and S for six gates. XOR is all S, redundant all R, copy all U1, two-bit copy half U1 and half U2, redundant-xor half R and half S. AND has some R and more S."}, "figure": {"caption": "The gates decompose as their names suggest, except for AND. Its two inputs are independent, and yet there is redundancy, because either input can say \"off\" on its own. Each bar is one gate; its parts are the atoms, in bits.", "name": "fig-gates"}}
def stack(table, **options):
    """Stacked bars with their numbers (by pandas: seaborn stacks none)."""
    ax = table.plot.barh(
        stacked=True, width=0.8, color=plots.PALETTE, edgecolor="white", **options
    )
    for bars, atom in zip(ax.containers, table, strict=True):
        texts = [f"{v:.2g}" if v > 0.05 else "" for v in table[atom]]
        ink = "white" if atom == "R" else "black"
        ax.bar_label(bars, texts, label_type="center", color=ink)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.45, 1.0))
    _ = ax.set(xlabel="bits", ylabel="")


shown = ["xor", "redundant", "copy", "two_bit_copy", "redundant_xor", "and"]
gates = {name.replace("_", " "): decompose(GATES[name]()).atoms for name in shown}
stack(pd.DataFrame(gates, index=ATOMS).T, xlim=(0, 2.05), figsize=(6.4, 4.0))
plt.show()

# %% [markdown]
# ```{quiz} May we drop it?
# :label: quiz-droppable
#
# A decomposition reports $U_2=0$. Your supervisor concludes that modality 2 can be left out without losing anything. When is
# she right?
#
# * [ ] Always: modality 2 has nothing of its own.
#
#   (zero-unique-droppable) In XOR neither input has anything of its own, and without one of them everything is lost.
# * [x] If $S=0$, too.
#
#   Without modality 2 the model keeps $R+U_1$ of $R+U_1+U_2+S$. What is lost is $U_2+S$.
# * [ ] If $R=0$, too.
#
#   Redundancy is what modality 1 also has. It is the one atom that dropping modality 2 can never touch.
# * [ ] If the modalities are independent.
#
#   (dependence-is-redundancy) The inputs of XOR are independent, and neither can be dropped.
# ```
#
# ## How do you know that it is the minimum?
#
# The program returns a $q$. Adding up shows that this $q$ is in $D_p$. But no sum shows that nothing
# lower exists: for that we would have to look at all of $D_p$. Any pairing gives an *upper* bound on
# $I_*$. We need a *lower* bound that we can trust without trusting the program.
#
# ### A lower bound from a model that adds
#
# Where do lower bounds on information come from? Chapter 2: from a classifier. Its held-out loss
# proves that information is there ({prf:ref}`thm-cross-entropy`). Here we need a classifier whose
# loss is the same for *every* pairing $q \in D_p$. This is so if the loss is a sum of a function of
# $(x_1,y)$ and a function of $(x_2,y)$, because its mean then needs the pairwise tables only. So take
# a score that multiplies one factor per source,
#
# $$
# f_1(x_1,y)\; f_2(x_2,y) .
# $$
#
# This is an additive model in the sense of chapter 1, as its logarithm is a sum. Nothing is
# normalised afterwards, for that would spoil the sum. We only ask that the scores of a pair sum to
# at most 1, as probabilities do.
#
# ```{prf:theorem} Certificate
# :label: thm-certificate
#
# Let $f_1, f_2 \ge 0$ with $\sum_y f_1(x_1,y)\,f_2(x_2,y) \le 1$ for every pair $(x_1,x_2)$. Then
#
# $$
# \begin{aligned}
# I_* \ge{}& H(Y) \\
# &+ \sum_{x_1,y} p(x_1,y)\log_2 f_1(x_1,y) \\
# &+ \sum_{x_2,y} p(x_2,y)\log_2 f_2(x_2,y).
# \end{aligned}
# $$
# ```
#
# ```{prf:proof}
# Take any $q \in D_p$. It has the pairwise tables of $p$, so the right-hand side is
# $H(Y) + \mathbb{E}_q \log_2 (f_1 f_2)$. For each pair, the scores $f_1 f_2$ sum to at most 1,
# which is all that the proof of {prf:ref}`thm-gibbs` used of its $q$. So
# $\mathbb{E}_q\log_2 (f_1 f_2)$ is at most $\mathbb{E}_q\log_2 q(Y|X_1,X_2)$, which is
# $-H_q(Y|X_1,X_2)$. Hence the right-hand side is at most $H(Y) - H_q(Y|X_1,X_2)$, that is
# $I_q(X_1,X_2;Y)$. This holds for each $q$, and so also for the lowest.
# ```
#
# Nobody asked where $f_1$ and $f_2$ came from. Guess them, take them from a solver that crashed
# half-way, scale them down until the condition holds: you still get a bound.
#
# **AND by hand.** Take $f_2 = f_1$ with $f_1(0,0)=1$, $f_1(0,1)=0$ and
# $f_1(1,0)=f_1(1,1)=1/\sqrt2$. The pairs $(0,0)$, $(0,1)$ and $(1,1)$ have sums $1$, $1/\sqrt2$ and
# $\tfrac12+\tfrac12=1$, so the factors are allowed. Only $x=1$, with probability $\tfrac12$, costs
# anything: half a bit for each source. So $I_* \ge H(Y) - 2\cdot\tfrac12\cdot\tfrac12 = H(Y)-\tfrac12$.
# For the other side, take the pairing in which both switches are always equal. Only "both up" leaves
# $Y$ open. That happens half of the time, and then $Y$ is a fair coin: $I_q = H(Y)-\tfrac12$. The
# bounds meet. $I_*=0.311$ bits, **proved**.

# %%
p = GATES["and"]()
factor = np.array([[1, 0], [np.sqrt(1 / 2), np.sqrt(1 / 2)]])  # factor[x, y]


def log2(x):
    """Logarithm in which 0 log 0 is 0."""
    return np.log2(x, out=np.zeros_like(x), where=x > 0)


def lower_bound(p, f1, f2):
    """The certificate's value, after scaling f1 so that its condition holds."""
    p1, p2 = p.sum(axis=1), p.sum(axis=0)
    if (p1[f1 == 0] > 0).any() or (p2[f2 == 0] > 0).any():
        return -np.inf
    worst = np.einsum("iy,jy->ij", f1, f2).max()
    bits = (p1 * log2(f1)).sum() + (p2 * log2(f2)).sum() - np.log2(worst)
    return entropy(p.sum(axis=(0, 1))) + bits


equal = np.zeros((2, 2, 2))  # the pairing in which the switches are always equal
equal[0, 0], equal[1, 1] = p.sum(axis=1)
low, high = lower_bound(p, factor, factor), mutual_information(equal)
print(f"at least {low:.6f}, at most {high:.6f}")

# %% [markdown]
# The best certificate has no gap, as the next section shows. So we can say what $I_*$ is in the
# language of models:
#
# > $I_*$ is the most that an additive model can know about $Y$ ($H(Y)$ plus the mean of
# > $\log_2 (f_1 f_2)$) if its scores, unnormalised, sum to at most 1 for every pair of values,
# > whether or not the pair occurs. **Synergy, in BROJA's sense, is what is beyond all such models.**
#
# That is a precise form of chapter 1's title. The word *unnormalised* matters. A softmax divides by a
# sum that depends on both sources at once, which is already a little fusion. With a softmax AND can
# be learnt perfectly, as chapter 2 noted; without it, an additive model gets no more than
# $I_*=0.311$ bits of it.
#
# The library computes such a certificate for every table and returns its gap as `decompose(p).gap`:
# no atom is further than that from its exact value.
#
# ### The factors are Lagrange multipliers
#
# *Deeper: it derives the dual problem, for readers who know Lagrange multipliers; skip it on a first reading.*
#
# Write $\ell_1=\log_2 f_1$ and $\ell_2=\log_2 f_2$ for the multipliers of the two sets of equations
# that define $D_p$. (They are the logits of the additive model, in bits.) Minimise
#
# $$
# \begin{aligned}
# \mathcal L ={}& \sum q \log_2 q(y|x_1,x_2) \\
# &+ \sum_{x_1,y} \ell_1\,\big(p(x_1,y) - q(x_1,y)\big) \\
# &+ \sum_{x_2,y} \ell_2\,\big(p(x_2,y) - q(x_2,y)\big)
# \end{aligned}
# $$
#
# over *all* $q\ge0$, which need no longer be pairings, nor sum to 1. Collect the terms of one pair.
# With $t = q(x_1,x_2)$ and $q = t\,q(y|x_1,x_2)$ they are
#
# $$
# t \sum_y q(y|x_1,x_2)\log_2 \frac{q(y|x_1,x_2)}{f_1(x_1,y)\,f_2(x_2,y)} .
# $$
#
# By {prf:ref}`thm-gibbs` the sum is smallest if $q(y|x_1,x_2)$ is proportional to $f_1f_2$, and then
# it is $-\log_2 \sum_y f_1(x_1,y)\,f_2(x_2,y)$. If that is negative, a large $t$ makes $\mathcal L$
# as low as we like. If not, $t=0$ is best, and the pair contributes nothing. So the minimum is
# $-\infty$ unless $\sum_y f_1f_2\le1$ for every pair; otherwise $\sum p\,\ell_1 + \sum p\,\ell_2$ is
# left. On $D_p$ the added terms vanish, so for every $\ell_1$ and $\ell_2$ this is at most the
# minimum that we are after. Maximising it is the **dual problem**:
#
# $$
# \begin{aligned}
# \max_{\ell_1,\ell_2}\ & \sum_{x_1,y} p\,\ell_1 + \sum_{x_2,y} p\,\ell_2 \\
# \text{where}\ & \sum_y 2^{\,\ell_1(x_1,y)+\ell_2(x_2,y)} \le 1 .
# \end{aligned}
# $$ (eq-dual)
#
# Adding $H(Y)$ gives the bound of {prf:ref}`thm-certificate`. (Leave out cells with $p(x_1,y)=0$ or
# $p(x_2,y)=0$, where $\ell_1$ or $\ell_2$ does not exist. On what remains there is a pairing without
# zeros, such as $p(x_1,y)\,p(x_2,y)/p(y)$, and so the best $\ell_1$ and $\ell_2$ exist.) For a convex
# problem with linear constraints the best dual value *equals* the minimum (strong duality:
# {cite:t}`boyd2004`, section 5.2.3; for this problem in conic form {cite:t}`makkeh2018`). So the best
# certificate has no gap.
#
# One more thing can be read off. Where $q(x_1,x_2)>0$ at the optimum, $q(y|x_1,x_2)=f_1\,f_2$: in the
# worst pairing the evidence of the two sources simply multiplies.
#
# ## A solver in fifteen lines closes the gap
#
# *Deeper: how such a minimum is computed, and why a small last step proves nothing; the library does this for you.*
#
# A simple loop gives both kinds of bounds. Note that
#
# $$
# \begin{aligned}
# & I_q(X_1,X_2;Y) \\
# &= \min_t \sum q\log_2 \frac{q(x_1,x_2,y)}{t(x_1,x_2)\,p(y)},
# \end{aligned}
# $$
#
# with the minimum at $t=q(x_1,x_2)$, by {prf:ref}`thm-gibbs` again. So alternate. For fixed $q$,
# set $t$ to its margin. For fixed $t$, the best pairing is, for every label, $t$ with rows and
# columns rescaled to the wanted margins, $q = t(x_1,x_2)\,f_1(x_1,y)\,f_2(x_2,y)$: multipliers once
# more. To rescale rows and columns in turn is Sinkhorn's algorithm. {cite:t}`banerjee2018` show that
# alternating the two steps leads to the minimum. The factors $f_1$ and $f_2$ of a certificate come
# for free. (The upper bound needs a $q$ whose margins are right; the function says whether they
# always were.)


# %%
def rescale(wanted, have):
    """The factors that make `have` into `wanted`, and 0 where nothing is wanted."""
    return np.divide(wanted, have, out=np.zeros_like(wanted), where=wanted > 0)


def solve(p, rounds, sweeps=30):
    """Lower and upper bound on I* in bits, by round; whether all q are in D_p."""
    p1, p2, py = p.sum(axis=1), p.sum(axis=0), p.sum(axis=(0, 1))
    q = p1[:, None] * p2 / py  # independent given the label
    f2 = np.ones_like(p2)
    bounds, in_dp = [], []
    for _ in range(rounds):
        t = q.sum(axis=2)
        for _ in range(sweeps):
            f1 = rescale(p1, t @ f2)
            f2 = rescale(p2, t.T @ f1)
        q = t[:, :, None] * f1[:, None] * f2
        in_dp.append(np.allclose(q.sum(axis=1), p1, atol=1e-9))
        bounds.append((lower_bound(p, f1, f2), mutual_information(q)))
    return np.array(bounds), all(in_dp)


# %%
random_table = rng.dirichlet(np.ones(27)).reshape(3, 3, 3)
bounds, sound = solve(random_table, rounds)
exact = mutual_information(random_table) - decompose(random_table).synergy
for k in (1, 10, 100, rounds):
    if k <= rounds:
        low, high = bounds[k - 1]
        print(f"round {k:3}: between {low:.6f} and {high:.6f} bits")
print(f"library:                      {exact:.6f}")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Upper and lower bound against the round on a logarithmic axis. They start apart and close in on a dashed line, the library's value, until they cannot be told apart."}, "figure": {"caption": "Wherever you stop the loop, the truth lies in the shaded strip; at the end the strip has shrunk to a line, at the library's answer. The table is a random one with 3 × 3 × 3 cells.", "name": "fig-bounds"}}
fig, ax = plt.subplots()
number = np.arange(1, rounds + 1)
ax.fill_between(number, *bounds.T, color=VIOLET, alpha=0.2, lw=0)
ax.plot(number, bounds[:, 1], color=VIOLET, label="upper: the pairing $q$")
ax.plot(number, bounds[:, 0], color=VIOLET, ls="-.", label="lower: the factors")
ax.axhline(exact, color=INK, ls="--", label="decompose")
_ = ax.set(xlabel="round", ylabel="$I_*$ (bits)", xscale="log")
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# ### A small residual proves nothing
#
# Without a certificate people look at other signs. Two are popular, and both mislead.
#
# *The books balance.* You check that $R+U_1$ is $I(X_1;Y)$ and so on. But by {prf:ref}`def-broja`
# the books balance for **every** $q$, as all four atoms are computed from one number. Before any
# optimisation the "atoms" at $q=p$ satisfy the equations to the last digit.
#
# *Nothing changes any more.* Here is a table with two values per variable, and the same loop:

# %%
slow_table = rng.dirichlet(np.ones(8)).reshape(2, 2, 2)
slow, slow_sound = solve(slow_table, rounds)
truth = mutual_information(slow_table) - decompose(slow_table).synergy
change = -np.diff(slow[:, 1])
gap, error = slow[:, 1] - slow[:, 0], slow[:, 1] - truth
stop = min(30, rounds) - 1
print(
    f"round {stop + 1}: last change {change[stop - 1]:.0e} bits, error {error[stop]:.0e}"
)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Three falling lines on logarithmic axes: the certified gap on top, the true error of the upper bound below it, and, far below both, the change from one round to the next."}, "figure": {"caption": "If you stop as soon as a round changes little, you stop far from the truth: in this slow case the error is many times the change. The certified gap can be known without the truth, and it is always above the error.", "name": "fig-residual"}}
fig, ax = plt.subplots()
ax.loglog(number, gap, color=VIOLET, label="certified gap")
ax.loglog(number, error, color=INK, ls="--", label="true error of the upper bound")
ax.loglog(number[1:], change, color=GREY, label="change in this round")
_ = ax.set(xlabel="round", ylabel="bits")
ax.legend(loc="lower left")
plt.show()

# %% [markdown]
# A small step says that the walker is slow, not that the valley is near. **Ask for the gap.**
# `decompose` uses a faster method on the same pair of problems: Newton's, following {eq}`eq-dual`
# from the inside (the docstring of `mmfuse_lib.information.broja` explains it). It returns the gap of
# {prf:ref}`thm-certificate` as `d.gap`, and warns if the gap stays above what you asked for.

# %%
tables = rng.dirichlet(np.ones(4 * 4 * 3), size=200).reshape(200, 4, 4, 3)
batch = decompose_batch(tables, tolerance=1e-8)
print("200 random tables, all gaps below 1e-8 bits:", (batch.gap < 1e-8).all())
print("mean atoms:", batch.atoms.mean(axis=0).round(3).tolist())

# %% [markdown]
# ```{quiz} Done?
# :label: quiz-certified
#
# A solver for $I_*$ prints, after 40 rounds: *last change $10^{-9}$ bits, the atoms satisfy all three equations to twelve
# digits, certified gap 0.02 bits.* What do you know about $S$?
#
# * [ ] It is right to about nine digits, since nothing changes any more.
#
#   The change says how fast the loop moves, not how far it has to go. {numref}`fig-residual` shows a loop that hardly moves
#   and is far from the minimum.
# * [ ] It is right to about twelve digits, since the books balance.
#
#   All four atoms come from one number, so they balance for *every* pairing, the first included.
# * [x] The true $S$ is the printed one or up to 0.02 bits more.
#
#   The pairing gives an upper bound on $I_*$, so the printed $S$ is too small if anything; the lower bound says by how much at
#   most.
# ```
#
# ## Four definitions disagree on redundancy
#
# Bertschinger's assumption is one answer among several. The library has three others: the two first
# attempts, and a **pointwise** one {cite:p}`finn2018`, which splits every single outcome instead of
# the average. (It keeps $\min$ for each sign of the pointwise information separately; chapter 6 is
# about it.) Since $R$ fixes the other atoms, four definitions are four points on one line, and
# {prf:ref}`thm-range` says which part of that line has no negative atom.
#
# The table gives the redundancy in bits by each definition.

# %%
measures = ["broja", "imin", "mmi", "pointwise"]
contenders = {
    "XOR": GATES["xor"](),
    "redundant": GATES["redundant"](),
    "copy": GATES["copy"](),
    "AND": GATES["and"](),
    "noisy AND": noisy(GATES["and"](), 0.1),
    "two coins": GATES["two_bit_copy"](),
    "house A": houses["A"],
    "house B": houses["B"],
    "random": random_table,
    "digit pairs": label_table(),
}
redundancy = pd.DataFrame(
    {
        m: {n: decompose(p, m).redundancy for n, p in contenders.items()}
        for m in measures
    }
)
negative = pd.Series(
    {
        n: decompose(p, "pointwise").atoms.min() < -1e-9
        for n, p in contenders.items()
    }
)
by_definition = redundancy.round(3).rename(columns=MEASURES)
by_definition["negative atom"] = np.where(negative, "pointwise", "none")
by_definition.rename_axis("table")

# %% tags=["hide-input"] mystnb={"image": {"alt": "One line per table, a grey bar for the redundancy that leaves no atom negative and four markers for the definitions. On two coins and house A BROJA is at the left end and the other three at the right. The pointwise marker is outside the bar for copy, AND, noisy AND, random and digit pairs."}, "figure": {"caption": "Only BROJA puts two coins and house A at zero. Each marker is the redundancy by one definition. The grey bar is the range that leaves no atom negative; a definition whose marker lies outside the bar has at least one negative atom.", "name": "fig-definitions"}}
fig, ax = plt.subplots(figsize=(6.4, 7.4))
i1, i2, i12 = np.transpose(
    [
        [mutual_information(p, x=x) for x in (0, 1, (0, 1))]
        for p in contenders.values()
    ]
)
low, high = np.maximum(0, i1 + i2 - i12), np.minimum(i1, i2)
rows = np.arange(len(low))
ax.barh(rows, high - low, left=low, height=0.8, color="#D5D8DC")
ax.vlines(low, rows - 0.4, rows + 0.4, color=GREY, lw=1)
sns.pointplot(
    redundancy.rename(columns=MEASURES)
    .reset_index()
    .melt("index", var_name="measure"),
    x="value",
    y="index",
    hue="measure",
    palette=[VIOLET, "C1", INK, "C2"],
    markers=["o", "s", "D", "X"],
    markersize=8,
    markeredgewidth=0.5,
    dodge=0.6,
    linestyle="none",
    errorbar=None,
    ax=ax,
)
_ = ax.set(xlabel="redundancy $R$ (bits)", ylabel="", xlim=(-0.06, 1.6))
ax.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.4, 1.0), handletextpad=0)
plt.show()

# %% [markdown]
# Which one should you use?
#
# * **BROJA**, if you mean what a decision maker could gain by one source rather than the other. It
#   is the usual choice for data sets in multimodal learning {cite:p}`liang2023`.
# * **MMI**, if all you have are the three mutual informations. Then say that it is an upper bound on
#   $R$ for every definition without negative atoms.
# * **Pointwise**, if you need a value per sample, at the price of negative atoms. For `copy` it
#   reports a full bit of redundancy with a source that is pure noise, balanced by $U_2=-1$ and $S=1$.
# * $I_{\min}$ is where it all began.
#
# Of the four, only BROJA tells the two houses apart, which was this chapter's opening question. The
# other three see one bit of redundancy in house A and in two independent coins, too. Always name the
# definition: "the redundancy of this data set" without one is not a number.
#
# ## A data set's atoms are not its samples' average
#
# The last line of the figure is this book's own data set. In `digit_pairs` each sample obeys one of
# four rules: both images show the label (R), only the left one does (U1), only the right one does
# (U2), or the label is the sum of both (S). A **cue**, visible in both images, says which rule. Each
# rule holds for a quarter of the samples. There are four classes, so two bits in total. Surely
# $R=U_1=U_2=S=\tfrac12$?
#
# ```{quiz} A quarter of each
# :label: predict-cue
# :predict:
#
# Before you run the next cell: which atoms does the table of the whole data set have, in bits?
#
# * [ ] Half a bit each: $R=U_1=U_2=S=\tfrac12$
#
#   (mean-of-samples) This is the mean over the rules. The table mixes the rules first and is decomposed afterwards.
# * [x] $R=S=1$ and $U_1=U_2=0$
#
#   Each image knows the label in half of the samples, and knows when it does. So each can be made from the other, and
#   nothing is unique.
# * [ ] $R=2$, all else 0
#
#   Each image alone gives half of the two bits. The rest must come from elsewhere.
# ```

# %%
pairs = label_table()
atoms = decompose(pairs).atoms.round(6) + 0.0
print(dict(zip(ATOMS, atoms.tolist(), strict=True)))

# %% [markdown]
# One bit of redundancy, one of synergy, nothing unique. Is the solver wrong? No:
# {prf:ref}`thm-garbling` settles it without a solver. Look at the left image alone. If the cue says R
# or U1, as it does for half of the samples, its digit is the label; otherwise the digit is an
# independent draw. The same is true of the right image, with R or U2. Each source *knows the label
# half of the time, and knows whether it knows*. So either can be made from the other: keep the digit
# and rename the cues, U1 to U2 and back. Each is a garbling of the other, so $U_1=U_2=0$, and the
# sums do the rest.
#
# The pairing behind this lets both sources know at the same time, or neither:

# %%
n = 4  # rules, and also classes
left_knows = np.repeat([1, 1, 0, 0], n)  # x1 = (rule, digit), rules R, U1, U2, S
right_knows = np.repeat([1, 0, 1, 0], n)
p1, p2, py = pairs.sum(axis=1), pairs.sum(axis=0), pairs.sum(axis=(0, 1))
together = sum(
    (p1 * (left_knows == k)[:, None])[:, None] * (p2 * (right_knows == k)[:, None])
    for k in (0, 1)
) / (py / 2)
print("in D_p:", np.allclose(together.sum(1), p1), np.allclose(together.sum(0), p2))
print(
    f"I(X1;Y|X2) = {abs(conditional_mutual_information(together)):.3f} bits in it"
)

# %% [markdown]
# No bet can prefer the left image to the right one *before it is known which sample comes*. That is
# BROJA's question, and zero is the right answer to it. But in this pairing the two cues contradict
# each other, one saying U1 and the other R, which never happens in the data. The assumption told us
# to ignore that. Ask instead about each rule on its own. Anybody who sees the cue can do so, since
# both sources show it. The table has the atoms in bits:

# %%
rules = np.stack([pairs.reshape(n, n, n, n, n)[c, :, c] for c in range(n)])
weights = rules.sum(axis=(1, 2, 3))
within = decompose_batch(rules / weights[:, None, None, None])
inside = (
    pd.DataFrame(within.atoms, index=list(ATOMS), columns=list(ATOMS)).round(3)
    + 0.0
)
inside.index.name = "rule"
inside.loc["mean"] = weights @ within.atoms
inside.round(3)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two stacked bars of equal length. Asked about the data set: half R, half S. Asked within each rule, then averaged: four equal parts R, U1, U2, S."}, "figure": {"caption": "The same data give different answers to two questions. Above: one decomposition of the whole table. Below: one decomposition for each rule, averaged.", "name": "fig-cue"}}
answers = {"whole data set": atoms, "rule by rule": inside.loc["mean"].to_numpy()}
stack(pd.DataFrame(answers, index=ATOMS).T, figsize=(6.4, 2.6))
plt.show()

# %% [markdown]
# Both answers are right, to different questions. **A decomposition of a data set is not the average
# of what happens in its samples.** If you report "this data set has no unique information", you have
# not said that no sample needs a particular modality. Chapter 6 asks what can be said about a single
# sample.
#
# ## Ten to fifty times faster than a standard package
#
# *Deeper: a comparison with two published solvers, for readers who choose one.*
#
# Others have computed this minimum before. The benchmark `python -m benchmarks.pid` takes the
# strongest solver of the `dit` package, which is made for this problem, and a general-purpose one,
# CLARABEL, through CVXPY. It runs both beside `decompose` on random tables, in one process on one
# machine, and its results are read here. Times change with the machine, ratios less so. The error is
# that of the synergy, the largest over the tables. It is measured against our own answer at a tighter
# tolerance, and the certificate of that answer bounds its own error. The other solvers were not run
# on the largest tables.
#
# The table gives milliseconds per table (↓ lower is better), by the size |X1| × |X2| × |Y|.

# %%
benchmark = results("pid_benchmark")
SOLVERS = {"mmfuse": "mmfuse", "cvxpy clarabel": "CLARABEL", "dit cone": "dit"}
speed = pd.DataFrame(benchmark["rows"]).replace({"solver": SOLVERS})
order = list(dict.fromkeys(speed["shape"]))
by_solver = speed.pivot(index="shape", columns="solver", values="ms").loc[order]
ratios = by_solver["dit"] / by_solver["mmfuse"]
print(f"faster than dit by a factor of {ratios.min():.0f} to {ratios.max():.0f}")
milliseconds = by_solver[list(SOLVERS.values())].map(
    lambda ms: f"{ms:,.0f}" if ms >= 100 else f"{ms:.1f}"
)
milliseconds.replace("nan", "not run").rename_axis(index="size", columns=None)

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels over the sizes of tables, one line per solver: time per table in milliseconds and largest error of the synergy in bits, both on logarithmic axes. The line of mmfuse is the lowest in the upper panel, and its distance to the others grows with the size."}, "figure": {"caption": "The library is the fastest and the most exact of the three solvers at every size. Above: time per table. Below: largest error of the synergy. Sizes are |X1| × |X2| × |Y|; both vertical axes are logarithmic, and lower is better.", "name": "fig-benchmark"}}
fig, axes = plt.subplots(2, 1, figsize=(6.4, 6.2), sharex=True)
speed["error"] = speed["error_bits"].clip(lower=1e-16)
look = {"hue": "solver", "style": "solver", "markers": ["D", "s", "o"]}
look |= {"dashes": False, "palette": [VIOLET, INK, "C1"]}
look |= {"hue_order": SOLVERS.values(), "style_order": SOLVERS.values()}
sns.lineplot(speed, x="shape", y="ms", ax=axes[0], **look)
sns.lineplot(speed, x="shape", y="error", legend=False, ax=axes[1], **look)
_ = axes[0].set(yscale="log", ylabel="ms per table")
_ = axes[1].set(yscale="log", ylabel="largest error (bits)", xlabel="")
axes[1].tick_params(axis="x", rotation=45)
axes[0].legend(ncols=3, loc="lower center", bbox_to_anchor=(0.45, 1.0))
plt.show()

# %% [markdown]
# ## What this chapter claims
#
# The cell below fails if anything that this chapter claims is not so.

# %%
claim(
    [row["bits about the hall"] for row in about] == [1, 0, 1, 1],
    "In house A only camera 1 knows the hall lamp; in house B both cameras do.",
)
claim(
    np.allclose(first_attempts, [1, 0, 0, 1]),
    "MMI and I_min find R = S = 1 in both houses and in the two coins.",
)
claim(
    np.allclose(houses["B"].sum(axis=1), houses["B"].sum(axis=0)),
    "In house B the two pairwise tables are identical.",
)
claim(
    np.allclose(decompose(houses["A"]).atoms, [0, 1, 1, 0], atol=1e-8)
    and np.allclose(decompose(houses["B"]).atoms, [1, 0, 0, 1], atol=1e-8),
    "BROJA finds the wiring: house A is all unique, house B is R and S.",
)
claim(
    all(abs(mutual_information(pairing(GATES["xor"](), (c, c)))) < 1e-12
        for c in (0, 0.3, 1)),
    "On the diagonal of the square, pairings of XOR tell nothing about the label.",
)  # fmt: skip
claim(
    np.allclose(agreement(decompose(between(0.5, 0.1)).coupling), 0.9, atol=1e-4),
    "Halfway to AND, X2 is a noisy copy of X1 in the worst pairing.",
)
some = tables[:20]
r, u1, u2, s = batch.atoms[:20].T
claim(
    batch.atoms.min() > -1e-9
    and np.allclose(r + u1, [mutual_information(p, x=0) for p in some])
    and np.allclose(r + u2, [mutual_information(p, x=1) for p in some])
    and np.allclose(r + u1 + u2 + s, [mutual_information(p) for p in some]),
    "On random tables no atom is negative, and their sums are the informations.",
)
apart = [  # sources independent given the label
    p.sum(axis=1)[:, None] * p.sum(axis=0) / p.sum(axis=(0, 1)) for p in some
]
claim(
    all(u1 <= [conditional_mutual_information(q) + 1e-9 for q in apart]),
    "U1 is at most I(X1;Y|X2) of the pairing that is independent given the label.",
)
proved = lower_bound(GATES["and"](), factor, factor)
claim(
    abs(proved - mutual_information(equal)) < 1e-12,
    "For AND the two bounds found by hand meet.",
)
claim(
    sound and slow_sound,
    "In every round the hand-made solver's upper bound comes from a table in D_p.",
)
claim(
    (bounds[:, 0] <= exact + 1e-9).all() and (bounds[:, 1] >= exact - 1e-9).all(),
    "In every round the exact value lies between the bounds.",
)
claim(
    bounds[-1, 1] - bounds[-1, 0] < 1e-6,
    "In the last round the two bounds meet.",
)
claim(
    (gap >= error - 1e-9).all(),
    "In the slow case, too, the error is never larger than the certified gap.",
)
claim(
    (error[1:101] > 20 * change[:100]).all(),
    "For a hundred rounds the error is over twenty times the change in a round, so a small change says little about the error.",
)
claim(
    (redundancy[["imin", "broja"]].max(axis=1) <= redundancy["mmi"] + 1e-9).all(),
    "Neither I_min nor BROJA reports more redundancy than MMI.",
)
claim(
    list(negative[negative].index)
    == ["copy", "AND", "noisy AND", "random", "digit pairs"],
    "A pointwise atom is negative for copy, both ANDs, random and digit pairs, and for no other table.",
)
claim(
    np.allclose(atoms, [1, 0, 0, 1], atol=1e-6)
    and np.allclose(inside.loc["mean"], 0.5, atol=1e-6),
    "Digit pairs as a whole have R = S = 1; rule by rule each atom is half a bit.",
)

# %% [markdown]
# ## Takeaways
#
# * **Equal amounts need not be the same information.** Redundancy cannot be read off amounts of
#   information; we have to compare what the sources say, label by label.
# * One assumption, *unique information is in the pairwise tables*, turns the missing equation into
#   an optimisation: $I_*$ is the least that the sources can tell together when they are re-paired.
# * It follows that no atom is negative. It also follows that $U_1=0$ exactly if $X_1$ is a garbling
#   of $X_2$, that is, if no bet prefers $X_1$.
# * **Trust a gap, not a residual.** An additive model that never exceeds a probability proves that
#   no lower value exists; synergy is what is beyond all such models.
# * Definitions disagree, and one allows negative atoms. Name the one you use.
# * **A data set's atoms are not the average of its samples'.** With a cue that both sources see,
#   the two can be quite different.
#
# ## Exercises
#
# ```{exercise} Two bad copies
# :label: ex-copies
#
# *Level 1 of 3 · 15 minutes · by hand*
#
# $Y$ is a fair coin. $X_1$ is $Y$ with an error in 10 % of the cases, $X_2$ is $Y$ with an error in
# 20 %, and the errors are independent. Find $R$, $U_1$ and $U_2$ by hand. What more do you need to
# know to find $S$, and why did you not need it for the others?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Can you make a source that errs in 20 % of the cases out of one that errs in 10 %?
# {prf:ref}`thm-garbling` says what follows.
# ```
#
# ```{solution-start} ex-copies
# :class: dropdown
# ```

# %% [markdown]
# Flip $X_1$ once more, with probability $\delta$. It is then wrong with probability
# $0.1(1-\delta)+0.9\,\delta$, which is $0.2$ for $\delta = \tfrac18$. So $X_2$ is a garbling of $X_1$
# and $U_2=0$ ({prf:ref}`thm-garbling`). Then $R = I(X_2;Y) = 1-H_2(0.2)$, and $U_1=I(X_1;Y)-R$ is
# $H_2(0.2)-H_2(0.1)$. For $S$ you need $I(X_1,X_2;Y)$, and so the pairing in $p$: here the errors
# are independent. The other three atoms are the same for all of $D_p$.

# %%
from mmfuse_lib.course import check

one, two = noisy(np.eye(2) / 2, 0.1), noisy(np.eye(2) / 2, 0.2)
copies = one[:, None] * two[None] / 0.5
print("by hand:", f"R = {1 - entropy([0.2, 0.8]):.4f},", end=" ")
print(f"U1 = {entropy([0.2, 0.8]) - entropy([0.1, 0.9]):.4f}")
print(
    "library:",
    dict(
        zip(ATOMS, (decompose(copies).atoms.round(4) + 0.0).tolist(), strict=True)
    ),
)
assert check("ex-copies", decompose(copies).atoms[:3])

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} AND with a pencil
# :label: ex-and-by-hand
#
# *Level 2 of 3 · 20 minutes · by hand*
#
# For AND, $D_p$ has one free number $u=q(1,1,0)$. Write down all of $q$, the range of $u$, and
# $H_q(Y|X_1,X_2)$ as a function of $u$. Where is it largest? Differentiate if you must. Which of
# the four atoms follow from the answer?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# $Y=1$ allows only one pair. For $Y=0$ fill in the table with both margins, $\tfrac12$ and
# $\tfrac14$. Which pairs leave the label open?
# ```
#
# ```{solution} ex-and-by-hand
# :class: dropdown
#
# $Y=1$ forces $(1,1)$, so $q(1,1,1)=\tfrac14$ and nothing is free. For $Y=0$ each source is 0 with
# probability $\tfrac12$ and 1 with probability $\tfrac14$. So $q(0,0,0)=\tfrac14+u$ and
# $q(0,1,0)=q(1,0,0)=\tfrac14-u$, with $0\le u\le\tfrac14$. Only the pair $(1,1)$ leaves the label
# open: $H_q(Y|X_1,X_2)$ is $(u+\tfrac14)\,H_2\big(\tfrac{u}{u+1/4}\big)$, which is
# $(u+\tfrac14)\log_2(u+\tfrac14)$ $-\, u\log_2 u$ $-\, \tfrac14\log_2\tfrac14$. Its derivative is
# $\log_2\frac{u+1/4}{u} > 0$, so it is largest at the end of the range, $u=\tfrac14$, where it is
# $\tfrac12\cdot H_2(\tfrac12)=\tfrac12$. There both switches are always equal.
# $I_*=H(Y)-\tfrac12=0.311$ equals $I(X_1;Y)$, so $U_1=U_2=0$ and $R=0.311$. In $p$ itself $u=0$ and
# nothing is open, so $S=\tfrac12$. All four atoms follow.
# ```
#
# ```{exercise} Subtitles
# :label: ex-subtitles
#
# *Level 1 of 3 · 10 minutes · by hand*
#
# Modality 1 is computed from modality 2: subtitles from speech, or a thumbnail from a video. What are
# the four atoms, in terms of the mutual informations, and for which of the four definitions? If
# subtitles add nothing, why do models get better with them?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# What is $I(X_1,X_2;Y)$ if $X_1$ is a function of $X_2$? Put it into {eq}`eq-range`.
# ```
#
# ```{solution} ex-subtitles
# :class: dropdown
#
# $I(X_1,X_2;Y)=I(X_2;Y)$, as $X_1$ adds nothing to $X_2$. So the range {eq}`eq-range` is the point
# $R=I(X_1;Y)$, and every definition without negative atoms gives $U_1=0$, $U_2=I(X_2;Y)-I(X_1;Y)$
# and $S=0$. (The pointwise definition may differ, as its atoms may be negative.) Models get better
# because information is not ease of use: an encoder may find it hard to extract what is in the
# speech. The atoms are about a reader without limits ({prf:ref}`thm-dpi` and the text below it).
# ```
#
# ```{exercise} Half a bit each
# :label: ex-half
#
# *Level 2 of 3 · 20 minutes · by hand*
#
# Build a table with $U_1=U_2=\tfrac12$ and $R=S=0$. First try a label of one fair bit and a
# visible coin that decides which of the sources sees the label. Why does this fail? Then use a label
# with two bits.
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# In the first try, compare the two pairwise tables. For the second, let each source see a bit of the
# label that the other source never sees.
# ```
#
# ```{solution-start} ex-half
# :class: dropdown
# ```

# %% [markdown]
# First try: each source sees the label half of the time, and knows when it does not. The pairwise
# tables are equal, so each is a garbling of the other and $U_1=U_2=0$. This is the cue of
# `digit_pairs` again, with $R=S=\tfrac12$.
#
# Second try: let $Y=(Y_1,Y_2)$ be two fair bits. Source 1 sees $Y_1$ with probability $\tfrac12$ and
# otherwise a question mark; source 2 sees $Y_2$ in the same way, independently. Source 2 knows
# nothing about $Y_1$, in any pairing. So $I_q(X_1;Y|X_2) \ge I_q(X_1;Y_1|X_2)$, which is
# $I_q(X_1,X_2;Y_1) - 0$, and that is at least $I(X_1;Y_1)=\tfrac12$. Hence $U_1 = \tfrac12$ and
# $R = 0$.

# %%
sees = np.array([[1, 0, 1], [0, 1, 1]]) / 2  # p(0, 1 or question mark | bit)
visible = np.zeros((3, 3, 2))  # a coin decides who sees the label
for y in (0, 1):
    visible[y, 2, y] = visible[2, y, y] = 1 / 4
halves = np.einsum("ai,bj->ijab", sees, sees).reshape(3, 3, 4) / 4
for name, table in {"one bit": visible, "two bits": halves}.items():
    print(
        name,
        dict(
            zip(
                ATOMS, (decompose(table).atoms.round(4) + 0.0).tolist(), strict=True
            )
        ),
    )
assert check("ex-half", halves)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Be the certificate
# :label: ex-certificate
#
# *Level 2 of 3 · 20 minutes · by hand*
#
# Find factors $f_1$, $f_2$ for {prf:ref}`thm-certificate` that prove, without any solver,
# (a) $I_*=0$ for XOR, which is trivial; (b) $I_*=1$ for the redundant gate $Y=X_1=X_2$; (c) $I_*=2$
# for two coins, $Y=(X_1,X_2)$. (d) Someone hands you $f_1=f_2=1$ everywhere, for two labels. What
# does it prove?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Each factor is what its source alone believes about the label, up to scale. Set it to 0 where the
# source rules the label out, and then check the sums over $y$.
# ```
#
# ```{solution} ex-certificate
# :class: dropdown
#
# (a) $f_1=f_2=1/\sqrt2$: the sums are $\tfrac12+\tfrac12=1$, and the bound is
# $H(Y)-\tfrac12-\tfrac12=0$.
#
# (b) $f_1(x,y)=f_2(x,y)=1$ if $y=x$, otherwise 0. The sums are 1 for equal values and 0 for different
# ones, and the cells with factor 0 have probability 0. The bound is $H(Y)=1$.
#
# (c) $f_1(x_1,y)=1$ if the first coin of $y$ is $x_1$, otherwise 0; $f_2$ does the same with the
# second coin. Each pair has one $y$ for which both factors are 1, so the sum is 1, and the bound is
# $H(Y)=2$. With $I_*\le I_p=2$ this gives $S=0$ and $U_1=U_2=1$.
#
# (d) The sums are 2, which is not allowed. Halve $f_1$, and the bound is $H(Y)-1\le0$. It is valid,
# and useless: weak certificates do no harm.
# ```
#
# ```{exercise} Another mixture
# :label: ex-mixture
#
# *Level 2 of 3 · 15 minutes · by hand*
#
# Take `digit_pairs` with shares 0.4 (R), 0.3 (U1), 0.1 (U2) and 0.2 (S), with the cue. Predict the
# four atoms of the data set, in units of the two bits, from {prf:ref}`thm-garbling`. For which shares
# is the decomposition of the data set equal to its composition?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# In what share of the samples does each image know the label? A source that knows it more often can
# always be made to forget.
# ```
#
# ```{solution-start} ex-mixture
# :class: dropdown
# ```

# %% [markdown]
# The left image knows the label in a share of $0.7$ of the samples, the right image in $0.5$. The
# right image is a garbling of the left one (which now and then forgets), so $U_2=0$, $R=0.5$ and
# $U_1=0.2$. $S$ is the rest, $0.3$. In general, with shares $w$: $R=w_R+\min(w_{U1},w_{U2})$, the
# larger unique share keeps the difference, and $S=w_S+\min(w_{U1},w_{U2})$. The decomposition equals
# the composition exactly if one of the unique shares is 0.

# %%
shares = {"R": 0.4, "U1": 0.3, "U2": 0.1, "S": 0.2}
found = decompose(label_table(composition=shares)).atoms / 2
print({k: round(float(v), 4) + 0.0 for k, v in zip(ATOMS, found, strict=True)})
assert check("ex-mixture", found)

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Merging letters
# :label: ex-merge
#
# *Level 3 of 3 · 25 minutes · by hand*
#
# Two values of $X_1$ have the same $p(y|x_1)$. Somebody merges them into one, to save space. Show
# that $R$, $U_1$ and $U_2$ do not change. Can $S$ change?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Show that $I_*$ stays the same. In one direction merge every pairing; in the other, undo the merging
# by drawing one of the two values at random.
# ```
#
# ```{solution} ex-merge
# :class: dropdown
#
# Let $X_1'$ be the merged source. Merging is a garbling, and it can be undone by a garbling: given
# the merged value, draw one of the two values in their overall proportion. This is right for every
# label, since $p(y|x_1)$ is the same for both. So every pairing of $X_1'$ gives a pairing of $X_1$
# with the same information about $Y$. Conversely, every pairing of $X_1$, merged, gives one of $X_1'$
# with no more information ({prf:ref}`thm-dpi`). Hence $I_*$ is the same. So are $I(X_1;Y)$ and
# $I(X_2;Y)$, and with them $R$, $U_1$ and $U_2$. But $S = I_p(X_1,X_2;Y)-I_*$ can fall. In XOR both
# values of $X_1$ have $p(y|x_1)=\tfrac12$, and merging them leaves nothing. A step that saves space
# as far as one modality can see may throw away all of the synergy.
# ```
#
# ## Further reading
#
# * {cite:t}`williams2010`: the lattice, for any number of sources.
# * {cite:t}`bertschinger2014`: the measure, its properties, and more gates; section 2 argues for the
#   assumption.
# * {cite:t}`blackwell1953`: which experiments are worth more than others, and the half of the proof
#   that is missing here.
# * {cite:t}`makkeh2018`: the computation as a cone program, for readers who want to write a solver.
# * {cite:t}`rauh2021`: where the minimisers lie, and when there is only one.

# %% tags=["headline", "remove-cell"]
headline = {
    "house_a_unique_bits": round(decompose(houses["A"]).unique[0], 3),
    "house_b_synergy_bits": round(decompose(houses["B"]).synergy, 3),
    "and_redundancy_bits": round(decompose(GATES["and"]()).redundancy, 3),
    "two_coins_imin_redundancy_bits": round(
        float(redundancy.loc["two coins", "imin"]), 3
    ),
    "digit_pairs_redundancy_bits": round(float(atoms[0]), 3),
    "digit_pairs_unique_bits": round(float(atoms[1]), 3),
}
print(json.dumps(headline))
