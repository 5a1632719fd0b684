//! The form's page: topic and address, then the settings that most webhooks leave alone, each folded
//! away with its present value.

use maud::{Markup, html};
use storehook_domain::{
    event::catalogue,
    input::field_errors::FieldErrors,
    webhook::{
        WebhookId,
        custom_headers::{CUSTOM_HEADERS_LIMIT, MASK},
    },
};

use crate::panel::{
    look::{
        form::{Field, summary},
        page::{Page, Tab},
    },
    webhooks::{
        form::draft::{Draft, lines, names},
        place::LIST,
    },
};

/// The formats in words.
const FORMATS: [(&str, &str); 2] = [("json", "JSON"), ("xml", "XML")];

/// The protocols in words.
const PROTOCOLS: [(&str, &str); 2] = [
    ("webhook", "Webhook: any 2xx is a success"),
    ("integration", "Integration: the response holds a verdict"),
];

/// How many names a summary tells.
const NAMES_TOLD: usize = 3;

/// The form of a webhook, or of a new one.
pub(crate) struct FormPage<'a> {
    /// The webhook that it changes, and the version that it shows.
    pub(crate) of: Option<(WebhookId, u64)>,
    pub(crate) draft: &'a Draft,
    pub(crate) errors: &'a FieldErrors,
    /// What is told above the form.
    pub(crate) above: Markup,
}

/// What has changed since the form was shown, and what it would now change back.
pub(crate) fn changed(draft: &Draft, now: &Draft) -> Markup {
    let mine = draft.texts();
    let differing: Vec<_> = now.texts().into_iter().filter(|text| !mine.contains(text)).collect();
    html! {
        div.problem role="alert" tabindex="-1" autofocus {
            h2 { "The webhook was changed since you opened this form" }
            @if differing.is_empty() {
                p { "Nothing is saved. What this form has is what the webhook has now." }
            } @else {
                p { "Nothing is saved, and all that you typed is still here. To save it now replaces:" }
                ul {
                    @for (name, value) in differing {
                        li { a href={ "#" (name) } { (name.replace('_', " ")) } ", which is now "
                            @if value.is_empty() { "empty" } @else { code { (value) } } }
                    }
                }
            }
        }
    }
}

impl FormPage<'_> {
    /// The page.
    pub(crate) fn page(&self) -> Page {
        let (title, button) = match self.of {
            None => ("New webhook", "Create the webhook"),
            Some(_) => ("Edit the webhook", "Save the webhook"),
        };
        let path = self.of.map_or_else(|| LIST.to_owned(), |(id, _)| format!("{LIST}/{id}"));
        let body = html! {
            h1 { (title) }
            (self.above)
            (summary(self.errors))
            form method="post" action=(path) {
                @if let Some((_, version)) = self.of { input type="hidden" name="version" value=(version); }
                (self.topic())
                (self.address())
                h2 { "Settings that most webhooks leave alone" }
                (self.folded("format", "Format", &told_choice(&self.draft.format, &FORMATS), &self.format()))
                (self.folded("protocol", "Protocol", &told_choice(&self.draft.protocol, &PROTOCOLS), &self.protocol()))
                (self.folded("fields", "Fields", &told(names(&self.draft.fields, ""), "all"), &self.fields()))
                (self.folded("metafield_namespaces", "Metafields",
                    &told(names(&self.draft.metafield_namespaces, ""), "none"), &self.metafield_namespaces()))
                (self.folded("custom_headers", "Custom headers",
                    &told(header_names(&self.draft.custom_headers), "none"), &self.custom_headers()))
                div.actions {
                    button.primary type="submit" { (button) }
                    a.button href=(path) { "Cancel" }
                }
            }
        };
        Page::new(Tab::Webhooks, title, body)
    }

    /// A setting that is folded away, unless it has an error.
    fn folded(&self, name: &str, label: &str, present: &str, field: &Markup) -> Markup {
        html! {
            details open[self.errors.names(name)] {
                summary { (label) ": " span.muted { (present) } }
                (field)
            }
        }
    }

    fn topic(&self) -> Markup {
        let help = "The events to send: choose, or write. orders/* takes every event of orders, and * takes all. \
            Names with a colon work as well: order:new, or stock:low if the shop has an event of its own.";
        let field = Field { name: "topic", label: "Topic", help, errors: self.errors };
        html! {
            (self.listed(&field, &self.draft.topic, "topics"))
            datalist id="topics" { @for pattern in catalogue::patterns() { option value=(pattern) {} } }
        }
    }

    /// A line of text with suggestions.
    fn listed(&self, field: &Field<'_>, value: &str, list: &str) -> Markup {
        field.around(html! {
            input id=(field.name) name=(field.name) type="text" value=(value) list=(list) autocomplete="off"
                spellcheck="false" autocapitalize="none" aria-describedby=[field.describes()]
                aria-invalid=[field.is_invalid().then_some("true")];
        })
    }

    fn address(&self) -> Markup {
        let help = "The URL of your endpoint, such as https://example.com/hooks/orders. It must be public.";
        Field { name: "address", label: "Address", help, errors: self.errors }
            .text(&self.draft.address, "text")
    }

    fn format(&self) -> Markup {
        let help = "The format of the bodies. An integration always gets JSON.";
        Field { name: "format", label: "Format of the bodies", help, errors: self.errors }
            .choice(&self.draft.format, &FORMATS)
    }

    fn protocol(&self) -> Markup {
        let help = "An integration gets the event in an envelope, and responds with ok, fail or delay.";
        Field { name: "protocol", label: "How the endpoint responds", help, errors: self.errors }
            .choice(&self.draft.protocol, &PROTOCOLS)
    }

    fn fields(&self) -> Markup {
        let help = "The top-level keys of the payload to send, on lines of their own or with commas between. \
            Without any, all are sent.";
        Field { name: "fields", label: "Fields to send", help, errors: self.errors }
            .lines(&self.draft.fields, 3)
    }

    fn metafield_namespaces(&self) -> Markup {
        let help = "On lines of their own or with commas between. Without any, no metafields are sent.";
        Field {
            name: "metafield_namespaces",
            label: "Namespaces of metafields to send",
            help,
            errors: self.errors,
        }
        .lines(&self.draft.metafield_namespaces, 3)
    }

    fn custom_headers(&self) -> Markup {
        let keep = match self.of {
            Some(_) => format!(" Values are hidden: leave {MASK} to keep one, or write a new one over it."),
            None => " Once saved, values are never shown again.".to_owned(),
        };
        let help = format!("A line for each, at most {CUSTOM_HEADERS_LIMIT}: Name: value.{keep}");
        Field { name: "custom_headers", label: "Headers to add", help: &help, errors: self.errors }
            .lines(&self.draft.custom_headers, 3)
    }
}

/// A choice in words; as it is if it is none.
fn told_choice(value: &str, choices: &[(&str, &'static str)]) -> String {
    let found = choices.iter().find(|(choice, _)| *choice == value);
    found.map_or(value, |(_, words)| words).to_owned()
}

/// The first few names, and how many more there are; other words if there is none.
fn told<'a>(names: impl Iterator<Item = &'a str>, none: &str) -> String {
    let names: Vec<_> = names.collect();
    let first = names[..names.len().min(NAMES_TOLD)].join(", ");
    match names.len().saturating_sub(NAMES_TOLD) {
        _ if names.is_empty() => none.to_owned(),
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// The names of headers that were typed. What comes after a colon may be a secret.
fn header_names(text: &str) -> impl Iterator<Item = &str> {
    lines(text).filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim_end())
}

#[cfg(test)]
mod tests;
