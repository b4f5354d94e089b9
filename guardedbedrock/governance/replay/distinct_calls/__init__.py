"""Equal records counted once: from trail files, from a former replay and by Athena."""
