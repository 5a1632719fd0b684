//! Forms: a label above each field, help and errors below it, tied to it for screen readers.

use maud::{Markup, Render, html};
use storehook_domain::input::field_errors::{BASE, FieldErrors};

/// What a field shows beside its input.
pub(crate) struct Field<'a> {
    /// The field's name, in the form and in the API.
    pub(crate) name: &'static str,
    pub(crate) label: &'a str,
    /// What to write there; empty if the label says it all.
    pub(crate) help: &'a str,
    pub(crate) errors: &'a FieldErrors,
}

impl Field<'_> {
    /// The field around its input, which takes [`Self::describes`] and [`Self::is_invalid`].
    pub(crate) fn around(&self, input: impl Render) -> Markup {
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                (input)
                @if !self.help.is_empty() { p.help id={ (self.name) "-help" } { (self.help) } }
                @if self.is_invalid() {
                    p.error id={ (self.name) "-error" } { (self.errors.of(self.name).join("; ")) }
                }
            }
        }
    }

    /// A field with a line of text.
    pub(crate) fn text(&self, value: &str, kind: &str) -> Markup {
        self.around(html! {
            input id=(self.name) name=(self.name) type=(kind) value=(value) autocomplete="off" spellcheck="false"
                aria-describedby=[self.describes()] aria-invalid=[self.is_invalid().then_some("true")];
        })
    }

    /// A field with lines of text.
    pub(crate) fn lines(&self, value: &str, rows: u8) -> Markup {
        self.around(html! {
            textarea.code id=(self.name) name=(self.name) rows=(rows) autocomplete="off" spellcheck="false"
                aria-describedby=[self.describes()] aria-invalid=[self.is_invalid().then_some("true")] { "\n" (value) }
        })
    }

    /// A field with a choice: values, and what people read.
    pub(crate) fn choice(&self, value: &str, choices: &[(&str, &str)]) -> Markup {
        self.around(html! {
            select id=(self.name) name=(self.name) aria-describedby=[self.describes()]
                aria-invalid=[self.is_invalid().then_some("true")] {
                @for (choice, words) in choices {
                    option value=(choice) selected[*choice == value] { (words) }
                }
            }
        })
    }

    /// The ids of the help and of the error, for `aria-describedby`.
    pub(crate) fn describes(&self) -> Option<String> {
        let help = (!self.help.is_empty()).then(|| format!("{}-help", self.name));
        let error = self.is_invalid().then(|| format!("{}-error", self.name));
        let ids: Vec<_> = help.into_iter().chain(error).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    /// Whether the field has an error.
    pub(crate) fn is_invalid(&self) -> bool {
        self.errors.names(self.name)
    }
}

/// A hidden field with a random text. A form that is sent twice has the same, and so does one thing.
pub(crate) fn once() -> Markup {
    html! { input type="hidden" name="once" value=(uuid::Uuid::new_v4()); }
}

/// The summary above a form that was refused: each error, and a link to its field if it has one.
pub(crate) fn summary(errors: &FieldErrors) -> Markup {
    html! {
        @if !errors.is_empty() {
            div.problem role="alert" tabindex="-1" autofocus {
                h2 { "Something is not right yet" }
                ul {
                    @for (field, messages) in errors.iter() {
                        @let messages: Vec<_> = messages.iter().map(|message| short(message)).collect();
                        li {
                            @if field == BASE { (messages.join("; ")) }
                            @else { a href={ "#" (field) } { (field.replace('_', " ")) " " (messages.join("; ")) } }
                        }
                    }
                }
            }
        }
    }
}

/// The first sentence of a long message. All of it is beside the field.
fn short(message: &str) -> &str {
    const LIMIT: usize = 120;
    match message.split_once(". ") {
        Some((sentence, _)) if message.len() > LIMIT => sentence,
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use storehook_domain::event::catalogue;

    use super::*;

    #[test]
    fn the_summary_is_short_and_the_field_says_all() {
        let errors = FieldErrors::one("topic", catalogue::not_allowed_message());
        let summary = summary(&errors).into_string();
        assert!(summary.contains("<a href=\"#topic\">topic Invalid topic specified</a>"), "{summary}");
        let field = Field { name: "topic", label: "Topic", help: "", errors: &errors };
        let field = field.text("\"><script>", "text").into_string();
        assert!(field.contains("variants/out_of_stock</p>"), "{field}");
        assert!(field.contains("value=\"&quot;&gt;&lt;script&gt;\""), "{field}");
    }

    #[test]
    fn an_error_of_no_single_field_has_no_link() {
        let summary = summary(&FieldErrors::one(BASE, "There is no room: delete one first")).into_string();
        assert!(summary.contains("<li>There is no room: delete one first</li>"), "{summary}");
    }
}
