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
# Two people each look at one photograph. Each is good at what they do: shown a digit, they name it.
# Now you ask them a question about *both* photographs, let each of them give every answer points for how
# likely they think it is, and add up the points. On three kinds of question this works perfectly. On a
# fourth kind it is no better than rolling a die, **however good the two people are**. Which kind is it,
# and why can no amount of skill help?
#
# ```{admonition} After this chapter you can
# :class: tip
# - say what it means for information about a label to be *redundant* (R), *unique* to one modality
#   (U1, U2) or *synergistic* (S);
# - prove that no model that adds up one score per modality can learn synergy, and see a trained
#   ensemble obey the proof;
# - train an ensemble and a joint model on data whose interactions are known, and compare them
#   interaction by interaction, with intervals over seeds;
# - give one reason why joint training is nevertheless not simply better.
#
# **Needs:** probability and a little PyTorch. **Takes:** half an hour to read, under a minute to run on
# two CPU cores; nothing is downloaded. The models are too small for a GPU to help.
# ```

# %% tags=["parameters"]
seed = 0
n_seeds = 5
epochs = 10
lr = 2e-3
n_train = 4_000
device = "auto"

# %%
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

plots.use_style()
claim = Claims(globals(), seed=0, n_seeds=5, epochs=10, lr=2e-3, n_train=4_000)
KINDS = list(data.INTERACTIONS)

# %% [markdown]
# ## One label, four ways to know it
#
# We need data that is real enough to need learning and simple enough to know the truth. The data
# set `digit_pairs` shows two real handwritten digits, *left* and *right*, taken from
# {cite:t}`alpaydin1998`. Behind the images are two symbols $a$ and $b$, and the label $y$ is
# made by one of four rules, drawn anew for every sample:
#
# | kind | rule | who knows the label? |
# |---|---|---|
# | **R**, redundant | $a = b = y$ | either image alone |
# | **U1**, unique to left | $a = y$, and $b$ is random | only the left image |
# | **U2**, unique to right | $b = y$, and $a$ is random | only the right image |
# | **S**, synergistic | $a$, $b$ random, $y = (a + b) \bmod K$ | neither alone, both together |
#
# With $K = 2$ the last rule is the famous XOR. Two extra pixel rows under both images carry a
# *cue*: one of four blocks lights up and says which rule applies. So a model that sees both images
# could, in principle, be right every time.


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
# ## What a sum of votes can say
#
# The simplest way to combine two modalities is to train one model on each and to average their
# logits. That is an **ensemble**. Averages with fixed weights, products of probabilities and sums of
# any learned scores belong to the same family:
#
# ```{prf:definition} Additive model
# :label: def-additive
#
# A model of two modalities is *additive* if its score for class $y$ is
# $s_y(x_1, x_2) = f_y(x_1) + g_y(x_2)$, with any functions $f_y$ and $g_y$. It predicts a class with
# the largest score; its probabilities are the softmax of the scores.
# ```
#
# Nothing is said about how clever $f$ and $g$ are. They may be huge networks, trained apart or
# together. Still:
#
# ```{prf:theorem} Addition cannot learn a sum of symbols
# :label: thm-additive
#
# Let $a$ and $b$ be independent and uniform on $\{0, \dots, K-1\}$, $K \ge 2$, and
# $y = (a + b) \bmod K$.
#
# 1. No additive model gives the true label strictly the largest score on all $K^2$ pairs.
# 2. No additive model has an expected cross-entropy below $\log K$, which is what guessing gives.
# ```
#
# ````{prf:proof}
# All sums of symbols are modulo $K$, and $\log$ is the natural logarithm. *Part 1.* Suppose that on every pair the true label wins, in
# particular against the class next to it:
# $f_{a+b}(a) + g_{a+b}(b) > f_{a+b+1}(a) + g_{a+b+1}(b)$. Add these inequalities over all pairs. As
# $b$ runs through all symbols, $a + b$ runs through all classes, and so does $a + b + 1$. The sums
# of the $f$ terms on the two sides are therefore the same, $\sum_a \sum_y f_y(a)$, and likewise for
# $g$. So some number is strictly larger than itself.
#
# *Part 2.* Cross-entropy is a convex function of the scores: the loss of an average of two score functions
# is at most the average of their losses. Shifting the symbols, $a \to a + s$
# and $b \to b + t$, and with them the label, $y \to y + s + t$, leaves the distribution of the data
# as it is. So if $(f, g)$ has loss $L$, each shifted copy has loss $L$ as well, and by convexity
# their average over all $(s, t)$ has loss at most $L$. But in that average
# $\bar f_y(a) = K^{-2} \sum_{s,t} f_{y+s+t}(a+s)$ does not depend on $y$, because the sum over $t$
# runs through all classes; neither does $\bar g_y(b)$. A score that is the same for all classes
# gives each the probability $1/K$ and has the loss $\log K$. Hence $L \ge \log K$. $\square$
# ````
#
# Images instead of symbols change nothing, as each image here depends on its own digit only. For part 1,
# pick one image per digit. For part 2, if $f$ varies among the images of one digit, replacing it by its
# mean over them can only lower the loss, again by convexity, and leaves a function of the symbol. Nor
# does a cue that both modalities see: given the cue, the model is still a sum.
#
# The proof can be watched. We hand the *symbols* themselves, not even images of them, to a logistic
# regression: once as two one-hot codes (an additive model, as its score is one term for $a$ plus one
# for $b$), once with a code for the pair.

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
# The additive model answers $1/K$ everywhere: told everything, it still guesses. (The other one would
# reach 1, but scikit-learn's regularisation keeps it modest.) This is the sense of the chapter's title. *Fusion* earns its name only where modalities meet inside a non-additive
# function; {prf:ref}`thm-additive` says that without such a meeting there is no synergy of this kind
# to be had.
#
# ## Three models, one data set
#
# Now with pixels. All models below have the same encoders: per image a small network that ends in 64
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
# One run first, to see that training behaves. The validation loss picks the epoch that is kept.

# %% mystnb={"image": {"alt": "Two panels against the epoch. Left: training and validation loss of the joint model fall towards zero. Right: accuracy rises within a few epochs to nearly 1."}, "figure": {"caption": "Joint training with concatenation. Accuracy passes 0.81, which is what R, U1, U2 and guessing on S would give, and goes on to nearly 1. The dot marks the epoch that is kept.", "name": "fig-joint-curves"}}
joint, history = train_on((train, val, test), "joint, concat", seed)
figure = plots.training_curves(history)
plt.show()

# %% [markdown]
# A single run proves little. We repeat it over seeds. A seed changes everything that is random: which
# handwritings go to training and which to the test, the pairs, the initial weights and the order of
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

# %% mystnb={"image": {"alt": "Clusters of four bars for the three models. Ensemble and joint sum: accuracy close to 1 on R, U1 and U2 and close to the dotted chance line at 0.25 on S. Joint concat: close to 1 on all four."}, "figure": {"caption": "Test accuracy by kind of sample, mean and 95 % interval over seeds. The dotted line is chance.", "name": "fig-accuracy-by-kind"}}
by_kind = results.rename(columns={f"accuracy_{kind}": kind for kind in KINDS})
ax = plots.interaction_bars(
    by_kind[["model", *KINDS]], by="model", ylabel="test accuracy"
)
ax.axhline(1 / 4, color="black", ls=":", lw=1.2)
_ = ax.set_ylim(0, 1.05)
plt.show()


# %%
def summary(frame, columns):
    """Mean and 95 % half-width over seeds, one row per model."""
    by_model = frame.groupby("model", sort=False)[columns]
    return by_model.agg(lambda v: plus_minus(v, 3))


summary(results, ["accuracy", "accuracy_S", "cross_entropy_S", "synergy_indicator"])

# %% [markdown]
# Read {numref}`fig-accuracy-by-kind` from left to right.
#
# - On **R, U1 and U2** all three models are close to perfect. If that were all there is, averaging
#   would do, and it has charm: the modalities are trained apart, may come from different teams, and
#   if one is lost the other still stands.
# - On **S** the ensemble guesses, as {prf:ref}`thm-additive` demands: its cross-entropy is no
#   better than the 2 bits of a fair four-sided die. Its accuracy may sit a little above 1/4, because
#   the theorem bounds the loss and rules out being right everywhere, not being lucky on some pairs
#   ({ref}`ex-three-of-four`). It is not a matter of training the modalities *apart*: "joint, sum" is
#   trained jointly and end to end, and fares no better, because its last step is an addition.
# - **Joint training with a hidden layer across both** learns all four kinds.
#
# The last column is the **synergy indicator** {cite:p}`yang2026`: the share of test samples that a
# model gets right although *both* unimodal models get them wrong. It needs no knowledge of the true
# interactions, so it can be computed on any data. One might expect it to be 0 for an ensemble.
# It is small but not exactly 0: two wrong first choices can agree on a right second choice. So the
# indicator has a floor that guessing reaches, as "joint, sum" shows. It has a ceiling, too: the joint
# model is right on nearly all S samples, a quarter of the data, but of these the two unimodal models
# are both wrong only on a share of about $(3/4)^2$, as they guess.
#
# ## Is joint training simply better?
#
# So far, joint training dominates. It seems to do all that the ensemble does, and synergy on top.
# But look at data where every label is **redundant**, all ten digits are used, and the right image is
# obscured by pixel noise, so that one modality is stronger than the other. Nothing here asks for synergy.

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

# %% mystnb={"image": {"alt": "One line per seed joins the accuracy of the ensemble on the left with that of joint training on the right. The lines fall."}, "figure": {"caption": "Purely redundant labels, one noisy modality: each line is a seed, trained and tested on the same data.", "name": "fig-redundant"}} tags=["hide-input"]
figure, ax = plt.subplots(figsize=(4.8, 3.4))
sns.lineplot(
    pd.DataFrame(rows), x="model", y="accuracy", units="seed", estimator=None,
    color=plots.color_of("R"), marker="o", lw=1.5, ax=ax,
)  # fmt: skip
_ = ax.set(xlim=(-0.3, 1.3), xlabel="", ylabel="test accuracy, redundant labels")
plt.show()

# %% [markdown]
# Here averaging wins on average and beyond the interval ({numref}`fig-redundant`). The joint model has all
# that the ensemble has, and more. But its loss is satisfied as soon as the *fused* prediction is right, and
# the sharp left image alone nearly achieves that. From then on, little teaches the right encoder; the
# ensemble's right member never had a stronger partner to lean on. (That two independent readers correct
# each other's errors helps the ensemble as well.) Chapter 3 looks inside the joint model and takes
# this *modality competition* apart.
#
# So there are two failures, and they are opposite: adding modalities up loses synergy, and training them
# jointly under-uses redundancy. This is the diagnosis of {cite:t}`yang2026`. Three methods address one
# failure or both, and later chapters build them: DI-MML trains the modalities apart but lets them talk
# {cite:p}`fan2024`, DMIL splits each sample's information into R, U1, U2 and S {cite:p}`yang2026`, and
# I2MoE gives each interaction an expert of its own {cite:p}`xin2025`.
#
# ## Check
#
# The cell below checks what this chapter claims, on the numbers above.

# %%
mean = results.groupby("model").mean(numeric_only=True)
added = mean.loc[["ensemble", "joint, sum"]]
claim(
    (added["cross_entropy_S"] > 1.95).all() and (added["accuracy_S"] < 0.40).all(),
    "On S additive models are within 0.05 bits of guessing, trained apart or together.",
)
claim(
    (added[["accuracy_R", "accuracy_U1", "accuracy_U2"]] > 0.95).all(axis=None),
    "On R, U1 and U2 they get more than 95 % right.",
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
    "Joint training reaches about its ceiling, (3/4)² of the synergistic quarter.",
)
middle, half = mean_interval(gain)
claim(
    middle - half > 0,
    "On redundant labels, one image noisy, the ensemble wins beyond the interval.",
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
# - Information about a label is **redundant** if each modality has it, **unique** if one has it,
#   **synergistic** if only all together have it.
# - A model that adds one score per modality cannot learn synergy of the kind of XOR. This holds for
#   averages of logits, products of probabilities and a jointly trained linear last layer; skill does
#   not help. (Milder synergy, as in AND, is within reach of a sum that is trained jointly: chapter 2.)
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
# For XOR ($K = 2$), give an additive model that is right on three of the four pairs. Why does
# {prf:ref}`thm-additive` not forbid it? And why does training by cross-entropy not find it?
# ```
#
# ```{solution} ex-three-of-four
# :class: dropdown
#
# Let the score of class 1 minus that of class 0 be $a + b - \tfrac12$. It is $-\tfrac12$ for the pair
# $(0, 0)$, $\tfrac12$ for $(0, 1)$ and $(1, 0)$, and $\tfrac32$ for $(1, 1)$: the first three are
# right. Part 1 forbids being right on *all* pairs only. Part 2 is about the loss, and this model pays
# for the last pair with a confident error; its cross-entropy is
# $\tfrac14(3 \log(1 + e^{-1/2}) + \log(1 + e^{3/2})) \approx 0.78 > \log 2 \approx 0.69$ nats.
# Scaling the scores does not help: the best scale is 0. Choosing by accuracy would prefer this model;
# choosing by cross-entropy prefers to admit that one does not know.
# ```
#
# ```{exercise} Other averages
# :label: ex-other-averages
#
# Ensembles may also average *probabilities*, or let each model cast one vote for its favourite class.
# Which parts of {prf:ref}`thm-additive` still apply?
# ```
#
# ```{solution} ex-other-averages
# :class: dropdown
#
# Part 1 applies to both: the winner is the class with the largest sum of one term per modality,
# whether the terms are logits, probabilities or votes. Part 2 was stated for the softmax of a sum. For
# averaged probabilities the argument carries over: $-\log$ is convex in the probabilities too, so the
# average over shifts is at least as good, and it is uniform. For votes of 0 and 1 the loss is infinite as
# soon as nobody votes for the true class, so look at accuracy: with ties drawn fairly it is *exactly*
# $1/K$, because each single vote is right with probability $1/K$.
# ```
#
# ```{exercise} Without the cue
# :label: ex-without-cue
#
# Load the data with `cue=False`. Now nobody knows which rule applies. (a) From `label_table()`,
# compute the best accuracy that any model of both images can have. (b) Train the joint model and
# compare.
# ```
#
# ```{solution-start} ex-without-cue
# :class: dropdown
# ```
#
# The best prediction for a pair of symbols is its most frequent label, so the best accuracy is the sum
# over pairs of $\max_y p(a, b, y)$.

# %% tags=["solution"]
splits = load(seed, n_classes=4, cue=False)
best = splits[0].label_table().max(axis=-1).sum()
model, _ = train_on(splits, "joint, concat", seed)
reached = evaluate(model, splits[2], device=device).metrics["accuracy"]
print(f"best possible {best:.3f}, joint model {reached:.3f}")

# %% [markdown]
# The model comes close to the bound; what is missing is probably misread digits and overfitting to labels
# that look random. Without the cue even
# the best model errs on every third sample: the *mixture* of rules has become noise.
#
# ```{solution-end}
# ```
#
# ```{exercise} Harder synergy
# :label: ex-harder-synergy
#
# Raise $K$ to 10 and train the joint model with each of the four fusions `"concat"`, `"film"`,
# `"gated"` and `"sum"` and with two budgets, the chapter's and three times as many epochs. Which kind
# of sample is learned last, and does it matter where the modalities meet?
# ```
#
# ```{solution} ex-harder-synergy
# :class: dropdown
#
# A loop over `methods.JointFusion.for_data(train, fusion=name)` does it. R, U1 and U2 are learned first by
# all fusions and S last, because $(a + b) \bmod 10$ has a hundred cases to be told apart, each seen in a
# quarter of a hundredth of the samples. The longer budget helps S most, the fusions differ in speed, and "sum"
# stays at chance on S whatever the budget. One run with seed 0 gave on S, after 10 and after 30 epochs, 0.24 and
# 0.77 for "concat", 0.47 and 0.85 for "film", 0.21 and 0.69 for "gated", and 0.11 twice for "sum"; on R, U1 and U2 all
# were above 0.94 from the start. *Where* the modalities meet decides whether synergy can be learned, *how* they meet decides how fast.
# ```
#
# ## Further reading
#
# {cite:t}`liang2023` estimate the four interactions on real data sets and relate them to
# the choice of model. That jointly trained networks may lose to unimodal ones was shown by
# {cite:t}`wang2020`, and {cite:t}`huang2022` analyse why. The images are those of
# {cite:t}`alpaydin1998`.
