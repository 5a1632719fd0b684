//! Tests of verdicts and their sentences.

use super::*;

const OLD: Mistake = Mistake::Old { age: SignedDuration::from_hours(3) };
const EARLY: Mistake = Mistake::Early { ahead: SignedDuration::from_mins(6) };

/// A receiver may look at a request days later. The signature is still called right, and its age
/// is told.
#[test]
fn a_signature_is_called_right_if_only_its_time_is_wrong() {
    for (by, mistakes, is_of_time, text) in [
        (Signer::Current, vec![], false, "It is right: the current secret made it."),
        (
            Signer::Current,
            vec![OLD],
            true,
            "It is right: the current secret made it. Its webhook-timestamp is 3",
        ),
        (Signer::Older, vec![EARLY], true, "It is right: an older secret, which still signs, made it. Its"),
        (
            Signer::Current,
            vec![Mistake::Hex],
            false,
            "It was made with the current secret, but not as it should",
        ),
        (
            Signer::Current,
            vec![Mistake::Hex, OLD],
            false,
            "It was made with the current secret, but not as it",
        ),
        (Signer::Yours, vec![OLD], false, "Your secret made it, which is none of this app's on this shop:"),
    ] {
        let verdict = Verdict::Signed { by, mistakes };
        assert_eq!(verdict.is_right_but_for_its_time(), is_of_time, "{verdict}");
        assert!(verdict.to_string().starts_with(text), "{verdict}");
    }
}

#[test]
fn a_computed_signature_is_right_or_has_the_mistakes_of_any_other() {
    let signed = |mistakes| Verdict::Signed { by: Signer::Current, mistakes };
    let computed = |verdict| Verdict::Computed(Box::new(verdict));
    let right = "It is right: your code computes what Storehook sends.";
    assert_eq!(computed(signed(vec![])).to_string(), right);
    for wrong in [signed(vec![Mistake::Hex]), Verdict::Unknown, Verdict::Malformed] {
        assert_eq!(computed(wrong.clone()).to_string(), wrong.to_string());
    }
}
