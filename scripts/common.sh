# Shared by the scripts: the repository's root, the Python environment, and the step banner. Source it, do not run it.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export HETAGON_TOOLS_VENV=${HETAGON_TOOLS_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/hetagon/venv}
jobs=$(nproc)
started=$(date +%s)
step() { printf '\n== [%4ss] %s\n' "$(($(date +%s) - started))" "$*"; }
