"""Tables of what was measured, for readers and for the comparison of notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from tutorial_lib import ledger
from tutorial_lib.experiment import Claim, Reader
from tutorial_lib.show.pictures import Picture

Cell = str | float | int


def table(
    rows: Iterable[Mapping[str, Cell]], *, formats: Mapping[str, str] | None = None
) -> Picture:
    """Lay out rows under the names of their columns.

    Parameters
    ----------
    rows : iterable of mappings
        Column → cell. A column that a row lacks is left blank there.
    formats : mapping, optional
        Column → format of its numbers, such as ``".2f"``.

    Returns
    -------
    Picture
        HTML for the page; the same as plain text where HTML is not shown.

    Raises
    ------
    ValueError
        If there are no rows, or a format names no column.

    Examples
    --------
    >>> print(table([{"method": "bicubic", "dB": 28.4314}], formats={"dB": ".2f"}).alt)
    method  | dB
    bicubic | 28.43
    """
    listed = list(rows)
    columns = list(dict.fromkeys(column for row in listed for column in row))
    if not columns:
        raise ValueError("there are no rows to show")
    formats = formats or {}
    if unknown := [column for column in formats if column not in columns]:
        raise ValueError(f"no column {', '.join(unknown)}; there are: {', '.join(columns)}")

    def text(row: Mapping[str, Cell], column: str) -> str:
        cell = row.get(column, "")
        return cell if isinstance(cell, str) else format(cell, formats.get(column, ""))

    cells = [[text(row, column) for column in columns] for row in listed]
    numeric = [all(not isinstance(row.get(c, 0), str) for row in listed) for c in columns]
    style = [' style="text-align:right"' if right else "" for right in numeric]
    head = "".join(f"<th{s}>{escape(c)}</th>" for c, s in zip(columns, style, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td{s}>{escape(c)}</td>" for c, s in zip(row, style, strict=True))
        + "</tr>"
        for row in cells
    )
    html = (
        '<div class="tutorial-table" tabindex="0" role="group" aria-label="table" '
        'style="overflow-x:auto"><table class="table">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    widths = [max(len(row[i]) for row in [columns, *cells]) for i in range(len(columns))]
    lines = [
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [columns, *cells]
    ]
    return Picture(html, "\n".join(lines))


def claims(claims: Iterable[Claim], *, read: Reader = ledger.read) -> Picture:
    """Set what the article found beside what the ledger says.

    Parameters
    ----------
    claims : iterable of Claim
        Of one chapter.
    read : callable
        From an experiment's name to its record.

    Returns
    -------
    Picture
        A table of two columns.

    Raises
    ------
    LedgerError
        If a record that a claim needs is missing.
    """
    return table(
        {"the article found": claim.article, "we measured": claim.measured(read)}
        for claim in claims
    )
