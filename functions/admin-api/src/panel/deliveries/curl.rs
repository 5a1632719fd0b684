//! A request as a curl command, for a POSIX shell.
//!
//! Everything from outside is in single quotes, between which a shell reads nothing but the closing
//! quote. curl itself must not read anything into the text either: `--globoff` for brackets in the
//! address, `--data-raw` for a body that begins with `@`.

use maud::{Markup, html};

use crate::{deliveries::signed_now::SignedRequest, panel::look::code::block};

/// The longest body that is part of the command, in bytes. Linux takes an argument of 128 KiB at
/// most (`MAX_ARG_STRLEN`), and nobody reads a long one.
const BODY_IN_COMMAND: usize = 64 * 1024;

/// The file that a longer body is in.
pub(super) const FILE: &str = "body.txt";

/// The command, with what has to be known about it. `body_path` is where a long body is downloaded.
pub(super) fn copy_as_curl(request: &SignedRequest, body_path: &str) -> Markup {
    let hides = request.headers.iter().any(|(_, value)| value == "***");
    html! {
        h2 { "Copy as curl" }
        p {
            "Sends the same body to the webhook's address, signed just now: your endpoint can verify it. "
            "A receiver that refuses old signatures takes it for some minutes."
        }
        @if hides { p { "The values of your own headers are hidden here: replace " code { "***" } "." } }
        @if request.body.len() > BODY_IN_COMMAND {
            p {
                "The body is long. "
                a href=(body_path) download=(FILE) hx-boost="false" { "Download it as " (FILE) }
                " into the folder where you run the command."
            }
        }
        (block("curl command", &command(request)))
    }
}

/// The command.
fn command(request: &SignedRequest) -> String {
    let mut lines = vec![format!("curl --globoff --request POST {}", quoted(&request.address))];
    // For curl a header with nothing after its colon is one to leave out.
    lines.extend(request.headers.iter().map(|(name, value)| match value.as_str() {
        "" => format!("--header {}", quoted(&format!("{name};"))),
        value => format!("--header {}", quoted(&format!("{name}: {value}"))),
    }));
    lines.push(match request.body.len() {
        0..=BODY_IN_COMMAND => format!("--data-raw {}", quoted(&request.body)),
        _ => format!("--data-binary @{FILE}"),
    });
    lines.join(" \\\n  ")
}

/// A text as one word of a POSIX shell ("Shell Command Language", 2.2.2 Single-Quotes).
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::json;
    use storehook_domain::{
        delivery::{
            request::platform::Platform,
            signature::{verify_body_signature, verify_standard_signatures},
        },
        history::record::DeliveryRecord,
        installation::{Installation, app::AppId, secret::SharedSecret, shop::ShopDomain},
        webhook::Webhook,
    };

    use super::*;
    use crate::deliveries::signed_now::signed;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    /// The arguments that a shell gives to curl.
    fn arguments(command: &str) -> Result<Vec<String>, Box<dyn std::error::Error>> {
        let script = format!("curl() {{ printf '%s\\0' \"$@\"; }}\n{command}");
        let output = Command::new("sh").args(["-c", &script]).output()?;
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let mut words: Vec<_> = output.stdout.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
        words.pop();
        Ok(words.into_iter().map(String::from_utf8).collect::<Result<_, _>>()?)
    }

    fn request(body: &str) -> SignedRequest {
        SignedRequest {
            address: "https://b.example/{a,b}?c=[1-9]&d='$(id)'".to_owned(),
            headers: vec![("x-empty".to_owned(), String::new()), ("x-a".to_owned(), "it's; `id`".to_owned())],
            body: body.to_owned(),
        }
    }

    #[test]
    fn a_shell_gives_curl_the_very_texts_and_runs_none() -> TestResult {
        for text in [
            "",
            "'",
            "'''",
            "'; touch /tmp/evil; '",
            "$(id) `id` $HOME ${HOME} !!",
            "\\",
            "\\'",
            "a\\\nb",
            "\"; echo \"",
            "line\nbreak\r\n\ttab",
            "@/etc/passwd",
            "-K /etc/passwd",
            "# & | < > * ? [a] {b,c} ~",
            "Grüße, 世界 \u{2028}",
            "<script>alert('x')</script>",
        ] {
            let words = arguments(&command(&request(text)))?;
            let expected = [
                "--globoff",
                "--request",
                "POST",
                "https://b.example/{a,b}?c=[1-9]&d='$(id)'",
                "--header",
                "x-empty;",
                "--header",
                "x-a: it's; `id`",
                "--data-raw",
                text,
            ];
            assert_eq!(words, expected);
        }
        Ok(())
    }

    #[test]
    fn a_long_body_is_downloaded() -> TestResult {
        let (short, long) = ("x".repeat(BODY_IN_COMMAND), "x".repeat(BODY_IN_COMMAND + 1));
        assert_eq!(arguments(&command(&request(&short)))?.last(), Some(&short));
        let command = command(&request(&long));
        assert!(command.ends_with("--data-binary @body.txt") && command.len() < 1_000, "{command}");
        let shown = copy_as_curl(&request(&long), "/panel/deliveries/7-e/body").into_string();
        assert!(shown.contains("href=\"/panel/deliveries/7-e/body\" download=\"body.txt\""), "{shown}");
        Ok(())
    }

    #[test]
    fn the_signatures_of_the_command_verify_and_own_headers_stay_hidden() -> TestResult {
        let webhook: Webhook = serde_json::from_value(json!({
            "id": 7, "shop": "a.example", "app": "demo", "topic": "*", "address": "https://b.example/hook",
            "format": "json", "protocol": "webhook", "status": "active", "fields": [], "metafield_namespaces": [],
            "custom_headers": {"X-Api-Key": "k3y"}, "created_at": "2026-11-01T15:00:00Z",
            "updated_at": "2026-11-01T15:00:00Z", "version": 1,
        }))?;
        let record: DeliveryRecord = serde_json::from_value(json!({
            "envelope": {
                "id": "7-e~0a1b2c3d", "shop": "a.example", "app": "demo", "topic": "orders/paid",
                "triggered_at": "2026-11-21T15:00:00Z",
            },
            "created_at": "2026-11-21T15:00:00Z", "state": "pending", "attempt_count": 0, "attempts": [], "version": 1,
            "expires_at": 4_000_000_000_i64,
        }))?;
        let secret = SharedSecret::parse(SECRET)?;
        let installation = Installation {
            shop: ShopDomain::parse("a.example")?,
            app: AppId::parse("demo")?,
            store_id: "0c1c9920".to_owned(),
            time_zone: "UTC".to_owned(),
            scopes: vec![],
            secrets: vec![secret.clone().into()],
            uninstalled_at: None,
        };
        let payload = r#"{"id": 1, "note": "it's \"so\""}"#;
        let now = "2026-11-22T15:00:00Z".parse()?;
        let request = signed(&record, &webhook, &installation, &Platform::default(), payload, now)?;
        let command = command(&request.ok_or("it can be built")?);
        assert!(!command.contains("k3y") && !command.contains(SECRET), "{command}");

        let words = arguments(&command)?;
        let header = |name: &str| {
            words.iter().find_map(|word| word.strip_prefix(&format!("{name}: "))).unwrap_or_default()
        };
        let body = words.last().ok_or("a body")?.as_bytes();
        assert_eq!(body, payload.as_bytes());
        assert_eq!((header("x-api-key"), header("webhook-id")), ("***", "7-e~0a1b2c3d"));
        assert_eq!(header("webhook-timestamp"), "1795359600");
        let (id, timestamp, signature) =
            (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
        assert!(verify_standard_signatures(&secret, id, timestamp, body, signature));
        assert!(verify_body_signature(&secret, body, header("x-spiffy-stores-hmac-sha256")));
        Ok(())
    }
}
