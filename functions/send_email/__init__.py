"""Sends e-mail: see `services/sending.py` for what makes it once."""
