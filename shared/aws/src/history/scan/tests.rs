use super::*;

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[test]
fn a_scan_continues_after_its_position() -> TestResult {
    let scan = |direction, since: Option<&str>, until: Option<&str>| -> Result<Scan, jiff::Error> {
        Ok(Scan {
            webhook_id: WebhookId::new(7),
            since: since.map(str::parse).transpose()?,
            until: until.map(str::parse).transpose()?,
            direction,
            states: vec![],
            page: None,
        })
    };
    let at = |key: &str| DeliveryPosition::from_key(key).map(Some);
    let (early, late) = (Some("1970-01-01T00:00:01Z"), Some("1970-01-01T00:00:09Z"));
    let here = "00000000005000000#e";
    for (direction, since, until, after, bounds) in [
        (Direction::NewestFirst, None, None, None, Some(("0", "~"))),
        (Direction::NewestFirst, None, None, at(here)?, Some(("0", here))),
        (Direction::OldestFirst, None, None, at(here)?, Some((here, "~"))),
        (Direction::OldestFirst, early, late, None, Some(("00000000001000000#", "00000000009000000#~"))),
        (Direction::NewestFirst, early, late, at(here)?, Some(("00000000001000000#", here))),
        (Direction::NewestFirst, late, None, at(here)?, None),
        (Direction::OldestFirst, None, early, at(here)?, None),
        (Direction::OldestFirst, late, early, None, None),
    ] {
        let found = scan(direction, since, until)?.bounds(after.as_ref());
        let found = found.as_ref().map(|(low, high)| (low.as_str(), high.as_str()));
        assert_eq!(found, bounds, "{direction:?} {since:?} {until:?} {after:?}");
    }
    Ok(())
}
