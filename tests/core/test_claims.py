"""Claims hold with the published parameters; with others they say so and stop nothing."""

import numpy as np
import pandas as pd
import pytest

from mmfuse_lib import Claims
from mmfuse_lib.core.claims import ClaimError


def test_a_claim_that_holds_gets_a_tick(capsys: pytest.CaptureFixture[str]) -> None:
    claim = Claims({"seed": 1, "epochs": 3}, seed=0, epochs=3)
    claim(np.bool_(True), "It holds.")
    claim((pd.Series([1, 2]) > 0).all(), "So does this.")
    assert capsys.readouterr().out == "✓ It holds.\n✓ So does this.\n"


def test_one_that_does_not_is_an_error_with_the_published_parameters() -> None:
    claim = Claims({"seed": 0, "sizes": [1, 2], "other": 5, "device": "cpu"}, seed=0, sizes=(1, 2))
    assert claim.changed == []
    with pytest.raises(ClaimError, match=r"^It holds\.$"):
        claim(np.bool_(False), "It holds.")


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"seed": 1}, "seed"),
        ({"seed": 1, "epochs": 2, "sizes": [1]}, "seed, epochs and sizes"),
        ({"sizes": (1, 2), "epochs": 4}, "epochs"),
    ],
)
def test_with_other_parameters_it_is_said_which(
    now: dict[str, object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    published = {"seed": 0, "epochs": 3, "sizes": [1, 2]}
    claim = Claims(published | now, **published)
    claim(False, "It holds.")
    expected = f"✗ It holds. (Holds for the published parameters; you changed {said}.)\n"
    assert capsys.readouterr().out == expected


def test_another_device_rounds_in_another_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = {"seed": 0, "device": "auto"}
    monkeypatch.setattr("mmfuse_lib.core.claims._on_cpu", lambda device: device == "cpu")
    Claims(now, seed=0)(False, "It holds.")
    assert "you changed device" in capsys.readouterr().out
    with pytest.raises(ClaimError):
        Claims(now | {"device": "cpu"}, seed=0)(False, "It holds.")


def test_a_claim_that_is_no_single_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="ambiguous"):
        Claims({})(pd.Series([True, False]), "Which?")


def test_a_name_that_the_notebook_lacks_is_refused() -> None:
    with pytest.raises(NameError, match="no parameter sed"):
        Claims({"seed": 0}, sed=0)
