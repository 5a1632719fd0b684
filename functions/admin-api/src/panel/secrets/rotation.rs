//! The rotation of the secret. Its response shows the new one, once.
//!
//! The form holds the version that the installation had when the page was made, and a rotation
//! needs it to be still the same. So a second click, or a reload of the response, rotates nothing.

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use maud::html;
use serde_json::{Map, Value, json};
use storehook_domain::{input::field_errors::FieldErrors, installation::secret_rotation::SecretRotation};

use crate::{
    app::App,
    error::ApiError,
    panel::{
        fields::{Fields, Form},
        look::{
            code,
            page::{Page, Tab},
            time::when,
        },
        problem::Problem,
        secrets::signing::{self, Secrets},
        session::Session,
    },
    secrets::{
        responses::{SecretResponse, ShownSecret},
        routes::rotate_secret,
    },
};

/// Makes a new secret, and shows it.
pub(crate) async fn rotate(
    State(app): State<App>,
    Extension(session): Extension<Session>,
    Form(fields): Form,
) -> Result<Response, Problem> {
    let made = match request(&fields) {
        Ok((rotation, version)) => rotate_secret(&app, &session.caller, &rotation, Some(version)).await,
        Err(errors) => Err(ApiError::Invalid(errors)),
    };
    match made {
        Ok(new) => {
            let shown = SecretResponse::of(&new, &session.caller.time_zone).secret;
            Ok(made_page(&shown, session.now).into_response())
        }
        Err(ApiError::Invalid(errors)) => {
            let secrets = Secrets::load(&app, &session).await?;
            let page = signing::page(&secrets, fields.get("overlap_hours"), &errors);
            Ok(page.with(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// The rotation that a form asks for, and the version that it was made for.
fn request(fields: &Fields) -> Result<(SecretRotation, u64), FieldErrors> {
    let hours = fields.get("overlap_hours").trim();
    let hours: Value = hours.parse::<u64>().map_or_else(|_| json!(hours), |hours| json!(hours));
    let rotation = SecretRotation::parse(&Map::from_iter([("overlap_hours".to_owned(), hours)]))?;
    let version = fields.get("version").parse().map_err(|_| FieldErrors::one("version", "is invalid"))?;
    Ok((rotation, version))
}

fn made_page(secret: &ShownSecret, now: Timestamp) -> Page {
    let body = html! {
        h1 { "Copy the new secret now" }
        p.notice role="status" tabindex="-1" autofocus {
            "The new secret signs from now on. No page shows it again. Older secrets sign until "
            (when(&secret.previous_until, now)) "."
        }
        h2 { "For code that computes the HMAC itself" }
        p { "The text is the key, as it is." }
        (code::block("Shared secret", &secret.shared_secret))
        h2 { "For a Standard Webhooks library" }
        p { "The same secret in the form that these libraries take." }
        (code::block("Secret for Standard Webhooks", &secret.webhook_secret))
        p { a.button.primary href="/panel/secrets" { "I have copied it" } }
    };
    Page::new(Tab::Secrets, "The new secret", body).with(StatusCode::CREATED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_read_as_the_apis_body_is() {
        let read = |form: &str| request(&Fields::parse(form.as_bytes()));
        for (form, expected) in [
            ("overlap_hours=24&version=7", Ok((24, 7))),
            ("overlap_hours=+0+&version=0", Ok((0, 0))),
            ("overlap_hours=169&version=7", Err("overlap_hours")),
            ("overlap_hours=&version=7", Err("overlap_hours")),
            ("overlap_hours=1.5&version=7", Err("overlap_hours")),
            ("overlap_hours=24", Err("version")),
            ("overlap_hours=24&version=x", Err("version")),
        ] {
            let found = read(form).map(|(rotation, version)| (rotation.overlap.as_hours(), version));
            let found = found.map_err(|errors| errors.iter().next().map_or("", |(field, _)| field));
            assert_eq!(found, expected, "{form}");
        }
    }

    #[test]
    fn the_new_secret_is_shown_in_both_forms_to_copy() {
        let secret = ShownSecret {
            shared_secret: "0123456789abcdef01234567".into(),
            webhook_secret: "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3".into(),
            created_at: "2026-11-21T10:00:00-05:00".into(),
            previous_until: "2026-11-22T10:00:00-05:00".into(),
        };
        let page = made_page(&secret, Timestamp::UNIX_EPOCH);
        assert_eq!(page.status, StatusCode::CREATED);
        let body = page.body.into_string();
        assert_eq!(body.matches("data-copy").count(), 2);
        assert!(body.contains(&secret.shared_secret) && body.contains(&secret.webhook_secret), "{body}");
    }
}
