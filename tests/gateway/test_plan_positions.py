"""The JSON parser with positions: json.loads is the oracle for what is JSON, and every value knows its line."""

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lamplighter.plans.faults import PlanFileError
from lamplighter.plans.positions import DEPTH_MAX, SIZE_MAX, Node, parse

NUMBERS = st.integers(-(10**15), 10**15) | st.floats(-1e9, 1e9).map(lambda x: round(x, 4))
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES, st.sampled_from([None, 0, 2]), st.booleans())
def test_reads_what_json_writes(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    root, faults = parse(text.encode())
    assert not faults
    assert root.plain() == json.loads(text)


@given(VALUES)
def test_every_value_knows_its_line(value):
    text = json.dumps(value, indent=1)
    check_lines(parse(text)[0], text.split("\n"))


def check_lines(node: Node, lines: list[str]) -> None:
    line = lines[node.line - 1]
    if isinstance(node.value, dict):
        assert "{" in line
        for key, inner in node.value.items():
            assert json.dumps(key) in lines[inner.key_line - 1]
            check_lines(inner, lines)
    elif isinstance(node.value, list):
        assert "[" in line
        for inner in node.value:
            check_lines(inner, lines)
    elif isinstance(node.value, str):
        assert json.dumps(node.value) in line


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")))
@example(b'{"a": 1e999999}')
@example(b"[1.]")
@example(b'"\\ud800"')
@example(b'"\\ud83d\\ude00"')
@example("[1]\N{NO-BREAK SPACE}".encode())
def test_takes_no_more_than_json_does(data):
    if not faults_of(data):
        root, _ = parse(data)
        assert root.plain() == json.loads(data.decode())


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "a value is missing before the end of the file"),
        ('{"a": 1,\n"a": 2}', 2, 'the key "a" stands twice, first on line 1'),
        ('{\n"a": NaN}', 2, '"NaN" is not a JSON value'),
        ('{\n"a": -Infinity}', 2, '"-Infinity" is not a JSON value'),
        ('{"a": 01}', 1, '"01" is not a JSON value'),
        ('{"a": ' + "9" * 33 + "}", 1, "a number beyond all ranges"),
        ('{"a": 1e99}', 1, "a number beyond all ranges"),
        ('{"a": 1\n"b": 2}', 2, "a comma or } is missing before"),
        ('{"a"\n1}', 2, 'a colon is missing after the key "a"'),
        ("{a: 1}", 1, "a key in double quotes is missing"),
        ("[1,\n]", 1, "a comma stands before the closing ]"),
        ('["a\nb"]', 1, "no closing quote on its line"),
        ('["\\x"]', 1, "a wrong escape"),
        ('["\\ud800"]', 1, "half a surrogate pair"),
        ("{} {}", 1, "more after the end"),
        ("[" * 17, 1, "nested deeper than 16"),
        ("\ufeff{}", 1, "byte order mark"),
    ],
)
def test_names_the_line_and_the_fault(text, line, words):
    found = faults_of(text)
    assert (found[0].line, words in found[0].text) == (line, True), found


@pytest.mark.parametrize("data", [b'{"a":\n"\xff"}', "{}".encode("utf-16"), '{"é":\n"é"}'.encode("latin-1")])
def test_refuses_what_is_not_utf8(data):
    assert "save" in faults_of(data)[0].text


def test_tells_the_line_of_a_bad_byte():
    assert faults_of(b'{"a":\n"\xff"}')[0].line == 2


def test_keeps_its_bounds():
    assert parse("[" * DEPTH_MAX + "]" * DEPTH_MAX)[1] == []
    assert "more than the 1048576 bytes" in faults_of(b" " * (SIZE_MAX + 1))[0].text
    assert "more than the 1048576 bytes" in faults_of("é" * (SIZE_MAX // 2 + 1))[0].text
    assert "a value is missing" in faults_of(b" " * SIZE_MAX)[0].text


def test_goes_on_after_a_fault_where_it_can():
    found = faults_of('{"a": NaN,\n"b": [1,],\n"b": Infinity}')
    assert [fault.line for fault in found] == [1, 2, 3, 3]


def test_whole_numbers_are_integers():
    assert [type(x) for x in parse("[60.0, 6e1, 60, 60.5]")[0].plain()] == [int, int, int, float]
    assert math.isclose(parse("33.3")[0].plain(), 33.3)


def faults_of(data):
    try:
        return parse(data)[1]
    except PlanFileError as error:
        return error.faults
