"""
The access report: which principals can call which models, with a guardrail and without one.

- `scope`: the principals, models, guardrails and Regions that a report is about; `scope_of_snapshot` and
  `scope_of_configuration` read it, `reported_models` finds the models
- `build`: evaluates a scope
- `records`: the report, its rows and their decisions
- `matrix`: the decisions of one group of principals on all models, and their explanations
- `call_classes`, `name_comparison`: the calls that policies cannot tell apart, so that one evaluation is enough
- `placeholders`: what replaces the model and the guardrail in an explanation
- `formats`, `page`: the report as JSON, as CSV, and as an HTML page
"""
