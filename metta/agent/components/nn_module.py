"""Any torch module as a component: by class name and arguments, as an instance, or several in a row."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from metta.agent.components.inference import complete, shape_of
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError, KeyContractError
from metta.common.suggest import did_you_mean


class SequentialModule(MettaModule):
    """Layers one after the other.

    Layers see one batch dimension, whatever there were. Without shapes the layers see the tensor as it is.

    Shapes: ``in_key [..., *input_shape]`` -> ``out_key [..., *output_shape]``.

    >>> layers = [nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU()]
    >>> encoder = SequentialModule(layers, "observation", "features", (64,), (128,))
    >>> encoder({"observation": torch.randn(4, 64)})["features"].shape
    torch.Size([4, 128])
    """

    def __init__(
        self,
        layers: Sequence[nn.Module | str | Mapping[str, Any]],
        in_key: str = "input",
        out_key: str = "output",
        input_shape: Shape | None = None,
        output_shape: Shape | None = None,
    ) -> None:
        """``layers``: modules, class names (``"ReLU"``), or ``{"class": name, argument: value, ...}``."""
        sequential = nn.Sequential(*map(_layer, layers))
        output_shape = _output_shape(sequential, input_shape, output_shape)
        super().__init__(
            [in_key],
            [out_key],
            input_shapes=_declared(in_key, input_shape),
            output_shapes=_declared(out_key, output_shape),
        )
        self.in_key, self.out_key = in_key, out_key
        self.in_dims = None if input_shape is None else len(input_shape)
        self.sequential = sequential

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, input_shape=shape_of(shapes, in_keys))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {self.out_key: in_one_batch(self.sequential, td[self.in_key], self.in_dims)}


class NNModule(MettaModule):
    """Any ``nn.Module``: pooling, dropout, norms, flatten, or one of your own.

    ``module`` is a class name (of ``torch.nn``, or dotted: ``"mypackage.layers.Mine"``) with its ``arguments``, or an
    instance. It is called with the tensor of ``in_key``, with one batch dimension when ``input_shape`` is given; the
    shape of its output is then found out by a call with zeros. An instance that has ``in_keys`` and ``out_keys`` of its
    own and takes a mapping is called with one, and its keys and shapes are used; so are parameter names.

    Shapes: ``in_key [..., *input_shape]`` -> ``out_key [..., *output_shape]``.

    >>> pool = NNModule("MaxPool2d", {"kernel_size": 2}, "box", "small", input_shape=(3, 8, 8))
    >>> pool({"box": torch.randn(5, 2, 3, 8, 8)})["small"].shape
    torch.Size([5, 2, 3, 4, 4])

    Raises:
        ConfigError: there is no such class, or it is no ``nn.Module``.
    """

    def __init__(
        self,
        module: str | nn.Module,
        arguments: Mapping[str, Any] | None = None,
        in_key: str | None = None,
        out_key: str | None = None,
        *,
        input_shape: Shape | None = None,
        output_shape: Shape | None = None,
    ) -> None:
        inner = _made(module, arguments or {}) if isinstance(module, str) else module
        own = _own_keys(inner)
        if own is not None and in_key is None and out_key is None:
            in_keys, out_keys = own
            super().__init__(
                in_keys,
                out_keys,
                input_shapes=getattr(inner, "input_shapes", None),
                output_shapes=getattr(inner, "output_shapes", None),
            )
        else:
            in_key, out_key = in_key or "input", out_key or "output"
            output_shape = _output_shape(inner, input_shape, output_shape)
            super().__init__(
                [in_key],
                [out_key],
                input_shapes=_declared(in_key, input_shape),
                output_shapes=_declared(out_key, output_shape),
            )
            own = None
        self.speaks_keys = own is not None
        self.in_dims = None if input_shape is None else len(input_shape)
        self.module = inner

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        found = complete(config, input_shape=shape_of(shapes, in_keys))
        shape, argument = found.get("input_shape"), _NORM_SIZES.get(str(config.get("module")))
        if shape and argument and argument not in (config.get("arguments") or {}):
            size = list(shape) if argument == "normalized_shape" else shape[0]
            found["arguments"] = {argument: size, **(config.get("arguments") or {})}
        return found

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        if not self.speaks_keys:
            return {str(self.out_keys[0]): in_one_batch(self.module, td[str(self.in_keys[0])], self.in_dims)}
        outputs = self.module({key: td[key] for key in map(str, self.in_keys)})
        if missing := [key for key in map(str, self.out_keys) if key not in outputs]:
            raise KeyContractError(
                f"{type(self.module).__name__} has out_keys {self.out_keys}, but its forward wrote no {missing}. "
                f"forward(td) must write them into td and return it."
            )
        return {key: outputs[key] for key in map(str, self.out_keys)}


_NORM_SIZES = {"BatchNorm1d": "num_features", "BatchNorm2d": "num_features", "LayerNorm": "normalized_shape"}
"""Arguments of torch's norms that follow from the input."""


def in_one_batch(function: Callable[[Tensor], Tensor], x: Tensor, in_dims: int | None) -> Tensor:
    """``function(x)`` with all dimensions before the last ``in_dims`` as one; None: ``x`` as it is."""
    if in_dims is None:
        return function(x)
    batch = x.shape[: x.ndim - in_dims]
    # A count of rows, not -1: an input of size 0 has no rows to guess.
    out = function(x.reshape(math.prod(batch), *x.shape[x.ndim - in_dims :]))
    return out.reshape(*batch, *out.shape[1:])


def module_class(name: str) -> type[nn.Module]:
    """The ``nn.Module`` class of that name: of ``torch.nn``, or dotted.

    Raises:
        ConfigError: there is none, or it is something else.
    """
    path, _, last = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(path or "torch.nn"), last, None)
    except ImportError as error:
        raise ConfigError(
            f"NNModule module={name!r}: {error}. Give torch.nn's name or package.module.Class."
        ) from error
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        hint = "" if path else did_you_mean(last, [other for other in dir(nn) if other[0].isupper()])
        what = "does not exist" if found is None else "is no nn.Module class"
        raise ConfigError(f"NNModule module={name!r} {what}.{hint} Give torch.nn's name or package.module.Class.")
    return found


def _made(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    cls = module_class(name)
    try:
        return cls(**arguments)
    except TypeError as error:
        raise ConfigError(f"{name} does not take the arguments {dict(arguments)}: {error}.") from error


def _layer(layer: nn.Module | str | Mapping[str, Any]) -> nn.Module:
    if isinstance(layer, nn.Module):
        return layer
    if isinstance(layer, str):
        return _made(layer, {})
    if "class" not in layer:
        raise ConfigError(f'a layer is a class name or {{"class": name, ...}}; got {dict(layer)}. Add class: Linear.')
    return _made(str(layer["class"]), {name: value for name, value in layer.items() if name != "class"})


def _own_keys(module: nn.Module) -> tuple[list[str], list[str]] | None:
    in_keys, out_keys = getattr(module, "in_keys", None), getattr(module, "out_keys", None)
    return None if in_keys is None or out_keys is None else (list(in_keys), list(out_keys))


def _declared(key: str, shape: Shape | None) -> dict[str, Shape]:
    return {} if shape is None else {key: tuple(shape)}


def _output_shape(module: nn.Module, input_shape: Shape | None, output_shape: Shape | None) -> Shape | None:
    """What was said, or what a call with zeros shows."""
    if output_shape is not None or input_shape is None:
        return output_shape
    sizes = [size for size in input_shape if isinstance(size, int)]
    if len(sizes) < len(input_shape):
        return None
    was_training = module.training
    try:
        with torch.no_grad():  # in evaluation mode: dropout draws nothing, batch norm keeps its statistics
            return tuple(module.eval()(torch.zeros(1, *sizes)).shape[1:])
    except (RuntimeError, ValueError, IndexError) as error:
        raise ConfigError(
            f"{type(module).__name__} does not take inputs of shape {tuple(input_shape)}: {error}. "
            f"Change its arguments or input_shape."
        ) from error
    finally:
        module.train(was_training)
