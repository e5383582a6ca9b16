"""What a chapter's text tells without being run, and an author may want to know. Findings are warnings.

`page`        a chapter as rules see it: its lines of prose, and what each reader sees of them
`rule`        what a rule is: a name, a line about it, and a function from a page to findings
`lengths`, `structure`, `lists`, `links`, `alternatives`, `names`, `keys`, `values`
              the rules: how long depths are; headings and regions; fences that end a list; links; pictures without
              words; names that another depth defines; keys of the front matter that nobody reads; values not shown
`ignored`     what an author has switched off: for the site, for a page, for a place
`lint`        all rules over all chapters. Begin here
`mend`        writes what findings know the repair of, and leaves every other byte alone
"""
