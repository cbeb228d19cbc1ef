"""Folders of pictures, films or sounds, one for each class: `dogs/a.jpg`, `cats/b.jpg`.

A film is a folder of frames (`waving/a/000.png`) or a file with several (`waving/b.gif`).

Where there are folders for splits above them (`train/dogs`, `val/dogs`), a split is its
folder. Without them every file belongs to one of train (80%), val and test (10% each) by a
hash of its path, so that adding a file moves no other; the split `all` is all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedbed.errors import InputError
from seedbed.sample import Clip, Picture, Sample
from seedbed.trainers.digests import folder_digest
from seedbed.trainers.films import FILM_SUFFIXES, Film, frame_files, open_film, read_still
from seedbed.trainers.pictures import PICTURE_SUFFIXES, whole_picture
from seedbed.trainers.sounds import SOUND_SUFFIXES, read_sound
from seedbed.trainers.splits import ALL, SPLITS, split_by_hash


@dataclass(frozen=True)
class ClassFolders:
    """The pictures, films or sounds of one split, each labelled with its folder's name."""

    folder: Path
    split: str
    files: tuple[Path, ...]
    sample_type: type[Sample]

    @property
    def described(self) -> dict[str, Any]:
        """The folder, the split, and a digest of its files."""
        names: list[str] = []
        for path in self.files:
            parts = frame_files(path) if path.is_dir() else [path]
            names += [part.relative_to(self.folder).as_posix() for part in parts]
        return {
            "folder": str(self.folder),
            "split": self.split,
            "digest": folder_digest(self.folder, names),
            "samples": len(self),
        }

    def __len__(self) -> int:
        return len(self.files)

    def sample(self, index: int) -> Sample:
        """The file at an index, as one labelled thing. Raises `InputError` if unreadable."""
        path = self.files[index]
        label = path.parent.name
        if self.sample_type is Clip:
            sound, sample_rate = read_sound(path)
            return Clip(sound=sound, sample_rate=sample_rate, label=label)
        film = open_film(path)
        if film is None:
            image = read_still(path)
            return Picture(image=image, objects=(whole_picture(image, label),))
        image = film.frames([film.count // 2])[0]
        return Film(image=image, objects=(whole_picture(image, label),), film=film)

    def name(self, index: int) -> str:
        """The file's path below the folder."""
        return self.files[index].relative_to(self.folder).as_posix()


def open_class_folders(folder: Path, split: str) -> ClassFolders:
    """The split of a folder of classes. Raises `InputError` where there is none."""
    own = folder / split
    has_splits = any(_classes(folder / name) for name in SPLITS)
    if has_splits and not _classes(own):
        known = ", ".join(name for name in SPLITS if _classes(folder / name))
        raise InputError(f"{folder} has no split {split!r} (it has: {known}).")
    if not has_splits and split not in (*SPLITS, ALL):
        raise InputError(
            f"{folder} has no folders for splits: ask for {', '.join(SPLITS)} or {ALL}, not "
            f"for {split!r}."
        )
    root = own if has_splits else folder
    found = [path for group in _classes(root) for path in _media(group)]
    if not found:
        raise InputError(
            f"{root} is no dataset and has no folders of pictures, films or sounds, one for each "
            f"class."
        )
    sounds = {path.suffix.lower() in SOUND_SUFFIXES and path.is_file() for path in found}
    if len(sounds) > 1:
        raise InputError(f"{root} holds pictures and sounds: keep them in folders of their own.")
    if not has_splits and split != ALL:
        found = [
            path for path in found if split_by_hash(path.relative_to(root).as_posix()) == split
        ]
        if not found:
            raise InputError(f"{root} has too few files: none of them is in the split {split!r}.")
    return ClassFolders(folder, split, tuple(found), Clip if sounds.pop() else Picture)


def _classes(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [one for one in sorted(folder.iterdir()) if one.is_dir() and any(_media(one))]


def _media(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if not path.name.startswith(".") and frame_files(path):
                yield path
        elif path.suffix.lower() in (*PICTURE_SUFFIXES, *FILM_SUFFIXES, *SOUND_SUFFIXES):
            yield path
