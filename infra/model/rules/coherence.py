"""Server, pools, queues, names: what holds between several keys of a stack."""

from __future__ import annotations

from infra.model.rules.rule import Rule

_DEPLOYMENT = (
    "prefect-infra:areas:\n  compras:\n    deployments:\n      - name: importar-lista-de-precios\n"
    "        entrypoint: flows/compras/lista_de_precios.py:importar_lista_de_precios\n        "
)

POOL_COHERENCE = Rule(
    code="PI201",
    name="pool-coherence",
    meaning=(
        "A deployment or an area names a work pool of another area or environment: runs would go to the wrong workers."
    ),
    example=f"{_DEPLOYMENT}work_pool: {{name: compras-prod}}",
    mending="Leave the name out: it can only be `<area>-<environment>`. Or move the deployment to that area.",
)
RESERVED_NAME = Rule(
    code="PI202",
    name="reserved-name",
    meaning=(
        "A pool's name would begin with `prefect`, or a limit's with `deployment:` or `tag:`. The server keeps those "
        "for itself."
    ),
    example="prefect-infra:areas:\n  prefectura: {}",
    mending="Call the area something else; its `title` may say anything.",
)
UNKNOWN_QUEUE = Rule(
    code="PI203",
    name="unknown-queue",
    meaning="The area declares no such queue. The server would make it by itself, with no priority and no limit.",
    example=f"{_DEPLOYMENT}work_pool: {{work_queue_name: urgente}}",
    mending="Declare it below the area's `queues`, or name one that is there.",
)
PRIORITY_TAKEN = Rule(
    code="PI204",
    name="priority-taken",
    meaning="Two queues of a pool have the same priority. The server would shift one of them.",
    example="prefect-infra:areas:\n  compras:\n    queues: {urgente: {priority: 1}, nocturna: {priority: 1}}",
    mending="Give each its own number; left out, it is the lowest that is free.",
)
REPEATED_NAME = Rule(
    code="PI205",
    name="repeated-name",
    meaning="Two deployments of the stack, two profiles, pools, or triggers of a deployment have the same name.",
    example="prefect-infra:profiles: [{name: equipo}, {name: equipo}]",
    mending="Give one of them another name.",
)
FORBIDDEN_CHARACTER = Rule(
    code="PI206",
    name="forbidden-character",
    meaning="A name has a character that Prefect refuses: / % & > < or one that can't be printed.",
    example="prefect-infra:areas:\n  compras:\n    queues: {alta/urgente: {}}",
    mending="Write it without.",
)
UNKNOWN_SECRET = Rule(
    code="PI207",
    name="unknown-secret",
    meaning="A secret is needed, or referred to by a name, that no top-level secret of this stack has.",
    example=("prefect-infra:code: {location: git, repository: 'https://x/y.git', access_token: {secret: git_token}}"),
    mending="`pulumi config set --secret prefect-infra:<name>`; secrets are not inherited from a base stack.",
)
ACTIVE_PROFILES = Rule(
    code="PI208",
    name="several-active-profiles",
    meaning="More than one profile is to be the active one.",
    example="prefect-infra:profiles: [{name: equipo, activate: true}, {name: guardia, activate: true}]",
    mending="Keep `activate: true` at one of them.",
)
OPEN_SERVER = Rule(
    code="PI209",
    name="open-server",
    meaning="The server would listen where other machines reach it, and ask nobody who they are.",
    example="prefect-infra:server: {bind: 0.0.0.0}",
    mending="Write `auth: required`, or leave `bind` out.",
)
NO_ADDRESS = Rule(
    code="PI210",
    name="no-address",
    meaning="`bind` is no IP address.",
    example="prefect-infra:server: {bind: example.com}",
    mending="127.0.0.1 for this machine alone, 0.0.0.0 for all that reach it.",
)
DESCRIPTIVE_NAME = Rule(
    code="PI211",
    name="descriptive-name",
    meaning=(
        "The name of a deployment or queue says nothing of what it stands for: `test`, `deploy1`, `prueba`, `flow2`, "
        "`nueva-tarea`, or what the stack's `naming.forbidden` adds."
    ),
    example=(
        "prefect-infra:areas:\n  compras:\n    deployments:\n      - name: flow2\n"
        "        entrypoint: flows/compras/lista_de_precios.py:importar_lista_de_precios"
    ),
    mending="Say what it does, to what: `importar-lista-de-precios`.",
    settable=True,
)
UNKNOWN_JOB_VARIABLE = Rule(
    code="PI212",
    name="unknown-job-variable",
    meaning="Pools of this type have no such job variable. The server would store it, and no worker ever read it.",
    example=f"{_DEPLOYMENT}work_pool: {{job_variables: {{stream_outptu: true}}}}",
    mending="The hint names the variable that was meant; docs/stack-files.md lists those of each type of pool.",
)
JOB_VARIABLE_TYPE = Rule(
    code="PI213",
    name="job-variable-type",
    meaning="A job variable has a value of another kind than the pool's job template takes.",
    example=f"{_DEPLOYMENT}work_pool: {{job_variables: {{stream_output: si}}}}",
    mending="Write the kind that the message names; the values of `env` are text.",
)
MALFORMED_REFERENCE = Rule(
    code="PI214",
    name="malformed-reference",
    meaning="What stands between {{ and }} begins like a reference, and is none: runs would get it as it is.",
    example=f"{_DEPLOYMENT}env: {{CLAVE: '{{{{ prefect.bloks.secret.clave-del-erp }}}}'}}",
    mending="`{{ prefect.blocks.<type>.<name> }}`, `{{ prefect.variables.<name> }}`, or `{{ $NAME }}`.",
)
UNKNOWN_BLOCK = Rule(
    code="PI215",
    name="unknown-block",
    meaning="A job variable refers to a block that this stack doesn't make. If nobody made it by hand, each run fails.",
    example=f"{_DEPLOYMENT}env: {{CLAVE: '{{{{ prefect.blocks.secret.clave-del-erp }}}}'}}",
    mending="Make the block before the first run, then turn the rule off with that as the reason.",
    severity="warning",
    settable=True,
)
UNKNOWN_ENVIRONMENT = Rule(
    code="PI216",
    name="unknown-environment",
    meaning="An overlay, or `only_in`, names an environment that no stack is for: it would never count.",
    example="prefect-infra:areas:\n  compras:\n    in: {prd: {concurrency_limit: 8}}",
    mending="The hint names the environment that was meant; one is known when a stack file says it is for it.",
)
KEBAB_CASE = Rule(
    code="PI217",
    name="kebab-case",
    meaning="A deployment's name has capitals, spaces or underscores: people will have to look up how it is written.",
    example=(
        "prefect-infra:areas:\n  compras:\n    deployments:\n      - name: Importar lista_de_precios\n"
        "        entrypoint: flows/compras/lista_de_precios.py:importar_lista_de_precios"
    ),
    mending="Small letters and digits, with dashes between words: `importar-lista-de-precios`.",
    severity="warning",
    settable=True,
)
FEW_WORDS = Rule(
    code="PI218",
    name="few-words",
    meaning=(
        "A deployment's name has fewer words than the stack asks for (`naming.min_words`, two by default). Articles, "
        "prepositions, numbers and single letters are no words."
    ),
    example=(
        "prefect-infra:areas:\n  compras:\n    deployments:\n      - name: precios\n"
        "        entrypoint: flows/compras/lista_de_precios.py:importar_lista_de_precios"
    ),
    mending="Say what it does, to what: `importar-lista-de-precios`. A stack may make it an error.",
    severity="warning",
    settable=True,
)
POOL_NAME = Rule(
    code="PI219",
    name="pool-name",
    meaning=(
        "An area's pool is not called `<area>-<environment>`: who sees it doesn't know whose it is, nor whether it is "
        "of dev or of prod."
    ),
    example="prefect-infra:areas:\n  compras: {work_pool_name: pool-de-antes}",
    mending=(
        "Leave `work_pool_name` out. For a pool that is there already, which Prefect can't rename, turn the rule off "
        "with that as the reason."
    ),
    settable=True,
)
CODE_OF_OTHERS = Rule(
    code="PI220",
    name="code-of-others",
    meaning=(
        "The stack's server is there already, and so are its workers: they have no checkout and no image of this "
        "project, so a deployment must say how they get its code."
    ),
    example=(
        "prefect-infra:server: {api_url: 'https://prefect.example.com/api'}\n"
        "prefect-infra:areas:\n  compras:\n    deployments:\n      - name: importar-lista-de-precios\n"
        "        entrypoint: flows/compras/lista_de_precios.py:importar_lista_de_precios"
    ),
    mending="Write `code: {location: git, repository: …}`, or the steps themselves in `pull`.",
)
MALFORMED_TRIGGER = Rule(
    code="PI221",
    name="malformed-trigger",
    meaning="The keys of a trigger don't go together: it would never fire, or at its own firing, for ever.",
    example=f"{_DEPLOYMENT}triggers: [{{name: al-llegar-una-lista}}]",
    mending="Say what it waits for, as the message tells; docs/stack-files.md has examples.",
)
FLOW_NAME = Rule(
    code="PI222",
    name="flow-name",
    meaning="`flow_name` is another than the flow's own, which its file says: runs would go under a name of nobody.",
    example=f"{_DEPLOYMENT}flow_name: listas",
    mending="Leave it out. It is for flows whose file is in another repository.",
)
WORKERS_ELSEWHERE = Rule(
    code="PI223",
    name="workers-elsewhere",
    meaning=(
        "The stack's server is there already, and so are its workers: what the key says of workers, or of what they "
        "log, reaches nobody. Of `workers`, only `type` counts there."
    ),
    example=(
        "prefect-infra:server: {api_url: 'https://prefect.example.com/api'}\n"
        "prefect-infra:areas:\n  compras: {workers: {replicas: 3}}"
    ),
    mending=(
        "Leave it out, and say it where those workers are run. In an area's file that other stacks share, turn the "
        "rule off in this stack, with that as the reason."
    ),
    severity="warning",
    settable=True,
)
NOT_ON_A_SWARM = Rule(
    code="PI224",
    name="not-on-a-swarm",
    meaning=(
        "With `runtime: swarm` containers go from one machine to another, and this can't: a server on SQLite, code "
        "from this machine's checkout, a port that this machine chooses, one of its addresses, an autoscaler."
    ),
    example=(
        "prefect-infra:runtime: swarm\nprefect-infra:registry: registry.example.com:5000/prefect\n"
        "prefect-infra:swarm: {data_node: node-1}\nprefect-infra:code: {location: image}\n"
        "prefect-infra:server: {port: auto, database: {type: postgres}, proxy: {host: prefect.example.com}}"
    ),
    mending="Postgres, `code: {location: image}` or git, and ports by number; or leave `runtime` out.",
)
NOT_ON_A_REMOTE_HOST = Rule(
    code="PI225",
    name="not-on-a-remote-host",
    meaning=(
        "With `host` all containers are on another machine, and this can't: code from this machine's checkout, which "
        "isn't there; a server on that machine's loopback, where this one doesn't get at it to make Prefect's objects."
    ),
    example="prefect-infra:host: ssh://deploy@prefect.example.com\nprefect-infra:code: {location: image}",
    mending=(
        "`code: {location: image}` or git, and `server: {bind: 0.0.0.0, auth: required}`, or one of that machine's "
        "addresses; or leave `host` out."
    ),
)

RULES = (
    POOL_COHERENCE,
    RESERVED_NAME,
    UNKNOWN_QUEUE,
    PRIORITY_TAKEN,
    REPEATED_NAME,
    FORBIDDEN_CHARACTER,
    UNKNOWN_SECRET,
    ACTIVE_PROFILES,
    OPEN_SERVER,
    NO_ADDRESS,
    DESCRIPTIVE_NAME,
    UNKNOWN_JOB_VARIABLE,
    JOB_VARIABLE_TYPE,
    MALFORMED_REFERENCE,
    UNKNOWN_BLOCK,
    UNKNOWN_ENVIRONMENT,
    KEBAB_CASE,
    FEW_WORDS,
    POOL_NAME,
    CODE_OF_OTHERS,
    MALFORMED_TRIGGER,
    FLOW_NAME,
    WORKERS_ELSEWHERE,
    NOT_ON_A_SWARM,
    NOT_ON_A_REMOTE_HOST,
)
