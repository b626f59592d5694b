"""Wrappers as decorators."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from metta.agent.components.linear import LinearModule
from metta.agent.wrappers import decorators
from metta.agent.wrappers.base import wrappers_of
from metta.agent.wrappers.decorators import clipping, normalization, regularized, wrapped_by
from metta.agent.wrappers.registry import WRAPPERS
from metta.common.errors import ConfigError

CONFIGS = {
    "clipping": {"logits": (-1.0, 1.0)},
    "learning_rate": {"rate": 1e-3},
    "gradient_accumulation": {"steps": 2},
    "gradient_clipping": {"max_norm": 1.0},
    "training_phase": {"evaluation": {}},
}


def test_over_a_function(features: Tensor) -> None:
    @clipping(logits=(-0.5, 0.5))
    @normalization("l2")
    def create_policy(out_features: int) -> LinearModule:
        """Makes one."""
        return LinearModule(3, out_features, "features", "logits")

    made = create_policy(4)
    assert [wrapper.kind for wrapper in wrappers_of(made)] == ["clipping", "normalization"]
    assert float(made({"features": features})["logits"].detach().abs().max()) <= 0.5
    assert (create_policy.__name__, create_policy.__doc__) == ("create_policy", "Makes one.")


def test_over_a_class() -> None:
    @regularized(l2_scale=0.5)
    class Small(LinearModule):
        """A layer."""

        def __init__(self) -> None:
            super().__init__(2, 2, "x", "y")

    made = Small()
    assert [wrapper.kind for wrapper in wrappers_of(made)] == ["regularized"]
    assert made({"x": torch.zeros(1, 2)})["regularization_loss"] > 0


def test_over_an_instance(policy: LinearModule) -> None:
    wrapped = clipping(logits=(-1, 1))(policy)
    assert wrapped.inner is policy


@pytest.mark.parametrize("kind", sorted(set(WRAPPERS) - {"memory_optimization"}))
def test_every_wrapper_has_its_decorator(kind: str, policy: LinearModule) -> None:
    wrapped = getattr(decorators, kind)(**CONFIGS.get(kind, {}))(policy)
    assert wrapped.kind == kind
    assert wrapped.inner is policy


def test_by_type(policy: LinearModule) -> None:
    assert wrapped_by("memory_optimization")(policy).kind == "memory_optimization"


def test_faults_show_where_the_decorator_stands() -> None:
    with pytest.raises(ConfigError, match=r"regularized has no setting 'l2_scal'.*'l2_scale'"):
        regularized(l2_scal=1)
    with pytest.raises(ConfigError, match="no wrapper 'cliping'"):
        wrapped_by("cliping")
