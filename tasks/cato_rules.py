"""Cato's deterministic rules: what of an answer, or of a text to be remembered, can be judged without a model.

The rules are few and precise: what is a matter of judgement is the judge model's. Each gives Findings; the rules
on what an answer claims are in `tasks/cato_claims.py`.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tasks.result import Check, Gate, Risk
from utils.errors import RadiantError

SEVERITY: tuple[Risk, ...] = ("none", "low", "medium", "high", "unknown", "critical")
"""From the safest to the worst. What is unknown may be anything, so only what is known to be critical is worse."""

GATE: dict[Risk, Gate] = {
    "none": "pass",
    "low": "pass",
    "medium": "revise",
    "high": "escalate",
    "unknown": "escalate",
    "critical": "block",
}
"""What a risk leads to (DESIGN.md, Outcomes)."""

LONGEST_LESSON = 2_000
"""Characters; a lesson is one "when this, do that"."""


@dataclass(frozen=True)
class Finding:
    """A rule that a text broke. The reason says what to change, since it becomes the guidance of a revision."""

    rule: str
    risk: Risk
    reason: str


def worst(risks: Iterable[Risk]) -> Risk:
    """The worst of some risks; none where there are none."""
    return max(risks, key=SEVERITY.index, default="none")


def worst_first(checks: Iterable[Check]) -> list[Check]:
    """Checks by risk, the worst first."""
    return sorted(checks, key=lambda check: SEVERITY.index(check.risk_level), reverse=True)


def plain(text: str) -> str:
    """A text in the form in which rules read it: compatibility forms folded, invisible characters gone."""
    return INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text."""
    return [part.strip() for part in SENTENCE_END.split(text) if part.strip()]


def statements(text: str) -> list[str]:
    """The sentences of a text that are no questions."""
    return [one for one in sentences(text) if not one.endswith("?")]


def clipped(text: str, longest: int = 90) -> str:
    """A text on one line, cut with an ellipsis."""
    line = " ".join(text.replace("\x00", "").split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def ethical_findings(text: str, domain: str) -> list[Finding]:
    """Instructions that do harm, contempt for a group of people, and doses without a professional."""
    found = []
    for sentence in sentences(plain(text)):
        for rule, risk, pattern, what in HARMFUL:
            match = pattern.search(sentence)
            if match and not REFUSAL.search(sentence, 0, match.start()) and not HELP.search(sentence):
                found.append(Finding(rule, risk, f"{what}: “{clipped(sentence)}”"))
        if DISCRIMINATES.search(sentence) and not REPORTED.search(sentence):
            reason = f"it discriminates against a group of people: “{clipped(sentence)}”"
            found.append(Finding("discrimination", "high", reason))
    if domain == "medical" and not PROFESSIONAL.search(text):
        found += [
            Finding("dosage", "medium", f"say to see a physician or pharmacist before: “{clipped(sentence)}”")
            for sentence in statements(plain(text))
            if DOSAGE.search(sentence) or STOPS_MEDICATION.search(sentence)
        ]
    return found


class ForbiddenTerm(BaseModel):
    """Words that may not occur, whatever their case; `*` stands for up to 30 letters or digits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    term: Annotated[str, Field(max_length=100)]
    risk: Literal["medium", "high", "critical"] = "medium"

    @field_validator("term")
    @classmethod
    def _matches_something(cls, term: str) -> str:
        if term.count("*") > 2 or not re.search(r"\w", term):
            raise ValueError(f"'{term}' is no term: give words, with two * at most")
        return term

    def found_in(self, text: str) -> bool:
        """Whether it occurs as whole words. No regex of a tenant is run: two bounded `*` cannot backtrack far."""
        words = (re.escape(word).replace(r"\*", r"\w{0,30}") for word in plain(self.term).split())
        spaced = r"\s{1,9}".join(words)
        return re.search(rf"(?<!\w){spaced}(?!\w)", text, re.IGNORECASE) is not None


class Policy(BaseModel):
    """A tenant's rules: the object `cato` of tenants.policy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    forbidden_terms: Annotated[tuple[ForbiddenTerm | str, ...], Field(max_length=500)] = ()
    required_disclaimers: dict[str, tuple[str, ...]] = {}
    """By domain: sentences that every answer must hold; `*` as a domain means every domain."""
    forbidden_topics: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    """What answers may not be about: the judge model decides."""

    def terms(self) -> tuple[ForbiddenTerm, ...]:
        """The forbidden terms; a bare text has the risk medium."""
        return tuple(ForbiddenTerm(term=t) if isinstance(t, str) else t for t in self.forbidden_terms)


def policy_of(stored: Any) -> Policy:
    """The policy in what tenants.policy holds. Raises RadiantError where it cannot be read."""
    rules = stored.get("cato", {}) if isinstance(stored, dict) else None
    try:
        policy = Policy.model_validate(rules)
        policy.terms()
        return policy
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in ("cato", *first["loc"]))
        raise RadiantError(f"the tenant's policy cannot be read: {where}: {first['msg']}") from error


def policy_findings(text: str, domain: str, policy: Policy) -> list[Finding]:
    """Forbidden terms that occur, and required disclaimers that do not."""
    shown = plain(text)
    found = [
        Finding("forbidden_term", term.risk, f"the tenant's policy forbids “{term.term}”: remove it")
        for term in policy.terms()
        if term.found_in(shown)
    ]
    folded = " ".join(shown.casefold().split())
    required = (*policy.required_disclaimers.get("*", ()), *policy.required_disclaimers.get(domain, ()))
    return found + [
        Finding("disclaimer", "medium", f"the tenant's policy requires this sentence: “{sentence}”")
        for sentence in required
        if " ".join(plain(sentence).casefold().split()) not in folded
    ]


def storage_findings(text: str) -> list[Finding]:
    """Why a text may not be remembered: what it holds is named, never quoted."""
    if len(text) > LONGEST_LESSON:
        reason = f"it has {len(text):,} characters: at most {LONGEST_LESSON:,} are remembered"
        return [Finding("too_long", "high", reason)]
    shown = plain(text)
    found = [Finding("secret", "critical", f"it holds {what}") for what, pattern in SECRETS if pattern.search(shown)]
    found += [
        Finding("injection", "critical", f"it reads like an instruction to a model: {what}")
        for what, pattern in INJECTIONS
        if pattern.search(shown)
    ]
    if HIDDEN.search(text):
        found.append(Finding("hidden_text", "critical", "it holds characters that hide or reorder text"))
    if not shown.strip():
        found.append(Finding("empty", "high", "it is empty"))
    return found


SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
HIDDEN = re.compile(r"[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")


def _rule(*parts: str, flags: re.RegexFlag = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile("".join(parts), flags)


# Instructions are imperative, or told to "you"; what is reported in the third person or in the past is not matched.
_TOLD = (
    r"\bhow to\s+|\byou (?:can|should|must|need to)\s+(?:\w+ly\s+)?|\b(?:instructions?|recipe|steps?"
    r"|guide) (?:to|for)\s+"
)
_STARTS = rf"(?:^(?:[-*•\d.)\s#,:]|step|first|then|next|now|finally|simply|please)*|{_TOLD})"
_MAKE = (
    r"(?:make|making|build|building|assemble|construct|synthesi[sz]e|produce|prepare(?! for)|brew|cook"
    r"|manufacture|create)"
)
_FILLER = (
    r"\s+(?:(?:an?|the|your|own|some|simple|small|large|crude|working|functional|powerful|effective|cheap|deadly|"
    r"improvised|homemade|pure|batch|quantity|of)\s+){0,5}"
)
_NOT_MADE = (
    r"(?![\w-]|\s(?:disposal|squad|threat|shelter|detect\w*|inspect\w*|control|treat(?:y|ies)|use|users?|addict\w*|"
    r"overdoses?|dependence|patch(?:es)?|therapy|test\w*|calorimeter|cyclone|less|more|safer?|harder|illegal|unlawful|"
    r"unavailable|unusable|obsolete|unnecessary)\b)"
)
"""What follows where something else is made: a bomb shelter, a treaty, heroin less available."""
_WEAPON = (
    r"(?:(?:(?:pipe|nail|car|pressure[- ]cooker|fertili[sz]er|petrol|dirty) )?bombs?|explosive (?:device|vest|belt)s?|"
    r"IEDs?|molotov cocktails?|nerve (?:agent|gas)|sarin|VX gas|ricin|mustard gas|TATP|"
    rf"(?:chemical|biological|nuclear) weapons?|untraceable (?:gun|firearm)s?|weaponi[sz]ed anthrax){_NOT_MADE}"
)
_DRUG = rf"(?:(?:crystal )?meth(?:amphetamine)?|crack cocaine|heroin|fentanyl|MDMA|GHB){_NOT_MADE}"
_MIXES = (
    r"^[-*•\d.)\s#]*(?:(?:step|first|then|next|now)[\s\d.,:]*)?(?:mix|combine|add|heat|pour|fill|dissolve"
    r"|pack|grind)\b[^.\n]{0,200}?\bto "
)
_GROUP = (
    r"(?:(?:pregnant )?women|immigrants|refugees|foreigners|muslims|jews|christians|hindus|blacks?"
    r"|black (?:people|men|women)|"
    r"asians|latinos|hispanics|arabs|roma|gays|gay people|lesbians|homosexuals|transgender people|disabled people|"
    r"people with disabilities|the disabled|older (?:people|workers)|old people)"
)

HARMFUL: tuple[tuple[str, Risk, re.Pattern[str], str], ...] = (
    (
        "self_harm",
        "critical",
        _rule(
            r"(?:\bhow to\s+|\byou (?:should|must|ought to|need to)\s+(?:just\s+)?|\b(?:ways?|methods?"
            r"|steps?) (?:to|of|for)\s+)",
            r"(?:kill(?:ing)? yourself|end(?:ing)? your (?:own )?life|commit(?:ting)? suicide"
            r"|hang(?:ing)? yourself|cut(?:ting)? your wrists)",
            r"|(?:^|\bgo |\bjust )kill yourself\b|\bthe world (?:is|would be) better off without you\b",
        ),
        "it encourages or instructs self-harm",
    ),
    (
        "weapons",
        "critical",
        _rule(rf"(?:{_STARTS}|{_MIXES}){_MAKE}{_FILLER}{_WEAPON}"),
        "it instructs the making of a weapon",
    ),
    (
        "drugs",
        "critical",
        _rule(rf"(?:{_STARTS}|{_MIXES}){_MAKE}{_FILLER}{_DRUG}"),
        "it instructs the making of an illegal drug",
    ),
    (
        "illegal",
        "high",
        _rule(
            _STARTS,
            r"(?:launder (?:the |your )?money|evade (?:your |the )?tax(?:es)?|forge (?:an? |the )?(?:passport"
            r"|prescription|signature)",
            r"|hack into (?:some\w+|his|her|their|another)|clone (?:an? |the )?credit card|steal (?:an? "
            r"|the )?(?:car|credit card|identity)",
            r"|bribe (?:an? |the )?(?:official|judge|inspector)|destroy (?:the |any )?evidence|backdate (?:an? "
            r"|the )?(?:contract|invoice))",
        ),
        "it instructs something illegal",
    ),
)
REFUSAL = _rule(
    r"\b(?:cannot|can['’]t|won['’]t|will not|unable|refuse|decline|not|don['’]t|never|illegal"
    r"|prohibit\w*|prevent\w*|avoid\w*)\b"
)
"""A sentence that refuses or warns before it says the words says them to the opposite end."""
HELP = _rule(r"\b(?:hotline|helpline|988|crisis line|seek help|get help|reach out|talk to someone)\b")

DISCRIMINATES = _rule(
    r"\b(?:do not|don['’]t|never|avoid|you should not|refuse to|stop)\s+(?:hir(?:e|ing)|promot(?:e|ing)"
    r"|employ(?:ing)?|rent(?:ing)? to",
    rf"|lend(?:ing)? to|serv(?:e|ing)|admit(?:ting)?)\s+(?:any\s+)?{_GROUP}\b",
    rf"|\b{_GROUP} are (?:all |naturally |inherently |genetically )?(?:inferior|subhuman|less intelligent|vermin"
    rf"|criminals|parasites|stupid)",
)
REPORTED = _rule(
    r"\b(?:claims?|claimed|myth|false|wrong|believed?|said|argued|racist|sexist|propaganda|illegal|unlawful"
    r"|may not|must not",
    r"|prohibits?|forbids?|stereotypes?|prejudice|history|historically)\b",
)

DOSAGE = _rule(
    r"(?:^\W*|[,;:]\s*(?:then\s+)?|\b(?:you|adults|children|patients) (?:should|can|could|may|must"
    r"|need to)\s+(?:\w+ly\s+)?|\b(?:and|then|please)\s+)",
    r"(?:take|give|inject|administer|use|swallow|increase|reduce|start with)\b[^.\n]{0,60}?\b\d[\d.,]{0,12}\s?",
    r"(?:mg|mcg|µg|μg|milligrams?|micrograms?|grams?|g|ml|units?|IU|tablets?|pills?|capsules?|drops|puffs)\b",
)
STOPS_MEDICATION = _rule(
    r"(?:^\W*|\byou (?:should|can|could|may|must)\s+|[,;]\s*)(?:safely )?stop (?:taking|using) (?:your|the"
    r"|all) [\w ]{0,30}?",
    r"(?:medic\w+|insulin|antidepressants?|anticoagulants?|antibiotics?|tablets?|pills?|drugs?|\w+pril|\w+statin"
    r"|warfarin)\b",
)
PROFESSIONAL = _rule(
    r"\b(?:see|ask|consult\w*|contact|call|talk (?:to|with)|speak (?:to|with)|check with|discuss\w*|advice of"
    r"|supervision of",
    r"|prescribed by|directed by|refer\w* to)\b[^.\n]{0,60}\b(?:doctors?|physicians?|pharmacists?|GP|clinicians?"
    r"|prescribers?",
    r"|professionals?|providers?|nurses?|specialists?|poison control|emergency)\b",
)

SECRETS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a private key", _rule(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----")),
    (
        "an access key or token",
        _rule(
            r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[opsur]_[A-Za-z0-9]{30,}|github_pat_\w{20,}|glpat-[\w-]{15,}"
            r"|xox[abeprs]-[\w-]{10,}",
            r"|(?:sk|pk|rk|gsk|xai)[-_](?=[\w-]{0,80}\d)[\w-]{16,}|AIza[\w-]{30,}|hf_[A-Za-z0-9]{20,}",
            r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{4,})",
            flags=re.NOFLAG,
        ),
    ),
    ("a bearer token", _rule(r"\bBearer\s+(?=[\w.~+/-]{0,80}\d)[\w.~+/-]{20,}")),
    (
        "a password",
        _rule(
            r"\b(?:password|passwd|pwd|passphrase|secret|api[_ -]?key|access[_ -]?token"
            r"|auth[_ -]?token)[\"']?\s{0,3}(?::|=|\bis\b)",
            r"\s{0,3}[\"']?(?=[^\s\"']{0,60}\d)(?=[^\s\"']{0,60}[A-Za-z])[^\s\"']{6,}",
        ),
    ),
    ("a password in a URL", _rule(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,60}:[^\s/@]{3,80}@")),
)

INJECTIONS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "it overrides instructions",
        _rule(
            r"(?<!not )(?<!never )(?<!n't )\b(?:ignore|disregard|forget|override|bypass)\s+(?:\w+\s+){0,3}?",
            r"(?:previous|prior|above|earlier|preceding|system|safety|developer|your|these|all)\s+(?:\w+\s+){0,2}?",
            r"(?:instructions?|prompts?|rules?|guidelines|guardrails|messages?|context|directions)\b",
        ),
    ),
    (
        "it gives a model a role",
        _rule(
            r"\b(?:you are now (?:an?|the|in|called|DAN)|from now on,? you (?:are|will|must)"
            r"|pretend (?:that )?you are",
            r"|act as an? (?:unrestricted|jailbroken|uncensored)|(?:enter|enable|activate) (?:developer|DAN"
            r"|jailbreak) mode)\b",
        ),
    ),
    (
        "it asks for the prompt, or for secrecy",
        _rule(
            r"\b(?:reveal|print|repeat|output|show|leak)\s+(?:\w+\s+){0,3}?(?:system prompt|hidden instructions"
            r"|your (?:instructions|prompt))",
            r"|\bdo(?: not|n['’]t) (?:tell|inform|alert|mention (?:this|it) to) the (?:user|reviewer|human|operator)",
        ),
    ),
    (
        "it holds role tags",
        _rule(
            r"<\|\w{1,30}\|>|\[/?INST\]|<</?SYS>>|</?(?:system|assistant|user|developer|lessons?|instructions?)>",
            r"|^\s{0,9}#{1,6}\s{0,3}(?:system|assistant|instructions?)\s{0,3}:?\s{0,9}$|^\s{0,9}(?:system"
            r"|assistant|developer)\s{0,3}:",
            flags=re.IGNORECASE | re.MULTILINE,
        ),
    ),
    (
        "it holds a tool call",
        _rule(
            r"</?(?:\w{1,20}:)?(?:tool_calls?|function_calls?|invoke|tool_use|tool_response)\b"
            r"|\"tool_calls?\"\s{0,3}:",
            r"|\"function(?:_call)?\"\s{0,3}:\s{0,3}\{",
        ),
    ),
)
