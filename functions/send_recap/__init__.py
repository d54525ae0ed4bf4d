"""send_recap: the list of a day, to collaborators and managers."""
