//! Tests of the guard: which addresses a delivery may reach.

use super::*;

#[tokio::test]
async fn a_forbidden_network_is_not_reached_by_address_or_name() -> TestResult {
    let endpoint = Endpoint::answering(OK).await?;
    let port = endpoint.address.port();
    let sender = Sender::new(&settings([])?)?;
    for host in ["127.0.0.1", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "localhost."] {
        let outcome = send(&sender, &format!("http://{host}:{port}/hook")).await?;
        assert_eq!(outcome, Err(FailedAttempt::NotAllowed), "{host}");
    }
    assert_eq!(endpoint.connections(), 0);
    Ok(())
}

/// Each name is looked up once: the judged addresses are those of the connection. A second look-up
/// could give other ones.
#[tokio::test]
async fn a_connection_uses_the_address_that_was_judged() -> TestResult {
    let endpoint = Endpoint::answering(OK).await?;
    let (open_ip, closed_ip) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from([10, 0, 0, 1]));
    for (answers, outcome) in [
        (vec![vec![open_ip], vec![closed_ip]], Ok(200)),
        (vec![vec![closed_ip], vec![open_ip]], Err(FailedAttempt::NotAllowed)),
        (vec![vec![open_ip, closed_ip]], Err(FailedAttempt::NotAllowed)),
        (vec![vec![closed_ip, open_ip]], Err(FailedAttempt::NotAllowed)),
        (vec![vec![open_ip, open_ip]], Ok(200)),
        (vec![vec![]], Err(FailedAttempt::NotResolved)),
    ] {
        let before = endpoint.connections();
        let (look_up, asked) = leading_to(answers.clone());
        let sender = Sender::with(&open(LONG)?, Tls::public()?, look_up);
        let url = format!("http://rebinding.example:{}/", endpoint.address.port());
        let is_allowed = outcome.is_ok();
        assert_eq!(send(&sender, &url).await?, outcome, "{answers:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{answers:?}");
        assert_eq!(endpoint.connections() - before, usize::from(is_allowed), "{answers:?}");
    }
    Ok(())
}

#[tokio::test]
async fn addresses_from_the_systems_look_up_are_judged() -> TestResult {
    // Every machine resolves `localhost` to loopback. The URL has another name, because `localhost`
    // itself is refused without a look-up.
    let endpoint = Endpoint::answering(OK).await?;
    for (cidrs, outcome) in [("", Err(FailedAttempt::NotAllowed)), ("127.0.0.0/8,::1/128", Ok(200))] {
        let settings = settings([("ALLOWED_CIDRS", cidrs)])?;
        let look_up: LookUp = Arc::new(|_| system_look_up()("localhost".to_owned()));
        let sender = Sender::with(&settings, Tls::public()?, look_up);
        let url = format!("http://private.example:{}/", endpoint.address.port());
        assert_eq!(send(&sender, &url).await?, outcome, "{cidrs:?}");
    }
    Ok(())
}

/// The Runtime API would hand out other invocations and accept responses to them.
#[tokio::test]
async fn the_runtime_api_cannot_be_reached_even_if_loopback_is_allowed() -> TestResult {
    let endpoint = Endpoint::answering(OK).await?;
    let (look_up, _) = leading_to(vec![vec![Ipv4Addr::LOCALHOST.into()]]);
    let port = endpoint.address.port();
    let of_endpoint = Settings { runtime_api_port: Some(port), ..open(LONG)? };
    let sender = Sender::with(&of_endpoint, Tls::public()?, look_up);
    for host in ["127.0.0.1", "0x7f.1", "localhost", "runtime.example", "[::ffff:127.0.0.1]", "[::1]"] {
        let outcome =
            send(&sender, &format!("http://{host}:{port}/2018-06-01/runtime/invocation/next")).await?;
        assert_eq!(outcome, Err(FailedAttempt::NotAllowed), "{host}");
    }
    assert_eq!(endpoint.connections(), 0);
    Ok(())
}

/// Runs a test in a process whose environment names a proxy that does not exist.
#[test]
fn proxies_of_the_environment_are_ignored() -> TestResult {
    let mut sending = std::process::Command::new(std::env::current_exe()?);
    sending.args(["--exact", "sender::tests::kept::a_kept_connection_that_breaks_is_replaced_at_once"]);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        sending.env(name, "http://127.0.0.1:9");
    }
    let output = sending.env_remove("NO_PROXY").env_remove("no_proxy").output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
    Ok(())
}
