"""Log text is shown as it stands and interpreted nowhere."""

from dashboard.hostile import one_line, safe_md, safe_plotly, shorten

from .story import HOSTILE


def test_markdown_text_becomes_one_code_span() -> None:
    assert safe_md("![x](http://evil.example)") == "`![x](http://evil.example)`"


def test_fence_is_longer_than_any_run_of_backticks_inside() -> None:
    assert safe_md("a``b`c") == "```a``b`c```"


def test_backticks_at_the_edge_are_kept_apart_from_the_fence() -> None:
    assert safe_md("`x`") == "`` `x` ``"


def test_empty_text_still_is_a_code_span() -> None:
    assert safe_md("") == "`  `"


def test_line_ends_do_not_end_the_span() -> None:
    assert safe_md("a\n\n# b") == "`a  # b`"


def test_plotly_text_holds_no_tag() -> None:
    assert safe_plotly("<a href='http://evil.example'>x</a> & y") == (
        "&lt;a href='http://evil.example'&gt;x&lt;/a&gt; &amp; y"
    )


def test_plotly_text_of_the_hostile_string_has_no_angle_bracket() -> None:
    shown = safe_plotly(HOSTILE, limit=1000)
    assert "<" not in shown
    assert "&lt;script&gt;" in shown


def test_control_and_direction_characters_are_shown_not_obeyed() -> None:
    assert one_line("a\x1b[31m\u202eb\x00") == "a\\u001b[31m\\u202eb\\u0000"


def test_long_text_loses_its_middle() -> None:
    assert shorten("abcdefghij", 7) == "abcd…ij"


def test_text_at_the_limit_is_kept() -> None:
    assert shorten("abcdefg", 7) == "abcdefg"
