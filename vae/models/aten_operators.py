"""Operators of torch's `aten` library that write into given tensors, as of torch 2.13, with replacements.

torch has no documented way to write an activation's derivative, or softplus, into an existing tensor;
autograd uses these operators for it. Where a later torch lacks one, `operator` returns a slower function of
the same signature, made of public operations that allocate their results.
"""

import logging
import math
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


@cache
def operator(name: str) -> Callable[..., Any]:
    """The operator `torch.ops.aten.<name>`, or its slow path if this torch lacks it.

    Args:
        name: a key of `SLOW_PATHS`.
    """
    packet, overload = name.split(".")
    try:
        return getattr(getattr(torch.ops.aten, packet), overload)
    except AttributeError:
        logging.getLogger(__name__).warning("Training is slower: this torch has no operator aten.%s.", name)
        return SLOW_PATHS[name]


def _softplus(x: Tensor, *, out: Tensor) -> Tensor:
    """log(1 + exp(x))"""
    return out.copy_(functional.softplus(x))


def _silu(x: Tensor, *, out: Tensor) -> Tensor:
    """x s(x) with the sigmoid s; Hendrycks & Gimpel 2016, arXiv:1606.08415"""
    return torch.mul(x, torch.sigmoid(x), out=out)


def _gelu(x: Tensor, *, out: Tensor) -> Tensor:
    """x Φ(x) with the normal distribution function Φ, in its exact form; Hendrycks & Gimpel 2016"""
    return torch.mul(x, torch.special.ndtr(x), out=out)


def _threshold_backward(gradient: Tensor, x: Tensor, threshold: float, *, grad_input: Tensor) -> Tensor:
    """1 where x > threshold, else 0; ReLU's derivative for threshold 0"""
    return torch.mul(gradient, x > threshold, out=grad_input)


def _silu_backward(gradient: Tensor, x: Tensor, *, grad_input: Tensor) -> Tensor:
    """s(x) (1 + x (1 - s(x)))"""
    s = torch.sigmoid(x)
    return torch.mul(gradient, s * (1 + x * (1 - s)), out=grad_input)


def _gelu_backward(gradient: Tensor, x: Tensor, *, grad_input: Tensor) -> Tensor:
    """Φ(x) + x φ(x), with φ(x) = exp(-x²/2) / √(2π)"""
    density = torch.exp(-x.square() / 2) / math.sqrt(2 * math.pi)
    return torch.mul(gradient, torch.special.ndtr(x) + x * density, out=grad_input)


def _tanh_backward(gradient: Tensor, y: Tensor, *, grad_input: Tensor) -> Tensor:
    """1 - y² of the output y"""
    return torch.mul(gradient, 1 - y.square(), out=grad_input)


SLOW_PATHS: dict[str, Callable[..., Tensor]] = {
    "softplus.out": _softplus,
    "silu.out": _silu,
    "gelu.out": _gelu,
    "threshold_backward.grad_input": _threshold_backward,
    "silu_backward.grad_input": _silu_backward,
    "gelu_backward.grad_input": _gelu_backward,
    "tanh_backward.grad_input": _tanh_backward,
}
