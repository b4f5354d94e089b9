"""
The first pass over trail files.

1. `files` lists the trail files that paths name.
2. `records` finds the records in a file; with the extra ``replay``, `typed` decodes a whole file.
3. `events` reduces a record to what a replay reads; `evidence` does the same for model invocation logs.
4. `projection` reduces an event to what its verdict depends on.
5. `spool` stores the rows on disk.

`scan` runs all of it for one file.
"""
