"""Pages of money and papers; each button knocks at a verb."""
