//! English singulars, as ActiveSupport makes them.
//!
//! The children of an array have the singular of its name, and a reader of the XML expects the one
//! that Rails would print: `taxes` has `tax` children, but `movies` has `movie` ones. The rules are
//! ActiveSupport's own, which are frozen (`inflections.rb`: "we do not change them to become more
//! complete"): an ordered table of endings, of which the first that fits counts. ASCII case does
//! not matter, and the kept letters keep their case. A word that no rule fits is its own singular.

/// The rules: what must stand before the ending, the ending, and what replaces it. A `^` is the
/// start of the word.
///
/// ActiveSupport writes them as regular expressions. If one excludes a letter (`([^f])ves` makes
/// `fe`), here a row for the excluded letter stands before it.
const RULES: [(&str, &str, &str); 79] = [
    // Irregular words. Their singulars stay as they are.
    ("z", "ombies", "ombie"),
    ("z", "ombie", "ombie"),
    ("m", "oves", "ove"),
    ("m", "ove", "ove"),
    ("s", "exes", "ex"),
    ("s", "ex", "ex"),
    ("c", "hildren", "hild"),
    ("c", "hild", "hild"),
    ("m", "en", "an"),
    ("m", "an", "an"),
    ("p", "eople", "erson"),
    ("p", "erson", "erson"),
    // Endings, from special to general.
    ("database", "s", ""),
    ("quiz", "zes", ""),
    ("matr", "ices", "ix"),
    ("vert", "ices", "ex"),
    ("ind", "ices", "ex"),
    ("^ox", "en", ""),
    ("alias", "es", ""),
    ("alias", "", ""),
    ("status", "es", ""),
    ("status", "", ""),
    ("octop", "us", "us"),
    ("octop", "i", "us"),
    ("vir", "us", "us"),
    ("vir", "i", "us"),
    ("^a", "xis", "xis"),
    ("^a", "xes", "xis"),
    ("cris", "is", "is"),
    ("cris", "es", "is"),
    ("test", "is", "is"),
    ("test", "es", "is"),
    ("shoe", "s", ""),
    ("o", "es", ""),
    ("bus", "es", ""),
    ("bus", "", ""),
    ("^m", "ice", "ouse"),
    ("^l", "ice", "ouse"),
    ("x", "es", ""),
    ("ch", "es", ""),
    ("ss", "es", ""),
    ("sh", "es", ""),
    ("m", "ovies", "ovie"),
    ("s", "eries", "eries"),
    ("^ie", "s", ""),
    ("qu", "ies", "y"),
    ("aie", "s", ""),
    ("eie", "s", ""),
    ("iie", "s", ""),
    ("oie", "s", ""),
    ("uie", "s", ""),
    ("yie", "s", ""),
    ("", "ies", "y"),
    ("l", "ves", "f"),
    ("r", "ves", "f"),
    ("tive", "s", ""),
    ("hive", "s", ""),
    ("^ve", "s", ""),
    ("fve", "s", ""),
    ("", "ves", "fe"),
    ("analy", "sis", "sis"),
    ("analy", "ses", "sis"),
    ("ba", "sis", "sis"),
    ("ba", "ses", "sis"),
    ("diagno", "sis", "sis"),
    ("diagno", "ses", "sis"),
    ("parenthe", "sis", "sis"),
    ("parenthe", "ses", "sis"),
    ("progno", "sis", "sis"),
    ("progno", "ses", "sis"),
    ("synop", "sis", "sis"),
    ("synop", "ses", "sis"),
    ("the", "sis", "sis"),
    ("the", "ses", "sis"),
    ("t", "a", "um"),
    ("i", "a", "um"),
    ("n", "ews", "ews"),
    ("ss", "", ""),
    ("", "s", ""),
];

/// Words without a plural, alone or as the last of several (`order-information`).
const UNCOUNTABLE: [&str; 10] =
    ["equipment", "information", "rice", "money", "species", "series", "fish", "sheep", "jeans", "police"];

/// The singular of a name whose words are joined by dashes.
pub(crate) fn singular(name: &str) -> String {
    let is_uncountable = UNCOUNTABLE.iter().any(|word| {
        let before = without_ending(name, word).map(|before| before.chars().next_back());
        before.is_some_and(|last| last.is_none_or(|last| !last.is_alphanumeric() && last != '_'))
    });
    let rule = RULES.iter().find_map(|(kept, lost, gained)| {
        let rest = without_ending(name, lost)?;
        let fits = match kept.strip_prefix('^') {
            Some(whole) => rest.eq_ignore_ascii_case(whole),
            None => without_ending(rest, kept).is_some(),
        };
        fits.then(|| format!("{rest}{gained}"))
    });
    rule.filter(|_| !is_uncountable).unwrap_or_else(|| name.to_owned())
}

/// The text before an ASCII ending, in any case.
fn without_ending<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let (rest, last) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
    last.eq_ignore_ascii_case(ending).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singulars_are_those_of_active_support() {
        for (plural, expected) in [
            ("line-items", "line-item"),
            ("addresses", "address"),
            ("properties", "property"),
            ("statuses", "status"),
            ("taxes", "tax"),
            ("tax-lines", "tax-line"),
            ("boxes", "box"),
            ("series", "series"),
            ("people", "person"),
            ("children", "child"),
            ("tracking-urls", "tracking-url"),
            ("categories", "category"),
            ("variants", "variant"),
            ("discount-codes", "discount-code"),
            ("note-attributes", "note-attribute"),
            ("fulfillments", "fulfillment"),
            ("payment-gateway-names", "payment-gateway-name"),
            ("variant-ids", "variant-id"),
            ("images", "image"),
            ("values", "value"),
            ("keys", "key"),
            ("prices", "price"),
            ("houses", "house"),
            ("status", "status"),
            ("bus", "bus"),
            ("address", "address"),
            ("price", "price"),
            ("person", "person"),
            ("data", "datum"),
            ("media", "medium"),
            ("criteria", "criterium"),
            ("analyses", "analysis"),
            ("bases", "basis"),
            ("matrices", "matrix"),
            ("indices", "index"),
            ("vertices", "vertex"),
            ("quizzes", "quiz"),
            ("databases", "database"),
            ("movies", "movie"),
            ("shoes", "shoe"),
            ("heroes", "hero"),
            ("buses", "bus"),
            ("mice", "mouse"),
            ("oxen", "ox"),
            ("aliases", "alias"),
            ("octopi", "octopus"),
            ("axes", "axis"),
            ("crises", "crisis"),
            ("wolves", "wolf"),
            ("knives", "knife"),
            ("hives", "hive"),
            ("natives", "native"),
            ("queries", "query"),
            ("soliloquies", "soliloquy"),
            ("cookies", "cooky"),
            ("glasses", "glass"),
            ("dishes", "dish"),
            ("batches", "batch"),
            ("men", "man"),
            ("women", "woman"),
            ("sexes", "sex"),
            ("zombies", "zombie"),
            ("order-information", "order-information"),
            ("customer-series", "customer-series"),
            ("sheep", "sheep"),
            ("police", "police"),
            ("viruses", "viruse"),
            ("leaves", "leafe"),
            ("bias", "bia"),
            ("STATUSES", "STATUS"),
            ("People", "Person"),
            ("dead-mice", "dead-mice"),
            ("prefix-rice", "prefix-rice"),
            ("price-ricer", "price-ricer"),
            // Without a plural is a whole word only, and an underscore does not end one.
            ("blue-jeans", "blue-jeans"),
            ("bluejeans", "bluejean"),
            ("blue_jeans", "blue_jean"),
            ("s", ""),
            ("ss", "ss"),
            ("ves", "ve"),
            ("ies", "ie"),
        ] {
            assert_eq!(singular(plural), expected, "{plural}");
        }
    }
}
