"""Proofs about policies: statements that hold for every request, or a request that shows the opposite."""
