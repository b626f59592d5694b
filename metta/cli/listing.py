"""``--list``: recipes and their makers, read from sources without importing one."""

from __future__ import annotations

from metta.cli.registry import RecipeEntry, Registry
from metta.cli.style import Style
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean


def list_all(registry: Registry, style: Style) -> str:
    """All recipes by folder, with their makers."""
    if not registry.recipes:
        return f"No recipes in {registry.root}."
    lines: list[str] = []
    names = {recipe: _shown_name(registry, recipe) for recipe in registry.recipes}
    name_width = max(map(len, names.values()))
    makers = {recipe: ", ".join(maker.name for maker in recipe.makers) or "-" for recipe in registry.recipes}
    maker_width = max(map(len, makers.values()))
    for folder in dict.fromkeys(recipe.folder for recipe in registry.recipes):
        lines += ["", style.bold(folder)] if lines else [style.bold(folder)]
        for recipe in registry.recipes:
            if recipe.folder == folder:
                doc = (
                    style.error("cannot be read")
                    if recipe.fault
                    else style.wrapped(recipe.doc, name_width + maker_width + 6)
                )
                lines.append(
                    f"  {style.name(names[recipe])}{' ' * (name_width - len(names[recipe]))}  "
                    f"{makers[recipe]:<{maker_width}}  {doc}".rstrip()
                )
    return "\n".join(lines)


def list_for(registry: Registry, words: tuple[str, ...], style: Style) -> str:
    """``arena --list`` and ``train arena --list``: what the recipe makes. ``train --list``: recipes that have the tool.

    Raises:
        ConfigError: the word is neither a tool nor a recipe.
    """
    recipe = registry.find_recipe(words[-1])
    if recipe is not None:
        rows = [(f"{maker.name} {recipe.short_name}", maker.parameters, maker.doc) for maker in recipe.makers]
        return _rows(f"{recipe.module}: {recipe.doc}", rows, style)
    tool = words[0]
    if len(words) == 1 and tool in registry.tool_names:
        rows = [
            (f"{maker.name} {entry.short_name}", maker.parameters, maker.doc or entry.doc)
            for entry in registry.recipes
            for maker in entry.makers
            if tool in (maker.name, maker.tool)
        ]
        found = registry.find_tool(tool)
        return _rows(f"{tool}: {found.doc.replace('``', '') if found else 'a maker'}", rows, style)
    options = (*registry.tool_names, *(entry.short_name for entry in registry.recipes))
    raise ConfigError(f"{words[-1]!r} is neither a tool nor a recipe.{did_you_mean(words[-1], options)} See --list.")


def _rows(heading: str, rows: list[tuple[str, str, str]], style: Style) -> str:
    name_width = max((len(name) for name, _, _ in rows), default=0)
    arguments_width = max((len(arguments) for _, arguments, _ in rows), default=0)
    lines = [style.bold(heading)]
    for name, arguments, doc in rows:
        gap = " " * (name_width - len(name))
        indent = name_width + arguments_width + 6
        text = style.wrapped(doc.replace("``", ""), indent)
        lines.append(f"  {style.name(name)}{gap}  {style.dim(f'{arguments:<{arguments_width}}')}  {text}".rstrip())
    return "\n".join(lines if rows else [*lines, "  no recipe has it"])


def _shown_name(registry: Registry, recipe: RecipeEntry) -> str:
    """The short name; with the folder where another folder has the same one first."""
    first = registry.find_recipe(recipe.short_name)
    return recipe.short_name if first is recipe else f"{recipe.folder}.{recipe.short_name}"
