"""A service refuses a graph that was registered from other code."""

import shutil
from pathlib import Path

import pytest

from tests.cluster.conftest import Launch
from tests.cluster.test_blocks import QUESTION
from utils.warm import PACKAGES, code_digest, digest_of

pytestmark = [pytest.mark.cluster, pytest.mark.service]
ROOT = Path(__file__).parents[2]


def test_both_digests_are_in_the_message(launch: Launch, tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "tasks" / "voting.py").open("a") as file:
        file.write("\n# another version\n")
    message = launch("workflows/catalogue.py", "consensus_voting", *QUESTION, root=tmp_path).failure()
    assert code_digest() in message
    assert digest_of(tmp_path) in message
    assert "Traceback" not in message
