"""
The questions that can be proved.

Every question has two halves. It is refuted if some request surely shows the opposite, and the engine confirms it. It is proved
if no request could, not even where AWS documents no rule. Otherwise the answer is unknown, with the reason.
"""
