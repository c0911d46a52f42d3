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
# - derive why a strong modality starves a weak one: they share a single error signal;
# - show the effect on real pixels, with intervals, and rule out two innocent explanations;
# - say what it costs when the strong modality fails, and when the effect does not matter.
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
noise_levels = [0.0, 0.2, 0.4]
device = "auto"
check_claims = True

# %%
import json
from dataclasses import replace

import matplotlib.pyplot as plt
import pandas as pd
import torch

from mmfuse_lib import data, evaluate, fit, mean_interval, methods, plots

plots.use_style()
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
# label can be read off these features by the simplest of readers. The comparison is fair, because the
# unimodal model, too, ends in one linear classifier on its encoder; the encoders have the same shape,
# the same data and the same number of epochs.
#
# In the library a probe is a method like any other. All it does differently is to name what is trained:
#
# ```python
# def stages(self, epochs):
#     return [Stage("probe", epochs, trains=[self.head], loss=self.task_terms)]
# ```
#
# Whatever a stage does not name is frozen and in evaluation mode.


# %%
def train_on(model, splits, seed, epochs=epochs):
    """Train a model in place and return what `fit` recorded."""
    return fit(model, *splits[:2], epochs=epochs, lr=lr, seed=seed, device=device)


def accuracy(model, samples):
    """Accuracy on some samples."""
    return evaluate(model, samples, device=device).metrics["accuracy"]


def probe(model, modality, splits, seed):
    """Test accuracy of a linear probe on one encoder of a trained model."""
    reader = methods.LinearProbe.of(model, modality, seed=seed)
    train_on(reader, splits, seed)
    return accuracy(reader, splits[2])


# %% [markdown]
# For every noise level and seed we train three things: each modality alone (together they are the
# ensemble), and a joint model with a hidden layer across both. Then we probe the joint model's encoders.


# %%
def compare(noise, seed):
    """Train apart and jointly on the same data; return accuracies, models and histories."""
    splits = load(noise, seed)
    apart = methods.Ensemble.for_data(splits[0], seed=seed)
    joint = methods.JointFusion.for_data(splits[0], seed=seed)
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


runs = [compare(noise, s) for noise in noise_levels for s in SEEDS]
results = pd.DataFrame([row for row, _, _ in runs])

# %% mystnb={"image": {"alt": "Two panels with accuracy against the noise on the right image. Left panel, the sharp left encoder: trained alone it stays slightly above trained jointly at all noise levels. Right panel: both curves fall with noise, and the encoder trained jointly lies clearly below the one trained alone, by more and more as noise grows."}, "figure": {"caption": "What each encoder knows on its own: trained alone (solid) and as part of a joint model, read by a linear probe (dashed). Mean and 95 % interval over seeds.", "name": "fig-probes"}} tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(6.2, 3.4), sharey=True)
for ax, name in zip(axes, ("left", "right"), strict=True):
    for how, line, color in (("alone", "o-", "C1"), ("jointly", "s--", "C0")):
        by_noise = results.groupby("noise")[f"{name}, trained {how}"].agg(
            mean_interval
        )
        means, halves = zip(*by_noise, strict=True)
        ax.errorbar(
            by_noise.index,
            means,
            halves,
            fmt=line,
            color=color,
            capsize=3,
            label=f"trained {how}",
        )
    _ = ax.set(
        title=f"{name} encoder",
        xlabel="noise on the right image",
        xticks=noise_levels,
    )
axes[0].set_ylabel("test accuracy")
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
    mean, half = mean_interval(values)
    return f"{100 * mean:.1f} ± {100 * half:.1f}"


gaps.agg(points).rename(
    columns=lambda name: f"{name}: points lost by joint training"
)

# %% [markdown]
# Three things are worth reading off {numref}`fig-probes` and the table. The right encoder loses, and
# loses more the noisier its image is. The sharp left encoder loses as well, by about as much at each
# noise level. And it is *not* only the weak who suffer: without any noise, when the two are equals,
# both are worse than if they had trained alone. They compete even then.
#
# ## One error signal for all
#
# The cause can be read off the gradient. Let $z_m = e_m(x_m)$ be the features of modality $m$, let the
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
# $\lVert J_m^\top v \rVert \le c \lVert v \rVert_1$ for all $v$, the gradient that reaches modality
# $m$ satisfies
# $\mathbb E \lVert \partial (-\log p_y) / \partial z_m \rVert \le 2c\, \mathbb E[-\log p_y]$.
# ```
#
# ```{prf:proof}
# The entries of $p - \mathbf 1_y$ are $p_k \ge 0$ for $k \ne y$, which sum to $1 - p_y$, and
# $p_y - 1$. So its 1-norm is $2 (1 - p_y)$, and $1 - t \le -\log t$ for $t \in (0, 1]$. The second
# claim is the first, put into {eq}`eq-shared-residual`. $\square$
# ```
#
# Once the fused training loss is 0.05, every encoder, however poor, receives a twentieth of the signal
# it could have with a loss of 1. Let us look at the losses: {numref}`fig-signal` shows the training
# loss of the joint model beside that of the right modality alone, in the noisiest setting.

# %%
curves = []
for row, _, history in runs:
    if row["noise"] == max(noise_levels):
        for how, stage in (("joint", "joint"), ("apart", "right")):
            frame = (
                history[how]
                .to_frame()
                .query("split == 'train' and term == 'total'")
            )
            curves.append(
                frame[frame["stage"] == stage]
                .set_index("epoch")["value"]
                .rename(how)
            )
losses = pd.concat(curves, axis=1)
mean_loss = losses.T.groupby(level=0).mean().T
half_way = int((mean_loss["joint"] < 0.1).idxmax())
print(
    f"joint loss below 0.1 nats from epoch {half_way}: {mean_loss['joint'][half_way]:.3f}"
)
print(f"right alone, same epoch: {mean_loss['apart'][half_way]:.3f}")

# %% mystnb={"image": {"alt": "Training loss against epochs on a logarithmic axis. The joint model's loss falls far below 0.1 within a few epochs, while the loss of the right modality trained alone is several times larger at every epoch after the second."}, "figure": {"caption": "Training loss per epoch, which bounds the learning signal: the joint model (dashed) and the right modality trained alone (solid), at the strongest noise. Thin lines are seeds.", "name": "fig-signal"}} tags=["hide-input"]
figure, ax = plt.subplots()
for how, label, line, color in (
    ("apart", "right modality, trained alone", "-", "C1"),
    ("joint", "joint model", "--", "C0"),
):
    ax.semilogy(losses[how], line, color=color, lw=0.7, alpha=0.6)
    ax.semilogy(mean_loss[how], line, color=color, lw=2.5, label=label)
_ = ax.set(xlabel="epoch", ylabel="training loss (nats)")
ax.legend()
plt.show()

# %% [markdown]
# After a handful of epochs the joint model has little left to complain about, since the sharp left
# image explains the labels. The right encoder is told "all is well" long before it is any good.
#
# ## Watching the encoder learn
#
# The same story, seen from the encoder. We stop both trainings after 1, 2, 4, ... epochs and measure what
# the right encoder knows by then. (A shorter run is the beginning of a longer one: the order of the
# samples depends on the seed only. To see the state at the very epoch, no validation data is given, so
# that the last weights are kept.)


# %%
def at_epoch(n_epochs, noise, seed):
    """What the right encoder knows after some epochs, trained alone and jointly."""
    splits = load(noise, seed)
    alone = methods.Unimodal.for_data(splits[0], modality="right", seed=seed)
    joint = methods.JointFusion.for_data(splits[0], seed=seed)
    for model in (alone, joint):
        fit(model, splits[0], epochs=n_epochs, lr=lr, seed=seed, device=device)
    return {
        "epochs": n_epochs,
        "trained alone": probe(alone, "right", splits, seed),
        "trained jointly": probe(joint, "right", splits, seed),
    }


budgets = [n for n in (1, 2, 4, 8, 16, 32) if n <= 2 * epochs]
growth = pd.DataFrame(
    [at_epoch(n, max(noise_levels), seed) for n in budgets]
).set_index("epochs")

# %% mystnb={"image": {"alt": "Accuracy of a probe on the right encoder after 1 to 32 epochs on a logarithmic axis. Both rise at first; the encoder trained jointly levels off early and stays below the one trained alone."}, "figure": {"caption": "What the right encoder knows after so many epochs, read by a linear probe in both cases (one seed, strongest noise). More training does not close the gap.", "name": "fig-growth"}} tags=["hide-input"]
figure, ax = plt.subplots()
ax.semilogx(growth["trained alone"], "o-", color="C1", label="trained alone")
ax.semilogx(growth["trained jointly"], "s--", color="C0", label="trained jointly")
ax.set_xticks(budgets, [str(n) for n in budgets])
ax.minorticks_off()
_ = ax.set(xlabel="epochs", ylabel="right encoder: probe accuracy")
ax.legend()
plt.show()

# %% [markdown]
# This rules out the first innocent explanation, that joint training merely needs *longer*: beyond the
# point where its loss has vanished, the joint encoder gains nothing. The second one is that the probe
# is unfair, because the joint model might store what it knows in a form that a linear reader cannot
# use. So let us ask the joint model itself, without any probe.
#
# ## When the strong modality fails
#
# At test time we black out the left image, as if the camera had failed. Now the label can only come from
# the right image, and everything that the model learned about it counts.


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
    """Mean and 95 % half-width over seeds, a row a noise level."""
    return frame.groupby("noise").agg(
        lambda v: "{:.3f} ± {:.3f}".format(*mean_interval(v))
    )


summary(dark_results)

# %% mystnb={"image": {"alt": "Grouped points: accuracy with both images and with the left one blacked out, for ensemble and joint model, at the strongest noise. With both images the two are close. With the left image black, the joint model drops far below the ensemble."}, "figure": {"caption": "Test accuracy at the strongest noise, with both images and with the left one blacked out. Each dot is a seed.", "name": "fig-blackout"}} tags=["hide-input"]
figure, ax = plt.subplots()
noisiest = results["noise"] == max(noise_levels)
for shift, how, color in ((-0.12, "ensemble", "C1"), (0.12, "joint", "C0")):
    for x, frame in enumerate((results, dark_results)):
        values = frame.loc[noisiest, how]
        label = how if x == 0 else None
        ax.plot(
            [x + shift] * len(values),
            values,
            "o",
            color=color,
            alpha=0.6,
            label=label,
        )
        ax.hlines(
            values.mean(), x + shift - 0.08, x + shift + 0.08, color=color, lw=3
        )
ax.set_xticks([0, 1], ["both images", "left image black"])
_ = ax.set(xlim=(-0.5, 1.5), ylabel="test accuracy")
ax.legend()
plt.show()

# %% [markdown]
# With both images the joint model loses little, and one might not notice that anything is wrong. With one
# camera down it loses far more than the ensemble, whose right member simply carries on. **The price
# of modality competition is hidden until the strong modality is missing.**
#
# And when nothing fails? Then, as chapter 1 found, the ensemble is ahead on redundant data as well:

# %%
summary(results[["noise", "ensemble", "joint"]])

# %% [markdown]
# Averaging two independently trained readers corrects errors that only one of them makes. The joint model
# has the same two images, but as its right reader is poor there is less to correct with.
#
# ## What to make of it
#
# The effect has been reported for large networks: jointly trained audio-visual models that lose to their
# best single modality {cite:p}`wang2020`, and encoders inside joint models that fall short of their
# unimodal twins {cite:p}`peng2022`. {cite:t}`huang2022` prove for a class of two-layer
# networks that joint training learns only a subset of the modalities well. Common remedies change
# the *gradient* of joint training: they slow down the modality that is ahead. DI-MML, which a
# later chapter builds, takes {eq}`eq-shared-residual` at its word: if the shared residual is the
# problem, then do not share it. Each modality gets its own loss, and they exchange what they know in
# another way {cite:p}`fan2024`.
#
# Is competition always harmful? On purely redundant data without failures the joint model was behind by a
# point or two; where labels are synergistic, training apart costs everything (chapter 1). What is
# needed is a method that can tell the difference, sample by sample.
#
# ## Check

# %%
gap = gaps.mean()
strongest = max(noise_levels)
if check_claims:
    # The right encoder knows less when trained jointly, beyond the interval, and more so with noise.
    lost, half = mean_interval(gaps.get_group(strongest)["right"])
    assert lost - half > 0
    assert gap.loc[strongest, "right"] > gap.loc[0.0, "right"]
    # The sharp modality loses less than the noisy one.
    assert gap.loc[strongest, "left"] < gap.loc[strongest, "right"]
    # Longer training does not close the gap.
    assert growth["trained alone"].iloc[-1] > growth["trained jointly"].iloc[-1]
    # With the strong modality gone, the joint model is behind the ensemble on every seed.
    assert (dark_results["joint"] < dark_results["ensemble"])[noisiest].all()
    # The loss of the joint model, and with it the learning signal, vanishes first.
    assert mean_loss.loc[half_way, "joint"] < mean_loss.loc[half_way, "apart"] / 3
    print("all claims hold")

# %% tags=["headline", "remove-cell"]
blacked = dark_results[noisiest].mean()
headline = {
    "right_points_lost_strongest_noise": round(
        100 * gap.loc[strongest, "right"], 2
    ),
    "right_points_lost_no_noise": round(100 * gap.loc[0.0, "right"], 2),
    "ensemble_left_black": round(blacked["ensemble"], 3),
    "joint_left_black": round(blacked["joint"], 3),
}
print(json.dumps(headline))

# %% [markdown]
# ## Takeaways
#
# - A **linear probe** on a frozen encoder tells what one modality of a trained model knows on its own.
# - In joint training all encoders are driven by **one residual**, that of the fused prediction. When a
#   strong modality has made it small, the others stop learning; the training loss bounds what they
#   can still receive.
# - On redundant digits the noisy modality's encoder ends up clearly worse than if it had been trained
#   alone, longer training does not help, and even equals lose a little.
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
# and there is competition. What protects the ensemble is not the averaging but the separate losses.
# ```
#
# ```{exercise} Less entangled
# :label: ex-sum-fusion
#
# Replace the joint model's fusion by `"sum"`. Does the right encoder still lose, and how much, at the
# strongest noise?
# ```
#
# ```{solution-start} ex-sum-fusion
# :class: dropdown
# ```

# %% tags=["solution"]
splits = load(strongest, seed)
lost = {}
for fusion in ("concat", "sum"):
    joint = methods.JointFusion.for_data(splits[0], fusion=fusion, seed=seed)
    train_on(joint, splits, seed)
    alone = results.query("noise == @strongest and seed == @seed")[
        "right, trained alone"
    ].item()
    lost[fusion] = alone - probe(joint, "right", splits, seed)
print({fusion: f"{100 * value:.1f} points" for fusion, value in lost.items()})

# %% [markdown]
# It still loses, by less. The residual is shared as before; but with a linear classifier on top of each
# encoder, what the encoder does learn is in a form that the linear probe can read.
#
# ```{solution-end}
# ```
#
# ```{exercise} A third explanation
# :label: ex-more-data
#
# Could it be a matter of *data*? Repeat the comparison at the strongest noise with four times as many
# training pairs. Does the gap close? (Remember that the images behind the pairs stay the same.)
# ```
#
# ```{solution} ex-more-data
# :class: dropdown
#
# Call `compare` with `n_train` raised. More pairs mean more noisy copies of the same images, so both
# encoders improve. There are also more steps per epoch, so the joint loss vanishes after fewer epochs.
# You should find a gap that is smaller in points but still there.
# ```
#
# ```{exercise} Not always harmful
# :label: ex-unique
#
# Use `composition={"U2": 1.0}` (only the right image knows the label) instead of `{"R": 1.0}`, with the
# strongest noise. Predict what the probe of the right encoder will show, then try it.
# ```
#
# ```{solution} ex-unique
# :class: dropdown
#
# The left image has nothing to say about the label, so it cannot make the residual small (it can
# only help to memorise training samples). The right encoder receives a large residual for as long
# as it is wrong, just as when it is trained alone, and the gap should all but disappear:
# *competition needs redundancy.*
# ```
