"""Follows the table's stream: a record that changed is announced and planned."""
