"""A tag becomes a release only if the package, the citation and the changelog agree with it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notes", ROOT / ".ci" / "release_notes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def release() -> dict[str, str]:
    """The repository as it is at a release."""
    return {
        "mmfuse_lib/__init__.py": '__version__ = "0.2.0"\n',
        "CITATION.cff": "version: 0.2.0\ndate-released: 2027-01-31\n",
        "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2027-01-31\n\n### Added\n\n"
        "- A thing.\n\n## [0.1.0] - 2026-12-01\n\n- An older thing.\n",
    }


def test_the_notes_are_the_section_of_the_version() -> None:
    assert script().release_notes("v0.2.0", release()) == "### Added\n\n- A thing.\n"
    assert set(script().FILES) == set(release())


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        ("mmfuse_lib/__init__.py", "0.2.0", "0.2.0.dev0", r"__version__ is 0\.2\.0\.dev0"),
        ("CITATION.cff", "version: 0.2.0", "version: 0.1.0", "version in CITATION.cff is 0.1.0"),
        ("CITATION.cff", "2027-01-31", "2027-01-30", "date-released in CITATION.cff is 2027-01-30"),
        ("CITATION.cff", "date-released", "date", "date-released in CITATION.cff is missing"),
        ("CHANGELOG.md", "## [0.2.0] - 2027-01-31", "## [0.2.0]", "no heading"),
    ],
)
def test_what_does_not_agree_is_named(file: str, before: str, after: str, message: str) -> None:
    texts = release()
    texts[file] = texts[file].replace(before, after)
    with pytest.raises(ValueError, match=message):
        script().release_notes("v0.2.0", texts)


@pytest.mark.parametrize("tag", ["0.2.0", "v0.2", "v0.2.0rc1", "main"])
def test_a_tag_of_another_form_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="three numbers"):
        script().release_notes(tag, release())


def test_the_repository_as_it_is_has_every_file_that_is_compared() -> None:
    texts = {name: (ROOT / name).read_text("utf8") for name in script().FILES}
    with pytest.raises(ValueError, match="no heading"):
        script().release_notes("v999.0.0", texts)
