"""The slot-filling intake as a command whose standard input is no terminal."""

import pytest

from tests.patterns.intake_talk import PROMPT, STOP
from tests.pyflyte import pyflyte_run
from utils.reviews import decide, reviews_of
from utils.settings import settings


@pytest.mark.usefixtures("database", "no_provider")
def test_without_a_terminal_it_waits_with_3_and_goes_on_once_decided() -> None:
    words = ("workflows/catalogue.py", "slot_filling_intake", "--prompt", PROMPT, "--run_id", "shell")
    done = pyflyte_run(*words)
    assert done.exit_code == 3, done
    assert "Answer in your own words" in done.stderr
    (review,) = reviews_of(settings().tenant_id, "shell")
    assert (review.path, review.status) == ("body/rounds@1/intake@1/person", "open")
    decide(review, STOP, "", by=settings().user_id)
    done = pyflyte_run(*words)
    assert done.exit_code == 0, done
    assert "you stopped the intake" in done.stdout
