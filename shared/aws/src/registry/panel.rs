//! The items of the control panel: its sessions, and the one-time links that begin one.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | session | `SESSION#<sha-256>` | `SESSION` |
//! | link | `LINK#<sha-256>` | `LINK` |
//! | attempts at signing in | `SIGN-IN#<network>` | `SIGN-IN` |
//!
//! A session and a link each name the token of an installation, and are good for as long as the
//! token's item is there: to revoke or rotate the token, or to uninstall the app, ends them. Only
//! hashes are stored, so nobody who reads the table can sign in.
//!
//! DynamoDB deletes expired items days late ("Using time to live", *typically within a few days*),
//! so whoever reads one asks [`SessionItem::is_valid`] or writes on a condition.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use storehook_domain::installation::token::TokenHash;

use super::tokens::token_partition;
use crate::table::{Item, key};

/// How long a session lasts after its last use, to within an hour.
pub const SESSION_TIME: SignedDuration = SignedDuration::from_hours(12);

/// How long a one-time link can be used.
pub const LINK_TIME: SignedDuration = SignedDuration::from_mins(10);

/// A session's item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionItem {
    pk: String,
    sk: String,
    /// The partition of the token that it speaks for.
    token: String,
    /// When it began, in microseconds since the Unix epoch.
    began_at: i64,
    /// When it expires, in seconds since the Unix epoch.
    pub expires_at: i64,
}

impl SessionItem {
    /// The item of a session that begins now.
    pub fn begin(id: &TokenHash, token: &TokenHash, now: Timestamp) -> Self {
        Self {
            pk: session_partition(id),
            sk: SESSION_SORT_KEY.to_owned(),
            token: token_partition(token),
            began_at: now.as_microsecond(),
            expires_at: Self::expiry(now),
        }
    }

    /// When a session expires that is used now, in seconds since the Unix epoch.
    pub fn expiry(now: Timestamp) -> i64 {
        now.as_second() + SESSION_TIME.as_secs()
    }

    /// The key of a session's item.
    pub fn key_of(id: &TokenHash) -> Item {
        key(&session_partition(id), SESSION_SORT_KEY)
    }

    /// The token that it speaks for; `None` if the item is malformed.
    pub fn token(&self) -> Option<TokenHash> {
        token_of(&self.token)
    }

    /// Whether it may still be used, if all sessions that began before `sessions_since` were ended.
    pub fn is_valid(&self, sessions_since: Option<i64>, now: Timestamp) -> bool {
        self.expires_at > now.as_second() && sessions_since.is_none_or(|since| self.began_at > since)
    }

    /// Whether a use now should move its expiry: it does so at most once an hour, to save writes.
    pub fn is_due(&self, now: Timestamp) -> bool {
        Self::expiry(now) - self.expires_at >= SignedDuration::from_hours(1).as_secs()
    }
}

/// A one-time link's item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LinkItem {
    pk: String,
    sk: String,
    /// The partition of the token that its session speaks for.
    token: String,
    /// When it was made, in microseconds since the Unix epoch.
    made_at: i64,
    /// When it expires, in seconds since the Unix epoch.
    pub expires_at: i64,
}

impl LinkItem {
    /// The item of a link with this code, for a session of the installation whose token's item is
    /// in this partition ([`token_partition`]).
    pub fn new(code: &TokenHash, token: String, now: Timestamp) -> Self {
        let expires_at = now.as_second() + LINK_TIME.as_secs();
        let (pk, sk, made_at) = (link_partition(code), LINK_SORT_KEY.to_owned(), now.as_microsecond());
        Self { pk, sk, token, made_at, expires_at }
    }

    /// The key of a link's item.
    pub fn key_of(code: &TokenHash) -> Item {
        key(&link_partition(code), LINK_SORT_KEY)
    }

    /// The token that its session speaks for; `None` if the item is malformed.
    pub fn token(&self) -> Option<TokenHash> {
        token_of(&self.token)
    }

    /// Whether it was made after all sessions were last ended.
    pub fn is_valid(&self, sessions_since: Option<i64>) -> bool {
        sessions_since.is_none_or(|since| self.made_at > since)
    }
}

/// The key of the item that counts attempts at signing in from a network.
pub fn sign_in_key(network: &str) -> Item {
    key(&format!("SIGN-IN#{network}"), "SIGN-IN")
}

const SESSION_SORT_KEY: &str = "SESSION";
const LINK_SORT_KEY: &str = "LINK";

fn session_partition(id: &TokenHash) -> String {
    format!("SESSION#{}", id.as_str())
}

fn link_partition(code: &TokenHash) -> String {
    format!("LINK#{}", code.as_str())
}

fn token_of(partition: &str) -> Option<TokenHash> {
    TokenHash::from_hex(partition.strip_prefix("TOKEN#")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap_or_default()
    }

    #[test]
    fn a_session_lasts_twelve_hours_from_its_last_use_to_within_an_hour() {
        let session = SessionItem::begin(&TokenHash::of("id"), &TokenHash::of("token"), at(0));
        assert_eq!(session.token(), Some(TokenHash::of("token")));
        for (second, is_valid, is_due) in [
            (0, true, false),
            (3_599, true, false),
            (3_600, true, true),
            (12 * 3_600 - 1, true, true),
            (12 * 3_600, false, true),
        ] {
            assert_eq!(session.is_valid(None, at(second)), is_valid, "{second} s");
            assert_eq!(session.is_due(at(second)), is_due, "{second} s");
        }
    }

    #[test]
    fn to_sign_out_everywhere_ends_the_sessions_that_began_before() {
        let session = SessionItem::begin(&TokenHash::of("id"), &TokenHash::of("token"), at(7));
        assert!(session.is_valid(Some(6_999_999), at(8)));
        assert!(!session.is_valid(Some(7_000_000), at(8)));
    }

    #[test]
    fn a_link_names_its_token_and_lasts_ten_minutes() {
        let link = LinkItem::new(&TokenHash::of("code"), token_partition(&TokenHash::of("token")), at(0));
        assert_eq!((link.token(), link.expires_at), (Some(TokenHash::of("token")), 600));
        assert!(link.is_valid(None) && link.is_valid(Some(-1)));
        assert!(!link.is_valid(Some(0)), "to sign out everywhere ends it");
    }
}
