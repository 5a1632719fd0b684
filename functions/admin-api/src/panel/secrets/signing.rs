//! Which secrets sign now, and the form that makes a new one.

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use jiff::{Timestamp, tz::TimeZone};
use maud::{Markup, html};
use storehook_domain::{
    input::field_errors::FieldErrors,
    installation::secret_rotation::{DEFAULT_OVERLAP, InstallationSecret, LONGEST_OVERLAP},
    webhook::header_prefix::HeaderPrefix,
};

use crate::{
    app::App,
    error::ApiError,
    http::local_time::local_time,
    panel::{
        look::{
            form::{Field, summary},
            icon::Icon,
            page::{Page, Tab},
            time::when,
        },
        problem::Problem,
        session::Session,
    },
};

/// What the page shows of an installation's secrets.
pub(crate) struct Secrets {
    /// For each secret that signs, the newest first, when it stops: the newest does not.
    ends: Vec<Option<String>>,
    /// The installation's version, which a rotation must find unchanged.
    version: u64,
    /// The headers with a single signature.
    single: [String; 2],
    now: Timestamp,
}

impl Secrets {
    /// Loads what the page shows.
    pub(crate) async fn load(app: &App, session: &Session) -> Result<Self, ApiError> {
        let loaded = app.secrets.load(&session.caller).await?.ok_or(ApiError::Unauthorized)?;
        let prefix = &app.settings.rules.header_prefix;
        Ok(Self::of(&loaded.secrets, loaded.version, prefix, &session.caller.time_zone, session.now))
    }

    fn of(
        secrets: &[InstallationSecret],
        version: u64,
        prefix: &HeaderPrefix,
        zone: &TimeZone,
        now: Timestamp,
    ) -> Self {
        let signing = secrets.iter().rev().filter(|secret| secret.signs(now));
        let ends = signing.map(|secret| secret.retires_at.map(|time| local_time(time, zone))).collect();
        Self { ends, version, single: [prefix.name("HMAC-SHA256"), "X-Spiffy-HMAC-SHA256".to_owned()], now }
    }
}

/// Shows the secrets.
pub(crate) async fn show(
    State(app): State<App>,
    Extension(session): Extension<Session>,
) -> Result<Page, Problem> {
    let secrets = Secrets::load(&app, &session).await?;
    Ok(page(&secrets, &DEFAULT_OVERLAP.to_string(), &FieldErrors::default()))
}

/// Leads from the URL of a rotation to the secrets: a reload there must not end at nothing.
pub(crate) async fn lead() -> Response {
    Redirect::to("/panel/secrets").into_response()
}

/// The page, with what was typed for the overlap.
pub(crate) fn page(secrets: &Secrets, overlap: &str, errors: &FieldErrors) -> Page {
    let body = html! {
        h1 { "Secrets" }
        p.lead { "Storehook signs every delivery with a secret that only it and your app know. "
            "Your endpoint verifies the signature." }
        @if errors.names("version") { (has_changed()) } @else { (summary(errors)) }
        (signing(secrets))
        (rotation(secrets, overlap, errors))
        h2 { "A signature does not verify?" }
        p { "Paste a request that your endpoint received, and see which mistake it is." }
        p { a.button href="/panel/secrets/verify" { "Verify a request" } }
    };
    Page::new(Tab::Secrets, "Secrets", body)
}

fn has_changed() -> Markup {
    html! {
        div.problem role="alert" tabindex="-1" autofocus {
            h2 { "The secret was not rotated" }
            p { "The installation has changed since you opened this form. Most likely you or somebody else has just "
                "rotated the secret. A new secret is shown once: if nobody has copied it, rotate again." }
        }
    }
}

fn signing(secrets: &Secrets) -> Markup {
    let oldest = secrets.ends.len().saturating_sub(1);
    html! {
        // The API names `secret` when too many sign.
        h2 id="secret" tabindex="-1" { "What signs now" }
        table.cards {
            caption { "Secrets, the newest first. Their values are shown only when they are made." }
            thead { tr { th scope="col" { "Secret" } th scope="col" { "Signs until" } th scope="col" { "In these headers" } } }
            tbody {
                @for (index, end) in secrets.ends.iter().enumerate() {
                    tr {
                        th scope="row" {
                            span.state.active { (Icon::Check.draw()) @if index == 0 { "newest" } @else { "older" } }
                        }
                        td data-label="Signs until" {
                            @match end { Some(end) => (when(end, secrets.now)), None => "it is rotated" }
                        }
                        td data-label="In these headers" {
                            code { "webhook-signature" }
                            @if index == oldest { @for name in &secrets.single { ", " code { (name) } } }
                        }
                    }
                }
            }
        }
        @if secrets.ends.len() > 1 {
            p { code { "webhook-signature" } " holds a signature of each secret, so a receiver of it may change to the "
                "newest at any time. The other headers have room for one, that of the oldest: a receiver of them tries "
                "both secrets until the older one ends." }
        }
    }
}

fn rotation(secrets: &Secrets, overlap: &str, errors: &FieldErrors) -> Markup {
    let help = format!(
        "A whole number from 0 to {LONGEST_OVERLAP}. If a secret has leaked, write 0: then the older ones stop at once, \
         and receivers refuse deliveries until they have the new one."
    );
    let field = Field {
        name: "overlap_hours",
        label: "Hours for which older secrets still sign",
        help: &help,
        errors,
    };
    html! {
        section aria-labelledby="rotate" {
            h2 id="rotate" { "Rotate the secret" }
            p { "A new secret signs at once, and the next page shows it once: give it to your app. "
                "Until the hours are over, the older secrets sign beside it, and nothing fails. Then they end. "
                "A rotation never makes an earlier end later." }
            // Without htmx, a reload of the next page asks before it sends the form again.
            form method="post" action="/panel/secrets/rotate" hx-boost="false" {
                (field.text(overlap, "text"))
                input type="hidden" name="version" value=(secrets.version);
                button.primary type="submit" { "Make a new secret" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use storehook_domain::installation::secret::SharedSecret;

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn shown(errors: &FieldErrors) -> Result<String, Box<dyn std::error::Error>> {
        let retiring = |letter: &str, second| -> Result<_, Box<dyn std::error::Error>> {
            let retires_at = Some(Timestamp::from_second(second)?);
            Ok(InstallationSecret { secret: SharedSecret::parse(&letter.repeat(32))?, retires_at })
        };
        let newest = SharedSecret::parse(&"c".repeat(32))?.into();
        let all = [retiring("a", 500)?, retiring("b", 8_200)?, newest];
        let now = Timestamp::from_second(1_000)?;
        let secrets = Secrets::of(&all, 7, &HeaderPrefix::default(), &TimeZone::UTC, now);
        Ok(page(&secrets, "24", errors).body.into_string())
    }

    #[test]
    fn the_secrets_that_sign_are_told_with_their_headers_and_without_their_values() -> TestResult {
        let page = shown(&FieldErrors::default())?;
        assert_eq!(page.matches("<th scope=\"row\">").count(), 2, "a retired secret is not shown: {page}");
        let rows: Vec<_> = page.split("<tr>").skip(2).collect();
        assert!(rows[0].contains("newest") && rows[0].contains("it is rotated"), "{}", rows[0]);
        assert!(!rows[0].contains("X-Spiffy-Stores-HMAC-SHA256"), "{}", rows[0]);
        assert!(rows[1].contains("older") && rows[1].contains("in 2 h"), "{}", rows[1]);
        assert!(rows[1].contains("X-Spiffy-Stores-HMAC-SHA256") && rows[1].contains("X-Spiffy-HMAC-SHA256"));
        for value in ["aaaa", "bbbb", "cccc"] {
            assert!(!page.contains(value));
        }
        Ok(())
    }

    #[test]
    fn the_form_says_what_will_happen_and_holds_the_version() -> TestResult {
        let page = shown(&FieldErrors::default())?;
        assert!(page.contains("name=\"version\" value=\"7\"") && page.contains("name=\"overlap_hours\""));
        assert!(page.contains("shows it once") && page.contains("hx-boost=\"false\""));
        Ok(())
    }

    #[test]
    fn a_refused_rotation_says_why() -> TestResult {
        let range = shown(&FieldErrors::one("overlap_hours", "must be a whole number between 0 and 168"))?;
        assert!(range.contains("id=\"overlap_hours-error\"") && range.contains("href=\"#overlap_hours\""));
        let many = shown(&FieldErrors::one("secret", "has been rotated too often"))?;
        assert!(many.contains("href=\"#secret\"") && many.contains("has been rotated too often"), "{many}");
        let again = shown(&FieldErrors::one("version", "has changed since"))?;
        assert!(
            again.contains("was not rotated")
                && again.contains("has changed since you opened")
                && !again.contains("#version"),
            "{again}"
        );
        Ok(())
    }
}
