"""What became of an older config: the new network, and a report of every component, option and weight. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from metta.common.yaml_file import dump_yaml, to_plain

Shaping = Literal["as it is", "first rows", "one form, turned over"]
"""From an old tensor to a new one: unchanged; its first rows, one per action; ``[1, H, E]`` to ``[E, H]``."""


@dataclass(frozen=True, slots=True)
class WeightRule:
    """Parameters of an old component whose name matches ``old`` become ``new`` of component ``component``.

    ``old`` is a regular expression for what stands behind ``components.<name>.``, with ``_net.`` or ``_net.0.`` (a
    layer with a nonlinearity behind it) taken off. ``new=None``: nothing takes them over, for the reason in ``why``.
    """

    old: str
    new: str | None
    component: str = ""
    shaping: Shaping = "as it is"
    why: str = ""


@dataclass(frozen=True, slots=True)
class TranslatedComponent:
    """One row of the report. ``new_name`` is None where nothing took the component's place."""

    name: str
    target: str
    new_name: str | None
    new_class: str
    arguments: dict[str, Any]
    note: str
    weights: tuple[WeightRule, ...]


@dataclass(frozen=True, slots=True)
class Translation:
    """An older config as a present one.

    ``network`` is what ``NetworkConfig`` takes. ``components`` stand in the order of their sources. ``dropped`` are
    settings without a meaning any more, by dotted path, with the reason.
    """

    network: dict[str, Any]
    components: tuple[TranslatedComponent, ...]
    dropped: tuple[tuple[str, str], ...]

    def report(self) -> str:
        """A table of what became what, then what has no meaning any more and why."""
        rows = [("component", "older class", "now", "arguments")]
        for part in self.components:
            now = f"{part.new_class} {part.new_name}" if part.new_name else part.new_class
            shown = ", ".join(f"{key}={_shown(value)}" for key, value in part.arguments.items())
            rows.append((part.name, part.target.rpartition(".")[2], now, "; ".join(filter(None, (shown, part.note)))))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = ["  ".join((*(f"{row[i]:<{widths[i]}}" for i in range(3)), row[3])).rstrip() for row in rows]
        if self.dropped:
            lines += ["", "without a meaning any more:", *(f"- {path}: {reason}" for path, reason in self.dropped)]
        return "\n".join(lines) + "\n"

    def to_yaml(self) -> str:
        """The network as a file for ``configs/network``."""
        return dump_yaml(to_plain(self.network))


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
