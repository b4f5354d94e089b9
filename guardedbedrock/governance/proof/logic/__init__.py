"""
Policies as formulas over the unknown parts of a request, and the values that those parts can have.

- `encoding`: statements and the composition of policy types; `conditions` and `resources` are the elements of a statement
- `request_strings`: how the resource and the values of keys match patterns
- `compared_keys`, `keys`: the condition keys of a question, and what AWS documents about their values
- `formulas`: the formulas; `cells`: numbers, dates and addresses as finite cells
- `string_search`, `shapes`, `containment`: strings that meet several patterns at once, by automata
- `string_theory`: strings that are compared with other strings, by cvc5
"""
