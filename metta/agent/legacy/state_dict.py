"""Weights of older agents for translated networks: old parameter names become present ones.

The rule: an old agent called its tensors ``components.<name>.<rest>``, perhaps behind ``policy.``, ``module.``
(data-parallel) or ``_orig_mod.`` (compiled), and ``<rest>`` began with ``_net.``, or ``_net.0.`` where a nonlinearity
followed the layer. A translated component has the old one's name, so ``<name>`` stays; what ``<rest>`` becomes stands
in the ``WeightRule`` of its class: ``components.critic_1._net.0.weight`` is ``critic_1.linear.weight``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from metta.agent.legacy.translation import Shaping, Translation, WeightRule
from metta.common.errors import CheckpointError

_PREFIX = re.compile(r"^(?:(?:module|_orig_mod|policy|agent|network)\.)*components\.")
_NET = re.compile(r"^_net\.(?:0\.(?=\w+$))?")
_COPIES = re.compile(r"^(?:initial_weights|largest_weight|clip_value)\b")


@dataclass(frozen=True, slots=True)
class Renamed:
    """One row of the table: the old name, the new one (None: nothing takes it) and what is to be said."""

    old: str
    new: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ConvertedState:
    """Tensors under their new names, the table of all old names, and the new names that got nothing."""

    tensors: dict[str, Tensor]
    table: tuple[Renamed, ...]
    missing: tuple[str, ...]

    @property
    def unmatched(self) -> tuple[Renamed, ...]:
        """Old tensors that nothing takes over."""
        return tuple(row for row in self.table if row.new is None)

    def report(self) -> str:
        """The table, then what was not matched on either side."""
        width = max((len(row.old) for row in self.table), default=0)
        lines = [f"{row.old:<{width}}  {row.new or '-'}  {row.note}".rstrip() for row in self.table]
        if self.missing:
            lines += ["", "as they were drawn, for no older tensor fits:", *(f"- {name}" for name in self.missing)]
        return "\n".join(lines) + "\n"


def convert_state_dict(
    old: Mapping[str, Tensor], translation: Translation, network: nn.Module, prefix: str = ""
) -> ConvertedState:
    """The tensors of ``old`` under the names of ``network``, which was built from ``translation``.

    ``network`` says which names and shapes there are; it is not changed. ``prefix`` stands before its names, as
    ``"network."`` does where it is a whole policy.
    """
    wanted = {name: tensor for name, tensor in network.state_dict().items() if name.startswith(prefix)}
    rules = {part.name: part.weights for part in translation.components}
    tensors: dict[str, Tensor] = {}
    table: list[Renamed] = []
    for name, tensor in old.items():
        row, shaping = _rename(name, rules, prefix)
        if row.new is not None:
            row = _fit(row, tensor, shaping, wanted, tensors)
        table.append(row)
    return ConvertedState(tensors, tuple(table), tuple(name for name in wanted if name not in tensors))


def load_legacy_weights(
    policy: nn.Module, old: Mapping[str, Tensor], translation: Translation, *, strict: bool = True
) -> ConvertedState:
    """Put the weights of an older agent into ``policy`` (whose network was built from ``translation``).

    Raises:
        CheckpointError: ``strict``, and some old tensor is not taken over, or some new one would stay as it was drawn;
            nothing is changed. Without ``strict`` what fits is loaded; the result says what did not.
    """
    converted = convert_state_dict(old, translation, policy, "network.")
    if strict and (converted.unmatched or converted.missing):
        lines = [f"- {row.old}: {row.note}" for row in converted.unmatched]
        lines += [f"- {name}: no older tensor fits" for name in converted.missing]
        raise CheckpointError(
            "these older weights do not fill the translated network:\n"
            + "\n".join(lines)
            + "\nPass strict=False to load what fits and train the rest anew."
        )
    policy.load_state_dict(converted.tensors, strict=False)
    return converted


def _rename(name: str, rules: Mapping[str, tuple[WeightRule, ...]], prefix: str) -> tuple[Renamed, Shaping]:
    rest, found = _PREFIX.subn("", name)
    component, _, parameter = rest.partition(".")
    if not found or component not in rules:
        known = sorted(rules)
        what = f"there is no component {component!r}; there are {known}" if found else "no components.<name>. in it"
        return Renamed(name, None, what), "as it is"
    parameter = _NET.sub("", parameter)
    for rule in rules[component]:
        if match := re.fullmatch(rule.old, parameter):
            if rule.new is None:
                return Renamed(name, None, rule.why), "as it is"
            return Renamed(name, f"{prefix}{rule.component}.{match.expand(rule.new)}"), rule.shaping
    if _COPIES.match(parameter):
        return Renamed(name, None, "a copy that followed from the weights"), "as it is"
    return Renamed(name, None, f"{component!r} has no parameter {parameter!r} now"), "as it is"


def _fit(
    row: Renamed, tensor: Tensor, shaping: Shaping, wanted: Mapping[str, Tensor], tensors: dict[str, Tensor]
) -> Renamed:
    """Bring the tensor into shape and note it under its new name; or say why it does not go there."""
    assert row.new is not None
    target = wanted.get(row.new)
    if target is None:
        return Renamed(row.old, None, f"the network has no {row.new}; it was built from another translation")
    if row.new in tensors:
        return Renamed(row.old, None, f"{row.new} was taken from another old tensor")
    note, shaped = "", tensor
    if shaping == "one form, turned over" and tensor.ndim == 3 and tensor.shape[0] == 1:
        note, shaped = shaping, tensor[0].T
    elif shaping == "first rows" and tensor.ndim == target.ndim and tensor.shape[0] > target.shape[0]:
        shaped = tensor[: target.shape[0]]
        note = f"first {target.shape[0]} of {tensor.shape[0]} rows, one per action; check that actions kept their order"
    if shaped.shape != target.shape:
        return Renamed(row.old, None, f"{list(shaped.shape)} does not go into {row.new} {list(target.shape)}")
    tensors[row.new] = shaped.to(target.dtype).clone()
    return Renamed(row.old, row.new, note)
