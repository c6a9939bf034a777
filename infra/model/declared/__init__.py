"""What a stack file may say: the shape of each key. What a key means beside the others is not checked here.

From the same classes comes the JSON Schema that editors use (infra/model/json_schema.py): the text below a field is
what they show for it.
"""

from infra.model.declared.areas import Area, AreaKeys
from infra.model.declared.declaration import Declared, keys_of
from infra.model.declared.deployments import (
    ENVIRONMENT_NAME,
    Deployment,
    DeploymentDefaults,
    DeploymentKeys,
    Schedule,
)
from infra.model.declared.lookup import in_model, model_at
from infra.model.declared.server import Database, Redis, SecretRef, Server
from infra.model.declared.stack import (
    AREA_NAME,
    MOMENT,
    PREFECT_VARIABLE,
    PROFILE_NAME,
    REMOTE_HOST,
    SETTING_NAME,
    Naming,
    RuleSetting,
    Stack,
)
from infra.model.declared.triggers import Condition, Trigger
from infra.model.declared.upkeep import Alerts, AlertTarget
from infra.model.declared.workers import COMMIT, VARIABLE_NAME, Code, Workers, WorkersOverride

__all__ = [
    "AREA_NAME",
    "COMMIT",
    "ENVIRONMENT_NAME",
    "MOMENT",
    "PREFECT_VARIABLE",
    "PROFILE_NAME",
    "REMOTE_HOST",
    "SETTING_NAME",
    "VARIABLE_NAME",
    "AlertTarget",
    "Alerts",
    "Area",
    "AreaKeys",
    "Code",
    "Condition",
    "Database",
    "Declared",
    "Deployment",
    "DeploymentDefaults",
    "DeploymentKeys",
    "Naming",
    "Redis",
    "RuleSetting",
    "Schedule",
    "SecretRef",
    "Server",
    "Stack",
    "Trigger",
    "Workers",
    "WorkersOverride",
    "in_model",
    "keys_of",
    "model_at",
]
