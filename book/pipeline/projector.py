"""Large figures drawn again for a projector: kernels run this file before a chapter.

A figure that is taller than a slide would be shrunk with its text. It is drawn a second time, lower
and wider, as low as its rows allow, and kept beside the first in the output, under a type of its
own that only decks read. No name is left for the chapter to stumble over.
"""


def _register() -> None:
    import itertools
    from typing import Any

    from IPython.core.formatters import BaseFormatter
    from IPython.core.getipython import get_ipython
    from IPython.core.pylabtools import print_figure
    from matplotlib.figure import Figure
    from matplotlib_inline.config import InlineBackend
    from traitlets import ObjectName, Unicode

    kind = "application/vnd.mmfuse.projector"
    heights, widest = (6.0, 6.6, 7.2), 10.5  # inches; at 6, text of 15 points is 21 pixels of 720

    class ProjectorFormatter(BaseFormatter):
        format_type = Unicode(kind)
        print_method = ObjectName("_repr_projector_")

    shell: Any = get_ipython()
    printed: Any = print_figure
    settings = InlineBackend.instance(parent=shell).print_figure_kwargs

    def draw(figure: Figure) -> str | None:
        width, height = figure.get_size_inches()
        try:
            for lower in (h for h in heights if h < height):
                figure.set_size_inches(min(widest, width * height / lower), lower)
                drawn: str = printed(figure, "svg", **settings)
                if not crowded(figure):
                    return drawn
        finally:
            figure.set_size_inches(width, height)
        return None

    def crowded(figure: Figure) -> bool:
        for axes in figure.axes:
            labels = [t.get_window_extent() for t in axes.get_yticklabels() if t.get_text()]
            labels.sort(key=lambda box: box.y0)
            if any(low.y1 > high.y0 for low, high in itertools.pairwise(labels)):
                return True
        return False

    formatter: Any = ProjectorFormatter(parent=shell.display_formatter)
    formatter.for_type(Figure, draw)
    shell.display_formatter.formatters[kind] = formatter
    shell.display_formatter.active_types = [*shell.display_formatter.active_types, kind]


_register()
del _register
