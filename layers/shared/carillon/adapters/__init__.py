"""The outside: the only rooms that import boto3, jinja2, provider SDKs or HTTP clients."""
