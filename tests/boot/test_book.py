"""The book: is it built without a warning, whole, in order and without a network? Are its references those of the sources?"""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = "tools/libserver_page"
CHAPTER = re.compile(r"^- \[[^]]*\]\((\S+\.md)\)", re.M)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    out = tmp_path_factory.mktemp("book")
    done = subprocess.run(["make", "-s", "book", f"OUT={out}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out / "book"


def chapters():
    """Paths of the sources from the root, as docs/index.md lists them."""
    paths = [(ROOT / "docs" / name).resolve() for name in CHAPTER.findall((ROOT / "docs/index.md").read_text())]
    return [path.relative_to(ROOT) for path in paths if path.exists()] # make book asks whether all do


def test_every_chapter_is_there_in_order(book):
    contents = re.search(r'<div class="sidebar-tree">.*?</div>', (book / "docs/index.html").read_text(), re.S)[0]
    linked = re.findall(r'<a class="reference internal" href="([^"#]+)"', contents)
    found = [(book / "docs" / link).resolve() for link in linked]
    assert found == [book.resolve() / name.with_suffix(".html") for name in chapters()]


def test_every_text_is_a_chapter():
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True,
                           check=True).stdout.split()
    assert sorted(names) == sorted(map(str, [*chapters(), "docs/index.md"]))


def test_it_needs_no_network(book):
    for page in [*book.rglob("*.html"), *book.rglob("*.css")]:
        text = page.read_text()
        loaded = re.findall(r"""<(?:script|img|link|iframe)\b[^>]*(?:src|href)=["'](?:https?:)?//[^"']*""", text)
        loaded += re.findall(r"@import[^;]*|url\((?:https?:)?//[^)]*", text) if page.suffix == ".css" else []
        assert not loaded, (page, loaded)


def test_links_within_it_lead_somewhere(book):
    for page in book.rglob("*.html"):
        for link in re.findall(r'<a [^>]*href="([^"#:]+)["#]', page.read_text()):
            assert (page.parent / link).exists(), (page, link)
    assert "<svg" in (book / "docs/sample-report.html").read_text()


def test_dark_where_the_system_is_dark(book):
    assert "prefers-color-scheme" in (book / "_static/styles/furo.css").read_text()


# ---- the references ----

def test_references_are_what_the_tool_writes():
    done = subprocess.run([ROOT / TOOL, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def copy(tmp_path):
    """What the tool reads, to be changed. Returns a function that changes a file and says what the tool said."""
    for name in ("abi", "libserver", "docs", "tools", "servers"):
        shutil.copytree(ROOT / name, tmp_path / name)

    def change(name, old, new):
        text = (tmp_path / name).read_text()
        assert text.count(old) == 1, old
        (tmp_path / name).write_text(text.replace(old, new))
        done = subprocess.run([tmp_path / TOOL, "--check"], capture_output=True, text=True)
        return done.returncode, done.stderr.splitlines()
    return change


OUT_OF_DATE = "out of date: docs/libserver.md: run tools/libserver_page"


@pytest.mark.parametrize("name,old,new,says", [
    ("libserver/include/lock.h", "/* Takes it, and waits until it is free. */\n", "",
     ["libserver/include/lock.h:17: lock_acquire has no comment: that of lock_init does not name it", OUT_OF_DATE]),
    ("libserver/include/spawn.h", "#endif", "\nvoid added(void);\n#define ADDED(x) x\n#endif",
     ["libserver/include/spawn.h:28: added has no comment",
      "libserver/include/spawn.h:29: ADDED has no comment: that of added does not name it", OUT_OF_DATE]),
    ("libserver/include/spawn.h", "#endif", "\n/* Waits. */\nvoid wait_for(uint32_t timeout);\n#endif",
     ["libserver/include/spawn.h:29: wait_for: the comment does not say that timeout is in microseconds", OUT_OF_DATE]),
    ("libserver/include/lock.h", "Gives it back", "Gives it away", [OUT_OF_DATE]),
    ("docs/libserver.md", "<!-- libserver/include/lock.h -->", "",
     ["libserver/include/lock.h is on no page: name it in one of docs/libserver.md docs/kernel-calls.md docs/services.md"]),
    ("libserver/include/lock.h", "#include <postern.h>", "#include <postrn.h>", None),
])
def test_mistakes_are_told(copy, name, old, new, says):
    code, said = copy(name, old, new)
    assert code == 1 and (said == says if says else "'postrn.h' file not found" in said[0]), said
