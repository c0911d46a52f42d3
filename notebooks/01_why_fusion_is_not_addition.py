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
# # Why fusion is not addition
#
# Two people each look at one photograph. Each is good at the job: shown a digit, they name it.
# Now you ask them a question about *both* photographs. Each of them gives every possible answer points for how
# likely it seems, and you add up the points. On three kinds of question this works perfectly. On a
# fourth kind it is no better than rolling a die, **however good the two people are**. Which kind is it,
# and why can no amount of skill help?
#
# ```{admonition} After this chapter you can
# :class: tip
# - say what it means for information about a label to be *redundant* (R), *unique* to one modality
#   (U1, U2) or *synergistic* (S);
# - prove that no model that adds up one score per modality can learn synergy, and watch a trained
#   ensemble obey the proof;
# - train an ensemble and a joint model on data whose interactions are known, and compare them
#   interaction by interaction, with intervals over seeds;
# - give one reason why joint training is nevertheless not simply better.
#
# **Needs:** probability and a little PyTorch. **Takes:** {{ essential }} minutes for the essential path,
# {{ reading }} for everything; about 40 seconds to run on two CPU cores; nothing is downloaded. The models are
# too small for a GPU to help.
# ```

# %% tags=["parameters", "hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
seed = 0
n_seeds = 5
epochs = 10
lr = 2e-3
n_train = 4_000
device = "auto"

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from sklearn.linear_model import LogisticRegression

from mmfuse_lib import (
    Claims,
    data,
    evaluate,
    fit,
    mean_interval,
    methods,
    plots,
    plus_minus,
    progress,
)
from mmfuse_lib.evaluation import in_words

plots.use_style()
claim = Claims(globals(), seed=0, n_seeds=5, epochs=10, lr=2e-3, n_train=4_000)
KINDS = list(data.INTERACTIONS)

# %% [markdown]
# ## One label, four ways to know it
#
# We need data that is real enough to require learning, yet simple enough that we know the truth. The data
# set `digit_pairs` shows two real handwritten digits, *left* and *right*, taken from
# {cite:t}`alpaydin1998`. Behind the images are two symbols $a$ and $b$. The label $y$ follows from
# one of four rules, and for every sample the rule is drawn anew:
#
# | kind | rule | who knows the label? |
# |---|---|---|
# | **R**, redundant | $a = b = y$ | either image alone |
# | **U1**, unique to left | $a = y$, and $b$ is random | only the left image |
# | **U2**, unique to right | $b = y$, and $a$ is random | only the right image |
# | **S**, synergistic | $a$, $b$ random, $y = (a + b) \bmod K$ | neither alone, both together |
#
# Here $K$ is the number of classes. With $K = 2$ the last rule is the famous *exclusive or*, XOR. Two extra rows
# of pixels under both images carry a *cue*: one of four blocks lights up and says which rule applies. So a
# model that sees both images could, in principle, be right every time.


# %%
def load(seed, **options):
    """Digit pairs with this chapter's sizes."""
    sizes = {"n_train": n_train, "n_val": n_train // 4, "n_test": 4_000}
    return data.load("digit_pairs", seed=seed, **sizes | options)


train, val, test = load(seed, n_classes=4)
print(train)

# %% mystnb={"image": {"alt": "Eight small images in four columns, one column for each interaction R, U1, U2 and S. The upper row shows the left digit, the lower row the right digit, and a white block under each marks the interaction. In the R column both digits equal the label; in U1 only the upper one does; in U2 only the lower one; in S the label is their sum modulo four."}, "figure": {"caption": "One sample of each kind: above what the left modality sees, below the right one. The white block at the bottom of each image is the cue.", "name": "fig-digit-pairs"}} tags=["hide-input"]
figure, axes = plt.subplots(2, 4, figsize=(6.4, 4.4))
for column, kind in enumerate(KINDS):
    # The second sample of its kind.
    sample = (train.composition == column).nonzero()[1].item()
    for row, name in enumerate(train.modalities):
        ax, image = axes[row, column], train.inputs[name][sample, 0]
        ax.imshow(
            image[:8], cmap="gray", interpolation="bicubic", extent=(0, 8, 3, 11)
        )
        ax.imshow(image[8:], cmap="gray", extent=(0, 8, 0, 2))
        ax.set(xticks=[], yticks=[], xlim=(0, 8), ylim=(0, 11), facecolor="0.35")
        ax.grid(visible=False)
        for spine in ax.spines.values():
            spine.set(visible=True, color=plots.color_of(kind), linewidth=4)
    title = f"{kind}: y = {train.target[sample].item()}"
    _ = axes[0, column].set_title(
        title, color=plots.color_of(kind), fontweight="bold"
    )
for row, name in enumerate(train.modalities):
    _ = axes[row, 0].set_ylabel(name)
plt.show()

# %% [markdown]
# ```{quiz} Which question fails?
# :label: predict-which-fails
# :predict:
#
# The label is read off two digits by one of the four rules. Two experts see one digit each, both are perfect, and their
# points are added. Under which rule is the sum no better than chance?
#
# * [ ] U1: only the left digit matters
#
#   The right expert can give every answer the same points. The left one then decides alone.
# * [ ] R: both digits show the label
#
#   Both experts give their points to the same answer.
# * [x] S: the label is the sum of the digits, modulo $K$
#
#   Each digit alone leaves every label equally likely. So neither expert has anything to say, however good they are.
# * [ ] None, if the experts are good enough
#
#   (skill-helps) Under rule S a perfect expert for one digit knows nothing about the label.
# ```
#
# ## What a sum of votes cannot say
#
# The simplest way to combine two modalities is to train one model on each and to average their
# logits. That is an **ensemble**. Averages with fixed weights, products of probabilities and sums of
# any learned scores all belong to the same family:
#
# ```{prf:definition} Additive model
# :label: def-additive
#
# A model of two modalities is *additive* if its score for class $y$ is
# $\ell_y(x_1, x_2) = f_y(x_1) + g_y(x_2)$, for some functions $f_y$ and $g_y$. It predicts a class with
# the largest score, and its probabilities are the softmax of the scores.
# ```
#
# **Predict first.** In XOR ($K = 2$) the label is $y = (a + b) \bmod 2$: there are four pairs
# $(a, b)$, and all eight scores $f_y(a)$ and $g_y(b)$ are yours to choose. On how many of the four
# pairs can you make the true class win? On how many of the nine pairs with $K = 3$? Write down both
# numbers, then drag the scores until you win more. If you get stuck, watch the sums at the right and
# at the bottom: each adds up, over a row or a column, by how much the true class leads the next class.

# %%
plots.adding_scores()

# %% [markdown]
# The definition does not limit how clever $f$ and $g$ are. They may be huge networks, trained apart or
# together. Still:
#
# ```{prf:theorem} Addition cannot learn a sum of symbols
# :label: thm-additive
#
# Let $a$ and $b$ be independent and uniform on $\{0, \dots, K-1\}$, $K \ge 2$, and let
# $y = (a + b) \bmod K$.
#
# 1. No additive model gives the true label strictly the largest score on all $K^2$ pairs.
# 2. No additive model has an expected cross-entropy below $\log K$, which is what guessing gives.
# ```
#
# ````{prf:proof}
# All sums of symbols are taken modulo $K$, and $\log$ is the natural logarithm.
#
# *Part 1.* Suppose that the true label wins on every pair. In particular it then beats the class next to it:
# $f_{a+b}(a) + g_{a+b}(b) > f_{a+b+1}(a) + g_{a+b+1}(b)$. Add these inequalities over all pairs. As
# $b$ runs through all symbols, $a + b$ runs through all classes, and so does $a + b + 1$. The
# $f$ terms on the two sides therefore have the same sum, $\sum_a \sum_y f_y(a)$, and the same holds for
# the $g$ terms. So some number would be strictly larger than itself, which is impossible.
#
# *Part 2.* Cross-entropy is a convex function of the scores: the loss of an average of score functions
# is at most the average of their losses. Now shift the symbols, $a \to a + c$
# and $b \to b + d$, and shift the label with them, $y \to y + c + d$. This leaves the distribution of the data
# as it is. So if $(f, g)$ has loss $L$, each shifted copy has loss $L$ as well, and by convexity
# their average over all $(c, d)$ has loss at most $L$. But in that average
# $\bar f_y(a) = K^{-2} \sum_{c,d} f_{y+c+d}(a+c)$ does not depend on $y$, because the sum over $d$
# runs through all classes, and neither does $\bar g_y(b)$. If all classes have the same score, each
# gets the probability $1/K$, and the loss is $\log K$. Hence $L \ge \log K$. $\square$
# ````
#
# ### The theorem covers images, too
#
# *Deeper: from symbols to the images of this chapter; skip it on a first reading.*
#
# Replacing symbols by images changes nothing, because each image depends on its own digit only. For part 1,
# pick one image per digit. For part 2, suppose that $f$ varies among the images of one digit. Replacing it by its
# mean over them can only lower the loss, again by convexity, and leaves a function of the symbol. A
# cue that both modalities see does not help either: given the cue, the model is still a sum.
#
# ### The proof at work
#
# You can watch the proof at work. We give the *symbols* themselves, not even images of them, to a logistic
# regression in two ways. The first uses two one-hot codes and is an additive model, since its score is one term
# for $a$ plus one for $b$. The second uses one code for the pair.

# %%
K = 4
a, b = np.indices((K, K)).reshape(2, -1)
y = (a + b) % K
additive = np.hstack([np.eye(K)[a], np.eye(K)[b]])
together = np.eye(K * K)[a * K + b]

for name, x in {"a plus b, added": additive, "(a, b) together": together}.items():
    p = LogisticRegression(C=100.0).fit(x, y).predict_proba(x)
    print(
        f"{name}: probability of the true label {p[np.arange(K * K), y].mean():.2f}"
    )

# %% [markdown]
# The additive model answers $1/K$ everywhere: even when told everything, it guesses. (The other model would
# reach 1, but scikit-learn's regularisation holds it back a little.) This is the sense of the chapter's title.
# *Fusion* earns its name only where modalities meet inside a non-additive function. {prf:ref}`thm-additive` says
# that without such a meeting, no synergy of this kind can be learned.
#
# ```{quiz} AND is not XOR
# :label: quiz-and-adds
#
# Could a sum of two scores compute AND: label 1 exactly if both bits are 1?
#
# * [ ] No: AND needs both bits, so it is synergy, and sums cannot learn synergy.
#
#   The theorem is about labels for which both diagonals of the square matter, as in XOR. AND has a single 1.
# * [x] Yes: give each bit that is 1 one point, and ask for more than one and a half.
#
#   A threshold of a sum computes AND exactly. Some synergy is within reach of a sum: it is XOR that is not.
# * [ ] Only if the two scores are trained jointly.
#
#   Training does not matter here. Joint or apart, what counts is that the scores are added.
# ```
#
# ## Three models on one data set
#
# Now we use pixels. All the models below have the same encoders: for each image, a small network that ends in 64
# features. They differ in what happens afterwards.
#
# | model | how it is trained | how the modalities meet |
# |---|---|---|
# | **ensemble** | each encoder alone, with its own classifier | logits are averaged |
# | **joint, sum** | together, on one loss | logits are added |
# | **joint, concat** | together, on one loss | a hidden layer sees both feature vectors |

# %% [markdown]
# {numref}`fig-ensemble-and-joint` puts the first and the last row side by side.

# %% tags=["hide-input"] mystnb={"figure": {"caption": "An ensemble adds up what each input says alone; a joint model has a layer in which the inputs meet. Solid arrows lead from the inputs to the logits. Dashed arrows are gradients: in the ensemble each encoder learns from a loss of its own, in joint training both learn from one. In between lies the middle row, *joint, sum*: one loss, but a sum.", "name": "fig-ensemble-and-joint"}}
plots.mechanism("ensemble_and_joint")

# %%
CANDIDATES = {
    "ensemble": (methods.Ensemble, {}),
    "joint, sum": (methods.JointFusion, {"fusion": "sum"}),
    "joint, concat": (methods.JointFusion, {"fusion": "concat"}),
}


def train_on(splits, name, seed, progress=True):
    """Train a candidate on (train, val) and return it with its history."""
    cls, options = CANDIDATES[name]
    model = cls.for_data(splits[0], seed=seed, **options)
    history = fit(
        model, *splits[:2], epochs=epochs, lr=lr, seed=seed, device=device,
        progress=progress,
    )  # fmt: skip
    return model, history


# %% [markdown]
# We start with one run, to see that training behaves. The epoch with the lowest validation loss is kept.

# %% mystnb={"image": {"alt": "Two panels against the epoch. Left: training and validation loss of the joint model fall towards zero. Right: accuracy rises within a few epochs to nearly 1."}, "figure": {"caption": "Joint training with concatenation learns all four kinds: accuracy soon passes 0.81, which is what R, U1, U2 and guessing on S would give, and goes on to nearly 1. The dot marks the epoch that is kept.", "name": "fig-joint-curves"}}
joint, history = train_on((train, val, test), "joint, concat", seed)
figure = plots.training_curves(history)
plt.show()

# %% [markdown]
# A single run proves little, so we repeat it over several seeds. A seed changes everything that is random: which
# people's handwriting goes to training and which to the test, the pairs, the initial weights and the order of
# the samples.

# %%
rows = []
for s in progress(range(seed, seed + n_seeds), "seeds"):
    splits = load(s, n_classes=4)
    for name in CANDIDATES:
        model, _ = train_on(splits, name, s, progress=False)
        if name == "ensemble":  # comes first; its members serve all candidates
            alone = [model.member(m) for m in splits[0].modalities]
        metrics = evaluate(model, splits[2], unimodal=alone, device=device).metrics
        synergistic = splits[2][splits[2].composition == KINDS.index("S")]
        loss = evaluate(model, synergistic, device=device).metrics["cross_entropy"]
        rows.append({"model": name, "seed": s, **metrics, "cross_entropy_S": loss})
results = pd.DataFrame(rows)

# %% mystnb={"image": {"alt": "Clusters of four bars for the three models. Ensemble and joint sum: accuracy close to 1 on R, U1 and U2 and close to the dotted chance line at 0.25 on S. Joint concat: close to 1 on all four."}, "figure": {"caption": "Only the model with a hidden layer across both modalities learns S; on R, U1 and U2 all three are close to perfect. Bars show test accuracy by kind of sample, with the mean and 95 % interval over seeds. The dotted line is chance.", "name": "fig-accuracy-by-kind"}}
by_kind = results.rename(columns={f"accuracy_{kind}": kind for kind in KINDS})
ax = plots.interaction_bars(
    by_kind[["model", *KINDS]], by="model", ylabel="test accuracy"
)
ax.axhline(1 / 4, color="black", ls=":", lw=1.2)
_ = ax.set_ylim(0, 1.05)
plt.show()

# %% [markdown]
# The table gives the numbers behind the bars, as mean ± 95 % half-width over seeds (↑ higher is better, ↓ lower
# is better).


# %%
def summary(frame, columns):
    """Mean and 95 % half-width over seeds, one row per model."""
    by_model = frame.groupby("model", sort=False)[columns]
    table = by_model.agg(lambda v: plus_minus(v, 3)).rename(columns=in_words)
    return table.rename(columns={"cross_entropy_S": "cross-entropy on S (bits) ↓"})


summary(results, ["accuracy", "accuracy_S", "cross_entropy_S", "synergy_indicator"])

# %% [markdown]
# Read {numref}`fig-accuracy-by-kind` from left to right.
#
# - On **R, U1 and U2** all three models are close to perfect. If these were the only kinds of sample, averaging
#   would do. It has its charm, too: the modalities are trained apart, may come from different teams, and
#   if one is lost the other still stands.
# - On **S** the ensemble guesses, as {prf:ref}`thm-additive` demands: its cross-entropy is no
#   better than the 2 bits of a fair four-sided die. Its accuracy may lie a little above 1/4, because
#   the theorem bounds the loss and rules out being right on every pair; it does not rule out being lucky on some
#   ({ref}`ex-three-of-four`). Training the modalities *apart* is not to blame: "joint, sum" is
#   trained jointly and end to end, and it fares no better, because its last step is an addition.
# - **Joint training with a hidden layer across both** learns all four kinds.
#
# ```{quiz} Where do the modalities meet?
# :label: quiz-where-meet
#
# Four models of two images. Which one can learn the XOR of two bits?
#
# * [ ] Two networks whose probabilities are multiplied
#
#   The logarithm of a product is a sum of one term a modality.
# * [ ] Two encoders, trained jointly, with one linear layer on the two feature vectors
#
#   A linear layer adds what it makes of one vector to what it makes of the other: one score a modality.
# * [x] Two linear encoders, trained jointly, with a hidden layer on both feature vectors
#
#   The hidden layer is a function of both at once that is not a sum. The encoders need not be strong.
# * [ ] Two very deep encoders whose logits are averaged
#
#   (skill-helps) Depth within a modality does not help. The modalities meet in an average.
# ```
#
# ### The synergy indicator has a floor and a ceiling
#
# *Deeper: a measure that needs no knowledge of the truth; later chapters report it, so skip it on a first reading.*
#
# The last column of the table is the **synergy indicator** {cite:p}`yang2026`: the share of test samples that a
# model gets right although *both* unimodal models get them wrong. You can compute it on any data, because it needs
# no knowledge of the true interactions. One might expect it to be 0 for an ensemble.
# It is small but not exactly 0, since two models with different wrong first choices can agree on the right second
# choice. The indicator also has a floor that mere guessing reaches, as "joint, sum" shows, and it has a ceiling. The
# joint model is right on nearly all S samples, a quarter of the data. But the two unimodal models guess there, so
# both are wrong on only about $(3/4)^2$ of them.
#
# ```{quiz} Redundant labels
# :label: predict-redundant
# :predict:
#
# Now every label is redundant, and the right image is noisy. An ensemble of two networks competes with one network that
# is trained on both images. Which is more accurate?
#
# * [ ] The joint one: it can do all that the ensemble can.
#
#   (joint-is-better) It can, but its training does not find it: the sharp image leaves little to learn for the encoder
#   of the noisy one.
# * [x] The ensemble, clearly
#
#   Each member learns all that its image tells. The joint model stops listening to the noisy image when the sharp one
#   is right.
# * [ ] They are level, as nothing needs the pair.
#
#   Nothing needs the pair, but two witnesses are better than one, and only the ensemble hears out both.
# ```
#
# ## Is joint training simply better?
#
# So far, joint training wins on every count. It seems to do all that the ensemble does, and synergy as well.
# But look at data where every label is **redundant**. All ten digits occur, and the right image is
# obscured by pixel noise, so that one modality is stronger than the other. Nothing here calls for synergy.

# %%
rows = []
for s in progress(range(seed, seed + n_seeds), "seeds"):
    splits = load(
        s,
        n_train=n_train // 2,
        n_classes=10,
        cue=False,
        composition={"R": 1.0},
        noise={"right": 0.3},
    )
    for name in ("ensemble", "joint, concat"):
        model, _ = train_on(splits, name, s, progress=False)
        accuracy = evaluate(model, splits[2], device=device).metrics["accuracy"]
        rows.append({"model": name, "seed": s, "accuracy": accuracy})
redundant = pd.DataFrame(rows).pivot(
    index="seed", columns="model", values="accuracy"
)
gain = redundant["ensemble"] - redundant["joint, concat"]
print(f"ensemble minus joint: {plus_minus(gain, scale=100)} points")

# %% mystnb={"image": {"alt": "One line per seed joins the accuracy of the ensemble on the left with that of joint training on the right. The lines fall."}, "figure": {"caption": "On purely redundant labels with one noisy modality, the ensemble beats joint training on every seed. Each line is a seed: both models are trained and tested on the same data.", "name": "fig-redundant"}} tags=["hide-input"]
figure, ax = plt.subplots()
sns.lineplot(
    pd.DataFrame(rows), x="model", y="accuracy", units="seed", estimator=None,
    color=plots.color_of("R"), marker="o", lw=1.5, ax=ax,
)  # fmt: skip
_ = ax.set(xlim=(-0.3, 1.3), xlabel="", ylabel="test accuracy")
plt.show()

# %% [markdown]
# Here averaging wins, and by more than the interval ({numref}`fig-redundant`). The joint model contains everything
# that the ensemble contains, and more. But its loss is satisfied as soon as the *fused* prediction is right, and
# the sharp left image alone nearly achieves that. From then on, the right encoder gets little to learn from. The
# ensemble's right member never had a stronger partner to lean on. (The ensemble gains in a second way: two
# independent readers correct each other's errors.) Chapter 3 looks inside the joint model and takes
# this *modality competition* apart.
#
# So there are two opposite failures. Adding modalities up loses synergy, and training them
# jointly under-uses redundancy. This is the diagnosis of {cite:t}`yang2026`. Three methods address one
# failure or both, and later chapters build them. DI-MML trains the modalities apart but lets them talk
# ({cite:t}`fan2024`; chapter 7). DMIL splits each sample's information into R, U1, U2 and S ({cite:t}`yang2026`;
# chapter 8). I2MoE gives each interaction an expert of its own ({cite:t}`xin2025`; chapter 9).
#
# ```{quiz} Choose a model
# :label: quiz-choose-model
#
# A colleague has two modalities and a budget for one model. On which data would you advise an ensemble?
#
# * [x] Both modalities show the label, one of them poorly.
#
#   That is redundancy with unequal quality: joint training would waste the poor one.
# * [ ] The label is in neither, only in how they fit.
#
#   That is synergy of the XOR kind. No sum of scores learns it.
# * [ ] On none: an ensemble is what one uses when joint training does not run.
#
#   (joint-is-better) The last figure has a counterexample.
# ```
#
# ## What this chapter claims
#
# The cell below tests this chapter's claims against the numbers above.

# %%
mean = results.groupby("model").mean(numeric_only=True)
added = mean.loc[["ensemble", "joint, sum"]]
claim(
    (added["cross_entropy_S"] > 1.95).all() and (added["accuracy_S"] < 0.40).all(),
    "On S, additive models come within 0.05 bits of guessing, trained apart or together.",
)
claim(
    (added[["accuracy_R", "accuracy_U1", "accuracy_U2"]] > 0.95).all(axis=None),
    "On R, U1 and U2, they get more than 95 % right.",
)
claim(
    (mean.loc["joint, concat", [f"accuracy_{k}" for k in KINDS]] > 0.95).all(),
    "With a hidden layer across both, joint training learns S and keeps the rest.",
)
indicator = mean["synergy_indicator"]
claim(
    0 < indicator["ensemble"] < 0.01 < indicator["joint, sum"] < 0.04,
    "The synergy indicator of additive models is not 0; it is lowest for the ensemble.",
)
claim(
    abs(indicator["joint, concat"] - 9 / 64) < 0.02,
    "Joint training about reaches the indicator's ceiling, (3/4)² of the synergistic quarter.",
)
middle, half = mean_interval(gain)
claim(
    middle - half > 0,
    "On redundant labels with one noisy image, the ensemble wins by more than the interval.",
)

# %% tags=["headline", "remove-cell"]
headline = {
    "ensemble_accuracy_S": round(mean.loc["ensemble", "accuracy_S"], 3),
    "joint_accuracy_S": round(mean.loc["joint, concat", "accuracy_S"], 3),
    "joint_accuracy": round(mean.loc["joint, concat", "accuracy"], 3),
    "ensemble_minus_joint_on_redundant": round(float(gain.mean()), 3),
}
print(json.dumps(headline))

# %% [markdown]
# ## Takeaways
#
# - Information about a label is **redundant** if each modality has it, **unique** if only one has it, and
#   **synergistic** if only all of them together have it.
# - A model that adds one score per modality cannot learn synergy of the XOR kind. This holds for
#   averages of logits, for products of probabilities and for a jointly trained linear last layer, and skill does
#   not help. (A sum that is trained jointly can learn milder synergy, as in AND: see chapter 2.)
# - Modalities have to meet in a **non-additive** function. A single hidden layer is enough here.
# - Joint training learns synergy but can leave a weaker modality's redundant information unused; an
#   ensemble does the reverse. Which is better depends on the interactions in the data, and that is
#   why it pays to know them.
#
# ## Exercises
#
# ```{exercise} Three out of four
# :label: ex-three-of-four
#
# *Level 1 of 3 · 10 minutes · by hand*
#
# For XOR ($K = 2$), find an additive model that is right on three of the four pairs. Why does
# {prf:ref}`thm-additive` not forbid it? And why does training by cross-entropy not find it?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# With two classes only the difference of the two scores matters. Try $a + b$ minus a constant, and then compute its
# cross-entropy on all four pairs.
# ```
#
# ```{solution} ex-three-of-four
# :class: dropdown
#
# Let the score of class 1 minus that of class 0 be $a + b - \tfrac12$. It is $-\tfrac12$ for the pair
# $(0, 0)$, $\tfrac12$ for $(0, 1)$ and $(1, 0)$, and $\tfrac32$ for $(1, 1)$: the first three are
# right. Part 1 only forbids being right on *all* pairs. Part 2 is about the loss, and this model pays
# for the last pair with a confident error. Its cross-entropy is
# $\tfrac14(3 \log(1 + e^{-1/2}) + \log(1 + e^{3/2})) \approx 0.78 > \log 2 \approx 0.69$ nats.
# Scaling the scores does not help: the best scale is 0. If you choose by accuracy, you prefer this model. If you
# choose by cross-entropy, you prefer a model that admits it does not know.
# ```
#
# ```{exercise} Other averages
# :label: ex-other-averages
#
# *Level 2 of 3 · 15 minutes · by hand*
#
# Ensembles may also average *probabilities*, or let each model cast one vote for its favourite class.
# Which parts of {prf:ref}`thm-additive` still apply?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# The proof of part 1 uses only that the winner has the largest *sum of one term per modality*. For part 2, ask
# which function of the averaged quantity has to be convex.
# ```
#
# ```{solution} ex-other-averages
# :class: dropdown
#
# Part 1 applies to both: the winner is the class with the largest sum of one term per modality,
# whether the terms are logits, probabilities or votes. Part 2 was stated for the softmax of a sum. For
# averaged probabilities the argument carries over: $-\log$ is convex in the probabilities too, so the
# average over shifts is at least as good, and it is uniform. For votes of 0 and 1 the loss is infinite as
# soon as nobody votes for the true class, so look at accuracy instead. With ties broken by a fair draw it is
# *exactly* $1/K$, because each single vote is right with probability $1/K$.
# ```
#
# ```{exercise} Without the cue
# :label: ex-without-cue
#
# *Level 2 of 3 · 15 minutes · by training*
#
# Load the data with `cue=False`. Now nobody knows which rule applies. (a) From `label_table()`,
# compute the best accuracy that any model of both images can have. (b) Train the joint model and
# compare.
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# `train.label_table()` is the array $p(a, b, y)$, with the label on the last axis. Which label would you predict for
# a given pair $(a, b)$, and how often would you be right?
# ```
#
# ```{solution-start} ex-without-cue
# :class: dropdown
# ```
#
# The best prediction for a pair of symbols is its most frequent label. The best accuracy is therefore the sum
# of $\max_y p(a, b, y)$ over all pairs.

# %% tags=["solution"]
from mmfuse_lib.course import check

splits = load(seed, n_classes=4, cue=False)
best = splits[0].label_table().max(axis=-1).sum()
model, _ = train_on(splits, "joint, concat", seed)
reached = evaluate(model, splits[2], device=device).metrics["accuracy"]
print(f"best possible {best:.3f}, joint model {reached:.3f}")
assert check("ex-without-cue", best)

# %% [markdown]
# The model comes close to the bound. What is missing probably comes from misread digits, and from overfitting to labels
# that look random. Without the cue even the best model errs on every third sample: the *mixture* of rules has
# become noise.
#
# ```{solution-end}
# ```
#
# ```{exercise} Harder synergy
# :label: ex-harder-synergy
#
# *Level 3 of 3 · 40 minutes · by training*
#
# Raise $K$ to 10 and train the joint model with each of the four fusions `"concat"`, `"film"`,
# `"gated"` and `"sum"`. Use two budgets: the chapter's number of epochs and three times as many. Which kind
# of sample is learned last, and does it matter where the modalities meet?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Loop over `methods.JointFusion.for_data(train, fusion=name, seed=s)` and read `accuracy_S` from
# `evaluate(model, test).metrics`. How many samples does each of the hundred pairs $(a, b)$ get?
# ```
#
# ```{solution} ex-harder-synergy
# :class: dropdown
#
# All fusions learn R, U1 and U2 first and S last, because $(a + b) \bmod 10$ has a hundred cases to tell apart, and
# each of them occurs in only a quarter of a hundredth of the samples. We ran it for seeds 0, 1 and 2. The table shows
# the mean accuracy on S over the three seeds, with the lowest and the highest in brackets (higher is better; chance
# is 0.10).
#
# | fusion | after 10 epochs | after 30 epochs |
# |---|---|---|
# | `"film"` | 0.54 (0.47 to 0.57) | 0.86 (0.85 to 0.87) |
# | `"concat"` | 0.31 (0.24 to 0.38) | 0.80 (0.77 to 0.85) |
# | `"gated"` | 0.16 (0.12 to 0.21) | 0.65 (0.56 to 0.70) |
# | `"sum"` | 0.11 (0.09 to 0.13) | 0.11 (0.09 to 0.13) |
#
# On R, U1 and U2 every run was above 0.88 after 10 epochs and above 0.95 after 30, so the longer budget helps S most.
# The sum stays at chance on S, whatever the budget.
#
# *Where* the modalities meet decides whether synergy can be learned; *how* they meet decides how fast.
# ```
#
# ## Further reading
#
# - {cite:t}`liang2023` estimate the four interactions on real data sets and relate them to
#   the choice of model.
# - {cite:t}`wang2020` show that jointly trained networks may lose to unimodal ones: read it for the evidence on large
#   models.
# - {cite:t}`huang2022` analyse why joint training can miss a modality, for a class of networks small enough for
#   proofs.
# - {cite:t}`alpaydin1998` describe the handwritten digits that all our pairs are made of.
