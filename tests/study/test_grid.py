"""The grid of a study: which cells a configuration means, and what it is refused for."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.runs import Settings
from mmfuse_lib.study import Study, read_study
from mmfuse_lib.study.cells import Cell
from tests.study.conftest import write_config

EXPLANATIONS = "mmfuse_lib.explanations.measurement:measure"

Config = dict[str, Any]


def test_a_grid_has_every_method_data_set_seed_and_setting(config: Config) -> None:
    study = Study.of(config)
    assert study.modalities == {"pairs": ("left", "right")}
    found = {(c.method, c.settings.seed, c.settings.lr) for c in study.cells}
    rows = ("Unimodal, left", "Unimodal, right", "joint")
    assert found == {(r, s, lr) for r in rows for s in (0, 1) for lr in (0.001, 0.003)}
    assert len(study.cells) == 12
    assert {c.entry for c in study.cells} == {"Unimodal", "joint"}
    one = next(c for c in study.cells if c.method == "Unimodal, right" and c.settings.seed == 1)
    assert one.settings == Settings(
        "Unimodal", "digit_pairs", method_options={"modality": "right"},
        data_options=config["data"]["pairs"]["data_options"], dim=8, epochs=2, batch_size=50,
        lr=0.001, device="cpu", seed=1,
    )  # fmt: skip
    assert one.setting == {"lr": 0.001}


def test_adding_a_method_is_one_line(config: Config) -> None:
    before = {c.key for c in Study.of(config).cells}
    config["methods"]["Ensemble"] = None
    after = Study.of(config).cells
    assert {c.method for c in after if c.key not in before} == {"Ensemble"}
    assert before < {c.key for c in after}


def test_all_methods_get_the_same_budget(config: Config) -> None:
    config["methods"] |= {"DIMML": {}, "DMIL": {}}
    config["search"] = {"lr": [0.001, 0.003], "epochs": [2, 3]}
    del config["data"]["pairs"]["epochs"]
    points: dict[str, list[dict[str, Any]]] = {}
    for cell in Study.of(config).cells:
        points.setdefault(cell.method, []).append(cell.setting)
    assert len(points) == 5
    assert all(tried == points["joint"] for tried in points.values())
    assert len(points["joint"]) == 2 * 4


def test_a_data_set_may_have_its_own_search_and_a_method_its_own_data_sets(config: Config) -> None:
    config["data"]["gaussian_gates"] = {
        "search": {"epochs": [1, 2, 3]}, "data_options": {"n_train": 90},
    }  # fmt: skip
    config["methods"]["joint"]["only"] = ["gaussian_gates"]
    cells = Study.of(config).cells
    gates = [c for c in cells if c.data == "gaussian_gates"]
    assert {tuple(c.setting) for c in gates} == {("epochs",)}
    assert {c.method for c in gates} == {"Unimodal, x1", "Unimodal, x2", "joint"}
    assert {c.method for c in cells if c.data == "pairs"} == {"Unimodal, left", "Unimodal, right"}


def test_a_modality_that_is_named_is_the_only_one(config: Config) -> None:
    config["methods"] = {"Unimodal": {"method_options": {"modality": "left"}}}
    assert {c.method for c in Study.of(config).cells} == {"Unimodal"}


def test_a_row_may_have_its_own_seeds_and_search_also_of_its_methods_options(
    config: Config,
) -> None:
    config["methods"]["DMIL"] = {"search": {"lam": [0.0, 0.1]}, "seeds": [1, 5]}
    cells = [c for c in Study.of(config).cells if c.method == "DMIL"]
    assert [c.setting for c in cells if c.settings.seed == 5] == [
        {"lr": lr, "lam": lam} for lr in (0.001, 0.003) for lam in (0.0, 0.1)
    ]
    assert {c.settings.seed for c in cells} == {1, 5}
    assert {(c.settings.lr, c.settings.method_options["lam"]) for c in cells} == {
        (lr, lam) for lr in (0.001, 0.003) for lam in (0.0, 0.1)
    }
    assert {c.settings.seed for c in Study.of(config).cells if c.method == "joint"} == {0, 1}


def test_seeds_are_a_number_or_a_list(config: Config) -> None:
    assert {c.settings.seed for c in Study.of(config | {"seeds": 3}).cells} == {0, 1, 2}
    assert {c.settings.seed for c in Study.of(config | {"seeds": [7, 4]}).cells} == {7, 4}


def test_a_study_is_called_as_its_file_if_it_has_no_name(config: Config, tmp_path: Path) -> None:
    path = write_config(tmp_path, config)
    path.write_text(path.read_text().replace("name: tiny\n", ""))
    assert read_study(path).name == "tiny"


# The hash.


def cell(**changed: Any) -> Cell:
    values = {"method": "JointFusion", "data": "digit_pairs", "epochs": 2} | changed
    return Cell("row", "column", "entry", Settings.of(values))


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "Ensemble"}, {"data": "spoken_digits"}, {"method_options": {"fusion": "sum"}},
        {"data_options": {"n_train": 5}}, {"encoders": {"left": "mlp"}}, {"dim": 8},
        {"optimizer": {"name": "sgd"}}, {"epochs": 3}, {"batch_size": 2}, {"lr": 0.5},
        {"patience": 3}, {"precision": "bf16-mixed"}, {"device": "cpu"}, {"seed": 1},
    ],
)  # fmt: skip
def test_changing_any_setting_makes_another_cell(changed: Config) -> None:
    assert cell(**changed).key != cell().key


def test_no_setting_is_left_out_of_that_test() -> None:
    changed = test_changing_any_setting_makes_another_cell.pytestmark[0].args[1]  # type: ignore[attr-defined]
    names = {name for values in changed for name in values}
    assert names == set(Settings.__dataclass_fields__)


def test_what_is_measured_beside_makes_another_cell_and_names_do_not() -> None:
    settings = cell().settings
    assert Cell("a", "b", "c", settings, measures={"e": EXPLANATIONS}).key != cell().key
    assert Cell("a", "b", "c", settings, evaluate="val").key != cell().key
    assert Cell("a", "b", "c", settings, setting={"epochs": 2}).key == cell().key


def test_other_code_makes_another_cell() -> None:
    settings = cell().settings
    assert Cell("a", "b", "c", settings, code="0123456789abcdef").key != cell().key
    assert Cell("a", "b", "c", settings, code=cell().code).key == cell().key


def test_the_order_of_options_does_not_count() -> None:
    one = cell(data_options={"n_train": 5, "n_val": 6}, method_options={"lr_schedule": {70: 0.1}})
    other = cell(data_options={"n_val": 6, "n_train": 5}, method_options={"lr_schedule": {70: 0.1}})
    assert one.key == other.key


# What is refused, before anything is trained.


def replaced(config: Config, path: str, value: Any) -> Config:
    """Set a value in nested mappings; None deletes it."""
    *parents, last = path.split("/")
    place = config
    for name in parents:
        place = place[name]
    if value is None:
        place.pop(last)
    else:
        place[last] = value
    return config


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("methds", {}, "key of a study 'methds'. Did you mean 'methods'"),
        ("methods", None, "methods is None: expected at least one"),
        ("methods", {}, "methods is {}: expected at least one"),
        ("methods/joint/method", "JointFuson", "Did you mean 'JointFusion'"),
        ("methods/DMLI", {}, "Did you mean 'DMIL'"),
        ("methods/joint/lr", 0.1, "key of methods: joint 'lr'"),
        ("methods/joint/method_options", {"fusoin": "sum"}, "Did you mean 'fusion'"),
        ("methods/joint/method_options", ["sum"], "expected a mapping"),
        ("methods/joint/only", ["pair"], "Did you mean 'pairs'"),
        ("methods/joint/only", "pairs", "expected a list of data sets"),
        ("methods/joint", "JointFusion", "expected a mapping of options"),
        ("methods/again", {"method": "JointFusion"}, "same settings under two names"),
        ("methods/Unimodal, left", {"method": "Ensemble"}, "two methods are called"),
        ("data", {}, "data is {}: expected at least one"),
        ("data/pairs/data", "digit_pair", "Did you mean 'digit_pairs'"),
        ("data/pairs/data_options", {"n_clases": 2}, "Did you mean 'n_classes'"),
        ("data/pairs/epoch", 3, "Did you mean 'epochs'"),
        ("data/pairs/epochs", "3", "epochs is '3': expected an integer of at least 1"),
        ("data/pairs/encoders", {"lef": "mlp"}, "Did you mean 'left'"),
        ("data/pairs/encoders", {"left": "mpl"}, "Did you mean 'mlp'"),
        ("data/pairs/encoders", ["mlp"], "encoders is ['mlp']: expected a mapping"),
        ("data/pairs/optimizer", {"name": "adamm"}, "Did you mean 'adam'"),
        ("data/pairs/seed", 3, "unknown setting in data: pairs 'seed'"),
        ("seeds", 0, "seeds is 0: expected how many"),
        ("seeds", [1, 1], "expected how many (5), or distinct ones"),
        ("seeds", [-1], "distinct ones"),
        ("seeds", [0, -1], "distinct ones"),
        ("seeds", True, "expected how many"),
        ("search/lr", 0.1, "search: lr is 0.1: expected a list"),
        ("search/lr", [], "expected a list of values"),
        ("search/lr", [0.1, 0.1], "has a value twice"),
        ("search/lr", [0.1, 0.2, 0.1], "has a value twice"),
        ("search/lr", ["1e-3"], "YAML takes 1e-3 for text"),
        ("search/lr", [-0.1], "expected a number above 0"),
        ("search/learning_rate", [0.1], "unknown setting in search 'learning_rate'"),
        ("search/epochs", [1], "epochs is searched, and fixed elsewhere"),
        ("search", [1], "search is [1]: expected a mapping"),
        ("settings/devic", "cpu", "Did you mean 'device'"),
        ("settings", ["cpu"], "settings is ['cpu']: expected a mapping"),
        ("methods/joint/search", {"fusoin": ["sum"]}, "Did you mean 'fusion'"),
        ("methods/joint/search", {"fusion": "sum"}, "search: fusion is 'sum': expected a list"),
        ("methods/joint/search", {"dim": [8]}, "dim is searched, and fixed elsewhere"),
        ("methods/joint/seeds", [1, 1], "distinct ones"),
        ("methods/none", {"method": None}, "needs measures of its own"),
        ("measures", {"test": "mmfuse_lib.runs:train"}, "'test' is the name of something else"),
        ("measures", ["a"], "expected a mapping such as 'probes: my_file:function'"),
        ("measures", {"probes": "probes"}, "expected 'probes: my_file:function'"),
        ("measures", {"probes": "no_such_file:probes"}, "cannot import 'no_such_file'"),
        ("measures", {"probes": "mmfuse_lib.runs:probes"}, "has no 'probes'"),
        ("measures", {"probes": "mmfuse_lib.runs:RESULT"}, "expected 'probes: my_file:function'"),
        ("evaluate", "train", "evaluate is 'train': expected 'test' or 'val'"),
        ("name", "a/b", "expected a text that can name a folder"),
        ("methods/joint/method_options", {"x": float("inf")}, "holds what JSON cannot"),
        ("data/pairs/data_options", {"n_classes": date(2026, 1, 1)}, "date is not JSON"),
    ],
)
def test_what_cannot_be_run_is_refused(
    path: str, value: Any, message: str, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the message is looked at)
        Study.of(replaced(config, path, value))
    assert message in str(caught.value)


def test_an_error_of_a_method_names_the_cell(config: Config) -> None:
    config["methods"]["probe"] = {"method": "JointFusion", "method_options": {"fusion": "sun"}}
    with pytest.raises(DataError, match=r"on pairs, seed 0, lr 0\.001: "):
        Study.of(config)


def test_a_name_that_occurs_twice_is_an_error(config: Config, tmp_path: Path) -> None:
    path = write_config(tmp_path, config)
    path.write_text(path.read_text().replace("  Unimodal: {}\n", "  joint: {}\n"))
    with pytest.raises(DataError, match="'joint' occurs twice"):
        read_study(path)
