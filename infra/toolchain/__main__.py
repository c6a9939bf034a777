"""`python3 -m infra.toolchain`: setup, doctor, clean."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict

from infra.toolchain.doctor import examine, report
from infra.toolchain.errors import SetupError
from infra.toolchain.paths import ROOT, Checkout, cache_root
from infra.toolchain.progress import Progress
from infra.toolchain.setup import PURPOSES, SetUp

_CANNOT_GO_ON = 1
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _COMMANDS[options.command](options)
    except SetupError as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return _CANNOT_GO_ON
    except KeyboardInterrupt:
        print(f"\n{options.command}: interrupted; run it again, it goes on from what is done", file=sys.stderr)
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m infra.toolchain", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    setup = commands.add_parser("setup", help="make this checkout ready: virtualenv, Pulumi, Docker, base image")
    setup.add_argument(
        "--for",
        dest="purpose",
        choices=PURPOSES,
        default="dev",
        help="dev: to run stacks; test: also the tools for tests; check: those tools and nothing else",
    )
    setup.add_argument("--no-install", action="store_true", help="refuse to install packages on this machine")
    setup.add_argument("--json", action="store_true", help="print what was found and made, as JSON")
    doctor = commands.add_parser("doctor", help="say what this machine has, what is missing and how to get it")
    doctor.add_argument("--json", action="store_true", help="print it as JSON")
    clean = commands.add_parser("clean", help="remove what set-up made in this checkout; state and passphrase stay")
    clean.add_argument("--cache", action="store_true", help="also what it keeps outside, for all clones")
    return parser


def _setup(options: argparse.Namespace) -> int:
    checkout = Checkout(ROOT)
    with Progress() as progress:
        run = SetUp(checkout, cache_root(), progress, options.purpose, install=not options.no_install)
        facts = run.run()
    print(f"set up in {progress.seconds:.1f} s\n{progress.table()}", file=sys.stderr)
    if options.json:
        print(json.dumps(asdict(facts) if facts else {}, indent=2))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    findings = examine(Checkout(ROOT), cache_root())
    print(json.dumps([asdict(finding) for finding in findings], indent=2) if options.json else report(findings))
    return 0 if all(finding.ok for finding in findings) else _CANNOT_GO_ON


def _clean(options: argparse.Namespace) -> int:
    checkout = Checkout(ROOT)
    gone = [checkout.venv, checkout.pulumi_home, checkout.facts, *([cache_root()] if options.cache else [])]
    for path in gone:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return 0


_COMMANDS = {"setup": _setup, "doctor": _doctor, "clean": _clean}

if __name__ == "__main__":
    sys.exit(main())
