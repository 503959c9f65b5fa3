#!/usr/bin/env bash
# The Pythons on this machine that Moothall supports: on the PATH, and those that pyenv has but does not show.
set -euo pipefail
for minor in 3.11 3.12 3.13; do
  candidates=()
  while IFS= read -r version; do candidates+=("$(pyenv prefix "$version")/bin/python$minor"); done < <(
    command -v pyenv >/dev/null && pyenv versions --bare --skip-aliases 2>/dev/null | grep -E "^${minor//./\\.}\.[0-9]+$" | sort -Vr)
  candidates+=("python$minor")
  for candidate in "${candidates[@]}"; do
    if "$candidate" -c 'import ensurepip, sys; assert "%d.%d" % sys.version_info[:2] == sys.argv[1]' "$minor" 2>/dev/null; then
      echo "$minor $candidate"
      break
    fi
  done
done
