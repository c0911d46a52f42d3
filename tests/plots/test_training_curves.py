"""Training curves hold the numbers that were recorded."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.lines import Line2D

from mmfuse_lib import History, fit
from mmfuse_lib.core.errors import UnknownNameError
from mmfuse_lib.methods import Ensemble
from mmfuse_lib.plots import training_curves
from tests.support import xor


def history(stages: tuple[str, ...] = ("joint",)) -> History:
    records: list[dict[str, str | int | float]] = []
    for number, stage in enumerate(stages):
        for term, base in (("total", 0.0), ("accuracy", 100.0)):
            for split, shift in (("train", 0.0), ("val", 0.5)):
                for epoch in (1, 2, 3):
                    value = base + 10 * number + epoch + shift
                    records.append(
                        {"stage": stage, "epoch": epoch, "split": split, "term": term,
                         "value": value}
                    )  # fmt: skip
    return History(records, dict.fromkeys(stages, 2))


def curves(ax: Axes) -> dict[str, Line2D]:
    return {str(line.get_label()): line for line in ax.get_lines() if line.get_marker() == "None"}


def points(line: Line2D) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in np.asarray(line.get_xydata(), dtype=np.float64)]


def values(line: Line2D) -> list[float]:
    return [y for _, y in points(line)]


def dots(ax: Axes) -> list[tuple[float, float]]:
    return [p for line in ax.get_lines() if line.get_marker() == "o" for p in points(line)]


def test_lines_hold_the_recorded_numbers() -> None:
    loss, accuracy = training_curves(history()).axes
    assert values(curves(loss)["joint, train"]) == [1, 2, 3]
    assert values(curves(loss)["joint, val"]) == [1.5, 2.5, 3.5]
    assert values(curves(accuracy)["joint, train"]) == [101, 102, 103]
    assert points(curves(loss)["joint, val"])[0] == (1, 1.5)
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss (nats)", "accuracy")


def test_training_is_dashed_and_validation_solid_in_the_stages_colour() -> None:
    (loss,) = training_curves(history(("one", "two")), terms=("total",)).axes
    lines = curves(loss)
    assert set(lines) == {"one, train", "one, val", "two, train", "two, val"}
    for stage, other in (("one", "two"), ("two", "one")):
        train, val = lines[f"{stage}, train"], lines[f"{stage}, val"]
        assert (train.get_linestyle(), val.get_linestyle()) == ("--", "-")
        assert same_color(train.get_color(), val.get_color())
        assert not same_color(train.get_color(), lines[f"{other}, val"].get_color())


def test_a_dot_marks_the_epoch_that_was_kept() -> None:
    loss, accuracy = training_curves(history(("one", "two"))).axes
    assert dots(loss) == [(2, 2.5), (2, 12.5)]
    assert dots(accuracy) == [(2, 102.5), (2, 112.5)]


def test_without_validation_there_is_no_dot() -> None:
    recorded = history()
    recorded.records = [r for r in recorded.records if r["split"] == "train"]
    recorded.best_epoch = {}
    loss, _ = training_curves(recorded).axes
    assert set(curves(loss)) == {"joint, train"}
    assert dots(loss) == []


def test_a_real_history_is_drawn() -> None:
    data = xor(40)
    recorded = fit(Ensemble.for_data(data), data, xor(20), epochs=3, device="cpu", progress=False)
    loss, _ = training_curves(recorded).axes
    frame = recorded.to_frame()
    for stage in ("a", "b"):
        for split in ("train", "val"):
            rows = frame.query("stage == @stage and split == @split and term == 'total'")
            assert values(curves(loss)[f"{stage}, {split}"]) == rows["value"].tolist()
    assert [x for x, _ in dots(loss)] == [recorded.best_epoch["a"], recorded.best_epoch["b"]]


def test_an_unknown_term_gets_the_closest_name() -> None:
    with pytest.raises(UnknownNameError, match=r"term 'acuracy'. Did you mean 'accuracy'"):
        training_curves(history(), terms=("acuracy",))
