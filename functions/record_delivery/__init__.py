"""Takes SES's events (deliveries, bounces, rejects) and moves the messages they name."""
