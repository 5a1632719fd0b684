//! Payloads as XML.
//!
//! The page promises XML and does not show it; the platform it describes is a Rails one, so
//! what an app's parser expects is what ActiveSupport's `Hash#to_xml` prints, to the byte:
//! dasherized names, `type` attributes, `nil="true"`, arrays of singular children. A
//! shop's models know more of their values than JSON says, and so this knows two things
//! on top: which strings are money, and which members are points in time.
//!
//! Nothing is converted. Numbers and times are printed as they are spelled, members stay in
//! their order, and a repeated key is printed as often as it stands there.
//!
//! Three departures from ActiveSupport, each for what a parser reads back:
//!
//! - characters that XML 1.0 cannot hold are dropped (it prints `U+FFFD` for them);
//! - the control characters `U+0080` to `U+009F` stay (it takes them for Windows-1252);
//! - a carriage return is printed as `&#13;` (bare, a parser reads it as a line feed).
//!
//! A payload nests as deep as it likes, so the renderer does not recurse: it walks the JSON
//! once and keeps the open elements in a list, of at most [`DEPTH_LIMIT`]. Nor does it write more than
//! [`SIZE_LIMIT`].

mod name;
mod singular;

use jiff::Timestamp;

use crate::payload::json_steps::{JsonStep, JsonSteps, decoded};
use crate::payload::members::Members;
use crate::payload::xml::name::{child_name, element_name, is_xml_character};

/// How many levels of elements a document may have.
const DEPTH_LIMIT: usize = 128;

/// The words in a member's name that make its text money: those of the page's samples
/// (`compare_at_price`, `total_spent`, `total_discounts`), and three that platforms of its
/// family use (`shipping_cost`, `fee`, `balance`).
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

/// The longest document, in bytes. Indentation makes of a payload that nests deep more than two hundred
/// times its size, and a batch holds ten of them.
const SIZE_LIMIT: usize = 8 * 1024 * 1024;

/// Why a payload is not rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unrenderable {
    /// Over [`DEPTH_LIMIT`].
    #[error("the payload nests deeper than {DEPTH_LIMIT} levels of XML")]
    TooDeep,
    /// Over [`SIZE_LIMIT`].
    #[error("the payload is over {SIZE_LIMIT} bytes as XML")]
    TooLarge,
}

/// Renders a JSON object as an XML document, whose root is the resource's name.
pub(crate) fn render(payload: &str, resource: &str) -> Result<String, Unrenderable> {
    let mut document = Document {
        xml: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"),
        indentation: String::new(),
        open: Vec::new(),
        key: resource.to_owned(),
    };
    let mut steps = JsonSteps::of(unwrapped(payload, resource)).peekable();
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
        if document.xml.len() > SIZE_LIMIT {
            return Err(Unrenderable::TooLarge);
        }
    }
    Ok(document.xml)
}

/// The object that describes the resource: the payload, or what it wraps in the
/// resource's name and nothing else (`{"collection_listing": {…}}`).
fn unwrapped<'a>(payload: &'a str, resource: &str) -> &'a str {
    match Members::of(payload).as_ref().map(|members| members.0.as_slice()) {
        Some([member]) if member.is_named(resource) && member.value.get().starts_with('{') => {
            member.value.get()
        }
        _ => payload,
    }
}

/// A document that is being written.
struct Document {
    xml: String,
    /// Two spaces for each open element.
    indentation: String,
    open: Vec<Element>,
    /// The key that was read last: in an object, that of the next value.
    key: String,
}

/// An open element.
struct Element {
    name: String,
    /// In an array, the name of what is in it.
    child: Option<String>,
}

impl Document {
    /// The name of the next element.
    fn name(&self) -> String {
        let child = self.open.last().and_then(|element| element.child.clone());
        child.unwrap_or_else(|| element_name(&self.key))
    }

    /// The key of the next value. Elements of arrays have none.
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

    /// The name of the next element, where one more level may start.
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

/// What a member's text is besides a string, as the shop's models would know it.
fn type_of_text(key: &str, text: &str) -> Option<&'static str> {
    if is_money(text) && key.split('_').any(|word| MONEY_WORDS.contains(&word)) {
        Some("decimal")
    } else if is_time(key) && text.parse::<Timestamp>().is_ok() {
        Some("dateTime")
    } else {
        None
    }
}

/// Whether a member's name is that of a point in time.
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
