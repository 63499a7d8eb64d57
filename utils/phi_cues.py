r"""Patterns that recognise a value by the words beside it. `\K` keeps those words out of what is found."""

from typing import NamedTuple


class CuedPattern(NamedTuple):
    """A pattern for the `regex` library, case-sensitive but for its (?i:...) groups; score 0 to 1."""

    name: str
    pattern: str
    score: float


def _labelled(name: str, cue: str, value: str) -> CuedPattern:
    """`cue`, perhaps "number" or "is", a colon or space, then `value` standing alone."""
    joint = r"(?i:[ \t]*(?:number|num|no|id|code)\b\.?)?[ \t]*(?i:[:#=]|is\b|was\b|-(?=\s))*[ \t]*#?"
    return CuedPattern(name, rf"(?<![\w-])(?i:{cue}){joint}\K(?<![^\W_]){value}(?![\w-])", 0.9)


# A value with a digit in it: "MRN: pending" and "patient id column" are none.
_ID = r"(?=[A-Za-z-]{0,6}\d)[A-Za-z0-9]+(?:[-/][A-Za-z0-9]+)*"
_SHORT_ID = rf"(?=[\w-]{{3,24}}(?![\w-])){_ID}"
_LONG_ID = rf"(?=[\w-]{{6,34}}(?![\w-])){_ID}"

_MONTH = (
    r"(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_DATE = (
    r"(?:(?:19|20)\d\d[-/.](?:1[0-2]|0?[1-9])[-/.](?:3[01]|[12]\d|0?[1-9])"
    r"|\d{1,2}[-/.]\d{1,2}[-/.](?:(?:19|20)\d\d|\d\d)"
    rf"|{_MONTH} {_DAY}(?:,? (?:19|20)\d\d)?|{_DAY}[ -](?:of )?{_MONTH}[ -]?,?(?:(?:19|20)\d\d)?)"
)
_ZIP = r"\d{5}(?:-\d{4})?(?![\w-])"
_STATE = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]"
    r"|UT|V[AT]|W[AIVY])"
)
_STATE_NAME = (
    r"(?:Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii"
    r"|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota"
    r"|Mississippi|Missouri|Montana|Nebraska|Nevada|New (?:Hampshire|Jersey|Mexico|York)"
    r"|(?:North|South) (?:Carolina|Dakota)|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|Tennessee|Texas"
    r"|Utah|Vermont|(?:West )?Virginia|Washington|Wisconsin|Wyoming)"
)
_STREET = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Way|Place|Pl|Terrace|Ter"
    r"|Parkway|Pkwy|Circle|Cir|Highway|Hwy|Square|Sq|Trail|Trl)"
)
_NUMBERED_STREET = rf"\d{{1,6}}[A-Z]?(?: (?:[NSEW]{{1,2}}\.?|[A-Z][a-z]+|\d{{1,3}}(?:st|nd|rd|th))){{1,4}} {_STREET}\b"

CUED: dict[str, tuple[CuedPattern, ...]] = {
    "MRN": (
        _labelled("record number", r"MRN|(?:electronic |personal )?(?:medical|health|patient)[ -]?records?", _SHORT_ID),
        _labelled("patient id", r"patient[ _-]?(?:id|identifier|number|no|#)|chart(?: number| no\.?|[ ]?#)", _SHORT_ID),
        _labelled("NHS number", r"NHS(?: number| no\.?)", r"\d{3}[ -]?\d{3}[ -]?\d{4}"),
    ),
    "HEALTH PLAN": (
        _labelled(
            "plan id",
            r"(?:health[ -]?(?:plan|insurance)|insurance|policy ?holder|subscriber|beneficiary|medicare|medicaid)"
            r"(?: (?:member|policy|beneficiary|subscriber|group))?(?: (?:id|identifier|number|no\.?|#)|#)"
            r"|(?:health[ -]?plan|insurance) (?:member|policy)|member (?:id|number)",
            _LONG_ID,
        ),
    ),
    "ACCOUNT": (
        _labelled("account", r"(?:bank )?(?:account|acct\.?)(?: (?:number|no\.?|#)|[ ]?#)", r"\d[\d -]{4,18}\d"),
        _labelled("routing", r"(?:aba |bank )?routing(?: (?:number|no\.?))?|sort code", r"\d[\d-]{4,9}\d"),
    ),
    "PASSPORT": (_labelled("passport", r"passport", r"(?=[A-Z0-9]*\d{5})[A-Z0-9]{6,9}"),),
    "LICENCE": (
        _labelled("driver licence", r"(?:driver'?s?'?|driving)[ -]licen[cs]e|DL(?= ?(?:#|no\b|number))", _LONG_ID),
    ),
    "PROVIDER": (_labelled("NPI or DEA", r"NPI|DEA", r"(?:\d{10}|[A-Z]{2}\d{7})"),),
    "SSN": (_labelled("spaced SSN", r"SSN|social security", r"\d{3}[- ]?\d{2}[- ]?\d{4}"),),
    "DATE": (
        _labelled(
            "birth, stay or death",
            r"DOB|D\.O\.B\.?|(?:date of )?birth(?:[ -]?(?:date|day))?|date of (?:admission|discharge|death)"
            r"|(?:admission|discharge|death) date|(?:was )?(?:born|admitted|discharged|deceased|died)"
            r"(?: on)?(?: the)?",
            _DATE,
        ),
    ),
    "ZIP": (
        _labelled("zip", r"zip(?:[ -]?code)?|postal code|postcode", _ZIP),
        CuedPattern("state", rf"(?<=[a-z],) (?:{_STATE}|{_STATE_NAME})\.?,? +\K{_ZIP}", 0.9),
        CuedPattern("city and state", rf"(?<=\b[A-Z][a-z]+ ){_STATE} +\K{_ZIP}", 0.85),
    ),
    "ADDRESS": (
        CuedPattern(
            "street",
            rf"(?<![\w.$€£-])(?<!\b[Ii]n ){_NUMBERED_STREET}\.?"
            r"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|#)\.? ?\w{1,5})?",
            0.9,
        ),
        CuedPattern("post box", r"\b(?i:P\.? ?O\.? Box) \d{1,7}\b", 0.9),
    ),
}

# A word of a name: not one that commonly follows or replaces a name on the same line.
_NO_NAME = (
    r"(?:All|And|Account|Accounts|Address|Admin|Administration|Admitted|Agency|Assistance|Association|At|Bank|Billing|Board"
    r"|By|Call|Care|Center|Centre|City|Clinic|Colleague|Colleagues|College|Committee|Community|Company|Council|Corp|Corporation"
    r"|County|Court|Customer|Customers|DOB|Data|Date|Department|Dept|Desk|Did|Director|Division|Education|Email|Engineering"
    r"|Everybody|Everyone|Experience|Fax|Finance|Folks|For|Foundation|Friend|Friends|From|Group|Has|He|Head|Health"
    r"|Help|Hospital|Human|I|ID|In|Inc|Information|Institute|Intake|Is|It|LLC|LLP|Legal|Limited|Ltd|MD|MRN"
    r"|Madam|Manager|Management|Medical|Member|Members|My|No|Not|Number|Of|Office|Officer|On|Operations|Or"
    r"|Outcome|Outcomes|Patient|Patients|Phone|Please|Population|Portal|Presents|Privacy|Product|RN|Ref|Reports"
    r"|Record|Records|Resources|Rights|Safety|Sales|Satisfaction|School|Security|Service|Services|She|Sir|Site"
    r"|SSN|Subject|Success|Support|System|Systems|Team|Tel|The|There|They|This|To|Unit|University|User|Valued"
    r"|Was|We|Who|Will|With|World|You|Your)"
)
_WORD = rf"(?!{_NO_NAME}\b)(?:(?:[OD]['’]|Ma?c)?\p{{Lu}}\p{{L}}+(?:-\p{{Lu}}\p{{L}}+)*|\p{{Lu}}\.)"
_PARTICLE = r"(?:(?:de|del|della|di|da|dos|van|von|der|den|la|le|bin|ibn|al|el|ten|ter)[ \t])"
_NAME = rf"{_PARTICLE}{{0,2}}{_WORD}(?:[ \t]{_PARTICLE}{{0,2}}{_WORD}){{0,3}}"
_FULL_NAME = rf"{_WORD}(?:[ \t]{_PARTICLE}{{0,2}}{_WORD}){{1,3}}"
_LAST_FIRST = rf"{_WORD},[ \t]{_WORD}(?:[ \t]{_WORD})?"
_NO_COMPANY = r"(?!\w|[ \t](?:Inc|Corp|Corporation|Company|LLC|LLP|Ltd|GmbH|Bank|Hospital|Group|University|Clinic)\b)"

_THINGS = (
    r"product|company|business|file|host|user|domain|event|brand|project|field|table|column|module|package"
    r"|class|function|service|server|database|drug|generic|trade|common|model|display|path|variable|team"
)
_ROLES = (
    r"patient|client|claimant|plaintiff|defendant|witness|resident|applicant|tenant|caller|nurse|physician"
    r"|attorney|employee|customer|husband|wife|spouse|mother|father|son|daughter|brother|sister"
)
_FORMS = (
    r"patient|client|claimant|plaintiff|defendant|witness|customer|employee|applicant|cardholder|tenant|contact"
    r"|emergency contact|next of kin|attending|physician|referring physician|provider|nurse|attn|attention"
    r"|bill(?:ed)? to|ship(?:ped)? to|sold to|signed(?: by)?|signature|prepared by|reviewed by|reported by"
    r"|requested by|requester|caller|agent|assignee|author|beneficiary|subscriber|insured|guarantor"
)
_CLOSINGS = (
    r"(?:yours )?(?:sincerely|truly|faithfully)(?: yours)?|(?:best|kind|warm|many)? ?(?:regards|wishes|thanks)"
    r"|best|thank you|cheers|respectfully(?: submitted)?|warmly|cordially"
)

PERSONS: tuple[CuedPattern, ...] = (
    # "12 Oak Dr. Springfield" is a street.
    CuedPattern(
        "title",
        r"(?<!\d(?: \w{1,15}){1,3} )\b(?:Dr|Mr|Mrs|Ms|Mx|Prof|Rev|DR|MR|MRS|MS)\b\.?[ \t]\K" + _NAME,
        0.85,
    ),
    CuedPattern("spelled title", r"\b(?:Professor|Doctor|Judge|Reverend|Sir|Dame)[ \t]\K" + _NAME, 0.8),
    CuedPattern("role", rf"\b(?i:{_ROLES}),?[ \t]\K{_FULL_NAME}{_NO_COMPANY}", 0.8),
    CuedPattern("said", rf"\b(?i:I am|I['’]m|I,)[ \t]\K{_FULL_NAME}{_NO_COMPANY}", 0.8),
    CuedPattern("my name", rf"\b(?i:my name is|(?:his|her|their|patient['’]s) name is)[ \t]\K{_NAME}", 0.8),
    CuedPattern("name label", rf"(?<!\b(?i:{_THINGS})[ _-])\b(?i:name)[ \t]*:[ \t]*\K(?:{_LAST_FIRST}|{_NAME})", 0.85),
    CuedPattern("form label", rf"\b(?i:{_FORMS})[ \t]*:[ \t]*\K(?:{_LAST_FIRST}|{_FULL_NAME}){_NO_COMPANY}", 0.8),
    CuedPattern("mail header", rf"^(?:From|To|Cc|CC|Bcc)[ \t]*:[ \t]*\"?\K{_FULL_NAME}{_NO_COMPANY}", 0.8),
    CuedPattern("mail address", rf"(?<!\w){_FULL_NAME}(?=\"?[ \t]<[^<>@\s]+@)", 0.8),
    CuedPattern("greeting", rf"^[ \t]*(?i:dear|hi|hello|hey)[ \t]\K{_NAME}(?=[ \t]*[,:!])", 0.8),
    CuedPattern("signature", rf"^[ \t]*(?i:{_CLOSINGS})[,.!]?[ \t]*\n\s*\K{_NAME}(?=[ \t]*(?:,|$))", 0.8),
    CuedPattern("slash signature", rf"/s/[ \t]*\K{_FULL_NAME}", 0.85),
    # MD is Maryland too.
    CuedPattern(
        "letters after",
        rf"(?<!\w){_FULL_NAME}(?=,? (?:M\.D\.|MD\b(?! \d{{5}})|Ph\.?D\b|R\.?N\b|Esq\b|PA-C\b|DDS\b|CPA\b|LCSW\b))",
        0.6,
    ),
)
