"""The door of records: appointments and their reminders."""
