"""Recipes and tools by name, found by reading their sources: no recipe is imported to list or to look one up.

A *maker* is a public function of a recipe whose return annotation names a tool: ``def train(...) -> TrainTool``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from metta.common.errors import ConfigError, ExitCode, MettaError
from metta.common.suggest import did_you_mean
from metta.tools import __file__ as _tools_file

if TYPE_CHECKING:
    from inspect import Parameter

_FOLDER_ORDER = ("prod", "experiment", "validation")  # a short name means the first of these that has it


class RecipeImportError(MettaError, RuntimeError):
    """A recipe failed while it was imported or called; the message is its whole traceback."""

    exit_code: int = ExitCode.FAILED


class RecipeCallError(Exception):
    """A recipe, called without arguments, makes a config that is refused: no mistake of the user, so no MettaError."""


@dataclass(frozen=True, slots=True)
class MakerEntry:
    """One maker, as its source says."""

    module: str
    name: str
    tool: str
    parameters: str
    doc: str

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class RecipeEntry:
    """One recipe module. ``fault`` is a syntax error, reported only when the recipe is asked for."""

    module: str
    doc: str
    makers: tuple[MakerEntry, ...]
    unannotated: tuple[str, ...] = ()
    fault: str = ""

    @property
    def short_name(self) -> str:
        """``arena`` for ``recipes.prod.arena``."""
        return self.module.split(".", 2)[-1]

    @property
    def folder(self) -> str:
        return self.module.split(".")[1]


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """One tool class, as its source says."""

    name: str
    module: str
    class_name: str
    doc: str
    takes_recipe: bool = True

    @property
    def maker(self) -> MakerEntry:
        """For a tool that takes no recipe: the function of its name in its own module."""
        return MakerEntry(self.module, self.name, self.name, "", self.doc)


@dataclass(frozen=True)
class Registry:
    """All recipes below ``root`` (the directory of the package ``package``) and all tools of the house."""

    root: Path
    package: str = "recipes"

    @classmethod
    def default(cls) -> Registry:
        """The recipes that stand beside the package ``metta``: in a clone and in a wheel alike."""
        return cls(Path(_tools_file).parents[2] / "recipes")

    @cached_property
    def recipes(self) -> tuple[RecipeEntry, ...]:
        """Recipes with makers, ``prod`` first, then by name."""
        found: list[RecipeEntry] = []
        for path in sorted(self.root.glob("*/**/*.py")):
            parts = path.relative_to(self.root).with_suffix("").parts
            if path.name == "__init__.py" or parts[0] == "common" or any(part.startswith((".", "_")) for part in parts):
                continue
            entry = _read_recipe(path, ".".join((self.package, *parts)))
            if entry.makers or entry.fault or entry.unannotated:
                found.append(entry)
        return tuple(sorted(found, key=lambda entry: (_folder_rank(entry.folder), entry.short_name)))

    @cached_property
    def tools(self) -> tuple[ToolEntry, ...]:
        """The tool classes of ``metta/tools``: train, evaluate, play, replay, then the others by name."""
        found: list[ToolEntry] = []
        for path in sorted(Path(_tools_file).parent.glob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and node.name.endswith("Tool") and node.name != "Tool":
                    name = tool_name(node.name)
                    doc = _first_line(ast.get_docstring(node))
                    found.append(ToolEntry(name, f"metta.tools.{path.stem}", node.name, doc, _takes_recipe(node)))
        order = ("train", "evaluate", "play", "replay")
        return tuple(sorted(found, key=lambda tool: (order.index(tool.name) if tool.name in order else 9, tool.name)))

    @property
    def tool_names(self) -> tuple[str, ...]:
        """Names of tools, and of makers that are named otherwise."""
        makers = (name for recipe in self.recipes for maker in recipe.makers for name in (maker.tool, maker.name))
        return tuple(dict.fromkeys((*(tool.name for tool in self.tools), *makers)))

    def find_tool(self, name: str) -> ToolEntry | None:
        return next((tool for tool in self.tools if tool.name == name), None)

    def find_recipe(self, name: str) -> RecipeEntry | None:
        """A recipe by ``arena`` (the first in folder order), ``prod.arena`` or ``recipes.prod.arena``."""
        for recipe in self.recipes:
            parts = recipe.module.split(".")
            if name in (recipe.module, ".".join(parts[1:]), recipe.short_name, parts[-1]):
                return recipe
        return None

    def find_maker(self, words: tuple[str, ...]) -> MakerEntry:
        """The maker that ``train arena``, ``arena.train`` or ``recipes.prod.arena.train`` means.

        Raises:
            ConfigError: no such tool or recipe; the message names the nearest.
        """
        tool = self.find_tool(words[0])
        if tool is not None and not tool.takes_recipe:
            return tool.maker
        if len(words) == 1:
            module, dot, name = words[0].rpartition(".")
            if not dot or self.find_recipe(words[0]) is not None:
                raise ConfigError(self._one_word_fault(words[0]))
            return self._maker_of(name, module)
        return self._maker_of(*words)

    def _maker_of(self, tool: str, recipe_name: str) -> MakerEntry:
        recipe = self.find_recipe(recipe_name)
        if recipe is None:
            raise ConfigError(self._unknown_recipe(tool, recipe_name))
        if recipe.fault:
            raise RecipeImportError(recipe.fault)
        for maker in recipe.makers:
            if maker.name == tool:
                return maker
        for maker in recipe.makers:
            if maker.tool == tool:
                return maker
        if tool in recipe.unannotated:
            raise ConfigError(
                f"{recipe.module}.{tool} has no return annotation, so it is no maker. "
                f"Write what it returns: def {tool}(...) -> TrainTool."
            )
        names = tuple(dict.fromkeys(maker.name for maker in recipe.makers))
        known = "" if tool in self.tool_names else did_you_mean(tool, (*names, *self.tool_names))
        raise ConfigError(f"Recipe {recipe.short_name!r} has no {tool!r}.{known} It has: {', '.join(names)}.")

    def _unknown_recipe(self, tool: str, name: str) -> str:
        if self.find_recipe(tool) is not None and name in self.tool_names:
            return f"{tool!r} is a recipe and {name!r} a tool. Did you mean '{name} {tool}'?"
        hints: list[str] = []
        if tool not in self.tool_names:
            hints.append(f"Unknown tool {tool!r}.{did_you_mean(tool, self.tool_names)}")
        hints.append(f"Unknown recipe {name!r}.{did_you_mean(name, self._recipe_names())}")
        return " ".join(hints) + f" Recipes: {_shown(self._recipe_names())}."

    def _one_word_fault(self, word: str) -> str:
        if word in self.tool_names:
            example = f"{word} {self._example_recipe(word)}"
            return f"{word!r} needs a recipe, as in: {example}. Recipes: {_shown(self._recipe_names())}."
        recipe = self.find_recipe(word)
        if recipe is not None:
            if recipe.fault:
                raise RecipeImportError(recipe.fault)
            names = [maker.name for maker in recipe.makers]
            return f"Recipe {word!r} needs a tool, as in: {names[0]} {word}. It has: {', '.join(names)}."
        options = (*self.tool_names, *self._recipe_names())
        return f"Unknown tool {word!r}.{did_you_mean(word, options)} Tools: {', '.join(self.tool_names)}."

    def _example_recipe(self, tool: str) -> str:
        fitting = [recipe.short_name for recipe in self.recipes if any(tool in (m.name, m.tool) for m in recipe.makers)]
        return fitting[0] if fitting else "<recipe>"

    def _recipe_names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(recipe.short_name for recipe in self.recipes))


def load_maker(entry: MakerEntry) -> Callable[..., Any]:
    """Import the recipe and return its function. What the recipe raises comes through, to be shown whole."""
    import importlib

    return getattr(importlib.import_module(entry.module), entry.name)


def maker_tool_class(maker: Callable[..., Any]) -> Any:
    """The class that a maker's return annotation names."""
    return get_type_hints(maker).get("return")


def maker_parameters(maker: Callable[..., Any]) -> dict[str, Parameter]:
    """A maker's parameters with resolved annotations, in order; ``*args`` and ``**kwargs`` are left out."""
    import inspect

    hints = get_type_hints(maker, include_extras=True)
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found = inspect.signature(maker).parameters.values()
    return {p.name: p.replace(annotation=hints.get(p.name, Any)) for p in found if p.kind in kinds}


def recipe_traceback(entry: MakerEntry, root: Path, error: BaseException) -> str:
    """A heading, the frames from the recipe on, and the error; all frames when none is the recipe's."""
    import traceback  # only a broken recipe needs it, and it takes as long to import as a list takes to print

    frames = traceback.extract_tb(error.__traceback__)
    first = next((i for i, frame in enumerate(frames) if Path(frame.filename).is_relative_to(root)), 0)
    own = [frame for frame in frames[first:] if "importlib" not in frame.filename]
    lines = traceback.format_list(own) + traceback.format_exception_only(error)
    return f"Recipe {entry.module} failed:\n\n" + "".join(lines).rstrip()


def tool_name(class_name: str) -> str:
    """``train`` for ``TrainTool``, as ``Tool.tool_name`` says without an import."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", class_name.removesuffix("Tool")).lower()


def _read_recipe(path: Path, module: str) -> RecipeEntry:
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        import traceback

        shown = "".join(traceback.format_exception_only(error)).rstrip()
        return RecipeEntry(module, "", (), fault=f"Recipe {module} cannot be read:\n\n{shown}")
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    makers = tuple(
        MakerEntry(module, node.name, tool_name(returned), ast.unparse(node.args), _first_line(ast.get_docstring(node)))
        for node in functions
        if (returned := _returned_tool(node)) is not None
    )
    unannotated = tuple(node.name for node in functions if node.returns is None)
    doc = re.sub(r"\s*Status: \w+\.?$", "", _first_line(ast.get_docstring(tree)))  # the folder tells it
    return RecipeEntry(module, doc, makers, unannotated)


def _takes_recipe(node: ast.ClassDef) -> bool:
    """Whether the class leaves ``takes_recipe`` as it is: true."""
    return not any(
        isinstance(line, ast.AnnAssign)
        and isinstance(line.target, ast.Name)
        and line.target.id == "takes_recipe"
        and isinstance(line.value, ast.Constant)
        and line.value.value is False
        for line in node.body
    )


def _returned_tool(node: ast.FunctionDef) -> str | None:
    """``TrainTool`` for ``-> TrainTool``, ``-> train.TrainTool`` and ``-> "TrainTool"``."""
    returns = node.returns
    if returns is None:
        return None
    text = returns.value if isinstance(returns, ast.Constant) else ast.unparse(returns)
    name = str(text).rsplit(".", 1)[-1]
    return name if name.endswith("Tool") and name.isidentifier() else None


def _first_line(doc: str | None) -> str:
    return doc.strip().splitlines()[0].strip() if doc and doc.strip() else ""


def _folder_rank(folder: str) -> tuple[int, str]:
    return (_FOLDER_ORDER.index(folder) if folder in _FOLDER_ORDER else len(_FOLDER_ORDER), folder)


def _shown(names: Iterable[str], limit: int = 12) -> str:
    listed = list(names)
    more = f" and {len(listed) - limit} more (--list)" if len(listed) > limit else ""
    return (", ".join(listed[:limit]) or "none") + more
