"""Takes providers' callbacks, each verified before anything is read from it. There is no API key here."""
