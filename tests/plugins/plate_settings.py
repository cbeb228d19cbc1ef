"""Settings of networks that are small enough for a test."""

from __future__ import annotations

LOCATE = {
    "stages": ["F8@3x3/2 > BN > R > F8@3x3/2 > BN > R", "F16@3x3/2 > BN > R"],
    "width": 8,
    "crop_px": 128,
    "plate_width_px": [60, 100],
    "augmenters": [],
}
READ = {
    "arch": (
        "F12@3x3 > GN4 > R > P2 > F24@3x3 > GN4 > R > P2 > F32@3x3 > GN4 > R > P4x1 > F48@2x5 > R"
    ),
    "width": 96,
    "height": 32,
    "augmenters": [],
}
