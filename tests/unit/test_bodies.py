"""Whether a body may be kept is judged the same, whether it was walked through or its brackets were enough."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.front.bodies import DEPTH_MAX, decode
from services.front.problems import Refused

TEXTS = st.text(st.sampled_from('[]{}"\\a\n'), max_size=12)
SMALL = st.recursive(TEXTS | st.integers(0, 9) | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=6)


def nested(levels: str, texts: list[str], inside: object) -> object:
    """Lists and objects within each other, each with a text beside the next one; outermost last."""
    value = inside
    for n, level in enumerate(levels):
        text = texts[n % len(texts)] if texts else ""
        value = [text, value, text] if level == "[" else {text or "x": value, "y": text}
    return value


@given(
    st.text(st.sampled_from("[{"), min_size=DEPTH_MAX - 60, max_size=DEPTH_MAX + 3), st.lists(TEXTS, max_size=3), SMALL
)
@example("[" * DEPTH_MAX, ["]"], None)
@example("[{" * (DEPTH_MAX // 2), ["]}"], None)
@example("[{" * (DEPTH_MAX // 2) + "[", ["[{"], None)
@example("{" * (DEPTH_MAX + 1), ["}", "{"], None)
def test_only_what_is_nested_too_deep_is_refused(levels: str, texts: list[str], inside: object) -> None:
    body = nested(levels, texts, inside)
    raw = json.dumps({"body": body}, ensure_ascii=False).encode()
    if depth(body) + 1 > DEPTH_MAX:
        with pytest.raises(Refused) as refusal:
            decode(raw, dict[str, object])
        assert "nested deeper" in refusal.value.rejection.faults[0].detail
    else:
        assert decode(raw, dict[str, object]) == {"body": body}


def depth(value: object) -> int:
    """Levels of lists and objects, and the value in the innermost."""
    inner = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=-1)


def test_many_small_objects_are_one_level() -> None:
    reports = [{"lease": f'l"[{n}', "body": {"result": {"inline": [n, {}]}}} for n in range(1000)]
    assert decode(json.dumps({"reports": reports}).encode(), dict[str, object]) == {"reports": reports}
