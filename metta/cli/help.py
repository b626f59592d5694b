"""Help texts: the general one, and every key of a tool, from a schema that is cached until a source changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypedDict, cast

from metta.cli import cache
from metta.cli.groups import Groups
from metta.cli.registry import MakerEntry, Registry, ToolEntry
from metta.cli.style import Style
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean

_DEFAULT_WIDTH_MAX = 20
_TYPE_WIDTH_MAX = 26
_DOC_WIDTH_MIN = 30  # on a narrower rest of the screen, docs stand on lines of their own
_DOC_INDENT = 8

_EXAMPLES = (
    ("train arena run=demo", "train; the same command goes on with a stopped run"),
    ("train arena run=demo trainer.total_timesteps=1e6", "any setting: dotted.key=value"),
    ("train arena policy_architecture=fast wandb=offline", "a choice from configs/<group>/"),
    ("train gym env_id=CartPole-v1", "an argument of a recipe"),
    ("evaluate arena policy_uris=file://./train_dir/demo", "a folder means its latest policy"),
    ("train arena --help trainer", "the keys of a tool, or a part of them"),
)
_OPTIONS = (
    ("--help, -h [PREFIX]", "this text; after a tool, its keys (those below PREFIX)"),
    ("--list", "all recipes; after a tool or a recipe, what fits it"),
    ("--dry-run", "print the resolved config with the origin of each value, do nothing"),
    ("--verbose, -v", "more log lines, and tracebacks of errors"),
    ("--version", "the version of Metta"),
)


class Schema(TypedDict):
    """All that ``--help`` of a tool needs, as plain data."""

    tool: str
    doc: str
    parameters: list[Any]
    rows: list[Any]


def general_help(registry: Registry, program: str, style: Style) -> str:
    """Usage, tools, examples, options."""
    lines = [
        f"{style.bold('Metta')}: train, evaluate, play and replay cooperating agents",
        "",
        f"{style.bold('Usage')}    {program} {style.name('<tool> <recipe>')} [key=value ...] [options]",
        "",
        style.bold("Tools"),
        *_table([(tool.name, tool.doc) for tool in registry.tools], style),
        "",
        style.bold("Recipes"),
        *_table([(recipe.short_name, recipe.doc) for recipe in registry.recipes if recipe.folder == "prod"], style),
        "",
        style.bold("Examples"),
        *_table([(f"{program} {command}", text) for command, text in _EXAMPLES], style),
        "",
        style.bold("Options"),
        *_table(list(_OPTIONS), style),
        "",
        style.dim("Exit codes: 0 done, 1 failed, 2 usage or config, 3 run owned by another process, 5 not a number,"),
        style.dim("            130 Ctrl-C, 143 SIGTERM.  Overrides: docs/cli.md"),
    ]
    return "\n".join(lines)


def maker_schema(registry: Registry, groups: Groups, entry: MakerEntry) -> Schema:
    """The schema of a recipe's tool, from the cache or by building it once."""
    name, stamp = f"schema-{entry.path}", _stamp(registry, groups)
    known = cache.load(name, stamp)
    if known is None:
        known = _build_maker_schema(entry, groups)
        cache.store(name, stamp, known)
    return cast(Schema, known)


def tool_schema(registry: Registry, groups: Groups, tool: ToolEntry) -> Schema:
    """The schema of a tool on its own, with its class defaults."""
    name, stamp = f"schema-{tool.module}.{tool.class_name}", _stamp(registry, groups)
    known = cache.load(name, stamp)
    if known is None:
        from importlib import import_module

        from metta.cli.schema import tool_rows

        tool_class = getattr(import_module(tool.module), tool.class_name)
        known = Schema(
            tool=tool.class_name, doc=tool_class.__doc__ or "", parameters=[], rows=list(tool_rows(tool_class, None))
        )
        cache.store(name, stamp, known)
    return cast(Schema, known)


def tool_help(schema: Schema, groups: Groups, heading: str, prefix: str, style: Style) -> str:
    """Arguments of the recipe and keys of the tool; with a prefix only those below it.

    Raises:
        ConfigError: no key begins with the prefix; the message names the nearest.
    """
    rows = [
        row for row in schema["rows"] if not prefix or row["path"] == prefix or row["path"].startswith(f"{prefix}.")
    ]
    if prefix and not rows:
        options = [row["path"] for row in schema["rows"]]
        raise ConfigError(f"{heading} has no key {prefix!r}.{did_you_mean(prefix, options)}")
    lines = [style.bold(heading)]
    if not prefix:
        lines += [*(f"  {line}" for line in _paragraph(schema["doc"], style)), ""]
        if schema["parameters"]:
            lines += [style.bold("Arguments of the recipe"), *_key_table(schema["parameters"], groups, style), ""]
    shown = rows if prefix else _without_repeats(rows)
    lines += [style.bold("Keys"), *_key_table(shown, groups, style)]
    if len(shown) < len(rows):
        lines += ["", style.dim("Keys that repeat in another element are left out: --help PREFIX shows them.")]
    return "\n".join(lines)


def _build_maker_schema(entry: MakerEntry, groups: Groups) -> Schema:
    from metta.cli.overrides import build_tool
    from metta.cli.registry import load_maker, maker_tool_class
    from metta.cli.schema import REQUIRED, parameter_rows, tool_rows

    maker = load_maker(entry)
    parameters = parameter_rows(maker)
    callable_bare = all(row["default"] != REQUIRED for row in parameters)
    tool = build_tool(entry, maker, (), groups) if callable_bare else None
    tool_class = type(tool) if tool is not None else maker_tool_class(maker)
    return Schema(
        tool=tool_class.__name__,
        doc=tool_class.__doc__ or "",
        parameters=list(parameters),
        rows=list(tool_rows(tool_class, tool)),
    )


def _stamp(registry: Registry, groups: Groups) -> str:
    house = Path(__file__).parents[1]
    return cache.stamp_of([house, registry.root, groups.root], (".py", ".yaml"))


def _without_repeats(rows: list[Any]) -> list[Any]:
    """Drop keys inside a list element or mapping entry when its class was shown before; the entry itself stays."""
    kept: list[Any] = []
    seen: set[tuple[str, str]] = set()
    for row in rows:
        leaf = (row["owner"], row["path"].rpartition(".")[2])
        is_entry = row["item"] and row["section"] and row["type"] == "section" and leaf[1].isdecimal()
        if row["item"] and leaf in seen and not is_entry:
            continue
        seen.add(leaf)
        kept.append(row)
    return kept


def _key_table(rows: list[Any], groups: Groups, style: Style) -> list[str]:
    """Full keys for pipes, which are searched; on a terminal each section's keys stand under its name."""
    names = {row["path"]: _shown_key(row, style) for row in rows}
    key_width = max(map(len, names.values()))
    if style.is_terminal:
        key_width = max([len(names[row["path"]]) for row in rows if not row["section"]], default=key_width)
    type_width = max(min(len(row["type"]), _TYPE_WIDTH_MAX) for row in rows)
    default_width = max(min(len(row["default"]), _DEFAULT_WIDTH_MAX) for row in rows)
    indent = 2 + key_width + 2 + type_width + 2 + default_width + 2
    lines: list[str] = []
    for row in rows:
        doc, name = row["doc"], names[row["path"]]
        if row["path"] in groups.options and row["section"]:
            doc += f" (choices: {', '.join(groups.options[row['path']])})"
        if row["section"] and style.is_terminal:
            kind = "" if row["type"] == "section" else f"  {row['type']}"
            lines.append(f"  {style.bold(name)}{style.dim(kind)}  {style.dim(_first_sentence(doc))}".rstrip())
            continue
        kind, default = (row["type"], row["default"])
        if style.is_terminal:
            kind, default = _cut(kind, type_width), _cut(default, default_width)
        text = f"  {style.name(name)}{' ' * (key_width - len(name))}  {style.dim(f'{kind:<{type_width}}')}"
        text = f"{text}  {style.value(f'{default:<{default_width}}')}"
        if style.is_terminal and style.width - indent < _DOC_WIDTH_MIN:
            lines.append(text.rstrip())
            lines += [f"{' ' * _DOC_INDENT}{style.wrapped(doc, _DOC_INDENT)}"] if doc else []
        else:
            lines.append(f"{text}  {style.wrapped(doc, indent)}".rstrip())
    return lines


def _shown_key(row: Any, style: Style) -> str:
    if row["section"] or not style.is_terminal or "." not in row["path"]:
        return row["path"]
    return f"  .{row['path'].rpartition('.')[2]}"


def _first_sentence(doc: str) -> str:
    return re.split(r"\.(?: (?=[A-Z])|$)", doc)[0]


def _table(rows: list[tuple[str, str]], style: Style) -> list[str]:
    width = max((len(name) for name, _ in rows), default=0)
    return [
        f"  {style.name(name)}{' ' * (width - len(name))}  {style.wrapped(_plain(text), width + 4)}".rstrip()
        for name, text in rows
    ]


def _paragraph(doc: str, style: Style) -> list[str]:
    first = _plain(" ".join(doc.strip().split("\n\n")[0].split()))
    return style.wrapped(first, 2).replace("\n  ", "\n").splitlines()


def _plain(text: str) -> str:
    return text.replace("``", "")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
