from __future__ import annotations

from pathlib import Path

import pytest

from infra.cli import revisions
from infra.review.changed_lines import owners
from tests.unit.review.conftest import commit, git, rewrite

CODEOWNERS = """\
# comment
*                @plataforma
*.md             @docs
/areas/          @areas
/areas/compras.yaml @compras @ana   # both
flows/**/datos   @datos
/infra/*         @infra
/docs/secreto.md
"""


@pytest.mark.parametrize(
    ("file", "whose"),
    [
        ("Makefile", ["@plataforma"]),
        ("a/b/README.md", ["@docs"]),
        ("areas/ventas.yaml", ["@areas"]),
        ("areas/compras.yaml", ["@ana", "@compras"]),
        ("x/areas/compras.yaml", ["@plataforma"]),
        ("flows/compras/datos/a.csv", ["@datos"]),
        ("flows/datos/a.csv", ["@datos"]),
        ("infra/x.py", ["@infra"]),
        ("infra/model/x.py", ["@plataforma"]),
        ("docs/secreto.md", []),
    ],
)
def test_the_last_pattern_that_fits_says_whose_a_file_is(file: str, whose: list[str]) -> None:
    assert [each.owner for each in owners(CODEOWNERS, [file])] == whose


def test_lines_of_the_change_are_those_that_git_says_are_new(checkout: Path) -> None:
    rewrite(checkout / "areas" / "compras.yaml", ("title: Compras", "# ñ\ntitle: Abastecimiento"))
    (checkout / "áreas.txt").write_text("uno\ndos\n")
    (checkout / "Pulumi.yaml").unlink()

    assert revisions.added(checkout, "HEAD") == {
        "areas/compras.yaml": frozenset({1, 2}),
        "áreas.txt": frozenset({1, 2}),
    }
    assert revisions.changed_files(checkout, "HEAD") == ["Pulumi.yaml", "areas/compras.yaml", "áreas.txt"]


def test_what_others_did_on_main_meanwhile_is_no_change_of_ours(checkout: Path) -> None:
    rewrite(checkout / "areas" / "compras.yaml", ("title: Compras", "title: Ours"))
    commit(checkout, "Ours")
    git(checkout, "switch", "-q", "main")
    (checkout / "theirs").write_text("x")
    commit(checkout, "Theirs")
    git(checkout, "switch", "-q", "change")

    base = revisions.common(checkout, "main")

    assert revisions.changed_files(checkout, base) == ["areas/compras.yaml"]
    with revisions.files_at(checkout, base) as folder:
        assert "title: Compras" in (folder / "areas" / "compras.yaml").read_text()
    assert not folder.exists()


def test_a_revision_that_is_none_is_named(checkout: Path) -> None:
    with pytest.raises(revisions.GitError, match="nowhere"):
        revisions.common(checkout, "nowhere")
