"""
Policies as formulas over the unknown parts of a request, and the values that those parts can have.

- `encoding`: statements and the composition of policy types; `conditions` and `resources` are the elements of a statement
- `request_texts`: how the resource and the values of keys match patterns
- `compared_keys`, `keys`: the condition keys of a question, and what AWS documents about their values
- `formulas`: the formulas; `cells`: numbers, dates and addresses as finite cells
- `texts`, `shapes`, `containment`: strings that meet several patterns at once, by automata
- `strings`: strings that are compared with other strings, by cvc5
"""
