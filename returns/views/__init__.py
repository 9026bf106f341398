"""The pages of the returns desk: thin doors that load, call a verb, and show what it says."""
