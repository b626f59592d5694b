"""The games of one batch by number: compiled once, written into snapshots, so that a state brings its games along."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError, EnvError
from metta.mettagrid import _core
from metta.mettagrid.compile_game import compile_game
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.spec import env_spec

GAMES = "games"
PLAYING = "playing"


class GameTable:
    """Number 0 is the batch's own game; ``VecEnv.set_game`` adds the others, the engine gives them their numbers.

    >>> GameTable(MettaGridConfig(label="maze")).label(0)
    'maze'
    """

    def __init__(self, cfg: MettaGridConfig) -> None:
        self.program = compile_game(cfg)
        self._spec = env_spec(cfg)
        self._configs: dict[int, MettaGridConfig] = {0: cfg}
        self._programs: dict[int, _core.GameProgram] = {0: self.program}

    def __len__(self) -> int:
        return len(self._configs)

    def label(self, number: int) -> str:
        """Name of a game, as its config gives it."""
        return self._configs[number].label

    def config(self, number: int) -> MettaGridConfig:
        """The game itself."""
        return self._configs[number]

    def add(self, native: _core.VecEnv, cfg: MettaGridConfig) -> int:
        """The number of ``cfg`` in ``native``, which learns it if it is new.

        Raises:
            ConfigError: its spaces are not those of the batch, or the engine refuses it.
        """
        for number, known in self._configs.items():
            if known == cfg:
                return number
        check_spaces(self._spec, env_spec(cfg))
        program = compile_game(cfg)
        number = native.add_game(program)  # perhaps a number that a game had which nobody plays any more
        self._configs[number], self._programs[number] = cfg, program
        return number

    def snapshot(self, native: _core.VecEnv, num_envs: int) -> dict[str, NDArray[np.generic]]:
        """Games and who plays them, nothing while there is but one.

        Shapes: ``games [bytes] uint8`` (JSON), ``playing [num_envs, 2] int64``: numbers now and from the next reset on.
        """
        if len(self) == 1:
            return {}
        texts = [self._configs[number].model_dump(mode="json") for number in range(len(self))]
        playing = [native.playing(env) for env in range(num_envs)]
        return {
            GAMES: np.frombuffer(json.dumps(texts).encode(), dtype=np.uint8).copy(),
            PLAYING: np.array(playing, dtype=np.int64),
        }

    def restore(self, native: _core.VecEnv, num_envs: int, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Take over the games of a snapshot; every environment then plays what it played, in a new episode.

        Raises:
            EnvError: what stands there are no games, or not those of ``num_envs`` environments.
            ConfigError: their spaces are not those of the batch.
        """
        if GAMES not in state and len(self) == 1:
            return
        configs = _read_configs(state[GAMES]) if GAMES in state else [self._configs[0]]
        playing = np.asarray(state[PLAYING]) if PLAYING in state else np.zeros((num_envs, 2), dtype=np.int64)
        whole = np.issubdtype(playing.dtype, np.integer) and playing.shape == (num_envs, 2)
        if not whole or playing.min(initial=0) < 0:
            raise EnvError(
                f"the snapshot's {PLAYING!r} is {playing.dtype}{list(playing.shape)}, expected int64[{num_envs}, 2] of "
                "game numbers. Restore it with the num_envs that it was taken with."
            )
        for cfg in configs:
            check_spaces(self._spec, env_spec(cfg))
        programs = [self._compiled(cfg) for cfg in configs]
        native.replace_games(programs, [(int(now), int(later)) for now, later in playing])
        self._configs = dict(enumerate(configs))
        self._programs = dict(enumerate(programs))

    def _compiled(self, cfg: MettaGridConfig) -> _core.GameProgram:
        known = (self._programs[number] for number, one in self._configs.items() if one == cfg)
        return next(known, None) or compile_game(cfg)


def check_spaces(mine: EnvSpec, other: EnvSpec) -> None:
    """Refuse a game that an agent of the batch could not play.

    Raises:
        ConfigError: what differs, with both values.
    """
    names = [name for name in type(mine).model_fields if name != "name"]
    faults = [
        f"{name} is {_short(getattr(other, name))}, expected {_short(getattr(mine, name))}"
        for name in names
        if getattr(mine, name) != getattr(other, name)
    ]
    if faults:
        raise ConfigError(
            f"the game {other.name!r} cannot take the place of {mine.name!r}: {'; '.join(faults)}. Games of one batch "
            "need equal agents, actions, resources and observations."
        )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}..."


def _read_configs(data: NDArray[np.generic]) -> Sequence[MettaGridConfig]:
    try:
        items = json.loads(np.asarray(data, dtype=np.uint8).tobytes())
        return [MettaGridConfig.model_validate(item) for item in items]
    except (ValueError, TypeError) as error:
        raise EnvError(
            f"the snapshot's {GAMES!r} cannot be read as games: {error}. It is damaged, or newer."
        ) from error
