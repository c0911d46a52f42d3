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
# Every experiment so far was small enough for a laptop. Suppose you borrow a GPU. A free session has one, but it may end
# at any time, without warning. Five methods, five seeds, sixty thousand pairs, a real network: does
# that fit in half an hour? And if the session ends after twenty minutes, what is left?
#
# The first question can be answered before anything runs, by counting. The second is a matter of habits. In this lab we
# count first, then run five methods at full size, and then take on CREMA-D {cite:p}`cao2014`, the data set
# on which two of the papers report their results.
#
# ```{admonition} After this chapter you can
# :class: tip
# - count the operations of a training run and turn them into minutes, before the run;
# - say whether operations, calls or loading limit a run, and what a larger batch changes;
# - tell what half precision can and cannot represent, and choose it by the device;
# - run a grid of methods and seeds that survives the end of a session;
# - fetch, prepare and train on a data set of gigabytes, and put your table beside the paper's.
#
# **Needs:** *Do explanations hold?* for what is scored. **Takes:** 45 minutes to read. As published it runs small, in
# about a minute on two CPU cores, and nothing is downloaded. At full size part (a) is planned to take under half an hour
# on a T4, and part (b) several sessions; neither has been measured yet unless the chapter shows a measurement.
# ```

# %% [markdown]
# **On a GPU** set `full_size = True` for part (a). For part (b) name a folder in `cremad`, and set `fetch = True` unless the
# files are there already. Let `out` be a folder that outlives the session: on Colab one on your Drive
# (`from google.colab import drive; drive.mount("/content/drive")`, then `out = "/content/drive/MyDrive/lab"`).

# %% tags=["parameters"]
seed = 0
full_size = False  # part (a) with 60,000 pairs and ResNet-18
n_seeds = 3  # of the small run; the full one has five
epochs = 12  # of the small run; the full one has six
n_train = 1_500  # of the small run
cremad = ""  # folder of CREMA-D; without one, a small folder is made up
fetch = False  # download what the folder lacks, about 3 GB
out = "runs"  # what is computed is kept here, and continued
device = "auto"

# %%
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
# A convolution with a $k \times k$ kernel from $c$ to $c'$ channels computes $c'$ numbers at each of $h \times w$ places, and
# each of them is a sum of $k^2 c$ products. One product and one addition make two **floating point operations**:
#
# $$
# F_\text{conv} = 2\, k^2\, c\, c'\, h\, w .
# $$ (eq-lab-conv)
#
# A linear layer is the case $k = h = w = 1$. Everything else in a ResNet is small change. Training a layer costs this
# three times. The forward pass is one. The backward pass is two, because it needs the gradient of the layer's *input*, to
# hand it on, and the gradient of its *weights*, to change them. Both are sums of as many products. So
#
# $$
# F_\text{train} \approx 3\, F_\text{forward}.
# $$ (eq-lab-three)
#
# PyTorch counts while it computes. We take two pairs of the right shape; the pixels do not matter.

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
    """Return the operations of one training step a pair, and the calls of the step."""
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
# The encoders are nearly all of it. That is why such different methods cost nearly the same: what makes DMIL or I2MoE
# special happens on vectors of 512 numbers, after the convolutions. The audio is the larger picture and takes
# three quarters. Stages that leave the encoders frozen cost little more than the forward pass, a third.
#
# ## From operations to minutes
#
# A T4 can do 65 trillion operations a second in half precision, and an H100 989 trillion. So say their makers, and no network gets that far. What share of
# the **peak** is reached depends on the size of the layers; ours are small. We plan with a tenth, on the careful
# side, and call it a guess until it is measured.
#
# There is a second limit. The processor starts each piece of work on the GPU with a call, and a call takes
# time: say 20 millionths of a second, with all that Python and half precision add. (This is a guess, too.) While the pieces
# are long, the calls hide behind the computing. With a small batch the pieces are short, and the GPU waits. For a batch
# of $B$ pairs of $F$ operations each, and $n$ calls,
#
# $$
# t(B) = \max\Big(\frac{B\,F}{\text{share} \cdot \text{peak}},\; n\,\tau\Big).
# $$ (eq-lab-step)
#
# This is the *roofline* {cite:p}`williams2009` with calls in place of memory. As the batch grows, the time of a step is flat at
# first, while calls limit it, and then rises in proportion. The time of an *epoch* does the reverse: it falls, and then is flat.
# The smallest batch on that flat part wastes nothing.

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

# %% tags=["hide-input"] mystnb={"image": {"alt": "Planned seconds of an epoch against the batch size, both axes logarithmic, one line for a T4 and one for an H100. Both fall together as the batch grows. The T4's turns flat near 60 pairs, the H100's near 800. Dots mark batches of 16 and 256."}, "figure": {"caption": "A larger batch pays until operations take over: on a T4 up to some sixty pairs, on an H100 up to some eight hundred. Planned time of an epoch of joint fusion, by {eq}`eq-lab-step`; dots mark the papers' batch of 16 and ours of 256. Nothing here is measured.", "name": "fig-lab-batch"}}
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
    xscale="log", yscale="log", xlabel="pairs a batch", ylabel="seconds an epoch"
)
ax.set_xticks(ticks, ticks)
ax.set_yticks([1, 10, 100], [1, 10, 100])
ax.minorticks_off()
ax.legend(title="planned for")
plt.show()

# %% [markdown]
# With the papers' batches of 16 both GPUs would take the same time, and a rented H100 would be money for nothing: it would
# wait for Python. With our batch of 256 operations limit the T4. On an H100 calls still do, and the plan below says what is
# left of the advantage. A larger batch is not free, though. It makes fewer steps an epoch, and a learning rate that was
# right for 16 is hardly right for 256. That is one reason why the schedules have to be translated.

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
# Add some five minutes (a guess) for making the data, once a seed, for validation and for checkpoints. That is the plan for part (a): 60,000
# pairs, six epochs, five seeds. Six epochs are what half an hour on a T4 leaves; the arithmetic chose them, not an accuracy.
#
# ## Half precision
#
# The peak of a T4 is for numbers of 16 bits; with 32 it is an eighth of that. But 16 bits are few. There are two ways to spend
# them. `float16` has a fine grid and a short range; `bfloat16` has the range of `float32` and a coarse grid.

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
# In `float16` a small gradient is gone, and with it whatever it would have taught. **Loss scaling**
# {cite:p}`micikevicius2018` multiplies the loss, and so every gradient, by a large number before the backward pass and
# divides afterwards. In `bfloat16` the gradient survives, but $1.001$ does not: a weight of 1 that is to move by a thousandth
# stays where it is. So the weights are kept in `float32` and only the products are computed with 16 bits. That is what *mixed*
# means, and why it does not halve the memory of a small network.
#
# Of the two, a T4 computes in `float16` only; GPUs since Ampere (A100, L4, H100) do both, and `bfloat16` needs no scaling.


# %%
def half_precision(device):
    """Return the mixed precision that suits a device; on a CPU, none."""
    if find_device(device).type != "cuda":
        return "32-true"
    return (
        "bf16-mixed" if torch.cuda.get_device_capability()[0] >= 8 else "16-mixed"
    )


# %% [markdown]
# ## Loading
#
# The third limit is feeding. A pair of ours is small, a clip of CREMA-D is not:

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
# A T4 has 16 GB. `fit` moves data to the device if they take at most half of what is free there, so both fit, and then no
# epoch loads anything. What does not fit is read in batches from files that are mapped into memory. The
# worst is to decode on the way: thousands of videos opened in every epoch. So the frames and spectrograms of CREMA-D are
# prepared **once**, and kept.
#
# ## (a) Every method, sixty thousand pairs
#
# `spoken_digits` shows an MNIST image and plays a spoken digit. The label is made by one of the four interactions, which a cue
# names, so we know for every pair what decides it. Here there are ten classes. Synergy is then the sum of two digits modulo
# ten, and chance is one in ten. The speaker of the test pairs is never heard in training.
#
# A **study** is a grid of methods, data sets and seeds in one file. Each cell of the grid writes its result when it is
# done, named by a hash of its settings and of the code. So the same command continues after an interruption. Within a cell,
# checkpoints are written as it goes. This is the file, `reproduce/gpu_lab.yml`:

# %%
shown = {"seeds": lab_plan["seeds"], **lab_plan["settings"]}
print(json.dumps(shown, indent=1))
for name, entry in lab_plan["methods"].items():
    print(f"{name}: {entry['method']} {entry.get('method_options', '')}")
for name, entry in lab_plan["data"].items():
    print(f"{name}: {entry['data_options']}")
    print(f"encoders: {entry['encoders']}")

# %% [markdown]
# The papers' schedules are kept as *shares* of the budget, since six epochs are not 150.
#
# | | in the paper | here |
# |:--|:--|:--|
# | DI-MML {cite:p}`fan2024` | 20 epochs apart, 130 interacting, 20 for the head; rate to a tenth at 70 and at 140 | 1, 5 and 1; to a tenth after 3 |
# | DMIL {cite:p}`yang2026` | 10 for level 1, 5 for level 2, the rest (not published) for all | 2, 1 and 3 |
# | I2MoE {cite:p}`xin2025` | one stage, 30 to 50 epochs | one stage, 6 |
#
# Not the papers' are the optimiser, AdamW with a rate of 0.001 for all, and the batches of 256. Nothing was chosen by
# looking at these data.
#
# Below, the same code runs either the file as it is, or, where `full_size` is off, a **small stand-in**: digit pairs of 8 × 8
# pixels, four classes, a small network. Its numbers are real but they are of another experiment. They show that
# every line works, and what the tables will look like. (DMIL learns synergy late, and needs more epochs than these: *A part for
# every interaction*.)

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
study.table(lab, lab_data, columns=["accuracy", "ece", "n_parameters"])

# %% mystnb={"image": {"alt": "Bars of test accuracy on R, U1, U2 and S samples, a group a method. All are near one on R, U1 and U2. On S joint fusion and I2MoE are high, the ensemble, DI-MML and DMIL near chance."}, "figure": {"caption": "What each method gets right, by what decides the label: mean and 95 % interval over the seeds of this run. The dashed line is chance. The ensemble stays near chance on S, where neither modality alone says anything.", "name": "fig-lab-kinds"}} tags=["hide-input"]
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
_ = ax.set(xlabel="", ylabel="test accuracy", ylim=(0, 1))
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, frameon=False)
plt.show()

# %% [markdown]
# The learning curves show where the time went. Each stage is judged by a loss of its own: DI-MML and DMIL start
# with the summed losses of both modalities' classifiers, so compare within a stage, not between stages. If the loss of the last
# stage still falls at its end, the budget was too small. That is worth knowing before a method is called bad.

# %% mystnb={"image": {"alt": "Five panels, one a method, of loss against epoch. Training is dashed, validation solid, a colour a stage. Joint fusion and I2MoE have one stage, the ensemble two, DI-MML and DMIL three."}, "figure": {"caption": "The loss by which each stage is judged (nats), first seed of this run: training dashed, validation solid, a colour a stage. Stages follow each other, so the epochs add up.", "name": "fig-lab-curves"}} tags=["hide-input"]
names = list(lab_plan["methods"])
highest = 0.0
figure, axes = plt.subplots(3, 2, figsize=(5.2, 7), sharey=True)
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
    ax.set(ylabel="loss (nats)", ylim=(0, 1.05 * highest))
plt.show()

# %% [markdown]
# DMIL's gate and I2MoE's weights say, pair by pair, which interaction decided. We know the truth, so the reports can be scored, as
# in *Do explanations hold?* The area under the curve asks: does a pair that was decided by synergy get a larger share of S
# than one that was not? Chance is one half.

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
_ = ax.set(xlabel="", ylabel="area under the curve", ylim=(0, 1.02))
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, frameon=False)
plt.show()

# %% [markdown]
# What was measured at full size, on a GPU, is kept in `reproduce/gpu/lab.json`; `make gpu` writes it. This cell
# shows it if it is there, and holds the plan against it.

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
# Run the study a second time. Nothing is trained, because every cell is there. Had the session ended in the middle, the same
# line would have done what was missing.

# %%
again = study.run_study(study.Study.of(lab_plan), lab_folder)
print(f"{again.done} cells are done, {again.ran} of them were computed now")

# %% [markdown]
# ## (b) CREMA-D, as in the papers
#
# 91 actors say one of twelve sentences in one of six emotions. The papers' lists name 6,698 clips for training and 744 for testing,
# drawn from all clips, so that every actor is in both. **One command fetches them**, about 3 GB in 14,884 files, and goes on where it was
# interrupted:
#
# ```bash
# mmfuse data cremad --fetch CREMA-D
# ```
#
# The official repository keeps its files in Git LFS, where free traffic is limited: in spring 2025 it was used up, and the authors
# put up a mirror, which the command asks next. (A clone of everything is 7.55 GB. The 3 GB are our sum from the sizes that a
# sample of the repository's pointer files state; neither route could be tried from where this was written.)
#
# What exactly is trained on differs between the paper, its code and ours:
#
# | | DI-MML's code | here |
# |:--|:--|:--|
# | frames | drawn once at random, a second apart; three in the paper | three, at equal distances |
# | pixels | normal noise of 0.1 added, in training *and* test | none |
# | spectrogram | (257, 1004), of 7.3 seconds, standardised clip by clip; a script for (257, 299) is there too | (257, 299), of 3 seconds at 16 kHz, as it is |
# | which epoch | judged on the test list | judged on a validation split |
# | validation | none | all training clips of nine of the 91 actors |
#
# (The 160,000 samples of its spectrogram would be ten seconds at 16 kHz; the file is read at 22,050 Hz, so they are 7.3.)
#
# Where no folder is named, we make one up in the same layout: four "actors", six "emotions", a tone for the voice and a grey square
# for the face. It goes through the same loader, with real `.wav` and `.flv` files. **Its numbers mean nothing.**

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

# %% mystnb={"image": {"alt": "A spectrogram, time from left to right and frequency upwards, above three video frames. In the folder that is made up, the spectrogram has one bright line and each frame a grey square on noise."}, "figure": {"caption": "One clip as the networks get it: a spectrogram of three seconds and three frames. In the published book it is made up: a tone and a square.", "name": "fig-lab-clip"}} tags=["hide-input"]
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
# How long? Count again. On PyTorch's *meta* device tensors have a shape and no content, so the operations are
# counted and none is done.

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
# A clip costs as much as 56 pairs, so a batch of 16 is work enough: by the plan, operations limit both GPUs, the H100 only just. (6,028 clips is about what nine tenths of the actors
# leave.) On a T4 this is several sessions, which is what the folder `out` is for.
# Checkpoints are some hundreds of megabytes, written once in half a minute at most; on Drive, look into the bin now and then,
# since old versions may end up there.
#
# The study file has the papers' settings: ResNet-18 {cite:p}`he2016` from scratch, SGD, batches of 16, 150 epochs. Beside the three
# methods it trains joint fusion, an ensemble and OGM-GE {cite:p}`peng2022`. It keeps which test clips each run gets right.

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
# The table at the end holds test accuracies in per cent. DMIL's paper reports joint training, an ensemble and DMIL itself on CREMA-D {cite:p}`yang2026`. We could not read
# DI-MML's table, the authors of I2MoE did not run the data set, and OGM-GE's figure is not quoted here since its protocol is
# another one.

# %%
PAPER = {"joint": "72.55", "ensemble": "74.87", "DMIL": "77.02"}
try:
    on_gpu = results("gpu/cremad")
except UnknownNameError:
    on_gpu = None


def accuracies(found):
    """Return accuracy in percent by method, with the 95 % interval of several seeds."""
    return study.table(found, "cremad", columns=["accuracy"])["accuracy"]


table = pd.DataFrame({"DMIL's paper": PAPER}).reindex(list(cremad_plan["methods"]))
table["ours, on a GPU"] = (
    "not measured yet" if on_gpu is None else accuracies(on_gpu)
)
this_run = "this run" if cremad else "this run, made-up clips (means nothing)"
table[this_run] = accuracies(ours)
table.fillna("not reported")

# %% [markdown]
# Two accuracies do not say whether two methods are right about the *same* clips. The kept predictions do:

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
# ## Check

# %%
trained = costs[costs["stage"] == "joint"].iloc[0]["GFLOP"]
claim(
    abs(trained / both_encoders - 3) < 0.15,
    "Training joint fusion costs three forward passes of the encoders, to within five per cent.",
)
full_cost = costs.groupby("method")["GFLOP"].max()
claim(
    full_cost[["joint", "DI-MML", "DMIL", "I2MoE"]].max()
    < 1.15 * full_cost["joint"],
    "No stage of DI-MML, DMIL or I2MoE costs 15 % more operations a pair than joint fusion.",
)
claim(
    16 < crossing["T4"] < 256,
    "By the plan, a T4 that trains joint fusion waits for calls with batches of 16, and not with 256.",
)
claim(
    crossing["H100"] > 256,
    "By the plan, an H100 waits for them even with batches of 256.",
)
claim(
    minutes.loc["all", "T4"] < 25,
    "The plan for the training of part (a) is below 25 minutes on a T4.",
)
claim(
    float(torch.tensor(1e-8).half()) == 0, "A gradient of 1e-8 is lost in float16."
)
means = by_kind.groupby("method").mean()
claim(
    means.loc["ensemble", "S"] < means.drop("ensemble")["S"].max() - 0.1,
    "On synergy the ensemble is more than ten points behind the best method of this run.",
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
# - Operations can be counted before a run. With a guess of the share of the peak they make a plan; a measurement replaces it.
# - Small batches wait for the processor, and a faster GPU does not help them.
# - Half precision loses small gradients (`float16`) or small changes (`bfloat16`); weights stay in 32 bits for that reason.
# - Prepare data once, keep every finished cell, and write checkpoints to a place that outlives the session.
# - A table beside a paper's is worth no more than the list of what differs.
#
# ## Exercises
#
# ```{exercise} Which limit?
# :label: ex-lab-limit
#
# *By hand, five minutes.* At full size the fusion stage of DI-MML has frozen encoders. Is it limited by operations or by calls, on a T4 with
# batches of 256? At which batch size does the answer change? *Hint:* {eq}`eq-lab-step`, with the row of the table.
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
print(f"as long as each other at {changes_at:.0f} pairs")

# %% [markdown]
# By operations, though they are a third of those of a full step: the backward pass through the encoders is gone, and so are its
# calls. Below about a hundred pairs, by calls.
#
# ```{solution-end}
# ```
#
# ```{exercise} The smallest scale that helps
# :label: ex-lab-scale
#
# *By code, ten minutes.* Gradients between $10^{-10}$ and $10^{-2}$ have to survive in `float16`. By which powers of two may the loss be
# scaled? *Hint:* below its smallest normal number `float16` still has a few steps.
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
# With a smaller scale the smallest gradient rounds to 0; with a larger one the largest becomes infinite. At the lower end, the
# smallest gradients keep one digit only. Frameworks start high, halve the scale when something overflows, skip that step, and raise it again later.
#
# ```{solution-end}
# ```
#
# ```{exercise} Twice the pixels
# :label: ex-lab-pixels
#
# *By hand, then by code, ten minutes.* Images of CREMA-D at 448 × 448 in place of 224 × 224: how many times the operations does the video
# encoder need? And the memory of the prepared frames? Count on the meta device.
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
# Four times, by {eq}`eq-lab-conv`: every layer has twice the height and twice the width, and the number of weights stays. The memory
# is four times as large, too.
#
# ```{solution-end}
# ```
#
# ```{exercise} Actors or clips?
# :label: ex-lab-actors
#
# *By code, ten minutes.* The papers' lists share all actors between training and test. Load the data with `val_by="clip"` and count the actors that
# are in both the training and the validation split. Which of the two splits tells how well the model does on people it has never
# seen? Which one is closer to what the test list asks?
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
# Only the split by actors asks about new people. The test list asks about new clips of *known* people, which is the easier question, so the
# accuracy on validation may well be lower than that on the test list. For choosing an epoch that is on the safe side; as an estimate
# of the test accuracy it is not.
#
# ```{solution-end}
# ```
#
# ## Further reading
#
# - The roofline model, for limits other than operations: {cite:t}`williams2009`.
# - Mixed precision and loss scaling, with what has to stay in 32 bits: {cite:t}`micikevicius2018`.
# - The data set: {cite:t}`cao2014`; the network: {cite:t}`he2016`; the papers' settings: {cite:t}`fan2024`, {cite:t}`yang2026`, {cite:t}`peng2022`.
