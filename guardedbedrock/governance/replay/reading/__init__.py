"""The first pass over trail files: from records to rows on disk that hold what a verdict depends on."""
