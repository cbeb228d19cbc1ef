"""Facts and settings that ship with seedbed; no code lives here."""
