"""What a stage's loss names, averaged over an epoch."""

from typing import Any

import pytest
import torch

from mmfuse_lib.core.errors import TrainingError
from mmfuse_lib.training import terms
from mmfuse_lib.training.terms import TermLog


def log_of_two_batches() -> TermLog:
    log = TermLog("joint", epoch=1)
    log.add({"total": torch.tensor(1.0)}, 3)
    log.add({"total": torch.tensor(5.0)}, 1)
    return log


def test_mean_counts_samples_not_batches() -> None:
    assert log_of_two_batches().means() == {"total": 2.0}


def test_ranks_that_name_other_terms_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def gathered(own: Any) -> list[Any]:
        return [own, ({"total": 8.0, "norm": 1.0}, 4)]

    monkeypatch.setattr(terms, "gathered", gathered)
    with pytest.raises(TrainingError, match="in each process: total and total, norm; expected the"):
        log_of_two_batches().means()
