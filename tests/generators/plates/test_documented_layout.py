"""The layout in docs/plates.md is a layout."""

from __future__ import annotations

import re
from pathlib import Path

from seedbed.generators.plates.face import layout_sheet
from seedbed.generators.plates.grammar import draw_registration
from seedbed.generators.plates.layout import PlateLayout, load_layout
from seedbed.streams import stream

PAGE = (Path(__file__).parents[3] / "docs" / "plates.md").read_text(encoding="utf-8")


def test_the_documented_layout_is_read_and_drawn(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "documented.toml"
    path.write_text(text, encoding="utf-8")
    layout = load_layout(path)
    texts = [draw_registration(layout, stream(0, index)).plain for index in range(200)]
    assert max(len(text) for text in texts) == 7
    assert not any("SS" in text or "666" in text for text in texts)
    assert layout_sheet(px_per_mm=0.5, layouts=[layout.id]).std() > 10


def test_every_key_of_a_layout_is_on_the_page() -> None:
    keys = set(PlateLayout.model_fields) - {"id", "file"}
    assert {key for key in keys if not re.search(rf"\b{key}\b", PAGE)} == set()
