"""What the rules check, one module for each family of rules; `guardedbedrock.governance.lint.rules` lists them."""
