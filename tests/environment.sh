#!/bin/sh
# Makes the virtual environment .venv with one extra of pyproject.toml, or leaves it alone when it is up to date.
# Called by the Makefile: tests/environment.sh EXTRA
# Where tests may need the JupyterLab extension, it is built (hatch_build.py), with a Node of .venv if there is none.
set -eu

extra=$1
venv=${VENV:-.venv}
python=${PYTHON:-python3}

give_up() {
    printf '\n' >&2
    printf '%s\n' "$@" >&2
    exit 1
}

has_node() {
    command -v npm >/dev/null && node -e 'process.exit(process.versions.node.split(".")[0] < 20)' 2>/dev/null
}

install_node() {
    # The extra front, and nothing else.
    node=$("$venv/bin/python" -c '
import tomllib
with open("pyproject.toml", "rb") as project:
    print(*tomllib.load(project)["project"]["optional-dependencies"]["front"])')
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check "$node"
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
case $extra in
examples | front)
    sources=  # no Node needed: an extension that is built already is installed
    export DURABLE_NB_LABEXTENSION=skip
    ;;
*)
    sources=$(find extension/schema extension/src extension/*.json extension/*.mjs -type f ! -path '*/fixtures/*' | LC_ALL=C sort)
    ;;
esac
# shellcheck disable=SC2086  # names without blanks
wanted=$({ pwd; echo "$made_by"; cat pyproject.toml hatch_build.py $sources; } | cksum)
stamp=$venv/installed-$extra
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi

echo "Setting up $venv with durable_nb[$extra] (once; a minute or two) …"
if ! { [ -f "$venv/made-by" ] && [ "$(cat "$venv/made-by")" = "$(pwd) $made_by" ]; }; then
    "$python" -m venv --clear "$venv" || give_up "$python could not make a virtual environment in $venv; see above."
    echo "$(pwd) $made_by" >"$venv/made-by"
fi
if [ -n "$sources" ]; then
    has_node || install_node || echo "Going on without Node: the JupyterLab extension may be missing." >&2
else
    rm -f "$venv"/installed-*  # what they say of the extension may be true no more
fi
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --editable ".[$extra]" || give_up \
    "pip could not install durable_nb[$extra]; see above." \
    "If it could not reach PyPI: this first time needs a network, or an index named by PIP_INDEX_URL."
echo "$wanted" >"$stamp"
