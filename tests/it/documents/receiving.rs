//! `docs/receiving.md` and the domain.

use std::collections::BTreeSet;

use anyhow::Result;
use storehook_domain::{
    delivery::{
        lane::Lane, outcome::FailedAttempt, request::UnbuildableRequest, schedule::AGES,
        verdict::InvalidVerdict,
    },
    event::catalogue::OPERATIONAL,
    payload::xml::Unrenderable,
};

use super::{first_cells, read};

#[test]
fn its_retry_schedule_is_that_of_the_code() -> Result<()> {
    let document = read("docs/receiving.md")?;
    for (number, age) in (1..).zip(AGES) {
        let lane = if number <= Lane::Fast.max_receive_count() { Lane::Fast } else { Lane::Slow };
        let row = format!("| {number} | {} | {} |", spoken(age), lane.as_str());
        assert!(document.contains(&row), "{row}");
    }
    Ok(())
}

#[test]
fn its_operational_topics_are_those_of_the_catalogue() -> Result<()> {
    let topics = OPERATIONAL.map(|topic| topic.name.to_owned());
    assert_eq!(first_cells(&read("docs/receiving.md")?, "operational topic"), topics.into());
    Ok(())
}

#[test]
fn its_failures_are_those_of_the_code_with_their_sentences() -> Result<()> {
    use FailedAttempt as Failed;
    let document = read("docs/receiving.md")?;
    assert_eq!(first_cells(&document, "code"), FailedAttempt::CODES.map(str::to_owned).into());
    let failures = [
        Failed::NotAllowed,
        Failed::NotResolved,
        Failed::LookUpFailed,
        Failed::ConnectionRefused,
        Failed::Unreachable,
        Failed::ConnectTimedOut,
        Failed::NotConnected,
        Failed::NoTls,
        Failed::CertificateExpired,
        Failed::CertificateNotYetValid,
        Failed::CertificateOfAnotherName,
        Failed::CertificateNotTrusted,
        Failed::TlsFailed,
        Failed::ConnectionReset,
        Failed::ConnectionClosed,
        Failed::TimedOut,
        Failed::ResponseHeadTooLarge,
        Failed::ResponseMalformed,
        Failed::ResponseCut,
        Failed::Status(500),
        Failed::Refused,
        InvalidVerdict::NotJson.into(),
        InvalidVerdict::WrongEventId.into(),
        InvalidVerdict::UnknownResult.into(),
        UnbuildableRequest::Body(Unrenderable::TooDeep).into(),
    ];
    for failure in &failures {
        let row = format!("| `{}` | {failure}", failure.code());
        assert!(document.contains(&row), "{row}");
    }
    let codes: BTreeSet<_> = failures.iter().map(FailedAttempt::code).collect();
    assert_eq!(codes, FailedAttempt::CODES.into(), "a sentence is missing above");
    Ok(())
}

/// An age as the document tells it: `0`, `10 s`, `2 min 40 s`, `3 h 52 min 40 s`.
fn spoken(seconds: u64) -> String {
    let parts = [(seconds / 3_600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let told: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    if told.is_empty() { "0".to_owned() } else { told.join(" ") }
}
