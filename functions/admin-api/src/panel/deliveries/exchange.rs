//! The request of the last attempt and the response to it, side by side.

use maud::{Markup, html};

use crate::{
    deliveries::responses::{FullDelivery, ShownRequest, ShownResponse},
    panel::{
        deliveries::curl::FILE,
        look::code::{beginning, block, pretty},
    },
};

/// The last request and its response. `download` is where the whole body of the request is, if it
/// can be made.
pub(super) fn exchange(delivery: &FullDelivery, download: Option<&str>) -> Markup {
    html! {
        div.two {
            section aria-labelledby="request" {
                h2 id="request" { "Request of the last attempt" }
                @match &delivery.request {
                    Some(request) => (sent(request, download)),
                    None if delivery.attempts.is_empty() => p { "Nothing was sent yet." },
                    None => p { "The request could not be built, so nothing was sent." },
                }
            }
            section aria-labelledby="response" {
                h2 id="response" { "Response" }
                @match &delivery.response {
                    Some(response) => (received(response)),
                    None if delivery.attempts.is_empty() => p { "Nothing was sent yet." },
                    None => p { "There was no response." },
                }
                @if let Some(details) = &delivery.details {
                    h3 { "Details of the verdict" }
                    (text("Details of the verdict", details, None))
                }
            }
        }
    }
}

/// A text under its name: as much of it as is shown.
fn text(name: &str, text: &str, download: Option<&str>) -> Markup {
    let (shown, is_cut) = beginning(text);
    html! {
        (block(name, &pretty(shown)))
        @if is_cut {
            p.muted {
                "It is longer: this is its beginning."
                @if let Some(path) = download {
                    " " a href=(path) download=(FILE) hx-boost="false" { "Download the whole body" }
                }
            }
        }
    }
}

fn sent(request: &ShownRequest, download: Option<&str>) -> Markup {
    let value = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    html! {
        p { (request.method) " " code { (request.address) } }
        table.cards {
            caption { "Headers. The values of your own headers are hidden." }
            thead { tr { th scope="col" { "Name" } th scope="col" { "Value" } } }
            tbody {
                @for (name, text) in &request.headers {
                    tr {
                        th scope="row" { code { (name) } }
                        td { code { (value(text)) } }
                    }
                }
            }
        }
        h3 { "Body of the request" }
        @match &request.body {
            Some(body) => (text("Body of the request", body, download)),
            None => p { "The payload is no longer kept." },
        }
    }
}

fn received(response: &ShownResponse) -> Markup {
    html! {
        @if let Some(status) = response.status { p { "Status " strong { (status) } } }
        @if response.body.is_empty() {
            p { "The response has no body." }
        } @else {
            (text("Body of the response", &response.body, None))
        }
        @if response.body_truncated { p.muted { "The body was longer: only its first KiB is kept." } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(body: Option<&str>) -> ShownRequest {
        let headers = [("x-api-key", "***"), ("x-own", "<script>")]
            .map(|(name, value)| (name.to_owned(), value.into()));
        ShownRequest {
            method: "POST",
            address: "https://b.example/".to_owned(),
            headers: headers.into_iter().collect(),
            body: body.map(str::to_owned),
            body_truncated: false,
        }
    }

    #[test]
    fn a_request_is_shown_with_its_body_in_lines() {
        let shown = sent(&request(Some(r#"{"note":"</pre><script>"}"#)), Some("/body")).into_string();
        for part in [
            "<code>x-api-key</code></th><td><code>***</code>",
            "<code>&lt;script&gt;</code>",
            "{\n  &quot;note&quot;: &quot;&lt;/pre&gt;&lt;script&gt;&quot;\n}",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!shown.contains("/body"), "{shown}");
        assert!(sent(&request(None), None).into_string().contains("The payload is no longer kept."));
    }

    #[test]
    fn of_a_long_body_the_beginning_is_shown_and_the_rest_can_be_downloaded() {
        let long = format!("[{}0]", "\"\",".repeat(700_000));
        let shown = sent(&request(Some(&long)), Some("/panel/deliveries/7-e/body")).into_string();
        assert!(shown.len() < 500_000, "{}", shown.len());
        assert!(shown.contains("href=\"/panel/deliveries/7-e/body\" download"), "no link");
        let shown = sent(&request(Some(&long)), None).into_string();
        assert!(shown.contains("this is its beginning") && !shown.contains("Download"), "a link");
    }

    #[test]
    fn a_response_is_shown_as_text_whatever_it_is() {
        for (status, body, body_truncated, expected) in [
            (Some(500), "<h1>Oops</h1>", false, "&lt;h1&gt;Oops&lt;/h1&gt;"),
            (Some(500), "<h1>", true, "only its first KiB is kept"),
            (Some(204), "", false, "The response has no body."),
            (Some(204), "", false, "Status <strong>204</strong>"),
        ] {
            let shown =
                received(&ShownResponse { status, body: body.to_owned(), body_truncated }).into_string();
            assert!(shown.contains(expected), "{expected}: {shown}");
        }
    }
}
