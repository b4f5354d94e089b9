"""The records, events and rules that all stages share."""
