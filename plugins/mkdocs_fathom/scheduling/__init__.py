"""All chapters of a site, brought up to date.

`chapters`     which pages are chapters, read and checked
`needs`        which chapter waits for which
`lookup`       which are stale, and why
`schedule`     runs those, in order and in parallel; `progress` shows it, `interrupts` lets it be stopped
`preview`      the same whatever is wrong, for an author who writes; `mistakes` sorts what is wrong by place,
               `screen` knows which pages are looked at
`report`       what came of it, and everything that is wrong; `expected`, where a cell's output was declared
`compare`      two runs of the same cells, for those who do not trust the first
"""
