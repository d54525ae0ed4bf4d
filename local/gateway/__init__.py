"""API Gateway's HTTP API: routes, authorizer, and the translation to Lambda events and back."""
