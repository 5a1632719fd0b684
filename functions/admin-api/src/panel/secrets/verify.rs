//! The verifier: a request that an endpoint received, and whether its signature is right.
//!
//! The domain judges ([`verification`]). The page shows everything that was pasted again, except
//! the secret.

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use maud::{Markup, html};
use storehook_domain::{
    delivery::verification::{self, Finding, Pasted, Verification},
    input::field_errors::FieldErrors,
};

use crate::{
    app::App,
    error::ApiError,
    panel::{
        fields::Form,
        look::{
            form::{Field, summary},
            icon::Icon,
            page::{Page, Tab},
        },
        problem::Problem,
        session::Session,
    },
};

/// The longest body that can be verified, in bytes: the forms that it may have had are all tried.
const LONGEST_BODY: usize = 256 * 1024;

/// The longest text of any other field, in bytes.
const LONGEST_TEXT: usize = 32 * 1024;

/// Shows the form.
pub(crate) async fn show() -> Page {
    page(&Pasted::default(), None, &FieldErrors::default())
}

/// Verifies what was pasted.
pub(crate) async fn verify(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    Form(fields): Form,
) -> Result<Response, Problem> {
    let pasted = Pasted {
        headers: fields.get("headers"),
        body: fields.get("body"),
        secret: fields.get("secret"),
        computed: fields.get("computed"),
    };
    let (pasted, errors) = checked(pasted);
    if !errors.is_empty() {
        return Ok(page(&pasted, None, &errors).with(StatusCode::UNPROCESSABLE_ENTITY).into_response());
    }
    let loaded = app.secrets.load(&session.caller).await.map_err(ApiError::from)?;
    let secrets = loaded.ok_or(ApiError::Unauthorized)?.secrets;
    let prefix = &app.settings.rules.header_prefix;
    let found = verification::verify(&pasted, &secrets, prefix, session.now);
    Ok(page(&pasted, Some(&found), &FieldErrors::default()).into_response())
}

/// What was pasted, and what is wrong with it. A text that is too long is not shown again.
fn checked(mut pasted: Pasted<'_>) -> (Pasted<'_>, FieldErrors) {
    let mut errors = FieldErrors::default();
    for (field, text, longest) in [
        ("headers", &mut pasted.headers, LONGEST_TEXT),
        ("body", &mut pasted.body, LONGEST_BODY),
        ("computed", &mut pasted.computed, LONGEST_TEXT),
        ("secret", &mut pasted.secret, LONGEST_TEXT),
    ] {
        if text.len() > longest {
            errors.add(field, format!("is too long (the maximum is {} KiB)", longest / 1024));
            *text = "";
        } else if field == "headers" && text.trim().is_empty() {
            errors.add(field, "can't be blank");
        }
    }
    (pasted, errors)
}

fn page(pasted: &Pasted<'_>, found: Option<&Verification>, errors: &FieldErrors) -> Page {
    let field = |name, label, help| Field { name, label, help, errors };
    let headers =
        field("headers", "Headers", "One in each line, as curl, a log or your framework prints them.");
    let body = field("body", "Body", "The raw body, to the byte. Do not format it.");
    let computed = field(
        "computed",
        "The signature that your code computes (optional)",
        "It tells more mistakes: a wrong encoding, a wrong form of the secret, the wrong bytes.",
    );
    let secret = field(
        "secret",
        "The secret that your code uses (optional)",
        "It is compared with the secrets that sign, and neither kept nor shown again.",
    );
    let body = html! {
        p { a href="/panel/secrets" { "All about secrets" } }
        h1 { "Verify a request" }
        p.lead { "Paste a request that your endpoint received: see whether its signature is right, and if not, why." }
        (summary(errors))
        @if let Some(found) = found { (verdicts(found)) }
        form method="post" action="/panel/secrets/verify" {
            (headers.lines(pasted.headers, 8))
            (body.lines(pasted.body, 8))
            (computed.text(pasted.computed, "text"))
            (secret.text("", "password"))
            button.primary type="submit" { "Verify" }
        }
    };
    Page::new(Tab::Secrets, "Verify a request", body)
}

fn verdicts(found: &Verification) -> Markup {
    html! {
        section.notice role="status" tabindex="-1" autofocus aria-labelledby="result" {
            h2 id="result" { "Result" }
            ul.plain { @for finding in &found.findings { li { (verdict(finding)) } } }
            @if let Some(secret) = &found.secret { p { (secret) } }
        }
    }
}

fn verdict(finding: &Finding) -> Markup {
    let (class, icon, word) = match &finding.verdict {
        verdict if verdict.is_right() => ("state done", Icon::Check, "right"),
        verdict if verdict.is_right_but_for_its_time() => {
            ("state retrying", Icon::Warning, "right, but not now")
        }
        _ => ("state dead", Icon::Cross, "wrong"),
    };
    html! {
        span class=(class) { (icon.draw()) (word) } " "
        @match (&finding.header, finding.is_computed()) {
            (Some(header), _) => { code { (header) } ". " }
            (None, true) => "Your code's signature. ",
            (None, false) => {}
        }
        (finding.verdict)
    }
}

#[cfg(test)]
mod tests {
    use storehook_domain::delivery::verification::mistake::{Mistake, OwnSecret, Signer, Verdict};

    use super::*;

    fn finding(header: Option<&str>, verdict: Verdict) -> Finding {
        Finding { header: header.map(str::to_owned), verdict }
    }

    #[test]
    fn each_signature_has_its_verdict_and_what_to_do() {
        let by = Signer::Current;
        let old = Mistake::Old { age: jiff::SignedDuration::from_hours(3) };
        let hex = Verdict::Signed { by, mistakes: vec![Mistake::Hex] };
        let found = Verification {
            findings: vec![
                finding(Some("webhook-signature"), Verdict::Signed { by, mistakes: vec![old] }),
                finding(Some("X-Acme-HMAC-SHA256"), Verdict::Signed { by, mistakes: vec![] }),
                finding(None, Verdict::Computed(Box::new(hex))),
            ],
            secret: Some(OwnSecret::Foreign),
        };
        let text = verdicts(&found).into_string();
        let items: Vec<_> = text.split("<li>").skip(1).collect();
        assert!(items[0].contains("right, but not now") && items[0].contains("3 hours old"), "{}", items[0]);
        assert!(items[1].contains("right</span>") && items[1].contains("X-Acme-HMAC-SHA256"), "{}", items[1]);
        assert!(
            items[2].contains("wrong</span> Your code&#39;s")
                || items[2].contains("wrong</span> Your code's")
        );
        assert!(items[2].contains("hexadecimal") && items[2].contains("none of this app"), "{}", items[2]);
    }

    #[test]
    fn a_text_that_is_too_long_is_refused_and_not_shown_again() {
        let long = "x".repeat(LONGEST_BODY + 1);
        for (headers, body, computed, expected) in [
            ("a: b", &long[1..], "", &[][..]),
            ("a: b", &*long, "", &[("body", "is too long (the maximum is 256 KiB)")]),
            (" \n", "", "", &[("headers", "can't be blank")]),
            (
                &*long,
                "",
                &*long,
                &[
                    ("headers", "is too long (the maximum is 32 KiB)"),
                    ("computed", "is too long (the maximum is 32 KiB)"),
                ],
            ),
        ] {
            let (pasted, errors) = checked(Pasted { headers, body, secret: "", computed });
            let found: Vec<_> = errors.iter().map(|(field, texts)| (field, texts.concat())).collect();
            let found: Vec<_> = found.iter().map(|(field, text)| (*field, &**text)).collect();
            assert_eq!(found, expected);
            assert!(page(&pasted, None, &errors).body.into_string().len() < 2 * LONGEST_BODY);
        }
    }

    #[test]
    fn what_was_pasted_stays_escaped_and_the_secret_does_not() {
        let pasted = Pasted {
            headers: "a: </textarea><script>",
            body: "<b>",
            secret: "my-secret-of-24-characters",
            computed: "\"><script>",
        };
        let page = page(&pasted, None, &FieldErrors::one("headers", "can't be blank")).body.into_string();
        assert!(page.contains("a: &lt;/textarea&gt;&lt;script&gt;") && page.contains("&lt;b&gt;"), "{page}");
        assert!(page.contains("&quot;&gt;&lt;script&gt;") && !page.contains("<script>"), "{page}");
        assert!(!page.contains("my-secret") && page.contains("href=\"#headers\""), "{page}");
    }
}
