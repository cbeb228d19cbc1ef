"""Speech: engines, phrases, voices and prosody."""
