"""`seedbed voices`: what can speak here, and how it sounds."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import click

VOICES_MODULE = "seedbed.generators.speech.voices"

MOST_ROWS = 12
"""Voices of an engine that are printed where not all are asked for."""


@click.command("voices")
@click.option("--engine", "engines", multiple=True, help="Only this engine; may be repeated.")
@click.option("--language", default="", help="Only voices of a language, such as en or pt-br.")
@click.option("--voice", "pattern", default="*", help="Only voices whose id fits, such as 'gmw/*'.")
@click.option("--say", "text", help="Say this with each voice listed; needs --out.")
@click.option(
    "--out", "folder", type=click.Path(path_type=Path), help="Folder for the WAVs of --say."
)
@click.option("--all", "everything", is_flag=True, help="Print every voice of long lists, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
def voices_command(
    engines: tuple[str, ...],
    language: str,
    pattern: str,
    text: str | None,
    folder: Path | None,
    everything: bool,
    as_json: bool,
) -> None:
    """List the voices usable on this machine by engine: id, language, sex and controls.

    With --say TEXT --out DIR each of them says TEXT (English ones where no --language is given).
    Blends of other voices do where --voice asks for them, such as 'blend-*'.
    """
    if (text is None) != (folder is None):
        raise click.UsageError("--say and --out belong together")
    voices: Any = import_module(VOICES_MODULE)
    if text is not None and folder is not None:
        written = voices.say(text, folder, engines, language or "en", pattern)
        if as_json:
            click.echo(json.dumps([str(path) for path in written]))
            return
        for path in written:
            click.echo(path)
        return
    reports = voices.list_voices(engines, language, pattern)
    speaking = [report for report in reports if report.voices]
    if language and not speaking:
        voices.check_language(language, engines)
    if as_json:
        click.echo(json.dumps([report.as_json() for report in reports], indent=1))
        return
    for report in speaking:
        click.echo("\n".join(_lines(report, everything)) + "\n")
    for report in reports:
        if report.missing:
            click.echo(f"{report.engine}: not usable here: {report.missing}")
    silent = [report.engine for report in reports if not report.voices and not report.missing]
    if silent:
        click.echo(f"no such voice: {', '.join(silent)}")
    click.echo(f"in all: {_counted(sum(len(report.voices) for report in speaking))}")


def _by_language(voice: Any) -> tuple[Any, ...]:
    """The order of the table: by language, then by id, numbers in it by size."""
    parts = re.split(r"(\d+)", voice.id)
    return voice.language, [int(part) if part.isdecimal() else part for part in parts]


def _counted(count: int) -> str:
    return f"{count} voice{'' if count == 1 else 's'}"


def _lines(report: Any, everything: bool) -> list[str]:
    """An engine's title, what all its voices obey, and a table of them, by language."""
    extras = [_counted(len(report.voices))]
    if report.variants:
        extras.append(f"each with {report.variants} variants (ID+NAME)")
    if report.procedural:
        extras.append("and made-up speakers (ID+#NUMBER)")
    if not report.deterministic:
        extras.append("not the same every time")
    lines = [f"{report.engine}: {', '.join(extras)}"]
    shared = frozenset.intersection(*(voice.controls for voice in report.voices))
    lines.append(f"  controls: {' '.join(sorted(shared)) or 'none'}")
    rows = [
        (voice.id, voice.language, voice.sex, " ".join(sorted(voice.controls - shared)))
        for voice in sorted(report.voices, key=_by_language)
    ]
    shown = rows if everything or len(rows) <= MOST_ROWS else rows[: MOST_ROWS - 1]
    titles = ("ID", "LANGUAGE", "SEX", "ALSO" if any(row[3] for row in rows) else "")
    table = [titles, *shown]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    for row in table:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        lines.append(f"  {'  '.join(cells)}".rstrip())
    if len(shown) < len(rows):
        lines.append(f"  and {len(rows) - len(shown)} more: narrow with --language, or see --all")
    return lines
