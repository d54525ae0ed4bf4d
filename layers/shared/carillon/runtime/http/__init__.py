"""HTTP plumbing: resolver, roles, validation, problem details."""
