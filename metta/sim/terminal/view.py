"""Draws a game frame: the map around an agent, the agent's numbers, all agents, the keys."""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from metta.mettagrid.render.ansi import DIGITS, ascii_map, draw, legend, view_around
from metta.sim.terminal.frame import GameFrame

_SIDE_WIDTH = 34
_FOOT_ABOVE_KEYS = 2
_COLUMNS_PER_CELL = 2


def screen(frame: GameFrame, *, selected: int, width: int, height: int, keys: str, status: str) -> RenderableType:
    """The whole screen, fitted to ``width`` x ``height``: ``status`` is one line, ``keys`` as many as it needs."""
    layout = Layout()
    key_lines = wrap_keys(keys, width)
    foot_height = _FOOT_ABOVE_KEYS + len(key_lines)
    layout.split_column(Layout(name="head", size=1), Layout(name="body"), Layout(name="foot", size=foot_height))
    layout["body"].split_row(Layout(name="map"), Layout(name="side", size=_SIDE_WIDTH))
    layout["head"].update(_head(frame, status))
    body_height = max(height - 1 - foot_height, 3)
    rows, cols = max(body_height - 2, 1), max((width - _SIDE_WIDTH - 4) // _COLUMNS_PER_CELL, 1)
    layout["map"].update(Panel(map_text(frame, selected, rows, cols), border_style="grey42"))
    panel, panel_height = agent_panel(frame, selected)
    rows_left = body_height - panel_height - 2
    layout["side"].split_column(
        Layout(panel, name="agent", size=min(panel_height, body_height)),
        Layout(ranking(frame, selected, rows_left), name="ranking", visible=rows_left > 0),
    )
    layout["foot"].update(_foot(frame, key_lines))
    return layout


def wrap_keys(keys: str, width: int) -> list[str]:
    """The hint in lines of at most ``width`` characters, broken where two spaces part its items.

    >>> wrap_keys("arrows move  a attack  q quit", 22)
    ['arrows move  a attack', 'q quit']
    """
    lines: list[str] = []
    for item in keys.split("  "):
        if lines and len(lines[-1]) + len(item) + 2 <= width:
            lines[-1] += f"  {item}"
        else:
            lines.append(item)
    return lines


def map_text(frame: GameFrame, selected: int, rows: int, cols: int) -> Text:
    """The part of the map, at most ``rows`` x ``cols`` cells, that keeps the selected agent near its middle."""
    focus = frame.agents[selected]
    view = view_around(focus.row, focus.col, width=frame.width, height=frame.height, view_width=cols, view_height=rows)
    text = Text.from_ansi(draw(frame.objects, frame.width, frame.height, selected_agent=selected, view=view))
    text.no_wrap, text.overflow = True, "crop"
    return text


def agent_panel(frame: GameFrame, selected: int) -> tuple[RenderableType, int]:
    """Everything about the selected agent, and the panel's height."""
    agent = frame.agents[selected]
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row("reward", Text(f"{agent.total_reward:.2f}", style="bold green"))
    grid.add_row("last step", f"{agent.last_reward:+.2f}")
    outcome = "" if agent.succeeded is None else " ok" if agent.succeeded else " failed"
    grid.add_row(
        "action", Text(f"{agent.last_action or '-'}{outcome}", style="red" if agent.succeeded is False else "")
    )
    if agent.frozen:
        grid.add_row("frozen", Text(f"{agent.frozen} steps", style="bold cyan"))
    for resource in frame.config.game.resource_names:
        amount = agent.inventory.get(resource, 0)
        grid.add_row(resource, Text(str(amount), style="bold" if amount else "dim"))
    title = f"agent {selected} ({DIGITS[selected % len(DIGITS)]})"
    return Panel(grid, title=title, title_align="left", border_style="cyan"), grid.row_count + 2


def ranking(frame: GameFrame, selected: int, rows: int) -> RenderableType:
    """All agents, richest first, as many as ``rows`` holds; the selected one always."""
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    has_hearts = "heart" in frame.config.game.resource_names
    order = sorted(frame.agents, key=lambda agent: (-agent.total_reward, agent.agent_id))
    shown = order[: max(rows, 0)]
    if shown and frame.agents[selected] not in shown:
        shown[-1] = frame.agents[selected]
    for agent in shown:
        hearts = f"♥{agent.inventory.get('heart', 0):>3}" if has_hearts else ""
        frozen = " frozen" if agent.frozen else ""
        table.add_row(
            f"{DIGITS[agent.agent_id % len(DIGITS)]}{frozen}",
            f"{agent.total_reward:.2f}",
            Text(hearts, style="" if agent.agent_id == selected else "red"),
            style="reverse" if agent.agent_id == selected else "",
        )
    more = len(order) - len(shown)
    title = f"agents ({more} more)" if more else "agents"
    return Panel(table, title=title, title_align="left", border_style="grey42")


def _head(frame: GameFrame, status: str) -> Text:
    steps = frame.config.game.max_steps
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f" {frame.config.label} ", style="bold black on cyan")
    text.append(f"  step {frame.step}{f'/{steps}' if steps else ''}  ", style="bold")
    text.append(status, style="yellow")
    return text


def _foot(frame: GameFrame, key_lines: list[str]) -> RenderableType:
    steps = frame.config.game.max_steps
    explained = Text.from_ansi(legend(frame.objects))
    explained.no_wrap, explained.overflow = True, "ellipsis"
    done = frame.step / steps if steps else 0.0
    rows = Layout()
    rows.split_column(
        Layout(ProgressBar(total=1.0, completed=done, complete_style="cyan", finished_style="green"), size=1),
        Layout(explained, size=1),
        *(Layout(Text(line, no_wrap=True, overflow="ellipsis", style="bold"), size=1) for line in key_lines),
    )
    return rows


def print_plain(console: Console, frame: GameFrame, *, max_agents: int = 10) -> None:
    """A frame for a pipe: no colours, one character a cell, the best agents below."""
    agents = sorted(frame.agents, key=lambda agent: (-agent.total_reward, agent.agent_id))
    mean = sum(agent.total_reward for agent in agents) / len(agents)
    held = {name: sum(a.inventory.get(name, 0) for a in agents) for name in frame.config.game.resource_names}
    steps = frame.config.game.max_steps
    lines = [f"{frame.config.label}  step {frame.step}{f'/{steps}' if steps else ''}  reward per agent {mean:.3f}"]
    lines.append("held by all: " + (_listed(held) or "nothing"))
    lines.append(ascii_map(frame.objects, frame.width, frame.height))
    for agent in agents[:max_agents]:
        frozen = f"  frozen={agent.frozen}" if agent.frozen else ""
        lines.append(
            f"agent {agent.agent_id:>3} ({DIGITS[agent.agent_id % len(DIGITS)]})  reward {agent.total_reward:8.3f}  "
            f"{_listed(agent.inventory) or '-'}{frozen}"
        )
    if len(agents) > max_agents:
        lines.append(f"and {len(agents) - max_agents} more agents")
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True, end="\n\n")


def _listed(inventory: object) -> str:
    assert isinstance(inventory, dict)
    return " ".join(f"{name}={amount}" for name, amount in inventory.items() if amount)
