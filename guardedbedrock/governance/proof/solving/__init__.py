"""
Find a request that satisfies the formula of a question, or show that no request does.

1. `parts` divides a question, and decides each part.
2. `requests` says which requests AWS could receive.
3. `propositional` decides without a solver where that is enough; `solver` asks cvc5 which facts are true.
4. `facts` finds values that meet the chosen facts.
"""
