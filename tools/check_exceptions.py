#!/usr/bin/env python3
"""The list of exceptions may only shrink: it holds no more entries than its
ceiling, and no more than the lowest ceiling it ever had."""

import check

NAME = "exceptions"


def problems(root):
    yield from check.check_exceptions(root)


if __name__ == "__main__":
    check.main(NAME, problems, __doc__)
