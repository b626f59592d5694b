"""Writes a trained policy's clean network for use elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from metta.agent.policies.policy_uri import check_policy_uris
from metta.common.errors import ConfigError, ExitCode
from metta.tools.tool import Tool


class ExportTool(Tool):
    """Write a policy's network without wrappers: ``export policy_uri=file://train_dir/demo/checkpoints``.

    Each graph is compared with the network before it is kept. ``export.json`` beside the files tells keys, shapes and
    dtypes.
    """

    takes_recipe: ClassVar[bool] = False

    policy_uri: str | None = Field(default=None, description="file:// policy; a folder means its latest")
    formats: tuple[Literal["safetensors", "torch_export", "onnx"], ...] = Field(
        default=("safetensors", "torch_export"), min_length=1, description="onnx needs pip install 'metta[export]'"
    )
    keep: tuple[Literal["behaviour", "training", "monitoring"], ...] = Field(
        default=(), description="roles of wrappers that stay; behaviour = those that change outputs"
    )
    output_dir: str | None = Field(default=None, description="absent: exports/<version> under the policy's run")

    def invoke(self) -> int:
        """Export, print where to.

        Raises:
            CheckpointError: the policy is missing or damaged, or a graph computes something else than the network.
        """
        if self.policy_uri is None:
            raise ConfigError("which policy? Write export policy_uri=file://<path of a .mpt, or of its folder>.")
        check_policy_uris("policy_uri", [self.policy_uri], trained=True)  # before torch is loaded
        from metta.agent.export import DESCRIPTION, export_network
        from metta.checkpoint.manager import load_trained
        from metta.common.uri import parse_policy_uri, resolve_latest
        from metta.sim.output_place import place_for

        uri = parse_policy_uri(self.policy_uri)
        policy = load_trained(self.policy_uri, None)
        assert uri.path is not None, "load_trained refuses scripted policies"
        if self.output_dir is None:
            base, label = place_for(parse_policy_uri(f"file://{resolve_latest(uri.path)}"), self.system.data_dir)
            folder = base / "exports" / label
        else:
            folder = Path(self.output_dir).expanduser().absolute()
        done = export_network(policy, folder, self.formats, keep=self.keep)
        for name, path in done.files.items():
            difference = done.largest_difference.get(name)
            checked = "" if difference is None else f"  (differs by at most {difference:.1e} from the network)"
            print(f"{name:<13} {path}{checked}")
        print(f"{'keys':<13} {folder / DESCRIPTION}")
        return ExitCode.OK


def export() -> ExportTool:
    """The tool as the command line starts it."""
    return ExportTool()
