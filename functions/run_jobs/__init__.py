"""Does what could not be done in passing: plans records whose turn in the stream failed."""
