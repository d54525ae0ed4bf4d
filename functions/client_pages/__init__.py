"""The pages that clients open from a message."""
