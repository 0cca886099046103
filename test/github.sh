#!/usr/bin/env bash
# Checks the files of .github/ against the schemas that GitHub and Renovate publish, and the workflows with actionlint, which also
# checks their expressions. DRAYAGE_ACTIONLINT and DRAYAGE_CHECK_JSONSCHEMA name the programs; by default, they are on the PATH.
set -euo pipefail
cd "$(dirname "$0")/.."
check=${DRAYAGE_CHECK_JSONSCHEMA:-check-jsonschema}
"${DRAYAGE_ACTIONLINT:-actionlint}" -color .github/workflows/*.yml
"$check" --builtin-schema vendor.github-workflows .github/workflows/*.yml
"$check" --builtin-schema vendor.renovate .github/renovate.json
"$check" --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
"$check" --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/feature.yml
