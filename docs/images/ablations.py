"""Draws what each ingredient is worth, from a campaign's scores, as a bar chart in SVG.

    python docs/images/ablations.py runs/plate-ablations/scores.json plate-ablations.svg

Scores named `all...` had every ingredient; the others lacked the one they are named after.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.sax.saxutils import escape

LEFT, WIDE, ROW = 150, 420, 24


def right(score: dict) -> float:
    """Per cent of the real files that were right: plates read, or clips heard."""
    real = score["real"]
    if "all" in real:
        return real["all"]["read_fold"]
    (only,) = real.values()
    return only["all"]


def chart(scores: dict[str, float]) -> str:
    """Bars from the best to the worst, with the mean of the `all` runs as a line."""
    whole = [value for name, value in scores.items() if name.startswith("all")]
    mean = sum(whole) / len(whole)
    rows = sorted(scores.items(), key=lambda pair: -pair[1])
    parts = []
    for number, (name, value) in enumerate(rows):
        top = 8 + number * ROW
        colour = "#8a93a6" if name.startswith("all") else "#2563c9"
        loss = "" if name.startswith("all") else f" ({value - mean:+.1f})"
        parts += [
            f'<text x="{LEFT - 8}" y="{top + 13}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LEFT}" y="{top}" width="{WIDE * value / 100:.1f}" height="{ROW - 7}" '
            f'fill="{colour}"/>',
            f'<text x="{LEFT + WIDE * value / 100 + 6:.1f}" y="{top + 13}">'
            f"{value:.1f}{loss}</text>",
        ]
    height = 16 + len(rows) * ROW
    at = LEFT + WIDE * mean / 100
    parts.append(f'<path d="M{at:.1f} 4V{height - 8}" stroke="#c33" stroke-dasharray="4 3"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDE + 110}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="#333"><rect width="100%" height="100%" '
        f'fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def main() -> None:
    """Read the scores that are named first, write the chart that is named second."""
    scores = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["scores"]
    values = {name: right(score) for name, score in scores.items()}
    Path(sys.argv[2]).write_text(chart(values), encoding="utf-8")


if __name__ == "__main__":
    main()
