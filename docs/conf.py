"""The book: how Sphinx makes HTML of this repository's Markdown (`make book`). docs/index.md gives the order of the chapters."""

import pathlib
import re
import shutil

from docutils import nodes
from sphinx import addnodes

project = "Postern"
html_title = "Postern"
root_doc = "docs/index"
extensions = ["myst_parser"]

# Texts that are being written. Each is a chapter like all others as soon as it is there.
AWAITED = ["docs/debugging", "docs/images", "sdk/README", "CONTRIBUTING", "CHANGES"]
NORMALIZE = pathlib.Path("/usr/share/javascript/normalize.css/normalize.css")

# Every Markdown file belongs to the book, at its place in the tree: so the links between them are those of a Git forge, and one
# that no table of contents has is an error.
include_patterns = ["**.md"]
exclude_patterns = ["build", "libraries", ".git"]
myst_heading_anchors = 6
highlight_language = "none"

html_theme = "furo"
html_static_path = html_css_files = ["book.css"]
html_copy_source = False
html_show_copyright = False
html_use_index = False


def awaited(app, name):
    path = (pathlib.Path(app.srcdir) / "docs" / name).resolve()
    return not path.exists() and str(path.relative_to(app.srcdir)).removesuffix(".md") in AWAITED


def add_contents(app, docname, source):
    """A reader of plain text sees the list in docs/index.md; here its headings become parts and its links their chapters."""
    if docname != root_doc:
        return
    for part in re.split(r"^## ", source[0], flags=re.M)[1:]:
        title, _, text = part.partition("\n")
        pages = [page for page in re.findall(r"^- \[[^]]*\]\((\S+\.md)\)", text, flags=re.M) if not awaited(app, page)]
        source[0] += "\n".join(["", "```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```", ""])


def wait_for_chapter(app, env, node, text):
    """What a link to one that is not there yet becomes; None: an error."""
    return text if awaited(app, pathlib.Path("..", node["refdoc"]).parent / node["reftarget"].split("#")[0]) else None


def ship_linked_files(app, document):
    """A link to a file that is no chapter, such as the sample report, opens that file: a copy at the same place in the book."""
    source, target = pathlib.Path(app.srcdir), pathlib.Path(app.outdir)
    here = source / app.env.docname
    for link in list(document.findall(addnodes.download_reference)):
        path = (here.parent / link["reftarget"]).resolve()
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        app.env.note_dependency(str(path))
        link.replace_self(nodes.reference("", "", *link[0].children, refuri=link["reftarget"], internal=True))


def mend_theme(app, _):
    """Debian's furo imports a sheet by an absolute path, and lacks the rule that follows a system which is set to dark."""
    path = pathlib.Path(app.outdir) / "_static" / "styles" / "furo.css"
    text = re.sub(r"^@import url\(/javascript/normalize\S*;", lambda _: NORMALIZE.read_text(), path.read_text())
    if "prefers-color-scheme" not in text:
        colours = re.search(r'body\[data-theme="dark"\] (\{.*?\})', text, re.S)[1]
        text += f'@media (prefers-color-scheme: dark) {{ body[data-theme="auto"] {colours} }}\n'
    path.write_text(text)


def open_with_the_first_chapter(app, _):
    page = pathlib.Path(app.outdir) / "index.html"
    page.write_text(f'<!doctype html><title>{project}</title><meta http-equiv="refresh" content="0; url={root_doc}.html">\n')


def setup(app):
    app.connect("source-read", add_contents)
    app.connect("env-get-outdated", lambda *_: [root_doc])
    app.connect("missing-reference", wait_for_chapter)
    app.connect("doctree-read", ship_linked_files, priority=400) # before Sphinx takes such files for downloads
    app.connect("build-finished", mend_theme)
    app.connect("build-finished", open_with_the_first_chapter)
