"""Whole scenes: labels against markers that were painted where labels say."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from seedbed.component import dump_params
from seedbed.errors import InputError, SeedbedError
from seedbed.generators import PlateCrop, PlateScene
from seedbed.generators.plate_scene import Legibility
from seedbed.generators.plates import plate as plate_module
from seedbed.generators.plates.face import PlateFace, plate_size_mm
from seedbed.generators.plates.fonts import installed_typefaces
from seedbed.generators.plates.layout import _load, _named
from seedbed.generators.scenes.camera import Pose
from seedbed.generators.scenes.decoy import overlay_box
from seedbed.geometry import polygon_area
from seedbed.resources import data_path
from seedbed.sample import LabelledObject
from seedbed.streams import stream

CLEAN = {
    "plate_counts": (0.0, 1.0),
    "pasted_rate": 1.0,
    "cut_rate": 0.0,
    "decoy_rate": 0.0,
    "caption_rate": 0.0,
    "close_up_rate": 0.0,
    "bystander_rate": 0.0,
    "cover_rate": 0.0,
    "hours": {"overcast": 1.0},
    "haze_rate": 0.0,
    "rain_rate": 0.0,
    "blends": {"feathered": 1.0},
}


DOT_PX = 2.6
"""The radius of a painted dot, in pixels of the flat face."""
REACH_PX = 5.0
"""How far from a labelled edge its painted place is looked for."""


def dot_near(light: np.ndarray, point: np.ndarray) -> np.ndarray:
    """The centre of gravity of what is lit within 8 pixels of `point`, continuous pixels."""
    left, top = np.round(point).astype(int) - 8
    assert left >= 0 and top >= 0
    window = np.clip(light[top : top + 16, left : left + 16] - 20, 0, None)
    assert window.sum() > 0, "no dot is there"
    rows, columns = np.mgrid[: window.shape[0], : window.shape[1]]
    centre = np.array([(columns * window).sum(), (rows * window).sum()]) / window.sum()
    return np.asarray(centre + [left, top] + 0.5)


def corners_near(light: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """The corners (4, 2) of the lit quadrilateral, looked for within `REACH_PX` of `quad`.

    Along each side but its ends, the light is added up across the side: what is found there
    against the light inside says where the edge is. The sides' lines meet in the corners.
    """
    step = 0.05
    across = np.arange(-REACH_PX, REACH_PX, step) + step / 2
    along = np.linspace(0.15, 0.85, 25)
    sides = []
    for start, end in zip(quad, np.roll(quad, -1, axis=0), strict=True):
        way = (end - start) / np.linalg.norm(end - start)
        out = np.array([way[1], -way[0]])
        points = start + along[:, None] * (end - start)
        spots = (points[:, None] + across[None, :, None] * out - 0.5).astype(np.float32)
        seen = cv2.remap(light, spots[..., 0], spots[..., 1], cv2.INTER_LINEAR).astype(float)
        inside = seen[:, across < 1 - REACH_PX].mean(axis=1)
        edge = seen.sum(axis=1) * step / inside - REACH_PX
        found = points + edge[:, None] * out
        slope, offset = np.polyfit((found - start) @ way, (found - start) @ out, 1)
        # Homogeneous lines make the meeting point a cross product.
        first = start + offset * out
        sides.append(np.cross([*first, 1.0], [*(first + way + slope * out), 1.0]))
    meets = [np.cross(sides[n - 1], sides[n]) for n in range(4)]
    return np.array([meet[:2] / meet[2] for meet in meets])


def test_the_corners_of_a_painted_quadrilateral_are_found() -> None:
    quad = np.array([[40.0, 30.0], [150.5, 42.0], [146.0, 90.25], [37.0, 70.0]])
    large = np.zeros((120 * 16, 200 * 16), np.uint8)
    cv2.fillPoly(large, [np.round(quad * 16 - 0.5).astype(np.int32)], 255)
    light = cv2.resize(large, (200, 120), interpolation=cv2.INTER_AREA).astype(np.float32)
    assert corners_near(light, quad + np.array([1.0, -0.8])) == pytest.approx(quad, abs=0.1)


PLACES = [(320.0, 240.0), (170.0, 130.0), (470.0, 330.0), (450.0, 140.0)]
"""Where the middle of a plate is put: no corner of any is cut off there."""


@pytest.mark.parametrize("layout", ["de", "us-ca", "gb-rear-two-line", "br-old", "random"])
@pytest.mark.parametrize(("seed", "on_vehicle"), [(0, False), (1, False), (2, True), (3, True)])
def test_every_quad_lies_where_its_corners_were_painted(
    layout: str, seed: int, on_vehicle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dots are painted at the corners of every other cell, then the whole plate is.

    Those of the cells between come next, so that labels of neighbours cannot be swapped. What
    the same scene shows with a black plate is taken away before anything is looked for.
    """
    scene = PlateScene(
        **{**CLEAN, "pasted_rate": 0.0 if on_vehicle else 1.0},
        layouts=(layout,),
        plate_width_px=(180, 230),
    )
    params = scene.draw(np.random.Generator(np.random.PCG64(seed)))
    (item,) = params.items
    assert item.plate is not None
    assert item.blend is not None
    assert item.pose is not None
    assert (item.vehicle is not None) == on_vehicle
    vehicle = item.vehicle
    if vehicle is not None:
        # Nothing stands before the plate and hides a dot.
        vehicle = replace(vehicle, tow_ball=False, bull_bar=False, bar_at=None)
    film = replace(
        params.film, metering=0.0, exposure_stops=0.0, white_balance=(1.0, 1.0, 1.0),
        gradient=(0.0, 0.0), vignette=0.0, glows=(), gamma=1.0, contrast=1.0, black_level=0.0,
        saturation=1.0, monochrome=False,
    )  # fmt: skip
    bare = replace(
        item,
        vehicle=vehicle,
        plate=replace(item.plate, mount=None),
        blend=replace(item.blend, colour_match=0.0),
        pose=replace(item.pose, centre_px=PLACES[seed]),
    )
    blank = replace(params, film=film, items=(bare,))
    real_render = plate_module.render_face
    size_mm = np.array(plate_size_mm(item.plate.face))
    marked: list[tuple[int, int, int]] = []
    ground = [0]

    def marked_face(*args: Any) -> PlateFace:
        face = real_render(*args)
        height, width = face.alpha.shape
        planes = [np.full((height, width), ground[0], np.uint8) for _ in range(3)]
        for character, corner, channel in marked:
            dot = face.characters[character].quad_mm[corner] * [width, height] / size_mm
            x, y = np.round((dot - 0.5) * 16).astype(int).tolist()
            cv2.circle(planes[channel], (x, y), int(DOT_PX * 16), 255, -1, cv2.LINE_AA, shift=4)
        rgb = np.stack(planes, axis=2)
        return replace(face, rgb=rgb, alpha=np.full_like(face.alpha, 255))

    def unshaded(rgb: np.ndarray, *_: Any) -> np.ndarray:
        return rgb

    monkeypatch.setattr(plate_module, "render_face", marked_face)
    monkeypatch.setattr(plate_module, "shade_face", unshaded)
    monkeypatch.setattr(
        "seedbed.generators.plate_scene.Backgrounds.render",
        lambda self, background, width, height, light: (np.zeros((height, width, 3), np.uint8), {}),
    )
    black = scene.render(blank)
    (labelled,) = black.objects

    def shown() -> np.ndarray:
        return scene.render(blank).image.astype(np.float32) - black.image

    errors = []
    for first, corners in itertools.product((0, 1), ((0, 1), (2, 3))):
        numbers = range(first, len(labelled.characters), 2)
        # A colour shows one corner of a cell.
        marked[:] = [
            (n, corner, channel) for n in numbers for channel, corner in enumerate(corners)
        ]
        light = shown()
        for n, corner, channel in marked:
            label = labelled.characters[n].quad[corner]
            errors.append(float(np.linalg.norm(dot_near(light[:, :, channel], label) - label)))
    marked.clear()
    ground[0] = 255
    found = corners_near(shown()[:, :, 1], labelled.quad)
    errors += np.linalg.norm(found - labelled.quad, axis=1).tolist()
    assert len(errors) == 4 * len(labelled.characters) + 4 >= 16
    assert max(errors) < 0.5


def collect(scene: PlateScene, count: int, seed: int = 3) -> list[tuple[Any, LabelledObject]]:
    return [(s, o) for s in scene.samples(seed=seed, count=count) for o in s.objects]


def test_labels_keep_their_promises() -> None:
    scene = PlateScene()
    for sample, labelled in collect(scene, 30):
        assert sample.image.shape == (480, 640, 3)
        assert sample.image.dtype == np.uint8
        x, y, width, height = labelled.bbox
        assert x >= 0
        assert y >= 0
        assert x + width <= 640 + 1e-9
        assert y + height <= 480 + 1e-9
        assert labelled.quad.shape == (4, 2)
        # Clockwise with y downwards: the signed area is positive.
        qx, qy = labelled.quad[:, 0], labelled.quad[:, 1]
        assert np.dot(qx, np.roll(qy, -1)) - np.dot(qy, np.roll(qx, -1)) > 0
        assert polygon_area(labelled.polygon) > 0
        assert labelled.text_plain == "".join(c for c in labelled.text if c.isalnum())
        assert "".join(c.text for c in labelled.characters) == labelled.text_plain
        assert 0 <= labelled.occlusion <= 1
        assert labelled.legible == (labelled.illegible_reason == "")
        for character in labelled.characters:
            assert 0 <= character.visible <= 1
            assert cv2.pointPolygonTest(
                labelled.quad.astype(np.float32) * 1.0,
                tuple(float(v) for v in character.quad.mean(axis=0)),
                True,
            ) > -1  # fmt: skip


def test_the_same_seed_gives_the_same_picture_alone_or_in_a_row() -> None:
    scene = PlateScene(width=320, height=240, plate_width_px=(16, 200))
    in_a_row = list(scene.samples(seed=11, count=6))
    alone = PlateScene(width=320, height=240, plate_width_px=(16, 200)).sample(11, 4)
    assert np.array_equal(alone.image, in_a_row[4].image)
    assert alone.params == in_a_row[4].params
    assert not np.array_equal(in_a_row[0].image, in_a_row[1].image)
    assert not np.array_equal(scene(seed=12).image, in_a_row[0].image)


def test_stored_parameters_render_the_same_picture() -> None:
    scene = PlateScene(width=320, height=240, plate_width_px=(16, 200))
    for sample in scene.samples(seed=5, count=5):
        again = scene.replay(sample.params)
        assert np.array_equal(again.image, sample.image)
        assert len(again.objects) == len(sample.objects)
        for first, second in zip(again.objects, sample.objects, strict=True):
            assert np.array_equal(first.quad, second.quad)
            assert first.text == second.text


def test_plate_counts_and_widths_follow_the_recipe() -> None:
    scene = PlateScene(
        width=320, height=240, plate_counts=(0, 0, 1), plate_width_px=(40, 60), cut_rate=0.0
    )
    found = list(scene.samples(seed=1, count=8))
    for sample in found:
        widths = [np.ptp(o.quad[:, 0]) for o in sample.objects]
        placed = len(widths) + sample.counts.get("dropped:no_room", 0)
        assert placed + sample.counts.get("dropped:hidden", 0) == 2
        assert all(38 <= width <= 62 for width in widths)


def standing_vehicles(scene: PlateScene, count: int) -> list[tuple[Pose, float]]:
    """The poses of all vehicles in `count` scenes, and how high above the ground the eye is."""
    found = []
    for index in range(count):
        for item in scene.draw(stream(4, index)).items:
            if item.vehicle is not None and item.pose is not None:
                eye = -item.pose.rotation().T @ item.pose.translation()
                found.append((item.pose, (item.vehicle.plate_height_mm - float(eye[1])) / 1000))
    return found


def test_vehicles_stand_on_the_ground_below_a_camera_that_somebody_could_hold() -> None:
    scene = PlateScene(camera_height_m=(1.0, 2.0), pasted_rate=0, roll_deg=(0, 0), decoy_rate=0)
    heights = np.array([height for _, height in standing_vehicles(scene, 80)])
    assert len(heights) > 60
    # Slopes of a degree or two lift far vehicles a little off the plane.
    assert np.mean((heights > 0.6) & (heights < 2.6)) > 0.9


def test_close_ups_fill_a_third_to_two_thirds_of_the_frame() -> None:
    scene = PlateScene(**{**CLEAN, "close_up_rate": 1.0}, layouts=("de",))
    for index in range(10):
        (item,) = scene.draw(stream(5, index)).items
        assert item.pose is not None
        (left, _), (right, _) = item.pose.project(np.array([[-260.0, 0, 0], [260.0, 0, 0]]))
        assert 640 / 3 * 0.9 <= right - left <= 420


def test_captions_never_lie_on_a_plate() -> None:
    scene = PlateScene(caption_rate=1.0, close_up_rate=1.0, cut_rate=0.5)
    captions = 0
    for index in range(60):
        items = scene.draw(stream(6, index)).items
        boxes = [
            overlay_box(one.decoy, 640, 480)
            for one in items
            if one.decoy is not None and one.pose is None
        ]
        captions += len(boxes)
        for one in items:
            if one.plate is None or one.pose is None:
                continue
            across, down = (side / 2 for side in one.plate.size_mm())
            corners = np.array([[-across, -down, 0], [across, -down, 0],
                                [across, down, 0], [-across, down, 0]])  # fmt: skip
            quad = one.pose.project(corners)
            for left, top, wide, high in boxes:
                apart = (
                    (quad[:, 0] < left).all() or (quad[:, 0] > left + wide).all()
                    or (quad[:, 1] < top).all() or (quad[:, 1] > top + high).all()
                )  # fmt: skip
                assert apart
    assert captions >= 30


def test_a_scene_without_plates_is_counted_as_a_negative() -> None:
    sample = PlateScene(plate_counts=(1.0,)).sample(seed=0)
    assert sample.objects == ()
    assert sample.counts["negatives"] == 1


def test_what_is_written_on_vehicles_is_counted_with_the_lookalikes() -> None:
    scene = PlateScene(**{**CLEAN, "pasted_rate": 0.0, "vehicle_kinds": {"van": 1.0}})
    made = [scene.sample(2, index) for index in range(30)]
    # No sign stands by the road: vans bear a number or a name more often than not.
    assert 5 < sum(sample.counts.get("lookalikes", 0) > 0 for sample in made) < 30


def test_only_the_layouts_asked_for_appear() -> None:
    scene = PlateScene(width=320, height=240, layouts=("de", "gb-rear"), plate_width_px=(20, 100))
    layouts = {o.layout for _, o in collect(scene, 25)}
    assert layouts == {"de", "gb-rear"}


def test_layout_weights_share_out_by_selector() -> None:
    scene = PlateScene(layouts=("eu", "br", "us"), layout_weights={"br": 3, "us": 1})
    shares = dict(zip(scene._layout_ids, scene._layout_shares, strict=True))
    br = sum(share for name, share in shares.items() if name.startswith("br"))
    assert br / sum(shares.values()) == pytest.approx(0.75)
    assert shares["de"] == 0


def test_a_nearer_thing_hides_what_it_covers() -> None:
    scene = PlateScene(**CLEAN, layouts=("de",), plate_width_px=(200, 200))
    params = scene.draw(np.random.Generator(np.random.PCG64(0)))
    item = params.items[0]
    assert item.plate is not None
    assert item.blend is not None
    pose = Pose((320.0, 240.0), 2000.0, 1000.0, (320.0, 240.0))
    placed = scene._paint_plate(
        np.zeros((480, 640, 3), np.uint8),
        replace(item.plate, mount=None),
        item.blend,
        pose,
        params.light,
    )
    # Half a pixel a millimetre: the plate spans x 190 to 450, and 320 is its middle.
    right_half = np.array([[320.0, 0.0], [640.0, 0.0], [640.0, 480.0], [320.0, 480.0]])
    behind = placed.behind(right_half)
    assert behind.hidden_share(np.array([[0.0, 0.0], [520.0, 110.0]])) == pytest.approx(
        0.5, abs=0.02
    )
    assert behind.hidden_share(np.array([[0.0, 0.0], [250.0, 110.0]])) == 0
    assert behind.hidden_share(np.array([[270.0, 0.0], [520.0, 110.0]])) == 1
    labelled = scene._label(behind, np.zeros((480, 640, 3), np.uint8))
    assert labelled is not None
    assert labelled.occlusion == pytest.approx(0.5, abs=0.02)
    assert labelled.illegible_reason == "hidden"
    assert labelled.characters[0].visible == 1
    assert labelled.characters[-1].visible == 0


def test_an_illegible_plate_is_labelled_or_drawn_again_as_the_recipe_says() -> None:
    tiny = {**CLEAN, "plate_width_px": (16, 20), "layouts": ("de",)}
    labelled = PlateScene(**tiny).sample(seed=0).objects[0]
    assert not labelled.legible
    assert labelled.illegible_reason == "small"
    with pytest.raises(SeedbedError, match="illegible_small 20x"):
        PlateScene(**tiny, legibility={"otherwise": "redraw"}).sample(seed=0)


def test_how_little_of_a_plate_is_still_labelled_is_the_recipes() -> None:
    cut = {**CLEAN, "cut_rate": 1.0, "layouts": ("de",), "plate_width_px": (200, 400)}
    nearly_all = PlateScene(**cut, legibility={"min_visible": 0.9})
    samples = list(PlateScene(**cut).samples(seed=0, count=8))
    assert all(one.counts.get("dropped:hidden", 0) == 0 for one in samples)
    for sample in samples:
        again = nearly_all.replay(sample.params)
        whole = sum(one.occlusion <= 0.1 for one in sample.objects)
        assert len(again.objects) == whole
        assert again.counts.get("dropped:hidden", 0) == 1 - whole
    assert 0 < sum(one.objects[0].occlusion > 0.1 for one in samples) < 8


@pytest.mark.parametrize("model", [PlateScene, PlateCrop, Legibility])
def test_every_key_of_a_recipe_is_described(model: type[BaseModel]) -> None:
    for name, key in model.model_fields.items():
        assert key.description, name
        assert key.description.endswith("."), name


def test_params_are_plain_json() -> None:
    params = PlateScene().draw(np.random.Generator(np.random.PCG64(1)))
    assert set(dump_params(params)) >= {"background", "light", "film", "items"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"plate_width_px": (100, 20)}, "must run from low to high"),
        ({"plate_width_px": (2, 20)}, "between 8 and 100000"),
        ({"yaw_deg": (-60, 90)}, "between -85 and 85"),
        ({"pitch_deg": (-90, 0)}, "between -85 and 85"),
        ({"roll_deg": (0, 181)}, "between -180 and 180"),
        ({"field_of_view_deg": (0, 60)}, "between 1 and 150"),
        ({"background_share": (-1, 1)}, "between 0 and 1"),
        ({"vehicle_kinds": {"boat": 1.0}}, "'hatch'"),
        ({"plate_width_px": (700, 800)}, "wider than the scene"),
        ({"hours": {"noon": 1.0}}, "'day'"),
        ({"plate_counts": (0.0,)}, "positive sum"),
        ({"wear": 2}, "less than or equal to 1"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_impossible_fields_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PlateScene(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"layouts": ("atlantis",)},
        {"backgrounds": ("no/such/folder",)},
        {"fonts": ("font:nothing",)},
        {"layouts": ("de",), "layout_weights": {"us": 1.0}},
    ],
)
def test_what_only_the_disk_knows_is_refused_before_building(fields: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        PlateScene(**fields).prepare()


def test_the_pixel_limit_of_photographs_is_the_recipes(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "large.png"), np.full((40, 60, 3), 200, np.uint8))
    fields = {"backgrounds": (str(tmp_path),), "plate_counts": (1.0,), "bystander_rate": 0.0}
    PlateScene(**fields, background_pixel_limit=2400).prepare()
    tight = PlateScene(**fields, background_pixel_limit=2399)
    with pytest.raises(InputError, match=r"60x40 pixels, more than the limit of 2,399"):
        tight.prepare()
    assert PlateScene().background_pixel_limit == 60_000_000


def copied_font(folder: Path, stem: str) -> Path:
    """One of the installed fonts as a user's own."""
    folder.mkdir(exist_ok=True)
    (typeface,) = [one for one in installed_typefaces() if one.name == "font:fjalla-one"]
    source = Path(typeface.files[0].path)
    return Path(shutil.copy(source, folder / f"{stem}{source.suffix}"))


def test_a_font_folder_is_used_without_naming_its_fonts(tmp_path: Path) -> None:
    copied_font(tmp_path / "own", "mine")
    scene = PlateScene(**CLEAN, layouts=("es",), font_folders=(str(tmp_path / "own"),))
    scene.prepare()
    plates = [scene.draw(stream(0, index)).items[0].plate for index in range(5)]
    assert {plate.face.typeface for plate in plates if plate is not None} == {"file:mine"}


def test_a_font_of_a_wrong_name_is_blamed_on_the_recipe() -> None:
    scene = PlateScene(fonts=("font:fjala-one",))
    sentence = r"there is no font named 'font:fjala-one': did you mean 'font:fjalla-one"
    with pytest.raises(InputError, match=f"^generator.fonts: {sentence}"):
        scene.prepare()
    with pytest.raises(InputError, match=f"^generator.scene.fonts: {sentence}"):
        PlateCrop(scene=scene).prepare()


def test_a_lacking_font_names_the_layout_too(tmp_path: Path) -> None:
    text = data_path("plates", "es.toml").read_text().replace('"BCD', '"ЖBCD')
    layout = tmp_path / "mine.toml"
    layout.write_text(text)
    with pytest.raises(InputError, match=r"layout .*mine\.toml: font .* has no character 'Ж'"):
        PlateScene(layouts=(str(layout),)).prepare()


def test_digests_tell_changed_files(tmp_path: Path) -> None:
    """A layout, a font and a photograph of the user's: each change changes one digest."""
    layout = tmp_path / "mine.toml"
    layout.write_bytes(data_path("plates", "es.toml").read_bytes())
    font = copied_font(tmp_path / "fonts", "mine")
    photograph = tmp_path / "photographs" / "a.png"
    photograph.parent.mkdir()
    cv2.imwrite(str(photograph), np.zeros((8, 8, 3), np.uint8))

    def digests() -> dict[str, str]:
        _named.cache_clear()
        _load.cache_clear()
        return PlateScene(
            layouts=("de", str(layout)),
            font_folders=(str(font.parent),),
            backgrounds=("procedural", str(photograph.parent)),
        ).file_digests()

    before = digests()
    assert list(before) == [
        f"layout {layout}", f"fonts {font.parent}", f"photographs {photograph.parent}"
    ]  # fmt: skip
    assert digests() == before
    layout.write_text(layout.read_text().replace("9999 AAA", "AAA 9999"))
    font.write_bytes(font.read_bytes() + b"\0")
    cv2.imwrite(str(photograph.with_name("b.png")), np.zeros((8, 8, 3), np.uint8))
    after = digests()
    assert all(after[name] != before[name] for name in before)
    assert PlateScene().file_digests() == {}
