"""Reports and exports of finance: what kinds there are (``kinds``), running, keeping and
downloading them (``runs``), writing their files (``files``), and one module or two a kind.

What the figures are is decided by the rows they come from; nothing here books or matches.
"""
