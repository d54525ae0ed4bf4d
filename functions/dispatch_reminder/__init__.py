"""Takes due reminders from their queue, ten at once: decided, stored, and put on the channels' queues."""
