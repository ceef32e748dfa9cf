"""Draws the report's pictures with matplotlib, as SVG whose colours are the page's CSS variables: so they fit light and dark."""

import io
import re

import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as pyplot  # noqa: E402
import matplotlib.ticker as ticker  # noqa: E402

# Stand-ins that matplotlib can draw with, each replaced by the variable of the page.
VARIABLES = {"#010101": "ink", "#020202": "quiet", "#030303": "grid", "#040404": "bad"}
VARIABLES |= {f"#0a0a0{at}": f"series-{at}" for at in range(1, 7)}
INK, QUIET, GRID, BAD = list(VARIABLES)[:4]
SERIES = list(VARIABLES)[4:]
MARKERS = "osD^vP"
STYLES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1))]
WIDTH, HEIGHT = 4.8, 3.0        # inches: some 350 points, so that the text is readable on a narrow screen
SMALL = 8.5     # points
GATES = {"INT 250": 1, "SYSENTER": 0}   # the colour of each, everywhere the same
WIDE = 30       # figures further apart than this factor are drawn on a logarithmic axis

matplotlib.rcParams.update({
    "svg.fonttype": "none", "font.size": 9, "axes.labelsize": 9, "xtick.labelsize": SMALL, "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL, "text.color": INK, "axes.labelcolor": INK, "xtick.color": QUIET, "ytick.color": QUIET,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "axes.edgecolor": QUIET, "grid.color": GRID, "axes.grid": True,
    "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "lines.linewidth": 1.6, "lines.markersize": 4.5,
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
})


def as_svg(figure, name):
    """The figure as an element for HTML: without the XML around it, with the page's colours, and with its own identifiers."""
    matplotlib.rcParams["svg.hashsalt"] = name
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", pad_inches=0.04,
                   metadata={"Creator": None, "Date": None, "Format": None, "Type": None})
    pyplot.close(figure)
    text = buffer.getvalue()
    text = re.sub(r"<!--.*?-->|<defs>\s*<style.*?</style>\s*</defs>", "", text[text.index("<svg"):], flags=re.S)
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text).replace("xlink:href", "href")
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    text = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", text)
    for stand_in, variable in VARIABLES.items():
        text = text.replace(stand_in, f"var(--{variable})")
    text = re.sub(r' transform="rotate\(-0 [^"]*"', "", re.sub(r"\s*\n(?=[^<])", " ", text))
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    text = re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), text)
    text = re.sub(r'(<svg[^>]*?) (?:width|height)="[^"]*pt"', r"\1", re.sub(r'(<svg[^>]*?) width="[^"]*pt"', r"\1", text))
    return re.sub(r"\n\s*", "\n", re.sub(r"<svg", f'<svg role="img" aria-label="{name}"', text, count=1)).strip()


def short(value, _position=None):
    """1,500,000 as 1.5 M."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size * 0.9995:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def binary(value, _position=None):
    """65,536 as 64 K."""
    for size, letter in ((1 << 20, " MiB"), (1 << 10, " KiB")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g} B"


def number_axis(axis, values, logarithmic=None):
    values = [value for value in values if value > 0]
    if logarithmic is None:
        logarithmic = bool(values) and max(values) > WIDE * min(values)
    if logarithmic:
        getattr(axis.axes, f"set_{axis.axis_name}scale")("log")
        if max(values) < 30 * min(values):
            axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axis.set_minor_formatter(ticker.NullFormatter())
    axis.set_major_formatter(ticker.FuncFormatter(short))
    return logarithmic


def legend_above(axes, count):
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncol=min(count, 4), borderaxespad=0.2, columnspacing=1,
                handletextpad=0.5, handlelength=2 if count < 4 else 1.6)


def pairs(name, unit, rows):
    """INT 250 beside SYSENTER. rows: (label, by INT, by SYSENTER)"""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 0.55 * len(rows) + 0.9))
    for at, (gate, colour) in enumerate(GATES.items()):
        places = [place + (at - 0.5) * 0.38 for place in range(len(rows))]
        values = [row[at + 1] for row in rows]
        axes.barh(places, values, 0.36, color=SERIES[colour], label=gate)
        for place, value in zip(places, values):
            axes.annotate(f"{value:,}", (value, place), (3, 0), textcoords="offset points", va="center", fontsize=SMALL)
    axes.set_yticks(range(len(rows)), [row[0] for row in rows])
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.set_xlim(0, 1.14 * max(max(row[1:]) for row in rows))
    number_axis(axes.xaxis, [], logarithmic=False)
    axes.set_xlabel(unit)
    legend_above(axes, 2)
    return as_svg(figure, name)


def lines(name, unit, across, series, logarithmic=None, sizes=False):
    """series: {label: [(x, y)]}"""
    figure, axes = pyplot.subplots(figsize=(WIDTH, HEIGHT))
    for at, (label, points) in enumerate(series.items()):
        colour = GATES.get(label, at) % len(SERIES)
        axes.plot(*zip(*points), color=SERIES[colour], marker=MARKERS[colour], linestyle=STYLES[colour], label=label)
    xs = sorted({x for points in series.values() for x, _ in points})
    if sizes or (len(xs) > 2 and xs[-1] > 7 * xs[0] and all(b == 2 * a for a, b in zip(xs, xs[1:]))):
        axes.set_xscale("log", base=2)
        axes.set_xticks(xs if len(xs) < 8 else xs[::2])
        axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(binary if sizes else short))
    values = [y for points in series.values() for _, y in points]
    if not number_axis(axes.yaxis, values, logarithmic):
        axes.set_ylim(0, 1.06 * max(values) or 1)
    axes.set_xlabel(across)
    axes.set_ylabel(unit)
    legend_above(axes, len(series))
    return as_svg(figure, name)


def dots(name, unit, rows, limit=None):
    """One dot for each (label, value), which stands beside it."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 0.26 * len(rows) + 0.8))
    labels, values = zip(*rows)
    places = range(len(rows))
    logarithmic = number_axis(axes.xaxis, values)
    axes.hlines(places, min(value for value in values if value > 0) / 2 if logarithmic else 0, values, color=GRID, linewidth=1.5)
    axes.plot(values, places, "o", color=SERIES[0])
    for place, value in zip(places, values):
        axes.annotate(f"{value:,}", (value, place), (6, 0), textcoords="offset points", va="center", fontsize=SMALL)
    if limit:
        axes.axvline(limit, color=BAD, linestyle="--", linewidth=1.2, alpha=0.7, zorder=0.5)
        axes.annotate(f"limit {limit:,}", (limit, -0.7), (-4, 0), textcoords="offset points", color=BAD, ha="right", va="center",
                      fontsize=SMALL)
    finish_rows(axes, labels, unit)
    high = max([*values, limit or 0])
    axes.set_xlim(axes.get_xlim()[0] if logarithmic else 0, high * 6 if logarithmic else high * 1.18 or 1)
    return as_svg(figure, name)


def finish_rows(axes, labels, unit):
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -1)
    axes.grid(False, axis="y")
    axes.set_xlabel(unit)


def spread(name, unit, rows):
    """Each (label, 21 quantiles): 5 to 95 % thin, the middle half thick, the median a bar. What is beyond is one interrupt or
    another of the host's, and would make all else small."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 0.26 * len(rows) + 0.95))
    for place, (_, quantiles) in enumerate(rows):
        for low, high, thickness in ((1, 19, 1.6), (5, 15, 6.5)):
            axes.hlines(place, max(quantiles[low], 1), max(quantiles[high], 1), color=SERIES[0], linewidth=thickness)
        axes.plot(max(quantiles[10], 1), place, "|", color=INK, markersize=9, markeredgewidth=1.6)
    number_axis(axes.xaxis, [max(value, 1) for _, quantiles in rows for value in quantiles[1:20]], logarithmic=True)
    finish_rows(axes, [label for label, _ in rows], unit)
    return as_svg(figure, name)
