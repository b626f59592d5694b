"""Scene trees as data: shorthands, round trips, names."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from metta.common.errors import ConfigError
from metta.common.yaml_file import read_yaml
from metta.mettagrid.maps.scene_config import SCENES, ChildConfig, SceneConfig
from metta.mettagrid.maps.scenes.areas import MirrorScene
from metta.mettagrid.maps.scenes.carve import CavesScene, MazeScene
from metta.mettagrid.maps.scenes.scatter import RandomScene

TREE = """
type: mirror
symmetry: x4
scene:
  type: maze
  room_size: [1, 2]
  wall_size: 1
  children:
  - scene: {type: random, agents: {red: 1}, objects: {altar: 2}}
    where: full
    limit: null
children:
- scene: {type: make_connected}
"""


def test_yaml_round_trip(tmp_path: Path) -> None:
    adapter = TypeAdapter[SceneConfig](SceneConfig)
    tree = adapter.validate_python(yaml.safe_load(TREE))
    assert isinstance(tree, MirrorScene)
    path = tmp_path / "tree.yaml"
    path.write_text(yaml.safe_dump(tree.model_dump(mode="json")))
    assert adapter.validate_python(read_yaml(path)) == tree
    maze = tree.scene
    assert isinstance(maze, MazeScene)
    assert maze.wall_size == (1, 1)
    child = maze.children[0].scene
    assert isinstance(child, RandomScene)
    assert child.agents == {"agent.red": 1}


def test_yaml_and_python_build_the_same() -> None:
    made = MirrorScene(
        symmetry="x4",
        scene=MazeScene(
            room_size=(1, 2),
            children=(ChildConfig(scene=RandomScene(agents={"red": 1}, objects={"altar": 2})),),
        ),
        children=(ChildConfig.model_validate({"scene": {"type": "make_connected"}, "where": {"tags": []}}),),
    )
    assert TypeAdapter[SceneConfig](SceneConfig).validate_python(yaml.safe_load(TREE)) == made


def test_every_scene_has_its_type_and_a_doc() -> None:
    types = [model.model_fields["type"].default for model in SCENES]
    assert len(set(types)) == len(SCENES) == 20
    assert all(model.__doc__ for model in SCENES)


def test_names_come_with_their_keys() -> None:
    tree = TypeAdapter[SceneConfig](SceneConfig).validate_python(yaml.safe_load(TREE))
    names = dict(tree.cells("map.scene"))
    assert names["altar"] == "map.scene.scene.children[0].scene.objects"
    assert names["agent.red"] == "map.scene.scene.children[0].scene.agents"


def test_typos_are_refused() -> None:
    with pytest.raises(ConfigError, match="fil"):
        CavesScene.model_validate({"fil": 0.3})
    with pytest.raises(ConfigError, match="where"):
        ChildConfig.model_validate({"scene": {"type": "nop"}, "where": {"tag": ["room"]}})


@pytest.mark.parametrize("choice", [{"offset": 5}, {"lock": "used"}])
def test_a_child_on_the_whole_area_chooses_no_areas(choice: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"children\.where is full, .* but \w+=.* choose among areas\. Set where"):
        ChildConfig.model_validate({"scene": {"type": "nop"}, "where": "full", **choice})
    assert ChildConfig.model_validate({"scene": {"type": "nop"}, "where": {"tags": ["room"]}, **choice}).where
