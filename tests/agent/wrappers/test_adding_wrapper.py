"""docs/adding/wrapper.md, done as it says."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor

from metta.agent.components.linear import LinearModule
from metta.agent.wrappers import registry
from metta.agent.wrappers.base import WrapperModule, wrappers_of
from metta.agent.wrappers.registry import wrap
from metta.common.errors import ConfigError

PAGE = (Path(__file__).resolve().parents[3] / "docs/adding/wrapper.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The page's class, in a file, with its line in the registry."""
    (tmp_path / "output_scale.py").write_text(blocks("python")[0])
    spec = importlib.util.spec_from_file_location("output_scale", tmp_path / "output_scale.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "output_scale", module)
    spec.loader.exec_module(module)
    match = re.fullmatch(r'"(\w+)": (\w+),', blocks("text")[0].strip())
    assert match is not None
    cls: type[WrapperModule] = getattr(module, match[2])
    assert cls.kind == match[1]
    monkeypatch.setitem(registry.WRAPPERS, match[1], cls)
    return module


def test_the_page_s_test_passes(module: ModuleType, policy: LinearModule, features: Tensor) -> None:
    names: dict[str, Any] = {"torch": torch, "OutputScaleWrapper": module.OutputScaleWrapper}
    exec(blocks("python")[1], names)
    names["test_outputs_shrink_while_it_learns"](policy, features)


def test_the_page_s_stack_is_built(module: ModuleType, policy: LinearModule, features: Tensor) -> None:
    (component,) = yaml.safe_load(blocks("yaml")[0])["components"]
    wrapped = wrap(policy, component["wrappers"], component["name"])
    assert [wrapper.kind for wrapper in wrappers_of(wrapped)] == ["output_scale"]
    out = wrapped({"features": features})
    assert torch.equal(out["logits"], 0.5 * policy._compute({"features": features})["logits"])
    assert out["_output_scale"] == {"policy": 0.5}
    with pytest.raises(ConfigError, match=r"wrappers\[0\]: policy: scale=0"):
        wrap(policy, [{"type": "output_scale", "config": {"scale": 0}}], "policy")
