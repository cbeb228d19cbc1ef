"""Plate layouts: the facts of one kind of licence plate, read from a TOML file.

A layout says in millimetres where everything on a plate lies: its outline, border and
bolt holes, the marks printed on it, the lines of characters, and the grammar that its
registrations follow. The files in `data/plates/` ship with seedbed; a user's own file
works by its path. The origin is the plate's top left corner, x runs right, y runs down.

A pattern describes a registration: `A` is a letter and `9` a digit of the layout's
alphabets, `{name}` something drawn from the set of that name, `<name>` the separator of
that name, with `-`, `·` and a blank short for `<dash>`, `<dot>` and `<gap>`; `|` begins
the next line.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from seedbed.errors import InputError
from seedbed.generators.plates.art import art_variant
from seedbed.registry import nearest
from seedbed.resources import data_path

Region = Literal["eu", "br", "us", "in", "xx"]
REGIONS: tuple[Region, ...] = ("eu", "br", "us", "in", "xx")
RANDOM = "random"
"""The selector, and the layout id, of layouts drawn from a seed."""
RANDOM_SHARE = 0.15
"""How often `random` comes, against all listed layouts together, where no weight says."""
MAX_FILE_BYTES = 1_000_000
"""A layout file larger than this is not a layout."""
LEAST_ALLOWED = 0.05
"""Where `forbidden` and `most_characters` leave a smaller share of a pattern's texts, the layout
is refused."""
ALL_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALL_DIGITS = "0123456789"

_SHORT_SEPARATORS = {"-": "dash", "·": "dot", " ": "gap"}
_TOKEN = re.compile(r"\{([^{}]*)\}|<([^<>]*)>|(.)", re.DOTALL)


def _as_colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError("must be a colour such as '#003399'")
    return value.lower()


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Colour: TypeAlias = Annotated[str, AfterValidator(_as_colour)]
Colours: TypeAlias = Annotated[
    tuple[Colour, ...], BeforeValidator(_as_list), Field(min_length=1, max_length=20)
]
Millimetres: TypeAlias = Annotated[float, Field(gt=0, le=2000)]
Point: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]
"""x and y of the top left corner, width, height."""


class Model(BaseModel):
    """The base of all layout models: frozen, unknown keys refused, numbers finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Mark(Model):
    """Something printed or stuck on a plate; lengths in millimetres.

    Of several `colour`s one is drawn for each plate, as is whether it is there at all
    (`chance`). `over` paints it after the characters; `raised` embosses it. Marks that
    hold a choice are painted after those that hold none.
    """

    colour: Colours = ("#000000",)
    chance: float = Field(default=1.0, ge=0, le=1)
    over: bool = False
    raised: bool = False

    @cached_property
    def has_choice(self) -> bool:
        """Whether two plates of one layout may show it differently."""
        return len(self.colour) > 1 or self.chance < 1

    @cached_property
    def said(self) -> str:
        """All that the mark says, the same for marks that look the same."""
        return self.model_dump_json()


class RectMark(Mark):
    """A filled rectangle, or its outline of `width` millimetres where that is set."""

    kind: Literal["rect"]
    box: Box
    radius: float = Field(default=0, ge=0)
    width: float = Field(default=0, ge=0)


class DiscMark(Mark):
    """A filled ellipse, or its outline of `width` millimetres where that is set."""

    kind: Literal["disc"]
    box: Box
    width: float = Field(default=0, ge=0)


class PolygonMark(Mark):
    """A filled polygon; `smooth` runs a closed Catmull-Rom curve through its points."""

    kind: Literal["polygon"]
    points: tuple[Point, ...] = Field(min_length=3)
    smooth: bool = False


class LineMark(Mark):
    """A stroke of `width` through points; `smooth` makes it a Catmull-Rom curve."""

    kind: Literal["line"]
    points: tuple[Point, ...] = Field(min_length=2)
    width: float = Field(gt=0)
    smooth: bool = False


class StarMark(Mark):
    """`count` stars of `tips` points: one at `centre`, or a ring of them around it."""

    kind: Literal["star"]
    centre: Point
    diameter: float = Field(gt=0)
    tips: int = Field(default=5, ge=3, le=24)
    inner: float = Field(default=0.382, gt=0, lt=1)
    count: int = Field(default=1, ge=1, le=24)
    ring_diameter: float = Field(default=0, ge=0)


class GradientMark(Mark):
    """A rectangle that blends through its `stops`, downwards or to the right."""

    kind: Literal["gradient"]
    box: Box
    stops: tuple[Colour, ...] = Field(min_length=2)
    direction: Literal["down", "right"] = "down"


class TextMark(Mark):
    """A small text of capital height `height`, at the middle of its own height.

    `text` is fixed; of `texts` one is drawn for each plate; `pattern` is drawn by the
    grammar. `slant` shears it to the right (0.2 is italic); it is narrowed where it is
    wider than `max_width`; `stretch` multiplies its width.
    """

    kind: Literal["text"]
    at: Point
    height: float = Field(gt=0)
    text: str = ""
    texts: tuple[str, ...] = ()
    pattern: str = ""
    font: str = "font:roboto-condensed:700"
    align: Literal["left", "centre", "right"] = "centre"
    slant: float = Field(default=0, ge=-1, le=1)
    stretch: float = Field(default=1, gt=0.2, lt=5)
    max_width: float = Field(default=1000, gt=0)

    @cached_property
    def has_choice(self) -> bool:
        """Whether two plates of one layout may show it differently."""
        return super().has_choice or bool(self.texts) or bool(self.pattern)


class EmblemMark(Mark):
    """An emblem by name, fitted into `box`; `fade` mixes its colours with that share of white.

    Emblems come from the layout's own `emblems` or from `data/plates/shared/emblems.toml`.
    """

    kind: Literal["emblem"]
    name: str
    box: Box
    fade: float = Field(default=0, ge=0, lt=1)


AnyMark: TypeAlias = Annotated[
    RectMark | DiscMark | PolygonMark | LineMark | StarMark | GradientMark | TextMark | EmblemMark,
    Field(discriminator="kind"),
]
Marks: TypeAlias = tuple[AnyMark, ...]


class Emblem(Model):
    """A drawing in its own units: `size` is its width and height, `marks` its parts."""

    size: tuple[Millimetres, Millimetres] = (1.0, 1.0)
    marks: Marks


class Border(Model):
    """The line around the plate: its width and its distance from the plate's edge."""

    width_mm: Millimetres
    inset_mm: float = Field(default=0, ge=0)
    radius_mm: float | None = Field(default=None, ge=0)
    raised: bool = True


class NarrowFace(Model):
    """The narrower cells of lines with `from_characters` characters or more."""

    from_characters: int = Field(ge=2, le=20)
    letter_width_mm: Millimetres
    digit_width_mm: Millimetres


class Characters(Model):
    """The cell of a character and its stroke. `widths_mm` holds exceptions such as I or 1.

    `narrow` is the second, narrower face that some countries prescribe for long texts.
    """

    height_mm: Millimetres
    letter_width_mm: Millimetres
    digit_width_mm: Millimetres
    stroke_mm: Millimetres
    gap_mm: float = Field(ge=-5, le=60)
    widths_mm: dict[Annotated[str, Field(min_length=1, max_length=1)], Millimetres] = {}
    narrow: NarrowFace | None = None


class Line(Model):
    """One line of characters: where its tops are and between which x it may stand.

    A text wider than `area_mm` is narrowed, by at most the factor `narrowest`.
    """

    top_mm: float = Field(ge=0)
    area_mm: tuple[float, float]
    align: Literal["left", "centre", "right"] = "centre"
    height_mm: Millimetres | None = None
    width_scale: float = Field(default=1, gt=0.2, lt=3)
    narrowest: float = Field(default=0.75, gt=0.3, le=1)


class Separator(Model):
    """What stands between two groups: the width between their cells and what fills it.

    `printed` is what the text as printed shows. `length_mm`, `thickness_mm` and `middle`
    (0 the characters' top, 1 their foot) place a dash or a dot. `marks` are drawn with x
    from the separator's centre and y from the characters' top. `width_mm` narrows with
    the text where it must.
    """

    kind: Literal["gap", "dash", "dot"] = "gap"
    width_mm: float = Field(gt=0, le=300)
    printed: str = Field(default=" ", max_length=1)
    length_mm: float = Field(default=20, gt=0)
    thickness_mm: float = Field(default=10, gt=0)
    middle: float = Field(default=0.5, ge=0, le=1)
    marks: Marks = ()


class TextSet(Model):
    """A set of strings to draw from: exactly one of its fields, and weights.

    `characters` gives one of them, `words` one of a list, `list` one of the lines of
    `shared/NAME.txt` (a weight may follow a tab), `digits` a whole number with that many
    digits at least and at most, without a leading zero, each length equally likely.
    """

    characters: str = ""
    words: tuple[str, ...] = ()
    list: str = ""
    digits: tuple[int, int] | None = None
    weights: dict[str, Annotated[float, Field(ge=0)]] = {}


class Vanity(Model):
    """How often a plate shows a text its owner chose, and the patterns such texts follow."""

    rate: float = Field(ge=0, le=1)
    patterns: dict[str, Annotated[float, Field(gt=0)]] = Field(min_length=1)


class Variant(Model):
    """A design within a layout: its colours, and marks and patterns where they differ."""

    name: str
    weight: float = Field(default=1, gt=0)
    ground: Colours
    ink: Colours
    border: Colour | None = None
    marks: Marks = ()
    patterns: dict[str, Annotated[float, Field(gt=0)]] = {}


class Art(Model):
    """Further variants, drawn from numbers: `designs` of them, weighing `weight` together.

    `capitals` and `script` are the patterns of the state's name printed in capitals and
    as a script; `art` draws the pictures.
    """

    designs: int = Field(ge=1, le=200)
    weight: float = Field(gt=0)
    capitals: str
    script: str


class PlateLayout(Model):
    """One kind of plate. `load_layout` reads and checks it; see the module for patterns.

    `weight` says how often it comes among its region's layouts; `most_characters` is the most
    letters and digits of a whole text, longer ones being drawn again; `free_rate` is the share
    of plates whose letters and digits ignore the alphabets, so that a reader of the
    pictures cannot lean on the grammar. `stroke_spread`, `width_spread`, `height_spread`
    and `gap_spread` are the shares of themselves by which strokes, cells and gaps differ
    between plates, up and down, and the characters stand up to `shift_mm` aside.
    `worn_ink_rate` is the share of plates
    whose ink has paled towards the ground, `rubbed_rate` the share of embossed ones whose
    strokes are worn bare on top, `flat_rate` the share that is printed flat although the
    layout is embossed, `bare_holes_rate` the share without bolts in the lower holes.
    """

    id: str
    file: str
    title: str
    region: Region
    source: str = Field(min_length=10)
    weight: float = Field(default=1, ge=0)
    most_characters: int | None = Field(default=None, ge=1, le=40)
    relief: Literal["embossed", "flat"]
    size_mm: tuple[Millimetres, Millimetres]
    corner_radius_mm: float = Field(default=0, ge=0)
    border: Border | None = None
    bolts_mm: tuple[Point, ...] = ()
    hole_mm: tuple[Millimetres, Millimetres] | None = None
    characters: Characters
    lines: tuple[Line, ...] = Field(min_length=1, max_length=3)
    separators: dict[str, Separator] = {}
    letters: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    digits: str = "0123456789"
    patterns: dict[str, Annotated[float, Field(gt=0)]] = Field(min_length=1)
    sets: dict[str, TextSet] = {}
    forbidden: tuple[Annotated[str, Field(min_length=1, max_length=12)], ...] = Field(
        default=(), max_length=500
    )
    free_rate: float = Field(default=0, ge=0, le=1)
    stroke_spread: float = Field(default=0.1, ge=0, le=0.4)
    width_spread: float = Field(default=0.04, ge=0, le=0.3)
    height_spread: float = Field(default=0.01, ge=0, le=0.2)
    gap_spread: float = Field(default=0.15, ge=0, le=0.6)
    shift_mm: float = Field(default=1.5, ge=0, le=20)
    worn_ink_rate: float = Field(default=0.1, ge=0, le=1)
    rubbed_rate: float = Field(default=0.05, ge=0, le=1)
    flat_rate: float = Field(default=0, ge=0, le=1)
    bare_holes_rate: float = Field(default=0.3, ge=0, le=1)
    vanity: Vanity | None = None
    fonts: dict[str, Annotated[float, Field(gt=0)]] = Field(min_length=1)
    variants: tuple[Variant, ...] = Field(min_length=1)
    art: Art | None = None
    marks: Marks = ()
    emblems: dict[str, Emblem] = {}

    @property
    def layout_region(self) -> Region:
        """The region, under the name labels use."""
        return self.region

    @cached_property
    def words(self) -> Mapping[str, tuple[tuple[str, ...], tuple[float, ...]]]:
        """The strings and weights of every set that lists them, read once."""
        return {
            name: _set_words(self, name, text_set)
            for name, text_set in self.sets.items()
            if text_set.digits is None
        }

    @cached_property
    def registration_characters(self) -> frozenset[str]:
        """Every character that a registration may hold: what a typeface must have."""
        in_patterns = {
            name
            for _, pattern in _all_patterns(self)
            for line in parsed_pattern(pattern)
            for kind, name in line
            if kind == "set"
        }
        in_words = {
            character
            for name in in_patterns & set(self.words)
            for word in self.words[name][0]
            for character in word
        }
        return frozenset({*self.letters, *self.digits, *in_words} - {" "})

    def variant(self, name: str) -> Variant:
        """The variant of that name. Raises `InputError` where there is none."""
        for variant in self.variants:
            if variant.name == name:
                return variant
        known = [variant.name for variant in self.variants]
        raise InputError(
            f"layout {self.id} has no variant {name!r}{nearest(name, known)} "
            f"(known: {', '.join(known)})."
        )

    def separator(self, name: str) -> Separator:
        """The separator of that name; `gap`, `dash` and `dot` have defaults."""
        found = self.separators.get(name)
        return found if found is not None else _default_separators(self.characters)[name]

    def emblem(self, name: str) -> Emblem:
        """The emblem of that name, the layout's own or a shared one."""
        found = self.emblems.get(name)
        return found if found is not None else shared_emblems()[name]

    def line_height_mm(self, line: int) -> float:
        """The height of the characters on a line."""
        return self.lines[line].height_mm or self.characters.height_mm

    def cell_width_mm(self, character: str, line: int, narrow: bool = False) -> float:
        """The width of a character's cell on a line, before any narrowing to fit.

        `narrow` asks for the narrower face, where the layout has one.
        """
        cells = self.characters
        digit, letter = cells.digit_width_mm, cells.letter_width_mm
        width = cells.widths_mm.get(character)
        if width is None:
            width = digit if character.isdigit() else letter
        if narrow and cells.narrow is not None:
            if character.isdigit():
                width *= cells.narrow.digit_width_mm / digit
            else:
                width *= cells.narrow.letter_width_mm / letter
        return width * self.lines[line].width_scale

    def is_narrow(self, tokens: Sequence[str]) -> bool:
        """Whether a line of characters and `<separator>` tokens is set in the narrower face."""
        narrow = self.characters.narrow
        if narrow is None:
            return False
        return sum(len(token) == 1 for token in tokens) >= narrow.from_characters

    def text_width_mm(self, tokens: Sequence[str], line: int) -> float:
        """The width of a line of characters and `<separator>` tokens before narrowing to fit."""
        total = 0.0
        narrow = self.is_narrow(tokens)
        for index, token in enumerate(tokens):
            if len(token) == 1:
                total += self.cell_width_mm(token, line, narrow)
                if index + 1 < len(tokens) and len(tokens[index + 1]) == 1:
                    total += self.characters.gap_mm * self.lines[line].width_scale
            else:
                total += self.separator(token[1:-1]).width_mm
        return total


@lru_cache(maxsize=256)
def _scaled_separators(height_mm: float) -> dict[str, Separator]:
    return {
        "gap": Separator(width_mm=0.45 * height_mm),
        "dash": Separator(
            kind="dash",
            printed="-",
            width_mm=0.55 * height_mm,
            length_mm=0.3 * height_mm,
            thickness_mm=0.13 * height_mm,
        ),
        "dot": Separator(
            kind="dot", printed="·", width_mm=0.4 * height_mm, thickness_mm=0.15 * height_mm
        ),
    }


def _default_separators(characters: Characters) -> dict[str, Separator]:
    return _scaled_separators(characters.height_mm)


def parse_pattern(pattern: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Split a pattern into lines of (kind, name): kind is `letter`, `digit`, `set` or `separator`.

    Raises `ValueError` with a sentence for a character that means nothing.
    """
    lines: list[list[tuple[str, str]]] = [[]]
    for match in _TOKEN.finditer(pattern):
        set_name, separator_name, character = match.groups()
        if set_name is not None:
            lines[-1].append(("set", set_name))
        elif separator_name is not None:
            lines[-1].append(("separator", separator_name))
        elif character == "A":
            lines[-1].append(("letter", ""))
        elif character == "9":
            lines[-1].append(("digit", ""))
        elif character == "|":
            lines.append([])
        elif character in _SHORT_SEPARATORS:
            lines[-1].append(("separator", _SHORT_SEPARATORS[character]))
        else:
            raise ValueError(
                f"{character!r} means nothing in a pattern; use A, 9, {{set}}, <separator>, "
                "'-', '·', a blank or '|'"
            )
    return tuple(tuple(line) for line in lines)


@lru_cache(maxsize=4096)
def parsed_pattern(pattern: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """`parse_pattern`, remembered."""
    return parse_pattern(pattern)


@lru_cache(maxsize=64)
def _read_list(path: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
    words: list[str] = []
    weights: list[float] = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        word, _, weight = line.partition("\t")
        try:
            value = float(weight) if weight.strip() else 1.0
        except ValueError:
            value = -1.0
        if value < 0:
            raise InputError(
                f"{path} line {number}: the weight after the tab must be a number of at least "
                f"0, got {weight.strip()!r}."
            )
        words.append(word.strip())
        weights.append(value)
    if not words or not any(weights):
        raise InputError(f"{path} lists no word with a weight above 0; give it one a line.")
    return tuple(words), tuple(weights)


def _set_words(
    layout: PlateLayout, name: str, text_set: TextSet
) -> tuple[tuple[str, ...], tuple[float, ...]]:
    if text_set.list:
        beside = Path(layout.file).parent / "shared" / f"{text_set.list}.txt"
        shipped = data_path("plates", "shared", f"{text_set.list}.txt")
        path = beside if beside.is_file() else shipped
        if not path.is_file():
            raise _wrong(
                layout.file, f"sets.{name}.list", text_set.list, f"there is no file {shipped}"
            )
        words, weights = _read_list(str(path))
    else:
        words = text_set.words or tuple(text_set.characters)
        weights = (1.0,) * len(words)
    if text_set.weights:
        weights = tuple(
            text_set.weights.get(word, weight) for word, weight in zip(words, weights, strict=True)
        )
    return words, weights


@lru_cache(maxsize=1)
def shared_emblems() -> dict[str, Emblem]:
    """The emblems every layout may use, from `data/plates/shared/emblems.toml`."""
    path = data_path("plates", "shared", "emblems.toml")
    values = _read_toml(path)
    try:
        return {name: Emblem.model_validate(value) for name, value in values.items()}
    except ValidationError as error:
        raise _validation_sentence(str(path), error) from error


def _wrong(file: str, key: str, value: object, why: str) -> InputError:
    return InputError(f"layout {file}: {key} cannot be {value!r}: {why}.")


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(
                f"layout {path} is larger than {MAX_FILE_BYTES} bytes; a layout is a small TOML "
                "file."
            )
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"layout {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"layout {path} is not UTF-8 text: save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"layout {path} is not valid TOML: {error}.") from error


_MODELS: dict[str, type[Model]] = {
    "border": Border,
    "characters": Characters,
    "narrow": NarrowFace,
    "lines": Line,
    "separators": Separator,
    "sets": TextSet,
    "vanity": Vanity,
    "variants": Variant,
    "emblems": Emblem,
    "rect": RectMark,
    "disc": DiscMark,
    "polygon": PolygonMark,
    "line": LineMark,
    "star": StarMark,
    "gradient": GradientMark,
    "text": TextMark,
    "emblem": EmblemMark,
}
_MARK_KINDS = frozenset(_MODELS) - {
    "border",
    "characters",
    "narrow",
    "lines",
    "separators",
    "sets",
    "vanity",
    "variants",
    "emblems",
}


def _validation_sentence(file: str, error: ValidationError) -> InputError:
    errors = error.errors(include_url=False)
    # A misspelt key is also a missing one: saying what is misspelt helps more.
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    places = first["loc"]
    parents = [str(place) for place in places[:-1]]
    shown = [
        str(place)
        for index, place in enumerate(places)
        if not (place in _MARK_KINDS and index and isinstance(places[index - 1], int))
    ]
    key = ".".join(shown) or "the file"
    if first["type"] == "extra_forbidden":
        model: type[Model] = PlateLayout
        for parent in parents:
            model = _MODELS.get(parent, model)
        options = [name for name in model.model_fields if name not in ("id", "file")]
        return InputError(
            f"layout {file}: {key} is not a key of a layout{nearest(str(places[-1]), options)}."
        )
    if first["type"] == "missing":
        return InputError(f"layout {file}: {key} is missing; add it.")
    why = first["msg"].removeprefix("Value error, ")
    return _wrong(file, key, first["input"], why[0].lower() + why[1:])


def make_layout(values: Mapping[str, Any], layout_id: str, file: str) -> PlateLayout:
    """A checked layout from the values of its file.

    Raises `InputError` naming `file`, the key and its value where a key is unknown, a
    measure impossible, or a pattern cannot be drawn or does not fit on the plate.
    """
    for reserved in ("id", "file"):
        if reserved in values:
            raise InputError(
                f"layout {file}: {reserved} is not a key of a layout; a layout is named by its "
                "file."
            )
    try:
        layout = PlateLayout.model_validate({**values, "id": layout_id, "file": file})
    except ValidationError as error:
        raise _validation_sentence(file, error) from error
    if layout.art is not None:
        layout = layout.model_copy(
            update={"variants": (*layout.variants, *_art_variants(layout, layout.art))}
        )
    _check(layout)
    return layout


def _art_variants(layout: PlateLayout, art: Art) -> Iterator[Variant]:
    for number in range(art.designs):
        drawn = art_variant(number, layout.size_mm, art.capitals, art.script)
        yield Variant.model_validate({**drawn, "weight": art.weight / art.designs})


def _check(layout: PlateLayout) -> None:
    width, height = layout.size_mm
    file = layout.file
    if layout.corner_radius_mm * 2 > min(width, height):
        raise _wrong(
            file, "corner_radius_mm", layout.corner_radius_mm, "it is more than half the plate"
        )
    border = layout.border
    if border is not None and 2 * (border.width_mm + border.inset_mm) >= min(width, height):
        raise _wrong(file, "border.width_mm", border.width_mm, "it leaves no room on the plate")
    if layout.characters.stroke_mm * 2 >= layout.characters.height_mm:
        raise _wrong(
            file,
            "characters.stroke_mm",
            layout.characters.stroke_mm,
            "it must be under half of characters.height_mm",
        )
    for index, bolt in enumerate(layout.bolts_mm):
        if not (0 <= bolt[0] <= width and 0 <= bolt[1] <= height):
            raise _wrong(file, f"bolts_mm.{index}", bolt, "it lies off the plate")
    for index, line in enumerate(layout.lines):
        left, right = line.area_mm
        if not 0 <= left < right <= width:
            raise _wrong(
                file, f"lines.{index}.area_mm", line.area_mm, f"it must lie within 0 to {width:g}"
            )
        if line.top_mm + layout.line_height_mm(index) > height:
            raise _wrong(
                file,
                f"lines.{index}.top_mm",
                line.top_mm,
                f"characters {layout.line_height_mm(index):g} mm high end below the plate's foot "
                f"at {height:g}",
            )
    names = [variant.name for variant in layout.variants]
    for name in names:
        if names.count(name) > 1:
            raise _wrong(file, "variants.name", name, "two variants share it")
    for key, text in (("letters", layout.letters), ("digits", layout.digits)):
        if not text or len(set(text)) != len(text):
            raise _wrong(file, key, text, "it must hold each character once")
    _check_sets(layout)
    for key, pattern in _all_patterns(layout):
        _check_pattern(layout, key, pattern)
    if layout.forbidden or layout.most_characters is not None:
        for key, pattern in _all_patterns(layout):
            _check_allowed(layout, key, pattern)
    for key, mark in _all_marks(layout):
        if isinstance(mark, TextMark):
            if (bool(mark.text) + bool(mark.texts) + bool(mark.pattern)) != 1:
                raise _wrong(file, f"{key}.text", mark.text, "give one of text, texts and pattern")
            if mark.pattern:
                _check_tokens(layout, f"{key}.pattern", mark.pattern)
        if isinstance(mark, EmblemMark):
            known = [*layout.emblems, *shared_emblems()]
            if mark.name not in known:
                raise InputError(
                    f"layout {file}: {key}.name: there is no emblem {mark.name!r}"
                    f"{nearest(mark.name, known)}."
                )


def _check_sets(layout: PlateLayout) -> None:
    for name, text_set in layout.sets.items():
        given = [
            bool(text_set.characters),
            bool(text_set.words),
            bool(text_set.list),
            text_set.digits is not None,
        ]
        if sum(given) != 1:
            raise InputError(
                f"layout {layout.file}: sets.{name} needs exactly one of characters, words, list "
                "and digits."
            )
        if text_set.digits is not None:
            fewest, most = text_set.digits
            if not 1 <= fewest <= most <= 9:
                raise _wrong(
                    layout.file,
                    f"sets.{name}.digits",
                    text_set.digits,
                    "it must be the fewest and the most digits, 1 to 9",
                )
            continue
        words, weights = layout.words[name]
        unknown = [word for word in text_set.weights if word not in words]
        if unknown:
            raise _wrong(
                layout.file,
                f"sets.{name}.weights",
                unknown[0],
                "it is not in the set" + nearest(unknown[0], list(words)),
            )
        if not any(weights) or "" in words:
            raise _wrong(
                layout.file, f"sets.{name}", "", "its words must not be empty or weigh nothing"
            )


def _all_patterns(layout: PlateLayout) -> Iterator[tuple[str, str]]:
    for pattern in layout.patterns:
        yield "patterns", pattern
    for index, variant in enumerate(layout.variants):
        for pattern in variant.patterns:
            yield f"variants.{index}.patterns", pattern
    if layout.vanity is not None:
        for pattern in layout.vanity.patterns:
            yield "vanity.patterns", pattern


def _all_marks(layout: PlateLayout) -> Iterator[tuple[str, AnyMark]]:
    for index, mark in enumerate(layout.marks):
        yield f"marks.{index}", mark
    for number, variant in enumerate(layout.variants):
        for index, mark in enumerate(variant.marks):
            yield f"variants.{number}.marks.{index}", mark
    for name, separator in layout.separators.items():
        for index, mark in enumerate(separator.marks):
            yield f"separators.{name}.marks.{index}", mark
    for name, emblem in layout.emblems.items():
        for index, mark in enumerate(emblem.marks):
            yield f"emblems.{name}.marks.{index}", mark


class _Forbidden:
    """Follows a text character by character and says when it holds a forbidden word.

    A state is the longest end of the text so far that begins a forbidden word, so there
    are no more states than there are characters in the words.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = frozenset(words)
        starts = {word[:end] for word in words for end in range(len(word) + 1)}
        self._starts = frozenset({"", *starts})
        self._next: dict[tuple[str, str], str | None] = {}

    def step(self, state: str, character: str) -> str | None:
        """The state after one more character, None where that completes a word."""
        key = (state, character)
        if key not in self._next:
            text = state + character
            ends = [text[start:] for start in range(len(text) + 1)]
            held = any(end in self._words for end in ends)
            self._next[key] = None if held else next(e for e in ends if e in self._starts)
        return self._next[key]

    def run(self, state: str, text: str) -> str | None:
        """The state after a whole text, None where a word completes in it."""
        reached: str | None = state
        for character in text:
            if reached is None:
                break
            reached = self.step(reached, character)
        return reached


_Shares: TypeAlias = Mapping[tuple[str, int], float]
"""The share of the texts in each state of `_Forbidden` and of each length in characters."""


def allowed_share(layout: PlateLayout, pattern: str, free: bool = False) -> float:
    """The share of the texts drawn from `pattern` that may stand on a plate, exactly.

    These hold no forbidden word and no more than `most_characters`. `free` asks for texts
    that ignore the layout's alphabets. The work grows with the pattern times the forbidden
    words' characters times the lengths a text may have, not with the number of texts.
    """
    if not layout.forbidden and layout.most_characters is None:
        return 1.0
    forbidden = _Forbidden(layout.forbidden)
    most = layout.most_characters
    shares: _Shares = {("", 0): 1.0}
    for kind, name in (token for line in parsed_pattern(pattern) for token in line):
        if kind == "separator":
            continue
        digits = layout.sets[name].digits if kind == "set" else None
        if digits is None:
            shares = _spread(forbidden, most, shares, _choices(layout, kind, name, free))
            continue
        lengths = range(digits[0], digits[1] + 1)
        together: dict[tuple[str, int], float] = {}
        for length in lengths:
            reached = shares
            for position in range(length):
                # `int` has no leading zero.
                choices = _even(ALL_DIGITS[1:] if position == 0 else ALL_DIGITS)
                reached = _spread(forbidden, most, reached, choices)
            for state, share in reached.items():
                together[state] = together.get(state, 0.0) + share / len(lengths)
        shares = together
    return sum(shares.values())


def _even(texts: Sequence[str]) -> list[tuple[str, float]]:
    return [(text, 1 / len(texts)) for text in texts]


def _choices(layout: PlateLayout, kind: str, name: str, free: bool) -> list[tuple[str, float]]:
    """What a token of a pattern may become, with the share of each."""
    if kind == "letter":
        return _even(ALL_LETTERS if free else layout.letters)
    if kind == "digit":
        return _even(ALL_DIGITS if free else layout.digits)
    words, weights = layout.words[name]
    total = sum(weights)
    return [
        # Blanks are gaps on the plate and no part of its text.
        (word.replace(" ", ""), weight / total)
        for word, weight in zip(words, weights, strict=True)
        if weight > 0
    ]


def _spread(
    forbidden: _Forbidden, most: int | None, shares: _Shares, choices: Sequence[tuple[str, float]]
) -> _Shares:
    """The shares of the states after one more token; texts that may not be are gone."""
    after: dict[tuple[str, int], float] = {}
    for (state, length), share in shares.items():
        for text, part in choices:
            reached = forbidden.run(state, text)
            longer = length + len(text)
            if reached is not None and (most is None or longer <= most):
                key = (reached, longer)
                after[key] = after.get(key, 0.0) + share * part
    return after


def _check_allowed(layout: PlateLayout, key: str, pattern: str) -> None:
    """Refuse a pattern hardly any of whose texts may be, by counting, not by trying."""
    unlimited = layout.model_copy(update={"most_characters": None})
    for free in (False, True) if layout.free_rate else (False,):
        share = allowed_share(layout, pattern, free)
        if share >= LEAST_ALLOWED:
            continue
        left = "no text" if share <= 0 else f"only {share:.2%} of the texts"
        if allowed_share(unlimited, pattern, free) < LEAST_ALLOWED:
            raise InputError(
                f"layout {layout.file}: forbidden leaves {left} that {key} {pattern!r} can draw; "
                "take words out of forbidden, or change the pattern."
            )
        raise InputError(
            f"layout {layout.file}: most_characters = {layout.most_characters} leaves {left} that "
            f"{key} {pattern!r} can draw; raise it, or shorten the pattern."
        )


def _check_tokens(
    layout: PlateLayout, key: str, pattern: str
) -> tuple[tuple[tuple[str, str], ...], ...]:
    try:
        lines = parsed_pattern(pattern)
    except ValueError as error:
        raise _wrong(layout.file, key, pattern, str(error)) from error
    separators = [*layout.separators, *_SHORT_SEPARATORS.values()]
    for kind, name in (token for line in lines for token in line):
        known = list(layout.sets) if kind == "set" else separators
        if kind in ("set", "separator") and name not in known:
            raise _wrong(
                layout.file, key, pattern, f"there is no {kind} {name!r}{nearest(name, known)}"
            )
    return lines


def _check_pattern(layout: PlateLayout, key: str, pattern: str) -> None:
    lines = _check_tokens(layout, key, pattern)
    if len(lines) != len(layout.lines):
        raise _wrong(
            layout.file,
            key,
            pattern,
            f"it has {len(lines)} lines but the plate has {len(layout.lines)}",
        )
    for index, tokens in enumerate(lines):
        if not any(kind != "separator" for kind, _ in tokens):
            raise _wrong(layout.file, key, pattern, f"line {index + 1} holds no character")
        widest: list[str] = []
        for kind, name in tokens:
            widest.extend(_widest(layout, kind, name, index))
        line = layout.lines[index]
        room = line.area_mm[1] - line.area_mm[0]
        needed = layout.text_width_mm(widest, index) * line.narrowest
        if needed > room:
            raise _wrong(
                layout.file,
                key,
                pattern,
                f"a text such as {''.join(t for t in widest if len(t) == 1)!r} needs "
                f"{needed:.0f} mm at its narrowest, but lines.{index}.area_mm has {room:.0f} mm",
            )


def _widest(layout: PlateLayout, kind: str, name: str, line: int) -> list[str]:
    def width(text: Iterable[str]) -> float:
        return layout.text_width_mm(tuple(text), line)

    if kind == "letter":
        return [max(layout.letters, key=width)]
    if kind == "digit":
        return [max(layout.digits, key=width)]
    if kind == "separator":
        return [f"<{name}>"]
    text_set = layout.sets[name]
    if text_set.digits is not None:
        return [max(layout.digits, key=width)] * text_set.digits[1]
    return list(max(layout.words[name][0], key=width))


def _folder() -> Path:
    return data_path("plates")


@lru_cache(maxsize=1)
def _shipped() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _folder().glob("*.toml")))


def layout_ids() -> list[str]:
    """The ids of the layouts that ship with seedbed, sorted."""
    return list(_shipped())


def is_path(selector: str) -> bool:
    """Whether a selector is the path of a user's own file, not an id."""
    return selector.endswith(".toml") or os.sep in selector


@lru_cache(maxsize=512)
def _load(path: str, layout_id: str) -> PlateLayout:
    return make_layout(_read_toml(Path(path)), layout_id, path)


def load_layout(id_or_path: str | Path) -> PlateLayout:
    """The layout of that id, or in that `.toml` file; read once and remembered.

    A layout from a user's file has the path as its id. Raises `InputError` for an unknown
    id or a file that is no sound layout.
    """
    return _named(str(id_or_path))


@lru_cache(maxsize=1024)
def _named(selector: str) -> PlateLayout:
    if is_path(selector):
        return _load(selector, selector)
    if selector not in _shipped():
        raise InputError(
            f"there is no plate layout {selector!r}{nearest(selector, layout_ids())}; use an id "
            f"({', '.join(layout_ids())}) or the path of a .toml file."
        )
    return _load(str(_folder() / f"{selector}.toml"), selector)


def file_digest(path: str | Path) -> str:
    """Twelve hex digits that change with what the layout at `path` says, its lists included.

    Raises `InputError` where it is no sound layout.
    """
    layout = load_layout(path)
    said = layout.model_dump_json(exclude={"id", "file"}) + repr(sorted(layout.words.items()))
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def resolve_layouts(selectors: Sequence[str]) -> list[str]:
    """Layout ids for selectors: ids, paths, region names, `all`, or `random`.

    Each id comes once, in the order first named. A region means its listed layouts; `all`
    every listed one; neither includes `random`. Raises `InputError` for an unknown or
    broken one, or where nothing is selected.
    """
    chosen: dict[str, None] = {}
    for selector in selectors:
        if selector == "all":
            chosen.update(dict.fromkeys(layout_ids()))
        elif selector in REGIONS:
            found = [name for name in layout_ids() if load_layout(name).region == selector]
            if not found:
                raise InputError(
                    f"no plate layout that ships with seedbed is of region {selector!r}."
                )
            chosen.update(dict.fromkeys(found))
        elif selector == RANDOM:
            chosen[RANDOM] = None
        elif is_path(selector) or selector in _shipped():
            chosen[load_layout(selector).id] = None
        else:
            known = [*layout_ids(), *REGIONS, "all", RANDOM]
            raise InputError(
                f"layouts: {selector!r} is neither a layout, a region, 'all' nor 'random'"
                f"{nearest(selector, known)} (known: {', '.join(known)}; or give the path of a "
                ".toml file)."
            )
    if not chosen:
        raise InputError("layouts: give at least one layout, region, 'all' or 'random'.")
    return list(chosen)
