"""Carillon: notification settings and appointment reminders for service businesses."""
