"""espeak-ng by ctypes: its synchronous mode, its events, and a private copy of its data.

Properties of the library shape this module (all measured with version 1.52):

* The same text differs the second time: jitter, roughness, breath, the Klatt synthesiser,
  echoes and trilled r keep a state between utterances. Unloading and loading the library again
  resets every static variable. That costs half a millisecond. English voices without a trill,
  spoken steadily, leave no state but one: see `RESET_TEXT`. They are not loaded anew: a second
  copy of the library, with static variables of its own, speaks all the others
  (`espeak_library`).
* A voice is looked for by its name in small letters, and where no file is called so
  (`gmw/en-US`), the library reads every voice there is to find it. Here the files are called
  so.
* Each change of voice reads the whole dictionary, which for Russian, 8.5 MB, takes longer than
  a word. Phonemes need none of its words: see `PrivateData.accents_folder`.
* Its noise is seeded with the time of day when it starts (so a test within one second
  would not notice); here its seed, and that of the C library's `rand` which its Klatt
  synthesiser uses, are set before every utterance.
* A variant is a file named in the voice's name (`gmw/en-US+NAME`) and is read at each
  change of voice. One file, rewritten before it is named, serves any number of speakers,
  while the library lists fewer than 350 voices and variants.
* An unknown variant is ignored without an error, so names are checked here.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import struct
import threading
from collections.abc import Iterator, Sequence
from ctypes.util import find_library
from dataclasses import dataclass
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any, NamedTuple

from seedbed.errors import SeedbedError
from seedbed.generators.speech.engines.base import EngineFailure
from seedbed.generators.speech.engines.private_folder import PrivateFolder
from seedbed.generators.speech.speaker import stateless_voices

INSTALL_LINE = "pip install espeakng-loader"

SLOT = "seedbed"
"""The private variant file: `voices/!v/seedbed`."""

EVENT_END_OF_LIST, EVENT_WORD, EVENT_END, EVENT_PHONEME = 0, 1, 5, 7

SYNCHRONOUS_OUTPUT = 2
INITIALISE_PHONEME_EVENTS = 0x0001
INITIALISE_PHONEME_IPA = 0x0002
INITIALISE_DONT_EXIT = 0x8000

TEXT_UTF8, TEXT_SSML, TEXT_PHONEMES = 0x0001, 0x0010, 0x0100

PARAMETER_RATE, PARAMETER_VOLUME, PARAMETER_PITCH, PARAMETER_RANGE, PARAMETER_WORD_GAP = (
    1, 2, 3, 4, 7,
)  # fmt: skip

RESET_TEXT = b"[[n]]"
"""A nasal, said into nothing before an utterance (a twentieth of a millisecond).

A voiced fricative or stop at the end ("five", "red") leaves a mark that a recorded noise was
playing, and the next utterance then begins with another kind of transition, 64 samples longer,
where its first sound is a vowel or a nasal. SSML's emphasis may outlast its text as well. A
plain nasal takes both away.
"""

MARKING_SOUNDS = frozenset("bd\u0261gvðzʒɾ")
"""Letters of the IPA of last sounds that `RESET_TEXT` must follow: all that are voiced and made
with a recorded noise. Of 5,000 pairs of English words d, z, g and v changed the second, and
none of the 39 other last sounds did."""

MOST_VOICES = 350
"""Voices and variants from which on espeak lists none any more (`N_VOICES_LIST` of its
`voices.c`). The private folders hold one variant beside the base voices."""

PHONEMES_AS_IPA = 0x02
"""`espeak_TextToPhonemes` writes IPA."""

BUFFER_MS = 2000
"""Length of a callback's buffer: one-word clips then come in one call."""

DEFAULT_VOICE = "gmw/en"
"""What speaks before a voice is set (`ESPEAKNG_DEFAULT_VOICE` is "en")."""

NOISE_SEED = 1


_EVENT = struct.Struct("iIiiiiP8s")
"""`espeak_EVENT` of espeak-ng's `speak_lib.h`: kind, identifier, position, length, milliseconds,
sample, the caller's own pointer, and a union that holds a phoneme's name, ended by a zero."""


class _VoiceSpec(ctypes.Structure):
    """`espeak_VOICE` of espeak-ng's `speak_lib.h`."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class RawEvent(NamedTuple):
    """A word (`kind` `EVENT_WORD`), phoneme or end event.

    `position` and `length` count characters of the text from 0, `sample` counts frames.
    """

    kind: int
    position: int
    length: int
    sample: int
    phoneme: str


@dataclass(frozen=True)
class LibraryFiles:
    """Where the library and its data folder are."""

    library: str
    data: Path


@cache
def find_espeak() -> LibraryFiles | None:
    """The library of the package espeakng-loader, else the system's, else None."""
    try:
        import espeakng_loader
    except ImportError:
        pass
    else:
        library = Path(espeakng_loader.get_library_path())
        if library.exists():
            return LibraryFiles(str(library), Path(espeakng_loader.get_data_path()))
    return _system_espeak()


def _system_espeak() -> LibraryFiles | None:
    name = find_library("espeak-ng")
    if name is None:
        return None
    library = ctypes.CDLL(name)
    if library.espeak_Initialize(SYNCHRONOUS_OUTPUT, 0, None, INITIALISE_DONT_EXIT) <= 0:
        return None
    info = library.espeak_Info
    info.restype = ctypes.c_char_p
    folder = ctypes.c_char_p()
    info(ctypes.byref(folder))
    found = Path((folder.value or b"").decode())
    library.espeak_Terminate()
    return LibraryFiles(name, found) if found.is_dir() else None


class PrivateData:
    """Folders that espeak takes for its own data, sharing one variant file to rewrite.

    They hold links to the library's files and go when the process ends.
    """

    def __init__(self, original: Path) -> None:
        self._private = PrivateFolder()
        self.path = self._private.path
        self._original = original.resolve()
        self._entries = tuple(entry.name for entry in self._original.iterdir())
        self._variant = self.path / "variants" / SLOT
        self._variant.parent.mkdir()
        self._file = os.open(self._variant, os.O_CREAT | os.O_RDWR, 0o600)
        Finalize(self, os.close, (self._file,), exitpriority=5)
        self._written = ""
        self._size = 0
        self._folders: dict[tuple[str, ...], Path] = {}
        self._placed: set[tuple[str, str]] = set()
        self._spoken: Path | None = None
        self._accents: Path | None = None
        self.write_variant("language variant\nname seedbed\n")

    def is_there(self) -> bool:
        """Whether nobody has cleaned the temporary folder away."""
        return os.fstat(self._file).st_nlink > 0

    def write_variant(self, text: str) -> None:
        """Put `text` into the variant file, unless it is there already."""
        if text != self._written:
            encoded = text.encode("utf-8")
            # In place, through one descriptor: a file opened and written afresh costs as much as
            # saying a word.
            # A shorter text is filled up with empty lines, which saves cutting the file.
            self._size = max(self._size, len(encoded))
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, encoded.ljust(self._size, b"\n"))
            self._written = text

    def _check_count(self, voices: tuple[str, ...]) -> None:
        count = len(voices) or sum(path.is_file() for path in self._original.glob("lang/**/*"))
        if count + 1 >= MOST_VOICES:
            raise SeedbedError(
                f"{self._original / 'lang'} holds {count} voices, and espeak-ng falls silent from "
                f"{MOST_VOICES} voices and variants on: take those out that you do not need."
            )

    def folder(self, voices: tuple[str, ...] = ()) -> Path:
        """A data folder with some base voices, by identifier, or with all of them.

        Raises `SeedbedError` where they are more than espeak takes.
        """
        if voices not in self._folders:
            self._check_count(voices)
            made = self._empty_folder(f"data-{len(self._folders)}")
            self._link_entries(made, dictionaries=True)
            if not voices:
                (made / "lang").symlink_to(self._original / "lang")
            for voice in voices:
                target = made / "lang" / voice
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(self._original / "lang" / voice)
            self._folders[voices] = made
        return self._folders[voices]

    def _empty_folder(self, name: str) -> Path:
        made = self.path / name
        (made / "voices").mkdir(parents=True)
        (made / "voices" / "!v").symlink_to(self._variant.parent)
        return made

    def _link_entries(self, folder: Path, dictionaries: bool) -> None:
        for name in self._entries:
            if name not in ("voices", "lang") and (dictionaries or not name.endswith("_dict")):
                (folder / name).symlink_to(self._original / name)

    def spoken_folder(self, *voices: str) -> Path:
        """A data folder in which the library finds `voices` at once; there may be others, too.

        The voices in it are not to be listed: their identifiers are in small letters.
        """
        if self._spoken is None:
            self._spoken = self._empty_folder("spoken")
            self._link_entries(self._spoken, dictionaries=True)
        for voice in voices:
            if ("spoken", voice) not in self._placed:
                self._place_of(self._spoken, voice).symlink_to(self._original / "lang" / voice)
                self._placed.add(("spoken", voice))
        return self._spoken

    def accents_folder(self, *voices: str) -> Path:
        """As `spoken_folder`, for phonemes alone: its dictionaries have rules and no words."""
        if self._accents is None:
            self._accents = self._empty_folder("accents")
            self._link_entries(self._accents, dictionaries=False)
        for voice in voices:
            if ("accents", voice) not in self._placed:
                text = (self._original / "lang" / voice).read_text(encoding="utf-8")
                name = f"{dictionary_name(text)}_dict"
                (self._accents / name).write_bytes(
                    without_words((self._original / name).read_bytes())
                )
                # The size below which a dictionary is complained about.
                lines = [line for line in text.splitlines() if line.split()[:1] != ["dict_min"]]
                place = self._place_of(self._accents, voice)
                place.write_text("\n".join(lines) + "\n", encoding="utf-8")
                self._placed.add(("accents", voice))
        return self._accents

    def _place_of(self, folder: Path, voice: str) -> Path:
        place = folder / "lang" / voice.lower()
        place.parent.mkdir(parents=True, exist_ok=True)
        return place


def dictionary_name(voice: str) -> str:
    """The dictionary that a voice file's text names, or its first language, dialects aside."""
    language = ""
    for line in voice.splitlines():
        match line.split():
            case ["dictionary", name, *_]:
                return name
            case ["dictrules", *_]:
                break
            case ["language", tag, *_] if not language:
                language = tag.partition("-")[0]
    return language


def without_words(dictionary: bytes) -> bytes:
    """A compiled dictionary with its pronunciation rules and an empty list of words.

    It begins with the count of word lists and the place of the rules, two little-endian words
    of 32 bits; each list ends in a zero (`LoadDictionary` of espeak-ng's `dictionary.c`).
    """
    lists, rules = struct.unpack_from("<ii", dictionary)
    head = struct.pack("<ii", lists, 8 + lists)
    return head + bytes(lists) + dictionary[rules:]


def read_stock_variants(data: Path) -> dict[str, str]:
    """The variants that come with the library: name to file text, sorted by name."""
    folder = data / "voices" / "!v"
    found = {}
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        try:
            found[path.name] = content.decode("utf-8")
        except UnicodeDecodeError:
            found[path.name] = content.decode("latin-1")
    return found


def _unload(library: ctypes.CDLL) -> None:
    import _ctypes

    release = getattr(_ctypes, "dlclose", None) or _ctypes.FreeLibrary  # type: ignore[attr-defined]
    release(library._handle)


def _own_copy(library: str, folder: Path) -> str:
    """A copy of the library's file in `folder`: the loader knows a file by its inode."""
    return str(shutil.copyfile(library, folder / Path(library).name))


class EspeakLibrary:
    """The library in this process: load, speak with events, load afresh.

    All calls hold one lock, since the library is a set of static variables; `beside` is another
    copy to share it with, as both draw from the C library's `rand`. Under another file name
    (`_own_copy`) the loader gives a copy static variables of its own.
    """

    def __init__(self, files: LibraryFiles, beside: EspeakLibrary | None = None) -> None:
        self.files = files
        self.private = PrivateData(files.data)
        self.lock: contextlib.AbstractContextManager[Any] = (
            beside.lock if beside else threading.RLock()
        )
        self._has_copy = beside is not None
        self._path = self._library_path()
        self.process_id = os.getpid()
        self._chunks: list[bytes] = []
        self._events: list[RawEvent] = []
        self._callback = _Callback(self._collect)
        self._c_library = ctypes.CDLL("msvcrt" if os.name == "nt" else None)
        self._parameters: dict[int, int] = {}
        self._library: Any = None
        self._seed_noise: Any = None
        self._loaded: Path | None = None
        self._is_clean = False
        self._is_listening = True
        self._is_marked = False
        self._is_fresh = True
        self._has_spoken = True
        self.sample_rate = 0
        self._load(self.private.spoken_folder())

    def _library_path(self) -> str:
        if self._has_copy:
            return _own_copy(self.files.library, self.private.path)
        return self.files.library

    def _load(self, folder: Path) -> None:
        library = ctypes.CDLL(self._path)
        options = INITIALISE_PHONEME_EVENTS | INITIALISE_PHONEME_IPA | INITIALISE_DONT_EXIT
        rate = library.espeak_Initialize(
            SYNCHRONOUS_OUTPUT, BUFFER_MS, str(folder).encode(), options
        )
        if rate <= 0:
            raise SeedbedError(
                f"espeak-ng at {self.files.library} could not start with the data in "
                f"{self.files.data}; install it again: {INSTALL_LINE}"
            )
        library.espeak_SetSynthCallback(self._callback)
        try:
            self._seed_noise = library.espeak_ng_SetRandSeed
        except AttributeError as error:
            raise SeedbedError(
                f"espeak-ng at {self.files.library} is older than 1.51 and draws noise that "
                f"cannot be seeded; install a newer one: {INSTALL_LINE}"
            ) from error
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceSpec))
        self._library, self.sample_rate = library, rate
        self._loaded, self._is_clean, self._is_fresh = folder, True, True
        self._parameters = {}

    def reload(self, folder: Path | None = None) -> None:
        """Load the library afresh, so that nothing said before has left a trace.

        `folder` is one of the private data folders; by default the one with all voices.
        """
        with self.lock:
            self._library.espeak_Terminate()
            _unload(self._library)
            self._load(folder or self.private.folder())

    def _keep_private(self) -> None:
        """Make the private folder again where a machine has tidied it away with its temporary ones.

        That must not end a build, still less have it go on with the variant ignored, which is
        what the library does without the file.
        """
        if not self.private.is_there():
            self.private = PrivateData(self.files.data)
            self._path = self._library_path()

    def make_ready(self, voice: str, stateless: bool, accented: bool, ssml: bool) -> None:
        """Bring the library into a state that does not depend on what was said before.

        `stateless` says that the coming utterance leaves none itself: then, and where the
        one before did neither, nothing needs to be loaded. `accented` says that it is of
        phonemes alone. SSML of the user's (`ssml`) may name other voices: it finds none but
        those that share `voice`'s folder.
        """
        self._keep_private()
        known = stateless_voices()
        if ssml:
            folder = self.private.folder(known if voice in known else (voice,))
        elif accented:
            folder = self.private.accents_folder(voice, DEFAULT_VOICE)
        else:
            folder = self.private.spoken_folder(voice, DEFAULT_VOICE)
        stateless = stateless and voice in known
        self._has_spoken = True
        if not (stateless and self._is_clean and self._loaded == folder):
            self.reload(folder)
        self._is_clean = stateless

    def _collect(self, samples: int | None, count: int, events: int) -> int:
        if not self._is_listening:
            return 0
        if samples and count > 0:
            self._chunks.append(ctypes.string_at(samples, 2 * count))
        size, address = _EVENT.size, events
        while True:
            kind, _, position, length, _, sample, _, name = _EVENT.unpack(
                ctypes.string_at(address, size)
            )
            address += size
            if kind == EVENT_PHONEME:
                phoneme = name.partition(b"\0")[0].decode("utf-8", "ignore")
                self._events.append(RawEvent(kind, position - 1, length, sample, phoneme))
            elif kind in (EVENT_WORD, EVENT_END):
                self._events.append(RawEvent(kind, position - 1, length, sample, ""))
            elif kind == EVENT_END_OF_LIST:
                return 0

    def list_voices(self) -> Iterator[tuple[str, str, int]]:
        """(identifier, language tag, gender 0 unknown, 1 male, 2 female) of every voice."""
        with self.lock:
            self.reload()
            self._is_clean = False
            found = self._library.espeak_ListVoices(None)
            index = 0
            while found[index]:
                spec = found[index].contents
                index += 1
                # The field is a priority byte, then the first language's name.
                language = (spec.languages or b"\0")[1:].decode("utf-8")
                yield spec.identifier.decode("utf-8"), language, spec.gender

    def has_dictionary(self, identifier: str, language: str) -> bool:
        """Whether a voice's pronunciation dictionary is there: without it, it is silent."""
        file = self.files.data / "lang" / identifier
        if not file.is_file():
            return True
        name = dictionary_name(file.read_text(encoding="utf-8")) or language.partition("-")[0]
        return (self.files.data / f"{name}_dict").is_file()

    def set_voice(self, voice: str, variant: str) -> None:
        """Select a base voice by identifier with the variant file text `variant`.

        Called before every utterance, also for the voice already set: setting a voice
        empties the echo and resets the Klatt synthesiser, and `RESET_TEXT` before it takes
        away what a voiced fricative left. Raises `EngineFailure` where the library does not
        know the voice.
        """
        if self._is_fresh:
            # What jitter goes on from: voices that leave no trace begin after a word of the
            # default voice's, all others where the library does.
            self._is_marked = voice in stateless_voices()
            if self._is_marked:
                self._library.espeak_SetVoiceByName(DEFAULT_VOICE.encode())
            self._is_fresh = False
        if self._is_marked:
            self._is_listening = False
            self._library.espeak_Synth(
                RESET_TEXT, len(RESET_TEXT) + 1, 0, 1, 0, TEXT_PHONEMES | TEXT_UTF8, None, None
            )
            self._is_listening = True
            self._is_marked = False
        self.private.write_variant(variant)
        if self._library.espeak_SetVoiceByName(f"{voice}+{SLOT}".encode()) != 0:
            raise EngineFailure(f"espeak-ng has no voice {voice!r}.")
        # A voice brings its own pitch range and gap, so every parameter is set anew.
        self._parameters = {}

    def set_parameter(self, parameter: int, value: int) -> None:
        """Set one of the `PARAMETER_…` to an absolute value."""
        if self._parameters.get(parameter) != value:
            self._library.espeak_SetParameter(parameter, value, 0)
            self._parameters[parameter] = value

    def synthesise(self, text: str, flags: int) -> tuple[bytes, list[RawEvent]]:
        """16-bit samples and events of `text`. Raises `EngineFailure`."""
        self._chunks, self._events = [], []
        self._is_marked = True
        encoded = text.encode("utf-8")
        self._seed_noise(ctypes.c_long(NOISE_SEED))
        self._c_library.srand(NOISE_SEED)
        status = self._library.espeak_Synth(
            encoded, len(encoded) + 1, 0, 1, 0, flags | TEXT_UTF8, None, None
        )
        if status != 0:
            raise EngineFailure(f"espeak-ng could not say {text!r}: status {status}.")
        # Markup leaves its emphasis behind, too.
        self._is_marked = flags != 0 or leaves_mark(self._events)
        return b"".join(self._chunks), self._events

    def phonemes(self, text: str, voice: str) -> list[str]:
        """The phonemes of `text` in espeak's ASCII names, stress marks kept on them."""
        self._turn_to(voice)
        return [name for clause in self._clauses(text, ord(" ") << 8) for name in clause.split()]

    def ipa(self, text: str, voice: str) -> str:
        """The phonemes of `text` in IPA, as espeak prints them."""
        self._turn_to(voice)
        return " ".join(clause.strip() for clause in self._clauses(text, PHONEMES_AS_IPA))

    def _turn_to(self, voice: str) -> None:
        self._keep_private()
        folder = self.private.spoken_folder(voice)
        if self._has_spoken or self._loaded != folder:
            self.reload(folder)
        self._is_clean = self._has_spoken = False
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise EngineFailure(f"espeak-ng has no voice {voice!r}.")

    def _clauses(self, text: str, mode: int) -> Iterator[str]:
        place = ctypes.c_char_p(text.encode("utf-8"))
        while place.value is not None:
            clause = self._library.espeak_TextToPhonemes(ctypes.byref(place), TEXT_UTF8, mode)
            yield (clause or b"").decode("utf-8")


def leaves_mark(events: Sequence[RawEvent]) -> bool:
    """Whether an utterance ended in a sound that `RESET_TEXT` must follow, or in none known."""
    for event in reversed(events):
        if event.kind == EVENT_PHONEME and event.phoneme and not event.phoneme.startswith("_"):
            return not MARKING_SOUNDS.isdisjoint(event.phoneme)
    return True


_libraries: dict[bool, EspeakLibrary] = {}
"""The copies of this process by whether what they say leaves no trace."""


def espeak_library(stateless: bool = True) -> EspeakLibrary:
    """The library of this process; a forked child gets its own copy and folder.

    With `stateless` False it is the copy for utterances that leave a trace, which is loaded
    afresh for each: were it one with the other, the utterance after it would have to wait for
    that too. Where the library is known by the system's name only, one serves for both.
    Raises `SeedbedError` where espeak-ng is not installed.
    """
    ours = _libraries.get(True)
    if ours is not None and stateless and ours.process_id == os.getpid():
        return ours
    if any(known.process_id != os.getpid() for known in _libraries.values()):
        for inherited in _libraries.values():
            # Unloaded first: a copy that is still loaded would hand on its parent's state.
            with contextlib.suppress(OSError):
                inherited._library.espeak_Terminate()
                _unload(inherited._library)
        _libraries.clear()
    if True not in _libraries:
        files = find_espeak()
        if files is None:
            raise SeedbedError(
                f"espeak-ng is not installed: run `{INSTALL_LINE}`, or install the system's "
                "package espeak-ng."
            )
        _libraries[True] = EspeakLibrary(files)
    if stateless or not Path(_libraries[True].files.library).is_file():
        return _libraries[True]
    if False not in _libraries:
        _libraries[False] = EspeakLibrary(_libraries[True].files, beside=_libraries[True])
    return _libraries[False]
