"""Who and what the demo is about: sellers, people, buyers, goods. Data only, all of it invented."""

SELLERS = (
    {
        "code": "DH",
        "name": "Demo Handwerk",
        "legal_name": "Demo Handwerk GmbH",
        "amazon_seller_id": "A1DEMOHANDWERK",
        "address_line1": "Musterstraße 1",
        "postal_code": "10115",
        "city": "Berlin",
        "country": "DE",
        "email": "retouren@demo-handwerk.example",
        "contact_name": "Demo Retourenabteilung",
        "phone": "+49 30 555 0100",
        "legal_id": "HRB 900001 DEMO",
        "approver_email": "finanzen@demo-handwerk.example",
        "time_zone": "Europe/Berlin",
    },
    {
        "code": "DS",
        "name": "Demo Supply",
        "legal_name": "Demo Supply Inc.",
        "amazon_seller_id": "A2DEMOSUPPLY",
        "address_line1": "1 Example Plaza",
        "postal_code": "78701",
        "city": "Austin",
        "state": "TX",
        "country": "US",
        "email": "returns@demo-supply.example",
        "contact_name": "Demo Returns Desk",
        "phone": "+1 512 555 0100",
        "approver_email": "finance@demo-supply.example",
        "time_zone": "America/Chicago",
    },
    {
        "code": "DJ",
        "name": "Demo Shokai",
        "legal_name": "デモ商会株式会社",
        "amazon_seller_id": "A3DEMOSHOKAI",
        "address_line1": "見本町1-2-3",
        "postal_code": "100-0001",
        "city": "東京都千代田区",
        "country": "JP",
        "email": "henpin@demo-shokai.example",
        "contact_name": "デモ返品係",
        "phone": "+81 3 5555 0100",
        "approver_email": "keiri@demo-shokai.example",
        "time_zone": "Asia/Tokyo",
    },
)
# seller, marketplaces, share of the returns
CHANNELS = (
    ("DH", "DE", 30),
    ("DH", "UK", 12),
    ("DH", "FR", 10),
    ("DH", "IT", 7),
    ("DH", "ES", 6),
    ("DH", "NL", 3),
    ("DH", "PL", 3),
    ("DS", "US", 17),
    ("DS", "CA", 6),
    ("DJ", "JP", 7),
)
# seller, country, scheme; the numbers are made to pass their check digits
REGISTRATIONS = (
    ("DH", "DE", "VAT"),
    ("DH", "GB", "VAT"),
    ("DH", "FR", "VAT"),
    ("DH", "IT", "VAT"),
    ("DH", "ES", "VAT"),
    ("DH", "NL", "VAT"),
    ("DH", "PL", "VAT"),
    ("DS", "CA", "GST"),
    ("DJ", "JP", "JCT"),
)
AMAZON_ISSUES = (("DH", "ES"),)
# Marketplaces invoiced from Amazon's tax data, one invoice a shipment, and where the goods lie.
FROM_TAX_DATA = {"UK": "GB", "FR": "FR", "NL": "NL", "PL": "PL"}
HOME = {"DH": "DE", "DS": "US", "DJ": "JP"}
PEOPLE = (
    ("agent", "agent", "Demo Agent"),
    ("agent2", "agent", "Demo Agent Two"),
    ("inspector", "inspector", "Demo Inspector"),
    ("lead", "lead", "Demo Lead"),
    ("finance", "finance", "Demo Finance"),
    ("finance2", "finance", "Demo Finance Two"),
    ("auditor", "auditor", "Demo Auditor"),
    ("admin", "admin", "Demo Admin"),
)
PASSWORD = "demo-demo-demo"  # noqa: S105 printed at start, demo only
STANDARD_RATE = {
    "DE": "0.19",
    "UK": "0.20",
    "FR": "0.20",
    "IT": "0.22",
    "ES": "0.21",
    "NL": "0.21",
    "PL": "0.23",
    "CZ": "0.21",
    "US": "0.0825",
    "CA": "0.13",
    "JP": "0.10",
}
# Printed books, where their rate is another one; the United Kingdom rates them zero.
BOOK_RATE = {"DE": "0.07", "UK": "0", "IT": "0.04", "ES": "0.04", "NL": "0.09", "PL": "0.05",
             "CA": "0.05"}  # fmt: skip
# Gross price factor against a price in euro.
PRICE_FACTOR = {"EUR": "1", "GBP": "0.86", "USD": "1.09", "CAD": "1.48", "JPY": "162",
                "PLN": "4.3"}  # fmt: skip
LIMITS = {"EUR": 500, "GBP": 450, "USD": 500, "CAD": 700, "JPY": 80000, "PLN": 2100}
# Demo rates of exchange: units for one euro, moved a little every day.
FX = {"PLN": "4.2500", "GBP": "0.8600", "USD": "1.0900"}

# SKU, title, category, price in euro, made to order
PRODUCTS = (
    ("BOHR-18V-KIT", "18V cordless drill kit, 2 batteries", "power tools", "189.00", False),
    ("FLEX-125", "Angle grinder 125 mm, 900 W", "power tools", "74.90", False),
    ("SAEGE-184", "Circular saw 184 mm with guide rail", "power tools", "149.00", False),
    ("GEHOER-25", "Banded ear protectors, box of 25", "safety", "119.00", False),
    ("HELM-GELB", "Safety helmet, yellow, vented", "safety", "24.50", False),
    ("HANDSCH-L", "Nitrile gloves L, box of 100", "safety", "12.49", False),
    ("BRILLE-UV", "Safety goggles, anti-fog", "safety", "9.95", False),
    ("STUHL-ERGO", "Office chair, adjustable lumbar support", "furniture", "249.00", False),
    ("TISCH-160", "Height-adjustable desk 160 × 80 cm", "furniture", "489.00", False),
    ("REGAL-5", "Archive shelf, 5 boards, 175 kg each", "furniture", "89.90", False),
    ("TONER-26X", "Toner cartridge, black, high yield", "office", "84.50", False),
    ("PAPIER-A4", "Copy paper A4 80 g, 5 × 500 sheets", "office", "27.90", False),
    ("ETIKETT-50", "Label sheets A4, 50 pack, matte", "office", "16.90", False),
    ("SCANNER-2D", "2D barcode scanner, USB", "electronics", "159.00", False),
    ("NETZTEIL-65", "USB-C power supply 65 W", "electronics", "39.90", False),
    ("MONITOR-27", "27-inch monitor, QHD, USB-C", "electronics", "289.00", False),
    ("KAMERA-IP4", "Security camera, IP67, 4 MP", "security", "112.00", False),
    ("SCHLOSS-BT", "Electronic door lock with keypad", "security", "179.00", False),
    ("FILTER-LKW", "Cabin air filter for vans, 4 pack", "car parts", "44.90", False),
    ("BREMSE-VA", "Brake pad set, front axle", "car parts", "58.70", False),
    ("BUCH-ARBSCH", "Handbook of occupational safety, printed", "books", "42.00", False),
    ("SCHILD-GRAV", "Engraved door sign, your text", "office", "34.00", True),
    ("LED-PANEL", "LED panel 62 × 62 cm, 4000 K", "electronics", "64.90", False),
    ("KABEL-50M", "Cable reel 50 m, IP44", "industrial", "79.90", False),
    ("PUMPE-400", "Submersible pump 400 W", "industrial", "94.00", False),
)
SHIP_STATE = {"US": "TX", "CA": "ON"}
REASONS = (
    ("CR-DEFECTIVE", 22),
    ("CR-UNWANTED_ITEM", 16),
    ("CR-ORDERED_WRONG_ITEM", 14),
    ("CR-DAMAGED_BY_CARRIER", 10),
    ("AMZ-PG-BAD-DESC", 9),
    ("CR-NOT_COMPATIBLE", 8),
    ("CR-SWITCHEROO", 6),
    ("CR-MISSING_PARTS", 6),
    ("CR-NO_REASON_GIVEN", 5),
    ("CR-FOUND_BETTER_PRICE", 4),
)
SITES = ("Demo warehouse", "Demo logistics partner")  # where goods come back to
CARRIERS = ("DHL", "UPS", "DPD", "GLS", "FedEx")
# What somebody else should look at before a return is approved, where it is not 500.
SECOND_LOOK = {"UK": 450, "CA": 700, "JP": 80000, "PL": 2100}
# What agents note, by how the return goes on.
NOTES = (
    "Called the buyer: the goods are packed and wait for the carrier.",
    "The buyer asks for the credit note by mail to the accounts department.",
    "Third return of this item this quarter. Told purchasing.",
    "The buyer prefers a replacement but takes the money if we have no stock.",
)
WATCHED = {
    "Demo Suministros S.L.": "Returns opened toner again and again. Look before you approve.",
    "Demo City Schools": "Two claims against us last term for goods we had delivered.",
}
