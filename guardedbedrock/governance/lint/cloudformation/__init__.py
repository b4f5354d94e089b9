"""
The policies of CloudFormation and SAM templates.

1. `loops` unrolls ``Fn::ForEach``.
2. `conditions` lists the outcomes that the conditions of a template can have together.
3. `intrinsic_functions` resolves ``Fn::If``, ``Ref``, ``Fn::Sub`` and the others for one outcome.
4. `templates` finds the policies, and the principals that they apply to.
"""
