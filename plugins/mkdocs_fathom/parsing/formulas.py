r"""Which part of a text is a formula, for those who only have to leave it alone: `$…$` and `$$…$$`.

As `pymdownx.arithmatex` reads them: no blank behind the first dollar sign of a line's formula nor before its last, so
that `$5 or $6` is none, and no blank line in any.
"""

from __future__ import annotations

import re

_SIGN = r"(?:\\.|[^\\$\n]|\n(?![ \t]*\n))"
FORMULA = re.compile(rf"(?<![\\$])(?:\$\${_SIGN}+?\$\$|\$(?![\s$]){_SIGN}+?(?<!\s)\$)")
"""A formula with the signs around it."""
EDGE = "$$"
"""What stands before and behind a formula of several lines."""
