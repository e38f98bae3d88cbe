"""What each client works on: programs with targets of all three measures."""

from dataclasses import dataclass
from random import Random
from uuid import UUID

from billing.demo.rows import Batch, new_id

# Program, target, measure, phase. The phases vary by client.
GOALS = (
    ("Communication", "Requests a preferred item", "DISCRETE_TRIAL"),
    ("Communication", "Answers social questions", "DISCRETE_TRIAL"),
    ("Learning readiness", "Follows one-step directions", "DISCRETE_TRIAL"),
    ("Learning readiness", "Stays with the activity", "DURATION"),
    ("Behavior reduction", "Aggression", "FREQUENCY"),
    ("Behavior reduction", "Tantrum", "DURATION"),
)
PHASES = ("INTERVENTION", "INTERVENTION", "MAINTENANCE", "INTERVENTION", "BASELINE", "GENERALIZATION")


@dataclass(frozen=True, slots=True)
class Goal:
    """A target; `falls` when it is something that ought to become less."""

    target_id: UUID
    program_id: UUID
    measure: str
    falls: bool


def add_goals(batch: Batch, rng: Random, client_id: UUID) -> list[Goal]:
    """The client's programs and targets."""
    programs: dict[str, UUID] = {}
    goals = []
    shift = rng.randrange(len(PHASES))
    for position, (program, name, measure) in enumerate(GOALS):
        if program not in programs:
            programs[program] = new_id(rng)
            batch.add("programs", programs[program], client_id, program)
        goal = Goal(new_id(rng), programs[program], measure, falls=program == "Behavior reduction")
        phase = PHASES[(position + shift) % len(PHASES)]
        batch.add("targets", goal.target_id, client_id, goal.program_id, name, measure, phase, position)
        goals.append(goal)
    return goals
