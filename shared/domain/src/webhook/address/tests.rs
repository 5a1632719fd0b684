//! Tests of addresses.

use proptest::prelude::*;

use super::*;

#[test]
fn an_address_is_an_absolute_http_url_and_keeps_its_spelling() {
    for (text, error) in [
        ("http://apple.com", None),
        ("https://apple.com/uninstall?a=b", None),
        ("HTTPS://Apple.com:8443/", None),
        ("http://[2001:4860:4860::8888]/", None),
        ("https://bücher.example/", None),
        ("", Some("is invalid")),
        ("apple.com", Some("is invalid")),
        ("/hook", Some("is invalid")),
        ("http://", Some("is invalid")),
        ("http:apple.com", Some("is invalid")),
        ("http:/apple.com", Some("is invalid")),
        ("mailto:me@example.com", Some("is invalid")),
        ("localhost:8080", Some("is invalid")),
        ("http://user@apple.com/", Some("is invalid")),
        ("http://user:word@apple.com/", Some("is invalid")),
        ("http://@apple.com/", Some("is invalid")),
        ("http://:word@apple.com/", Some("is invalid")),
        ("http:/user@apple.com://a", Some("is invalid")),
        ("http:/apple.com://a", Some("is invalid")),
        ("http:/apple.com://a//a", Some("is invalid")),
        ("http:apple.com://a//a", Some("is invalid")),
        ("http://apple.com/#top", Some("is invalid")),
        ("http://apple.com/#", Some("is invalid")),
        ("http://apple.com?", None),
        ("http://apple.com?a=b", None),
        ("http://apple.com//a//?a?b", None),
        ("http://apple.com/a.b/.c/...?a=../b", None),
        ("http://apple.com/%c3%A9/%2F%00?a=%27%zz", None),
        ("http://apple.com/!$&'()*+,;=:@-._~|[]?!$&()*+,;=:@-._~/|[]`{}^", None),
        ("http://A.com/a/../b", Some("would become http://A.com/b")),
        (
            "http://a.com/a/%2e%2E/b?sig=it's%2B1&x=a+b",
            Some("would become http://a.com/b?sig=it%27s%2B1&x=a+b"),
        ),
        ("http://a.com/./a", Some("would become http://a.com/a")),
        ("http://a.com/a/.%2e", Some("would become http://a.com/")),
        ("http://a.com?a='", Some("would become http://a.com/?a=%27")),
        ("http://a.com/a\\b", Some("would become http://a.com/a/b")),
        ("http://a.com\\@b.com/", Some("would become http://a.com/@b.com/")),
        ("http://a.com/a\tb\r\n?c", Some("would become http://a.com/ab?c")),
        ("http://a.com/ ", Some("would become http://a.com/")),
        ("http://a.com/a b?c d", Some("would become http://a.com/a%20b?c%20d")),
        ("http://a.com/é?é", Some("would become http://a.com/%C3%A9?%C3%A9")),
        ("http://a.com/<\">?<\">", Some("would become http://a.com/%3C%22%3E?%3C%22%3E")),
        ("http://a.com/`{}^", Some("would become http://a.com/%60%7B%7D^")),
        ("http://a.com/\u{1}?\u{7f}", Some("would become http://a.com/%01?%7F")),
        (" http://apple.com", Some("is invalid")),
        ("http://app\tle.com", Some("is invalid")),
        ("http:\\\\apple.com", Some("is invalid")),
        ("http://a b.com", Some("is invalid")),
        ("http://1.2.3.4.5/", Some("is invalid")),
        ("ftp://apple.com/", Some("protocol ftp:// is not supported")),
        ("file:///etc/passwd", Some("protocol file:// is not supported")),
    ] {
        let result = Address::parse(text);
        assert_eq!(result.as_ref().err().map(ToString::to_string).as_deref(), error, "{text:?}");
        match result {
            Ok(address) => assert_eq!(address.as_str(), text),
            Err(AddressError::Changed(other)) => assert!(Address::parse(&other).is_ok(), "{other}"),
            Err(_) => {}
        }
    }
    let longest = format!("http://a.com/{}", "x".repeat(ADDRESS_LIMIT - 13));
    assert!(Address::parse(&longest).is_ok());
    assert_eq!(Address::parse(&format!("{longest}x")), Err(AddressError::TooLong));
}

/// Registries hold addresses that were valid when they were written.
#[test]
fn a_stored_address_that_would_be_changed_is_still_read() -> Result<(), serde_json::Error> {
    let text = "http://a.com/a/../b?sig=it's";
    let address: Address = serde_json::from_value(text.into())?;
    assert_eq!((address.as_str(), address.url().as_str()), (text, "http://a.com/b?sig=it%27s"));
    assert!(serde_json::from_value::<Address>("http://user@a.com/".into()).is_err());
    Ok(())
}

#[test]
fn a_private_ip_address_or_localhost_is_refused_without_a_look_up() {
    let closed = AddressPolicy::default();
    let open: AddressPolicy = AddressPolicy::opening("127.0.0.0/8").unwrap_or_default();
    for (text, is_refused, is_refused_when_open) in [
        ("http://127.0.0.1/", true, false),
        ("http://0x7f000001/", true, false),
        ("http://127.1/", true, false),
        ("http://localhost:3000/", true, false),
        ("http://LOCALHOST./", true, false),
        ("http://hook.localhost/", true, false),
        ("http://[::ffff:127.0.0.1]/", true, false),
        ("http://169.254.169.254/latest/meta-data", true, true),
        ("http://[fd00:ec2::254]/", true, true),
        ("https://example.com/", false, false),
        ("https://8.8.8.8/", false, false),
    ] {
        let refusals = Address::parse(text)
            .map(|address| (address.is_refused_by(&closed), address.is_refused_by(&open)));
        assert_eq!(refusals, Ok((is_refused, is_refused_when_open)), "{text}");
    }
}

/// Texts that look like addresses, with every character that the URL standard treats in its own
/// way.
fn texts() -> impl Strategy<Value = String> {
    let rest = "([a-z/?.%'\"<>`{}|\\\\^\\[\\]+&=@:;,~!$()*_é \t\n-]|%2[eE]|/\\.|/\\.\\.){0,24}";
    rest.prop_map(|rest| format!("http://A.example:80/{rest}"))
}

proptest! {
    #[test]
    fn an_address_that_would_be_changed_is_refused_with_one_that_would_not(text in texts()) {
        match Address::parse(&text) {
            Ok(address) => prop_assert!(text.ends_with(&address.url()[Position::BeforePath..])),
            Err(AddressError::Changed(other)) => {
                prop_assert_ne!(&other, &text);
                prop_assert_eq!(Address::parse(&other).map(String::from), Ok(other));
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}
