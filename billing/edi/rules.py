"""Every rule by its stable code: how bad it is and what to do about it.

The scrubber (claim model) and the document check (bytes) share this table, so one mistake has one code wherever it is
caught. A fix is read by the biller who has to correct the claim; it names fields, never their contents.
"""

from dataclasses import dataclass

from billing.edi.findings import Severity

BLOCK, WARN = Severity.BLOCK, Severity.WARN


@dataclass(frozen=True, slots=True)
class Rule:
    """Default severity and fixed text of one code."""

    severity: Severity
    fix: str


def _block(fix: str) -> Rule:
    return Rule(BLOCK, fix)


def _warn(fix: str) -> Rule:
    return Rule(WARN, fix)


SHARED = {
    # Who
    "NPI_INVALID": _block("Enter the ten-digit NPI again; its check digit does not fit."),
    "EIN_INVALID": _block("Enter the clinic's nine-digit tax number (EIN)."),
    "TAXONOMY_INVALID": _block("Choose a provider taxonomy code of ten characters, such as 103K00000X."),
    "BILLING_PO_BOX": _block("Enter the clinic's street address; a PO box may only be the pay-to address."),
    "BILLING_ZIP_PLUS_4": _block("Enter all nine digits of the clinic's ZIP code (ZIP+4)."),
    "ZIP_INVALID": _block("Enter a ZIP code of five or nine digits."),
    "SUBSCRIBER_IS_PATIENT": _block("Either the patient is the subscriber, or a patient with a relationship is given."),
    "SUBSCRIBER_DEMOGRAPHICS": _block("Enter address, birth date and sex of the subscriber, who is the patient."),
    # Claim
    "CLAIM_NUMBER_LENGTH": _block("Use a claim number of 1 to 20 characters; longer ones come back cut."),
    "LINE_NUMBER_LENGTH": _block("Use a line control number of 1 to 30 characters."),
    "LINE_NUMBER_DUPLICATE": _block("Give every service line its own control number."),
    "FREQUENCY_UNKNOWN": _block("Choose 1 (original), 7 (replacement) or 8 (void)."),
    "PAYER_CLAIM_NUMBER_MISSING": _block("Enter the payer's claim number of the claim being replaced or voided."),
    "PAYER_CLAIM_NUMBER_UNEXPECTED": _block("Remove the payer's claim number; an original claim has none."),
    "LINES_NONE": _block("Add at least one service line."),
    "LINES_TOO_MANY": _block("Split the claim; it may hold 50 service lines."),
    # Clinical
    "DIAGNOSIS_NONE": _block("Add a diagnosis."),
    "DIAGNOSES_TOO_MANY": _block("Keep the twelve diagnoses that matter most."),
    "DIAGNOSIS_FORMAT": _block("Enter an ICD-10-CM code."),
    "DIAGNOSIS_DUPLICATE": _block("List each diagnosis once."),
    "POINTER_NONE": _block("Link the line to at least one diagnosis."),
    "POINTER_UNKNOWN": _block("Link the line to diagnoses that are on the claim, each at most once."),
    "SERVICE_CODE_FORMAT": _block("Enter a CPT or HCPCS code of five characters."),
    "MODIFIER_FORMAT": _block("Enter each modifier as two letters or digits, once."),
    "PLACE_FORMAT": _block("Enter a two-digit place of service."),
    # Amounts
    "UNITS_INVALID": _block("Bill a whole number of units greater than zero."),
    "CHARGE_NOT_POSITIVE": _block("Enter a charge greater than zero."),
    "TOTAL_NOT_SUM": _block("Make the claim's total the sum of its lines."),
    "ADJUDICATION_UNBALANCED": _block("Earlier payer: paid and adjusted amounts must add up to the line's charge."),
    "PAYER_PAID_UNBALANCED": _block("Earlier payer: the amount paid on the claim must be the sum paid on its lines."),
}

SCRUBBER = SHARED | {
    "VALUE_MISSING": _block("Fill in this field."),
    "VALUE_TOO_LONG": _block("Shorten this field; the payer's format has no room for it."),
    "VALUE_UNKNOWN": _block("Choose one of the values the payer's format knows."),
    "LETTERS_LOST": _block("Spell this field in Latin letters, as on the insurance card."),
    "ID_CHARACTERS": _block("Use capitals, digits and simple punctuation only; this number must come back unchanged."),
    "STATE_INVALID": _block("Enter the two-letter state."),
    "PHONE_INVALID": _block("Enter a telephone number of ten digits, or leave it out and give an e-mail address."),
    "MEMBER_ID_PATTERN": _block("Compare the member id with the card; this payer's ids look different."),
    "RENDERING_MISSING": _block("Name the provider who rendered the service."),
    "SUPERVISOR_IS_RENDERING": _warn("Leave the supervisor out when it is the rendering provider."),
    "FACILITY_MISSING": _warn("Add the place's name and address; it is neither the clinic nor the home."),
    "FACILITY_UNEXPECTED": _warn("Leave the service location out; the patient's home needs none."),
    "DIAGNOSIS_EXPECTED": _warn("This payer expects another diagnosis for these services, usually F84.0."),
    "POINTERS_TOO_MANY": _block("Link the line to at most four diagnoses."),
    "SERVICE_CODE_UNKNOWN": _block("Choose a service code the clinic bills."),
    "MODIFIERS_TOO_MANY": _block("Keep at most four modifiers."),
    "TELEHEALTH_MODIFIER": _warn("Telehealth place without a telehealth modifier: check what this payer wants."),
    "TELEHEALTH_PLACE": _warn("Telehealth modifier without place 02 or 10: check what this payer wants."),
    "LINE_DUPLICATE": _block("Combine the lines of one code on one day, or the second is denied as a duplicate."),
    "UNITS_OVER_MINUTES": _block("Bill no more units than the session's minutes give."),
    "UNITS_UNDER_MINUTES": _warn("The session's minutes give more units than are billed."),
    "MUE_EXCEEDED": _block("Bill no more units of this code on one day than the payer takes."),
    "CENTS": _block("Enter an amount in dollars and whole cents, below 100 million."),
    "CHARGE_NOT_RATE": _block("Make the charge units times the rate."),
    "SERVICE_DATE_FUTURE": _block("The service date lies in the future."),
    "SERVICE_BEFORE_BIRTH": _block("The service date lies before the patient's birth."),
    "BIRTH_DATE_FUTURE": _block("The birth date lies in the future."),
    "OUTSIDE_COVERAGE": _block("The patient was not covered by this plan on the service date."),
    "FILING_LATE": _block("The payer's filing limit has passed; file with proof of timely filing or write off."),
    "AUTHORIZATION_MISSING": _block("Add the authorization number."),
    "AUTHORIZATION_UNKNOWN": _block("The authorization named on the line does not cover its service code."),
    "OUTSIDE_AUTHORIZATION": _block("The service date lies outside the authorization."),
    "AUTHORIZATION_UNITS": _block("Bill no more units than the authorization has left."),
    "NOTE_UNSIGNED": _block("Have the session note signed before billing."),
    "SIGNATURE_MISSING": _block("Record the provider's signature on file."),
    "OTHER_PAYER_MISSING": _block("Add the payers that come before this one."),
    "PAYER_ORDER": _block("Give every coverage its own place in the order of payers."),
    "ADJUDICATION_PAYER": _block("A line was adjudicated by a payer that is not on the claim, or twice by one."),
}

DOCUMENT = SHARED | {
    "NOT_ASCII": _block("The file holds a character outside ASCII; write it again with the current writer."),
    "CHARACTER_REFUSED": _block("The element holds a character that may not stand in data, or a stray separator."),
    "EMPTY_END": _block("Elements and components that are empty are not written at the end."),
    "ISA_LAYOUT": _block("ISA must be 106 characters in fixed widths, with separators * ^ : ~ and version 00501."),
    "ENVELOPE_ORDER": _block("The file must be one ISA with GS, ST ... SE, GE and IEA in this order."),
    "CONTROL_NUMBER_FORMAT": _block("ISA13 has nine digits, GS06 no leading zero, ST02 four to nine digits."),
    "CONTROL_NUMBER_MISMATCH": _block("Header and trailer must carry the same control number."),
    "COUNT_WRONG": _block("The trailer's count does not fit what stands before it."),
    "SET_NUMBER_DUPLICATE": _block("Give every transaction set its own number in the interchange."),
    "VERSION_WRONG": _block("GS01 must be HC, ST01 837, and GS08 and ST03 005010X222A1."),
    "CLAIMS_TOO_MANY": _block("Put at most 5,000 claims into one transaction set."),
    "CLAIM_NUMBER_DUPLICATE": _block("Give every claim its own number."),
    "LEVEL_SEQUENCE": _block("Number the HL levels from 1 without gaps."),
    "LEVEL_PARENT": _block("Each level must stand under the right one: 20, then 22, then 23."),
    "SEGMENT_MISPLACED": _block("The segment stands where its loop does not begin."),
    "SEGMENT_MISSING": _block("A segment that this loop cannot do without is missing."),
    "ADDRESS_INCOMPLETE": _block("Write street and city of this party."),
    "DATE_INVALID": _block("Write a calendar date as CCYYMMDD."),
    "AMOUNT_FORMAT": _block("Write amounts as plain decimals without trailing zeros, at most two decimals."),
}
