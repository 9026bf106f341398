"""Addresses of refunds, documents and settlement reports."""

from django.urls import path

from invoicing.views import document, documents, refund, refunds, settlements, tax_rows

app_name = "invoicing"
urlpatterns = [
    path("refunds/", refunds.RefundList.as_view(), name="refunds"),
    path("refunds/bulk/approve/", refunds.approve, name="refunds-approve"),
    path("refunds/<uuid:key>/", refund.show, name="refund"),
    path("refunds/<uuid:key>/<slug:verb>/", refund.run, name="refund-verb"),
    path("documents/", documents.DocumentList.as_view(), name="documents"),
    path("documents/drafts/", documents.DraftList.as_view(), name="drafts"),
    path("documents/drafts/try-again/", documents.try_again, name="drafts-try-again"),
    path("documents/tax-data/", tax_rows.show, name="tax-data"),
    path("documents/<int:pk>/", document.show, name="document"),
    path("documents/<int:pk>/file/", document.file, name="document-file"),
    path("documents/<int:pk>/file/<slug:kind>/", document.file, name="document-artifact"),
    path("documents/<int:pk>/xml/<slug:kind>/", document.xml, name="document-xml"),
    path(
        "documents/<int:pk>/deliveries/<int:delivery_id>/<slug:verb>/",
        document.hand_over,
        name="delivery-verb",
    ),
    path("documents/<int:pk>/<slug:verb>/", document.run, name="document-verb"),
    path("settlement/", settlements.RunList.as_view(), name="settlements"),
    path("settlement/new/", settlements.new, name="settlement-new"),
    path("settlement/jobs/<int:pk>/", settlements.progress, name="settlement-job"),
    path("settlement/untied/", settlements.UntiedList.as_view(), name="settlement-untied"),
    path("settlement/opening-balance.csv", settlements.template, name="opening-balance"),
    path("settlement/<int:pk>/", settlements.show, name="settlement-run"),
    path("settlement/<int:pk>/file/", settlements.file, name="settlement-file"),
]
