"""Config groups: the folders of ``configs/``, composed by Hydra once and remembered until a file changes."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from metta.cli import cache
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean
from metta.common.yaml_file import read_yaml
from metta.tools import __file__ as _tools_file


@dataclass(frozen=True)
class Groups:
    """The groups below ``root``. ``config.yaml`` names the default choice of a group; the others wait to be chosen."""

    root: Path

    @classmethod
    def default(cls) -> Groups:
        """The ``configs/`` that stands beside the package ``metta``: in a clone and in a wheel alike."""
        return cls(Path(_tools_file).parents[2] / "configs")

    @cached_property
    def options(self) -> dict[str, tuple[str, ...]]:
        """Choices by group, by looking at file names only."""
        folders = sorted(path for path in self.root.glob("*") if path.is_dir() and not path.name.startswith(("_", ".")))
        found = {folder.name: tuple(sorted(path.stem for path in folder.glob("*.yaml"))) for folder in folders}
        return {name: options for name, options in found.items() if options}

    @property
    def defaults(self) -> dict[str, str]:
        """Group -> the choice that ``config.yaml`` makes."""
        return dict(self._composed["defaults"])

    def subtree(self, group: str, option: str) -> dict[str, Any]:
        """What ``group=option`` sets, as plain data.

        Raises:
            ConfigError: no such option; the message names the nearest.
        """
        options = self.options[group]
        if option not in options:
            hint = did_you_mean(option, options)
            raise ConfigError(f"{group}={option}: no such choice.{hint} Choices of {group}: {', '.join(options)}.")
        return copy.deepcopy(self._composed["options"][group][option])

    def source(self, group: str, option: str) -> str:
        """The file of a choice, as shown to people."""
        return f"configs/{group}/{option}.yaml"

    @cached_property
    def _composed(self) -> dict[str, Any]:
        """``{"defaults": {group: option}, "options": {group: {option: subtree}}}``.

        Composing with Hydra takes longer than an error message may, so the result is kept; the files' stamp decides.
        """
        name = "groups"
        stamp = cache.stamp_of([self.root], (".yaml",))
        known = cache.load(name, stamp)
        if known is None:
            known = compose_all(self.root, self.options)
            cache.store(name, stamp, known)
        return cast(dict[str, Any], known)


def compose_all(root: Path, options: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """Compose every choice of every group with Hydra. Nothing is interpolated or instantiated.

    Raises:
        ConfigError: a file that ``read_yaml`` refuses, or a defaults list that Hydra refuses.
    """
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf

    for path in (root / "config.yaml", *(root / g / f"{o}.yaml" for g, names in options.items() for o in names)):
        if path.exists():
            read_yaml(path)
    GlobalHydra.instance().clear()
    found: dict[str, Any] = {"defaults": {}, "options": {group: {} for group in options}}
    try:
        with initialize_config_dir(config_dir=str(root.absolute()), version_base="1.3"):
            if (root / "config.yaml").exists():
                chosen: Any = compose("config", return_hydra_config=True).hydra.runtime.choices
                found["defaults"] = {str(g): str(o) for g, o in chosen.items() if g in options and o is not None}
            for group, names in options.items():
                for option in names:
                    tree: Any = OmegaConf.to_container(compose(overrides=[f"+{group}={option}"]), resolve=False)
                    found["options"][group][option] = tree.get(group) or {}
    except HydraException as error:
        raise ConfigError(f"{root}: {str(error).strip()}") from error
    return found
