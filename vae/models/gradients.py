"""A batch's losses and their gradient, written out by hand, into buffers that are there.

Autograd records each step, walks the record back, and allocates every result (docs/LOG.md has what that
costs). Here each layer says its own derivative, all weights lie side by side in one tensor, and everything is
written where it stood the step before. A test holds every derivative against autograd.

Shapes: B batch, P pixels, Z latent size, I and O a layer's inputs and outputs, W all weights of a model.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae.config import PIXELS
from vae.models.network import VAE, Hidden, Sine

aten: Any = torch.ops.aten


class _Activation(NamedTuple):
    """y = a(x), and the way back through it."""

    forward: Callable[..., Any]  # (x, out=y)
    backward: Callable[[Tensor, Tensor, Tensor, Tensor], Any]  # (gradient by y, x, y, out=gradient by x)


_ACTIVATIONS: dict[type[nn.Module], _Activation] = {
    nn.ReLU: _Activation(
        partial(torch.clamp_min, min=0),
        lambda gradient, x, _, out: aten.threshold_backward.grad_input(gradient, x, 0, grad_input=out),
    ),
    nn.SiLU: _Activation(
        aten.silu.out,
        lambda gradient, x, _, out: aten.silu_backward.grad_input(gradient, x, grad_input=out),
    ),
    nn.GELU: _Activation(
        aten.gelu.out,
        lambda gradient, x, _, out: aten.gelu_backward.grad_input(gradient, x, grad_input=out),
    ),
    nn.Tanh: _Activation(
        torch.tanh,
        lambda gradient, _, y, out: aten.tanh_backward.grad_input(gradient, y, grad_input=out),
    ),
    Sine: _Activation(torch.sin, lambda gradient, x, _, out: torch.cos(x, out=out).mul_(gradient)),
}


class _Layer:
    """A linear layer and its activation, for batches of one size: (B, I) -> (B, O)."""

    def __init__(
        self, linear: nn.Linear, batch: int, activation: nn.Module | None = None, *, skips: bool = False
    ) -> None:
        self.weight, self.bias = linear.weight.detach(), linear.bias.detach()
        self.weight_gradient, self.bias_gradient = linear.weight.grad, linear.bias.grad
        self.activation = _ACTIVATIONS[type(activation)] if activation else None
        self.skips = skips
        outputs, inputs = self.weight.shape
        self.sums, self.sums_gradient = (self.weight.new_empty(batch, outputs) for _ in range(2))
        self.activated = torch.empty_like(self.sums) if activation else self.sums
        self.outputs = torch.empty_like(self.sums) if skips else self.activated
        self.inputs_gradient = self.weight.new_empty(batch, inputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """What `Hidden.forward` makes of (B, I): (B, O)."""
        self.inputs = inputs
        torch.addmm(self.bias, inputs, self.weight.t(), out=self.sums)
        if self.activation:
            self.activation.forward(self.sums, out=self.activated)
        if self.skips:
            torch.add(self.activated, inputs, out=self.outputs)
        return self.outputs

    def backward(self, gradient: Tensor) -> Tensor:
        """Given the gradient by the outputs (B, O), writes weight's and bias's; returns that by the sums."""
        by_sums = gradient
        if self.activation:
            by_sums = self.sums_gradient
            self.activation.backward(gradient, self.sums, self.activated, by_sums)
        torch.mm(by_sums.t(), self.inputs, out=self.weight_gradient)
        torch.sum(by_sums, dim=0, out=self.bias_gradient)
        return by_sums

    def backward_to_inputs(self, gradient: Tensor) -> Tensor:
        """The same, and returns the gradient by the inputs, (B, I)."""
        by_sums = self.backward(gradient)
        if self.skips:
            return torch.addmm(gradient, by_sums, self.weight, out=self.inputs_gradient)
        return torch.mm(by_sums, self.weight, out=self.inputs_gradient)


class _Network:
    """All layers of a model, for batches of one size."""

    def __init__(self, model: VAE, batch: int) -> None:
        encoder, decoder = model.encoder, model.decoder
        self.encoder = list(_layers(encoder.hidden, batch))
        self.bounded = encoder.bounded
        self.mean, self.logvar = (_Layer(head, batch) for head in (encoder.mean, encoder.logvar))
        self.decoder = [*_layers(decoder.hidden, batch), _Layer(decoder.logits, batch)]
        self.logits_gradient, self.softplus = (self.mean.weight.new_empty(batch, PIXELS) for _ in range(2))

    def run(self, x: Tensor, seen: Tensor, noise: Tensor, beta: float) -> tuple[Tensor, Tensor]:
        """Writes all gradients of reconstruction + beta KL, and returns both terms, summed over the batch."""
        hidden = seen
        for layer in self.encoder:
            hidden = layer.forward(hidden)
        mean, logvar = self.mean.forward(hidden), self.logvar.forward(hidden)
        if self.bounded:
            slope, logvar = torch.sigmoid(logvar).neg_(), functional.softplus(logvar).neg_()
        deviation = torch.exp(logvar / 2)
        logits = torch.addcmul(mean, deviation, noise)
        for layer in self.decoder:
            logits = layer.forward(logits)

        # -log p(x|z) = sum of log(1 + exp(l)) - x l over the pixels; its derivative by l is sigmoid(l) - x.
        aten.softplus.out(logits, out=self.softplus)
        reconstruction = self.softplus.sum() - torch.dot(logits.flatten(), x.flatten())
        variance = deviation.square()
        kl = -0.5 * (1 + logvar - mean.square() - variance).sum()

        gradient = torch.sigmoid(logits, out=self.logits_gradient).sub_(x)
        for layer in reversed(self.decoder):
            gradient = layer.backward_to_inputs(gradient)
        by_mean = torch.add(gradient, mean, alpha=beta)
        by_logvar = (gradient * noise * deviation + beta * (variance - 1)) / 2
        if self.bounded:
            by_logvar *= slope
        gradient = self.mean.backward_to_inputs(by_mean).add_(self.logvar.backward_to_inputs(by_logvar))
        for layer in reversed(self.encoder[1:]):
            gradient = layer.backward_to_inputs(gradient)
        self.encoder[0].backward(gradient)  # nobody asks for the gradient by the pixels
        return reconstruction, kl


def _layers(hidden: Hidden, batch: int) -> Iterator[_Layer]:
    for linear, activation, skips in hidden.steps():
        yield _Layer(linear, batch, activation, skips=skips)


class Gradients:
    """The weights of a model, in one tensor, and their gradient.

    `weights` (W,) is one parameter of which those of the model have become parts, in their order, and its
    gradient is theirs. `sums` (W + 2,) holds that gradient, and behind it the batch's reconstruction and KL,
    so that several workers can add up all they have to with one call. `terms` are these two.

    Args:
        precision: bfloat16 lets matrix products round their factors to 8 binary digits, where the processor
            has instructions for that; they still add up in float32, and all else is done in it.
    """

    def __init__(self, model: VAE, precision: Literal["float32", "bfloat16"] = "float32") -> None:
        self._model = model
        self._precision = "highest" if precision == "float32" else "medium"  # torch's words
        self._networks: dict[int, _Network] = {}  # by the size of their batches
        parameters = list(model.parameters())
        sizes = [parameter.numel() for parameter in parameters]
        self.weights = nn.Parameter(torch.cat([parameter.detach().flatten() for parameter in parameters]))
        self.sums = self.weights.new_zeros(sum(sizes) + 2)
        self.weights.grad, self.terms = self.sums[:-2], self.sums[-2:]
        parts = zip(
            parameters, self.weights.detach().split(sizes), self.weights.grad.split(sizes), strict=True
        )
        for parameter, values, gradient in parts:
            parameter.data, parameter.grad = values.view_as(parameter), gradient.view_as(parameter)

    @torch.no_grad()
    def __call__(self, x: Tensor, seen: Tensor, noise: Tensor, beta: float) -> Tensor:
        """Writes the gradient of a batch's loss, reconstruction + beta KL summed over its images.

        Args:
            x: (B, P) in [0, 1]
            seen: (B, P), what the encoder sees of it
            noise: (B, Z), standard normal

        Returns:
            reconstruction and KL, (2,), in nats, summed over the batch; the next call overwrites them.
        """
        if len(x) not in self._networks:  # an epoch's last batch is smaller
            self._networks[len(x)] = _Network(self._model, len(x))
        network = self._networks[len(x)]
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision(self._precision)
        try:
            torch.stack(network.run(x, seen, noise, beta), out=self.terms)
        finally:
            torch.set_float32_matmul_precision(before)
        return self.terms
