"""Fusion: features ``[z_1, .., z_n]`` in, logits ``(B, K)`` out.

Each takes the feature lengths of the modalities, in order, and the number of outputs.
`LinearFusion` and `SumFusion` are *additive*: their logits are a sum of one term a modality, so
XOR is out of their reach. The others let the modalities meet before the last layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import mul
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfuse_lib.core.errors import DataError, check_integers, check_names


class Fusion(nn.Module):
    """Base class: a *part* a modality, a *latent* vector made of all parts, a last layer ``out``.

    A part depends on its own modality only, so a caller who runs the model again with one
    modality changed (I2MoE does) can keep the parts of the others. Tensors may have axes in front
    of the batch, ``(..., B, d_m)``: several passes at once.

    A reader's own fusion model need not be one of these: a module that maps ``[z_1, .., z_n]`` to
    logits is enough.

    Attributes
    ----------
    adds_parts : bool
        Whether `latent` needs the sum of the parts only, and takes it as a single part.
    auxiliary : Tensor or None
        Loss of the last pass that has to be added to the task's, already weighted (the balance of
        a sparse mixture's gate); None where there is none.
    """

    out: nn.Module
    adds_parts: bool = False
    auxiliary: Tensor | None = None

    def parts(self, z: Sequence[Tensor]) -> list[Tensor]:
        """Map each modality on its own: n tensors ``(..., B, d_m)`` to n tensors of any shape."""
        raise NotImplementedError

    def latent(self, parts: Sequence[Tensor]) -> Tensor:
        """Let the parts meet: the vector ``(..., B, H)`` that the last layer reads."""
        raise NotImplementedError

    def forward(self, z: Sequence[Tensor]) -> Tensor:
        """Map n tensors ``(B, d_m)`` to ``(B, K)``."""
        logits: Tensor = self.out(self.latent(self.parts(z)))
        return logits

    def __getstate__(self) -> dict[str, Any]:
        """Leave the last pass out of copies."""
        return {**self.__dict__, "auxiliary": None}


class ConcatFusion(Fusion):
    """Concatenate, one hidden layer, classify: ``W relu(V [z_1; ..; z_n])``.

    The part of modality m is ``V_m z_m``, V_m its columns of V.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.fusion import ConcatFusion
    >>> fusion = ConcatFusion([64, 32], n_outputs=4)
    >>> fusion([torch.zeros(8, 64), torch.zeros(8, 32)]).shape
    torch.Size([8, 4])
    """

    adds_parts = True

    def __init__(self, dims: Sequence[int], n_outputs: int, hidden: int = 128) -> None:
        super().__init__()
        self.hidden = ColumnLinear(dims, hidden)
        self.out = nn.Linear(hidden, n_outputs)

    def parts(self, z: Sequence[Tensor]) -> list[Tensor]:
        """Return ``V_m z_m``, each ``(..., B, H)``."""
        return self.hidden.products(z)

    def latent(self, parts: Sequence[Tensor]) -> Tensor:
        """Add the parts and the bias; clip."""
        return torch.relu(self.hidden.total(parts))


class LinearFusion(Fusion):
    """One linear layer on the concatenation, ``W [z_1; ..; z_n] + b``: DI-MML's fusion head.

    Its authors call it "concat". It expresses the same functions as `SumFusion`; its latent vector
    is the concatenation.
    """

    out: nn.Linear

    def __init__(self, dims: Sequence[int], n_outputs: int) -> None:
        super().__init__()
        self.out = nn.Linear(sum(dims), n_outputs)

    def parts(self, z: Sequence[Tensor]) -> list[Tensor]:
        """Return the features as they are."""
        return list(z)

    def latent(self, parts: Sequence[Tensor]) -> Tensor:
        """Concatenate the features."""
        return torch.cat(list(parts), dim=-1)


class SumFusion(Fusion):
    """Add one linear classifier a modality, ``sum_m (W_m z_m + b_m)``: a vote, and additive.

    The same functions as `LinearFusion`; each classifier starts as one of its modality alone
    would, and what a modality adds to the logits (`parts`) can be read off.
    """

    adds_parts = True

    def __init__(self, dims: Sequence[int], n_outputs: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(d, n_outputs) for d in dims)
        self.out = nn.Identity()

    def parts(self, z: Sequence[Tensor]) -> list[Tensor]:
        """Return ``W_m z_m``."""
        return [head(z_m) for head, z_m in zip(self.heads, z, strict=True)]

    def latent(self, parts: Sequence[Tensor]) -> Tensor:
        """Add the features; the sum is the logits."""
        return torch.stack(list(parts)).sum(dim=0)


class FiLMFusion(Fusion):
    """Feature-wise linear modulation (Perez et al., AAAI 2018).

    The features of the first modality are scaled by ``gamma`` and shifted by ``beta``, both linear
    in the features of all the others: ``W relu(gamma * V z_1 + beta)``.

    The ``film`` of DI-MML's code is another: there the first of two modalities modulates the
    second, without V and without the ReLU, ``W (gamma * z_2 + beta)``.
    """

    def __init__(self, dims: Sequence[int], n_outputs: int, hidden: int = 128) -> None:
        super().__init__()
        if len(dims) < 2:
            raise DataError("FiLM needs two or more modalities: one is modulated by the others")
        self.project = nn.Linear(dims[0], hidden)
        self.modulate = ColumnLinear(dims[1:], 2 * hidden)
        self.out = nn.Linear(hidden, n_outputs)

    def parts(self, z: Sequence[Tensor]) -> list[Tensor]:
        """Return ``V z_1``, and what each other modality adds to gamma and beta."""
        return [self.project(z[0]), *self.modulate.products(z[1:])]

    def latent(self, parts: Sequence[Tensor]) -> Tensor:
        """Scale and shift the first part by the sum of the others; clip."""
        gamma, beta = self.modulate.total(parts[1:]).chunk(2, dim=-1)
        return torch.relu(gamma * parts[0] + beta)


class GatedFusion(Fusion):
    """Gated multimodal unit (Arevalo et al., ICLR workshop 2017), for n modalities.

    ``h = sum_m g_m * tanh(V_m z_m)`` with gates ``g = softmax_m(G [z_1; ..; z_n])`` per hidden
    unit; logits are linear in h.

    The ``gated`` of DI-MML's code is another (Kiela et al., AAAI 2018): a sigmoid of the first of
    two modalities gates the second, ``W (sigmoid(V_1 z_1) * V_2 z_2)``.
    """

    def __init__(self, dims: Sequence[int], n_outputs: int, hidden: int = 128) -> None:
        super().__init__()
        self.project = nn.ModuleList(nn.Linear(d, hidden) for d in dims)
        self.gate = ColumnLinear(dims, len(dims) * hidden)
        self.out = nn.Linear(hidden, n_outputs)

    def parts(self, z: Sequence[Tensor]) -> list[Tensor]:
        """Return ``tanh(V_m z_m)`` and, behind it, what modality m adds to all gates."""
        votes = self.gate.products(z)
        return [
            torch.cat([torch.tanh(project(z_m)), vote], dim=-1)
            for project, z_m, vote in zip(self.project, z, votes, strict=True)
        ]

    def latent(self, parts: Sequence[Tensor]) -> Tensor:
        """Weigh the projected features by their gates."""
        n = len(parts)
        split = [part.tensor_split([part.shape[-1] // (n + 1)], dim=-1) for part in parts]
        h = torch.stack([features for features, _ in split], dim=-2)
        votes = self.gate.total([vote for _, vote in split])
        g = torch.softmax(torch.stack(votes.chunk(n, dim=-1), dim=-2), dim=-2)
        return (g * h).sum(dim=-2)


class LowRankFusion(Fusion):
    """Low-rank tensor fusion (Liu et al., ACL 2018): products across modalities, cheaply.

    ``h = (1/r) sum_k prod_m (W_mk z_m + b_mk)``, elementwise products over modalities: the outer
    product of all modalities, seen through a weight tensor of rank r. The biases start at 1, so
    that the product starts near the sum.
    """

    def __init__(
        self, dims: Sequence[int], n_outputs: int, hidden: int = 128, rank: int = 4
    ) -> None:
        super().__init__()
        self.factors = nn.ModuleList(nn.Linear(d, rank * hidden) for d in dims)
        for factor in self.factors:
            nn.init.ones_(factor.bias)  # type: ignore[arg-type]
        self.out = nn.Linear(hidden, n_outputs)
        self.rank = rank

    def parts(self, z: Sequence[Tensor]) -> list[Tensor]:
        """Return the factors ``W_m z_m + b_m``, each ``(..., B, r, H)``."""
        return [
            factor(z_m).unflatten(-1, (self.rank, -1))
            for factor, z_m in zip(self.factors, z, strict=True)
        ]

    def latent(self, parts: Sequence[Tensor]) -> Tensor:
        """Multiply over modalities, average over the rank."""
        return reduce(mul, parts).mean(dim=-2)


class TransformerFusion(Fusion):
    """Tokens of all modalities in one pre-norm transformer (Xiong et al., ICML 2020).

    A linear map makes T tokens of each z_m. After the last block the tokens are averaged. The
    first block's normalisation, queries, keys and values belong to the parts.
    """

    def __init__(
        self,
        dims: Sequence[int],
        n_outputs: int,
        hidden: int = 64,
        n_tokens: int = 4,
        n_blocks: int = 2,
        n_heads: int = 4,
    ) -> None:
        super().__init__()
        self.tokens = nn.ModuleList(nn.Linear(d, n_tokens * hidden) for d in dims)
        self.first = AttentionBlock(hidden, n_heads)
        self.blocks = nn.Sequential(*[AttentionBlock(hidden, n_heads) for _ in range(1, n_blocks)])
        self.norm = nn.LayerNorm(hidden)
        self.out = nn.Linear(hidden, n_outputs)
        self.width = hidden

    def parts(self, z: Sequence[Tensor]) -> list[Tensor]:
        """Return tokens and, behind each, its query, key and value: ``(..., B, T, 4 H)``."""
        tokens = [
            to_tokens(z_m).unflatten(-1, (-1, self.width))
            for to_tokens, z_m in zip(self.tokens, z, strict=True)
        ]
        return [torch.cat([x, self.first.project(x)], dim=-1) for x in tokens]

    def latent(self, parts: Sequence[Tensor]) -> Tensor:
        """Let all tokens attend to each other; average them."""
        x, qkv = torch.split(torch.cat(list(parts), dim=-2), [self.width, 3 * self.width], dim=-1)
        x = self.blocks(self.first.attend(x, qkv))
        h: Tensor = self.norm(x).mean(dim=-2)
        return h


class AttentionBlock(nn.Module):
    """Self-attention and a two-layer network, each normalised before and added to its input."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        if width % n_heads:
            raise DataError(f"{width} features cannot be shared by {n_heads} heads")
        self.n_heads = n_heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def project(self, x: Tensor) -> Tensor:
        """Return queries, keys and values of tokens ``(..., T, H)``, as ``(..., T, 3 H)``."""
        qkv: Tensor = self.qkv(self.norm(x))
        return qkv

    def attend(self, x: Tensor, qkv: Tensor) -> Tensor:
        """Return the tokens after both steps, ``(..., T, H)``."""
        heads = torch.unflatten(qkv.flatten(0, -3), -1, (3, self.n_heads, -1))
        q, k, v = heads.permute(2, 0, 3, 1, 4)  # each (.., heads, T, H / heads)
        seen = F.scaled_dot_product_attention(q, k, v).transpose(-3, -2)
        x = x + self.join(seen.reshape(x.shape))
        y: Tensor = x + self.mlp(x)
        return y

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens ``(..., T, H)`` to tokens of the same shape."""
        return self.attend(x, self.project(x))


class SparseMoEFusion(Fusion):
    """A hidden layer, then a sparse mixture of networks (Shazeer et al. 2017; Fedus et al. 2022).

    ``h = relu(V [z_1; ..; z_n])``, latent ``h + sum_e g_e f_e(h)``: the gate g keeps the `top_k`
    largest of ``p = softmax(R h)``, rescaled to sum to 1. So that not always the same networks are
    kept, the loss ``balance * E * sum_e share_e * mean(p_e)`` joins the task's, where share_e is
    the share of the kept places that network e has in the batch; it is least, `balance`, when all
    are used alike. Routing is sparse, arithmetic is not: at this size all networks in one product
    take less time than sorting the samples.
    """

    adds_parts = True

    def __init__(
        self,
        dims: Sequence[int],
        n_outputs: int,
        hidden: int = 128,
        n_networks: int = 4,
        top_k: int = 2,
        balance: float = 0.01,
    ) -> None:
        super().__init__()
        check_integers(1, n_networks, top_k=top_k)
        self.hidden = ColumnLinear(dims, hidden)
        self.router = nn.Linear(hidden, n_networks)
        self.inner = nn.Linear(hidden, n_networks * (hidden // 2))
        self.outer = nn.Linear(n_networks * (hidden // 2), hidden)
        self.out = nn.Linear(hidden, n_outputs)
        self.n_networks, self.top_k, self.balance = n_networks, top_k, balance

    def parts(self, z: Sequence[Tensor]) -> list[Tensor]:
        """Return ``V_m z_m``, each ``(..., B, H)``."""
        return self.hidden.products(z)

    def latent(self, parts: Sequence[Tensor]) -> Tensor:
        """Add the gated networks to the hidden layer, and note the balance of the gate."""
        h = torch.relu(self.hidden.total(parts))
        gate = self._gate(h)
        inner = torch.unflatten(torch.relu(self.inner(h)), -1, (self.n_networks, -1))
        mixed: Tensor = h + self.outer((gate.unsqueeze(-1) * inner).flatten(-2))
        return mixed

    def _gate(self, h: Tensor) -> Tensor:
        p = torch.softmax(self.router(h), dim=-1)
        kept = torch.zeros_like(p).scatter(-1, p.topk(self.top_k).indices, 1.0)
        share = kept.mean(dim=-2) / self.top_k
        self.auxiliary = self.balance * self.n_networks * (share * p.mean(dim=-2)).sum(-1).mean()
        return p * kept / (p * kept).sum(dim=-1, keepdim=True)


class ColumnLinear(nn.Module):
    """A linear layer on ``[z_1; ..; z_n]`` whose columns for each modality are a tensor of its own.

    Starts from the weights that one `torch.nn.Linear` would have.
    """

    def __init__(self, dims: Sequence[int], n_outputs: int) -> None:
        super().__init__()
        whole = nn.Linear(sum(dims), n_outputs)
        columns = torch.split(whole.weight.detach(), list(dims), dim=1)
        self.weights = nn.ParameterList([w.contiguous() for w in columns])
        self.bias = whole.bias

    def products(self, z: Sequence[Tensor]) -> list[Tensor]:
        """Return what each modality adds, without the bias."""
        return [F.linear(z_m, w) for z_m, w in zip(z, self.weights, strict=True)]

    def total(self, products: Sequence[Tensor]) -> Tensor:
        """Add the products and the bias."""
        return sum(products, start=self.bias)


def with_auxiliary(terms: Mapping[str, Tensor], fusions: Iterable[nn.Module]) -> dict[str, Tensor]:
    """Add to a loss what fusion models ask for themselves, the balance of a sparse gate.

    Every method that trains a fusion model calls this, behind the pass whose loss it is: a gate
    loss that does not reach the total trains nothing.

    Parameters
    ----------
    terms : mapping of str to Tensor
        Loss terms with ``"total"``.
    fusions : iterable of nn.Module
        The models that took part; a `Fusion` inside one of them counts as well.

    Returns
    -------
    dict of str to Tensor
        The terms, with ``"gate"``, the mean `Fusion.auxiliary` of the last passes, in the total
        and beside it; unchanged where no model has one.
    """
    parts = [part for fusion in fusions for part in fusion.modules()]
    losses = [part.auxiliary for part in parts if isinstance(part, Fusion)]
    there = [loss for loss in losses if loss is not None]
    if not there:
        return dict(terms)
    gate = torch.stack(there).mean()
    return {**terms, "total": terms["total"] + gate, "gate": gate}


FUSIONS: dict[str, Callable[[Sequence[int], int], nn.Module]] = {
    "concat": ConcatFusion,
    "linear": LinearFusion,
    "sum": SumFusion,
    "film": FiLMFusion,
    "gated": GatedFusion,
    "low_rank": LowRankFusion,
    "transformer": TransformerFusion,
    "sparse_moe": SparseMoEFusion,
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
    check_names("fusion", [fusion], FUSIONS)
    return FUSIONS[fusion](dims, n_outputs)
