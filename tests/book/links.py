"""Check the links of the built pages to other sites: `make links`, weekly, not in the tests."""

from __future__ import annotations

import re
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LINK = re.compile(r'<a[^>]*\bhref="(https?://[^"#]+)')
ATTEMPTS = 3
SECONDS = 20
# Answers of sites that are there but do not answer programs.
REFUSALS = (401, 403, 405, 418, 429, 999)


def external_links(html: Path) -> list[str]:
    """List the addresses on other sites that the pages link to."""
    found = (LINK.findall(path.read_text("utf8")) for path in html.rglob("*.html"))
    return sorted({address.replace("&amp;", "&") for links in found for address in links})


def failure(address: str) -> str | None:
    """Say why a link does not work, or None when it does."""
    request = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0"})  # noqa: S310
    reason = ""
    for _ in range(ATTEMPTS):
        try:
            with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310
                return None
        except urllib.error.HTTPError as error:
            if error.code in REFUSALS:
                return None
            reason = str(error)
        except OSError as error:
            reason = str(error)
    return f"{address}: {reason}"


if __name__ == "__main__":
    with ThreadPoolExecutor(8) as pool:
        broken = [line for line in pool.map(failure, external_links(Path(sys.argv[1]))) if line]
    sys.exit("\n".join(broken) or 0)
