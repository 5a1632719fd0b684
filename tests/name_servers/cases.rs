//! What the name server answers, and whether a delivery may follow.

use std::net::IpAddr;

/// Addresses that deliveries may reach.
pub(super) const PUBLIC: [&str; 2] = ["93.184.216.34", "2606:4700::1"];

/// Addresses that no delivery may reach, in every form in which a name server can tell them. Those without
/// an endpoint are addresses that no machine can have.
pub(super) const FORBIDDEN: [&str; 30] = [
    "127.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
    "100::1",
];

/// What a name leads to.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// These addresses.
    Addresses(Vec<IpAddr>),
    /// The first look-up gives these addresses, all others those.
    Rebinding(Vec<IpAddr>, Vec<IpAddr>),
    /// So many other names, one after the other, and then this address.
    Chain(usize, IpAddr),
    /// The name does not exist.
    Missing,
    /// The server fails.
    Failing,
    /// The server is silent.
    Silent,
}

/// A name, and whether deliveries to it arrive.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) answer: Answer,
    pub(super) arrives: bool,
}

/// All of them. A name is the number of its case.
pub(super) fn all() -> Result<Vec<Case>, std::net::AddrParseError> {
    let public: Vec<IpAddr> = PUBLIC.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let forbidden: Vec<IpAddr> = FORBIDDEN.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let (open, closed) = (public[0], IpAddr::from([10, 0, 0, 1]));
    let arriving = [
        Answer::Addresses(vec![open]),
        Answer::Addresses(vec![public[1]]),
        Answer::Addresses(public.clone()),
        Answer::Chain(8, open),
    ];
    let mut refused = vec![
        Answer::Chain(1, closed),
        Answer::Chain(8, closed),
        Answer::Missing,
        Answer::Failing,
        Answer::Silent,
        Answer::Addresses(Vec::new()),
    ];
    for ip in forbidden {
        refused.push(Answer::Addresses(vec![ip]));
        refused.push(Answer::Addresses(vec![open, ip]));
        let others = (1..=24).map(|last| IpAddr::from([93, 184, 217, last]));
        refused.push(Answer::Addresses(others.chain([ip, open]).collect()));
        refused.push(Answer::Rebinding(vec![ip], vec![open]));
    }
    let case = |arrives| move |answer| Case { answer, arrives };
    let mut cases: Vec<_> = arriving.into_iter().map(case(true)).collect();
    cases.extend(refused.into_iter().map(case(false)));
    // Judged, and then connected to without another look-up.
    cases.push(Case { answer: Answer::Rebinding(vec![open], vec![closed]), arrives: true });
    Ok(cases)
}
