use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::Mac as _;

use super::*;
use crate::{
    delivery::{
        signature::{body_signature, mac_of, standard_signatures},
        verification::mistake::{Escapes, Signer},
    },
    installation::secret::{InvalidSecret, SharedSecret},
    payload::json_layout::JsonLayout,
};

type TestResult = Result<(), Box<dyn std::error::Error>>;

const BODY: &str = r#"{"id":1,"name":"Zoë","url":"https://a.example/"}"#;
const HMAC: &str = "X-Spiffy-Stores-HMAC-SHA256";

/// Of these three, `a` signs no more, `b` still signs, and `c` is the newest. Their texts are valid
/// base64.
fn secret(letter: &str) -> Result<SharedSecret, InvalidSecret> {
    SharedSecret::parse(&letter.repeat(32))
}

fn secrets() -> Result<Vec<InstallationSecret>, Box<dyn std::error::Error>> {
    let retiring = |letter, second| -> Result<_, Box<dyn std::error::Error>> {
        Ok(InstallationSecret { secret: secret(letter)?, retires_at: Some(Timestamp::from_second(second)?) })
    };
    Ok(vec![retiring("a", 500)?, retiring("b", 2_000)?, secret("c")?.into()])
}

fn now() -> Timestamp {
    Timestamp::from_second(1_000).unwrap_or_default()
}

fn check(pasted: Pasted<'_>) -> Result<Verification, Box<dyn std::error::Error>> {
    Ok(verify(&pasted, &secrets()?, &HeaderPrefix::default(), now()))
}

/// The headers of a delivery that this secret signed at this second.
fn signed(letter: &str, second: i64) -> Result<String, Box<dyn std::error::Error>> {
    let at = Timestamp::from_second(second)?;
    let signature = standard_signatures([&secret(letter)?], "7-e1", at, BODY.as_bytes());
    Ok(format!("webhook-id: 7-e1\nwebhook-timestamp: {second}\nwebhook-signature: {signature}\n"))
}

#[test]
fn a_genuine_delivery_is_right_in_each_header_and_tells_its_secret() -> TestResult {
    let (older, newest) = (secret("b")?, secret("c")?);
    let both = standard_signatures([&older, &newest], "7-e1", now(), BODY.as_bytes());
    let single = body_signature(&older, BODY.as_bytes());
    let headers = format!(
        "webhook-id: 7-e1\nwebhook-timestamp: 1000\nwebhook-signature: {both}\n\
         {HMAC}: {single}\nX-Spiffy-HMAC-SHA256: {single}"
    );
    let found = check(Pasted { headers: &headers, body: BODY, ..Pasted::default() })?.findings;
    let signers = found.iter().map(|finding| match &finding.verdict {
        Verdict::Signed { by, mistakes } if mistakes.is_empty() => Some(*by),
        _ => None,
    });
    assert_eq!(
        signers.collect::<Vec<_>>(),
        [Some(Signer::Current), Some(Signer::Older), Some(Signer::Older)]
    );
    let names: Vec<_> = found.iter().filter_map(|finding| finding.header.as_deref()).collect();
    assert_eq!(names, ["webhook-signature", HMAC, "X-Spiffy-HMAC-SHA256"]);
    assert!(found.iter().all(|finding| finding.verdict.is_right()));
    assert_eq!(found[0].verdict.to_string(), "It is right: the current secret made it.");
    Ok(())
}

#[test]
fn a_changed_body_is_told_by_what_was_signed() -> TestResult {
    let rewritten = |layout, escapes| Mistake::Rewritten { layout, escapes };
    for (was, became, mistake) in [
        ("{}", "{}\n", Mistake::LineBreakAdded),
        ("<a/>\n", "<a/>", Mistake::LineBreakRemoved),
        ("{\r\n}", "{\n}", Mistake::LineBreaks),
        ("<a>\n</a>", "<a>\r\n</a>", Mistake::LineBreaks),
        (r#"{"a":[1,2]}"#, r#"{"a": [1, 2]}"#, rewritten(Some(JsonLayout::Compact), None)),
        (r#"{"a": [1, 2]}"#, r#"{"a":[1,2]}"#, rewritten(Some(JsonLayout::Spaced), None)),
        ("{\n  \"a\": 1\n}", r#"{"a":1}"#, rewritten(Some(JsonLayout::Indented(2)), None)),
        ("{\n    \"a\": 1\n}", r#"{"a": 1}"#, rewritten(Some(JsonLayout::Indented(4)), None)),
        (r#"{"a":"ë😀"}"#, r#"{"a":"\u00eb\ud83d\ude00"}"#, rewritten(None, Some(Escapes::None))),
        (r#"{"a":"\u00eb\ud83d\ude00"}"#, r#"{"a":"ë😀"}"#, rewritten(None, Some(Escapes::NonAscii))),
        (r#"{"a":"\/\u00eb\n"}"#, r#"{"a":"/ë\n"}"#, rewritten(None, Some(Escapes::NonAsciiAndSlash))),
        (
            r#"{"a":"é\"\\u00e9"}"#,
            r#"{"a": "\u00e9\"\\u00e9"}"#,
            rewritten(Some(JsonLayout::Compact), Some(Escapes::None)),
        ),
    ] {
        let headers = format!("{HMAC}: {}", body_signature(&secret("c")?, was.as_bytes()));
        let found = check(Pasted { headers: &headers, body: became, ..Pasted::default() })?.findings;
        let expected = Verdict::Signed { by: Signer::Current, mistakes: vec![mistake] };
        assert_eq!(found[0].verdict, expected, "{was} became {became}");
        assert!(!found[0].verdict.is_right());
    }
    Ok(())
}

#[test]
fn a_signature_that_receivers_compute_is_told_by_its_mistake() -> TestResult {
    let current = secret("c")?;
    let digest = |key: &[u8], data: &str| mac_of(key, &[data.as_bytes()]).finalize().into_bytes();
    let over_all = format!("7-e1.1000.{BODY}");
    let plain = digest(current.key(), BODY);
    let whsec = current.reveal_standard();
    let decoded = STANDARD.decode(current.key())?;
    for (computed, mistakes) in [
        (STANDARD.encode(plain), vec![]),
        (format!("v1,{}", STANDARD.encode(digest(current.key(), &over_all))), vec![]),
        (hex::encode(plain), vec![Mistake::Hex]),
        (format!("sha256={}", hex::encode_upper(plain)), vec![Mistake::Hex]),
        (STANDARD.encode(hex::encode(plain)), vec![Mistake::HexInBase64]),
        (URL_SAFE_NO_PAD.encode(plain), vec![Mistake::OtherBase64]),
        (STANDARD.encode(digest(whsec.as_bytes(), &over_all)), vec![Mistake::UndecodedSecret]),
        (STANDARD.encode(digest(&whsec.as_bytes()[6..], BODY)), vec![Mistake::UndecodedSecret]),
        (STANDARD.encode(digest(&decoded, &over_all)), vec![Mistake::DecodedSecret]),
        (STANDARD.encode(digest(&[current.key(), b"\n"].concat(), BODY)), vec![Mistake::SecretWithLineBreak]),
        (hex::encode(digest(whsec.as_bytes(), BODY)), vec![Mistake::Hex, Mistake::UndecodedSecret]),
        (STANDARD.encode(digest(current.key(), &format!("{BODY}\n"))), vec![Mistake::LineBreakRemoved]),
    ] {
        let headers = signed("c", 1_000)?;
        let pasted = Pasted { headers: &headers, body: BODY, computed: &computed, ..Pasted::default() };
        let found = check(pasted)?.findings;
        assert!(found[0].verdict.is_right(), "the delivery itself is right");
        let expected = Verdict::Signed { by: Signer::Current, mistakes };
        assert_eq!(found[1].verdict, Verdict::Computed(Box::new(expected)), "{computed}");
    }
    Ok(())
}

#[test]
fn the_signature_of_the_other_scheme_is_told_in_either_header() -> TestResult {
    let current = secret("c")?;
    let (alone, all) = (
        body_signature(&current, BODY.as_bytes()),
        body_signature(&current, format!("7-e1.1000.{BODY}").as_bytes()),
    );
    let head = "webhook-id: 7-e1\nwebhook-timestamp: 1000";
    for (header, mistakes) in [
        (format!("webhook-signature: v1,{alone}"), vec![Mistake::BodyAlone]),
        (format!("webhook-signature: {all}"), vec![Mistake::NoVersion]),
        (format!("{HMAC}: {all}"), vec![Mistake::IdAndTime]),
    ] {
        let headers = format!("{head}\n{header}");
        let found = check(Pasted { headers: &headers, body: BODY, ..Pasted::default() })?.findings;
        assert_eq!(found[0].verdict, Verdict::Signed { by: Signer::Current, mistakes }, "{header}");
    }
    Ok(())
}

#[test]
fn a_timestamp_may_be_five_minutes_away() -> TestResult {
    for (second, mistakes) in [
        (1_000, vec![]),
        (700, vec![]),
        (699, vec![Mistake::Old { age: SignedDuration::from_secs(301) }]),
        (1_300, vec![]),
        (1_301, vec![Mistake::Early { ahead: SignedDuration::from_secs(301) }]),
    ] {
        let headers = signed("b", second)?;
        let found = check(Pasted { headers: &headers, body: BODY, ..Pasted::default() })?.findings;
        assert_eq!(found[0].verdict, Verdict::Signed { by: Signer::Older, mistakes }, "{second}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_verified_is_told_by_its_reason() -> TestResult {
    let unknown = signed("d", 1_000)?;
    let retired = signed("a", 1_000)?;
    let single = body_signature(&secret("c")?, BODY.as_bytes());
    for (headers, expected) in [
        (String::new(), Verdict::NoSignature),
        ("Content-Type: application/json".to_owned(), Verdict::NoSignature),
        ("X-Hub-Signature-256: sha256=00".to_owned(), Verdict::OtherScheme("x-hub-signature-256".to_owned())),
        ("webhook-timestamp: 1\nwebhook-signature: v1,a".to_owned(), Verdict::Missing("webhook-id")),
        ("webhook-id: 1\nwebhook-signature: v1,a".to_owned(), Verdict::Missing("webhook-timestamp")),
        (format!("{HMAC}: abc"), Verdict::Malformed),
        (format!("{HMAC}: {}", &single[..20]), Verdict::Malformed),
        (unknown, Verdict::Unknown),
        (retired, Verdict::Signed { by: Signer::Retired, mistakes: vec![] }),
        (
            format!("x-spiffy-hmac-sha256: {single}"),
            Verdict::Signed { by: Signer::Current, mistakes: vec![] },
        ),
    ] {
        let found = check(Pasted { headers: &headers, body: BODY, ..Pasted::default() })?.findings;
        assert_eq!(found[0].verdict, expected, "{headers}");
    }
    Ok(())
}

#[test]
fn ones_own_secret_is_known_in_either_form() -> TestResult {
    let ours = |which, is_standard| Some(OwnSecret::Ours { which, is_standard });
    for (own, expected) in [
        (String::new(), None),
        (" \n".to_owned(), None),
        ("c".repeat(32), ours(Signer::Current, false)),
        (format!(" {}\n", "c".repeat(32)), ours(Signer::Current, false)),
        (secret("c")?.reveal_standard(), ours(Signer::Current, true)),
        (secret("b")?.reveal_standard(), ours(Signer::Older, true)),
        ("a".repeat(32), ours(Signer::Retired, false)),
        ("d".repeat(32), Some(OwnSecret::Foreign)),
        ("whsec_###".to_owned(), Some(OwnSecret::Foreign)),
    ] {
        assert_eq!(check(Pasted { secret: &own, ..Pasted::default() })?.secret, expected, "{own}");
    }
    Ok(())
}

#[test]
fn a_request_for_another_app_is_known_by_its_secret() -> TestResult {
    let headers = signed("d", 1_000)?;
    for own in ["d".repeat(32), secret("d")?.reveal_standard()] {
        let pasted = Pasted { headers: &headers, body: BODY, secret: &own, ..Pasted::default() };
        let found = check(pasted)?;
        let expected = Verdict::Signed { by: Signer::Yours, mistakes: vec![] };
        assert_eq!((&found.findings[0].verdict, found.secret), (&expected, Some(OwnSecret::Foreign)));
        assert!(!expected.is_right());
    }
    Ok(())
}

#[test]
fn every_mistake_says_what_to_do_and_no_sentence_tells_a_secret() -> TestResult {
    let headers =
        format!("{HMAC}: {}", hex::encode(mac_of(secret("c")?.key(), &[b"{}"]).finalize().into_bytes()));
    let found =
        check(Pasted { headers: &headers, body: "{ }", secret: &"d".repeat(32), ..Pasted::default() })?;
    assert_eq!(
        found.findings[0].verdict.to_string(),
        "It was made with the current secret, but not as it should be. It is in hexadecimal digits: encode the 32 \
         bytes of the digest in base64. The body was parsed and encoded again: the one that was signed has no white \
         space between its parts. Verify the raw bytes, before anything parses them."
    );
    assert!(!format!("{found:?}").contains("dddd") && !format!("{found:?}").contains("cccc"));
    let old = Mistake::Old { age: SignedDuration::from_hours(3) };
    assert!(old.to_string().starts_with("Its webhook-timestamp is 3 hours old"), "{old}");
    Ok(())
}
