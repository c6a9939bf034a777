"""The command line `prefect-infra`: what a team does around `pulumi up`, which stays what makes and changes things."""

from __future__ import annotations

import typer

from infra.cli import (
    adopt,
    backup,
    check,
    ci,
    deploy,
    dev,
    drift,
    flows,
    imports,
    parity,
    prod_local,
    prune,
    review,
    rules,
    schema,
    stack,
    timeline,
    upgrade_test,
)

app = typer.Typer(
    name="prefect-infra",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(dev.app, name="dev")
app.add_typer(imports.app, name="import")
app.add_typer(ci.app, name="ci")
app.add_typer(stack.app, name="stack")
app.command("backup")(backup.backup)
app.command("adopt")(adopt.adopt)
app.command("check")(check.check)
app.command("prod-local")(prod_local.prod_local)
app.command("rules")(rules.rules)
app.command("deploy")(deploy.deploy)
app.command("diff")(parity.diff)
app.command("drift")(drift.drift)
app.command("flows")(flows.flows)
app.command("restore")(backup.restore)
app.command("promote")(parity.promote)
app.command("prune")(prune.prune)
app.command("review")(review.review)
app.command("schema")(schema.schema)
app.command("timeline")(timeline.timeline)
app.command("upgrade-test")(upgrade_test.upgrade_test)


@app.callback()
def _root() -> None:
    """A self-hosted Prefect platform as code: what goes around `pulumi up`.

    Example: `prefect-infra dev up`, then `prefect-infra deploy`
    """


def main() -> None:
    app()
