"""A chapter and its runs → a page. Text in, text out: no process, no clock.

`pages`     the page that a host converts → its chapter and its runs
`render`    a chapter → Markdown with tabs and places for its cells; `lists` mends what Markdown takes for text
`cells`     a cell and its results → HTML; `mistakes`, what is wrong with it or with its page
`outputs`   nbformat outputs → safe HTML; `ansi` and `figures` are two kinds of them, `live` a third: panels that
            a script of the site takes over
`notebooks` a chapter → files to download: their text (`notebooks_text`) and a first cell that brings what they need
            (`notebooks_needs`); `addresses`, where the site has them
`panels`    what can be said of a page once it is a tree: headings, teasers, and whether anything was lost
`switch`    the depths under a page's title: what each asks of a reader; `cards`, the same beside a link to the page
`mathematics` a formula in LaTeX → MathML
`searching` a page as a search should read it
`titles`    what a page says of itself, made safe for themes
`scripts`   ours into a finished page, and the theme's as late as a site wants it
`policy`    a finished page → the same with a Content Security Policy
"""
