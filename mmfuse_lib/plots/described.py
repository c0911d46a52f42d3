"""Figures that say in words what they show."""

from base64 import b64encode
from functools import partial
from html import escape
from io import BytesIO
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure


def show(alt: str) -> None:
    """Show the open figures, as ``plt.show()`` does, with words for those who cannot see them.

    In a notebook the words are the output's alternative text. Front ends look for it in different
    places, so it is in each of them: in the picture's metadata, in the plain text of the output
    and on an image in HTML.

    Parameters
    ----------
    alt : str
        What the figures show.

    Raises
    ------
    ValueError
        If the text is empty.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from mmfuse_lib import plots
    >>> lines = plt.plot([1, 2, 4])
    >>> plots.show("A line that rises, and ever faster.")
    """
    if not alt.strip():
        raise ValueError("alt is empty: expected what the figure shows, in words")
    for number in plt.get_fignums():
        figure = plt.figure(number)
        # A method that Jupyter asks for; what it leaves out (the PNG) Matplotlib adds as always.
        setattr(figure, "_repr_mimebundle_", partial(_bundle, figure, alt))  # noqa: B010
    plt.show()


def _bundle(figure: Figure, alt: str, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Return data and metadata of a figure's output, by MIME type."""
    png = BytesIO()
    figure.savefig(png, format="png", dpi=figure.dpi, bbox_inches="tight")
    source = f"data:image/png;base64,{b64encode(png.getvalue()).decode()}"
    html = f'<img alt="{escape(alt)}" src="{source}" style="display: block; max-width: 100%">'
    return {"text/plain": alt, "text/html": html}, {"image/png": {"alt": alt}}
