"""A small real recipe package with its tool, and config groups for it, in a folder of their own."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from metta.cli.groups import Groups
from metta.cli.main import main
from metta.cli.registry import Registry
from metta.cli.request import parse_request

_FILES = {
    "sample_tool.py": '''
        from typing import Annotated, Literal

        from pydantic import Field, model_validator

        from metta.common.config import Config
        from metta.common.errors import ConfigError
        from metta.tools.tool import Tool


        class Small(Config):
            type: Literal["small"] = "small"
            width: int = Field(default=8, ge=1, description="width of the layer")


        class Large(Config):
            type: Literal["large"] = "large"
            width: int = 64
            depth: int = Field(default=2, ge=1)


        class Learner(Config):
            """How it learns. A second sentence."""

            steps: int = Field(default=100, ge=1, description="how long")
            gamma: float = Field(default=0.99, gt=0, le=1)
            kind: Literal["adam", "adamw"] = "adam"
            fast: bool = True
            limits: tuple[int, ...] = (1, 2)

            @model_validator(mode="after")
            def _even(self) -> "Learner":
                if self.steps % 2:
                    raise ConfigError(f"learner.steps={self.steps} is odd. Set learner.steps={self.steps + 1}.")
                return self


        class Level(Config):
            name: str = "flat"
            size: int = 3


        class SampleTool(Tool):
            """Does next to nothing. Another sentence."""

            run: str | None = Field(default=None, description="name of the run")
            learner: Learner = Learner(gamma=0.9)
            network: Annotated[Small | Large, Field(discriminator="type")] | None = None
            levels: tuple[Level, ...] = ()
            rewards: dict[str, float] = Field(default_factory=dict)
            objects: dict[str, Level] = Field(default_factory=dict)
            policy_uris: tuple[str, ...] = ()
            note: str = ""

            def invoke(self) -> int:
                if self.note == "crash":
                    raise ValueError("crashed on purpose")
                if self.note == "interrupt":
                    raise KeyboardInterrupt
                print(f"ran with {self.learner.steps} steps")
                return 0


        class WatchTool(Tool):
            """Watches one policy."""

            policy_uri: str = "mock://random"

            def invoke(self) -> int:
                return 0
    ''',
    "sample_recipes/__init__.py": "",
    "sample_recipes/prod/__init__.py": "",
    "sample_recipes/prod/alpha.py": '''
        """Alpha: the first. Status: prod."""

        from sample_tool import Learner, Level, SampleTool, WatchTool


        def _hidden() -> SampleTool: ...


        def levels(count: int = 2) -> tuple[Level, ...]:
            return tuple(Level(name=f"level{index}") for index in range(count))


        def sample(count: int = 2, label: str = "x") -> SampleTool:
            """Sample some levels."""
            return SampleTool(
                learner=Learner(steps=50),
                levels=levels(count),
                rewards={"heart": 1.0, "ore.gained": 0.1},
                objects={"altar": Level(name=label)},
            )


        def sample_short() -> "SampleTool":
            return sample().replace({"learner.steps": 2})


        def watch() -> WatchTool:
            return WatchTool()


        def untyped():
            return sample()


        def liar() -> SampleTool:
            return 3
    ''',
    "sample_recipes/prod/needy.py": '''
        """Needs a word."""

        from sample_tool import SampleTool


        def sample(word: str) -> SampleTool:
            return SampleTool(note=word)
    ''',
    "sample_recipes/experiment/__init__.py": "",
    "sample_recipes/experiment/alpha.py": '''
        """The other alpha."""

        from sample_tool import SampleTool


        def sample() -> SampleTool:
            return SampleTool()
    ''',
    "sample_recipes/experiment/broken.py": '''
        """Breaks when it is imported."""

        from sample_tool import SampleTool

        import no_such_module


        def sample() -> SampleTool:
            return SampleTool()
    ''',
    "sample_recipes/experiment/crooked.py": "def sample( -> SampleTool:\n",
    "sample_recipes/experiment/raises.py": '''
        """Breaks when it is called."""

        from sample_tool import SampleTool


        def sample() -> SampleTool:
            return SampleTool(learner={"steps": "many"})
    ''',
    "configs/config.yaml": "defaults:\n  - system: here\n  - learner: site\n  - _self_\n",
    "configs/system/here.yaml": "device: cpu\n",
    "configs/system/cuda.yaml": "device: cuda\n",
    "configs/learner/site.yaml": "steps: 70\nkind: adamw\n",
    "configs/learner/quick.yaml": "steps: 4\n",
    "configs/network/small.yaml": "type: small\n",
    "configs/network/large.yaml": "type: large\ndepth: 3\n",
}


@dataclass(frozen=True)
class Sample:
    """The package's places, and ways to use the command line on it."""

    root: Path
    registry: Registry
    groups: Groups

    def run(self, *argv: str) -> int:
        return main(list(argv), self.registry, self.groups)

    def build(self, *argv: str):
        from metta.cli.overrides import build_tool
        from metta.cli.registry import load_maker

        request = parse_request(argv)
        entry = self.registry.find_maker(request.words)
        return build_tool(entry, load_maker(entry), request.overrides, self.groups)


@pytest.fixture(scope="session")
def sample_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("sample")
    for name, text in _FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    yield root
    sys.path.remove(str(root))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads what another one, or the user's own use, left in the cache."""
    folder = tmp_path / "cache"
    monkeypatch.setattr("metta.cli.cache._path", lambda name: folder / f"{name}.json")


@pytest.fixture(scope="session")
def sample_groups(sample_root: Path) -> Groups:
    return Groups(sample_root / "configs")


@pytest.fixture
def sample(sample_root: Path, sample_groups: Groups) -> Sample:
    return Sample(sample_root, Registry(sample_root / "sample_recipes", "sample_recipes"), sample_groups)


@pytest.fixture
def fails(sample: Sample, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that is a mistake: exit code 2, nothing on stdout, no traceback. Returns what it said."""

    def check(*argv: str) -> str:
        code = sample.run(*argv)
        captured = capsys.readouterr()
        assert code == 2, captured.err
        assert captured.out == ""
        assert "Traceback" not in captured.err
        return captured.err

    return check
