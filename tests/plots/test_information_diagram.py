"""The information diagram names its parts, in their colours."""

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Circle, Ellipse

from mmfuse_lib import plots

VALUES = {"R": 0.311, "U1": 0.0, "U2": 0.25, "S": 0.5}


def test_every_part_is_named_with_its_value() -> None:
    ax = plots.information_diagram(VALUES)
    texts = {text.get_text() for text in ax.texts}
    expected = {"$R$\nredundant\n0.31", "$U_1$\nunique\n0.00", "$U_2$\nunique\n0.25"}
    assert expected | {"$S$\nsynergistic\n0.50"} <= texts


def test_parts_have_the_books_colours() -> None:
    ax = plots.information_diagram()
    ellipses = [p for p in ax.patches if isinstance(p, Ellipse) and not isinstance(p, Circle)]
    circles = [p for p in ax.patches if isinstance(p, Circle)]
    assert [to_hex(p.get_facecolor()).upper() for p in ellipses] == [plots.PALETTE["S"]]
    colours = [to_hex(p.get_facecolor()).upper() for p in circles[:3]]
    assert colours == [plots.PALETTE[name] for name in ("U1", "U2", "R")]


def test_sources_can_be_named_and_an_axes_given() -> None:
    _, ax = plt.subplots()
    assert plots.information_diagram(sources=("A", "V"), ax=ax) is ax
    texts = [text.get_text() for text in ax.texts]
    assert {"$I(A;Y)$", "$I(V;Y)$"} <= set(texts)
    assert any(text.startswith("$I(A,V;Y)$") for text in texts)


@pytest.mark.parametrize("values", [{"R": 1.0}, VALUES | {"U3": 0.1}])
def test_values_need_exactly_the_four_names(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="R, U1, U2, S: got"):
        plots.information_diagram(values)
