"""A chapter's Markdown → a `Chapter`. Begin with `parse`; it uses the others in this order.

    `source`        bytes → text and lines; `notebook`, an `.ipynb` file's → Markdown with
                    the same lines; `attachments`, the pictures in it
    `frontmatter`   the YAML at the top
    `include`       `--8<--`: other files' lines, each with its origin
    `scan`          line by line: fences, comments, prose; `containers` tells what a line stands in, `inline` which
                    part of it is code
    `markers`       `<!-- DEEP -->`: regions and tab sets
    `fences`        a fence's language and options
    `directives`    pytest-codeblocks' comments; `conditions` evaluates theirs
    `mojibake`      text that was decoded wrongly, and its repair

Apart from these: `syntax`, errors in the code, found before anything runs; `paths`, a chapter's reading paths and the
tree of their common prefixes; `minutes`, how long it takes to read; `formulas`, which part of a text is
one; `census`, an independent count of the fences,
which must agree with what was run.
"""
