"""Guidelines are written by members, who may be hostile: what comes out is safe, and keeps its formulas."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.projects.markdown import to_html
from apps.projects.models import Project
from tests.cast import signed_in

SAFE_TAGS = {
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "em",
    "strong",
    "s",
    "del",
    "code",
    "pre",
    "a",
    "img",
    "ul",
    "ol",
    "li",
    "blockquote",
    "hr",
    "br",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
SAFE_ATTRIBUTES = {"href", "rel", "src", "alt", "title", "start", "align"}
SAFE_SCHEMES = ("http:", "https:", "mailto:")


class Seen(HTMLParser):
    """What a browser would see: tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_safe(html: str) -> None:
    for tag, attributes in Seen(html).tags:
        assert tag in SAFE_TAGS, html
        assert set(attributes) <= SAFE_ATTRIBUTES | ({"class"} if tag == "code" else set()), html
        assert re.fullmatch(r"(language-[\w+#.-]+)?", attributes.get("class") or ""), html
        for name in ("href", "src"):
            address = "".join((attributes.get(name) or "").lower().split())
            scheme = address.partition("/")[0].partition("?")[0].partition("#")[0]
            assert ":" not in scheme or scheme.startswith(SAFE_SCHEMES), html


HOSTILE = [
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    '<img src=x onerror="alert(1)">',
    '<a href="https://e.org" onclick="alert(1)">x</a>',
    "<iframe src='https://evil.example'></iframe>",
    "<style>body{display:none}</style>",
    '<p style="position:fixed">x</p>',
    "<svg><script>alert(1)</script></svg>",
    "<form action='/projects/new' method=post><button>x</button></form>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](file:///etc/passwd)",
    "<javascript:alert(1)>",
    "[x]\n\n[x]: javascript:alert(1)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "![x](data:image/png;base64,AAAA)",
    '![x](https://e.org/"onerror="alert(1))',
    '[x](https://e.org "t\\" onmouseover=\\"alert(1)")',
    '```"><script>alert(1)</script>\nx\n```',
    "$<script>alert(1)</script>$",
    "$$\n<img src=x onerror=alert(1)>\n$$",
    "| <script>alert(1)</script> |\n|---|\n| <b onclick=x> |",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_runs_or_frames_comes_out(text: str) -> None:
    assert_safe(to_html(text))


def test_the_check_above_sees_what_is_not_safe() -> None:
    for html in ("<script>", "<p onclick='x'>", "<a href='javascript:x'>", "<img src='data:x'>", "<p style='x'>"):
        with pytest.raises(AssertionError):
            assert_safe(html)


@given(st.lists(st.sampled_from([*HOSTILE, "$", "$$", "\n", "\n\n", "> ", "- ", "`", "\\", "|", "[", "](", ")", "<"])))
def test_nothing_hostile_comes_out_of_any_mixture(parts: list[str]) -> None:
    assert_safe(to_html("".join(parts)))


def test_code_says_its_language_and_nothing_else() -> None:
    assert '<code class="language-c++">' in to_html("```c++ title\nint x;\n```")
    assert "<code>" in to_html('```"onclick=x\nint x;\n```')


def test_html_is_shown_as_the_text_that_it_is() -> None:
    assert Seen(to_html("Write <b>x</b> & <script>y</script>.")).text.strip() == "Write <b>x</b> & <script>y</script>."


def test_pages_show_guidelines_cleaned(project: Project, mia: User, bob: User) -> None:
    text = "<script>alert(1)</script>\n\n[x](javascript:alert(1)) [y](https://e.org)"
    preview = signed_in(mia).post(reverse("guidelines-preview", args=[project.slug]), {"text": text})
    signed_in(mia).post(reverse("guidelines-edit", args=[project.slug]), {"text": text})
    page = signed_in(bob).get(reverse("guidelines", args=[project.slug]))
    for answer in (preview, page):
        html = answer.content.decode()
        assert "<script>alert" not in html
        assert 'href="javascript' not in html
        assert 'href="https://e.org"' in html


def test_links_tell_the_other_side_nothing() -> None:
    ((_, attributes),) = [one for one in Seen(to_html("[the paper](https://e.org/a?b=1&c=2)")).tags if one[0] == "a"]
    assert attributes["href"] == "https://e.org/a?b=1&c=2"
    assert set((attributes["rel"] or "").split()) >= {"noopener", "noreferrer"}


def test_what_guidelines_are_made_of_survives() -> None:
    html = to_html(
        "# Title\n\n- **one**\n- *two*\n\n1. three\n\n> four\n\n`five` ~~six~~\n\n| a | b |\n|---|--:|\n| 1 | 2 |"
    )
    tags = [tag for tag, _ in Seen(html).tags]
    for tag in ("h1", "ul", "li", "strong", "em", "ol", "blockquote", "code", "table", "th", "td"):
        assert tag in tags
    assert "<td>1</td>" in html


FORMULAS = [
    "$x_i + y_i$",
    "$a*b*c$",
    r"$\{1, 2\}$",
    r"$a \, b \; c \! d$",
    "$a<b$ and $c>d$",
    r"$$\begin{aligned} a &= b \\ c &= d \end{aligned}$$",
    "$$\na\n+ b\n- c\n= d\n$$",
    "$$ \\sum_{i}^{n} a_{i}*b_{i}*c_{i}\n$$",
    r"$ \{1\} $ has spaces",
    "$[a](b)$",
    "$&amp;$",
    r"$\$5$ is money in a formula",
    "of $~~x~~$ and $__y__$",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_reach_the_page_as_they_were_typed(text: str) -> None:
    """KaTeX typesets what stands between the dollars, and it has to be there in one text node."""
    seen = Seen(to_html(text))
    assert seen.text.strip() == text
    assert [tag for tag, _ in seen.tags] == ["p"]


def test_formulas_stand_in_lists_tables_and_beside_emphasis() -> None:
    html = to_html("- *so* $a_1*b*c$\n- $$\n  x\n  + y\n  $$\n\n| f |\n|---|\n| $\\{*x*\\}$ |")
    assert "<em>so</em> $a_1*b*c$" in html
    assert "$$\nx\n+ y\n$$" in html
    assert "<td>$\\{*x*\\}$</td>" in html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("from $5 to *at most* $6", "<p>from $5 to <em>at most</em> $6</p>"),
        ("`$a*b*c$`", "<p><code>$a*b*c$</code></p>"),
        ("$5 and `$x`", "<p>$5 and <code>$x</code></p>"),
        (r"\$5 and *6*", "<p>$5 and <em>6</em></p>"),
        ("$$ opens\n\n*nothing*", "<p>$$ opens</p>\n<p><em>nothing</em></p>"),
        ("    $$\n    a\n    $$", "<pre><code>$$\na\n$$\n</code></pre>"),
        ("```\n$$\n+ a\n$$\n```", "<pre><code>$$\n+ a\n$$\n</code></pre>"),
        ("$$\na\n$$ *then* prose", "<p>$$\na\n$$ <em>then</em> prose</p>"),
    ],
)
def test_dollars_that_are_no_formula_change_nothing(text: str, html: str) -> None:
    assert str(to_html(text)).strip() == html


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["$", "$$\n", "$$a\n", "$a ", "\\$", "$\\", "$$ `", "$$\\$", "> ", "[", "*a_"])
def test_a_long_text_is_rendered_in_time(piece: str) -> None:
    """100,000 characters are what the form takes."""
    text = (piece * 100_000)[:100_000]
    began = time.process_time()
    to_html(text)
    assert time.process_time() - began < 20
