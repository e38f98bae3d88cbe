"""Background work on appointments. Tasks take ids only, and enter each organisation's context themselves."""

from uuid import UUID

from procrastinate.contrib.django import app

from omnirapeutic.audit import services as audit
from omnirapeutic.db import functions
from omnirapeutic.tenancy.context import tenant


@app.periodic(cron="7 * * * *")
@app.task(name="scheduling.lapse_stale_reservations", queueing_lock="scheduling.lapse_stale_reservations")
def lapse_stale_reservations(timestamp: int) -> None:
    """Gives back the units of bookings whose time passed long ago and that nobody started, in every organisation.

    A transaction per organisation and some 200 bookings. What fails in one is raised after the others had their turn.
    """
    failures = []
    for organization_id in functions.worker_organizations():
        try:
            lapse_in(organization_id)
        except Exception as error:  # the next organisation must not wait for this one's repair
            failures.append(error)
    if failures:
        raise ExceptionGroup("Stale reservations were not given back everywhere.", failures)


def lapse_in(organization_id: UUID) -> tuple[int, int]:
    """Lapses them in one organisation; returns how many appointments and units. Audited when there are any."""
    total = (0, 0)
    while True:
        with tenant(organization_id):
            appointments, units = functions.release_stale_reservations()
            if not appointments:
                return total
            audit.record(
                action="LAPSE", resource_type="appointment", details={"appointments": appointments, "units": units}
            )
        total = (total[0] + appointments, total[1] + units)
