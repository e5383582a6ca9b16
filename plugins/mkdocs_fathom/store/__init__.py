"""Results that are kept: content-addressed, data only, never stale.

`keys`    what a path's results depend on: known before the run, and seen during it
`cache`   the folder of entries and blobs
`codec`   how an entry is written, sealed, read and checked
"""
