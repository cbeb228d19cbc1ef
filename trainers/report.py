"""`report.html` of a run: scores, confusions, worst cases, filters, their maps, and curves."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
from torch import nn

from seedbed.sample import NAMELESS
from seedbed.shards import write_whole
from seedbed.trainers.draw import Image
from seedbed.trainers.evaluate import Evaluation, worst_sheet
from seedbed.trainers.filters import feature_map_sheet, filter_sheet, penalty_plot
from seedbed.trainers.regularise import chosen_features, layer_names, matching_layers, matrices
from seedbed.trainers.run_log import read_metrics
from seedbed.trainers.runs import load_trained
from seedbed.yaml_files import read_yaml

WIDTH, HEIGHT = 420, 200
LEFT, BELOW = 52, 24
"""Pixels of a curve's drawing, and what its numbers take."""

STRONGEST = 12
"""Inputs of a layer that are named among those that L1 has left."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 78rem; padding: 0 1rem;
  color: #1d2129; background: #fff }
table { border-collapse: collapse; margin: .5rem 0 1.5rem } td, th { padding: .15rem .8rem .15rem 0;
  text-align: left; border-bottom: 1px solid #e3e6ea } td.n { text-align: right;
  font-variant-numeric: tabular-nums }
figure { display: inline-block; margin: 0 1rem 1rem 0 }
figcaption { font-size: 13px; color: #5a6270 }
pre { background: #f5f6f8; padding: .8rem; overflow: auto; font-size: 13px } img { max-width: 100% }
@media (prefers-color-scheme: dark) { body { color: #e6e8eb; background: #15181d }
  td, th { border-color: #333a44 } pre { background: #20252c } svg { filter: invert(.88) } }
</style></head><body>
<h1>{{ title }}</h1>
<table>{% for key, value in facts %}
<tr><th>{{ key }}</th><td>{{ value }}</td></tr>{% endfor %}</table>
{% for evaluation in evaluations %}
<h2>{{ evaluation.where }}: {{ evaluation.items }} items</h2>
<table><tr><th>metric</th><th>value</th><th>95% interval</th></tr>
{% for row in evaluation.rows %}<tr><td>{{ row[0] }}</td><td class="n">{{ row[1] }}</td>
<td class="n">{{ row[2] }}</td></tr>{% endfor %}</table>
{% for key, groups in evaluation.slices %}<h3>by {{ key }}</h3>
<table><tr>{% for name in groups.head %}<th>{{ name }}</th>{% endfor %}</tr>
{% for row in groups.rows %}<tr>{% for cell in row %}<td class="n">{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>{% endfor %}
{% if evaluation.confusion %}<h3>said (rows) and heard or seen (columns)</h3>
<table class="confusion"><tr><th></th>{% for name in evaluation.classes %}<th>{{ name }}</th>\
{% endfor %}</tr>
{% for row in evaluation.confusion %}<tr><th>{{ row.name }}</th>{% for cell in row.cells %}\
<td class="n" style="background: rgba({{ cell.colour }}, {{ cell.share }})">{{ cell.count }}</td>\
{% endfor %}</tr>
{% endfor %}</table>
{% endif %}{% if evaluation.sheet %}<h3>worst cases</h3>
<img alt="worst cases" src="{{ evaluation.sheet }}">
{% endif %}{% endfor %}
{% for one in penalties %}{% if loop.first %}<h2>Penalties</h2>{% endif %}
<figure><img alt="penalty" src="{{ one.picture }}">
<figcaption>{{ one.caption }}</figcaption></figure>
{% endfor %}
{% if filters %}<h2>Filters of the first layer</h2>
<figure><img alt="filters" src="{{ filters.picture }}">
<figcaption>{{ filters.caption }}</figcaption></figure>
{% endif %}{% for one in seen %}{% if loop.first %}<h2>Feature maps</h2>
<p>Each map from black, its least number, to white, its largest.</p>{% endif %}
<h3>{{ one.caption }}</h3>
{% if one.picture %}<figure><img alt="item" src="{{ one.picture }}"></figure>{% endif %}
{% for layer in one.layers %}<figure><img alt="feature maps" src="{{ layer.picture }}">
<figcaption>{{ layer.caption }}</figcaption></figure>
{% endfor %}{% endfor %}
{% if left %}<h2>What L1 has left</h2>
<table><tr><th>layer</th><th>inputs left</th><th>the strongest</th></tr>
{% for row in left %}<tr><td>{{ row[0] }}</td><td class="n">{{ row[1] }}</td><td>{{ row[2] }}</td>
</tr>{% endfor %}</table>
{% endif %}<h2>Curves</h2>
{% for curve in curves %}<figure>{{ curve.svg | safe }}<figcaption>{{ curve.name }}</figcaption>
</figure>{% endfor %}
<h2>Configuration</h2><pre>{{ config }}</pre>
</body></html>
"""


def write_report(run: Path, evaluations: Mapping[str, Evaluation]) -> Path:
    """Write `report.html` into a run's folder; evaluations come by what they were made on."""
    from jinja2 import Environment

    network = load_trained(run).network
    # Recipes' and files' names come from users, so everything is escaped but our own drawings.
    template = Environment(autoescape=True).from_string(_PAGE)
    page = template.render(
        title=f"Run {run.name}",
        facts=_facts(run),
        evaluations=[_shown(where, one) for where, one in evaluations.items()],
        filters=_first_filters(network),
        seen=_seen(evaluations),
        penalties=_penalties(run),
        left=_left_by_l1(run, network),
        curves=curves(run / "metrics.csv"),
        config=(run / "config.yaml").read_text(encoding="utf-8"),
    )
    path = run / "report.html"
    write_whole(path, page.encode())
    return path


def _penalties(run: Path) -> list[dict[str, str]]:
    """Each penalty that the run was trained with, drawn: what a weight costs and what pulls it."""
    config = read_yaml(run / "config.yaml", f"{run.name}/config.yaml")
    drawn = []
    for penalty in config.get("fit", {}).get("regularise", ()):
        l1, l2 = float(penalty.get("l1") or 0), float(penalty.get("l2") or 0)
        layers = penalty.get("layers", "all")
        where = layers if isinstance(layers, str) else ", ".join(layers)
        caption = f"on {penalty['on']} of {where}: L1 {l1:g}, L2 {l2:g}"
        drawn.append({"picture": _as_data(penalty_plot(l1, l2), ".png"), "caption": caption})
    return drawn


def _left_by_l1(run: Path, network: nn.Module) -> list[tuple[str, str, str]]:
    """Layers whose weights have an L1 penalty, how many of their inputs count, and which most."""
    config = read_yaml(run / "config.yaml", f"{run.name}/config.yaml")
    penalised: set[str] = set()
    for penalty in config.get("fit", {}).get("regularise", ()):
        if penalty["on"] == "weights" and penalty.get("l1"):
            layers = penalty.get("layers", "all")
            if layers == "all":
                penalised |= set(layer_names(network))
            else:
                penalised |= {name for one in layers for name in matching_layers(network, one)}
    rows = []
    for name, module in layer_names(network).items():
        filters = isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d) and module.groups == 1
        inside = any(name == one or name.startswith(f"{one}.") for one in penalised)
        if inside and (filters or isinstance(module, nn.Linear)):
            features = chosen_features(network, name)
            strongest = ", ".join(feature.name for feature in features[:STRONGEST])
            rows.append((name, f"{len(features)} of {matrices(module)[0].shape[1]}", strongest))
    return rows


def _first_filters(network: nn.Module) -> dict[str, str]:
    """The filters that look at the input itself, drawn; nothing for a network without filters."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
            weight = module.weight.detach().float().numpy()
            colours = weight.shape[1] == 3 and weight.ndim == 4
            caption = f"{name}: {' x '.join(str(size) for size in weight.shape)}, " + (
                "red, green and blue as they are weighed, grey for nothing"
                if colours
                else "red above zero, blue below"
            )
            return {"picture": _as_data(filter_sheet(weight), ".png"), "caption": caption}
    return {}


def _seen(evaluations: Mapping[str, Evaluation]) -> list[dict[str, Any]]:
    """The items of the first evaluation with what the first and the last filters answered."""
    first = next(iter(evaluations.values()), None)
    drawn = []
    for item in first.seen if first is not None else ():
        layers = [
            {
                "picture": _as_data(feature_map_sheet(one.maps), ".png"),
                "caption": f"{one.layer}: {' x '.join(str(size) for size in one.maps.shape)}",
            }
            for one in item.layers
        ]
        if layers:
            picture = "" if item.picture is None else _as_data(item.picture)
            drawn.append({"caption": item.caption, "picture": picture, "layers": layers})
    return drawn


def curves(path: Path) -> list[dict[str, str]]:
    """A drawing of each metric of a `metrics.csv` over the steps."""
    series: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for step, name, value in read_metrics(path):
        series[name].append((step, value))
    return [{"name": name, "svg": curve_svg(points)} for name, points in sorted(series.items())]


def curve_svg(points: Sequence[tuple[float, float]]) -> str:
    """A line through points as SVG, with the ends of both axes written on."""
    finite = [(x, y) for x, y in points if y == y and abs(y) != float("inf")]
    if not finite:
        return ""
    low_x, high_x = min(x for x, _ in finite), max(x for x, _ in finite)
    low_y, high_y = min(y for _, y in finite), max(y for _, y in finite)
    span_x, span_y = (high_x - low_x) or 1.0, (high_y - low_y) or 1.0
    wide, tall = WIDTH - LEFT - 8, HEIGHT - BELOW - 8
    path = " ".join(
        f"{LEFT + wide * (x - low_x) / span_x:.1f},{8 + tall * (1 - (y - low_y) / span_y):.1f}"
        for x, y in finite
    )
    labels = (
        (LEFT - 6, 14, "end", f"{high_y:.3g}"),
        (LEFT - 6, 8 + tall, "end", f"{low_y:.3g}"),
        (LEFT, HEIGHT - 6, "start", f"{low_x:,.0f}"),
        (WIDTH - 8, HEIGHT - 6, "end", f"{high_x:,.0f}"),
    )
    texts = "".join(
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="11">{words}</text>'
        for x, y, anchor, words in labels
    )
    frame = f"M{LEFT} 8V{8 + tall}H{WIDTH - 8}"
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f'<path d="{frame}" fill="none" stroke="#aab"/>{texts}'
        f'<polyline points="{path}" fill="none" stroke="#2563c9" stroke-width="1.6"/></svg>'
    )


def _facts(run: Path) -> list[tuple[str, str]]:
    result, data = _json(run / "result.json"), _json(run / "data.json")
    facts = [(key.replace("_", " "), str(value)) for key, value in result.items()]
    for role, sources in data.items():
        for source in sources:
            facts.append((role, ", ".join(f"{key} {value}" for key, value in source.items())))
    for name in ("best", "last"):
        path = run / f"{name}.safetensors"
        if path.is_file():
            facts.append((path.name, f"{path.stat().st_size / 1e6:.2f} MB"))
    return facts


def _json(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return values


def _shown(where: str, evaluation: Evaluation) -> dict[str, Any]:
    rows = []
    for name, value in evaluation.metrics.items():
        ends = evaluation.intervals.get(name)
        rows.append((name, f"{value:.4g}", f"{ends[0]:.4g} to {ends[1]:.4g}" if ends else ""))
    slices = []
    for key, groups in evaluation.slices.items():
        names = sorted({name for values in groups.values() for name in values} - {"items"})
        body = [
            [
                group,
                f"{values['items']:.0f}",
                *(f"{values[name]:.4g}" if name in values else "" for name in names),
            ]
            for group, values in groups.items()
        ]
        slices.append((key, {"head": [key, "items", *names], "rows": body}))
    met = evaluation.classes_met()
    names_met = [evaluation.classes[number] or NAMELESS for number in met]
    confusion = [
        {
            "name": name,
            "cells": _cells([evaluation.confusion[row][column] for column in met], place),
        }
        for place, (name, row) in enumerate(zip(names_met, met, strict=True))
    ]
    sheet = worst_sheet(evaluation)
    return {
        "classes": names_met,
        "confusion": confusion,
        "where": where,
        "items": evaluation.items,
        "rows": rows,
        "slices": slices,
        "sheet": _as_data(sheet) if sheet is not None else "",
    }


def _cells(row: Sequence[int], right: int) -> list[dict[str, Any]]:
    """A row's counts, each with its share of the row: what is right in blue, what is not in red."""
    total = max(sum(row), 1)
    return [
        {
            "count": count or "",
            "share": f"{count / total:.3f}",
            "colour": "37, 99, 201" if number == right else "201, 60, 37",
        }
        for number, count in enumerate(row)
    ]


def _as_data(image: Image, suffix: str = ".jpg") -> str:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    options = [cv2.IMWRITE_JPEG_QUALITY, 85] if suffix == ".jpg" else []
    coded = cv2.imencode(suffix, bgr, options)[1].tobytes()
    kind = {".jpg": "jpeg", ".png": "png"}[suffix]
    return f"data:image/{kind};base64," + base64.b64encode(coded).decode()
