"""Addresses of sessions."""

from django.urls import path

from sessions.views import capture, day, notes, programs, review

urlpatterns = [
    path("my-day/", day.my_day, name="my_day"),
    path("appointments/<uuid:appointment_id>/start/", day.session_start, name="session_start"),
    path("sessions/<uuid:session_id>/", capture.session_capture, name="session_capture"),
    path("sessions/<uuid:session_id>/events/", capture.session_events, name="session_events"),
    path("sessions/<uuid:session_id>/end/", capture.session_end, name="session_end"),
    path("sessions/<uuid:session_id>/note/", notes.session_note, name="session_note"),
    path("sessions/<uuid:session_id>/note/sign/", notes.session_note_sign, name="session_note_sign"),
    path("review/", review.review, name="review"),
    path("sessions/<uuid:session_id>/review/", review.session_review, name="session_review"),
    path("sessions/<uuid:session_id>/cosign/", review.session_cosign, name="session_cosign"),
    path("caseload/", programs.caseload, name="caseload"),
    path("clients/<uuid:patient_id>/programs/", programs.program_list, name="program_list"),
    path("clients/<uuid:patient_id>/targets/new/", programs.target_new, name="target_new"),
]
