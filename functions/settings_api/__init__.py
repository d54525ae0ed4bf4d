"""The door of organization and settings."""
