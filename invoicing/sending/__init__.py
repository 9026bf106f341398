"""How approved refunds leave: the lanes, every attempt, and Amazon's feed of payment adjustments.

Whether a refund may leave is decided in ``approval.py``; what a person does by hand is a verb of
``refunds.py``. Files for the bank are `bank.py`, Amazon's feed is `feeds.py`.
"""
