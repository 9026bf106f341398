"""Electronic invoices: writing the payload in the official syntaxes and checking what was written.

Pure: no ORM. `profiles` names the files Retour can make, `terms` and `writing` make them,
`reading` reads them back; the official rule sets live beside them.
"""
