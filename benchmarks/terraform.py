"""The peer that declares as well: Terraform with its Prefect provider, where there are both.

Neither is brought by this project: `terraform` has to be on PATH, and the provider's binary is told by
`--terraform-provider`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Final

from benchmarks.peer import seconds_of
from benchmarks.work import Work

BINARY: Final = "terraform-provider-prefect"  # as Terraform looks for it in a folder
PROGRAM: Final = """\
terraform {
  required_providers {
    prefect = { source = "prefecthq/prefect" }
  }
}

locals {
  work        = jsondecode(file("work.json"))
  deployments = { for each in local.work.deployments : each.name => each }
}

provider "prefect" {
  endpoint = local.work.api_url
}

resource "prefect_work_pool" "all" {
  for_each = toset(local.work.pools)
  name     = each.key
  type     = "process"
}

resource "prefect_flow" "all" {
  for_each = local.deployments
  name     = each.value.flow_name
}

resource "prefect_deployment" "all" {
  for_each                 = local.deployments
  name                     = each.key
  flow_id                  = prefect_flow.all[each.key].id
  work_pool_name           = prefect_work_pool.all[each.value.work_pool_name].name
  entrypoint               = each.value.entrypoint
  description              = each.value.description
  tags                     = each.value.tags
  parameters               = jsonencode(each.value.parameters)
  parameter_openapi_schema = jsonencode(each.value.parameter_openapi_schema)
  job_variables            = jsonencode(each.value.job_variables)
  enforce_parameter_schema = true
}

resource "prefect_deployment_schedule" "all" {
  for_each      = local.deployments
  deployment_id = prefect_deployment.all[each.key].id
  active        = true
  slug          = each.value.schedules[0].slug
  cron          = each.value.schedules[0].cron
  timezone      = each.value.schedules[0].timezone
}
"""


class Terraform:
    """A configuration of the work, in a folder of its own."""

    def __init__(self, folder: Path, provider: Path) -> None:
        self._folder = folder
        (folder / "plugins").mkdir(parents=True)
        shutil.copy(provider, folder / "plugins" / BINARY)
        (folder / "main.tf").write_text(PROGRAM)
        # A folder for the provider stands in for `terraform init`, which would ask a registry for it.
        (folder / "cli.tfrc").write_text(
            f'provider_installation {{\n  dev_overrides {{\n    "prefecthq/prefect" = "{folder}/plugins"\n  }}\n}}\n'
        )

    def declare(self, url: str, work: Work, **changes: Any) -> None:
        """The work as the configuration's; `changes` are made to the first deployment."""
        (self._folder / "work.json").write_text(json.dumps(work.declared(url, **changes)))

    def apply(self) -> float:
        """Seconds. With Terraform's own ten at once, and its refresh."""
        return self._run("apply", "-auto-approve")

    def plan(self) -> float:
        """Seconds, of a plan that finds nothing to do."""
        return self._run("plan", "-detailed-exitcode")

    def destroy(self) -> float:
        return self._run("destroy", "-auto-approve")

    def _run(self, *arguments: str) -> float:
        command = ["terraform", *arguments, "-no-color", "-input=false"]
        settings = {"TF_CLI_CONFIG_FILE": str(self._folder / "cli.tfrc"), "CHECKPOINT_DISABLE": "1"}
        return seconds_of(command, self._folder, settings, without=("PREFECT_", "TF_"))
