"""Values as a stack file may hold them, hard ones to write among them."""

from __future__ import annotations

from hypothesis import strategies as st

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text("aeñ:#-' \"\n", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)
