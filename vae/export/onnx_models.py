"""Encoder and decoder as ONNX models, made from the description of their layers. Imports no torch.

Shapes: N images, C channels, S pixels of a side, Z latent size, I and O a layer's inputs and outputs.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vae.export.packages import needed
from vae.inference.forward import Model
from vae.inference.scored_set import Floats
from vae.models.layers import Convolution, Kind, Layers, encoder_layers, image_layers

OPSET, IR_VERSION = 17, 8  # of 2022, so that old runtimes read the files, too
_ONE_OPERATOR: Mapping[Kind, str] = {"relu": "Relu", "tanh": "Tanh", "sine": "Sin", "sigmoid": "Sigmoid"}
_PURPOSE = "ONNX files"


def encoder_onnx(model: Model, facts: Mapping[str, str]) -> bytes:
    """The encoder: `image` (N, C, S, S) in [0, 1] to `mean` and `logvar` of q(z|x), (N, Z) each; float32.

    Args:
        facts: the file's metadata.

    Raises VaeError if the package onnx is missing.
    """
    graph, layers = _Graph(model, "encoder"), encoder_layers(model.config)
    shared = graph.run(layers.shared, graph.node("Flatten", "image", axis=1))
    for name, part in (("mean", layers.mean), ("logvar", layers.logvar)):
        graph.give(graph.run(part, shared), name)
    latents = ["N", model.config.latent_dim]
    return graph.file({"image": _image_shape(model)}, {"mean": latents, "logvar": latents}, facts)


def decoder_onnx(model: Model, facts: Mapping[str, str]) -> bytes:
    """The decoder: `z` (N, Z) to `image`, the mean of p(x|z), (N, C, S, S) in [0, 1]; as `encoder_onnx`."""
    graph, (_, *shape) = _Graph(model, "decoder"), _image_shape(model)
    rows = graph.run(image_layers(model.config), "z")
    graph.give(graph.reshaped(rows, shape), "image")
    return graph.file({"z": ["N", model.config.latent_dim]}, {"image": _image_shape(model)}, facts)


def _image_shape(model: Model) -> list[Any]:
    return ["N", model.config.channels, model.config.side, model.config.side]


class _Graph:
    """The nodes and weights of a graph; each method returns the name of the value that it adds."""

    def __init__(self, model: Model, part: str) -> None:
        self._onnx = needed("onnx", _PURPOSE)
        self._model, self._part = model, part
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        output = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def constant(self, name: str, values: Any) -> str:
        self._constants[name] = self._onnx.numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def number(self, value: float) -> str:
        return self.constant(f"number_{value:g}", np.array(value, np.float32))

    def reshaped(self, x: str, shape: Sequence[int]) -> str:
        sizes = [-1, *shape]
        name = "shape_" + "_".join(map(str, shape))
        return self.node("Reshape", x, self.constant(name, np.array(sizes, np.int64)))

    def give(self, value: str, name: str) -> None:
        """Makes a value an output of the graph."""
        self._nodes.append(self._onnx.helper.make_node("Identity", [value], [name], name))

    def run(self, layers: Layers, x: str) -> str:
        """The layers one after the other: (N, I) -> (N, O)."""
        before, maps = x, False  # whether x is (N, C, S, S)
        for layer in layers:
            if layer["kind"] == "dense":
                before = self.node("Flatten", x, axis=1) if maps else x
                x, maps = self.node("Gemm", before, *self._weights(layer["name"]), transB=1), False
            elif layer["kind"] == "downsample" or layer["kind"] == "upsample":
                (channels, _), (side, _) = layer["channels"], layer["sides"]
                x = x if maps else self.reshaped(x, (channels, side, side))
                x, maps = self._convolution(layer, x), True
            elif layer["kind"] == "add":
                x = self.node("Add", before, x)
            else:
                x = self._activation(layer["kind"], x)
        return self.node("Flatten", x, axis=1) if maps else x

    def _weights(self, name: str) -> list[str]:
        names = (f"{self._part}.{name}.{each}" for each in ("weight", "bias"))
        return [self.constant(each, self._weight(each)) for each in names]

    def _weight(self, name: str) -> Floats:
        return self._model.weights[name]

    def _convolution(self, layer: Convolution, x: str) -> str:
        (side, out_side), doubles = layer["sides"], layer["kind"] == "upsample"
        if doubles:
            scales = self.constant("doubled", np.array([1, 1, 2, 2], np.float32))
            x = self.node(
                *("Resize", x, "", scales),
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        strides = [1, 1] if doubles else [2, 2]
        x = self.node("Conv", x, *self._weights(layer["name"]), pads=[1, 1, 1, 1], strides=strides)
        if doubles and out_side < 2 * side:  # an odd side
            bounds = (("start", [0, 0]), (f"end_{out_side}", [out_side, out_side]), ("axes", [2, 3]))
            x = self.node(
                "Slice", x, *(self.constant(name, np.array(each, np.int64)) for name, each in bounds)
            )
        return x

    def _activation(self, kind: Kind, x: str) -> str:
        if kind in _ONE_OPERATOR:
            return self.node(_ONE_OPERATOR[kind], x)
        if kind == "silu":
            return self.node("Mul", x, self.node("Sigmoid", x))
        if kind == "gelu":  # x (1 + erf(x / √2)) / 2; the operator Gelu came with opset 20
            erf = self.node("Erf", self.node("Mul", x, self.number(math.sqrt(0.5))))
            half = self.node("Mul", x, self.number(0.5))
            return self.node("Mul", half, self.node("Add", erf, self.number(1)))
        if kind == "clip":
            return self.node("Clip", x, self.number(0), self.number(1))
        assert kind == "negative_softplus"
        return self.node("Neg", self.node("Softplus", x))

    def file(
        self,
        inputs: Mapping[str, Sequence[Any]],
        outputs: Mapping[str, Sequence[Any]],
        facts: Mapping[str, str],
    ) -> bytes:
        """The graph with these shapes of its inputs and outputs as a file, checked by the package onnx."""
        helper, onnx = self._onnx.helper, self._onnx
        values = (
            [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in of.items()]
            for of in (inputs, outputs)
        )
        graph = helper.make_graph(self._nodes, self._part, *values, list(self._constants.values()))
        model = helper.make_model(
            graph,
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
            producer_name="vae-playground",
        )
        helper.set_model_props(model, dict(facts))
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString()
