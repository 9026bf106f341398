"""The ledger: what refunds mean in accounts, posted in the transaction that changes the refund.

Its rows are in ``models/ledger.py``, months and their closing in ``periods.py``, exports in
``reports/``. `posting.py` posts, `fx_loss.py` knows exchange differences.
"""
