"""Runs every check of scim2-tester against the portal at SCIM_BASE. Ends with 1 when one went wrong, or too few were made."""

import os
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

# What is checked of attributes follows from the schemas: fewer checks than this are not all of them.
LEAST = 130
GOOD = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}


def main() -> int:
    headers = {"Authorization": f"Bearer {os.environ['SCIM_TOKEN']}"}
    with Client(base_url=os.environ["SCIM_BASE"], headers=headers, timeout=30) as http:
        results = check_server(SyncSCIMClient(http))
    wrong = [result for result in results if result.status not in GOOD]
    for result in wrong:
        print(f"{result.status.name} {result.title} of {result.resource_type or 'the server'}: {result.reason}")
    good = len(results) - len(wrong)
    print(f"{good} checks passed, {len(wrong)} did not")
    return 0 if not wrong and good >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
