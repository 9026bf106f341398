"""Core's addresses: log-in, preferences, jobs, health.

``login`` and ``logout`` carry no namespace, as Django's own settings expect.
"""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from config.core import health, preferences, views

core = [
    path("preferences/", preferences.change, name="preferences"),
    path("jobs/", views.JobList.as_view(), name="jobs"),
    path("jobs/<int:pk>/", views.job, name="job"),
    path("jobs/<int:pk>/result/", views.job_download, name="job-download"),
    path("jobs/<int:pk>/problems/", views.job_errors, name="job-errors"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

urlpatterns = [
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("", include((core, "core"))),
]
