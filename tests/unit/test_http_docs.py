"""The API's page: everything is inside it, and its policy lets nothing else run."""

import base64
import hashlib
import json
import re

from carillon.runtime.http import docs


def test_the_description_is_served_as_it_was_generated() -> None:
    served = docs.description()
    assert served.content_type == "application/json"
    assert json.loads(served.body)["openapi"] == "3.1.0"


def test_the_page_asks_no_other_host_and_its_policy_names_exactly_its_scripts() -> None:
    page = docs.page()
    policy = page.headers["Content-Security-Policy"]
    scripts = re.findall(r"<script>(.*?)</script>", page.body, re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
        assert not re.search(r"<!--|<script", script)
    assert re.search(r"""<(?:script|link|img)[^>]+(?:src|href)=""", page.body.partition("<script>")[0]) is None
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
