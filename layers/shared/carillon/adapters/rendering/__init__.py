"""Rendering of texts: a sandbox for templates, the built-in texts, and values formatted for a locale."""
