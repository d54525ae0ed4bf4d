"""EventBridge Scheduler on the simulated clock: its API with AWS's refusals, and the firing of schedules."""
