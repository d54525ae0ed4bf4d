"""Sends push messages: see `services/sending.py` for what makes it once."""
