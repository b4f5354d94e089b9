"""Policy sets, the decisions that they make, and explanations of decisions."""
