"""One module per message provider."""
