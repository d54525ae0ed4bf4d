#!/bin/sh
# Prints the path of a Python for this project: 3.13, what the functions run on; else 3.12 or 3.11.
# With an argument, only that version will do. Exit code 1 and nothing printed: there is none.
works() { [ -n "$1" ] && "$1" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$2')" >/dev/null 2>&1; }

find_version() {
    # A pyenv shim is on PATH for versions that are not selected too; it counts only if it runs.
    candidate=$(command -v "python$1" 2>/dev/null) && works "$candidate" "$1" && echo "$candidate" && return
    for root in "${PYENV_ROOT:-}" "$HOME/.pyenv" /opt/pyenv /usr/local/pyenv; do
        for candidate in "$root/versions/$1".*/bin/python; do
            works "$candidate" "$1" && echo "$candidate" && return
        done
    done
    for candidate in "/usr/local/bin/python$1" "/opt/homebrew/bin/python$1" "/opt/python$1/bin/python$1"; do
        works "$candidate" "$1" && echo "$candidate" && return
    done
    candidate=$(uv python find --no-python-downloads --no-project "$1" 2>/dev/null) && works "$candidate" "$1" && echo "$candidate" && return
    candidate=$(command -v python3 2>/dev/null) && works "$candidate" "$1" && echo "$candidate" && return
    return 1
}

for version in ${1:-3.13 3.12 3.11}; do
    find_version "$version" && exit 0
done
exit 1
