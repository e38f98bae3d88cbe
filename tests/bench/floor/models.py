"""The clinic's own tables, seen by plain models."""

import uuid

from django.db import models


class Patient(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    first_name = models.TextField()
    last_name = models.TextField()
    date_of_birth = models.DateField()
    guardian_name = models.TextField(null=True)
    guardian_phone = models.TextField(null=True)
    city = models.TextField(null=True)
    is_active = models.BooleanField(default=True)
    search_key = models.TextField()

    class Meta:
        managed = False
        db_table = "patients"
        ordering = ["search_key", "id"]

    def __str__(self) -> str:
        return f"{self.last_name}, {self.first_name}"


class Insurance(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="insurances")
    payer_name = models.TextField()
    member_id = models.TextField()

    class Meta:
        managed = False
        db_table = "patient_insurance"

    def __str__(self) -> str:
        return self.payer_name


class Authorization(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="authorizations")
    service_code = models.TextField()
    total_units = models.IntegerField()
    used_units = models.IntegerField()
    end_date = models.DateField()

    class Meta:
        managed = False
        db_table = "authorizations"

    def __str__(self) -> str:
        return self.service_code

    @property
    def free_units(self) -> int:
        return self.total_units - self.used_units
