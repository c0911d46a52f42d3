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
# # Modality competition
#
# A model that sees two images is trained on the same labels as a model that sees only the right one.
# It has everything the smaller model has, and more. Afterwards we take out its right encoder and ask
# what *that encoder alone* knows about the label. It knows **less**. Training the right encoder in
# good company made it worse. Why?
#
# ```{admonition} After this chapter you can
# :class: tip
# - measure what each modality of a trained model knows, with a linear probe;
# - derive one mechanism by which a strong modality starves a weak one: a shared error signal;
# - show the effect on real pixels, with intervals, put two innocent explanations to the test, and find
#   the limits of your own derivation by experiment;
# - say what it costs when the strong modality fails.
#
# **Needs:** chapter 1, the chain rule for gradients. **Takes:** forty minutes to read, under a minute
# to run on two CPU cores; nothing is downloaded. The models are too small for a GPU to help.
# ```

# %% tags=["parameters"]
seed = 0
n_seeds = 5
epochs = 10
lr = 2e-3
n_train = 1_600
dim = 32
noise_levels = [0.0, 0.2, 0.4]
device = "auto"

# %%
import json
from dataclasses import replace
from itertools import product

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
import torch
import torch.nn.functional as F

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
claim = Claims(
    globals(), seed=0, n_seeds=5, epochs=10, lr=2e-3, n_train=1_600, dim=32,
    noise_levels=[0.0, 0.2, 0.4],
)  # fmt: skip
SEEDS = range(seed, seed + n_seeds)

# %% [markdown]
# ## A task where nobody has to share
#
# We use the simplest case there is: *redundant* labels. Both images show the digit $y$, all ten
# digits occur, and there is no cue. Either image is enough, so the two modalities need nothing from
# each other. What differs is how hard they are to read: pixel noise is added to the right image, and
# its strength is the knob of this chapter. The left image stays sharp.


# %%
def load(noise, seed):
    """Redundant digit pairs whose right image carries noise of this standard deviation."""
    return data.load(
        "digit_pairs", seed=seed, n_train=n_train, n_val=500, n_test=2_000, n_classes=10,
        cue=False, composition={"R": 1.0}, noise={"right": noise},
    )  # fmt: skip


# %% mystnb={"image": {"alt": "Three pairs of handwritten digits. The left image of each pair is sharp. The right image has no noise in the first pair, light noise in the second and strong noise in the third, where the digit is hard to see."}, "figure": {"caption": "The same label in both images. Noise is added to the right one only.", "name": "fig-noise"}} tags=["hide-input"]
figure, axes = plt.subplots(1, 2 * len(noise_levels), figsize=(6.4, 1.6))
for i, noise in enumerate(noise_levels):
    sample = load(noise, seed)[0][3:4]
    for ax, name in zip(axes[2 * i : 2 * i + 2], sample.modalities, strict=True):
        ax.imshow(
            sample.inputs[name][0, 0],
            cmap="gray",
            vmin=0,
            vmax=1,
            interpolation="bicubic",
        )
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
        title = "left" if name == "left" else f"right, {noise}"
        _ = ax.set_title(title, fontsize=11)
plt.show()

# %% [markdown]
# ## Asking one modality
#
# How do we find out what the right encoder of a jointly trained model knows? The model's own classifier
# is of no use, as it expects both modalities. So we **freeze** the encoder and train a fresh linear
# classifier on its features: a *linear probe* {cite:p}`alain2017`. Its accuracy tells how much of the
# label can be read off these features by the simplest of readers. The unimodal model, too, ends in one
# linear classifier on its encoder, and the encoders have the same shape, the same data and the same
# number of epochs. (Is a *linear* reader fair to both? We come back to that.)
#
# In the library a probe is a method like any other. All it does differently is to name what is trained:
#
# ```python
# def stages(self, epochs):
#     return [Stage("probe", epochs, modules=[self.head], loss=self.task_terms)]
# ```
#
# Whatever a stage does not name is frozen and in evaluation mode.


# %%
def train_on(model, splits, seed):
    """Train a model in place and return what `fit` recorded."""
    return fit(
        model, *splits[:2], epochs=epochs, lr=lr, seed=seed, device=device,
        progress=False,
    )  # fmt: skip


def accuracy(model, samples):
    """Accuracy on some samples."""
    return evaluate(model, samples, device=device).metrics["accuracy"]


def probe(model, modality, splits, seed, hidden=None):
    """Test accuracy of a probe on one encoder of a trained model."""
    reader = methods.Probe.of(model, modality, hidden=hidden, seed=seed)
    train_on(reader, splits, seed)
    return accuracy(reader, splits[2])


# %% [markdown]
# For every noise level and seed we train three things: each modality alone (together they are the
# ensemble), and a joint model with a hidden layer across both. Then we probe the joint model's encoders.


# %%
def compare(noise, seed):
    """Train apart and jointly on the same data; return accuracies, models and histories."""
    splits = load(noise, seed)
    apart = methods.Ensemble.for_data(splits[0], dim=dim, seed=seed)
    joint = methods.JointFusion.for_data(splits[0], dim=dim, seed=seed)
    history = {
        "apart": train_on(apart, splits, seed),
        "joint": train_on(joint, splits, seed),
    }
    row = {"noise": noise, "seed": seed}
    row |= {
        "ensemble": accuracy(apart, splits[2]),
        "joint": accuracy(joint, splits[2]),
    }
    for m in splits[0].modalities:
        row[f"{m}, trained alone"] = accuracy(apart.member(m), splits[2])
        row[f"{m}, trained jointly"] = probe(joint, m, splits, seed)
    return row, {"apart": apart, "joint": joint}, history


runs = [
    compare(noise, s)
    for noise, s in progress(list(product(noise_levels, SEEDS)), "noise, seed")
]
results = pd.DataFrame([row for row, _, _ in runs])

# %% mystnb={"image": {"alt": "Two panels with accuracy against the noise on the right image. Left panel, the sharp left encoder: trained alone it stays at 0.93, trained jointly it is five to eight points lower at all noise levels. Right panel: both curves fall as noise grows; the encoder trained jointly lies six points below the one trained alone without noise and eleven points below it at the strongest noise."}, "figure": {"caption": "What each encoder knows on its own: trained alone (solid) and as part of a joint model, read by a linear probe (dashed). Mean and 95 % interval over seeds.", "name": "fig-probes"}} tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(6.2, 3.4), sharey=True)
for ax, name in zip(axes, ("left", "right"), strict=True):
    columns = {
        f"{name}, {how}": how for how in ("trained alone", "trained jointly")
    }
    sns.lineplot(
        results.rename(columns=columns).melt("noise", columns.values()),
        x="noise",
        y="value",
        hue="variable",
        style="variable",
        palette=["C1", "C0"],
        markers=["o", "s"],
        errorbar=plots.t_interval,
        err_style="bars",
        legend=name == "left",
        ax=ax,
    )
    _ = ax.set(title=f"{name} encoder", xlabel="noise on the right image")
    _ = ax.set(xticks=noise_levels, ylabel="test accuracy")
_ = axes[0].legend(loc="lower left")
plt.show()

# %%
gaps = pd.DataFrame(
    {
        name: results[f"{name}, trained alone"]
        - results[f"{name}, trained jointly"]
        for name in ("left", "right")
    }
).groupby(results["noise"])


def points(values):
    """Mean and 95 % half-width, in points of accuracy."""
    return plus_minus(values, scale=100)


gaps.agg(points).rename(
    columns=lambda name: f"{name}: points lost by joint training"
)

# %% [markdown]
# Three things are worth reading off {numref}`fig-probes` and the table. The right encoder loses, and
# loses most when its image is noisiest. The left encoder loses too, though its image never changes. And
# it is *not* only the weaker modality that suffers: without any noise, when the two are equals, both are worse than
# if they had trained alone. They compete even then.
#
# ## One error signal for all
#
# One cause can be read off the gradient. Let $z_m = e_m(x_m)$ be the features of modality $m$, let the
# logits $\ell$ be any function of $z_1, \dots, z_n$, and $p = \mathrm{softmax}(\ell)$. The gradient of
# the cross-entropy $-\log p_y$ with respect to the logits is $p - \mathbf 1_y$, with $\mathbf 1_y$ the
# one-hot label. So, by the chain rule,
#
# $$
# \frac{\partial (-\log p_y)}{\partial z_m} = J_m^\top\, (p - \mathbf 1_y),
# \qquad J_m = \frac{\partial \ell}{\partial z_m} .
# $$ (eq-shared-residual)
#
# The vector $p - \mathbf 1_y$, the *residual*, is **the same for all modalities**: it belongs to the
# fused prediction. Trained alone, modality $m$ would be driven by its *own* residual
# $p^{(m)} - \mathbf 1_y$, which stays large for as long as this modality itself is wrong. Trained
# jointly, it is driven by a residual that vanishes as soon as *somebody* is right. And the loss curve
# tells how fast that happens:
#
# ```{prf:proposition} The loss bounds the learning signal
# :label: prop-signal
#
# Averaged over the data, the size of the residual is at most twice the cross-entropy in nats,
# $\mathbb E \lVert p - \mathbf 1_y \rVert_1 \le 2\, \mathbb E[-\log p_y]$. Hence, if
# $\lVert J_m^\top v \rVert \le c \lVert v \rVert_1$ for all samples and all $v$, the gradient that
# reaches modality $m$ satisfies
# $\mathbb E \lVert \partial (-\log p_y) / \partial z_m \rVert \le 2c\, \mathbb E[-\log p_y]$.
# ```
#
# ```{prf:proof}
# The entries of $p - \mathbf 1_y$ are $p_k \ge 0$ for $k \ne y$, which sum to $1 - p_y$, and
# $p_y - 1$. So its 1-norm is $2 (1 - p_y)$, and $1 - t \le -\log t$ for $t \in (0, 1]$. The second
# claim is the first, put into {eq}`eq-shared-residual`. $\square$
# ```
#
# Once the fused training loss is 0.05, the bound is a twentieth of what it was at 1, provided that $J_m$
# has not grown meanwhile. This holds for every encoder, however poor. {numref}`fig-signal` shows how
# fast it happens: the training loss of the joint model beside that of the right modality alone, in
# the noisiest setting.


# %% [markdown]
# {numref}`fig-shared-residual` shows such a sample: modality 1 is easy, and modality 2 is not.

# %% tags=["hide-input"] mystnb={"figure": {"caption": "Trained jointly, the encoder of modality 2 hears next to nothing once modality 1 is right. The bars are a residual, probability minus label, class by class; dashed arrows are gradients, as wide as they are large. Left: one residual for both encoders, as in {eq}`eq-shared-residual`. Right: modality 2 alone, with a residual of its own.", "name": "fig-shared-residual"}}
plots.mechanism("shared_residual")


# %%
def training_loss(history, stage):
    """Training loss of a stage, indexed by epoch."""
    frame = history.to_frame().query("split == 'train' and term == 'total'")
    return frame[frame["stage"] == stage].set_index("epoch")["value"]


noisiest = [run for run in runs if run[0]["noise"] == max(noise_levels)]
stages = {
    "joint model": ("joint", "joint"),
    "right modality, trained alone": ("apart", "right"),
}
losses = pd.concat(
    {
        (name, row["seed"]): training_loss(history[how], stage)
        for name, (how, stage) in stages.items()
        for row, _, history in noisiest
    },
    names=["model", "seed"],
)
losses = losses.rename("loss").reset_index()
mean_loss = losses.pivot_table("loss", "epoch", "model").rename_axis(columns=None)
mean_loss.iloc[[0, len(mean_loss) // 2 - 1, -1]].round(3)

# %% mystnb={"image": {"alt": "Training loss against epochs on a logarithmic axis. The joint model's loss falls far below 0.1 within a few epochs, while the loss of the right modality trained alone is several times larger at every epoch after the second."}, "figure": {"caption": "Training loss per epoch, which bounds the learning signal: the joint model (dashed) and the right modality trained alone (solid), at the strongest noise. Thin lines are seeds.", "name": "fig-signal"}} tags=["hide-input"]
look = {"hue": "model", "style": "model", "palette": ["C0", "C1"]}
look |= {"dashes": [(4, 2), ""]}
ax = sns.lineplot(
    losses, x="epoch", y="loss", units="seed", estimator=None, lw=0.7, alpha=0.6,
    legend=False, **look,
)  # fmt: skip
sns.lineplot(losses, x="epoch", y="loss", errorbar=None, lw=2.5, ax=ax, **look)
_ = ax.set(yscale="log", ylabel="training loss (nats)")
ax.legend()
plt.show()

# %% [markdown]
# After a handful of epochs the joint model has little left to complain about, since the sharp left
# image explains the labels. The right encoder is told "all is well" long before it is any good.
#
# (Our optimiser, AdamW, rescales gradients, so it can undo a *uniform* shrinking. What it cannot restore
# is *which samples count*: those that the left image explains no longer ask anything of the right
# encoder.)
#
# ## Watching the encoder learn
#
# Perhaps joint training merely needs *longer*? We stop both trainings after 1, 3, 9, ... epochs and measure
# what the right encoder knows by then, on one seed and at the strongest noise. (A shorter run is the
# beginning of a longer one: the order of the samples depends on the seed only. To see the state at the
# very epoch, no validation data is given, so that the last weights are kept.)


# %%
def at_epoch(n_epochs, noise, seed):
    """What the right encoder knows after some epochs, trained alone and jointly."""
    splits = load(noise, seed)
    alone = methods.Unimodal.for_data(
        splits[0], modality="right", dim=dim, seed=seed
    )
    joint = methods.JointFusion.for_data(splits[0], dim=dim, seed=seed)
    for model in (alone, joint):
        fit(
            model, splits[0], epochs=n_epochs, lr=lr, seed=seed, device=device,
            progress=False,
        )  # fmt: skip
    return {
        "epochs": n_epochs,
        "trained alone": probe(alone, "right", splits, seed),
        "trained jointly": probe(joint, "right", splits, seed),
    }


budgets = [n for n in (1, 3, 9, 27) if n <= 4 * epochs]
growth = pd.DataFrame(
    [at_epoch(n, max(noise_levels), seed) for n in progress(budgets, "epochs")]
).set_index("epochs")

# %% mystnb={"image": {"alt": "Accuracy of a probe on the right encoder against the number of epochs, on a logarithmic axis. Both rise at first; the encoder trained jointly levels off early and ends below the one trained alone."}, "figure": {"caption": "What the right encoder knows after so many epochs, read by a linear probe in both cases (one seed, strongest noise). Longer training does not close the gap.", "name": "fig-growth"}} tags=["hide-input"]
ax = sns.lineplot(growth, palette=["C1", "C0"], markers=["o", "s"])
_ = ax.set(xscale="log", ylabel="right encoder: probe accuracy")
ax.set_xticks(budgets, [str(n) for n in budgets])
ax.minorticks_off()
plt.show()

# %% [markdown]
# It does not. Tripling the training from 9 to 27 epochs adds about a point to either encoder, and the gap between them
# does not close.
#
# ## Two doubts
#
# **Is the probe to blame?** A joint model may store what it knows in a form that a *linear* reader cannot
# use. So we probe once more with a reader that has a hidden layer, the same for all encoders.
#
# **Is the residual to blame?** The derivation holds for *every* fusion. If the shared residual were all
# there is to it, then a joint model that simply adds two linear votes (`"sum"`, chapter 1) would lose
# just as much, because its training loss vanishes as well. We train that model, too.

# %%
HIDDEN = 128


def doubts(row, trained, _):
    """Probe the right encoder of all three models with both kinds of reader."""
    seed = row["seed"]
    splits = load(row["noise"], seed)
    added = methods.JointFusion.for_data(
        splits[0], fusion="sum", dim=dim, seed=seed
    )
    final_loss = training_loss(train_on(added, splits, seed), "joint").iloc[-1]
    cells = {("sum", "loss"): final_loss}
    for name, model in {
        "alone": trained["apart"],
        "concat": trained["joint"],
        "sum": added,
    }.items():
        for reader, hidden in {"linear": None, "hidden layer": HIDDEN}.items():
            cells[name, reader] = probe(model, "right", splits, seed, hidden)
    return cells


right = pd.DataFrame([doubts(*run) for run in progress(noisiest, "seeds")])

# %%
lost = pd.DataFrame(
    {
        (fusion, reader): right["alone", reader] - right[fusion, reader]
        for fusion in ("concat", "sum")
        for reader in ("linear", "hidden layer")
    }
)
final = mean_loss["joint model"].iloc[-1], right["sum", "loss"].mean()
print("training loss at the end: concat {:.3f}, sum {:.3f}".format(*final))
lost.agg(points).rename("points lost by the right encoder").unstack()

# %% [markdown]
# (Why is the loss of "concat" to the linear reader not quite the one in the first table? There the encoder trained
# alone was read by the classifier that it was trained with. Here all encoders get a fresh probe.)
#
# Both doubts have something to them. A better reader finds more in the joint encoder, so part of the gap came from
# the form of the features; for "concat", most of it remains. And the *fusion matters*: the sum's loss vanishes just as
# fast, yet its right encoder loses clearly less. So the shared residual is a mechanism, not the whole
# story. A plausible reason for the difference is that a sum needs a vote of its own from each
# modality, while a hidden layer across both can make do with fragments that are useful only beside
# the other's features. We have not tested that reason; what we have tested is that our first
# explanation alone does not give the size of the effect.
#
# ## When the strong modality fails
#
# What does all this cost? At test time we black out the left image, as if the camera had failed. Now the
# label can only come from the right image.


# %%
def blackout(samples, modality):
    """Replace one modality by zeros."""
    dark = torch.zeros_like(samples.inputs[modality])
    return replace(samples, inputs={**samples.inputs, modality: dark})


rows = []
for row, trained, _ in runs:
    dark = blackout(load(row["noise"], row["seed"])[2], "left")
    rows.append(
        {
            "noise": row["noise"],
            "right alone": row["right, trained alone"],
            "ensemble": accuracy(trained["apart"], dark),
            "joint": accuracy(trained["joint"], dark),
        }
    )
dark_results = pd.DataFrame(rows)


def summary(frame):
    """Mean and 95 % half-width over seeds, one row per noise level."""
    return frame.groupby("noise").agg(lambda v: plus_minus(v, 3))


summary(dark_results)

# %% mystnb={"image": {"alt": "Grouped points: accuracy with both images and with the left one blacked out, for ensemble and joint model, at the strongest noise. With both images the two are close. With the left image black, the joint model drops far below the ensemble."}, "figure": {"caption": "Test accuracy at the strongest noise, with both images and with the left one blacked out. Each dot is a seed.", "name": "fig-blackout"}} tags=["hide-input"]
shown = {"both images": results, "left image black": dark_results}
shown = pd.concat(shown, names=["images"]).query("noise == @noise_levels[-1]")
shown = shown.reset_index("images").melt("images", ["ensemble", "joint"])
look = {"x": "images", "y": "value", "hue": "variable", "palette": ["C1", "C0"]}
ax = sns.stripplot(shown, **look, dodge=True, jitter=False, size=7, alpha=0.6)
sns.pointplot(
    shown, **look, dodge=0.4, errorbar=None, linestyle="none", marker="_", ms=28,
    legend=False,
)  # fmt: skip
_ = ax.set(xlabel="", ylabel="test accuracy")
ax.legend()
plt.show()

# %% [markdown]
# With both images the joint model is a little behind, and one might not notice that anything is wrong. With
# one camera down it falls far below the ensemble, whose right member simply carries on. Part of this drop
# is a classifier that meets a black image for the first time; part is the right encoder, which
# never had to stand on its own. Either way, **the price is hidden until the strong modality is missing.**
#
# And when nothing fails? Then, as chapter 1 found, the ensemble is ahead on redundant data as well:

# %%
summary(results[["noise", "ensemble", "joint"]])

# %% [markdown]
# Two effects add up here: averaging two independently trained readers corrects errors that only one of them
# makes, and the joint model's right reader is poorer to begin with.
#
# ## What to make of it
#
# The effect has been reported for large networks: jointly trained models that lose to their best single
# modality, which {cite:t}`wang2020` trace to modalities that overfit at different rates, and encoders inside
# joint models that fall short of their unimodal twins {cite:p}`peng2022`. {cite:t}`huang2022` prove for a
# class of two-layer networks that joint training learns only a subset of the modalities well. Common remedies change
# the *gradient* of joint training: they slow down the modality that is ahead. DI-MML, which a
# later chapter builds, takes {eq}`eq-shared-residual` at its word: if the shared residual is a
# problem, then do not share it. Each modality gets its own loss, and they exchange what they know in
# another way {cite:p}`fan2024`.
#
# Is competition always harmful? On purely redundant data without failures the joint model was only a little
# behind; where labels are synergistic, training apart costs everything (chapter 1). What is
# needed is a method that can tell the difference, sample by sample.
#
# ## Check
#
# The cell below checks what this chapter claims.

# %%
gap = 100 * gaps.mean()
weakest, strongest = min(noise_levels), max(noise_levels)
dark_noisiest = dark_results[dark_results["noise"] == strongest]
claim(
    (gap.loc[weakest] > 1).all(),
    "Both encoders know less when trained jointly, even where noise is weakest.",
)
mean, half = mean_interval(gaps.get_group(strongest)["right"])
claim(
    mean - half > 0.01,
    "Where noise is strongest the right encoder loses, beyond the interval.",
)
claim(
    gap.loc[strongest, "right"] > gap.loc[strongest, "left"] + 1
    and gap.loc[strongest, "right"] > gap.loc[weakest, "right"] + 1,
    "There it loses more than the left one, and more than where noise is weakest.",
)
claim(
    (mean_loss["joint model"] < mean_loss.iloc[:, 1] / 3).iloc[4:].all(),
    "From the fifth epoch on the joint loss, which bounds the learning signal, is below a third of the right modality's own.",
)
claim(
    growth["trained alone"].iloc[-1] > growth["trained jointly"].iloc[-1] + 0.01,
    "Longer training does not close the gap.",
)
claim(
    100 * lost["concat", "hidden layer"].mean() > 1,
    "A probe with a hidden layer does not close it either.",
)
claim(
    lost["sum", "linear"].mean() < lost["concat", "linear"].mean() - 0.01,
    "The right encoder loses less to a sum than to a hidden layer across both.",
)
claim(
    (dark_noisiest["joint"] < dark_noisiest["ensemble"] - 0.05).all(),
    "With the left image black and the right one noisiest, the ensemble is far ahead on every seed.",
)

# %% tags=["headline", "remove-cell"]
headline = {
    "right_points_lost_strongest_noise": round(gap.loc[strongest, "right"], 2),
    "right_points_lost_no_noise": round(gap.loc[weakest, "right"], 2),
    "right_points_lost_sum_fusion": round(100 * lost["sum", "linear"].mean(), 2),
    "ensemble_left_black": round(dark_noisiest["ensemble"].mean(), 3),
    "joint_left_black": round(dark_noisiest["joint"].mean(), 3),
}
print(json.dumps(headline))

# %% [markdown]
# ## Takeaways
#
# - A **probe** on a frozen encoder tells what one modality of a trained model knows on its own.
# - In joint training all encoders are driven by **one residual**, that of the fused prediction. When a
#   strong modality has made it small, the others get little to learn from; the training loss bounds what
#   they can still receive.
# - On redundant digits the noisy modality's encoder ends up clearly worse than if it had been trained
#   alone. Longer training does not help, a better probe recovers a part, and even equals lose.
# - The residual is not the whole story: how the modalities meet matters, and a plain sum loses less.
# - With all modalities present this is easy to overlook. It shows when the strong one is missing.
#
# ## Exercises
#
# ```{exercise} Two residuals
# :label: ex-two-residuals
#
# In an ensemble that averages logits, suppose you train the *average* on one cross-entropy, end to end,
# instead of each member on its own. Write down the gradient that reaches $z_1$. Is there competition?
# ```
#
# ```{solution} ex-two-residuals
# :class: dropdown
#
# The logits are $\tfrac12 (W_1 z_1 + W_2 z_2)$, so by {eq}`eq-shared-residual` the gradient is
# $\tfrac12 W_1^\top (p - \mathbf 1_y)$ with $p$ the softmax of the *average*: the residual is shared,
# and there is competition. This is the "sum" of the section on doubts, up to the factor. What protects
# the ensemble is not the averaging but the separate losses.
# ```
#
# ```{exercise} A third explanation
# :label: ex-more-data
#
# Could it be a matter of *data*? Repeat the comparison at the strongest noise with four times as many
# training pairs. Does the gap close? (The images behind the pairs stay the same.)
# ```
#
# ```{solution} ex-more-data
# :class: dropdown
#
# Set `n_train` to four times its value and call `compare` again. More pairs mean more noisy copies of the
# same images, so both encoders improve by several points. But an epoch also has more steps, so the joint
# loss vanishes after fewer epochs. Expect the gap to stay much as it was.
# ```
#
# ```{exercise} Competition needs redundancy
# :label: ex-unique
#
# Use `composition={"U2": 1.0}` (only the right image knows the label) instead of `{"R": 1.0}`, with the
# strongest noise. Predict what a linear probe of the right encoder will show, then try it on one seed.
# ```
#
# ```{solution-start} ex-unique
# :class: dropdown
# ```
#
# The left image has nothing to say about the label, so it cannot make the residual small, except by
# helping to memorise training samples. The right encoder hears of its errors for as long as it makes
# them, just as when it is trained alone. The gap should shrink to a fraction.

# %% tags=["solution"]
splits = data.load(
    "digit_pairs",
    seed=seed,
    n_train=n_train,
    n_val=500,
    n_test=2_000,
    n_classes=10,
    cue=False,
    composition={"U2": 1.0},
    noise={"right": strongest},
)
alone = methods.Unimodal.for_data(splits[0], modality="right", dim=dim, seed=seed)
joint = methods.JointFusion.for_data(splits[0], dim=dim, seed=seed)
for model in progress((alone, joint), "models"):
    train_on(model, splits, seed)
gap_unique = accuracy(alone, splits[2]) - probe(joint, "right", splits, seed)
print(f"points lost: {100 * gap_unique:.1f}")

# %% [markdown]
# ```{solution-end}
# ```
#
# ```{exercise} Your own remedy
# :label: ex-remedy
#
# Give the joint model a second chance: subclass `JointFusion` with a `task_terms` that adds, to the fused
# cross-entropy, the cross-entropy of one linear classifier per modality. Does the right encoder recover?
# What does it cost on labels that are synergistic?
# ```
#
# ```{solution-start} ex-remedy
# :class: dropdown
# ```
#
# Each encoder now has a residual of its own beside the shared one, so it keeps learning while it is wrong: expect the
# probe of the right encoder to come close to the encoder trained alone. On synergistic labels the extra losses
# cannot fall below $\log K$, and one might fear for the price. We measure both: the first on this chapter's data,
# the second on that of chapter 1, with four kinds of labels and a cue.


# %% tags=["solution"]
class WithOwnHeads(methods.JointFusion):
    """Joint fusion, and a linear classifier for each modality whose loss is added."""

    def __init__(self, spec, encoders):
        super().__init__(spec, encoders)
        self.own = torch.nn.ModuleDict(
            {m: torch.nn.Linear(d, spec.n_outputs) for m, d in self.dims.items()}
        )

    def task_terms(self, batch):
        """The fused loss plus one a modality: all of it is in the total."""
        terms = super().task_terms(batch)
        votes = zip(self.own.values(), self.encode(batch.inputs), strict=True)
        own = sum(F.cross_entropy(head(z), batch.target) for head, z in votes)
        return {**terms, "total": terms["total"] + own, "own": own}


def remedied(seed):
    """Accuracy of a probe on the right encoder, at the strongest noise."""
    splits = load(strongest, seed)
    model = WithOwnHeads.for_data(splits[0], dim=dim, seed=seed)
    train_on(model, splits, seed)
    return probe(model, "right", splits, seed)


def on_synergy(method, seed):
    """Accuracy on synergistic samples, on the data of chapter 1."""
    splits = data.load(
        "digit_pairs", seed=seed, n_train=2_000, n_val=500, n_test=2_000
    )
    model = method.for_data(splits[0], dim=dim, seed=seed)
    fit(
        model, *splits[:2], epochs=2 * epochs, lr=lr, seed=seed, device=device,
        progress=False,
    )  # fmt: skip
    return evaluate(model, splits[2], device=device).metrics["accuracy_S"]


# %% [markdown]
# The first measurement takes all seeds of the chapter, the second three of them.

# %% tags=["solution"]
noisy_runs = results[results["noise"] == strongest].set_index("seed")
recovered = pd.DataFrame(
    {
        "trained alone": noisy_runs["right, trained alone"],
        "trained jointly": noisy_runs["right, trained jointly"],
        "with a loss of its own": [
            remedied(s) for s in progress(noisy_runs.index, "seeds")
        ],
    }
)
print("right encoder:")
print(recovered.agg(["mean"]).round(3).to_string(index=False))
THREE = range(seed, seed + min(3, n_seeds))
synergy = pd.DataFrame(
    [
        {
            "joint": on_synergy(methods.JointFusion, s),
            "with own losses": on_synergy(WithOwnHeads, s),
        }
        for s in progress(THREE, "seeds")
    ],
    index=pd.Index(THREE, name="seed"),
)
print("\naccuracy on synergistic samples:")
print(synergy.round(3).to_string())
gained = recovered["with a loss of its own"] - recovered["trained jointly"]
mean, half = mean_interval(gained)
print()
claim(
    mean - half > 0.05 and recovered["with a loss of its own"].mean() > 0.7,
    "A loss of its own gives the right encoder back much of what it knew.",
)
price = synergy["joint"] - synergy["with own losses"]
claim(
    (price > 0).all() and (price < 0.15).all(),
    "On synergistic samples it has a price on every seed, of less than 15 points.",
)

# %% [markdown]
# One line in the loss gives the right encoder nearly all of what joint training took from it. It is not free: on each of these three
# seeds the model is a few points worse on synergistic samples, on which the extra losses can only learn by heart. So asking every
# modality is a good remedy where labels are redundant, and has a price where they are synergistic. Carried to
# its end, the idea leads to DI-MML, which keeps the separate losses and drops the shared one.
#
# ```{solution-end}
# ```
