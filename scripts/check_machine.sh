#!/bin/sh
# Names what this machine lacks before anything is installed, with the command that mends it.
set -u
python=${PYTHON:-python3.11}
missing=""

if ! command -v "$python" >/dev/null 2>&1; then
    missing="$missing python3.11 python3.11-venv"
elif ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    echo "videoportal needs Python 3.11, and $python is $("$python" --version 2>&1). Say which to use: make run PYTHON=/path/to/python3.11" >&2
    exit 1
elif ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    missing="$missing python3.11-venv"
fi
command -v git >/dev/null 2>&1 || missing="$missing git"
# The tests' reference decoder needs KenLM's Python package, which pip compiles. A portal that only runs does not.
if [ "${1:-}" = dev ]; then
    command -v g++ >/dev/null 2>&1 || missing="$missing g++"
    "$python" -c 'import os, sysconfig, sys; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' 2>/dev/null || missing="$missing python3.11-dev"
fi

if [ -n "$missing" ]; then
    echo "videoportal cannot be set up: this machine lacks$missing. On Debian:" >&2
    echo "  sudo apt-get install$missing" >&2
    exit 1
fi
