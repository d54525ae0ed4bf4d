"""The core: what is decided and planned, in pure standard-library Python."""
