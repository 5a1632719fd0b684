//! The checks of how an endpoint is reached and how it responds.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use storehook_domain::webhook::Protocol;

use super::{
    findings::Findings,
    verdict::{Check, Verdict},
};
use crate::doctor::exchange::{Answer, BODY_READ};

/// From when on a webhook gets the slow lane by default: the template's `SlowAfterSeconds`.
const SLOW: Duration = Duration::from_secs(1);

/// A certificate that expires sooner than this should have been renewed. Those of Let's Encrypt are
/// renewed 30 days before they expire.
const RENEWED_BEFORE: SignedDuration = SignedDuration::from_hours(14 * 24);

pub(super) fn address(findings: &Findings) -> Check {
    let name = "address";
    if let Some(ip) = findings.forbidden {
        return Check::new(
            name,
            Verdict::Warning,
            format!("{ip} is not a public address"),
            "A deployed stack does not deliver there, unless its parameter AllowedCidrs opens the network.",
        );
    }
    if findings.address.url().scheme() == "http" {
        return Check::new(
            name,
            Verdict::Warning,
            "it is http",
            "Use https: the payloads can be read on their way.",
        );
    }
    Check::new(name, Verdict::Ok, "it is https and public", "")
}

pub(super) fn certificate(findings: &Findings, now: Timestamp) -> Check {
    let name = "certificate";
    let Some(certificate) = &findings.certificate else {
        return match findings.address.url().scheme() {
            "http" => Check::skipped(name, "http has none"),
            _ => Check::skipped(name, "the endpoint showed none"),
        };
    };
    let expires_at = certificate.expires_at;
    let days = expires_at.map(|expires_at| now.duration_since(expires_at).as_hours() / -24);
    let until = expires_at.map_or_else(String::new, |at| format!(", expires {}", at.strftime("%Y-%m-%d")));
    let names = certificate.names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    let told = format!("for {names}{until}");
    match (&certificate.refusal, days) {
        (Some(refusal), _) => Check::new(
            name,
            Verdict::Wrong,
            format!("{told}: {refusal}"),
            "Install a certificate of a public authority for this host name, with its intermediates. \
             Deliveries trust no other.",
        ),
        (None, Some(days)) if days < RENEWED_BEFORE.as_hours() / 24 => Check::new(
            name,
            Verdict::Warning,
            format!("{told}, in {days} days"),
            "Renew it. Deliveries fail from the day on when it expires.",
        ),
        (None, Some(days)) => Check::new(name, Verdict::Ok, format!("{told}, in {days} days"), ""),
        (None, None) => Check::new(name, Verdict::Ok, told, ""),
    }
}

pub(super) fn redirect(findings: &Findings) -> Check {
    let name = "redirect";
    match &findings.right.result {
        Err(_) => Check::skipped(name, "there was no response"),
        Ok(Answer { status: 300..=399, location, .. }) => {
            let to = location.as_deref().unwrap_or("nowhere");
            let advice = format!("Register {to} as the address of the webhook: redirects are not followed.");
            Check::new(name, Verdict::Wrong, format!("to {to}"), &advice)
        }
        Ok(_) => Check::new(name, Verdict::Ok, "none", ""),
    }
}

pub(super) fn latency(findings: &Findings) -> Check {
    let name = "latency";
    let others = findings.others.as_ref().map(|others| &others.again);
    let taken = [Some(&findings.right), others].into_iter().flatten().filter(|one| one.result.is_ok());
    let Some(longest) = taken.map(|one| one.took).max() else {
        return Check::skipped(name, "there was no response");
    };
    let found = format!("{} ms of {} ms", longest.as_millis(), findings.limit.as_millis());
    if longest > SLOW && findings.protocol == Protocol::Webhook {
        let advice = "Respond within a second: slower webhooks get the slow lane.";
        Check::new(name, Verdict::Warning, found, advice)
    } else {
        Check::new(name, Verdict::Ok, found, "")
    }
}

pub(super) fn size(findings: &Findings) -> Check {
    let name = "response size";
    let Ok(answer) = &findings.right.result else { return Check::skipped(name, "there was no response") };
    if !answer.is_longer {
        return Check::new(name, Verdict::Ok, format!("{} bytes", answer.body.len()), "");
    }
    let verdict = if findings.protocol == Protocol::Integration { Verdict::Wrong } else { Verdict::Warning };
    let found = format!("over {BODY_READ} bytes");
    Check::new(name, verdict, found, "Respond with less: deliveries read no more than 16 KiB.")
}

pub(super) fn version(findings: &Findings) -> Check {
    match &findings.right.result {
        Ok(answer) => Check::new("HTTP version", Verdict::Ok, answer.version.clone(), ""),
        Err(_) => Check::skipped("HTTP version", "there was no response"),
    }
}
