"""``metta/a/b.py`` is tested by ``tests/a/test_b.py``, or stands here with the file that tests it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTED_IN = {
    "agent/executors/base.py": "agent/executors/test_registry.py",
    "agent/executors/branches.py": "agent/executors/test_parallel.py",
    "agent/executors/cuda_graph.py": "agent/executors/test_performant.py",
    "agent/executors/sequential.py": "agent/executors/test_registry.py",
    "agent/legacy/targets.py": "agent/legacy/test_translate.py",
    "agent/legacy/task.py": "agent/legacy/test_translate.py",
    "agent/legacy/translation.py": "agent/legacy/test_translate.py",
    "agent/network_check.py": "agent/test_network_builder.py",
    "agent/network_draft.py": "agent/test_network_builder.py",
    "agent/policies/bag.py": "agent/test_policy.py",
    "agent/policies/bag_lstm.py": "agent/test_policy.py",
    "agent/policies/fast.py": "agent/test_policy.py",
    "agent/policies/inputs.py": "agent/test_policy.py",
    "agent/policies/mlp.py": "agent/test_policy.py",
    "tools/rank_agent.py": "tools/test_launcher.py",
    "cli/changes.py": "cli/test_overrides.py",
    "cli/faults.py": "cli/test_overrides.py",
    "cli/place.py": "cli/test_overrides.py",
    "cli/provenance.py": "cli/test_overrides.py",
    "cli/schema.py": "cli/test_help.py",
    "cli/warm.py": "architecture/test_imports.py",
    "common/env_spec.py": "mettagrid/test_spec.py",
    "common/vector_env.py": "mettagrid/test_auto_reset.py",
    "mettagrid/config/actions.py": "mettagrid/config/test_game.py",
    "mettagrid/config/agent.py": "mettagrid/config/test_game.py",
    "mettagrid/config/checks.py": "mettagrid/config/test_game.py",
    "mettagrid/config/limits.py": "mettagrid/config/test_config_parity.py",
    "mettagrid/config/objects.py": "mettagrid/config/test_game.py",
    "mettagrid/config/observation.py": "mettagrid/config/test_game.py",
    "mettagrid/config/rewards.py": "mettagrid/config/test_game.py",
    "mettagrid/config/stats.py": "mettagrid/config/test_config_parity.py",
    "mettagrid/maps/legend.py": "mettagrid/maps/test_map_config.py",
    "mettagrid/maps/map_base.py": "mettagrid/maps/test_map_config.py",
    "mettagrid/maps/scenes/scene_base.py": "mettagrid/maps/test_scene_config.py",
    "mettagrid/vec_env_config.py": "mettagrid/test_vec_env.py",
    "rl/loss/loss_config.py": "rl/loss/test_registry.py",
    "tools/system_config.py": "tools/test_train.py",
    "tools/train_hooks.py": "tools/test_train.py",
}
"""Mostly declarations that are only seen at work in another module. The list may only become shorter."""


def own_test(module: str) -> Path:
    path = ROOT / "tests" / module
    if module.startswith("rl/loss/") and module not in TESTED_IN:  # a loss and its config stand side by side
        path = path.with_name(path.name.replace("_config.py", ".py"))
    return path.with_name(f"test_{path.name}")


def test_every_module_has_its_test() -> None:
    modules = [path.relative_to(ROOT / "metta").as_posix() for path in (ROOT / "metta").rglob("*.py")]
    modules = [module for module in modules if not module.endswith("__init__.py")]
    assert len(modules) > 100
    assert sorted(module for module in modules if not own_test(module).exists() and module not in TESTED_IN) == []


def test_exceptions_are_true() -> None:
    assert [test for test in TESTED_IN.values() if not (ROOT / "tests" / test).exists()] == []
    assert [module for module in TESTED_IN if not (ROOT / "metta" / module).exists()] == [], "gone: remove"
    assert [module for module in TESTED_IN if own_test(module).exists()] == [], "has its own test now: remove"
