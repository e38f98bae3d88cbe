#!/usr/bin/env bash
# Rewrites CHECKSUMS from the NNN_*.sql files beside it. Only for a new file: one that has been merged stays as it is.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")"

if command -v sha256sum >/dev/null; then sha256=(sha256sum); else sha256=(shasum -a 256); fi
"${sha256[@]}" [0-9][0-9][0-9]_*.sql > CHECKSUMS.new
mv CHECKSUMS.new CHECKSUMS
