"""Classification of denials, and hints."""
