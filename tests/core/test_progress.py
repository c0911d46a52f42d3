"""One bar a loop, in the form that fits the place, and none where it is switched off."""

import subprocess
import sys

import pytest

from mmfuse_lib import progress


def test_a_bar_is_one_line_that_names_what_is_looped_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    assert list(progress(range(3), "seeds")) == [0, 1, 2]
    with progress(total=2, desc="epochs") as bar:
        bar.update(2)
    said = capsys.readouterr().err
    assert said.count("\n") == 2
    for part in ("seeds: 100%", "3/3", "epochs: 100%", "2/2"):
        assert part in said


def test_none_is_shown_where_bars_are_off(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert list(progress(range(3), "seeds")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("widgets", ["there", "missing"])
def test_a_widget_is_taken_where_there_are_widgets(widgets: str) -> None:
    code = f"""
import sys, importlib.machinery, types, warnings
warnings.simplefilter("error")
import tqdm
auto = types.ModuleType("tqdm.auto")
auto.tqdm = lambda items, desc, **options: f"widget {{desc}} {{options}}"
sys.modules["tqdm.auto"] = auto
import mmfuse_lib.core.progress as module
module.find_spec = lambda name: name if {widgets == "there"} else None
print(module.progress([], "seeds", leave=False))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("widget seeds" if widgets == "there" else "seeds: 0it")
