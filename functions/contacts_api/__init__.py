"""The door of clients and staff."""
