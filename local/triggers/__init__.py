"""What sets functions to work: queues, streams, asynchronous invocations, schedules of the template."""
