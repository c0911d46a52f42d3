"""MyST to plain Markdown: every construct a chapter may use, and what is refused."""

from __future__ import annotations

import ast
import json
import re
from html import escape
from itertools import pairwise
from pathlib import Path

import nbclient
import nbformat
import pytest
import yaml

from book.pipeline import chapters, colab, myst, references
from book.pipeline.myst import MystError
from book.pipeline.plain import RAW, Writer, without_code
from book.pipeline.references import References, Target
from book.pipeline.tree import BookError, Tree

from .conftest import CHAPTER, ROOT, write_chapter

SITE = "https://toy.example/book"
PAGE = "notebooks/01_toy"
THEOREM = Target(PAGE, "thm-a", "Theorem 1.1")


def place(name: str) -> str:
    """Where a link to a name leads to."""
    return f'<a id="{name}" name="{name}"></a>'


@pytest.fixture
def writer() -> Writer:
    known = References(
        SITE,
        titles={PAGE: "A toy", "notebooks/02_next": "What next", "book/notation": "Notation"},
        targets={
            "thm-a": THEOREM,
            "eq-a": Target(PAGE, "equation-eq-a", "(1.1)"),
            "eq-b": Target("notebooks/02_next", "equation-eq-b", "(2.1)"),
            "sec-a": Target("notebooks/02_next", "sec-a", "The idea"),
            "ex-a": Target(PAGE, "ex-a", "Exercise 1.1"),
            "fig-a": Target(PAGE, "fig-a", "Figure 1.3"),
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
        "![Two circles](https://files.example/main/book/a.svg)\n\n**Figure 1.1.** A caption.",
    ),
    "image": (
        "```{image} https://x.example/a.png\n:alt: A dot\n```",
        "![A dot](https://x.example/a.png)",
    ),
    "math": ("```{math}\nx = 1\n```", "$$\nx = 1\n$$"),
    "math with label": (
        "```{math}\n:label: eq-a\nx = 1\n```",
        f"{place('equation-eq-a')}\n\n$$\nx = 1\n\\tag{{1.1}}\n$$",
    ),
    "dollars with label": (
        "$$\nx = 1\n$$ (eq-a)",
        f"{place('equation-eq-a')}\n\n$$\nx = 1\n\\tag{{1.1}}\n$$",
    ),
    "math in a note": (
        "```{note}\n$$\na\n+ b\n$$\n```",
        "> **Note**\n>\n> $$a + b$$",
    ),
    "code-block": ("```{code-block} python\nx = 1\n```", "```python\nx = 1\n```"),
    "table": (
        "```{table} Scores\n| a |\n|-|\n| 1 |\n```",
        "**Table 1.1.** Scores\n\n| a |\n|-|\n| 1 |",
    ),
    "exercise": (
        "```{exercise} Gates\n:label: ex-a\nDo.\n```",
        f"{place('ex-a')}\n\n> **Exercise 1.1 (Gates)**\n>\n> Do.",
    ),
    "solution": (
        "```{solution} ex-a\n:class: dropdown\nDone.\n```",
        "<details>\n<summary><b>Solution to Exercise 1.1</b></summary>\n\nDone.\n\n</details>",
    ),
    "theorem": (
        "```{prf:theorem} Chain\n:label: thm-a\nTrue.\n```",
        f"{place('thm-a')}\n\n> **Theorem 1.1 (Chain)**\n>\n> True.",
    ),
    "proof": ("```{prf:proof}\nClear.\n```", "> **Proof**\n>\n> Clear."),
    "folded proof": (
        "```{prf:proof}\n:class: dropdown\nClear.\n```",
        "<details>\n<summary><b>Proof</b></summary>\n\nClear.\n\n</details>",
    ),
    "label": ("(sec-a)=\n## The idea", f"{place('sec-a')}\n\n## The idea"),
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


BIBLIOGRAPHY = f"{SITE}/book/bibliography.html"
INLINE = {
    "{cite}`a2000`": f"([Ada and Bell, 2000]({BIBLIOGRAPHY}))",
    "{cite:p}`a2000,c2001`": (
        f"([Ada and Bell, 2000]({BIBLIOGRAPHY}); [Cox et al., 2001]({BIBLIOGRAPHY}))"
    ),
    "{cite:t}`c2001`": f"[Cox et al. (2001)]({BIBLIOGRAPHY})",
    "{prf:ref}`thm-a`": "[Theorem 1.1](#thm-a)",
    "{ref}`sec-a`": f"[The idea]({SITE}/notebooks/02_next.html#sec-a)",
    "{ref}`this <thm-a>`": "[this](#thm-a)",
    "{numref}`Fig. %s <fig-a>`": "[Fig. 1.3](#fig-a)",
    "{numref}`fig-a`": "[Figure 1.3](#fig-a)",
    "{eq}`eq-a`": "[(1.1)](#equation-eq-a)",
    "{eq}`eq-b`": f"[(2.1)]({SITE}/notebooks/02_next.html#equation-eq-b)",
    "{doc}`02_next`": f"[What next]({SITE}/notebooks/02_next.html)",
    "{doc}`/book/notation`": f"[Notation]({SITE}/book/notation.html)",
    "{term}`entropies <entropy>`": f"[entropies]({SITE}/book/glossary.html)",
    "{math}`x^2`": "$x^2$",
    "{func}`~mmfuse_lib.data.load`": (f"[`load`]({SITE}/book/api/data.html#mmfuse_lib.data.load)"),
    "{class}`torch.Tensor`": "`torch.Tensor`",
    "[next](02_next.ipynb)": f"[next]({SITE}/notebooks/02_next.html)",
    "[](../book/notation.md)": f"[Notation]({SITE}/book/notation.html)",
    "[there](#thm-a)": "[there](#thm-a)",
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
        ("[x](#nowhere)", "nothing is labelled 'nowhere'"),
        ("```{solution-end}\n```", "{solution-end} without a solution"),
        ("````{note}\n```{solution-start} ex-a\n```\n````", "within another directive"),
        ("```{figure} a.png\nCaption\n```", "has no :alt:"),
        ("![](a.png)", "no alternative text"),
        ("Term\n: What it is", "a definition list"),
    ],
)
def test_what_is_not_understood_is_refused(writer: Writer, source: str, message: str) -> None:
    with pytest.raises(MystError, match=re.escape(message)):
        writer.cell(source)


EXERCISE = """
# %% [markdown]
# ```{{exercise}}
# :label: ex-{0}
# Do {0}.
# ```
"""
GATED = f"""{EXERCISE.format("one")}
#
# ```{{solution-start}} ex-one
# :class: dropdown
# ```

# %%
answer = 42

# %% [markdown]
# Because.

# %% [markdown]
# So there.
#
# ```{{solution-end}}
# ```
#
# After one.
{EXERCISE.format("two").replace("# %% [markdown]", "#")}
#
# ```{{solution-start}} ex-two
# ```
#
# In short, yes.

# %% [markdown]
# In full.
#
# ```{{solution-end}}
# ```
{EXERCISE.format("three").replace("# %% [markdown]", "#")}
#
# ```{{solution-start}} ex-three
# ```

# %% [markdown]
# Words come first.

# %%
answer = 43

# %% [markdown]
# ```{{solution-end}}
# ```

# %%
after = 1
"""


def test_a_solution_is_folded_from_its_start_to_its_end(tree: Tree) -> None:
    write_chapter(tree, "01_toy", CHAPTER + GATED)
    (path,) = colab.write(tree)
    cells = {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}
    hidden = {"jupyter": {"source_hidden": True}, "cellView": "form"}

    def exercise(name: str, number: int) -> str:
        return f"{place(f'ex-{name}')}\n\n> **Exercise 1.{number}**\n>\n> Do {name}.\n"

    def folded(title: str, text: str) -> str:
        return f"<details>\n<summary><b>{title}</b></summary>\n\n{text}\n\n</details>\n"

    shown = {name: cell.source + "\n" for name, cell in cells.items()}
    assert shown["01_toy-003"] == exercise("one", 1)
    announced = "**Solution to Exercise 1.1**: the code below, folded.\n"
    assert shown["01_toy-004-solution"] == announced
    assert cells["01_toy-004"].metadata == hidden
    assert shown["01_toy-005"] == folded("Solution, continued", "Because.")
    assert shown["01_toy-006"] == "\n".join(
        [
            folded("Solution, continued", "So there."),
            "After one.\n",
            exercise("two", 2),
            folded("Solution to Exercise 1.2", "In short, yes."),
        ]
    )
    assert shown["01_toy-007"] == "\n".join(
        [folded("Solution, continued", "In full."), exercise("three", 3)]
    )
    assert shown["01_toy-008"] == folded("Solution to Exercise 1.3", "Words come first.")
    assert "01_toy-009-solution" not in cells
    assert cells["01_toy-009"].metadata == hidden
    assert "01_toy-010" not in cells
    assert cells["01_toy-011"].metadata == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GATED.rpartition("# %% [markdown]")[0], "its last solution is not ended"),
        (GATED.replace("solution-end", "exercise-end"), "{solution-start} within a solution"),
    ],
)
def test_a_solution_without_an_end_is_an_error(tree: Tree, text: str, message: str) -> None:
    write_chapter(tree, "01_toy", CHAPTER + text)
    with pytest.raises(BookError, match=re.escape(message)):
        colab.write(tree)


FIGURE = """
# %% mystnb={{"image": {{"alt": {1}}}, "figure": {{"caption": {2}, "name": "fig-{0}"}}}}
_ = plt.plot([1, 2])
plt.show()
"""
ALT, CAPTION = r'"A \"{0}\"."', '"See {eq}`eq-a`."'
FIGURES = f"""
# %% [markdown]
# {{numref}}`fig-line` and {{numref}}`fig-pipe`, by
#
# $$
# 1 = 1
# $$ (eq-a)

# %% tags=["hide-input"]
import matplotlib.pyplot as plt

from mmfuse_lib import plots
{FIGURE.format("point", ALT.format("point"), CAPTION)}
# %% [markdown]
# ```{{figure}} ../book/pipe.svg
# :name: fig-pipe
# :alt: A pipe
# Not a pipe.
# ```
{FIGURE.format("line", ALT.format("line"), CAPTION)}
# %% tags=["headline"]
print("{{}}")
"""


@pytest.fixture
def drawing(tree: Tree) -> nbformat.NotebookNode:
    """Make a notebook that draws two figures."""
    (tree.notebooks / "01_toy.py").unlink()
    write_chapter(tree, "03_toy", CHAPTER + FIGURES)
    (path,) = colab.write(tree)
    notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def test_a_figure_has_its_number_and_caption_below_it(drawing: nbformat.NotebookNode) -> None:
    sources = {cell.id: cell.source for cell in drawing.cells}
    assert "[Figure 3.3](#fig-line) and [Figure 3.2](#fig-pipe)" in sources["03_toy-003"]
    caption = "See [(3.1)](#equation-eq-a)."
    assert sources["03_toy-005-caption"] == f"{place('fig-point')}**Figure 3.1.** {caption}"
    assert sources["03_toy-006"].startswith(place("fig-pipe"))
    assert sources["03_toy-006"].endswith("\n\n**Figure 3.2.** Not a pipe.")
    assert sources["03_toy-007-caption"] == f"{place('fig-line')}**Figure 3.3.** {caption}"
    order = list(sources)
    assert order.index("03_toy-005") + 1 == order.index("03_toy-005-caption")
    assert "03_toy-008" not in sources, "the headline is for the pipeline"


def test_an_executed_figure_carries_its_description(drawing: nbformat.NotebookNode) -> None:
    sources = {cell.id: cell.source for cell in drawing.cells}
    assert sources["03_toy-005"] == '_ = plt.plot([1, 2])\nplots.show("A \\"point\\".")'
    nbclient.NotebookClient(drawing, kernel_name="python3").execute()
    outputs = {cell.id: cell.outputs for cell in drawing.cells if cell.cell_type == "code"}
    for name in ("point", "line"):
        ((output,),) = (
            found
            for cell, found in outputs.items()
            if f'"{name}' in sources[cell].replace("\\", "")
        )
        text = f'A "{name}".'
        assert output.metadata["image/png"]["alt"] == text
        assert output.data["text/plain"] == text
        assert output.data["image/png"]
        assert output.data["text/html"].startswith(f'<img alt="{escape(text)}" src="data:image/png')


def test_a_described_figure_is_shown_once(tree: Tree) -> None:
    write_chapter(tree, "01_toy", CHAPTER + FIGURES.replace("plt.show()", "plt.show(); plt.show()"))
    with pytest.raises(BookError, match=r"01_toy: cell 01_toy-005: .* calls `plt.show\(\)` once"):
        colab.write(tree)


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


@pytest.fixture(scope="module")
def rendered() -> dict[str, nbformat.NotebookNode]:
    """The notebooks that the chapters give now, by the chapter's name."""
    texts = colab.render_all(Tree(ROOT))
    return {path.stem: nbformat.reads(text, as_version=4) for path, text in texts.items()}


FOLD = re.compile(r"<details>\n<summary><b>(.*?)</b></summary>\n(.*?)</details>", re.DOTALL)


@pytest.mark.parametrize("stem", REAL)
def test_only_solutions_are_folded_as_solutions(
    rendered: dict[str, nbformat.NotebookNode], stem: str
) -> None:
    chapter = chapters.read_chapter(Tree(ROOT), stem)
    source = "\n\n".join(c.source for c in chapter.notebook.cells if c.cell_type == "markdown")
    text = "\n\n".join(
        without_code(c.source) for c in rendered[stem].cells if c.cell_type == "markdown"
    )
    solutions = [(title, body) for title, body in FOLD.findall(text) if "Solution" in title]
    shown = FOLD.sub("", text)
    for title, body in solutions:
        for pattern in (r"^#+ ", r"\*\*Exercise \d", r"\*\*Figure \d", r"<details>"):
            assert not re.search(pattern, body, re.MULTILINE), f"{title}: {pattern}"

    exercises = re.findall(r"\{exercise(?:-start)?\}[^\n]*\n:label: (\S+)", source)
    assert len(exercises) == len(re.findall(r"\{exercise(?:-start)?\}", source)) > 0
    numbers = [f"{int(stem[:2])}.{n}" for n in range(1, len(exercises) + 1)]
    assert re.findall(r"\*\*Exercise ([\d.]+)", shown) == numbers
    number = dict(zip(exercises, numbers, strict=True))
    solved = re.findall(r"\{solution(?:-start)?\} (\S+)", source)
    titles = [title for title, _ in solutions] + re.findall(r"\*\*(Solution to .*?)\*\*", shown)
    assert sorted(t for t in titles if t != "Solution, continued") == sorted(
        f"Solution to Exercise {number[label]}" for label in solved
    )

    prose = [block.text for block in myst.walk(source) if isinstance(block, myst.Text)]
    headings = [line for line in "\n".join(prose).splitlines() if re.match(r"#+ ", line)]
    assert [line for line in shown.splitlines() if re.match(r"#+ ", line)] == headings
    assert headings[-1] == "## Further reading" or "## Further reading" not in headings


@pytest.mark.parametrize("stem", REAL)
def test_every_cell_of_a_solution_is_hidden(
    rendered: dict[str, nbformat.NotebookNode], stem: str
) -> None:
    written = {cell.id: cell for cell in rendered[stem].cells}
    inside = False
    for cell in chapters.read_chapter(Tree(ROOT), stem).notebook.cells:
        if cell.cell_type == "markdown":
            for gate in re.findall(r"\{solution-(start|end)\}", cell.source):
                inside = gate == "start"
        elif inside:
            metadata = written[cell.id].metadata
            assert metadata["jupyter"]["source_hidden"], cell.id
            assert metadata["cellView"] == "form", cell.id


@pytest.mark.parametrize("stem", REAL)
def test_every_figure_has_a_caption_and_a_description(
    rendered: dict[str, nbformat.NotebookNode], stem: str
) -> None:
    cells = rendered[stem].cells
    figures = 0
    for cell, following in pairwise([*cells, nbformat.v4.new_markdown_cell("")]):
        made = cell.metadata.get("mystnb", {})
        if "figure" in made:
            figures += 1
            number = f"{int(stem[:2])}.{figures}"
            name = made["figure"]["name"]
            assert following.source.startswith(f"{place(name)}**Figure {number}.** "), cell.id
        if "image" in made:
            shown = f"plots.show({json.dumps(made['image']['alt'], ensure_ascii=False)})"
            assert cell.source.count(shown) == 1
    assert figures > 0
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    assert "plt.show()" not in code
    imported = {
        alias.name
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and node.module == "mmfuse_lib"
        for alias in node.names
    }
    assert "plots" in imported


@pytest.mark.parametrize("stem", REAL)
def test_links_within_a_notebook_arrive(
    rendered: dict[str, nbformat.NotebookNode], stem: str
) -> None:
    text = "\n".join(c.source for c in rendered[stem].cells if c.cell_type == "markdown")
    places = re.findall(r'<a id="([^"]+)"', text)
    assert len(set(places)) == len(places)
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= set(places)
    assert f"notebooks/{stem}.html#" not in text


def test_chapters_are_numbered_by_their_names() -> None:
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text("utf8"))
    numbered = [
        entry["file"] for part in toc["parts"] if part.get("numbered") for entry in part["chapters"]
    ]
    prefixes = [references.chapter_prefix(page) for page in numbered]
    assert prefixes == [f"{n}." for n in range(1, len(numbered) + 1)]
    assert references.chapter_prefix("book/notation") == ""


NUMBERED_LINK = re.compile(
    r'href="[^"#]*#([^"]+)"[^>]*>(?:<span[^>]*>)?'
    r"((?:Fig\.|[A-Z][a-z]+) [\d.]+|\([\d.]+\))(?:</span>)?</a>"
)


def test_numbers_are_those_of_the_pages() -> None:
    html = ROOT / "build" / "html"
    if not (html / "index.html").exists():
        pytest.skip("no build/html (make book)")
    known = references.collect(Tree(ROOT))
    numbers = {target.anchor: target.text for target in known.targets.values()}
    links = [
        (anchor, text.replace("Fig.", "Figure"))
        for page in known.titles
        if page.startswith("notebooks/")
        for anchor, text in NUMBERED_LINK.findall((html / f"{page}.html").read_text("utf8"))
    ]
    assert len(links) > 100
    assert [(anchor, numbers.get(anchor)) for anchor, _ in links] == links


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
