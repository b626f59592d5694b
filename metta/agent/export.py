"""Clean export: a trained network without wrappers, as safetensors, torch.export and ONNX, checked by numbers."""

from __future__ import annotations

import copy
import importlib.util
import json
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from metta.agent.components.per_population import POPULATION_KEY
from metta.agent.container import ComponentContainer
from metta.agent.module import NEXT_MEMORY_PREFIX
from metta.agent.policy import Policy
from metta.agent.wrappers.base import Role
from metta.common.errors import CheckpointError, ConfigError
from metta.common.suggest import did_you_mean

if TYPE_CHECKING:
    from torch.export import ExportedProgram

Format = Literal["safetensors", "torch_export", "onnx"]
FILES: Final[dict[Format, str]] = {
    "safetensors": "weights.safetensors",
    "torch_export": "network.pt2",
    "onnx": "network.onnx",
}
DESCRIPTION: Final = "export.json"
RTOL, ATOL = 1e-4, 1e-5
_CHECKED_BATCHES = (1, 2, 5)
_EXAMPLE_BATCH = 3  # neither 0 nor 1, which torch.export takes for constants


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the files by format, the keys that the network reads and writes, in the order of the graphs'
    inputs and outputs, and the largest difference from the network that the checks found, by format."""

    files: dict[Format, Path]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    largest_difference: dict[Format, float]


def export_network(
    source: Policy | ComponentContainer,
    folder: Path | str,
    formats: Iterable[Format] = ("safetensors", "torch_export", "onnx"),
    *,
    example: Mapping[str, Tensor] | None = None,
    outputs: Sequence[str] | None = None,
    keep: Iterable[Role] = (),
) -> Exported:
    """Write the clean network of a policy (or a network) into ``folder``; the source stays as it is.

    The graphs compute one acting step in eval mode: a batch of any size in, ``outputs`` out (a policy: ``logits``,
    ``values`` and the next memory; a network: what no component reads). Wrappers leave no trace, unless ``keep`` names
    their role. Native kernels are exported as their torch expressions. ``example`` is a batch of inputs; needed where
    shapes or dtypes do not follow from the network and its EnvSpec. ``export.json`` tells keys, shapes and dtypes:
    inputs ``[B, *shape]``, outputs ``[B, *shape]``.

    Raises:
        ConfigError: an unknown format or output, inputs that need an example, onnx is not installed.
        CheckpointError: a graph computes something else than the network; the file is removed.
    """
    wanted = _check_formats(formats)
    place = Path(folder)
    network = source.network if isinstance(source, Policy) else source
    clean = copy.deepcopy(network.get_clean_network(tuple(keep))).to("cpu").eval()
    module = _Straight(clean, _outputs_of(source, clean, outputs))
    batches = _Batches(source, clean, example)
    place.mkdir(parents=True, exist_ok=True)
    files: dict[Format, Path] = {name: place / FILES[name] for name in wanted}
    if "safetensors" in files:
        save_file(_weights_of(clean), files["safetensors"])
    try:
        differences = _write_graphs(files, module, batches)
    except (ConfigError, CheckpointError):
        for path in files.values():  # all or nothing
            path.unlink(missing_ok=True)
        raise
    done = Exported(files, tuple(module.in_keys), tuple(module.out_keys), differences)
    (place / DESCRIPTION).write_text(_describe(done, module, batches), encoding="utf-8")
    return done


def _weights_of(network: ComponentContainer) -> dict[str, Tensor]:
    return {name: tensor.detach().clone().contiguous() for name, tensor in network.state_dict().items()}


def _write_graphs(files: Mapping[Format, Path], module: _Straight, batches: _Batches) -> dict[Format, float]:
    """Trace once, write each format that was asked for; the largest difference that its check found."""
    writers: dict[Format, Any] = {"torch_export": _write_torch_export, "onnx": _write_onnx}
    asked: dict[Format, Path] = {name: path for name, path in files.items() if name in writers}
    if not asked:
        return {}
    program = _trace(module, batches.make(_EXAMPLE_BATCH))
    differences: dict[Format, float] = {}
    for name, path in asked.items():
        try:
            run = writers[name](program, path, module)
        except RuntimeError as error:  # torch tells it in hundreds of lines, the last cause first
            reason = str(error).strip().splitlines()[0]
            raise ConfigError(
                f"this network cannot be written as {name}: {reason}. Leave {name} out of formats, or keep what it "
                "cannot express (complex numbers, loops that depend on data) out of the components."
            ) from error
        differences[name] = _largest_difference(name, path, run, module, batches)
    return differences


class _Straight(nn.Module):
    """The network as a function of tensors in the order of its input keys."""

    def __init__(self, network: ComponentContainer, out_keys: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.in_keys, self.out_keys = list(network.in_keys), list(out_keys)
        for part in network.modules():
            if getattr(part, "native", False):
                part.__dict__["native"] = False  # graphs hold torch operators only

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        produced = self.network._compute(dict(zip(self.in_keys, tensors, strict=True)))
        return tuple(produced[key] for key in self.out_keys)


class _Batches:
    """Inputs of any batch size, in the order of the network's keys."""

    def __init__(
        self, source: Policy | ComponentContainer, network: ComponentContainer, example: Mapping[str, Tensor] | None
    ) -> None:
        self.example: dict[str, Tensor] = {}
        shapes = network.input_shapes
        if isinstance(source, Policy):
            shapes["env_obs"] = tuple(source.spec.obs_shape)
        for key in network.in_keys:
            given = None if example is None else example.get(key)
            if given is not None:
                self.example[key] = given.detach().cpu()
                continue
            if key == POPULATION_KEY:  # every value that there can be
                self.example[key] = torch.arange(max(1, len(network.controller.populations.names)))
                continue
            shape = shapes.get(key, () if key == "first" else None)
            typed = key != "env_obs" or isinstance(source, Policy)  # tokens are bytes, boxes are not
            if shape is None or not typed or not all(isinstance(size, int) for size in shape):
                raise ConfigError(
                    f"input {key!r} has shape {shape}: not all sizes, or not its dtype, are known. "
                    f"Give export_network an example: {{{key!r}: tensor, ...}}."
                )
            is_policy = isinstance(source, Policy)
            dtype = getattr(torch, source.spec.obs_dtype) if is_policy and key == "env_obs" else torch.float32
            sizes = [size for size in shape if isinstance(size, int)]
            self.example[key] = torch.zeros(1, *sizes, dtype=torch.bool if key == "first" else dtype)

    def make(self, batch: int) -> tuple[Tensor, ...]:
        """Random ones; where an example was given, its rows in turn."""
        generator = torch.Generator().manual_seed(batch)
        return tuple(self._rows(tensor, batch, generator) for tensor in self.example.values())

    def _rows(self, like: Tensor, batch: int, generator: torch.Generator) -> Tensor:
        if like.shape[0] > 1 or bool(like.any()):
            return like[torch.arange(batch) % like.shape[0]].clone()
        shape = (batch, *like.shape[1:])
        if like.is_floating_point():
            return torch.randn(shape, generator=generator, dtype=like.dtype)
        return torch.randint(0, 2 if like.dtype is torch.bool else 20, shape, generator=generator).to(like.dtype)


def _trace(module: _Straight, inputs: tuple[Tensor, ...]) -> ExportedProgram:
    batch = torch.export.Dim("batch", min=1)
    with torch.no_grad():
        module.network.validate(dict(zip(module.in_keys, inputs, strict=True)))
        return torch.export.export(module, inputs, dynamic_shapes=(tuple({0: batch} for _ in inputs),))


Run = Callable[[tuple[Tensor, ...]], Sequence[Tensor]]


def _write_torch_export(program: ExportedProgram, path: Path, module: _Straight) -> Run:
    torch.export.save(program, path)
    graph = program.module()
    return lambda inputs: graph(*inputs)


def _write_onnx(program: ExportedProgram, path: Path, module: _Straight) -> Run:
    import onnxruntime  # pyright: ignore[reportMissingImports] - the extra `export`

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own calls of deprecated functions are not ours to mend
        written = torch.onnx.export(
            program, input_names=module.in_keys, output_names=module.out_keys, dynamo=True, verbose=False
        )
        assert written is not None
        written.save(path)
    session: Any = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]

    def run(inputs: tuple[Tensor, ...]) -> list[Tensor]:
        # What the graph does not need (a row's number, say) is no input of an ONNX file.
        fed = {key: tensor.numpy() for key, tensor in zip(module.in_keys, inputs, strict=True) if key in names}
        return [torch.from_numpy(result) for result in session.run(None, fed)]

    return run


def _largest_difference(name: str, path: Path, run: Run, module: _Straight, batches: _Batches) -> float:
    largest = 0.0
    for batch in _CHECKED_BATCHES:
        inputs = batches.make(batch)
        with torch.no_grad():
            expected, got = module(*inputs), run(inputs)
        for key, one, other in zip(module.out_keys, expected, got, strict=True):
            difference = float((one.float() - other.float()).abs().max()) if one.numel() else 0.0
            largest = max(largest, difference)
            if one.shape != other.shape or not torch.allclose(one, other, rtol=RTOL, atol=ATOL):
                path.unlink()
                raise CheckpointError(
                    f"{name}: output {key!r} of a batch of {batch} has shape {tuple(other.shape)} and differs by up to "
                    f"{difference:.3g} from the network's {tuple(one.shape)}; allowed are {RTOL:g} of the value plus "
                    f"{ATOL:g}. {path.name} was not written."
                )
    return largest


def _outputs_of(source: Policy | ComponentContainer, network: ComponentContainer, asked: Any) -> list[str]:
    produced = list(network.out_keys)
    if asked is not None:
        for key in asked:
            if key not in produced:
                raise ConfigError(f"no output {key!r}; the network writes {produced}.{did_you_mean(key, produced)}")
        return list(asked)
    if isinstance(source, Policy):
        return ["logits", "values", *(key for key in produced if key.startswith(NEXT_MEMORY_PREFIX))]
    read = {str(key) for component in network.values() for key in component.in_keys}  # pyright: ignore
    return [key for key in produced if key not in read]


def _check_formats(formats: Iterable[str]) -> list[Format]:
    known: list[Format] = list(get_args(Format))
    wanted: list[Format] = []
    for name in [formats] if isinstance(formats, str) else formats:
        if name not in known:
            raise ConfigError(f"no export format {name!r}; there are {known}.{did_you_mean(name, known)}")
        wanted.append(name)
    if "onnx" in wanted:
        needed = ("onnx", "onnxscript", "onnxruntime")
        if missing := [package for package in needed if importlib.util.find_spec(package) is None]:
            raise ConfigError(f"format onnx needs {missing}. Install them: pip install 'metta[export]'.")
    return wanted


def _describe(done: Exported, module: _Straight, batches: _Batches) -> str:
    with torch.no_grad():
        results = module(*batches.make(1))
    inputs = dict(zip(module.in_keys, batches.make(1), strict=True))

    def listed(tensors: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        return [
            {"key": key, "shape": ["batch", *tensor.shape[1:]], "dtype": str(tensor.dtype).removeprefix("torch.")}
            for key, tensor in tensors.items()
        ]

    told = {
        "inputs": listed(inputs),
        "outputs": listed(dict(zip(module.out_keys, results, strict=True))),
        "components": list(module.network.execution_order),
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "files": {name: path.name for name, path in done.files.items()},
        "largest_difference": done.largest_difference,
    }
    return json.dumps(told, indent=1) + "\n"
