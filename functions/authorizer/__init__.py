"""Whose an API key is: the HTTP API's authorizer."""
