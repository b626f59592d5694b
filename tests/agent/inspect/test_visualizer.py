"""Pictures of networks: what they show, files that stand alone."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from torch import Tensor

from metta.agent.container import ComponentContainer
from metta.agent.inspect.visualizer import NetworkVisualizer


def texts(svg: str) -> list[str]:
    return [text.strip() for text in ElementTree.fromstring(svg).itertext() if text.strip()]


def test_architecture_shows_shapes_wrappers_and_what_is_frozen(network: ComponentContainer, tmp_path: Path) -> None:
    picture = NetworkVisualizer(network, "Demo").show_architecture(tmp_path / "net.html")
    said = texts(picture.svg)
    for part in ("Demo", "encoder", "frozen", "clipping", "learning rate", "[6]", "features", "[8]", "[3]", "logits"):
        assert part in said
    assert "LinearModule  ·  56" in said
    assert "4 components, 112 parameters" in said
    page = (tmp_path / "net.html").read_text()
    assert picture.svg in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert (NetworkVisualizer(network).show_architecture(tmp_path / "net.svg")).svg == (
        tmp_path / "net.svg"
    ).read_text()


def test_data_flow_shows_what_a_call_did(network: ComponentContainer, data: dict[str, Tensor]) -> None:
    picture = NetworkVisualizer(network).show_data_flow(data)
    said = texts(picture.svg)
    assert "[5, 8]" in said
    assert any("±" in text for text in said)
    assert sum(text.endswith("µs") for text in said) == 4
    assert not any("_compute" in vars(component) for component in network.values())
    assert picture._repr_html_() == picture.svg
