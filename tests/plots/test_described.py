"""Figures that say in words what they show, as a notebook asks for them."""

import base64
import re
from functools import partial
from html import unescape
from typing import Any

import matplotlib.pyplot as plt
import pytest
from IPython.core.formatters import DisplayFormatter
from IPython.core.pylabtools import print_figure
from matplotlib.figure import Figure

from mmfuse_lib import plots


def output(figure: Figure) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return data and metadata that a notebook's kernel sends for a figure."""
    formatter: Any = DisplayFormatter()
    draw: Any = print_figure
    formatter.active_types = list(formatter.formatters)
    formatter.formatters["image/png"].for_type(Figure, partial(draw, base64=True))
    data, metadata = formatter.format(figure)
    return data, metadata


def test_every_open_figure_carries_the_words_and_others_do_not() -> None:
    words = 'Two lines, "R" < "S" & rising.'
    figures = [plt.subplots(figsize=(2, 1))[0] for _ in range(2)]
    plots.show(words)
    later, _ = plt.subplots(figsize=(2, 1))
    for figure in figures:
        data, metadata = output(figure)
        assert metadata == {"image/png": {"alt": words}}
        assert data["text/plain"] == words
        found = re.fullmatch(
            r'<img alt="([^"]*)" src="data:image/png;base64,([^"]*)" style="[^"]*">',
            data["text/html"],
        )
        assert found is not None
        assert unescape(found[1]) == words
        assert base64.b64decode(found[2]) == base64.b64decode(data["image/png"]), "same picture"
    data, metadata = output(later)
    assert metadata == {}
    assert set(data) == {"text/plain", "image/png"}
    plt.close("all")


def test_words_are_needed() -> None:
    with pytest.raises(ValueError, match="alt is empty"):
        plots.show("  ")
