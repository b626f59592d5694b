"""Small pictures of every kind of scene, kept as text: every platform draws the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tests.mettagrid.maps.drawing import draw_scene

PATH: Final = Path(__file__).parents[2] / "golden" / "maps.txt"
ALTAR: Final = {"type": "random", "objects": {"altar": 1}}
SAMPLE: Final = ("......", ".####.", ".#..#.", ".#....", ".####.", "......")
SCENES: Final[dict[str, dict[str, Any]]] = {
    "random": {"type": "random", "objects": {"altar": 4, "wall": 9, "mine_red": 3}},
    "random objects": {"type": "random_objects", "object_ranges": {"wall": [0.1, 0.2], "altar": [0.02, 0.05]}},
    "mean distance": {"type": "mean_distance", "mean_distance": 4.0, "objects": {"altar": 6}, "center": "mine_red"},
    "terrain": {"type": "terrain", "style": "dense"},
    "maze, kruskal": {"type": "maze"},
    "maze, prim": {"type": "maze", "algorithm": "prim", "room_size": [1, 3]},
    "maze, dfs": {"type": "maze", "algorithm": "dfs", "room_size": 2},
    "radial maze": {
        "type": "radial_maze",
        "arms": 5,
        "arm_width": 2,
        "children": [{"scene": ALTAR, "where": {"tags": ["endpoint"]}}],
    },
    "bsp": {"type": "bsp", "rooms": 5, "children": [{"scene": ALTAR, "where": {"tags": ["room"]}}]},
    "bsp layout": {"type": "bsp_layout", "area_count": 6, "children": [{"scene": ALTAR, "where": {"tags": ["zone"]}}]},
    "caves": {"type": "caves"},
    "caves, connected": {"type": "caves", "children": [{"scene": {"type": "make_connected"}}]},
    "wfc": {"type": "wfc", "pattern": SAMPLE},
    "convchain": {"type": "convchain", "pattern": SAMPLE, "temperature": 0.5},
    "room grid": {"type": "room_grid", "rows": 2, "columns": 3, "border_width": 1},
    "mirror": {"type": "mirror", "symmetry": "x4", "scene": {"type": "caves", "fill": 0.45}},
    "random scene": {
        "type": "random_scene",
        "candidates": [{"scene": {"type": "maze"}}, {"scene": {"type": "caves"}, "weight": 2.0}],
    },
}


def golden_text() -> str:
    """All pictures, each under its name."""
    pictures = ("\n".join((f"{name}", *draw_scene(scene, 25, 13, seed=1))) for name, scene in SCENES.items())
    return "\n\n".join(pictures) + "\n"
