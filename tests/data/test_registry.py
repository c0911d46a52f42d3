"""Data sets by name."""

import re

import pytest

from mmfuse_lib import data
from mmfuse_lib.core.errors import UnknownNameError


def test_every_name_can_be_described_with_options_source_licence_and_citation() -> None:
    assert "digit_pairs" in data.names()
    for name in data.names():
        text = data.describe(name)
        for part in (name, "options", "source", "licence", "cite"):
            assert part in text


def test_the_description_lists_the_options_with_their_defaults() -> None:
    text = data.describe("digit_pairs")
    for option in ("n_train=12000", "n_classes=4", "cue=True", "composition=None", "seed=0"):
        assert option in text


def test_a_summary_is_that_of_the_card_though_the_loaders_file_is_not_run() -> None:
    for name in data.names():
        assert data.describe(name).splitlines()[0] == f"{name}: {data.summary(name)}"


@pytest.mark.parametrize("call", [data.load, data.describe, data.summary])
def test_an_unknown_data_set_gets_the_closest_name(call: object) -> None:
    assert callable(call)
    with pytest.raises(UnknownNameError, match=r"'digit_pair'.*Did you mean 'digit_pairs'\?"):
        call("digit_pair")


def test_an_unknown_data_set_far_from_any_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"'xyzzy'\. Known: digit_pairs"):
        data.load("xyzzy")


def test_an_unknown_option_gets_the_closest_name() -> None:
    message = re.escape("unknown option of 'digit_pairs' 'n_class'. Did you mean 'n_classes'?")
    with pytest.raises(UnknownNameError, match=message):
        data.load("digit_pairs", n_class=3)


def test_default_sizes_are_the_documented_ones() -> None:
    train, val, test = data.load("digit_pairs")
    assert (len(train), len(val), len(test)) == (12_000, 2_000, 4_000)
    assert train.n_classes == 4
