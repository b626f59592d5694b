"""NetworkVisualizer: a network's architecture and the data in it, as pictures that stand alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

import torch
from torch import nn

from metta.agent.container import ComponentContainer
from metta.agent.inspect.drawing import Card, Chip, Drawing, draw
from metta.agent.inspect.trace import Step, Trace, recording
from metta.agent.module import MettaModule, TensorMap
from metta.agent.shape_inference import ShapeFlow, show_shape
from metta.agent.wrappers.base import WrapperModule, unwrapped, wrappers_of
from metta.common.atomic import write_atomic


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG. Notebooks show it by themselves."""

    svg: str
    title: str

    @property
    def html(self) -> str:
        """A page that stands alone; boxes and arrows tell more when pointed at."""
        head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(self.title)}</title>'
        style = "<style>body{margin:0;background:#fbfbfd;overflow:auto}</style>"
        return f"{head}{style}</head><body>{self.svg}</body></html>\n"

    def save(self, path: Path | str) -> Path:
        """Write an ``.svg`` or ``.html`` file."""
        place = Path(path)
        write_atomic(place, (self.svg if place.suffix == ".svg" else self.html).encode())
        return place

    def _repr_html_(self) -> str:
        return self.svg


class NetworkVisualizer:
    """Draws a network: components from left to right as the data flows, shapes on the arrows.

    Chips show wrappers (grey: switched off) and what is frozen. Every picture is an SVG or an HTML page in one file.
    """

    def __init__(self, network: ComponentContainer, title: str = "Network") -> None:
        self.network, self.title = network, title

    def show_architecture(self, path: Path | str | None = None) -> Picture:
        """Components, their parameters and the shapes that they declare; written to ``path`` if there is one."""
        shapes = {key: (show_shape(shape),) for key, shape in self._declared_shapes().items()}
        total = sum(parameter.numel() for parameter in self.network.parameters())
        subtitle = f"{len(self.network)} components, {_count(total)} parameters"
        return self._picture(subtitle, shapes, None, path)

    def show_data_flow(self, sample_input: TensorMap, path: Path | str | None = None) -> Picture:
        """One call with ``sample_input`` (no gradients): real shapes and values on the arrows, time in the boxes."""
        with torch.no_grad(), recording(self.network) as trace:
            self.network.validate(sample_input)
        moments = {key: value for step in trace.steps for key, value in step.values.items()}
        labels: dict[str, tuple[str, ...]] = {}
        for key, shape in trace.shapes.items():
            labels[key] = (str(list(shape)),)
            if key in moments and all(map(math.isfinite, moments[key])):
                labels[key] += (f"{moments[key][0]:.3g} ± {moments[key][1]:.2g}",)
        legend = "on the arrows: shape, mean ± deviation; orange: share of the time"
        subtitle = f"one call in {1e3 * trace.seconds:.2f} ms; {legend}"
        return self._picture(subtitle, labels, trace, path)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _picture(
        self, subtitle: str, labels: Mapping[str, tuple[str, ...]], trace: Trace | None, path: Path | str | None
    ) -> Picture:
        network = self.network
        ends = [*network.in_keys]
        cards = [Card(key, is_end=True, tooltip=f"input {key}") for key in ends]
        steps = {step.name: step for step in trace.steps} if trace is not None else {}
        total = trace.seconds if trace is not None else 0.0
        cards += [self._card(name, steps.get(name), total) for name in network.execution_order]
        producers = {str(key): name for name in network.execution_order for key in _out_keys(network[name])}
        read: set[str] = set()
        arrows: list[tuple[str, str, str]] = []
        for name in network.execution_order:
            for key in map(str, network.get_component(name).in_keys):
                read.add(key)
                arrows.append((producers.get(key, key), name, key))
        for key, name in producers.items():
            if key not in read:
                end = key if key not in {card.name for card in cards} else f"{key} →"
                cards.append(Card(end, is_end=True, tooltip=f"output {key}"))
                arrows.append((name, end, key))
        picture = Picture(draw(Drawing(self.title, subtitle, cards, arrows, labels)), self.title)
        if path is not None:
            picture.save(path)
        return picture

    def _card(self, name: str, step: Step | None, total: float) -> Card:
        component = self.network[name]
        bare = unwrapped(component)
        frozen = self.network.controller.is_frozen(name) if list(component.parameters()) else False
        count = sum(parameter.numel() for parameter in component.parameters())
        class_name = str(type(bare).__name__)
        lines = (f"{class_name}  ·  {_count(count)}" if count else class_name,)
        if step is not None:
            lines += (f"{1e6 * step.seconds:,.0f} µs",)
        chips = [Chip("frozen", "frozen")] if frozen else []
        for wrapper in wrappers_of(component):
            if wrapper.kind != "no_grad" or not wrapper.active:
                chips.append(_chip(wrapper))
        keys = f"reads {list(map(str, bare.in_keys))}\nwrites {_out_keys(bare)}"
        tooltip = f"{name}: {class_name}\n{keys}\n{count:,} parameters"
        heat = step.seconds / total if step is not None and total else None
        return Card(name, lines, tuple(chips), tooltip, frozen=frozen, heat=heat, class_name=class_name)

    def _declared_shapes(self) -> dict[str, tuple[int | str | None, ...]]:
        inputs = self.network.input_shapes
        flow = ShapeFlow(self.network.symbols, dict(inputs))
        for name in self.network.execution_order:
            component = self.network[name]
            if isinstance(component, MettaModule):
                flow.pass_through(name, unwrapped(component), measure=False)
        return flow.known(list(flow.shapes))


def _chip(wrapper: WrapperModule) -> Chip:
    return Chip(wrapper.kind.replace("_", " "), wrapper.role if wrapper.active else "off")


def _out_keys(component: nn.Module) -> list[str]:
    keys = component.out_keys_source if isinstance(component, MettaModule) else component.out_keys
    return [str(key) for key in keys]  # pyright: ignore[reportGeneralTypeIssues]


def _count(number: int) -> str:
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return str(number)
