"""The text of a flow that runs commands, in the style of the sample flows and in the language of who maintains them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Template

from infra.adoption.drafts import FlowFile

_WIDTH = 120


@dataclass(frozen=True)
class Command:
    """`shell`: what reads the text, such as /bin/sh; None for a Windows command line, which Windows reads itself."""

    text: str
    shell: str | None
    folder: str | None = None
    stdin: str | None = None


@dataclass(frozen=True)
class CommandFlow:
    area: str
    function: str
    summary: str
    origin: str
    """Where it ran before, as the rest of a Spanish sentence: `el crontab`."""
    commands: Sequence[Command]
    env: Mapping[str, str] = field(default_factory=dict)
    """Of the commands alone, not of the flow itself: a PATH of another machine would hide Python."""
    limit_seconds: int | None = None
    retries: int = 0
    retry_delay_seconds: int = 0

    @property
    def path(self) -> str:
        return f"flows/{self.area}/{self.function}.py"

    @property
    def entrypoint(self) -> str:
        return f"{self.path}:{self.function}"

    def file(self) -> FlowFile:
        return FlowFile(self.path, self._text())

    def _text(self) -> str:
        options = f"retries={self.retries}, retry_delay_seconds={self.retry_delay_seconds}" if self.retries else ""
        return _FLOW.substitute(
            title=_in_docstring(f"{self.area.replace('_', ' ').capitalize()}: lo que antes corría {self.origin}."),
            commands="\n".join(map(_command, self.commands)),
            env=_mapping(self.env),
            limit=f"{self.limit_seconds}  # segundos; después se lo termina" if self.limit_seconds else "None",
            flow=f"@flow({options})" if options else "@flow",
            function=self.function,
            summary=_in_docstring(self.summary, "    "),
        )


def _command(command: Command) -> str:
    values = [_literal(each) for each in (command.text, command.shell, command.folder, command.stdin)]
    line = f"    Comando({', '.join(values)}),"
    if len(line) <= _WIDTH:
        return line
    return "\n".join(["    Comando(", *(_line(f"        {each},") for each in values), "    ),"])


def _mapping(values: Mapping[str, str]) -> str:
    if not values:
        return "{}"
    lines = (_line(f"    {_literal(name)}: {_literal(value)},") for name, value in values.items())
    return "\n".join(["{", *lines, "}"])


def _line(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text}  # noqa: E501"


def _literal(value: str | None) -> str:
    """As the formatter writes it. What JSON escapes, Python reads alike."""
    if value is None:
        return "None"
    if any(not character.isprintable() and character not in "\t\n\r" for character in value):
        return ascii(value)
    text = json.dumps(value, ensure_ascii=False)
    if value.count('"') <= value.count("'"):
        return text
    return "'" + text[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"


def _in_docstring(text: str, indent: str = "") -> str:
    line = " ".join(text.split()).replace("\\", "/").replace('"""', "'''")
    if len(line) + len(indent) + len('""""""') <= _WIDTH:
        return f"{line} " if line.endswith('"') else line
    wrapped = textwrap.wrap(line, _WIDTH - len(indent) - len('"""'), break_long_words=False)
    first, rest = wrapped[0], wrapped[1:]
    return (
        "\n".join([first, *(["", *rest] if rest else []), ""])
        .replace("\n", f"\n{indent}")
        .replace(f"\n{indent}\n", "\n\n")
    )


_FLOW = Template('''"""$title"""

import os
import signal
import subprocess
import tempfile
import threading
from typing import NamedTuple

from prefect import flow, get_run_logger, task


class Comando(NamedTuple):
    """Con intérprete (por ejemplo /bin/sh) es una línea suya; sin él, una línea de comandos de Windows."""

    texto: str
    interprete: str | None
    carpeta: str | None
    entrada: str | None


COMANDOS = [
$commands
]
ENTORNO: dict[str, str] = $env
LIMITE: int | None = $limit


def terminar(proceso: "subprocess.Popen[str]") -> None:
    """Termina un comando que sigue corriendo, con todo lo que haya iniciado."""
    if proceso.poll() is not None:
        return
    if os.name == "nt":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(proceso.pid)], check=False)
    else:
        os.killpg(proceso.pid, signal.SIGKILL)


@task
def ejecutar(comando: Comando) -> None:
    """Corre un comando, registra lo que escribe y falla si termina con un código distinto de cero."""
    registro = get_run_logger()
    vencido = threading.Event()
    texto, carpeta = comando.texto, comando.carpeta
    if comando.interprete is None:
        texto, carpeta = os.path.expandvars(texto), os.path.expandvars(carpeta) if carpeta else None
    with tempfile.TemporaryFile("w+", encoding="utf-8") as entrada:
        entrada.write(comando.entrada or "")
        entrada.seek(0)
        proceso = subprocess.Popen(
            texto if comando.interprete is None else [comando.interprete, "-c", texto],
            cwd=carpeta,
            env=os.environ | ENTORNO,
            stdin=entrada,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def vencer() -> None:
        vencido.set()
        terminar(proceso)

    reloj = threading.Timer(LIMITE, vencer) if LIMITE else None
    if reloj:
        reloj.start()
    try:
        for linea in proceso.stdout or ():
            registro.info("%s", linea.rstrip())
        codigo = proceso.wait()
    finally:
        if reloj:
            reloj.cancel()
        terminar(proceso)
    if vencido.is_set():
        msg = f"no terminó en {LIMITE} segundos: {comando.texto}"
        raise TimeoutError(msg)
    if codigo != 0:
        msg = f"terminó con código {codigo}: {comando.texto}"
        raise RuntimeError(msg)


$flow
def $function() -> None:
    """$summary"""
    for comando in COMANDOS:
        ejecutar(comando)


if __name__ == "__main__":
    $function()
''')
