"""
The second pass: count equal calls.

- `counting`: removes copies, applies addenda, joins the evidence, and counts
- `tuples`: distinct calls with their counts in Parquet and CSV files
- `athena`: the query with which Athena counts
"""
