"""Amounts of money: whole minor units (cents) of one currency, never fractions."""

from domain.errors import Invalid

LARGEST_TOTAL = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exact (RFC 8259, section 6)."""

_CODES = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
    CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR
    LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN
    PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS
    TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR
    ZMW ZWG
"""
CURRENCIES = frozenset(_CODES.split())
"""The active codes of ISO 4217 (list one, 2025), without those for metals, funds of banks, and tests."""


def currency(code: str, *, pointer: str = "/currency") -> str:
    """Raises Invalid (`unknown-currency`): ISO 4217 has no such active code."""
    if code not in CURRENCIES:
        raise Invalid.field("unknown-currency", pointer, "Give a currency by its ISO 4217 code, such as EUR.")
    return code


def whole(number: int, *, pointer: str, least: int, most: int) -> int:
    """Raises Invalid (`out-of-range`)."""
    if not least <= number <= most:
        raise Invalid.field("out-of-range", pointer, f"This is a whole number from {least} to {most}.")
    return number
