"""Logs for machines: one JSON line a record, made of listed fields only."""

import json
import logging

FIELDS = ("incident_id", "code", "status", "view", "organization_id", "task", "port")


class SafeFormatter(logging.Formatter):
    """Writes the message's template, never its arguments, and of an exception the type and where it was raised.

    Arguments, exception texts and local values are where patient data would be.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "event": str(record.msg),
        }
        line |= {name: str(getattr(record, name)) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["at"] = _frames(record)
        return json.dumps(line)


def _frames(record: logging.LogRecord) -> str:
    traceback = record.exc_info[2] if record.exc_info else None
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{code.co_qualname}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return " > ".join(frames[-12:])
