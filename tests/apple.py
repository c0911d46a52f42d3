"""An Apple GPU pretended on the CPU: tensors that are elsewhere, and what such a GPU refuses.

A tensor brought to ``"mps"`` is an `OnApple`: it says that it is on that device, and holds its
numbers as a tensor on the CPU, where they are computed. So results are those of the CPU, bit for
bit. Refused is what torch refuses on a Mac:

* numbers in double precision on the device, with torch's own words; on the CPU they are fine;
* operations for which torch lists a kernel on the CPU and none on Apple's GPUs;
* tensors of both devices in one operation, and NumPy's arrays of what is on the device;
* adaptive pooling where the lengths do not divide.

What only a Mac shows remains: whether its kernels are right, macOS versions, speed, memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import torch
import torchgen  # type: ignore[import-untyped]
import yaml
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from mmfuse_lib.core import devices

MPS = torch.device("mps", 0)

APPLY: Any = nn.Module._apply

NO_DOUBLE = (
    "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64. "
    "Please use float32 instead."
)

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the first is ten times as fast

#: Operations that take tensors of both devices: copies, and indexing by what is on the CPU.
BETWEEN = {
    "aten::_to_copy",
    "aten::copy_",
    "aten::index",
    "aten::index_put_",
    "aten::_index_put_impl_",
}


class OnApple(Tensor):
    """A tensor on the pretended device. To autograd, in C++, it is on the device ``meta``."""

    raw: Tensor

    @staticmethod
    def __new__(cls, raw: Tensor) -> OnApple:
        made = Tensor._make_wrapper_subclass(
            cls, raw.shape, strides=raw.stride(), storage_offset=raw.storage_offset(),
            dtype=raw.dtype, device=torch.device("meta"),
        )  # fmt: skip
        made.raw = raw
        return made

    __torch_function__: Any = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return computed(func, args, kwargs or {})

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return MPS

    @property
    def is_meta(self) -> bool:  # type: ignore[override]
        return False

    @property
    def is_mps(self) -> bool:  # type: ignore[override]
        return True

    def numpy(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            "can't convert mps:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor "
            "to host memory first."
        )

    def __array__(self, *_: Any) -> NoReturn:
        self.numpy()

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"{self.raw!r} on {MPS}"

    def __format__(self, spec: str) -> str:
        return format(self.cpu(), spec)

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def __reduce_ex__(self, protocol: Any) -> Any:  # as a file is read where there is no such GPU
        raw: Any = self.raw
        return raw.__reduce_ex__(protocol)


class Apple(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Makes on the device what is asked for there."""

    def __enter__(self) -> Any:
        # `torch.tensor` makes its tensor on the CPU and brings it to the device where this sees it.
        self.before = torch._C._only_lift_cpu_tensors()
        torch._C._set_only_lift_cpu_tensors(True)
        return super().__enter__()  # type: ignore[no-untyped-call]

    def __exit__(self, *args: object) -> None:
        torch._C._set_only_lift_cpu_tensors(self.before)
        super().__exit__(*args)  # type: ignore[no-untyped-call]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return computed(func, args, kwargs or {})


def computed(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Compute on the CPU, and return what the device would or raise what it raises."""
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
    here = [x for x in tensors if isinstance(x, OnApple)]
    place = kwargs.get("device")
    is_here = bool(here) if place is None else torch.device(place).type in ("mps", "meta")
    if not here and not is_here:
        return func(*args, **kwargs)
    name = func._schema.name
    check_together(name, tensors)
    if is_here:
        check_kernel(func, args)
    if place is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    raws = {id(x.raw): x for x in here}
    out = func(*tree_map(_raw, args), **tree_map(_raw, kwargs))
    if name == "aten::copy_" and not isinstance(args[0], OnApple):
        return args[0]
    if name == "aten::_to_copy" and not is_here:
        return out.clone() if any(out is x.raw for x in here) else out

    def placed(x: Any) -> Any:
        if not isinstance(x, Tensor):
            return x
        if x.dtype in (torch.float64, torch.complex128):
            raise TypeError(NO_DOUBLE)
        return raws.get(id(x)) if id(x) in raws else OnApple(x)

    return tree_map(placed, out)


def check_together(name: str, tensors: list[Tensor]) -> None:
    """Refuse tensors of both devices; a single number on the CPU is taken as a number."""
    kinds = {isinstance(x, OnApple) for x in tensors if x.ndim or isinstance(x, OnApple)}
    if len(kinds) > 1 and name not in BETWEEN:
        raise RuntimeError(
            f"{name}: Expected all tensors to be on the same device, but found at least two "
            "devices, mps:0 and cpu!"
        )


def check_kernel(func: Any, args: Any) -> None:
    """Refuse what Apple's GPUs lack."""
    name = func._schema.name.removeprefix("aten::")
    full = f"{name}.{func._schema.overload_name}".rstrip(".")
    if full in lacking():
        raise NotImplementedError(
            f"The operator 'aten::{full}' is not currently implemented for the MPS device."
        )
    if name == "_adaptive_avg_pool2d":
        x, wanted = args
        if any(n % k and k % n for n, k in zip(x.shape[-2:], wanted, strict=True)):
            raise RuntimeError("Adaptive pool MPS: input sizes must be divisible by output sizes.")


@cache
def lacking() -> set[str]:
    """Return the operations that this torch has on the CPU, and not on Apple's GPUs."""
    path = Path(torchgen.__file__).parent / "packaged/ATen/native/native_functions.yaml"
    listed = yaml.load(path.read_text("utf8"), LOADER)  # noqa: S506 (one of the safe)
    kernels: dict[str, set[str]] = {}
    delegates: dict[str, str] = {}
    for entry in listed:
        name = entry["func"].partition("(")[0]
        keys = {key.strip() for joint in entry.get("dispatch", {}) for key in joint.split(",")}
        kernels[name] = keys
        if "structured_delegate" in entry:
            delegates[name] = entry["structured_delegate"]
    for name, other in delegates.items():
        kernels[name] |= kernels[other]
    return {
        name
        for name, keys in kernels.items()
        if "CPU" in keys and "MPS" not in keys and not any("Composite" in key for key in keys)
    }


def _raw(x: Any) -> Any:
    return x.raw if isinstance(x, OnApple) else x


@contextmanager
def apple_gpu() -> Iterator[None]:
    """Pretend for a while that this machine has an Apple GPU.

    Its random numbers are those of the CPU.
    """
    from lightning_fabric.accelerators.mps import MPSAccelerator

    changed: dict[str, Any] = {
        "torch.backends.mps.is_available": lambda: True,
        "torch.mps.get_rng_state": torch.get_rng_state,
        "torch.mps.set_rng_state": torch.set_rng_state,
        "torch.mps.manual_seed": torch.default_generator.manual_seed,
        "torch.mps.recommended_max_memory": lambda: 2**33,
        "torch.mps.driver_allocated_memory": lambda: 0,
    }
    with ExitStack() as stack:
        for name, value in changed.items():
            stack.enter_context(mock.patch(name, value))
        stack.enter_context(
            mock.patch.object(MPSAccelerator, "is_available", staticmethod(lambda: True))
        )
        stack.callback(devices.find_device.cache_clear)
        devices.find_device.cache_clear()
        stack.enter_context(mock.patch.object(nn.Module, "_apply", moved))
        stack.enter_context(Apple())  # type: ignore[no-untyped-call]
        yield


def moved(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    """Move a module; it keeps its parameters, as between real devices."""
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        return APPLY(module, *args, **kwargs)
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)
