"""Where boxes and arrows of a network go: layers from left to right, few crossings, long arrows around boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_SWEEPS = 8
_GAP = 34.0
_LANE = 18.0
"""Height of the lane that a long arrow gets between the boxes of a layer."""


@dataclass(slots=True)
class Box:
    """A node: its size is given, its layer and place are found. Units: pixels; ``y`` is the middle."""

    name: str
    width: float
    height: float
    layer: int = 0
    x: float = 0.0
    y: float = 0.0
    is_lane: bool = False


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one box to another, through the lanes between."""

    source: str
    target: str
    key: str
    lanes: tuple[str, ...] = ()


@dataclass(slots=True)
class Layout:
    """Boxes by name (lanes too), arrows, and the size of the whole."""

    boxes: dict[str, Box]
    arrows: list[Arrow]
    width: float = 0.0
    height: float = 0.0
    layers: list[list[Box]] = field(default_factory=list[list[Box]])


def lay_out(boxes: Sequence[Box], arrows: Sequence[tuple[str, str, str]], gap: Mapping[int, float]) -> Layout:
    """Place ``boxes`` so that arrows (source, target, key) lead to the right. ``gap``: pixels after each layer."""
    layout = Layout({box.name: box for box in boxes}, [])
    _assign_layers(layout.boxes, arrows)
    last = max((box.layer for box in boxes), default=0)
    for source, target, key in arrows:
        lanes: list[str] = []
        for layer in range(layout.boxes[source].layer + 1, layout.boxes[target].layer):
            name = f"{source}/{key}@{layer}"  # arrows of one key share a lane
            layout.boxes.setdefault(name, Box(name, 0, _LANE, layer, is_lane=True))
            lanes.append(name)
        layout.arrows.append(Arrow(source, target, key, tuple(lanes)))
    layout.layers = [[box for box in layout.boxes.values() if box.layer == layer] for layer in range(last + 1)]
    neighbours = _neighbours(layout.arrows)
    _order(layout.layers, neighbours)
    _place(layout, neighbours, gap)
    return layout


def _assign_layers(boxes: dict[str, Box], arrows: Sequence[tuple[str, str, str]]) -> None:
    for _ in boxes:
        for source, target, _key in arrows:
            boxes[target].layer = max(boxes[target].layer, boxes[source].layer + 1)
    for box in boxes.values():  # what only feeds one late reader stands right before it
        readers = [boxes[target].layer for source, target, _key in arrows if source == box.name]
        if readers and not any(target == box.name for _, target, _ in arrows):
            box.layer = min(readers) - 1


def _neighbours(arrows: Sequence[Arrow]) -> dict[str, tuple[list[str], list[str]]]:
    found: dict[str, tuple[list[str], list[str]]] = {}
    for arrow in arrows:
        for left, right in pairwise((arrow.source, *arrow.lanes, arrow.target)):
            found.setdefault(left, ([], []))[1].append(right)
            found.setdefault(right, ([], []))[0].append(left)
    return found


def _order(layers: list[list[Box]], neighbours: Mapping[str, tuple[list[str], list[str]]]) -> None:
    """Sort each layer by the mean place of its neighbours, forth and back."""
    for sweep in range(_SWEEPS):
        place = {box.name: index / max(1, len(layer) - 1) for layer in layers for index, box in enumerate(layer)}
        side = sweep % 2
        for layer in layers if side == 0 else reversed(layers):
            means: dict[str, float] = {}
            for box in layer:
                near = [place[name] for name in neighbours.get(box.name, ([], []))[side]]
                means[box.name] = sum(near) / len(near) if near else place[box.name]
            layer.sort(key=lambda box: means[box.name])
            place.update({box.name: index / max(1, len(layer) - 1) for index, box in enumerate(layer)})


def _place(layout: Layout, neighbours: Mapping[str, tuple[list[str], list[str]]], gap: Mapping[int, float]) -> None:
    x = 0.0
    for index, layer in enumerate(layout.layers):
        width = max((box.width for box in layer), default=0.0)
        y = 0.0
        for box in layer:
            box.x, box.y = x + (width - box.width) / 2, y + box.height / 2
            y += box.height + _GAP
        x += width + gap.get(index, 0.0)
    for sweep in range(4 * _SWEEPS):
        for layer in layout.layers if sweep % 2 == 0 else reversed(layout.layers):
            wanted: list[float] = []
            for box in layer:
                both = neighbours.get(box.name, ([], []))
                near = [layout.boxes[name].y for name in (*both[0], *both[1])]
                wanted.append(sum(near) / len(near) if near else box.y)
            _settle(layer, wanted)
    top = min((box.y - box.height / 2 for box in layout.boxes.values()), default=0.0)
    for box in layout.boxes.values():
        box.y -= top
    layout.height = max((box.y + box.height / 2 for box in layout.boxes.values()), default=0.0)
    layout.width = max((box.x + box.width for box in layout.boxes.values()), default=0.0)


def _settle(layer: Sequence[Box], wanted: Sequence[float]) -> None:
    """Put boxes where they want to be, in their order and without touching: clusters move as one."""
    clusters: list[tuple[list[Box], list[float]]] = []  # boxes, and where each wants the cluster's first to be
    for box, y in zip(layer, wanted, strict=True):
        clusters.append(([box], [y]))
        while len(clusters) > 1 and _top(clusters[-2]) + _extent(clusters[-2][0]) > _top(clusters[-1]):
            boxes, wishes = clusters.pop()
            shift = _extent(clusters[-1][0]) - clusters[-1][0][0].height / 2 + boxes[0].height / 2
            clusters[-1][0].extend(boxes)
            clusters[-1][1].extend(wish - shift for wish in wishes)
    for boxes, wishes in clusters:
        y = sum(wishes) / len(wishes) - boxes[0].height / 2
        for box in boxes:
            box.y = y + box.height / 2
            y += box.height + _GAP


def _top(cluster: tuple[list[Box], list[float]]) -> float:
    return sum(cluster[1]) / len(cluster[1]) - cluster[0][0].height / 2


def _extent(boxes: Sequence[Box]) -> float:
    return sum(box.height + _GAP for box in boxes)
