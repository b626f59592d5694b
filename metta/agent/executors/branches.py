"""Which components may run at once: stages of chains."""

from __future__ import annotations

from collections.abc import Mapping

from metta.agent.container import ComponentContainer

Chain = tuple[str, ...]


def needs_of(network: ComponentContainer) -> dict[str, set[str]]:
    """The components that each one waits for, in order of execution."""
    producers = {key: name for name in network.execution_order for key in _out_keys(network, name)}
    return {
        name: {producers[key] for key in map(str, network.get_component(name).in_keys) if key in producers}
        | set(network.dependencies_of(name))
        for name in network.execution_order
    }


def stages_of(needs: Mapping[str, set[str]]) -> list[list[Chain]]:
    """Chains that can run at once, stage by stage; a chain's components run one after the other.

    >>> stages_of({"encoder": set(), "a": {"encoder"}, "actor": {"a"}, "c": {"encoder"}, "critic": {"c"}})
    [[('encoder',)], [('a', 'actor'), ('c', 'critic')]]
    """
    readers: dict[str, list[str]] = {name: [] for name in needs}
    for name, waits_for in needs.items():
        for other in waits_for:
            readers[other].append(name)
    chain_of: dict[str, list[str]] = {}
    for name, waits_for in needs.items():
        (only,) = waits_for if len(waits_for) == 1 else (None,)
        if only is not None and readers[only] == [name]:
            chain_of[name] = chain_of[only]
        else:
            chain_of[name] = []
        chain_of[name].append(name)
    depth: dict[int, int] = {}
    stages: list[list[Chain]] = []
    for name, chain in chain_of.items():
        if chain[0] != name:
            continue
        depth[id(chain)] = max((depth[id(chain_of[other])] + 1 for other in needs[name]), default=0)
        while len(stages) <= depth[id(chain)]:
            stages.append([])
        stages[depth[id(chain)]].append(tuple(chain))
    return stages


def _out_keys(network: ComponentContainer, name: str) -> list[str]:
    component = network.get_component(name)
    return list(
        map(str, component.out_keys if isinstance(component, ComponentContainer) else component.out_keys_source)
    )
