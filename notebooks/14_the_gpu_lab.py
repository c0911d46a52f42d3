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
# # The GPU lab
#
# Every experiment so far was small enough for a laptop. Now suppose you can borrow a GPU: a free session that has one, and
# that may end at any moment without warning. You want five methods, five seeds, sixty thousand pairs and a real network.
# **Does that fit into half an hour? And if the session ends after twenty minutes, what is left?**
#
# Counting answers the first question before anything runs. Habits answer the second. In this lab we count,
# then run five methods at full size, and then take on CREMA-D {cite:p}`cao2014`, the data set
# on which two of the papers report their results.
#
# ```{admonition} After this chapter you can
# :class: tip
# - count the operations of a training run and turn them into minutes, before the run;
# - say whether operations, calls or loading limit a run, and what a larger batch changes;
# - say what half precision can and cannot represent, and choose the format that suits the device;
# - run a grid of methods and seeds that survives the end of a session;
# - fetch, prepare and train on gigabytes of data, and put your table beside the paper's.
#
# **Needs:** chapter 10, for how reports are scored. **Takes:** {{ essential }} minutes for the essential path,
# {{ reading }} for everything. As published it runs small, in about a minute on two CPU cores, and nothing is downloaded.
# At full size the plan is under half an hour on a T4 for part (a) and several sessions for part (b); neither has been
# measured yet unless the chapter shows a measurement.
# ```

# %% [markdown]
# **On a GPU,** set `full_size = True` for part (a). For part (b), name a folder in `cremad`, and set `fetch = True` unless
# the files are already there. Choose an `out` folder that outlives the session. On Colab that is a folder on your Drive:
# `from google.colab import drive; drive.mount("/content/drive")`, then `out = "/content/drive/MyDrive/lab"`.

# %% tags=["parameters", "hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
seed = 0
full_size = False  # part (a) with 60,000 pairs and ResNet-18
n_seeds = 3  # of the small run; the full one has five
epochs = 12  # of the small run; the full one has six
n_train = 1_500  # of the small run
cremad = ""  # folder of CREMA-D; without one, a small folder is made up
fetch = False  # download what the folder lacks, about 3 GB
out = "runs"  # what is computed is kept here, and continued
device = "auto"

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from mmfuse_lib import Claims, data, methods, plots, results, study
from mmfuse_lib.core.devices import find_device
from mmfuse_lib.core.errors import UnknownNameError
from mmfuse_lib.data.raw.sample import write_cremad
from mmfuse_lib.evaluation import in_words
from mmfuse_lib.study.cells import unpack_right

plots.use_style()
claim = Claims(
    globals(),
    seed=0,
    full_size=False,
    n_seeds=3,
    epochs=12,
    n_train=1_500,
    cremad="",
    fetch=False,
    out="runs",
)
KINDS = list(data.INTERACTIONS)
OUT = Path(out)

# %% [markdown]
# ## Count before you run
#
# A convolution with a $k \times k$ kernel from $c$ to $c'$ channels computes $c'$ numbers at each of $h \times w$ places. Each
# number is a sum of $k^2 c$ products, and a product with its addition makes two **floating-point operations**:
#
# $$
# F_\text{conv} = 2\, k^2\, c\, c'\, h\, w .
# $$ (eq-lab-conv)
#
# A linear layer is the case $k = h = w = 1$, and everything else in a ResNet is small change. Training a layer costs three
# times as much as using it. The forward pass costs $F_\text{forward}$. The backward pass costs twice that: it computes the
# gradient of the layer's *input*, to hand it on, and the gradient of its *weights*, to change them, and each takes as many
# products as the forward pass. So
#
# $$
# F_\text{train} \approx 3\, F_\text{forward}.
# $$ (eq-lab-three)
#
# PyTorch can count while it computes. Two pairs of the right shape are enough, and their pixels do not matter.

# %%
N_TRAIN, BATCH, N_SEEDS, N_EPOCHS = 60_000, 256, 5, 6
SHAPES = {"image": (1, 32, 28), "audio": (1, 44, 64)}  # with the cue
generator = torch.Generator().manual_seed(seed)
pairs = data.from_arrays(
    {
        name: torch.randn(10, *shape, generator=generator)
        for name, shape in SHAPES.items()
    },
    torch.arange(10),
)
ENCODERS = dict.fromkeys(SHAPES, "resnet18")
lab_plan = study.configuration("gpu_lab")  # reproduce/gpu_lab.yml


class Calls(TorchDispatchMode):
    """Count the calls that start work on the device; views of a tensor do not."""

    n = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.n += not function.is_view
        return function(*args, **(kwargs or {}))


def count(model, stage, batch):
    """Return the operations of one training step per pair, and its calls."""
    model.requires_grad_(False)
    for module in stage.modules:
        module.requires_grad_(True)
    with Calls() as calls, FlopCounterMode(display=False) as operations:
        stage.loss(batch)["total"].backward()
    return operations.get_total_flops() / len(batch), calls.n


rows = []
for name, entry in lab_plan["methods"].items():
    model = methods.get(entry["method"]).for_data(
        pairs,
        encoders=ENCODERS,
        dim=512,
        seed=seed,
        **entry.get("method_options", {}),
    )
    for stage in model.stages(N_EPOCHS):
        flop, calls = count(model, stage, pairs[:2])
        rows.append(
            {
                "method": name,
                "stage": stage.name,
                "epochs": stage.epochs,
                "GFLOP": flop / 1e9,
                "calls": calls,
            }
        )
costs = pd.DataFrame(rows)
with FlopCounterMode(display=False) as forward, torch.no_grad():
    model.encode(pairs[:2].inputs)
both_encoders = forward.get_total_flops() / 2 / 1e9
print(f"one pair through both encoders, forward: {both_encoders:.3f} GFLOP")
costs.round({"GFLOP": 2}).set_index("method")

# %% [markdown]
# Nearly all of the operations (GFLOP per pair, in billions) are in the encoders. That is why such different methods cost
# nearly the same: what makes DMIL or I2MoE special happens after the convolutions, on vectors of 512 numbers. The audio is
# the larger picture and takes three quarters. A stage that leaves the encoders frozen costs little more than their forward
# pass, which is a third.
#
# ```{quiz} Batches of 16
# :label: predict-batch
# :predict:
#
# A small network is trained with batches of 16 on a T4. You borrow an H100 with many times the operations a second. How
# much faster is a step?
#
# * [ ] As many times as the operations
#
#   (faster-device) With batches of 16 the processor's calls are the limit, and they take as long as before.
# * [x] Hardly faster
#
#   The device waits for calls. A larger batch would help, a faster device does not.
# * [ ] Slower
#
#   Nothing makes it slower. It only waits more.
# ```
#
# ## From operations to minutes
#
# By its maker's figures, a T4 can do 65 trillion operations a second in half precision, and an H100 can do 989 trillion. No
# network reaches this **peak**. What share of it is reached depends on the size of the layers, and ours are small. We plan,
# cautiously, with a tenth, and call it a guess until it is measured. (Chapter 12 plans with 15 % for the papers' larger
# inputs. That is a guess too.)
#
# There is a second limit. The processor starts each piece of work on the GPU with a call, and a call takes
# time: say 20 millionths of a second, including what Python and half precision add. (This is a guess, too.) While the pieces
# are long, the calls hide behind the computation. With a small batch the pieces are short, and the GPU waits. For a batch
# of $B$ pairs of $F$ operations each, $n$ calls a step, and $\tau$ seconds a call,
#
# $$
# t(B) = \max\Big(\frac{B\,F}{\text{share} \cdot \text{peak}},\; n\,\tau\Big).
# $$ (eq-lab-step)
#
# This is the *roofline* model {cite:p}`williams2009` with calls in place of memory. As the batch grows, the time of a *step*
# stays flat while calls limit it and then rises in proportion. The time of an *epoch* does the reverse: it falls at first
# and then stays flat, as {numref}`fig-lab-batch` shows. The smallest batch on the flat part wastes nothing.

# %%
GPUS = {"T4": 65e12, "H100": 989e12}  # operations a second, half precision
SHARE, TAU = 0.1, 20e-6  # guesses: share of the peak; seconds a call


def step_seconds(batch, gflop, calls, gpu):
    """Return the planned time of a training step."""
    return np.maximum(1e9 * gflop * batch / (SHARE * GPUS[gpu]), TAU * calls)


def epoch_seconds(batch, gflop, calls, gpu):
    """Return the planned time of an epoch of 60,000 pairs."""
    return np.ceil(N_TRAIN / batch) * step_seconds(batch, gflop, calls, gpu)


joint = costs.iloc[0]
crossing = {
    gpu: TAU * joint["calls"] * SHARE * peak / (1e9 * joint["GFLOP"])
    for gpu, peak in GPUS.items()
}

# %% tags=["hide-input"] mystnb={"image": {"alt": "Planned seconds of an epoch against the batch size, both axes logarithmic, one line for a T4 and one for an H100. Both fall together as the batch grows. The T4's turns flat near 60 pairs, the H100's near 800. Dots mark batches of 16 and 256."}, "figure": {"caption": "A larger batch pays until operations become the limit: up to about sixty pairs on a T4, up to about eight hundred on an H100. Planned time of an epoch of joint fusion, by {eq}`eq-lab-step`; dots mark the papers' batch of 16 and ours of 256. Nothing here is measured.", "name": "fig-lab-batch"}}
batches = np.geomspace(8, 4096, 200)
figure, ax = plt.subplots(figsize=(6, 3.6))
for gpu, style, color in (("T4", "-", "C0"), ("H100", "--", "C1")):
    cost = joint["GFLOP"], joint["calls"], gpu
    ax.plot(
        batches,
        N_TRAIN / batches * step_seconds(batches, *cost),
        style,
        color=color,
        label=gpu,
    )
    for batch in (16, 256):
        ax.plot(batch, epoch_seconds(batch, *cost), "o", color=color)
ticks = [8, 16, 64, 256, 1024, 4096]
ax.set(
    xscale="log", yscale="log", xlabel="pairs per batch", ylabel="seconds per epoch"
)
ax.set_xticks(ticks, ticks)
ax.set_yticks([1, 10, 100], [1, 10, 100])
ax.minorticks_off()
ax.legend(title="planned for")
plt.show()

# %% [markdown]
# With the papers' batches of 16, both GPUs would take the same time. A rented H100 would be money for nothing, since it would
# spend its time waiting for Python. With our batches of 256, operations limit the T4 while calls still limit the H100; the
# plan below shows how much of its advantage remains. A larger batch is not free, though. It takes fewer steps in an epoch,
# and a learning rate that suited batches of 16 is unlikely to suit batches of 256. That is one reason why the papers'
# schedules have to be translated.

# %%
plan = costs.assign(
    **{
        gpu: N_SEEDS
        * costs["epochs"]
        * epoch_seconds(BATCH, costs["GFLOP"], costs["calls"], gpu)
        / 60
        for gpu in GPUS
    }
)
minutes = plan.groupby("method", sort=False)[list(GPUS)].sum()
minutes.loc["all"] = minutes.sum()
minutes.rename(columns="planned minutes, {}".format).round(1)

# %% [markdown]
# Add about five minutes (a guess) for making the data once per seed, for validation and for checkpoints. That is the plan
# for part (a): 60,000 pairs, six epochs, five seeds. Six epochs are what half an hour on a T4 allows. Arithmetic chose
# them, not an accuracy.
#
# ```{quiz} Half of the encoders
# :label: quiz-forward
#
# A stage trains a small head on two frozen encoders. About how does a step of it compare with a step that trains
# everything?
#
# * [ ] It costs next to nothing, as the head is small.
#
#   The frozen encoders still have to run forward.
# * [x] It costs about a third.
#
#   Training costs about three forward passes, and one of them is left.
# * [ ] It costs the same.
#
#   The backward pass through the encoders is gone.
# ```
#
# ## Half precision loses small gradients or small changes
#
# The peak of a T4 holds for numbers of 16 bits; with 32 bits it is an eighth of that. But 16 bits are few, and there are two
# ways to spend them. `float16` has a fine grid and a short range; `bfloat16` has the range of `float32` and a coarse grid.

# %%
formats = (torch.float32, torch.float16, torch.bfloat16)
pd.DataFrame(
    {
        str(kind).removeprefix("torch."): {
            "largest number": f"{torch.finfo(kind).max:.2g}",
            "smallest number": f"{torch.finfo(kind).smallest_normal:.2g}",
            "step after 1": f"{torch.finfo(kind).eps:.2g}",
            "a gradient of 1e-8 becomes": f"{float(torch.tensor(1e-8).to(kind)):.1g}",
            "the same, times 65,536": f"{float(torch.tensor(1e-8 * 65_536).to(kind)):.2g}",
            "1 + 0.001 becomes": f"{float(torch.tensor(1 + 0.001).to(kind)):.4f}",
        }
        for kind in formats
    }
)

# %% [markdown]
# In `float16` a small gradient is lost, and with it whatever it would have taught. **Loss scaling**
# {cite:p}`micikevicius2018` multiplies the loss, and so every gradient, by a large number before the backward pass and
# divides by it afterwards. In `bfloat16` the gradient survives, but $1.001$ does not: a weight of 1 that should move by a
# thousandth stays where it is. So the weights are kept in `float32`, and only the products are computed with 16 bits. That is
# what *mixed* precision means, and why it does not halve the memory of a small network.
#
# Of the two formats, a T4 computes in `float16` only. GPUs since Ampere (A100, L4, H100) compute in both, and `bfloat16`
# needs no scaling.


# %%
def half_precision(device):
    """Return the mixed precision that suits a GPU; a CPU gets none."""
    if find_device(device).type != "cuda":
        return "32-true"
    return (
        "bf16-mixed" if torch.cuda.get_device_capability()[0] >= 8 else "16-mixed"
    )


# %% [markdown]
# ```{quiz} Which format?
# :label: quiz-bfloat
#
# Weights are kept in `bfloat16`, which has the range of 32 bits and eight bits of precision. What goes wrong first?
#
# * [ ] Small gradients become 0.
#
#   That is the trouble of `float16`, whose range is short.
# * [x] Small updates are rounded away.
#
#   A weight of 1 does not notice a change of a thousandth. That is why weights stay in 32 bits.
# * [ ] Large activations overflow.
#
#   Its range is that of 32 bits.
# ```
#
# ## Loading is the third limit
#
# *Deeper: only for data that do not fit on the GPU; skip it on a first reading.*
#
# A GPU also has to be fed. One of our pairs is small; a clip of CREMA-D is not:

# %%
CLIP = {"audio": (1, 257, 299), "video": (3, 3, 224, 224)}  # video in bytes
one_pair = sum(4 * np.prod(shape) for shape in SHAPES.values())
one_clip = 4 * np.prod(CLIP["audio"]) + np.prod(CLIP["video"])
gigabytes = {
    "60,000 pairs": N_TRAIN * one_pair / 1e9,
    "7,442 clips": 7_442 * one_clip / 1e9,
}
for what, size in gigabytes.items():
    print(f"{what}: {size:.1f} GB; from a disk of 0.1 GB/s in {size / 0.1:.0f} s")

# %% [markdown]
# A T4 has 16 GB. `fit` moves the data to the GPU if they take at most half of the free memory there. Both data sets fit, so
# no epoch loads anything. Data that do not fit are read in batches from files that are mapped into memory. The worst choice
# is to decode during training, which opens thousands of videos in every epoch. So the frames and spectrograms of CREMA-D are
# prepared **once**, and kept.
#
# ## (a) Every method, sixty thousand pairs
#
# `spoken_digits` shows an MNIST image and plays a spoken digit. One of the four interactions makes the label, and a cue
# names it, so we know for every pair what decides it. There are ten classes here, which makes synergy the sum of two digits
# modulo ten and chance one in ten. The speaker of the test pairs is never heard in training.
#
# ```{quiz} What is left?
# :label: predict-session
# :predict:
#
# A session with a grid of 25 runs ends after twenty minutes, without warning. What is lost, if finished cells are kept
# and checkpoints are on a drive?
#
# * [x] At most what the current run did since its last checkpoint
#
#   Finished cells are read from the drive, and the current run continues.
# * [ ] All 25 runs
#
#   Then nothing was written to a place that outlives the session.
# * [ ] Nothing at all
#
#   The steps since the last checkpoint are gone.
# ```
#
# A **study** is a grid of methods, data sets and seeds in one file. Each cell of the grid writes its result as soon as it is
# done, under a hash of its settings and of the code, so the same command continues after an interruption. Within a cell,
# checkpoints are written as training goes on. This is the file, `reproduce/gpu_lab.yml`:

# %%
shown = {"seeds": lab_plan["seeds"], **lab_plan["settings"]}
print(json.dumps(shown, indent=1))
for name, entry in lab_plan["methods"].items():
    print(f"{name}: {entry['method']} {entry.get('method_options', '')}")
for name, entry in lab_plan["data"].items():
    print(f"{name}: {entry['data_options']}")
    print(f"encoders: {entry['encoders']}")

# %% [markdown]
# Six epochs are not 150, so the papers' schedules are kept as *shares* of the budget.
#
# | | in the paper | here |
# |:--|:--|:--|
# | DI-MML {cite:p}`fan2024` | 20 epochs apart, 130 interacting, 20 for the head; rate to a tenth at 70 and at 140 | 1, 5 and 1; to a tenth after 3 |
# | DMIL {cite:p}`yang2026` | 10 for level 1, 5 for level 2, the rest (not published) for all | 2, 1 and 3 |
# | I2MoE {cite:p}`xin2025` | one stage, 30 to 50 epochs | one stage, 6 |
#
# Two settings are ours: the optimiser, AdamW with a rate of 0.001 for every method, and the batches of 256. Nothing was
# chosen by looking at these data.
#
# The code below runs the file as it is or, where `full_size` is off, a **small stand-in**: digit pairs of 8 × 8
# pixels, four classes and a small network. The stand-in's numbers are real, but they belong to another experiment. They show
# that every line works and what the tables will look like (↑ higher is better, ↓ lower is better). DMIL learns synergy late,
# and needs more epochs than these, as chapter 8 shows.

# %%
SMALL = {
    "epochs": epochs,
    "dim": 32,
    "batch_size": 64,
    "lr": 3e-3,
    "precision": "32-true",
}


def shrink(plan, **settings):
    """Give a plan a small network: other settings, and no options made for the large one."""
    for entry in plan["methods"].values():
        options = entry.get("method_options", {})
        for name in ("latent_dim", "lr_schedule"):
            options.pop(name, None)
    plan["settings"] |= settings


def run(plan, folder):
    """Run what is not done yet of a study, and return all that is done."""
    plan["settings"]["device"] = device
    outcome = study.run_study(study.Study.of(plan), folder)
    for cell in outcome.failed:
        print(f"failed: {cell}, see {folder / cell.key}.error")
    return study.gather(folder)


if full_size:
    lab_plan["settings"]["precision"] = half_precision(device)
else:
    shrink(lab_plan, **SMALL)
    lab_plan["seeds"] = list(range(seed, seed + n_seeds))
    few = {"n_train": n_train, "n_val": 300, "n_test": 1_000}
    lab_plan["data"] = {"digit_pairs": {"data_options": few}}
lab_folder = OUT / ("lab" if full_size else "lab_small")
lab = run(lab_plan, lab_folder)
(lab_data,) = lab.data
study.table(lab, lab_data, columns=["accuracy", "ece", "n_parameters"]).rename(
    columns={"accuracy": in_words("accuracy"), "ECE": in_words("ece")}
)

# %% mystnb={"image": {"alt": "Bars of test accuracy on R, U1, U2 and S samples, a group a method. All are near one on R, U1 and U2. On S joint fusion and I2MoE are high, the ensemble, DI-MML and DMIL near chance."}, "figure": {"caption": "The ensemble stays near chance (dashed) on S, where neither modality alone says anything. Test accuracy by what decides the label: mean and 95 % interval over the seeds of this run.", "name": "fig-lab-kinds"}} tags=["hide-input"]
scores = study.scores(lab, lab_data)
by_kind = scores.set_index("method")[[f"accuracy_{k}" for k in KINDS]].set_axis(
    KINDS, axis=1
)
n_classes = 10 if full_size else 4
figure, ax = plt.subplots(figsize=(6, 3.8))
rows = by_kind.reset_index().melt(
    "method", var_name="decided by", value_name="accuracy"
)
sns.barplot(
    rows,
    x="method",
    y="accuracy",
    hue="decided by",
    hue_order=KINDS,
    saturation=1,
    palette=plots.PALETTE,
    errorbar=plots.t_interval,
    capsize=0.2,
    err_kws={"color": "black", "lw": 1.2},
    ax=ax,
)
ax.axhline(1 / n_classes, color="black", lw=1, ls="--")
_ = ax.set(xlabel="", ylabel="test accuracy", ylim=(0, None))
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, frameon=False)
plt.show()

# %% [markdown]
# {numref}`fig-lab-curves` shows where the time went. Each stage is judged by a loss of its own: DI-MML and DMIL start
# with the summed losses of both modalities' classifiers. So compare within a stage, not between stages. If the loss of the
# last stage is still falling at its end, the budget was too small, which is worth knowing before anyone calls a method bad.

# %% mystnb={"image": {"alt": "Five panels, one a method, of loss against epoch. Training is dashed, validation solid, a colour a stage. Joint fusion and I2MoE have one stage, the ensemble two, DI-MML and DMIL three."}, "figure": {"caption": "Where a curve is still falling at the end of its last stage, the budget was too small. The loss by which each stage is judged (nats), first seed of this run: training dashed, validation solid, one colour per stage. Stages follow each other, so the epochs add up.", "name": "fig-lab-curves"}} tags=["hide-input"]
names = list(lab_plan["methods"])
highest = 0.0
figure, axes = plt.subplots(3, 2, figsize=(5.6, 8), sharey=True)
axes.flat[-1].set_axis_off()
for ax, name in zip(axes.flat, names, strict=False):
    history = pd.DataFrame(lab.of(lab_data, name)[0]["curves"])
    start = 0
    for number, (stage, rows) in enumerate(history.groupby("stage", sort=False)):
        for split, style in (("train", "--"), ("val", "-")):
            line = rows[rows["split"] == split]
            label = stage if split == "val" else None
            highest = max(highest, line["loss"].max())
            ax.plot(
                start + line["epoch"],
                line["loss"],
                style,
                color=f"C{number}",
                label=label,
            )
        start += rows["epoch"].max()
    ax.legend(
        loc="upper right",
        frameon=False,
        handlelength=1,
        borderpad=0,
        labelspacing=0.2,
    )
    ax.set(title=name, xlabel="epoch")
    ax.xaxis.get_major_locator().set_params(integer=True)
for ax in axes[:, 0]:
    ax.set(ylabel="loss (nats)", ylim=(0, 1.8 * highest))
plt.show()

# %% [markdown]
# DMIL's gate and I2MoE's weights say, pair by pair, which interaction decided. We know the truth, so we can score these
# reports as in chapter 10. The area under the curve in {numref}`fig-lab-reports` asks whether a pair that was decided by
# synergy gets a larger share of S than one that was not. Chance is one half.

# %% mystnb={"image": {"alt": "Points with intervals: the area under the curve of the reports of DMIL and I2MoE for R, U1, U2 and S, around or above one half, wide intervals."}, "figure": {"caption": "Does a report give the true interaction the larger share? Area under the curve, mean and 95 % interval over the seeds of this run. The dashed line is chance.", "name": "fig-lab-reports"}} tags=["hide-input"]
reporting = [
    name for name in names if lab.of(lab_data, name)[0]["reports"].get("report")
]
areas = pd.DataFrame(
    [
        {
            "method": name,
            "interaction": kind,
            "area": row["reports"]["report"]["metrics"][f"auroc_{kind}"],
        }
        for name in reporting
        for row in lab.of(lab_data, name)
        for kind in KINDS
    ]
)
figure, ax = plt.subplots(figsize=(5, 3.6))
plots.interval_points(areas, x="method", y="area", hue="interaction", ax=ax)
ax.axhline(0.5, color="black", lw=1, ls="--")
_ = ax.set(xlabel="", ylabel="area under the curve", ylim=(0, None))
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, frameon=False)
plt.show()

# %% [markdown]
# Measurements at full size, on a GPU, are kept in `reproduce/gpu/lab.json`, which `make gpu` writes. The next cell shows them
# beside the plan if the file is there.

# %%
try:
    measured = results("gpu/lab")
except UnknownNameError:
    measured = None

if measured is None:
    print("not measured yet: no GPU was at hand when this was published.")
    print(
        f"planned: {minutes.loc['all', 'T4']:.0f} minutes on a T4 at {SHARE:.0%} of its peak"
    )
else:
    steps = (
        study.scores(measured, "spoken_digits").groupby("method")["step_ms"].mean()
    )
    print(study.made_on(measured))
    print(f"measured: {measured.about['seconds'] / 60:.0f} minutes in all")
    print(f"a step of joint fusion: {steps['joint']:.1f} ms")
    print(
        study.table(measured, "spoken_digits").drop(columns="ms a step").to_string()
    )

# %% [markdown]
# ## What survives the end of a session
#
# Run the study a second time. Nothing is trained, because every cell is already there. Had the session ended half way, the
# same line would have computed what was missing.

# %%
again = study.run_study(study.Study.of(lab_plan), lab_folder)
print(f"{again.done} cells are done, {again.ran} of them were computed now")

# %% [markdown]
# ## (b) CREMA-D, as in the papers
#
# In CREMA-D, 91 actors say twelve sentences in six emotions. The papers' lists name 6,698 clips for training and 744 for
# testing, drawn from all clips, so every actor is in both. **One command fetches them**, about 3 GB in 14,884 files, and
# resumes where it was interrupted:
#
# ```bash
# mmfuse data cremad --fetch CREMA-D
# ```
#
# The official repository keeps its files in Git LFS, where free traffic is limited. In spring 2025 the limit was used up, and
# the authors set up a mirror, which the command tries next. (A clone of everything takes 7.55 GB. The 3 GB are our estimate
# from the sizes stated in a sample of the repository's pointer files. We could try neither route where this was written.)
#
# What the networks see differs between the paper, its code and ours:
#
# | | DI-MML's code | here |
# |:--|:--|:--|
# | frames | drawn once at random, a second apart; three in the paper | three, at equal distances |
# | pixels | normal noise of 0.1 added, in training *and* test | none |
# | spectrogram | (257, 1004), of 7.3 seconds, standardised clip by clip; a script for (257, 299) is there too | (257, 299), of 3 seconds at 16 kHz, as it is |
# | choice of the epoch | on the test list | on a validation split |
# | validation | none | all training clips of nine of the 91 actors |
#
# (The 160,000 samples of the code's spectrogram would be ten seconds at 16 kHz. The file is read at 22,050 Hz, so they are
# 7.3 seconds.)
#
# Where no folder is named, we make one up in the same layout: four "actors", six "emotions", a tone for the voice and a grey
# square for the face. It goes through the same loader, as real `.wav` and `.flv` files. **Its numbers mean nothing.**

# %%
OUT.mkdir(parents=True, exist_ok=True)
root = Path(cremad) if cremad else write_cremad(OUT / "cremad_sample")
if cremad and fetch:
    data.fetch("cremad", root)
cremad_plan = study.configuration("cremad")  # reproduce/cremad.yml
options = cremad_plan["data"]["cremad"]["data_options"] | {"root": str(root)}
train, val, test = data.load("cremad", **options)
for name, part in {"train": train, "validation": val, "test": test}.items():
    print(f"{name}: {len(part)} clips of {len(part.groups.unique())} actors")
print(train)

# %% mystnb={"image": {"alt": "A spectrogram, time from left to right and frequency upwards, above three video frames. In the folder that is made up, the spectrogram has one bright line and each frame a grey square on noise."}, "figure": {"caption": "One clip as the networks see it: a spectrogram of three seconds, and three frames. In the published book the clip is made up, a tone and a square.", "name": "fig-lab-clip"}} tags=["hide-input"]
figure = plt.figure(figsize=(5.2, 4.2))
grid = figure.add_gridspec(2, 3, height_ratios=[1.2, 1])
ax = figure.add_subplot(grid[0, :])
ax.imshow(
    train.inputs["audio"][0, 0], origin="lower", aspect="auto", extent=(0, 3, 0, 8)
)
ax.set(xlabel="time (s)", ylabel="frequency (kHz)")
ax.grid(visible=False)
for column, frame in enumerate(train.inputs["video"][0]):
    ax = figure.add_subplot(grid[1, column])
    ax.imshow(frame.permute(1, 2, 0))
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
plt.show()

# %% [markdown]
# How long will it take? Count again. On PyTorch's *meta* device, tensors have a shape but no content, so operations are
# counted without being carried out.

# %%
clip = data.from_arrays(
    {
        "audio": torch.zeros(6, *CLIP["audio"]),
        "video": torch.zeros(6, *CLIP["video"]),
    },
    torch.arange(6),
)
model = methods.JointFusion.for_data(
    clip, encoders=dict.fromkeys(CLIP, "resnet18"), dim=512, seed=seed
).to("meta")
clip_gflop, clip_calls = count(model, model.stages(1)[0], clip[:2].to("meta"))
clip_gflop /= 1e9
n_steps = 6_028 / 16 * cremad_plan["settings"]["epochs"]
cremad_hours = {
    gpu: n_steps * step_seconds(16, clip_gflop, clip_calls, gpu) / 3600
    for gpu in GPUS
}
print(f"{clip_gflop:.0f} GFLOP a clip, {clip_calls} calls a step")
for gpu, hours in cremad_hours.items():
    print(
        f"planned, {gpu}: {60 * hours:.0f} minutes for a run of joint fusion,",
        end=" ",
    )
    print(f"{6 * 3 * hours:.0f} hours for 6 methods and 3 seeds")

# %% [markdown]
# A clip costs as much as 56 pairs, so a batch of 16 is enough work: by the plan, operations limit both GPUs, the H100 only
# just. (6,028 clips is about what nine tenths of the actors leave.) On a T4 this takes several sessions, which is what the
# folder `out` is for. Checkpoints take some hundreds of megabytes and are written at most twice a minute. On Drive, look into
# the bin now and then: old versions may pile up there.
#
# The study file has the papers' settings: ResNet-18 {cite:p}`he2016` from scratch, SGD, batches of 16, 150 epochs. Beside
# the three methods it trains joint fusion, an ensemble and OGM-GE {cite:p}`peng2022`. It records which test clips each run
# gets right.

# %%
cremad_plan["data"]["cremad"]["data_options"] = options
if cremad:
    cremad_plan["settings"]["precision"] = half_precision(device)
else:
    shrink(cremad_plan, epochs=5, dim=16, batch_size=8, precision="32-true")
    cremad_plan["seeds"] = [seed]
    small_net = {"name": "image", "width": 4}
    cremad_plan["data"]["cremad"]["encoders"] = {
        "audio": small_net,
        "video": small_net | {"augment": True},
    }
ours = run(cremad_plan, OUT / ("cremad" if cremad else "cremad_small"))

# %% [markdown]
# The table below holds test accuracies in per cent. DMIL's paper reports joint training, an ensemble and DMIL itself on
# CREMA-D {cite:p}`yang2026`. We could not read DI-MML's table, and the authors of I2MoE did not run this data set. OGM-GE's
# figure is not quoted because its protocol differs.

# %%
PAPER = {"joint": "72.55", "ensemble": "74.87", "DMIL": "77.02"}
try:
    on_gpu = results("gpu/cremad")
except UnknownNameError:
    on_gpu = None


def accuracies(found):
    """Return accuracy in per cent by method, with its 95 % interval over seeds."""
    return study.table(found, "cremad", columns=["accuracy"])["accuracy"]


table = pd.DataFrame({"DMIL's paper": PAPER}).reindex(list(cremad_plan["methods"]))
table["ours, on a GPU"] = (
    "not measured yet" if on_gpu is None else accuracies(on_gpu)
)
this_run = "this run" if cremad else "this run, made-up clips (means nothing)"
table[this_run] = accuracies(ours)
table.fillna("not reported")

# %% [markdown]
# Two accuracies do not say whether two methods are right about the *same* clips. The recorded predictions do:

# %%
right = {
    name: np.concatenate(
        [
            unpack_right(row["predictions"]["right"], row["predictions"]["n"])
            for row in ours.of("cremad", name)
        ]
    )
    for name in ("joint", "DMIL")
}
pd.crosstab(
    pd.Series(right["joint"], name="joint is right"),
    pd.Series(right["DMIL"], name="DMIL is right"),
)

# %% [markdown]
# ```{quiz} Beside a paper's table
# :label: quiz-table
#
# Your table of CREMA-D is two points below the paper's. What belongs beside it?
#
# * [ ] Nothing: two points are noise.
#
#   Whether they are depends on seeds and on the list. Neither is said.
# * [x] The list of what you did differently
#
#   Splits, encoders, epochs, how an epoch was chosen: a number is worth as much as this list.
# * [ ] The verdict that the paper's figure is wrong
#
#   (open-is-false) Another procedure gave another number.
# ```
#
# ## What this chapter claims
#
# The cell below checks what this chapter claims.

# %%
trained = costs[costs["stage"] == "joint"].iloc[0]["GFLOP"]
claim(
    abs(trained / both_encoders - 3) < 0.15,
    "Training joint fusion costs three forward passes of the encoders, to within 5 %.",
)
full_cost = costs.groupby("method")["GFLOP"].max()
claim(
    full_cost[["joint", "DI-MML", "DMIL", "I2MoE"]].max()
    < 1.15 * full_cost["joint"],
    "No stage of DI-MML, DMIL or I2MoE costs 15 % more operations per pair than joint fusion.",
)
claim(
    16 < crossing["T4"] < 256,
    "By the plan, a T4 that trains joint fusion waits for calls with batches of 16, but not with 256.",
)
claim(
    crossing["H100"] > 256,
    "By the plan, an H100 waits for calls even with batches of 256.",
)
claim(
    minutes.loc["all", "T4"] < 25,
    "By the plan, the training of part (a) takes less than 25 minutes on a T4.",
)
claim(
    float(torch.tensor(1e-8).half()) == 0, "A gradient of 1e-8 is lost in float16."
)
means = by_kind.groupby("method").mean()
claim(
    means.loc["ensemble", "S"] < means.drop("ensemble")["S"].max() - 0.1,
    "On synergy, the ensemble is more than ten points behind the best method of this run.",
)
claim(again.ran == 0, "A study that is run again computes nothing.")
claim(
    set(val.groups.tolist()).isdisjoint(train.groups.tolist()),
    "No actor of the validation split is trained on.",
)

# %% tags=["headline", "remove-cell"]
headline = {
    "gflop_a_pair": round(float(joint["GFLOP"]), 3),
    "planned_minutes_t4": round(float(minutes.loc["all", "T4"]), 1),
    "gflop_a_clip": round(float(clip_gflop), 1),
    "accuracy_S_joint": round(float(means.loc["joint", "S"]), 3),
}
print(json.dumps(headline))

# %% [markdown]
# ## Takeaways
#
# - Operations can be counted before a run. A guess at the share of the peak turns them into a plan, and a measurement
#   replaces the guess.
# - Small batches wait for the processor, and a faster GPU does not help them.
# - Half precision loses small gradients (`float16`) or small changes (`bfloat16`). That is why weights stay in 32 bits.
# - Prepare data once, keep every finished cell, and write checkpoints to a place that outlives the session.
# - A table beside a paper's is worth no more than its list of differences.
#
# ## Exercises
#
# ```{exercise} Which limit?
# :label: ex-lab-limit
#
# *Level 1 of 3 · 5 minutes · by hand*
#
# At full size, the fusion stage of DI-MML has frozen encoders. On a T4 with batches of 256, do operations or calls limit it?
# At which batch size does the answer change?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Put the stage's row of the first table into {eq}`eq-lab-step`, and ask when its two terms are equal.
# ```
#
# ```{solution-start} ex-lab-limit
# :class: dropdown
# ```

# %% tags=["solution"]
row = costs[costs["stage"] == "fusion"].iloc[0]
by_operations = 1e9 * row["GFLOP"] * BATCH / (SHARE * GPUS["T4"])
by_calls = TAU * row["calls"]
changes_at = BATCH * by_calls / by_operations
print(f"operations {1e3 * by_operations:.0f} ms, calls {1e3 * by_calls:.0f} ms")
print(f"equally long at {changes_at:.0f} pairs")

# %% [markdown]
# Operations limit it, although only a third of a full step's are left: the backward pass through the encoders is gone, and
# its calls with it. Below about a hundred pairs, calls are the limit.
#
# ```{solution-end}
# ```
#
# ```{exercise} The smallest scale that helps
# :label: ex-lab-scale
#
# *Level 2 of 3 · 10 minutes · by code*
#
# Gradients between $10^{-10}$ and $10^{-2}$ have to survive in `float16`. By which powers of two may the loss be scaled?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Below its smallest normal number `float16` still has a few steps, so try the powers rather than trust the table.
# ```
#
# ```{solution-start} ex-lab-scale
# :class: dropdown
# ```

# %% tags=["solution"]
extremes = torch.tensor([1e-10, 1e-2], dtype=torch.float64)
good = [
    power
    for power in range(32)
    if (scaled := (extremes * 2.0**power).half()).ne(0).all()
    and scaled.isfinite().all()
]
print(f"from 2^{good[0]} to 2^{good[-1]}")

# %% [markdown]
# With a smaller scale, the smallest gradient rounds to 0. With a larger one, the largest becomes infinite. At the lower end
# of the range the smallest gradients keep only one digit. Frameworks therefore start high. When something overflows, they
# skip that step and halve the scale, and they raise it again later.
#
# ```{solution-end}
# ```
#
# ```{exercise} Twice the pixels
# :label: ex-lab-pixels
#
# *Level 1 of 3 · 10 minutes · by code*
#
# Take CREMA-D's images at 448 × 448 instead of 224 × 224. By what factor do the operations of the video encoder grow, and by
# what factor the memory of the prepared frames? Predict both by hand, then count on the meta device.
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Which factors of {eq}`eq-lab-conv` change when the picture is twice as high and twice as wide?
# ```
#
# ```{solution-start} ex-lab-pixels
# :class: dropdown
# ```

# %% tags=["solution"]
operations = {}
for size in (224, 448):
    frames = data.from_arrays(
        {"video": torch.zeros(2, 3, 3, size, size)}, torch.arange(2)
    )
    model = methods.Unimodal.for_data(
        frames, modality="video", encoders={"video": "resnet18"}, dim=512, seed=seed
    ).to("meta")
    operations[size], _ = count(model, model.stages(1)[0], frames.to("meta"))
print(f"{operations[448] / operations[224]:.2f} times the operations")

# %% [markdown]
# By a factor of four, as {eq}`eq-lab-conv` says: every layer has twice the height and twice the width, and as many weights as
# before. The memory grows by the same factor.
#
# ```{solution-end}
# ```
#
# ```{exercise} Actors or clips?
# :label: ex-lab-actors
#
# *Level 2 of 3 · 10 minutes · by code*
#
# The papers' lists share all actors between training and test. Load the data with `val_by="clip"` and count the actors that
# are in both the training and the validation split; do the same for `val_by="actor"`. Which of the two validation splits
# tells how well the model does on people it has never met? Which is closer to what the test list asks?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# `groups` of a split holds the actor of each clip. The made-up folder of `write_cremad` is enough for counting.
# ```
#
# ```{solution-start} ex-lab-actors
# :class: dropdown
# ```

# %% tags=["solution"]
made_up = write_cremad(OUT / "cremad_sample")  # the whole would take an hour
for val_by in ("clip", "actor"):
    a, b, _ = data.load(
        "cremad", root=made_up, val_by=val_by, prepared=OUT / val_by
    )
    shared = set(a.groups.tolist()) & set(b.groups.tolist())
    print(f"by {val_by}: {len(shared)} actors in both")

# %% [markdown]
# Only the split by actors asks about new people. The test list asks about new clips of *known* people, which is easier, so
# accuracy on validation may well be lower than on the test list. That is harmless for choosing an epoch, but it makes
# validation a poor estimate of the test accuracy.
#
# ```{solution-end}
# ```
#
# ## Further reading
#
# - {cite:t}`williams2009` introduce the roofline model, for limits other than operations.
# - {cite:t}`micikevicius2018` show how to train with mixed precision, what loss scaling does, and what has to stay in 32 bits.
# - {cite:t}`cao2014` describe how CREMA-D was acted and rated, which says how well people do on it.
# - The papers' settings are in {cite:t}`fan2024`, {cite:t}`yang2026` and {cite:t}`peng2022`; the network is that of
#   {cite:t}`he2016`.
