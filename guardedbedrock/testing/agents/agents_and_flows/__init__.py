"""Agents and flows with their drafts, versions and aliases, and what only one of them has: parts and executions."""
