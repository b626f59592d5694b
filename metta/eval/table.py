"""The scorecard as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from metta.eval.scorecard import Scorecard
from metta.eval.statistics import MetricSummary

HEADLINE_METRICS = ("reward", "heart.gained", "length")
"""Columns of the table, where they occur. The JSON file holds all metrics."""


def scorecard_table(scorecard: Scorecard, metrics: Sequence[str] = HEADLINE_METRICS) -> RenderableType:
    """One row a policy and simulation; each number is a mean with its 95 % interval."""
    rows = [(uri, key, row) for uri, simulations in scorecard.policies.items() for key, row in simulations.items()]
    shown = [metric for metric in metrics if any(metric in row for _, _, row in rows)]
    if all(row["length"].low == row["length"].high for _, _, row in rows if "length" in row):
        shown = [metric for metric in shown if metric != "length"]  # a game of fixed length needs no column for it
    best = {
        (key, metric): max(row[metric].mean for _, other, row in rows if other == key and metric in row)
        for _, key, found in rows
        for metric in shown
        if metric in found
    }
    table = Table(title="Scorecard", title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("policy", overflow="fold")
    table.add_column("simulation", no_wrap=True)
    for metric in shown:
        table.add_column(metric, justify="right", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    compare = len(scorecard.policies) > 1
    for index, (uri, key, row) in enumerate(rows):
        cells = [
            _cell(row[m], highlight=compare and m != "length" and row[m].mean == best[key, m])
            if m in row
            else Text("-")
            for m in shown
        ]
        ends_group = index + 1 < len(rows) and rows[index + 1][0] != uri
        count = max((summary.n for summary in row.values()), default=0)
        table.add_row(Text(_short(uri)), Text(key), *cells, str(count), end_section=ends_group)
    note = "mean per agent and episode, then 95 % bootstrap interval over n episodes"
    return Group(table, Text(note, style="dim"))


def print_scorecard(console: Console, scorecard: Scorecard, metrics: Sequence[str] = HEADLINE_METRICS) -> None:
    """Print the table on ``console``."""
    console.print(scorecard_table(scorecard, metrics))


def _short(uri: str) -> str:
    """``demo:v20`` for an artifact; other URIs whole."""
    return uri.rsplit("/", 1)[-1].removesuffix(".mpt") if uri.startswith("file://") else uri


def _cell(summary: MetricSummary, *, highlight: bool) -> Text:
    text = Text(_number(summary.mean), style="bold green" if highlight else "")
    text.append(f"  {_number(summary.low)}..{_number(summary.high)}", style="dim")
    return text


def _number(value: float) -> str:
    """Four significant digits, never in exponent form for the sizes that occur."""
    magnitude = abs(value)
    decimals = 0 if magnitude >= 1000 else 1 if magnitude >= 100 else 2 if magnitude >= 10 else 3
    return f"{value:,.{decimals}f}"
