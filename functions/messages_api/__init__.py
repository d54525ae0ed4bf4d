"""The door of messages: what was sent, and what was not and why."""
