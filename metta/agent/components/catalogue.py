"""The registry as a table, for people."""

from __future__ import annotations

import inspect
import re

from metta.agent.components.registry import COMPONENTS


def component_table() -> str:
    """A Markdown row per component: its name and the first sentence of its docstring."""
    rows = ["| component | what it computes |", "|---|---|"]
    for name, cls in sorted(COMPONENTS.items()):
        same_as = next((other for other in sorted(COMPONENTS) if COMPONENTS[other] is cls), name)
        rows.append(f"| `{name}` | {first_sentence(cls) if same_as == name else f'The same as `{same_as}`.'} |")
    return "\n".join(rows) + "\n"


def first_sentence(cls: type) -> str:
    """The docstring up to its first full stop (or colon before a list), in one line and in Markdown."""
    paragraph = " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())
    sentence = re.split(r"(?<=[.])\s", paragraph)[0]
    return sentence.replace("``", "`").replace("|", "\\|")
