"""Content capture: prompts and completions in the form of the GenAI conventions, only if the application turns it on."""
