"""
Lint IAM policies for Amazon Bedrock: find what AWS rejects, what has no effect, and what lets an unguarded call through.

1. `read` finds policies in files and folders; `cloudformation/` and `terraform/` read templates and plans.
2. `policy` is a policy as the rules see it; `locations` maps its elements to lines of the file.
3. `rules` is the table of rules; `checks/` has their check functions.
4. `run` runs the rules, and applies selections, suppressions and the baseline. `finding` is the result.
"""
