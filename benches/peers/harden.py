"""The same fixes through ruamel.yaml, which keeps comments and quotes: files that are named on stdin, in place."""

import sys

from ruamel.yaml import YAML

CONTEXT = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
LIMITS = {"cpu": "375m", "memory": "512Mi"}


def fill(owner, wanted):
    for key, value in wanted.items():
        if isinstance(value, dict):
            if owner.get(key) is None:
                owner[key] = {}
            fill(owner[key], value)
        else:
            owner.setdefault(key, value)


def harden(node):
    if isinstance(node, dict):
        for container in node.get("containers") or []:
            if isinstance(container, dict):
                fill(container, {"securityContext": CONTEXT, "resources": {"limits": LIMITS}})
        for value in list(node.values()):
            harden(value)
    elif isinstance(node, list):
        for item in node:
            harden(item)


yaml = YAML()
yaml.preserve_quotes = True
yaml.width = 1_000_000
failed = False
for name in sys.stdin.read().splitlines():
    try:
        with open(name, newline="") as file:
            documents = list(yaml.load_all(file))
        harden(documents)
        with open(name, "w") as file:
            yaml.dump_all(documents, file)
    except Exception as error:
        failed = True
        print(f"{name}: {error}", file=sys.stderr)
sys.exit(1 if failed else 0)
