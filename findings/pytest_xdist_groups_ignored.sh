#!/usr/bin/env bash
# pytest-xdist 3.8.0 with pytest 9.2.0: `--dist loadgroup` puts no test into its group, without a word.
#
# Tests that carry the same `xdist_group` mark are meant to run on one worker. xdist marks them by writing the group's
# name into `item._nodeid`, which pytest 9.2 no longer reads: a node's id is an object of its own there. So the scheduler
# finds no group, and tests that share a port, a folder or a server meet on two workers. Nothing warns; with pytest 9.1.1
# all is as described. Annotate's tests need no group: what they share is started once for each worker.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > test_grouped.py <<'PY'
import os
import time

import pytest

pytestmark = pytest.mark.xdist_group("together")


@pytest.mark.parametrize("number", range(8))
def test_one(number):
    time.sleep(0.2)
    with open("workers.txt", "a") as seen:
        seen.write(os.environ["PYTEST_XDIST_WORKER"] + "\n")
PY
workers() {
  python3 -m venv --clear "venv"
  venv/bin/pip install --quiet "pytest==$1" pytest-xdist==3.8.0
  rm -f workers.txt
  venv/bin/python -W error -m pytest -q -n 2 --dist loadgroup >said.txt
  grep -q "8 passed" said.txt
  ! grep -qi "warning" said.txt
  sort -u workers.txt | wc -l | tr -d ' '
}
before=$(workers 9.1.1)
after=$(workers 9.2.0)
echo "one group of 8 tests, two workers: pytest 9.1.1 uses $before, pytest 9.2.0 uses $after"
[ "$before" = 1 ]
[ "$after" = 2 ]
echo "As described: the group has no effect with pytest 9.2.0."
