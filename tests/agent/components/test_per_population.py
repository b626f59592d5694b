"""PerPopulation: rows reach the copy of their population, forwards and backwards."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from metta.agent.components.linear import LinearModule
from metta.agent.components.lstm import LSTM
from metta.agent.components.per_population import PerPopulation
from metta.agent.export import export_network
from metta.agent.network_builder import NetworkBuilder
from metta.agent.wrappers.no_grad import NoGradWrapper
from metta.common.errors import ConfigError, ShapeContractError

NAMES = ("explorers", "collectors", "guardians")


@pytest.fixture
def policy() -> PerPopulation:
    torch.manual_seed(0)
    component = PerPopulation(LinearModule(3, 2, "features", "logits"), NAMES)
    for index, name in enumerate(NAMES):
        for parameter in component.copy_of(name).parameters():
            parameter.data += index
    return component


def test_copies_begin_alike_and_have_names_of_their_own() -> None:
    inner = LinearModule(3, 2, "features", "logits")
    component: Any = PerPopulation(inner, NAMES)
    assert sorted(component.state_dict()) == sorted(
        f"copies.{name}.linear.{part}" for name in NAMES for part in ("weight", "bias")
    )
    for name in NAMES:
        assert torch.equal(component.copy_of(name).linear.weight, inner.linear.weight)
        assert component.copy_of(name).linear.weight is not inner.linear.weight
    assert component.in_keys == ["features", "population"]


@pytest.mark.parametrize(
    "population", [torch.tensor([2, 0, 0, 2, 1]), torch.tensor([[0, 2], [1, 1]]), torch.tensor([1, 1])]
)
def test_each_row_is_what_its_copy_makes_of_it(policy: Any, population: Tensor) -> None:
    features = torch.randn(*population.shape, 3)
    logits = policy({"features": features, "population": population})["logits"]
    assert logits.shape == (*population.shape, 2)
    for index in torch.cartesian_prod(*[torch.arange(n) for n in population.shape]).reshape(-1, population.ndim):
        place = tuple(index.tolist())
        own = policy.copy_of(NAMES[int(population[place])])
        torch.testing.assert_close(logits[place], own({"features": features[place]})["logits"])


def test_only_the_copies_of_the_rows_learn(policy: Any) -> None:
    rows = {"features": torch.randn(4, 3), "population": torch.tensor([0, 2, 2, 0])}
    policy(rows)["logits"].square().sum().backward()
    assert [policy.copy_of(name).linear.weight.grad is not None for name in NAMES] == [True, False, True]
    alone: Any = PerPopulation(policy.copy_of("guardians"), ["guardians"])
    alone({"features": rows["features"][1:3], "population": torch.tensor([0, 0])})["logits"].square().sum().backward()
    expected = alone.copy_of("guardians").linear.weight.grad
    torch.testing.assert_close(policy.copy_of("guardians").linear.weight.grad, expected)


def test_shared_rows_all_go_through_the_first_copy(policy: Any) -> None:
    policy.shared = True
    rows = {"features": torch.randn(3, 3), "population": torch.tensor([0, 1, 2])}
    expected = policy.copy_of("explorers")({"features": rows["features"]})["logits"]
    assert torch.equal(policy(rows)["logits"], expected)


def test_a_graph_without_values_gives_the_same(policy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"features": torch.randn(2, 4, 3), "population": torch.tensor([[0, 1, 2, 1], [2, 2, 0, 0]])}
    routed = policy(dict(rows))["logits"]
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(policy(dict(rows))["logits"], routed)


def test_the_mean_is_weighted_by_agents(policy: Any) -> None:
    before = [policy.copy_of(name).linear.weight.detach().clone() for name in NAMES]
    policy.average([8, 4, 2])
    mean = (8 * before[0] + 4 * before[1] + 2 * before[2]) / 14
    for name in NAMES:
        torch.testing.assert_close(policy.copy_of(name).linear.weight.detach(), mean)
    first, *rest = [policy.copy_of(name).linear.weight for name in NAMES]
    assert all(torch.equal(first, other) for other in rest)


def test_unknown_populations_are_named(policy: Any) -> None:
    with pytest.raises(ShapeContractError, match=r"values 0 \.\. 3; expected 0 \.\. 2"):
        policy({"features": torch.randn(2, 3), "population": torch.tensor([0, 3])})


@pytest.mark.parametrize(
    ("inner", "names", "told"),
    [
        (LSTM(3, 4), NAMES, "LSTM, which is recurrent"),
        (NoGradWrapper(LinearModule(3, 2)), NAMES, "Put the wrapper around the PerPopulation"),
        (PerPopulation(LinearModule(3, 2), NAMES), NAMES, "reads 'population' itself"),
        (LinearModule(3, 2), (), "expected different names"),
        (LinearModule(3, 2), ("a", "a"), "expected different names"),
        (LinearModule(3, 2), ("a.b", "keys"), r"\['a\.b', 'keys'\] are not allowed"),
        ({"kind": "LinearModule"}, NAMES, "inner must be"),
        ({"class": "LinearModule", "arguments": {}}, NAMES, "arguments"),
    ],
)
def test_what_cannot_be_is_refused(inner: Any, names: tuple[str, ...], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        PerPopulation(inner, names)


def network_of(inner: dict[str, Any]) -> Any:
    component = {"name": "policy", "class": "PerPopulation", "in_keys": ["features"], "out_keys": ["logits"]}
    config = {"populations": list(NAMES), "inner": inner}
    shapes = {"features": [5], "population": []}
    return {"input_shapes": shapes, "components": [{**component, "config": config}]}


def test_yaml_infers_the_sizes_of_what_is_inside() -> None:
    built: Any = NetworkBuilder().build_from_config(
        network_of({"class": "LinearModule", "config": {"out_features": 2}})
    )
    assert built["policy"].copy_of("guardians").linear.weight.shape == (2, 5)
    assert built.output_shapes == {"logits": (2,)}


@pytest.mark.parametrize(
    ("inner", "told"),
    [
        ({"class": "LinearModul"}, "Did you mean 'LinearModule'"),
        ({"class": "LinearModule", "config": {"out_feature": 2}}, "no argument 'out_feature'"),
        ({"class": "LinearModule"}, r"LinearModule needs \['out_features'\]"),
    ],
)
def test_faults_inside_are_told(inner: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        NetworkBuilder().build_from_config(network_of(inner))


def test_it_can_be_exported(policy: Any, tmp_path: Any) -> None:
    network: Any = NetworkBuilder().build_from_config(
        network_of({"class": "LinearModule", "config": {"out_features": 2}})
    )
    for index, name in enumerate(NAMES):
        for parameter in network["policy"].copy_of(name).parameters():
            parameter.data += index
    written = export_network(network, tmp_path, formats=("torch_export",), example={"features": torch.randn(3, 5)})
    assert written.largest_difference["torch_export"] < 1e-5
