"""Formats that other tools read: one small file each, see `seedbed.formats.format`."""
