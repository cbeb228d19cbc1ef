"""Reverberation of rooms that are drawn, kept in a bank of limited size.

Room k of a bank depends on (bank_seed, k) and the augmenter's ranges alone, so every worker
and every build has the same rooms, and makes each at most once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from seedbed.augmenters.sound import Range, SoundAugmenter, within
from seedbed.augmenters.sound_reverberation import reverberated
from seedbed.augmenters.sound_room import BANK_LIMIT, PRE_FRAMES, Room, room_response
from seedbed.sample import Clip
from seedbed.streams import MAX_SEED, fork_seed, log_uniform, stream, uniform

WALL_M = 0.3
"""Nobody speaks or listens nearer to a wall than this."""
PLACING_TRIES = 40

BASS_RATIO = (1.0, 1.4)
TREBLE_RATIO = (0.5, 0.9)
"""Walls, curtains and air take more of the highs: the spread of measured rooms, as in Jeub et al.
2009, "A binaural room impulse response database for the evaluation of dereverberation
algorithms"."""


@dataclass(frozen=True)
class RoomReverberationParams:
    """What was drawn for one clip: the room's number in the bank, and the room."""

    number: int
    room: Room
    keep_tail: bool


class RoomReverberation(SoundAugmenter[RoomReverberationParams]):
    """Puts the clip into one of `bank_size` shoebox rooms; level and times stay.

    With `keep_tail` the clip is made longer by the room's reverberation time.
    """

    params_type: ClassVar[type[RoomReverberationParams]] = RoomReverberationParams

    length_m: Annotated[Range, within(1.5, 40)] = (2.5, 8)
    width_m: Annotated[Range, within(1.5, 40)] = (2, 6)
    height_m: Annotated[Range, within(1.8, 20)] = (2.3, 3.5)
    t60_s: Annotated[Range, within(0.05, 3)] = (0.15, 0.6)
    distance_m: Annotated[Range, within(0.1, 20)] = (0.3, 2.5)
    keep_tail: bool = False
    bank_size: int = Field(default=128, ge=1, le=BANK_LIMIT, description="different rooms in all")
    bank_seed: int = Field(default=0, ge=0, le=MAX_SEED)

    def depends_on(self) -> tuple[str, ...]:
        """What the early echoes come from."""
        return ("pyroomacoustics",)

    def room(self, number: int) -> Room:
        """Room `number` of the bank."""
        rng = stream(self.bank_seed, "room", number)
        size = (
            uniform(rng, self.length_m),
            uniform(rng, self.width_m),
            uniform(rng, self.height_m),
        )
        t60_s = log_uniform(rng, self.t60_s)
        ratios = uniform(rng, BASS_RATIO), uniform(rng, TREBLE_RATIO)
        source, microphone = self._places(rng, size)
        return Room(size, source, microphone, t60_s, *ratios, fork_seed(rng))

    def _places(
        self, rng: np.random.Generator, size: tuple[float, float, float]
    ) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Where the speaker and the microphone are; nearer than drawn only in too small a room."""
        low = np.full(3, WALL_M)
        high = np.array(size) - WALL_M
        for _ in range(PLACING_TRIES):
            source = rng.uniform(low, high)
            direction = rng.standard_normal(3)
            step = uniform(rng, self.distance_m) / np.linalg.norm(direction)
            microphone = source + step * direction
            if (microphone >= low).all() and (microphone <= high).all():
                break
        else:
            microphone = np.clip(microphone, low, high)
        x, y, z = (float(v) for v in source)
        u, v, w = (float(v) for v in microphone)
        return (x, y, z), (u, v, w)

    def prepare(self) -> None:
        """Make the first room, which also loads pyroomacoustics."""
        room_response(self.room(0), 16000)

    def draw(self, sample: Clip, rng: np.random.Generator) -> RoomReverberationParams:
        """Draw which room of the bank."""
        number = int(rng.integers(self.bank_size))
        return RoomReverberationParams(number, self.room(number), self.keep_tail)

    def change(self, clip: Clip, params: RoomReverberationParams) -> Clip:
        """The clip as heard in the room."""
        response = room_response(params.room, clip.sample_rate)
        return reverberated(clip, response, PRE_FRAMES, params.keep_tail)
