"""The losses of a batch and their gradient, derived by hand and written into preallocated buffers.

Autograd records every operation and allocates every result, which takes time (docs/LOG.md). Here each layer
computes its own derivative, all weights lie one after the other in a single tensor, and every result
overwrites that of the step before. A test compares every derivative with that of autograd. In a network with
convolutions their products take nearly all of the time, and autograd differentiates it.

Shapes: B batch, P pixels, Z latent size, I and O a layer's inputs and outputs, W all weights of a model.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from vae.config import TrainConfig
from vae.models import losses
from vae.models.aten_operators import operator
from vae.models.layers import Kind, Layers, blocks
from vae.models.losses import Bernoulli
from vae.models.network import VAE, Network


class _Activation(NamedTuple):
    """An activation y = a(x) and its derivative."""

    forward: Callable[..., Any]  # (x, out=y)
    backward: Callable[[Tensor, Tensor, Tensor, Tensor], Any]  # (dL/dy, x, y, out=dL/dx)


_ACTIVATIONS: dict[Kind, _Activation] = {
    "relu": _Activation(
        partial(torch.clamp_min, min=0),
        lambda gradient, x, _, out: operator("threshold_backward.grad_input")(gradient, x, 0, grad_input=out),
    ),
    "silu": _Activation(
        lambda x, out: operator("silu.out")(x, out=out),
        lambda gradient, x, _, out: operator("silu_backward.grad_input")(gradient, x, grad_input=out),
    ),
    "gelu": _Activation(
        lambda x, out: operator("gelu.out")(x, out=out),
        lambda gradient, x, _, out: operator("gelu_backward.grad_input")(gradient, x, grad_input=out),
    ),
    "tanh": _Activation(
        torch.tanh,
        lambda gradient, _, y, out: operator("tanh_backward.grad_input")(gradient, y, grad_input=out),
    ),
    "sine": _Activation(torch.sin, lambda gradient, x, _, out: torch.cos(x, out=out).mul_(gradient)),
    "negative_softplus": _Activation(
        lambda x, out: operator("softplus.out")(x, out=out).neg_(),
        lambda gradient, x, _, out: torch.sigmoid(x, out=out).neg_().mul_(gradient),
    ),
}


class _Layer:
    """A linear layer with its activation and buffers for batches of one size: (B, I) -> (B, O)."""

    def __init__(
        self, linear: nn.Linear, batch: int, activation: Kind | None = None, *, skips: bool = False
    ) -> None:
        self.weight, self.bias = linear.weight.detach(), linear.bias.detach()
        self.weight_gradient, self.bias_gradient = linear.weight.grad, linear.bias.grad
        self.activation = _ACTIVATIONS[activation] if activation else None
        self.skips = skips
        outputs, inputs = self.weight.shape
        self.sums, self.sums_gradient = (self.weight.new_empty(batch, outputs) for _ in range(2))
        self.activated = torch.empty_like(self.sums) if activation else self.sums
        self.outputs = torch.empty_like(self.sums) if skips else self.activated
        self.inputs_gradient = self.weight.new_empty(batch, inputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """The layer's outputs: (B, I) -> (B, O)."""
        self.inputs = inputs
        torch.addmm(self.bias, inputs, self.weight.t(), out=self.sums)
        if self.activation:
            self.activation.forward(self.sums, out=self.activated)
        if self.skips:
            torch.add(self.activated, inputs, out=self.outputs)
        return self.outputs

    def backward(self, gradient: Tensor) -> Tensor:
        """Writes dL/dW and dL/db, given dL/d(outputs) (B, O); returns dL/d(sums), before the activation."""
        by_sums = gradient
        if self.activation:
            by_sums = self.sums_gradient
            self.activation.backward(gradient, self.sums, self.activated, by_sums)
        torch.mm(by_sums.t(), self.inputs, out=self.weight_gradient)
        torch.sum(by_sums, dim=0, out=self.bias_gradient)
        return by_sums

    def backward_to_inputs(self, gradient: Tensor) -> Tensor:
        """As `backward`, but returns dL/d(inputs), (B, I)."""
        by_sums = self.backward(gradient)
        if self.skips:
            return torch.addmm(gradient, by_sums, self.weight, out=self.inputs_gradient)
        return torch.mm(by_sums, self.weight, out=self.inputs_gradient)


class _Network:
    """All layers of a model, with buffers for batches of one size."""

    def __init__(self, model: VAE, batch: int) -> None:
        self.model = model
        encoder, decoder = model.encoder, model.decoder
        shared, mean, logvar = encoder.layers
        self.shared = list(_make_layers(encoder, shared, batch))
        self.mean = list(_make_layers(encoder, mean, batch))
        self.logvar = list(_make_layers(encoder, logvar, batch))
        self.decoder = list(_make_layers(decoder, decoder.layers, batch))
        weight = self.mean[0].weight
        self.logits_gradient, self.softplus = (
            weight.new_empty(batch, model.decoder.pixels) for _ in range(2)
        )

    def run(self, x: Tensor, seen: Tensor, noise: Tensor, beta: float, free: float) -> tuple[Tensor, Tensor]:
        """Writes the gradient of reconstruction + beta KL; returns both terms, summed over the batch.

        Shapes and units as in `Gradients.__call__`. The KL is the closed form (Kingma & Welling 2013,
        appendix B), and z = mean + deviation · noise is their reparametrisation (section 2.4).
        """
        shared = _forward(self.shared, seen)
        mean, logvar = _forward(self.mean, shared), _forward(self.logvar, shared)
        deviation = torch.exp(logvar / 2)
        logits = _forward(self.decoder, torch.addcmul(mean, deviation, noise))

        likelihood = self.model.likelihood
        if isinstance(likelihood, Bernoulli):
            # -log p(x|z) = sum of log(1 + exp(l)) - x l; its derivative by l is sigmoid(l) - x.
            operator("softplus.out")(logits, out=self.softplus)
            reconstruction = self.softplus.sum() - torch.dot(logits.flatten(), x.flatten())
            gradient = torch.sigmoid(logits, out=self.logits_gradient).sub_(x)
        else:
            reconstruction, gradient = likelihood.loss(logits, x).sum(), likelihood.slope(logits, x)
        variance = deviation.square()
        kl = -0.5 * (1 + logvar - mean.square() - variance).sum(dim=0)
        weights = kl_weights(kl / len(x), beta, free)

        by_z = _backward(self.decoder, gradient)
        by_mean = by_z + weights * mean
        by_logvar = (by_z * noise * deviation + weights * (variance - 1)) / 2
        by_shared = _backward(self.mean, by_mean).add_(_backward(self.logvar, by_logvar))
        first, *others = self.shared
        first.backward(_backward(others, by_shared))  # dL/d(pixels) is not needed
        return reconstruction, kl.sum()


def kl_weights(kl: Tensor, beta: float, free: float) -> Tensor | float:
    """What a nat of KL costs in each dimension: (Z,) -> (Z,); the same in all without free bits.

    Args:
        kl: of each dimension, mean over the batch, in nats.
    """
    return beta * (kl > free) if free else beta


def _make_layers(network: Network, layers: Layers, batch: int) -> Iterator[_Layer]:
    for layer, activation, skips in blocks(layers):
        yield _Layer(network.linear(layer["name"]), batch, activation, skips=skips)


def _forward(layers: Sequence[_Layer], inputs: Tensor) -> Tensor:
    """The outputs of the last layer: (B, I) -> (B, O)."""
    for layer in layers:
        inputs = layer.forward(inputs)
    return inputs


def _backward(layers: Sequence[_Layer], gradient: Tensor) -> Tensor:
    """Writes the gradients of all weights, given dL/d(outputs) (B, O); returns dL/d(inputs), (B, I)."""
    for layer in reversed(layers):
        gradient = layer.backward_to_inputs(gradient)
    return gradient


class Gradients:
    """Computes the gradient of a model's loss by all of its weights, which it moves into one tensor.

    Attributes:
        weights: (W,), one parameter; the model's parameters become views into it, in their order, and their
            gradients views into its gradient.
        sums: (W + 2,), that gradient, then the batch's reconstruction and KL: one tensor, so that several
            workers add up everything with one call.
        terms: (2,), a view of the reconstruction and KL in `sums`.

    Args:
        precision: bfloat16 lets products of dense layers round their factors to 8 significant bits, where the
            processor has instructions for that; sums and everything else stay in float32.
    """

    def __init__(self, model: VAE, precision: Literal["float32", "bfloat16"] = "float32") -> None:
        self._model = model
        self._precision = "highest" if precision == "float32" else "medium"  # torch's names
        self._networks: dict[int, _Network] = {}  # by batch size
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
    def __call__(self, x: Tensor, seen: Tensor, noise: Tensor, beta: float, free: float = 0) -> Tensor:
        """Writes the gradient of a batch's loss: reconstruction + beta KL, summed over its images.

        With `free` > 0 the KL of a dimension costs nothing while its mean over the batch is below that: free
        bits (Kingma et al. 2016, arXiv:1606.04934, appendix C.8), in nats.

        Args:
            x: (B, P) in [0, 1]
            seen: (B, P), the encoder's input: x, or x with pixels dropped
            noise: (B, Z), standard normal

        Returns:
            `terms`: reconstruction and KL, in nats, summed over the batch; the next call overwrites them.
        """
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision(self._precision)
        try:
            torch.stack(self._run(x, seen, noise, beta, free), out=self.terms)
        finally:
            torch.set_float32_matmul_precision(before)
        return self.terms

    def _run(self, x: Tensor, seen: Tensor, noise: Tensor, beta: float, free: float) -> tuple[Tensor, Tensor]:
        """Writes the gradient; returns reconstruction and KL, summed over the batch."""
        if len(x) not in self._networks:  # an epoch's last batch is smaller
            self._networks[len(x)] = _Network(self._model, len(x))
        return self._networks[len(x)].run(x, seen, noise, beta, free)


class AutogradGradients(Gradients):
    """As `Gradients`, by autograd: for networks with layers whose derivatives are not written by hand."""

    def _run(self, x: Tensor, seen: Tensor, noise: Tensor, beta: float, free: float) -> tuple[Tensor, Tensor]:
        model = self._model
        self.sums.zero_()  # autograd adds to the gradients that are there, which are views of this
        with torch.enable_grad():
            mean, logvar = model.encoder(seen)
            logits = model.decoder(model.reparameterize(mean, logvar, noise))
            reconstruction = model.likelihood.loss(logits, x).sum()
            kl = losses.kl_by_dimension(mean, logvar).sum(dim=0)
            loss = reconstruction + (kl_weights(kl.detach() / len(x), beta, free) * kl).sum()
        loss.backward()
        return reconstruction.detach(), kl.detach().sum()


def gradients_for(model: VAE, config: TrainConfig) -> Gradients:
    """What computes the gradients of a model of this config: by hand, or by autograd with convolutions."""
    kind = AutogradGradients if config.network == "conv" else Gradients
    return kind(model, config.precision)
