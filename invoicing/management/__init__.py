"""Commands of papers and money."""
