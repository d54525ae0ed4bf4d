"""The fault simulation: plays bookings while everything fails now and then, and holds it to the recount."""
