"""Small VIDR and SC_VAT_TAX files written by tests: rows with the cells a test is about.

Companies, numbers and addresses are obviously demo; the columns are Amazon's.
"""

from decimal import Decimal
from pathlib import Path

from django.db import connection

from config.core.models import User
from invoicing.supplies import follow_import
from orders.imports.run import import_file
from orders.models import ImportFile

VIDR_COLUMNS = tuple(
    """
    marketplace-id order-id order-item-id shipping-id transaction-id transaction-type
    invoice-number invoice-status invoice-status-description is-amazon-invoiced order-date
    shipment-date buyer-vat-number seller-vat-number asin sku product-name quantity-purchased
    currency item-vat-incl-amount item-vat-amount item-vat-excl-amount item-vat-rate
    item-promo-vat-incl-amount item-promo-vat-excl-amount item-promo-vat-amount
    item-promo-vat-rate item-promotion-id gift-wrap-vat-incl-amount gift-wrap-vat-amount
    gift-wrap-vat-excl-amount gift-wrap-vat-rate gift-promo-vat-incl-amount
    gift-promo-vat-excl-amount gift-promo-vat-amount gift-promo-vat-rate gift-promotion-id
    shipping-vat-incl-amount shipping-vat-amount shipping-vat-excl-amount shipping-vat-rate
    shipping-promo-vat-incl-amount shipping-promo-vat-excl-amount shipping-promo-vat-amount
    shipping-promo-vat-rate ship-promotion-id is-business-order price-designation
    purchase-order-number recipient-name ship-service-level fulfilled-by ship-address-1
    ship-address-2 ship-address-3 ship-city ship-state ship-postal-code ship-country
    ship-phone-number ship-from-country ship-from-state ship-from-city ship-from-postal-code
    billing-name bill-address-1 bill-address-2 bill-address-3 bill-city bill-state
    bill-postal-code bill-country billing-phone-number buyer-name buyer-company-name
    legacy-customer-order-item-id recommended-invoice-format buyer-tax-registration-type
    buyer-e-invoice-account-id is-buyer-physically-present is-seller-physically-present
    citation-es citation-it citation-fr citation-de citation-en export-outside-eu
    is-invoice-corrected original-vat-invoice-number invoice-correction-details
    """.split()  # noqa: SIM905
)
PRICES = tuple(
    f"{kind} {part}"
    for kind in ("OUR_PRICE", "SHIPPING", "GIFTWRAP")
    for part in (
        "Tax Inclusive Selling Price", "Tax Amount", "Tax Exclusive Selling Price",
        "Tax Inclusive Promo Amount", "Tax Amount Promo", "Tax Exclusive Promo Amount",
    )
)  # fmt: skip
SC_COLUMNS = (
    "Marketplace ID", "Merchant ID", "Order Date", "Transaction Type", "Is Invoice Corrected",
    "Order ID", "Shipment Date", "Shipment ID", "Transaction ID", "ASIN", "SKU", "Quantity",
    "Tax Calculation Date", "Tax Rate", "Product Tax Code", "Currency", "Tax Type",
    "Tax Calculation Reason Code", "Tax Reporting Scheme", "Tax Collection Responsibility",
    "Tax Address Role", "Jurisdiction Level", "Jurisdiction Name", *PRICES,
    "Seller Tax Registration", "Seller Tax Registration Jurisdiction", "Buyer Tax Registration",
    "Buyer Tax Registration Jurisdiction", "Buyer Tax Registration Type",
    "Buyer E Invoice Account Id", "Invoice Level Currency Code", "Invoice Level Exchange Rate",
    "Invoice Level Exchange Rate Date", "Converted Tax Amount", "VAT Invoice Number",
    "Invoice Url", "Export Outside EU", "Ship From City", "Ship From State", "Ship From Country",
    "Ship From Postal Code", "Ship From Tax Location Code", "Ship To City", "Ship To State",
    "Ship To Country", "Ship To Postal Code", "Ship To Location Code", "Return Fc Country",
    "Is Amazon Invoiced", "Original VAT Invoice Number", "Invoice Correction Details",
    "SDI Invoice Delivery Status", "SDI Invoice Error Code", "SDI Invoice Error Description",
    "SDI Invoice Status Last Updated Date", "EInvoice URL",
)  # fmt: skip
DATA = Path(__file__).resolve().parent.parent / "data" / "reports"
ORDER = "302-1110001-0000001"
VIDR_ROW = {
    "marketplace-id": "A1PA6795UKMFR9",
    "order-id": ORDER,
    "order-item-id": "47100000000001",
    "shipping-id": "DDEMO0001",
    "transaction-id": "amzn1:crow:DEMOSHIP0001",
    "transaction-type": "SHIPMENT",
    "invoice-status": "InvoicePending",
    "is-amazon-invoiced": "false",
    "order-date": "2026-10-05T06:12:01+00:00",
    "shipment-date": "2026-10-06T12:00:00+00:00",
    "buyer-vat-number": "DE129274202",
    "seller-vat-number": "DE136695976",
    "asin": "B0DEMO0001",
    "sku": "DEMO-SKU-1",
    "product-name": "Demo-Schraubendreher für Büro & Werkstatt",
    "quantity-purchased": "2",
    "currency": "EUR",
    "item-vat-rate": "0.19",
    "is-business-order": "true",
    "price-designation": "Business Price",
    "purchase-order-number": "DEMO-PO-1",
    "recipient-name": "Demo Wareneingang",
    "ship-country": "DE",
    "ship-from-country": "DE",
    "billing-name": "Demo Einkauf AG",
    "bill-address-1": "Demoweg 1",
    "bill-city": "Hamburg",
    "bill-postal-code": "20457",
    "bill-country": "DE",
    "buyer-company-name": "Demo Einkauf AG",
    "export-outside-eu": "false",
    "is-invoice-corrected": "false",
}
SC_ROW = {
    "Marketplace ID": "DE",
    "Merchant ID": "ADEMOSELLER",
    "Order Date": "05-Oct-2026 UTC",
    "Transaction Type": "SHIPMENT",
    "Is Invoice Corrected": "false",
    "Order ID": ORDER,
    "Shipment Date": "06-Oct-2026 UTC",
    "Shipment ID": "DDEMO0001",
    "Transaction ID": "amzn1:crow:DEMOSHIP0001",
    "ASIN": "B0DEMO0001",
    "SKU": "DEMO-SKU-1",
    "Quantity": "2",
    "Tax Calculation Date": "05-Oct-2026 UTC",
    "Tax Rate": "0.1900",
    "Currency": "EUR",
    "Tax Type": "VAT",
    "Tax Collection Responsibility": "Seller",
    "Seller Tax Registration": "DE136695976",
    "Buyer Tax Registration": "DE129274202",
    "VAT Invoice Number": "DE600001DEMO1I",
    "Export Outside EU": "false",
    "Ship From Country": "DE",
    "Ship To Country": "DE",
    "Is Amazon Invoiced": "true",
}


def vidr_row(gross="119.00", tax="19.00", **cells) -> dict[str, str]:
    """One row of VIDR; ``gross`` and ``tax`` are the item's, other cells by name with hyphens."""
    given = {"item-vat-incl-amount": gross, "item-vat-amount": tax,
             "item-vat-excl-amount": str(Decimal(gross) - Decimal(tax))}  # fmt: skip
    return VIDR_ROW | given | {name.replace("_", "-"): str(v) for name, v in cells.items()}


def sc_row(gross="119.00", tax="19.00", **cells) -> dict[str, str]:
    """One row of SC_VAT_TAX; cells by name with underscores for blanks."""
    price = dict(zip(PRICES[:3], (gross, tax, str(Decimal(gross) - Decimal(tax))), strict=True))
    named = {name.replace("_", " ").casefold(): name for name in SC_COLUMNS}
    extra = {named[name.replace("_", " ").casefold()]: str(v) for name, v in cells.items()}
    return SC_ROW | price | extra


def vidr(*rows: dict, comma=False, columns=VIDR_COLUMNS) -> str:
    """VIDR's text; with ``comma`` amounts and rates as spreadsheets of the continent write them."""
    lines = ["\t".join(columns)]
    for row in rows:
        cells = [row.get(name, "") for name in columns]
        if comma:
            cells = [
                cell.replace(".", ",") if name.endswith(("amount", "rate")) else cell
                for name, cell in zip(columns, cells, strict=True)
            ]
        lines.append("\t".join(cells))
    return "\n".join(lines) + "\n"


def sc(*rows: dict, wrapped=False, columns=SC_COLUMNS) -> str:
    """SC_VAT_TAX's text; ``wrapped``: each line in one more pair of quotes."""
    lines = [",".join(_cell(cell) for cell in columns)]
    lines += [",".join(_cell(row.get(name, "")) for name in columns) for row in rows]
    if wrapped:
        lines = ['"' + line.replace('"', '""') + '"' for line in lines]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"') else text


def bring(folder: Path, content: str | bytes, *, seller, **more) -> ImportFile:
    """Import the content as the system actor, and do what follows after the commit."""
    path = folder / "report.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = import_file(path, by=User.objects.system(), seller=seller, **more)
    if connection.in_atomic_block:  # the hooks wait for a commit that a test never makes
        follow_import(done)
    return done


def report(name: str, *, seller, **more) -> ImportFile:
    """Import a sample file of ours as the system actor."""
    return import_file(DATA / name, by=User.objects.system(), seller=seller, **more)
