"""NetworkBuilder: shapes through a network, all faults at once, shared parameters, symbolic sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from metta.agent.container import ComponentContainer
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.agent.network_builder import NetworkBuilder
from metta.agent.symbols import ShapeVariable
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError, KeyContractError, ShapeContractError


class Dense(MettaModule):
    """A linear layer with the least of an ``infer``."""

    def __init__(self, width: int, size: int, in_key: str = "x", out_key: str = "y", *, scale: float = 1.0) -> None:
        super().__init__([in_key], [out_key], input_shapes={in_key: (width,)}, output_shapes={out_key: (size,)})
        self.in_key, self.out_key, self.scale = in_key, out_key, scale
        self.layer = nn.Linear(width, size)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return {"width": shapes[in_keys[0]][-1], **config}

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {self.out_key: self.layer(td[self.in_key]) * self.scale}


class Pool(MettaModule):
    """Mean over a dimension of any length, ``[seq, F] -> [F]``; says nothing of its output."""

    def __init__(self, in_key: str = "x", out_key: str = "pooled") -> None:
        super().__init__([in_key], [out_key], input_shapes={in_key: ("seq", None)})
        self.in_key, self.out_key = in_key, out_key

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {self.out_key: td[self.in_key].mean(-2)}


class Remember(MettaModule):
    """Adds what it remembers; keys of its own."""

    def __init__(self, width: int, in_key: str = "x") -> None:
        memory = {"sum": (width,)}
        super().__init__(
            [in_key, "first", "memory/sum"],
            ["core", "next_memory/sum"],
            input_shapes={in_key: (width,)},
            output_shapes={"core": (width,)},
            memory_shapes=memory,
        )
        self.in_key = in_key

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return {"width": shapes[in_keys[0]][-1], **config}

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        total = td[self.in_key] + td["memory/sum"] * ~td["first"][..., None]
        return {"core": total, "next_memory/sum": total}


CLASSES: dict[str, type[MettaModule]] = {"Dense": Dense, "Pool": Pool, "Remember": Remember}


def build(components: list[dict[str, Any]], spec: EnvSpec | None = None, **rest: Any) -> ComponentContainer:
    return NetworkBuilder(CLASSES).build_from_config({"components": components, **rest}, spec)


def dense(name: str, reads: str, writes: str, size: int = 8, **rest: Any) -> dict[str, Any]:
    config = {"size": size, **rest.pop("config", {})}
    return {"name": name, "class": "Dense", "config": config, "in_keys": [reads], "out_keys": [writes], **rest}


def faults_of(components: list[dict[str, Any]], **rest: Any) -> list[str]:
    with pytest.raises(ConfigError) as error:
        build(components, **rest)
    return str(error.value).splitlines()[1:]


def test_sizes_follow_from_inputs_in_any_order() -> None:
    network = build([dense("b", "f", "g", 3), dense("a", "x", "f", 5)], input_shapes={"x": [7]})
    assert network.execution_order == ("a", "b")
    assert network({"x": torch.zeros(2, 4, 7)})["g"].shape == (2, 4, 3)
    network = build([dense("a", "x", "f", config={"width": 2}), dense("b", "f", "g")])  # no shapes: inputs are open
    assert network.in_keys == ["x"]


def test_sizes_before_the_last_pass_through_and_vague_outputs_are_measured() -> None:
    network = build(
        [
            dense("token", "x", "f", 6),
            {"name": "pool", "class": "Pool", "in_keys": ["f"], "out_keys": ["p"]},
            dense("head", "p", "g", 2),
        ],
        input_shapes={"x": [5, 3, 4]},
    )
    assert network({"x": torch.zeros(2, 5, 3, 4)})["g"].shape == (2, 5, 2)
    assert network.get_component("head").input_shapes == {"p": (6,)}


def test_all_faults_in_one_message() -> None:
    faults = faults_of(
        [
            dense("a", "x", "f", config={"scal": 1}),
            {"name": "b", "class": "Dens", "in_keys": ["x"], "out_keys": ["g"]},
            dense("c", "xx", "h"),
            dense("d", "x", "i", config={"width": 9}, wrappers=[{"type": "cliping"}]),
            {"name": "e", "class": "Dense", "in_keys": ["x"], "out_keys": ["j"]},
            dense("e2", "x", "x"),
            dense("e3", "x", "k", wrappers=[{"type": "gradient_clipping", "config": {"norm": 1}}]),
            dense("e4", "x", "k"),
            dense("e5", "x", "l", dependencies=["zz"], share_with="aa"),
            {"name": "e6", "class": "Dense", "config": {"size": 1}, "in_keys": ["x", "f"], "out_keys": ["m"]},
            dense("clear", "x", "n"),
            dense("o", "q", "p"),
            dense("q", "p", "q"),
        ],
        input_shapes={"x": [7]},
    )
    expected = [
        "'a': Dense has no argument 'scal'; it has ['width', 'size', 'scale', 'in_key', 'out_key']. Did you",
        "'b': no component class 'Dens'. Did you mean 'Dense'",
        "'c': it reads 'xx', which nobody produces and which is no input.",
        "'d': wrappers.0: no wrapper 'cliping'",
        "'d' reads 'x' as [9], got [7]: 7 is not 9",
        "'e': Dense needs ['size']",
        "'e2': it produces 'x', which is an input",
        "'e3': wrappers.0: wrapper 'gradient_clipping' has no argument 'norm'; it has",
        "'e4': it produces 'k', as 'e3' does",
        "'e5': dependencies names 'zz'",
        "'e5': share_with names 'aa'",
        "'e6': in_keys ['x', 'f'] are 2, but Dense takes 1",
        "'clear': the name is taken, has a dot, or is an attribute of containers",
        "in a cycle: 'o' waits for 'q' (key 'q'), 'q' waits for 'o' (key 'p')",
    ]
    assert [part for part in expected if sum(part in fault for fault in faults) != 1] == []
    assert len(faults) == len(expected)


def test_keys_of_the_config_that_do_not_exist() -> None:
    assert faults_of([{"name": "a", "clas": "Dense"}]) == [
        "- components.0.class is missing.",
        "- components.0.clas: there is no such key; there are ['name', 'class', 'config', 'in_keys', 'out_keys', "
        "'wrappers', 'dependencies', 'share_with']. Did you mean 'class'?",
    ]


def test_order_of_insertion_is_checked() -> None:
    components = [dense("b", "f", "g", config={"width": 8}), dense("a", "x", "f")]
    (fault,) = faults_of(components, input_shapes={"x": [7]}, order="insertion")
    assert "'b' was added before 'a'" in fault
    assert build(components[::-1], input_shapes={"x": [7]}, order="insertion").execution_order == ("a", "b")


def test_memory_and_the_environment_supply_inputs(box_spec: EnvSpec) -> None:
    network = build([{"name": "core", "class": "Remember", "in_keys": ["env_obs"]}, dense("h", "core", "g")], box_spec)
    assert network.memory_shapes == {"sum": (4,)}
    assert network.input_shapes == {"env_obs": (4,), "first": (), "memory/sum": (4,)}
    assert faults_of([dense("h", "env_obs", "g")], spec=box_spec, input_shapes={"env_obs": [5]}) == [
        "- input_shapes.env_obs is [5], but the environment's is [4]: 5 is not 4."
    ]
    (fault,) = faults_of([{"name": "core", "class": "Remember", "in_keys": ["x"]}], input_shapes={"x": [3]})
    assert "'core': it reads 'first', which nobody produces" in fault


def test_symbolic_sizes_are_checked_when_built_and_at_the_first_call() -> None:
    shapes = {
        "x": (ShapeVariable("batch", [(">=", 1)]), ShapeVariable("seq_len", [("<=", 16)]), 5),
        "m": ("seq_len", 2),
    }
    network = build([dense("a", "x", "f"), dense("b", "m", "g")], input_shapes=shapes)
    assert network({"x": torch.zeros(2, 4, 5), "m": torch.zeros(4, 2)})["f"].shape == (2, 4, 8)
    for wrong, message in (
        ((4, 3), "seq_len is 4 elsewhere, but 3 in 'm'"),
        ((17, 17), "seq_len is 17, expected <= 16"),
    ):
        fresh = build([dense("a", "x", "f"), dense("b", "m", "g")], input_shapes=shapes)
        with pytest.raises(ShapeContractError, match=message):
            fresh({"x": torch.zeros(2, wrong[0], 5), "m": torch.zeros(wrong[1], 2)})
    (fault,) = faults_of([dense("a", "x", "f", config={"width": 9})], input_shapes={"x": ["width <= 8"]})
    assert "'a' reads 'x' as [9], got [width]: width would be 9, but is to be <= 8" in fault


def test_wrappers_and_shared_parameters() -> None:
    network = build(
        [
            dense("one", "x", "f", wrappers=[{"type": "clipping", "config": {"f": [-0.1, 0.1]}}, {"type": "no_grad"}]),
            dense("two", "y", "g", share_with="one"),
            dense("three", "y", "h", share_with="two"),
        ],
        input_shapes={"x": [5], "y": [5]},
    )
    data = {"x": torch.randn(3, 5), "y": torch.randn(3, 5)}
    assert float(network(data)["f"].detach().abs().max()) <= 0.1 + 1e-6
    assert [wrapper.kind for wrapper in network.wrappers()] == ["clipping", "no_grad"]
    assert len(list(network.parameters())) == 2
    assert set(network.state_dict()) == {f"{n}.layer.{p}" for n in ("one", "two", "three") for p in ("weight", "bias")}
    network.swap_component("one", Dense(5, 8, "x", "f"))
    assert len(list(network.parameters())) == 4  # the others still share


@pytest.mark.parametrize(
    ("components", "expected"),
    [
        ([dense("a", "x", "f", 3), dense("b", "x", "g", 4, share_with="a")], "cannot be shared, they differ"),
        ([dense("a", "x", "f", share_with="b"), dense("b", "x", "g", share_with="a")], "share_with leads in a circle"),
    ],
)
def test_sharing_needs_equal_components(components: list[dict[str, Any]], expected: str) -> None:
    assert expected in faults_of(components, input_shapes={"x": [5]})[0]


def test_a_wrapper_that_refuses_its_component_is_told() -> None:
    wrapper = {"type": "clipping", "config": {"elsewhere": [0, 1]}}
    with pytest.raises(ConfigError, match=r"'a' cannot be put into its wrappers \['clipping'\].*elsewhere"):
        build([dense("a", "x", "f", wrappers=[wrapper])], input_shapes={"x": [5]})


def test_swapping_checks_keys_and_shapes_again() -> None:
    network = build([dense("a", "x", "f"), dense("b", "f", "g")], input_shapes={"x": [5]})
    with pytest.raises(KeyContractError, match=r"'b' reads 'f', which no component produces"):
        network.swap_component("a", Dense(5, 8, "x", "features"))
    with pytest.raises(ShapeContractError, match=r"key 'f': component 'a' produces shape \(9,\), component 'b' reads"):
        network.swap_component("a", Dense(5, 9, "x", "f"))
    old = network.swap_component("a", Dense(5, 8, "x", "f"))
    assert network.get_component("a") is not old
    assert network({"x": torch.zeros(1, 5)})["g"].shape == (1, 8)
