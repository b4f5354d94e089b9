"""
The look of every page: one stylesheet, the templates of the reports, and how a page is rendered.

`guardedbedrock.cli.serve` sends the same stylesheet. A report is one file: it contains its stylesheet and script.
"""
