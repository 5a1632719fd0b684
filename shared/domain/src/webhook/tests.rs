//! Tests of webhooks.

use super::*;

#[test]
fn an_id_is_plain_digits() {
    for (text, id) in [
        ("1", Some(1)),
        ("901431826", Some(901_431_826)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("-1", None),
        ("+1", None),
        ("1e3", None),
        ("1.0", None),
        ("٣", None),
        (" 1", None),
        ("", None),
    ] {
        assert_eq!(text.parse::<WebhookId>().ok().map(WebhookId::get), id, "{text:?}");
    }
}

#[test]
fn an_owner_cannot_set_disabled() {
    for (name, status) in
        [("active", Some(Status::Active)), ("paused", Some(Status::Paused)), ("disabled", None), ("", None)]
    {
        assert_eq!(Status::from_writable_name(name), status);
    }
}

/// The API prints whole seconds (`%FT%T`). Its clients filter by what it prints.
#[test]
fn a_time_is_cut_to_the_second_that_the_api_prints() -> Result<(), jiff::Error> {
    for (time, cut) in [
        ("2014-04-25T16:15:47Z", "2014-04-25T16:15:47Z"),
        ("2014-04-25T16:15:47.000000001Z", "2014-04-25T16:15:47Z"),
        ("2014-04-25T16:15:47.5Z", "2014-04-25T16:15:47Z"),
        ("2014-12-31T23:59:59.999999999Z", "2014-12-31T23:59:59Z"),
    ] {
        let time: Timestamp = time.parse()?;
        assert_eq!(whole_second(time), cut.parse()?, "{time}");
        assert_eq!(time.strftime("%FT%TZ").to_string(), cut, "{time}");
    }
    Ok(())
}
