"""Who trains on what: nobody is asked about what it has seen."""

import numpy as np
import pytest
import torch

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.information.estimators.crossfit import Split, deal_groups, split_folds, standardise


def labels(*counts: int) -> torch.Tensor:
    return torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))


@pytest.mark.parametrize("n", [100, 103])
def test_every_sample_is_held_once_and_never_seen_by_who_holds_it(n: int) -> None:
    y = torch.arange(n) % 3
    split = split_folds(y, 5, seed=1)
    held = [set(row.tolist()) for row in split.held]
    assert sorted(i for own in held for i in own) == list(range(n))
    for train, valid, own in zip(split.train, split.valid, held, strict=True):
        parts = [set(train.tolist()), set(valid.tolist()), own]
        assert len(set.union(*parts)) == sum(map(len, parts))
        assert [len(part) for part in parts] == pytest.approx([0.64 * n, 0.16 * n, 0.2 * n], abs=3)


def test_every_part_gets_its_share_of_a_rare_class() -> None:
    split = split_folds(labels(475, 25), 5)
    for part, expected in ((split.train, 16), (split.valid, 4), (split.held, 5)):
        rare = (part >= 475).sum(dim=1)
        assert (rare - expected).abs().max() <= 1


def test_networks_of_a_fold_share_the_fold_but_not_the_validation() -> None:
    y = labels(60, 40)
    one, three = split_folds(y, 4, seed=3), split_folds(y, 4, networks=3, seed=3)
    assert len(three.held) == 12
    for fold in range(4):
        for n in range(3):
            assert torch.equal(three.held[3 * fold + n], one.held[fold])
        checked = [set(three.valid[3 * fold + n].tolist()) for n in range(3)]
        assert len(set.union(*checked)) == sum(map(len, checked))


def test_the_seed_decides() -> None:
    def held(seed: int) -> Split:
        return split_folds(labels(30, 30), 3, seed=seed)

    assert torch.equal(held(0).held, held(0).held)
    assert not torch.equal(held(0).held, held(1).held)


def test_impossible_splits_are_refused() -> None:
    with pytest.raises(ValueError, match="folds is 1"):
        split_folds(labels(10, 10), 1)
    with pytest.raises(ValueError, match="networks is 0"):
        split_folds(labels(10, 10), 2, networks=0)
    with pytest.raises(DataError, match="rarest class has 3 samples, too few for folds=4"):
        split_folds(labels(10, 3), 4)


@pytest.mark.parametrize(("n_groups", "folds"), [(6, 3), (5, 2), (40, 5), (3, 3)])
def test_no_member_is_checked_on_or_asked_about_a_group_it_trains_on(
    n_groups: int, folds: int
) -> None:
    rng = np.random.default_rng(0)
    groups = np.concatenate([np.arange(n_groups), rng.integers(n_groups, size=400)])
    y = torch.from_numpy(rng.integers(3, size=len(groups)))
    split = split_folds(y, folds, networks=3, groups=groups, seed=1)
    for train, valid, held in zip(split.train, split.valid, split.held, strict=True):
        of = [set(groups[part.numpy()]) for part in (train, valid, held)]
        assert set.union(*of) == set(range(n_groups))
        assert sum(map(len, of)) == n_groups
    asked = torch.cat(list(split.held[::3]))
    assert set(asked.tolist()) == set(range(len(y)))


def test_all_samples_but_those_held_are_used_though_groups_differ_in_size() -> None:
    groups = np.repeat(np.arange(6), [10, 20, 30, 40, 50, 300])
    split = split_folds(torch.arange(450) % 2, 3, groups=groups)
    for train, valid, held in zip(split.train, split.valid, split.held, strict=True):
        named = [set(part.tolist()) for part in (train, valid, held)]
        assert sorted(i for part in named for i in part) == list(range(450))


def test_networks_of_a_fold_are_checked_on_different_groups() -> None:
    groups = np.arange(200) % 20
    split = split_folds(torch.arange(200) // 20 % 2, 4, networks=3, groups=groups)
    checked = [set(groups[valid.numpy()]) for valid in split.valid[:3]]
    assert len(set.union(*checked)) == sum(map(len, checked))


def test_groups_are_dealt_so_that_parts_are_alike() -> None:
    """Twelve groups of one class each, four of them in a rare class, to four parts."""
    groups = np.repeat(np.arange(12), [10] * 8 + [2] * 4)
    y = (groups >= 8).astype(np.int64)
    part = deal_groups(groups, y, 4, seed=0)
    counts = np.zeros((4, 2))
    np.add.at(counts, (part, y), 1)
    np.testing.assert_array_equal(counts, [[20, 2]] * 4)
    assert (part != deal_groups(groups, y, 4, seed=1)).any()


def test_one_group_left_trains_and_checks() -> None:
    split = split_folds(torch.arange(80) % 2, 2, groups=np.arange(80) // 40)
    for train, valid, held in zip(split.train, split.valid, split.held, strict=True):
        assert not set(train.tolist()) & set(valid.tolist())
        assert len({*(train // 40).tolist(), *(valid // 40).tolist()}) == 1
        assert (train[0] // 40 != held // 40).all()


def test_groups_that_cannot_be_dealt_are_refused() -> None:
    y = torch.arange(60) % 2
    with pytest.raises(DataError, match="there are 2 groups, too few for folds=3"):
        split_folds(y, 3, groups=np.arange(60) % 2)
    alone = (torch.arange(60) < 10).long()
    with pytest.raises(DataError, match="a class is in too few groups for folds=3"):
        split_folds(alone, 3, groups=np.arange(60) // 10)


def test_standardise() -> None:
    x = torch.tensor([[1.0, 7.0], [3.0, 7.0]])
    assert torch.equal(standardise(x), torch.tensor([[-1.0, 0.0], [1.0, 0.0]]))
