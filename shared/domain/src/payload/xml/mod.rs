//! Payloads as XML.
//!
//! The *API Webhook* page promises XML and does not show it. The platform that it describes is a
//! Rails one, so an app's parser expects what ActiveSupport's `Hash#to_xml` prints, to the byte:
//! names with dashes, `type` attributes, `nil="true"`, arrays with singular children. A shop's
//! models know more about their values than JSON says. So the renderer adds two things: which
//! strings are money, and which members are points in time.
//!
//! The renderer converts nothing. It prints numbers and times as they are spelled, members in their
//! order, and a repeated key each time.
//!
//! It departs from ActiveSupport in three ways, so that a parser reads back what went in:
//!
//! - It drops characters that XML 1.0 cannot hold. ActiveSupport prints `U+FFFD` for them.
//! - It keeps the control characters `U+0080` to `U+009F`. ActiveSupport takes them for
//!   Windows-1252.
//! - It prints a carriage return as `&#13;`. A parser would read a bare one as a line feed.
//!
//! A payload may nest to any depth, so the renderer does not recurse. It walks the JSON once and
//! keeps the open elements in a list, of at most `DEPTH_LIMIT`. It stops at `BODY_LIMIT`.

mod name;
mod singular;

use jiff::Timestamp;

use crate::payload::Payload;
use crate::payload::json_steps::{JsonStep, JsonSteps, decoded};
use crate::payload::limits::BODY_LIMIT;
use crate::payload::xml::name::{child_name, element_name, is_xml_character};

/// How many levels of elements a document may have.
const DEPTH_LIMIT: usize = 128;

/// The words in a member's name that make its text money: those of the page's samples
/// (`compare_at_price`, `total_spent`, `total_discounts`), and three that platforms of its family
/// use (`shipping_cost`, `fee`, `balance`).
const MONEY_WORDS: [&str; 12] = [
    "price",
    "amount",
    "total",
    "subtotal",
    "tax",
    "discount",
    "discounts",
    "discounted",
    "spent",
    "cost",
    "fee",
    "balance",
];

/// Why a payload has no XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unrenderable {
    /// It nests deeper than 128 levels (`DEPTH_LIMIT`).
    #[error("the payload nests deeper than {DEPTH_LIMIT} levels of XML")]
    TooDeep,
    /// Its document would be longer than 8 MiB (`BODY_LIMIT`).
    #[error("the payload is over {BODY_LIMIT} bytes as XML")]
    TooLarge,
}

/// Renders a JSON object as an XML document, whose root is the resource's name.
///
/// # Errors
///
/// The document would be too deep or too large.
pub(crate) fn render(payload: &str, resource: &str) -> Result<String, Unrenderable> {
    let mut document = Document {
        xml: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"),
        indentation: String::new(),
        open: Vec::new(),
        key: resource.to_owned(),
    };
    // A payload that is already wrapped in the resource's name is not wrapped twice.
    let wrapped = Payload::parse(payload).ok().and_then(|payload| payload.wrapped(resource));
    let mut steps = JsonSteps::of(wrapped.unwrap_or(payload)).peekable();
    while let Some(step) = steps.next() {
        match step {
            JsonStep::Key(key) => document.key = decoded(key),
            JsonStep::Scalar(json) => document.scalar(json),
            JsonStep::Object => document.start(false)?,
            JsonStep::Array if steps.peek() == Some(&JsonStep::End) => {
                steps.next();
                document.empty_array()?;
            }
            JsonStep::Array => document.start(true)?,
            JsonStep::End => document.end(),
        }
        if document.xml.len() > BODY_LIMIT {
            return Err(Unrenderable::TooLarge);
        }
    }
    Ok(document.xml)
}

/// A document while it is being written.
struct Document {
    xml: String,
    /// Two spaces for each open element.
    indentation: String,
    open: Vec<Element>,
    /// The last key. In an object, it belongs to the next value.
    key: String,
}

/// An open element.
struct Element {
    name: String,
    /// The name of its children, if it is an array.
    child: Option<String>,
}

impl Document {
    /// The name of the next element.
    fn name(&self) -> String {
        let child = self.open.last().and_then(|element| element.child.clone());
        child.unwrap_or_else(|| element_name(&self.key))
    }

    /// The key of the next value; `None` in an array.
    fn member(&self) -> Option<&str> {
        let is_in_array = self.open.last().is_some_and(|element| element.child.is_some());
        (!is_in_array).then_some(self.key.as_str())
    }

    fn start(&mut self, is_array: bool) -> Result<(), Unrenderable> {
        let name = self.name_of_container()?;
        let attributes = if is_array { " type=\"array\"" } else { "" };
        self.xml.extend([self.indentation.as_str(), "<", &name, attributes, ">\n"]);
        self.indentation.push_str("  ");
        let child = is_array.then(|| child_name(&name));
        self.open.push(Element { name, child });
        Ok(())
    }

    fn end(&mut self) {
        if let Some(Element { name, .. }) = self.open.pop() {
            self.indentation.truncate(2 * self.open.len());
            self.xml.extend([self.indentation.as_str(), "</", &name, ">\n"]);
        }
    }

    fn empty_array(&mut self) -> Result<(), Unrenderable> {
        let name = self.name_of_container()?;
        self.xml.extend([self.indentation.as_str(), "<", &name, " type=\"array\"/>\n"]);
        Ok(())
    }

    /// The name of the next element, if one more level may start.
    fn name_of_container(&self) -> Result<String, Unrenderable> {
        if self.open.len() < DEPTH_LIMIT { Ok(self.name()) } else { Err(Unrenderable::TooDeep) }
    }

    fn scalar(&mut self, json: &str) {
        let name = self.name();
        let is_text = json.starts_with('"');
        let text = if is_text { decoded(json) } else { json.to_owned() };
        let value_type = match json.as_bytes().first() {
            Some(b'"') => self.member().and_then(|key| type_of_text(key, &text)),
            Some(b'n') => self.member().filter(|key| is_time(key)).map(|_| "dateTime"),
            Some(b't' | b'f') => Some("boolean"),
            _ if json.contains(['.', 'e', 'E']) => Some("float"),
            _ => Some("integer"),
        };
        self.xml.extend([self.indentation.as_str(), "<", &name]);
        if let Some(value_type) = value_type {
            self.xml.extend([" type=\"", value_type, "\""]);
        }
        if json == "null" {
            self.xml.push_str(" nil=\"true\"/>\n");
        } else {
            self.xml.push('>');
            self.text(&text);
            self.xml.extend(["</", &name, ">\n"]);
        }
    }

    fn text(&mut self, text: &str) {
        for character in text.chars().filter(|character| is_xml_character(*character)) {
            match character {
                '&' => self.xml.push_str("&amp;"),
                '<' => self.xml.push_str("&lt;"),
                '>' => self.xml.push_str("&gt;"),
                '\r' => self.xml.push_str("&#13;"),
                _ => self.xml.push(character),
            }
        }
    }
}

/// The type of a member's text, if the shop's models would know it as more than a string.
fn type_of_text(key: &str, text: &str) -> Option<&'static str> {
    if is_money(text) && key.split('_').any(|word| MONEY_WORDS.contains(&word)) {
        Some("decimal")
    } else if is_time(key) && text.parse::<Timestamp>().is_ok() {
        Some("dateTime")
    } else {
        None
    }
}

/// Whether a member with this name is a point in time.
fn is_time(key: &str) -> bool {
    key.ends_with("_at")
}

/// Whether a text is an amount with two decimals.
fn is_money(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = text.strip_prefix('-').unwrap_or(text).split_once('.');
    parts.is_some_and(|(units, cents)| digits(units) && digits(cents) && cents.len() == 2)
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod round_trip_tests;
