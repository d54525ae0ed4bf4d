"""Lambda plumbing: configuration, logging, batches, HTTP."""
