"""The policies of a whole account, from a snapshot or a dump of authorization details."""
