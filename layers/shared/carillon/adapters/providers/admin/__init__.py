"""Connects organizations' own senders with their providers, one module per channel; see the port `ChannelAdmin`."""
