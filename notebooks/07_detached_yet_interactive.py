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
# # Detached, yet interactive
#
# Chapter 3 ended with a diagnosis: in joint training all encoders hear one error signal, and it falls
# silent as soon as one of them is right. The cure seems obvious. Train the encoders apart, each on its
# own error, and there is nothing left to compete for. But then the modalities never meet, and a model
# whose parts never meet is an ensemble. Can they be kept apart where they compete and brought together
# where they help?
#
# DI-MML {cite:p}`fan2024` says yes. It gives every modality its own error, puts all features into one
# space, and opens a narrow one-way lane on which one modality teaches another what the other is bad at.
# This chapter builds the method, takes it apart again, and asks which parts earn their keep on our data.
# For fewer of them than one would hope, the data can show it.
#
# ```{admonition} After this chapter you can
# :class: tip
# - prove that detached training ends competition, and check it on a gradient;
# - say why one classifier shared by all modalities gives their features a common space;
# - tell which single dimensions of a feature vector know the classes, without computing a distance;
# - derive what the contrastive term DUC moves, and see it move;
# - weigh heads by their certainty, and bound what that can change;
# - prove that such a model is deaf to synergy, and say what a richer fusion head would change.
#
# **Needs:** chapter 1 (its theorem) and chapter 3. **Takes:** {{ essential }} minutes for the essential
# path, {{ reading }} for everything; 60 seconds to run on a CPU; nothing is downloaded. The models are too
# small for a GPU to help.
# ```

# %% tags=["parameters", "hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
seed = 0
n_seeds = 5
epochs = 15
lr = 2e-3
n_train = 1_600
dim = 64
noise = 0.4
n_mixed = 2_500  # training samples of the task with all four interactions
device = "auto"

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
import json
import warnings
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch
from scipy.stats import ttest_1samp

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
    results,
    study,
)
from mmfuse_lib.evaluation import in_words
from mmfuse_lib.fusion import ConcatFusion
from mmfuse_lib.methods.dimml import (
    certainty_weights,
    class_means,
    dimension_rates,
    duc_loss,
    nearest_intervals,
)
from mmfuse_lib.plots import GREY, INK, TEAL, VIOLET

plots.use_style()
claim = Claims(
    globals(), seed=0, n_seeds=5, epochs=15, lr=2e-3, n_train=1_600, dim=64,
    noise=0.4, n_mixed=2_500,
)  # fmt: skip
SEEDS = range(seed, seed + n_seeds)


# %% [markdown]
# ## Separate errors end the competition
#
# We return to the task on which competition was clearest: both images show the digit $y$, the right one
# through strong noise.


# %%
def load(seed):
    """Load redundant digit pairs whose right image is noisy."""
    return data.load(
        "digit_pairs", seed=seed, n_train=n_train, n_val=500, n_test=2_000, n_classes=10,
        cue=False, composition={"R": 1.0}, noise={"right": noise},
    )  # fmt: skip


# %% [markdown]
# Let $z_m = e_m(x_m)$ be the features of modality $m$, and give each modality a linear classifier of its
# own, $\mathrm{head}_m$. The **detached** objective is the sum of their losses, plus a second term with
# weight $\lambda_*$ for one more classifier, $\mathrm{head}_*$, which the next section explains:
#
# $$
# \begin{aligned}
# L_{\text{detached}} = &\sum_m \mathrm{CE}\big(\mathrm{head}_m(z_m), y\big)\\
# &+ \lambda_* \sum_m \mathrm{CE}\big(\mathrm{head}_*(z_m), y\big).
# \end{aligned}
# $$ (eq-detached)
#
# ```{prf:proposition} Nothing is shared but the classifier
# :label: prop-detached
#
# The gradient of {eq}`eq-detached` with respect to the parameters of encoder $m$ is a function of
# $x_m$, $y$ and the parameters of $e_m$, $\mathrm{head}_m$ and $\mathrm{head}_*$ alone: no other
# modality's features occur in it. If $\lambda_* = 0$ and the optimiser treats each parameter by itself, as
# SGD and Adam do, the encoders are those of an ensemble: encoder $m$ takes exactly the steps it would take
# if it were trained alone on the same batches.
# ```
#
# ```{prf:proof}
# The parameters of $e_m$ occur only in the two terms with index $m$, and these contain no other
# modality's features. With $\lambda_*=0$ the loss is a sum of functions that have no parameter in common,
# so the gradient splits into blocks, each of which is the gradient of one modality's loss. $\square$
# ```
#
# Compare this with the *shared residual* $p - \mathbf 1_y$ of joint training, in which the features of
# every modality occur. A proof is good, and a look is better: black out the left image and see by how much
# the gradient of the *right* encoder changes.


# %%
def gradient(model, loss, batch):
    """Return the gradient of a loss term with respect to the right encoder, as one vector."""
    parameters = list(model.encoders["right"].parameters())
    found = torch.autograd.grad(loss(batch)["total"], parameters)
    return torch.cat([g.flatten() for g in found])


batch = load(seed)[0][:256]
dark = data.from_arrays(
    {**batch.inputs, "left": 0 * batch.inputs["left"]},
    batch.target,
    class_names=batch.class_names,
)
joint = methods.JointFusion.for_data(batch, dim=dim, seed=seed)
detached = methods.DIMML.for_data(batch, dim=dim, seed=seed)
change = {}
for name, model, loss in (
    ("joint", joint, joint.task_terms),
    ("detached", detached, detached.detached_terms),
):
    g = gradient(model, loss, batch)
    change[name] = float((gradient(model, loss, dark) - g).norm() / g.norm())
    print(
        f"{name:<9} right encoder's gradient changes by {100 * change[name]:.0f} %"
    )

# %% [markdown]
# ```{quiz} Dot products
# :label: quiz-common-space
#
# Two encoders were trained apart, each with its own head. You compute the dot product of an image's feature and a
# sound's. What does it mean?
#
# * [x] Nothing: their coordinates have nothing to do with each other.
#
#   Rotate the features of one modality and its head, and the model is the same, but the product is another.
# * [ ] How much the two know in common
#
#   (detached-independent) They may know a lot in common and still say it in different coordinates.
# * [ ] How similar image and sound are for the task
#
#   (same-length-same-space) Only if something ties the coordinates of both together, as a shared head does.
# ```
#
# ## One shared head gives a common space
#
# The second term of {eq}`eq-detached` sends every modality's features through **the same** linear
# classifier, $\mathrm{head}_*$. Within a step it does not couple the encoders, as the proposition says.
# But over the course of training it does something else: it makes the features comparable.
#
# The logit of a class is the dot product of $z_m$ with one row of the classifier's weights (plus a
# constant), and this row is the *same* for all modalities. If the features of modality 1 are to speak for
# the class, they have to point along that row, and so do those of modality 2. With separate classifiers
# each modality is free to choose its own directions: a rotation of its features, $z_m \mapsto Q z_m$, can
# be undone by its classifier, $W_m \mapsto W_m Q^\top$, at no cost. With a shared classifier, rotating one
# modality alone has a cost. That is what "a common space" means here: not that the features are equal, but
# that *evidence for a class lies in the same direction*.
#
# We train the method with and without the shared head (both without the contrastive term, which comes
# later) and compare the mean features of each class across modalities.


# %%
def train(model, splits, seed, progress=False):
    """Train a model in place; return it."""
    fit(
        model, *splits[:2], epochs=epochs, lr=lr, seed=seed, device=device,
        progress=progress,
    )  # fmt: skip
    return model


def dimml(splits, seed, progress=False, **options):
    """Train DI-MML."""
    model = methods.DIMML.for_data(splits[0], dim=dim, seed=seed, **options)
    return train(model, splits, seed, progress)


@torch.no_grad()
def features(model, samples):
    """Return the features of each modality, by name."""
    return dict(zip(samples.modalities, model.encode(samples.inputs), strict=True))


def alignment(model, samples):
    """Return cosines between the classes' mean features, left (rows) against right (columns)."""
    means = []
    for z in features(model, samples).values():
        mean = class_means(lambda z=z: [(z, samples.target)], 10)
        mean = mean - mean.mean(dim=0)
        means.append(mean / mean.norm(dim=1, keepdim=True))
    return means[0] @ means[1].T


splits = load(seed)
shared_weights = {"own heads only": 0.0, "with a shared head": 1.0}
heads = {
    name: dimml(splits, seed, shared_weight=w, duc_weight=0.0)
    for name, w in progress(shared_weights.items(), "heads")
}
cosines = {name: alignment(model, splits[2]) for name, model in heads.items()}
for name, c in cosines.items():
    print(f"{name:<19} mean cosine of the same class: {c.diagonal().mean():.2f}")

# %% mystnb={"image": {"alt": "Two heat maps of ten by ten cosines between class means of left and right features. With own heads only there is no pattern. With a shared head the diagonal is strongly positive; off it, weaker values of both signs."}, "figure": {"caption": "Only with a shared head do both modalities mean the same by a direction. Each square is the cosine between the mean features of two classes, left modality (rows) against right (columns).", "name": "fig-common-space"}} tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(6.4, 3.1))
for ax, (name, c) in zip(axes, cosines.items(), strict=True):
    sns.heatmap(c, vmin=-1, vmax=1, cmap="PuOr", square=True, cbar=False, ax=ax,
                xticklabels=3, yticklabels=3)  # fmt: skip
    ax.tick_params(axis="y", rotation=0)
    _ = ax.set(title=name, xlabel="class, right")
axes[0].set_ylabel("class, left")
_ = figure.colorbar(axes[0].collections[0], ax=axes, label="cosine", shrink=0.85)
plt.show()

# %% [markdown]
# ## Which dimensions know the classes?
#
# Now that dimension $j$ means the same in both modalities, we can ask which modality is better at it.
# DI-MML's test for a single number is as simple as can be. On the training set, take the mean $\mu_{mk}$
# of modality $m$'s features for each class $k$. Dimension $j$ is *right* on sample $i$ if, judged by this
# one number, the nearest class mean is that of the true class:
#
# $$
# \operatorname*{arg\,min}_k\, \big|z_{m,ij} - \mu_{mk,j}\big| = y_i .
# $$ (eq-right)
#
# Its **rate** $a_{mj}$ is the share of samples on which it is right. The **effective dimensions**
# $E_m$ of a modality are those whose rate is above the modality's mean rate.
#
# ### Intervals find the nearest mean without distances
#
# *Deeper: how the library computes the rates quickly; nothing later depends on it.*
#
# Taken literally, {eq}`eq-right` asks for a distance from every sample to every class mean in every
# dimension. But on a line, the numbers closest to a point form an interval that ends half-way to its
# neighbours ({numref}`fig-intervals`). So compute the intervals of each dimension once, from the sorted
# means. A sample is right if it lies in the interval of its own class. That takes two comparisons, however
# many classes there are, and there is never more in memory than a batch. The function `dimension_rates`
# works this way and gives the same answer as {eq}`eq-right`, ties included.

# %%
z_left = features(heads["with a shared head"], splits[0])["left"]
y = splits[0].target
rates, effective = dimension_rates(lambda: [(z_left, y)], 10)
literal = (
    (z_left[:, None] - class_means(lambda: [(z_left, y)], 10)).abs().argmin(dim=1)
)
literal = (literal == y[:, None]).float().mean(dim=0)
print(
    "largest difference from the definition:", float((rates - literal).abs().max())
)
print(
    f"rates from {rates.min():.2f} to {rates.max():.2f}, mean {rates.mean():.2f};"
)
print(f"{int(effective.sum())} of {len(rates)} dimensions are effective")

# %% mystnb={"image": {"alt": "The values of one feature dimension, one row of dots per digit class. A vertical tick marks each class mean, a shaded band the interval in which that class is the nearest. Some classes have many dots inside their band, others, whose band is narrow, few."}, "figure": {"caption": "By one number alone, each class mean is the nearest within an interval (shaded) around it (tick). The dots are the values of the best dimension of the left modality, one row per class; the rate is the share of dots inside the band of their own row.", "name": "fig-intervals"}} tags=["hide-input"]
j = int(rates.argmax())
value = z_left[:, j].numpy()
mu = class_means(lambda: [(z_left, y)], 10)
ends = [
    end[:, j].numpy().clip(value.min(), value.max())
    for end in nearest_intervals(mu)
]
row = y.numpy() + np.random.default_rng(seed).uniform(-0.3, 0.3, len(y))
figure, ax = plt.subplots(figsize=(6.4, 3.8))
ax.use_sticky_edges = False
ax.barh(range(10), ends[1] - ends[0], 0.84, left=ends[0], color=TEAL, alpha=0.25)
ax.vlines(mu[:, j], np.arange(10) - 0.42, np.arange(10) + 0.42, color=TEAL, lw=2.5)
sns.scatterplot(x=value, y=row, color=INK, s=5, lw=0, alpha=0.5, ax=ax)
ax.grid(visible=False, axis="y")
_ = ax.set(xlabel=f"value of dimension {j}", ylabel="class", yticks=range(0, 10, 3))
plt.show()

# %% [markdown]
# ## A one-way lane from strong to weak
#
# ```{quiz} Who teaches whom?
# :label: predict-lane
# :predict:
#
# In dimension 7 the left modality separates the classes well and the right one poorly; in dimension 9 it is the other
# way round. What should a one-way lane do?
#
# * [ ] The better modality teaches in both dimensions.
#
#   Overall strength hides that the weaker modality may be the better one in a single dimension.
# * [x] Left teaches in 7, right teaches in 9.
#
#   The lane is open in a dimension only from strong to weak. Elsewhere nothing is pulled.
# * [ ] Both pull towards their mean in both dimensions.
#
#   Then the strong one would be pulled towards what the weak one says.
# ```
#
# Let modality $t$ be the teacher and $s$ the student. What could the student learn? Nothing that it
# already does well, and nothing that the teacher does badly. That leaves the dimensions
#
# $$
# \mathcal T = E_t \setminus E_s .
# $$
#
# On these dimensions, and only on these, the student is asked to recognise its own sample among the
# teacher's. Take a batch of $B$ samples with features $z_{s,i}$ and $z_{t,k}$, and a temperature $\tau$.
# With probability $p_{ik}$ the student takes its sample $i$ for the teacher's sample $k$:
#
# $$
# \begin{aligned}
# p_{ik} &= \operatorname{softmax}_k\big( z_{s,i}^{\mathcal T} \cdot \mathrm{sg}[z_{t,k}^{\mathcal T}] / \tau \big),\\
# L_{\text{DUC}} &= -\frac 1B \sum_i \log p_{ii},
# \end{aligned}
# $$ (eq-duc)
#
# where $\mathrm{sg}$ stops the gradient. This is DUC, *dimension-decoupled unidirectional contrast*. It
# is added for every ordered pair of modalities. With two modalities each is the student once, and the two
# lanes use disjoint sets of dimensions.

# %% [markdown]
# {numref}`fig-one-way-lane` shows where the gradients go.

# %% tags=["hide-input"] mystnb={"figure": {"caption": "DUC moves the student alone, and only on what the teacher does better. Boxes are dimensions, filled where they are effective; on $\\mathcal T$ (orange) the student is compared with the teacher's features. Dashed arrows are gradients: those of the heads end in the encoder of their own colour, that of DUC (orange) in the student's; the double bar is $\\mathrm{sg}$. This is the second stage; in the first the lane is closed, in the third both encoders are frozen and a fusion head is trained.", "name": "fig-one-way-lane"}}
plots.mechanism("one_way_lane")

# %% [markdown]
# What does the loss move? Differentiate the log-softmax:
#
# $$
# \begin{aligned}
# &\frac{\partial L_{\text{DUC}}}{\partial z_{s,i}^{\mathcal T}}\\
# &\quad = \frac{1}{B\tau} \Big( \sum_k p_{ik}\, z_{t,k}^{\mathcal T} - z_{t,i}^{\mathcal T} \Big) .
# \end{aligned}
# $$ (eq-duc-gradient)
#
# A step downhill pulls the student **towards the teacher's view of the same sample and away from the
# average of those it might be confused with**. Outside $\mathcal T$ the gradient is zero; for the teacher it is
# zero everywhere. And the pull does not vanish when the student's *classifier* is right: the weak
# modality is told more than its label tells it.
#
# {numref}`fig-duc-arrows` shows this on twelve made-up samples of two classes. There are two dimensions,
# of which only the second is in $\mathcal T$.

# %%
rng = torch.Generator().manual_seed(seed)
label = torch.arange(12) % 2
teacher = torch.stack([torch.zeros(12), 2.0 * label - 1], dim=1)
teacher = teacher + 0.25 * torch.randn(12, 2, generator=rng)
student = torch.stack([2.0 * label - 1, torch.zeros(12)], dim=1)
student = (student + 0.35 * torch.randn(12, 2, generator=rng)).requires_grad_()
taught = torch.tensor([False, True])
(pull,) = torch.autograd.grad(
    duc_loss(student, teacher, taught, temperature=1.0), student
)
p = torch.softmax((student * taught).detach() @ teacher.T, dim=1)
formula = (p @ teacher - teacher) * taught / 12
print("autograd and the formula differ by", f"{(pull - formula).abs().max():.0e}")

# %% mystnb={"image": {"alt": "Points of two classes in a plane. The classes are apart along the horizontal axis and mixed along the vertical one. An arrow at each point is exactly vertical: up for one class and down for the other."}, "figure": {"caption": "DUC moves the student only in the dimension that its teacher does better, here dimension 2. The student tells the two classes (colours) apart by dimension 1. Arrows are the negative gradient, scaled: they are vertical, as dimension 1 is not in $\\mathcal T$.", "name": "fig-duc-arrows"}} tags=["hide-input"]
figure, ax = plt.subplots(figsize=(6.0, 3.6))
at = student.detach()
for k, color in enumerate((TEAL, VIOLET)):
    own = label == k
    ax.plot(*at[own].T, "o", color=color, ms=8, label=f"class {k}")
    ax.quiver(
        *at[own].T, *(-8 * pull[own]).T, color=color, angles="xy", scale_units="xy",
        scale=1, width=0.006,
    )  # fmt: skip
_ = ax.set(
    xlabel="dimension 1 (the student's own)",
    ylabel=r"dimension 2 (in $\mathcal{T}$)",
    ylim=(-1.7, 1.7),
)
ax.legend(loc="upper center", ncols=2)
plt.show()

# %% [markdown]
# ### Two practical points
#
# *Deeper: for those who want to implement DUC.*
#
# First, {eq}`eq-duc` is a cross-entropy whose logits are one masked matrix product, so a batch needs no
# loop. As the products of raw features can be large, the softmax must be computed with the largest term
# taken out (`logsumexp`), or it overflows. Second, features are not normalised, so $\tau$ lives on the
# scale of a dot product: the paper uses 10 or 50 for 512 dimensions.
#
# ## Three stages, and an ensemble that does as well
#
# The library follows this schedule.
#
# 1. **Detached**, for about the first eighth of the budget, since one must know something before one can
#    teach. At its end the dimensions are selected, once, on the training data.
# 2. **Interactive**, which adds DUC.
# 3. **Fusion**. The encoders are frozen (including the running statistics of batch normalisation), and a
#    fusion head is trained on what they say. In the authors' code it is one linear layer on the
#    concatenated features.
#
# Each stage keeps the epoch with the lowest validation loss. For the first two stages that is the loss of
# the modalities' own heads, as in an ensemble.
#
# ```python
# Stage("detached", warmup, unimodal, self.detached_terms, monitor="own"),
# Stage("interactive", epochs - warmup, unimodal, self.interactive_terms,
#       monitor="own", prepare=self.select_dimensions),
# Stage("fusion", ..., [self.fusion], self.fusion_terms),
# ```
#
# Does this end the competition, and does DUC do what it says? For every seed we train the joint model, the
# ensemble, DI-MML, and DI-MML without DUC. We ask what each encoder knows by itself: by its own linear
# head or, in the joint model, which has none, by a linear probe. The table shows test accuracy in per cent,
# mean and 95 % interval over the seeds (↑ higher is better).


# %%
def probe(model, modality, splits, seed):
    """Return the test accuracy of a linear probe on one encoder of a trained model."""
    reader = methods.Probe.of(model, modality, seed=seed)
    return accuracy(train(reader, splits, seed), splits[2])


def accuracy(model, samples):
    """Return the accuracy on some samples."""
    return evaluate(model, samples, device=device).metrics["accuracy"]


@torch.no_grad()
def own_heads(model, samples):
    """Return the accuracy of each modality's own head of DI-MML."""
    right = (
        model.head_logits(samples.inputs).argmax(dim=2) == samples.target[:, None]
    )
    return dict(
        zip(
            model.interaction_names,
            right.double().mean(dim=0).tolist(),
            strict=True,
        )
    )


def compare(seed):
    """Train four ways on one seed; return the models of DI-MML and a table of accuracies."""
    splits = load(seed)
    ensemble = train(
        methods.Ensemble.for_data(splits[0], dim=dim, seed=seed), splits, seed
    )
    joint = train(
        methods.JointFusion.for_data(splits[0], dim=dim, seed=seed), splits, seed
    )
    ours = {
        "no DUC": dimml(splits, seed, duc_weight=0.0),
        "DI-MML": dimml(splits, seed),
    }
    both = splits[0].modalities
    alone = {
        "joint": {m: probe(joint, m, splits, seed) for m in both},
        "ensemble": {m: accuracy(ensemble.member(m), splits[2]) for m in both},
        **{name: own_heads(model, splits[2]) for name, model in ours.items()},
    }
    models = {"joint": joint, "ensemble": ensemble, **ours}
    rows = [
        {
            "method": name,
            "seed": seed,
            **{m: alone[name][m] for m in both},
            "both": accuracy(model, splits[2]),
        }
        for name, model in models.items()
    ]
    return ours, rows


runs = [compare(s) for s in progress(SEEDS, "seeds")]
measured = pd.DataFrame([row for _, rows in runs for row in rows])


def interval(values):
    """Return mean and 95 % half-width, in per cent, as text."""
    return plus_minus(values, scale=100)


PARTS_OF_MODEL = {
    "left": "left encoder ↑",
    "right": "right encoder ↑",
    "both": "both images ↑",
}
table = measured.groupby("method", sort=False)[list(PARTS_OF_MODEL)]
table.agg(interval).rename(columns=PARTS_OF_MODEL)

# %% mystnb={"image": {"alt": "Three panels: left encoder, right encoder, both images. In each, dots with intervals for ensemble, no DUC and DI-MML: points above the joint model, which is the zero line. For the right encoder all three are far above zero and at about the same height; in the other panels they are slightly above, and for the left encoder the interval of no DUC contains zero."}, "figure": {"caption": "Trained apart, the right encoder knows more than in the joint model, and an ensemble gains as much as DI-MML. Left and middle: what each encoder knows by itself. Right: the model with both images. Each point is the difference to the joint model on the same seed, mean and 95 % interval over the seeds.", "name": "fig-cured"}} tags=["hide-input"]
by_seed = measured.pivot(
    index="seed", columns="method", values=["left", "right", "both"]
)
gains = {
    part: by_seed[part].sub(by_seed[part]["joint"], axis=0).drop(columns="joint")
    for part in ("left", "right", "both")
}
figure, axes = plt.subplots(1, 3, figsize=(6.4, 3.2), sharey=True)
ways = ["ensemble", "no DUC", "DI-MML"]
titles = ("left encoder", "right encoder", "both images")
for ax, part, title in zip(axes, gains, titles, strict=True):
    points = (100 * gains[part][ways]).melt(value_name="points")
    plots.interval_points(points, x="method", y="points", color=TEAL, ax=ax)
    ax.axhline(0, color=INK, lw=1)
    _ = ax.set_xticks(range(3), ways, rotation=40, ha="right")
    _ = ax.set(title=title, xlabel="")
axes[0].set_ylabel("points above joint")
plt.show()

# %% [markdown]
# Detached training ends the competition. The right encoder regains what joint training had taken from it,
# and with both images the model is ahead of the joint one. But now compare the three panels. The ensemble,
# which does nothing but average, has all of that, too. What about the interactive part, then? Did DUC do
# anything?
#
# ## DUC raises what it teaches, not the accuracy
#
# The rates were stored when the dimensions were selected. We compute them once more on the final
# encoders. Training moves them anyway, so the fair comparison is with the same run without DUC: same
# seed, same warm-up, same selection. The table shows the change of the rate in points, mean and 95 %
# interval over the seeds, for three groups of dimensions: the student's *own* (effective ones), those
# *taught*, and *neither*.


# %%
GROUPS = ("own", "taught", "neither")


def rates_before_and_after(model, splits):
    """Return a row per dimension: its modality, group, rate at selection and rate at the end."""
    before, masks = model.effective_dimensions()
    tables = []
    for name, other in (("left", "right"), ("right", "left")):
        z = features(model, splits[0])[name]
        after, _ = dimension_rates(lambda z=z: [(z, splits[0].target)], 10)
        group = np.where(masks[name], 0, np.where(masks[other], 1, 2))
        tables.append(
            pd.DataFrame(
                {
                    "student": name,
                    "group": pd.Categorical.from_codes(group, GROUPS),
                    "before": before[name].numpy(),
                    "after": after.numpy(),
                }
            )
        )
    return pd.concat(tables)


dims = pd.concat(
    rates_before_and_after(trained[way], load(s)).assign(seed=s, way=way)
    for s, (trained, _) in zip(SEEDS, runs, strict=True)
    for way in ("no DUC", "DI-MML")
)
dims["change"] = dims["after"] - dims["before"]
grouped = dims.groupby(["student", "group", "way", "seed"], observed=True)["change"]
moved = grouped.mean().unstack("seed").apply(interval, axis=1).unstack("way")
moved[["no DUC", "DI-MML"]].rename_axis(columns=None)

# %% mystnb={"image": {"alt": "Two scatter plots, student left and student right, of each dimension's rate at the end against its rate at selection. Taught dimensions start below the mean rate and most of them end above the diagonal; the student's own dimensions start higher and scatter around the diagonal."}, "figure": {"caption": "Most taught dimensions end above the diagonal: their rate rises. Each mark is a dimension, with its rate when it was selected and at the end, on one seed. Taught dimensions are those in $\\mathcal T$: the teacher is good at them, the student is not.", "name": "fig-rates"}} tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(6.4, 3.6), sharey=True)
shown = dims.query("way == 'DI-MML' and seed == @seed")
look = {"palette": [GREY, TEAL, INK], "markers": ["s", "o", "."]}
for ax, (name, rows) in zip(axes, shown.groupby("student"), strict=True):
    ax.axline((0.3, 0.3), slope=1, color=INK, lw=1)
    sns.scatterplot(rows, x="before", y="after", hue="group", style="group", **look,
                    lw=0, s=50, legend=ax is axes[0], ax=ax)  # fmt: skip
    ax.locator_params(axis="x", nbins=4)
    _ = ax.set(title=f"student: {name}", xlabel="rate when selected")
axes[0].set_ylabel("rate at the end")
figure.legend(
    *axes[0].get_legend_handles_labels(), ncols=3, loc="outside upper center"
)
axes[0].get_legend().remove()
plt.show()

# %% [markdown]
# So DUC does what it was made for: the taught dimensions gain more than they gain without it. It is no
# contradiction that the *accuracy* hardly notices. A linear classifier reads all dimensions at once, and
# the others may already know what one of them knows by itself. Moreover, whatever a teacher knows of the
# class, the label tells the student as well. What DUC adds is to recognise the *sample*, and nobody asks
# for that at the end.
#
# ```{quiz} What did DUC raise?
# :label: quiz-duc
#
# After the interactive stage the rates of the taught dimensions are higher, beyond the interval. Accuracy is unchanged
# within its interval. What may you write?
#
# * [ ] DUC makes the model better.
#
#   (rate-is-accuracy) The measured quantity is a rate of single dimensions. Accuracy did not follow here.
# * [x] DUC raises what it teaches; a gain in accuracy is open.
#
#   Two quantities, two verdicts, each with its interval.
# * [ ] DUC does nothing.
#
#   (open-is-false) Rates rose beyond their interval, and an accuracy that is open is no zero.
# ```
#
# ## The surer head counts more
#
# After the third stage there are $n + 1$ heads: one per modality, with logits $\ell_1, \dots, \ell_n$, and
# the fusion head. DI-MML lets all of them vote. It weighs each head by how sure it is, sample by
# sample: $\pi_j$ is the certainty of head $j$, its largest probability, and $w_j$ its weight.
#
# $$
# \begin{aligned}
# \pi_j &= \max_k \operatorname{softmax}(\ell_j)_k, \\
# w_j &= \frac{\exp(\pi_j / \tau_2)}{\sum_i \exp(\pi_i / \tau_2)}, \\
# \ell &= \sum_j w_j\, \ell_j .
# \end{aligned}
# $$ (eq-certainty)
#
# The certainties lie between $1/K$ and 1, so one weight is at most $e^{(1 - 1/K)/\tau_2}$ times another:
# less than $e$ for $\tau_2 = 1$. It is a gentle correction. An unsure head counts less in another way, too:
# its logits are small. `interactions()` reports the $w_j$, under the names of the heads. They are
# *not* R, U and S. But on data with all four interactions they should reflect who knows. Here are the mean
# weights of each kind of sample:


# %%
def load_mixed(seed, composition=None):
    """Load the default task: a quarter of each interaction, and a cue that tells which."""
    return data.load(
        "digit_pairs", seed=seed, n_train=n_mixed, n_val=500, n_test=2_000,
        n_classes=4, composition=composition,
    )  # fmt: skip


mixed = load_mixed(seed)
own_way = dimml(mixed, seed, progress=True)
result = evaluate(own_way, mixed[2], device=device)
kinds = result.predictions["kind"]
weights = result.interactions.groupby(kinds, observed=True).mean()
weights.rename(columns="{} head".format).round(3)

# %% mystnb={"image": {"alt": "Grouped bars of the mean certainty weight of the heads left, right and fusion, for samples of kind R, U1, U2 and S. For R the three are equal. For U1 left and fusion are high and right is low; for U2 right and fusion are high and left is low; for S all three are about equal."}, "figure": {"caption": "Where one modality knows (U1, U2), the head of the other is heard least; on R and S all heads are heard equally. Bars are the mean certainty weights; the dashed line is an equal vote.", "name": "fig-certainty"}} tags=["hide-input"]
figure, ax = plt.subplots()
voted = weights.melt(var_name="head", value_name="weight", ignore_index=False)
sns.barplot(voted, x="kind", y="weight", hue="head", palette=["C1", "C2", "C3"],
            saturation=1, gap=0.07, ax=ax)  # fmt: skip
ax.axhline(1 / 3, color=INK, lw=1, ls="--")
_ = ax.set(
    xlabel="interaction that decides the sample",
    ylabel="mean weight of the head",
    ylim=(0, 0.45),
)
sns.move_legend(ax, "lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, title=None)
plt.show()

# %% [markdown]
# Where one modality knows, its head is heard most. Where neither knows by itself, the three weights are
# equal. But there the fusion head, the only one that sees both images, should be the one to listen to. Why
# is it no surer than the others?
#
# ```{quiz} Read a weight
# :label: quiz-certainty
#
# On a sample the certainty weights are 0.34 (left), 0.33 (right) and 0.33 (fusion head). What does that say about its
# interaction, if {numref}`fig-certainty` is typical?
#
# * [ ] A third of its information is synergy.
#
#   (certainty-is-share) The weights say how sure the heads are, compared with each other.
# * [x] It is more likely R or S than U1 or U2. Which of the two, the weights cannot say.
#
#   On R all heads know, on S none does. Both look like this.
# * [ ] The sample is redundant.
#
#   (certainty-is-share) All heads are also equally sure where none of them knows anything.
# ```
#
# ```{quiz} Add a linear head
# :label: predict-linear
# :predict:
#
# The label is the sum of two digits, modulo $K$. Frozen encoders read one digit each, and a linear fusion head is
# trained on both feature vectors. Which accuracy do you expect on synergy samples?
#
# * [ ] High, if the encoders know the digits
#
#   (skill-helps) This is the theorem of chapter 1 once more: a linear head adds one score for each modality.
# * [x] Chance, whatever the encoders know
#
#   A linear head is a sum of one score a modality.
# * [ ] High, but only with the shared head
#
#   The shared head gives the features common coordinates. The fusion is still a sum.
# ```
#
# ## A linear head is deaf to synergy
#
# Look at what the fusion head is: one linear layer on the concatenated features. Split its weights by
# modality,
#
# $$
# W \begin{bmatrix} z_1 \\ z_2 \end{bmatrix} = W_1 z_1 + W_2 z_2 ,
# $$
#
# and its scores are, up to a constant, a sum of one term per modality. They are additive in the sense of
# {prf:ref}`def-additive`, *whatever the encoders are*. So the theorem of chapter 1 settles the question
# before any experiment.
#
# ```{prf:proposition} No head of DI-MML can do better than guess on synergy
# :label: prop-dimml-guesses
#
# Let $a$ and $b$ be independent and uniform on $\{0, \dots, K-1\}$ and $y = (a + b) \bmod K$. Let the two
# inputs be drawn independently, the first according to $a$ and the second according to $b$. Then, whatever
# the encoders, neither the linear fusion head nor the head of one modality has an expected cross-entropy
# below $\log K$, which is the cross-entropy of guessing.
# ```
#
# ```{prf:proof}
# Each of these heads has scores $f_y(x_1) + g_y(x_2)$; for the head of one modality, $f$ or $g$ is zero.
# Replace $f_y(x_1)$ by its mean $\bar f_y(a)$ over the inputs that $a$ may produce, and $g_y(x_2)$ by
# $\bar g_y(b)$. Cross-entropy is a convex function of the scores, so this does not raise the expected
# loss. What is left are additive scores of $a$ and $b$ themselves, and for those {prf:ref}`thm-additive`
# gives $\log K$. $\square$
# ```
#
# The samples of kind S are of this sort: once the cue says "synergy", the label is the sum of two
# independent digits, modulo four. Guessing costs $\log_2 4 = 2$ bits there. Better encoders, more epochs,
# other weights of the loss: none of these helps such a head.
#
# (The vote {eq}`eq-certainty` weighs the heads by both images, so the vote is *not* additive. One can even
# make up heads whose vote computes XOR: {ref}`ex-vote-xor`. But no head is trained on the vote. Each
# minimises its own loss, and on these samples guessing is the best it can do.)
#
# To see it, we give the linear head four chances, one after the other:
#
# - the frozen features of all samples (as in DI-MML, for more epochs);
# - the features of synergistic samples alone;
# - these with every feature scaled to unit variance;
# - the scaled features of the *joint* model, whose encoders were trained to be read together.
#
# The table shows how it does on synergistic test samples (↑ higher is better, ↓ lower is better).


# %%
def on_features(model, parts, scaled=False):
    """Return the features of a frozen model, as data."""
    frozen = [features(model, part) for part in parts]
    if scaled:
        stats = {
            name: (z.mean(dim=0), z.std(dim=0)) for name, z in frozen[0].items()
        }
        frozen = [
            {n: (z - stats[n][0]) / stats[n][1] for n, z in f.items()}
            for f in frozen
        ]
    return [
        data.from_arrays(z, part.target, class_names=part.class_names)
        for z, part in zip(frozen, parts, strict=True)
    ]


def fusion_on(parts, test, fusion):
    """Train a fusion head on features, for three times the epochs; return its test metrics."""
    identity = {name: torch.nn.Identity() for name in parts[0].inputs}
    head = methods.JointFusion.for_data(
        parts[0], encoders=identity, fusion=fusion, seed=seed
    )
    fit(
        head, *parts[:2], epochs=3 * epochs, lr=lr, seed=seed, device=device,
        progress=False,
    )  # fmt: skip
    return evaluate(head, test, device=device).metrics


jointly = methods.JointFusion.for_data(mixed[0], dim=dim, seed=seed)
jointly = train(jointly, mixed, seed, progress=True)
n_synergistic = int((mixed[0].composition == 3).sum())
synergy = list(load_mixed(seed, {"S": 1.0}))
synergy[0] = synergy[0][:n_synergistic]  # as many as there are among all samples
plain, scaled = (on_features(own_way, synergy, how) for how in (False, True))
of_joint = on_features(jointly, synergy, scaled=True)
CHANCES = {
    "trained on all samples": (on_features(own_way, mixed), plain[2]),
    "trained on synergistic samples": (plain, plain[2]),
    "the same, features scaled": (scaled, scaled[2]),
    "joint model's features, scaled": (of_joint, of_joint[2]),
}
ACCURACY, BITS = "accuracy (%) ↑", "cross-entropy (bits) ↓"


def chances_of(fusion):
    """Return what a fusion head makes of each chance, on synergistic test samples."""
    found = {
        name: fusion_on(parts, test, fusion)
        for name, (parts, test) in progress(CHANCES.items(), f"{fusion} head")
    }
    found = pd.DataFrame(found).T[["accuracy", "cross_entropy"]]
    found["accuracy"] *= 100
    found.columns = [ACCURACY, BITS]
    return found


linear = chances_of("linear")
print("guessing: 25 %, 2 bits")
linear.round(2)

# %% [markdown]
# No cross-entropy is lower than that of guessing by as much as a hundredth of a bit. That includes the
# features of the joint model, although a head in which the modalities meet reads the label off them almost
# without fault, as we are about to see. (An accuracy a few points above 25 % does not contradict the
# proposition, which is about the loss: a head may buy some right answers at the price of confident errors,
# as in {ref}`ex-three-of-four`.)
#
# ## A richer head hears what the encoders kept
#
# So give DI-MML another fusion head, with one hidden layer more (`fusion="concat"` in the library). The
# proposition does not bind it. Now the question is what there is to hear. The head meets frozen encoders.
# It can only combine what they offer, and they offer what their own objective paid for. On a sample whose
# cue says "synergy", one image alone says nothing about the label, so for the encoder's own loss the digit
# in it is noise.
#
# We can watch what becomes of that digit. Take samples whose left image shows the label, and swap the cue:
# the same pixels, now marked "synergy". How far apart are the mean features of the four digits, and can a
# linear probe read the digits?


# %%
CUE_ROWS = slice(8, None)  # below the eight rows of the digit


def with_cue(samples, kind):
    """Replace the cue in both images by that of another kind of interaction."""
    k = data.INTERACTIONS.index(kind)
    example = int((mixed[0].composition == k).nonzero()[0])
    images = {name: x.clone() for name, x in samples.inputs.items()}
    for name, x in images.items():
        x[:, :, CUE_ROWS] = mixed[0].inputs[name][example][:, CUE_ROWS]
    return data.from_arrays(images, samples.target, class_names=samples.class_names)


def spread(model, samples):
    """Return the root mean square distance of the left class means from their centre."""
    z = features(model, samples)["left"]
    means = class_means(lambda: [(z, samples.target)], 4)
    return float((means - means.mean(dim=0)).norm(dim=1).square().mean().sqrt())


shows_left = load_mixed(seed, {"U1": 1.0})
rows = []
encoders = {"detached": own_way, "joint": jointly}
for name, cue in progress(list(product(encoders, ("U1", "S"))), "encoder, cue"):
    parts = [with_cue(part, cue) for part in shows_left]
    read = probe(encoders[name], "left", parts, seed)
    rows.append([name, cue, spread(encoders[name], parts[2]), 100 * read])
PROBE = "accuracy of the probe (%) ↑"
kept = pd.DataFrame(rows, columns=["encoder", "cue", "spread of the digits", PROBE])
kept = kept.set_index(["encoder", "cue"])
kept.round(1)

# %% [markdown]
# The detached encoder does not delete the digit when the cue says "synergy": a linear probe trained to
# read it there still does so most of the time. But the encoder **whispers**. The spread of the digits
# shrinks to a small fraction of what it is under the other cue, since nothing in the encoder's loss asks
# for more. The joint encoder speaks up under both cues.
#
# And the richer head? Trained on all samples, it has three loud kinds to please and one that whispers. It
# gets the same four chances.

# %%
hidden = chances_of("concat")
hidden.round(2)

# %% mystnb={"image": {"alt": "Horizontal bars of the accuracy on synergistic test samples, in pairs. The linear head is near the dashed line of 25 per cent in all four. The head with a hidden layer rises from about a half when trained on all samples, over samples of synergy alone and scaled features, to almost 100 per cent on the features of the joint model. Joint training end to end is there as well."}, "figure": {"caption": "A linear fusion head, as in the paper, guesses on synergy whatever it is given; the louder synergy is made, the more a hidden layer hears. Bars show the accuracy on synergistic test samples of a head on frozen encoders, by what it was trained on; the dashed line is guessing. In the last bar the loss reaches the encoders.", "name": "fig-frozen-synergy"}} tags=["hide-input"]
figure, ax = plt.subplots(figsize=(6.4, 3.6))
last = "joint training, end to end"
heads = pd.concat(
    {"linear head": linear, "with a hidden layer": hidden}, names=["head", "way"]
)
sns.barplot(heads, x=ACCURACY, y="way", hue="head", order=[*linear.index, last],
            palette=[GREY, VIOLET], saturation=1, gap=0.07, ax=ax)  # fmt: skip
end_to_end = 100 * accuracy(jointly, synergy[2])
ax.barh(last, end_to_end, 0.4, color=plots.color_of("S"))
ax.axvline(25, color=INK, ls="--", lw=1)
_ = ax.set(xlabel="accuracy on S (%)", ylabel="", xlim=(0, 100))
sns.move_legend(ax, "lower center", bbox_to_anchor=(0.1, 1), ncols=2, title=None)
plt.show()

# %% [markdown]
# So two things stand between DI-MML and synergy. The first is the head: the authors' own cannot express
# synergy on any features, and that is a theorem. The second is the encoders. The less there is to drown
# synergy out, the more of it a head with a hidden layer hears, and on the features of the joint model it
# hears nearly all. But luck decides what detached encoders keep of it, and how loudly: no gradient of the
# fusion loss ever tells an encoder to speak up. Where labels are synergistic, that is what joint training
# is for. DMIL in chapter 8 and I2MoE in chapter 9 look for ways to have both. (These bars are of one seed.
# The next section trains the whole method on ten.)
#
# ## What is each part worth?
#
# The study `mmfuse study reproduce/dimml_ablation.yml` retrains DI-MML with one thing changed at a time:
#
# - without DUC;
# - with a gradient in both directions;
# - with all dimensions in place of the selected ones;
# - without the shared head;
# - with an unweighted vote, on the same trained model.
#
# It also exchanges the fusion head. Learning rate and number of epochs were chosen for the whole method,
# on validation data. There are two data sets: the task with all four interactions, and UTD-MHAD
# {cite:p}`chen2015`, in which a skeleton tracker sees and a motion sensor feels 27 actions, with different
# people in training and test. The table shows the difference to the whole method on the same seed, in
# points of test accuracy (positive: better without the part), mean and 95 % interval over ten seeds.


# %%
ablation = results("dimml_ablation")
DATA = {"digit_pairs": "digit pairs", "utd_mhad": "UTD-MHAD"}
PARTS = [
    "no DUC", "both ways", "all dimensions", "no shared head", "no certainty weighting",
]  # fmt: skip


def against_whole(rows):
    """Return the points gained or lost by each variant, a column a variant, a row a seed."""
    by_seed = rows.pivot(index="seed", columns="variant", values="accuracy")
    return 100 * by_seed[PARTS].sub(by_seed["DI-MML"], axis=0)


retrained = {
    name: study.scores(ablation, task, "test", "rates").rename(
        columns={"method": "variant"}
    )
    for task, name in DATA.items()
}
losses = {name: against_whole(rows) for name, rows in retrained.items()}
p_values = pd.concat(
    {
        name: table.apply(lambda v: ttest_1samp(v, 0).pvalue)
        for name, table in losses.items()
    }
)
by_chance = 1 - 0.95 ** len(p_values)
print(
    f"{int((p_values < 0.05).sum())} of {len(p_values)} intervals miss zero. If no part "
    f"mattered, at least one of {len(p_values)} independent ones\nwould do so in "
    f"{100 * by_chance:.0f} % of such tables. Smallest p, times {len(p_values)} (Holm): "
    f"{len(p_values) * p_values.min():.2f}, {', '.join(p_values.idxmin())}"
)
pd.DataFrame(
    {
        name: table.apply(lambda v: plus_minus(v, sign=True))
        for name, table in losses.items()
    }
).rename_axis("DI-MML with")

# %% mystnb={"image": {"alt": "Two panels, digit pairs and UTD-MHAD. For each of five variants a dot with an interval: the difference in accuracy to the whole method. A vertical line marks zero; every interval crosses it but one, no shared head on UTD-MHAD, which lies about two points below."}, "figure": {"caption": "Only one interval of ten misses zero: on UTD-MHAD, DI-MML without the shared head. Points are the difference in accuracy to the whole method on the same seeds, mean and 95 % interval over ten seeds.", "name": "fig-dimml-ablation"}} tags=["hide-input"]
figure, axes = plt.subplots(
    1, len(losses), figsize=(6.4, 3.2), sharey=True, squeeze=False
)
for ax, (name, table) in zip(axes[0], losses.items(), strict=True):
    points = table.melt(value_name="points")
    plots.interval_points(points, x="points", y="variant", color=TEAL, ax=ax)
    ax.axvline(0, color=INK, lw=1)
    _ = ax.set(title=name, xlabel="points", ylabel="")
plt.show()

# %% [markdown]
# Without the shared head, accuracy on UTD-MHAD falls by about two points, and that interval misses
# zero. All the others contain zero. But ten intervals are also ten occasions to be misled. In two out
# of five such tables, one or more intervals would miss zero by chance alone, and after a correction for
# ten comparisons (Holm's) none is left. So on neither task can ten seeds show that a part of the method
# is worth its place. The shared head is the best candidate. The certainty weights change next to
# nothing, as their bound had promised.
#
# ### Richer fusion heads gain nothing here
#
# *Deeper: the same study, with other heads; it repeats what the frozen features have shown.*
#
# And the fusion head? Two of the heads below can express synergy: one has a hidden layer, the other
# multiplies the features of the modalities with one another (`"low_rank"` in the library). The table shows
# test accuracy in per cent, mean and 95 % interval over ten seeds (↑ higher is better).

# %%
HEADS = {
    "DI-MML": "linear",
    "concat head": "hidden layer",
    "low-rank head": "products",
}


def by_head(rows, name):
    """Return the accuracy by fusion head, over all samples and on S where it is known."""
    rows = rows.rename(
        columns={"accuracy": f"{name} ↑", "accuracy_S": f"{name}, S ↑"}
    )
    shown = [c for c in rows if c.startswith(name)]
    heads = rows.replace({"variant": HEADS}).set_index("variant")
    heads = heads.loc[list(HEADS.values()), shown]
    return heads.groupby(level=0, sort=False).agg(interval)


pd.concat(
    [by_head(rows, name) for name, rows in retrained.items()], axis=1
).rename_axis("fusion head")

# %% [markdown]
# On digit pairs all three guess on S. The linear head has to. The others have hardly had the time to do
# better. In the authors' code the third stage adds 20 epochs to 150. In proportion, the ten epochs
# chosen here leave it a single one, whereas the hidden layer of {numref}`fig-frozen-synergy` had 45. On
# UTD-MHAD no difference can be shown either. So the authors' linear head costs nothing here: what it
# rules out, the other heads did not learn either.
#
# ### Contrast assumes redundancy
#
# *Deeper: why DUC teaches less where the modalities show unrelated things.*
#
# The same file has more to say about DUC: the rates of the taught dimensions (in per cent, ↑ higher is
# better) when they were selected and at the end, and the difference that DUC makes.

# %%
taught_by_duc = {}
for name, rows in retrained.items():
    by_run = rows.set_index(["variant", "seed"])
    for student in [c[:-6] for c in by_run if c.endswith("_after")]:
        ends = 100 * by_run[f"{student}_after"].unstack("variant")
        ends = ends.assign(selected=100 * by_run[f"{student}_before"]["DI-MML"])
        ends = ends[["selected", "no DUC", "DI-MML"]]
        ends["difference"] = ends["DI-MML"] - ends["no DUC"]
        taught_by_duc[name, student] = ends.rename_axis(columns=None)
in_short = {
    "selected": "when selected ↑",
    "no DUC": "end, no DUC ↑",
    "DI-MML": "end, DI-MML ↑",
}
pd.DataFrame(
    {key: ends.apply(plus_minus) for key, ends in taught_by_duc.items()}
).T.rename(columns=in_short).rename_axis(["data", "student"])

# %% [markdown]
# On UTD-MHAD, DUC raises the rates of what it teaches, as it did in {numref}`fig-rates`. On data with all
# four interactions the means rise less, and ten seeds leave open whether they rise at all. That is no
# surprise, given what {eq}`eq-duc` asks for. "Recognise your own sample in the teacher's features" helps a
# student if the two see related things in a sample, as two views of one movement are. On a sample of kind
# U1, U2 or S the two digits are independent. Apart from the cue, nothing in one image helps to recognise
# the other. **Contrast assumes redundancy.** The accuracy does not suffer: without DUC it is the same.
#
# ## DI-MML beside the other methods
#
# How does the whole method compare? The default study of this book (`mmfuse study reproduce/book.yml`)
# gives every method the same encoders and the same four settings to choose from: two learning rates and
# two budgets, with patience. It picks one setting for each method on validation data, and reports the test
# data in that setting. On *digit pairs* and on *spoken digits* a seed draws new data. In spoken digits the
# image is a handwritten digit and the sound a spoken one, by different people in each split. On UTD-MHAD
# the split of people is fixed, and a seed means a new start and a new order.
#
# Each table shows the accuracy in per cent on all samples and on those of each kind, mean and 95 %
# interval over five seeds (↑ higher is better). The *synergy indicator* is the share of test samples that
# a method gets right and neither modality gets right alone. (Of two values the better one is always at the
# edge of what was tried, so a still better one may lie beyond. `mmfuse report` names such settings.)
# First, digit pairs:

# %%
book = results("book")
SHOWN = [
    "accuracy",
    *(f"accuracy_{k}" for k in data.INTERACTIONS),
    "synergy_indicator",
]
IN_WORDS = {
    "JointFusion": "joint training",
    "DIMML": "DI-MML",
    "DMIL, lam 0.001": "DMIL, λ = 0.001",
}
warnings.simplefilter("ignore", study.EdgeOfGridWarning)


def methods_on(name):
    """Return the table of methods on a data set, with heads in words."""
    known = study.scores(book, name)
    rows = study.table(book, name, [c for c in SHOWN if c in known])
    heads = {"accuracy": "all ↑", **{k: f"{k} ↑" for k in data.INTERACTIONS}}
    return rows.rename(index=IN_WORDS, columns=heads).rename_axis("method")


methods_on("digit_pairs")

# %% [markdown]
# Next, spoken digits:

# %%
methods_on("spoken_digits")

# %% [markdown]
# And UTD-MHAD, where nobody knows the kind of a sample:

# %%
print(study.made_on(book))
methods_on("utd_mhad")

# %% [markdown]
# On digit pairs joint training is far ahead of DI-MML, and the column S says why. DI-MML is where the
# ensemble is: as good as anybody on what one modality can tell, at chance on what neither can.
#
# On spoken digits DI-MML is at chance on S as well. The sound is the hard part, and on average DI-MML makes
# more of it than the ensemble (column U2); the wide intervals leave open by how much. Synergy is hard for
# everybody there. Where a method learns some of it, the wide interval shows how much that depends on the
# seed. DMIL as published learns none, at either weight of its bottlenecks ($\lambda$, see chapter 8). With
# synergy first it learns at least as much as joint training and I2MoE do.
#
# On the real data the order turns round. Skeleton and sensor record the same movement, and the people in
# the test are not those in training. DI-MML and the ensemble, the two methods that train each modality on
# an error of its own, are ahead of all that train on a common one: joint training, I2MoE and DMIL. (A
# larger $\lambda$ helps DMIL there when its encoders are perceptrons. With these encoders it makes no
# difference that five seeds can show.) Between DI-MML and the ensemble no difference can be shown either.
# What pays here is being detached and not, as far as five starts can tell, being interactive.
#
# How far does this reach? The paper's experiments are on larger data, with ResNets on video and sound
# {cite:p}`fan2024`; ours say nothing about those. Nor do they say anything about other people: those in the
# test are the same on every seed, and the intervals tell how training varies.
#
# The last column needs care. An ensemble cannot express synergy, yet its indicator is not zero, and on
# UTD-MHAD that of joint training is hardly higher: two votes that are both wrong can add up to a right one.
# A few per cent are no sign of synergy.
#
# ## What this chapter claims
#
# The cells below check what this chapter claims.

# %%
mean = by_seed.mean().unstack(0)
taught = dims[dims["group"] == "taught"].groupby(["seed", "way"])["change"].mean()
taught = taught.unstack("way")
extra = 100 * (taught["DI-MML"] - taught["no DUC"])
claim(
    change["joint"] > 0.1 and change["detached"] == 0,
    "Only joint training lets the left image into the right encoder's gradient.",
)
claim(
    cosines["own heads only"].diagonal().mean() < 0.2
    and cosines["with a shared head"].diagonal().mean() > 0.4,
    "Only with a shared head do both modalities mean the same by a direction.",
)
claim((rates == literal).all(), "Intervals and distances give the same rates.")
claim(
    torch.allclose(pull, formula, atol=1e-6) and (pull[:, 0] == 0).all(),
    "The gradient of DUC is that of the formula, and zero outside the taught dimensions.",
)
claim(
    (gains["right"][["DI-MML", "ensemble"]] > 0.02).all(axis=None),
    "Detached, the right encoder knows more on every seed, as it does in the ensemble.",
)
claim(
    mean_interval(gains["both"]["DI-MML"])[0] > 0.005,
    "With both images DI-MML is ahead of joint training, on average.",
)
claim(
    abs(mean.loc["DI-MML", "both"] - mean.loc["ensemble", "both"]) < 0.01,
    "With both images DI-MML is within a point of the ensemble.",
)
center, half = mean_interval(extra)
claim(
    center - half > 0,
    "DUC raises the rates of the dimensions it teaches, beyond the interval.",
)
claim(
    weights.loc["U1"].idxmin() == "right" and weights.loc["U2"].idxmin() == "left",
    "On U1 and U2 the head that does not know is heard least.",
)
claim(
    (weights.loc[["R", "S"]] - 1 / 3).abs().to_numpy().max() < 0.05,
    "On R and S all three heads are heard about equally.",
)
claim(
    (linear[BITS] > 2 - 0.01).all() and (linear[ACCURACY] - 25).abs().max() < 15,
    "A linear head guesses on synergy, whatever it is given.",
)
loud = kept["spread of the digits"]
claim(
    loud["detached", "S"] < loud["detached", "U1"] / 5
    and loud["joint", "S"] > loud["joint", "U1"] / 3,
    "Marked as synergy, the digit is a whisper, but in the detached encoder only.",
)
claim(
    kept.loc[("detached", "S"), PROBE] > 60,
    "A linear probe still reads the whispered digit most of the time.",
)
heard = hidden[ACCURACY].to_numpy()
claim(
    (np.diff(heard) > 3).all() and heard[0] < 65 and heard[-1] > 95,
    "The louder the digit, the more a hidden layer hears; on joint features, nearly all.",
)
claim(
    end_to_end > 95,
    "Joint training, end to end, learns nearly all of synergy, too.",
)

# %% [markdown]
# The tables of methods come from a result file.

# %%
means = {
    name: study.scores(book, name).groupby("method").mean(numeric_only=True)
    for name in ("digit_pairs", "spoken_digits", "utd_mhad")
}
on_s = pd.DataFrame(
    {name: means[name]["accuracy_S"] for name in ("digit_pairs", "spoken_digits")}
)
claim(
    (abs(on_s.loc[["DIMML", "Ensemble"]] - 0.25) < 0.05).all(axis=None),
    "On S of digit pairs and spoken digits DI-MML and the ensemble guess.",
)
claim(
    (on_s.loc["DMIL, synergy first"] > 0.45).all(),
    "DMIL with synergy first does not guess there.",
)
claim(
    on_s.loc["JointFusion", "digit_pairs"] > 0.95,
    "On digit pairs joint training learns nearly all of S.",
)
spoken = on_s["spoken_digits"]
claim(
    spoken[["DMIL", "DMIL, lam 0.001"]].max() < 0.3
    and spoken.idxmax() == "DMIL, synergy first",
    "On spoken digits DMIL learns no S as published, and the most with synergy first.",
)
sound = means["spoken_digits"]["accuracy_U2"]
claim(
    sound["DIMML"] > sound["Ensemble"],
    "On average DI-MML makes more of the sound (U2) than the ensemble.",
)
real = study.scores(book, "utd_mhad")
real = real.pivot(index="seed", columns="method", values="accuracy")


def gain(better, other):
    """Mean and half-width of the gain in accuracy on UTD-MHAD."""
    return mean_interval(real[better] - real[other])


center, half = gain("DIMML", "Ensemble")
claim(
    abs(center) < half,
    "On UTD-MHAD no difference between DI-MML and the ensemble can be shown.",
)
detached_ways = ["DIMML", "Ensemble"]
common = [m for m in real if m not in detached_ways and "Unimodal" not in m]
claim(
    all(
        np.subtract(*gain(way, other)) > 0
        for way in detached_ways
        for other in common
    ),
    "Both are ahead of every method with a common error, beyond the interval.",
)
center, half = gain("DMIL, lam 0.001", "DMIL")
claim(
    abs(center) < half,
    "On UTD-MHAD no difference can be shown for a larger λ of DMIL.",
)
indicator = means["utd_mhad"]["synergy_indicator"]
claim(
    0.01 < indicator["Ensemble"] < indicator["JointFusion"] < 0.025,
    "The ensemble's synergy indicator is not zero; that of joint training is hardly higher.",
)

# %% [markdown]
# The ablation comes from another file.

# %%
center, half = mean_interval(losses["UTD-MHAD"]["no shared head"])
claim(
    (p_values < 0.05).sum() == 1
    and p_values.idxmin() == ("UTD-MHAD", "no shared head")
    and -3 < center < -half,
    "One interval of ten misses zero: that of no shared head, on UTD-MHAD.",
)
claim(
    f"{by_chance:.2f}" == "0.40" and len(p_values) * p_values.min() > 0.05,
    "Chance alone does so in 40 % of such tables; after Holm's correction none is left.",
)
claim(
    all(
        abs(table["no certainty weighting"].mean()) < 0.5
        for table in losses.values()
    ),
    "The certainty weights are worth less than half a point.",
)
on_s = retrained["digit pairs"].set_index(["variant", "seed"])["accuracy_S"]
on_s = on_s.unstack("seed").loc[list(HEADS)].mean(axis=1)
claim(
    (on_s - 0.25).abs().max() < 0.04,
    "On S of digit pairs no fusion head gets beyond guessing in the third stage.",
)
right = retrained["UTD-MHAD"].pivot(
    index="seed", columns="variant", values="accuracy"
)
of_heads = [
    mean_interval(right[head] - right["DI-MML"])
    for head in ("concat head", "low-rank head")
]
claim(
    all(abs(center) < half for center, half in of_heads),
    "On UTD-MHAD no difference between the heads can be shown.",
)
by_duc = {
    key: mean_interval(ends["difference"]) for key, ends in taught_by_duc.items()
}
claim(
    all(c > half for (name, _), (c, half) in by_duc.items() if name == "UTD-MHAD"),
    "On UTD-MHAD DUC raises the rates of the dimensions it teaches, beyond the interval.",
)
claim(
    all(
        abs(c) < half and c < 2.5
        for (name, _), (c, half) in by_duc.items()
        if name != "UTD-MHAD"
    ),
    "On digit pairs ten seeds cannot tell whether DUC raises them.",
)

# %% tags=["headline", "remove-cell"]
headline = {
    "right_encoder_points_above_joint": round(
        100 * gains["right"]["DI-MML"].mean(), 1
    ),
    "both_points_above_joint": round(100 * gains["both"]["DI-MML"].mean(), 1),
    "both_points_above_ensemble": round(
        100 * float(mean.loc["DI-MML", "both"] - mean.loc["ensemble", "both"]), 1
    ),
    "taught_rate_points_by_duc": round(float(extra.mean()), 1),
    "synergy_linear_head": round(linear[ACCURACY].iloc[0] / 100, 2),
    "synergy_hidden_layer": round(hidden[ACCURACY].iloc[0] / 100, 2),
    "synergy_joint": round(end_to_end / 100, 2),
}
print(json.dumps(headline))

# %% [markdown]
# ## Takeaways
#
# - Give each modality a loss of its own, and no other modality's features occur in its gradient:
#   **competition is over**, by construction.
# - One classifier that all features go through gives them a **common space**. Without it, dot products
#   across modalities mean nothing.
# - On a single dimension, an **interval** tells where a class mean is the nearest: no distances needed.
# - **DUC** pulls the student towards the teacher's view of the same sample, in dimensions where the
#   teacher is strong and the student weak, and nowhere else. It raises what these dimensions know;
#   that is not the same as accuracy.
# - **Certainty weights** say which head is sure. They do not measure interactions.
# - **Contrast assumes redundancy**: where the modalities show unrelated things, DUC can teach only what
#   they share.
# - A **linear fusion head** is deaf to synergy, whatever the encoders. A richer one hears what frozen
#   encoders happen to keep; ours kept it as a whisper.
#
# ## Exercises
#
# ```{exercise} By hand
# :label: ex-duc-by-hand
#
# *Level 1 of 3 · 10 minutes · by hand*
#
# Let $B = 2$, $\tau = 1$, and let $\mathcal T$ be a single dimension with student values $(1, -1)$ and teacher
# values $(2, 0)$. Compute $L_{\text{DUC}}$ and its gradient. Which way do the students move?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# There are four products of a student's and a teacher's value. A softmax over two of them depends on their
# difference only.
# ```
#
# ```{solution-start} ex-duc-by-hand
# :class: dropdown
# ```

# %% [markdown]
# The products are $(2, 0)$ for the first student and $(-2, 0)$ for the second. So
# $p_{11} = p_{22} = 1/(1+e^{-2})$, and the loss is $\log(1 + e^{-2})$. The probability of the wrong sample
# is $p_{12} = p_{21} = 1/(1+e^2)$. By {eq}`eq-duc-gradient`, the gradients are
# $\tfrac12 (0 - 2)\,p_{12} = -p_{12}$ and $\tfrac12(2 - 0)\,p_{21} = p_{21}$. Downhill, the first student
# moves up and the second down, away from each other.

# %% tags=["solution"]
from mmfuse_lib.course import check

z_s = torch.tensor([[1.0], [-1.0]], requires_grad=True)
z_t = torch.tensor([[2.0], [0.0]])
loss = duc_loss(z_s, z_t, torch.tensor([True]), temperature=1.0)
(g,) = torch.autograd.grad(loss, z_s)
print(f"loss {loss.item():.4f}, by hand {np.log(1 + np.exp(-2)):.4f}")
print(
    "gradient", g.flatten().numpy().round(4), f"by hand ±{1 / (1 + np.exp(2)):.4f}"
)
assert check("ex-duc-by-hand", [loss.item(), *g.flatten().tolist()])

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} A free rotation
# :label: ex-rotation
#
# *Level 2 of 3 · 15 minutes · by hand*
#
# Train with $\lambda_* = 0$. Then multiply the left features by an orthogonal matrix $Q$, and multiply the
# weights of the left head by $Q^\top$ from the right. What changes: the logits, the rates, the effective
# dimensions, DUC?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Which of these can be computed from whole vectors of one modality, and which look at one coordinate, or at
# two modalities at once?
# ```
#
# ```{solution} ex-rotation
# :class: dropdown
#
# The logits of the head do not change, so neither does the loss. The rates do change, and with them the
# effective dimensions: they are about single coordinates, and a rotation mixes coordinates. DUC changes,
# too, as its dot products are taken between a rotated and an unrotated vector. So both the selection and
# DUC need coordinates that the loss cares about. The shared head makes it care about the coordinates of one
# modality relative to those of the other. (A *common* rotation of all features and all heads is still
# free.)
# ```
#
# ```{exercise} Is it detached?
# :label: ex-which-detached
#
# *Level 1 of 3 · 10 minutes · by hand*
#
# For which of these are the encoders of two modalities detached in the sense of {prf:ref}`prop-detached`?
# (a) an ensemble trained on the average of its logits; (b) DI-MML with $\lambda_* = 1$ and no DUC; (c)
# DI-MML with DUC; (d) one encoder that is used for both images.
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Write down the gradient for encoder 1 in each case. Does it contain anything that encoder 2 made of its
# input?
# ```
#
# ```{solution} ex-which-detached
# :class: dropdown
#
# (a) No: the residual is that of the average. (b) Yes. But both encoders move the shared classifier, which
# carries something from one to the other between steps. (c) Not from the interactive stage on: the
# teacher's features occur in the student's gradient, although the teacher's *error* does not. (d) No: the
# same parameters occur in both losses.
# ```
#
# ```{exercise} Teach everything
# :label: ex-all-dimensions
#
# *Level 2 of 3 · 10 minutes · by code*
#
# With `selected=False` both modalities teach each other in all dimensions. Name one good and one bad
# consequence that you would predict. Then look at {numref}`fig-dimml-ablation`, and compare the accuracies
# on U1 and U2 in `retrained["digit pairs"]`.
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# The selection rests on estimated rates. What does it protect a modality from, and what does it keep from
# it? The rows to compare are the variants "all dimensions" and "DI-MML".
# ```
#
# ```{solution-start} ex-all-dimensions
# :class: dropdown
# ```

# %% [markdown]
# Good: no dimension is left out because of a noisy rate. Bad: a modality is pulled away from what it does
# better than its teacher. As both are pulled towards each other, what is unique to one of them is at risk.
# The lines below show the difference in accuracy to the whole method, in points, mean and 95 % interval
# over ten seeds.

# %% tags=["solution"]
by_kind = retrained["digit pairs"].set_index(["variant", "seed"])
by_kind = by_kind[[f"accuracy_{k}" for k in data.INTERACTIONS]]
effect = 100 * (by_kind.loc["all dimensions"] - by_kind.loc["DI-MML"])
effect = effect.rename(columns=in_words).apply(lambda v: plus_minus(v, sign=True))
print(effect.to_string())

# %% [markdown]
# Neither consequence shows on digit pairs. On U1 the difference is 0.0 ± 0.7 points, on U2 it is
# -0.4 ± 0.8: both intervals contain zero.
#
# ```{solution-end}
# ```
#
# ```{exercise} A vote that computes XOR
# :label: ex-vote-xor
#
# *Level 3 of 3 · 25 minutes · by code*
#
# Let $a$ and $b$ be bits, and write a head as its *margin*, the score of class 1 minus that of class 0.
# Take two heads of one modality each, $m_1(a) = 2 - 5a$ and $m_2(b) = 5b - 3$, and an additive one,
# $m_3(a, b) = 2 + 2a - 2b$. On which of the four pairs does the vote {eq}`eq-certainty` give $a$ xor $b$
# for $\tau_2 = 1$, and for $\tau_2 = 0.05$? Why does DI-MML not find such heads?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# A head with margin $m$ has the logits $(-m/2, m/2)$; `certainty_weights` does the rest. When $\tau_2$ is
# small, which head decides for each pair?
# ```
#
# ```{solution-start} ex-vote-xor
# :class: dropdown
# ```

# %% tags=["solution"]
bits = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
a_bit, b_bit = bits.T.double()
margins = torch.stack(
    [2 - 5 * a_bit, 5 * b_bit - 3, 2 + 2 * a_bit - 2 * b_bit], dim=1
)
logits = torch.stack([-margins / 2, margins / 2], dim=2)
xor = bits.sum(dim=1) % 2
n_right = []
for tau in (1.0, 0.05):
    vote = (certainty_weights(logits, tau)[..., None] * logits).sum(dim=1)
    is_right = vote.argmax(dim=1) == xor
    print(f"tau_2 = {tau}: right on", bits[is_right].tolist())
    n_right.append(int(is_right.sum()))
assert check("ex-vote-xor", n_right)
own_loss = [
    float(torch.nn.functional.cross_entropy(logits[:, j], xor)) for j in range(3)
]
print("losses of the heads:", np.round(own_loss, 2), f"guessing: {np.log(2):.2f}")

# %% [markdown]
# The vote is right on all four pairs if the surest head decides nearly alone ($\tau_2 = 0.05$), and on
# only one of them with $\tau_2 = 1$. But each of these heads alone loses more than one that says "half and
# half", and alone is how DI-MML trains them: no loss is ever computed on the vote.
#
# ```{solution-end}
# ```
#
# ```{exercise} Listen for the whisper
# :label: ex-whisper
#
# *Level 3 of 3 · 30 minutes · by training*
#
# Give the fusion head what it needs. Train DI-MML on the mixed task with a `fusion` that first scales its
# inputs, sample by sample (`torch.nn.LayerNorm` on each modality's features), and then has a hidden layer.
# Does the third stage now learn synergy?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# `ConcatFusion` is the head with a hidden layer. A fusion is built with the sizes of the features and the
# number of outputs. The third stage also needs more time: see `fusion_epochs`.
# ```
#
# ```{solution-start} ex-whisper
# :class: dropdown
# ```

# %% [markdown]
# It learns much of it, with a third stage as long as the first two together: 80 % on S in this run (one
# seed), where the vote of DI-MML with a linear head guesses. Scaling turns the whisper up, but also what is
# around it, and the head still learns next to three loud kinds. Compare with the bars of
# {numref}`fig-frozen-synergy`: the ceiling is that of joint training.


# %% tags=["solution"]
class ScaledFusion(torch.nn.Module):
    """Scale each sample's features, then fuse."""

    def __init__(self, dims, n_outputs):
        super().__init__()
        self.scale = torch.nn.ModuleList(torch.nn.LayerNorm(d) for d in dims)
        self.fuse = ConcatFusion(dims, n_outputs)

    def forward(self, z):
        """Map features to logits."""
        return self.fuse([s(z_m) for s, z_m in zip(self.scale, z, strict=True)])


listening = dimml(
    mixed, seed, progress=True, fusion=ScaledFusion, fusion_epochs=1.0
)
found = evaluate(listening, mixed[2], device=device).metrics
for kind in data.INTERACTIONS:
    print(f"{kind:<3} {100 * found[f'accuracy_{kind}']:5.1f} %")

# %% [markdown]
# ```{solution-end}
# ```
#
# ## Further reading
#
# - {cite:t}`fan2024`: the method of this chapter, with four data sets and many ablations.
# - {cite:t}`peng2022` and {cite:t}`wang2020`: remedies for competition *inside* joint training, the other
#   road from chapter 3.
# - {cite:t}`oord2018`: the contrastive loss of which DUC is a one-way, selective version.
