"""What is worked on: programs, and the targets that are measured."""

from django.db import transaction
from django.db.models import Max

from clinic.models import Patient, User
from omnirapeutic.audit import services as audit
from omnirapeutic.tenancy import context
from sessions.exceptions import SessionRefused
from sessions.models import Program, Target


@transaction.atomic
def create_program(*, patient: Patient, name: str, actor: User) -> Program:
    """Adds a program to a client; one of that name that is active is used instead of a second one."""
    _lock(patient)
    found = Program.objects.filter(patient=patient, is_active=True, name__iexact=name.strip()).first()
    if found is not None:
        return found
    program = Program.objects.create(
        organization_id=context.required().organization_id, patient=patient, name=name.strip()
    )
    audit.record(action="CREATE", resource_type="program", resource_id=program.id)
    return program


@transaction.atomic
def create_target(
    *, patient: Patient, program: Program, name: str, measure: str, phase: str = Target.Phase.BASELINE, actor: User
) -> Target:
    """Adds a target at the end of the client's list. Raises `SessionRefused` (NAME_TAKEN) for a second of that name."""
    _lock(patient)
    name = name.strip()
    if Target.objects.filter(patient=patient, program=program, is_active=True, name__iexact=name).exists():
        raise SessionRefused("NAME_TAKEN")
    last = Target.objects.filter(patient=patient).aggregate(last=Max("position"))["last"]
    target = Target.objects.create(
        organization_id=context.required().organization_id,
        patient=patient,
        program=program,
        name=name,
        measure=measure,
        phase=phase,
        position=0 if last is None else last + 1,
    )
    audit.record(action="CREATE", resource_type="target", resource_id=target.id)
    return target


def _lock(patient: Patient) -> None:
    """Two people who add to one client's list take turns: names and positions stay unique."""
    Patient.objects.select_for_update(no_key=True).only("id").get(id=patient.id)
