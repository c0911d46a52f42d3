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
# # Ask a finished model
#
# A colleague hands you a trained model. It has no gate, no experts, no heads with names. It looks at two images and says
# *three*. You may call it as often as you like, and that is all. **Which image told it? Would either have been enough? Did
# it need both?**
#
# Chapter 10 scored models that were built to answer such questions, and many of their answers were wrong. This chapter asks
# a model that was built to answer none of them, and scores the answers on the same known truth, with more tasks and ten
# seeds.
#
# ```{admonition} After this chapter you can
# :class: tip
# - ask any model about a sample with a modality replaced, and say which question the replacement asks;
# - derive what an ideal model answers, and read R, U1, U2 and S off the answers;
# - compute InterSHAP, MM-SHAP, SHAPE and EMAP, and say what each of them cannot see;
# - judge an explainer on a benchmark with exact truth, and add your own.
#
# **Needs:** chapter 10, for how reports are scored. **Takes:** {{ essential }} minutes for the essential path,
# {{ reading }} for everything; the code runs in half a minute on two CPU cores, and nothing is downloaded.
# ```

# %% tags=["parameters", "hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
seed = 0
epochs = 40
n_partners = 64

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show the set-up"}
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch

from mmfuse_lib import (
    Claims,
    data,
    evaluate,
    evaluate_explanations,
    explanations,
    fit,
    information,
    methods,
    plots,
    results,
    study,
)
from mmfuse_lib.core.intervals import mean_interval
from mmfuse_lib.explanations.entries import SURE_CUE

plots.use_style()
claim = Claims(globals(), seed=0, epochs=40, n_partners=64)
KINDS = list(data.INTERACTIONS)
GREY = plots.color_of("joint")

# %% [markdown]
# ## Take a modality away
#
# The natural experiment is to hide one image and see whether the decision stays. But a model takes two images. **What goes
# into the place of the one that is hidden?** Zeros are an image, too, and one that the model has never seen. So we put in
# another sample's image: a *partner's*. We do it many times, with many partners, and take the mean.
#
# Let $f(x)$ be the model's output, and keep the set $S$ of modalities. The **value** of the set is the mean output over
# partners $b$ for the rest:
#
# $$
# v_S(x) = \frac{1}{B} \sum_b f\bigl(x_S,\, b_{\bar S}\bigr) .
# $$ (eq-ask-value)
#
# Everything in this chapter is made of these numbers. With two modalities there are four of them: $v_{12} = f(x)$, $v_1$,
# $v_2$, and $v_\emptyset$, the mean output over all data. What they mean depends on who the partners are.
#
# * **Any** sample may be a partner. Then $v_1$ says what the model does with image 1 *whatever* image 2 shows.
# * Only **likely** samples may: those whose image 1 resembles this image 1. Then image 2 comes as it usually comes *together
#   with* this image 1, and $v_1$ says what somebody would expect who sees image 1 alone.
#
# ```{prf:proposition} Likely partners ask the model what one modality knows
# :label: prop-ask-tower
#
# Let $f(x) = p(y \mid x_1, x_2)$, and let the partners of $x_1$ be drawn from $p(x_2 \mid x_1)$. Then the expected value of
# $v_1(x)$ is $p(y \mid x_1)$.
# ```
#
# ```{prf:proof}
# $\sum_{x_2} p(x_2 \mid x_1)\, p(y \mid x_1, x_2) = \sum_{x_2} p(x_2, y \mid x_1) = p(y \mid x_1)$.
# ```
#
# So a single well-trained model also holds what a model of image 1 alone would say. We only have to find partners that are
# likely. Here these are the 64 training samples whose image 1 is nearest to ours, measured in the model's own encoding.
# With *any* partners there is no such result, and there cannot be one, since the pairs need not be pairs that occur.
#
# ```{quiz} The cue disagrees
# :label: predict-any
# :predict:
#
# Both images show a cue that tells which rule made the label. On a redundant sample either digit is the label. You keep the
# left image and take the right one from *any* other sample. How often will the decision stay?
#
# * [ ] Always: the left image shows the label and says so.
#
#   (any-partner-will-do) The cue on the right now says something else in three cases of four. No such pair was ever seen in
#   training.
# * [x] Less often than that; how much less depends on the model
#
#   The two cues contradict each other. What a model does with a pair that cannot occur was never trained; it is chance and
#   habit.
# * [ ] In one case of four, by luck
#
#   The left image is still there, and often wins.
# ```
#
# Let us see. The model is the plain joint model of chapter 1, trained on digit pairs with the settings of the benchmark.

# %%
task = explanations.load_task("digits/balanced", seed=seed)
model = methods.JointFusion.for_data(task.train, dim=32, seed=seed)
fit(
    model,
    task.train,
    task.val,
    epochs=epochs,
    patience=8,
    batch_size=64,
    lr=0.002,
    seed=seed,
    progress=False,
)
accuracy = evaluate(model, task.test).metrics["accuracy"]
asked = {
    partners: explanations.ask(
        model,
        task.test,
        task.train,
        partners=partners,
        n_partners=n_partners,
        decisions=True,
        seed=seed,
    )
    for partners in ("likely", "any")
}
kind = pd.Categorical(np.array(KINDS)[task.test.composition], categories=KINDS)
stays = pd.concat(
    {
        partners: pd.DataFrame(
            {
                side: found.of_decision()[frozenset({side})]
                for side in task.test.modalities
            }
        ).assign(kind=kind)
        for partners, found in asked.items()
    },
    names=["partners"],
).reset_index("partners")
print(f"accuracy {accuracy:.3f}, asked about {asked['likely'].rows:,} samples")
by_kind = stays.groupby(["partners", "kind"], observed=True).mean().round(2)
by_kind.rename(columns="stays, {} kept".format).rename_axis(["partners", "rule"])

# %% mystnb={"image": {"alt": "Two scatter plots, one above the other, of how often the decision stays with the left image kept against how often it stays with the right image kept, a dot a test sample, coloured by the rule that made the label. With likely partners the four colours sit at four corners: R at one and one, U1 at one and a quarter, U2 at a quarter and one, S at a quarter and a quarter. With any partners R and the unique kinds spread over the upper right."}, "figure": {"caption": "With likely partners, each rule has a corner of its own; with any partners the corners run into each other. How often the decision of the joint model stays when only one image is kept; a dot a test sample, a little noise added. Dotted: one in four, by luck.", "name": "fig-ask-stays"}} tags=["hide-input"]
rng = np.random.default_rng(0)
figure, axes = plt.subplots(2, 1, figsize=(4.8, 8.2), sharex=True)
for ax, partners in zip(axes, ("likely", "any"), strict=True):
    shown = stays[stays["partners"] == partners].copy()
    shown[["left", "right"]] += rng.normal(0, 0.012, (len(shown), 2))
    sns.scatterplot(shown, x="left", y="right", hue="kind", style="kind", hue_order=KINDS,
                    style_order=KINDS, palette=plots.PALETTE, markers=[*"o^vD"], s=26, lw=0,
                    alpha=0.6, legend=ax is axes[0], ax=ax)  # fmt: skip
    ax.axvline(0.25, color=GREY, ls=":")
    ax.axhline(0.25, color=GREY, ls=":")
    ax.set(title=f"{partners} partners", xlabel="stays, left image kept")
    ax.set(
        ylabel="stays, right kept",
        xlim=(-0.05, 1.06),
        ylim=(-0.05, 1.06),
    )
handles = axes[0].get_legend_handles_labels()
axes[0].get_legend().remove()
figure.legend(*handles, ncols=4, loc="outside upper center")
plt.show()

# %% [markdown]
# Nobody told the model about rules, and nothing in it has a name. Yet with likely partners the four rules lie in four
# corners of {numref}`fig-ask-stays`: either image is enough (R), one of them is (U1, U2), or neither (S). The answers were
# in the model; it only had to be asked. With any partners the picture is blurred, most of all for R, where the two cues
# contradict each other.
#
# ## From answers to a report
#
# Let $c_m$ be the share of partners with which the decision stays when only modality $m$ is kept. Where neither image tells
# the label, the decision still stays in one case of four, by luck. We take luck off. If $e$ is how often the model makes
# this decision at all, then
#
# $$
# q_m = \max\Bigl(0, \frac{c_m - e}{1 - e}\Bigr)
# $$ (eq-ask-beyond)
#
# is how often it stays *beyond luck*, as in Cohen's kappa. The report follows as for the three models of chapter 10:
#
# $$
# \begin{aligned}
# R &= q_1 q_2, & S &= (1 - q_1)(1 - q_2), \\
# U_1 &= q_1 (1 - q_2), & U_2 &= (1 - q_1)\, q_2 .
# \end{aligned}
# $$ (eq-ask-report)
#
# `explain` does all of this in one call. The table gives the mean report on the samples of each rule, with likely partners.

# %%
report = explanations.explain(
    model, task.test, task.train, n_partners=n_partners, seed=seed
)
mean_report = report.groupby(kind, observed=True).mean()
loose = explanations.explain(
    model, task.test, task.train, partners="any", n_partners=n_partners, seed=seed
)
one_task = {
    name: evaluate_explanations(shown, task).metrics["auroc"]
    for name, shown in (("likely", report), ("any", loose))
}
print("mean area:", ", ".join(f"{k} {v:.3f}" for k, v in one_task.items()))
mean_report.round(2).rename_axis("rule").rename(columns="reported {}".format)

# %% [markdown]
# ```{quiz} A model that is often wrong
# :label: quiz-ask-wrong
#
# A model is right in 60 % of its decisions. You `explain` it. Whose interactions are in the report?
#
# * [ ] Those of the data, with some noise
#
#   (explains-data) The labels of the samples were never used. A rule that the model has not learned cannot show.
# * [x] Those of the model's decisions, right or wrong
#
#   The report says what these decisions hang on. Where the model has learned the rule, that is the rule.
# * [ ] Nobody's: a wrong decision has no explanation.
#
#   A wrong decision also stays or falls when an image is replaced.
# ```
#
# ## What others ask
#
# Four published explainers are made of the same four numbers. With two modalities they fit into a few lines.
#
# **InterSHAP** {cite:p}`wenderoth2025` is the Shapley interaction index {cite:p}`grabisch1999` over modalities, for the
# output that the model decides for:
#
# $$
# \begin{aligned}
# \phi_{12} &= v_{12} - v_1 - v_2 + v_\emptyset, \\
# \phi_{mm} &= v_m - v_\emptyset .
# \end{aligned}
# $$ (eq-ask-intershap)
#
# The main effect $\phi_{mm}$ is what modality $m$ does by itself, and the interaction is what is left over. It is
# *positive* where neither does it alone, and *negative* where both can: what both could have done is counted twice in the
# main effects.
#
# **MM-SHAP** {cite:p}`parcalabescu2023` shares the decision out between the modalities. Modality $m$ gets
# $|\phi_m| / (|\phi_1| + |\phi_2|)$, where $\phi_m = \phi_{mm} + \tfrac12 \phi_{12}$ is its Shapley value.
#
# **SHAPE** {cite:p}`hu2022` takes accuracies as values. Its *cooperation*, $\phi_{12}$ of accuracies, is one number for a
# data set.
#
# **EMAP** {cite:p}`hessel2020` finds the additive model nearest to $f$ over *all* pairings of the samples, and compares
# their accuracies; we ask whether they decide alike. What the projection cannot reproduce is interaction.
#
# ```{quiz} Copies and XOR
# :label: predict-mmshap
# :predict:
#
# Model A sees two copies of a bit and repeats it. Model B computes the XOR of two independent bits. What shares does
# MM-SHAP give to the two modalities?
#
# * [ ] A: one half each. B: 0 each, since neither bit tells anything alone.
#
#   Shares sum to 1, whatever is shared out. XOR is shared out as well.
# * [x] One half each, for both models
#
#   Both are symmetric. A share says *how much* of the decision is a modality's, and not whether it was needed.
# * [ ] A: 1 for the first, 0 for the second, as the second adds nothing. B: one half each.
#
#   Neither copy comes first. The Shapley value averages over both orders.
# ```
#
# How do they answer where we know the truth? Five models of two bits, each with the probability of the answer *one* that it
# computes:

# %%
CELLS = [(0, 0), (0, 1), (1, 0), (1, 1)]
MECHANISMS = {  # P(one | a, b), and the pairs that occur, equally often
    "copies": (lambda a, b: (a + b) / 2, [(0, 0), (1, 1)]),
    "left only": (lambda a, b: a, CELLS),
    "sum": (lambda a, b: 0.1 + 0.5 * a + 0.3 * b, CELLS),
    "AND": (lambda a, b: a * b, CELLS),
    "XOR": (lambda a, b: (a - b).abs(), CELLS),
}


def as_model(rule):
    """Make a model of a rule: from inputs to two probabilities."""

    def predict(inputs):
        p = rule(inputs["a"][:, 0], inputs["b"][:, 0])
        return torch.stack([1 - p, p], dim=1)

    return predict


said = {}
for name, (rule, pairs) in MECHANISMS.items():
    rows = torch.tensor(pairs * 32, dtype=torch.float32)
    labels = torch.arange(len(rows)) % 2
    bits = data.from_arrays({"a": rows[:, :1], "b": rows[:, 1:]}, labels)
    f, half = as_model(rule), len(rows) // 2  # as many as share a bit
    answered = explanations.ask(f, bits, bits, n_partners=half)
    decided = explanations.ask(f, bits, bits, n_partners=half, decisions=True)
    effects = explanations.intershap(answered).mean()
    projection = explanations.emap(f, bits)
    own = explanations.explain(f, bits, bits, n_partners=half).mean()
    said[name] = {
        **{f"explain, {k}": own[k] for k in KINDS},
        "InterSHAP, main effect of a": effects["a"],
        "InterSHAP, main effect of b": effects["b"],
        "InterSHAP, interaction": effects["a x b"],
        "MM-SHAP, share of a": explanations.mm_shap(answered)["a"].mean(),
        "SHAPE, cooperation": explanations.shape(decided, decided.decided)[
            "cooperation"
        ],
        "EMAP, decides alike": projection.agreement,
    }
said = pd.DataFrame(said)
said.round(2) + 0.0

# %% [markdown]
# Read the table by columns. **XOR** is pure interaction for everybody, except that MM-SHAP cannot say so. **Copies** are
# where most differ: InterSHAP's interaction is −½, the sign of redundancy; MM-SHAP gives the same shares as for XOR; EMAP
# finds nothing to report, since a model of copies can be additive. **The sum** is additive, and InterSHAP shows two main
# effects. `explain` gives all of it to a, because *decisions* follow a alone: with a at one, the probability is above one
# half, whatever b is. Outputs and decisions are two questions. And in **AND**, EMAP decides alike on every pair: an
# additive model can compute AND, although its probabilities are not additive (chapter 1).
#
# None of the four speaks of R, U1, U2 and S. To score them against a truth that does, they have to be *read*, and the
# readings are ours. For effects, overlap is redundancy:
#
# $$
# \begin{aligned}
# R &= \max(-\phi_{12}, 0), \\
# S &= \max(\phi_{12}, 0), \\
# U_m &= \max(\phi_{mm} - R, 0),
# \end{aligned}
# $$ (eq-ask-reading)
#
# normalised to shares. MM-SHAP's shares are read as $U_1$ and $U_2$, with no word for R and S. EMAP's additive parts are
# read as $U_1$ and $U_2$, and its remainder as S, with no word for R. SHAPE's one number for the data set is repeated for
# each sample.
#
# ```{quiz} A negative interaction
# :label: quiz-ask-negative
#
# InterSHAP reports an interaction of −0.6 for a sample. What does it say?
#
# * [ ] The modalities disturb each other: the model would be better off with one.
#
#   Worse would be a matter of labels. No label was used.
# * [x] Each of them alone already moves the decision, and together they do not move it twice.
#
#   That is overlap. It is the sign of redundancy.
# * [ ] Something is wrong: an interaction cannot be below zero.
#
#   It is a difference of differences, and may have either sign.
# ```
#
# ## The benchmark, version 1
#
# One task and one seed prove little. The benchmark has the 17 tasks of chapter 10 that have a rule for each sample, and
# eight new ones: cues that are right in only 80 or 60 % of the samples, a cue that only the left image shows, pixels with
# noise on one or both sides, and features of real birds, images and captions of CUB {cite:p}`wah2011`, with planted rules.
# There are ten seeds. All methods have the settings of chapter 10. The finished model is the plain joint model, and every
# explainer gets the same one.
#
# ```bash
# mmfuse study reproduce/benchmark.yml --jobs 2 mmfuse report runs/benchmark --out reproduce/benchmark.json
# ```

# %%
found = results("benchmark")
NAMES = {
    "CompositionProbe": "probe (told)",
    "ThreeModels": "three models",
    "JointFusion: explain, likely partners": "explain, likely",
    "JointFusion: InterSHAP, likely partners": "InterSHAP, likely",
    "JointFusion: explain, any partners": "explain, any",
    "JointFusion: InterSHAP, any partners": "InterSHAP, any",
    "JointFusion: EMAP": "EMAP",
    "JointFusion: MM-SHAP": "MM-SHAP",
    "JointFusion: SHAPE": "SHAPE",
    "LSMI on JointFusion": "LSMI",
    "I2MoE": "I2MoE",
    "DMIL": "DMIL",
}
table = explanations.records(row for row in found.cells if row["chosen"])
table = table[table["method"].isin(NAMES)].assign(
    method=lambda t: pd.Categorical(t["method"].map(NAMES), list(NAMES.values()))
)
table = table.sort_values("method", kind="stable").astype({"method": str})
judged = table[table["task"].isin(explanations.judged())]
FAMILIES = {
    "cue": SURE_CUE,
    "cue, left only": ["digits, left cue"],
    "cue, noise": ["digits, noise", "digits, right noise"],
    "cue, birds": ["birds"],
    "cue right in 80 %": ["digits, cue right in 80 %"],
    "cue right in 60 %": ["digits, cue right in 60 %"],
    "no cue": ["digits, no cue", "spoken, no cue"],
}
family = {task: name for name, tasks in FAMILIES.items() for task in tasks}
judged = judged.assign(family=judged["task"].str.split("/").str[0].map(family))
CUED = "cue"
board = explanations.leaderboard(judged[judged["family"] == CUED])
print(study.made_on(found), end="\n\n")
print(explanations.leaderboard_text(board, ["auroc", "first", "brier"]).to_string())

# %% [markdown]
# These are the tasks with a cue that both modalities show and that is always right, those of chapter 10 (↑ higher is better
# for the area and the share named first, ↓ lower for the Brier score). The first interval is over seeds, the last over
# tasks.

# %% mystnb={"image": {"alt": "For each of twelve explainers, four dots with intervals: the area under the ROC curve of R, U1, U2 and S on the tasks with a cue. The probe, the three models and both explainers with likely partners are near one in all four. With any partners, R falls behind. EMAP has no R, MM-SHAP no R and S, SHAPE is at one half. LSMI, I2MoE and DMIL are lower."}, "figure": {"caption": "One finished model, asked with likely partners, finds all four interactions about as well as three separate models. Area under the ROC curve of each column on the tasks with a cue: mean and 95 % interval over tasks (of means over ten seeds), cut at 1. Dotted: a column that knows nothing.", "name": "fig-ask-board"}} tags=["hide-input"]
areas = judged[judged["family"] == CUED]
areas = areas.rename(columns=lambda name: name.removeprefix("auroc_"))
areas = areas.groupby(["method", "task"], sort=False)[KINDS].mean()  # over seeds
areas = areas.melt(
    var_name="column", value_name="area", ignore_index=False
).reset_index()
figure, ax = plt.subplots(figsize=(6.2, 7.0))
plots.interval_points(
    areas, x="area", y="method", hue="column", order=list(NAMES.values()), ax=ax
)
ax.axvline(0.5, color=GREY, ls=":")
ax.grid(axis="y")
_ = ax.set(xlabel="area under the ROC curve", ylabel="", xlim=(0.2, 1.02))
ax.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
plt.show()

# %% mystnb={"image": {"alt": "Heat map of the mean area under the ROC curve, a row an explainer, a column a family of tasks, with the best possible in the first row. With a cue in both images the probe is at 1.00, the three models and explain with likely partners are at 0.96; with noise, birds or a cue on one side they are between 0.90 and 0.96. Where the cue errs, the bound falls, and all are below it but for LSMI without a cue."}, "figure": {"caption": "Explain with likely partners stays close to the three models in every family; without a cue nobody can know. Area under the ROC curve, mean over the four columns, over tasks of the family and over seeds. First row: the bound for reports made from the inputs, read without error; LSMI is told the label and may exceed it.", "name": "fig-ask-families"}} tags=["hide-input"]
best = explanations.best_possible()
best = best.assign(family=best["task"].str.split("/").str[0].map(family))
by_family = judged.pivot_table(index="family", columns="method", values="auroc")
by_family = by_family.reindex(index=list(FAMILIES), columns=list(NAMES.values()))
by_family.insert(0, "best possible", best.groupby("family")["auroc"].mean())
figure, ax = plt.subplots(figsize=(6.4, 7.2))
sns.heatmap(by_family.T, vmin=0.4, vmax=1, cmap=sns.light_palette("0.5", as_cmap=True), cbar=False,
            annot=True, fmt=".2f", annot_kws={"color": "black"}, ax=ax)  # fmt: skip
ax.xaxis.tick_top()
ax.tick_params(axis="x", rotation=60)
plt.setp(ax.get_xticklabels(), ha="left")
ax.tick_params(axis="y", rotation=0)
_ = ax.set(xlabel="", ylabel="")
plt.show()

# %% [markdown]
# ### What it costs, and how many partners it takes
#
# *Deeper: skip it on a first reading.*
#
# Asking costs calls of the model, and nothing else. Keeping every proper, non-empty set of $M$ modalities takes $2^M - 2$
# rounds. With $N$ samples, $B$ partners and a background of $N_0$ samples the model is asked about
#
# $$
# N \bigl(1 + B\,(2^M - 2)\bigr) + N_0
# $$ (eq-ask-cost)
#
# samples; EMAP takes all $N^2$ pairs. For a small network that is little. For a vision-language model behind an API it is
# a budget, so the number of partners matters. {numref}`fig-ask-partners` tries several on this one task and seed.

# %% mystnb={"image": {"alt": "Mean area under the ROC curve against the number of partners from 1 to 128, on a logarithmic axis, for likely and any partners. With likely partners the line is above 0.95 from a few partners on, and flat from about 8. With any partners it rises slowly and stays lower throughout."}, "figure": {"caption": "Eight likely partners are better than 128 of any kind. Mean area of the four columns on one task and one seed, by the number of partners.", "name": "fig-ask-partners"}} tags=["hide-input"]
COUNTS = (1, 2, 4, 8, 16, 32, 64, 128)
by_count = pd.DataFrame(
    [
        {
            "partners": partners,
            "number of partners": count,
            "area": evaluate_explanations(
                explanations.explain(
                    model, task.test, task.train, partners=partners,
                    n_partners=count, seed=seed,
                ),
                task,
            ).metrics["auroc"],
        }
        for partners in ("likely", "any")
        for count in COUNTS
    ]
)  # fmt: skip
figure, ax = plt.subplots(figsize=(6.0, 3.8))
sns.lineplot(by_count, x="number of partners", y="area", hue="partners", style="partners",
             palette={"likely": "C2", "any": GREY}, markers=["o", "s"], dashes=False, ax=ax)  # fmt: skip
ax.set_xscale("log", base=2)
ax.set_xticks(COUNTS, [str(count) for count in COUNTS])
_ = ax.set(ylabel="mean area under the ROC curve")
plt.show()

# %% [markdown]
# ### What a model uses, and what the data hold
#
# *Deeper: skip it on a first reading.*
#
# So far we asked about samples. The same values answer a question about the whole data set, with the model's own
# **decision** as the target of the decomposition, as {cite:t}`fang2026` propose for multimodal language models. Read
# $v_S(x)$ as $p(\hat y \mid x_S)$. Then the decision's information in the set $S$, and a lower bound on the *label's*, are
#
# $$
# \begin{aligned}
# I(X_S; \hat Y) &= H(\hat Y) - \mathbb{E}\, H\bigl(v_S(X)\bigr), \\
# I(X_S; Y) &\ge H(Y) + \mathbb{E} \log_2 v_S(X)_Y .
# \end{aligned}
# $$ (eq-ask-decisions)
#
# The first is what the model uses, the second is what its answers prove that the data hold. We ask two models: the joint
# one, and an ensemble, which adds the votes of two networks. The table gives bits; for an ideal model both columns would be
# the exact values.

# %%
ensemble = methods.Ensemble.for_data(task.train, dim=32, seed=seed)
fit(ensemble, task.train, task.val, epochs=epochs, patience=8, batch_size=64, lr=0.002,
    seed=seed, progress=False)  # fmt: skip
used = {
    name: explanations.decompose_decisions(
        explanations.ask(trained, task.test, task.train, n_partners=n_partners),
        task.test.target,
    )
    for name, trained in (("joint", model), ("ensemble", ensemble))
}
bits_of = pd.concat(
    {name: found.informations["bits"].unstack(0) for name, found in used.items()},
    axis=1,
)
p_label = task.train.label_table()
bits_of["exact", "label"] = pd.Series(
    {
        "left": information.mutual_information(p_label, x=0),
        "right": information.mutual_information(p_label, x=1),
        "left + right": information.mutual_information(p_label),
    }
)
bits_of.columns = [f"{name}, {target}" for name, target in bits_of.columns]
bits_of = bits_of.reindex(["left", "right", "left + right"])
bounds_of = used["joint"].atoms.loc["decision"].round(2)
print(bounds_of.to_string())
bits_of.round(2).rename_axis("kept")

# %% [markdown]
# The joint model's decisions use about what the data hold, one bit from either image and two from both. The ensemble's
# decisions depend on both images as well, but they tell less about the label: the synergistic samples are out of its reach,
# and what it says there is noise. The small table above says what three informations *cannot* say. R of the joint model's
# decisions may be anything between its two ends. These are the two houses of chapter 2 again, and only a definition, or the
# report for each sample, decides between them.
#
# For a model behind an API, `leave_out` collects the answers to prompts that lack the image or the text, and no partner is
# needed.

# %% [markdown]
# ## What the scores say
#
# **One finished model, asked well, explains its decisions about as well as three models trained for it.** Over the eleven
# tasks with a cue and ten seeds, the report of one finished joint model has a mean area of .96, and so has that of three
# separate models. InterSHAP has .95 with likely partners and .83 with any, LSMI, which is told the labels, .84, I2MoE .72
# and DMIL .63. Most of what is missing to 1 is on spoken digits, where the model errs most, and on digits that are mostly S.
# There the finished model is behind the three by .06. Ten seeds are no luxury: the mean over tasks of a single seed is
# anywhere from .94 to .97.
#
# **The partners matter more than the index.** With likely partners, InterSHAP and our report are nearly the same. With any
# partners, both lose, and most of it on R: the Shapley index was not the problem, the pairs that cannot occur were.
#
# **An explainer cannot find what it has no word for.** MM-SHAP, EMAP and SHAPE are good at what they were made for. Where
# the question is *which of four*, one column at one half costs a quarter of the score.
#
# **Harder data are harder for good explainers.** With noise or with real birds the model itself makes more mistakes, and the
# report is about its decisions. With a cue that errs, or none, the bound itself is low. (LSMI is above it without a cue,
# since it is told the label.)
#
# ```{quiz} Choosing an explainer
# :label: quiz-ask-choose
#
# Your model is finished, and cannot be trained again. You want to know which of its decisions need both modalities. What do
# you take?
#
# * [ ] MM-SHAP: it is the standard for two modalities.
#
#   It shares out the decision, and XOR gets the same shares as two copies.
# * [x] Replacement by likely partners, and a look at whether these are likely
#
#   `explain` or InterSHAP: the index hardly matters. Whether the neighbours resemble the sample does.
# * [ ] The model's attention between the modalities
#
#   (faithful-is-true) Attention says where the model looked. Nobody has asked whether the decision would have stayed.
# ```
#
# ### What this does not show
#
# The truth of the benchmark is planted, also in the birds. Its models are small, and they are right on most samples. Likely
# partners were found in the model's own encoding, among two thousand samples with few digits; for free text or whole
# photographs nobody is near anybody. And no two explainers were tuned against each other: 64 partners is what the first
# trial had.
#
# ## What this chapter claims
#
# The cells below check every statement of this chapter against the numbers above.

# %%
corner = {
    partners: stays[stays["partners"] == partners]
    .groupby("kind", observed=True)[["left", "right"]]
    .mean()
    for partners in ("likely", "any")
}
IDEAL = pd.DataFrame(
    {"left": [1, 1, 0.25, 0.25], "right": [1, 0.25, 1, 0.25]}, index=KINDS
)
claim(
    (corner["likely"] - IDEAL).abs().max().max() < 0.12,
    "With likely partners, each rule's decisions stay about as often as an ideal model's: always, or one time in four.",
)
claim(
    corner["any"].loc["R"].max() < corner["likely"].loc["R"].min() - 0.1,
    "With any partners, redundant decisions stay less often with either image.",
)
claim(
    one_task["likely"] > 0.98 and one_task["any"] < one_task["likely"],
    "On the task above, likely partners give a report with an area above 0.98, and any partners one below it.",
)
claim(
    said.loc["InterSHAP, interaction", "XOR"] == 0.5
    and said.loc["InterSHAP, interaction", "copies"] == -0.5
    and said.loc["MM-SHAP, share of a", ["copies", "XOR"]].eq(0.5).all()
    and said.loc["EMAP, decides alike", ["copies", "AND", "sum"]].eq(1).all(),
    "InterSHAP's interaction is one half for XOR and minus one half for copies; MM-SHAP's shares are the same; EMAP decides alike on copies and on AND.",
)
claim(
    said.loc["explain, S", "XOR"] == 1
    and said.loc["explain, R", "copies"] == 1
    and said.loc["explain, U1", ["left only", "sum"]].eq(1).all(),
    "explain calls XOR synergy, copies redundant, and gives the sum's decisions to a.",
)

# %%
mean_of = board[board["score"] == "auroc"].set_index("method")
areas_of = mean_of["mean"]
QUOTED = {
    "explain, likely": 0.96, "three models": 0.96, "InterSHAP, likely": 0.95,
    "InterSHAP, any": 0.83, "LSMI": 0.84, "I2MoE": 0.72, "DMIL": 0.63,
}  # fmt: skip
claim(
    areas_of[list(QUOTED)].round(2).to_dict() == QUOTED
    and (mean_of["n_tasks"] == 11).all(),
    "The mean areas over eleven tasks and ten seeds are those that the text quotes.",
)
of_seed = judged[
    (judged["family"] == CUED) & (judged["method"] == "explain, likely")
]
of_seed = of_seed.groupby("seed")["auroc"].mean().round(2)
claim(
    len(of_seed) == 10 and (of_seed.min(), of_seed.max()) == (0.94, 0.97),
    "The mean over tasks of a single seed is between .94 and .97.",
)
by_task = (
    judged[judged["family"] == CUED].groupby(["method", "task"])["auroc"].mean()
)
behind = by_task["three models"] - by_task["explain, likely"]
missing = 1 - by_task["explain, likely"].dropna()
hard = missing.index.str.startswith("spoken") | (missing.index == "digits/mostly S")
claim(
    missing[hard].sum() > 0.8 * missing.sum(),
    "More than four fifths of what is missing to 1 are on spoken digits and on digits that are mostly S.",
)
claim(
    behind.idxmax() == "digits/mostly S" and round(behind.max(), 2) == 0.06,
    "It is furthest behind the three models on digits that are mostly S, by .06.",
)
claim(
    abs(behind.mean()) < mean_interval(behind.dropna())[1],
    "Over the tasks with a cue, its difference to three separate models is within the interval.",
)
claim(
    areas_of["explain, likely"] > areas_of[["I2MoE", "DMIL", "LSMI"]].max() + 0.1,
    "It is more than a tenth ahead of I2MoE, DMIL and LSMI.",
)
claim(
    abs(areas_of["explain, likely"] - areas_of["InterSHAP, likely"]) < 0.02
    and areas_of["InterSHAP, likely"] - areas_of["InterSHAP, any"] > 0.05
    and areas_of["explain, likely"] - areas_of["explain, any"] > 0.02,
    "With likely partners, InterSHAP and explain differ by less than .02; with any partners both lose more.",
)
column = areas.groupby(["method", "column"])["area"].mean().unstack()
lost = column.loc["InterSHAP, likely"] - column.loc["InterSHAP, any"]
claim(
    lost.idxmax() == "R", "InterSHAP loses most on R when partners are not likely."
)
claim(
    abs(column.loc["MM-SHAP", ["R", "S"]] - 0.5).max() < 1e-9
    and abs(column.loc["EMAP", "R"] - 0.5) < 1e-9
    and abs(column.loc["SHAPE"] - 0.5).max() < 1e-9,
    "MM-SHAP has no word for R and S, EMAP none for R, and SHAPE's one number ranks no samples.",
)
claim(
    (by_family.drop(columns="best possible").loc["cue"].drop("SHAPE")
     > by_family.drop(columns="best possible").loc["no cue"].drop("SHAPE")).all(),
    "Every explainer that ranks samples has larger areas with a cue than without.",
)  # fmt: skip
claim(
    (bits_of["joint, decision"] - bits_of["exact, label"]).abs().max() < 0.25
    and (bits_of["joint, label"] - bits_of["exact, label"]).abs().max() < 0.4,
    "The joint model's decisions use about what the data hold: one bit of either image and two of both.",
)
claim(
    bits_of.loc["left + right", "ensemble, label"]
    < bits_of.loc["left + right", "joint, label"] - 0.3,
    "The ensemble's answers tell at least .3 bits less of the label than the joint model's.",
)
claim(
    bounds_of.loc["R", "most"] - bounds_of.loc["R", "least"] > 0.5,
    "Three informations leave R of the joint model's decisions open by more than half a bit.",
)
claim(
    by_count.query("partners == 'likely' and `number of partners` == 8")[
        "area"
    ].item()
    > by_count.query("partners == 'any'")["area"].max(),
    "On this task, 8 likely partners are better than 128 of any kind.",
)

# %% tags=["headline", "remove-cell"]
headline = {
    "asked_likely": round(float(areas_of["explain, likely"]), 3),
    "asked_any": round(float(areas_of["explain, any"]), 3),
    "three_models": round(float(areas_of["three models"]), 3),
    "I2MoE": round(float(areas_of["I2MoE"]), 3),
    "tasks": int(mean_of["n_tasks"].iloc[0]),
}
print(json.dumps(headline))

# %% [markdown]
# ## Takeaways
#
# - To ask which modality a decision hangs on, replace a modality. What goes into its place decides which question is asked.
# - Likely partners ask what one modality knows ({prf:ref}`prop-ask-tower`). Any partners ask about pairs that need not occur.
# - R, U1, U2 and S can be read off two numbers, how often a decision stays with each modality alone, once luck is taken off.
# - InterSHAP, MM-SHAP, SHAPE and EMAP are made of the same four values. They differ in what they have a word for.
# - On planted truth with a cue, one finished model, asked with likely partners, explains itself better than models that
#   were built to, and about as well as three models.
#
# ## Exercises
#
# ```{exercise} Four corners
# :label: ex-ask-corners
#
# *Level 1 of 3 · 10 minutes · by hand*
#
# An ideal model decides between $K$ classes and knows the cue. Decisions are equally frequent, $e = 1/K$. How often does a
# decision stay with likely partners if the left image is kept, and if the right one is, for a sample of each rule? What
# does {eq}`eq-ask-report` report? What would it report if luck were *not* taken off? Give the last as a function of $K$:
# the four reports, a row a rule in the order R, U1, U2, S.
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Under U1, what can the right image say about the left digit?
# ```
#
# ```{solution-start} ex-ask-corners
# :class: dropdown
# ```

# %% tags=["solution"]
from mmfuse_lib.course import check


def with_luck(k):
    """Multiply out what stays."""
    c1, c2 = np.array([1, 1, 1 / k, 1 / k]), np.array([1, 1 / k, 1, 1 / k])
    return np.stack(
        [c1 * c2, c1 * (1 - c2), (1 - c1) * c2, (1 - c1) * (1 - c2)], axis=1
    )


assert check("ex-ask-corners", with_luck)
pd.DataFrame(with_luck(4), KINDS, KINDS).round(2)

# %% [markdown]
# Under R, both images show the label and the cue says so: (1, 1). Under U1 the left image decides, and the right one says
# nothing about it: (1, $1/K$). Under U2 it is the other way round, and under S either digit alone says nothing: ($1/K$,
# $1/K$). Taking off luck turns $1/K$ into 0 and leaves 1, so each rule gets all of its own column. With luck left in, a
# synergistic sample of four classes has only $(3/4)^2 = 0.56$ in S, and with two classes a quarter.
#
# ```{solution-end}
# ```
#
# ```{exercise} Four values, three effects
# :label: ex-ask-effects
#
# *Level 1 of 3 · 5 minutes · by code*
#
# Write a function of $v_\emptyset, v_1, v_2, v_{12}$ that returns InterSHAP's two main effects and its interaction, and
# check that the three sum to $v_{12} - v_\emptyset$.
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# All three are in {eq}`eq-ask-intershap`.
# ```
#
# ```{solution-start} ex-ask-effects
# :class: dropdown
# ```


# %% tags=["solution"]
def two_effects_and_rest(v0, v1, v2, v12):
    """Apply the two formulas."""
    return v1 - v0, v2 - v0, v12 - v1 - v2 + v0


assert check("ex-ask-effects", two_effects_and_rest)
values = asked["likely"].of_decision()
left, right = task.test.modalities
parts = two_effects_and_rest(
    values[frozenset()],
    values[frozenset({left})],
    values[frozenset({right})],
    values[frozenset({left, right})],
)
gain = values[frozenset({left, right})] - values[frozenset()]
print(f"largest difference to the gain: {np.abs(sum(parts) - gain).max():.1e}")
effects_of = pd.DataFrame(
    dict(zip(["left alone", "right alone", "interaction"], parts, strict=True))
)
effects_of = effects_of.groupby(kind, observed=True).mean()
claim(
    (effects_of["interaction"] - np.array([-0.75, 0, 0, 0.75])).abs().max() < 0.1,
    "The mean interaction of each rule is within a tenth of an ideal model's.",
)
effects_of.round(2).rename_axis("rule") + 0.0

# %% [markdown]
# An ideal model has an interaction of −¾ for redundant samples, 0 for unique ones and ¾ for synergistic ones. This one comes
# within a tenth of that.
#
# ```{solution-end}
# ```
#
# ```{exercise} A bill for the API
# :label: ex-ask-cost
#
# *Level 1 of 3 · 5 minutes · by code*
#
# A model behind an API takes text, an image and sound. About how many samples is it asked to explain `n` of them with
# `partners` likely partners, from a background of `background` samples? Write the number as a function of these and of the
# number of modalities.
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# Which sets of modalities are neither empty nor everything? See {eq}`eq-ask-cost`.
# ```
#
# ```{solution-start} ex-ask-cost
# :class: dropdown
# ```


# %% tags=["solution"]
def rows_asked(n, modalities, partners, background):
    """Count the rows of all rounds, of the samples and of the background."""
    return n * (1 + partners * (2**modalities - 2)) + background


assert check("ex-ask-cost", rows_asked)
bills = {b: rows_asked(100, 3, b, 2_000) for b in (16, 4)}
print(", ".join(f"{b} partners: {rows:,} samples" for b, rows in bills.items()))
claim(bills[4] < bills[16] / 2, "Four partners take less than half of the bill.")

# %% [markdown]
# With three modalities there are six sets between nothing and everything. Sixteen partners for each of a hundred samples make
# up most of the bill; with four partners less than half of it is left.
#
# ```{solution-end}
# ```
#
# ```{exercise} Put zeros in its place
# :label: ex-ask-zeros
#
# *Level 2 of 3 · 20 minutes · by code*
#
# Many explainers put zeros, or the mean image, where a modality was. Compute $c_1$ and $c_2$ with a black image as the only
# partner and score the report that follows. Compare with likely and with any partners. Why is it where it is?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# A background of one sample is enough: `explain` with `n_partners=1` takes it. What does a black image show where the cue
# should be?
# ```
#
# ```{solution-start} ex-ask-zeros
# :class: dropdown
# ```


# %% tags=["solution"]
def with_constant(fill):
    """Report with one fixed image in the place of a modality; luck is that of the data."""
    blank = data.from_arrays(
        {name: fill(x).repeat(2, *[1] * (x.dim() - 1)) for name, x in task.train.inputs.items()},
        torch.arange(2),
    )  # fmt: skip
    kept = explanations.ask(
        model,
        task.test,
        blank,
        partners="any",
        n_partners=1,
        decisions=True,
        seed=seed,
    ).of_decision()
    luck = asked["likely"].of_decision()[frozenset()]
    q1, q2 = (
        np.clip((kept[frozenset({side})] - luck) / (1 - luck), 0, None)
        for side in task.test.modalities
    )
    return np.stack(
        [q1 * q2, q1 * (1 - q2), (1 - q1) * q2, (1 - q1) * (1 - q2)], axis=1
    )


zeros = {
    "zeros": with_constant(lambda x: torch.zeros_like(x[:1])),
    "mean image": with_constant(lambda x: x.mean(dim=0, keepdim=True)),
}
of_fill = pd.Series(
    one_task
    | {
        fill: evaluate_explanations(of_one, task).metrics["auroc"]
        for fill, of_one in zeros.items()
    }
)
claim(
    of_fill[["zeros", "mean image"]].max() < of_fill["likely"] - 0.05,
    "A fixed image in the place of a modality gives a report that is more than .05 behind likely partners.",
)
of_fill.round(3).to_frame("mean area ↑")

# %% [markdown]
# A black image has no cue and no digit: the model has seen nothing like it, and what it does with it is habit. One fixed
# partner also gives only two answers, stays or does not, so that nothing is averaged.
#
# ```{solution-end}
# ```
#
# ```{exercise} Your own explainer
# :label: ex-ask-own
#
# *Level 3 of 3 · 60 minutes · by code*
#
# Write a function `explain(model, data, background, seed)` that returns a table of R, U1, U2 and S, and run
# `mmfuse explanations score` on it, first with `--trial`. An idea to start with: likely partners are nearest in the
# encoding of the modality that is *kept*. What if they were also weighted by how near they are?
# ```
#
# ```{admonition} Hint
# :class: hint dropdown
#
# The page *The leaderboard of explanations* has a function to start from.
# ```
#
# ```{solution-start} ex-ask-own
# :class: dropdown
# ```


# %% tags=["solution"]
def explain(model, data, background, seed):
    """Average over 8 and over 64 likely partners: the nearer ones count more."""
    reports = [
        explanations.explain(
            model, data, background, n_partners=n, seed=seed
        ).to_numpy()
        for n in (8, 64)
    ]
    return np.mean(reports, axis=0)


entry = explanations.score(explain, trial=True, show=False)
print(entry["name"], {name: row["auroc"] for name, row in entry["tasks"].items()})

# %% [markdown]
# A trial has few samples and one seed: it says that everything works, and nothing about rank.
#
# ```{solution-end}
# ```
#
# ## Further reading
#
# - {cite:t}`wenderoth2025` introduce InterSHAP, with experiments on planted synergy.
# - {cite:t}`hessel2020` show that much of what looks like interaction is additive, with EMAP.
# - {cite:t}`parcalabescu2023` and {cite:t}`hu2022` share decisions and accuracies out between modalities.
# - {cite:t}`fang2026` decompose the decisions of multimodal language models.
# - {cite:t}`grabisch1999` derive the interaction index from axioms.
# - The page *The leaderboard of explanations* says how to add an explainer of your own.
