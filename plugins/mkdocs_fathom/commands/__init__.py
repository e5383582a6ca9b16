"""What the commands do, and what they print; the adapter reads the command line and calls them.

`checking`     everything that can be said of a site without running it; and after running it once more, or twice
`choosing`     the chapters that a command names
`declaring`    declared outputs, brought up to date
`showing`      problems for a person (with the line and a caret), for GitHub, or for a machine
`explaining`   what would run, and why
`listing`      the chapters: how long they are, when they ran, what they publish
`exporting`    chapters as notebooks
`beginning`    a new chapter
`surroundings` what a report of a bug needs to say of the machine
"""
