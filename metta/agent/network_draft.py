"""Drafts: components of a network's config that are being worked out, before any weight exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from metta.agent.construct import key_arguments, missing_arguments
from metta.agent.module import MettaModule, Shape
from metta.agent.network_config import ComponentConfig
from metta.agent.shape_inference import show_shape
from metta.agent.wiring import Node
from metta.common.env_spec import EnvSpec

_REFUSALS = (ValueError, TypeError, RuntimeError, KeyError, IndexError, AttributeError, ImportError)
"""What constructors raise when an argument does not suit them."""


@dataclass(slots=True)
class Draft:
    """One component: its config, its class if there is one, and what was found out about it.

    ``blank`` is the component on the meta device: shapes and keys, no contents.
    """

    config: ComponentConfig
    cls: type[MettaModule] | None
    in_keys: tuple[str, ...] = ()
    out_keys: tuple[str, ...] = ()
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    blank: MettaModule | None = None

    @property
    def name(self) -> str:
        """The component's name."""
        return self.config.name

    def node(self) -> Node:
        """What the wiring needs to know; shapes are fitted elsewhere."""
        return Node(self.in_keys, self.out_keys, {}, {}, self.config.dependencies)

    def work_out(self, shapes: Mapping[str, Shape], spec: EnvSpec | None) -> str | None:
        """Complete the arguments from the shapes of the inputs and build ``blank``; returns what stands against it."""
        assert self.cls is not None
        config, name = dict(self.config.config), self.cls.__name__
        about_inputs = _about(self.in_keys, shapes)
        try:
            self.arguments = {
                **self.cls.infer(config, self.in_keys, shapes, spec),
                **key_arguments(self.cls, self.config),
            }
        except (KeyError, IndexError, TypeError, AttributeError):
            self.arguments = {**config, **key_arguments(self.cls, self.config)}
        except ValueError as error:
            return f"{name}: {error}"
        if missing := missing_arguments(self.cls, self.arguments):
            needs_spec = " It may come from an environment, and none was given." if spec is None else ""
            hint = about_inputs or needs_spec
            return f"{name} needs {missing}, which config does not say and which cannot be inferred.{hint}"
        try:
            self.blank = self._build_blank()
        except _REFUSALS as error:
            return f"{name} refuses {self.arguments}: {error}"
        self.in_keys = tuple(map(str, self.blank.in_keys))
        self.out_keys = tuple(map(str, self.blank.out_keys_source))
        return None

    def _build_blank(self) -> MettaModule:
        assert self.cls is not None
        try:
            with torch.device("meta"):
                return self.cls(**self.arguments)
        except NotImplementedError:  # an initialisation that needs contents
            with torch.random.fork_rng(devices=[]):
                return self.cls(**self.arguments)


def _about(keys: tuple[str, ...], shapes: Mapping[str, Shape]) -> str:
    """What is not known of the inputs, as a hint."""
    unknown = [key for key in keys if key not in shapes]
    if unknown:
        return f" The shape of {unknown} is not known: add it to input_shapes."
    vague = [
        f"{key} {show_shape(shapes[key])}" for key in keys if not all(isinstance(size, int) for size in shapes[key])
    ]
    return f" Known of its inputs: {', '.join(vague)}." if vague else ""
