"""PyTorch tensors; modules and optimizers are objects that hold them."""

from __future__ import annotations

import sys
from typing import Any

from durable_nb.core.fingerprint.walker import NAMED, Obstacle, Walker, full_name


def _tensor(walker: Walker, tensor: Any) -> None:
    """Add dtype, shape, device, gradient and elements; strides are not content."""
    if not walker.first(tensor):
        return
    torch = sys.modules["torch"]
    if tensor.layout is not torch.strided or tensor.is_quantized:
        raise Obstacle(f"a tensor of layout {tensor.layout}")
    if tensor.grad_fn is not None:
        raise Obstacle("a tensor that is part of a gradient graph; detach() it")
    _refuse_shared_memory(walker, tensor)
    walker.tag(full_name(type(tensor)))
    walker.walk((str(tensor.dtype), tuple(tensor.shape), str(tensor.device), tensor.requires_grad))
    walker.part(".grad", tensor.grad)
    walker.part(".__dict__", dict(vars(tensor)))
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    if flat.numel():
        walker.raw(flat.view(torch.uint8).numpy())


def _refuse_shared_memory(walker: Walker, tensor: Any) -> None:
    """Views of one memory are no copies, and only they change together: a value with both is not proven."""
    address = tensor.untyped_storage().data_ptr()
    if address == 0:
        return
    if address in walker.memory:
        raise Obstacle("tensors that share memory")
    walker.memory[address] = [tensor]


NAMED["torch.Tensor"] = _tensor
NAMED["torch.nn.parameter.Parameter"] = _tensor
NAMED["torch.nn.parameter.Buffer"] = _tensor
