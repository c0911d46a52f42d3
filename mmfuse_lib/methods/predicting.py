"""From a model and data to outputs, probabilities and predictions: for `predict` and `evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmfuse_lib.core.devices import device_of, eval_mode, find_device
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.core.rng import isolated_rng
from mmfuse_lib.data import MultimodalData, check_values, from_arrays
from mmfuse_lib.data.multimodal import Task, first_bad

#: Samples a forward pass; bounds memory, does not change the result.
BATCH_SIZE = 2_048


def as_samples(inputs: Mapping[str, Any], as_bytes: Collection[str] = ()) -> MultimodalData:
    """Return the inputs of a model as data without a target, checking them.

    Parameters
    ----------
    inputs : mapping of str to array
        Per modality ``(N, ...)``. Tensors become float32 where they are; anything else is converted
        as `from_arrays` does it, to float32 on the CPU.
    as_bytes : collection of str
        Modalities that stay bytes (uint8) if they are.

    Raises
    ------
    DataError
        If there are no samples, modalities differ in their number, or values are NaN or infinite.
    """
    numbers = {name: len(x) for name, x in inputs.items()}
    if len(set(numbers.values())) > 1:
        raise DataError(f"the modalities differ in their number of samples: {numbers}")
    n = max(numbers.values(), default=0)
    if n == 0:
        raise DataError("there are no samples to predict")
    tensors = {}
    for name, x in inputs.items():
        if name in as_bytes and getattr(x, "dtype", None) in (torch.uint8, np.uint8):
            tensors[name] = torch.as_tensor(x)
        elif isinstance(x, Tensor):
            tensors[name] = x.float()
    arrays = {name: x for name, x in inputs.items() if name not in tensors}
    if arrays:
        tensors |= from_arrays(arrays, np.zeros(n)).inputs
    samples = MultimodalData(tensors, torch.zeros(n))
    check_values(samples)
    return samples


@torch.no_grad()
def in_batches(
    model: nn.Module,
    data: MultimodalData,
    function: Callable[[dict[str, Tensor]], Sequence[Tensor]],
    device: str | None = None,
) -> list[Tensor]:
    """Return what a function of the inputs gives for all samples.

    The model is in eval mode for the duration, and goes back to its own device afterwards; the
    global random state is left as it was.

    Parameters
    ----------
    model : nn.Module
        Of which the function is a part.
    data : MultimodalData
        One or more samples.
    function : callable
        Maps the inputs of a batch to one or more tensors ``(B, C)``, the model's outputs first.
    device : str, optional
        Where to compute, as in `fit`; by default where the model is.

    Returns
    -------
    list of Tensor
        Each ``(N, C)``, float32, on the CPU.

    Raises
    ------
    DataError
        If an output of the model is NaN or infinite.
    """
    home, rows = device_of(model), []
    place = home if device is None else find_device(device)
    model.to(place)
    try:
        with eval_mode(model), isolated_rng(0, place):
            for start in range(0, len(data), BATCH_SIZE):
                inputs = data[start : start + BATCH_SIZE].to(place).inputs
                rows.append([x.float().cpu() for x in function(inputs)])
    finally:
        model.to(home)
    outputs = [torch.cat(column) for column in zip(*rows, strict=True)]
    if (bad := first_bad(outputs[0])) is not None:
        raise DataError(
            f"the outputs of {type(model).__name__} are NaN or infinite (first for sample {bad}): "
            "its weights are broken, or inputs far too large"
        )
    return outputs


def to_probabilities(outputs: Tensor, task: Task) -> Tensor:
    """Return ``(N, K)``: of classes, rows that sum to 1; of labels, each label's own."""
    return outputs.sigmoid() if task == "multilabel" else outputs.softmax(dim=1)


def to_predictions(outputs: Tensor, task: Task) -> Tensor:
    """Return class indices ``(N,)``, labels ``(N, L)`` of 0 and 1, or numbers ``(N,)``."""
    if task == "regression":
        return outputs.squeeze(1)
    if task == "multilabel":
        return (outputs > 0).long()
    return to_probabilities(outputs, task).max(dim=1).indices
