//! Tests of the XML of payloads, to the byte.

use super::*;
use crate::event::samples::SAMPLES;

#[test]
fn samples_are_rendered_as_active_support_prints_them() -> Result<(), Box<dyn std::error::Error>> {
    for (resource, json) in SAMPLES {
        let printed = format!("{}/samples/{resource}.xml", env!("CARGO_MANIFEST_DIR"));
        let xml = std::fs::read_to_string(printed)?;
        assert_eq!(render(json.trim_end(), resource)?, xml, "{resource}");
    }
    Ok(())
}

/// Checks the lines inside `<order>`, without their indentation.
fn check(payload: &str, expected: &[&str]) -> Result<(), Unrenderable> {
    let xml = render(payload, "order")?;
    let lines: Vec<_> = xml.lines().map(str::trim_start).collect();
    assert_eq!(lines.get(2..lines.len() - 1), Some(expected), "{payload}");
    Ok(())
}

#[test]
fn values_have_their_types_and_keep_their_spelling() -> Result<(), Unrenderable> {
    for (payload, expected) in [
        (r#"{"id":327475578523353102}"#, r#"<id type="integer">327475578523353102</id>"#),
        (
            r#"{"n":-123456789012345678901234567890}"#,
            r#"<n type="integer">-123456789012345678901234567890</n>"#,
        ),
        (r#"{"n":199.0}"#, r#"<n type="float">199.0</n>"#),
        (r#"{"n":0.10}"#, r#"<n type="float">0.10</n>"#),
        (r#"{"n":1e5}"#, r#"<n type="float">1e5</n>"#),
        (r#"{"n":1E5}"#, r#"<n type="float">1E5</n>"#),
        (r#"{"b":true}"#, r#"<b type="boolean">true</b>"#),
        (r#"{"b":false}"#, r#"<b type="boolean">false</b>"#),
        (r#"{"first_name":null}"#, r#"<first-name nil="true"/>"#),
        (r#"{"s":""}"#, "<s></s>"),
        (r#"{"s":" a "}"#, "<s> a </s>"),
        (r#"{"s":"12"}"#, "<s>12</s>"),
    ] {
        check(payload, &[expected])?;
    }
    Ok(())
}

#[test]
fn text_is_escaped_once_and_keeps_only_what_xml_can_hold() -> Result<(), Unrenderable> {
    for (payload, expected) in [
        (r#"{"s":"<b>&amp;\"'<\/b>"}"#, r#"<s>&lt;b&gt;&amp;amp;"'&lt;/b&gt;</s>"#),
        (r#"{"s":"a\u0000\u0008\u001fb\ufffe\uffffc"}"#, "<s>abc</s>"),
        (r#"{"s":"\ud83d\ude00\u00e9\ud83d!"}"#, "<s>😀é!</s>"),
        (r#"{"s":"a\rb\tc"}"#, "<s>a&#13;b\tc</s>"),
        (r#"{"s":"]]>"}"#, "<s>]]&gt;</s>"),
        (r#"{"s":"\u0085"}"#, "<s>\u{85}</s>"),
    ] {
        check(payload, &[expected])?;
    }
    Ok(())
}

#[test]
fn a_text_with_two_decimals_under_a_name_of_money_is_a_decimal() -> Result<(), Unrenderable> {
    for (payload, expected) in [
        (r#"{"price":"19.99"}"#, r#"<price type="decimal">19.99</price>"#),
        (r#"{"compare_at_price":"-0.50"}"#, r#"<compare-at-price type="decimal">-0.50</compare-at-price>"#),
        (r#"{"total_discounts":"5.00"}"#, r#"<total-discounts type="decimal">5.00</total-discounts>"#),
        (r#"{"price":"19.9"}"#, "<price>19.9</price>"),
        (r#"{"price":".99"}"#, "<price>.99</price>"),
        (r#"{"price":"+1.00"}"#, "<price>+1.00</price>"),
        (r#"{"price":"1.00 "}"#, "<price>1.00 </price>"),
        (r#"{"price":"$19.99"}"#, "<price>$19.99</price>"),
        (r#"{"price":"١.٠٠"}"#, "<price>١.٠٠</price>"),
        (r#"{"price":null}"#, r#"<price nil="true"/>"#),
        (r#"{"price":19.99}"#, r#"<price type="float">19.99</price>"#),
        (r#"{"version":"19.99"}"#, "<version>19.99</version>"),
        (r#"{"priceless":"19.99"}"#, "<priceless>19.99</priceless>"),
    ] {
        check(payload, &[expected])?;
    }
    Ok(())
}

#[test]
fn members_that_end_in_at_are_times() -> Result<(), Unrenderable> {
    let time = "2017-03-20T16:02:28-04:00";
    for (payload, expected) in [
        (
            format!(r#"{{"created_at":"{time}"}}"#),
            format!("<created-at type=\"dateTime\">{time}</created-at>"),
        ),
        (r#"{"closed_at":null}"#.into(), r#"<closed-at type="dateTime" nil="true"/>"#.into()),
        (r#"{"closed_at":"soon"}"#.into(), "<closed-at>soon</closed-at>".into()),
        (r#"{"closed_at":1490040148}"#.into(), r#"<closed-at type="integer">1490040148</closed-at>"#.into()),
        (format!(r#"{{"date":"{time}"}}"#), format!("<date>{time}</date>")),
        (r#"{"format":null}"#.into(), r#"<format nil="true"/>"#.into()),
    ] {
        check(&payload, &[&expected])?;
    }
    Ok(())
}

#[test]
fn objects_and_arrays_nest() -> Result<(), Unrenderable> {
    check(r#"{"receipt":{}}"#, &["<receipt>", "</receipt>"])?;
    check(r#"{"tax_lines":[ ]}"#, &[r#"<tax-lines type="array"/>"#])?;
    check(
        r#"{"tax_lines":[{"a_b":1},null,"x",[2],[]]}"#,
        &[
            r#"<tax-lines type="array">"#,
            "<tax-line>",
            r#"<a-b type="integer">1</a-b>"#,
            "</tax-line>",
            r#"<tax-line nil="true"/>"#,
            "<tax-line>x</tax-line>",
            r#"<tax-line type="array">"#,
            r#"<tax-line type="integer">2</tax-line>"#,
            "</tax-line>",
            r#"<tax-line type="array"/>"#,
            "</tax-lines>",
        ],
    )
}

#[test]
fn the_name_of_an_array_does_not_type_its_elements() -> Result<(), Unrenderable> {
    check(
        r#"{"price":["1.00"],"closed_at":[null]}"#,
        &[
            r#"<price type="array">"#,
            "<price>1.00</price>",
            "</price>",
            r#"<closed-at type="array">"#,
            r#"<closed-at nil="true"/>"#,
            "</closed-at>",
        ],
    )
}

#[test]
fn members_keep_their_order_and_may_repeat() -> Result<(), Unrenderable> {
    check(r#"{"z":"1","a":"2","z":"3"}"#, &["<z>1</z>", "<a>2</a>", "<z>3</z>"])
}

#[test]
fn a_payload_wrapped_in_its_resources_name_is_not_wrapped_twice() -> Result<(), Unrenderable> {
    check(r#" { "order" : {"a":"1"} } "#, &["<a>1</a>"])?;
    check(r#"{"order":{"order":{}}}"#, &["<order>", "</order>"])?;
    check(r#"{"order":{},"a":"1"}"#, &["<order>", "</order>", "<a>1</a>"])?;
    check(r#"{"order":{},"order":{}}"#, &["<order>", "</order>", "<order>", "</order>"])?;
    check(r#"{"order":"1"}"#, &["<order>1</order>"])?;
    check(r#"{"product":{}}"#, &["<product>", "</product>"])?;
    check("{}", &[])
}

#[test]
fn a_payload_that_nests_too_deep_is_refused() {
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert!(render(&nested(127), "order").is_ok());
    assert_eq!(render(&nested(128), "order"), Err(Unrenderable::TooDeep));
    assert_eq!(render(&nested(100_000), "order"), Err(Unrenderable::TooDeep));
    let objects = format!("{}1{}", "{\"order\":".repeat(100_000), "}".repeat(100_000));
    assert_eq!(render(&objects, "order"), Err(Unrenderable::TooDeep));
}

#[test]
fn a_document_much_larger_than_its_payload_is_refused() {
    let deep = format!("{{\"a\":{}{}{}}}", "[".repeat(126), "1,".repeat(40_000) + "1", "]".repeat(126));
    assert_eq!(render(&deep, "order"), Err(Unrenderable::TooLarge));
    // A document has at most 8 MiB.
    let of_text = |bytes: usize| render(&format!("{{\"a\":\"{}\"}}", "x".repeat(bytes)), "order");
    let around = of_text(0).map_or(0, |xml| xml.len());
    let fits = of_text(8 * 1024 * 1024 - around);
    assert_eq!(fits.as_ref().map(String::len), Ok(8 * 1024 * 1024));
    assert_eq!(of_text(8 * 1024 * 1024 - around + 1), Err(Unrenderable::TooLarge));
}
