"""Older agent configs as present ones: all components in the order of their sources, or all faults in one message."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metta.agent.legacy.old_config import OldComponent, OldConfig, read_old_config
from metta.agent.legacy.targets import ALIASES, GONE, RULES
from metta.agent.legacy.task import OBSERVATION, Book, FaultError, Task, Value
from metta.agent.legacy.translation import Translation
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean
from metta.common.yaml_file import read_yaml

_NODES = ("_action_", "_value_")


def translate_file(path: Path | str) -> Translation:
    """The older config in a YAML file. Its ``_target_`` are names that are looked up in a table; none is imported.

    Raises:
        ConfigError: the file cannot be read or cannot be translated.
    """
    return translate(read_yaml(path, allow_targets=True), str(path))


def translate(tree: Mapping[str, Any], name: str = "this config") -> Translation:
    """The older config ``tree`` as a present network, with a report.

    With ``input_shapes`` in its header it is a network of its own, whose sources may name these inputs; without, it is
    a policy's: components without sources read the observation, and there must be ``_action_`` and ``_value_``.

    >>> part = translate({"input_shapes": {"x": [4]}, "components": {
    ...     "one": {"_target_": "metta.agent.lib.nn_layer_library.Linear", "sources": ["x"], "output_size": 8}}})
    >>> part.network["components"][0]["class"]
    'LinearModule'

    Raises:
        ConfigError: all faults, a line each.
    """
    config = read_old_config(tree)
    book = Book(config)
    book.keys.update(config.input_shapes)
    faults = config.faults
    if not config.input_shapes:
        faults += [
            f"there is no component {node}, which a policy needs." for node in _NODES if node not in config.components
        ]
    for component in _in_order(config):
        _translate_one(component, book)
    _note_header(config, book)
    if faults:
        lines = "\n".join(f"- {fault}" for fault in dict.fromkeys(faults))
        raise ConfigError(f"{name} is in the older style and cannot be translated:\n{lines}")
    network: dict[str, Any] = {"components": book.network}
    if config.input_shapes:
        network = {"input_shapes": config.input_shapes, **network}
    return Translation(network, tuple(book.rows), tuple(book.dropped))


def _translate_one(old: OldComponent, book: Book) -> None:
    task = Task(old, book)
    rule = RULES.get(ALIASES.get(old.class_name, old.class_name))
    found = Value("", "lost")
    who, faults = f"components.{old.name}", book.config.faults
    if rule is None:
        faults.append(f"{who}: {_unknown(old)}")
    else:
        try:
            found = rule(task)
            faults += [f"{who}: {fault}" for fault in task.leftovers()]
        except FaultError as error:
            faults.append(f"{who} ({old.class_name}): {error}")
    book.values[old.name] = found


def _unknown(old: OldComponent) -> str:
    if old.class_name in GONE:
        return f"{old.class_name}: {GONE[old.class_name]}."
    known = sorted({*RULES, *ALIASES})
    hint = did_you_mean(old.class_name, known)
    return f"_target_={old.target!r} is no class of older configs.{hint} There are {sorted(RULES)}."


def _in_order(config: OldConfig) -> list[OldComponent]:
    """Components after their sources; unknown sources and circles go to the faults."""
    outside = {config.obs_key, OBSERVATION, *config.input_shapes}
    done: dict[str, OldComponent] = {}
    path: list[str] = []

    def visit(component: OldComponent) -> None:
        if component.name in done:
            return
        if component.name in path:
            circle = [*path[path.index(component.name) :], component.name]
            config.faults.append(f"sources lead in a circle: {' <- '.join(circle)}. Take one of them out.")
            return
        path.append(component.name)
        for source in component.sources:
            if source.name in config.components:
                visit(config.components[source.name])
            elif source.name not in outside:
                known = [*config.components, *sorted(config.input_shapes)]
                config.faults.append(
                    f"components.{component.name} reads {source.name!r}, and there is no such component."
                    f"{did_you_mean(source.name, known)}"
                )
        path.pop()
        done.setdefault(component.name, component)

    for component in config.components.values():
        visit(component)
    return list(done.values())


def _note_header(config: OldConfig, book: Book) -> None:
    for key, value in config.unused.items():
        book.dropped.append((f"{key}={value}", "the class of the agent and where its file took defaults from"))
    book.dropped.append((f"observations.obs_key={config.obs_key}", f"the observation is called {OBSERVATION!r}"))
    if config.l2_init_weight_update_interval and not config.l2_init_loss_coef:
        path = f"l2_init_weight_update_interval={config.l2_init_weight_update_interval}"
        book.dropped.append((path, "there is no l2_init_loss_coef above 0, so no initial weights are kept"))
