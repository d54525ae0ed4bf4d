"""Packages, top-ups and billing details."""
