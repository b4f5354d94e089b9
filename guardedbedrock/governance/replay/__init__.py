"""
Replay of CloudTrail: which recorded calls would a policy change deny?

1. `reading/` is the first pass: from trail files to rows on disk.
2. `distinct_calls/` is the second pass: it counts equal calls.
3. `verdicts` evaluates each distinct call once.
4. `report` is the result; `rendering/` writes it as text, Markdown or a page.

`run` runs all of it in one process, `spark` on an existing Spark cluster.
"""
