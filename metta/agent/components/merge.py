"""Merge: several inputs, or parts of them, become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from metta.agent.components.inference import complete
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError, ShapeContractError

MergeType = Literal["concat", "add", "subtract", "mean"]
_TYPES = ("concat", "add", "subtract", "mean")
Source = str | Mapping[str, Any]


class Merge(MettaModule):
    """Inputs joined end to end, added up, subtracted from the first, or averaged.

    An input is a key, or ``{"key": key, "slice": (start, end), "dim": dim}``: from start to before end along ``dim``
    (default: the last). A key may stand more than once, with other slices. ``dim`` says along which dimension
    ``concat`` joins. Dimensions count from the end (-1 is the last), or, where ``shapes`` are given, from 0 without the
    batch's.

    Shapes: ``[..., *shape_i]`` each -> ``merged [..., *shape]``: all sizes equal, but for ``concat`` that of ``dim``.

    >>> merge = Merge(["input1", "input2"], merge_type="concat")
    >>> merge({"input1": torch.randn(3, 5), "input2": torch.randn(3, 7)})["merged"].shape
    torch.Size([3, 12])
    """

    def __init__(
        self,
        in_keys: Sequence[Source],
        out_key: str = "merged",
        *,
        merge_type: MergeType = "concat",
        dim: int = -1,
        slices: Sequence[Sequence[int] | None] | None = None,
        shapes: Mapping[str, Shape] | None = None,
    ) -> None:
        """``slices``: ``(start, end)``, ``(start, end, dim)`` or None for each input; another way to write the same."""
        if merge_type not in _TYPES:
            raise ConfigError(f"Merge got merge_type={merge_type!r}; it knows {list(_TYPES)}.")
        self_sources = [_parse(source) for source in in_keys]
        if slices is not None:
            if len(slices) != len(self_sources):
                raise ConfigError(
                    f"Merge got {len(slices)} slices for {len(self_sources)} inputs; give one (or null) each."
                )
            self_sources = [
                source if cut is None else _parse({"key": source[0], "slice": cut[:2], "dim": (*cut, -1)[2]})
                for source, cut in zip(self_sources, slices, strict=True)
            ]
        if not self_sources or (merge_type == "subtract" and len(self_sources) < 2):
            raise ConfigError(
                f"Merge {merge_type!r} got {len(self_sources)} inputs; give at least one, two to subtract."
            )
        shapes = {key: tuple(shape) for key, shape in (shapes or {}).items()}
        sources = [(key, cut, _from_end(at, key, shapes)) for key, cut, at in self_sources]
        keys = list(dict.fromkeys(key for key, _, _ in sources))
        dim = _from_end(dim, keys[0], shapes)
        output = _output_shape(sources, merge_type, dim, shapes)
        super().__init__(
            keys,
            [out_key],
            input_shapes={key: shapes[key] for key in keys if key in shapes},
            output_shapes={} if output is None else {out_key: output},
        )
        self.out_key, self.merge_type, self.dim, self.sources = out_key, merge_type, dim, sources

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        known = {key: shapes[key] for key in in_keys if key in shapes}
        return complete(config, shapes=known if known else None)

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        parts = [td[key] if cut is None else _cut(td[key], cut, at) for key, cut, at in self.sources]
        if self.merge_type == "concat":
            return {self.out_key: torch.cat(parts, self.dim)}
        out = parts[0]
        for part in parts[1:]:
            if part.shape != out.shape:  # torch would broadcast, which nobody asked for
                raise ShapeContractError(
                    f"Merge {self.merge_type!r} of {[key for key, _, _ in self.sources]} got shapes "
                    f"{[tuple(part.shape) for part in parts]}, which must be equal. Change their slices or sizes."
                )
            out = out - part if self.merge_type == "subtract" else out + part
        return {self.out_key: out / len(parts) if self.merge_type == "mean" else out}


MergeModule = Merge

_Cut = tuple[int, ...] | None


def _parse(source: Source) -> tuple[str, _Cut, int]:
    if isinstance(source, str):
        return source, None, -1
    if unknown := sorted(set(source) - {"key", "slice", "dim"}):
        raise ConfigError(f"Merge: an input has key, slice and dim; got {unknown} too, in {dict(source)}.")
    cut = source.get("slice")
    if cut is not None and len(cut) != 2:
        raise ConfigError(f"Merge: slice of {source['key']!r} is (start, end), got {cut}.")
    return str(source["key"]), None if cut is None else tuple(map(int, cut)), int(source.get("dim", -1))


def _from_end(dim: int, key: str, shapes: Mapping[str, Shape]) -> int:
    if dim >= 0 and key not in shapes:
        raise ConfigError(
            f"Merge: dim={dim} of {key!r} counts from 0, which needs its shape. Say dim=-1 ... or shapes."
        )
    size = len(shapes.get(key, ())) or 1 - min(dim, 0)
    if key in shapes and not -size <= dim < size:
        raise ConfigError(f"Merge: {key!r} has shape {shapes[key]}, and no dimension {dim}.")
    return dim - size if dim >= 0 else dim


def _cut(x: Tensor, cut: tuple[int, ...], dim: int) -> Tensor:
    start, end = cut
    if not 0 <= start < end <= x.shape[dim]:
        raise ShapeContractError(f"Merge: slice {start}:{end} does not fit into dimension {dim} of {tuple(x.shape)}.")
    return x.narrow(dim, start, end - start)


def _output_shape(
    sources: Sequence[tuple[str, _Cut, int]], merge_type: str, dim: int, shapes: Mapping[str, Shape]
) -> Shape | None:
    if any(key not in shapes for key, _, _ in sources):
        return None
    parts: list[list[int | str | None]] = []
    for key, cut, at in sources:
        shape = list(shapes[key])
        if cut is not None:
            whole = shape[at]
            if not 0 <= cut[0] < cut[1] or (isinstance(whole, int) and cut[1] > whole):
                raise ConfigError(f"Merge: slice {cut} of {key!r} does not fit into dimension {at} of {shapes[key]}.")
            shape[at] = cut[1] - cut[0]
        parts.append(shape)
    joined = parts[0]
    rest = [[size for i, size in enumerate(part) if merge_type != "concat" or i != len(part) + dim] for part in parts]
    if any(part != rest[0] for part in rest) and all(isinstance(size, int) for part in rest for size in part):
        raise ShapeContractError(
            f"Merge {merge_type!r} of {[key for key, _, _ in sources]} with shapes {[tuple(part) for part in parts]}: "
            f"they must be equal{f' but for dimension {dim}' if merge_type == 'concat' else ''}."
        )
    if merge_type == "concat":
        sizes = [part[dim] for part in parts]
        joined[dim] = (
            sum(size for size in sizes if isinstance(size, int)) if all(isinstance(s, int) for s in sizes) else None
        )
    return tuple(joined)
