"""Runs the push plug-in in each repository: `python cce_fix_everywhere.py -C all-repos.json --jobs 4`."""
from __future__ import annotations

import argparse
import pathlib
import subprocess

from all_repos import autofix_lib


def find_repos(config):
    return [config._path(path) for path in config.get_cloned_repos()]


def apply_fix() -> None:
    # all-repos pushes where something differs. Whether there is something to do, or to tidy up, is for `cce-fix pr`
    # to say; so each clone gets a difference, which never leaves it.
    pathlib.Path('.cce-fix-run').touch()
    subprocess.run(('git', 'add', '--force', '.cce-fix-run'), check=True)
    # all-repos commits it, for which git wants to know who does.
    for key, value in (('user.name', 'cce-fix'), ('user.email', 'bot@cce-fix.invalid')):
        subprocess.run(('git', 'config', key, value), check=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    autofix_lib.add_fixer_args(parser)
    args = parser.parse_args()
    repos, config, commit, settings = autofix_lib.from_cli(
        args, find_repos=find_repos, msg='run cce-fix pr', branch_name='cce-fix',
    )
    autofix_lib.fix(
        repos, apply_fix=apply_fix, config=config, commit=commit, autofix_settings=settings,
    )
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
