"""Models, profiles and the other resources that calls name."""
