//! Another parser reads back the tree that went in, from the XML of any payload.

use proptest::prelude::*;
use roxmltree::Node;

use super::*;

/// A JSON value of the property test.
#[derive(Debug, Clone)]
enum Json {
    Null,
    Boolean(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn write(&self, json: &mut String) {
        match self {
            Self::Null => json.push_str("null"),
            Self::Boolean(value) => json.push_str(&value.to_string()),
            Self::Integer(value) => json.push_str(&value.to_string()),
            Self::Float(value) => json.push_str(&format!("{value:e}")),
            Self::Text(text) => json.push_str(&serde_json::Value::from(text.as_str()).to_string()),
            Self::Array(values) => {
                json.push('[');
                for (index, value) in values.iter().enumerate() {
                    json.push_str(if index == 0 { "" } else { ", " });
                    value.write(json);
                }
                json.push(']');
            }
            Self::Object(members) => {
                json.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    json.push_str(if index == 0 { "" } else { ",\n" });
                    Self::Text(key.clone()).write(json);
                    json.push_str(" : ");
                    value.write(json);
                }
                json.push('}');
            }
        }
    }
}

/// An element as an XML parser sees it.
#[derive(Debug, PartialEq)]
struct Seen {
    name: String,
    value_type: Option<String>,
    nil: Option<String>,
    text: String,
    children: Vec<Seen>,
}

impl Seen {
    fn of(node: Node<'_, '_>) -> Self {
        let children: Vec<_> = node.children().filter(Node::is_element).map(Seen::of).collect();
        let text = node.children().filter(Node::is_text).filter_map(|child| child.text()).collect();
        Self {
            name: node.tag_name().name().to_owned(),
            value_type: node.attribute("type").map(str::to_owned),
            nil: node.attribute("nil").map(str::to_owned),
            text: without_indentation(text),
            children,
        }
    }

    fn expected(name: String, key: Option<&str>, value: &Json) -> Self {
        let key = key.unwrap_or_default();
        let (value_type, text, children) = match value {
            Json::Null => (is_time(key).then_some("dateTime"), String::new(), Vec::new()),
            Json::Boolean(value) => (Some("boolean"), value.to_string(), Vec::new()),
            Json::Integer(value) => (Some("integer"), value.to_string(), Vec::new()),
            Json::Float(value) => (Some("float"), format!("{value:e}"), Vec::new()),
            Json::Text(text) => {
                let held = text.chars().filter(|character| is_xml_character(*character)).collect();
                (type_of_text(key, text), held, Vec::new())
            }
            Json::Array(values) => {
                let child = child_name(&name);
                let children = values.iter().map(|value| Self::expected(child.clone(), None, value));
                (Some("array"), String::new(), children.collect())
            }
            Json::Object(members) => {
                let child =
                    |(key, value): &(String, Json)| Self::expected(element_name(key), Some(key), value);
                (None, String::new(), members.iter().map(child).collect())
            }
        };
        let nil = matches!(value, Json::Null).then(|| "true".to_owned());
        Self {
            name,
            value_type: value_type.map(str::to_owned),
            nil,
            text: without_indentation(text),
            children,
        }
    }
}

/// The line break and spaces around an object's members are no text.
fn without_indentation(text: String) -> String {
    let is_indentation = text.starts_with('\n') && text.trim().is_empty();
    if is_indentation { String::new() } else { text }
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}(_[a-z]{1,6}){0,2}",
        "(created|closed)_at",
        "(total_)?price",
        any::<String>(),
        any::<Vec<char>>().prop_map(String::from_iter)
    ]
}

fn any_json() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Boolean),
        any::<i128>().prop_map(Json::Integer),
        prop::num::f64::NORMAL.prop_map(Json::Float),
        "-?[0-9]{1,3}\\.[0-9]{2}".prop_map(Json::Text),
        Just(Json::Text("2017-03-20T16:02:28-04:00".into())),
        prop::collection::vec(any::<char>(), 0..12).prop_map(|text| Json::Text(String::from_iter(text))),
        "[\\x00-\\x2f<>&\\]\\u{7f}-\\u{9f}\\u{fffd}-\\u{ffff}]{0,8}".prop_map(Json::Text),
    ];
    scalar.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::vec((any_key(), inner), 0..6).prop_map(Json::Object),
        ]
    })
}

proptest! {
    #[test]
    fn another_parser_reads_back_the_same_tree(members in prop::collection::vec((any_key(), any_json()), 0..6)) {
        let payload = Json::Object(members);
        let mut json = String::new();
        payload.write(&mut json);
        let xml = render(&json, "draft_order")?;
        let document = roxmltree::Document::parse(&xml)?;
        let expected = Seen::expected("draft-order".into(), None, &payload);
        prop_assert_eq!(Seen::of(document.root_element()), expected, "{}", xml);
    }
}
