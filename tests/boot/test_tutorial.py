"""The tutorial: does every command and every listing in it do what the text says, in order, in a copy of the tree?"""

import pathlib
import re
import shutil
import sys

import pytest

import walk

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHAPTERS = [ROOT / "docs" / name for name in re.findall(r"\((tutorial/\S+\.md)\)", (ROOT / "docs" / "index.md").read_text())]

sys.path.append(str(ROOT / "tests" / "mutations"))
import mutations    # noqa: E402


@pytest.fixture(scope="module")
def walker(tmp_path_factory):
    tree = tmp_path_factory.mktemp("tutorial") / "postern"
    mutations.copy_tree(tree)
    if (ROOT / "build/unit/libserver").exists():
        shutil.copytree(ROOT / "build/unit/libserver", tree / "build/unit/libserver")
    yield walk.Walker(tree)
    shutil.rmtree(tree)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_chapter(walker, chapter):
    """Each goes on where the one before has ended."""
    walker.walk(chapter)


# ---- what is not so is noticed ----

FILE = "`greeting`:\n\n```text\nhello\nworld\n```\n\n"
CHANGE = "```diff\n--- a/greeting\n+++ b/greeting\n@@ -1,2 +1,2 @@\n hello\n-world\n+moon\n```\n\n"
# A prompt, an echo, an answer, a prompt, and an end by two keys.
TALK = "$ printf '/$ '; read x; echo $x; printf 'heard\\n/$ '; head -c 2 > /dev/null\n"


def console(text):
    return f"```console\n{text}```\n"


@pytest.mark.parametrize("text", [
    FILE + console("$ cat greeting\nhello\nworld\n"),
    FILE + CHANGE + console("$ cat greeting\n...\nmoon\n$ head -1 greeting\nh...o\n"),
    console("$ echo 1; echo 2; \\\necho 3\n1\n...\n"),
    console("$ echo 'make: *** no'; false\nmake: *** no\n"),
    console(TALK + "/$ one\nheard\n"),
])
def test_what_is_so_passes(tmp_path, text):
    (tmp_path / "chapter.md").write_text(text)
    walk.Walker(tmp_path).walk(tmp_path / "chapter.md")


@pytest.mark.parametrize("text,says", [
    (console("$ echo hello\nhallo\n"), "the text shows"),
    (console("$ echo hello; echo more\nhello\n"), "the text shows"),
    (console("$ echo hello\nhello\n...\nmore\n"), "the text shows"),
    (console("$ false\n"), "ended with code 1, and the text does not say so"),
    (console("$ echo 'make: *** no'\nmake: *** no\n"), "ended with code 0"),
    (console("hello\n"), "begins with a command"),
    (console(TALK + "/$ one\nnothing\n"), "then /$ one"),
    ("```c\nint x;\n```\n", "without the name of its file"),
    (FILE.replace("world", "mars") + CHANGE, "does not apply"),
])
def test_what_is_not_so_is_told(tmp_path, text, says):
    (tmp_path / "chapter.md").write_text(text)
    with pytest.raises(walk.Differs, match=re.escape(says)):
        walk.Walker(tmp_path).walk(tmp_path / "chapter.md")
