"""Sphinx extension: ``{quiz}`` asks a question whose options open to say why they are right or not.

Plain HTML: each option is a ``<details>``, and opening one closes the others. A distractor that
names a misconception also asks the question that helps against it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.util.docutils import SphinxDirective

sys.path.append(str(Path(__file__).resolve().parents[2]))  # where Sphinx is started elsewhere

from book.pipeline import quizzes
from book.pipeline.myst import MystError
from mmfuse_lib.course.misconception import Misconception, misconceptions

ASKED, PREDICT = "Question", "Predict first"
#: What a predict-first stop says below its options.
READ_ON = "Choose before you read on: what follows answers it."


class Group(nodes.General, nodes.Element):  # type: ignore[misc]
    """The whole of a quiz."""


class Choice(nodes.General, nodes.Element):  # type: ignore[misc]
    """An option: its text, then its reason."""


class Said(nodes.General, nodes.FixedTextElement):  # type: ignore[misc]
    """The text of an option: a button, so that there is no link in it (`mmfuse_links`)."""


class Quiz(SphinxDirective):
    """A question with two to four options, exactly one of them right, each with a reason."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = {"label": directives.unchanged, "predict": directives.flag}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Return the quiz."""
        try:
            quiz = quizzes.read(" ".join(self.arguments), self.options, "\n".join(self.content))
        except MystError as error:
            raise self.error(str(error)) from None
        group = Group(kind="predict" if quiz.predict else "quiz", label=quiz.label)
        self.set_source_info(group)
        heading = nodes.rubric("", classes=["quiz-title"])
        heading += nodes.inline("", PREDICT if quiz.predict else ASKED, classes=["quiz-kind"])
        heading += nodes.Text(f" {quiz.title}")
        group["ids"].append(nodes.make_id(quiz.label))
        domain = cast("StandardDomain", self.env.get_domain("std"))
        place = self.env.docname, group["ids"][0]
        domain.anonlabels[quiz.label] = place
        domain.labels[quiz.label] = (*place, quiz.title)
        heading["ids"] = [f"{group['ids'][0]}-title"]
        group += heading
        self._parse(quiz.question, group)
        for option in quiz.shown:
            group += self._choice(option, quiz.label)
        if quiz.predict:
            group += nodes.paragraph("", READ_ON, classes=["quiz-read-on"])
        return [group]

    def _choice(self, option: quizzes.Option, label: str) -> Choice:
        choice: Choice = Choice(label=label)
        said = nodes.container()
        self._parse(option.text, said)
        choice += Said("", "", *(said.children[0].children if said.children else []))
        self._parse(f"**{option.verdict}** {option.reason}", choice)
        if option.misconception:
            self._parse(f"*{self._helpful(option.misconception, label).question}*", choice)
        return choice

    def _helpful(self, name: str, label: str) -> Misconception:
        known = misconceptions()
        if name not in known:
            raise self.error(f"{label}: no misconception {name!r}; there are: {', '.join(known)}")
        return known[name]

    def _parse(self, text: str, into: nodes.Element) -> None:
        lines = StringList(text.splitlines(), self.get_source_info()[0])
        self.state.nested_parse(lines, self.content_offset, into)


def open_group(translator: Any, node: Group) -> None:
    """Open the box of a quiz."""
    name = node["ids"][0]
    translator.body.append(
        f'<div class="quiz {node["kind"]}" id="{name}" role="group" aria-labelledby="{name}-title">'
    )


def close_group(translator: Any, node: Group) -> None:
    """Close it."""
    translator.body.append("</div>\n")


def open_choice(translator: Any, node: Choice) -> None:
    """Open an option."""
    translator.body.append(f'<details name="{node["label"]}">')


def close_choice(translator: Any, node: Choice) -> None:
    """Close it."""
    translator.body.append("</details>\n")


def open_said(translator: Any, node: Said) -> None:
    """Open the text of an option."""
    translator.body.append("<summary>")


def close_said(translator: Any, node: Said) -> None:
    """Close it."""
    translator.body.append("</summary>\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_node(Group, html=(open_group, close_group))
    app.add_node(Choice, html=(open_choice, close_choice))
    app.add_node(Said, html=(open_said, close_said))
    app.add_directive("quiz", Quiz)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
