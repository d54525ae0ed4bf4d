"""Finds whatever should have moved and did not."""
