"""The command line: ``main(argv)`` reads a request, builds the tool, invokes it, and answers with an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

from metta.cli.registry import MakerEntry, RecipeImportError, Registry
from metta.cli.request import Override, Request, parse_request
from metta.cli.style import Style
from metta.common.errors import ExitCode, MettaError
from metta.common.openmp import shorten_spins

if TYPE_CHECKING:  # their modules import pydantic, which help and lists do without
    from metta.cli.groups import Groups
    from metta.tools.tool import Tool


def console_main() -> None:
    """Entry point of the console script ``metta`` and of ``tools/run.py``."""
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str], registry: Registry | None = None, groups: Groups | None = None) -> int:
    """Run one command; returns its exit code and lets no exception out."""
    command = _Command(argv, registry or Registry.default(), groups)
    try:
        return command.run()
    except MettaError as error:
        command.report(error)
        return int(error.exit_code)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return ExitCode.SIGINT
    except BrokenPipeError:
        # The reader of a pipe went away (| head). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001 - the one place where nothing may get through
        command.report_crash(error)
        return ExitCode.FAILED


class _Command:
    """One command line on its way: what is known of it so far shapes how an error is told."""

    def __init__(self, argv: Sequence[str], registry: Registry, groups: Groups | None) -> None:
        self.argv = argv
        self.registry = registry
        self._groups = groups
        self.request = Request()
        self.entry: MakerEntry | None = None
        self.tool: Tool | None = None

    @property
    def groups(self) -> Groups:
        from metta.cli.groups import Groups

        return self._groups or Groups.default()

    def run(self) -> int:
        self.request = request = parse_request(self.argv)
        if request.version:
            from importlib.metadata import version

            return _say(f"metta {version('metta')}")
        if request.list_only:
            return self._list()
        if request.help or not request.words:
            return self._help()
        return self._invoke()

    def _list(self) -> int:
        from metta.cli.listing import list_all, list_for

        style, words = Style.of(sys.stdout), self.request.words
        return _say(list_for(self.registry, words, style) if words else list_all(self.registry, style))

    def _help(self) -> int:
        from metta.cli.help import general_help, maker_schema, tool_help, tool_schema

        style, (words, prefix) = Style.of(sys.stdout), (self.request.words, self.request.help_prefix)
        if not words:
            return _say(general_help(self.registry, program(), style))
        if len(words) == 1 and prefix and self.registry.find_recipe(prefix) is not None:
            words, prefix = (words[0], prefix), ""  # `train --help arena`
        tool = self.registry.find_tool(words[0]) if len(words) == 1 else None
        if tool is not None:
            return _say(tool_help(tool_schema(self.registry, self.groups, tool), self.groups, tool.name, prefix, style))
        if len(words) == 1 and self.registry.find_recipe(words[0]) is not None:
            return self._list()
        self.entry = self.registry.find_maker(words)
        schema = maker_schema(self.registry, self.groups, self.entry)
        heading = f"{self.entry.name} {self.entry.module.split('.', 2)[-1]}"
        return _say(tool_help(schema, self.groups, heading, prefix, style))

    def _invoke(self) -> int:
        self.entry = self.registry.find_maker(self.request.words)
        from metta.cli.overrides import build_tool
        from metta.cli.registry import load_maker
        from metta.common.log import setup_logging

        tool = build_tool(self.entry, load_maker(self.entry), self._overrides(), self.groups)
        if self.request.dry_run:
            return _say(_dimmed_comments(tool.resolved_text(), Style.of(sys.stdout)))
        if self.request.verbose:
            print(f"{self.entry.path}: {type(tool).__name__}", file=sys.stderr)
        setup_logging(None, self.request.verbose)
        self.tool = tool
        shorten_spins()  # before the tool imports torch
        return int(tool.invoke())

    def _overrides(self) -> tuple[Override, ...]:
        """What was typed; for a tool without recipe a second word is its verb, and entries need no ``+``."""
        words, overrides = self.request.words, self.request.overrides
        tool = self.registry.find_tool(words[0])
        if tool is None or tool.takes_recipe:
            return overrides
        verbs = tuple(Override("change", "verb", word) for word in words[1:])
        free = (
            replace(one, operation="force") if one.operation == "change" and "." in one.key else one
            for one in overrides
        )
        return (*verbs, *free)

    def report(self, error: MettaError) -> None:
        """A mistake of the user, in as many lines as it needs; a traceback only with --verbose."""
        style = Style.of(sys.stderr)
        if "--verbose" in self.argv or "-v" in self.argv:
            import traceback

            traceback.print_exception(error)
        if isinstance(error, RecipeImportError):
            print(error, file=sys.stderr)
            return
        head, *more = str(error).splitlines() or [type(error).__name__]
        stopped = error.exit_code >= ExitCode.SIGHUP
        label = style.bold("Stopped:") if stopped else style.error("Error:")
        indent = " " * (len("Stopped: ") if stopped else len("Error: "))
        _print_lines(sys.stderr, [f"{label} {head}", *(f"{indent}{line}" for line in more)])
        if error.exit_code == ExitCode.USAGE and self.entry is not None and self.tool is None:
            recipe = "" if self.entry.module.startswith("metta.") else f" {self.entry.module.split('.', 2)[-1]}"
            print(style.dim(f"       Keys: {program()} {self.entry.name}{recipe} --help"), file=sys.stderr)

    def report_crash(self, error: Exception) -> None:
        """A recipe's own error from the recipe on; any other error whole: it is a fault of the program."""
        import traceback

        from metta.cli.registry import recipe_traceback

        if self.tool is None and self.entry is not None:
            print(recipe_traceback(self.entry, self.registry.root, error), file=sys.stderr)
        else:
            traceback.print_exception(error)
        print(f"{Style.of(sys.stderr).error('Error:')} {type(error).__name__}: {error}", file=sys.stderr)


def program() -> str:
    """What the user types: ``./tools/run.py`` hands its own name over; else the console script."""
    return os.environ.get("METTA_PROGRAM") or "metta"


def _say(text: str) -> int:
    print(text.rstrip("\n"), flush=True)
    return ExitCode.OK


def _print_lines(stream: TextIO, lines: list[str]) -> None:
    print("\n".join(lines), file=stream)


def _dimmed_comments(text: str, style: Style) -> str:
    if not style.colored:
        return text
    return "\n".join(_dimmed_comment(line, style) for line in text.splitlines())


def _dimmed_comment(line: str, style: Style) -> str:
    value, mark, comment = line.rpartition("  # ")
    if mark:
        paint = style.value if comment == "command line" else style.dim
        return f"{value}  {paint(f'# {comment}')}"
    return style.dim(line) if line.startswith("#") else line


if __name__ == "__main__":
    console_main()
