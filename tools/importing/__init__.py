"""Brings a business's clients and appointments in from CSV files, over the HTTPS API: see docs/importing.md."""
