"""MyST to plain Markdown: every construct a chapter may use, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from book.pipeline import chapters, colab, references
from book.pipeline.myst import MystError
from book.pipeline.plain import RAW, Writer, without_code
from book.pipeline.references import References, Target
from book.pipeline.tree import BookError, Tree

from .conftest import CHAPTER, ROOT, write_chapter

SITE = "https://toy.example/book"
PAGE = "notebooks/01_toy"
THEOREM = Target(PAGE, "thm-a", "Theorem 1")


@pytest.fixture
def writer() -> Writer:
    known = References(
        SITE,
        titles={PAGE: "A toy", "notebooks/02_next": "What next", "book/notation": "Notation"},
        targets={
            "thm-a": THEOREM,
            "eq-a": Target(PAGE, "equation-eq-a", "(1)"),
            "sec-a": Target("notebooks/02_next", "sec-a", "The idea"),
            "ex-a": Target(PAGE, "ex-a", "Exercise 1"),
            "fig-a": Target(PAGE, "fig-a", "Figure 3"),
        },
        terms={"entropy": "book/glossary"},
        modules={"mmfuse_lib.data": "book/api/data"},
        works={"a2000": ("Ada and Bell", "2000"), "c2001": ("Cox et al.", "2001")},
    )
    return Writer(PAGE, known, "https://files.example/main")


FENCED = {
    "text": ("Plain *text* with $x^2$.", "Plain *text* with $x^2$."),
    "note": (":::{note}\nLook.\n:::", "> **Note**\n>\n> Look."),
    "backticks": ("```{tip}\nLook.\n```", "> **Tip**\n>\n> Look."),
    "one-line note": ("```{warning} Hot.\n```", "> **Warning**\n>\n> Hot."),
    "admonition": ("```{admonition} Try\nIt.\n```", "> **Try**\n>\n> It."),
    "dropdown class": (
        "```{admonition} Try\n:class: tip dropdown\nIt.\n```",
        "<details>\n<summary><b>Try</b></summary>\n\nIt.\n\n</details>",
    ),
    "dropdown": (
        "````{dropdown} More\nText.\n````",
        "<details>\n<summary><b>More</b></summary>\n\nText.\n\n</details>",
    ),
    "nested": (
        "::::{note}\nOuter.\n:::{important}\nInner.\n:::\n::::",
        "> **Note**\n>\n> Outer.\n>\n> > **Important**\n> >\n> > Inner.",
    ),
    "code in a note": (
        "::::{note}\n```python\nx = {}\n```\n::::",
        "> **Note**\n>\n> ```python\n> x = {}\n> ```",
    ),
    "in a list": (
        "- item\n\n  ```{note}\n  Look.\n  ```",
        "- item\n\n  > **Note**\n  >\n  > Look.",
    ),
    "yaml options": (
        "```{figure} ../book/a.svg\n---\nalt: Two circles\n---\nA caption.\n```",
        "![Two circles](https://files.example/main/book/a.svg)\n\n**Figure 1.** A caption.",
    ),
    "image": (
        "```{image} https://x.example/a.png\n:alt: A dot\n```",
        "![A dot](https://x.example/a.png)",
    ),
    "math": ("```{math}\nx = 1\n```", "$$\nx = 1\n$$"),
    "math with label": ("```{math}\n:label: eq-a\nx = 1\n```", "$$\nx = 1\n\\tag{1}\n$$"),
    "dollars with label": ("$$\nx = 1\n$$ (eq-a)", "$$\nx = 1\n\\tag{1}\n$$"),
    "math in a note": (
        "```{note}\n$$\na\n+ b\n$$\n```",
        "> **Note**\n>\n> $$a + b$$",
    ),
    "code-block": ("```{code-block} python\nx = 1\n```", "```python\nx = 1\n```"),
    "table": (
        "```{table} Scores\n| a |\n|-|\n| 1 |\n```",
        "**Table 1.** Scores\n\n| a |\n|-|\n| 1 |",
    ),
    "exercise": (
        "```{exercise} Gates\n:label: ex-a\nDo.\n```",
        "> **Exercise 1 (Gates)**\n>\n> Do.",
    ),
    "solution": (
        "```{solution} ex-a\n:class: dropdown\nDone.\n```",
        "<details>\n<summary><b>Solution to Exercise 1</b></summary>\n\nDone.\n\n</details>",
    ),
    "theorem": (
        "```{prf:theorem} Chain\n:label: thm-a\nTrue.\n```",
        "> **Theorem 1 (Chain)**\n>\n> True.",
    ),
    "proof": ("```{prf:proof}\nClear.\n```", "> **Proof**\n>\n> Clear."),
    "folded proof": (
        "```{prf:proof}\n:class: dropdown\nClear.\n```",
        "<details>\n<summary><b>Proof</b></summary>\n\nClear.\n\n</details>",
    ),
    "label": ("(sec-a)=\n## The idea", "## The idea"),
    "comment": ("Text.\n% not shown\n+++\nMore.", "Text.\nMore."),
    "tabs": (
        "::::{tab-set}\n:::{tab-item} One\nFirst.\n:::\n::::",
        "> **One**\n>\n> First.",
    ),
    "code stays": ("```python\nx = '{note}'\n```", "```python\nx = '{note}'\n```"),
    "code span stays": ("Write `` {ref}`x` ``.", "Write `` {ref}`x` ``."),
}


@pytest.mark.parametrize("name", FENCED)
def test_block(writer: Writer, name: str) -> None:
    source, expected = FENCED[name]
    assert writer.cell(source) == expected


THEOREM_URL = f"{SITE}/{PAGE}.html#thm-a"
BIBLIOGRAPHY = f"{SITE}/book/bibliography.html"
INLINE = {
    "{cite}`a2000`": f"([Ada and Bell, 2000]({BIBLIOGRAPHY}))",
    "{cite:p}`a2000,c2001`": (
        f"([Ada and Bell, 2000]({BIBLIOGRAPHY}); [Cox et al., 2001]({BIBLIOGRAPHY}))"
    ),
    "{cite:t}`c2001`": f"[Cox et al. (2001)]({BIBLIOGRAPHY})",
    "{prf:ref}`thm-a`": f"[Theorem 1]({THEOREM_URL})",
    "{ref}`sec-a`": f"[The idea]({SITE}/notebooks/02_next.html#sec-a)",
    "{ref}`this <thm-a>`": f"[this]({THEOREM_URL})",
    "{numref}`Fig. %s <fig-a>`": f"[Fig. 3]({SITE}/{PAGE}.html#fig-a)",
    "{eq}`eq-a`": f"[(1)]({SITE}/{PAGE}.html#equation-eq-a)",
    "{doc}`02_next`": f"[What next]({SITE}/notebooks/02_next.html)",
    "{doc}`/book/notation`": f"[Notation]({SITE}/book/notation.html)",
    "{term}`entropies <entropy>`": f"[entropies]({SITE}/book/glossary.html)",
    "{math}`x^2`": "$x^2$",
    "{func}`~mmfuse_lib.data.load`": (f"[`load`]({SITE}/book/api/data.html#mmfuse_lib.data.load)"),
    "{class}`torch.Tensor`": "`torch.Tensor`",
    "[next](02_next.ipynb)": f"[next]({SITE}/notebooks/02_next.html)",
    "[](../book/notation.md)": f"[Notation]({SITE}/book/notation.html)",
    "[there](#thm-a)": f"[there]({THEOREM_URL})",
    "[out](https://x.example/a)": "[out](https://x.example/a)",
    "![two](../book/a.svg)": "![two](https://files.example/main/book/a.svg)",
}


@pytest.mark.parametrize("source", INLINE)
def test_inline(writer: Writer, source: str) -> None:
    assert writer.cell(f"See {source}.") == f"See {INLINE[source]}."


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("```{mermaid}\nx\n```", "unknown directive {mermaid}"),
        ("{wiki}`x`", "unknown role {wiki}"),
        ("```{note}\nx", "never closed"),
        ("$$\nx", "never closed"),
        (":::note\nx\n:::", "has no {name}"),
        ("{ref}`nowhere`", "nothing is labelled 'nowhere'"),
        ("{cite}`nobody`", "no entry 'nobody'"),
        ("{term}`nothing`", "no term 'nothing'"),
        ("{doc}`09_none`", "no page '09_none'"),
        ("[x](09_none.ipynb)", "nothing is labelled"),
        ("```{figure} a.png\nCaption\n```", "has no :alt:"),
        ("![](a.png)", "no alternative text"),
        ("Term\n: What it is", "a definition list"),
    ],
)
def test_what_is_not_understood_is_refused(writer: Writer, source: str, message: str) -> None:
    with pytest.raises(MystError, match=re.escape(message)):
        writer.cell(source)


GATED = """
# %% [markdown]
# ```{exercise}
# :label: ex-one
# Do it.
# ```
#
# ```{solution-start} ex-one
# :class: dropdown
# ```

# %%
answer = 42

# %% [markdown]
# Because.

# %% [markdown]
# ```{solution-end}
# ```

# %%
after = 1
"""


def test_gated_solution_is_folded(tree: Tree) -> None:
    write_chapter(tree, "01_toy", CHAPTER + GATED)
    (path,) = colab.write(tree)
    cells = {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}
    assert "**Solution to Exercise 1**" in cells["01_toy-003"].source
    assert cells["01_toy-004"].metadata == {"jupyter": {"source_hidden": True}, "cellView": "form"}
    assert cells["01_toy-005"].source.startswith("<details>")
    assert "01_toy-006" not in cells
    assert cells["01_toy-007"].metadata == {}


def test_unknown_myst_names_chapter_and_cell(tree: Tree) -> None:
    write_chapter(tree, "01_toy", CHAPTER + "\n# %% [markdown]\n# {wiki}`x`\n")
    with pytest.raises(BookError, match=r"01_toy: cell 01_toy-003: unknown role \{wiki\}"):
        colab.write(tree)


def test_check_sees_a_notebook_that_is_out_of_date(tree: Tree) -> None:
    with pytest.raises(BookError, match=r"01_toy.ipynb is out of date; run: make colab"):
        colab.check(tree)
    (path,) = colab.write(tree)
    colab.check(tree)
    first = path.read_bytes()
    write_chapter(tree, "01_toy", CHAPTER.replace("0.5", "0.6"))
    with pytest.raises(BookError, match="out of date"):
        colab.check(tree)
    colab.write(tree)
    assert path.read_bytes() != first
    (tree.notebooks / "09_gone.ipynb").write_text("{}", "utf8")
    with pytest.raises(BookError, match="has no chapter"):
        colab.check(tree)


REAL = sorted(path.stem for path in (ROOT / "notebooks").glob("*.py"))


def test_committed_notebooks_are_in_sync() -> None:
    colab.check(Tree(ROOT))


@pytest.mark.parametrize("stem", REAL)
def test_committed_notebook_is_plain(stem: str) -> None:
    notebook = nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", as_version=4)
    badges, title, install = notebook.cells[:3]
    assert badges.source.startswith("[![Open in Colab]")
    assert title.source.startswith("# ")
    assert "install" in chapters.tags(install)
    exec(install.source, {})  # noqa: S102
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            continue
        for mark in ("```{", ":::", "{cite", "{ref}", "{eq}", "{term}", "{doc}", "{prf:"):
            assert mark not in without_code(cell.source), cell.source
        for pattern, name in RAW:
            assert not pattern.search(without_code(cell.source)), name


@pytest.mark.parametrize("stem", REAL)
def test_links_to_the_book_arrive(stem: str) -> None:
    html = ROOT / "build" / "html"
    if not (html / "index.html").exists():
        pytest.skip("no build/html (make book)")
    site = Tree(ROOT).project().site
    text = (ROOT / "notebooks" / f"{stem}.ipynb").read_text("utf8")
    for page, anchor in set(
        re.findall(rf"{re.escape(site)}/([^\s)#\"]*\.html)(?:#([^)\s]+))?", text)
    ):
        assert (html / page).exists(), page
        if anchor:
            assert f'id="{anchor}"' in (html / page).read_text("utf8"), f"{page}#{anchor}"


def test_authors_of_a_work(tmp_path: Path) -> None:
    people = ["van Rossum, Guido", "Lovelace, Ada", "Turing, Alan"]
    for count, expected in [
        (1, "van Rossum"),
        (2, "van Rossum and Lovelace"),
        (3, "van Rossum et al."),
    ]:
        bibliography = tmp_path / f"{count}.bib"
        names = " and ".join(people[:count])
        bibliography.write_text(f"@misc{{k, author = {{{names}}}, year = {{2000}}}}", "utf8")
        assert references.read_works(bibliography) == {"k": (expected, "2000")}
