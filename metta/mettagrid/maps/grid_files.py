"""Grids in files: drawn text with a legend, numpy terrain. Everything becomes rows of characters and their legend."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.parse import unquote

from metta.common.errors import ConfigError
from metta.common.yaml_file import parse_yaml
from metta.mettagrid.maps.legend import DEFAULT_LEGEND, EMPTY

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SEPARATOR: Final = "---"
_NPY: Final = ".npy"
_TEXTS: Final = (".map", ".txt", ".ascii")
_FIRST_PRIVATE: Final = 0xE000
"""Cells that no legend has a character for get one from Unicode's private use area."""
_LAST_PRIVATE: Final = 0xF8FF
_MAX_BYTES: Final = 16 * 1024 * 1024


class Grid(NamedTuple):
    """A drawn grid: ``rows`` in characters, ``legend`` for those that the default legend lacks."""

    rows: tuple[str, ...]
    legend: dict[str, str]


def grid_paths(uri: str) -> list[Path]:
    """The files that ``file://PATH`` or a bare path means: itself, or the grids of a folder, by name.

    Raises:
        ConfigError: nothing there, or another scheme.
    """
    if "://" in uri and not uri.startswith("file://"):
        raise ConfigError(f"map.uri={uri!r}: only files can be read. Download it and write file://PATH.")
    path = Path(unquote(uri.removeprefix("file://")) if uri.startswith("file://") else uri).expanduser()
    if path.is_file():
        return [path]
    found = sorted(one for one in path.glob("*") if one.suffix in (_NPY, *_TEXTS)) if path.is_dir() else []
    if not found:
        what = "holds no grids" if path.is_dir() else "does not exist"
        raise ConfigError(f"map.uri={uri!r}: {path} {what}. Expected {_NPY} or {', '.join(_TEXTS)} files.")
    return found


def read_grid(path: Path) -> Grid:
    """One grid.

    Raises:
        ConfigError: the file cannot be read, or holds no grid.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{path} is larger than {_MAX_BYTES >> 20} MiB, the most that a map may have.")
        if path.suffix == _NPY:
            import numpy as np  # not at the top: configs are read before anything slow is imported

            return grid_of_array(np.load(path, allow_pickle=False), str(path))
        return parse_drawing(path.read_text(encoding="utf-8"), str(path))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ConfigError(f"Cannot read the map {path}: {error}.") from error
    except ValueError as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path} is no numpy grid without pickled objects: {error}.") from error


def parse_drawing(text: str, name: str) -> Grid:
    """A drawing as it is, or after a YAML header that ends with a line ``---`` and may hold a ``legend``.

    >>> parse_drawing("legend: {A: altar}\\n---\\n#A#\\n", "example")
    Grid(rows=('#A#',), legend={'A': 'altar'})

    Raises:
        ConfigError: a header with other keys, or no rows.
    """
    lines = text.splitlines()
    legend: dict[str, str] = {}
    if _SEPARATOR in lines:
        cut = lines.index(_SEPARATOR)
        header = parse_yaml("\n".join(lines[:cut]), name) if any(lines[:cut]) else {}
        found: Any = header.pop("legend", {})
        if header or not isinstance(found, Mapping):
            raise ConfigError(f"{name}: the header has {sorted(header)}, expected only 'legend: {{character: cell}}'.")
        legend = {str(char): str(cell) for char, cell in cast(Mapping[object, object], found).items()}
        lines = lines[cut + 1 :]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise ConfigError(f"{name} draws no map: it has no rows.")
    return Grid(tuple(lines), legend)


def grid_of_array(array: NDArray[Any], name: str = "the array") -> Grid:
    """A two-dimensional array of cell names (``wall``, ``empty``, ``agent``), or of numbers: 0 empty, others wall.

    >>> import numpy as np
    >>> grid_of_array(np.array([["wall", "empty"], ["agent", "altar"]]))
    Grid(rows=('#.', '@_'), legend={})

    Raises:
        ConfigError: another shape or dtype.
    """
    if array.ndim != 2 or array.size == 0:
        raise ConfigError(f"{name} has shape {list(array.shape)}, expected rows x columns.")
    if array.dtype.kind in "biu":
        rows = ["".join("#" if cell else "." for cell in row) for row in cast(list[list[int]], (array != 0).tolist())]
        return Grid(tuple(rows), {})
    if array.dtype.kind != "U":
        raise ConfigError(f"{name} has dtype {array.dtype}, expected cell names (str) or integers.")
    names = cast(list[list[str]], array.tolist())
    characters = _characters(sorted({cell for row in names for cell in row}))
    rows = ["".join(characters[cell] for cell in row) for row in names]
    return Grid(tuple(rows), {char: cell for cell, char in characters.items() if DEFAULT_LEGEND.get(char) != cell})


def _characters(cells: list[str]) -> dict[str, str]:
    """A character for each cell name: the default legend's where there is one."""
    known = {cell: char for char, cell in reversed(DEFAULT_LEGEND.items())}
    others = [cell for cell in cells if cell not in known]
    private = {cell: chr(_FIRST_PRIVATE + i) for i, cell in enumerate(others)}
    return {cell: known[cell] if cell in known else private[cell] for cell in cells} | {EMPTY: known[EMPTY]}


def legend_key(char: str, drawn_in: str) -> str:
    """The config key that explains ``char``, or, for a character that no one can see, where its cell stands.

    >>> legend_key("x", "game.map.grids"), legend_key(chr(0xE000), "game.map.grids")
    ('game.map.legend.x', 'game.map.grids (drawn from an array of cell names)')
    """
    is_private = _FIRST_PRIVATE <= ord(char[:1] or " ") <= _LAST_PRIVATE
    return f"{drawn_in} (drawn from an array of cell names)" if is_private else f"game.map.legend.{char}"


def merge_grids(grids: list[Grid], legend: Mapping[str, str]) -> tuple[list[tuple[str, ...]], dict[str, str]]:
    """Rows of all grids under one legend: a character that two grids use differently is replaced by another.

    ``legend`` is the map's own and holds for every grid, except where the grid's file says otherwise.
    """
    merged: dict[str, str] = DEFAULT_LEGEND | dict(legend)
    drawings: list[tuple[str, ...]] = []
    next_private = _FIRST_PRIVATE
    for grid in grids:
        table: dict[int, str] = {}
        for char, cell in grid.legend.items():
            if merged.get(char) == cell:
                continue
            target = next((known for known, name in merged.items() if name == cell), None)
            if target is None:
                target = char
                while target in merged:
                    target, next_private = chr(next_private), next_private + 1
                merged[target] = cell
            table[ord(char)] = target
        drawings.append(tuple(row.translate(table) for row in grid.rows))
    return drawings, merged
