#!/bin/sh
# Makes the virtual environment .venv with one extra of pyproject.toml, or leaves it alone when it is up to date.
# Called by the Makefile: tests/environment.sh EXTRA
set -eu

extra=$1
venv=${VENV:-.venv}
python=${PYTHON:-python3}

give_up() {
    printf '\n' >&2
    printf '%s\n' "$@" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 || give_up \
    "There is no $python here; durable_nb needs Python 3.11 or newer." \
    "Install it (Debian, Ubuntu: apt-get install python3 python3-venv), or name one: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || give_up \
    "$python is $("$python" -V 2>&1); durable_nb needs Python 3.11 or newer." \
    "Name a newer one: make PYTHON=/path/to/python3.11"
"$python" -c 'import ensurepip, venv' 2>/dev/null || give_up \
    "$python cannot make virtual environments: its modules venv and ensurepip are not installed." \
    "Install them (Debian, Ubuntu: apt-get install python3-venv), or name another Python: make PYTHON=/path/to/python3"

made_by=$("$python" -c 'import sys; print(sys.version, sys.prefix)')
wanted=$({ pwd; echo "$made_by"; cat pyproject.toml; } | cksum)
stamp=$venv/installed-$extra
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi

echo "Setting up $venv with durable_nb[$extra] (once; a minute or two) …"
if ! { [ -f "$venv/made-by" ] && [ "$(cat "$venv/made-by")" = "$(pwd) $made_by" ]; }; then
    "$python" -m venv --clear "$venv" || give_up "$python could not make a virtual environment in $venv; see above."
    echo "$(pwd) $made_by" >"$venv/made-by"
fi
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --editable ".[$extra]" || give_up \
    "pip could not install durable_nb[$extra]; see above." \
    "If it could not reach PyPI: this first time needs a network, or an index named by PIP_INDEX_URL."
echo "$wanted" >"$stamp"
