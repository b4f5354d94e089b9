"""Replay of CloudTrail: which recorded calls would a policy change deny?"""
