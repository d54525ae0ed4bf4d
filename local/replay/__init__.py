"""Plays a file of bookings through the API of a local cloud of its own, day by day, and counts what came of it."""
