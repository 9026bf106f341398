"""The demo's buyers: invented companies of many countries, languages and kinds of e-invoice."""

from typing import NamedTuple


class DemoBuyer(NamedTuple):
    """A company that buys. ``country`` is the marketplace's where empty, ``language`` too.

    ``profile`` is the e-invoice it takes where the rules for that are installed, with the scheme of
    its address; ``vat`` says whether it has a VAT id: "yes", "no" or "wrong". Across a border the
    sale is free of tax with one, and taxed where the goods go without.
    """

    name: str
    postal_code: str
    city: str
    kind: str
    street: str
    country: str = ""
    language: str = ""
    profile: str = ""
    scheme: str = ""
    reference: str = ""
    vat: str = "yes"


# The first of a marketplace buy its supplies by the box, the last of DE has no e-mail address.
BUYERS = {
    "DE": (
        DemoBuyer("Demo Klinikum Nord gGmbH", "20095", "Hamburg", "health", "Beispielallee 12",
                  profile="xrechnung-ubl", scheme="9930", reference="04011000-DEMO-86"),
        DemoBuyer("Musterbau Demo AG", "80331", "München", "business", "Probeweg 4",
                  profile="peppol-ubl", scheme="9930", reference="EK-4711"),
        DemoBuyer("Stadtwerke Beispielstadt (Demo)", "50667", "Köln", "public", "Am Muster 7",
                  profile="xrechnung-cii", scheme="9930", reference="05315000-DEMO-33"),
        DemoBuyer("Demo Logistik & Söhne KG", "04109", "Leipzig", "business", "Testufer 3",
                  profile="en16931-ubl", scheme="9930"),
        DemoBuyer("Beispielschule Demo e. V.", "70173", "Stuttgart", "education", "Lehrpfad 9"),
        DemoBuyer("Muestras Ibéricas S.L. (demo)", "46001", "Valencia", "business",
                  "Calle Modelo 14", country="ES", language="es"),
        DemoBuyer("Voorbeeld Techniek B.V. (demo)", "3011 AA", "Rotterdam", "business",
                  "Proefkade 6", country="NL", language="nl", profile="peppol-ubl",
                  scheme="9944", reference="INK-88"),
        DemoBuyer("Przykład Serwis Sp. z o.o. (demo)", "00-001", "Warszawa", "business",
                  "ul. Wzorcowa 5", country="PL", language="pl", vat="no"),
        DemoBuyer("Muster Bergbahnen AG (Demo)", "3920", "Zermatt", "business",
                  "Musterstrasse 8", country="CH", vat="no"),
        DemoBuyer("Demo Maschinenbau Österreich GmbH", "1010", "Wien", "business",
                  "Musterring 2", country="AT"),
    ),
    "UK": (
        DemoBuyer("Demo Facilities Ltd", "EC1A 1BB", "London", "business", "1 Example Lane"),
        DemoBuyer("Example County Council (Demo)", "LS1 1UR", "Leeds", "public", "2 Sample Square"),
        DemoBuyer("Sample Engineering plc (Demo)", "M1 1AE", "Manchester", "business",
                  "3 Mock Mill"),
    ),
    "FR": (
        DemoBuyer("Démo Bâtiment SARL", "69001", "Lyon", "business", "4 rue de l'Exemple"),
        DemoBuyer("Hôpital de Démonstration", "75001", "Paris", "health", "5 quai du Modèle"),
        DemoBuyer("Atelier Exemple SAS (démo)", "31000", "Toulouse", "business",
                  "6 allée du Test", vat="no"),
        DemoBuyer("Bureau Modèle SRL (démo)", "1000", "Bruxelles", "business",
                  "21 rue du Spécimen", country="BE", profile="peppol-ubl", scheme="9925",
                  reference="ACH-12"),
    ),
    "IT": (
        DemoBuyer("Demo Officine S.r.l.", "20121", "Milano", "business", "Via Esempio 7"),
        DemoBuyer("Comune di Esempio (demo)", "40121", "Bologna", "public", "Piazza Prova 8"),
    ),
    "ES": (
        DemoBuyer("Demo Suministros S.L.", "28001", "Madrid", "business", "Calle Ejemplo 9"),
        DemoBuyer("Clínica de Muestra (demo)", "08001", "Barcelona", "health",
                  "Avenida Prueba 10"),
    ),
    "NL": (
        DemoBuyer("Demo Bouwgroep B.V.", "1012 AB", "Amsterdam", "business", "Voorbeeldgracht 3",
                  profile="en16931-ubl", scheme="9944"),
        DemoBuyer("Voorbeeldziekenhuis (demo)", "3511 AX", "Utrecht", "health", "Proefweg 11"),
    ),
    "PL": (
        DemoBuyer("Demo Narzędzia Sp. z o.o.", "31-001", "Kraków", "business",
                  "ul. Przykładowa 2"),
        DemoBuyer("Szkoła Wzorcowa (demo)", "80-001", "Gdańsk", "education", "ul. Próbna 4"),
    ),
    "US": (
        DemoBuyer("Demo Robotics Inc.", "77002", "Houston", "business", "11 Sample Street"),
        DemoBuyer("Example State University (Demo)", "78701", "Austin", "education",
                  "12 Mock Avenue"),
        DemoBuyer("Sample Fleet Services LLC (Demo)", "75201", "Dallas", "business",
                  "13 Test Road"),
        DemoBuyer("Demo City Schools", "78205", "San Antonio", "public", "14 Example Drive"),
    ),
    "CA": (
        DemoBuyer("Demo Prairie Supply Ltd.", "M5V 1J9", "Toronto", "business", "15 Sample Way"),
        DemoBuyer("Exemple Santé Inc. (démo)", "K1P 1J1", "Ottawa", "health", "16 rue Modèle",
                  language="fr"),
    ),
    "JP": (
        DemoBuyer("見本製作所株式会社(デモ)", "530-0001", "大阪市北区", "business",
                  "見本通り17"),
        DemoBuyer("デモ大学", "600-8216", "京都市下京区", "education", "例示町18"),
    ),
}  # fmt: skip
# Buyers whose invoices the gate stops, each for another reason: no address, a VAT id that cannot
# be one, the rate of a country where the seller is not registered. They return nothing.
STOPPED = {
    "DE": (
        DemoBuyer("Probe & Partner (Demo)", "", "", "business", "", vat="no"),
        DemoBuyer("Vorlage Handel GmbH (Demo)", "8010", "Graz", "business", "Musterplatz 3",
                  country="AT", vat="wrong"),
        DemoBuyer("Ukázka nástroje s.r.o. (demo)", "110 00", "Praha", "business",
                  "Vzorová 7", country="CZ", language="en", vat="no"),
    ),
}  # fmt: skip
