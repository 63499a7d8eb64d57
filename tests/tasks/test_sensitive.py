"""What is not kept of a person: secrets and protected data are known by words and numbers, ordinary facts are not."""

import pytest

from tasks.algorithms.sensitive import sensitivity


@pytest.mark.parametrize(
    "text",
    [
        "user password hunter2",
        "the API key is abc",
        "key sk-abcdef123456",
        "card 4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "-----BEGIN RSA",
        "SSN 123-45-6789",
        "PIN 1234",
        "access_token xyz",
    ],
)
def test_secrets(text: str) -> None:
    assert sensitivity(text) == "secret"


@pytest.mark.parametrize(
    "text",
    ["diagnosed with asthma", "allergy: nuts", "religion", "political views left", "takes medication", "HIV status"],
)
def test_protected_data(text: str) -> None:
    assert sensitivity(text) == "protected"


@pytest.mark.parametrize(
    "text",
    [
        "home town Rome",
        "spins yarn",
        "phone 4111 1111 1111 1112",
        "order 12345678",
        "likes politics podcasts",
        "keys are on the table",
        "",
    ],
)
def test_ordinary_facts(text: str) -> None:
    assert sensitivity(text) == ""
