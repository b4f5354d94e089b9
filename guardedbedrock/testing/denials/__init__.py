"""
Denials of AWS.

- `catalogue`: every known denial with its response
- `denial`: the denial that a test asks for, by policy type
- `mutable_policies`: the policies of the fake, which can change while it runs
- `assertions`: `assert_denied`
"""
