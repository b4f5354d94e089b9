"""A drop-in bedrock-runtime client that guards every model call."""
