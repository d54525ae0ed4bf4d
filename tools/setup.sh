#!/bin/sh
# Makes .venv with everything that running, testing and building takes. Called by `make setup`, which skips it when
# nothing changed since.
set -eu
cd "$(dirname "$0")/.."
say() { printf '\033[1m[setup %s]\033[0m %s\n' "$1" "$2"; }

python=$(tools/find-python.sh) || {
    cat >&2 <<'MESSAGE'
No Python 3.13 was found (nor 3.12 or 3.11). Install one of these ways, then run the same command again:
    uv python install 3.13          https://docs.astral.sh/uv/
    pyenv install 3.13              https://github.com/pyenv/pyenv
    apt-get install python3 python3-venv (Debian 13, Ubuntu 25.04)  |  brew install python@3.13
MESSAGE
    exit 1
}
version=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
say 1/3 "Python $version at $python"
case $version in
3.13.*) ;;
*) say 1/3 "NOTICE: the functions run on Python 3.13. Tests run on $version too; \`make build\` needs 3.13." ;;
esac

# .python-version would send pyenv's shims elsewhere; an absolute path says what is meant.
if [ -x .venv/bin/python ] && .venv/bin/python -c "import sys; sys.exit('%d.%d.%d' % sys.version_info[:3] != '$version')"; then
    say 2/3 ".venv is there"
else
    say 2/3 "making .venv"
    rm -rf .venv
    if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then
        uv venv --quiet --python "$python" .venv
    elif ! "$python" -m venv .venv; then
        echo "Python at $python can't make environments; on Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
fi

say 3/3 "installing what requirements-dev.txt lists"
if [ -x .venv/bin/uv ]; then
    uv=.venv/bin/uv
elif command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then
    uv=uv
else
    .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
    uv=.venv/bin/uv
fi
"$uv" pip install --python .venv/bin/python -r requirements-dev.txt

# Compiled here, so that the first run starts as fast as the next.
PYTHONDONTWRITEBYTECODE='' PYTHONPATH="$PWD:$PWD/layers/shared" .venv/bin/python -m local.prepare
