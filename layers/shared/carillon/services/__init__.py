"""Use cases: one file each; they know ports and the domain, never AWS."""
