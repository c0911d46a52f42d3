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


def points(line: Line2D) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in np.asarray(line.get_xydata(), dtype=np.float64)]


def values(line: Line2D) -> list[float]:
    return [y for _, y in points(line)]


def curves(ax: Axes) -> list[Line2D]:
    """Return the lines from the lowest to the highest (those of the legend have no points)."""
    return sorted((line for line in ax.get_lines() if points(line)), key=lambda line: values(line))


def dots(ax: Axes) -> list[tuple[float, float]]:
    places = [np.asarray(c.get_offsets()) for c in ax.collections]
    return sorted((float(x), float(y)) for found in places for x, y in found)


def legend(ax: Axes) -> list[str]:
    found = ax.get_legend()
    return [] if found is None else [text.get_text() for text in found.get_texts()]


def test_lines_hold_the_recorded_numbers() -> None:
    loss, accuracy = training_curves(history()).axes
    assert [values(line) for line in curves(loss)] == [[1, 2, 3], [1.5, 2.5, 3.5]]
    assert values(curves(accuracy)[0]) == [101, 102, 103]
    assert points(curves(loss)[1])[0] == (1, 1.5)
    assert legend(loss) == []
    assert legend(accuracy) == ["train", "val"]
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss (nats)", "accuracy")


def test_training_is_dashed_and_validation_solid_in_the_stages_colour() -> None:
    (loss,) = training_curves(history(("one", "two")), terms=("total",)).axes
    lines = curves(loss)
    assert [values(line)[0] for line in lines] == [1, 1.5, 11, 11.5]
    assert [line.is_dashed() for line in lines] == [True, False, True, False]
    for train, val in (lines[:2], lines[2:]):
        assert same_color(train.get_color(), val.get_color())
    assert not same_color(lines[0].get_color(), lines[2].get_color())
    assert legend(loss) == ["stage", "one", "two", "split", "train", "val"]


def test_a_dot_marks_the_epoch_that_was_kept() -> None:
    loss, accuracy = training_curves(history(("one", "two"))).axes
    assert dots(loss) == [(2, 2.5), (2, 12.5)]
    assert dots(accuracy) == [(2, 102.5), (2, 112.5)]


def test_without_validation_there_is_no_dot() -> None:
    recorded = history()
    recorded.records = [r for r in recorded.records if r["split"] == "train"]
    recorded.best_epoch = {}
    loss, _ = training_curves(recorded).axes
    assert [values(line) for line in curves(loss)] == [[1, 2, 3]]
    assert dots(loss) == []


def test_a_real_history_is_drawn() -> None:
    data = xor(40)
    recorded = fit(Ensemble.for_data(data), data, xor(20), epochs=3, device="cpu", progress=False)
    loss, _ = training_curves(recorded).axes
    frame = recorded.to_frame().query("term == 'total'")
    expected = [part["value"].tolist() for _, part in frame.groupby(["stage", "split"])]
    assert [values(line) for line in curves(loss)] == sorted(expected)
    assert sorted(x for x, _ in dots(loss)) == sorted(recorded.best_epoch.values())


def test_a_stage_whose_weights_were_not_chosen_has_no_dot() -> None:
    recorded = history(("one", "two"))
    recorded.best_epoch = {"two": 3}
    (loss,) = training_curves(recorded, terms=("total",)).axes
    assert dots(loss) == [(3, 13.5)]
    assert same_color(
        np.asarray(loss.collections[0].get_facecolor())[0].tolist(), curves(loss)[3].get_color()
    )


def test_an_unknown_term_gets_the_closest_name() -> None:
    with pytest.raises(UnknownNameError, match=r"term 'acuracy'. Did you mean 'accuracy'"):
        training_curves(history(), terms=("acuracy",))
