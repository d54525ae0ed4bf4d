"""The doors: one folder per Lambda function, each with a handler and no logic."""
