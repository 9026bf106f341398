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
        "approver_email": "keiri@demo-shokai.example",
        "time_zone": "Asia/Tokyo",
    },
)
# seller, marketplaces, share of the returns
CHANNELS = (
    ("DH", "DE", 30),
    ("DH", "UK", 13),
    ("DH", "FR", 11),
    ("DH", "IT", 8),
    ("DH", "ES", 7),
    ("DS", "US", 18),
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
    ("DS", "CA", "GST"),
    ("DJ", "JP", "JCT"),
)
AMAZON_ISSUES = (("DH", "ES"),)
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
    "US": "0.0825",
    "CA": "0.13",
    "JP": "0.10",
}
# Gross price factor against a price in euro.
PRICE_FACTOR = {"EUR": "1", "GBP": "0.86", "USD": "1.09", "CAD": "1.48", "JPY": "162"}
LIMITS = {"EUR": 500, "GBP": 450, "USD": 500, "CAD": 700, "JPY": 80000}

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
    ("SCHILD-GRAV", "Engraved door sign, your text", "office", "34.00", True),
    ("LED-PANEL", "LED panel 62 × 62 cm, 4000 K", "electronics", "64.90", False),
    ("KABEL-50M", "Cable reel 50 m, IP44", "industrial", "79.90", False),
    ("PUMPE-400", "Submersible pump 400 W", "industrial", "94.00", False),
)
# marketplace → (company, postal code, city, kind, street)
BUYERS = {
    "DE": (
        ("Demo Klinikum Nord gGmbH", "20095", "Hamburg", "health", "Beispielallee 12"),
        ("Musterbau Demo AG", "80331", "München", "business", "Probeweg 4"),
        ("Stadtwerke Beispielstadt (Demo)", "50667", "Köln", "public", "Am Muster 7"),
        ("Demo Logistik & Söhne KG", "04109", "Leipzig", "business", "Testufer 3"),
        ("Beispielschule Demo e. V.", "70173", "Stuttgart", "education", "Lehrpfad 9"),
        ("Demo Maschinenbau Österreich GmbH", "1010", "Wien", "business", "Musterring 2"),
    ),
    "UK": (
        ("Demo Facilities Ltd", "EC1A 1BB", "London", "business", "1 Example Lane"),
        ("Example County Council (Demo)", "LS1 1UR", "Leeds", "public", "2 Sample Square"),
        ("Sample Engineering plc (Demo)", "M1 1AE", "Manchester", "business", "3 Mock Mill"),
    ),
    "FR": (
        ("Démo Bâtiment SARL", "69001", "Lyon", "business", "4 rue de l'Exemple"),
        ("Hôpital de Démonstration", "75001", "Paris", "health", "5 quai du Modèle"),
        ("Atelier Exemple SAS (démo)", "31000", "Toulouse", "business", "6 allée du Test"),
    ),
    "IT": (
        ("Demo Officine S.r.l.", "20121", "Milano", "business", "Via Esempio 7"),
        ("Comune di Esempio (demo)", "40121", "Bologna", "public", "Piazza Prova 8"),
    ),
    "ES": (
        ("Demo Suministros S.L.", "28001", "Madrid", "business", "Calle Ejemplo 9"),
        ("Clínica de Muestra (demo)", "08001", "Barcelona", "health", "Avenida Prueba 10"),
    ),
    "US": (
        ("Demo Robotics Inc.", "77002", "Houston", "business", "11 Sample Street"),
        ("Example State University (Demo)", "78701", "Austin", "education", "12 Mock Avenue"),
        ("Sample Fleet Services LLC (Demo)", "75201", "Dallas", "business", "13 Test Road"),
        ("Demo City Schools", "78205", "San Antonio", "public", "14 Example Drive"),
    ),
    "CA": (
        ("Demo Prairie Supply Ltd.", "M5V 1J9", "Toronto", "business", "15 Sample Way"),
        ("Exemple Santé Inc. (démo)", "K1P 1J1", "Ottawa", "health", "16 rue Modèle"),
    ),
    "JP": (
        ("見本製作所株式会社(デモ)", "530-0001", "大阪市北区", "business", "見本通り17"),
        ("デモ大学", "600-8216", "京都市下京区", "education", "例示町18"),
    ),
}
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
CARRIERS = ("DHL", "UPS", "DPD", "GLS", "FedEx")
# What somebody else should look at before a return is approved, where it is not 500.
SECOND_LOOK = {"UK": 450, "CA": 700, "JP": 80000}
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
