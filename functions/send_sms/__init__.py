"""Sends SMS: see `services/sending.py` for what makes it once."""
