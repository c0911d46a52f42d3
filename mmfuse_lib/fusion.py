"""Fusion: features ``[z_1, .., z_n]`` in, logits ``(B, K)`` out.

Each takes the feature lengths of the modalities, in order, and the number of outputs. `SumFusion`
is *additive*: its logits are a sum of one term a modality, so XOR is out of its reach. The other
three let the modalities meet before the last layer.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from mmfuse_lib.errors import DataError, UnknownNameError


class ConcatFusion(nn.Module):
    """Concatenate, one hidden layer, classify: ``W relu(V [z_1; ..; z_n])``."""

    def __init__(self, dims: Sequence[int], n_outputs: int, hidden: int = 128) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(sum(dims), hidden), nn.ReLU(), nn.Linear(hidden, n_outputs)
        )

    def forward(self, z: Sequence[Tensor]) -> Tensor:
        """Map n tensors ``(B, d_m)`` to ``(B, K)``."""
        logits: Tensor = self.net(torch.cat(list(z), dim=1))
        return logits


class SumFusion(nn.Module):
    """Add one linear classifier per modality: ``sum_m W_m z_m``. XOR is out of its reach."""

    def __init__(self, dims: Sequence[int], n_outputs: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(d, n_outputs) for d in dims)

    def forward(self, z: Sequence[Tensor]) -> Tensor:
        """Map n tensors ``(B, d_m)`` to ``(B, K)``."""
        terms = [head(z_m) for head, z_m in zip(self.heads, z, strict=True)]
        return torch.stack(terms).sum(dim=0)


class FiLMFusion(nn.Module):
    """Feature-wise linear modulation (Perez et al., AAAI 2018).

    The features of the first modality are scaled by ``gamma`` and shifted by ``beta``, both linear
    in the features of all the others: ``W relu(gamma * V z_1 + beta)``.
    """

    def __init__(self, dims: Sequence[int], n_outputs: int, hidden: int = 128) -> None:
        super().__init__()
        if len(dims) < 2:
            raise DataError("FiLM needs two or more modalities: one is modulated by the others")
        self.project = nn.Linear(dims[0], hidden)
        self.modulate = nn.Linear(sum(dims[1:]), 2 * hidden)
        self.out = nn.Linear(hidden, n_outputs)

    def forward(self, z: Sequence[Tensor]) -> Tensor:
        """Map n tensors ``(B, d_m)`` to ``(B, K)``."""
        gamma, beta = self.modulate(torch.cat(list(z[1:]), dim=1)).chunk(2, dim=1)
        logits: Tensor = self.out(torch.relu(gamma * self.project(z[0]) + beta))
        return logits


class GatedFusion(nn.Module):
    """Gated multimodal unit (Arevalo et al., ICLR workshop 2017), for n modalities.

    ``h = sum_m g_m * tanh(V_m z_m)`` with gates ``g = softmax_m(G [z_1; ..; z_n])`` per hidden
    unit; logits are linear in h.
    """

    def __init__(self, dims: Sequence[int], n_outputs: int, hidden: int = 128) -> None:
        super().__init__()
        self.project = nn.ModuleList(nn.Linear(d, hidden) for d in dims)
        self.gate = nn.Linear(sum(dims), len(dims) * hidden)
        self.out = nn.Linear(hidden, n_outputs)

    def forward(self, z: Sequence[Tensor]) -> Tensor:
        """Map n tensors ``(B, d_m)`` to ``(B, K)``."""
        h = torch.stack([torch.tanh(p(z_m)) for p, z_m in zip(self.project, z, strict=True)], 1)
        g = torch.softmax(self.gate(torch.cat(list(z), dim=1)).view_as(h), dim=1)
        logits: Tensor = self.out((g * h).sum(dim=1))
        return logits


FUSIONS: dict[str, Callable[[Sequence[int], int], nn.Module]] = {
    "concat": ConcatFusion,
    "sum": SumFusion,
    "film": FiLMFusion,
    "gated": GatedFusion,
}


def make_fusion(
    fusion: str | Callable[[Sequence[int], int], nn.Module], dims: Sequence[int], n_outputs: int
) -> nn.Module:
    """Build a fusion model by name, or by calling a reader's own class on ``(dims, n_outputs)``.

    Raises
    ------
    UnknownNameError
        If the name is not in `FUSIONS`.
    """
    if not isinstance(fusion, str):
        return fusion(dims, n_outputs)
    if fusion not in FUSIONS:
        raise UnknownNameError("fusion", fusion, FUSIONS)
    return FUSIONS[fusion](dims, n_outputs)
