"""Sizes a file must keep. Tighter than the segment map where clearinghouses cut or refuse what the map allows."""

MAX_LINES = 50  # service lines of a claim
MAX_DIAGNOSES = 12
MAX_POINTERS = 4
MAX_MODIFIERS = 4
MAX_CLAIM_NUMBER = 20  # CLM01; the map allows 38, remittances come back with 20
MAX_LINE_NUMBER = 30  # REF*6R; the map allows 50
MAX_CLAIMS_PER_PATIENT = 100  # claims under one HL
MAX_CLAIMS_PER_SET = 5_000  # CLM of one ST
MAX_CONTROL_NUMBER = 999_999_999  # ISA13, GS06, ST02
