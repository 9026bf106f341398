import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Date;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.logging.LogManager;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.VeraPDFFoundry;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;
import org.verapdf.pdfa.validation.profiles.ErrorDetails;
import org.verapdf.pdfa.validation.profiles.Profiles;
import org.verapdf.pdfa.validation.profiles.Rule;
import org.verapdf.pdfa.validation.profiles.RuleId;
import org.verapdf.pdfa.validation.profiles.ValidationProfile;
import org.verapdf.pdfa.validation.profiles.Variable;

/**
 * Answers for one PDF path a line on stdin, in every profile named on the command line (3a, ua1).
 * Lines out, tab separated: FAIL path profile rule times message; ERROR path profile message;
 * DONE path profile assertions. The process stays up until stdin ends: start-up costs a second.
 */
public final class Vera {
    private static final Map<String, String> SOURCES = Map.of("3a", "PDFA-3A", "ua1", "PDFUA-1");
    private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    private Vera() {
    }

    public static void main(String[] names) throws Exception {
        LogManager.getLogManager().reset();
        VeraGreenfieldFoundryProvider.initialise();
        Map<String, ValidationProfile> profiles = new LinkedHashMap<>();
        for (String name : names) {
            profiles.put(name, new Reader(SOURCES.get(name)).read());
        }
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String path = in.readLine(); path != null; path = in.readLine()) {
            for (var profile : profiles.entrySet()) {
                answer(path, profile.getKey(), profile.getValue());
            }
            OUT.flush();
        }
    }

    private static void answer(String path, String name, ValidationProfile profile) {
        try (InputStream file = Files.newInputStream(Path.of(path));
                VeraPDFFoundry foundry = Foundries.defaultInstance();
                PDFAParser parser = foundry.createParser(file, profile.getPDFAFlavour());
                PDFAValidator validator = foundry.createValidator(profile, false)) {
            ValidationResult result = validator.validate(parser);
            Map<RuleId, String> messages = new HashMap<>();
            for (TestAssertion assertion : result.getTestAssertions()) {
                if (assertion.getStatus() == TestAssertion.Status.FAILED) {
                    messages.putIfAbsent(assertion.getRuleId(), assertion.getMessage());
                }
            }
            for (var failed : result.getFailedChecks().entrySet()) {
                RuleId id = failed.getKey();
                String rule = id.getClause() + "-" + id.getTestNumber();
                say("FAIL", path, name, rule, failed.getValue(), messages.get(id));
            }
            if (!result.isCompliant() && result.getFailedChecks().isEmpty()) {
                say("ERROR", path, name, "not compliant, no rule named");
            }
            say("DONE", path, name, result.getTotalAssertions());
        } catch (Exception | StackOverflowError error) {
            say("ERROR", path, name, error);
            say("DONE", path, name, 0);
        }
    }

    private static void say(Object... parts) {
        StringBuilder line = new StringBuilder();
        for (Object part : parts) {
            line.append(line.length() == 0 ? "" : "\t")
                .append(String.valueOf(part).replaceAll("\\s+", " "));
        }
        OUT.println(line);
    }

    /** Reads a rule set of the jar: its own reader needs JAXB, which the jar does not carry. */
    private static final class Reader {
        private final String source;
        private final Set<Rule> rules = new LinkedHashSet<>();
        private final Set<Variable> variables = new LinkedHashSet<>();
        private final Deque<String> open = new ArrayDeque<>();
        private final Map<String, String> said = new HashMap<>();
        private RuleId id;
        private PDFAFlavour flavour;

        Reader(String source) {
            this.source = "org/verapdf/pdfa/validation/" + source + ".xml";
        }

        ValidationProfile read() throws IOException, XMLStreamException {
            XMLInputFactory factory = XMLInputFactory.newInstance();
            factory.setProperty(XMLInputFactory.IS_COALESCING, true);
            factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
            try (InputStream in = Vera.class.getClassLoader().getResourceAsStream(source)) {
                if (in == null) {
                    throw new IOException("the jar holds no " + source);
                }
                XMLStreamReader xml = factory.createXMLStreamReader(in);
                while (xml.hasNext()) {
                    switch (xml.next()) {
                        case XMLStreamConstants.START_ELEMENT -> begin(xml);
                        case XMLStreamConstants.CHARACTERS, XMLStreamConstants.CDATA ->
                            said.merge(open.peek(), xml.getText(), String::concat);
                        case XMLStreamConstants.END_ELEMENT -> end(open.pop());
                        default -> { }
                    }
                }
            }
            var details = Profiles.profileDetailsFromValues(source, source, "veraPDF", new Date(0));
            return Profiles.profileFromValues(flavour, details, "", rules, variables);
        }

        private void begin(XMLStreamReader xml) {
            String name = xml.getLocalName();
            open.push(name);
            said.remove(name);
            if (name.equals("rule") || name.equals("variable")) {
                said.clear();
            }
            for (int i = 0; i < xml.getAttributeCount(); i++) {
                said.put("@" + xml.getAttributeLocalName(i), xml.getAttributeValue(i));
            }
            if (name.equals("profile")) {
                flavour = PDFAFlavour.valueOf(said.get("@flavour"));
            } else if (name.equals("id")) {
                id = Profiles.ruleIdFromValues(
                    PDFAFlavour.Specification.valueOf(said.get("@specification")),
                    said.get("@clause"), Integer.parseInt(said.get("@testNumber")));
            }
        }

        private void end(String name) {
            if (name.equals("rule")) {
                String deferred = said.get("@deferred");
                ErrorDetails error = Profiles.errorFromValues(text("message"), List.of());
                rules.add(Profiles.ruleFromValues(id, said.get("@object"),
                    deferred == null ? null : Boolean.valueOf(deferred), said.get("@tags"),
                    text("description"), text("test"), error, List.of()));
            } else if (name.equals("variable")) {
                variables.add(Profiles.variableFromValues(said.get("@name"), said.get("@object"),
                    text("defaultValue"), text("value")));
            }
        }

        private String text(String name) {
            return said.getOrDefault(name, "").strip();
        }
    }
}
