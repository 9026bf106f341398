"""Addresses of refunds, documents and settlement reports."""

from django.urls import path

from invoicing.views import documents, refund, refunds, settlements

app_name = "invoicing"
urlpatterns = [
    path("refunds/", refunds.RefundList.as_view(), name="refunds"),
    path("refunds/bulk/approve/", refunds.approve, name="refunds-approve"),
    path("refunds/<uuid:key>/", refund.show, name="refund"),
    path("refunds/<uuid:key>/<slug:verb>/", refund.run, name="refund-verb"),
    path("documents/", documents.DocumentList.as_view(), name="documents"),
    path("documents/<int:pk>/", documents.show, name="document"),
    path("documents/<int:pk>/file/", documents.file, name="document-file"),
    path("documents/<int:pk>/<slug:verb>/", documents.run, name="document-verb"),
    path("settlement/", settlements.RunList.as_view(), name="settlements"),
    path("settlement/new/", settlements.new, name="settlement-new"),
    path("settlement/jobs/<int:pk>/", settlements.progress, name="settlement-job"),
    path("settlement/untied/", settlements.UntiedList.as_view(), name="settlement-untied"),
    path("settlement/opening-balance.csv", settlements.template, name="opening-balance"),
    path("settlement/<int:pk>/", settlements.show, name="settlement-run"),
    path("settlement/<int:pk>/file/", settlements.file, name="settlement-file"),
]
