"""SVG of a network: boxes, arrows, shapes on arrows. Standalone: no scripts or fonts from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from metta.agent.inspect.layout import Arrow, Box, Layout, lay_out

PADDING = 30.0
HEADER = 66.0
_LINE = 17.0
_CHARACTER = 7.4
"""Width of a letter in the pills, roughly; boxes are made to fit."""
_LETTER = 6.9
"""Width of a letter in labels."""

STYLE = """
.net { font-family: Inter, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; background: #fbfbfd; }
.net .title { font-size: 19px; font-weight: 650; fill: #17203a; }
.net .subtitle { font-size: 12.5px; fill: #6b7490; }
.net .card { fill: #fff; stroke: #d5daea; stroke-width: 1.2; filter: drop-shadow(0 2px 3px rgb(30 40 80 / 9%)); }
.net .frozen .card { fill: #f1f7fd; stroke: #9cc6ea; stroke-dasharray: 5 3; }
.net .name { font-size: 14.5px; font-weight: 620; fill: #17203a; }
.net .class { font-size: 12px; fill: #6b7490; }
.net .chip { font-size: 11px; font-weight: 550; }
.net .end { fill: #eef1f9; stroke: #c3cbe2; }
.net .end-name { font-size: 13px; font-weight: 600; fill: #3b4666; }
.net .arrow { fill: none; stroke: #aab3cc; stroke-width: 1.6; }
.net .tip { fill: #aab3cc; }
.net .key { font-size: 11.5px; font-weight: 600; fill: #2f3a5c; }
.net .key, .net .shape { paint-order: stroke; stroke: #fbfbfd; stroke-width: 4px; }
.net .shape { font-size: 11px; fill: #6b7490; }
.net .mono { font-family: "SF Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.net g.node:hover .card { stroke: #5a78f0; stroke-width: 2; }
.net .arrow:hover { stroke: #5a78f0; stroke-width: 2.6; }
"""
_COLOURS = ("#5a78f0", "#16a394", "#d9822b", "#b04fc8", "#d64d6c", "#5c8a2b", "#2f8fc4", "#8a6d3b")
_ROLES = {
    "behaviour": ("#fdf0dd", "#9a5b0c"),
    "training": ("#e6ecff", "#3150c0"),
    "monitoring": ("#e4f6ee", "#14705a"),
    "frozen": ("#d8ebfb", "#1c6099"),
    "off": ("#eceef3", "#8a91a5"),
}


@dataclass(slots=True)
class Chip:
    """A small label on a card; ``tone`` is a wrapper's role, ``frozen`` or ``off``."""

    text: str
    tone: str


@dataclass(slots=True)
class Card:
    """A component, or a key that comes from outside (``is_end``). ``heat``: share of the time, 0 to 1."""

    name: str
    lines: tuple[str, ...] = ()
    chips: tuple[Chip, ...] = ()
    tooltip: str = ""
    is_end: bool = False
    frozen: bool = False
    heat: float | None = None
    class_name: str = ""


@dataclass(slots=True)
class Drawing:
    """Everything that is shown. ``labels``: key -> lines beside its arrows, the shape first."""

    title: str
    subtitle: str
    cards: Sequence[Card]
    arrows: Sequence[tuple[str, str, str]]
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


def draw(drawing: Drawing) -> str:
    """The SVG."""
    cards = {card.name: card for card in drawing.cards}
    spacing = 28.0 + 13.0 * max((len(lines) for lines in drawing.labels.values()), default=1)
    boxes = [_box(card, drawing, spacing) for card in drawing.cards]
    layout = lay_out(boxes, drawing.arrows, _gaps(drawing, boxes))
    width, height = max(layout.width, 420) + 2 * PADDING, layout.height + 2 * PADDING + HEADER
    colours = {
        name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(sorted({c.class_name for c in drawing.cards}))
    }
    body = [_arrow(arrow, drawing, layout) for arrow in layout.arrows]
    body += [
        _label(key, source, drawing, layout) for source, key in dict.fromkeys((a.source, a.key) for a in layout.arrows)
    ]
    body += [_card(cards[box.name], box, colours) for box in layout.boxes.values() if not box.is_lane]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="net" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{escape(drawing.title)}">'
        f"<style>{STYLE}</style><rect width='100%' height='100%' fill='#fbfbfd'/>"
        f'<text class="title" x="{PADDING}" y="36">{escape(drawing.title)}</text>'
        f'<text class="subtitle" x="{PADDING}" y="56">{escape(drawing.subtitle)}</text>'
        f'<g transform="translate({PADDING} {PADDING + HEADER})">{"".join(body)}</g></svg>'
    )


def _box(card: Card, drawing: Drawing, spacing: float) -> Box:
    """Large enough for its text, and for labels beside each other where several keys leave it."""
    width, height = _size(card)
    ports = len({key for source, _, key in drawing.arrows if source == card.name})
    return Box(card.name, width, max(height, spacing * ports if ports > 1 else 0.0))


def _size(card: Card) -> tuple[float, float]:
    if card.is_end:
        return max(70.0, 30 + _CHARACTER * len(card.name)), 34.0
    chips = sum(_chip_width(chip) + 6 for chip in card.chips)
    text = max([8.6 * len(card.name), *(6.8 * len(line) for line in card.lines)])
    rows = len(card.lines) + (1.35 if card.chips else 0)
    return max(150.0, 44 + text, 34 + chips), 38 + _LINE * rows + (8 if card.heat is not None else 0)


def _gaps(drawing: Drawing, boxes: Sequence[Box]) -> dict[int, float]:
    """Room for the labels: the longest one decides, for all layers alike."""
    words = [word for _, _, key in drawing.arrows for word in (key, *drawing.labels.get(key, ()))]
    room = 84 + _LETTER * max((len(word) for word in words), default=4)
    return dict.fromkeys(range(len(boxes)), room)


def _card(card: Card, box: Box, colours: Mapping[str, str]) -> str:
    x, y = box.x, box.y - box.height / 2
    tooltip = f"<title>{escape(card.tooltip)}</title>" if card.tooltip else ""
    if card.is_end:
        return (
            f'<g class="node">{tooltip}<rect class="card end" x="{x:.1f}" y="{y:.1f}" width="{box.width:.1f}" '
            f'height="{box.height:.1f}" rx="17"/><text class="end-name mono" x="{x + box.width / 2:.1f}" '
            f'y="{box.y + 4.5:.1f}" text-anchor="middle">{escape(card.name)}</text></g>'
        )
    parts = [
        f'<rect class="card" x="{x:.1f}" y="{y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="10"/>',
        f'<rect x="{x + 11:.1f}" y="{y + 12:.1f}" width="4" height="{box.height - 24:.1f}" rx="2" '
        f'fill="{colours[card.class_name]}"/>',
        f'<text class="name" x="{x + 26:.1f}" y="{y + 26:.1f}">{escape(card.name)}</text>',
    ]
    for index, line in enumerate(card.lines):
        parts.append(f'<text class="class" x="{x + 26:.1f}" y="{y + 44 + _LINE * index:.1f}">{escape(line)}</text>')
    at = x + 26
    for chip in card.chips:
        fill, ink = _ROLES[chip.tone]
        top, width = y + 38 + _LINE * len(card.lines), _chip_width(chip)
        parts.append(
            f'<rect x="{at:.1f}" y="{top - 4:.1f}" width="{width:.1f}" height="18" rx="9" fill="{fill}"/><text '
            f'class="chip" x="{at + width / 2:.1f}" y="{top + 9:.1f}" text-anchor="middle" fill="{ink}">'
            f"{escape(chip.text)}</text>"
        )
        at += width + 6
    if card.heat is not None:
        length = box.width - 52
        parts.append(
            f'<rect x="{x + 26:.1f}" y="{y + box.height - 14:.1f}" width="{length:.1f}" height="5" rx="2.5" '
            f'fill="#edf0f7"/><rect x="{x + 26:.1f}" y="{y + box.height - 14:.1f}" width="{length * card.heat:.1f}" '
            f'height="5" rx="2.5" fill="#e8743b"/>'
        )
    return f'<g class="node{" frozen" if card.frozen else ""}">{tooltip}{"".join(parts)}</g>'


def _chip_width(chip: Chip) -> float:
    return 16 + 6.3 * len(chip.text)


def _ports(name: str, layout: Layout, *, out: bool) -> list[tuple[str, str]]:
    """What leaves a box on the right (by key), or enters it on the left, from top to bottom as it comes."""
    if out:
        keys = dict.fromkeys(arrow.key for arrow in layout.arrows if arrow.source == name)
        heights = {
            key: [
                layout.boxes[(a.lanes or (a.target,))[0]].y for a in layout.arrows if (a.source, a.key) == (name, key)
            ]
            for key in keys
        }
        return [(name, key) for key in sorted(keys, key=lambda key: sum(heights[key]) / len(heights[key]))]
    sources = [arrow for arrow in layout.arrows if arrow.target == name]
    sources.sort(key=lambda arrow: layout.boxes[arrow.lanes[-1] if arrow.lanes else arrow.source].y)
    return [(arrow.source, arrow.key) for arrow in sources]


def _port_y(box: Box, index: int, count: int) -> float:
    return box.y if count == 1 else box.y + (index / (count - 1) - 0.5) * (box.height - box.height / count)


def _start(arrow: Arrow, layout: Layout) -> tuple[float, float]:
    box, ports = layout.boxes[arrow.source], _ports(arrow.source, layout, out=True)
    return box.x + box.width, _port_y(box, ports.index((arrow.source, arrow.key)), len(ports))


def _arrow(arrow: Arrow, drawing: Drawing, layout: Layout) -> str:
    x, y = _start(arrow, layout)
    target, ports = layout.boxes[arrow.target], _ports(arrow.target, layout, out=False)
    end = _port_y(target, ports.index((arrow.source, arrow.key)), len(ports))
    words = (*drawing.labels.get(arrow.key, ()), *(() if arrow.source == arrow.key else (arrow.key,)))
    label = x + 14 + _LETTER * max(map(len, words), default=0)  # straight below the label, then the curve
    path = [f"M{x:.1f} {y:.1f} H{label:.1f}"]
    x = label
    for lane in (layout.boxes[name] for name in arrow.lanes):
        widest = max((box.width for box in layout.layers[lane.layer]), default=0.0)
        left = lane.x - widest / 2
        middle = (x + left) / 2
        path.append(f"C{middle:.1f} {y:.1f} {middle:.1f} {lane.y:.1f} {left:.1f} {lane.y:.1f} H{left + widest:.1f}")
        x, y = left + widest, lane.y
    stop, middle = target.x - 8, (x + target.x) / 2
    path.append(f"C{middle:.1f} {y:.1f} {middle:.1f} {end:.1f} {stop:.1f} {end:.1f}")
    tip = f"{target.x - 1:.1f},{end:.1f} {target.x - 9:.1f},{end - 4.5:.1f} {target.x - 9:.1f},{end + 4.5:.1f}"
    title = f"<title>{escape(f'{arrow.source} -> {arrow.target}: {arrow.key}')}</title>"
    return f'<path class="arrow" d="{" ".join(path)}">{title}</path><polygon class="tip" points="{tip}"/>'


def _label(key: str, source: str, drawing: Drawing, layout: Layout) -> str:
    arrow = next(arrow for arrow in layout.arrows if (arrow.source, arrow.key) == (source, key))
    x, y = _start(arrow, layout)
    lines = drawing.labels.get(key, ())
    words = [] if layout.boxes[source].name == key else [f'<tspan class="key mono">{escape(key)}</tspan>']
    parts = [f'<text x="{x + 10:.1f}" y="{y - 6:.1f}">{words[0]}</text>'] if words else []
    for index, line in enumerate(lines):
        at = y - 6 if not words and index == 0 else y + 14 + 13 * (index - (0 if words else 1))
        parts.append(f'<text class="shape mono" x="{x + 10:.1f}" y="{at:.1f}">{escape(line)}</text>')
    return "".join(parts)
