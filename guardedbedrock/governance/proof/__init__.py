"""
Proofs about policies: statements that hold for every request, or a request that shows the opposite.

1. `inputs` reads the policies of a question, `policies` lists their statements level by level, and `calls` reads a calls file.
2. `questions/` has one function for each question; `options` are its limits, `actions` the actions that it is about.
3. `logic/` writes policies as formulas.
4. `solving/` searches for a request that satisfies a formula.
5. `answers` is the result; `changes` compares two snapshots.
"""
