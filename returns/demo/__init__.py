"""Demo data: obviously invented companies whose returns walked the real verbs. Never production."""
