"""Addresses of the imports pages."""

from django.urls import path

from orders import views

app_name = "orders"
urlpatterns = [
    path("imports/", views.ImportList.as_view(), name="imports"),
    path("imports/new/", views.import_new, name="import-new"),
    path("imports/jobs/<int:pk>/", views.import_job, name="import-job"),
    path("imports/<int:pk>/", views.import_file, name="import"),
    path("imports/<int:pk>/problems/", views.import_problems, name="import-problems"),
]
