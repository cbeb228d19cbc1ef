"""`seedbed voices`: what can speak here, and how it sounds."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import click

VOICES_MODULE = "seedbed.generators.speech.voices"


@click.command("voices")
@click.option("--engine", "engines", multiple=True, help="Only this engine; may be repeated.")
@click.option("--language", default="", help="Only voices of a language, such as en or pt-br.")
@click.option("--voice", "pattern", default="*", help="Only voices whose id fits, such as 'gmw/*'.")
@click.option("--say", "text", help="Say this with each voice listed; needs --out.")
@click.option(
    "--out", "folder", type=click.Path(path_type=Path), help="Folder for the WAVs of --say."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")
def voices_command(
    engines: tuple[str, ...],
    language: str,
    pattern: str,
    text: str | None,
    folder: Path | None,
    as_json: bool,
) -> None:
    """List the voices usable on this machine: engine, id, language, sex and controls.

    With --say TEXT --out DIR each of them says TEXT (English ones where no --language is given).
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
    if as_json:
        click.echo(json.dumps([report.as_json() for report in reports], indent=1))
        return
    for report in reports:
        click.echo("\n".join(_lines(report)))


def _lines(report: Any) -> list[str]:
    if report.missing:
        return [f"{report.engine}: not usable here: {report.missing}"]
    extras = [f"{len(report.voices)} voices"]
    if report.variants:
        extras.append(f"each with {report.variants} variants (ID+NAME)")
    if report.procedural:
        extras.append("and made-up speakers (ID+#NUMBER)")
    if not report.deterministic:
        extras.append("not the same every time")
    lines = [f"{report.engine}: {', '.join(extras)}"]
    width = max((len(voice.id) for voice in report.voices), default=0)
    for voice in report.voices:
        controls = " ".join(sorted(voice.controls)) or "none"
        lines.append(f"  {voice.id:<{width}}  {voice.language:<12} {voice.sex:<7} {controls}")
    return lines
