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
# # Bring your own data and encoder
#
# You have two arrays and a column of labels. The model trains, the accuracy on held-out samples is splendid, and
# the report says "synergy". Then somebody shuffles your labels and trains the same model again, and it *still*
# predicts them far better than chance. **What had it learned? And what else can go wrong, without a word, on the way
# from your arrays to your conclusion?**
#
# ```{admonition} After this chapter you can
# :class: tip
# - turn NumPy and pandas data into honest splits, and show what a dishonest one costs;
# - plug in an encoder of your own: trained from scratch, pre-trained and frozen, or run once and for all;
# - write your own fusion model, and your own method with stages and an interaction report;
# - save a trained model, load it elsewhere, and predict;
# - ask what your modalities share *before* you train anything, with a control that can say no;
# - choose the method for your question, and report what a reviewer will ask for.
#
# **Needs:** chapter 1; for the report, chapters 9 and 10. **Takes:** {{ essential }} minutes for the essential path,
# {{ reading }} for everything; under a minute to run on two CPU cores; nothing is downloaded.
# ```

# %% tags=["parameters", "hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
seed = 0
n_seeds = 4
n_reports = 5
epochs = 20
lr = 3e-3
batch_size = 64
n_drawings = 120
n_scans = 8
n_train = 1_500
n_bootstrap = 50
dim = 32
device = "auto"

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
import copy
import json
import tempfile
import warnings
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.preprocessing import StandardScaler
from torch import nn

from mmfuse_lib import (
    Claims,
    data,
    evaluate,
    evaluate_explanations,
    explanations,
    fit,
    load,
    mean_interval,
    methods,
    plots,
    plus_minus,
    progress,
    save,
)
from mmfuse_lib.core.errors import DataError, TrainingError
from mmfuse_lib.evaluation import in_words
from mmfuse_lib.fusion import ConcatFusion
from mmfuse_lib.information.estimators import cluster_pid
from mmfuse_lib.methods import Stage
from mmfuse_lib.study import Study

plots.use_style()
claim = Claims(
    globals(), seed=0, n_seeds=4, n_reports=5, epochs=20, lr=3e-3, batch_size=64,
    n_drawings=120, n_scans=8, n_train=1_500, n_bootstrap=50, dim=32,
)  # fmt: skip
SEEDS = range(seed, seed + n_seeds)
REPORT_SEEDS = range(seed, seed + n_reports)
KINDS = list(data.INTERACTIONS)

# %% [markdown]
# ## A study of your own
#
# Suppose you collected these data. People drew digits, and each drawing went through a cheap scanner eight times. You want to
# know what the upper and the lower half of a drawing tell about the digit. We make the data from the handwritten digits that
# come with scikit-learn {cite:p}`alpaydin1998`. Each *scan* shifts a drawing by up to a pixel, changes its brightness and
# adds noise, as {numref}`fig-scans` shows. What you have is a list of scans. One more column, easily overlooked, says which
# drawing each scan came from.

# %%
digits = load_digits()
images, names = digits.images / 16, digits.target
rng = np.random.default_rng(seed)
order = rng.permutation(len(images))
mine, others = order[:n_drawings], order[n_drawings:]


def scan(image):
    """Scan a drawing: shifted by up to a pixel, brighter or darker, with noise."""
    moved = np.roll(image, rng.integers(-1, 2), axis=1)
    noisy = rng.uniform(0.7, 1) * moved + 0.08 * rng.standard_normal(image.shape)
    return noisy.clip(0, 1)


def halves(pictures):
    """Cut pictures into two views, each (N, 1 channel, 4 rows, 8 columns)."""
    return {"upper": pictures[:, None, :4], "lower": pictures[:, None, 4:]}


table = pd.DataFrame(
    {
        "drawing": np.repeat(mine, n_scans),
        "digit": np.repeat(names[mine], n_scans),
    }
)
scans = np.stack([scan(images[i]) for i in table["drawing"]])
table.sample(4, random_state=seed)

# %% mystnb={"image": {"alt": "Three handwritten digits in rows, each scanned four times. The scans in a row are nearly alike. A line cuts every scan into an upper and a lower half."}, "figure": {"caption": "Scans of one drawing are nearly alike. Three drawings, four scans of each: they differ by a shift, in brightness and by noise. The dashed line separates the two modalities.", "name": "fig-scans"}} tags=["hide-input"]
figure, axes = plt.subplots(3, 4, figsize=(5, 3.9))
one_each = [mine[names[mine] == digit][0] for digit in (0, 3, 7)]
for row, number in zip(axes, one_each, strict=True):
    for ax, picture in zip(row, scans[table["drawing"] == number], strict=False):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
        ax.axhline(3.5, color="white", lw=2, ls="--")
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
    _ = row[0].set_ylabel(f"drawing\n{number}")
plt.show()

# %% [markdown]
# One call turns them into data that every method takes. It wants a mapping from modality to array, and the labels. The first
# axis of each array counts the samples. A pandas column is as good as an array, and labels may be strings or integers.

# %%
study = data.from_arrays(halves(scans), table["digit"], groups=table["drawing"])
study

# %% [markdown]
# ## Six mistakes that are refused, and one that cannot be seen
#
# The call checks everything once, before any work is lost. Here are its answers to six ordinary mistakes.

# %%
x, y = scans.reshape(len(scans), -1), table["digit"]
holes = np.where(rng.random(x.shape) < 0.001, np.nan, x)
MISTAKES = {
    "a missing value": ({"scan": holes}, y),
    "one row too few": ({"scan": x[:-1]}, y),
    "a vector, not a table": ({"scan": x[:, 0]}, y),
    "text in the table": ({"scan": table.assign(note="ok")}, y),
    "labels with a gap": ({"scan": x}, y.astype(object).where(y > 0, None)),
    "one-hot labels as floats": ({"scan": x}, np.eye(10)[y]),
}
said = {}
for mistake, (views, target) in MISTAKES.items():
    try:
        data.from_arrays(views, target)
    except DataError as error:
        said[mistake] = str(error)
for mistake, message in said.items():
    print(f"{mistake}:\n    {message}")

# %% [markdown]
# It cannot see a seventh mistake. Class labels that were stored as **floats**, as happens when a CSV file has a gap, look like
# a number to be predicted. So read what is printed: does it say *classes* or *regression*?

# %%
print(data.from_arrays({"scan": x}, y.astype(float)))
print(data.from_arrays({"scan": x}, y.astype(int)))

# %% [markdown]
# On purpose, no option fills in missing values: the right way depends on why they are missing. A fair default is the mean of
# the *training* samples, with a column that says whether something was missing. Compute whatever comes from data (means,
# scales, vocabularies, a choice of features) on the training split, and apply it to the other splits:


# %%
def fill(train, *others):
    """Fill gaps with the training mean, and note in one more column whether there were any."""
    mean = np.nanmean(train, axis=0)
    return [
        np.column_stack([np.where(np.isnan(a), mean, a), np.isnan(a).any(axis=1)])
        for a in (train, *others)
    ]


def standardise(train, *others):
    """Standardise each feature by the mean and deviation of the training split."""
    fitted = {m: StandardScaler().fit(x) for m, x in train.inputs.items()}
    return [
        replace(
            part,
            inputs={
                m: torch.tensor(f.transform(part.inputs[m]), dtype=torch.float32)
                for m, f in fitted.items()
            },
        )
        for part in (train, *others)
    ]


parts = holes[:600], holes[600:]
for name, before, after in zip(("train", "test"), parts, fill(*parts), strict=True):
    gaps = np.isnan(before).sum(), np.isnan(after).sum()
    print(f"{name}: {len(after)} rows, {gaps[0]} gaps, {gaps[1]} after filling")

# %% [markdown]
# ## An honest split cuts between units
#
# A test set answers one question: how good is the model on data it has *not seen*? But which data count as unseen? A new scan
# of a drawing from the training set is hardly new. In your data, the drawing may be a patient with several visits, a speaker
# with many sentences, a video cut into clips, or a batch from one machine.
#
# `from_arrays(..., groups=...)` says which samples belong together, and `split` then cuts *between* groups. Without
# `groups` it cuts between samples. We do both and train the same joint model. Then comes the control: we shuffle the labels
# by giving each **drawing** a random digit. Now there is nothing to learn about new drawings, and an honest test has to come
# out at chance, one in ten.
#
# ```{quiz} Shuffled, and yet
# :label: predict-scans
# :predict:
#
# Labels are shuffled between drawings, and the split cuts between scans. How accurate is the model on the test scans?
#
# * [ ] At chance: shuffled labels mean nothing.
#
#   (random-split) All scans of a drawing have the same label, right or wrong, and some of them are in training.
# * [x] Far above chance
#
#   It recognises the drawing and recalls its label. This is memory of units, not knowledge of a class.
# * [ ] Below chance, because the labels are wrong
#
#   The test labels are wrong in the same way as the training labels.
# ```


# %%
def three_parts(samples, s):
    """Keep a quarter for testing, and a fifth of the rest for validation."""
    rest, test = samples.split(0.75, seed=s)
    train, val = rest.split(0.8, seed=s)
    return train, val, test


def score(model, parts, s, metric="accuracy", epochs=epochs):
    """Train a model and return a metric of its test predictions."""
    fit(model, *parts[:2], epochs=epochs, lr=lr, batch_size=batch_size, seed=s, device=device, progress=False)  # fmt: skip
    return evaluate(model, parts[2], device=device).metrics[metric]


def joint_accuracy(samples, s, epochs=epochs, **options):
    """Return the test accuracy of joint fusion on one random split."""
    parts = three_parts(samples, s)
    model = methods.JointFusion.for_data(parts[0], dim=dim, seed=s, **options)
    return score(model, parts, s, epochs=epochs)


digit_of = dict(zip(mine, rng.permutation(names[mine]), strict=True))
LABELS = {
    "true labels": table["digit"],
    "shuffled labels": table["drawing"].map(digit_of),
}
GROUPS = {"between scans": None, "between drawings": table["drawing"]}
leak = {
    (labels, cut): [
        joint_accuracy(data.from_arrays(halves(scans), target, groups=groups), s)
        for s in SEEDS
    ]
    for labels, target in progress(LABELS.items(), "labels")
    for cut, groups in GROUPS.items()
}

# %% mystnb={"image": {"alt": "Bars of test accuracy with intervals. With true labels, cutting between scans gives a higher accuracy than cutting between drawings. With shuffled labels, cutting between drawings gives chance or less, cutting between scans far more."}, "figure": {"caption": "With shuffled labels there is nothing to learn, and yet a split between scans reports success. Test accuracy of one and the same model, mean and 95 % interval over random splits of the same drawings. The dashed line is chance.", "name": "fig-leak"}} tags=["hide-input"]
rows = pd.DataFrame(leak).rename_axis(["labels", "cut"], axis=1)
rows = rows.melt(value_name="accuracy")
rows["cut"] = "split " + rows["cut"]
figure, ax = plt.subplots(figsize=(6.2, 3.6))
sns.barplot(rows, x="labels", y="accuracy", hue="cut", palette=["C1", "0.65"], saturation=1,
            errorbar=plots.t_interval, capsize=0.1, err_kws={"color": "black", "lw": 1.5}, gap=0.05, ax=ax)  # fmt: skip
ax.axhline(0.1, color="black", lw=1, ls="--")
_ = ax.set(xlabel="", ylabel="test accuracy", ylim=(0, 1))
ax.legend(loc="upper right")
plt.show()


# %%
def percent(values):
    """Write the mean and the half-width of its 95 % interval, in per cent."""
    return plus_minus(values, 0, scale=100)


leak_table = pd.Series({key: percent(values) for key, values in leak.items()})
leak_table.unstack().add_prefix("accuracy, split ")

# %% [markdown]
# With shuffled labels, the split between scans reports an accuracy far above chance, for *nothing*. The model recognises
# drawings it has seen and recalls the digit it was given for them. (Split between drawings, the mean is a little *below* one
# in ten: a digit that went to the test drawings is rarer among the training drawings.) With true labels the same mechanism
# inflates the result, and there nobody would notice. Three rules follow.
#
# - **Name the unit** you want to say something about (a new person, a new day, a new site), and split between units.
# - **Split validation data in the same way.** Validation picks the epoch and the settings. If it leaks, it picks the model
#   that memorises.
# - **Shuffle labels between units and train again.** The control costs one run, and it can say no.
#
# The price of honesty is a wider interval: with few units, few are left to test on. That width is not a flaw of the split. It
# is how much you do not know. In fact you know even less. The splits all cut the *same* drawings, so their results are not
# independent, and the interval is rather too narrow. It also covers only new drawings *by these writers*. Nobody recorded who
# wrote which drawing, so nobody can split between writers, and these data cannot say how well the model reads a new hand.
#
# ```{quiz} Name the unit
# :label: quiz-unit
#
# You classify diseases from several slides of each patient, and want to claim something about new patients. Between
# which units do you split?
#
# * [x] Patients
#
#   The claim names the unit.
# * [ ] Slides: there are more of them.
#
#   (random-split) More slides of known patients say nothing about new patients.
# * [ ] Hospitals
#
#   You could, for a stronger claim than you make: one about patients of new hospitals. It needs many hospitals.
# ```
#
# ## Your own encoder
#
# An encoder is any `nn.Module` that maps a batch of one modality to a batch of vectors. It needs no base class and no
# registration. Modalities that you do not mention get a small default network.


# %%
class SmallConv(nn.Module):
    """Two convolutions and a linear layer: (B, 1, 4, 8) to (B, 32)."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1, stride=2), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 2 * 4, 32),
        )  # fmt: skip

    def forward(self, x):
        return self.net(x)


torch.manual_seed(seed)
model = methods.I2MoE.for_data(study, encoders={"upper": SmallConv()}, seed=seed)
print({name: type(encoder).__name__ for name, encoder in model.encoders.items()})

# %% [markdown]
# Each encoder is tried on two blank samples when the model is built. If one cannot take your shape, or does not return one
# vector per sample, the message names it there and then:

# %%
for wrong in (nn.Linear(8, 32), nn.Sequential(nn.Flatten(), nn.Linear(30, 32))):
    try:
        methods.JointFusion.for_data(study, encoders={"upper": wrong})
    except DataError as error:
        print(str(error).splitlines()[0])

# %% [markdown]
# **Pre-trained encoders.** Say a colleague has trained the same network on many other drawings. (We train it here, on the
# drawings that are not in your study, so that nothing has to be downloaded. A pre-trained ResNet or BERT is used in the same
# way.) You have three choices:
#
# - *fine-tuned*: training starts from the colleague's weights;
# - *frozen*: call `requires_grad_(False)` on the encoder. `fit` then leaves it alone and keeps it in evaluation mode, so
#   batch normalisation and dropout do not drift either;
# - *precomputed*: run the encoder once, keep the vectors, and let them be your modalities. With a large encoder that is the
#   difference between hours and minutes, since it runs once instead of in every epoch.

# %%
many = others[:800]
many = data.from_arrays(
    halves(np.stack([scan(images[i]) for i in many])), names[many]
)
pretrained = {}
for modality in progress(many.modalities, "modalities"):
    torch.manual_seed(seed)
    own = {modality: SmallConv()}
    alone = methods.Unimodal.for_data(
        many, modality=modality, encoders=own, seed=seed
    )
    fit(
        alone,
        many,
        epochs=8,
        lr=lr,
        batch_size=batch_size,
        seed=seed,
        device=device,
        progress=False,
    )
    pretrained[modality] = alone.encoders[modality]


def encoders(how, s):
    """Return fresh, fine-tuned or frozen encoders; copies, since training changes them."""
    if how == "from scratch":
        torch.manual_seed(s)
        return {m: SmallConv() for m in pretrained}
    found = copy.deepcopy(pretrained)
    if how == "frozen":
        for network in found.values():
            network.requires_grad_(False)
    return found


with torch.no_grad():
    features = {m: f.eval()(study.inputs[m]) for m, f in pretrained.items()}
vectors = data.from_arrays(features, table["digit"], groups=table["drawing"])

ways = {
    how: [
        joint_accuracy(study, s, epochs // 2, encoders=encoders(how, s))
        for s in SEEDS
    ]
    for how in progress(("from scratch", "fine-tuned", "frozen"), "encoders")
}
ways["precomputed"] = [joint_accuracy(vectors, s, epochs // 2) for s in SEEDS]
ways["default encoders"] = [joint_accuracy(study, s, epochs // 2) for s in SEEDS]
accuracy_of = {way: percent(v) for way, v in ways.items()}
pd.Series(accuracy_of, name="test accuracy (%) ↑").to_frame()

# %% [markdown]
# All rows use the same splits between drawings, and half the epochs of before. (The precomputed vectors go through the
# default encoder for vectors.) Most of the intervals overlap. But overlap is the wrong thing to look at, because a split with
# easy test drawings is easy for every model. Where models share their splits, compare them *split by split*. The table gives
# the mean of these differences with its interval, in points of accuracy:

# %%
PRETRAINED, FRESH = ("fine-tuned", "frozen", "precomputed"), ("from scratch", "default encoders")  # fmt: skip
gains = {
    (way, f"over {other}"): np.subtract(ways[way], ways[other])
    for way in PRETRAINED
    for other in FRESH
}
gains_table = pd.Series({key: percent(d) for key, d in gains.items()}).unstack()
gains_table.loc[list(PRETRAINED), [f"over {other}" for other in FRESH]]

# %% [markdown]
# On average, each encoder that has seen many drawings beats each one that starts from nothing. Four splits cannot establish
# all of that. Frozen and precomputed features are ahead of the *default encoders* by more than the interval. Only the
# comparison with the *same network* from scratch isolates pre-training, and there all three differences remain open. More
# splits would narrow the intervals; more drawings would do more. One last check: did freezing freeze?

# %%
frozen = encoders("frozen", seed)
before = copy.deepcopy({m: network.state_dict() for m, network in frozen.items()})
_ = joint_accuracy(study, seed, epochs=1, encoders=frozen)
unchanged = all(
    torch.equal(value, before[m][key])
    for m, network in frozen.items()
    for key, value in network.state_dict().items()
)
print("weights and running statistics unchanged:", unchanged)

# %% [markdown]
# Three more things are worth knowing. The library's `ResNet18Encoder` takes images, spectrograms and frames, and downloads
# nothing. Encoders are used as they are, not copied, so two models that are given the same object share it. And when you load
# weights that others saved, use `torch.load(path, weights_only=True)`. Without that option, opening a file can run code.
#
# ## Your own fusion model
#
# A fusion model is a module that is built from the lengths of the features and the number of outputs. It maps the list
# $[z_1, \dots, z_n]$ to logits. It can stand wherever a name of a fusion can, in joint fusion and in the experts of I2MoE.


# %%
class Products(nn.Module):
    """Classify the features and their products, which XOR needs."""

    def __init__(self, dims, n_outputs):
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(d, 64) for d in dims)
        self.out = nn.Linear(3 * 64, n_outputs)

    def forward(self, z):
        a, b = (to_common(z_m) for to_common, z_m in zip(self.maps, z, strict=True))
        return self.out(torch.cat([a, b, a * b], dim=1))


own_fusion = [joint_accuracy(study, s, epochs // 2, fusion=Products) for s in SEEDS]
print(f"joint fusion by products: {percent(own_fusion)} %")
experts = methods.I2MoE.for_data(study, fusion=Products, seed=seed)
print({name: type(expert).__name__ for name, expert in experts.experts.items()})

# %% [markdown]
# ```{quiz} Freeze or train?
# :label: quiz-scratch
#
# With a pre-trained encoder your model is 3 points better than the published baseline. What is the first comparison to
# add?
#
# * [x] The same network from scratch, on the same splits, by the differences
#
#   Only this tells pre-training from architecture, splits and tuning.
# * [ ] A larger pre-trained encoder
#
#   It would change two things at once.
# * [ ] None: the 3 points are what pre-training is worth.
#
#   (better-network) Architecture, splits and tuning differ, too.
# ```
#
# ## Your own method
#
# In chapter 10, three separate models made a report from what each modality says alone. Here a variation of that report
# becomes a method of your own. It trains a joint model, and then two small heads on the *frozen encoders of that model*, which
# let each modality say what it would have said alone. Let $\hat y$ be the joint prediction and $c_m$ the probability that
# modality $m$, on its own, gives to $\hat y$. Read $c_1$ and $c_2$ as the chances of two independent witnesses, and report
#
# $$
# \begin{aligned}
# R &= c_1\, c_2, & U_1 &= c_1 (1 - c_2), \\
# S &= (1 - c_1)(1 - c_2), & U_2 &= (1 - c_1)\, c_2 .
# \end{aligned}
# $$ (eq-own-witnesses)
#
# The four shares say that both witnesses would have said $\hat y$, only the first, only the second, or neither. They add up
# to 1. One class is enough. It has parts in the constructor, a prediction, a **list of stages** that say what is trained on
# which loss, and a report.


# %%
class Witnesses(methods.Method):
    """A joint model, and what each modality would have said alone."""

    interaction_names = ("R", "U1", "U2", "S")

    def __init__(self, spec, encoders):
        super().__init__(spec, encoders)
        self.joint = ConcatFusion(list(self.dims.values()), spec.n_outputs)
        self.alone = nn.ModuleList(
            nn.Linear(d, spec.n_outputs) for d in self.dims.values()
        )

    def forward(self, inputs):
        return self.joint(self.encode(inputs))

    def alone_terms(self, batch):
        pairs = zip(self.alone, self.encode(batch.inputs), strict=True)
        return {
            "total": sum(
                F.cross_entropy(head(z), batch.target) for head, z in pairs
            )
        }

    def stages(self, epochs):
        return [
            Stage(
                "joint",
                epochs,
                modules=[self.encoders, self.joint],
                loss=self.task_terms,
            ),
            Stage("alone", epochs, modules=[self.alone], loss=self.alone_terms),
        ]

    def interactions(self, inputs):
        z = self.encode(inputs)
        said = self.joint(z).argmax(dim=1, keepdim=True)
        c1, c2 = (head(z_m).softmax(1).gather(1, said) for head, z_m in zip(self.alone, z, strict=True))  # fmt: skip
        return torch.cat(
            [c1 * c2, c1 * (1 - c2), (1 - c1) * c2, (1 - c1) * (1 - c2)], dim=1
        )


# %% [markdown]
# That is all. In each stage, `fit` freezes whatever the stage does not name (in the second stage, the encoders). It keeps the
# epoch that is best on validation data and can resume after an interruption. `evaluate` collects the metrics and the report.
#
# Does the report hold? Data whose truth you do not know cannot tell you. Ask first on data whose truth you do know, and carry
# over a method that passed. Chapter 10 has a suite of such tasks. We use the digit pairs of chapter 9, with a quarter of each
# interaction and a cue, and take I2MoE for comparison. The budgets differ: `epochs` counts for each stage, so the heads of our
# method get ten epochs after the ten of its joint model, where I2MoE has ten in all.
#
# The table and {numref}`fig-witnesses` give the area under the ROC curve (AUROC): does a sample decided by an interaction get
# a larger share of it than one that was not? (In per cent, ↑ higher is better, one half is chance.)


# %%
def digit_pairs(s):
    """Load digit pairs of four classes with the cue; the truth of every sample is known."""
    return data.load("digit_pairs", seed=s, n_train=n_train, n_test=2_000)


reports = {}
for s in progress(REPORT_SEEDS, "seeds"):
    parts = digit_pairs(s)
    task = explanations.ExplanationTask.of(parts)
    for kind in (Witnesses, methods.I2MoE):
        model = kind.for_data(parts[0], dim=dim, seed=s)
        fit(model, *parts[:2], epochs=10, lr=lr, batch_size=batch_size, seed=s, device=device, progress=False)  # fmt: skip
        reports[kind.__name__, s] = evaluate_explanations(
            model, task, device=device
        ).metrics
report = pd.DataFrame(reports).T.groupby(level=0, sort=False)
AREAS = [f"auroc_{k}" for k in KINDS]
heads = {f"auroc_{kind}": f"AUROC of {kind} ↑" for kind in KINDS}
report[["accuracy", *AREAS]].agg(percent).rename(
    columns={"accuracy": "accuracy ↑"} | heads
)

# %% mystnb={"image": {"alt": "Area under the ROC curve per interaction, with intervals, for the report of the new method and that of I2MoE, and a line at one half. The new method's are close to one for all four interactions; I2MoE's lie lower with wider intervals, for redundancy below one half on average."}, "figure": {"caption": "The report of the new method finds the samples of each interaction; that of I2MoE finds fewer. Area under the ROC curve, mean and 95 % interval over seeds (cut at 0 and 1). The dashed line is a report that knows nothing.", "name": "fig-witnesses"}} tags=["hide-input"]
areas = pd.DataFrame(reports).T[AREAS].set_axis(KINDS, axis=1)
areas = areas.rename_axis(["method", "seed"]).melt(
    var_name="interaction", value_name="area", ignore_index=False
)
figure, ax = plt.subplots(figsize=(6.2, 3.4))
plots.interval_points(
    areas.reset_index(),
    x="interaction",
    y="area",
    hue="method",
    ax=ax,
)
ax.axhline(0.5, color="black", lw=1, ls="--")
_ = ax.set(xlabel="", ylabel="area under the ROC curve", ylim=(0, 1.05))
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# A mean over seeds hides that both methods were trained on the same data. By how much is the report of the new method ahead,
# seed by seed?

# %%
of_seed = pd.DataFrame(reports).T[AREAS].astype(float)
ahead = of_seed.loc["Witnesses"] - of_seed.loc["I2MoE"]
ahead["mean of the four"] = ahead.mean(axis=1)
(
    ahead.agg(percent)
    .rename("Witnesses minus I2MoE, in points of area")
    .rename(lambda name: name.removeprefix("auroc_"))
    .to_frame()
)

# %% [markdown]
# Thirty-five lines, and a *better* report than our I2MoE gives? In the mean of the four areas, on these data and after such
# short training, yes. It is worth asking why. No single image reveals the label of an S sample, so the witnesses fail exactly
# where the synergy is, and the cue tells each witness when to be sure.
#
# The report describes what each modality says **alone**, not how the joint model came to its answer. Where the joint model
# encodes a modality well but does not listen to it, this report is wrong about the model and right about the data. Decide
# which of the two you want to explain. In one case it is wrong about *both*. The heads read encoders that the joint loss has
# trained, and where joint training has starved an encoder (chapter 3), its head knows less than the data would tell. Three
# separate models do not have this fault, but they cost more training.
#
# ## Keep what you have trained
#
# *Deeper: for when you want to use a trained model elsewhere; skip it on a first reading.*
#
# A model that lives only in a notebook dies with it. `save` writes one file with the weights and, in plain values, what the
# model was built from: its class, its options, the shapes of the modalities and the names of the classes. `load` builds the
# model again, and `predict` and `predict_proba` take new samples, as arrays or as tensors. Opening such a file runs no code,
# so you can open one that a stranger sent. This safety has a price. Of a network that *you* wrote, the file holds the weights
# and the name but not the code. You have to hand over the network again, and if you forget one, the message says which:

# %%
parts = three_parts(study, seed)
torch.manual_seed(seed)
own = {"encoders": {"upper": SmallConv()}, "fusion": Products}
trained = methods.JointFusion.for_data(parts[0], dim=dim, seed=seed, **own)
_ = score(trained, parts, seed, epochs=epochs // 2)
new = halves(images[others[:12]])
with tempfile.TemporaryDirectory() as folder:
    file = f"{folder}/digits.pt"
    save(trained, file)
    for incomplete in ({"fusion": Products}, {"encoders": {"upper": SmallConv()}}):
        try:
            load(file, **incomplete)
        except DataError as error:
            print(error)
    loaded = load(file, encoders={"upper": SmallConv()}, fusion=Products)
survived = torch.equal(loaded.predict_proba(new), trained.predict_proba(new))
print("the same probabilities, to the last bit:", survived)
pd.DataFrame({"drawn": names[others[:12]], "predicted": loaded.predict(new)}).T

# %% [markdown]
# (The model misreads several digits, having learned from few drawings.) Each prediction is the number of a class, and
# `loaded.spec.class_names` holds the names; here the two agree. You hand over a method of your own in the same way, with
# `load(path, method=Witnesses)`, since no file can make Python import a module that you did not name. `mmfuse train` leaves
# such a file, `model.pt`, beside its result.
#
# ## A study in one more line
#
# *Deeper: for when you compare methods over seeds and settings; skip it on a first reading.*
#
# One number per method is an anecdote. A study is a grid of methods, data, seeds and settings. It is run once, continues after
# an interruption, and is gathered into one table with intervals. Your method and your data take part under the name
# `file:object`, provided that Python finds the file among its modules:
#
# ```yaml
# methods:
#   Ensemble:
#   I2MoE: {method_options: {interaction_weight: 0.1}}
#   Witnesses: {method: "my_methods:Witnesses"}      # your line
# data:
#   digit_pairs: {data_options: {n_train: 2000}}
#   scans: {data: "my_data:load"}                    # a function of the seed: train, val, test
# seeds: 5
# search: {lr: [0.001, 0.003]}                       # chosen on validation data, per method
# settings: {epochs: 20, dim: 32}
# ```
#
# `mmfuse study my_study.yml` runs the study and `mmfuse report` prints it. Every result is filed under its settings and a
# digest of the code behind it. When you edit your method, or a file that it imports, the runs that depend on it are repeated,
# and no others. Before anything is trained, every model is built once, so a slip in the last row does not cost a night of
# computing. That check works here, too:

# %%
plan = {
    "name": "own",
    "methods": {"Ensemble": {}, "Witnesses": {"method": f"{__name__}:Witnesses"}},
    "data": {
        "digit_pairs": {"data_options": {"n_train": 200, "n_val": 50, "n_test": 50}}
    },
    "seeds": 5,
    "search": {"lr": [0.001, 0.003]},
    "settings": {"epochs": 20, "dim": 32},
}
print(len(Study.of(plan).cells), "runs")
try:
    Study.of(plan | {"methods": {"Witnesses": {"method": f"{__name__}:Witness"}}})
except DataError as error:
    print(error)

# %% [markdown]
# ## A number, several labels, three modalities
#
# *Deeper: for regression, several labels at once, or more than two modalities; skip it on a first reading.*
#
# The target says what is to be predicted. Floats mean regression, a table of 0 and 1 with one column per label means
# multi-label classification, and everything else names classes. Three small data sets from scikit-learn show all three:
#
# - *diabetes* {cite:p}`efron2004` predicts how the disease progressed from the body (age, sex, body-mass index, blood
#   pressure) and from the blood;
# - three *properties* of the digits above are labels that one picture can have at once;
# - *breast cancer* {cite:p}`street1993` describes the nuclei of a tumour by ten features. Each is given as a mean over cells,
#   its error and its extreme, which makes three modalities.


# %%
def diabetes():
    """Load a regression: from body and blood, how the disease progressed in a year."""
    # Unless told otherwise, scikit-learn has scaled the columns by *all* samples.
    table = load_diabetes(as_frame=True, scaled=False).frame
    blood = [f"s{i}" for i in range(1, 7)]
    target = table["target"].to_numpy()
    views = {"body": table[["age", "sex", "bmi", "bp"]], "blood": table[blood]}
    return data.from_arrays(views, (target - target.mean()) / target.std())


def properties():
    """Make three labels: properties of the digit, from the halves of each drawing."""
    labels = np.column_stack(
        [names % 2 == 0, names >= 5, np.isin(names, [0, 6, 8, 9])]
    )
    named = ("even", "five or more", "has a loop")
    return data.from_arrays(halves(images), labels, class_names=named)


def cancer():
    """Load three modalities: mean, error and extreme of ten features of a tumour."""
    table = load_breast_cancer()
    views = np.split(table.data, 3, axis=1)
    names = dict(zip(("mean", "error", "extreme"), views, strict=True))
    return data.from_arrays(
        names, table.target, class_names=tuple(table.target_names)
    )


TASKS = {
    "diabetes": (diabetes(), "r2"),
    "properties": (properties(), "micro_f1"),
    "breast cancer": (cancer(), "auroc"),
}
for samples, _ in TASKS.values():
    print(samples)

# %%
others_found = {}
for name, (samples, metric) in progress(TASKS.items(), "data sets"):
    for s in SEEDS:
        parts = three_parts(samples, s)
        if name != "properties":  # pixels are on one scale already
            parts = standardise(*parts)
        models = {
            "all modalities": methods.JointFusion.for_data(parts[0], dim=16, seed=s)
        }
        for modality in samples.modalities:
            alone = methods.Unimodal.for_data(
                parts[0], modality=modality, dim=16, seed=s
            )
            models[f"only {modality}"] = alone
        for way, model in models.items():
            value = score(model, parts, s, metric, epochs=10)
            others_found.setdefault((name, way), []).append(value)
others_table = pd.Series(
    {
        (f"{name}: {in_words(TASKS[name][1])}", way): percent(values)
        for (name, way), values in others_found.items()
    }
)
others_table.rename("in per cent").to_frame()

# %% [markdown]
# (The diabetes target is standardised with the mean and deviation of all samples, which only sets its unit. The inputs are
# standardised with those of the training split.) The methods differ in what they accept. DI-MML needs classes. DMIL takes two
# modalities, or three if only its first level is used. I2MoE takes two or more modalities and all three kinds of target.
#
# ## Ask before you train
#
# Do your modalities share what they know, or do they complement each other? You can ask before any network is trained. The
# cluster estimator of chapter 5 sorts each modality into a handful of clusters, counts, and decomposes the table of counts
# exactly.
#
# ```{quiz} Before training
# :label: predict-before
# :predict:
#
# Take 120 drawings with eight scans of each, and shuffle the labels between drawings. Nothing is left to find. How much
# does the estimator find?
#
# * [ ] About 0, as always with shuffled labels
#
#   The drawings fall into many cells, and by chance most cells lean towards some label.
# * [x] About half a bit, most of it called synergy
#
#   Among few drawings, chance looks like information, and eight scans of each make it look certain.
# * [ ] A few hundredths of a bit, as there are 960 rows
#
#   (rows-are-units) Eight scans of a drawing agree because they show one drawing, and not because of its label.
# ```
#
# The estimator needs a minute of thought in three places.
#
# - **Count units, not rows.** Eight scans of a drawing are hardly more than one observation. Counted eight times, noise looks
#   certain.
# - **Shuffle the labels.** A table of counts always shows *some* information, and most of what chance produces is called
#   synergy. The estimate must exceed what the same estimator finds when labels are shuffled between as many units.
# - **Remember the clusters.** Whatever clustering loses is missing from the answer.

# %%
some = rng.permutation(len(images))[
    : len(scans)
]  # as many drawings as there are scans
shuffled = rng.permutation(names[some])
guess = LABELS["shuffled labels"].to_numpy()  # one digit for all scans of a drawing
ASKED = {
    "labels": (images[some], names[some]),
    "shuffled labels": (images[some], shuffled),
    "shuffled, one scan a drawing": (scans[::n_scans], guess[::n_scans]),
    "shuffled, all scans": (scans, guess),
}
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always", RuntimeWarning)
    estimates = {
        what: cluster_pid(*halves(pictures).values(), target, n_clusters=8, n_bootstrap=n_bootstrap, seed=seed)
        for what, (pictures, target) in ASKED.items()
    }  # fmt: skip
for message in dict.fromkeys(str(w.message) for w in warned):
    print(message)
atoms = pd.DataFrame(
    {what: e.atoms for what, e in estimates.items()}, index=KINDS
).T
rows = [len(target) for _, target in ASKED.values()]
bits = atoms.round(2).assign(total=atoms.sum(axis=1).round(2))
bits.add_suffix(" (bits)").assign(rows=rows)

# %% mystnb={"image": {"alt": "Four panels, two by two, of bars of R, U1, U2 and S in bits with intervals. For the labels, redundancy and both unique parts are large, synergy is small. For shuffled labels of 960 drawings all are near zero, synergy a little above. For shuffled labels of 120 scans, one of each drawing, synergy is about one bit. For shuffled labels of all 960 scans, synergy is about a third of a bit with a narrow interval."}, "figure": {"caption": "The truth is 0 in all panels but the first, and yet the estimator finds synergy in shuffled labels of few drawings. Information about the digit in the upper (1) and the lower half (2), from clusters and counts, with 95 % intervals: labels of 960 drawings; the same, shuffled; shuffled labels of 120 drawings with one scan of each; and with all scans, 960 rows.", "name": "fig-before"}} tags=["hide-input"]
figure, axes = plt.subplots(2, 2, figsize=(6, 5.6), sharey=True)
titles = ("labels", "shuffled", "shuffled, one scan", "shuffled, all scans")
for ax, title, (_what, e) in zip(axes.flat, titles, estimates.items(), strict=True):
    plots.interaction_bars(pd.DataFrame([e.atoms], columns=KINDS), ylabel="", ax=ax)
    ax.vlines(
        KINDS, e.interval["lower"], e.interval["upper"], color="black", lw=1.3
    )
    _ = ax.set_title(title)
for ax in axes[:, 0]:
    ax.set_ylabel("bits")
plt.show()

# %% [markdown]
# As {numref}`fig-before` shows, the halves of a digit repeat and complement each other: much of the information is redundant,
# and each half knows something of its own. Eight by eight clusters and ten digits make 640 cells, so 960 rows are few and 120
# are hopeless. The control of 960 drawings is quiet but not silent. About a tenth of a bit of synergy is left after
# correction, and the synergy found in the labels has to be read against it. With as many rows but only 120 drawings, the
# estimator finds several times as much in labels that say nothing. Its narrow interval stays clear of 0, because it counts
# scans as if they were independent. This is the leak of {numref}`fig-leak` in other clothes.
#
# Does one scan per drawing put it right? On the contrary. No correction makes up for five cells a row, and the estimator finds
# about a bit of synergy where there is none. Counting units keeps you from believing that you have 960 of them, but it does
# not make 120 enough for this question. You would have to ask a coarser question (fewer clusters, fewer classes) or collect
# more drawings. Both times it is the control that warns you, *if* it is made like your data: as many units, as many rows per
# unit, and labels shuffled between units.
#
# ## Which method for which question
#
# | You want | Use | Mind |
# |:--|:--|:--|
# | to know whether fusion pays at all | `Unimodal`, `Ensemble`, `JointFusion` on the same splits | the best single modality is the bar, not chance |
# | to know what the modalities share, before training | `cluster_pid`, with shuffled labels as control | clusters lose information; count units |
# | the same, with many features and samples | `batch_pid`; `lsmi_pid` for single samples | look at held-out losses first, at atoms second |
# | to know whether training starves a modality | `Probe` on each encoder, against `Unimodal` | chapter 3 |
# | encoders that do not compete | `DIMML` | classes only; its weights are certainties, not R, U, S |
# | features with a part for each interaction | `DMIL` | R and U need two modalities |
# | a mixture whose weights name an interaction | `I2MoE` | validate the names, as in chapter 9 |
# | to know whether such a report is true | `evaluate_explanations`, on data with known truth | ask it of your own data only afterwards |
#
# When you report your study, a reviewer will ask for
#
# - the **unit** of the split, and the number of units on each side;
# - everything that was chosen **on validation data** (epochs, learning rate, $\lambda$ of I2MoE, clusters), and from how many
#   candidates, for baselines too;
# - **several seeds** of both the split and the training, with mean and interval, and how many there were of each;
# - **the controls**: labels shuffled between units, the best single modality, and an ensemble;
# - the data that the report was **validated on** before it explained anything.
#
# ```{quiz} Which split matters?
# :label: quiz-validation
#
# Test units are kept apart, validation samples are not. Which result is spoiled?
#
# * [ ] The test accuracy of the model that was chosen
#
#   It stays honest about that model.
# * [x] The choice between models
#
#   Validation that rewards memory prefers the model that memorises.
# * [ ] None: validation only picks an epoch.
#
#   (validation-is-free) It picks whatever you let it pick.
# ```
#
# ## What this chapter claims
#
# The cell below checks what this chapter claims.


# %%
def mean(values):
    """Return the mean over seeds."""
    return float(np.mean(values))


claim(set(said) == set(MISTAKES), "All six mistakes are refused, each by name.")
found, honest = (
    leak["shuffled labels", "between scans"],
    leak["shuffled labels", "between drawings"],
)
claim(
    mean(found) > 0.3
    and mean(honest) < 0.2
    and mean(leak["true labels", "between scans"])
    > mean(leak["true labels", "between drawings"]),
    "A split between scans finds what is not there; a split between drawings does not.",
)
claim(unchanged, "A frozen encoder stays as it was.")
shown = {key for key, d in gains.items() if np.subtract(*mean_interval(d)) > 0}
claim(
    min(map(mean, gains.values())) > 0
    and shown >= {(way, "over default encoders") for way in PRETRAINED[1:]}
    and not any((way, "over from scratch") in shown for way in PRETRAINED),
    "Pre-training helps on average; against the same network from scratch, four splits cannot show it.",
)
claim(
    survived, "A model that is saved and loaded predicts the same, to the last bit."
)
claim(
    report[AREAS].mean().loc["Witnesses"].min() > 0.9
    and np.subtract(*mean_interval(ahead["mean of the four"])) > 0,
    "The report of the new method finds all four interactions, and is ahead of I2MoE's in their mean.",
)
best_alone = {
    name: max(mean(others_found[name, f"only {m}"]) for m in samples.modalities)
    for name, (samples, _) in TASKS.items()
}
claim(
    all(
        mean(others_found[name, "all modalities"]) > best_alone[name] - 0.02
        for name in TASKS
    ),
    "All modalities together are at most two points worse than the best one alone.",
)
claim(
    atoms.loc["labels", "R"] > 0.5
    and atoms.loc["shuffled labels"].sum() < 0.2
    and atoms.loc["shuffled, all scans", "S"]
    > 3 * atoms.loc["shuffled labels", "S"]
    and atoms.loc["shuffled, one scan a drawing", "S"] > 0.8
    and estimates["shuffled, all scans"].interval.loc["S", "lower"] > 0.1,
    "The estimator is quiet on shuffled labels of many drawings, but not of few, nor of many scans of few.",
)
claim(
    (atoms["S"] > atoms.sum(axis=1) / 2)[1:].all(),
    "Most of the information that chance produces is called synergy.",
)

# %% tags=["headline", "remove-cell"]
headline = {
    "leak_shuffled": round(mean(leak["shuffled labels", "between scans"]), 3),
    "honest_shuffled": round(mean(leak["shuffled labels", "between drawings"]), 3),
    "auroc_witnesses": round(
        mean([reports["Witnesses", s]["auroc"] for s in REPORT_SEEDS]), 2
    ),
    "auroc_i2moe": round(
        mean([reports["I2MoE", s]["auroc"] for s in REPORT_SEEDS]), 2
    ),
}
print(json.dumps(headline))

# %% [markdown]
# ## Takeaways
#
# - The split decides what your accuracy is about. Name the unit, split between units, and shuffle labels between them once.
# - An encoder, a fusion model and a method are ordinary PyTorch modules. A stage names what it trains, and the rest is frozen.
# - Whether you fine-tune, freeze or precompute, compare with the same network from scratch, on the same splits, by the
#   differences. With few units, even a large gain can stay open.
# - Question the data before you train, with a control that can say no. Test a report on known truth before you believe it on
#   your own data.
#
# ## Exercises
#
# ```{exercise} Validation that leaks
# :label: ex-own-validation
#
# *Level 2 of 3 · 15 minutes · by training*
#
# Split the test data between drawings, but the validation data between scans. Which epoch is kept now? What happens to the
# validation accuracy, to the test accuracy, and to a choice between two models?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# `replace(rest, groups=None)` makes `split` forget the drawings. `fit` returns a history whose `best_epoch` names the epoch
# that was kept.
# ```
#
# ```{solution-start} ex-own-validation
# :class: dropdown
# ```
#
# The test accuracy stays honest, because no test drawing is seen before the test. Validation now asks about drawings that the
# model was trained on. Its accuracy says little about new drawings, and an epoch near the end is kept:

# %% tags=["solution"]
from mmfuse_lib.course import check

kept = {}
for s in progress(SEEDS, "seeds"):
    rest, test = study.split(0.75, seed=s)
    for name, pool in {
        "between drawings": rest,
        "between scans": replace(rest, groups=None),
    }.items():
        train, val = pool.split(0.8, seed=s)
        model = methods.JointFusion.for_data(train, dim=dim, seed=s)
        history = fit(model, train, val, epochs=epochs, lr=lr, batch_size=batch_size, seed=s, device=device, progress=False)  # fmt: skip
        kept[name, s] = {
            "epoch kept": history.best_epoch["joint"],
            "validation accuracy": evaluate(model, val, device=device).metrics["accuracy"],
            "test accuracy": evaluate(model, test, device=device).metrics["accuracy"],
        }  # fmt: skip
kept = pd.DataFrame(kept).T.groupby(level=0).mean().round(2)
promised = kept["validation accuracy"] - kept["test accuracy"]
claim(
    kept.loc["between scans", "epoch kept"]
    > kept.loc["between drawings", "epoch kept"]
    and promised["between scans"] > promised["between drawings"] + 0.05,
    "Validation between scans keeps a later epoch, and promises more than the test gives.",
)
_ = check("ex-own-validation", np.column_stack([kept["epoch kept"], promised]))
kept

# %% [markdown]
# (Means over the random splits.) The test accuracy need not suffer here: with validation scans taken from all drawings, the
# model trains on more drawings. The harm comes when two models are compared. Validation that leaks measures memory, so it
# would prefer the model that memorises better.
#
# ```{solution-end}
# ```
#
# ```{exercise} A report for three witnesses
# :label: ex-own-three
#
# *Level 2 of 3 · 10 minutes · by hand*
#
# Extend {eq}`eq-own-witnesses` to three modalities with the columns R, U1, U2, U3 and S. Where do samples go on which two of
# the three witnesses agree?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Write $U_m$ and $S$ first. The shares have to add up to 1.
# ```
#
# ```{solution} ex-own-three
# :class: dropdown
#
# With chances $c_1, c_2, c_3$, let $U_m = c_m \prod_{j \ne m} (1 - c_j)$ and $S = \prod_m (1 - c_m)$. The rest is
# $R = 1 - S - \sum_m U_m$: two or three witnesses could have said $\hat y$. Information that only *two* share therefore counts
# as redundant. The decomposition of three sources has more than five atoms (chapter 4), so a report with five columns has to
# put them somewhere, and should say where.
# ```
#
# ```{exercise} Standing on its head
# :label: ex-own-scale
#
# *Level 2 of 3 · 15 minutes · by training*
#
# In `diabetes()`, multiply the blood columns by 1000 and leave `standardise` out. What happens to the joint model? And what
# difference would it make to standardise with *all* samples, test split included?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Compare $R^2$ over the same splits, with few epochs. `standardise(samples)` with a single argument uses all samples.
# ```
#
# ```{solution-start} ex-own-scale
# :class: dropdown
# ```

# %% tags=["solution"]
samples, _ = TASKS["diabetes"]


def scaled_blood(factor):
    """Return the data with the blood columns multiplied by a number."""
    blood = factor * samples.inputs["blood"]
    return replace(samples, inputs=samples.inputs | {"blood": blood})


VARIANTS = {
    "fitted on training samples": lambda s: standardise(*three_parts(samples, s)),
    "fitted on all samples": lambda s: three_parts(*standardise(samples), s),
    "raw": lambda s: three_parts(samples, s),
    "raw, blood x 1000": lambda s: three_parts(scaled_blood(1e3), s),
    "raw, blood x 1e25": lambda s: three_parts(scaled_blood(1e25), s),
}
r2 = {variant: [] for variant in VARIANTS}
for variant, make in progress(VARIANTS.items(), "variants"):
    for s in SEEDS:
        parts = make(s)
        model = methods.JointFusion.for_data(parts[0], dim=16, seed=s)
        try:
            r2[variant].append(score(model, parts, s, "r2", epochs=10))
        except (TrainingError, DataError) as error:
            print(f"{variant}: {error}")
            break
r2 = {variant: mean(values) for variant, values in r2.items() if values}
for variant, value in r2.items():
    print(f"{variant}: R² {value:.2f}")
claim(
    r2["raw"] < 0.75 * r2["fitted on training samples"]
    and abs(r2["fitted on all samples"] - r2["fitted on training samples"]) < 0.02
    and r2["raw, blood x 1000"] < -1,
    "Raw columns cost a quarter of R² or more; blood in thousandths costs all of it.",
)
asked = "fitted on training samples", "fitted on all samples", "raw, blood x 1000"
_ = check("ex-own-scale", [r2[variant] for variant in asked])

# %% [markdown]
# (Means over the random splits.) Raw columns cost about half of the variance that can be explained, because the network has to
# find their scales first. With blood in thousandths it explains nothing, and an $R^2$ far below 0 says so. Only at numbers
# that no laboratory reports does the loss overflow, and then `fit` stops and says where. Standardising with all samples hardly
# moves the result here, because the mean and deviation of hundreds of samples are stable. It is a habit to avoid all the same.
# Choosing *features* on all samples, done with the same carelessness, can make chance look like a discovery.
#
# ```{solution-end}
# ```
#
# ## Further reading
#
# - {cite:t}`efron2004` bring the diabetes data together with least angle regression, a way to choose features one by one.
# - {cite:t}`liang2023` measure interactions in real multimodal data with the cluster and the batch estimator.
# - {cite:t}`xin2025` introduce I2MoE; chapter 9 tests the names of its experts on known truth.
