"""A report that is written twice, as one self-contained HTML page and as text, from the same sections and tables."""

import dataclasses
import html
import pathlib
import re
import textwrap

WIDTH = 130
LONG = 50       # rows
NUMBER = re.compile(r"(>= )?[-+]?\d[\d.,]*(e[-+]\d+)?( %)?")
PAGE = pathlib.Path(__file__).resolve().parent / "page.html"
# What a table's or a picture's figures are. A table has one of these and no figure of another.
YARDSTICKS = {
    "instructions": "instructions that the guest executed, exact (QEMU -icount)",
    "ticks": "ticks of the emulator's time (TCG), not of hardware: good for ratios within this run only",
    "cycles": "cycles of the CPU (KVM)",
    "bytes": "bytes, exact",
    "count": "counted, exact",
    "times the reference": "medians of time, as multiples of reference/loop in the same run",
    "estimated cycles": "an estimate: exact counts times published latencies, not a measurement",
    "figures": "how many figures",
}


class MixedUnits(Exception):
    """A table was to hold figures of different yardsticks."""


@dataclasses.dataclass
class Table:
    title: str
    yardstick: str          # a key of YARDSTICKS
    head: list
    rows: list              # of cells: text, numbers, or None for what was not measured
    note: str = ""
    folded: bool = False    # not what most readers look for; so is a long one

    def __post_init__(self):
        self.folded = self.folded or len(self.rows) > LONG
        if self.yardstick not in YARDSTICKS:
            raise MixedUnits(f"{self.title}: there is no yardstick {self.yardstick}")
        for row in self.rows:
            if len(row) != len(self.head):
                raise ValueError(f"{self.title}: a row of {len(row)} cells below {len(self.head)} titles")


@dataclasses.dataclass
class Picture:
    """Shows what a table of its section says in figures; so the text does without."""
    title: str
    yardstick: str
    svg: str


@dataclasses.dataclass
class Section:
    title: str
    text: list = dataclasses.field(default_factory=list)
    pictures: list = dataclasses.field(default_factory=list)
    tables: list = dataclasses.field(default_factory=list)

    @property
    def anchor(self):
        return re.sub(r"\W+", "-", self.title.lower()).strip("-")


@dataclasses.dataclass
class Document:
    title: str
    label: str              # what must be known before any figure is read
    facts: list             # (what, which) of machine, build and run
    warnings: list
    headlines: list         # (figure, yardstick, what it is)
    sections: list


def one_unit(rows, title):
    """The unit of all these rows."""
    units = {row["unit"] for row in rows}
    if len(units) != 1:
        raise MixedUnits(f"{title}: figures of different yardsticks ({', '.join(sorted(units))}) in one table")
    return units.pop()


def cell_text(cell):
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:,.2f}" if abs(cell) >= 1 or not cell else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def is_number(cell):
    """Text that is a figure counts as one: ">= 768", "+1.5 %"."""
    return cell is None or isinstance(cell, (int, float)) or NUMBER.fullmatch(cell) is not None


def numeric_columns(table):
    return [all(is_number(row[at]) for row in table.rows) for at in range(len(table.head))]


# ---- text ----

def wrapped(text, indent=""):
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent)


def columns_text(table):
    """Aligned; what does not fit in the last column goes on below it."""
    lines = [[str(title) for title in table.head]] + [list(map(cell_text, row)) for row in table.rows]
    widths = [max(map(len, column)) for column in zip(*lines)]
    right = numeric_columns(table)
    room = max(WIDTH - sum(widths[:-1]) - 2 * len(widths), 40)
    if not right[-1]:
        widths[-1] = min(widths[-1], room)
    yield from (lines[0], ["-" * width for width in widths])
    for line in lines[1:]:
        first, *others = [line[-1]] if right[-1] else textwrap.wrap(line[-1], room) or [""]
        yield from ([*line[:-1], first], *([""] * (len(line) - 1) + [other] for other in others))


def table_text(table):
    lines, right = list(columns_text(table)), numeric_columns(table)
    widths = [max(map(len, column)) for column in zip(*lines)]
    body = ["  ".join(cell.rjust(width) if is_right else cell.ljust(width)
                      for cell, width, is_right in zip(line, widths, right)).rstrip() for line in lines]
    note = [wrapped(table.note)] if table.note else []
    return "\n".join([table.title, f"[{YARDSTICKS[table.yardstick]}]", *body, *note])


def section_text(section):
    blocks = [f"{section.title}\n{'=' * len(section.title)}", *map(wrapped, section.text), *map(table_text, section.tables)]
    return "\n\n".join(blocks)


def as_text(document):
    width = max(len(what) for what, _ in document.facts)
    head = [document.title, wrapped(document.label), "\n".join(f"{what:<{width}}  {which}" for what, which in document.facts)]
    head += [wrapped(f"WARNING: {warning}") for warning in document.warnings]
    head.append("\n".join(f"{cell_text(figure):>10} {yardstick}: {what}" for figure, yardstick, what in document.headlines))
    return "\n\n".join([block for block in head if block] + [section_text(section) for section in document.sections]) + "\n"


# ---- HTML ----

def with_code(text):
    """Escaped, and what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def as_html(document):
    import jinja2
    page = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    page.filters |= {"code": lambda text: jinja2.utils.markupsafe.Markup(with_code(text)), "cell": cell_text}
    template = page.from_string(PAGE.read_text())
    return template.render(document=document, yardsticks=YARDSTICKS, numeric_columns=numeric_columns, is_number=is_number) + "\n"
