//! The AWS credentials that the user has, or has not: each trouble ends in a sentence of its own.

use std::{fs, path::PathBuf};

use anyhow::Result;
use storehook_tests::{Stack, root};
use tokio::process::Command;

use super::{ended, storehook, told};

/// Profiles of every kind, as `aws configure` writes them.
const CONFIG: &str = "\
[profile sso]
sso_session = corp
sso_account_id = 111111111111
sso_role_name = Ops
region = us-east-1
[sso-session corp]
sso_region = us-east-1
sso_start_url = https://corp.example/start
[profile login]
login_session = arn:aws:iam::111111111111:user/x
region = us-east-1
[profile broken]
credential_process = /bin/false
region = us-east-1
[profile good]
aws_access_key_id = test
aws_secret_access_key = test
region = us-east-1
";

/// Where the SDK looks for the session `corp`: the SHA-1 of its name.
const SESSION: &str = "ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

/// A home with these profiles. With `is_expired` there is an SSO session, which has ended.
fn home(name: &str, is_expired: bool) -> Result<PathBuf> {
    let home = root().join("target/it/homes").join(name);
    let cache = home.join(".aws/sso/cache");
    fs::create_dir_all(&cache)?;
    fs::write(home.join(".aws/config"), CONFIG)?;
    if is_expired {
        let session = r#"{"accessToken": "t", "expiresAt": "2020-01-01T00:00:00Z", "region": "us-east-1"}"#;
        fs::write(cache.join(SESSION), session)?;
    }
    Ok(home)
}

async fn command(home: &str, variables: &[(&str, &str)], options: &[&str]) -> Result<Command> {
    let mut command = storehook(&[&["--stack", "none", "status"], options].concat()).await?;
    command.env_clear().env("HOME", home).env("AWS_EC2_METADATA_DISABLED", "true");
    command.envs(variables.iter().copied());
    Ok(command)
}

#[tokio::test]
async fn a_command_without_credentials_or_region_says_how_to_get_them() -> Result<()> {
    let profiles = home("profiles", false)?.display().to_string();
    let expired = home("expired", true)?.display().to_string();
    let region = ("AWS_REGION", "us-east-1");
    const NONE: &str = "error: no AWS credentials were found: log in with `aws configure`";
    for (home, variables, options, expected) in [
        ("/nonexistent", &[region][..], &[][..], NONE),
        ("/nonexistent", &[], &["--region", "us-east-1"], NONE),
        (
            "/nonexistent",
            &[("AWS_ACCESS_KEY_ID", "x")],
            &[],
            "error: no AWS region is set: name it with --region",
        ),
        (&profiles, &[region], &["--profile", "missing"], NONE),
        (
            &profiles,
            &[],
            &["--profile", "sso"],
            "error: your SSO session has ended, or there is none yet: run `aws sso login`",
        ),
        (
            &expired,
            &[],
            &["--profile", "sso"],
            "error: your SSO session has ended, or there is none yet: run `aws sso login`",
        ),
        (
            &expired,
            &[("AWS_PROFILE", "sso")],
            &[],
            "error: your SSO session has ended, or there is none yet: run `aws sso login`",
        ),
        (&profiles, &[], &["--profile", "login"], "error: this profile's session is one of `aws login`"),
        (
            &profiles,
            &[],
            &["--profile", "broken"],
            "error: your AWS credentials cannot be used: see whether `aws sts",
        ),
    ] {
        let output = ended(command(home, variables, options).await?).await?;
        let found = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{options:?}: {found}");
        assert!(found.starts_with(expected), "{variables:?} {options:?}: {found}");
        assert!(!found.contains("IMDS"), "{found}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stack_is_found_with_the_credentials_of_a_profile_or_not_at_all() -> Result<()> {
    let stack = Stack::shared().await?;
    let home = home("good", false)?.display().to_string();
    let endpoint = ("AWS_ENDPOINT_URL", stack.endpoint_url.as_str());
    let absent = ended(command(&home, &[endpoint], &["--profile", "good"]).await?).await?;
    let found = String::from_utf8_lossy(&absent.stderr);
    assert_eq!(absent.status.code(), Some(1));
    assert!(
        found.starts_with("error: there is no stack none in us-east-1 with these credentials"),
        "{found}"
    );

    let mut list = storehook(&["--stack", &stack.name, "--profile", "good", "list", "--json"]).await?;
    list.env_clear().env("HOME", &home).envs([endpoint]);
    let listed: serde_json::Value = serde_json::from_str(&told(list, 0).await?)?;
    let mut apps = listed["installations"].as_array().into_iter().flatten();
    assert!(apps.any(|installation| installation["app"] == "demo-app"), "{listed}");
    Ok(())
}
