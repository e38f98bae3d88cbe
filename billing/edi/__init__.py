"""837P claims: model, writer, scrubber and gate.

Pure Python over values already read from the database: nothing here imports Django, opens a connection or reads the
clock, so a claim gives the same findings and the same bytes wherever and whenever it is checked.

    model       what one claim says, as frozen dataclasses (the 837P and the CMS-1500 read the same object)
    scrubber    rules over that model, before anything is written
    writer      model -> exact bytes, and where each claim sits in them
    document    rules over the bytes
    gate        document rules plus the public pyx12 validator: the last word before sending
"""
