from django.contrib.admin.apps import AdminConfig


class ClinicAdminConfig(AdminConfig):
    """Django's admin with our site in the place of its own."""

    default_site = "omnirapeutic.web.admin_site.ClinicAdminSite"
