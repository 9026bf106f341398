"""Amazon's Selling Partner API: what Retour asks of it and how an answer is understood.

Nothing here writes a fact or moves money by itself; what a call means is decided by who calls.
"""
