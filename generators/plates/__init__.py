"""Plates as objects: layouts, grammars, glyphs, faces, surfaces and what holds them."""
